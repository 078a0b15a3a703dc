import pytest

from pushserver.relay.path import BadPath, ForeignAddress, Path, is_complete, is_routed, parse_path


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        ("FROM:<a@b.example>", "a@b.example"),
        ("from:<a@b.example>", "a@b.example"),
        ("FROM: <a@b.example>", "a@b.example"),
        ("FROM:a@b.example", "a@b.example"),
        ("FROM:<>", ""),
        ('FROM:<"a b"@b.example>', '"a b"@b.example'),
        ('FROM:<"a@c"@b.example>', '"a@c"@b.example'),
        ("FROM:<a@[127.0.0.1]>", "a@[127.0.0.1]"),
        ("FROM:<a@[IPv6:::1]>", "a@[IPv6:::1]"),
        ("FROM:<@relay.example,@other.example:a@b.example>", "a@b.example"),
        ("FROM:<bounces+a=c.example@b.example>", "bounces+a=c.example@b.example"),
        ("FROM:<root>", "root"),
    ],
)
def test_an_address_is_read(argument: str, address: str) -> None:
    assert parse_path(argument, "FROM") == Path(address)


def test_parameters_are_read_by_name_in_capitals() -> None:
    path = parse_path("FROM:<a@b.example> size=10 Body=8BITMIME SMTPUTF8", "FROM")

    assert path.parameters == {"SIZE": "10", "BODY": "8BITMIME", "SMTPUTF8": ""}


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "FROM",
        "FROM:",
        "TO:<a@b.example>",
        "FROM:<a@b.example",
        "FROM:a@b.example>",
        "FROM:<a@b@c.example>",
        "FROM:<a b@c.example>",
        "FROM:<a@>",
        "FROM:<@b.example>",
        "FROM:<<a@b.example>>",
        "FROM:<a@b.example>SIZE=1",
        "FROM:<a@b.example> SIZE=1 SIZE=2",
        "FROM:<a@b.example> =1",
        "FROM:<a@b.example> SIZE=",
        "FROM:<a@b.example\0>",
        "FROM:<a@b.example\rRCPT TO:<c@d.example>",
        f"FROM:<{'a' * 250}@b.example>",
    ],
)
def test_what_is_no_address_is_refused(argument: str) -> None:
    with pytest.raises(BadPath):
        parse_path(argument, "FROM")


def test_an_address_beyond_ascii_is_told_apart() -> None:
    with pytest.raises(ForeignAddress):
        parse_path("FROM:<\xe5\xbc\xa0@b.example>", "FROM")


@pytest.mark.parametrize("address", ["a@b.example", "postmaster", "Postmaster", '"x y"@b.example'])
def test_recipients_at_a_domain_are_complete_and_so_is_the_postmaster(address: str) -> None:
    assert is_complete(address)


def test_a_name_without_a_domain_is_not_complete() -> None:
    assert not is_complete("root")


@pytest.mark.parametrize(
    "address", ["a%evil.example@b.example", "evil.example!a@b.example", '"a@evil.example"@b.example']
)
def test_a_destination_behind_another_is_seen(address: str) -> None:
    assert is_routed(address)


def test_an_ordinary_address_is_not_routed() -> None:
    assert not is_routed("first.last+tag=x@b.example")
