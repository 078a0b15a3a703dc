"""Deliveries as the tests of the platforms need them: one moment, one task, and what the test is about."""

from datetime import UTC, datetime, timedelta, timezone

from pushserver.domain import Delivery, Level, Push, Strategy, Style

CHINA = timezone(timedelta(hours=8))
AT = datetime(2024, 1, 1, 20, 0, 5, tzinfo=CHINA)
TASK_ID = "task_20240101_200000_abc123def456"


def delivery(
    title: str = "数据库告警",
    text: str = "主库延迟 12 秒",
    *,
    level: Level = Level.ERROR,
    style: Style = Style.TEXT,
    at: datetime = AT,
    only: tuple[str, ...] = (),
) -> Delivery:
    push = Push(title=title, text=text, level=level, style=style)
    return Delivery(TASK_ID, "ops_alert", Strategy.FAILOVER, push, at, only)


def moment(seconds: float) -> datetime:
    """An aware moment by its Unix time."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA)
