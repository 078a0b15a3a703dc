import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from pushserver.sandbox import Sandbox
from tests.system.server_process import PushServer, serving

Serve = Callable[..., PushServer]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts services in the test's directory; they are gone when the test is over."""
    with ExitStack() as services:

        def start(
            content: Mapping[str, Any] | str, environment: Mapping[str, str] | None = None
        ) -> PushServer:
            return services.enter_context(serving(tmp_path, content, environment))

        yield start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA) -> Iterator[str]:
    with authority.cert_pem.tempfile() as path:
        yield path


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """TLS for a server on a loopback address, signed by the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "127.0.0.2").configure_cert(context)
    return context
