"""PURGE, each hour: what was deleted longer than a day ago loses its objects (design §6, rule 7)."""

from __future__ import annotations

from ..store import clock
from ..store import purge as store_purge


def purge() -> int:
    """Erase what is due; how many products."""
    return store_purge.purge_due(clock.now())
