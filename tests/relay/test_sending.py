"""Mails on their way: over accounts, past refusals, back to the queue, to their end."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from actors import Address, Reason, Undelivered
from pushserver.domain.breaker import BreakerRules
from pushserver.domain.mail import (
    FetchAccountCounts,
    Mail,
    MailCounts,
    MailEnvelope,
    MailReceipt,
    MailState,
    SubmitMail,
)
from pushserver.relay import queue
from pushserver.relay.notice import notice_of
from pushserver.relay.queue import LOST_ANSWER
from pushserver.sandbox import MailSink, Sandbox
from tests.relay.sending_house import DEADLINE, House, house
from tests.store.mail_samples import ANN, BOB, a_mail, unstored_receipts
from tests.system.deadline import until

SENDER = "printer@example.org"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def dead_port() -> Iterator[int]:
    """Bound and not listening: a connection to it is refused at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def mail(running: House, mail_id: str = "m1", *recipients: str, sender: str = SENDER) -> Mail:
    return a_mail(mail_id, *recipients, sender=sender, received_at=running.clock.now())


def states(running: House, mail_id: str = "m1") -> dict[str, MailState]:
    return {to.address: to.state for to in running.listed(mail_id).recipients}


def finished(running: House, mail_id: str = "m1") -> Callable[[], bool]:
    return lambda: running.listed(mail_id).finished_at is not None


def turned_back(running: House, mail_id: str = "m1") -> Callable[[], bool]:
    return lambda: running.listed(mail_id).recipients[0].tries > 0


def test_a_mail_goes_out_over_an_account_and_is_counted(tmp_path: Path, sandbox: Sandbox) -> None:
    sink = sandbox.smtp()
    with house(tmp_path, {"main": sink.port}) as running:
        running.accept(mail(running, "m1", ANN, BOB))
        (arrived,) = sink.wait()
        until(finished(running), "the mail is finished")
        assert states(running) == {ANN: MailState.DELIVERED, BOB: MailState.DELIVERED}
        counts = running.system.ref("mails").ask(FetchAccountCounts(), DEADLINE)
    assert arrived.mailboxes == (ANN, BOB)
    assert arrived.sender == "main@relay.example"
    assert counts == {"main": MailCounts(1, 0)}


def test_a_try_that_failed_is_counted_with_the_one_that_did_not(
    tmp_path: Path, sandbox: Sandbox, dead_port: int
) -> None:
    with house(tmp_path, {"dead": dead_port, "well": sandbox.smtp().port}) as running:
        running.accept(mail(running))
        until(finished(running), "the mail is finished")
        counts = running.system.ref("mails").ask(FetchAccountCounts(), DEADLINE)
    assert counts == {"dead": MailCounts(0, 1), "well": MailCounts(1, 0)}


def test_a_dead_account_is_passed_over_and_comes_back_by_a_probe(tmp_path: Path, sandbox: Sandbox) -> None:
    sink = sandbox.smtp()
    late = socket.socket()
    late.bind(("127.0.0.1", 0))
    port = late.getsockname()[1]
    with house(tmp_path, {"dead": port, "well": sink.port}, rules=BreakerRules(3, 5.0, 60.0)) as running:
        for number in range(12):
            running.accept(mail(running, f"m{number}"))
        sink.wait(12)
        until(lambda: running.backlog().waiting == 0, "all are finished")
        late.close()
        revived = sandbox.smtp(port=port)
        running.clock.advance(6.0)
        for number in range(12, 40):
            running.accept(mail(running, f"m{number}"))
        revived.wait()
        until(lambda: running.backlog().waiting == 0, "all are finished")
    assert not running.told


def test_a_recipient_refused_for_good_is_reported_to_the_sender(tmp_path: Path, sandbox: Sandbox) -> None:
    sink = sandbox.smtp()
    sink.refuse(BOB, "550 5.1.1 No such user")
    with house(tmp_path, {"main": sink.port}) as running:
        running.accept(mail(running, "m1", ANN, BOB))
        first, bounce = sink.wait(2)
        until(lambda: running.backlog().waiting == 0, "mail and report are finished")
        assert states(running) == {ANN: MailState.DELIVERED, BOB: MailState.BOUNCED}
    assert first.mailboxes == (ANN,)
    assert (bounce.sender, bounce.mailboxes) == ("", (SENDER,))
    assert b"Final-Recipient: rfc822; bob@example.org" in bounce.raw


def test_a_report_is_never_reported_and_a_null_sender_hears_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    sink = sandbox.smtp()
    sink.refuse(BOB)
    with house(tmp_path, {"main": sink.port}) as running:
        running.accept(mail(running, "m1", BOB, sender=""))
        until(finished(running), "the mail is finished")
        assert states(running) == {BOB: MailState.BOUNCED}
        assert len(running.all_mails()) == 1


