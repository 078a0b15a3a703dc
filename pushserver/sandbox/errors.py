"""What the sandbox says to whoever uses it wrongly or waits in vain.

SandboxError
├── NotRunningError         it has no address before ``start()`` and after ``close()``
├── NothingArrivedError     what a test waited for did not happen in time (a :class:`TimeoutError` too)
└── BadSettingError         a setting or a scripted fault makes no sense (a :class:`ValueError` too)
    └── UndocumentedCodeError   the platform documents no such code, and no text was given for it
"""


class SandboxError(Exception):
    """Base of all errors of the sandbox."""


class NotRunningError(SandboxError):
    """The sandbox has no address before ``start()`` and after ``close()``."""


class NothingArrivedError(SandboxError, TimeoutError):
    """What was waited for did not happen in time."""


class BadSettingError(SandboxError, ValueError):
    """A setting or a scripted fault makes no sense; the text says what would."""


class UndocumentedCodeError(BadSettingError):
    """The platform documents no such code, and no text was given for it."""
