"""The revisions of a proposal's settings: each is kept with who made it and when, and numbered without gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..domain.settings import DEFAULTS, Settings, settings_from
from . import clock, items, minimums
from .items import ConditionFailed, Contended, Item

_ATTEMPTS = 12


class NotCurrent(Exception):
    """The settings have been changed since the revision that was given was read."""


@dataclass(frozen=True)
class Revision:
    """Settings as they were from a time on.

    Attributes
    ----------
    number : int
        0 are the observatory's defaults, which nobody chose.
    changed : tuple of str
        The settings that differ from the revision before.
    """

    number: int
    settings: Settings
    time: str | None = None
    actor: str | None = None
    changed: tuple[str, ...] = ()


def of(proposal: Mapping[str, Any]) -> tuple[int, Settings]:
    """Revision and settings in force for a proposal."""
    if "settings" not in proposal:
        return 0, DEFAULTS
    return proposal.get("settings_revision", 1), settings_from(proposal["settings"])


def revise(proposal_id: int, given: int, values: Mapping[str, Any], *, whole: bool, actor: str) -> Item:
    """Change settings; the proposal as it is then. Where nothing is to be changed, no revision is made.

    Parameters
    ----------
    given : int
        The revision the change was made from: it must be the current one.
    values
        Settings; what is left out becomes the default if ``whole``, else stays.

    Raises
    ------
    NotCurrent
        It is another one by now.
    chalicelib.domain.settings.BadSetting
        A value cannot be.
    LookupError
        There is no such proposal.
    """
    for attempt in range(_ATTEMPTS):
        proposal = items.get("proposals", {"id": proposal_id})
        if proposal is None:
            raise LookupError(f"There is no proposal {proposal_id}.")
        number, before = of(proposal)
        after = settings_from(dict(values) if whole else asdict(before) | dict(values))
        if given != number:
            if given == number - 1 and after == before and _made_by(proposal_id, number, actor):
                return proposal  # the same request again: its first answer was lost
            raise NotCurrent(f"The settings are at revision {number} by now, not {given}: look at them again first.")
        if after == before:
            return proposal
        changed = [name for name, value in asdict(after).items() if value != getattr(before, name)]
        minimum = minimums.change_operation(before, after)
        kept = {"settings": asdict(after), "at": clock.moment(), "by": actor, "changed": changed}
        operations = [
            items.operation(
                "Update",
                "proposals",
                key={"id": proposal_id},
                update="SET #settings = :settings, #number = :next ADD #rev :one",
                condition="#number = :number" if "settings_revision" in proposal else "attribute_not_exists(#number)",
                values={"settings": asdict(after), "next": number + 1, "one": 1}
                | ({"number": number} if "settings_revision" in proposal else {}),
                names={"#settings": "settings", "#number": "settings_revision", "#rev": "rev"},
            ),
            items.operation("Put", "counters", item={**_key(proposal_id, number + 1), **kept}),
            *([minimum] if minimum else []),
        ]
        try:
            items.write(operations)
        except ConditionFailed:
            items.pause(attempt)
            continue
        return proposal | {"settings": asdict(after), "settings_revision": number + 1}
    raise Contended(f"the settings of proposal {proposal_id} kept being changed by others")


def history(proposal_id: int, below: int, limit: int) -> list[Revision]:
    """Revisions with numbers below ``below``, the newest first, at most ``limit``; the last of all is number 0."""
    numbers = range(below - 1, max(-1, below - 1 - limit), -1)
    rows = items.batch_get("counters", [_key(proposal_id, number) for number in numbers if number > 0])
    found = {row["counter"]: row for row in rows}
    revisions = []
    for number in numbers:
        row = found.get(_key(proposal_id, number)["counter"])
        if row is not None:
            settings = settings_from(row["settings"])
            revisions.append(Revision(number, settings, row["at"], row["by"], tuple(row["changed"])))
        elif number == 0:
            revisions.append(Revision(0, DEFAULTS))
    return revisions


def _made_by(proposal_id: int, number: int, actor: str) -> bool:
    row = items.get("counters", _key(proposal_id, number))
    return row is not None and row["by"] == actor


def _key(proposal_id: int, number: int) -> Item:
    return {"counter": f"settings#{proposal_id}#{number}"}
