"""Three of a thousand recipients change while pushes come in as fast as they can."""

import time
from pathlib import Path

import pytest
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
"""Pushes before the reload whose pace is taken, and after it."""
ENOUGH = 100_000
"""More than the test takes."""
SLOWER = 0.25
"""Generous, since what shares the machine with a test is anybody's guess; docs/operations.md has figures."""


@pytest.mark.alone
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
    with Burst(lambda: server.port, AT_WORK, ENOUGH, threads=4) as burst:
        burst.wait(SHARE)
        before = lives(server)
        paces = [pace(burst, SHARE)]
        server.config.write_text(changed, encoding="utf-8")
        begun, accepted = time.monotonic(), len(burst.accepted)
        answer = server.client.ask("POST", "/api/v1/reload")
        paces.append((len(burst.accepted) - accepted) / (time.monotonic() - begun))
        assert len(answer.data["changes"]) == 2 * len(CHANGED)
        paces.append(pace(burst, SHARE))
    until(lambda: unfinished(store_of(tmp_path)) == 0, "all have ended")
    for alias in CHANGED:
        assert [item["target"] for item in server.client.outcome(alias)["results"]] == ["new"]
    after = lives(server)
    same = {address: life for address, life in before.items() if address in after}
    anew = {address.split("/")[3] for address in begun_anew(same, after)}
    assert anew <= CHANGED
    assert len(same) > 3 * (len(AT_WORK) - len(CHANGED))
    server.stop()
    assert set(fates(store_of(tmp_path)).values()) == {"completed"}
    assert delivered_again(store_of(tmp_path)) == 0
    arrived = {marker for marker, _ in delivered(store_of(tmp_path))}
    assert {push.marker for push in burst.accepted} <= arrived
    assert paces[1] > SLOWER * min(paces[0], paces[2]), paces


def pace(burst: Burst, count: int) -> float:
    """Pushes a second that are accepted, over the next so many."""
    begun, accepted = time.monotonic(), len(burst.accepted)
    burst.wait(accepted + count)
    return count / (time.monotonic() - begun)
