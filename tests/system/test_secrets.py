"""No secret, token or webhook URL in anything the service says, while everything fails that can fail."""

import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from pushserver.cli import main
from pushserver.sandbox import MailSink, Robot, Sandbox, Stage
from pushserver.sandbox.dingtalk import DOCUMENTED as DINGTALK_CODES
from pushserver.sandbox.feishu import DOCUMENTED as FEISHU_CODES
from pushserver.sandbox.notice import DOCUMENTED as NOTICE_CODES
from pushserver.sandbox.wechat import DOCUMENTED as WECHAT_CODES
from tests.system.api_client import push_body
from tests.system.deadline import until
from tests.system.odd_robots import Mirror, listening
from tests.system.plants import Plants
from tests.system.server_process import PushServer, serving
from tests.system.setups import Setup, mailboxes, notices, setup, store_of, webhook
from tests.system.store_file import unfinished

BLOCKED_ADDRESS = "x5"
"""After this every robot of the platform rests, so it comes last, and for a recipient of its own."""
CODES: Mapping[str, list[Any]] = {
    "feishu": list(FEISHU_CODES),
    "dingtalk": [code for code in DINGTALK_CODES if code != BLOCKED_ADDRESS],
    "wechat": list(WECHAT_CODES),
    "notice": list(NOTICE_CODES),
}
MANNERS = ("html", "empty", "object", "echo", "zero-under-500", "drop", "unread", "hang")
NOTICE_MANNERS = ("html", "zero-under-500", "drop", "unread", "hang")
"""A notice that was answered with any 2xx has arrived."""
MAIL_REPLIES = [
    (Stage.GREETING, "554 5.3.2 no service"),
    (Stage.GREETING, "421 4.3.2 busy"),
    (Stage.MAIL, "550 5.7.1 sender refused"),
    (Stage.RCPT, "550 5.1.1 no such user"),
    (Stage.RCPT, "450 4.2.0 greylisted"),
    (Stage.DATA, "554 5.6.0 content refused"),
    (Stage.DATA, "452 4.3.1 disk full"),
]
LOGIN = "bot@corp.example"


