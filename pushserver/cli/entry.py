"""The way in: arguments to an exit code."""

import sys
from collections.abc import Sequence

from pushserver.cli import exit_codes, screen
from pushserver.cli.app import app
from pushserver.cli.arguments import in_todays_terms
from pushserver.cli.errors import CommandFailed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command (by default that of the process's own arguments) and return its exit code."""
    screen.steady_streams()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(in_todays_terms(given), prog_name=screen.PROGRAM)
    except CommandFailed as failed:
        screen.complain(failed.text)
        return failed.code
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else exit_codes.OK
    return exit_codes.OK
