"""The seven routes of ``/api/v1/notifications``: what is asked for, what is shown, what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from falcon import testing

from pushserver.domain import Level, Notification, StoreUnavailable, Style
from tests.api.api_parts import Parts

ALL = "/api/v1/notifications"
STATISTICS = f"{ALL}/statistics"
READ_ALL = f"{ALL}/read-all"

FIELDS = {
    "id": "notify_20240101120000_abc123def456",
    "title": "🚨 推送系统故障通知 - all策略所有渠道推送失败",
    "message": "原始标题: 磁盘告警",
    "type": "error",
    "strategy": "all",
    "style": "text",
    "source": "PushServer-SystemNotification",
    "task_id": "task_20240101_120000_abc123def456",
    "reason": "all策略所有渠道推送失败",
    "created_at": "2024-01-01T12:00:00Z",
    "status": "unread",
}


def entry(number: int = 0, level: Level = Level.ERROR) -> Notification:
    return Notification(
        id=f"notify_20240101120000_abc123def{456 + number}",
        task_id=f"task_20240101_120000_abc123def{456 + number}",
        reason="all策略所有渠道推送失败",
        title="🚨 推送系统故障通知 - all策略所有渠道推送失败",
        text="原始标题: 磁盘告警",
        level=level,
        strategy="all",
        style=Style.TEXT,
        created_at=datetime(2024, 1, 1, 12, 0, 0, 345_678, tzinfo=UTC),
    )


@pytest.fixture
def three(parts: Parts) -> list[str]:
    """The ids of three entries, oldest first."""
    entries = [entry(0), entry(1, Level.WARNING), entry(2)]
    for one in entries:
        parts.notifications.store(one)
    return [one.id for one in entries]


def ask(client: testing.TestClient, method: str, path: str, query: str = "") -> testing.Result:
    return client.simulate_request(method, path, query_string=query)


def refusal(client: testing.TestClient, query: str) -> Any:
    result = ask(client, "GET", ALL, query)
    assert result.status_code == 400
    assert set(result.json) == {"code", "message"}
    return result.json["message"]


def ids(result: testing.Result) -> list[str]:
    assert result.status_code == 200
    return [item["id"] for item in result.json["data"]["notifications"]]


# The list --------------------------------------------------------------------------------------------


def test_a_notification_is_shown_with_every_field(client: testing.TestClient, parts: Parts) -> None:
    parts.notifications.store(entry())
    assert ask(client, "GET", ALL).json == {
        "code": 200,
        "message": "获取系统通知成功",
        "data": {
            "notifications": [FIELDS],
            "pagination": {"total": 1, "limit": 50, "offset": 0, "count": 1},
        },
    }


def test_without_any_there_is_an_empty_list(client: testing.TestClient) -> None:
    assert ask(client, "GET", ALL).json["data"] == {
        "notifications": [],
        "pagination": {"total": 0, "limit": 50, "offset": 0, "count": 0},
    }


def test_the_newest_comes_first(client: testing.TestClient, three: list[str]) -> None:
    assert ids(ask(client, "GET", ALL)) == three[::-1]


def test_a_page_says_how_many_there_are_over_all_pages(client: testing.TestClient, three: list[str]) -> None:
    result = ask(client, "GET", ALL, "limit=2&offset=2")
    assert ids(result) == [three[0]]
    assert result.json["data"]["pagination"] == {"total": 3, "limit": 2, "offset": 2, "count": 1}


def test_a_page_behind_the_last_one_is_empty(client: testing.TestClient, three: list[str]) -> None:
    result = ask(client, "GET", ALL, "offset=99")
    assert ids(result) == []
    assert result.json["data"]["pagination"] == {"total": 3, "limit": 50, "offset": 99, "count": 0}


def test_fifty_are_shown_unless_asked_otherwise(client: testing.TestClient, parts: Parts) -> None:
    for number in range(60):
        parts.notifications.store(entry(number))
    assert len(ids(ask(client, "GET", ALL))) == 50
    assert len(ids(ask(client, "GET", ALL, "limit=1000"))) == 60


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("status=unread", [2, 0]), ("status=read", [1]), ("status=all", [2, 1, 0]), ("status=", [2, 1, 0])],
)
def test_the_status_chooses(
    client: testing.TestClient, three: list[str], query: str, numbers: list[int]
) -> None:
    ask(client, "PUT", f"{ALL}/{three[1]}/read")
    result = ask(client, "GET", ALL, query)
    assert ids(result) == [three[number] for number in numbers]
    assert result.json["data"]["pagination"]["total"] == len(numbers)


@pytest.mark.parametrize("status", ["Read", "new", "unread,read"])
def test_another_status_is_refused(client: testing.TestClient, status: str) -> None:
    said = refusal(client, f"status={status.replace(',', '%2C')}")
    assert said == f"请求参数错误: status 只支持 unread, read, all，收到的是 {status}"


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "ten", "１", "99999999999999999999"])
def test_a_limit_out_of_bounds_is_refused(client: testing.TestClient, limit: str) -> None:
    said = refusal(client, f"limit={limit}")
    assert said == f"请求参数错误: limit 必须是1 到 1000 的整数，收到的是 {limit}"


@pytest.mark.parametrize("offset", ["-1", "x", "0x1"])
def test_an_offset_that_is_none_is_refused(client: testing.TestClient, offset: str) -> None:
    said = refusal(client, f"offset={offset}")
    assert said == f"请求参数错误: offset 必须是不小于 0 的整数，收到的是 {offset}"


def test_a_slip_in_a_parameters_name_is_refused(client: testing.TestClient) -> None:
    assert refusal(client, "limt=5") == "请求参数错误: limt 是未知参数，是否想写 limit？"


def test_a_parameter_that_comes_twice_is_refused(client: testing.TestClient) -> None:
    assert refusal(client, "limit=5&limit=6") == "请求参数错误: limit 只能出现一次"


@pytest.mark.parametrize("query", ["limit=1", "limit=1000", "offset=0", "offset=999999999999999999"])
def test_the_bounds_themselves_are_taken(client: testing.TestClient, query: str) -> None:
    assert ask(client, "GET", ALL, query).status_code == 200


# One of them -----------------------------------------------------------------------------------------


def test_looking_at_one_does_not_mark_it_as_read(client: testing.TestClient, parts: Parts) -> None:
    parts.notifications.store(entry())
    for _ in range(2):
        assert ask(client, "GET", f"{ALL}/{FIELDS['id']}").json == {
            "code": 200,
            "message": "获取系统通知成功",
            "data": {"notification": FIELDS},
        }


def test_marking_one_as_read_may_be_repeated(client: testing.TestClient, three: list[str]) -> None:
    for _ in range(2):
        assert ask(client, "PUT", f"{ALL}/{three[1]}/read").json == {
            "code": 200,
            "message": "标记为已读成功",
            "data": {"notification_id": three[1]},
        }
    shown = ask(client, "GET", ALL).json["data"]["notifications"]
    assert [item["status"] for item in shown] == ["unread", "read", "unread"]


def test_a_deleted_one_is_gone(client: testing.TestClient, three: list[str]) -> None:
    assert ask(client, "DELETE", f"{ALL}/{three[1]}").json == {
        "code": 200,
        "message": "删除通知成功",
        "data": {"notification_id": three[1]},
    }
    assert ids(ask(client, "GET", ALL)) == [three[2], three[0]]
    assert ask(client, "DELETE", f"{ALL}/{three[1]}").status_code == 404


@pytest.mark.parametrize(
    ("method", "suffix"), [("GET", ""), ("DELETE", ""), ("PUT", "/read")], ids=["show", "delete", "read"]
)
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("notify_20240101120000_unknown", "notify_20240101120000_unknown"),
        ("%E9%80%9A%E7%9F%A5", "通知"),
        ("%00", "\0"),
        ("a" * 65, "a" * 65),
    ],
    ids=["unknown", "Chinese", "NUL", "long"],
)
def test_one_that_is_not_there(
    client: testing.TestClient, method: str, suffix: str, written: str, meant: str
) -> None:
    result = ask(client, method, f"{ALL}/{written}{suffix}")
    assert result.status_code == 404
    assert result.json == {"code": 404, "message": "通知不存在", "data": {"notification_id": meant}}


# All of them -----------------------------------------------------------------------------------------


def test_marking_all_as_read_counts_those_that_were_not(client: testing.TestClient, three: list[str]) -> None:
    ask(client, "PUT", f"{ALL}/{three[0]}/read")
    for marked in (2, 0):
        assert ask(client, "PUT", READ_ALL).json == {
            "code": 200,
            "message": "标记所有通知为已读成功",
            "data": {"marked_count": marked},
        }


def test_clearing_counts_what_there_was(client: testing.TestClient, three: list[str]) -> None:
    for cleared in (3, 0):
        assert ask(client, "DELETE", ALL).json == {
            "code": 200,
            "message": "清空所有通知成功",
            "data": {"cleared_count": cleared},
        }


def test_statistics_add_up(client: testing.TestClient, three: list[str]) -> None:
    ask(client, "PUT", f"{ALL}/{three[0]}/read")
    assert ask(client, "GET", STATISTICS).json == {
        "code": 200,
        "message": "获取通知统计成功",
        "data": {
            "statistics": {
                "total": 3,
                "unread": 2,
                "read": 1,
                "by_type": {"info": 0, "warning": 1, "error": 2},
            }
        },
    }


# Methods ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        (ALL, "PUT", {"GET", "DELETE"}),
        (ALL, "POST", {"GET", "DELETE"}),
        (STATISTICS, "DELETE", {"GET"}),
        (STATISTICS, "PUT", {"GET"}),
        (READ_ALL, "GET", {"PUT"}),
        (READ_ALL, "DELETE", {"PUT"}),
        (f"{ALL}/some_id", "PUT", {"GET", "DELETE"}),
        (f"{ALL}/some_id/read", "GET", {"PUT"}),
    ],
)
def test_a_word_is_no_id_and_other_methods_are_refused(
    client: testing.TestClient, path: str, method: str, allowed: set[str]
) -> None:
    result = ask(client, method, path)
    assert result.status_code == 405
    assert result.json["code"] == 405
    assert {word.strip() for word in result.headers["allow"].split(",")} - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.parametrize("path", [ALL, STATISTICS, f"{ALL}/{FIELDS['id']}", f"{ALL}/unknown"])
def test_head_says_what_get_would(client: testing.TestClient, parts: Parts, path: str) -> None:
    parts.notifications.store(entry())
    got, head = ask(client, "GET", path), ask(client, "HEAD", path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ALL),
        ("DELETE", ALL),
        ("GET", STATISTICS),
        ("PUT", READ_ALL),
        ("GET", f"{ALL}/x"),
        ("DELETE", f"{ALL}/x"),
        ("PUT", f"{ALL}/x/read"),
    ],
)
def test_a_store_that_is_away_is_no_fault_of_the_caller(
    client: testing.TestClient, parts: Parts, method: str, path: str
) -> None:
    parts.notifications.trouble = StoreUnavailable("locked")
    result = ask(client, method, path)
    assert result.status_code == 503
    assert result.json == {"code": 503, "message": "服务繁忙，请稍后重试"}
    assert result.headers["retry-after"] == "5"
