"""Mail clients nobody here wrote: swaks and msmtp, as Debian packages them."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.relay.doors import PASSWORD, USER

TIMEOUT = 30.0


def needs(program: str) -> str:
    """Where the program is; the test skips where there is none, and fails in CI."""
    found = shutil.which(program)
    if found is None:
        reason = f"{program} is not installed (Debian: apt-get install {program} libnet-ssleay-perl)"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    return found


def swaks(port: int, *options: str, password: str = PASSWORD) -> "subprocess.CompletedProcess[bytes]":
    """Send a mail from ``a@client.example`` to ``b@corp.example``; its exit status says what went wrong."""
    return _run(
        [
            needs("swaks"),
            *("--server", "127.0.0.1", "--port", str(port), "--timeout", "20"),
            *("--ehlo", "client.example", "--from", "a@client.example", "--to", "b@corp.example"),
            *("--auth-user", USER, "--auth-password", password),
            *options,
        ]
    )


def msmtp(
    port: int, content: bytes, auth: str, ca_file: Path | None, directory: Path
) -> "subprocess.CompletedProcess[bytes]":
    """Send ``content`` to ``b@corp.example``; over STARTTLS when there is a ``ca_file`` to trust."""
    tls = ["tls on", "tls_starttls on", f"tls_trust_file {ca_file}"] if ca_file else ["tls off"]
    settings = [
        "account default",
        "host 127.0.0.1",
        f"port {port}",
        "from a@client.example",
        f"auth {auth}",
        f"user {USER}",
        f"password {PASSWORD}",
        *tls,
    ]
    file = directory / "msmtprc"
    file.write_text("\n".join(settings) + "\n")
    file.chmod(0o600)
    return _run([needs("msmtp"), "-C", str(file), "--", "b@corp.example"], content)


def _run(command: Sequence[str], said: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, input=said, capture_output=True, timeout=TIMEOUT, check=False)
