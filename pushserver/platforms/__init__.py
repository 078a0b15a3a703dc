"""Platforms: one file each; a delivery goes in, a verdict comes out."""

from pushserver.platforms.errors import AnswerLost, Misconfigured, NotSent, PlatformError, SmtpRefused, Stage
from pushserver.platforms.factory import Context, build
from pushserver.platforms.platform import Platform
from pushserver.platforms.smtp import Envelope, Mailer, Receipt, Refusal, Security, SmtpAccount, SmtpServer

__all__ = [
    "AnswerLost",
    "Context",
    "Envelope",
    "Mailer",
    "Misconfigured",
    "NotSent",
    "Platform",
    "PlatformError",
    "Receipt",
    "Refusal",
    "Security",
    "SmtpAccount",
    "SmtpRefused",
    "SmtpServer",
    "Stage",
    "build",
]
