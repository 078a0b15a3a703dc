import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.relay.doors import Door, Opener, open_door


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens a door, until the end of the test."""
    with ExitStack() as doors:

        def opener(**options: Any) -> Door:
            return doors.enter_context(open_door(tmp_path, **options))

        yield opener


@pytest.fixture
def door(opened: Opener) -> Door:
    return opened()
