"""Pushes by e-mail through the relay's accounts: asks one after the other, wherever they stand."""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from actors import ActorError, ActorFailed, ActorSystem, AskTimeout, Ref
from pushserver.config import RelayAccount, Settings
from pushserver.domain.mail import (
    MailEnvelope,
    MailError,
    MailErrorKind,
    MailReceipt,
    SubmitMail,
    new_mail_id,
)
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
from pushserver.relay.selection import choose
from pushserver.service.relay import account_address

STEPS_OF_A_SEND = 3
"""Times ``queue.timeout`` that a push may wait for accounts in all: what an endpoint's deadline leaves it."""

_NO_ACCOUNT = "没有可用的SMTP账户"
_FINAL = frozenset({MailErrorKind.UNCERTAIN, MailErrorKind.DATA_REFUSED})
"""Where no other account is asked: the mail may have arrived, or no server will take it."""
_ABOUT_THE_ACCOUNT = frozenset({MailErrorKind.AUTH, MailErrorKind.SENDER_REFUSED})


@dataclass(frozen=True, slots=True)
class Way:
    """An account to ask, and its share of the mails."""

    ref: Ref
    weight: int


class AccountsMailer:
    """A :class:`~pushserver.platforms.Mailer` over all accounts; safe to share between threads.

    The choice is random by weight; the next one is asked when an account rests, cannot be reached, is busy,
    or refuses. ``ref_to`` leads to an account by its name. ``patience`` is seconds for all of them together,
    ``chance`` draws from 0..1.
    """

    def __init__(
        self,
        ways: Mapping[str, Way],
        *,
        ref_to: Callable[[str], Ref] | None = None,
        patience: float,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ways = ways
        self._ref_to = ref_to or (lambda name: ways[name].ref)
        self._patience = patience
        self._chance = chance
        self._clock = clock

    def submit(self, envelope: Envelope, at: datetime) -> Receipt:
        """See :meth:`pushserver.platforms.Mailer.submit`."""
        until = self._clock() + self._patience
        ways = self._ways
        weights = {name: way.weight for name, way in ways.items()}
        mail = MailEnvelope(envelope.sender, envelope.recipients, envelope.whole())
        errors: list[MailError] = []
        tried: set[str] = set()
        while (account := choose(weights, tried, self._chance)) is not None:
            tried.add(account)
            receipt = self._ask(
                account, ways[account].ref, SubmitMail(mail, new_mail_id(at)), until - self._clock()
            )
            if receipt.error is None:
                return _receipt(receipt)
            errors.append(receipt.error)
            if receipt.error.kind in _FINAL or self._clock() >= until:
                raise _raised(receipt.error)
        raise _raised(_most_telling(errors))

    def use(self, accounts: Iterable[RelayAccount]) -> None:
        """Ask these from the next mail on; a mail under way asks those that it began with."""
        self._ways = {account.name: Way(self._ref_to(account.name), account.weight) for account in accounts}

    def close(self) -> None:
        """The connections are the accounts'."""

    def _ask(self, account: str, ref: Ref, submit: SubmitMail, seconds: float) -> MailReceipt:
        try:
            receipt: MailReceipt = ref.ask(submit, timeout=max(0.0, seconds))
        except (ActorFailed, AskTimeout):
            return _failed(account, MailErrorKind.UNCERTAIN, "账户未在规定时间内答复")
        except ActorError as error:
            return _failed(account, MailErrorKind.UNREACHABLE, str(error))
        return receipt


def mailer_of(settings: Settings, system: ActorSystem, process: str | None) -> AccountsMailer | None:
    """For the settings' accounts, which stand in ``process``; ``None`` where there are none."""
    if process is None or not settings.relay_accounts:
        return None

    def ref_to(account: str) -> Ref:
        return system.ref_at(account_address(process, account))

    mailer = AccountsMailer({}, ref_to=ref_to, patience=STEPS_OF_A_SEND * settings.queue.timeout)
    mailer.use(settings.relay_accounts)
    return mailer


def _failed(account: str, kind: MailErrorKind, reason: str) -> MailReceipt:
    return MailReceipt(account, error=MailError(kind, None, reason))


def _receipt(receipt: MailReceipt) -> Receipt:
    refused = {address: Refusal(no.code, no.reason) for address, no in receipt.refused.items()}
    return Receipt(receipt.accepted, refused)


def _most_telling(errors: list[MailError]) -> MailError:
    """The first that passes: it is worth another try. Otherwise the first."""
    passing = [error for error in errors if error.kind not in _ABOUT_THE_ACCOUNT]
    return next(iter(passing or errors), MailError(MailErrorKind.AUTH, None, _NO_ACCOUNT))


def _raised(error: MailError) -> PlatformError:
    """As an account of the recipient's own would have raised it."""
    match error.kind:
        case MailErrorKind.UNCERTAIN:
            return AnswerLost(error.reason)
        case MailErrorKind.SENDER_REFUSED if error.code is not None:
            return SmtpRefused(Stage.SENDER, error.code, error.reason)
        case MailErrorKind.DATA_REFUSED | MailErrorKind.DATA_REFUSED_FOR_NOW if error.code is not None:
            return SmtpRefused(Stage.CONTENT, error.code, error.reason)
        case MailErrorKind.AUTH if error.code is not None:
            return SmtpRefused(Stage.AUTH, error.code, error.reason)
        case MailErrorKind.AUTH:
            return Misconfigured(error.reason)
        case _:
            return NotSent(error.reason)
