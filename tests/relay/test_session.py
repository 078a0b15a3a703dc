"""What is said to whom, before any message."""

import base64

import pytest

from tests.relay.doors import LOGIN, PASSWORD, USER, Client, Door, Opener


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def stranger(door: Door) -> Client:
    return door.greeted()


@pytest.fixture
def user(door: Door) -> Client:
    return door.logged_in()


# Greeting ----------------------------------------------------------------------------------------------


def test_ehlo_offers_what_is_really_done(door: Door) -> None:
    client = door.client()
    client.reply()

    assert client.say("EHLO client.example").split("\n") == [
        "250-relay.example",
        "250-SIZE 26214400",
        "250-8BITMIME",
        "250-PIPELINING",
        "250-ENHANCEDSTATUSCODES",
        "250 AUTH PLAIN LOGIN",
    ]


def test_helo_offers_nothing(door: Door) -> None:
    client = door.client()
    client.reply()

    assert client.say("HELO client.example") == "250 relay.example"
    assert client.say(LOGIN) == "503 5.5.1 Send EHLO first"


@pytest.mark.parametrize("verb", ["MAIL FROM:<a@b.example>", "RCPT TO:<a@b.example>", "DATA", LOGIN])
def test_nothing_is_done_before_a_greeting(door: Door, verb: str) -> None:
    client = door.client()
    client.reply()

    assert client.say(verb) == "503 5.5.1 Send EHLO first"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("NOOP", "250 2.0.0 OK"),
        ("noop anything", "250 2.0.0 OK"),
        ("RSET", "250 2.0.0 OK"),
        ("VRFY postmaster", "252 2.5.0 Cannot verify, but will accept the message and attempt delivery"),
        ("EXPN list", "502 5.5.1 Command not implemented"),
        ("HELP", "214 2.0.0 Commands: AUTH DATA EHLO EXPN HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY"),
        ("EHLO", "501 5.5.4 Syntax: EHLO hostname"),
        ("BDAT 10 LAST", "500 5.5.1 Command not recognized"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 56324 25", "500 5.5.1 Command not recognized"),
        ("STARTTLS", "502 5.5.1 STARTTLS is not offered"),
        ("", "500 5.5.1 Command not recognized"),
        ("NOOP " + "x" * 3000, "500 5.5.2 Command line too long"),
        ("NOOP " + "x" * 100_000, "500 5.5.2 Command line too long"),
        ("\xff\xfe", "500 5.5.1 Command not recognized"),
    ],
)
def test_a_command_has_its_reply_and_the_session_goes_on(stranger: Client, line: str, reply: str) -> None:
    assert stranger.say(line) == reply
    assert stranger.say("NOOP") == "250 2.0.0 OK"


def test_quit_ends_the_session(stranger: Client) -> None:
    assert stranger.say("QUIT") == "221 2.0.0 Bye"
    assert stranger.reply() == ""


def test_a_browser_is_cut_off(door: Door) -> None:
    client = door.client()
    client.reply()
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO a\r\n")

    assert client.reply() == "421 4.7.0 This is an SMTP server, closing connection"
    assert client.reply() == ""


def test_bad_commands_are_counted_and_the_last_is_one_too_many(opened: Opener) -> None:
    client = opened(bad_commands=3).greeted()

    replies = [client.say("JUNK") for _ in range(4)]

    assert replies[:3] == ["500 5.5.1 Command not recognized"] * 3
    assert replies[3] == "421 4.7.0 Too many bad commands, closing connection"
    assert client.reply() == ""


# Login -------------------------------------------------------------------------------------------------


def test_auth_plain_in_one_line(stranger: Client) -> None:
    assert stranger.say(LOGIN) == "235 2.7.0 Authentication successful"


def test_the_mechanism_may_be_written_in_small_letters(stranger: Client) -> None:
    assert stranger.say(LOGIN.replace("PLAIN", "plain")) == "235 2.7.0 Authentication successful"


def test_auth_plain_with_a_challenge(stranger: Client) -> None:
    assert stranger.say("AUTH PLAIN") == "334 "
    assert stranger.say(b64(f"\0{USER}\0{PASSWORD}")) == "235 2.7.0 Authentication successful"


def test_auth_login(stranger: Client) -> None:
    assert stranger.say("AUTH LOGIN") == "334 VXNlcm5hbWU6"
    assert stranger.say(b64(USER)) == "334 UGFzc3dvcmQ6"
    assert stranger.say(b64(PASSWORD)) == "235 2.7.0 Authentication successful"


def test_auth_login_with_the_name_at_once(stranger: Client) -> None:
    assert stranger.say(f"AUTH LOGIN {b64(USER)}") == "334 UGFzc3dvcmQ6"
    assert stranger.say(b64(PASSWORD)) == "235 2.7.0 Authentication successful"


@pytest.mark.parametrize("command", ["MAIL FROM:<a@b.example>", "RCPT TO:<a@b.example>", "DATA"])
def test_nobody_sends_without_a_login(stranger: Client, command: str) -> None:
    assert stranger.say(command) == "530 5.7.0 Authentication required"


