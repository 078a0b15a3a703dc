"""Strict emulators of everything PushServer talks to, for tests, benches and trying it out.

Independent of the service: nothing here is shared with it, so that a mistake cannot cancel itself out. Each
platform's rules stand in one file (``feishu``, ``dingtalk``, ``wechat``), as a list of checks in order.
"""

from pushserver.sandbox.errors import (
    BadSettingError,
    NothingArrivedError,
    NotRunningError,
    SandboxError,
    UndocumentedCodeError,
)
from pushserver.sandbox.journal import Arrival, Journal
from pushserver.sandbox.mail import Mail
from pushserver.sandbox.mail_script import Stage
from pushserver.sandbox.mail_sink import MailSink
from pushserver.sandbox.rate import Rate
from pushserver.sandbox.robot import Robot
from pushserver.sandbox.sandbox import Sandbox
from pushserver.sandbox.vendor import Settings

__all__ = [
    "Arrival",
    "BadSettingError",
    "Journal",
    "Mail",
    "MailSink",
    "NotRunningError",
    "NothingArrivedError",
    "Rate",
    "Robot",
    "Sandbox",
    "SandboxError",
    "Settings",
    "Stage",
    "UndocumentedCodeError",
]
