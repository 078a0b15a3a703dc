"""Log lines: what they look like, what they must not show, where they go, and the files' rotation.

Records carry stable machine names in ``extra`` (``action``, all listed in ``docs/logs.md``) and the seed's
fields (``platform``, ``recipient``, ``error``). :func:`set_up` is for every process, :class:`Rotator` for the
one that started the others.
"""

from pushserver.logs.levels import LEVELS
from pushserver.logs.redaction import HIDDEN, Redactor
from pushserver.logs.request import current_request
from pushserver.logs.rotation import Rotation
from pushserver.logs.rotator import Rotator
from pushserver.logs.setup import set_up
from pushserver.logs.switch import AwaitedSignal, LevelFile, SwitchSignal, switch

__all__ = [
    "HIDDEN",
    "LEVELS",
    "AwaitedSignal",
    "LevelFile",
    "Redactor",
    "Rotation",
    "Rotator",
    "SwitchSignal",
    "current_request",
    "set_up",
    "switch",
]
