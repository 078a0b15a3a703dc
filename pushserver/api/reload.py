"""``POST /api/v1/reload`` and ``…/preview``: the configuration file into effect, or what would change."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import falcon

from pushserver.api.body import read_json
from pushserver.api.envelope import answer
from pushserver.api.near_miss import near_miss
from pushserver.api.ports import Configuration, Outcome, Reloaded
from pushserver.config import Change

_TEXT: Final = "configuration"
_BODY_LIMIT: Final = 16 * 1024 * 1024


class ReloadResource:
    """The configuration in effect."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Put the file into effect; with any fault everything stays as it is."""
        reloaded = self._configuration.reload()
        req.context.target = reloaded.outcome.value
        _answer(resp, reloaded)


class ReloadPreviewResource:
    """What a reload would do."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Compare the service's own file, or the one in the body, with what is in effect."""
        given = read_json(req, _BODY_LIMIT) if req.content_length else {}
        _answer(resp, self._configuration.preview(_read_text(given)))


def view_changes(changes: Iterable[Change]) -> dict[str, Any]:
    """``data``; values stand there only where they are known and no texts."""
    return {"changes": [_view(change) for change in changes]}


def _view(change: Change) -> dict[str, str]:
    view = {"path": change.path, "kind": change.kind.value, "effect": change.effect.value}
    values = {"before": change.before, "after": change.after}
    return view | {name: value for name, value in values.items() if value}


def _answer(resp: falcon.Response, reloaded: Reloaded) -> None:
    data = view_changes(reloaded.changes)
    match reloaded.outcome:
        case Outcome.APPLIED:
            answer(resp, HTTPStatus.OK, "配置已重新加载", data)
        case Outcome.COMPARED:
            answer(resp, HTTPStatus.OK, "配置对比完成", data)
        case Outcome.NEEDS_RESTART:
            answer(resp, HTTPStatus.CONFLICT, "部分更改需要重启服务", data)
        case Outcome.FAULTY:
            errors = [{"field": fault.path, "reason": str(fault)} for fault in reloaded.faults]
            answer(resp, HTTPStatus.BAD_REQUEST, f"配置无法使用: 共 {len(errors)} 处错误", errors=errors)
        case Outcome.UNCERTAIN:
            resp.set_header("Retry-After", "5")
            answer(resp, HTTPStatus.SERVICE_UNAVAILABLE, "配置未能及时生效", error=reloaded.detail)


def _read_text(body: object) -> str | None:
    if not isinstance(body, dict):
        raise falcon.HTTPBadRequest(description=f'需要JSON对象，如 {{"{_TEXT}": "recipients: …"}}')
    if meant := next((name for name in body if near_miss(name, (_TEXT,))), None):
        raise falcon.HTTPBadRequest(description=f"{meant} 是未知字段，是否想写 {_TEXT}？")
    text = body.get(_TEXT)
    if text is not None and not isinstance(text, str):
        raise falcon.HTTPBadRequest(description=f"{_TEXT} 必须是字符串（YAML）")
    return text
