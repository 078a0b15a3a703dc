"""From bytes to a tree: texts stay as written, and whatever is no such tree gets one clear line."""

from pathlib import Path

import pytest
import yaml

from pushserver.config import ConfigError, load, reader
from pushserver.config.reader import Unreadable, parse
from tests.config.loading import RECIPIENTS, Load


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """libyaml, and the pure Python that stands in where libyaml is missing."""
    monkeypatch.setattr(reader, "_Loader", getattr(yaml, request.param))


@pytest.mark.parametrize("alias", ["007", "on", "null", "~", "1e3", "2024-01-01", "0x1F", "ops.alert", "Ops"])
def test_a_recipients_key_is_read_as_written(load_yaml: Load, alias: str) -> None:
    assert list(load_yaml(f"recipients: {{{alias}: {{}}}}").settings.recipients) == [alias]


@pytest.mark.parametrize("name", ["0123", "on", "No", "1_000", "1.50", "2024-01-01", "12:30:45", "=", "0b1"])
def test_a_text_is_read_as_written(load_yaml: Load, name: str) -> None:
    assert load_yaml(f"recipients: {{ops: {{name: {name}}}}}").settings.recipients["ops"].name == name


def test_quotes_and_blocks_and_the_str_tag_make_texts_of_anything(load_yaml: Load) -> None:
    names = {"a": "'null'", "b": '"~"', "c": "!!str null", "d": "! null", "e": ">-\n      null"}
    text = "recipients:\n" + "".join(f"  {alias}:\n    name: {name}\n" for alias, name in names.items())
    loaded = load_yaml(text).settings.recipients
    assert [recipient.name for recipient in loaded.values()] == ["null", "~", "null", "null", "null"]


@pytest.mark.parametrize("empty", ["", "~", "null", "Null", "NULL", "!!null null"])
def test_an_empty_key_is_an_absent_key(load_yaml: Load, empty: str) -> None:
    loaded = load_yaml(f"task: {empty}\nserver:\n  port: {empty}\n{RECIPIENTS}")
    assert loaded.settings.task.max_age == 86_400
    assert loaded.settings.server.port == 8080


def test_an_unknown_key_is_a_fault_even_when_it_is_empty(load_yaml: Load) -> None:
    (fault,) = load_yaml.faults(f"server:\n  prot:\n{RECIPIENTS}")
    assert fault.startswith("config.yaml:2: server.prot: found an unknown key")


@pytest.mark.parametrize(
    ("word", "pin"),
    [
        ("on", "on"),
        ('"on"', "on"),
        ("true", "on"),
        ("Yes", "on"),
        ("off", "off"),
        ("no", "off"),
        ("auto", "auto"),
    ],
)
def test_words_and_switches_work_in_both_spellings(load_yaml: Load, word: str, pin: str) -> None:
    assert load_yaml(f"processes: {{pin: {word}}}\n{RECIPIENTS}").settings.processes.pin == pin


@pytest.mark.parametrize("word", ["true", "yes", "on", "True", '"true"', "1"])
def test_every_yaml_word_switches_on(load_yaml: Load, word: str) -> None:
    assert load_yaml(f"processes: {{inline: {word}}}\n{RECIPIENTS}").settings.processes.inline is True


def test_numbers_in_quotes_are_numbers(load_yaml: Load) -> None:
    settings = load_yaml(f'server: {{port: "9000"}}\nprocesses: {{gateway: "2"}}\n{RECIPIENTS}').settings
    assert settings.server.port == 9000
    assert settings.processes.gateway == 2


def test_a_duplicate_key_is_a_fault_beside_all_others(load_yaml: Load) -> None:
    text = "server:\n  port: 1\n  mode: x\n  port: 2\nrecipients:\n  ops: {}\n  dev: {}\n  'ops': {}\n"
    assert load_yaml.faults(text) == [
        "config.yaml:2: server.port: found the same key again in line 4, expected it once",
        'config.yaml:3: server.mode: found "x", expected one of debug, release, test',
        "config.yaml:6: recipients.ops: found the same key again in line 8, expected it once",
    ]


def test_anchors_aliases_and_merge_keys_work(load_yaml: Load) -> None:
    text = """\
recipients:
  a:
    platforms:
      email: &mail
        smtp: &smtp {host: mail.example.com, from: a@example.com}
        recipients: [{email: a@example.com}]
  b: {platforms: {email: *mail}}
  c:
    platforms:
      email:
        recipients: [{email: c@example.com}]
        smtp: {<<: *smtp, port: 25, host: other.example.com}
  d: {platforms: {email: {<<: [{smtp: *smtp}, *mail], recipients: [{email: d@example.com}]}}}
"""
    recipients = load_yaml(text).settings.recipients
    sent = {alias: recipient.channels[0].targets[0] for alias, recipient in recipients.items()}
    assert sent["b"] == sent["a"]
    assert [(mail.smtp.host, mail.smtp.port) for mail in sent.values()] == [  # type: ignore[union-attr]  # all are Mail
        ("mail.example.com", 587),
        ("mail.example.com", 587),
        ("other.example.com", 25),
        ("mail.example.com", 587),
    ]
    assert sent["d"].mailboxes[0].email == "d@example.com"  # type: ignore[union-attr]  # a Mail


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert parse('a: {"<<": b}').root == {"a": {"<<": "b"}}