@dataclass
class Ruin:
    """A configuration in which nothing works."""

    sandbox: Sandbox
    mirror: Mirror
    closed_port: int
    tls_port: int
    plants: Plants = field(default_factory=Plants)
    recipients: dict[str, Setup] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)

    # robots

    def robots(self, platform: str) -> None:
        """A recipient whose every webhook fails in a way of its own."""
        codes = [self._refusing(platform, code) for code in CODES[platform]]
        manners = [self._behaving(platform, manner) for manner in MANNERS]
        channel = {"webhooks": [*codes, *manners, *self._unreachable(platform)]}
        self.recipients[platform] = {platform: channel}

    def blocked_address(self) -> None:
        channel = {"webhooks": [self._refusing("dingtalk", BLOCKED_ADDRESS)]}
        self.recipients["blocked"] = {"dingtalk": channel}

    def _refusing(self, platform: str, code: Any) -> Setup:
        robot = self._robot(platform, str(code))
        robot.fail(code, times=None)
        return self._webhook(robot, f"{platform}-{code}")

    def _behaving(self, platform: str, manner: str) -> Setup:
        robot = self._robot(platform, manner)
        _misbehave(robot, manner)
        return self._webhook(robot, f"{platform}-{manner}")

    def _robot(self, platform: str, name: str) -> Robot:
        token = self.plants.token(f"{platform} token {name}")
        secret = self.plants.secret(f"{platform} secret {name}")
        match platform:
            case "feishu":
                return self.sandbox.feishu(token, secret=secret)
            case "dingtalk":
                return self.sandbox.dingtalk(token, secret=secret)
            case "wechat":
                return self.sandbox.wechat(token)
            case _:
                return self.sandbox.notice(token)

    def _webhook(self, robot: Robot, name: str, **settings: Any) -> Setup:
        self.targets.append(name)
        return webhook(robot, name=name, **settings)

    def _unreachable(self, platform: str) -> Iterator[Setup]:
        """Nobody listens; not TLS; a strange certificate; no such host or proxy; and one that echoes all."""
        robot = self._robot(platform, "unreachable")
        here = robot.url.removeprefix(self.sandbox.url)
        places = {
            "refused": f"http://127.0.0.1:{self.closed_port}",
            "no-tls": self.sandbox.url.replace("http", "https"),
            "strange-tls": f"https://127.0.0.1:{self.tls_port}",
            "no-host": "http://host.invalid",
            "mirror": self.mirror.base,
        }
        for name, place in places.items():
            yield self._webhook(robot, f"{platform}-{name}", url=place + here)
        password = self.plants.token(f"{platform} proxy password")
        proxy = f"http://user:{password}@127.0.0.1:{self.closed_port}"
        yield self._webhook(robot, f"{platform}-no-proxy", proxy=proxy)

    # notices

    def notices(self) -> list[Setup]:
        """A recipient of notices alone; returns notices for the last line of defence."""
        refusing = [(str(code), self._robot("notice", str(code))) for code in CODES["notice"]]
        for code, robot in refusing:
            robot.fail(int(code), times=None)
        behaving = [(manner, self._robot("notice", manner)) for manner in NOTICE_MANNERS]
        for manner, robot in behaving:
            _misbehave(robot, manner)
        items = [self._notice(robot, f"notice-{name}") for name, robot in (*refusing, *behaving)]
        self.recipients["notice"] = {"system": notices(*items)}
        return [
            self._notice(self._robot("notice", "last"), "last-http"),
            {"type": "console", "name": "last-console"},
            {"type": "syslog", "name": "last-log"},
            {"type": "file", "name": "last-file", "path": "notifications"},
        ]

    def _notice(self, robot: Robot, name: str) -> Setup:
        self.targets.append(name)
        headers = {
            "Authorization": f"Bearer {self.plants.token(f'{name} bearer')}",
            "X-Api-Key": self.plants.secret(f"{name} key"),
        }
        return {"type": "http", "name": name, "url": robot.url, "timeout": 1, "headers": headers}

    # mail

    def mail(self, server_tls: ssl.SSLContext) -> None:
        """A recipient for each way in which a mail can fail."""
        for number, (stage, reply) in enumerate(MAIL_REPLIES):
            self._account(f"mail-reply-{number}")[0].reply(stage, reply, times=None)
        for stage in (Stage.GREETING, Stage.MAIL, Stage.RCPT, Stage.DATA):
            self._account(f"mail-drop-{stage}")[0].drop(stage, times=None)
        self._account("mail-hang")[0].hang(Stage.DATA)
        self._account("mail-wrong-password", known=False)
        sink, password = self._account("mail-echo")
        plain = b64encode(f"\0{LOGIN}\0{password}".encode()).decode()
        login = b64encode(password.encode()).decode()
        sink.reply(Stage.AUTH, f"535 5.7.8 not {password} nor {plain} nor {login}", times=None)
        self._account("mail-no-starttls", tls=True)
        strange = self.sandbox.smtp(starttls=server_tls)
        self._mail("mail-strange-tls", strange, self.plants.secret("mail-strange-tls"), tls=True)
        self._mail("mail-refused", strange, self.plants.secret("mail-refused"), port=self.closed_port)
        self._mail("mail-no-host", strange, self.plants.secret("mail-no-host"), host="host.invalid")

    def _account(self, name: str, *, known: bool = True, **smtp: Any) -> tuple[MailSink, str]:
        password = self.plants.secret(name)
        sink = self.sandbox.smtp(name, credentials={LOGIN: password if known else "other"})
        self._mail(name, sink, password, **smtp)
        return sink, password

    def _mail(self, name: str, sink: MailSink, password: str, **smtp: Any) -> None:
        account = {"username": LOGIN, "password": password} | smtp
        self.recipients[name] = {"email": mailboxes(sink, "ann@corp.example", **account)}

    # what is never used

    def relay(self) -> Setup:
        account = {
            "name": "account",
            "host": "127.0.0.1",
            "port": self.closed_port,
            "username": LOGIN,
            "password": self.plants.secret("relay account"),
        }
        auth = {"username": "relay", "password": self.plants.secret("relay auth")}
        return {"enabled": False, "port": 0, "host": "127.0.0.1", "auth": auth, "accounts": [account]}


