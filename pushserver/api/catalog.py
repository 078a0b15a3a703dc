"""Everything that the service answers: the one table behind who may do what, and the OpenAPI document."""

from collections.abc import Iterable, Mapping
from typing import Final

from actors import State
from pushserver.api.actors import KIND_EXAMPLES
from pushserver.api.metrics import TEXT_FORMAT
from pushserver.api.notifications import STATUSES
from pushserver.api.operation import Answer, Operation, Parameter, Schema
from pushserver.api.query import DEFAULT_LIMIT, MOST
from pushserver.api.relay_queue import ALL, ID, IDS, STATES
from pushserver.api.schemas import (
    BATCH,
    BATCH_RESULT,
    COUNT,
    PAGINATION,
    RELAY,
    RELAY_STATISTICS,
    TEXT,
    having,
    list_of,
    named,
    one_of,
    or_null,
)
from pushserver.config import Scope

API: Final = "/api/v1"
_NOTIFICATIONS: Final = f"{API}/notifications"
_RELAY: Final = f"{API}/smtp-relay"
_RELOAD: Final = f"{API}/reload"

_LIMIT: Final = Parameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}, "how many to show"
)
_OFFSET: Final = Parameter(
    "offset", {"type": "integer", "minimum": 0, "maximum": 10**18 - 1, "default": 0}, "how many to pass over"
)
_BUSY: Final = Answer("The queue is full, or the store cannot be used; try again.", "服务繁忙，请稍后重试")
_TOO_LARGE: Final = Answer("The body is too large.", "请求体过大")


def _in_path(name: str, description: str) -> Parameter:
    return Parameter(name, {**TEXT, "minLength": 1}, description, "path")


def _filter(name: str, description: str) -> Parameter:
    return Parameter(name, TEXT, description)


def _word(name: str, description: str, words: Iterable[str]) -> Parameter:
    return Parameter(name, one_of(words), description)


def _not_found(message: str, data: Schema, what: str) -> Answer:
    """A path that is none at all has no data."""
    return Answer(f"There is no such {what}.", message, data, data_is_optional=True)


_NO_NOTIFICATION: Final = _not_found("通知不存在", having({"notification_id": TEXT}), "notification")
_NO_ACTOR: Final = _not_found("Actor不存在", having({"address": TEXT}, near=list_of(TEXT)), "actor")

_CHANGES: Final = having({"changes": list_of(named("Change"))})

_PUSHES: Final = (
    Operation(
        "push",
        "POST",
        f"{API}/push",
        "Submit a push; 200 means stored",
        {
            200: Answer("It is stored.", "推送任务已提交", having({"task_id": TEXT})),
            413: _TOO_LARGE,
            503: _BUSY,
        },
        Scope.PUSH,
        "push",
        body=named("Push"),
        by_recipient=True,
        example={"recipient_alias": "ops_alert", "content": {"title": "磁盘告警", "msg": "使用率 93%"}},
    ),
    Operation(
        "push_batch",
        "POST",
        f"{API}/push/batch",
        "Submit many pushes in one commit",
        {
            200: Answer(
                "The good ones are stored; `results` are in the order of `pushes`.",
                "推送任务已提交",
                having({"results": list_of(BATCH_RESULT)}),
            ),
            413: _TOO_LARGE,
            503: _BUSY,
        },
        Scope.PUSH,
        "push",
        body=BATCH,
        by_recipient=True,
        description=(
            "Each item is a `Push`. A bad one gets its error, the others go; without room for all, none goes."
        ),
        example={"pushes": [{"recipient_alias": "ops_alert", "content": {"title": "T", "msg": "M"}}]},
    ),
    Operation(
        "get_task",
        "GET",
        f"{API}/task/{{task_id}}",
        "What has become of a push",
        {
            200: Answer("The task.", "获取任务状态成功", named("Task")),
            404: _not_found("任务不存在", having({"task_id": TEXT}), "task"),
            503: _BUSY,
        },
        Scope.READ,
        "push",
        parameters=(_in_path("task_id", "what the push was answered with"),),
        by_recipient=True,
    ),
)

