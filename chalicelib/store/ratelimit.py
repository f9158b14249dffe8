"""Requests per minute and key, counted at a price of at most one write per :data:`BATCH` requests.

Every process counts the requests of a key in memory and adds them to the key's one item (``counters``, ``rate#<key>``)
when they have become :data:`BATCH`; the sum that comes back says whether the key is beyond its limit, and then the
process refuses it without another write until the window ends. So:

- writes: ⌊requests / BATCH⌋ per window and process, and one more for the first of a window; a person at the page
  (under ``BATCH`` requests a minute in each process) costs none;
- slack: each of the ``p`` processes that serve a key may let through ``BATCH - 1`` requests nobody else has heard of,
  so a key gets at most limit + p·(BATCH - 1) requests a window.

The keys are the SHA-256 of a token, or a network address where there is none.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from . import clock, items
from .items import ConditionFailed, Contended, Item

WINDOW = 60
"""Seconds."""

PER_TOKEN = 600
"""Requests a window of one token: ten a second, an order of magnitude above what the page asks for."""

PER_ADDRESS = 240
"""Requests a window of one address without a (valid) token: an observatory behind one address can sign in at once."""

BATCH = 25
MOST_KEYS = 10_000
"""Keys a process remembers; beyond this it begins anew, which only lets a few more requests through."""


class TooMany(Exception):
    """The key is beyond its limit; it may ask again in ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many requests: wait {seconds} s, then go on more slowly.")
        self.seconds = seconds


@dataclass
class _Window:
    number: int
    pending: int = 0
    blocked: bool = False


_windows: dict[str, _Window] = {}
_lock = threading.Lock()


def count(key: str, limit: int) -> None:
    """Count a request of ``key``.

    Raises
    ------
    TooMany
        It is beyond ``limit`` in this window.
    """
    now = clock.now()
    number = int(now // WINDOW)
    seconds = max(1, math.ceil((number + 1) * WINDOW - now))
    with _lock:
        if len(_windows) > MOST_KEYS:
            _windows.clear()
        window = _windows.get(key)
        if window is None or window.number != number:
            window = _windows[key] = _Window(number)
        if window.blocked:
            raise TooMany(seconds)
        window.pending += 1
        pending = window.pending
        if pending < BATCH:
            return
        window.pending = 0
    if _add(key, number, pending) > limit:
        window.blocked = True
        raise TooMany(seconds)


def _add(key: str, number: int, requests: int) -> int:
    """Add to the key's count of a window; the sum over all processes."""
    values: Item = {"number": number, "requests": requests, "expires_at": (number + 2) * WINDOW + 3600}
    names = {"#window": "window", "#n": "n", "#expires_at": "expires_at"}
    for condition, update in (
        ("#window = :number", "SET #n = #n + :requests, #expires_at = :expires_at"),
        (
            "attribute_not_exists(#window) OR #window < :number",
            "SET #window = :number, #n = :requests, #expires_at = :expires_at",
        ),
        ("#window = :number", "SET #n = #n + :requests, #expires_at = :expires_at"),
    ):
        operation = items.operation(
            "Update",
            "counters",
            key={"counter": f"rate#{key}"},
            update=update,
            condition=condition,
            values=values,
            names=names,
        )
        try:
            return items.write([operation], seconds=2.0)["n"]
        except ConditionFailed:
            continue
        except Contended:  # a limit that cannot be counted turns nobody away
            break
    return requests


def forget() -> None:
    """Drop what this process has counted (tests)."""
    with _lock:
        _windows.clear()
