import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.demo import Demo, running_demo


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    if shutil.which("curl") is None:
        assert os.environ.get("CI") != "true", "curl is missing, and CI has to run the documented commands"
        pytest.skip("curl is not installed, so the documented commands cannot be run")
    with running_demo(tmp_path) as demo:
        yield demo
