"""Platforms: one file each; a delivery goes in, a verdict comes out."""

from pushserver.platforms.digest import Merged, Paper, Part, merge
from pushserver.platforms.errors import AnswerLost, Misconfigured, NotSent, PlatformError, SmtpRefused, Stage
from pushserver.platforms.factory import Context, build
from pushserver.platforms.platform import Platform, Rated
from pushserver.platforms.rates import VENDOR_RATES
from pushserver.platforms.smtp import (
    Envelope,
    Mailer,
    Receipt,
    Refusal,
    Security,
    SmtpAccount,
    SmtpServer,
    Streamed,
)

__all__ = [
    "VENDOR_RATES",
    "AnswerLost",
    "Context",
    "Envelope",
    "Mailer",
    "Merged",
    "Misconfigured",
    "NotSent",
    "Paper",
    "Part",
    "Platform",
    "PlatformError",
    "Rated",
    "Receipt",
    "Refusal",
    "Security",
    "SmtpAccount",
    "SmtpRefused",
    "SmtpServer",
    "Stage",
    "Streamed",
    "build",
    "merge",
]
