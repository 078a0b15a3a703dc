"""``POST /api/v1/push`` and ``POST /api/v1/push/batch``: 200 means stored."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import falcon

from pushserver.api.access import Caller
from pushserver.api.body import BATCH_LIMIT, PUSH_LIMIT, read_json
from pushserver.api.envelope import answer
from pushserver.api.ports import Dependencies
from pushserver.api.push_request import PushRequest, Refused, read_push, read_pushes
from pushserver.domain import QueueFull, StoreUnavailable, Task
from pushserver.metrics import DoorMetrics, Refusal

_SUBMITTED = "推送任务已提交"
_OUT_OF_REACH = "密钥不能用于该接收者（auth.keys[].recipients）"
_FORBIDDEN = Refused(f"没有权限: {_OUT_OF_REACH}", kind=Refusal.RECIPIENT)

_log = logging.getLogger(__name__)


class PushResource:
    """One push."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Store the push and answer its task id."""
        body = _read(req, PUSH_LIMIT, self._deps.count)
        if _is_out_of_reach(body, req.context.caller):
            self._deps.count.refused(Refusal.RECIPIENT)
            raise falcon.HTTPForbidden(description=_OUT_OF_REACH)
        request = read_push(body, self._deps.recipients)
        if isinstance(request, Refused):
            _refuse(resp, request, self._deps.count)
            return
        (task,) = tasks = _as_tasks([request], self._deps)
        _submit(tasks, self._deps)
        answer(resp, HTTPStatus.OK, _SUBMITTED, {"task_id": task.id})


class PushBatchResource:
    """Many pushes in one commit. A bad one gets its error, the others go; without room for all, none goes."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Store the good ones and answer, in order, a task id or an error for each."""
        pushes = read_pushes(_read(req, BATCH_LIMIT, self._deps.count))
        if isinstance(pushes, Refused):
            _refuse(resp, pushes, self._deps.count)
            return
        caller = req.context.caller
        requests = [
            _FORBIDDEN if _is_out_of_reach(push, caller) else read_push(push, self._deps.recipients)
            for push in pushes
        ]
        tasks = _as_tasks([request for request in requests if isinstance(request, PushRequest)], self._deps)
        if tasks:
            _submit(tasks, self._deps)
        for request in requests:
            if isinstance(request, Refused):
                self._deps.count.refused(request.kind)
        stored = iter(tasks)
        results = [
            _refused_item(request) if isinstance(request, Refused) else {"task_id": next(stored).id}
            for request in requests
        ]
        answer(resp, HTTPStatus.OK, _SUBMITTED, {"results": results})


def _read(req: falcon.Request, limit: int, count: DoorMetrics) -> object:
    try:
        return read_json(req, limit)
    except falcon.HTTPError:
        count.refused(Refusal.UNREADABLE)
        raise


def _submit(tasks: list[Task], deps: Dependencies) -> None:
    try:
        deps.submit(tasks)
    except QueueFull:
        deps.count.refused(Refusal.QUEUE_FULL, len(tasks))
        raise
    except StoreUnavailable:
        deps.count.refused(Refusal.STORE_UNAVAILABLE, len(tasks))
        raise
    deps.count.accepted(tasks)
    if _log.isEnabledFor(logging.DEBUG):
        for task in tasks:
            _log.debug(
                "推送任务已接受",
                extra={"action": "push_accepted", "task_id": task.id, "recipient": task.recipient},
            )


def _refuse(resp: falcon.Response, refused: Refused, count: DoorMetrics) -> None:
    count.refused(refused.kind)
    answer(resp, HTTPStatus.BAD_REQUEST, refused.message, errors=refused.errors)


def _as_tasks(requests: list[PushRequest], deps: Dependencies) -> list[Task]:
    now = deps.now()
    local = now.astimezone()
    return [
        Task(
            id=deps.new_task_id(local),
            recipient=request.recipient,
            strategy=request.strategy,
            platform=request.platform,
            push=request.push,
            created_at=now,
        )
        for request in requests
    ]


def _is_out_of_reach(body: object, caller: Caller) -> bool:
    """Whether the key may not push to that recipient, be there one or not."""
    if caller.recipients is None or not isinstance(body, dict):
        return False
    alias = body.get("recipient_alias")
    return isinstance(alias, str) and not caller.reaches(alias)


def _refused_item(refused: Refused) -> Mapping[str, Any]:
    code = HTTPStatus.FORBIDDEN if refused is _FORBIDDEN else HTTPStatus.BAD_REQUEST
    item: dict[str, Any] = {"error": refused.message, "code": code.value}
    if refused.faults:
        item["errors"] = refused.errors
    return item
