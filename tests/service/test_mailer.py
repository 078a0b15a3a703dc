"""Pushes by e-mail through the accounts: who is asked, and what their answers mean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from actors import Actor, ActorSystem, ChildSpec, Context, Policy, receives
from pushserver.config import RelayAccount
from pushserver.domain.mail import MailError, MailErrorKind, MailReceipt, MailRefusal, SubmitMail
from pushserver.platforms import (
    AnswerLost,
    Envelope,
    Misconfigured,
    NotSent,
    PlatformError,
    Receipt,
    Refusal,
    SmtpRefused,
    Stage,
)
from pushserver.service.mailer import AccountsMailer, Way

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ANN, BOB = "ann@corp.example", "bob@corp.example"
ENVELOPE = Envelope("first@corp.example", (ANN, BOB), b"Subject: hi\r\n\r\nbody\r\n")

Kind = MailErrorKind
Answer = MailReceipt | Exception | None


class SomeAccount(Actor):
    """Gives the answer it was given; ``None`` is none at all."""

    def __init__(self, context: Context, *, answer: Answer, asked: list[SubmitMail]) -> None:
        super().__init__(context)
        self._answer = answer
        self._asked = asked

    @receives(SubmitMail)
    def submit(self, submit: SubmitMail) -> MailReceipt | None:
        self._asked.append(submit)
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer is None:
            self.defer()
        return self._answer


@dataclass
class Desk:
    mailer: AccountsMailer
    asked: dict[str, list[SubmitMail]] = field(default_factory=dict)

    @property
    def order(self) -> dict[str, int]:
        return {name: len(asked) for name, asked in self.asked.items()}


@contextmanager
def accounts(
    patience: float = 5.0, chance: Callable[[], float] = lambda: 0.0, **answers: Answer
) -> Iterator[Desk]:
    """The first of them is asked first."""
    asked: dict[str, list[SubmitMail]] = {name: [] for name in answers}
    children = {
        name: ChildSpec(
            "account",
            lambda context, name=name: SomeAccount(context, answer=answers[name], asked=asked[name]),  # type: ignore[misc]  # a default binds it
            policy=Policy(restarts=0),
        )
        for name in answers
    }
    system = ActorSystem("relay-0", ChildSpec("root", children=children, starts=tuple(children)))
    system.start()
    ways = {name: Way(system.ref(name), 1) for name in answers}
    try:
        yield Desk(AccountsMailer(ways, patience=patience, chance=chance), asked)
    finally:
        system.stop(1.0)


def failed(kind: MailErrorKind, code: int | None = None, reason: str = "因为") -> MailReceipt:
    return MailReceipt("a", error=MailError(kind, code, reason))


DELIVERED = MailReceipt("b", accepted=(ANN, BOB))


def test_an_account_gets_the_mail_as_it_is_and_its_receipt_is_the_answer() -> None:
    receipt = MailReceipt("a", accepted=(ANN,), refused={BOB: MailRefusal(550, "5.1.1 nobody")})
    with accounts(a=receipt) as desk:
        answer = desk.mailer.submit(ENVELOPE, NOON)
    assert answer == Receipt((ANN,), {BOB: Refusal(550, "5.1.1 nobody")})
    (submit,) = desk.asked["a"]
    envelope = submit.envelope
    assert (envelope.sender, envelope.recipients, envelope.content) == (
        "first@corp.example",
        (ANN, BOB),
        b"Subject: hi\r\n\r\nbody\r\n",
    )


@pytest.mark.parametrize(
    "answer",
    [
        failed(Kind.UNREACHABLE),
        failed(Kind.RESTING),
        failed(Kind.BUSY, 421),
        failed(Kind.AUTH, 535),
        failed(Kind.SENDER_REFUSED, 553),
        failed(Kind.DATA_REFUSED_FOR_NOW, 451),
    ],
    ids=lambda answer: str(answer.error.kind),
)
def test_the_next_account_is_asked_when_one_cannot(answer: MailReceipt) -> None:
    with accounts(a=answer, b=DELIVERED) as desk:
        assert desk.mailer.submit(ENVELOPE, NOON) == Receipt((ANN, BOB), {})
    assert desk.order == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("answer", "error"),
    [(failed(Kind.UNCERTAIN), AnswerLost), (failed(Kind.DATA_REFUSED, 554), SmtpRefused)],
    ids=["uncertain", "refused"],
)
def test_nobody_else_is_asked_when_it_may_have_arrived_or_never_will(
    answer: MailReceipt, error: type[PlatformError]
) -> None:
    with accounts(a=answer, b=DELIVERED) as desk, pytest.raises(error):
        desk.mailer.submit(ENVELOPE, NOON)
    assert desk.order == {"a": 1, "b": 0}


@pytest.mark.parametrize(
    ("kind", "code", "stage"),
    [
        (Kind.AUTH, 535, Stage.AUTH),
        (Kind.SENDER_REFUSED, 553, Stage.SENDER),
        (Kind.DATA_REFUSED, 554, Stage.CONTENT),
        (Kind.DATA_REFUSED_FOR_NOW, 451, Stage.CONTENT),
    ],
)
def test_a_servers_refusal_keeps_stage_code_and_words(kind: MailErrorKind, code: int, stage: Stage) -> None:
    with accounts(a=failed(kind, code, "words")) as desk, pytest.raises(SmtpRefused) as refused:
        desk.mailer.submit(ENVELOPE, NOON)
    assert (refused.value.stage, refused.value.code, refused.value.reason) == (stage, code, "words")


@pytest.mark.parametrize(
    ("kind", "error"),
    [(Kind.UNREACHABLE, NotSent), (Kind.RESTING, NotSent), (Kind.BUSY, NotSent), (Kind.AUTH, Misconfigured)],
)
def test_a_failure_without_a_code_is_the_transports(kind: MailErrorKind, error: type[PlatformError]) -> None:
    with accounts(a=failed(kind)) as desk, pytest.raises(error, match="因为"):
        desk.mailer.submit(ENVELOPE, NOON)


def test_when_one_is_ill_and_another_rests_it_is_worth_another_try() -> None:
    with (
        accounts(a=failed(Kind.AUTH, 535), b=failed(Kind.RESTING)) as desk,
        pytest.raises(NotSent),
    ):
        desk.mailer.submit(ENVELOPE, NOON)


def test_an_account_that_crashes_or_says_nothing_may_have_sent_it() -> None:
    with accounts(a=RuntimeError("boom"), b=DELIVERED) as desk, pytest.raises(AnswerLost):
        desk.mailer.submit(ENVELOPE, NOON)
    assert desk.order["b"] == 0
    with accounts(0.05, a=None, b=DELIVERED) as desk, pytest.raises(AnswerLost, match="未在规定时间内"):
        desk.mailer.submit(ENVELOPE, NOON)
    assert desk.order["b"] == 0


def test_an_account_that_is_parked_is_passed_over() -> None:
    with accounts(a=RuntimeError("boom"), b=DELIVERED) as desk:
        with pytest.raises(AnswerLost):
            desk.mailer.submit(ENVELOPE, NOON)
        assert desk.mailer.submit(ENVELOPE, NOON) == Receipt((ANN, BOB), {})
    assert desk.order == {"a": 1, "b": 1}


def test_without_any_account_it_is_misconfigured() -> None:
    with pytest.raises(Misconfigured, match="没有可用的SMTP账户"):
        AccountsMailer({}, patience=1.0).submit(ENVELOPE, NOON)


def test_accounts_that_are_new_are_asked_and_those_that_are_gone_are_not() -> None:
    with accounts(a=failed(Kind.UNREACHABLE), b=DELIVERED) as desk:
        desk.mailer.use([RelayAccount(name="b", weight=3)])
        assert desk.mailer.submit(ENVELOPE, NOON) == Receipt((ANN, BOB), {})
        assert desk.order == {"a": 0, "b": 1}
        desk.mailer.use([])
        with pytest.raises(Misconfigured):
            desk.mailer.submit(ENVELOPE, NOON)
