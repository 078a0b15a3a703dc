from collections.abc import Iterator
from pathlib import Path

import pytest

from pushserver.domain.mail import (
    AccountCounts,
    MailError,
    MailErrorKind,
    MailReceipt,
    MailRefusal,
    MailResult,
    MailState,
    RecordMailResults,
)
from pushserver.store import Receipts
from pushserver.store.receipts import SLOT_SIZE
from pushserver.store.slots import Kind, Slots
from tests.store.full_disk import full_disk
from tests.store.mail_samples import ANN, BOB, deferred, delivered, record, unstored_receipts
from tests.store.samples import NOON

SENT = MailReceipt("main", accepted=(ANN, BOB), mail_id="m1")
STORED = RecordMailResults(
    "m1",
    tuple(MailResult(to, MailState.DELIVERED, account="main") for to in (ANN, BOB)),
    NOON,
    counts=(AccountCounts("main", sent=1),),
)


@pytest.fixture
def receipts(tmp_path: Path) -> Iterator[Receipts]:
    receipts = Receipts(tmp_path, "relay-0")
    yield receipts
    receipts.close()


def test_who_has_got_a_mail_is_known_until_it_is_stored(tmp_path: Path, receipts: Receipts) -> None:
    receipts.keep(SENT, NOON)
    assert unstored_receipts(tmp_path) == (STORED,)
    receipts.forget_stored([record("m1", *delivered(ANN, BOB))])
    assert unstored_receipts(tmp_path) == ()


def test_who_was_refused_may_be_asked_again(tmp_path: Path, receipts: Receipts) -> None:
    refused = {BOB: MailRefusal(550, "no such user")}
    receipts.keep(MailReceipt("main", (ANN,), refused, mail_id="m1"), NOON)
    (found,) = unstored_receipts(tmp_path)
    assert found.results == (MailResult(ANN, MailState.DELIVERED, account="main"),)


@pytest.mark.parametrize(
    "receipt",
    [
        MailReceipt("main", error=MailError(MailErrorKind.UNCERTAIN, None, "lost"), mail_id="m1"),
        MailReceipt("main", refused={ANN: MailRefusal(450, "later")}, mail_id="m1"),
    ],
)
def test_where_nobody_has_got_it_nothing_is_kept(
    tmp_path: Path, receipts: Receipts, receipt: MailReceipt
) -> None:
    receipts.keep(receipt, NOON)
    assert unstored_receipts(tmp_path) == ()


def test_what_is_stored_of_one_account_says_nothing_of_another(tmp_path: Path, receipts: Receipts) -> None:
    receipts.keep(SENT, NOON)
    receipts.forget_stored([record("m1", *deferred(ANN)), record("m2", *delivered(ANN))])
    assert unstored_receipts(tmp_path) == (STORED,)
    receipts.forget("m1", "main")
    assert unstored_receipts(tmp_path) == ()


def test_a_mail_that_is_sent_once_more_takes_no_second_slot(tmp_path: Path, receipts: Receipts) -> None:
    for _ in range(5):
        receipts.keep(SENT, NOON)
    assert unstored_receipts(tmp_path) == (STORED,)
    assert len([*tmp_path.iterdir()]) == 1


def test_a_hundred_of_the_longest_addresses_are_kept_in_any_script(
    tmp_path: Path, receipts: Receipts
) -> None:
    everybody = [f"{number:03}{'户' * 79}@corp.example" for number in range(99)]
    assert {len(address.encode()) for address in everybody} == {253}
    everybody.append("\udcff@corp.example")
    receipts.keep(MailReceipt("账户\n一", tuple(everybody), mail_id="m1"), NOON)
    (found,) = unstored_receipts(tmp_path)
    assert [result.address for result in found.results] == everybody
    assert {result.account for result in found.results} == {"账户\n一"}


def test_a_successor_of_any_name_keeps_what_the_dead_have_left_until_it_is_stored(tmp_path: Path) -> None:
    Receipts(tmp_path, "relay-0").keep(SENT, NOON)
    second = Receipts(tmp_path, "main-0")
    second.keep(MailReceipt("spare", (ANN,), mail_id="m2"), NOON)
    third = Receipts(tmp_path, "main-0")
    assert second.unstored == (STORED,)
    assert {command.mail_id for command in third.unstored} == {"m1", "m2"}
    assert set(unstored_receipts(tmp_path)) == set(third.unstored)
    third.forget_stored(third.unstored)
    third.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_full_disk_does_not_let_a_successor_keep_stays_where_it_is(tmp_path: Path) -> None:
    Receipts(tmp_path, "relay-0").keep(SENT, NOON)
    with full_disk():
        assert Receipts(tmp_path, "relay-0").unstored == (STORED,)
    assert unstored_receipts(tmp_path) == (STORED,)


def test_of_a_process_that_ends_in_peace_nothing_is_left(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path, "relay-0")
    receipts.keep(SENT, NOON)
    receipts.forget("m1", "main")
    receipts.close()
    assert list(tmp_path.iterdir()) == []


def test_one_that_ends_with_something_unstored_leaves_it(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path, "relay-0")
    receipts.keep(SENT, NOON)
    receipts.close()
    assert unstored_receipts(tmp_path) == (STORED,)


def test_another_versions_are_passed_over(tmp_path: Path) -> None:
    Receipts(tmp_path, "relay-0").keep(SENT, NOON)
    slots = Slots(tmp_path, "relay-0", Kind("receipts", SLOT_SIZE, 2))
    for payload in (b"not json", b'["m1", "main"]', b'["m1", "main", 0, []]', b"\xff"):
        slots.put(payload)
    assert unstored_receipts(tmp_path) == (STORED,)
