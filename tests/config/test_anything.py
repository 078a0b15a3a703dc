"""Whatever the file holds, loading it ends in settings or in a ConfigError: never in a traceback."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushserver.config import ConfigError, Loaded, RelayAccount, Webhook, describe, load, reader
from pushserver.config.document import Document, Platforms
from pushserver.config.kinds import known_keys

SEED = (Path(__file__).parent / "data" / "seed.yaml").read_bytes()
KEYS = st.sampled_from(
    sorted(
        {*known_keys(Document), *known_keys(Platforms), *known_keys(RelayAccount), *known_keys(Webhook)}
        | {"webhooks", "notifications", "smtp", "auth", "accounts", "type", "headers", "tls", "limits"}
    ),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["http", "https://h/", "${A}", "${", "5/s", "a@b.example", "off", "9" * 400])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)
FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_Loader", getattr(yaml, request.param))


def survives(folder: Path, data: bytes) -> Loaded | None:
    path = folder / "config.yaml"
    path.write_bytes(data)
    try:
        loaded = load(path, {"A": "x", "SERVER_PORT": "1"})
    except ConfigError as caught:
        error = caught
    else:
        describe(loaded.settings)
        return loaded
    assert error.faults
    assert len(str(error).splitlines()) == len(error.faults)
    return None


@FUZZ
@given(data=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    survives(tmp_path, data)


@FUZZ
@given(text=st.text("{}[]:,-&*!|>'\"%@`#?<~ \n\tab1$\\", max_size=60))
def test_any_punctuation(tmp_path: Path, text: str) -> None:
    survives(tmp_path, text.encode())


@FUZZ
@given(tree=st.dictionaries(KEYS, TREES, max_size=5))
def test_any_structure(tmp_path: Path, tree: dict[str, Any]) -> None:
    survives(tmp_path, yaml.safe_dump(tree, allow_unicode=True).encode())


@FUZZ
@given(place=st.integers(0, len(SEED)), cut=st.integers(0, 40), put=st.binary(max_size=6))
def test_any_slip_of_the_hand_in_the_seed(tmp_path: Path, place: int, cut: int, put: bytes) -> None:
    survives(tmp_path, SEED[:place] + put + SEED[place + cut :])


@FUZZ
@given(alias=st.text("aé机\U0001f4e3 .:/{}[]'\"#&*!?$-", min_size=1, max_size=50).filter(str.strip))
def test_any_alias_is_read_as_written(tmp_path: Path, alias: str) -> None:
    loaded = survives(tmp_path, yaml.safe_dump({"recipients": {alias: {}}}, allow_unicode=True).encode())
    assert loaded is not None
    assert list(loaded.settings.recipients) == [alias]
    assert pickle.loads(pickle.dumps(loaded.settings)) == loaded.settings
