"""What Prometheus gets to see of a service of several processes."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from pushserver.sandbox import Robot, Sandbox
from tests.docs.markdown import first_column
from tests.docs.markdown import page as docs_page
from tests.docs.metrics_table import shown_name
from tests.system.deadline import until
from tests.system.prometheus import faults_of, scraping
from tests.system.server_process import PushServer, serving
from tests.system.setups import group, notices, relay, setup


@pytest.fixture(scope="module")
def robots(sandbox: Sandbox) -> list[Robot]:
    return [sandbox.feishu(token) for token in ("broken", "well")]


@pytest.fixture(scope="module")
def server(
    robots: list[Robot], sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PushServer]:
    """One of each kind has happened: a failover, a failed task with its notice, refusals."""
    broken, well = robots
    broken.fail(19001, times=None)
    directory = tmp_path_factory.mktemp("metrics")
    recipients = {"ops": {"feishu": group(broken, well)}, "lost": {"feishu": group(broken)}}
    system = notices({"type": "console", "name": "screen"})
    section = relay({"account": sandbox.smtp("metrics")})
    content = setup(directory, recipients, system=system, smtp_relay=section)
    with serving(directory, content) as server:
        server.client.outcome("ops")
        server.client.outcome("lost", strategy="all")
        server.client.ask("POST", "/api/v1/push", b"{")
        server.client.ask("POST", "/api/v1/push", b'{"recipient_alias": "nobody"}')
        server.client.ask("POST", "/api/v1/push", _to("nobody"))
        until(lambda: value(server, "pushserver_fallback_notices_total", verdict="delivered"), "its notice")
        yield server


def _to(alias: str) -> bytes:
    return f'{{"recipient_alias": "{alias}", "content": {{"title": "T", "msg": "M"}}}}'.encode()


def page(server: PushServer) -> bytes:
    answer = server.client.ask("GET", "/metrics")
    assert answer.status == 200
    return answer.body


def families(server: PushServer) -> list[Metric]:
    return list(text_string_to_metric_families(page(server).decode()))


def value(server: PushServer, name: str, process: str = "delivery-0", **labels: str) -> float | None:
    wanted = {"process": process, **labels}
    found = (
        sample.value
        for family in families(server)
        for sample in family.samples
        if sample.name == name and sample.labels == wanted
    )
    return next(found, None)


def test_every_series_says_of_which_process_it_is(server: PushServer) -> None:
    processes = {sample.labels["process"] for family in families(server) for sample in family.samples}
    assert processes == {"delivery-0", "relay-0", "gateway-0"}


def test_several_processes_show_what_the_operators_page_lists(server: PushServer) -> None:
    listed = first_column(docs_page("docs/operations.md").section("Metrics"))
    assert {shown_name(family) for family in families(server)} == {name.partition("`")[0] for name in listed}


def test_pushes_at_the_door_are_counted(server: PushServer) -> None:
    accepted, refused = "pushserver_pushes_accepted_total", "pushserver_pushes_refused_total"
    assert value(server, accepted, "gateway-0", strategy="failover") == 1
    assert value(server, accepted, "gateway-0", strategy="all") == 1
    for reason, times in {"unreadable": 1, "invalid": 1, "recipient": 1, "queue_full": 0}.items():
        assert value(server, refused, "gateway-0", reason=reason) == times


def test_their_delivery_is_counted(server: PushServer) -> None:
    attempts = "pushserver_attempts_total"
    assert value(server, attempts, platform="feishu", verdict="endpoint_broken") == 2
    assert value(server, attempts, platform="feishu", verdict="delivered") == 1
    assert value(server, attempts, platform="system", verdict="delivered") == 0
    assert value(server, "pushserver_attempt_seconds_count", platform="feishu") == 3
    assert value(server, "pushserver_failovers_total", to="endpoint") == 1
    assert value(server, "pushserver_tasks_ended_total", strategy="failover", status="completed") == 1
    assert value(server, "pushserver_tasks_ended_total", strategy="all", status="failed") == 1
    assert value(server, "pushserver_task_seconds_count", strategy="all") == 1


def test_the_queue_is_shown_by_one_process_only(server: PushServer) -> None:
    assert value(server, "pushserver_queue_tasks") == 0
    assert value(server, "pushserver_queue_capacity_tasks") == 10_000
    assert value(server, "pushserver_queue_tasks", "gateway-0") is None


def test_actors_are_counted_each_by_itself(server: PushServer) -> None:
    endpoint = {"kind": "endpoint", "actor": "recipients/ops/feishu/well"}
    assert value(server, "pushserver_actor_messages_handled_total", **endpoint) == 1
    assert value(server, "pushserver_actor_state", state="running", **endpoint) == 1


def test_no_secret_is_a_label(server: PushServer, robots: list[Robot]) -> None:
    text = page(server).decode()
    assert not [robot.url for robot in robots if robot.url in text]
    assert "open-apis" not in text


def test_promtool_finds_no_fault(server: PushServer) -> None:
    assert faults_of(page(server)) == ""


def test_a_fault_would_be_found() -> None:
    assert "no help text" in faults_of(b"some_total 1\n")


def test_without_series_for_each_actor_there_is_one_for_each_kind(sandbox: Sandbox, tmp_path: Path) -> None:
    recipients = {alias: {"feishu": group(sandbox.feishu(alias))} for alias in ("one", "two", "three")}
    content = setup(tmp_path, recipients, processes={"metrics_per_actor": False})
    with serving(tmp_path, content) as server:
        for alias in recipients:
            server.client.outcome(alias)
        assert value(server, "pushserver_actor_state", kind="recipient", state="running") == 3
        assert "recipients/" not in page(server).decode()
        assert faults_of(page(server)) == ""


@pytest.mark.kill
def test_a_restart_is_an_honest_reset_and_is_counted(server: PushServer) -> None:
    before = value(server, "pushserver_process_restarts_total")
    assert value(server, "pushserver_tasks_ended_total", strategy="all", status="failed") == 1
    os.kill(server.worker("delivery-0"), signal.SIGKILL)
    restarts = before + 1 if before is not None else None
    until(lambda: value(server, "pushserver_process_restarts_total") == restarts, "it is back")
    assert value(server, "pushserver_tasks_ended_total", strategy="all", status="failed") == 0
    assert value(server, "pushserver_process_restarts_total", "gateway-0") == 0


def test_a_real_prometheus_scrapes_it(server: PushServer, tmp_path: Path) -> None:
    with scraping(server.port, tmp_path / "prometheus") as prometheus:
        until(lambda: prometheus.value("up") == 1, "Prometheus has scraped")
        accepted = 'pushserver_pushes_accepted_total{strategy="failover",process="gateway-0"}'
        before = prometheus.value(accepted)
        assert before is not None
        server.client.outcome("ops")
        until(lambda: prometheus.value(accepted) == before + 1, "it has seen a push")
        assert prometheus.value("sum(pushserver_process_up)") == 3