def test_a_byte_order_mark_is_no_part_of_the_first_key(load_yaml: Load) -> None:
    assert load_yaml(b"\xef\xbb\xbf" + RECIPIENTS.encode()).settings.recipients.keys() == {"ops"}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)

FOREIGN_TAG = (
    "config.yaml:1: found a YAML tag (!), expected no tags, and quotes around a text that begins with !"
)
EXPECTED_ROOT = 'expected a mapping of settings with at least "recipients"'


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", f"config.yaml: found nothing, {EXPECTED_ROOT}"),
        (b"# only a comment\n", f"config.yaml: found nothing, {EXPECTED_ROOT}"),
        (b"- a\n- b\n", f"config.yaml: found a list, {EXPECTED_ROOT}"),
        (b"recipients", f"config.yaml: found a single text, {EXPECTED_ROOT}"),
        (
            b"a: 1\nb: \xff\xfe\n",
            "config.yaml:2: found bytes that are not UTF-8, expected a text file saved as UTF-8",
        ),
        (
            b"a: 1\nb: \x00\n",
            "config.yaml:2: found a character that YAML does not allow, expected printable text",
        ),
        (
            b"a: 1\n---\nb: 2\n",
            "config.yaml:2: found a second document (---), expected a single YAML document",
        ),
        (
            b"[" * 5000,
            "config.yaml:1: found more than 40 levels, expected the nesting that the example shows",
        ),
        (
            b"a:\n  ? [x]\n  : b\n",
            "config.yaml:2: found a key that is not a plain text, expected a word before the colon",
        ),
        (
            b"a: &x b\n? *x\n: c\n",
            "config.yaml:2: found a key that is not a plain text, expected a word before the colon",
        ),
        (
            b"a: !!python/object:os.system x\n",
            FOREIGN_TAG,
        ),
        (
            b"a: !box {}\n",
            FOREIGN_TAG,
        ),
        (
            b"a: *hunter2\n",
            (
                "config.yaml:1: found an alias (*) without an anchor (&) before it, "
                "expected an anchor, or quotes around a text that begins with *"
            ),
        ),
        (
            b"a: &a [*a]\n",
            (
                "config.yaml:1: found an alias (*) without an anchor (&) before it, "
                "expected an anchor, or quotes around a text that begins with *"
            ),
        ),
        (
            b"a:\n  <<: text\n",
            "config.yaml:2: found a merge key (<<) without a mapping, expected <<: *anchor of a mapping",
        ),
    ],
)
def test_a_file_that_is_no_configuration_gets_one_clear_line(
    load_yaml: Load,
    data: bytes,
    fault: str,
) -> None:
    assert load_yaml.faults(data) == [fault]


def test_a_tower_of_aliases_is_not_climbed(load_yaml: Load) -> None:
    tower = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 2000))
    assert load_yaml.faults(tower) == [
        "config.yaml:40: found more than 40 levels, expected the nesting that the example shows"
    ]


def test_an_alias_bomb_is_defused(load_yaml: Load) -> None:
    (fault,) = load_yaml.faults(BOMB)
    assert fault.endswith("found aliases that expand without end, expected fewer aliases of aliases")


@pytest.mark.parametrize(
    "text",
    ["a: [1\n", "a: b: c\n", "a: 'x\n", "\ta: 1\n", "a: %x\n", 'a: "\\q"\n', "}"],
)
def test_a_syntax_error_names_its_line(load_yaml: Load, text: str) -> None:
    (fault,) = load_yaml.faults(f"server: {{}}\n{text}")
    assert fault.startswith(
        ("config.yaml:2: found a syntax error (", "config.yaml:3: found a syntax error ("),
    )
    assert fault.endswith(
        "expected valid YAML: spaces for indentation, and quotes around a text with special characters",
    )


def test_half_a_character_is_refused(load_yaml: Load) -> None:
    (fault,) = load_yaml.faults('recipients: {ops: {name: "\\ud800"}}')
    assert fault.startswith("config.yaml:1: found ")


def test_an_escape_of_no_character_is_refused(load_yaml: Load) -> None:
    assert len(load_yaml.faults('recipients: {ops: {name: "\\UFFFFFFFF"}}')) == 1


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "none.yaml", {})
    assert str(raised.value) == (
        f"{tmp_path}/none.yaml: found no readable file (No such file or directory), "
        "expected a YAML file that the service may read"
    )


def test_a_directory_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"found no readable file \(Is a directory\)"):
        load(tmp_path, {})


def test_an_impossible_path_is_one_clear_line() -> None:
    with pytest.raises(ConfigError, match=r"found no readable file \(not a possible file name\)"):
        load(Path("a\0b"), {})


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(reader.LARGEST_FILE + 1)
    with pytest.raises(
        ConfigError,
        match=r"found more than 64 MiB, expected a configuration of at most 64 MiB",
    ):
        load(path, {})


def test_lines_are_known_for_keys_and_items() -> None:
    text = "a:\n  b:\n    - x\n    -\n      c: 1\n"
    assert reader.lines(text) == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "b", 0): 3,
        ("a", "b", 1): 5,
        ("a", "b", 1, "c"): 5,
    }


def test_a_tree_is_refused_only_as_unreadable() -> None:
    with pytest.raises(Unreadable):
        parse("")
