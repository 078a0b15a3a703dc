"""``GET /api/v1/openapi.json``: the catalog as an OpenAPI 3.1 document.

https://spec.openapis.org/oas/v3.1.0
"""

import json
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import falcon

from pushserver.api.catalog import OPERATIONS
from pushserver.api.operation import Answer, Operation, Parameter
from pushserver.api.refusals import message_for
from pushserver.api.request_id import HEADER
from pushserver.api.schemas import COMPONENTS, TEXT, having, list_of, named

_JSON: Final = "application/json"
_SUMMARY: Final = """\
Message push for Feishu, DingTalk, WeCom, e-mail and system notices. Every JSON answer is an envelope: \
`code` repeats the status, `message` is Chinese and for people, `data` is the result, `error` a detail, \
`errors` all that is wrong with the request. HEAD works wherever GET does. Further fields may come \
with later versions."""

_OF_ALL: Final[dict[int, str]] = {
    400: "The request makes no sense: `message` says why, `errors` all that is wrong with its fields.",
    408: "The request was not complete in time.",
    429: "This client comes too often (`server.rate_limit`): see `Retry-After`.",
    431: "The headers are too large (`server.max_header_bytes`).",
    500: "A fault of the service; the log has it under the request's id.",
    501: "A transfer encoding that the service does not know.",
}
_OF_KEYS: Final[dict[int, str]] = {
    401: "A key is needed, or the one shown is none (`auth.keys`).",
    403: "The key does not open this; without keys: not from here.",
}
_ENVELOPE_ONLY: Final = frozenset({*_OF_ALL, *_OF_KEYS})


class OpenApiResource:
    """The document."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show it."""
        resp.content_type = _JSON
        resp.data = _encoded()


def document() -> dict[str, Any]:
    """The document, anew."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "PushServer", "version": "1", "description": _SUMMARY},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(COMPONENTS),
            "responses": {_name(status): _refusal(status) for status in sorted(_ENVELOPE_ONLY)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


@cache
def _encoded() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


def _operation(operation: Operation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [_parameter(parameter) for parameter in operation.parameters],
        "responses": _responses(operation),
    }
    if operation.description:
        shown["description"] = operation.description
    if operation.body is not None:
        shown["requestBody"] = _body(operation)
    if operation.scope is not None:
        shown["x-scope"] = operation.scope.value
        shown["security"] = [{"bearer": []}, {"header": []}, {}]
    return shown


def _parameter(parameter: Parameter) -> dict[str, Any]:
    """An empty parameter of the query is as if it were not there."""
    shown = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    return shown | ({"required": True} if parameter.where == "path" else {"allowEmptyValue": True})


def _body(operation: Operation) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": operation.body}
    if operation.example:
        media["example"] = operation.example
    return {"required": not operation.body_is_optional, "content": {_JSON: media}}


def _responses(operation: Operation) -> dict[str, Any]:
    shared = _OF_ALL if operation.scope is None else _OF_ALL | _OF_KEYS
    responses = {status: {"$ref": f"#/components/responses/{_name(status)}"} for status in shared}
    own = {status: _answer(status, answer) for status, answer in operation.answers.items()}
    return {str(status): shown for status, shown in sorted((responses | own).items())}


def _answer(status: int, answer: Answer) -> dict[str, Any]:
    if answer.text:
        kind, schema = answer.text, {} if answer.text == _JSON else TEXT
    else:
        kind, schema = _JSON, _envelope(status, answer)
    return {"description": answer.meaning, "headers": _headers(status), "content": {kind: {"schema": schema}}}


def _refusal(status: int) -> dict[str, Any]:
    meaning = (_OF_ALL | _OF_KEYS)[status]
    schema = _envelope(status, Answer(meaning))
    return {"description": meaning, "headers": _headers(status), "content": {_JSON: {"schema": schema}}}


def _envelope(status: int, answer: Answer) -> dict[str, Any]:
    members: dict[str, Any] = {"code": {"type": "integer", "const": status}, "message": TEXT}
    if answer.message:
        members["message"] = {**TEXT, "examples": [answer.message]}
    optional: dict[str, Any] = {"error": TEXT, "errors": list_of(named("FieldError"))}
    if answer.data is not None:
        (optional if answer.data_is_optional else members)["data"] = answer.data
    return dict(having(members, **optional))


def _headers(status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {HEADER: {"description": "the caller's, or a new one", "schema": TEXT}}
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["Retry-After"] = {"description": "seconds", "schema": {"type": "integer"}}
    return headers


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def described() -> Iterator[tuple[int, str, str]]:
    """The answers that operations share: status, ``message``, and what it means."""
    for status, meaning in sorted((_OF_ALL | _OF_KEYS).items()):
        yield status, message_for(status), meaning