def test_a_wrong_password_is_refused_and_the_fourth_attempt_cut_off(door: Door, stranger: Client) -> None:
    wrong = "AUTH PLAIN " + b64(f"\0{USER}\0wrong")

    replies = [stranger.say(wrong) for _ in range(3)]

    assert replies == ["535 5.7.8 Authentication credentials invalid"] * 3
    assert stranger.say(LOGIN) == "421 4.7.0 Too many failed authentications, closing connection"
    assert stranger.reply() == ""
    assert door.tally.auth_failures == 3


def test_a_failed_login_is_answered_late_and_later(opened: Opener) -> None:
    client = opened(auth_delay=0.1).greeted()
    client.socket.settimeout(0.05)
    client.send(b"AUTH PLAIN " + b64("\0a\0b").encode() + b"\r\n")

    with pytest.raises(TimeoutError):
        client.socket.recv(1)


def test_a_login_can_be_given_up(stranger: Client) -> None:
    assert stranger.say("AUTH LOGIN") == "334 VXNlcm5hbWU6"
    assert stranger.say("*") == "501 5.7.0 Authentication cancelled"
    assert stranger.say(LOGIN) == "235 2.7.0 Authentication successful"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("AUTH", "504 5.5.4 Unrecognized authentication mechanism; offered: PLAIN LOGIN"),
        ("AUTH CRAM-MD5", "504 5.5.4 Unrecognized authentication mechanism; offered: PLAIN LOGIN"),
        ("AUTH PLAIN no/base64!", "501 5.5.2 Cannot read this response"),
        ("AUTH PLAIN =", "501 5.5.2 Cannot read this response"),
        ("AUTH PLAIN \xff", "501 5.5.2 Cannot read this response"),
        ("AUTH PLAIN " + "A" * 13_000, "500 5.5.2 Command line too long"),
    ],
)
def test_a_login_that_cannot_be_read_is_refused(stranger: Client, command: str, reply: str) -> None:
    assert stranger.say(command) == reply
    assert stranger.say(LOGIN) == "235 2.7.0 Authentication successful"


def test_a_response_too_long_is_refused(stranger: Client) -> None:
    stranger.say("AUTH PLAIN")

    assert stranger.say("A" * 13_000) == "500 5.5.6 Authentication exchange line is too long"
    assert stranger.say(LOGIN) == "235 2.7.0 Authentication successful"


def test_one_login_is_enough(user: Client) -> None:
    assert user.say(LOGIN) == "503 5.5.1 Already authenticated"


# Transactions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("MAIL FROM:<>", "250 2.1.0 OK"),
        ("MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME AUTH=<>", "250 2.1.0 OK"),
        ("MAIL FROM:<a@b.example> AUTH=a+3Db", "250 2.1.0 OK"),
        ("MAIL FROM:<a@b.example> SIZE=26214400", "250 2.1.0 OK"),
        ("MAIL FROM:<a@b.example> SIZE=26214401", "552 5.3.4 Message exceeds the maximum size"),
        ("MAIL FROM:<a@b.example> SIZE=x", "501 5.5.4 Syntax: SIZE=number"),
        (f"MAIL FROM:<a@b.example> SIZE={'9' * 1000}", "501 5.5.4 Syntax: SIZE=number"),
        ("MAIL FROM:<a@b.example> BODY=BINARYMIME", "501 5.5.4 Syntax: BODY=7BIT or BODY=8BITMIME"),
        ("MAIL FROM:<a@b.example> RET=HDRS", "555 5.5.4 Parameter not recognized or not implemented"),
        ("MAIL FROM:<a@b.example> SMTPUTF8", "553 5.6.7 Non-ASCII addresses are not supported"),
        ("MAIL FROM:<张三@b.example>", "553 5.6.7 Non-ASCII addresses are not supported"),
        ("MAIL", "501 5.5.4 Syntax: MAIL FROM:<address> [SP parameters]"),
        ("MAIL FROM:<a@b@c>", "501 5.5.4 Syntax: MAIL FROM:<address> [SP parameters]"),
        ("RCPT TO:<a@b.example>", "503 5.5.1 Send MAIL first"),
        ("DATA", "503 5.5.1 Send MAIL first"),
    ],
)
def test_a_sender_is_taken_or_not(user: Client, command: str, reply: str) -> None:
    assert user.say(command) == reply


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("RCPT TO:<a@b.example>", "250 2.1.5 OK"),
        ("RCPT TO:<postmaster>", "250 2.1.5 OK"),
        ("RCPT TO:<@relay.example:a@b.example>", "250 2.1.5 OK"),
        ("RCPT TO:<>", "501 5.5.4 Syntax: RCPT TO:<address>"),
        ("RCPT TO:<root>", "550 5.1.3 Recipient address needs a domain"),
        ("RCPT TO:<a%evil.example@b.example>", "550 5.7.1 Routing in the recipient address is refused"),
        ("RCPT TO:<张三@b.example>", "553 5.6.7 Non-ASCII addresses are not supported"),
        ("RCPT TO:<a@b.example> NOTIFY=NEVER", "555 5.5.4 Parameter not recognized or not implemented"),
        ("DATA", "503 5.5.1 No valid recipients"),
        ("MAIL FROM:<c@d.example>", "503 5.5.1 Nested MAIL command"),
        (LOGIN, "503 5.5.1 Already authenticated"),
    ],
)
def test_a_recipient_is_taken_or_not(user: Client, command: str, reply: str) -> None:
    user.say("MAIL FROM:<a@b.example>")

    assert user.say(command) == reply


