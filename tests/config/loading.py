"""Loading configurations from texts."""

from pathlib import Path

import pytest

from pushserver.config import ConfigError, Loaded, load

RECIPIENTS = "recipients: {ops: {platforms: {system: {notifications: [{type: console}]}}}}\n"
"""The least that a configuration needs."""


class Load:
    """Loads a YAML text, or collects its faults."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.yaml"

    def __call__(self, text: str | bytes, **environ: str) -> Loaded:
        data = text if isinstance(text, bytes) else text.encode()
        self.path.write_bytes(data)
        return load(self.path, environ)

    def faults(self, text: str | bytes, **environ: str) -> list[str]:
        """The faults' lines, with ``config.yaml`` in place of the whole path."""
        with pytest.raises(ConfigError) as raised:
            self(text, **environ)
        return str(raised.value).replace(str(self.path), "config.yaml").splitlines()
