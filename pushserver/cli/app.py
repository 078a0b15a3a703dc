"""The commands and their options; what they do stands in a module each.

The modules are imported when their command runs: ``send`` is used in loops and must not wait for the whole
service to be imported, and a signal during that import is to count already.
"""

import sys
from typing import Annotated

import typer

from pushserver import __version__
from pushserver.cli import options
from pushserver.cli.smtp_app import smtp_app
from pushserver.cli.stopping import StopRequests
from pushserver.domain import Level, Style

app = typer.Typer(
    help="PushServer：把消息可靠地推送到飞书、钉钉、企业微信、邮件和系统通知。",
    epilog="不带命令等同于 serve；pushserver -config FILE 等同于 pushserver serve --config FILE。",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,  # they would show local variables, and with them secrets
    add_completion=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"pushserver {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="显示版本")
    ] = False,
) -> None:
    """Options that need no command."""


@app.command(help="启动服务，直到 Ctrl-C 或 SIGTERM。")
def serve(config: options.Config = options.DEFAULT_CONFIG) -> None:
    """See :func:`pushserver.cli.serve.serve`."""
    with StopRequests() as stop:
        from pushserver.cli.serve import serve as run  # noqa: PLC0415 - see the module's docstring

        raise typer.Exit(run(config, stop))


@app.command(help="检查配置文件：列出全部错误，或显示摘要。")
def check(config: options.Config = options.DEFAULT_CONFIG) -> None:
    """See :func:`pushserver.cli.check.check`."""
    from pushserver.cli.check import check as run  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(run(config))


@app.command(help="让运行中的服务重新加载配置文件：只重启有变化的部分；有错误时什么都不变。")
def reload(url: options.Url = options.DEFAULT_URL, as_json: options.AsJson = False) -> None:
    """See :func:`pushserver.cli.reload.reload`."""
    from pushserver.cli.reload import reload as run  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(run(url, as_json=as_json))


