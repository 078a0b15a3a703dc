"""What docs/operations.md tells operators is what the service has."""

import re
from pathlib import Path

import pytest

from actors import State
from pushserver.cli import exit_codes
from pushserver.metrics import Refusal
from tests.docs import metrics_table
from tests.docs.markdown import first_column, page
from tests.system.prometheus import check_queries

TEXT = metrics_table.PAGE.read_text(encoding="utf-8")
PAGE = page("docs/operations.md")


def test_the_table_of_metrics_is_what_a_service_shows() -> None:
    assert metrics_table.written(TEXT) == TEXT, "run: python -m tests.docs.metrics_table"


def test_a_metric_that_is_missing_would_be_noticed() -> None:
    without = re.sub(r"\| `pushserver_queue_tasks` .*\n", "", TEXT)
    assert metrics_table.written(without) == TEXT != without


def test_every_state_is_explained() -> None:
    assert first_column(PAGE.section("States")) == [state.value for state in State]


def test_every_refusal_is_explained() -> None:
    assert first_column(PAGE.section("Refusals")) == [reason.value for reason in Refusal]


QUERIES = [line for block in PAGE.blocks if block.info == "promql" for line in block.text.splitlines()]


def test_every_query_is_one(tmp_path: Path) -> None:
    check_queries(QUERIES, tmp_path)


def test_a_query_that_is_none_would_be_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="parse"):
        check_queries(["rate(x[5m]"], tmp_path)


def test_every_metric_that_a_query_names_exists() -> None:
    shown = {metrics_table.shown_name(family) for family in metrics_table.families()}
    known = shown | {f"{name}_{end}" for name in shown for end in ("bucket", "sum", "count")}
    named = set(re.findall(r"pushserver_\w+", "\n".join(QUERIES)))
    assert named
    assert named <= known


def test_the_exit_code_of_a_service_that_has_given_up_is_the_one_named() -> None:
    assert f"exit code {exit_codes.SOFTWARE}" in PAGE.text
