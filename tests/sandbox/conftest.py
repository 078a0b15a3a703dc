from collections.abc import Iterator

import pytest

from pushserver.sandbox import Sandbox
from tests.sandbox.calling import StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def sandbox(clock: StandingClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock) as sandbox:
        yield sandbox