def _misbehave(robot: Robot, manner: str) -> None:
    secret = robot.settings.secret or robot.token
    echo = f"no {robot.url} no {robot.token} no {secret} no {quote(secret, safe='')} no {quote_plus(secret)}"
    match manner:
        case "html":
            robot.answer(f"<html><body>{echo}</body></html>", status=403, times=None)
        case "empty":
            robot.answer("", times=None)
        case "object":
            robot.answer({}, times=None)
        case "echo":
            robot.answer({"code": 19999, "msg": echo, "errcode": 19999, "errmsg": echo}, times=None)
        case "zero-under-500":
            robot.answer({"code": 0, "msg": echo, "errcode": 0, "errmsg": echo}, status=500, times=None)
        case "drop":
            robot.drop(times=None)
        case "unread":
            robot.drop(times=None, unread=True)
        case _:
            robot.hang()


@dataclass
class Aftermath:
    plants: Plants
    targets: list[str]
    tasks: dict[str, dict[str, Any]]
    signatures: set[str]
    sources: dict[str, str]


@pytest.fixture(scope="module")
def aftermath(
    sandbox: Sandbox, server_tls: ssl.SSLContext, tmp_path_factory: pytest.TempPathFactory
) -> Aftermath:
    """Every recipient has had its push, and everything that was said is here, by source."""
    directory = tmp_path_factory.mktemp("secrets")
    with socket.socket() as closed, listening(Mirror()) as mirror:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refuses everybody
        tls = sandbox.smtp("tls", tls=server_tls)
        ruin = Ruin(sandbox, mirror, closed.getsockname()[1], tls.port)
        for platform in ("feishu", "dingtalk", "wechat"):
            ruin.robots(platform)
        last_line = ruin.notices()
        ruin.mail(server_tls)
        ruin.blocked_address()
        content = setup(
            directory,
            ruin.recipients,
            log={"level": "debug", "output": "both"},
            queue={"timeout": 1},
            smtp_relay=ruin.relay(),
            system=notices(*last_line),
        )
        with serving(directory, content) as server:
            tasks = _push_to_everybody(server, ruin)
            answers = _answers(server, tasks)
            server.stop()
    sources = answers | _files(directory) | _streams(server)
    return Aftermath(ruin.plants, ruin.targets, tasks, mirror.signatures, sources)


def _push_to_everybody(server: PushServer, ruin: Ruin) -> dict[str, dict[str, Any]]:
    client = server.client
    others = [alias for alias in ruin.recipients if alias != "blocked"]
    pushed = {alias: client.push(alias, strategy="all", style="card") for alias in others}
    tasks = {alias: client.ended(task_id, 40) for alias, task_id in pushed.items()}
    tasks["blocked"] = client.outcome("blocked")
    until(lambda: unfinished(store_of(server.directory)) == 0, "the last line has been raised for all", 40)
    return {alias: client.task(task["task_id"]) for alias, task in tasks.items()}


def _answers(server: PushServer, tasks: Mapping[str, Any]) -> dict[str, str]:
    asked = {
        "unknown recipient": ("POST", "/api/v1/push", push_body("nobody")),
        "bad fields": ("POST", "/api/v1/push", push_body("feishu", type="x", strategy="y", platform="z")),
        "no JSON": ("POST", "/api/v1/push", b"{"),
        "unknown task": ("GET", "/api/v1/task/task_unknown", None),
        "unknown route": ("GET", "/nowhere", None),
        "health": ("GET", "/health", None),
        "metrics": ("GET", "/metrics", None),
        "actors": ("GET", "/api/v1/actors?limit=1000", None),
        "notifications": ("GET", "/api/v1/notifications?limit=1000", None),
    }
    answers = {name: server.client.ask(*request).body.decode() for name, request in asked.items()}
    return answers | {f"task of {alias}": json.dumps(task) for alias, task in tasks.items()}


def _files(directory: Path) -> dict[str, str]:
    """Whatever was written, the store too: everything but the configuration."""
    files = [path for path in directory.rglob("*") if path.is_file() and path.name != "config.yaml"]
    return {str(path.relative_to(directory)): path.read_bytes().decode("latin-1") for path in files}


def _streams(server: PushServer) -> dict[str, str]:
    return {"stdout": server.out, "stderr": server.err}


def test_everything_has_failed_and_was_spoken_of(aftermath: Aftermath) -> None:
    """Otherwise the search would find nothing because there is nothing."""
    assert [alias for alias, task in aftermath.tasks.items() if task["status"] != "failed"] == []
    assert len(aftermath.plants) > 200
    said = "".join(aftermath.sources[name] for name in ("log/app.log", "stdout"))
    assert [target for target in aftermath.targets if target not in said] == []
    assert any(name.startswith("notifications/") for name in aftermath.sources)
    assert "系统通知" in aftermath.sources["stdout"]
    shown = json.loads(aftermath.sources["notifications"])["data"]["notifications"]
    assert sorted(item["task_id"] for item in shown) == sorted(
        task["task_id"] for task in aftermath.tasks.values()
    )


