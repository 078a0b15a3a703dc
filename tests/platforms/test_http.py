import gzip
import logging
import socket
import ssl
from contextlib import suppress
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushserver.platforms.errors import AnswerLost, Misconfigured, NotSent
from pushserver.platforms.http import MAX_ANSWER, HttpPost
from tests.platforms.raw_server import OK, OK_ANSWER, OK_BODY, Peer, answering, serving, unused_port

FRAGMENTS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/9.9 -1 \xff\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -3\r\n",
    b"Content-Length: 2, 3\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Set-Cookie: a=\xff\r\n",
    b": no name\r\n",
    b"\r\n",
    b"zz\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"hello",
]


def post_to(url: str, timeout: float = 5.0, **options: str | None) -> HttpPost:
    return HttpPost(url, timeout=timeout, headers={"Content-Type": "application/json"}, **options)  # type: ignore[arg-type] # a test's shorthand


def test_the_answer_comes_back_with_status_headers_and_body() -> None:
    reply = b"HTTP/1.1 418 Teapot\r\nX-Ogw-Ratelimit-Reset: 7\r\nContent-Length: 2\r\n\r\n{}"
    with serving(answering(reply)) as server:
        answer = post_to(server.url).send(b"{}")
    assert (answer.status, answer.body) == (418, b"{}")
    assert answer.headers["x-ogw-ratelimit-reset"] == "7"


def test_the_request_carries_body_and_headers_and_asks_for_no_compression() -> None:
    with serving(answering(OK_ANSWER)) as server:
        post_to(server.url).send('{"a":"中"}'.encode())
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /hook/tok-0123456789 HTTP/1.1"
    assert b"Content-Length: 11" in lines
    assert b"Content-Type: application/json" in lines
    assert b"Accept-Encoding: identity" in lines
    assert b"User-Agent: PushServer" in lines
    assert body == '{"a":"中"}'.encode()


@pytest.mark.parametrize(("suffix", "target"), [("", b"/p?x=%2B%3D"), ("?k=a%2Fb", b"/p?k=a%2Fb&x=%2B%3D")])
def test_a_query_is_added_without_being_encoded_again(suffix: str, target: bytes) -> None:
    with serving(answering(OK_ANSWER)) as server:
        post_to(f"http://127.0.0.1:{server.port}/p{suffix}").send(b"{}", "x=%2B%3D")
    assert server.requests[0].split(b" ")[1] == target


def test_many_posts_share_one_connection() -> None:
    with serving(answering(OK_ANSWER)) as server:
        post = post_to(server.url)
        for _ in range(5):
            assert post.send(b"{}").body == OK_BODY
        post.close()
    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_closed_post_opens_a_new_connection() -> None:
    with serving(answering(OK_ANSWER)) as server:
        post = post_to(server.url)
        post.send(b"{}")
        post.close()
        post.close()
        assert post.send(b"{}").status == 200
        post.close()
    assert server.connections == 2


def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    def once(peer: Peer) -> None:
        peer.request()
        peer.send(OK_ANSWER)

    with serving(once) as server:
        post = post_to(server.url)
        assert post.send(b"{}").status == 200
        # The server's end of the connection has to arrive before the second send, or that one is lost.
        connection = next(iter(post._adapter.poolmanager.pools._container.values())).pool.queue[-1]
        connection.sock.settimeout(5)
        assert connection.sock.recv(1, socket.MSG_PEEK) == b""
        assert post.send(b"{}").status == 200
    assert server.connections == 2


def test_a_dead_port_is_not_sent() -> None:
    with pytest.raises(NotSent) as caught:
        post_to(f"http://127.0.0.1:{unused_port()}/hook/tok-0123456789").send(b"{}")
    assert caught.value.reason == "连接被拒绝"


def test_an_unknown_host_is_not_sent() -> None:
    with pytest.raises(NotSent) as caught:
        post_to("http://no-such-host.invalid/hook/tok-0123456789").send(b"{}")
    assert caught.value.reason == "域名解析失败"


