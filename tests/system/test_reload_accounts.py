"""The relay's accounts change under a service at work; what they have in hand is finished, and sent once."""

import smtplib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pushserver.sandbox import MailSink, Sandbox
from tests.system.actor_list import actors
from tests.system.conftest import Serve
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, PASSWORD, USER, Setup, relay, setup


def start(serve: Serve, directory: Path, *sinks: MailSink, **more: str) -> tuple[PushServer, Setup]:
    """A service with an account, or one for each of the sinks; ``more`` is how all of them are set up."""
    recipients: dict[str, Setup] = {"ops": {"email": {"recipients": [{"email": "ops@corp.example"}]}}}
    named = {sink.name: sink for sink in sinks}
    content = setup(directory, recipients, processes=INLINE, smtp_relay=relay(named))
    for one in content["smtp_relay"]["accounts"]:
        one.update(more)
    return serve(content), content


def reload(server: PushServer, content: Setup) -> list[tuple[str, str]]:
    server.config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    answer = server.client.ask("POST", "/api/v1/reload")
    assert answer.status == 200, answer.body.decode()
    return [(change["path"], change["kind"]) for change in answer.data["changes"]]


def send(server: PushServer, subject: str) -> None:
    status = server.client.ask("GET", "/api/v1/smtp-relay/status").data
    with smtplib.SMTP("127.0.0.1", status["port"], timeout=10) as smtp:
        smtp.login(USER, PASSWORD)
        smtp.sendmail("a@corp.example", ["b@corp.example"], f"Subject: {subject}\r\n\r\ntext")


def account(name: str, sink: MailSink) -> Setup:
    section: dict[str, Any] = relay({name: sink})
    (one,) = section["accounts"]
    return dict(one)


def test_an_account_comes_and_another_goes(serve: Serve, sandbox: Sandbox, tmp_path: Path) -> None:
    first, second = sandbox.smtp("first"), sandbox.smtp("second")
    server, content = start(serve, tmp_path, first)
    send(server, "one")
    first.wait(1)
    content["smtp_relay"]["accounts"].append(account("second", second))
    assert reload(server, content) == [("smtp_relay.accounts.second", "added")]
    del content["smtp_relay"]["accounts"][0]
    assert reload(server, content) == [("smtp_relay.accounts.first", "removed")]
    send(server, "two")
    second.wait(1)
    assert server.client.outcome("ops")["status"] == "completed"
    assert [mail.mailboxes for mail in second.wait(2)][1] == ("ops@corp.example",)
    assert second.wait(2)[1].sender == "second@corp.example"
    assert first.count == 1
    shown = server.client.ask("GET", "/api/v1/smtp-relay/statistics").data["statistics"]["accounts"]
    assert [(one["name"], one["sent_count"]) for one in shown] == [("second", 2)]
    names = {one["address"] for one in actors(server, kind="account")}
    assert names == {"/main-0/accounts/second"}


def test_a_mended_account_is_used_at_once(serve: Serve, sandbox: Sandbox, tmp_path: Path) -> None:
    sink = sandbox.smtp("mended", credentials={"user": "right"}, auth_required=True)
    server, content = start(serve, tmp_path, sink, username="user", password="wrong")
    content["smtp_relay"]["accounts"][0]["password"] = "right"
    for _ in range(5):
        assert server.client.outcome("ops")["status"] == "failed"
    until(lambda: server.client.ask("GET", "/health").data["checks"]["smtp_accounts"]["resting"], "it rests")
    assert reload(server, content) == [("smtp_relay.accounts.mended", "changed")]
    assert server.client.outcome("ops")["status"] == "completed"
    assert server.client.ask("GET", "/health").data["checks"]["smtp_accounts"]["resting"] == []


@pytest.mark.parametrize("change", ["changed", "removed"])
def test_a_mail_in_hand_is_finished_where_it_is(
    serve: Serve, sandbox: Sandbox, tmp_path: Path, change: str
) -> None:
    here, there = sandbox.smtp(f"here-{change}"), sandbox.smtp(f"there-{change}")
    server, content = start(serve, tmp_path, here)
    here.hang()
    send(server, "in hand")
    until(lambda: any(one["busy_for"] for one in actors(server, kind="connection")), "it is in hand")
    content["smtp_relay"]["accounts"].append(account(there.name, there))
    if change == "changed":
        content["smtp_relay"]["accounts"][0]["connections"] = 1
    else:
        del content["smtp_relay"]["accounts"][0]
    assert (f"smtp_relay.accounts.{here.name}", change) in reload(server, content)
    here.release()
    here.wait(1)
    until(lambda: mails(server, "delivered"), "it is known to be delivered")
    assert (here.count, there.count) == (1, 0)
    if change == "removed":
        gone = f"/main-0/accounts/{here.name}"
        until(lambda: gone not in {one["address"] for one in actors(server, kind="account")}, "it is gone")
    send(server, "the next one")
    until(lambda: here.count + there.count == 2, "it has arrived")


def mails(server: PushServer, state: str) -> list[dict[str, Any]]:
    answer = server.client.ask("GET", f"/api/v1/smtp-relay/queue?state={state}")
    return list(answer.data["mails"])
