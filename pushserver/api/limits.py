"""How much time and room a client gets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, bytes and counts; the settings ``server.*`` and what stands beside them.

    ``read_timeout`` runs from a request's first byte to its last, however busily the client drips;
    ``write_timeout`` is how long an answer may lie without getting any further because its client does not
    read; after ``idle_timeout`` a connection that nothing happens on is closed. ``max_body_bytes`` is the
    server's hard limit; the routes' own are lower. Beyond ``max_connections`` new ones wait in the backlog.
    """

    read_timeout: float = 30.0
    write_timeout: float = 30.0
    idle_timeout: float = 120.0
    max_header_bytes: int = 1024 * 1024
    max_body_bytes: int = 16 * 1024 * 1024
    max_connections: int = 1000
