"""The ``pushserver`` command."""

from pushserver.cli.entry import main

__all__ = ["main"]
