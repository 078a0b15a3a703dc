"""One clear line for everything that stands against listening."""

import socket

import pytest

from pushserver.api import CannotListen, PortInUse, open_socket


def test_a_port_in_use_is_told_in_one_line() -> None:
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse) as caught:
            open_socket("127.0.0.1", port)
    advice = "端口已被占用，请停止占用它的程序或修改 server.port（Address already in use）"
    assert str(caught.value) == f"无法监听 127.0.0.1:{port}：{advice}"


def test_a_port_is_free_again_as_soon_as_it_is_closed() -> None:
    with open_socket("127.0.0.1", 0) as first:
        address = first.getsockname()
        with socket.create_connection(address) as client, first.accept()[0] as accepted:
            accepted.shutdown(socket.SHUT_RDWR)
            client.recv(1)
    with open_socket(*address) as second:
        assert second.getsockname() == address


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("192.0.2.1", 8080, "无法监听 192.0.2.1:8080：本机没有这个地址，请修改 server.host"),
        (
            "no.such.host.invalid",
            8080,
            "无法监听 no.such.host.invalid:8080：请检查 server.host 和 server.port",
        ),
        ("a..b", 8080, "无法监听 a..b:8080：请检查 server.host 和 server.port"),
        ("2001:db8::1", 8080, "无法监听 [2001:db8::1]:8080："),
        ("127.0.0.1", 99999, "无法监听 127.0.0.1:99999：server.port 必须在 0 到 65535 之间"),
        ("[::1]", -1, "无法监听 [::1]:-1：server.port 必须在 0 到 65535 之间"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_told_with_the_setting(
    host: str, port: int, text: str
) -> None:
    with pytest.raises(CannotListen) as caught:
        open_socket(host, port)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, PortInUse)
