"""The secrets of tokens: `evl_` and 51 letters and digits, of which the first 8 are no secret.

The rest are 43 characters of 62: 256 bits, by the system's source of randomness. So what is kept of
a secret is its plain SHA-256: nobody can try 2²⁵⁶ of them through, however fast a try is. A slow
hash stands in for what people's passwords lack, and would cost each new connection its time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from hmac import compare_digest

MARK = "evl_"
"""How each begins, so that scanners of leaked secrets know one when they see it."""
_VISIBLE_CHARACTERS = 8
_SECRET_CHARACTERS = 43
_ALPHABET = string.ascii_letters + string.digits
_FORM = re.compile(rf"{MARK}[A-Za-z0-9]{{{_VISIBLE_CHARACTERS + _SECRET_CHARACTERS}}}")
_PREFIX_LENGTH = len(MARK) + _VISIBLE_CHARACTERS


def new_secret() -> str:
    """One that nobody else has."""
    size = _VISIBLE_CHARACTERS + _SECRET_CHARACTERS
    return MARK + "".join(secrets.choice(_ALPHABET) for _ in range(size))


def is_well_formed(text: str) -> bool:
    """Whether it could be one; what could not need not be looked for."""
    return _FORM.fullmatch(text) is not None


def prefix_of(secret: str) -> str:
    """What may be shown of it, and what its row is found by."""
    return secret[:_PREFIX_LENGTH]


def digest_of(text: str) -> bytes:
    """What is kept of it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_secret_of(digest: bytes, stored: bytes) -> bool:
    """Whether it is the digest of the token's secret; takes the same time whatever differs."""
    return compare_digest(digest, stored)
