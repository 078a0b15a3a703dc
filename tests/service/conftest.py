from collections.abc import Iterator

import pytest

from tests.service.fleet import Fleet, a_fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with a_fleet() as fleet:
        yield fleet
