"""The sandbox: strict emulators of three chat robots, a notice sink and mail sinks on one event loop."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from pushserver.sandbox.dingtalk import DingTalk
from pushserver.sandbox.errors import NotRunningError
from pushserver.sandbox.feishu import Feishu
from pushserver.sandbox.front import Front
from pushserver.sandbox.journal import KEEP, Arrival, Code, Entry, Journal
from pushserver.sandbox.loop import LoopThread
from pushserver.sandbox.mail_sink import MailSink
from pushserver.sandbox.notice import Notice
from pushserver.sandbox.rate import Rate
from pushserver.sandbox.robot import Clock, Robot
from pushserver.sandbox.server import HttpServer
from pushserver.sandbox.smtp import MailSettings
from pushserver.sandbox.vendor import Settings
from pushserver.sandbox.wechat import WeChat
from pushserver.sandbox.world import World


class Sandbox:
    """Everything that PushServer talks to, on this machine, and stricter than the real thing.

    >>> with Sandbox() as sandbox:
    ...     robot = sandbox.feishu("token-1", secret="s3cret")
    ...     robot.fail(11232, times=2)          # the next two calls are throttled
    ...     ...                                 # post to robot.url
    ...     [message] = robot.wait(1)

    A context manager, or :meth:`start` and :meth:`close`. Every method may be called from any thread.

    Args:
        open: permissive: an unknown token makes a robot instead of being refused.
        host: where to listen; the default is reached from this machine alone.
        port: 0 takes a free one.
        journal: how many arrivals each robot and mail sink keeps; 0 only counts them.
        clock: seconds since the epoch, for signatures, rate limits and times of arrival.
    """

    def __init__(
        self,
        *,
        open: bool = False,  # noqa: A002 - reads as `Sandbox(open=True)`
        host: str = "127.0.0.1",
        port: int = 0,
        journal: int = KEEP,
        clock: Clock = time.time,
    ) -> None:
        self._address = (host, port)
        self._world = World(clock=clock, keep=journal, permissive=open)
        self._server = HttpServer(Front(self._world))
        self._loop: LoopThread | None = None

    def __repr__(self) -> str:
        return f"<Sandbox: {len(self.robots)} robots, {len(self.sinks)} mail sinks, {self.count} arrived>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # life

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is taken or not this machine's.
        """
        sock = _listen(*self._address)
        self._world.move_to(_url(sock))
        self._loop = LoopThread("sandbox")
        self._loop.start()
        self._loop.call(self._server.start(sock))

    def close(self) -> None:
        """Close every connection, whatever it waits for; what arrived can still be read."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        loop.call(self._server.stop())
        for sink in self.sinks:
            loop.call(sink.stop())
            sink.release()
        for robot in self.robots:
            robot.release()
        loop.stop()
        self._world.move_to(None)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end; the page that shows what arrived is there.

        Raises:
            NotRunningError: it does not listen.
        """
        return self._world.url

    # robots

    def feishu(
        self,
        token: str,
        *,
        secret: str | None = None,
        keywords: Iterable[str] = (),
        allowed_ips: Iterable[str] | None = None,
        rate: bool | Rate = False,
        size_limit: int | None = None,
        skip: Iterable[str] = (),
        malformed_status: int = 400,
    ) -> Robot:
        """A robot in a Feishu group; an existing one with this token is set up anew.

        The arguments are explained at :class:`~pushserver.sandbox.Settings`.
        """
        settings = Settings(
            secret=secret,
            keywords=tuple(keywords),
            allowed_ips=None if allowed_ips is None else tuple(allowed_ips),
            rate=rate,
            size_limit=size_limit,
            skip=frozenset(skip),
            malformed_status=malformed_status,
        )
        return self.robot(Feishu.name, token, settings)

    def dingtalk(
        self,
        token: str,
        *,
        secret: str | None = None,
        keywords: Iterable[str] = (),
        allowed_ips: Iterable[str] | None = None,
        rate: bool | Rate = False,
        size_limit: int | None = None,
        skip: Iterable[str] = (),
    ) -> Robot:
        """A robot in a DingTalk group; an existing one with this token is set up anew."""
        settings = Settings(
            secret=secret,
            keywords=tuple(keywords),
            allowed_ips=None if allowed_ips is None else tuple(allowed_ips),
            rate=rate,
            size_limit=size_limit,
            skip=frozenset(skip),
        )
        return self.robot(DingTalk.name, token, settings)

    def wechat(self, key: str, *, rate: bool | Rate = False, skip: Iterable[str] = ()) -> Robot:
        """A robot in a WeCom group: its key is its only secret. An existing one is set up anew."""
        return self.robot(WeChat.name, key, Settings(rate=rate, skip=frozenset(skip)))

    def notice(self, name: str) -> Robot:
        """A sink for notices over HTTP. One that is called without being made comes into being by itself."""
        return self.robot(Notice.name, name, Settings())

    def robot(self, platform: str, token: str, settings: Settings) -> Robot:
        """A robot by the name of its platform.

        Raises:
            BadSettingError: no such platform, a token that cannot stand in a URL, or senseless settings.
        """
        return self._world.registry.make(platform, token, settings)

    def remove(self, robot: Robot) -> None:
        """Delete a robot: from now on its token is unknown."""
        self._world.registry.remove(robot.platform, robot.token)

    def answer_unknown(self, platform: str, code: Code, text: str | None = None) -> None:
        """Answer unknown tokens of a platform with another code (DingTalk's older 300001 or 400101, say)."""
        self._world.registry.answer_unknown(platform, code, text)

    @property
    def robots(self) -> list[Robot]:
        """All robots, in the order in which they were made."""
        return self._world.robots

    # mail

    def smtp(
        self,
        name: str | None = None,
        *,
        port: int = 0,
        credentials: Mapping[str, str] | None = None,
        auth_required: bool = False,
        starttls: ssl.SSLContext | None = None,
        starttls_required: bool = False,
        tls: ssl.SSLContext | None = None,
        size_limit: int = 32 * 1024 * 1024,
    ) -> MailSink:
        """A mail server on a port of its own that takes mail for everybody.

        Args:
            name: what the admin API calls it; ``mail-1``, ``mail-2``, … by itself.
            port: 0 takes a free one.
            credentials: names and passwords that may log in; without any AUTH is not offered.
            auth_required: refuse mails (530) before a login.
            starttls: offer STARTTLS with this server context.
            starttls_required: refuse everything (530) before it.
            tls: speak TLS from the first byte with this server context.
            size_limit: bytes of a mail, announced as SIZE.

        Raises:
            NotRunningError: the sandbox does not run.
            OSError: the port is taken.
        """
        if self._loop is None:
            raise NotRunningError(
                "the sandbox does not run; use it as a context manager or call start() first"
            )
        settings = MailSettings(
            credentials or {}, auth_required, starttls, starttls_required, tls, size_limit
        )
        name = name or f"mail-{len(self.sinks) + 1}"
        sock = _listen(self._address[0], port)
        sink = MailSink(
            name, sock, settings, bell=self._world.bell, clock=self._world.clock, keep=self._world.keep
        )
        self._loop.call(sink.start())
        self._world.add(sink)
        return sink

    @property
    def sinks(self) -> list[MailSink]:
        """All mail sinks, in the order in which they were made."""
        return self._world.sinks

    # what arrived

    @property
    def strays(self) -> Journal[Arrival]:
        """Calls with an unknown token."""
        return self._world.registry.strays

    @property
    def count(self) -> int:
        """How much arrived in all, refused and forgotten ones too, since the last :meth:`clear`."""
        return self._world.count

    def arrivals(self, after: int = 0, limit: int = KEEP) -> list[Entry]:
        """The newest ``limit`` of what arrived after number ``after`` anywhere and is kept, oldest first."""
        return self._world.arrivals(after, limit)

    def wait_for(self, predicate: "Callable[[Sandbox], bool]", timeout: float = 5.0) -> None:
        """Wait until ``predicate(sandbox)`` holds; it is asked again after every arrival anywhere.

        Raises:
            NothingArrivedError: it did not hold within ``timeout`` seconds.
        """
        self._world.wait_for(lambda: predicate(self), timeout)

    def clear(self) -> None:
        """Forget everything that arrived."""
        self._world.clear()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
