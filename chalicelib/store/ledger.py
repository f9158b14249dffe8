"""Exact counts, and where a page begins, from the ledger alone: no file is read to count files (design §7).

A ledger item is ``{proposal: scope, night, n, v, "c#<combination code>": count, …}``. Members read the items of their
proposals and of the masters, staff all items; the rest is sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..domain.facets import FACETS, Selection
from . import clients, codes, items
from .items import Item

COUNT_PREFIX = "c#"
_PARALLEL_QUERIES = 8


@dataclass(frozen=True)
class Stretch:
    """A part of a page: of the selected files of a night, newest first, leave out ``skip`` and take ``take``."""

    night: int
    skip: int
    take: int


def read(scopes: frozenset[str] | None, selection: Selection) -> list[Item]:
    """The ledger items of the scopes a viewer sees (None: all), within the selection's proposal and nights."""
    if selection.scope is not None:
        scopes = frozenset({selection.scope}) if scopes is None or selection.scope in scopes else frozenset()
    if scopes is None:
        return [item for item in _scan() if _within(item["night"], selection)]
    wanted = sorted(scopes)
    if len(wanted) < 2:
        return [item for scope in wanted for item in _query(scope, selection)]
    with ThreadPoolExecutor(min(len(wanted), _PARALLEL_QUERIES)) as pool:
        return [item for found in pool.map(lambda scope: list(_query(scope, selection)), wanted) for item in found]


def _query(scope: str, selection: Selection) -> Iterator[Item]:
    first, last = selection.first_night or 0, selection.last_night or 99_999_999
    return items.query(
        "ledger",
        "proposal = :scope AND night BETWEEN :first AND :last",
        {"scope": scope, "first": first, "last": last},
        consistent=False,
    )


def _scan() -> Iterator[Item]:
    paginator = clients.dynamodb().get_paginator("scan")
    for page in paginator.paginate(TableName=clients.table_name("ledger")):
        for item in page["Items"]:
            yield items.from_wire(item) or {}


def _within(night: int, selection: Selection) -> bool:
    return (selection.first_night or 0) <= night <= (selection.last_night or 99_999_999)


def counts(item: Mapping) -> Iterator[tuple[str, int]]:
    """The (combination code, count) pairs of a ledger item."""
    for name, value in item.items():
        if name.startswith(COUNT_PREFIX) and value:
            yield name.removeprefix(COUNT_PREFIX), value


def nights(ledger: Iterable[Item], selection: Selection) -> dict[int, int]:
    """How many selected files each night has; nights with none are left out."""
    accepted: dict[str, bool] = {}
    totals: Counter[int] = Counter()
    for item in ledger:
        for code, count in counts(item):
            if code not in accepted:
                accepted[code] = selection.accepts(codes.decode(code))
            if accepted[code]:
                totals[item["night"]] += count
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


def facet_counts(ledger: Iterable[Item], selection: Selection) -> dict[str, dict[str, int]]:
    """For each facet, how many files each of its values would select with everything else as it is."""
    summed: Counter[str] = Counter()
    for item in ledger:
        for code, count in counts(item):
            summed[code] += count
    menus: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    for code, count in summed.items():
        facets = codes.decode(code)
        refused = [name for name, wanted in selection.values.items() if facets[name] not in wanted]
        for name in FACETS:
            if not refused or refused == [name]:
                menus[name][facets[name]] += count
    return {name: {value: n for value, n in sorted(menu.items()) if n > 0} for name, menu in menus.items()}