_NOTICES: Final = (
    Operation(
        "list_notifications",
        "GET",
        _NOTIFICATIONS,
        "What the last line of defence has raised, newest first",
        {
            200: Answer(
                "A page of them.",
                "获取系统通知成功",
                having({"notifications": list_of(named("Notification")), "pagination": PAGINATION}),
            ),
            503: _BUSY,
        },
        Scope.READ,
        "notifications",
        parameters=(_word("status", "only these", STATUSES), _LIMIT, _OFFSET),
    ),
    Operation(
        "clear_notifications",
        "DELETE",
        _NOTIFICATIONS,
        "Delete all of them",
        {200: Answer("They are gone.", "清空所有通知成功", having({"cleared_count": COUNT})), 503: _BUSY},
        Scope.OPERATE,
        "notifications",
    ),
    Operation(
        "count_notifications",
        "GET",
        f"{_NOTIFICATIONS}/statistics",
        "How many there are",
        {
            200: Answer(
                "As it is now.",
                "获取通知统计成功",
                having(
                    {
                        "statistics": having(
                            {
                                "total": COUNT,
                                "unread": COUNT,
                                "read": COUNT,
                                "by_type": {"type": "object", "additionalProperties": COUNT},
                            }
                        )
                    }
                ),
            ),
            503: _BUSY,
        },
        Scope.READ,
        "notifications",
    ),
    Operation(
        "read_all_notifications",
        "PUT",
        f"{_NOTIFICATIONS}/read-all",
        "Mark all as read",
        {
            200: Answer("They are read.", "标记所有通知为已读成功", having({"marked_count": COUNT})),
            503: _BUSY,
        },
        Scope.READ,
        "notifications",
    ),
    Operation(
        "get_notification",
        "GET",
        f"{_NOTIFICATIONS}/{{notification_id}}",
        "One of them; looking does not mark it as read",
        {
            200: Answer(
                "The notification.", "获取系统通知成功", having({"notification": named("Notification")})
            ),
            404: _NO_NOTIFICATION,
            503: _BUSY,
        },
        Scope.READ,
        "notifications",
        parameters=(_in_path("notification_id", "its id"),),
    ),
    Operation(
        "delete_notification",
        "DELETE",
        f"{_NOTIFICATIONS}/{{notification_id}}",
        "Delete one",
        {
            200: Answer("It is gone.", "删除通知成功", having({"notification_id": TEXT})),
            404: _NO_NOTIFICATION,
            503: _BUSY,
        },
        Scope.OPERATE,
        "notifications",
        parameters=(_in_path("notification_id", "its id"),),
    ),
    Operation(
        "read_notification",
        "PUT",
        f"{_NOTIFICATIONS}/{{notification_id}}/read",
        "Mark one as read; twice changes nothing",
        {
            200: Answer("It is read.", "标记为已读成功", having({"notification_id": TEXT})),
            404: _NO_NOTIFICATION,
            503: _BUSY,
        },
        Scope.READ,
        "notifications",
        parameters=(_in_path("notification_id", "its id"),),
    ),
)

_MAIL_IDS: Final[Schema] = {
    **list_of({**TEXT, "pattern": ID}),
    "minItems": 1,
    "maxItems": MOST,
}

_MAILS: Final = (
    Operation(
        "get_relay",
        "GET",
        f"{_RELAY}/status",
        "The relay's door",
        {200: Answer("As it is now.", "获取SMTP中继状态成功", RELAY)},
        Scope.READ,
        "smtp-relay",
    ),
    Operation(
        "get_relay_statistics",
        "GET",
        f"{_RELAY}/statistics",
        "What its accounts have sent, and failed to send",
        {
            200: Answer("Since ever.", "获取SMTP中继统计信息成功", having({"statistics": RELAY_STATISTICS})),
            503: _BUSY,
        },
        Scope.READ,
        "smtp-relay",
    ),
    Operation(
        "list_mails",
        "GET",
        f"{_RELAY}/queue",
        "Its mails, newest first",
        {
            200: Answer(
                "A page of them.",
                "获取SMTP中继队列成功",
                having({"mails": list_of(named("Mail")), "pagination": PAGINATION}),
            ),
            503: _BUSY,
        },
        Scope.READ,
        "smtp-relay",
        parameters=(
            _word("state", "only with a recipient in this state; waiting by default", STATES),
            _LIMIT,
            _OFFSET,
        ),
    ),
    Operation(
        "retry_mails",
        "POST",
        f"{_RELAY}/queue/retry",
        "Try mails now",
        {
            200: Answer("So many are tried now.", "已安排立即重试", having({"retried_count": COUNT})),
            413: _TOO_LARGE,
            503: _BUSY,
        },
        Scope.OPERATE,
        "smtp-relay",
        body=having({IDS: {"anyOf": [_MAIL_IDS, {"const": ALL}]}}),
        example={"mail_ids": "all"},
    ),
    Operation(
        "drop_mails",
        "POST",
        f"{_RELAY}/queue/drop",
        "Give mails up; their senders are told nothing",
        {
            200: Answer("So many are given up.", "已放弃邮件", having({"dropped_count": COUNT})),
            413: _TOO_LARGE,
            503: _BUSY,
        },
        Scope.OPERATE,
        "smtp-relay",
        body=having({IDS: _MAIL_IDS}),
        example={"mail_ids": ["mail_20240101_120000_abc123def456"]},
    ),
)

