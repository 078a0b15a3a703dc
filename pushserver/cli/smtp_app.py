"""The commands under ``pushserver smtp``; see :mod:`pushserver.cli.app` for when modules are imported."""

import sys

import typer

from pushserver.cli import options

smtp_app = typer.Typer(help="SMTP中继：检查认证、试发邮件、查看和处理队列。", no_args_is_help=True)
queue_app = typer.Typer(help="查看中继队列中的邮件，最新的在前；立即重试；放弃。")
smtp_app.add_typer(queue_app, name="queue")


@smtp_app.command(
    "check", help="以客户端身份逐步检查：连接、EHLO、认证、MAIL FROM、RCPT TO、QUIT；不发送邮件。"
)
def check_relay(
    config: options.Config = options.DEFAULT_CONFIG,
    host: options.RelayHost = "",
    port: options.RelayPort = 0,
) -> None:
    """See :func:`pushserver.cli.smtp.check`."""
    from pushserver.cli.smtp import Place, check  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(check(Place(config, host, port)))


@smtp_app.command("send", help="通过中继发送一封邮件。")
def send_mail(
    *,
    to: options.MailTo,
    title: options.Title,
    msg: options.Message = "",
    sender: options.MailFrom = "",
    config: options.Config = options.DEFAULT_CONFIG,
    host: options.RelayHost = "",
    port: options.RelayPort = 0,
) -> None:
    """See :func:`pushserver.cli.smtp.send`."""
    from pushserver.cli.send import message  # noqa: PLC0415 - see the module's docstring
    from pushserver.cli.smtp import Letter, Place, send  # noqa: PLC0415 - see the module's docstring

    letter = Letter(to, title, message(msg, sys.stdin.buffer), sender)
    raise typer.Exit(send(Place(config, host, port), letter))


@queue_app.callback(invoke_without_command=True)
def queue(
    context: typer.Context,
    *,
    state: options.MailStateFilter = options.MailStates.WAITING,
    limit: options.MailLimit = 50,
    offset: options.MailOffset = 0,
    url: options.Url = options.DEFAULT_URL,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.mails.show_page`."""
    context.obj = url
    if context.invoked_subcommand is None:
        list_mails(context, state=state, limit=limit, offset=offset, as_json=as_json)


@queue_app.command("list", help="列出邮件，与不带命令时相同。")
def list_mails(
    context: typer.Context,
    *,
    state: options.MailStateFilter = options.MailStates.WAITING,
    limit: options.MailLimit = 50,
    offset: options.MailOffset = 0,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.mails.show_page`."""
    from pushserver.cli.mails import show_page  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(show_page(state, limit, offset, url or context.obj, as_json=as_json))


@queue_app.command("retry", help="立即重试若干封或全部邮件。")
def retry_mails(
    context: typer.Context,
    mail_ids: options.MailIdsOrAll = None,
    *,
    all_of_them: options.AllMails = False,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.mails.retry`."""
    from pushserver.cli.mails import retry  # noqa: PLC0415 - see the module's docstring

    url = url or context.obj
    raise typer.Exit(retry(mail_ids or [], url, all_of_them=all_of_them, as_json=as_json))


@queue_app.command("drop", help="放弃若干封邮件：不再投递，也不退信。")
def drop_mails(
    context: typer.Context,
    mail_ids: options.MailIds,
    *,
    yes: options.Yes = False,
    url: options.OwnUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """See :func:`pushserver.cli.mails.drop`."""
    from pushserver.cli.mails import drop  # noqa: PLC0415 - see the module's docstring

    raise typer.Exit(drop(mail_ids, url or context.obj, sys.stdin, yes=yes, as_json=as_json))
