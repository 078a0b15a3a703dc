import errno
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushserver.platforms.errors import AnswerLost, Misconfigured, NotSent, PlatformError, SmtpRefused, Stage
from pushserver.platforms.smtp import Envelope, Receipt, Refusal, Security, SmtpAccount, SmtpServer
from tests.platforms.deliveries import moment
from tests.platforms.mail_server import PASSWORD, USER, Inbox, check_password, receiving, starttls
from tests.platforms.pieces import Pieces
from tests.platforms.raw_server import Peer, serving, unused_port

REPLIES = [
    b"220 hi",
    b"250 OK",
    b"250-hi\r\n250 AUTH PLAIN LOGIN CRAM-MD5",
    b"334 ",
    b"354 go",
    b"235 in",
    b"550 no",
]
AT = moment(1_700_000_000)
ENVELOPE = Envelope(
    "noreply@corp.example", ("a@corp.example", "b@corp.example"), b"Subject: x\r\n\r\nbody\r\n"
)


def account(
    port: int,
    security: Security = Security.CLEAR,
    *,
    username: str = "",
    password: str = PASSWORD,
    timeout: float = 5.0,
    ca_file: str | None = None,
) -> SmtpAccount:
    return SmtpAccount(
        SmtpServer(
            "127.0.0.1",
            port,
            username=username,
            password=password,
            security=security,
            timeout=timeout,
            local_hostname="push.corp.example",
            ca_file=ca_file,
        )
    )


def test_a_mail_reaches_every_recipient() -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        smtp = account(server.port)
        receipt = smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert receipt == Receipt(("a@corp.example", "b@corp.example"), {})
    assert inbox.senders == ["noreply@corp.example"]
    assert inbox.recipients == [["a@corp.example", "b@corp.example"]]
    assert inbox.contents == [b"Subject: x\r\n\r\nbody\r\n"]


