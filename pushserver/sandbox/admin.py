"""The admin API under ``/sandbox/``: what the Python API can do, for tests in other languages.

| call | does |
|---|---|
| ``GET /sandbox/robots`` | lists robots |
| ``POST /sandbox/robots`` ``{platform, token, …settings}`` | makes a robot, or sets it up anew |
| ``GET``, ``PATCH``, ``DELETE /sandbox/robots/{platform}/{token}`` | shows, changes, deletes it |
| ``POST …/faults`` ``{"fail": {"code": 19024, "times": 2}}`` | scripts faults, see :data:`ROBOT_FAULTS` |
| ``DELETE …/faults`` | ends all of them |
| ``GET /sandbox/sinks``, ``POST`` and ``DELETE /sandbox/sinks/{name}/faults`` | the same for mail |
| ``GET /sandbox/journal?after=&limit=&platform=&robot=&accepted=`` | reads what arrived |
| ``DELETE /sandbox/journal`` | forgets it |
| ``GET /sandbox/state?after=&limit=`` | everything the page shows, in one answer |
"""

import json
from collections.abc import Callable
from typing import Any

from pushserver.sandbox.admin_fields import ROBOT_FAULTS, SINK_FAULTS, perform_faults, settings_from
from pushserver.sandbox.answer import Answer, Reply, json_answer
from pushserver.sandbox.errors import BadSettingError
from pushserver.sandbox.mail_sink import MailSink
from pushserver.sandbox.request import Head, Request
from pushserver.sandbox.robot import Robot
from pushserver.sandbox.vendor import Settings
from pushserver.sandbox.world import World

DEFAULT_LIMIT = 200

Route = Callable[..., Any]


