"""Which frames of a proposal are reduced anew when somebody asks for it, and having that begin."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.facets import Selection
from ..domain.records import RAW_TYPE
from ..domain.steps import CHAINS, DONE, FAILED, PROVISIONAL, WAITING
from ..domain.version import SCIENCE_VERSION
from . import ledger, listing, proposals, queues, subjects

REDUCIBLE = (DONE, PROVISIONAL, WAITING, FAILED)
"""Statuses of frames that can be reduced: one that was refused as it came is no better for new settings."""

MOST_FRAMES = 5_000
"""Frames of one job: whoever asks after it has their subjects read."""


class TooMany(Exception):
    """More frames than one job takes; the sentence says how many there are."""


@dataclass(frozen=True)
class Wanted:
    """Frames to be reduced anew, of so many nights, with these settings and this science."""

    raw_ids: list[int]
    nights: int
    revision: int
    version: str


def frames(scope: str, first_night: int | None, last_night: int | None) -> Wanted:
    """The raw frames of a scope that go through stages of their own.

    Raises
    ------
    TooMany
        There are more than :data:`MOST_FRAMES`; nothing of them was read.
    """
    kinds = frozenset(obstype for obstype, chain in CHAINS.items() if chain)
    selection = Selection(
        values={"data_type": frozenset({RAW_TYPE}), "obstype": kinds, "status": frozenset(REDUCIBLE)},
        scope=scope,
        first_night=first_night,
        last_night=last_night,
    )
    scopes = frozenset({scope})
    totals = ledger.nights(ledger.read(scopes, selection), selection)
    count = sum(totals.values())
    if count > MOST_FRAMES:
        raise TooMany(f"These are {count} frames; at most {MOST_FRAMES} are reprocessed at once. Choose fewer nights.")
    found = [i for night in sorted(totals) for i in listing.selected(night, scopes, selection)]
    revision, _ = proposals.current_settings(scope)
    return Wanted(found, sum(1 for total in totals.values() if total), revision, SCIENCE_VERSION)


def start(wanted: Wanted, actor: str) -> None:
    """Have frames reduced anew, paced so that nobody waits for it. Asked for twice it is done once."""
    queues.send_bulk(map(subjects.frame_subject, wanted.raw_ids), reprocess=True, actor=actor)