@pytest.mark.parametrize(
    "content",
    [
        b".first\r\n\r\n.\r\n..two\r\nend",
        (b"." * 62 + b"\r\n") * 10_000 + b"end",  # wherever it is cut, a dot may be the next
        b"",
    ],
)
def test_lines_that_begin_with_a_dot_arrive_as_they_are(content: bytes) -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        smtp = account(server.port)
        smtp.submit(Envelope("a@corp.example", ("b@corp.example",), content), AT)
        smtp.close()
    assert inbox.contents == [content + b"\r\n"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_wherever_a_message_is_cut_it_arrives_as_it_is(size: int) -> None:
    content = b".first\r\n\r\n.\r\n..two\r\n. \r\nx.\r\n.\r\n"
    inbox = Inbox()
    with receiving(inbox) as server:
        smtp = account(server.port)
        for given_content in (content, content[:-2]):  # the last line has an end, or gets one
            pieces = Pieces.of(given_content, size)
            smtp.submit(Envelope("a@corp.example", ("b@corp.example",), pieces), AT)
        smtp.close()
    assert inbox.contents == [content, content]


def test_a_message_that_breaks_off_is_not_ended() -> None:
    """What the server has is no message: nobody gets half of one."""

    class Torn(Pieces):
        def __iter__(self) -> Iterator[bytes]:
            yield self.given[0]
            raise OSError(errno.EIO, "the disk is broken")

    inbox = Inbox()
    with receiving(inbox) as server:
        smtp = account(server.port)
        with pytest.raises(NotSent):
            smtp.submit(Envelope("a@corp.example", ("b@corp.example",), Torn((b"Subject: x\r\n",))), AT)
        smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert inbox.contents == [ENVELOPE.content]


def test_recipients_are_refused_one_by_one() -> None:
    inbox = Inbox(recipient_replies={"a@corp.example": "550 no such user"})
    with receiving(inbox) as server:
        smtp = account(server.port)
        receipt = smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert receipt == Receipt(("b@corp.example",), {"a@corp.example": Refusal(550, "no such user")})
    assert inbox.recipients == [["b@corp.example"]]


def test_without_an_accepted_recipient_no_content_is_sent_and_the_connection_stays() -> None:
    replies = {"a@corp.example": "550 no", "b@corp.example": "450 later"}
    inbox = Inbox(recipient_replies=replies)
    with receiving(inbox) as server:
        smtp = account(server.port)
        assert smtp.submit(ENVELOPE, AT).accepted == ()
        assert inbox.contents == []
        inbox.recipient_replies.clear()
        assert smtp.submit(ENVELOPE, AT).accepted == ENVELOPE.recipients
        smtp.close()
    assert server.connections == 1


@pytest.mark.parametrize(("code", "passing"), [(550, False), (451, True)])
def test_a_refused_sender_is_a_refusal_at_that_stage(code: int, passing: bool) -> None:
    with receiving(Inbox(sender_reply=f"{code} not you")) as server:
        smtp = account(server.port)
        with pytest.raises(SmtpRefused) as caught:
            smtp.submit(ENVELOPE, AT)
        smtp.close()
    error = caught.value
    assert (error.stage, error.code, error.reason, error.passing) == (Stage.SENDER, code, "not you", passing)


def test_refused_content_is_a_refusal_and_the_connection_stays() -> None:
    inbox = Inbox(content_reply="554 spam")
    with receiving(inbox) as server:
        smtp = account(server.port)
        with pytest.raises(SmtpRefused) as caught:
            smtp.submit(ENVELOPE, AT)
        inbox.content_reply = "250 OK"
        assert smtp.submit(ENVELOPE, AT).accepted
        smtp.close()
    assert (caught.value.stage, caught.value.code) == (Stage.CONTENT, 554)
    assert server.connections == 1


def test_a_connection_lost_after_the_final_dot_is_a_lost_answer() -> None:
    inbox = Inbox(content_reply="")
    with receiving(inbox) as server, pytest.raises(AnswerLost):
        account(server.port).submit(ENVELOPE, AT)
    assert len(inbox.contents) == 1


def test_a_dead_port_is_not_sent() -> None:
    with pytest.raises(NotSent) as caught:
        account(unused_port()).submit(ENVELOPE, AT)
    assert caught.value.reason == "邮件服务器拒绝连接"


def test_a_server_that_never_greets_is_not_sent() -> None:
    def mute(peer: Peer) -> None:
        peer.server.stopping.wait(10)

    with serving(mute) as server, pytest.raises(NotSent):
        account(server.port, timeout=0.2).submit(ENVELOPE, AT)


def test_a_greeting_that_refuses_is_a_refusal() -> None:
    def busy(peer: Peer) -> None:
        peer.send(b"421 too busy\r\n")

    with serving(busy) as server, pytest.raises(SmtpRefused) as caught:
        account(server.port).submit(ENVELOPE, AT)
    assert (caught.value.stage, caught.value.code) == (Stage.GREETING, 421)


def scripted(replies: dict[bytes, bytes]) -> Callable[[Peer], None]:
    """A server that answers by the command's first four letters, ``250`` to others; ``b""`` hangs up."""

    def talk(peer: Peer) -> None:
        peer.send(b"220 hello\r\n")
        while line := peer.line():
            peer.server.requests.append(line)
            reply = replies.get(line[:4].upper(), b"250 OK\r\n")
            if not reply:
                return
            peer.send(reply)

    return talk


@pytest.mark.parametrize("command", [b"EHLO", b"MAIL", b"RCPT", b"DATA"])
def test_a_connection_lost_before_the_content_is_not_sent(command: bytes) -> None:
    with serving(scripted({command: b""})) as server, pytest.raises(NotSent) as caught:
        account(server.port).submit(ENVELOPE, AT)
    assert caught.value.reason == "邮件服务器断开了连接"


def test_a_closing_reply_to_a_recipient_passes() -> None:
    with (
        serving(scripted({b"RCPT": b"421 shutting down\r\n"})) as server,
        pytest.raises(SmtpRefused) as caught,
    ):
        account(server.port).submit(ENVELOPE, AT)
    assert caught.value.passing


def test_ehlo_says_the_name_it_was_given() -> None:
    with serving(scripted({b"MAIL": b""})) as server, pytest.raises(NotSent):
        account(server.port).submit(ENVELOPE, AT)
    assert server.requests[0] == b"ehlo push.corp.example"


# Pipelining ------------------------------------------------------------------------------------------

PIPELINING = b"250-hi\r\n250 PIPELINING\r\n"
ASKED = [
    b"MAIL FROM:<noreply@corp.example>",
    b"RCPT TO:<a@corp.example>",
    b"RCPT TO:<b@corp.example>",
    b"DATA",
]


def in_one_go(replies: Sequence[bytes], ending: bytes = b"250 OK") -> Callable[[Peer], None]:
    """A server that says nothing before it has heard everything up to DATA, and then all at once.

    ``ending`` is said after the final dot. Later mails of a connection are taken.
    """

    def talk(peer: Peer) -> None:
        peer.send(b"220 hello\r\n")
        peer.line()
        peer.send(PIPELINING)
        said, last = replies, ending
        while (line := peer.line()) and line.upper() != b"QUIT":
            if line.upper() == b"RSET":
                peer.send(b"250 OK\r\n")
                continue
            peer.server.requests.extend([line, *(peer.line() for _ in ASKED[1:])])
            peer.send(b"".join(reply + b"\r\n" for reply in said))
            if said[-1].startswith(b"354") and (content := content_of(peer)):
                peer.server.requests.append(content)
                peer.send(last + b"\r\n")
            said, last = [b"250 OK"] * 3 + [b"354 go"], b"250 OK"

    return talk


def content_of(peer: Peer) -> bytes:
    """The lines up to the final dot, with bars between them; nothing when the client goes instead."""
    lines: list[bytes] = []
    while (line := peer.line()) != b".":
        if not line and lines[-1:] == [b""]:
            return b""
        lines.append(line)
    return b"|".join(lines)


def test_a_server_that_can_is_told_all_in_one_go() -> None:
    with serving(in_one_go([b"250 OK", b"250 OK", b"250 OK", b"354 go"])) as server:
        smtp = account(server.port)
        assert smtp.submit(ENVELOPE, AT) == Receipt(ENVELOPE.recipients, {})
        assert smtp.submit(ENVELOPE, AT) == Receipt(ENVELOPE.recipients, {})
        smtp.close()
    assert server.requests == [*ASKED, b"Subject: x||body"] * 2
    assert server.connections == 1


def test_some_are_refused_in_one_go() -> None:
    with serving(in_one_go([b"250 OK", b"550 no such user", b"250 OK", b"354 go"])) as server:
        smtp = account(server.port)
        receipt = smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert receipt == Receipt(("b@corp.example",), {"a@corp.example": Refusal(550, "no such user")})
    assert server.requests[-1] == b"Subject: x||body"


@pytest.mark.parametrize(
    ("last", "connections"), [(b"554 no valid recipients", 1), (b"354 go", 2)], ids=["refused", "waits"]
)
def test_when_all_are_refused_no_content_is_sent_even_if_the_server_waits_for_it(
    last: bytes, connections: int
) -> None:
    with serving(in_one_go([b"250 OK", b"550 no", b"450 later", last])) as server:
        smtp = account(server.port)
        receipt = smtp.submit(ENVELOPE, AT)
        sent = [*server.requests]
        if connections == 2:
            assert smtp.submit(ENVELOPE, AT).accepted == (), "the next one is a new one, which does the same"
        else:
            assert smtp.submit(ENVELOPE, AT).accepted == ENVELOPE.recipients
        smtp.close()
    assert receipt == Receipt(
        (), {"a@corp.example": Refusal(550, "no"), "b@corp.example": Refusal(450, "later")}
    )
    assert sent == ASKED
    assert server.connections == connections


@pytest.mark.parametrize("last", [b"503 MAIL first", b"354 go"])
def test_a_sender_refused_in_one_go_is_a_refusal(last: bytes) -> None:
    with serving(in_one_go([b"550 not you", b"503 MAIL first", b"503 MAIL first", last])) as server:
        smtp = account(server.port)
        with pytest.raises(SmtpRefused) as caught:
            smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert (caught.value.stage, caught.value.code) == (Stage.SENDER, 550)
    assert server.requests == ASKED, "no content"


def saying(replies: bytes) -> Callable[[Peer], None]:
    """A server that hears everything up to DATA, says this and goes away."""

    def talk(peer: Peer) -> None:
        peer.send(b"220 hello\r\n")
        peer.line()
        peer.send(PIPELINING)
        for _ in ASKED:
            peer.line()
        peer.send(replies)

    return talk


def test_what_a_server_refused_before_it_went_away_counts() -> None:
    with serving(saying(b"550 5.7.1 sender blocked\r\n")) as server:
        smtp = account(server.port)
        with pytest.raises(SmtpRefused) as caught:
            smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert (caught.value.stage, caught.value.code) == (Stage.SENDER, 550)
    with serving(saying(b"250 OK\r\n550 no\r\n550 no\r\n")) as server:
        smtp = account(server.port)
        assert smtp.submit(ENVELOPE, AT).accepted == ()
        smtp.close()


@pytest.mark.parametrize("said", [b"250 OK\r\n", b"250 OK\r\n550 no\r\n", b"250 OK\r\n" * 3])
def test_a_server_that_goes_away_without_having_refused_all_has_not_got_the_mail(said: bytes) -> None:
    with serving(saying(said)) as server, pytest.raises(NotSent):
        account(server.port).submit(ENVELOPE, AT)


def test_a_reply_too_many_is_not_taken_for_the_one_to_data() -> None:
    with serving(in_one_go([*[b"250 OK"] * 4, b"354 go"])) as server:
        smtp = account(server.port)
        with pytest.raises(NotSent) as caught:
            smtp.submit(ENVELOPE, AT)
        assert caught.value.reason == "邮件服务器的应答无法理解"
        smtp.close()
    assert b"Subject" not in b"".join(server.requests)


def test_content_refused_before_it_is_sent_is_a_refusal() -> None:
    with serving(in_one_go([b"250 OK", b"250 OK", b"250 OK", b"451 no space"])) as server:
        smtp = account(server.port)
        with pytest.raises(SmtpRefused) as caught:
            smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert (caught.value.stage, caught.value.code) == (Stage.CONTENT, 451)


@pytest.mark.parametrize("closing", [0, 1, 2])
def test_a_server_that_closes_in_the_middle_says_no_more(closing: int) -> None:
    replies = b"250 OK\r\n" * closing + b"421 shutting down\r\n"
    with serving(saying(replies)) as server, pytest.raises(SmtpRefused) as caught:
        account(server.port).submit(ENVELOPE, AT)
    assert (caught.value.stage, caught.value.code, caught.value.passing) == (Stage.SENDER, 421, True)


@pytest.mark.parametrize("warning", [b"Warning: disk", b"10 warnings", b"700 warnings"])
@pytest.mark.parametrize("offer", [PIPELINING, b"250 hi\r\n"])
def test_a_connection_that_says_what_is_no_reply_is_not_used_again(offer: bytes, warning: bytes) -> None:
    """One line more than there were commands, and each reply would be taken for another's."""
    talk = scripted({b"EHLO": offer, b"RCPT": warning + b"\r\n250 OK\r\n", b"DATA": b"354 go\r\n"})
    with serving(talk) as server:
        smtp = account(server.port)
        for _ in range(2):
            with pytest.raises(NotSent) as caught:
                smtp.submit(ENVELOPE, AT)
            assert caught.value.reason == "邮件服务器的应答无法理解"
    assert server.connections == 2


def test_what_is_no_reply_to_the_final_dot_is_a_lost_answer() -> None:
    with serving(in_one_go([*[b"250 OK"] * 3, b"354 go"], ending=b"thanks")) as server:
        with pytest.raises(AnswerLost) as caught:
            account(server.port).submit(ENVELOPE, AT)
        assert caught.value.reason == "邮件内容已发出，邮件服务器的应答无法理解"


@pytest.mark.parametrize("offer", [PIPELINING, b"250 hi\r\n"])
def test_an_address_is_sent_as_it_is(offer: bytes) -> None:
    """Taken for a header's field, the second would be ``a@evil.example``."""
    strange = ('"a b"@corp.example', '"<a@evil.example>"@corp.example', '"(x) b"@corp.example')
    with serving(scripted({b"EHLO": offer, b"DATA": b""})) as server, pytest.raises(NotSent):
        account(server.port).submit(Envelope("", strange, b"x"), AT)
    assert server.requests[1:5] == [b"MAIL FROM:<>", *(f"RCPT TO:<{one}>".encode() for one in strange)]


@pytest.mark.parametrize("offer", [PIPELINING, b"250 hi\r\n"])
def test_an_address_cannot_bring_a_command(offer: bytes) -> None:
    with serving(scripted({b"EHLO": offer, b"DATA": b"354 go\r\n"})) as server:
        smtp = account(server.port)
        with pytest.raises(ValueError, match="a line end"):
            smtp.submit(Envelope('"a\r\nRCPT TO:<x>"@corp.example', ("b@corp.example",), b"x"), AT)
        smtp.close()
    assert not any(line.startswith(b"RCPT") for line in server.requests)


# The kept connection --------------------------------------------------------------------------------


def test_mails_within_a_minute_share_a_connection() -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        smtp = account(server.port)
        for second in (0, 59, 118):
            smtp.submit(ENVELOPE, moment(1_700_000_000 + second))
        smtp.close()
        smtp.close()
    assert (server.connections, len(inbox.contents)) == (1, 3)


@pytest.mark.parametrize("second", [60, -1])
def test_an_idle_minute_or_a_clock_set_back_ends_the_connection(second: int) -> None:
    with receiving(Inbox()) as server:
        smtp = account(server.port)
        smtp.submit(ENVELOPE, moment(1_700_000_000))
        smtp.submit(ENVELOPE, moment(1_700_000_000 + second))
        smtp.close()
    assert server.connections == 2


def test_fifty_mails_are_enough_for_a_connection() -> None:
    with receiving(Inbox()) as server:
        smtp = account(server.port)
        for _ in range(51):
            smtp.submit(ENVELOPE, AT)
        smtp.close()
    assert server.connections == 2


@pytest.mark.parametrize("farewell", [b"", b"451 4.7.0 Timeout waiting for client input\r\n"])
def test_a_kept_connection_that_died_is_replaced(farewell: bytes) -> None:
    """What the server said while nobody asked must not be taken for its reply to MAIL."""

    def one_mail(peer: Peer) -> None:
        peer.send(b"220 hello\r\n")
        for reply in (b"250", b"250", b"250", b"354"):
            peer.line()
            peer.send(reply + b" go\r\n")
        while peer.line() != b".":
            pass
        peer.send(b"250 OK\r\n" + farewell)

    with serving(one_mail) as server:
        smtp = account(server.port)
        one = Envelope("a@corp.example", ("b@corp.example",), b"x\r\n")
        for _ in range(3):
            assert smtp.submit(one, AT).accepted == ("b@corp.example",)
        smtp.close()
    assert server.connections == 3


def test_a_kept_connection_that_is_told_to_close_is_replaced_once() -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        smtp = account(server.port)
        smtp.submit(ENVELOPE, AT)
        inbox.sender_reply = "421 enough for one connection"
        with pytest.raises(SmtpRefused):
            smtp.submit(ENVELOPE, AT)
        assert server.connections == 2
        inbox.sender_reply = "250 OK"
        assert smtp.submit(ENVELOPE, AT).accepted
        smtp.close()


# TLS and login ---------------------------------------------------------------------------------------


def test_starttls_and_login(server_tls: ssl.SSLContext, ca_file: str) -> None:
    inbox = Inbox()
    with receiving(inbox, **starttls(server_tls)) as server:
        smtp = account(server.port, Security.STARTTLS, username=USER, ca_file=ca_file)
        assert smtp.submit(ENVELOPE, AT).accepted
        smtp.close()
    assert len(inbox.contents) == 1


def test_implicit_tls(server_tls: ssl.SSLContext, ca_file: str) -> None:
    inbox = Inbox()
    with receiving(inbox, implicit_tls=server_tls) as server:
        smtp = account(server.port, Security.IMPLICIT, ca_file=ca_file)
        assert smtp.submit(ENVELOPE, AT).accepted
        smtp.close()


@pytest.mark.parametrize(
    ("port", "tls", "security"),
    [
        (465, True, Security.IMPLICIT),
        (465, False, Security.IMPLICIT),
        (587, True, Security.STARTTLS),
        (25, False, Security.CLEAR),
    ],
)
def test_the_port_decides_how_tls_begins(port: int, tls: bool, security: Security) -> None:
    assert Security.on(port, tls=tls) is security


def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    with serving(scripted({})) as server, pytest.raises(Misconfigured) as caught:
        account(server.port, Security.STARTTLS, username=USER).submit(ENVELOPE, AT)
    assert "STARTTLS" in caught.value.reason
    assert [line[:4] for line in server.requests] == [b"ehlo"]


def test_a_starttls_that_is_refused_ends_the_attempt() -> None:
    talk = scripted({b"EHLO": b"250-hi\r\n250 STARTTLS\r\n", b"STAR": b"454 TLS not available\r\n"})
    with serving(talk) as server, pytest.raises(SmtpRefused) as caught:
        account(server.port, Security.STARTTLS, username=USER).submit(ENVELOPE, AT)
    assert (caught.value.code, caught.value.passing) == (454, True)
    assert [line[:4] for line in server.requests] == [b"ehlo", b"STAR"]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT])
