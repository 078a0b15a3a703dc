"""Permits: at most so many sends at once, in all and for each platform."""

import threading

from pushserver.delivery import Gate
from pushserver.domain import PlatformName
from tests.delivery.parts import DINGTALK, FEISHU


def enter_in_background(gate: Gate, platform: PlatformName) -> threading.Event:
    entered = threading.Event()

    def enter() -> None:
        gate.enter(platform)
        entered.set()

    threading.Thread(target=enter, daemon=True).start()
    return entered


def test_a_permit_is_given_back_once() -> None:
    gate = Gate(total=1, per_platform=1)
    permit = gate.enter(FEISHU)
    permit.release()
    permit.release()
    gate.enter(FEISHU)
    assert not gate._total.acquire(blocking=False)
    assert not gate._platforms[FEISHU].acquire(blocking=False)


def test_whoever_waits_for_a_platform_goes_on_when_a_permit_is_given_back() -> None:
    gate = Gate(total=10, per_platform=1)
    permit = gate.enter(FEISHU)
    waiting = enter_in_background(gate, FEISHU)
    permit.release()
    assert waiting.wait(5.0)


def test_one_platforms_queue_holds_no_place_of_another() -> None:
    gate = Gate(total=2, per_platform=1)
    gate.enter(FEISHU)
    enter_in_background(gate, FEISHU)
    assert enter_in_background(gate, DINGTALK).wait(5.0)


def test_the_total_holds_over_all_platforms() -> None:
    gate = Gate(total=1, per_platform=1)
    permit = gate.enter(FEISHU)
    assert not gate._total.acquire(blocking=False)
    waiting = enter_in_background(gate, DINGTALK)
    permit.release()
    assert waiting.wait(5.0)