def test_a_provider_that_refuses_the_null_sender_gets_the_report_from_the_account(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sink = sandbox.smtp()
    sink.refuse(BOB)
    with house(tmp_path, {"main": sink.port}) as running:
        sink.reply("MAIL", "250 2.1.0 Ok", times=1)
        sink.reply("MAIL", "553 5.1.8 Sender refused", times=1)
        running.accept(mail(running, "m1", BOB))
        (bounce,) = sink.wait()
        until(lambda: running.backlog().waiting == 0, "mail and report are finished")
    assert (bounce.sender, bounce.mailboxes) == ("main@relay.example", (SENDER,))
    assert b"Auto-Submitted: auto-replied" in bounce.raw


def test_when_every_account_puts_it_off_the_mail_waits_and_people_are_told_once(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sinks = {name: sandbox.smtp() for name in ("a", "b")}
    for sink in sinks.values():
        sink.refuse(ANN, "451 4.7.1 greylisted", times=2)
    with house(tmp_path, {name: sink.port for name, sink in sinks.items()}) as running:
        running.accept(mail(running))
        until(turned_back(running), "the mail is back in the queue")
        listed = running.listed("m1")
        assert listed.next_try_at == running.clock.now() + timedelta(minutes=1)
        assert [trouble.expired for trouble in running.told] == [False]
        running.clock.advance(61.0)
        until(lambda: running.listed("m1").recipients[0].tries == 2, "the second pass is over")
        running.clock.advance(301.0)
        until(finished(running), "the mail is finished")
        assert states(running) == {ANN: MailState.DELIVERED}
    assert len(running.told) == 1, "once a mail"


def test_a_mail_counts_as_notified_once_people_were_told(tmp_path: Path, dead_port: int) -> None:
    with house(tmp_path, {"dead": dead_port}) as running:
        running.accept(mail(running))
        until(turned_back(running), "the mail is back in the queue")
        assert not running.listed("m1").notified, "nobody has said that they know"
        running.confirm("m1")
        until(lambda: running.listed("m1").notified, "it is stored")
    assert len(running.told) == 1


def test_a_notice_that_was_not_raised_is_raised_on_the_mails_next_turn(
    tmp_path: Path, dead_port: int
) -> None:
    with house(tmp_path, {"dead": dead_port}) as running:
        running.accept(mail(running))
        until(turned_back(running), "the mail is back in the queue")
        notice = notice_of(running.told[0], "notify_1", running.clock.now())
        lost = Undelivered(Address("relay-0", ("herald",)), notice, Reason.RESTARTED)
        running.system.ref("queue").tell(lost)
        running.clock.advance(61.0)
        until(lambda: len(running.told) == 2, "people are told")
    assert [trouble.mail.id for trouble in running.told] == ["m1", "m1"]


def test_a_servers_words_are_passed_on_without_the_password(tmp_path: Path, sandbox: Sandbox) -> None:
    sink = sandbox.smtp()
    sink.reply("DATA", "554 5.7.1 your hunter22 is known", mailbox=ANN)
    sink.refuse(BOB, "550 5.1.1 hunter22 again")
    with house(tmp_path, {"main": sink.port}, secret="hunter22") as running:
        running.accept(mail(running, "m1", ANN))
        running.accept(mail(running, "m2", BOB))
        until(lambda: finished(running, "m1")() and finished(running, "m2")(), "both are finished")
        reasons = [running.listed(mail_id).recipients[0].last_reason for mail_id in ("m1", "m2")]
    assert reasons == ["5.7.1 your *** is known", "5.1.1 *** again"]


def test_a_lost_answer_waits_and_goes_over_the_same_account_only(tmp_path: Path, sandbox: Sandbox) -> None:
    sinks: dict[str, MailSink] = {name: sandbox.smtp() for name in ("a", "b")}
    for sink in sinks.values():
        sink.drop("DATA")
    with house(tmp_path, {name: sink.port for name, sink in sinks.items()}) as running:
        running.accept(mail(running))
        until(turned_back(running), "the answer is known to be lost")
        (to,) = running.listed("m1").recipients
        assert (to.state, to.last_reason) == (MailState.WAITING, LOST_ANSWER)
        other = sinks["b" if to.account == "a" else "a"]
        running.clock.advance(66.0)
        until(finished(running), "the mail is finished")
        assert states(running) == {ANN: MailState.DELIVERED}
        assert other.count == 0
        assert not other.arrivals
    assert not running.told


def test_a_probe_whose_answer_is_lost_does_not_keep_the_account_out_for_good(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        port = late.getsockname()[1]
        with house(tmp_path, {"main": port}, rules=BreakerRules(1, 5.0, 60.0)) as running:
            running.accept(mail(running))
            until(turned_back(running), "the account rests")
            late.close()
            sandbox.smtp(port=port).drop("DATA")
            running.clock.advance(66.0)
            until(lambda: running.listed("m1").recipients[0].last_reason == LOST_ANSWER, "the probe is lost")
            running.accept(mail(running, "m2"))
            until(finished(running, "m2"), "the next mail is the probe")
            assert states(running, "m2") == {ANN: MailState.DELIVERED}


def test_a_mail_too_old_ends_with_a_report_once_people_were_told(tmp_path: Path, dead_port: int) -> None:
    with house(tmp_path, {"dead": dead_port}) as running:
        running.accept(mail(running))
        until(turned_back(running), "the mail is back in the queue")
        running.clock.advance(timedelta(days=3, minutes=1).total_seconds())
        until(lambda: len(running.told) == 2, "people are told of its end")
        assert states(running) == {ANN: MailState.WAITING}, "nobody has said that they know"
        running.confirm("m1-expired")
        until(finished(running), "the mail is finished")
        assert states(running) == {ANN: MailState.EXPIRED}
        reports = [item for item in running.all_mails() if item.is_dsn]
        assert [report.recipients[0].address for report in reports] == [SENDER]
    assert [trouble.expired for trouble in running.told if trouble.mail.id == "m1"] == [False, True]


def test_the_end_of_a_mail_is_told_again_after_a_kill(tmp_path: Path, dead_port: int) -> None:
    with house(tmp_path, {"dead": dead_port}) as running:
        running.accept(mail(running))
        until(turned_back(running), "the mail is back in the queue")
        running.clock.advance(timedelta(days=3, minutes=1).total_seconds())
        until(lambda: len(running.told) == 2, "people are told of its end")
    with house(tmp_path, {"dead": dead_port}) as successor:
        successor.clock.advance(timedelta(days=3, minutes=3).total_seconds())
        until(lambda: successor.told, "people are told again")
        successor.confirm("m1-expired")
        until(finished(successor), "the mail is finished")
        assert states(successor) == {ANN: MailState.EXPIRED}
    assert [trouble.expired for trouble in successor.told if trouble.mail.id == "m1"] == [True]


def test_where_nobody_hears_of_trouble_the_next_turn_tells_it(tmp_path: Path, dead_port: int) -> None:
    with house(tmp_path, {"dead": dead_port}) as running:
        running.deaf = True
        running.accept(mail(running))
        until(turned_back(running), "the mail is back in the queue")
        running.deaf = False
        running.clock.advance(61.0)
        until(lambda: running.told, "people are told")
    assert [trouble.mail.id for trouble in running.told] == ["m1"]


def test_content_that_the_server_refuses_for_good_bounces(tmp_path: Path, sandbox: Sandbox) -> None:
    sink = sandbox.smtp()
    sink.reply("DATA", "554 5.7.1 spam", mailbox=ANN)
    with house(tmp_path, {"main": sink.port}) as running:
        running.accept(mail(running))
        until(finished(running), "the mail is finished")
        assert states(running) == {ANN: MailState.BOUNCED}


def test_many_mails_share_the_connections_of_all_accounts(tmp_path: Path, sandbox: Sandbox) -> None:
    sinks = {name: sandbox.smtp() for name in ("a", "b", "c")}
    with house(tmp_path, {name: sink.port for name, sink in sinks.items()}, connections=3) as running:
        for sink in sinks.values():
            sink.hang()
        for number in range(300):
            running.accept(mail(running, f"m{number}"))
        until(
            lambda: all(len(sink.arrivals) == 3 for sink in sinks.values()), "each has its connections full"
        )
        for sink in sinks.values():
            sink.recover()
        until(lambda: running.backlog().waiting == 0, "all are finished")
    assert sum(sink.count for sink in sinks.values()) == 300


def test_a_backlog_beyond_what_is_in_hand_at_once_needs_no_second_look_by_the_clock(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_IN_HAND", 8)
    monkeypatch.setattr(queue, "REFILL", 3)
    with house(tmp_path, {}) as running:
        for number in range(25):
            running.accept(mail(running, f"m{number}"))
        until(
            lambda: all(item.recipients[0].tries for item in running.all_mails()), "all wait for their turn"
        )
    sink = sandbox.smtp()
    with house(tmp_path, {"main": sink.port}) as successor:
        successor.clock.advance(61.0)
        until(lambda: successor.backlog().waiting == 0, "all are finished")
    assert sink.count == 25


def test_a_push_by_e_mail_leaves_no_receipt_its_result_is_stored_by_who_asked(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sink = sandbox.smtp()
    with house(tmp_path, {"main": sink.port}) as running:
        envelope = MailEnvelope(SENDER, (ANN,), b"Subject: push\r\n\r\nbody\r\n")
        receipt = running.system.ref("accounts", "main").ask(SubmitMail(envelope, "task_1"), DEADLINE)
        assert receipt == MailReceipt("main", accepted=(ANN,), mail_id="task_1")
        assert unstored_receipts(tmp_path) == ()


def test_once_all_is_stored_no_receipt_is_left(tmp_path: Path, sandbox: Sandbox) -> None:
    sink = sandbox.smtp()
    sink.refuse(BOB)
    with house(tmp_path, {"main": sink.port}) as running:
        for number in range(100):
            running.accept(mail(running, f"m{number}", ANN, BOB))
        until(lambda: running.backlog().waiting == 0, "all are finished")
        assert unstored_receipts(tmp_path) == ()
    assert not [*tmp_path.glob("receipts-*")]
