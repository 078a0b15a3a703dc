"""Two thousand mails through a relay around which everything fails: none is lost, those twice are counted."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pushserver.sandbox.mail import Mail
from tests.system.deadline import until
from tests.system.mail_burst import SENDER, MailBurst
from tests.system.mail_weather import Provider, Storm, Weather
from tests.system.server_process import PushServer
from tests.system.setups import relay, setup

Serve = Callable[..., PushServer]
Owed = tuple[str, str]
"""A marker and a recipient."""

SEED = 5
MAILS = 2_000
CLIENTS = 19
ANN, BOB, GONE = "ann@corp.example", "bob@corp.example", "gone@corp.example"
ENVELOPE = (ANN, BOB, GONE)
PROVIDERS = ("a", "b", "c")
CONNECTIONS = 3
TWICE_AT_MOST = len(PROVIDERS) * CONNECTIONS
"""For an interruption: what is on the connections it breaks."""
_MARKER = re.compile(rb"^Subject: (mail-\d+)\r$", re.MULTILINE)
_REPORT = b'report-type="delivery-status"'
_FAILED = re.compile(rb"^Final-Recipient: rfc822; (\S+)\r$", re.MULTILINE)


@pytest.fixture
def providers() -> Iterator[dict[str, Provider]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(Provider(name, GONE)) for name in PROVIDERS}


class Course:
    """The mails on their way, and the faults that they meet at moments drawn from a seed."""

    def __init__(
        self, server: PushServer, providers: dict[str, Provider], burst: MailBurst, chance: Random
    ) -> None:
        self.weather = Weather(server, providers)
        self._server = server
        self._providers = providers
        self._burst = burst
        self._chance = chance

    def run(self) -> None:
        """Every kind of fault twice and the relay's kill four times, each until the next one but one."""
        weather = self.weather
        kinds = [
            weather.account_restarted,
            weather.connection_restarted,
            weather.provider_killed,
            weather.provider_hangs,
            weather.answers_dropped,
            weather.put_off,
            weather.partly_refused,
            weather.refused,
            weather.busy,
        ]
        faults = [*kinds, *kinds, *[weather.relay_killed] * 4]
        self._chance.shuffle(faults)
        moments = sorted(self._chance.sample(range(100, 2 * MAILS - 500), len(faults)))
        under_way: Iterator[None] | None = None
        for moment, fault in zip(moments, faults, strict=True):
            until(partial(self._has_come_to, moment), f"{moment} steps are done", 60)
            begun = fault(self._chance.choice(PROVIDERS))
            next(begun)
            _end(under_way)
            under_way = begun
        _end(under_way)

    def _has_come_to(self, moment: int) -> bool:
        """Are so many mails accepted, or at a provider? None is left to wait for its turn."""
        self.nudge()
        arrived = sum(provider.count for provider in self._providers.values())
        return len(self._burst.accepted) + arrived >= moment

    def nudge(self) -> int | None:
        """Try all that waits now; how many there are, if the relay can be asked."""
        try:
            answer = self._server.client.ask("POST", "/api/v1/smtp-relay/queue/retry", b'{"mail_ids": "all"}')
        except OSError:
            return None
        return int(answer.data["retried_count"]) if answer.status == 200 else None


def _end(fault: Iterator[None] | None) -> None:
    for _ in fault or ():
        raise AssertionError("a fault begins, and ends")


