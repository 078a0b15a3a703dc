"""The accounts change while mails are on their way: in hand, waiting for one of them, or for any."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pushserver.domain.mail import MailEnvelope, MailErrorKind, MailReceipt, MailState, SubmitMail
from pushserver.relay.account import UseLines
from pushserver.relay.dsn import Reporter
from pushserver.relay.queue import LOST_ANSWER, Route, UseRoutes
from pushserver.sandbox import MailSink, Sandbox
from tests.relay.sending_house import DEADLINE, House, house
from tests.store.mail_samples import ANN, a_mail
from tests.system.deadline import until


@pytest.fixture
def sinks() -> Iterator[Mapping[str, MailSink]]:
    with Sandbox() as running:
        yield {name: running.smtp(name) for name in ("a", "b")}


def ports(sinks: Mapping[str, MailSink]) -> dict[str, int]:
    return {name: sink.port for name, sink in sinks.items()}


def use(running: House, *names: str) -> None:
    routes = {name: Route(running.system.ref("accounts", name), f"{name}@x.example", 1, 2) for name in names}
    running.system.ref("queue").tell(UseRoutes(routes, Reporter("x.example", "a@x.example")))


def accept(running: House, mail_id: str) -> None:
    running.accept(a_mail(mail_id, sender="printer@example.org", received_at=running.clock.now()))


def in_hand(running: House) -> list[str]:
    """The connections that have a mail."""
    return [
        cell.address.name
        for cell in running.system.cells()
        if cell.spec.kind == "connection" and not cell.mailbox.idle
    ]


def test_a_mail_that_waited_for_an_account_that_is_gone_goes_over_another(
    tmp_path: Path, sinks: Mapping[str, MailSink]
) -> None:
    for sink in sinks.values():
        sink.drop("DATA")
    with house(tmp_path, ports(sinks)) as running:
        accept(running, "m1")
        until(lambda: running.listed("m1").recipients[0].last_reason == LOST_ANSWER, "its answer is lost")
        (to,) = running.listed("m1").recipients
        (other,) = sinks.keys() - {to.account}
        sinks[other].recover()
        use(running, other)
        running.clock.advance(66.0)
        sinks[other].wait(1)
        until(lambda: running.listed("m1").finished_at is not None, "it is finished")
    assert sinks[to.account].count == 1, "the one whose answer was lost"


def test_mails_that_no_account_has_room_for_go_over_one_that_is_new(
    tmp_path: Path, sinks: Mapping[str, MailSink]
) -> None:
    with house(tmp_path, ports(sinks), connections=1) as running:
        use(running, "a")
        sinks["a"].hang()
        for number in range(4):
            accept(running, f"m{number}")
        until(lambda: in_hand(running), "one is in hand")
        use(running, "a", "b")
        sinks["b"].wait(1)
        sinks["a"].release()
        until(lambda: all(mail.finished_at for mail in running.all_mails()), "all are finished")
    assert sinks["a"].count + sinks["b"].count == 4


def test_an_account_that_is_gone_finishes_what_it_has_and_takes_no_more(
    tmp_path: Path, sinks: Mapping[str, MailSink]
) -> None:
    with house(tmp_path, {"a": sinks["a"].port}, connections=1) as running:
        sinks["a"].hang()
        accept(running, "m1")
        until(lambda: in_hand(running), "it is in hand")
        account = running.system.ref("accounts", "a")
        account.tell(UseLines(0))
        late = SubmitMail(MailEnvelope("", (ANN,), b"Subject: late\r\n\r\n"), "m2")
        receipt: MailReceipt = account.ask(late, DEADLINE)
        assert receipt.error is not None
        assert (receipt.error.kind, receipt.error.reason) == (MailErrorKind.RESTING, "账户已从配置中删除")
        sinks["a"].release()
        until(lambda: running.listed("m1").recipients[0].state is MailState.DELIVERED, "it is delivered")
    assert sinks["a"].count == 1


def test_fewer_connections_take_fewer_mails_at_once(tmp_path: Path, sinks: Mapping[str, MailSink]) -> None:
    with house(tmp_path, {"a": sinks["a"].port}, connections=2) as running:
        sinks["a"].hang()
        for number in range(2):
            accept(running, f"m{number}")
        until(lambda: len(in_hand(running)) == 2, "both connections are busy")
        running.system.ref("accounts", "a").tell(UseLines(1))
        sinks["a"].release()
        until(lambda: all(mail.finished_at for mail in running.all_mails()), "both are finished")
        sinks["a"].hang()
        for number in range(2, 5):
            accept(running, f"m{number}")
        until(lambda: in_hand(running), "one is in hand")
        assert in_hand(running) == ["1"]
        sinks["a"].release()
        until(lambda: all(mail.finished_at for mail in running.all_mails()), "all are finished")
    assert sinks["a"].count == 5
