"""The options of the commands, each with its help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pushserver.domain import Level, PlatformName, Strategy, Style

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


Config = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="配置文件 (YAML)")]
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
