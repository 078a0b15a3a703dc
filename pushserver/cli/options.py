"""The options of the commands, each with its help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pushserver.domain import Level, NotificationStatus, PlatformName, Strategy, Style

DEFAULT_CONFIG = Path("config/config.yaml")
"""What is meant where no file is named."""
DEMO_DIRECTORY = Path("data")
DEFAULT_PORT = 8080
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
DEFAULT_SANDBOX_PORT = 8081
DEFAULT_SMTP_PORT = 1025
DEFAULT_PATIENCE = 120.0
_HIGHEST_PORT = 65535
_DAY = 86_400.0


class SendStrategy(StrEnum):
    """The strategies that a caller may name; a push by platform has its own option."""

    ALL = Strategy.ALL
    FAILOVER = Strategy.FAILOVER
    WEBHOOK_FAILOVER = Strategy.WEBHOOK_FAILOVER
    MIXED = Strategy.MIXED


class ActorState(StrEnum):
    """The states of actors; spelt out here, because :mod:`actors` takes a while to import."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STUCK = "stuck"
    STOPPED = "stopped"
    SLEEPING = "sleeping"


class MailStates(StrEnum):
    """What has become of a mail for one of its recipients, or no matter what."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    DROPPED = "dropped"
    ALL = "all"


Config = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="配置文件 (YAML)")]
OtherConfig = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="另一份配置文件 (YAML)", show_default=False),
]
Url = Annotated[
    str, typer.Option("--url", metavar="URL", envvar="PUSHSERVER_URL", help="服务地址", show_envvar=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]

Recipient = Annotated[str, typer.Option("--recipient", "-r", metavar="ALIAS", help="接收者别名")]
Title = Annotated[str, typer.Option("--title", "-t", metavar="TEXT", help="标题")]
Message = Annotated[
    str, typer.Option("--msg", "-m", metavar="TEXT", help="内容；省略或为 - 时读标准输入", show_default=False)
]
PushType = Annotated[Level, typer.Option("--type", help="消息类型")]
PushStrategy = Annotated[SendStrategy, typer.Option("--strategy", help="发送策略")]
Platform = Annotated[
    PlatformName | None, typer.Option("--platform", help="只用这个平台，此时忽略 --strategy")
]
PushStyle = Annotated[Style, typer.Option("--style", help="消息样式")]
Patience = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", min=0, max=_DAY, help="最多等待结果多少秒"),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="提交后立即返回，只输出任务 ID")]
TaskId = Annotated[str, typer.Argument(metavar="ID", help="任务 ID")]

State = Annotated[ActorState | None, typer.Option("--state", help="只看这种状态；休眠的只在 sleeping 时列出")]
Kind = Annotated[
    str, typer.Option("--kind", metavar="KIND", help="只看这一类，如 recipient、endpoint、process")
]
OfRecipient = Annotated[
    str, typer.Option("--recipient", "-r", metavar="ALIAS", help="只看这个接收者及其下属")
]
Under = Annotated[
    str, typer.Option("--address", metavar="ADDRESS", help="只看这个地址及其下属，可省略进程名")
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="最多显示多少个")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="持续刷新，直到 Ctrl-C")]
Address = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS", help="如 /delivery-0/recipients/ops_alert/feishu；/delivery-0 为整个进程"
    ),
]
OwnUrl = Annotated[str | None, typer.Option("--url", metavar="URL", help="服务地址", show_default=False)]
"""For a command in a group: the group's is meant where it has none."""

NotificationState = Annotated[NotificationStatus | None, typer.Option("--status", help="只看未读或已读的")]
PageSize = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="最多显示多少条")]
Offset = Annotated[int, typer.Option("--offset", metavar="N", min=0, help="跳过最新的多少条")]
NotificationId = Annotated[str, typer.Argument(metavar="ID", help="通知 ID")]
NotificationIdOrAll = Annotated[str, typer.Argument(metavar="[ID]", help="通知 ID，或用 --all")]
AllOfThem = Annotated[bool, typer.Option("--all", help="全部标记为已读")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="不再询问")]

MailStateFilter = Annotated[MailStates, typer.Option("--state", help="只看有收件人处于这种状态的邮件")]
MailLimit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="最多显示多少封")]
MailOffset = Annotated[int, typer.Option("--offset", metavar="N", min=0, help="跳过最新的多少封")]
MailIds = Annotated[list[str], typer.Argument(metavar="ID…", help="邮件 ID")]
MailIdsOrAll = Annotated[
    list[str] | None, typer.Argument(metavar="[ID…]", help="邮件 ID，或用 --all", show_default=False)
]
AllMails = Annotated[bool, typer.Option("--all", help="重试全部")]
MailTo = Annotated[list[str], typer.Option("--to", metavar="ADDRESS", help="收件人，可重复")]
MailFrom = Annotated[
    str, typer.Option("--from", metavar="ADDRESS", help="发件人；默认第一个账户的", show_default=False)
]
RelayHost = Annotated[
    str, typer.Option("--host", metavar="HOST", help="中继地址；默认取自配置", show_default=False)
]
RelayPort = Annotated[
    int,
    typer.Option(
        "--port", metavar="PORT", min=0, max=_HIGHEST_PORT, help="中继端口；默认取自配置", show_default=False
    ),
]

Host = Annotated[str, typer.Option("--host", metavar="HOST", help="监听地址")]
Port = Annotated[
    int, typer.Option("--port", metavar="PORT", min=0, max=_HIGHEST_PORT, help="HTTP 端口，0 为任意空闲端口")
]
SmtpPort = Annotated[
    int,
    typer.Option("--smtp-port", metavar="PORT", min=0, max=_HIGHEST_PORT, help="SMTP 端口，0 为任意空闲端口"),
]
SandboxPort = Annotated[
    int,
    typer.Option("--sandbox-port", metavar="PORT", min=0, max=_HIGHEST_PORT, help="模拟平台的端口"),
]
Directory = Annotated[Path, typer.Option("--dir", metavar="DIR", help="数据目录")]
