"""The roof: the one place that knows everything. Start order, stopping in reverse, one process or several."""

from pushserver.service.groundwork import AlreadyRunning
from pushserver.service.layout import Layout
from pushserver.service.service import OPEN_TO_ALL, Service

__all__ = ["OPEN_TO_ALL", "AlreadyRunning", "Layout", "Service"]
