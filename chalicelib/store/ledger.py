"""Exact counts, and where a page begins, from the ledger alone: no file is read to count files (design §7).

A ledger item is ``{proposal: scope, night, n, v, every, changed, "c#<combination code>": count, …}``. Members read the
items of their proposals and of the masters, staff all items. A warm process keeps what it has read (:mod:`.tallies`):
it asks which items have changed since (:mod:`.changes`, one query whatever the number of scopes, nights and files), and
reads those whose ``v`` is new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..domain.facets import FACETS, Selection
from . import changes, clients, clock, codes, items, tallies, wire
from .tallies import EVERYTHING, Kept, Tally

MARGIN = 120_000
"""Milliseconds by which a warm process looks back behind its last reading.

A change bears the time at which its write was built. It may be committed up to 56 s later (retries, the request's own
time limits), by a function whose clock is some seconds off, and the index that tells of it may be 20 s behind.
"""

_PARALLEL = 8

_MOST_SINGLE_READS = 500
"""More changed items than this are read with their whole scope (or ledger) instead of one by one."""

_SHORT_RANGE = 200
"""Difference of two nights as numbers (two months): such a range of scopes not kept yet is read as it is, not kept."""

_FIRST, _LAST = 0, 99_999_999


@dataclass(frozen=True)
class Stretch:
    """A part of a page: of the selected files of a night, newest first, leave out ``skip`` and take ``take``."""

    night: int
    skip: int
    take: int


@dataclass(frozen=True)
class View:
    """The ledger as a viewer sees it: ``tallies``, or, where that is None, everything that is ``kept``.

    ``unread`` are changes that are known of (the new ``v`` by scope and night) and not in the tallies.
    """

    kept: Kept
    tallies: list[Tally] | None
    unread: Mapping[tuple[str, int], int]


_kept = Kept()
_kept_for: tuple[object, object] | None = None


def _current() -> Kept:
    """What this process keeps; nothing of another account, nor with ordinals that have lost their meaning."""
    global _kept, _kept_for
    now = (clients.dynamodb(), codes.epoch())
    if _kept_for is None or _kept_for[0] is not now[0] or _kept_for[1] is not now[1] or _kept.full():
        _kept, _kept_for = Kept(), now
    return _kept


def read(scopes: frozenset[str] | None, selection: Selection) -> View:
    """The ledger of the scopes a viewer sees (None: all), within the selection's proposal and nights."""
    return _view(scopes, selection, whole=True)


def _view(scopes: frozenset[str] | None, selection: Selection, *, whole: bool) -> View:
    """As :func:`read`; unless ``whole``, changes of what is kept are noted, and not read."""
    if selection.scope is not None:
        scopes = frozenset({selection.scope}) if scopes is None or selection.scope in scopes else frozenset()
    first, last = selection.first_night or _FIRST, selection.last_night or _LAST
    kept = _current()
    short = last - first <= _SHORT_RANGE
    if scopes is not None and short and any(kept.as_of(scope) is None for scope in scopes):
        return View(kept, _stretch(sorted(scopes), first, last), {})
    _refresh(kept, scopes)
    if whole:
        _fetch(kept, scopes)
    unread = {key: v for key, v in kept.unread(scopes).items() if first <= key[1] <= last}
    if scopes is None and (first, last) == (_FIRST, _LAST):
        return View(kept, None, unread)
    found = kept if scopes is None else (one for scope in sorted(scopes) for one in kept.scope(scope))
    return View(kept, [one for one in found if first <= one.night <= last], unread)


def nights(view: View, selection: Selection) -> dict[int, int]:
    """How many selected files each night has; nights with none are left out."""
    if view.tallies is None:
        totals = view.kept.totals(selection)
    else:
        totals = tallies.totals(view.tallies, selection)
    return {night: total for night, total in totals.items() if total > 0}


def locate(totals: Mapping[int, int], offset: int, limit: int) -> list[Stretch]:
    """Where the files from ``offset`` on, newest first, lie: by prefix sums over the nights."""
    stretches: list[Stretch] = []
    for night in sorted(totals, reverse=True):
        if limit <= 0:
            break
        if offset >= totals[night]:
            offset -= totals[night]
            continue
        take = min(limit, totals[night] - offset)
        stretches.append(Stretch(night, offset, take))
        offset, limit = 0, limit - take
    return stretches


def facet_counts(view: View, selection: Selection) -> dict[str, dict[str, int]]:
    """For each facet, how many files each of its values would select with everything else as it is."""
    summed = view.kept.sums() if view.tallies is None else tallies.sums(view.tallies)
    menus: list[dict[str, int]] = [{} for _ in FACETS]
    wanted = [(place, selection.values[name]) for place, name in enumerate(FACETS) if name in selection.values]
    for number, count in summed.items():
        values = codes.combination(number)
        if values is None or not count:
            continue
        refused = [place for place, accepted in wanted if values[place] not in accepted]
        if not refused:
            for menu, value in zip(menus, values):
                menu[value] = menu.get(value, 0) + count
        elif len(refused) == 1:
            menu, value = menus[refused[0]], values[refused[0]]
            menu[value] = menu.get(value, 0) + count
    return {name: {value: n for value, n in sorted(menu.items()) if n > 0} for name, menu in zip(FACETS, menus)}


