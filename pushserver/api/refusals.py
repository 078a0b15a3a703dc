"""Turns whatever a handler raises into the envelope, once and for all routes."""

import logging
from http import HTTPStatus
from typing import Any, Final

import falcon

from pushserver.api.envelope import answer
from pushserver.domain import QueueFull, StoreUnavailable

RETRY_AFTER: Final = 5
"""Seconds after which a caller who was told that the service is busy may try again."""

_log = logging.getLogger(__name__)

_MESSAGES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "请求参数错误",
    HTTPStatus.UNAUTHORIZED: "未授权",
    HTTPStatus.FORBIDDEN: "没有权限",
    HTTPStatus.NOT_FOUND: "接口不存在",
    HTTPStatus.METHOD_NOT_ALLOWED: "请求方法不支持",
    HTTPStatus.REQUEST_TIMEOUT: "请求超时",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "请求体过大",
    HTTPStatus.TOO_MANY_REQUESTS: "请求过于频繁，请稍后重试",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "请求头过大",
    HTTPStatus.NOT_IMPLEMENTED: "不支持的传输编码",
}
_FAULT = "服务器内部错误"


def message_for(code: int) -> str:
    """What the envelope says with a status that no route gave a text to."""
    otherwise = _FAULT if code >= HTTPStatus.INTERNAL_SERVER_ERROR else "请求无法处理"
    return _MESSAGES.get(code, otherwise)


def add_error_handlers(app: falcon.App[Any, Any]) -> None:
    """Make every answer to a raised error an envelope."""
    app.add_error_handler(Exception, _answer_fault)
    app.add_error_handler(falcon.HTTPError, _answer_refusal)
    app.add_error_handler(QueueFull, _answer_busy)
    app.add_error_handler(StoreUnavailable, _answer_busy)


def _answer_refusal(
    _req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: dict[str, Any]
) -> None:
    message, detail = message_for(error.status_code), error.description or ""
    if error.status_code == HTTPStatus.BAD_REQUEST and detail:
        message, detail = f"{message}: {detail}", ""
    if error.headers:
        resp.set_headers(error.headers)
    answer(resp, error.status_code, message, error=detail)


def _answer_busy(
    _req: falcon.Request, resp: falcon.Response, _error: Exception, _params: dict[str, Any]
) -> None:
    resp.set_header("Retry-After", str(RETRY_AFTER))
    answer(resp, HTTPStatus.SERVICE_UNAVAILABLE, "服务繁忙，请稍后重试")


def _answer_fault(
    req: falcon.Request, resp: falcon.Response, error: Exception, _params: dict[str, Any]
) -> None:
    _log.error(
        "HTTP请求处理失败",
        exc_info=error,
        extra={"action": "http_request_failed", "method": req.method, "route": req.uri_template},
    )
    answer(resp, HTTPStatus.INTERNAL_SERVER_ERROR, _FAULT)
