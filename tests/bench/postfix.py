"""A Postfix of the bench's own, in a directory of its own, that relays everything to the sink."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

POSTFIX = "/usr/sbin/postfix"
PATIENCE = 20.0

# Debian's defaults, but for where things are, whom it serves, and that nothing runs in a chroot: a directory
# of its own has none of the files that it would need there.
_MAIN = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {directory}
maillog_file = {directory}/mail.log
myhostname = bench.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
disable_dns_lookups = yes
relayhost = [127.0.0.1]:{sink}
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Why there can be none here; empty where there can."""
    if not shutil.which(POSTFIX):
        return f"{POSTFIX} is not installed (Debian: apt-get install postfix)"
    return "" if os.geteuid() == 0 else "Postfix is started by root alone"


@contextmanager
def relaying(sink: int) -> Iterator[int]:
    """Its port, while it runs; afterwards it is gone with everything in its queue."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        directory.chmod(0o755)  # its daemons run as somebody else
        port = _free_port()
        _configure(directory, sink, port)
        _postfix(directory, "start")
        try:
            _wait_for(port)
            yield port
        finally:
            _postfix(directory, "stop")


def _configure(directory: Path, sink: int, port: int) -> None:
    configuration = directory / "etc"
    for made in (configuration, directory / "queue", directory / "data"):
        made.mkdir()
    shutil.chown(directory / "data", "postfix")
    (configuration / "main.cf").write_text(_MAIN.format(directory=directory, sink=sink))
    (configuration / "master.cf").write_text(_MASTER.format(port=port))
    for maps in ("dynamicmaps.cf", "postfix-files"):
        with suppress(OSError):
            shutil.copy(Path("/etc/postfix") / maps, configuration)


def _postfix(directory: Path, command: str) -> None:
    subprocess.run(
        [POSTFIX, "-c", str(directory / "etc"), command], check=True, capture_output=True, timeout=PATIENCE
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
            return
        if time.monotonic() > deadline:
            raise RuntimeError("Postfix does not listen; expected it to after its start")
        time.sleep(0.05)
