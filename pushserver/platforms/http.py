"""HTTP POST to one URL over a kept-alive connection, with a certain answer to "was it sent?".

``requests`` is used below ``Session.send``: a request prepared once costs 150 µs of CPU where
``Session.post(json=…)`` costs 390 µs, and nothing follows a redirect, reads ``.netrc`` or the environment.
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as TlsError

from pushserver.platforms.errors import AnswerLost, Misconfigured, NotSent

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; what is beyond cannot be a robot's answer."""

USER_AGENT = "PushServer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, header names in lower case, the body's first 64 KiB, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Post(Protocol):
    """Posts bodies to one URL; used by one thread at a time."""

    def send(self, body: bytes, query: str = "") -> Answer:
        """Post ``body``; ``query`` (percent-encoded already) is added to the URL's own.

        Raises:
            NotSent: the server certainly never had the whole request.
            AnswerLost: it was sent, or may have been, and no complete answer came back in time.
        """
        ...

    def close(self) -> None:
        """Close the kept connection; the next ``send`` opens a new one."""
        ...


class HttpPost:
    """:class:`Post` over ``requests``.

    ``timeout`` is seconds: for connecting, for each read, and (looked at between reads) for the whole
    exchange. ``proxy`` is a URL and ``ca_file`` a PEM bundle that replaces the built-in one. Certificates
    are always verified. Raises :class:`Misconfigured` when ``url`` is not an http(s) URL.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _keep_urls_out_of_logs()
        self._request = _prepare(url, headers or {})
        self._url = str(self._request.url)
        self._adapter = _OneServer(pool_connections=1, pool_maxsize=1)
        self._timeout = timeout
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._verify: bool | str = ca_file or True
        self._clock = clock

    def send(self, body: bytes, query: str = "") -> Answer:
        """See :meth:`Post.send`."""
        started = self._clock()
        content = _Content(body)
        try:
            response = self._exchange(content, query)
            try:
                return Answer(response.status_code, _lowered(response.headers), self._read(response, started))
            finally:
                response.close()
        except (OSError, HTTPError) as error:
            raise (AnswerLost if content.handed_over else NotSent)(_describe(error)) from None

    def close(self) -> None:
        """See :meth:`Post.close`."""
        self._adapter.close()

    def _exchange(self, content: "_Content", query: str) -> requests.Response:
        request = self._request  # one for all: only one thread at a time sends, and no answer keeps it
        request.url = f"{self._url}{'&' if '?' in self._url else '?'}{query}" if query else self._url
        request.headers["Content-Length"] = str(len(content.body))
        request.body = content  # type: ignore[assignment] # requests takes any iterable, its stubs do not say so
        return self._adapter.send(
            request,
            stream=True,
            timeout=(self._timeout, self._timeout),
            verify=self._verify,
            proxies=self._proxies,
        )

    def _read(self, response: requests.Response, started: float) -> bytes:
        """The body's first bytes; a server that drips is cut off once the whole time is up."""
        body = bytearray()
        while len(body) < MAX_ANSWER:
            part = response.raw.read1(MAX_ANSWER - len(body), decode_content=True)
            if not part:
                break
            body += part
            if response.raw.isclosed():  # all of it, by its announced length
                break
            if self._clock() - started > self._timeout:
                raise AnswerLost("应答未在时限内收完")
        return bytes(body)


class _OneServer(HTTPAdapter):
    """Requests that all go to one server, and answers of which nobody wants cookies or an encoding."""

    _pool: Any = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The only pool there is, found once."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
            self._pool.ConnectionCls = _in_one_piece(self._pool.ConnectionCls)
        return self._pool

    def build_response(self, _: requests.PreparedRequest, answer: Any) -> requests.Response:
        """What is read of it here."""
        response = requests.Response()
        response.status_code = answer.status
        response.headers = answer.headers
        response.raw = answer
        return response

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        super().close()
        self._pool = None


@cache
def _in_one_piece(connection_class: type[Any]) -> type[Any]:
    """Connections that send a request's head together with its body: one packet and one system call.

    The first request of a connection still goes in two, behind what opens it.
    """

    class InOnePiece(connection_class):  # type: ignore[misc]  # one of urllib3's, by scheme and proxy
        _head: bytes | None = None

        def request(self, *args: Any, **kwargs: Any) -> None:
            self._head = b"" if self.sock is not None else None
            super().request(*args, **kwargs)

        def send(self, data: bytes) -> None:
            if self._head is None:
                super().send(data)
            elif not self._head:
                self._head = data
            else:
                whole, self._head = self._head + data, None
                super().send(whole)

    return InOnePiece


class _Content:
    """A body that knows whether it was handed to the socket.

    A server acts on a request only once it has the whole body, so a failure before this point is certain
    not to have delivered anything, whichever exception it came as: a TLS handshake that times out, for
    one, is a *read* time-out to urllib3.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.handed_over = False

    def __iter__(self) -> Iterator[bytes]:
        self.handed_over = True
        yield self.body


def _prepare(url: str, headers: Mapping[str, str]) -> requests.PreparedRequest:
    # Asking for no compression keeps a small hostile answer from becoming a large one.
    fixed = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Accept": "*/*"}
    try:
        prepared = requests.Request("POST", url, headers=fixed | dict(headers)).prepare()
    except (requests.RequestException, ValueError):
        prepared = None
    if prepared is None or not str(prepared.url).lower().startswith(("http://", "https://")):
        raise Misconfigured("url 不是有效的 http(s) 地址，请检查配置") from None
    return prepared


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _keep_urls_out_of_logs() -> None:
    """urllib3 logs the path of requests at DEBUG and of odd answers at WARNING; the path is the token."""
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


# The first that fits; urllib3 derives NewConnectionError (any failed connect) from ConnectTimeoutError.
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "TLS证书校验失败"),
    (ProxyError, "代理不可用"),
    (NameResolutionError, "域名解析失败"),
    (ConnectionRefusedError, "连接被拒绝"),
    (NewConnectionError, "无法建立连接"),
    (ConnectTimeoutError, "连接超时"),
    (ReadTimeoutError, "等待应答超时"),
    (TlsError, "TLS握手失败"),
    (ConnectionError, "连接被对方断开"),
)


def _describe(error: BaseException) -> str:
    """The reason by kind: the libraries' own texts quote the URL."""
    chain = tuple(_chain(error))
    for kind, reason in _REASONS:
        if any(isinstance(link, kind) for link in chain):
            return reason
    return f"连接失败 ({type(chain[-1]).__name__})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, outermost first, in whichever of three ways the libraries wrap it."""
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        wrapped = (getattr(current, "reason", None), *current.args, current.__cause__)
        current = next((link for link in wrapped if isinstance(link, BaseException)), None)
