"""The specs of the delivery actors: data, made from the configuration only where somebody looks."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from actors import Backoff, ChildSpec, Context, Policy, Ref
from pushserver.config import Channel as ChannelSettings
from pushserver.config import DigestSettings, Mail, Notice, TargetSettings, Webhook
from pushserver.config import Recipient as RecipientSettings
from pushserver.delivery.channel import Channel
from pushserver.delivery.course import RetryRules
from pushserver.delivery.endpoint import Endpoint
from pushserver.delivery.herald import Crier, Herald
from pushserver.delivery.rated_endpoint import RatedEndpoint
from pushserver.delivery.recipient import Recipient
from pushserver.delivery.services import Services
from pushserver.delivery.terms import DigestRules, Terms
from pushserver.domain import PlatformName, Target
from pushserver.platforms import VENDOR_RATES, Platform, Rated

Build = Callable[[TargetSettings], Platform]
"""Makes the platform side of an endpoint, anew for each life."""

_PARKED = Policy(restarts=5, within=30.0, parking=Backoff(first=5.0, ceiling=300.0))
"""Escalation ends here: whoever fails too often is parked, and everybody else works on."""

_SLACK = 3.0
"""Seconds over its time-out after which a send is stuck: time-outs of sockets do not bound a send."""
_MAIL_STEPS = 3
"""A mail is a conversation, and each of its steps has the time-out to itself."""


class Recipients(Mapping[str, ChildSpec]):
    """The specs of all recipients, each made when it is looked up.

    A task may outlive its recipient's entry in the configuration: such a recipient is known while asked for
    (:meth:`remember`), and has no channels left.
    """

    def __init__(self, configured: Mapping[str, RecipientSettings], services: Services, build: Build) -> None:
        self._configured = configured
        self._services = services
        self._build = build
        self._former: set[str] = set()

    def remember(self, alias: str) -> None:
        """There are unfinished tasks of this recipient, whether or not it is still configured."""
        if alias not in self._configured:
            self._former.add(alias)

    def replace(self, configured: Mapping[str, RecipientSettings]) -> None:
        """Know these from now on; those that are gone may still have unfinished tasks.

        Whoever lives goes on as it is until its next life.
        """
        self._former |= self._configured.keys() - configured.keys()
        self._configured = configured

    def __getitem__(self, alias: str) -> ChildSpec:
        if alias in self._configured:
            recipient = self._configured[alias]
            return self._spec(alias, recipient.channels, recipient.digest)
        if alias in self._former:
            return self._spec(alias, ())
        raise KeyError(alias)

    def __iter__(self) -> Iterator[str]:
        return iter(self._configured)

    def __len__(self) -> int:
        return len(self._configured)

    def _spec(
        self, alias: str, channels: tuple[ChannelSettings, ...], digest: DigestSettings | None = None
    ) -> ChildSpec:
        terms = replace(self._services.terms, digest=_digest_rules(digest))
        return ChildSpec(
            kind="recipient",
            start=partial(Recipient, alias=alias, channels=channels, services=self._services),
            children={
                channel.platform.value: channel_spec(channel, self._services, self._build, terms)
                for channel in channels
            },
            policy=_PARKED,
            sleeps=True,
            capacity=self._services.backlog,
        )


def channel_spec(
    channel: ChannelSettings, services: Services, build: Build, terms: Terms | None = None
) -> ChildSpec:
    """A channel and its endpoints; ``terms`` are its recipient's where they differ from everybody's."""
    return ChildSpec(
        kind="channel",
        start=partial(Channel, services=services),
        children={
            settings.name: _endpoint_spec(
                channel.platform, settings, services, build, terms or services.terms
            )
            for settings in channel.targets
        },
        policy=_PARKED,
        capacity=services.backlog,
    )


def herald_spec(
    notices: Sequence[Notice],
    build: Build,
    *,
    notifications: Ref,
    rules: RetryRules,
    policy: Policy,
    chance: Callable[[], float] = random.random,
) -> ChildSpec:
    """A herald and its criers, one for each of the notices."""
    start = partial(
        Herald,
        notifications=notifications,
        ways=tuple(notice.name for notice in notices),
        rules=rules,
        chance=chance,
    )
    criers = {notice.name: _crier_spec(notice, build) for notice in notices}
    return ChildSpec(kind="herald", start=start, children=criers, policy=policy)


def _crier_spec(notice: Notice, build: Build) -> ChildSpec:
    def start(context: Context) -> Crier:
        return Crier(context, platform=build(notice))

    deadline = _longest_send(notice, notice.timeout) + _SLACK
    return ChildSpec(kind="crier", start=start, policy=_PARKED, deadline=deadline)


def _endpoint_spec(
    platform: PlatformName, settings: TargetSettings, services: Services, build: Build, terms: Terms
) -> ChildSpec:
    own = _own_terms(platform, settings, terms)

    def start(context: Context) -> Endpoint:
        target, way = Target(platform, settings.name), build(settings)
        if own.rates and isinstance(way, Rated):
            return RatedEndpoint(context, target=target, platform=way, services=services, terms=own)
        return Endpoint(context, target=target, platform=way, services=services, terms=own)

    deadline = _longest_send(settings, services.send_timeout) + _SLACK
    return ChildSpec(
        kind="endpoint", start=start, policy=_PARKED, deadline=deadline, capacity=services.backlog
    )


def _digest_rules(settings: DigestSettings | None) -> DigestRules | None:
    return DigestRules(settings.after, settings.over) if settings and settings.enabled else None


def _own_terms(platform: PlatformName, settings: TargetSettings, terms: Terms) -> Terms:
    """What the configuration of one target makes of the terms of its recipient.

    The relay's accounts have breakers of their own, and the last line of defence is tried in any case.
    """
    match settings:
        case Webhook():
            rates = settings.rate if settings.rate is not None else VENDOR_RATES[platform]
            reserve = settings.reserve if settings.reserve is not None else terms.reserve
            return replace(terms, rates=rates, reserve=reserve)
        case Mail(smtp=account) if account is not None:
            return terms
        case _:
            return replace(terms, breaker=None)


def _longest_send(settings: TargetSettings, send_timeout: float) -> float:
    """Seconds that a send may take."""
    match settings:
        case Mail():
            return _MAIL_STEPS * send_timeout
        case Notice(type="http"):
            return settings.timeout
        case _:
            return send_timeout
