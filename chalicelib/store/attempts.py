"""Guesses, counted by what is guessed at and by where from, before the guess is looked at.

One item of ``counters`` for each (kind, who, window): ``attempt#<kind>#<who>#<window>``, removed by its ``expires_at``.
A guess costs one write for each of its counters; a sign-in that succeeds takes its own back with one more each, so only
failures add up. Windows stand still, so at the turn of one at most twice the limit passes within a window's length.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from . import clock, items
from .items import Contended
from .ratelimit import TooMany


@dataclass(frozen=True)
class Limit:
    """At most ``most`` guesses of a ``kind`` in ``seconds``."""

    kind: str
    most: int
    seconds: int


SIGN_IN_ACCOUNT = Limit("account", 10, 900)
SIGN_IN_ADDRESS = Limit("address", 60, 900)
"""An observatory may be one address; its people mistype now and then."""
FORGOT_ACCOUNT = Limit("forgot", 3, 3600)
FORGOT_ADDRESS = Limit("forgot-address", 20, 3600)
LINK_ADDRESS = Limit("link", 30, 900)
CURRENT_PASSWORD = Limit("current", 10, 900)


def count(limit: Limit, who: str) -> None:
    """Count a guess.

    Raises
    ------
    TooMany
        It is beyond the limit; whether there is such an account plays no part.
    """
    now = clock.now()
    window = int(now // limit.seconds)
    try:
        found = _add(limit, who, window, 1)
    except Contended:  # what cannot be counted turns nobody away; the limit of requests still stands
        return
    if found > limit.most:
        raise TooMany(max(1, math.ceil((window + 1) * limit.seconds - now)))


def take_back(limit: Limit, who: str) -> None:
    """The guess was right: it does not count."""
    try:
        _add(limit, who, int(clock.now() // limit.seconds), -1)
    except Contended:
        pass


def _add(limit: Limit, who: str, window: int, number: int) -> int:
    name = hashlib.sha256(who.strip().lower().encode()).hexdigest()[:32]
    operation = items.operation(
        "Update",
        "counters",
        key={"counter": f"attempt#{limit.kind}#{name}#{window}"},
        update="SET #expires_at = :expires_at ADD #n :number",
        values={"expires_at": (window + 2) * limit.seconds, "number": number},
        names={"#expires_at": "expires_at", "#n": "n"},
    )
    return items.write([operation], seconds=2.0)["n"]