def test_an_unknown_authority_is_misconfigured(security: Security, server_tls: ssl.SSLContext) -> None:
    options = starttls(server_tls) if security is Security.STARTTLS else {"implicit_tls": server_tls}
    with receiving(Inbox(), **options) as server, pytest.raises(Misconfigured) as caught:
        account(server.port, security, username=USER).submit(ENVELOPE, AT)
    assert caught.value.reason.startswith("TLS证书校验失败: ")


def test_a_certificate_for_another_host_is_misconfigured(other_tls: ssl.SSLContext, ca_file: str) -> None:
    with receiving(Inbox(), **starttls(other_tls)) as server, pytest.raises(Misconfigured) as caught:
        account(server.port, Security.STARTTLS, username=USER, ca_file=ca_file).submit(ENVELOPE, AT)
    assert caught.value.reason.startswith("TLS证书校验失败: ")


def test_a_wrong_password_is_a_refusal_at_login(server_tls: ssl.SSLContext, ca_file: str) -> None:
    with receiving(Inbox(), **starttls(server_tls)) as server:
        smtp = account(server.port, Security.STARTTLS, username=USER, password="wrong", ca_file=ca_file)
        with pytest.raises(SmtpRefused) as caught:
            smtp.submit(ENVELOPE, AT)
    assert (caught.value.stage, caught.value.code) == (Stage.AUTH, 535)