_OPERATING: Final = (
    Operation(
        "list_actors",
        "GET",
        f"{API}/actors",
        "All actors and processes, failing ones first",
        {
            200: Answer(
                "A page of them. `silent` are processes that did not answer, with the reason.",
                "获取Actor状态成功",
                having(
                    {"actors": list_of(named("Actor")), "pagination": PAGINATION},
                    silent={"type": "object", "additionalProperties": TEXT},
                ),
            ),
            404: _NO_ACTOR,
        },
        Scope.READ,
        "operating",
        parameters=(
            _word("state", "only these; sleeping ones are listed only so", State),
            _filter("kind", f"only these: {KIND_EXAMPLES}"),
            _filter("recipient", "this one and what stands under it"),
            _filter("address", "this one and what stands under it; the process may be left out"),
            _LIMIT,
            _OFFSET,
        ),
    ),
    Operation(
        "restart_actor",
        "POST",
        f"{API}/actors/restart",
        "A new life for an actor and what stands under it, or for a process",
        {
            200: Answer(
                "It has one. `restarts` is null where nobody could count.",
                "Actor已重启",
                having({"address": TEXT, "restarts": or_null(COUNT)}),
            ),
            404: _NO_ACTOR,
            413: _TOO_LARGE,
            503: Answer("It has not started again in time, or its process is away.", "Actor未能及时重启"),
        },
        Scope.OPERATE,
        "operating",
        body=having({"address": {**TEXT, "pattern": r"\S"}}),
        example={"address": "/delivery-0/recipients/ops_alert/feishu"},
    ),
    Operation(
        "reload",
        "POST",
        _RELOAD,
        "Put the configuration file into effect, and restart only what has changed",
        {
            200: Answer("It is in effect.", "配置已重新加载", _CHANGES),
            409: Answer(
                "Some changes need a restart of the service: nothing has changed.",
                "部分更改需要重启服务",
                _CHANGES,
            ),
            503: Answer("Nobody has answered, or not every process follows yet.", "配置未能及时生效"),
        },
        Scope.OPERATE,
        "operating",
        description="With faults in the file: 400, all of them in `errors`, and nothing has changed.",
    ),
    Operation(
        "preview_reload",
        "POST",
        f"{_RELOAD}/preview",
        "What a reload would change",
        {
            200: Answer("These differences to what is in effect.", "配置对比完成", _CHANGES),
            413: _TOO_LARGE,
            503: Answer("Nobody has answered.", "配置未能及时生效"),
        },
        Scope.OPERATE,
        "operating",
        body=having(configuration={**TEXT, "description": "YAML instead of the service's own file"}),
        body_is_optional=True,
        description="With faults: 400, all of them in `errors`.",
    ),
)

_SERVICE: Final = (
    Operation(
        "get_health",
        "GET",
        "/health",
        "Whether the service is fit to take a push",
        {
            200: Answer(
                "It is. Vendors and accounts that are down stand in `checks` only.",
                "服务运行正常",
                having({"status": TEXT}, checks={"type": "object"}),
            ),
            503: Answer(
                "It is not: the reason stands in `error`.",
                "服务不可用",
                having({"status": TEXT}, checks={"type": "object"}),
            ),
        },
        None,
        "service",
    ),
    Operation(
        "get_metrics",
        "GET",
        "/metrics",
        "For Prometheus",
        {200: Answer("The text format.", text=TEXT_FORMAT)},
        Scope.READ,
        "service",
    ),
    Operation(
        "get_openapi",
        "GET",
        f"{API}/openapi.json",
        "This document",
        {200: Answer("OpenAPI 3.1.", text="application/json")},
        None,
        "service",
    ),
)

OPERATIONS: Final[tuple[Operation, ...]] = (*_PUSHES, *_NOTICES, *_MAILS, *_OPERATING, *_SERVICE)

BY_ROUTE: Final[Mapping[tuple[str, str], Operation]] = {
    (method, operation.path): operation
    for operation in OPERATIONS
    for method in ((operation.method, "HEAD") if operation.method == "GET" else (operation.method,))
}
"""By method and path, HEAD with GET."""
