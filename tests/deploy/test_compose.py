"""The compose files are valid, and hold what the documents promise of them."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.tools import DEPLOY, ROOT, needs, ran

FILES = {
    "docker-compose.yml": DEPLOY,
    "docker-compose.ha.yml": DEPLOY,
    "monitoring": ROOT / "monitoring",
}


@cache
def effective(name: str) -> dict[str, Any]:
    """The file as ``docker-compose config`` reads it, with the variables of the example."""
    tool = needs("docker-compose", "docker-compose")
    file = name if name.endswith(".yml") else "docker-compose.yml"
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GRAFANA_PASSWORD": "chosen"}
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory) / "project"
        shutil.copytree(FILES[name], project)
        shutil.copy(DEPLOY / ".env.example", project / ".env")
        return dict(yaml.safe_load(ran([tool, "-f", file, "config"], cwd=project, env=environment)))


@pytest.mark.parametrize("name", [*FILES])
def test_the_file_is_valid(name: str) -> None:
    assert effective(name)["services"]


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("docker-compose.yml", "pushserver"),
        ("docker-compose.ha.yml", "pushserver1"),
        ("docker-compose.ha.yml", "pushserver2"),
    ],
)
def test_an_instance_has_no_rights_that_it_does_not_need(name: str, service: str) -> None:
    found = effective(name)["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["tmpfs"] == ["/tmp"]
    assert found["pids_limit"] == -1
    config, *volumes = found["volumes"]
    assert config.endswith("/config:/app/config:ro")
    assert [volume.split(":")[1] for volume in volumes] == ["/app/data", "/app/log", "/app/notifications"]


def test_instances_share_no_volume_and_no_port() -> None:
    services = effective("docker-compose.ha.yml")["services"]
    one, two = services["pushserver1"], services["pushserver2"]
    assert not {*one["volumes"][1:]} & {*two["volumes"][1:]}
    assert one["ports"] == [{"published": 2525, "target": 2525}]
    assert two["ports"] == [{"published": 2526, "target": 2525}]


def test_instances_believe_the_network_that_nginx_is_in() -> None:
    content = effective("docker-compose.ha.yml")
    (network,) = content["networks"]["pushserver"]["ipam"]["config"]
    trusted = content["services"]["pushserver1"]["environment"]["SERVER_TRUSTED_PROXIES"]
    assert trusted == network["subnet"]


def test_nginx_knows_the_instances_by_their_addresses() -> None:
    services = effective("docker-compose.ha.yml")["services"]
    site = (DEPLOY / "nginx" / "ha.conf").read_text()
    for name in ("pushserver1", "pushserver2"):
        address = services[name]["networks"]["pushserver"]["ipv4_address"]
        assert f"server {address}:8080 " in site


def test_prometheus_joins_the_network_of_two_instances(tmp_path: Path) -> None:
    monitoring = ROOT / "monitoring"
    files = ["-f", str(monitoring / "docker-compose.yml"), "-f", str(monitoring / "docker-compose.ha.yml")]
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GRAFANA_PASSWORD": "chosen"}
    tool = needs("docker-compose", "docker-compose")
    joined = yaml.safe_load(ran([tool, *files, "config"], cwd=tmp_path, env=environment))
    instances = effective("docker-compose.ha.yml")
    name = instances["networks"]["pushserver"]["name"]
    assert joined["networks"]["pushserver"] == {"external": True, "name": name}
    assert {"default", "pushserver"} == {*joined["services"]["prometheus"]["networks"]}
    for service in ("pushserver1", "pushserver2"):
        address = instances["services"][service]["networks"]["pushserver"]["ipv4_address"]
        assert f'"{address}:8080"' in (monitoring / "docker-compose.ha.yml").read_text()


def test_every_variable_has_an_example() -> None:
    written = {line.partition("=")[0] for line in (DEPLOY / ".env.example").read_text().splitlines()}
    for path in DEPLOY.glob("docker-compose*.yml"):
        text = path.read_text()
        named = {part.partition(":-")[0] for part in text.split("${")[1:]}
        assert named <= written
