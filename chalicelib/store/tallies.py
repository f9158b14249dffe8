"""What a warm process keeps of the ledger: per (scope, night) the counts, and what is asked again and again summed up.

Five million files make about two million counts; they lie in arrays, and what concerns all of them (totals by night,
counts by combination, the digest) is kept up to date change by change instead of summed for every request.
"""

from __future__ import annotations

import sys
import threading
from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import compress

from ..domain.facets import Selection
from . import codes

COUNT_PREFIX = "c#"

MOST_COUNTS = 8_000_000
"""Counts kept at most (100 MB): beyond, everything is dropped and read anew."""

EVERYTHING = ""
"""In the place of a scope: all of them."""

_SELECTIONS_KEPT = 8
_DIGEST_BYTES = 16
DIGEST_MODULUS = 1 << (8 * _DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Tally:
    """A ledger item: how many files of each combination a scope has in a night.

    Attributes
    ----------
    v : int
        Grows with every change.
    ordinals, counts : array
        The combinations (:func:`chalicelib.store.codes.ordinal`) and how many files each has.
    total : int
        Sum of the counts.
    mark : int
        A hash of scope, night and ``v``.
    """

    scope: str
    night: int
    v: int
    ordinals: array
    counts: array
    total: int
    mark: int

    def selected(self, flags: bytes) -> int:
        """How many files are of the combinations whose flag is 1."""
        return sum(compress(self.counts, map(flags.__getitem__, self.ordinals)))


def tally(item: Mapping[str, Mapping[str, str]]) -> Tally:
    """A tally from a ledger item in wire form."""
    ordinals, counts = array("L"), array("q")
    for name, value in item.items():
        if name.startswith(COUNT_PREFIX) and (count := int(value["N"])):
            ordinals.append(codes.ordinal(name[len(COUNT_PREFIX) :]))
            counts.append(count)
    scope, night = sys.intern(item["proposal"]["S"]), int(item["night"]["N"])
    v = int(item["v"]["N"]) if "v" in item else 0
    return Tally(scope, night, v, ordinals, counts, sum(counts), _mark(scope, night, v))


def _mark(scope: str, night: int, v: int) -> int:
    return int.from_bytes(blake2b(f"{night}#{v}#{scope}".encode(), digest_size=_DIGEST_BYTES).digest())


class Kept:
    """The tallies a process keeps. All methods may be called by several threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._scopes: dict[str, dict[int, Tally]] = {}
        self._read: dict[str, int] = {}
        self._unread: dict[tuple[str, int], int] = {}
        self._counts = 0
        self._digest = 0
        self._sums: dict[int, int] = {}
        self._totals: OrderedDict[object, tuple[Selection, dict[int, int]]] = OrderedDict()

    def scope(self, scope: str) -> list[Tally]:
        """The tallies of a scope."""
        with self.lock:
            return list(self._scopes.get(scope, {}).values())

    def as_of(self, part: str) -> int | None:
        """When the reading began (ms) that last brought a scope, or :data:`EVERYTHING`, up to date; None: never."""
        times = [self._read[one] for one in (part, EVERYTHING) if one in self._read]
        return max(times, default=None)

    def read_at(self, part: str, begun: int) -> None:
        """Note a reading of a scope, or of :data:`EVERYTHING`, that has ended, by when it began."""
        with self.lock:
            self._read[part] = max(begun, self._read.get(part, begun))

    def put(self, fresh: Tally) -> None:
        """Keep a tally in the place of the one before, unless that is newer."""
        with self.lock:
            nights = self._scopes.setdefault(fresh.scope, {})
            before = nights.get(fresh.night)
            if before is not None and before.v > fresh.v:
                return
            nights[fresh.night] = fresh
            if self._unread.get((fresh.scope, fresh.night), fresh.v + 1) <= fresh.v:
                del self._unread[fresh.scope, fresh.night]
            self._account(before, fresh)

    def note(self, scope: str, night: int, v: int) -> bool:
        """Note that an item has the version ``v``, and say whether that is newer than what is kept."""
        with self.lock:
            before = self._scopes.get(scope, {}).get(night)
            if before is not None and before.v >= v:
                return False
            self._unread[scope, night] = max(v, self._unread.get((scope, night), v))
            return True

    def unread(self, scopes: Collection[str] | None) -> dict[tuple[str, int], int]:
        """The versions noted and not read, of some scopes (None: all), by scope and night."""
        with self.lock:
            return {key: v for key, v in self._unread.items() if scopes is None or key[0] in scopes}

    def forget_missing(self, keys: Iterable[tuple[str, int]]) -> None:
        """Drop what was noted of items that were asked for and are kept in no version: they are gone."""
        with self.lock:
            for scope, night in keys:
                if night not in self._scopes.get(scope, {}):
                    self._unread.pop((scope, night), None)

    def _account(self, before: Tally | None, fresh: Tally) -> None:
        """Bring what is summed over everything up to date."""
        for one, sign in ((before, -1), (fresh, 1)):
            if one is None:
                continue
            self._counts += sign * len(one.counts)
            self._digest += sign * one.mark
            for number, count in zip(one.ordinals, one.counts):
                self._sums[number] = self._sums.get(number, 0) + sign * count
            for selection, totals in self._totals.values():
                totals[one.night] = totals.get(one.night, 0) + sign * one.selected(codes.accepted(selection))

    def full(self) -> bool:
        """Whether more is kept than there should be."""
        return self._counts > MOST_COUNTS

    def totals(self, selection: Selection) -> dict[int, int]:
        """Selected files by night over everything, as far as facets go."""
        key = frozenset(selection.values.items())
        with self.lock:
            if key not in self._totals:
                everything = (one for nights in self._scopes.values() for one in nights.values())
                self._totals[key] = (Selection(values=dict(selection.values)), totals(everything, selection))
                if len(self._totals) > _SELECTIONS_KEPT:
                    self._totals.popitem(last=False)
            self._totals.move_to_end(key)
            return dict(self._totals[key][1])

    def sums(self) -> dict[int, int]:
        """Files by combination over everything."""
        with self.lock:
            return dict(self._sums)

    def digest(self) -> int:
        """As :func:`digest`, over everything."""
        return self._digest % DIGEST_MODULUS

    def ahead(self, unread: Mapping[tuple[str, int], int]) -> int:
        """What versions noted and not read add to the digest of what is kept."""
        number = 0
        with self.lock:
            for (scope, night), v in unread.items():
                before = self._scopes.get(scope, {}).get(night)
                if before is None or before.v < v:
                    number += _mark(scope, night, v) - (before.mark if before else 0)
        return number

    def __iter__(self) -> Iterator[Tally]:
        with self.lock:
            return iter([one for nights in self._scopes.values() for one in nights.values()])


def totals(tallies: Iterable[Tally], selection: Selection) -> dict[int, int]:
    """Selected files by night."""
    summed: dict[int, int] = {}
    if not selection.values:
        for one in tallies:
            summed[one.night] = summed.get(one.night, 0) + one.total
        return summed
    flags = codes.accepted(selection)
    for one in tallies:
        summed[one.night] = summed.get(one.night, 0) + one.selected(flags)
    return summed


def sums(tallies: Iterable[Tally]) -> dict[int, int]:
    """Files by combination."""
    summed: dict[int, int] = {}
    for one in tallies:
        for number, count in zip(one.ordinals, one.counts):
            summed[number] = summed.get(number, 0) + count
    return summed


def digest(tallies: Iterable[Tally]) -> int:
    """A number that changes when any tally changes, whatever their order."""
    return sum(one.mark for one in tallies) % DIGEST_MODULUS
