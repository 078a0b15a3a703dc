"""SIGHUP: the configuration file has changed. Waited for in the way of :mod:`pushserver.logs.switch`."""

import logging

from pushserver.logs import AwaitedSignal

_log = logging.getLogger(__name__)


class ReloadSignal(AwaitedSignal):
    """As a context manager, keeps SIGHUP from ending the process, and its children-to-be."""

    name = "SIGHUP"
    thread_name = "reload"

    def _complain(self) -> None:
        _log.exception(
            "无法按信号重新加载配置", extra={"action": "config_reload_failed", "error": "see the trace"}
        )
