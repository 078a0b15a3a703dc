"""``pushserver actors``: who is there and how they are, once or again and again; and restarts."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from pushserver.cli import exit_codes, screen
from pushserver.cli.actor_table import render
from pushserver.cli.client import Client, Json, Unreachable

WATCH_INTERVAL = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which actors; what is empty is left to the service."""

    state: str = ""
    kind: str = ""
    recipient: str = ""
    address: str = ""
    limit: int = 100

    def as_query(self) -> dict[str, str]:
        """The parameters of ``GET /api/v1/actors``."""
        return {name: str(value) for name, value in asdict(self).items() if value}


def show(filters: Filters, url: str, *, as_json: bool) -> int:
    """Show them once."""
    page = Client(url).actors(filters.as_query())
    if as_json:
        screen.show_json(page)
    else:
        screen.out().print(render(page, screen.out().width))
    return exit_codes.OK


def watch(filters: Filters, url: str, *, as_json: bool, pause: Callable[[float], Any] = time.sleep) -> int:
    """Show them again and again until Ctrl-C; a service that is away for a moment is waited for."""
    client = Client(url)
    try:
        if as_json:
            _print_lines(client, filters, pause)
        _refresh(client, filters, pause)
    except KeyboardInterrupt:
        return exit_codes.OK


def restart(address: str, url: str, *, as_json: bool) -> int:
    """Restart one, and say how often it has been by now."""
    restarted = Client(url).restart(address)
    if as_json:
        screen.show_json(restarted)
    else:
        screen.out().print(Text(_told(restarted)), soft_wrap=True)
    return exit_codes.OK


def _told(restarted: Json) -> str:
    address, times = screen.single_line(restarted["address"]), restarted["restarts"]
    if times == 0:
        return f"{address} 在休眠，无需重启"
    return f"{address} 已重启" if times is None else f"{address} 已重启，累计 {times} 次"


def _print_lines(client: Client, filters: Filters, pause: Callable[[float], Any]) -> NoReturn:
    """One look a line, for programs."""
    while True:
        try:
            print(json.dumps(client.actors(filters.as_query()), ensure_ascii=False), flush=True)
        except Unreachable as away:
            screen.say(away.text)
        pause(WATCH_INTERVAL)


def _refresh(client: Client, filters: Filters, pause: Callable[[float], Any]) -> NoReturn:
    with _canvas() as draw:
        while True:
            draw(_look(client, filters))
            pause(WATCH_INTERVAL)


def _look(client: Client, filters: Filters) -> RenderableType:
    try:
        return render(client.actors(filters.as_query()), screen.out().width)
    except Unreachable as away:
        return Text(f"等待服务恢复… {away.text}", style="yellow")


@contextmanager
def _canvas() -> Iterator[Callable[[RenderableType], None]]:
    """A whole terminal that is drawn anew; elsewhere one look below the other."""
    out = screen.out()
    if not out.is_terminal:
        yield out.print
        return
    with Live(console=out, screen=True, auto_refresh=False) as live:
        yield lambda shown: live.update(shown, refresh=True)
