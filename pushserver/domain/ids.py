"""Identifiers that cannot be guessed and do not collide."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_TASK_RANDOM = 12
_NOTIFICATION_RANDOM = 12


def _random_text(length: int) -> str:
    # One draw for the whole text: a draw per character costs twelve system calls a push.
    number = secrets.randbits(length * 8)
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return "".join(letters)


def new_task_id(local: datetime) -> str:
    """``task_YYYYMMDD_HHMMSS_`` and 12 random characters; ``local`` is the moment in local time."""
    return f"task_{local:%Y%m%d_%H%M%S}_{_random_text(_TASK_RANDOM)}"


def new_notification_id(local: datetime) -> str:
    """``notify_YYYYMMDDHHMMSS_`` and 12 random characters; ``local`` is the moment in local time."""
    return f"notify_{local:%Y%m%d%H%M%S}_{_random_text(_NOTIFICATION_RANDOM)}"
