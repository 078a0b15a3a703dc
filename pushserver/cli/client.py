"""The HTTP API as the commands use it: values in, values out, every trouble a :class:`CommandFailed`."""

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import requests

from pushserver.cli import exit_codes
from pushserver.cli.errors import CommandFailed

CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 30.0
"""Seconds; the service itself refuses what it could not store within 20."""

KEY_VARIABLE = "PUSHSERVER_API_KEY"

Json = Mapping[str, Any]

_NOTIFICATIONS = "/api/v1/notifications"
_MAILS = "/api/v1/smtp-relay/queue"
_SENDABLE = re.compile("[!-~]+")
_TASK = ("task_id", "status", "progress", "results")


class Unreachable(CommandFailed):
    """Nobody answered; whether the request arrived is unknown."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What has become of a reload: what differs, or all faults; ``message`` is the service's word on it."""

    message: str
    changes: Sequence[Json] = ()
    faults: Sequence[str] = ()
    needs_restart: bool = False


class Client:
    """A service at ``url``; a user and password in it are used and never shown.

    The API key is that of the environment: on a command line everybody on the machine could read it.

    Raises:
        CommandFailed: the URL is none, or the key.
    """

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        parts = _parse(url)
        self._base = url.rstrip("/")
        self._where = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        self._session = requests.Session()
        if key := _key_in(environ):
            self._session.headers["X-API-Key"] = key
        # A proxy for the world must not get what is meant for this machine.
        self._session.trust_env = not _is_this_machine(parts.hostname or "")

    def health(self) -> Json:
        """The whole answer of ``GET /health``, that of a service that is not well too.

        Raises:
            Unreachable: nobody answered.
            CommandFailed: it is not our service.
        """
        envelope = self._envelope(self._answer("GET", "/health", None))
        data = envelope.get("data")
        if not isinstance(data, dict) or "status" not in data:
            raise self._not_ours("缺少 status")
        return envelope

    def push(self, push: Json) -> str:
        """Submit a push; its task id.

        Raises:
            CommandFailed: it was refused, or nobody answered.
        """
        return str(self._call("POST", "/api/v1/push", push, ("task_id",))["task_id"])

    def task(self, task_id: str) -> Json:
        """A task as it stands now.

        Raises:
            Unreachable: nobody answered.
            CommandFailed: there is no such task.
        """
        return self._call("GET", f"/api/v1/task/{quote(task_id, safe='')}", None, _TASK)

    def actors(self, query: Mapping[str, str]) -> Json:
        """The actors that match the parameters of ``GET /api/v1/actors``.

        Raises:
            Unreachable: nobody answered.
            CommandFailed: the parameters make no sense, or there is no such address.
        """
        return self._call("GET", f"/api/v1/actors?{urlencode(query)}", None, ("actors", "pagination"))

    def restart(self, address: str) -> Json:
        """Restart an actor or a process.

        Raises:
            CommandFailed: there is none, it has not come back in time, or nobody answered.
        """
        return self._call("POST", "/api/v1/actors/restart", {"address": address}, ("address", "restarts"))

    def notifications(self, query: Mapping[str, str]) -> Json:
        """The system notices that match the parameters of ``GET /api/v1/notifications``.

        Raises:
            CommandFailed: the parameters make no sense, or nobody answered.
        """
        return self._call(
            "GET", f"{_NOTIFICATIONS}?{urlencode(query)}", None, ("notifications", "pagination")
        )

    def notification(self, notification_id: str) -> Json:
        """One of them, under ``notification``.

        Raises:
            CommandFailed: there is none, or nobody answered.
        """
        return self._call(
            "GET", f"{_NOTIFICATIONS}/{quote(notification_id, safe='')}", None, ("notification",)
        )

    def mark_read(self, notification_id: str) -> Json:
        """Mark one as read.

        Raises:
            CommandFailed: there is none, or nobody answered.
        """
        path = f"{_NOTIFICATIONS}/{quote(notification_id, safe='')}/read"
        return self._call("PUT", path, None, ("notification_id",))

    def mark_all_read(self) -> Json:
        """Mark all as read; ``marked_count`` says how many were not.

        Raises:
            CommandFailed: nobody answered.
        """
        return self._call("PUT", f"{_NOTIFICATIONS}/read-all", None, ("marked_count",))

    def clear_notifications(self) -> Json:
        """Delete all; ``cleared_count`` says how many there were.

        Raises:
            CommandFailed: nobody answered.
        """
        return self._call("DELETE", _NOTIFICATIONS, None, ("cleared_count",))

    def mails(self, query: Mapping[str, str]) -> Json:
        """The relay's mails that match the parameters of ``GET /api/v1/smtp-relay/queue``.

        Raises:
            CommandFailed: the parameters make no sense, or nobody answered.
        """
        return self._call("GET", f"{_MAILS}?{urlencode(query)}", None, ("mails", "pagination"))

    def retry_mails(self, mail_ids: list[str] | str) -> Json:
        """Try these now, or ``"all"``; ``retried_count`` says how many still wait.

        Raises:
            CommandFailed: nobody relays mails, or nobody answered.
        """
        return self._call("POST", f"{_MAILS}/retry", {"mail_ids": mail_ids}, ("retried_count",))

    def drop_mails(self, mail_ids: list[str]) -> Json:
        """Give these up; ``dropped_count`` says how many still waited.

        Raises:
            CommandFailed: nobody relays mails, or nobody answered.
        """
        return self._call("POST", f"{_MAILS}/drop", {"mail_ids": mail_ids}, ("dropped_count",))

    def reload(self) -> Reload:
        """Have the service put its configuration file into effect.

        Raises:
            Unreachable: nobody answered.
            CommandFailed: it could not be told, or not every process follows yet.
        """
        return self._reload("/api/v1/reload", None)

    def preview(self, configuration: str | None) -> Reload:
        """What a reload would change; with the text of a ``configuration`` in place of the service's file.

        Raises:
            Unreachable: nobody answered.
            CommandFailed: it could not be told.
        """
        body = None if configuration is None else {"configuration": configuration}
        return self._reload("/api/v1/reload/preview", body)

    def _reload(self, path: str, body: Json | None) -> Reload:
        envelope = self._envelope(self._answer("POST", path, body))
        data, errors = envelope.get("data"), envelope.get("errors")
        if envelope["code"] == HTTPStatus.BAD_REQUEST and isinstance(errors, list):
            return Reload(str(envelope["message"]), faults=[str(error.get("reason")) for error in errors])
        if envelope["code"] not in {HTTPStatus.OK, HTTPStatus.CONFLICT}:
            raise _refused(envelope)
        if not isinstance(data, dict) or not isinstance(data.get("changes"), list):
            raise self._not_ours("缺少 changes")
        needs_restart = envelope["code"] == HTTPStatus.CONFLICT
        return Reload(str(envelope["message"]), data["changes"], needs_restart=needs_restart)

    def _call(self, method: str, path: str, body: Json | None, wanted: tuple[str, ...]) -> Json:
        envelope = self._envelope(self._answer(method, path, body))
        if envelope["code"] != HTTPStatus.OK:
            raise _refused(envelope)
        data = envelope.get("data")
        if not isinstance(data, dict) or not data.keys() >= set(wanted):
            raise self._not_ours(f"缺少 {'、'.join(wanted)}")
        return data

    def _answer(self, method: str, path: str, body: Json | None) -> requests.Response:
        times = (CONNECT_TIMEOUT, ANSWER_TIMEOUT)
        try:
            return self._session.request(
                method, self._base + path, json=body, timeout=times, allow_redirects=False
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            # What requests says would repeat the URL.
            lost = "没有等到回答" if isinstance(error, requests.ReadTimeout) else "无法连接"
            raise Unreachable(
                f"{lost}: {self._where}，请确认服务已启动，或用 --url 指定地址", exit_codes.UNAVAILABLE
            ) from None
        except requests.RequestException as error:
            raise self._not_ours(type(error).__name__) from None

    def _envelope(self, response: requests.Response) -> Json:
        try:
            envelope = response.json()
        except ValueError:
            envelope = None
        if not isinstance(envelope, dict) or not isinstance(envelope.get("code"), int):
            raise self._not_ours(f"HTTP {response.status_code}")
        return envelope

    def _not_ours(self, found: str) -> CommandFailed:
        return CommandFailed(
            f"{self._where} 的回答不是来自 PushServer（{found}），请检查 --url", exit_codes.UNAVAILABLE
        )


def _parse(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CommandFailed("--url 不是可用的地址，应类似 http://127.0.0.1:8080", exit_codes.USAGE)
    return parts


def _key_in(environ: Mapping[str, str]) -> str:
    key = environ.get(KEY_VARIABLE, "").strip()
    if key and not _SENDABLE.fullmatch(key):
        raise CommandFailed(f"环境变量 {KEY_VARIABLE} 不是可用的密钥，应类似 ps_1a2b3c4d_…", exit_codes.USAGE)
    return key


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(envelope: Json) -> CommandFailed:
    busy = envelope["code"] == HTTPStatus.SERVICE_UNAVAILABLE
    words = [
        envelope.get("message"),
        envelope.get("error"),
        *_further(envelope.get("errors")),
        _meant(envelope.get("data")),
    ]
    text = "；".join(str(word) for word in words if word)
    return CommandFailed(text, exit_codes.UNFINISHED if busy else exit_codes.FAILED)


def _meant(data: Any) -> str:
    """Names near the one that there is not."""
    near = data.get("near") if isinstance(data, dict) else None
    return f"是否想写 {'、'.join(map(str, near))}？" if isinstance(near, list) and near else ""


def _further(faults: Any) -> list[str]:
    """All faults of a request; a single one is what the message says already."""
    if not isinstance(faults, list) or len(faults) == 1:
        return []
    return [f"{fault.get('field')}: {fault.get('reason')}" for fault in faults if isinstance(fault, dict)]
