"""Proposals: made, corrected, listed. A SOAR id's scope is unique through ``identities`` (``proposal#<scope>``).

Numbers have no gaps: the counter moves in the transaction that makes the proposal. So the counter is the exact count,
and any page of all proposals is one batch read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..domain import semesters
from ..domain.nights import night_of, parse_moment
from ..domain.records import scope_of
from ..domain.settings import Settings
from . import clock, identities, items, minimums, revisions, users
from .items import ConditionFailed, Contended, Item

PI, COLLABORATOR = "pi", "collaborator"

MOST_SEARCHED = 2_000
"""Proposals one search reads: those of ten years, about 2 kB each."""

_COUNTER = {"counter": "proposals"}
_ATTEMPTS = 12
_PARALLEL = 8


class Taken(Exception):
    """Another proposal has this SOAR id."""

    def __init__(self, soar_id: str, other: int) -> None:
        super().__init__(f"The SOAR id {soar_id} belongs to proposal {other}.")
        self.other = other


class NoSuchProposal(LookupError):
    """There is no proposal with this number."""


def current_settings(scope: str) -> tuple[int, Settings]:
    """Revision and settings in force for a scope; revision 0 are the defaults."""
    number = identities.known(_identity(scope))
    return revisions.of((items.get("proposals", {"id": number}) if number else None) or {})


def smallest_minimum(kind: str) -> int:
    """The smallest number of members any proposal asks of a master of this kind; never below 3."""
    return minimums.smallest(kind)


def get(number: int, *, consistent: bool = True) -> Item | None:
    """A proposal by its number."""
    return items.get("proposals", {"id": number}, consistent=consistent)


def find(soar_id: str) -> Item | None:
    """A proposal by its SOAR id, however that is written."""
    number = identities.known(_identity(scope_of(soar_id)))
    return None if number is None else get(number)


def create(soar_id: str, *, pi: int, semester: str, title: str, abstract: str = "") -> Item:
    """Create a proposal with its principal investigator (a user's number).

    Raises
    ------
    Taken
        Another proposal has this SOAR id.
    """
    scope = scope_of(soar_id)
    for attempt in range(_ATTEMPTS):
        known = identities.known(_identity(scope))
        if known is not None:
            raise Taken(soar_id, known)
        last = (items.get("counters", _COUNTER) or {}).get("n", 0)
        proposal = {
            "id": last + 1,
            "soar_id": soar_id,
            "scope": scope,
            "semester": semester,
            "title": title,
            "abstract": abstract,
            "user_id": pi,
            "created": clock.moment(),
            "rev": 0,
        }
        count = items.operation(
            "Update",
            "counters",
            key=_COUNTER,
            update="SET #n = :next",
            condition="#n = :last" if last else "attribute_not_exists(#n)",
            values={"next": last + 1} | ({"last": last} if last else {}),
            names={"#n": "n"},
        )
        put = items.operation("Put", "proposals", item=proposal, condition="attribute_not_exists(id)")
        try:
            items.write([_reserve(scope, last + 1), count, put, member_operation(last + 1, pi, PI)])
        except ConditionFailed:
            items.pause(attempt)
            continue
        return proposal
    raise Contended(f"others kept making proposals while {soar_id} was to be made")


def edit(number: int, changes: Mapping[str, Any]) -> Item:
    """Change a proposal's ``soar_id``, ``semester``, ``title``, ``abstract`` or ``user_id`` (its PI); as it is then.

    Files follow the SOAR id: those of the new one's scope belong to the proposal from then on, those of the old one's
    do not. A PI who is replaced leaves the proposal.

    Raises
    ------
    NoSuchProposal
        There is none with this number.
    Taken
        Another proposal has the SOAR id.
    """
    for attempt in range(_ATTEMPTS):
        proposal = get(number)
        if proposal is None:
            raise NoSuchProposal(f"There is no proposal {number}.")
        new = {name: value for name, value in changes.items() if value != proposal[name]}
        if not new:
            return proposal
        operations = []
        if "soar_id" in new:
            scope = scope_of(new["soar_id"])
            if scope != proposal["scope"]:
                new["scope"] = scope
                other = identities.known(_identity(scope))
                if other is not None:
                    raise Taken(new["soar_id"], other)
                operations += [_reserve(scope, number), _free(proposal["scope"], number)]
        if "user_id" in new:
            operations.append(member_operation(number, new["user_id"], PI))
            leaving = {"proposal_id": number, "user_id": proposal["user_id"]}
            operations.append(items.operation("Delete", "memberships", key=leaving))
        seen = proposal.get("rev", 0)
        names = {f"#s{place}": name for place, name in enumerate(new)}
        update = items.operation(
            "Update",
            "proposals",
            key={"id": number},
            update=f"SET {', '.join(f'#s{place} = :s{place}' for place in range(len(new)))}, #rev = :next",
            condition="#rev = :rev" if "rev" in proposal else "attribute_not_exists(#rev) AND attribute_exists(id)",
            values={f"s{place}": value for place, value in enumerate(new.values())}
            | ({"next": seen + 1, "rev": seen} if "rev" in proposal else {"next": seen + 1}),
            names={**names, "#rev": "rev"},
        )
        try:
            items.write([update, *operations])
        except ConditionFailed:
            items.pause(attempt)
            continue
        return proposal | new | {"rev": seen + 1}
    raise Contended(f"proposal {number} kept being changed by others")


def count() -> int:
    """How many proposals there are."""
    return (items.get("counters", _COUNTER, consistent=False) or {}).get("n", 0)


def several(numbers: Iterable[int]) -> list[Item]:
    """Proposals by number, in this order; those that are not there are left out."""
    wanted = list(numbers)
    rows = items.batch_get("proposals", [{"id": number} for number in dict.fromkeys(wanted)], consistent=False)
    found = {row["id"]: row for row in rows}
    return [found[number] for number in wanted if number in found]


def search(numbers: Sequence[int], text: str) -> list[int]:
    """Those of some proposals in whose title, SOAR id or principal investigator's name a text occurs, in any case.

    All of them are read, and their investigators: whoever asks bounds them (:data:`MOST_SEARCHED`).
    """
    found = several(numbers)
    people = users.several([proposal["user_id"] for proposal in found])
    wanted = _folded(text)

    def texts(proposal: Item) -> list[str]:
        pi = people.get(proposal["user_id"], {})
        return [proposal["title"], proposal["soar_id"], f"{pi.get('first_name', '')} {pi.get('last_name', '')}"]

    return [one["id"] for one in found if any(wanted in _folded(told) for told in texts(one))]


def _folded(text: str) -> str:
    """A text with neither case nor the number of blanks."""
    return " ".join(text.casefold().split())


def of_user(user_id: int) -> list[int]:
    """Numbers of the proposals a user belongs to, the newest first."""
    rows = items.query("memberships", "user_id = :user", {"user": user_id}, index="user", descending=True)
    return [row["proposal_id"] for row in rows]


def of_semester(semester: str) -> list[Item]:
    """``id``, ``soar_id`` and ``scope`` of a semester's proposals, the newest first."""
    return list(
        items.query("proposals", "semester = :semester", {"semester": semester}, index="semester", descending=True)
    )


def of_semesters(wanted: Iterable[str]) -> list[Item]:
    """As :func:`of_semester`, of several."""
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return [row for rows in pool.map(of_semester, wanted) for row in rows]


def next_soar_id(semester: str | None = None) -> tuple[str, str]:
    """Semester (the present one if None) and the SOAR id that its next proposal gets unless it is given another."""
    semester = semester or present_semester()
    rows = of_semester(semester)
    taken = {row["scope"] for row in rows}
    number = len(rows) + 1
    while (soar_id := semesters.preset(semester, number)) in taken or identities.known(_identity(soar_id)) is not None:
        number += 1
    return semester, soar_id


def present_semester() -> str:
    """The semester of tonight."""
    return semesters.semester_of(night_of(parse_moment(clock.moment())))


def member_operation(number: int, user_id: int, role: str) -> dict:
    """The write that makes a user PI or collaborator of a proposal, whatever they were."""
    member = {"proposal_id": number, "user_id": user_id, "role": role, "since": clock.moment()}
    return items.operation("Put", "memberships", item=member)


def _identity(scope: str) -> str:
    return f"proposal#{scope}"


def _reserve(scope: str, number: int) -> dict:
    return items.operation(
        "Put",
        "identities",
        item={"identity": _identity(scope), "id": number},
        condition="attribute_not_exists(#identity)",
        names={"#identity": "identity"},
    )


def _free(scope: str, number: int) -> dict:
    return items.operation(
        "Delete",
        "identities",
        key={"identity": _identity(scope)},
        condition="#id = :id",
        values={"id": number},
        names={"#id": "id"},
    )
