from pathlib import Path

import pytest

from tests.config.loading import Load


@pytest.fixture
def load_yaml(tmp_path: Path) -> Load:
    """Loads a YAML text as ``config.yaml``; the file's folder is cut from the faults."""
    return Load(tmp_path)
