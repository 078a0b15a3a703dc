import pytest

from pushserver.platforms.query import without_parameters
from pushserver.platforms.scrub import Scrubber, login_secrets, secrets_of_url

URL = "https://oapi.dingtalk.com/robot/send?access_token=0a1b2c3d4e5f"


@pytest.mark.parametrize(
    "echo",
    [
        "bad url https://oapi.dingtalk.com/robot/send?access_token=0a1b2c3d4e5f!",
        "token 0a1b2c3d4e5f is not exist",
        "POST /robot/send?access_token=0a1b2c3d4e5f failed",
        "secret SEC+/= wrong",
        "secret SEC%2B%2F%3D wrong",
    ],
)
def test_an_echo_of_a_credential_is_hidden(echo: str) -> None:
    text = Scrubber(*secrets_of_url(URL), "SEC+/=").hide(echo)
    assert "***" in text
    assert "0a1b2c3d4e5f" not in text
    assert "SEC" not in text


@pytest.mark.parametrize(
    "encoded",
    [
        "pass+%22w%2Brd",
        r"pass \"w+rd",
        "pass &quot;w+rd",
        "cGFzcyAidytyZA==",
        "AGJvdABwYXNzICJ3K3Jk",
    ],
)
def test_an_echo_in_another_encoding_is_hidden(encoded: str) -> None:
    hidden = Scrubber(*login_secrets("bot", 'pass "w+rd')).hide(f"no {encoded} here")
    assert hidden in {"no *** here", "no ***== here"}


def test_without_a_password_there_is_no_login_to_hide() -> None:
    assert login_secrets("bot", "") == ()


def test_a_path_token_and_a_password_count_as_credentials() -> None:
    secrets = secrets_of_url("https://bot:hunter2@open.feishu.cn/open-apis/bot/v2/hook/tok-42/")
    assert {"tok-42", "hunter2"} <= set(secrets)


def test_a_word_of_the_path_is_no_credential() -> None:
    assert Scrubber(*secrets_of_url(URL)).hide("send too fast") == "send too fast"


def test_a_signature_of_the_moment_is_hidden_too() -> None:
    assert Scrubber("token-1").detail("sign abc= of token-1", "abc=") == "sign *** of ***"


def test_a_detail_is_one_short_line() -> None:
    detail = Scrubber().detail("a\nb" + "中" * 1000)
    assert "\n" not in detail
    assert len(detail.encode()) <= 500


def test_no_secrets_leave_the_text_alone() -> None:
    assert Scrubber("", "x").hide("axe") == "axe"


def test_a_scrubber_does_not_show_its_secrets() -> None:
    assert "hunter2" not in repr(Scrubber("hunter2"))


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://h/p?access_token=a%2Bb&timestamp=1&sign=c%3D", "https://h/p?access_token=a%2Bb"),
        ("https://h/p?timestamp=1&access_token=a&sign=c", "https://h/p?access_token=a"),
        ("https://h/p?access_token=a#frag", "https://h/p?access_token=a"),
        ("https://h/p?timestamp=1", "https://h/p"),
        ("https://h/p", "https://h/p"),
    ],
)
def test_parameters_go_and_the_rest_stays_as_written(url: str, left: str) -> None:
    assert without_parameters(url, "timestamp", "sign") == left
