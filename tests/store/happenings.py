"""Events as the pipeline writes them, late and by clocks that are off; an index of the ledger that is behind."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import clock, items, publish
from tests.protocol.memory import Memory

SCOPES = ("SOAR2026B-014", "SOAR2026B-021", MASTERS_SCOPE)
NIGHTS = (20261120, 20261121)
START = 1_795_000_000_000
"""Milliseconds since the epoch when the histories begin."""


@dataclass(frozen=True)
class Written:
    """An event as its function wrote it: built at ``built`` by a clock ``skew`` off, committed ``delay`` later (ms)."""

    built: int
    delay: int
    skew: int
    scope: str
    night: int

    @property
    def committed(self) -> int:
        return self.built + self.delay


SEARCH_ONLY = (Phase.explicit, Phase.reuse, Phase.generate)
"""Where an example takes a good part of a second, shrinking a failure would take minutes."""

VIEWERS = st.one_of(st.none(), st.frozensets(st.sampled_from(SCOPES), min_size=1))


def clock_at(ms: int) -> Callable[[], float]:
    """A clock that stands still (in the middle of a millisecond: what it says is cut off, not rounded)."""
    return lambda: (ms + 0.5) / 1000


def commit(number: int, written: Written, **changes: Any) -> str:
    """Write an event as the pipeline does, with the clock its function had when it was built; the event's id."""
    event = {
        "block": "reduce",
        "outcome": "done",
        "sentence": f"Event {number}.",
        "file_id": number,
        "file_name": f"{number:04d}_frame.fits",
        "scope": written.scope,
        "night": written.night,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", clock_at(START + written.built + written.skew))
        operations = publish.told_operations([], f"frame#{number}", 1, event | changes)
    (item,) = (items.from_wire(body["Item"]) for body in (o.get("Put") for o in operations) if body)
    items.write(operations)
    return f"{item['scope_night']}#{item['moment']}"


class Lagging(Memory):
    """Tables whose index of the ledger shows each item as it was at some moment up to ``lag`` before.

    Some items are shown as they are, some as they were: ``chance`` says which, anew at each look.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.lag = 0
        self.luck = random.Random(0)
        self.was: dict[tuple, list[tuple[int, Any]]] = defaultdict(list)

    def _change(self, kind: str, body: dict, table: str, place: tuple) -> Any:
        after = super()._change(kind, body, table, place)
        if table == "ledger":
            self.was[place].append((self.now, after))
        return after

    def query(self, **asked: Any) -> dict:
        if asked.get("IndexName") != "changed":
            return super().query(**asked)
        now = self.tables["ledger"]
        shown: dict[Any, dict[Any, Any]] = defaultdict(dict)
        for place, versions in self.was.items():
            moment = self.now - self.luck.choice((0, self.lag, self.luck.randint(0, self.lag)))
            if seen := [item for at, item in versions if at <= moment]:
                shown[place[0]][place[1:]] = seen[-1]
        self.tables["ledger"] = shown
        try:
            return super().query(**asked)
        finally:
            self.tables["ledger"] = now


@dataclass
class World:
    """The clock of the function that answers, and how far the index is behind (no memory: as moto, not at all)."""

    tell_time: Callable[[int], None]
    memory: Lagging | None = None

    @property
    def lags(self) -> bool:
        return self.memory is not None

    def index_at(self, ms: int, lag: int = 0) -> None:
        """It is ``ms``."""
        if self.memory is not None:
            self.memory.now, self.memory.lag = ms, lag

    def show(self, at: int, skew: int, lag: int) -> None:
        """A function looks at ``at``."""
        self.index_at(at, lag)
        self.tell_time(START + at + skew)


@contextmanager
def in_memory(monkeypatch: pytest.MonkeyPatch):
    """Tables as dictionaries, an index that is behind, and a clock of our own."""
    with monkeypatch.context() as patch:
        memory = Lagging()
        memory.install(patch)
        yield World(lambda ms: patch.setattr(clock, "now", clock_at(ms)), memory)


RANDOM = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
