"""Three of a thousand recipients change while pushes come in as fast as they can."""

import time
from itertools import pairwise
from pathlib import Path

import yaml

from pushserver.sandbox import Sandbox
from tests.system.actor_list import begun_anew, lives
from tests.system.burst import Burst
from tests.system.conftest import Serve
from tests.system.deadline import until
from tests.system.setups import group, setup, store_of
from tests.system.store_file import delivered, delivered_again, fates, unfinished

AT_WORK = [f"r{number}" for number in range(40)]
CHANGED = {"r3", "r17", "r29"}
SHARE = 400
"""Pushes in a part of the test: before the reload, during it, after it."""
SLOWER = 4.0
"""Generous, since what shares the machine with a test is anybody's guess; docs/operations.md has figures."""


def test_only_those_three_begin_anew_no_push_is_lost_and_the_others_go_on_as_fast(
    serve: Serve, sandbox: Sandbox, tmp_path: Path
) -> None:
    old, new = sandbox.feishu("old"), sandbox.feishu("new")
    recipients = {f"r{number}": {"feishu": group(old)} for number in range(1000)}
    content = setup(tmp_path, recipients, processes={"gateway": 1, "delivery": 1})
    server = serve(content)
    for alias in CHANGED:
        content["recipients"][alias] = {"platforms": {"feishu": group(new)}}
    changed = yaml.safe_dump(content, sort_keys=False)
    moments = []
    with Burst(lambda: server.port, AT_WORK, 4 * SHARE, threads=4) as burst:
        burst.wait(SHARE)
        moments.append(time.monotonic())
        before = lives(server)
        burst.wait(2 * SHARE)
        moments.append(time.monotonic())
        server.config.write_text(changed, encoding="utf-8")
        answer = server.client.ask("POST", "/api/v1/reload")
        assert len(answer.data["changes"]) == 2 * len(CHANGED)
        burst.wait(3 * SHARE)
        moments.append(time.monotonic())
        burst.wait(4 * SHARE)
        moments.append(time.monotonic())
    until(lambda: unfinished(store_of(tmp_path)) == 0, "all have ended")
    same = {address: life for address, life in lives(server).items() if address in before}
    anew = begun_anew({address: before[address] for address in same}, same)
    assert {address.split("/")[3] for address in anew} <= CHANGED
    assert {address.split("/")[3] for address in lives(server) if address.endswith("/feishu/new")} == CHANGED
    server.stop()
    assert set(fates(store_of(tmp_path)).values()) == {"completed"}
    assert delivered_again(store_of(tmp_path)) == 0
    arrived = {marker for marker, _ in delivered(store_of(tmp_path))}
    assert {push.marker for push in burst.accepted} <= arrived
    before_it, during, after = (end - begin for begin, end in pairwise(moments))
    assert during < SLOWER * max(before_it, after), (before_it, during, after)
