"""The sections about the service itself; the defaults are those of the seed's example."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from pushserver.config import checks
from pushserver.config.bursts import Share
from pushserver.config.kinds import FilePath, Host, Networks, OptionalPath, Proxy, Section, seconds, whole
from pushserver.config.rate import Rate, parse_rates

_MIB = 1024 * 1024
_MOST_PROCESSES = 256
_LEVEL_WORDS = {"debug": "debug", "info": "info", "warn": "warn", "warning": "warn", "error": "error"}


def _count_or_auto(value: Any) -> Any:
    if isinstance(value, int) or value == "auto":
        return value
    text = checks.is_text(value)
    if not text.isdecimal() or not 1 <= int(text[:9]) <= _MOST_PROCESSES:
        checks.unfit(checks.kind_of(value))
    return int(text)


def _level_word(value: object) -> object:
    return _LEVEL_WORDS.get(value.casefold(), value) if isinstance(value, str) else value


def _origins(value: Any) -> tuple[str, ...]:
    """Origins as browsers send them (RFC 6454): scheme, host, and a port that is not the scheme's own."""
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        checks.unfit(checks.kind_of(value))
    origins = tuple(checks.is_text(origin).strip() for origin in entries if origin != "")
    for origin in origins:
        if origin != "*" and origin != _origin_of(checks.web_url(origin)):
            checks.unfit("a text that is no origin")
    return origins


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


Origins = Annotated[
    tuple[str, ...],
    PlainValidator(_origins),
    Field(description="a list of origins like https://ops.example.com, or of * alone"),
]
ClientRates = Annotated[
    tuple[Rate, ...],
    PlainValidator(parse_rates),
    Field(description='rates like ["50/s", "600/min"], or off'),
]
Processes = Annotated[
    int | Literal["auto"],
    PlainValidator(_count_or_auto),
    Field(description=f"auto or a whole number from 1 to {_MOST_PROCESSES}"),
]
LogLevel = Annotated[Literal["debug", "info", "warn", "error"], BeforeValidator(_level_word)]
Pin = Annotated[Literal["auto", "on", "off"], BeforeValidator(checks.switch_word)]


class ServerSettings(Section):
    """The HTTP door. Port 0 takes any free one. Times in seconds, sizes in bytes.

    ``trusted_proxies``: networks whose word about a client's address counts. ``cors``: the origins whose
    pages may use the API. ``rate_limit``: for each client, in each gateway.
    """

    port: int = whole(8080, 0, 65535)
    host: Host = "0.0.0.0"  # noqa: S104 - the documented default: the service is meant to be reached
    mode: Literal["debug", "release", "test"] = "debug"
    read_timeout: float = seconds(30)
    write_timeout: float = seconds(30)
    max_header_bytes: int = whole(_MIB, 1024, 16 * _MIB)
    trusted_proxies: Networks = ()
    cors: Origins = ()
    rate_limit: ClientRates = ()


class LogSettings(Section):
    """Where log lines go. ``max_size`` in MB, ``max_age`` in days; 0 backups or days: keep all."""

    level: LogLevel = "info"
    format: Literal["json", "text"] = "json"
    output: Literal["stdout", "file", "both"] = "file"
    file_path: FilePath = Field("log/app.log", min_length=1)
    max_size: int = whole(100, 1, 100_000)
    max_backups: int = whole(10, 0, 100_000)
    max_age: int = whole(30, 0, 100_000)
    compress: bool = True


class QueueSettings(Section):
    """How pushes are worked off; the limits are those of the whole service.

    ``worker_count``: sends under way at once. ``buffer_size``: accepted but unfinished pushes before 503.
    ``timeout``: seconds for one send. ``batch_size``: rows a commit, messages a frame. ``retry_count``:
    rounds after the first, ``retry_delay`` seconds apart, doubling. ``max_wait``: seconds that a push waits
    for the budget of webhooks. ``reserve``: the part of their rates that only errors may use.
    """

    worker_count: int = whole(50, 1, 10_000)
    buffer_size: int = whole(10_000, 1, 100_000_000)
    timeout: float = seconds(10, high=600)
    max_concurrent_per_platform: int = whole(20, 1, 10_000)
    batch_size: int = whole(100, 1, 10_000)
    retry_count: int = whole(3, 0, 100)
    retry_delay: float = seconds(5, low=0)
    max_wait: float = seconds(3600, low=1)
    reserve: Share = 0.2


class TaskSettings(Section):
    """How long finished tasks can be asked for, and how often old ones are swept; seconds."""

    cleanup_interval: float = seconds(300, low=1)
    max_age: float = seconds(86_400, low=1, high=366 * 86_400)


class NotificationSettings(Section):
    """How many system notifications are kept, the newest."""

    max_count: int = whole(1000, 1, 10_000)


class StorageSettings(Section):
    """The database. ``url`` may hold a password: it has no ``repr``.

    ``durability``: an accepted push survives the crash of any ``process``, or a loss of ``power`` too.
    """

    url: Annotated[str, AfterValidator(checks.database_url)] = Field(
        "sqlite:///data/pushserver.db",
        description="the URL of an sqlite, postgresql, mysql or mariadb database",
        repr=False,
    )
    durability: Literal["process", "power"] = "process"


class ProcessSettings(Section):
    """How the work is spread over processes and cores; times in seconds.

    ``inline`` runs everything in one process. ``idle_after`` and ``max_awake`` (a process) decide when actors
    sleep.
    """

    gateway: Processes = "auto"
    delivery: Processes = "auto"
    pin: Pin = "auto"
    idle_after: float = seconds(600, low=1)
    max_awake: int = whole(2000, 1, 1_000_000)
    shutdown_timeout: float = seconds(30, high=3600)
    inline: bool = False
    metrics_per_actor: bool = True


class HttpSettings(Section):
    """How webhooks are reached: ``proxy`` for all of them, ``ca_file`` in place of the usual authorities."""

    proxy: Proxy = None
    ca_file: OptionalPath = None
