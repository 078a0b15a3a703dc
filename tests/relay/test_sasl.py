import pytest

from pushserver.relay.sasl import BadResponse, Credentials, Exchange, Login, decoded, login, plain


def answered(exchange: Exchange, *responses: bytes) -> tuple[list[bytes], Login]:
    """The challenges, and what they came to."""
    challenges = []
    waiting = iter(responses)
    try:
        challenges.append(next(exchange))
        while True:
            challenges.append(exchange.send(next(waiting)))
    except StopIteration as end:
        return challenges, end.value


def test_plain_takes_the_login_with_the_command() -> None:
    assert answered(plain(b"\0name\0secret")) == ([], Login(b"name", b"secret"))


def test_plain_asks_with_an_empty_challenge() -> None:
    assert answered(plain(None), b"\0name\0secret") == ([b""], Login(b"name", b"secret"))


def test_plain_takes_somebody_who_acts_for_himself() -> None:
    assert answered(plain(b"name\0name\0secret")) == ([], Login(b"name", b"secret"))


def test_plain_lets_nobody_act_for_somebody_else() -> None:
    _, claimed = answered(plain(b"admin\0name\0secret"))

    assert not Credentials("name", "secret").match(claimed)


@pytest.mark.parametrize("response", [b"", b"name", b"\0name", b"\0name\0secret\0more", b"\0\0secret"])
def test_plain_refuses_what_it_cannot_read(response: bytes) -> None:
    with pytest.raises(BadResponse):
        answered(plain(response))


def test_login_asks_for_name_and_password_in_the_words_that_clients_look_for() -> None:
    assert answered(login(None), b"name", b"secret") == (
        [b"Username:", b"Password:"],
        Login(b"name", b"secret"),
    )


def test_login_takes_the_name_with_the_command() -> None:
    assert answered(login(b"name"), b"secret") == ([b"Password:"], Login(b"name", b"secret"))


@pytest.mark.parametrize(
    "claimed",
    [Login(b"name", b"secre"), Login(b"nam", b"secret"), Login(b"", b""), Login(b"secret", b"name")],
)
def test_only_the_right_name_with_the_right_password_matches(claimed: Login) -> None:
    assert not Credentials("name", "secret").match(claimed)


def test_a_password_beyond_ascii_matches_as_utf8() -> None:
    assert Credentials("名", "密码").match(Login("名".encode(), "密码".encode()))


@pytest.mark.parametrize("response", [b"a", b"a===", b"\xff\xff\xff\xff", b"YWJj YWJj"])
def test_what_is_no_base64_is_refused(response: bytes) -> None:
    with pytest.raises(BadResponse):
        decoded(response)


def test_a_single_equals_sign_is_an_empty_response() -> None:
    assert decoded(b"=") == b""


def test_neither_credentials_nor_logins_show_their_secrets() -> None:
    shown = repr(Credentials("name", "secret")) + repr(Login(b"name", b"secret"))

    assert "secret" not in shown
