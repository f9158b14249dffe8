"""Passwords: the four rules a new one must keep, and how they are stored.

Stored is ``scrypt$N$r$p$salt$key`` (salt and key in base64), so that the parameters can be raised later: a password
kept with others than today's is kept anew when its owner signs in (RFC 7914; memory is 128·N·r bytes = 32 MiB).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

N, R, P = 2**15, 8, 3
MAXMEM = 64 << 20
"""Bytes OpenSSL may take; its own default is just below what these parameters need."""
KEY_BYTES = 32
SALT_BYTES = 16

SHORTEST, LONGEST = 8, 200
SIMILAR = 0.7
"""Share of matching characters from which a password is too similar."""

TOO_SIMILAR = "Your password can’t be too similar to your other personal information."
TOO_SHORT = "Your password must contain at least 8 characters."
TOO_COMMON = "Your password can’t be a commonly used password."
ALL_NUMERIC = "Your password can’t be entirely numeric."
RULES = (TOO_SIMILAR, TOO_SHORT, TOO_COMMON, ALL_NUMERIC)

COMMON = Path(__file__).with_name("data") / "common-passwords.txt.gz"


def broken_rules(password: str, personal: Iterable[str]) -> list[str]:
    """The sentences of the rules a new password breaks; none if it will do.

    Parameters
    ----------
    personal : iterable of str
        What the user's account says: user name, first and last name, e-mail.
    """
    normal = normalized(password)
    broken = [TOO_SIMILAR] if any(_similar(normal.lower(), fact.lower()) for fact in personal if fact) else []
    if len(normal) < SHORTEST:
        broken.append(TOO_SHORT)
    if normal.lower().strip() in common():
        broken.append(TOO_COMMON)
    if normal.isdigit():
        broken.append(ALL_NUMERIC)
    return broken


def normalized(password: str) -> str:
    """The form that is judged and hashed (NFKC), whichever way a keyboard composes its accents."""
    return unicodedata.normalize("NFKC", password)


def _similar(password: str, fact: str) -> bool:
    """As Django's ``UserAttributeSimilarityValidator`` judges: the fact and each of its words.

    A word too short to matter is passed over: where the password is ten times as long or more, and the word could not
    bring the share up to :data:`SIMILAR`.
    """
    from difflib import SequenceMatcher  # only who sets a password waits for it

    for part in [*re.split(r"\W+", fact), fact]:
        if not part or (len(password) >= 10 * len(part) and len(part) < SIMILAR / 2 * len(password)):
            continue
        if SequenceMatcher(a=password, b=part).quick_ratio() >= SIMILAR:
            return True
    return False


@cache
def common() -> frozenset[str]:
    """The commonly used passwords, in lower case; read when first asked for."""
    import gzip

    with gzip.open(COMMON, "rt", encoding="utf-8") as lines:
        return frozenset(line.strip() for line in lines)


def stored(password: str, salt: bytes) -> str:
    """What is kept of a password, with today's parameters."""
    parts = (_text(salt), _text(_key(password, salt, N, R, P)))
    return f"scrypt${N}${R}${P}${parts[0]}${parts[1]}"


def nobody() -> str:
    """Held against the password of somebody who is not there, so that the answer takes as long; nothing matches it."""
    return f"scrypt${N}${R}${P}${'A' * 22}==${'A' * 43}="


def matches(password: str, kept: str) -> bool:
    """Whether ``password`` is the one that is kept."""
    try:
        kind, *numbers, salt, key = kept.split("$")
        n, r, p = map(int, numbers)
        expected, grains = base64.b64decode(key, validate=True), base64.b64decode(salt, validate=True)
    except (ValueError, binascii.Error):
        return False
    return kind == "scrypt" and hmac.compare_digest(_key(password, grains, n, r, p), expected)


def outdated(kept: str) -> bool:
    """Whether a password is kept with other parameters than today's."""
    return not kept.startswith(f"scrypt${N}${R}${P}$")


def _key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    secret = normalized(password).encode()
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=max(MAXMEM, 256 * n * r), dklen=KEY_BYTES)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
