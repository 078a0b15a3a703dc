"""What no HTTP library would send."""

import socket


def exchange(port: int, *pieces: bytes, patience: float = 10.0) -> bytes:
    """Send the pieces and read until the server closes the connection; a reset ends it too."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        taken = []
        try:
            for piece in pieces:
                connection.sendall(piece)
            while part := connection.recv(65_536):
                taken.append(part)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return b"".join(taken)
