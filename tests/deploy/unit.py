"""``deploy/systemd/pushserver.service``, and what systemd would make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.tools import DEPLOY

UNIT = DEPLOY / "systemd" / "pushserver.service"


@dataclass(frozen=True)
class Section:
    """Settings in the order of the file; one may come several times."""

    settings: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.settings if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    @property
    def environment(self) -> Mapping[str, str]:
        words = " ".join(self.all("Environment")).split()
        return dict(word.split("=", 1) for word in words)


def service(path: Path = UNIT) -> Section:
    """Its ``[Service]``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    begin = lines.index("[Service]") + 1
    end = lines.index("[Install]")
    pairs = [line.split("=", 1) for line in lines[begin:end] if line and not line.startswith("#")]
    return Section(tuple((name, value) for name, value in pairs))