def test_a_connection_that_is_never_taken_is_not_sent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        # A full backlog drops further SYNs: the connect times out.
        with socket.create_connection(("127.0.0.1", port)), pytest.raises(NotSent) as caught:
            post_to(f"http://127.0.0.1:{port}/", timeout=0.2).send(b"{}")
    assert caught.value.reason == "连接超时"


def test_a_dead_proxy_is_not_sent() -> None:
    with pytest.raises(NotSent) as caught:
        post_to("http://127.0.0.1:9/x", proxy=f"http://user:pass@127.0.0.1:{unused_port()}").send(b"{}")
    assert caught.value.reason == "代理不可用"


def test_a_proxy_is_used_and_gets_its_credentials() -> None:
    with serving(answering(OK_ANSWER)) as proxy:
        post_to("http://robot.example/hook", proxy=f"http://user:pass@127.0.0.1:{proxy.port}").send(b"{}")
    head = proxy.requests[0]
    assert head.startswith(b"POST http://robot.example/hook HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in head


def test_the_environment_chooses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{unused_port()}")
    with serving(answering(OK_ANSWER)) as server:
        assert post_to(server.url).send(b"{}").status == 200


def test_a_server_that_takes_the_request_and_hangs_up_leaves_it_uncertain() -> None:
    def taker(peer: Peer) -> None:
        peer.request()

    with serving(taker) as server, pytest.raises(AnswerLost) as caught:
        post_to(server.url).send(b"{}")
    assert caught.value.reason == "连接被对方断开"
    assert len(server.requests) == 1


def test_a_server_that_never_answers_leaves_it_uncertain() -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        peer.server.stopping.wait(10)

    with serving(silent) as server, pytest.raises(AnswerLost) as caught:
        post_to(server.url, timeout=0.2).send(b"{}")
    assert caught.value.reason == "等待应答超时"


def test_an_answer_that_breaks_off_is_lost() -> None:
    def half(peer: Peer) -> None:
        peer.request()
        peer.send(OK + OK_BODY[:5])

    with serving(half) as server, pytest.raises(AnswerLost):
        post_to(server.url).send(b"{}")


def test_a_dripping_server_is_cut_off_when_the_whole_time_is_up() -> None:
    def drip(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not peer.server.stopping.is_set():
            peer.send(b" ")
            peer.server.stopping.wait(0.01)

    ticks = count()
    with serving(drip) as server:
        post = HttpPost(server.url, timeout=5.0, clock=lambda: float(next(ticks)))
        with pytest.raises(AnswerLost) as caught:
            post.send(b"{}")
    assert caught.value.reason == "应答未在时限内收完"


def test_an_answer_that_is_complete_counts_however_late_it_came() -> None:
    ticks = count(step=100)
    with serving(answering(OK_ANSWER)) as server:
        post = HttpPost(server.url, timeout=5.0, clock=lambda: float(next(ticks)))
        assert post.send(b"{}").body == OK_BODY


def test_of_an_oversized_answer_only_the_beginning_is_read() -> None:
    size = MAX_ANSWER * 8
    big = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    with serving(answering(big)) as server:
        post = post_to(server.url)
        assert post.send(b"{}").body == b"x" * MAX_ANSWER
        assert post.send(b"{}").status == 200
    assert server.connections == 2


def test_a_kept_connection_gets_each_request_in_one_piece() -> None:
    pieces: list[bytes] = []

    def talk(peer: Peer) -> None:
        peer.request()
        for _ in range(2):
            peer.send(OK_ANSWER)
            pieces.append(peer.connection.recv(65536))

    with serving(talk) as server:
        post = post_to(server.url)
        post.send(b"{}")
        post.send(b'{"a":1}')
        post.close()
    whole, nothing = pieces
    assert whole.startswith(b"POST /hook/")
    assert whole.endswith(b'\r\n\r\n{"a":1}')
    assert nothing == b""


def test_a_compressed_answer_cannot_grow_beyond_the_limit() -> None:
    bomb = gzip.compress(b"x" * (MAX_ANSWER * 20))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with serving(answering(head + bomb)) as server:
        assert post_to(server.url).send(b"{}").body == b"x" * MAX_ANSWER


def test_a_chunked_answer_is_read_and_its_connection_kept() -> None:
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n'
    with serving(answering(chunked)) as server:
        post = post_to(server.url)
        assert post.send(b"{}").body == b'{"a":1}'
        assert post.send(b"{}").body == b'{"a":1}'
    assert server.connections == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=20), max_size=8).map(b"".join))
