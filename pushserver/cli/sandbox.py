"""``pushserver sandbox``: the emulators alone, for trying out a configuration without bothering a group."""

from contextlib import ExitStack
from functools import partial

from rich.table import Table
from rich.text import Text

from pushserver.cli import exit_codes, screen
from pushserver.cli.arrivals import ArrivalFeed
from pushserver.cli.places import listening
from pushserver.cli.stopping import StopRequests
from pushserver.sandbox import MailSink, Sandbox

_TOKEN = "demo"  # noqa: S105 - any token will do: the sandbox is open


def sandbox(host: str, port: int, smtp_port: int, stop: StopRequests) -> int:
    """Run the emulators until ``stop``; the exit code.

    Raises:
        CommandFailed: a port is taken.
    """
    emulators = Sandbox(open=True, host=host, port=port)
    with ExitStack() as open_things:
        listening(emulators.start, host, port)
        open_things.callback(emulators.close)
        mail = listening(partial(emulators.smtp, port=smtp_port), host, smtp_port)
        open_things.enter_context(ArrivalFeed(emulators, {}))
        _introduce(emulators, mail)
        screen.say(f"收到 {stop.wait()}，正在停止…")
    return exit_codes.OK


def _introduce(emulators: Sandbox, mail: MailSink) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_row("网页", emulators.url)
    for robot in (emulators.feishu(_TOKEN), emulators.dingtalk(_TOKEN), emulators.wechat(_TOKEN)):
        table.add_row(robot.platform, robot.url)
    table.add_row("email", f"{mail.host}:{mail.port}  (SMTP, tls: false)")
    table.add_row("http 通知", emulators.notice(_TOKEN).url)
    screen.out().print(table, soft_wrap=True)
    screen.out().print(Text(f"{_TOKEN} 可以换成任何令牌。Ctrl-C 停止。下面是到达的消息:\n", style="dim"))
