"""Why a command ends early.

Exception
└── CommandFailed   said on one line of stderr, with an exit code; never a traceback
"""

from pushserver.cli import exit_codes


class CommandFailed(Exception):  # noqa: N818 - an outcome, not a mistake
    """The command cannot go on; ``text`` is for the person at the keyboard and holds no secrets.

    ``code`` is one of :mod:`~pushserver.cli.exit_codes`.
    """

    def __init__(self, text: str, code: int = exit_codes.FAILED) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
