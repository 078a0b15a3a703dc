"""A real nginx with the files of ``deploy/nginx``: other ports, other paths, a certificate of the test's."""

import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.deploy.tools import DEPLOY, needs, ran
from tests.system.deadline import PATIENCE, until

NAME = "pushserver.example.com"
_MAIN = """\
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
{user}
events {{ }}
http {{
    access_log {directory}/default.access.log;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/site.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """Where it listens, and where its logs are."""

    http: int
    https: int
    directory: Path

    @property
    def access_log(self) -> str:
        path = self.directory / "pushserver.access.log"
        return path.read_text() if path.exists() else ""


def prepared(site: str, directory: Path, authority: trustme.CA, upstreams: Mapping[str, int]) -> Nginx:
    """The site, with the services at these ports in place of those that it names."""
    directory.mkdir()
    nginx = Nginx(free_port(), free_port(), directory)
    authority.issue_cert(NAME, "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        directory / "tls.pem"
    )
    text = (DEPLOY / "nginx" / site).read_text()
    for named, port in upstreams.items():
        text = text.replace(f"server {named}", f"server 127.0.0.1:{port}")
    replaced = {
        r"listen 80;": f"listen 127.0.0.1:{nginx.http};",
        r"listen 443 ": f"listen 127.0.0.1:{nginx.https} ",
        r"/etc/nginx/ssl/\w+\.pem": f"{directory}/tls.pem",
        r"/etc/nginx/pushserver-proxy\.conf": str(DEPLOY / "nginx" / "proxy.conf"),
        r"/var/log/nginx": str(directory),
    }
    for pattern, text_of_ours in replaced.items():
        text, times = re.subn(pattern, text_of_ours, text)
        assert times or "log" in pattern, pattern
    (directory / "site.conf").write_text(text)
    (directory / "nginx.conf").write_text(_MAIN.format(directory=directory, user="user root;"))
    return nginx


def check(nginx: Nginx) -> str:
    """What ``nginx -t`` says."""
    return ran([*_command(nginx), "-t"])


@contextmanager
def running(nginx: Nginx) -> Iterator[Nginx]:
    """It, until the test is over."""
    process = subprocess.Popen(_command(nginx), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(nginx.https) or process.poll() is not None, "nginx listens")
        assert process.poll() is None, (nginx.directory / "error.log").read_text()
        yield nginx
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _command(nginx: Nginx) -> list[str]:
    config = str(nginx.directory / "nginx.conf")
    log = str(nginx.directory / "error.log")
    return [needs("nginx", "nginx-light"), "-e", log, "-p", str(nginx.directory), "-c", config]


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
