"""``GET /api/v1/actors`` and ``POST /api/v1/actors/restart``: who is there, how they are, and a new life."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import falcon

from actors import ActorNotFound, State
from pushserver.api.body import read_json
from pushserver.api.envelope import answer
from pushserver.api.errors import CannotRestart, NotRestarted
from pushserver.api.near_miss import near_miss
from pushserver.api.ports import ActorPage, ActorQuery, Actors, ActorView
from pushserver.api.query import Query
from pushserver.api.task_view import rfc3339

_PARAMETERS: Final = ("state", "kind", "recipient", "address", "limit", "offset")
_LONGEST_BODY: Final = 64 * 1024
KIND_EXAMPLES: Final = "recipient, channel, endpoint, account, door, process"


class ActorsResource:
    """The actors of all processes, and the processes themselves; failing ones first."""

    def __init__(self, actors: Actors) -> None:
        self._actors = actors

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show those that match; sleeping ones only with ``state=sleeping``."""
        query = _read_query(req)
        try:
            page = self._actors.page(query)
        except ActorNotFound as unknown:
            _answer_unknown(resp, query.address, unknown)
            return
        answer(resp, HTTPStatus.OK, "获取Actor状态成功", _view_page(page, query))


class RestartResource:
    """A new life for an actor and what stands under it, or for a whole process; mailboxes stay."""

    def __init__(self, actors: Actors) -> None:
        self._actors = actors

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Restart one; an actor that sleeps stays asleep."""
        address = req.context.target = _read_address(read_json(req, _LONGEST_BODY))
        try:
            restarted = self._actors.restart(address)
        except ActorNotFound as unknown:
            _answer_unknown(resp, address, unknown)
        except CannotRestart as error:
            raise falcon.HTTPBadRequest(description=f"address {error}") from None
        except NotRestarted as error:
            answer(resp, HTTPStatus.SERVICE_UNAVAILABLE, "Actor未能及时重启", error=str(error))
        else:
            data = {"address": str(restarted.address), "restarts": restarted.restarts}
            answer(resp, HTTPStatus.OK, "Actor已重启", data)


def view_actor(actor: ActorView) -> dict[str, Any]:
    """An item of ``data.actors``; times are seconds."""
    status = actor.status
    at = status.last_error_at
    return {
        "address": str(status.address),
        "kind": status.kind,
        "state": status.state.value,
        "process": status.address.process,
        "pid": actor.pid,
        "mailbox": status.mailbox,
        "processed": status.processed,
        "failures": status.failures,
        "restarts": status.restarts,
        "last_error": status.last_error or None,
        "last_error_at": rfc3339(datetime.fromtimestamp(at, UTC)) if at is not None else None,
        "busy_for": round(status.busy_for, 3),
        "uptime": round(status.uptime, 3),
        "note": status.note or None,
    }


def _view_page(page: ActorPage, query: ActorQuery) -> dict[str, Any]:
    """``silent`` and ``complete`` appear only when there is something to say."""
    pagination: dict[str, Any] = {
        "total": page.total,
        "limit": query.limit,
        "offset": query.offset,
        "count": len(page.actors),
    }
    if not page.complete:
        pagination["complete"] = False
    view = {"actors": [view_actor(actor) for actor in page.actors], "pagination": pagination}
    return view | ({"silent": dict(page.silent)} if page.silent else {})


def _read_query(req: falcon.Request) -> ActorQuery:
    query = Query(req, _PARAMETERS)
    return ActorQuery(
        state=query.word("state", tuple(State)),
        kind=query.text("kind"),
        recipient=query.text("recipient"),
        address=query.text("address"),
        limit=query.limit(),
        offset=query.offset(),
    )


def _read_address(body: object) -> str:
    if not isinstance(body, dict):
        raise falcon.HTTPBadRequest(description='需要JSON对象，如 {"address": "/delivery-0/recipients/ops"}')
    address = body.get("address")
    if isinstance(address, str) and address.strip():
        return address
    raise falcon.HTTPBadRequest(description=f"address {_why_not(body)}")


def _why_not(body: Mapping[str, Any]) -> str:
    if "address" in body:
        return "必须是非空字符串"
    written = next((key for key in body if near_miss(key, ("address",))), None)
    return f"缺少必填字段（收到了 {written}，是否想写 address？）" if written else "缺少必填字段"


def _answer_unknown(resp: falcon.Response, address: str, unknown: ActorNotFound) -> None:
    data: dict[str, Any] = {"address": address}
    if unknown.near:
        data["near"] = list(unknown.near)
    answer(resp, HTTPStatus.NOT_FOUND, "Actor不存在", data)
