"""Rotation by logrotate instead of by the service: every process goes on in the new file."""

import getpass
import grp
import itertools
import os
from pathlib import Path

from pushserver.sandbox import Sandbox
from tests.deploy.tools import DEPLOY, needs, ran
from tests.system.deadline import until
from tests.system.server_process import serving
from tests.system.setups import group, setup

CONFIGURATION = DEPLOY / "logrotate" / "pushserver"


def adapted(directory: Path, log: Path) -> Path:
    """The file, for a log that is ours and in another place."""
    us = f"{getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name}"
    text = CONFIGURATION.read_text().replace("/var/log/pushserver", str(log))
    path = directory / "logrotate"
    path.write_text(text.replace("pushserver pushserver", us))
    path.chmod(0o644)
    return path


def delivered(log: Path) -> int:
    return log.read_text().count("消息推送成功") if log.exists() else 0


def test_all_processes_go_on_in_the_new_file(tmp_path: Path) -> None:
    logrotate = needs("logrotate", "logrotate")
    log = tmp_path / "log"
    pushes = itertools.count(1)
    with Sandbox() as sandbox:
        content = setup(tmp_path, {"ops": {"feishu": group(sandbox.feishu("robot"))}})
        with serving(tmp_path, content) as server:

            def push_until_it_is_in(path: Path) -> bool:
                server.client.outcome("ops", title=str(next(pushes)))
                return delivered(path) > 0

            until(lambda: push_until_it_is_in(log / "app.log"), "it is logged")
            ran([logrotate, "-f", "-s", str(tmp_path / "state"), str(adapted(tmp_path, log))])
            (moved,) = log.glob("app.log-*")
            until(lambda: push_until_it_is_in(log / "app.log"), "it goes on in the new file")
            count = next(pushes) - 1
            until(lambda: delivered(moved) + delivered(log / "app.log") == count, "no line is lost")
