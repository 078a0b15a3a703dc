"""The dashboards as files: what Grafana and its readers need of each."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.files import DASHBOARDS, MONITORING, Panel, dashboard, panels
from tests.system.prometheus import check_queries

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
each_panel = pytest.mark.parametrize("panel", [*panels()], ids=str)


def variables(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in content["templating"]["list"]}


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]


def test_there_are_those_that_the_documents_name() -> None:
    assert [path.stem for path in DASHBOARDS] == ["actors", "delivery", "overview", "relay"]
    assert len({dashboard(path)["uid"] for path in DASHBOARDS}) == len(DASHBOARDS)


@each_dashboard
def test_no_panel_has_the_id_or_the_place_of_another(path: Path) -> None:
    contents = dashboard(path)["panels"]
    ids = [content["id"] for content in contents]
    assert len(set(ids)) == len(ids)
    places = [content["gridPos"] for content in contents]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


@each_dashboard
def test_the_reader_chooses_data_source_and_instance(path: Path) -> None:
    content = dashboard(path)
    found = variables(content)
    assert found["datasource"]["type"] == "datasource"
    assert found["datasource"]["query"] == "prometheus"
    assert [one["datasource"] for name, one in found.items() if name != "datasource"] == [SOURCE] * (
        len(found) - 1
    )
    used = "".join(query for panel in content["panels"] for query in str(panel.get("targets")).split("$"))
    assert [name for name in found if name not in used] == []


@each_panel
def test_it_has_a_unit_and_says_what_it_shows(panel: Panel) -> None:
    content = panel.content
    assert content["fieldConfig"]["defaults"]["unit"]
    assert content["description"].endswith(".")
    assert content["datasource"] == SOURCE
    assert {target["refId"] for target in content["targets"]} == {*"ABCDEFG"[: len(content["targets"])]}
    assert [target["datasource"] for target in content["targets"]] == [SOURCE] * len(content["targets"])


def test_what_they_ask_is_promql(tmp_path: Path) -> None:
    queries = [query for panel in panels() for query in panel.queries]
    assert len(queries) > 50
    check_queries(queries, tmp_path)


def test_grafana_is_told_where_they_are_and_whom_to_ask() -> None:
    compose = yaml.safe_load((MONITORING / "docker-compose.yml").read_text())["services"]["grafana"]
    provisioning = MONITORING / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "pushserver.yml").read_text())["providers"]
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in compose["volumes"]
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in compose["volumes"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    home = Path(compose["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert home.name in {path.name for path in DASHBOARDS}
