"""``/api/v1/smtp-relay``: how the SMTP relay is, and what its accounts have done."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import falcon

from pushserver.api.envelope import answer
from pushserver.api.ports import AccountFigures, Relay


class RelayStatusResource:
    """Its door."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show it as it is now."""
        seen = self._relay.overview()
        data = {
            "enabled": seen.enabled,
            "status": seen.status.value,
            "port": seen.port,
            "accounts_count": seen.accounts_count,
            "active_connections": seen.active_connections,
        }
        answer(resp, HTTPStatus.OK, "获取SMTP中继状态成功", data)


class RelayStatisticsResource:
    """Its accounts."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show what they have sent, and failed to send."""
        data = {"statistics": view_statistics(self._relay.accounts())}
        answer(resp, HTTPStatus.OK, "获取SMTP中继统计信息成功", data)


def view_statistics(accounts: Sequence[AccountFigures]) -> dict[str, Any]:
    """``data.statistics``."""
    sent = sum(account.sent for account in accounts)
    failed = sum(account.failed for account in accounts)
    return {
        "accounts": [_view(account) for account in accounts],
        "total_sent": sent,
        "total_failed": failed,
        "success_rate": success_rate(sent, failed),
    }


def success_rate(sent: int, failed: int) -> float:
    """In percent, with one decimal; 100.0 while nothing was tried."""
    return round(100 * sent / (sent + failed), 1) if sent + failed else 100.0


def _view(account: AccountFigures) -> dict[str, Any]:
    return {
        "name": account.name,
        "host": account.host,
        "port": account.port,
        "from": account.sender,
        "enabled": account.enabled,
        "sent_count": account.sent,
        "failed_count": account.failed,
    }
