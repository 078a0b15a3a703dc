"""What the demo says first: where everything is, and two commands to try."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pushserver import __version__
from pushserver.cli import screen
from pushserver.cli.demo_world import MAIN_RECIPIENT
from pushserver.cli.invocation import own_command
from pushserver.cli.options import DEFAULT_PORT

_TITLE, _MESSAGE = "数据库延迟", "主库复制延迟 42 秒"
_WIDEST = 92


@dataclass(frozen=True, slots=True)
class Welcome:
    """What there is to say: the sandbox's page, the service's port, where files go."""

    page: str
    port: int
    directory: Path
    configuration: Path

    @property
    def api(self) -> str:
        """Where the service listens."""
        return f"http://127.0.0.1:{self.port}"


def welcome(hello: Welcome) -> None:
    """Print the panel and, below it where they can be copied, the commands."""
    out = screen.out()
    out.print(_panel(hello))
    out.print("在另一个终端里试试:\n")
    for command in (_curl(hello), _send(hello)):
        out.print(Text(f"{command}\n", style="bold"), soft_wrap=True)
    out.print(Text("Ctrl-C 停止。下面是到达的消息:\n", style="dim"))


def _panel(hello: Welcome) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("网页", Text(f"{hello.page}  看到达的消息，也可以让机器人出故障"))
    table.add_row("接口", f"{hello.api}/api/v1/push")
    table.add_row("接收者", "ops_alert  飞书 ×2、钉钉、企业微信、邮件、系统通知")
    table.add_row("", "dev_team   企业微信、邮件")
    table.add_row("文件", f"{hello.configuration}、{hello.directory / 'log' / 'app.log'}")
    return Panel(table, title=f"PushServer {__version__} 演示", border_style="cyan", width=_WIDEST)


def _curl(hello: Welcome) -> str:
    how = json.dumps({"recipient_alias": MAIN_RECIPIENT, "type": "error", "strategy": "all", "style": "card"})
    content = json.dumps({"title": _TITLE, "msg": _MESSAGE}, ensure_ascii=False)
    body = f'{{\n    {how[1:-1]},\n    "content": {content}}}'
    return f"  curl {hello.api}/api/v1/push -d {shlex.quote(body)}"


def _send(hello: Welcome) -> str:
    place = [] if hello.port == DEFAULT_PORT else ["--url", hello.api]
    where = shlex.join(["send", *place, "--recipient", MAIN_RECIPIENT])
    what = shlex.join(["--strategy", "all", "--title", _TITLE, "--msg", _MESSAGE])
    return f"  {own_command()} {where} \\\n    {what}"