@app.command(help="显示重新加载会改变什么：服务自己的配置文件，或 --config 指定的文件，与生效中的配置相比。")
def diff(
    config: options.OtherConfig = None,
    url: options.Url = options.DEFAULT_URL,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.reload.diff`."""
    from pushserver.cli.reload import diff as run  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(run(config, url, as_json=as_json))


@app.command(help="发送一条推送并等待结果：送达返回 0，失败返回 1，未有结果返回 75。")
def send(
    *,
    recipient: options.Recipient,
    title: options.Title,
    msg: options.Message = "",
    type_: options.PushType = Level.INFO,
    strategy: options.PushStrategy = options.SendStrategy.FAILOVER,
    platform: options.Platform = None,
    style: options.PushStyle = Style.TEXT,
    url: options.Url = options.DEFAULT_URL,
    timeout: options.Patience = options.DEFAULT_PATIENCE,
    no_wait: options.NoWait = False,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.send.send`."""
    from pushserver.cli import send as sending  # noqa: PLC0415 - see the module's docstring

    text = sending.message(msg, sys.stdin.buffer)
    order = sending.Order(recipient, title, text, type_, strategy, platform or "", style)
    raise typer.Exit(sending.send(order, url, None if no_wait else timeout, as_json=as_json))


@app.command(help="查看任务结果：每个目标的状态、说明、尝试次数和耗时。")
def task(
    task_id: options.TaskId,
    url: options.Url = options.DEFAULT_URL,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.send.show`."""
    from pushserver.cli.send import show  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(show(task_id, url, as_json=as_json))


@app.command(help="服务是否正常：正常返回 0，异常返回 1，无法连接返回 69。")
def health(url: options.Url = options.DEFAULT_URL, as_json: options.AsJson = False) -> None:
    """See :func:`pushserver.cli.health.health`."""
    from pushserver.cli.health import health as run  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(run(url, as_json=as_json))


actors_app = typer.Typer(help="查看所有Actor和进程，异常的在前；重启其中一个。")
app.add_typer(actors_app, name="actors")


@actors_app.callback(invoke_without_command=True)
def actors(
    context: typer.Context,
    *,
    state: options.State = None,
    kind: options.Kind = "",
    recipient: options.OfRecipient = "",
    address: options.Under = "",
    limit: options.Limit = 100,
    watch: options.Watch = False,
    url: options.Url = options.DEFAULT_URL,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.actors.show`."""
    context.obj = url
    if context.invoked_subcommand is not None:
        return
    from pushserver.cli import actors as looking  # noqa: PLC0415 - see the module's docstring

    filters = looking.Filters(state or "", kind, recipient, address, limit)
    look = looking.watch if watch else looking.show
    raise typer.Exit(look(filters, url, as_json=as_json))


@actors_app.command("restart", help="重启一个Actor及其下属（信箱保留），或整个进程。")
def restart_actor(
    context: typer.Context,
    address: options.Address,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.actors.restart`."""
    from pushserver.cli.actors import restart  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(restart(address, url or context.obj, as_json=as_json))


notifications_app = typer.Typer(help="查看最后防线发出的系统通知，最新的在前；标记已读；清空。")
app.add_typer(notifications_app, name="notifications")


@notifications_app.callback(invoke_without_command=True)
def notifications(
    context: typer.Context,
    *,
    status: options.NotificationState = None,
    limit: options.PageSize = 50,
    offset: options.Offset = 0,
    url: options.Url = options.DEFAULT_URL,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.notifications.show_page`."""
    context.obj = url
    if context.invoked_subcommand is None:
        list_notifications(context, status=status, limit=limit, offset=offset, as_json=as_json)


@notifications_app.command("list", help="列出系统通知，与不带命令时相同。")
def list_notifications(
    context: typer.Context,
    *,
    status: options.NotificationState = None,
    limit: options.PageSize = 50,
    offset: options.Offset = 0,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.notifications.show_page`."""
    from pushserver.cli.notifications import show_page  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(show_page(status or "", limit, offset, url or context.obj, as_json=as_json))


@notifications_app.command("show", help="显示一条系统通知的全文；不会标记为已读。")
def show_notification(
    context: typer.Context,
    notification_id: options.NotificationId,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.notifications.show`."""
    from pushserver.cli.notifications import show  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(show(notification_id, url or context.obj, as_json=as_json))


@notifications_app.command("read", help="标记一条或全部系统通知为已读。")
def read_notifications(
    context: typer.Context,
    notification_id: options.NotificationIdOrAll = "",
    *,
    all_of_them: options.AllOfThem = False,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.notifications.read`."""
    from pushserver.cli.notifications import read  # noqa: PLC0415 - see the module's docstring

    url = url or context.obj
    raise typer.Exit(read(notification_id, url, all_of_them=all_of_them, as_json=as_json))


@notifications_app.command("clear", help="删除全部系统通知。")
def clear_notifications(
    context: typer.Context,
    *,
    yes: options.Yes = False,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.notifications.clear`."""
    from pushserver.cli.notifications import clear  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(clear(url or context.obj, sys.stdin, yes=yes, as_json=as_json))


app.add_typer(smtp_app, name="smtp")

key_app = typer.Typer(help="API密钥（auth.keys）。", no_args_is_help=True)
app.add_typer(key_app, name="key")


@key_app.callback()
def _keys() -> None:
    """A group, also while it has one command only."""


@key_app.command("new", help="生成一个新密钥，输出密钥和写入配置的哈希；不保存。")
def new_key(*, as_json: options.AsJson = False) -> None:
    """See :func:`pushserver.cli.key.new`."""
    from pushserver.cli.key import new  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(new(as_json=as_json))


@app.command(help="只运行模拟平台：飞书、钉钉、企业微信、SMTP 和 HTTP 通知。")
def sandbox(
    host: options.Host = "127.0.0.1",
    port: options.Port = options.DEFAULT_SANDBOX_PORT,
    smtp_port: options.SmtpPort = options.DEFAULT_SMTP_PORT,
) -> None:
    """See :func:`pushserver.cli.sandbox.sandbox`."""
    with StopRequests() as stop:
        from pushserver.cli.sandbox import sandbox as run  # noqa: PLC0415 - see the module's docstring

        raise typer.Exit(run(host, port, smtp_port, stop))


@app.command(help="一条命令试用：服务、模拟平台和示例接收者都在本机运行。")
def demo(
    directory: options.Directory = options.DEMO_DIRECTORY,
    port: options.Port = options.DEFAULT_PORT,
    sandbox_port: options.SandboxPort = options.DEFAULT_SANDBOX_PORT,
) -> None:
    """See :func:`pushserver.cli.demo.demo`."""
    with StopRequests() as stop:
        from pushserver.cli.demo import demo as run  # noqa: PLC0415 - see the module's docstring

        raise typer.Exit(run(directory, port, sandbox_port, stop))
