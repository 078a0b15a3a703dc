"""The OpenAPI document against a running service: what it says is what happens, whatever is sent."""

import smtplib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import positive_data_acceptance

from pushserver.api.catalog import OPERATIONS
from pushserver.api.operation import Operation
from pushserver.config import load
from pushserver.config.apart import Source
from pushserver.sandbox import Sandbox
from pushserver.service import Service
from tests.cli.configurations import configuration, written
from tests.system.deadline import until
from tests.system.setups import PASSWORD, USER, relay

EXAMPLES = 20
KEEPS_ITS_OWN_COUNSEL = {
    "push": [positive_data_acceptance],  # which recipients there are, and on what platforms
    "preview_reload": [positive_data_acceptance],  # what a configuration looks like
}
"""What is no part of the document."""
TAKE_THEIR_TIME = {"reload", "preview_reload"}
"""A process is started for each: fewer will do."""
BY_ID = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
CAN_BE_WRONG = pytest.mark.parametrize(
    "operation",
    [
        operation
        for operation in OPERATIONS
        if operation.body is not None or any(part.where == "query" for part in operation.parameters)
    ],
    ids=lambda operation: operation.id,
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """``ops`` has a robot that is gone before one that is there, ``lost`` only the former."""
    directory = tmp_path_factory.mktemp("openapi")
    with Sandbox() as sandbox:
        gone, there = sandbox.feishu("gone"), sandbox.feishu("there")
        sandbox.remove(gone)
        content = configuration(
            directory,
            gone,
            there,
            smtp_relay=relay({"main": sandbox.smtp()}),
            system={"notifications": [{"type": "file", "path": str(directory)}]},
        )
        content["recipients"]["lost"] = {
            "platforms": {"feishu": {"webhooks": [{"name": "gone", "url": gone.url}]}}
        }
        path = written(directory / "config.yaml", content)
        with Service(load(path, {}).settings, source=Source(path, {})) as service:
            yield service


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    url = f"http://127.0.0.1:{service.port}/api/v1/openapi.json"
    return dict(requests.get(url, timeout=10).json())


@pytest.fixture(scope="module")
def schema(service: Service) -> Any:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{service.port}/api/v1/openapi.json")


def try_out(schema: Any, operation: Operation, mode: GenerationMode) -> None:
    """All of Schemathesis' checks: the status, the headers, the content type, the answer's shape, …"""
    described = schema.find_operation_by_id(operation.id)
    silent = KEEPS_ITS_OWN_COUNSEL.get(operation.id, [])

    examples = 3 if operation.id in TAKE_THEIR_TIME else EXAMPLES

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(described.as_strategy(generation_mode=mode))
    def each(case: Case[Any]) -> None:
        case.call_and_validate(excluded_checks=silent)

    each()


def test_the_document_is_openapi(schema: Any) -> None:
    schema.validate()


@BY_ID
def test_what_fits_it_meets_no_server_error_and_no_undocumented_answer(
    schema: Any, operation: Operation
) -> None:
    try_out(schema, operation, GenerationMode.POSITIVE)


@CAN_BE_WRONG
def test_what_does_not_fit_it_is_refused_as_documented(schema: Any, operation: Operation) -> None:
    try_out(schema, operation, GenerationMode.NEGATIVE)


# What there really is ---------------------------------------------------------------------------------


def closed(schema: Any) -> Any:
    """The schema without room for members that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return inner | ({"additionalProperties": False} if "properties" in schema else {})


class Reader:
    """Reads answers, and holds them against the document as it stands: nothing missing, nothing besides."""

    def __init__(self, document: dict[str, Any], port: int) -> None:
        self._document = closed(document)
        self._url = f"http://127.0.0.1:{port}"

    def __call__(self, operation_id: str, query: str = "", json: object = None, **path: str) -> Any:
        (operation,) = (one for one in OPERATIONS if one.id == operation_id)
        url = self._url + operation.path.format(**path) + query
        answer = requests.request(operation.method, url, json=json, timeout=10)
        assert answer.status_code == 200, answer.text
        responses = self._document["paths"][operation.path][operation.method.lower()]["responses"]
        schema = responses["200"]["content"]["application/json"]["schema"]
        jsonschema_rs.validate({**schema, "components": self._document["components"]}, answer.json())
        return answer.json()["data"]

    def ended(self, recipient: str) -> Any:
        """What has become of a push to this recipient."""
        content = {"title": "T", "msg": "M"}
        pushed = self("push", json={"recipient_alias": recipient, "content": content})
        return until(
            lambda: (task := self("get_task", **pushed))["status"] in {"completed", "failed"} and task,
            f"{pushed} has ended",
        )


@pytest.fixture(scope="module")
def read(document: dict[str, Any], service: Service) -> Reader:
    return Reader(document, service.port)


def test_a_task_is_as_documented(read: Reader) -> None:
    task = read.ended("ops")
    assert [item["status"] for item in task["results"]] == ["failed", "success"]


def test_a_task_that_reached_nobody_and_the_notice_of_it_are_as_documented(read: Reader) -> None:
    task_id = read.ended("lost")["task_id"]
    until(lambda: read("get_task", task_id=task_id)["results"][-1].get("fallback"), "the last line has ended")
    found = until(
        lambda: [n for n in read("list_notifications")["notifications"] if n["task_id"] == task_id],
        "there is an entry",
    )
    assert read("get_notification", notification_id=found[0]["id"])["notification"] == found[0]
    read("read_notification", notification_id=found[0]["id"])
    read("read_all_notifications")
    assert read("count_notifications")["statistics"]["by_type"]["error"] >= 1


def test_mails_are_as_documented(read: Reader, service: Service) -> None:
    with smtplib.SMTP("127.0.0.1", service.smtp_port or 0, timeout=10) as smtp:
        smtp.login(USER, PASSWORD)
        smtp.sendmail("a@corp.example", ["b@corp.example"], "Subject: S\r\n\r\nM")
    until(lambda: read("list_mails", "?state=delivered")["mails"], "it is delivered")
    assert read("get_relay_statistics")["statistics"]["total_sent"] >= 1
    assert read("get_relay")["status"] == "运行中"


def test_actors_and_health_are_as_documented(read: Reader) -> None:
    assert read("restart_actor", json={"address": "recipients/ops"})["address"] == "/main-0/recipients/ops"
    assert len(read("list_actors")["actors"]) > 10
    assert read("get_health")["status"] == "healthy"


def test_a_reload_is_as_documented(read: Reader) -> None:
    assert read("reload") == {"changes": []}
    changes = read("preview_reload", json={"configuration": "recipients: {}"})["changes"]
    assert {"path": "recipients.ops", "kind": "removed", "effect": "reload"} in changes


def test_a_batch_is_as_documented(read: Reader) -> None:
    push = {"recipient_alias": "ops", "content": {"title": "T", "msg": "M"}}
    first, second = read("push_batch", json={"pushes": [push, {}]})["results"]
    assert ("task_id" in first, second["code"]) == (True, 400)