class Admin:
    """Answers the admin API; every answer is JSON, an error is ``{"error": text}``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, ...], dict[str, Route]] = {
            ("robots",): {"GET": self._list_robots, "POST": self._make_robot},
            ("robots", "*", "*"): {"GET": self._show, "PATCH": self._change, "DELETE": self._delete},
            ("robots", "*", "*", "faults"): {"POST": self._fault_robot, "DELETE": self._recover_robot},
            ("sinks",): {"GET": self._list_sinks},
            ("sinks", "*", "faults"): {"POST": self._fault_sink, "DELETE": self._recover_sink},
            ("journal",): {"GET": self._read, "DELETE": self._clear},
            ("state",): {"GET": self._state},
        }

    def handle(self, request: Request) -> Reply:
        """Answer one call."""
        try:
            return Reply(self._dispatch(request))
        except BadSettingError as error:
            return Reply(_error(400, str(error)))
        except _NotFound as error:
            return Reply(_error(404, str(error)))

    def _dispatch(self, request: Request) -> Answer:
        if _is_foreign(request.head):
            return _error(403, "the call comes from a page of another site; use the admin API from a program")
        parts = request.head.segments[1:]
        for pattern, methods in self._routes.items():
            if _matches(pattern, parts):
                names = [part for want, part in zip(pattern, parts, strict=True) if want == "*"]
                return _call(methods, request, names)
        raise _NotFound(
            "no such path; expected /sandbox/robots, /sandbox/sinks, /sandbox/journal or /sandbox/state"
        )

    # robots

    def _list_robots(self, _request: Request) -> Any:
        return {"robots": [describe_robot(robot) for robot in self._world.robots]}

    def _make_robot(self, request: Request) -> Any:
        body = _body(request)
        platform, token = body.pop("platform", None), body.pop("token", None)
        if not isinstance(platform, str) or not isinstance(token, str):
            raise BadSettingError("platform or token is missing; expected both as strings")
        return describe_robot(self._world.registry.make(platform, token, settings_from(body, Settings())))

    def _show(self, _request: Request, platform: str, token: str) -> Any:
        return describe_robot(self._robot(platform, token))

    def _change(self, request: Request, platform: str, token: str) -> Any:
        robot = self._robot(platform, token)
        return describe_robot(
            self._world.registry.make(platform, token, settings_from(_body(request), robot.settings))
        )

    def _delete(self, _request: Request, platform: str, token: str) -> Any:
        self._robot(platform, token)
        self._world.registry.remove(platform, token)
        return {"deleted": True}

    def _fault_robot(self, request: Request, platform: str, token: str) -> Any:
        robot = self._robot(platform, token)
        perform_faults(robot, ROBOT_FAULTS, _body(request))
        return describe_robot(robot)

    def _recover_robot(self, _request: Request, platform: str, token: str) -> Any:
        robot = self._robot(platform, token)
        robot.recover()
        return describe_robot(robot)

    def _robot(self, platform: str, token: str) -> Robot:
        robot = self._world.registry.find(platform, token)
        if robot is None:
            raise _NotFound("no such robot; GET /sandbox/robots lists them, POST makes one")
        return robot

    # mail sinks

    def _list_sinks(self, _request: Request) -> Any:
        return {"sinks": [describe_sink(sink) for sink in self._world.sinks]}

    def _fault_sink(self, request: Request, name: str) -> Any:
        sink = self._sink(name)
        perform_faults(sink, SINK_FAULTS, _body(request))
        return describe_sink(sink)

    def _recover_sink(self, _request: Request, name: str) -> Any:
        sink = self._sink(name)
        sink.recover()
        return describe_sink(sink)

    def _sink(self, name: str) -> MailSink:
        found = next((sink for sink in self._world.sinks if sink.name == name), None)
        if found is None:
            raise _NotFound("no such mail sink; GET /sandbox/sinks lists them")
        return found

    # what arrived

    def _read(self, request: Request) -> Any:
        params = request.head.params
        found = [entry.as_json() for entry in self._world.arrivals(_number(params, "after", 0))]
        wanted = {name: params[name] for name in ("platform", "robot") if name in params}
        if "accepted" in params:
            found = [entry for entry in found if entry["accepted"] is (params["accepted"] == "true")]
        found = [entry for entry in found if all(entry[name] == value for name, value in wanted.items())]
        limit = _number(params, "limit", DEFAULT_LIMIT)
        return {
            "arrivals": found[-limit:] if limit else [],
            "count": self._world.count,
            "last": self._world.bell.last,
        }

    def _clear(self, _request: Request) -> Any:
        count = self._world.count
        self._world.clear()
        return {"cleared": count}

    def _state(self, request: Request) -> Any:
        params = request.head.params
        arrivals = self._world.arrivals(_number(params, "after", 0), _number(params, "limit", DEFAULT_LIMIT))
        return {
            "url": self._world.url,
            "permissive": self._world.permissive,
            "count": self._world.count,
            "last": self._world.bell.last,
            **self._list_robots(request),
            **self._list_sinks(request),
            "arrivals": [entry.as_json() for entry in arrivals],
        }


def describe_robot(robot: Robot) -> dict[str, Any]:
    """A robot for people and programs; of its secret only whether there is one."""
    settings = robot.settings
    return {
        "platform": robot.platform,
        "token": robot.token,
        "url": robot.url,
        "signed": settings.secret is not None,
        "keywords": list(settings.keywords),
        "allowed_ips": None if settings.allowed_ips is None else list(settings.allowed_ips),
        "rate": settings.rate is not False,
        "stopped": settings.stopped,
        "faults": list(robot.faults),
        "count": robot.journal.count,
        "accepted": robot.journal.accepted_count,
    }


def describe_sink(sink: MailSink) -> dict[str, Any]:
    """A mail sink for people and programs."""
    settings = sink.settings
    return {
        "name": sink.name,
        "host": sink.host,
        "port": sink.port,
        "auth": bool(settings.credentials),
        "auth_required": settings.auth_required,
        "starttls": settings.starttls is not None,
        "tls": settings.tls is not None,
        "faults": list(sink.faults),
        "count": sink.journal.count,
        "accepted": sink.journal.accepted_count,
    }


class _NotFound(Exception):  # noqa: N818 - becomes a 404, nothing else ever sees it
    """There is nothing under this path."""


def _matches(pattern: tuple[str, ...], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(
        want in ("*", part) for want, part in zip(pattern, parts, strict=True)
    )


def _call(methods: dict[str, Route], request: Request, names: list[str]) -> Answer:
    method = "GET" if request.head.method == "HEAD" else request.head.method
    route = methods.get(method)
    if route is None:
        return _error(405, "the path does not take this method", (("Allow", ", ".join(methods)),))
    return json_answer(route(request, *names))


def _is_foreign(head: Head) -> bool:
    """Whether a browser says that a page of another site sent this."""
    origin = head.headers.get("origin")
    return origin is not None and origin != f"http://{head.headers.get('host')}"


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadSettingError("the body is not a JSON object; expected one, such as {}")
    return body


def _number(params: dict[str, str], name: str, default: int) -> int:
    given = params.get(name, str(default))
    if not (given.isascii() and given.isdigit()):
        raise BadSettingError(f"{name} is {given!r}; expected a number from 0")
    return int(given)


def _error(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return json_answer({"error": text}, status, headers)
