"""The threads that requests are answered on."""

import logging

from waitress.task import ThreadedTaskDispatcher


class Workers(ThreadedTaskDispatcher):
    """Waitress' threads, without a warning for every request that waits for one."""

    queue_logger = logging.Logger("waitress.queue", logging.CRITICAL)  # noqa: LOG001 - silences us, not all

    def end(self, timeout: float) -> bool:
        """Let the threads finish; true if they did within ``timeout`` seconds."""
        self.shutdown(timeout=timeout)  # type: ignore[arg-type] # any number of seconds, unlike the stub
        return not self.threads