def test_a_login_without_tls_works_where_it_is_wanted() -> None:
    with receiving(Inbox(), authenticator=check_password, auth_require_tls=False) as server:
        smtp = account(server.port, username=USER)
        assert smtp.submit(ENVELOPE, AT).accepted
        smtp.close()


def test_a_server_without_login_is_misconfigured() -> None:
    with receiving(Inbox()) as server, pytest.raises(Misconfigured) as caught:
        account(server.port, username=USER).submit(ENVELOPE, AT)
    assert "AUTH" in caught.value.reason


def test_a_server_with_no_mechanism_of_ours_is_misconfigured() -> None:
    talk = scripted({b"EHLO": b"250-hi\r\n250 AUTH GSSAPI\r\n"})
    with serving(talk) as server, pytest.raises(Misconfigured) as caught:
        account(server.port, username=USER).submit(ENVELOPE, AT)
    assert caught.value.reason == "服务器没有可用的登录方式"


def test_a_password_that_smtp_cannot_carry_is_misconfigured() -> None:
    talk = scripted({b"EHLO": b"250-hi\r\n250 AUTH PLAIN\r\n"})
    with serving(talk) as server, pytest.raises(Misconfigured) as caught:
        account(server.port, username=USER, password="密码").submit(ENVELOPE, AT)
    assert "密码含有" in caught.value.reason
    assert caught.value.__suppress_context__


def test_a_challenge_that_is_nonsense_is_not_sent() -> None:
    talk = scripted({b"EHLO": b"250-hi\r\n250 AUTH CRAM-MD5\r\n", b"AUTH": b"334 a\r\n"})
    with serving(talk) as server, pytest.raises(NotSent) as caught:
        account(server.port, username=USER).submit(ENVELOPE, AT)
    assert caught.value.reason == "邮件服务器的登录应答无法理解"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(REPLIES) | st.binary(max_size=20), max_size=12), st.booleans())
def test_whatever_a_server_says_the_outcome_is_one_of_ours(replies: list[bytes], login: bool) -> None:
    def talk(peer: Peer) -> None:
        for reply in replies:
            peer.send(reply + b"\r\n")
            if not peer.line():
                return

    with serving(talk) as server:
        smtp = account(server.port, username=USER if login else "")
        with suppress(PlatformError):
            assert set(smtp.submit(ENVELOPE, AT).accepted) <= set(ENVELOPE.recipients)
        smtp.close()


def test_neither_server_nor_envelope_shows_its_secrets() -> None:
    assert PASSWORD not in repr(SmtpServer("h", 25, username=USER, password=PASSWORD))
    assert "body" not in repr(ENVELOPE)
