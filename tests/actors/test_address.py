import pytest

from actors import Address


def test_an_address_reads_like_a_path_with_the_process_first() -> None:
    assert str(Address("delivery-0", ("recipients", "ops_alert"))) == "/delivery-0/recipients/ops_alert"


def test_other_scripts_stay_readable() -> None:
    assert str(Address("p", ("feishu", "主告警机器人"))) == "/p/feishu/主告警机器人"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("what?", "what%3F"),
        ("a b", "a%20b"),
        ("a\nb", "a%0Ab"),
        ("#1", "%231"),
        ("全\u3000角", "全%E3%80%80角"),
    ],
)
def test_what_would_be_read_as_syntax_is_encoded_and_read_back(name: str, written: str) -> None:
    address = Address("p", (name,))
    assert str(address) == f"/p/{written}"
    assert Address.parse(str(address), "other") == address


def test_without_a_leading_slash_the_process_is_the_given_one() -> None:
    assert Address.parse("recipients/ops_alert", "main-0") == Address("main-0", ("recipients", "ops_alert"))


@pytest.mark.parametrize("text", ["", "/", "a//b", "//"])
def test_an_empty_part_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address like /main-0/recipients/ops_alert"):
        Address.parse(text, "p")


def test_a_name_is_the_last_part_or_the_process() -> None:
    assert Address("p", ("a", "b")).name == "b"
    assert Address("p").name == "p"


def test_under_means_the_same_or_below_in_the_same_process() -> None:
    parent = Address("p", ("a",))
    assert parent.is_under(parent)
    assert (parent / "b").is_under(parent)
    assert not Address("p", ("ab",)).is_under(parent)
    assert not Address("q", ("a", "b")).is_under(parent)
    assert not Address("p").is_under(parent)