def test_recipients_over_the_limit_may_come_in_another_transaction(opened: Opener) -> None:
    door = opened(recipients=2)
    client = door.logged_in()
    client.envelope("a@client.example", "b@corp.example", "c@corp.example")

    assert client.say("RCPT TO:<d@corp.example>").startswith("452 4.5.3 ")
    assert client.say("RCPT TO:<b@corp.example>") == "250 2.1.5 OK"
    assert client.data(b"x\r\n.\r\n").startswith("250 ")
    assert door.vault.mails[0].recipients == ("b@corp.example", "c@corp.example")


@pytest.mark.parametrize("command", ["RSET", "EHLO again.example", "HELO again.example"])
def test_a_transaction_is_forgotten(user: Client, command: str) -> None:
    user.envelope()
    user.say(command)

    assert user.say("RCPT TO:<b@corp.example>") == "503 5.5.1 Send MAIL first"


def test_what_one_client_says_changes_nothing_for_another(user: Client, stranger: Client) -> None:
    user.say("MAIL FROM:<a@b.example>")
    for _ in range(5):
        stranger.say("EHLO other.example")
    stranger.say("RSET")

    assert user.say("RCPT TO:<c@d.example>") == "250 2.1.5 OK"
    assert stranger.say("RCPT TO:<c@d.example>") == "530 5.7.0 Authentication required"


def test_a_mail_is_forgotten_once_it_was_taken(user: Client) -> None:
    assert user.mail(b"x\r\n").startswith("250 ")

    assert user.say("DATA") == "503 5.5.1 Send MAIL first"


def test_the_null_sender_is_the_empty_one(door: Door, user: Client) -> None:
    user.envelope("", "b@corp.example")
    user.data(b"x\r\n.\r\n")

    assert door.vault.mails[0].sender == ""


# Pipelining --------------------------------------------------------------------------------------------


def test_commands_in_one_go_are_answered_one_by_one(door: Door, user: Client) -> None:
    user.send(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<root>\r\nDATA\r\n")
    replies = [user.reply()[:3] for _ in range(4)]
    user.send(b"one\r\n.\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    replies += [user.reply()[:3] for _ in range(4)]
    user.send(b"two\r\n.\r\nQUIT\r\n")
    replies += [user.reply()[:3] for _ in range(2)]

    assert replies == ["250", "250", "550", "354", "250", "250", "250", "354", "250", "221"]
    assert door.vault.content(0) == b"one\r\n"
    assert door.vault.content(1) == b"two\r\n"


def test_replies_to_commands_in_one_go_come_in_one_packet(user: Client) -> None:
    user.send(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRSET\r\nNOOP\r\n")
    assert user.packet().splitlines() == [
        b"250 2.1.0 OK",
        b"250 2.1.5 OK",
        b"250 2.0.0 OK",
        b"250 2.0.0 OK",
    ]


def test_a_reply_does_not_wait_for_a_command_that_has_only_begun(user: Client) -> None:
    user.send(b"MAIL FROM:<a@b.example>\r\nRCPT TO:")
    assert user.packet() == b"250 2.1.0 OK\r\n"
    user.send(b"<c@d.example>\r\n")
    assert user.packet() == b"250 2.1.5 OK\r\n"


def test_a_bad_command_too_many_in_one_go_is_the_last_one_answered(user: Client) -> None:
    user.send(b"RCPT TO:<c@d.example>\r\n" * 30)
    *before, last, after = [user.reply() for _ in range(22)]
    assert [reply[:3] for reply in before] == ["503"] * 20
    assert (last[:3], after) == ("421", "")


@pytest.mark.parametrize("line", ["EHLO a", "AUTH PLAIN", "HELO a"])
def test_a_stranger_who_does_not_wait_for_the_reply_is_cut_off(stranger: Client, line: str) -> None:
    stranger.send(line.encode() + b"\r\nMAIL FROM:<a@b.example>\r\n")

    assert stranger.reply().startswith("554 5.5.0 ")
    assert stranger.reply() == ""


def test_what_was_said_before_the_client_closed_its_side_is_obeyed(door: Door, user: Client) -> None:
    user.envelope()
    user.say("DATA")
    user.send(b"x\r\n.\r\nQUIT\r\n")
    user.socket.shutdown(1)

    assert user.reply().startswith("250 ")
    assert user.reply() == "221 2.0.0 Bye"
    assert door.vault.content() == b"x\r\n"
