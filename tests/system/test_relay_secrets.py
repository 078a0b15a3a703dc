"""No password of the relay's client or accounts in anything it says, while servers repeat them."""

import json
import smtplib
from base64 import b64encode
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from pushserver.sandbox import MailSink, Sandbox, Stage
from tests.system.deadline import PATIENCE, until
from tests.system.mail_burst import SENDER, a_mail
from tests.system.plants import Plants
from tests.system.server_process import PushServer, serving
from tests.system.setups import USER, Setup, relay, setup

LOGIN = "bot@corp.example"
ANN, BOB = "ann@corp.example", "bob@corp.example"
ACCOUNTS = ("telltale", "locked", "closed")
"""One that repeats what it was told with each refusal, one that takes no login, one that takes nobody."""
ROUTES = {
    "status": "/api/v1/smtp-relay/status",
    "statistics": "/api/v1/smtp-relay/statistics",
    "waiting": "/api/v1/smtp-relay/queue",
    "bounced": "/api/v1/smtp-relay/queue?state=bounced",
    "health": "/health",
    "metrics": "/metrics",
    "actors": "/api/v1/actors?limit=1000",
    "notifications": "/api/v1/notifications?limit=1000",
}


@dataclass
class Scene:
    """The accounts' servers, and the passwords that are planted."""

    sandbox: Sandbox
    plants: Plants = field(default_factory=Plants)
    heard: list[str] = field(default_factory=list)
    """What clients were answered."""

    def __post_init__(self) -> None:
        self.client = self.plants.secret("client")
        self.passwords = {name: self.plants.secret(name) for name in ACCOUNTS}
        self.sinks = {
            "telltale": self._sink("telltale", self.passwords["telltale"]),
            "locked": self._sink("locked", "other"),
            "closed": self._sink("closed", "none"),
        }
        telltale = self.sinks["telltale"]
        telltale.refuse(BOB, f"550 5.1.1 no {_spelled(self.passwords['telltale'])}")
        telltale.reply(
            Stage.DATA, f"451 4.3.0 no {_spelled(self.passwords['telltale'])}", mailbox=ANN, times=None
        )
        self.sinks["locked"].reply(
            Stage.AUTH, f"535 5.7.8 not {_spelled(self.passwords['locked'])}", times=None
        )
        self.sinks["closed"].reply(Stage.GREETING, "554 5.3.2 no service", times=None)

    def _sink(self, name: str, password: str) -> MailSink:
        return self.sandbox.smtp(f"relay-secret-{name}", credentials={LOGIN: password})

    def section(self) -> Setup:
        section = relay(self.sinks, auth={"username": USER, "password": self.client})
        for account in section["accounts"]:
            account |= {"username": LOGIN, "password": self.passwords[account["name"]]}
        return section

    def send(self, port: int, subject: str, recipient: str) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            self._note(client.login(USER, self.client))
            client.send_message(a_mail(subject, recipient), SENDER, [recipient])

    def try_in_vain(self, port: int) -> None:
        """Log in with a wrong password by every mechanism, with nonsense, and with a command cut short."""
        wrong = self.plants.secret("wrong")
        plain = b64encode(f"\0{USER}\0{wrong}".encode()).decode()
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            self._note(client.ehlo(), client.docmd("AUTH", f"PLAIN {plain}"))
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            self._note(client.ehlo(), client.docmd("AUTH", "LOGIN"), client.docmd(_base64(USER)))
            self._note(client.docmd(_base64(wrong)))
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            self._note(client.ehlo(), client.docmd("AUTH", f"PLAIN {wrong}"), client.docmd("AUTH", wrong))
            self._note(client.docmd(wrong), client.docmd(plain), client.docmd("MAIL", f"FROM:<{wrong}>"))

    def _note(self, *replies: tuple[int, bytes]) -> None:
        self.heard += [f"{code} {text.decode()}" for code, text in replies]


@dataclass(frozen=True)
class Said:
    """Everything that was said, by source."""

    plants: Plants
    reports: list[EmailMessage]
    sources: dict[str, str]


def _read(report: EmailMessage) -> str:
    """As people and programs do: each part decoded."""
    leaves = [part for part in report.walk() if not part.is_multipart()]
    return "".join(bytes(leaf.get_payload(decode=True) or b"").decode() or str(leaf) for leaf in leaves)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _spelled(password: str) -> str:
    return f"{password} nor {_base64(password)} nor {_base64(f'{chr(0)}{LOGIN}{chr(0)}{password}')}"


@pytest.fixture(scope="module")
def said(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Said:
    directory = tmp_path_factory.mktemp("relay-secrets")
    scene = Scene(sandbox)
    telltale = scene.sinks["telltale"]
    content = setup(
        directory, {"ops": {}}, log={"level": "debug", "output": "both"}, smtp_relay=scene.section()
    )
    with serving(directory, content) as server:
        port = int(server.client.ask("GET", ROUTES["status"]).data["port"])
        scene.try_in_vain(port)
        scene.send(port, "refused", BOB)
        scene.send(port, "put off", ANN)
        telltale.wait(1, PATIENCE)
        until(lambda: _asked(server, "notifications")["notifications"], "people are told")
        until(lambda: _reasons(server, "waiting"), "one waits, and why is known")
        answers = {name: server.client.ask("GET", route).body.decode() for name, route in ROUTES.items()}
        server.stop()
    reports = [mail.message for mail in telltale.mails]
    letters = {"report": "".join(map(_read, reports)), "raw report": "".join(map(str, reports))}
    files = {
        str(path.relative_to(directory)): path.read_bytes().decode("latin-1")
        for path in directory.rglob("*")
        if path.is_file() and path.name != "config.yaml"
    }
    streams = {"stdout": server.out, "stderr": server.err, "replies": "\n".join(scene.heard)}
    return Said(scene.plants, reports, answers | letters | files | streams)


def _asked(server: PushServer, name: str) -> Setup:
    return dict(server.client.ask("GET", ROUTES[name]).data)


def _reasons(server: PushServer, name: str) -> list[str]:
    mails = _asked(server, name)["mails"]
    return [to["reason"] for mail in mails for to in mail["recipients"] if to["reason"]]


def test_each_way_to_fail_was_gone_and_spoken_of(said: Said) -> None:
    """Otherwise the search would find nothing because there is nothing."""
    assert len(said.plants) == len(ACCOUNTS) + 2
    (report,) = said.reports
    assert report.get_content_type() == "multipart/report"
    assert "550 5.1.1 no *** nor ***" in said.sources["report"]
    shown = json.loads(said.sources["notifications"])["data"]["notifications"]
    assert [item["title"] for item in shown] == ["SMTP中继发送失败"]
    assert "535 " in said.sources["replies"]
    assert "mail_failed" in said.sources["log/app.log"]
    assert 'pushserver_relay_auth_failures_total{process="relay-0"} 2.0' in said.sources["metrics"]


def test_no_password_of_the_relay_is_in_anything_that_was_said(said: Said) -> None:
    assert said.plants.found_in(said.sources) == []