def test_whatever_a_server_says_it_is_an_answer_or_a_lost_one(data: bytes) -> None:
    def talk(peer: Peer) -> None:
        peer.request()
        peer.send(data)

    with serving(talk) as server:
        post = post_to(server.url)
        with suppress(AnswerLost):
            assert post.send(b"{}").status < 1000
        post.close()
    assert len(server.requests) == 1


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(moved)) as server:
        assert post_to(server.url).send(b"{}").status == 302
    assert len(server.requests) == 1


def test_an_answer_that_is_no_http_is_lost() -> None:
    with serving(answering(b"220 mail.example ESMTP\r\n")) as server, pytest.raises(AnswerLost):
        post_to(server.url, timeout=1.0).send(b"{}")


def test_tls_with_a_trusted_authority_works(server_tls: ssl.SSLContext, ca_file: str) -> None:
    with serving(answering(OK_ANSWER), server_tls) as server:
        post = post_to(server.url, ca_file=ca_file)
        assert post.send(b"{}").body == OK_BODY
        post.close()


def test_a_certificate_of_an_unknown_authority_gets_nothing(server_tls: ssl.SSLContext) -> None:
    with serving(answering(OK_ANSWER), server_tls) as server, pytest.raises(NotSent) as caught:
        post_to(server.url).send(b"{}")
    assert caught.value.reason == "TLS证书校验失败"
    assert server.requests == []


def test_a_certificate_for_another_host_gets_nothing(other_tls: ssl.SSLContext, ca_file: str) -> None:
    with serving(answering(OK_ANSWER), other_tls) as server, pytest.raises(NotSent) as caught:
        post_to(server.url, ca_file=ca_file).send(b"{}")
    assert caught.value.reason == "TLS证书校验失败"
    assert server.requests == []


def test_a_tls_handshake_that_hangs_is_not_sent() -> None:
    def mute(peer: Peer) -> None:
        peer.server.stopping.wait(10)

    with serving(mute) as server, pytest.raises(NotSent):
        post_to(f"https://127.0.0.1:{server.port}/", timeout=0.2).send(b"{}")


def test_plain_http_where_tls_is_expected_is_not_sent() -> None:
    def plain(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(plain) as server, pytest.raises(NotSent) as caught:
        post_to(f"https://127.0.0.1:{server.port}/").send(b"{}")
    assert caught.value.reason == "TLS握手失败"


def test_a_ca_file_that_is_not_there_is_not_sent() -> None:
    with pytest.raises(NotSent):
        post_to("https://127.0.0.1:9/", ca_file="/no/such/ca.pem").send(b"{}")


@pytest.mark.parametrize(
    "url", ["", "hook", "ftp://robot.example/tok-0123456789", "http://", "http://[bad/tok"]
)
def test_what_is_no_http_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        HttpPost(url, timeout=1.0)
    assert "tok" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_no_log_line_shows_the_path(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(answering(OK_ANSWER)) as server:
        post_to(server.url).send(b"{}")
    assert len(server.requests) == 1
    assert "tok-0123456789" not in caplog.text


def test_no_error_shows_the_url() -> None:
    url = f"http://127.0.0.1:{unused_port()}/hook/tok-0123456789"
    with pytest.raises(NotSent) as caught:
        post_to(url).send(b"{}")
    assert "tok" not in repr(caught.value)
    assert caught.value.__suppress_context__
