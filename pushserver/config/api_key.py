"""API keys: what a client shows, and what stands in the configuration in its place.

A key is ``ps_1a2b3c4d_`` and 40 hexadecimal digits: the first part, its *prefix*, names it in logs; the rest
is 160 bits of chance. Against guessing such a number a slow hash protects no better than a fast one, and each
request pays for it: SHA-256 it is.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Final

PREFIX_LENGTH: Final = 11
"""Characters of a key that are no secret."""
_ID_BYTES: Final = 4
_SECRET_BYTES: Final = 20
_HASH: Final = re.compile(r"ps_[0-9a-f]{8}:sha256:[0-9a-f]{64}")


def new_key(token: Callable[[int], str] = secrets.token_hex) -> str:
    """A new key; ``token`` makes so many random bytes in hexadecimal."""
    return f"ps_{token(_ID_BYTES)}_{token(_SECRET_BYTES)}"


def prefix_of(key: str) -> str:
    """The part of a key, or of its hash, that may be shown."""
    return key[:PREFIX_LENGTH]


def digest_of(key: str) -> bytes:
    """SHA-256 of the whole key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def hash_of(key: str) -> str:
    """What stands for a key in ``auth.keys[].hash``: ``ps_1a2b3c4d:sha256:9f86…``."""
    return f"{prefix_of(key)}:sha256:{digest_of(key).hex()}"


def is_hash(text: str) -> bool:
    """Whether :func:`hash_of` could have said this."""
    return _HASH.fullmatch(text) is not None


def digest_in(hashed: str) -> bytes:
    """The digest in what :func:`hash_of` has said."""
    return bytes.fromhex(hashed.rpartition(":")[2])