def test_every_kind_of_verdict_was_there(aftermath: Aftermath) -> None:
    messages = {item["message"] for task in aftermath.tasks.values() for item in task["results"]}
    assert messages >= {
        "发送频率受限",
        "网络或平台暂时故障",
        "webhook地址无效",
        "邮箱账户不可用",
        "系统通知方式不可用",
        "被该机器人拒绝 (关键词、IP或签名)",
        "消息内容被平台拒绝",
        "结果未知，可能已送达",
    }


def test_no_planted_secret_is_in_anything_that_was_said(aftermath: Aftermath) -> None:
    assert aftermath.plants.found_in(aftermath.sources) == []


def test_no_webhook_is_in_anything_that_was_said(aftermath: Aftermath, sandbox: Sandbox) -> None:
    marks = (
        sandbox.url,
        "/open-apis/bot/v2/hook/",
        "access_token=",
        "webhook/send?key=",
        "/notify/",
        "Bearer",
    )
    places = [(mark, name) for name, text in aftermath.sources.items() for mark in marks if mark in text]
    assert places == []


def test_no_signature_is_in_anything_that_was_said(aftermath: Aftermath) -> None:
    assert len(aftermath.signatures) == 2
    spelled = {form for sign in aftermath.signatures for form in (sign, quote(sign, safe=""))}
    assert [form for form in spelled if any(form in text for text in aftermath.sources.values())] == []


FAULTY = """\
server: {{port: {0}}}
queue: {{timeout: "${{PLANTED}}"}}
storage: {{url: "oracle://user:{1}@db/push"}}
http: {{proxy: "ftp://user:{2}@proxy"}}
smtp_relay: {{enabled: true, auth: {3}, accounts: [{{name: a, pasword: {4}}}]}}
recipients:
  ops:
    platforms:
      feishu:
        webhooks:
          - {{url: "{5}", secret: [{6}], secert: {7}}}
          - {{url: "https://host/{8}", rate: "{9}", proxy: "{10}"}}
          - {{url: "https://host/{11}", name: doubled}}
          - {{url: "https://host/{12}", name: doubled}}
          - "https://host/{13}"
      email:
        smtp: {{host: h, port: 25, username: u, password: {{a: {14}}}, from: f}}
        recipients: [{{email: a}}]
      system:
        notifications:
          - {{type: http, url: "gopher://{15}", headers: {{Authorization: [{16}]}}}}
          - {{type: http, url: "https://host", headers: {17}}}
"""
UNREADABLE = {
    "a mapping in a value": "recipients: {{}}\npassword: {0}: x\n",
    "an open quote": 'recipients: {{}}\nsecret: "{0}\n',
    "a tab": "recipients:\n\tsecret: {0}\n",
    "a text for a file": "{0}\n",
    "a key twice": "recipients: {{}}\nserver: {{mode: {0}, mode: {1}}}\n",
    "an unknown anchor": "recipients: *{0}\n",
    "an unknown tag": "recipients: !{0} x\n",
}


def _planted(plants: Plants, text: str) -> str:
    return text.format(*(plants.token(f"fault {number}") for number in range(18)))


def test_faults_of_a_configuration_show_no_secret(tmp_path: Path) -> None:
    plants = Plants()
    environment = {"PLANTED": plants.secret("variable"), "LOG_LEVEL": plants.secret("override")}
    server = PushServer(tmp_path, _planted(plants, FAULTY), environment)
    try:
        server.spawn()
        assert server.end() == 78
    finally:
        server.abandon()
    assert len(server.err.splitlines()) > 15
    assert plants.found_in(_streams(server)) == []


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_file_that_cannot_be_read_is_not_quoted(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plants = Plants()
    path = tmp_path / "config.yaml"
    path.write_text(_planted(plants, UNREADABLE[fault]))
    assert main(["serve", "--config", str(path)]) == 78
    said = capsys.readouterr()
    assert said.err
    assert plants.found_in({"stdout": said.out, "stderr": said.err}) == []
