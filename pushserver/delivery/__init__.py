"""The actors of a push: recipient, channel, endpoint, and the coordinator that the first two share."""

from pushserver.delivery.board import Board, Lookout
from pushserver.delivery.course import Course, Progress, RetryRules
from pushserver.delivery.errors import PlatformFault
from pushserver.delivery.gate import Gate
from pushserver.delivery.progress import progress_of
from pushserver.delivery.services import LastLine, Services
from pushserver.delivery.sweeper import Sweeper
from pushserver.delivery.terms import DigestRules, Terms
from pushserver.delivery.tree import Build, Recipients, channel_spec, herald_spec

__all__ = [
    "Board",
    "Build",
    "Course",
    "DigestRules",
    "Gate",
    "LastLine",
    "Lookout",
    "PlatformFault",
    "Progress",
    "Recipients",
    "RetryRules",
    "Services",
    "Sweeper",
    "Terms",
    "channel_spec",
    "herald_spec",
    "progress_of",
]
