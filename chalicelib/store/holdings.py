"""How many files a scope holds, and which scopes belong to no proposal: all from the ledger, no file is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..domain import semesters
from ..domain.facets import Selection
from ..domain.records import MASTERS_SCOPE, UNASSIGNED_SCOPE
from . import items, ledger, proposals


@dataclass(frozen=True)
class Holding:
    """What a scope holds.

    Attributes
    ----------
    files, nights : int
        How many there are.
    first, last : int
        The first and the last of the nights (``yyyymmdd``); 0 where there is no file.
    """

    files: int = 0
    nights: int = 0
    first: int = 0
    last: int = 0


@dataclass(frozen=True)
class Unassigned:
    """A header's PROPID that no proposal has; empty for frames whose header names none.

    ``meant`` are ``id`` and ``soar_id`` of the proposals it may have been meant to name, the likeliest first.
    """

    propid: str
    holding: Holding
    meant: tuple[tuple[int, str], ...] = ()


def of(scopes: Collection[str] | None) -> dict[str, Holding]:
    """What scopes (None: all there are) hold; those without a file are left out."""
    view = ledger.read(None if scopes is None else frozenset(scopes), Selection())
    found: dict[str, Holding] = {}
    for one in view.kept if view.tallies is None else view.tallies:
        if one.total <= 0:
            continue
        there = found.get(one.scope)
        found[one.scope] = (
            Holding(one.total, 1, one.night, one.night)
            if there is None
            else Holding(
                there.files + one.total,
                there.nights + 1,
                min(there.first, one.night),
                max(there.last, one.night),
            )
        )
    return found


def unassigned() -> list[Unassigned]:
    """Every scope without a proposal, the one observed last first; without :attr:`Unassigned.meant`."""
    held = of(None)
    held.pop(MASTERS_SCOPE, None)
    keys = [{"identity": f"proposal#{scope}"} for scope in held if scope != UNASSIGNED_SCOPE]
    assigned = {row["identity"].removeprefix("proposal#") for row in items.batch_get("identities", keys)}
    found = [
        Unassigned("" if scope == UNASSIGNED_SCOPE else scope, holding)
        for scope, holding in held.items()
        if scope not in assigned
    ]
    return sorted(found, key=lambda one: (-one.holding.last, one.propid))


def with_meant(found: Iterable[Unassigned]) -> list[Unassigned]:
    """The same with what each may have been meant to be: a proposal of about the semester of its files."""
    wanted = list(found)
    nearby = {one.propid: semesters.around(one.holding.first, one.holding.last) for one in wanted if one.propid}
    rows = proposals.of_semesters(sorted({semester for those in nearby.values() for semester in those}))
    known: dict[str, dict[str, int]] = {}
    for row in rows:
        known.setdefault(row["semester"], {})[row["soar_id"]] = row["id"]
    completed = []
    for one in wanted:
        numbers: dict[str, int] = {}
        for semester in nearby.get(one.propid, ()):
            numbers |= known.get(semester, {})
        meant = semesters.likely(one.propid, numbers) if one.propid else []
        completed.append(Unassigned(one.propid, one.holding, tuple((numbers[soar_id], soar_id) for soar_id in meant)))
    return completed
