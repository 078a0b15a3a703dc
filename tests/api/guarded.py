"""Applications with safeguards, and clients that stand somewhere and show keys."""

from typing import Any

from falcon import testing

from pushserver.api import Safeguards, create_app
from pushserver.api.catalog import OPERATIONS
from pushserver.api.operation import Operation
from pushserver.config import ApiKey, AuthSettings, Scope, ServerSettings
from pushserver.config.api_key import hash_of
from tests.api.api_parts import Parts

KEY = "ps_0000000a_" + "5" * 40
OTHER_KEY = "ps_0000000b_" + "6" * 40
ELSEWHERE = "192.0.2.7"


def key(*scopes: Scope, shown: str = KEY, recipients: tuple[str, ...] | None = None) -> ApiKey:
    return ApiKey(name="monitoring", hash=hash_of(shown), scopes=scopes, recipients=recipients)


class Guarded:
    """An application with these keys and settings, and whoever calls it."""

    def __init__(self, *keys: ApiKey, parts: Parts | None = None, **server: Any) -> None:
        self.parts = parts or Parts()
        self.safeguards = Safeguards(ServerSettings(**server), AuthSettings(keys=keys))
        self._client = testing.TestClient(create_app(self.parts.dependencies(), self.safeguards))

    def __call__(
        self,
        method: str,
        path: str,
        *,
        shown: str = "",
        remote_addr: str = ELSEWHERE,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> testing.Result:
        bearer = {"Authorization": f"Bearer {shown}"} if shown else {}
        return self._client.simulate_request(
            method, path, remote_addr=remote_addr, headers=bearer | (headers or {}), **options
        )

    def ask(self, operation: Operation, **options: Any) -> testing.Result:
        """The operation, with its example for a body."""
        path = operation.path.replace("{", "").replace("}", "")
        return self(operation.method, path, json=dict(operation.example) or None, **options)


def operations(scope: Scope | None) -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.scope is scope]
