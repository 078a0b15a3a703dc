"""Reading the configuration for a command."""

import os
from contextlib import suppress
from pathlib import Path

from pushserver.cli import exit_codes, screen
from pushserver.cli.errors import CommandFailed
from pushserver.cli.options import DEFAULT_CONFIG
from pushserver.config import ConfigError, Loaded, Settings, load
from pushserver.config.apart import Source, read_apart
from pushserver.config.errors import NotRead

_LARGE = 500_000
"""Bytes; some 1,500 recipients."""
_FIRST_STEPS = "请复制 config/config.yaml.example，用 --config 指定文件，或先用 pushserver demo 试用"


def read(path: Path) -> Loaded:
    """The configuration in ``path`` under the environment.

    A large one is read in a process of its own, whose memory goes with it: to read 10,000 recipients takes
    far more of it than to have them.

    Raises:
        ConfigError: with every fault.
    """
    if _is_large(path):
        with suppress(NotRead):
            return read_apart(Source(path, dict(os.environ)))
    return load(path, os.environ)


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size > _LARGE
    except OSError:
        return False


def settings_in(path: Path) -> Settings:
    """The settings in ``path``; what is odd about them is said on stderr.

    Raises:
        CommandFailed: they cannot be used; every fault but a single one has been said on stderr.
    """
    try:
        loaded = read(path)
    except ConfigError as error:
        raise _unusable(path, error) from None
    for warning in loaded.warnings:
        screen.warn(warning)
    return loaded.settings


def _unusable(path: Path, error: ConfigError) -> CommandFailed:
    if len(error.faults) == 1:
        hint = f"；{_FIRST_STEPS}" if path == DEFAULT_CONFIG and not path.exists() else ""
        return CommandFailed(f"配置无法使用: {error}{hint}", exit_codes.CONFIG)
    for fault in error.faults:
        screen.complain(str(fault))
    return CommandFailed(f"配置无法使用: 共 {len(error.faults)} 处错误", exit_codes.CONFIG)
