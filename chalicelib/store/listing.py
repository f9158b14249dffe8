"""From a place in the ledger to the records of a page: only the narrow rows of its nights are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from ..domain.facets import Selection
from . import codes, items
from .items import Item
from .ledger import Stretch

_PARALLEL_QUERIES = 8


def ids(stretches: Iterable[Stretch], scopes: frozenset[str] | None, selection: Selection) -> list[int]:
    """File ids of a page, newest first."""
    wanted = list(stretches)
    if len(wanted) < 2:
        return [identifier for stretch in wanted for identifier in _of_stretch(stretch, scopes, selection)]
    with ThreadPoolExecutor(min(len(wanted), _PARALLEL_QUERIES)) as pool:
        found = pool.map(lambda stretch: _of_stretch(stretch, scopes, selection), wanted)
        return [identifier for part in found for identifier in part]


def _of_stretch(stretch: Stretch, scopes: frozenset[str] | None, selection: Selection) -> list[int]:
    rows = selected(stretch.night, scopes, selection)
    return list(islice(rows, stretch.skip, stretch.skip + stretch.take))


def selected(night: int, scopes: frozenset[str] | None, selection: Selection) -> Iterator[int]:
    """Ids of the selected files of a night that a viewer of ``scopes`` (None: all) sees, newest first."""
    accepted: dict[str, bool] = {}
    rows = items.query("listing", "night = :night", {"night": night}, consistent=False, descending=True)
    for row in rows:
        if scopes is not None and row["p"] not in scopes:
            continue
        if selection.scope is not None and row["p"] != selection.scope:
            continue
        code = row["c"]
        if code not in accepted:
            accepted[code] = selection.accepts(codes.decode(code))
        if accepted[code]:
            yield row["id"]


def records(identifiers: list[int]) -> list[Item]:
    """The records of files in the order of ``identifiers``; those that are gone are left out."""
    found = {item["id"]: item for item in items.batch_get("files", [{"id": i} for i in identifiers], consistent=False)}
    return [found[identifier] for identifier in identifiers if identifier in found]


def record(identifier: int) -> Item | None:
    """The record of one file."""
    return items.get("files", {"id": identifier}, consistent=False)
