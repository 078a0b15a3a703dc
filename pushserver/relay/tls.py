"""The TLS of the door."""

import ssl

from pushserver.relay.errors import UnusableCertificate


def server_context(cert: str, key: str) -> ssl.SSLContext:
    """A context with the certificate chain in the PEM file ``cert`` and its key.

    Read again whenever the door starts: restarting it is enough after a renewal.

    Raises:
        UnusableCertificate: a file cannot be read, or the two do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key, password=lambda: "")  # never ask on a terminal
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise UnusableCertificate(
            f"SMTP中继无法使用证书（{reason}）：smtp_relay.tls.cert 应为PEM证书链，"
            "smtp_relay.tls.key 应为与之配对的私钥；请检查这两个文件"
        ) from None
    return context
