"""What the door says, RFC 5321 section 4.2 with the enhanced codes of RFC 3463 and RFC 5248.

Passing conditions are 4xx whatever happens: a 5xx is a mail that the client gives up.
"""

from typing import Final

AUTH_ABORTED: Final = "501 5.7.0 Authentication cancelled"
AUTH_BAD_RESPONSE: Final = "501 5.5.2 Cannot read this response"
AUTH_DONE: Final = "235 2.7.0 Authentication successful"
AUTH_FAILED: Final = "535 5.7.8 Authentication credentials invalid"
AUTH_LINE_TOO_LONG: Final = "500 5.5.6 Authentication exchange line is too long"
AUTH_MECHANISM: Final = "504 5.5.4 Unrecognized authentication mechanism; offered: PLAIN LOGIN"
AUTH_NEEDED: Final = "530 5.7.0 Authentication required"
AUTH_NOT_NOW: Final = "503 5.5.1 Not during a mail transaction"
AUTH_TOO_OFTEN: Final = "421 4.7.0 Too many failed authentications, closing connection"
AUTHENTICATED: Final = "503 5.5.1 Already authenticated"
BYE: Final = "221 2.0.0 Bye"
CONTENT_HEADER: Final = "552 5.3.4 Message header is too long"
CONTENT_LOOP: Final = "554 5.4.6 Too many hops, the mail goes in circles"
CONTENT_TOO_LARGE: Final = "552 5.3.4 Message exceeds the maximum size"
END_OF_DATA: Final = "354 End data with <CR><LF>.<CR><LF>"
GREET_FIRST: Final = "503 5.5.1 Send EHLO first"
LINE_TOO_LONG: Final = "500 5.5.2 Command line too long"
NESTED_MAIL: Final = "503 5.5.1 Nested MAIL command"
NO_MAIL: Final = "503 5.5.1 Send MAIL first"
NO_RECIPIENTS: Final = "503 5.5.1 No valid recipients"
NO_ROOM: Final = "452 4.3.1 Insufficient system storage, try again later"
NO_SUCH_PARAMETER: Final = "555 5.5.4 Parameter not recognized or not implemented"
NO_TLS: Final = "502 5.5.1 STARTTLS is not offered"
NON_ASCII: Final = "553 5.6.7 Non-ASCII addresses are not supported"
NOT_HERE: Final = "502 5.5.1 Command not implemented"
NOT_SMTP: Final = "421 4.7.0 This is an SMTP server, closing connection"
OK: Final = "250 2.0.0 OK"
OUR_FAULT: Final = "451 4.3.0 Local error, try again later"
RECIPIENT_INCOMPLETE: Final = "550 5.1.3 Recipient address needs a domain"
RECIPIENT_OK: Final = "250 2.1.5 OK"
RECIPIENT_ROUTED: Final = "550 5.7.1 Routing in the recipient address is refused"
RECIPIENTS_TOO_MANY: Final = "452 4.5.3 Too many recipients, send the others in another transaction"
SENDER_OK: Final = "250 2.1.0 OK"
SENT_TOO_EARLY: Final = "554 5.5.0 Command sent before the reply it must wait for, closing connection"
STOPPING: Final = "421 4.3.2 Service is stopping, try again later"
TIMED_OUT: Final = "421 4.4.2 Timeout, closing connection"
TLS_GO_AHEAD: Final = "220 2.0.0 Ready to start TLS"
TLS_NEEDED: Final = "530 5.7.0 Must issue a STARTTLS command first"
TLS_RUNNING: Final = "503 5.5.1 TLS is in use already"
TOO_MANY_ERRORS: Final = "421 4.7.0 Too many bad commands, closing connection"
TOO_MANY_CONNECTIONS: Final = "421 4.7.0 Too many connections, try again later"
UNKNOWN: Final = "500 5.5.1 Command not recognized"
VERIFY: Final = "252 2.5.0 Cannot verify, but will accept the message and attempt delivery"

_BAD_COMMANDS: Final = frozenset({500, 501, 502, 503, 504, 530, 538, 553, 555})
_FINAL: Final = frozenset({421})


def accepted(mail_id: str) -> str:
    """The mail is ours from here on."""
    return f"250 2.0.0 OK: queued as {mail_id}"


def syntax(usage: str) -> str:
    """A command with arguments that it does not take."""
    return f"501 5.5.4 Syntax: {usage}"


def enhanced(reply: str) -> str:
    """In our words, where aiosmtpd speaks for itself."""
    return TLS_GO_AHEAD if reply == "220 Ready to start TLS" else reply


def code_of(reply: str) -> int:
    """The three digits."""
    return int(reply[:3])


def is_bad_command(reply: str) -> bool:
    """Is it about something that no client in order would say?"""
    return code_of(reply) in _BAD_COMMANDS


def is_last(reply: str) -> bool:
    """Is the connection closed after it (RFC 5321 section 3.8)?"""
    return code_of(reply) in _FINAL or reply in (SENT_TOO_EARLY, BYE)
