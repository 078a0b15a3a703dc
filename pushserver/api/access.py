"""Who may do what at the door: keys with scopes, or, without any keys, whoever stands where.

Without keys everybody may push and read, and operate may only who stands at the machine itself: a loopback
peer that no proxy and no web page stands behind.
"""

import hmac
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import falcon

from pushserver.api.operation import Operation
from pushserver.config import ApiKey, Scope
from pushserver.config.api_key import digest_in, digest_of, prefix_of
from pushserver.config.checks import is_loopback

_log = logging.getLogger(__name__)

_BEARER: Final = "bearer "
_NO_DIGEST: Final = bytes(32)
_BEHIND_SOMEBODY: Final = ("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA", "HTTP_ORIGIN")
_FORWARDED: Final = "HTTP_X_FORWARDED"
_NOT_FROM_HERE: Final = (
    "未配置API密钥（auth.keys）时，此操作只能在本机直接进行，不能经过代理或来自网页；"
    "请在本机执行，或配置具有 operate 权限的密钥"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from; ``prefix`` of the key, empty without one.

    ``recipients`` are those that it may push to and whose tasks it may see; ``None`` means all.
    """

    prefix: str
    scopes: frozenset[Scope]
    recipients: frozenset[str] | None = None

    def reaches(self, alias: str) -> bool:
        """Whether this recipient is its business."""
        return self.recipients is None or alias in self.recipients


ANYBODY: Final = Caller("", frozenset({Scope.PUSH, Scope.READ}))
OPERATOR: Final = Caller("", frozenset(Scope))
"""At the machine itself."""


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    caller: Caller


class Access:
    """Middleware: finds the caller of a request, ``req.context.caller``, and refuses what it may not do.

    ``operations`` are by method and path; what is not among them answers for itself (405).
    """

    def __init__(self, operations: Mapping[tuple[str, str], Operation], keys: Iterable[ApiKey] = ()) -> None:
        self._operations = operations
        self.accept(keys)

    def accept(self, keys: Iterable[ApiKey]) -> None:
        """Accept these keys and no others from now on."""
        self._keys = {key.prefix: _Known(digest_in(key.hash), _caller(key)) for key in keys}

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: object, _params: Mapping[str, Any]
    ) -> None:
        """Let the caller pass, or raise 401 or 403."""
        operation = self._operations.get((req.method, req.uri_template or ""))
        if operation is None:
            return
        req.context.operation = operation
        if operation.scope is None:
            return
        caller = req.context.caller = self._identify(req, operation)
        if operation.scope not in caller.scopes:
            reason = f"密钥 {caller.prefix} 没有 {operation.scope} 权限" if caller.prefix else _NOT_FROM_HERE
            raise self._refusal(req, operation, falcon.HTTPForbidden(description=reason))
        if caller.recipients is not None and not operation.by_recipient:
            reason = f"密钥 {caller.prefix} 只能用于指定的接收者（auth.keys[].recipients）"
            raise self._refusal(req, operation, falcon.HTTPForbidden(description=reason))

    def _identify(self, req: falcon.Request, operation: Operation) -> Caller:
        if not self._keys:
            operates = operation.scope is Scope.OPERATE
            return OPERATOR if operates and _is_at_the_machine(req.env) else ANYBODY
        key = _key_in(req.env)
        known = self._keys.get(prefix_of(key))
        right = hmac.compare_digest(digest_of(key), known.digest if known else _NO_DIGEST)
        if known is None or not right:
            raise self._refusal(req, operation, _unauthorized(key))
        return known.caller

    def _refusal(
        self, req: falcon.Request, operation: Operation, error: falcon.HTTPError
    ) -> falcon.HTTPError:
        _log.warning(
            "访问被拒绝",
            extra={
                "action": "access_denied",
                "operation": operation.id,
                "client": req.remote_addr,
                "key": shown_prefix(_key_in(req.env)),
                "status": error.status_code,
            },
        )
        return error


def shown_prefix(key: str) -> str:
    """What a log may say of the key that was shown; what is no key of ours might be anybody's secret."""
    return prefix_of(key) if key.startswith("ps_") else "-"


def _caller(key: ApiKey) -> Caller:
    recipients = None if key.recipients is None else frozenset(key.recipients)
    return Caller(key.prefix, frozenset(key.scopes), recipients)


def _key_in(env: Mapping[str, Any]) -> str:
    """From ``Authorization: Bearer …`` or ``X-API-Key: …``; empty if there is none."""
    given: str = env.get("HTTP_AUTHORIZATION", "")
    if given[: len(_BEARER)].lower() == _BEARER:
        return given[len(_BEARER) :].strip()
    return str(env.get("HTTP_X_API_KEY", "")).strip()


def _unauthorized(key: str) -> falcon.HTTPUnauthorized:
    reason = "API密钥无效" if key else "需要API密钥：Authorization: Bearer <密钥>，或 X-API-Key: <密钥>"
    return falcon.HTTPUnauthorized(description=reason, challenges=('Bearer realm="PushServer"',))


def _is_at_the_machine(env: Mapping[str, Any]) -> bool:
    """A browser names the page's origin with all that changes something: a page is not an operator."""
    if any(name in env for name in _BEHIND_SOMEBODY) or any(name.startswith(_FORWARDED) for name in env):
        return False
    return is_loopback(env.get("REMOTE_ADDR", ""))
