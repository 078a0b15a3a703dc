"""What the three robots have in common: prepare, sign, post, judge, and degrade a refused message once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from pushserver.domain import Delivery, Level, Style, Transient, Uncertain, Verdict
from pushserver.platforms import digest
from pushserver.platforms.errors import AnswerLost, NotSent
from pushserver.platforms.http import Answer, Post
from pushserver.platforms.ruling import Remedy, Ruling
from pushserver.platforms.scrub import Scrubber
from pushserver.platforms.text import TITLE_NOTE, clean, clean_line, cut, json_bytes, neutralise

Payload = dict[str, Any]

_TITLE_SHARE = 4  # a title may take up a quarter of the room, so that some is left for the text


@dataclass(frozen=True, slots=True)
class Words:
    """A push made safe for a robot: one-line title with its icon, text, and the time as people read it."""

    title: str
    text: str
    level: Level
    time: str


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature adds to a request: fields of the body, or a query; ``sign`` so it can be hidden."""

    fields: Mapping[str, str]
    query: str
    sign: str


UNSIGNED = Signature({}, "", "")


class Robot(Protocol):
    """What differs between the robots; pure functions of their arguments."""

    icons: Mapping[Level, str]
    limits: Mapping[Style, int]
    """Bytes that a message of each style may have."""
    harmless: Mapping[str, Any] | None
    """A body that nobody in the group sees, refused for its form by a robot that is well, if there is one."""

    def prepare(self, words: Words, style: Style) -> Payload:
        """The vendor's JSON object for these words."""
        ...

    def cost(self, text: str, /) -> int:
        """Bytes of a text, counted as ``limits`` counts them."""
        ...

    def phrase(self, text: str, style: Style, /) -> str:
        """The caller's text in the vendor's dialect, before it is cut to size."""
        ...

    def size(self, body: Payload) -> int:
        """Bytes of the signed body, counted as ``limits`` counts them."""
        ...

    def sign(self, at: datetime, /) -> Signature:
        """The signature for this moment."""
        ...

    def judge(self, answer: Answer) -> Ruling:
        """What the answer means."""
        ...


class Webhook:
    """A :class:`~pushserver.platforms.platform.Rated` platform: one robot behind one URL."""

    def __init__(self, robot: Robot, post: Post, scrubber: Scrubber) -> None:
        self._robot = robot
        self._post = post
        self._scrubber = scrubber
        self._calls = 0

    @property
    def calls(self) -> int:
        """See :attr:`~pushserver.platforms.platform.Rated.calls`."""
        return self._calls

    def deliver(self, delivery: Delivery) -> Verdict:
        """See :meth:`~pushserver.platforms.platform.Platform.deliver`."""
        style = delivery.push.style
        ruling, body = self._attempt(delivery, style, self._robot.limits[style])
        limit = _degraded_limit(self._robot, ruling.remedy, style, body)
        if limit is not None:
            ruling, _ = self._attempt(delivery, Style.TEXT, limit)
        return ruling.verdict

    def merge(self, parts: Sequence[digest.Part], at: datetime) -> digest.Merged:
        """See :meth:`~pushserver.platforms.platform.Rated.merge`."""
        signed = self._robot.sign(at).fields
        title, level, limit = digest.title_of(parts), digest.worst_of(parts), self._robot.limits[Style.CARD]
        words = _words(self._robot, title, level, at, limit)
        return digest.merge(parts, _paper(self._robot, words, signed))

    def probe(self, at: datetime) -> Verdict | None:
        """See :meth:`~pushserver.platforms.platform.Rated.probe`."""
        if self._robot.harmless is None:
            return None
        return self._send(self._robot.harmless, self._robot.sign(at)).verdict

    def close(self) -> None:
        """See :meth:`~pushserver.platforms.platform.Platform.close`."""
        self._post.close()

    def _attempt(self, delivery: Delivery, style: Style, limit: int) -> tuple[Ruling, Payload]:
        """One request; the ruling with its text scrubbed, and the message."""
        signature = self._robot.sign(delivery.at)
        body = fitted(self._robot, delivery, style, limit, signature.fields)
        return self._send(body, signature), body

    def _send(self, body: Mapping[str, Any], signature: Signature) -> Ruling:
        ruling = self._exchange(json_bytes(body), signature)
        if not ruling.verdict.detail:
            return ruling
        detail = self._scrubber.detail(ruling.verdict.detail, signature.sign)
        return replace(ruling, verdict=replace(ruling.verdict, detail=detail))

    def _exchange(self, body: bytes, signature: Signature) -> Ruling:
        self._calls += 1
        try:
            return self._robot.judge(self._post.send(body, signature.query))
        except NotSent as error:
            return Ruling(Transient(detail=error.reason))
        except AnswerLost as error:
            return Ruling(Uncertain(detail=error.reason))


def fitted(robot: Robot, delivery: Delivery, style: Style, limit: int, signed: Mapping[str, str]) -> Payload:
    """The body of this delivery, title and text cut so that it measures at most ``limit`` bytes."""
    push = delivery.push
    words = _words(robot, push.title, push.level, delivery.at, limit)
    room = limit - robot.size({**signed, **robot.prepare(words, style)})
    text = cut(robot.phrase(neutralise(clean(push.text)), style), room, robot.cost)
    return {**signed, **robot.prepare(replace(words, text=text), style)}


def _words(robot: Robot, title: str, level: Level, at: datetime, limit: int) -> Words:
    """The words of a message of at most ``limit`` bytes, still without its text."""
    line = neutralise(clean_line(f"{robot.icons[level]} {title}"))
    shown = cut(line, limit // _TITLE_SHARE, robot.cost, TITLE_NOTE)
    return Words(title=shown, text="", level=level, time=f"{at:%Y-%m-%d %H:%M:%S}")


def _paper(robot: Robot, words: Words, signed: Mapping[str, str]) -> digest.Paper:
    """What is left of a card for the lines of a digest."""
    room = robot.limits[Style.CARD] - robot.size({**signed, **robot.prepare(words, Style.CARD)})
    line_end = robot.cost(robot.phrase("a\na", Style.CARD)) - 2
    return digest.Paper(room, robot.cost, line_end, robot.icons)


def _degraded_limit(robot: Robot, remedy: Remedy, style: Style, refused: Payload) -> int | None:
    """Bytes for a second try as text after this body was refused; ``None`` where none would help."""
    if remedy is Remedy.NONE:
        return None
    full, sent = robot.limits[Style.TEXT], robot.size(refused)
    large = sent > robot.limits[style] // 2
    if remedy is Remedy.SHORTER or (remedy is Remedy.SHORTER_IF_LARGE and large):
        return min(full, sent // 2)
    return full if style is Style.CARD else None
