"""The comparison that the documented answers go through can tell a wrong one."""

import pytest

from tests.docs.answers import same_json, same_text

SHOWN = {
    "code": 200,
    "data": {"task_id": "task_20240101_120000_abc123def456", "at": [{"duration_ms": 112, "attempt": 1}]},
}


def test_ids_and_durations_may_differ() -> None:
    given = {
        "code": 200,
        "data": {"task_id": "task_20260203_040506_zyx987wvu654", "at": [{"duration_ms": 3, "attempt": 1}]},
    }
    assert same_json(SHOWN, given)


@pytest.mark.parametrize(
    "given",
    [
        {"code": 400, "data": SHOWN["data"]},
        {"code": 200},
        {"data": SHOWN["data"], "code": 200},
        {"code": 200, "data": SHOWN["data"], "error": ""},
        {"code": 200, "data": {"task_id": "task_1", "at": [{"duration_ms": 112, "attempt": 1}]}},
        {"code": 200, "data": {"task_id": "task_20240101_120000_abc123def456", "at": []}},
        {
            "code": 200,
            "data": {
                "task_id": "task_20240101_120000_abc123def456",
                "at": [{"duration_ms": 112, "attempt": 2}],
            },
        },
    ],
)
def test_anything_else_may_not(given: object) -> None:
    assert not same_json(SHOWN, given)


def test_on_a_screen_what_happens_at_once_may_come_in_any_order() -> None:
    assert same_text("feishu 成功 4 ms\nemail 成功 46 ms\n", "email  成功 52 ms\nfeishu 成功 3 ms\n")
    assert not same_text("feishu 成功\nemail 成功\n", "feishu 成功\n")


def test_on_a_screen_blanks_and_times_may_differ_and_words_may_not() -> None:
    assert same_text("feishu  ✓ 成功   12 ms 10:31:22", "feishu ✓ 成功 4 ms  09:00:00\n")
    assert not same_text("feishu ✓ 成功 12 ms", "feishu ✗ 失败 12 ms")