def versions(scopes: frozenset[str] | None, selection: Selection | None = None) -> str:
    """A digest of every (scope, night, ``v``) of the ledger a viewer sees: the same as long as nothing changes.

    It is the same in every process. Of the selection, the proposal and the nights count. A warm process asks which
    versions are new, and reads no item.
    """
    view = _view(scopes, selection or Selection(), whole=False)
    number = view.kept.digest() if view.tallies is None else tallies.digest(view.tallies)
    return f"{(number + view.kept.ahead(view.unread)) % tallies.DIGEST_MODULUS:032x}"


def keys(scopes: frozenset[str] | None, first: int = _FIRST, last: int = _LAST) -> set[tuple[str, int]]:
    """(scope, night) of the ledger's items in the scopes (None: all) and nights; a warm process reads none of them."""
    view = _view(scopes, Selection(first_night=first or None, last_night=None if last == _LAST else last), whole=False)
    found = view.kept if view.tallies is None else view.tallies
    return {(one.scope, one.night) for one in found} | view.unread.keys()


def _stretch(scopes: list[str], first: int, last: int) -> list[Tally]:
    """The tallies of some scopes in a few nights."""

    def part(scope: str) -> list[Tally]:
        return [tallies.tally(item) for page in _query(scope, first, last) for item in page]

    return [one for found in _in_parallel(part, scopes) for one in found]


def _refresh(kept: Kept, scopes: Collection[str] | None) -> None:
    """Read what is not kept yet of some scopes (None: all), and note which versions of what is kept are new."""
    begun = int(clock.now() * 1000)
    parts = [EVERYTHING] if scopes is None else sorted(scopes)
    times = {part: as_of for part in parts if (as_of := kept.as_of(part)) is not None}
    cold = [part for part in parts if part not in times]
    if times and not _note(kept, None if scopes is None else times.keys(), min(times.values())):
        cold = parts
    if cold:
        _read(kept, None if scopes is None else cold)
    for part in parts:
        kept.read_at(part, begun)


def _note(kept: Kept, scopes: Collection[str] | None, since: int) -> bool:
    """Note the versions that are new since a reading that began at ``since``; False if they are too many."""
    found = 0
    for scope, night, v in changes.since(since - MARGIN):
        if scopes is None or scope in scopes:
            found += kept.note(scope, night, v)
            if found > _MOST_SINGLE_READS:
                return False
    return True


def _fetch(kept: Kept, scopes: Collection[str] | None) -> None:
    """Read the items of which it is known that they are new."""
    unread = kept.unread(scopes)
    if len(unread) > _MOST_SINGLE_READS:
        _read(kept, scopes)
    elif unread:
        for page in items.batches("ledger", [{"proposal": s, "night": n} for s, n in unread], consistent=False):
            _keep(kept, page)
        kept.forget_missing(unread)


def _read(kept: Kept, scopes: Collection[str] | None) -> None:
    """Read and keep whole scopes (None: everything)."""
    parts: list[Iterator[list[dict]]]
    if scopes is None:
        parts = [_scan(segment) for segment in range(_PARALLEL)]
    else:
        parts = [_query(scope) for scope in scopes]

    def take(pages: Iterator[list[dict]]) -> None:  # no more than a page for each thread is in memory
        for page in pages:
            _keep(kept, page)

    for _ in _in_parallel(take, parts):
        pass


def _keep(kept: Kept, page: list[dict]) -> None:
    for item in page:
        kept.put(tallies.tally(item))


def _query(scope: str, first: int = _FIRST, last: int = _LAST) -> Iterator[list[dict]]:
    """The items of a scope and some nights, page by page."""
    return wire.pages(
        "query",
        TableName=clients.table_name("ledger"),
        KeyConditionExpression="proposal = :scope AND night BETWEEN :first AND :last",
        ExpressionAttributeValues=items.to_wire({":scope": scope, ":first": first, ":last": last}),
    )


def _scan(segment: int) -> Iterator[list[dict]]:
    """A part of the ledger, page by page."""
    split = {"Segment": segment, "TotalSegments": _PARALLEL}
    return wire.pages("scan", TableName=clients.table_name("ledger"), **split)


def _in_parallel[T, R](function: Callable[[T], R], over: Iterable[T]) -> Iterator[R]:
    """``function`` of each, in order, several at once."""
    wanted = list(over)
    if len(wanted) < 2:
        yield from map(function, wanted)
        return
    with ThreadPoolExecutor(min(len(wanted), _PARALLEL)) as pool:
        yield from pool.map(function, wanted)