@pytest.mark.kill
def test_whatever_fails_each_recipient_gets_the_mail_or_its_sender_a_report(
    serve: Serve, providers: dict[str, Provider], tmp_path: Path
) -> None:
    server = serve(_content(tmp_path, providers))
    port = int(server.client.ask("GET", "/api/v1/smtp-relay/status").data["port"])
    with MailBurst(lambda: port, ENVELOPE, MAILS, CLIENTS) as burst:
        course = Course(server, providers, burst, Random(SEED))
        course.run()
        burst.wait(MAILS, 60)
    for name, provider in providers.items():
        provider.recover()
        assert [*course.weather.account_restarted(name)]
    until(lambda: course.nudge() == 0, "every mail has come to its end", 60)

    arrivals = [(name, mail) for name, provider in providers.items() for mail in provider.mails]
    delivered = _delivered(arrivals)
    bounced = _bounced(server) | _reported(mail for _, mail in arrivals)
    owed = {(marker, to) for marker in burst.accepted for to in ENVELOPE}
    assert len(burst.accepted) == MAILS
    assert owed - delivered.keys() - bounced == set(), "accepted, and neither delivered nor bounced"
    assert {to for marker, to in delivered} == {ANN, BOB}
    assert {marker for marker, to in bounced if to == GONE} == set(burst.accepted)

    twice = {one for one, copies in delivered.items() if len(copies) > 1}
    sent_twice = {one for one in twice if one[0] in burst.doubtful}
    unexplained = {
        one
        for one in twice - sent_twice
        if not any(_unheard(course.weather, *copy) for copy in delivered[one])
    }
    print(  # noqa: T201 - the report
        f"{MAILS} mails, {len(owed)} recipients: {len(delivered)} delivered, {len(bounced)} bounced, "
        f"{len(twice)} twice, {len(sent_twice)} of them sent again by their client; "
        f"{len(burst.doubtful)} answers of ours were lost, {len(course.weather.storms)} interruptions"
    )
    assert unexplained == set(), "twice, though no answer was lost"
    dropped = sum(not mail.answered for _, mail in arrivals) * len(ENVELOPE)
    assert len(twice - sent_twice) <= dropped + TWICE_AT_MOST * len(ENVELOPE) * len(course.weather.storms)


def _content(directory: Path, providers: dict[str, Provider]) -> dict[str, Any]:
    section = relay({name: provider.sink for name, provider in providers.items()})
    for account in section["accounts"]:
        account |= {"timeout": 1, "connections": CONNECTIONS}
    return setup(directory, {"ops": {}}, smtp_relay=section, processes={"gateway": 1, "delivery": 1})


def _delivered(arrivals: list[tuple[str, Mail]]) -> dict[Owed, list[tuple[str, Mail]]]:
    """Every copy of what was not a report, by marker and recipient."""
    copies: defaultdict[Owed, list[tuple[str, Mail]]] = defaultdict(list)
    for provider, mail in arrivals:
        if _REPORT not in mail.raw:
            for to in mail.mailboxes:
                copies[_marker(mail.raw), to].append((provider, mail))
    return dict(copies)


def _reported(arrivals: Iterable[Mail]) -> set[Owed]:
    """Whom the sender has been told about."""
    reports = [mail for mail in arrivals if _REPORT in mail.raw]
    assert {mail.mailboxes for mail in reports} == {(SENDER,)}
    return {(_marker(_header(mail)), to.decode()) for mail in reports for to in _FAILED.findall(mail.raw)}


def _header(report: Mail) -> bytes:
    """What comes back of the mail that a report is about, with the line ends of a mail."""
    part = [*report.message.walk()][-1]
    assert part.get_content_type() == "text/rfc822-headers"
    return bytes(part.get_payload(decode=True)).replace(b"\n", b"\r\n")


def _marker(content: bytes) -> str:
    found = _MARKER.search(content)
    assert found, content
    return found[1].decode()


def _bounced(server: PushServer) -> set[Owed]:
    """Whom the store says so of; a report that was itself refused for good leaves nothing else."""
    found: set[Owed] = set()
    for offset in range(0, 10 * MAILS, 1000):
        answer = server.client.ask(
            "GET", f"/api/v1/smtp-relay/queue?state=bounced&limit=1000&offset={offset}"
        )
        mails = json.loads(answer.body)["data"]["mails"]
        found |= {
            (mail["subject"], to["email"])
            for mail in mails
            for to in mail["recipients"]
            if to["state"] == "bounced" and not mail["is_dsn"]
        }
        if not mails:
            break
    return found


def _unheard(weather: Weather, provider: str, mail: Mail) -> bool:
    return not mail.answered or any(storm.covers(provider, mail.at) for storm in weather.storms)


def test_a_storm_covers_its_own_time_and_place_only() -> None:
    here = Storm("a", 100.0, 101.0)
    assert here.covers("a", 100.5)
    assert not here.covers("b", 100.5)
    assert not here.covers("a", 103.0)
    assert Counter(Storm("", 100.0, 101.0).covers(name, 100.0) for name in PROVIDERS) == Counter({True: 3})
