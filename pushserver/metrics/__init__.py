"""What one process counts for Prometheus: pushes at the door, their delivery, the queue, mails, itself.

All label values come from closed sets, so that the number of series is bounded. Help texts say what to do.
"""

from pushserver.metrics.bursts import BurstCollector, EndpointFigures
from pushserver.metrics.delivery import DeliveryMetrics, Failover
from pushserver.metrics.door import DoorMetrics, Refusal
from pushserver.metrics.process import ProcessCollector
from pushserver.metrics.queue import QueueCollector
from pushserver.metrics.relay import DoorTally, RelayCollector, RelayMetrics

__all__ = [
    "BurstCollector",
    "DeliveryMetrics",
    "DoorMetrics",
    "DoorTally",
    "EndpointFigures",
    "Failover",
    "ProcessCollector",
    "QueueCollector",
    "Refusal",
    "RelayCollector",
    "RelayMetrics",
]
