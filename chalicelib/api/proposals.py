"""``/proposals``: the viewer's, all of them for staff; made and corrected by staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalice import Blueprint

from ..domain import semesters
from ..domain.nights import night_date
from ..domain.permissions import Viewer
from ..domain.roster import EMAIL_PATTERN, LONGEST
from ..store import holdings, memberships, proposals, users
from ..store.holdings import Holding, Unassigned
from ..store.items import Item
from . import links, schemas
from .operation import STAFF, Call, operation
from .parameters import LARGEST_NUMBER, NUMBER, PAGE, Query
from .problems import Conflict, NotFound, Unprocessable
from .schemas import integer, named, nullable, one_of, record, text
from .serialize import proposal_record
from .users import USER

routes = Blueprint(__name__)

PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 200

A_SEMESTER = "a semester, like 2026B"

EMAIL = text(LONGEST["email"], pattern=f"^{EMAIL_PATTERN}$", says=schemas.AN_EMAIL)

_FIELDS: dict[str, Any] = {
    "id": integer(1),
    "soar_id": text(help="What the frames carry as PROPID."),
    "semester": text(),
    "title": text(),
    "abstract": text(),
    "user": USER,
}

_FACTS: dict[str, Any] = {
    "role": one_of("pi", "collaborator", "staff", help="What the viewer is to the proposal."),
    "files": integer(help="Files of the proposal."),
    "nights": integer(help="Nights with files."),
    "last_night": nullable(text(10, form="date", help="The last of them.")),
    "collaborator_count": integer(),
    "settings_revision": integer(),
}

PROPOSAL = named("Proposal", record({**_FIELDS, "collaborators": schemas.array(USER)}))
"""As the original's manual shows it."""

LISTED_PROPOSAL = named("ListedProposal", record({**_FIELDS, **_FACTS}))

FULL_PROPOSAL = named("FullProposal", record({**_FIELDS, "collaborators": schemas.array(USER), **_FACTS}))

_EDITABLE: dict[str, Any] = {
    "soar_id": text(
        semesters.LONGEST_SOAR_ID,
        shortest=1,
        pattern=f"^(?:{semesters.SOAR_ID_PATTERN})$",
        says="a SOAR id, like SOAR2026B-014: characters that a FITS card can hold (no accents), no blank at either end",
        help="Exactly as the frames carry it in PROPID; case and blanks do not count.",
    ),
    "semester": text(5, shortest=5, pattern=f"^(?:{semesters.SEMESTER_PATTERN})$", says=A_SEMESTER, help="Like 2026B."),
    "title": text(LONGEST["title"], shortest=1),
    "abstract": text(LONGEST["abstract"]),
    "user": integer(1, LARGEST_NUMBER, help="The number of the principal investigator."),
    "email": schemas.described(
        EMAIL, "Instead of user: the principal investigator's e-mail; an unknown one makes a user, who gets a letter."
    ),
}

NEW_PROPOSAL = named("NewProposal", record(_EDITABLE, optional=("soar_id", "semester", "abstract", "user", "email")))
CHANGED_PROPOSAL = named("ChangedProposal", record(_EDITABLE, optional=tuple(_EDITABLE)))

NEXT_ID = named("NextSoarId", record({"semester": text(), "soar_id": text()}))

UNASSIGNED = named(
    "Unassigned",
    record(
        {
            "propid": text(help="Upper case, without blanks; empty for frames whose header names no proposal."),
            "files": integer(),
            "nights": integer(),
            "first_night": text(10, form="date"),
            "last_night": text(10, form="date"),
            "suggestions": schemas.array(
                record({"id": integer(1), "soar_id": text()}),
                help="Proposals of those semesters that it may be a slip for, the likeliest first.",
            ),
        }
    ),
)

SEMESTER = Query("semester", pattern=semesters.SEMESTER_PATTERN, says=A_SEMESTER, help="Like 2026B.")


@routes.route("/proposals", methods=["GET"], content_types=[])
@operation(
    "List proposals",
    query=(
        SEMESTER,
        Query("soar_id", longest=semesters.LONGEST_SOAR_ID, shortest=1, help="Only the one with this SOAR id."),
        Query(
            "search",
            shortest=2,
            longest=80,
            help="Only those with this in title, SOAR id or the principal investigator's name, in any case.",
        ),
        PAGE,
        Query("page_size", "integer", low=1, high=LARGEST_PAGE_SIZE, default=PAGE_SIZE, help="Proposals on a page."),
    ),
    answers={200: named("ProposalList", schemas.listing(LISTED_PROPOSAL))},
    refuses=(404,),
    tag="proposals",
)
def list_proposals(call: Call) -> dict[str, Any]:
    """The viewer's proposals, all for staff, newest first, with exact counts of files and collaborators.

    A search looks at the newest 2,000 of them; where there are more the count is null, and a semester narrows it.
    """
    page, size, wanted = call.query["page"], call.query["page_size"], call.query["search"]
    numbers, complete = _selected(call), True
    if wanted is not None:
        complete = len(numbers) <= proposals.MOST_SEARCHED
        numbers = proposals.search(numbers[: proposals.MOST_SEARCHED], wanted)
    pages = max(1, -(-len(numbers) // size))
    if page > pages:
        many = "s" if pages > 1 else ""
        raise NotFound(f"There is no page {page}: {len(numbers)} proposals fill {pages} page{many}.")
    return {
        "count": len(numbers) if complete else None,
        "next": links.here(call.request, page=page + 1) if page < pages else None,
        "previous": links.here(call.request, page=page - 1) if page > 1 else None,
        "results": _listed(call.viewer, proposals.several(numbers[(page - 1) * size : page * size])),
    }


def _selected(call: Call) -> Sequence[int]:
    """The numbers of the proposals asked for, but for a text to search, the newest first."""
    viewer, semester, soar_id = call.viewer, call.query["semester"], call.query["soar_id"]
    numbers: list[int]
    staff = is_staff(viewer)
    if staff and semester is None and soar_id is None:
        return range(proposals.count(), 0, -1)
    if soar_id is not None:
        found = proposals.find(soar_id)
        own = found is not None and (staff or memberships.role(found["id"], viewer.user_id) is not None)
        numbers = [found["id"]] if found and own and semester in (None, found["semester"]) else []
    elif staff:
        numbers = [row["id"] for row in proposals.of_semester(semester)]
    else:
        numbers = proposals.of_user(viewer.user_id)
        if semester is not None:
            numbers = [one["id"] for one in proposals.several(numbers) if one["semester"] == semester]
    return numbers


def _listed(viewer: Viewer, found: list[Item]) -> list[dict[str, Any]]:
    if not found:
        return []
    held = holdings.of({proposal["scope"] for proposal in found})
    people = users.several([proposal["user_id"] for proposal in found])
    for number in {proposal["user_id"] for proposal in found} - people.keys():  # made a moment ago
        people[number] = users.get(number) or {}
    members = memberships.counts(proposal["id"] for proposal in found)
    rows = []
    for proposal in found:
        shown = proposal_record(proposal, people[proposal["user_id"]], ())
        del shown["collaborators"]
        role = "pi" if proposal["user_id"] == viewer.user_id else "staff" if is_staff(viewer) else "collaborator"
        rows.append(shown | _facts(proposal, role, held, members[proposal["id"]]))
    return rows


def _facts(proposal: Item, role: str, held: Mapping[str, Holding], collaborators: int) -> dict[str, Any]:
    holding = held.get(proposal["scope"], Holding())
    return {
        "role": role,
        "files": holding.files,
        "nights": holding.nights,
        "last_night": _date(holding.last) if holding.files else None,
        "collaborator_count": collaborators,
        "settings_revision": proposal.get("settings_revision", 0),
    }


@routes.route("/proposals", methods=["POST"], content_types=[])
@operation(
    "Create a proposal",
    who=STAFF,
    body=NEW_PROPOSAL,
    answers={201: FULL_PROPOSAL},
    refuses=(409,),
    tag="proposals",
    idempotent=True,
)
def create_proposal(call: Call) -> dict[str, Any]:
    """Create a proposal for a principal investigator, given by number or e-mail.

    Without a SOAR id it gets the semester's next; without a semester that which the SOAR id names, or the present one.
    Files whose header carries the SOAR id belong to it at once, those that are there already too.
    """
    body = dict(call.body)
    semester = body.get("semester") or semesters.semester_in(body.get("soar_id", "")) or proposals.present_semester()
    soar_id = body.get("soar_id") or proposals.next_soar_id(semester)[1]
    known = proposals.find(soar_id)
    if known is not None:
        raise Conflict(f"The SOAR id {soar_id} belongs to proposal {known['id']}.")
    pi = _investigator(body)
    if pi is None:
        raise Unprocessable(
            "Name the principal investigator: user (a number) or email.", [("/user", "This is needed.")]
        )
    try:
        made = proposals.create(
            soar_id, pi=pi["id"], semester=semester, title=body["title"], abstract=body.get("abstract", "")
        )
    except proposals.Taken as taken:
        raise Conflict(str(taken)) from None
    invite(pi)
    return full(call.viewer, made)


@routes.route("/proposals/next-id", methods=["GET"], content_types=[])
@operation("Preset a SOAR id", who=STAFF, query=(SEMESTER,), answers={200: NEXT_ID}, tag="proposals")
def show_next_soar_id(call: Call) -> dict[str, Any]:
    """The SOAR id for the next proposal of a semester (of the present one if none is named), from its count."""
    semester, soar_id = proposals.next_soar_id(call.query["semester"])
    return {"semester": semester, "soar_id": soar_id}


@routes.route("/proposals/unassigned", methods=["GET"], content_types=[])
@operation(
    "List files without a proposal",
    who=STAFF,
    query=(PAGE,),
    answers={200: named("UnassignedList", schemas.listing(UNASSIGNED))},
    refuses=(404,),
    tag="proposals",
)
def list_unassigned(call: Call) -> dict[str, Any]:
    """The PROPIDs in headers that no proposal has, the last observed first, and what each may be a slip for.

    Creating a proposal with that SOAR id, or correcting the SOAR id of one, makes its files appear there.
    """
    page = call.query["page"]
    found = holdings.unassigned()
    pages = max(1, -(-len(found) // PAGE_SIZE))
    if page > pages:
        raise NotFound(f"There is no page {page}: there are {pages}.")
    shown = holdings.with_meant(found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
    return {
        "count": len(found),
        "next": links.here(call.request, page=page + 1) if page < pages else None,
        "previous": links.here(call.request, page=page - 1) if page > 1 else None,
        "results": [_unassigned(one) for one in shown],
    }


@routes.route("/proposals/{identifier}", methods=["GET"], content_types=[])
@operation("Show a proposal", path=(NUMBER,), answers={200: FULL_PROPOSAL}, refuses=(404,), tag="proposals")
def show_proposal(call: Call) -> dict[str, Any]:
    """A proposal with its people and what it holds."""
    return full(call.viewer, seen(call.viewer, call.path["identifier"])[0])


@routes.route("/proposals/{identifier}", methods=["PATCH"], content_types=[])
@operation(
    "Correct a proposal",
    who=STAFF,
    path=(NUMBER,),
    body=CHANGED_PROPOSAL,
    answers={200: FULL_PROPOSAL},
    refuses=(404, 409),
    tag="proposals",
)
def correct_proposal(call: Call) -> dict[str, Any]:
    """Change what is given. With another SOAR id the proposal has that one's files at once, and no others.

    A principal investigator who is replaced leaves the proposal.
    """
    number, body = call.path["identifier"], dict(call.body)
    seen(call.viewer, number)
    if "soar_id" in body:
        known = proposals.find(body["soar_id"])
        if known is not None and known["id"] != number:
            raise Conflict(f"The SOAR id {body['soar_id']} belongs to proposal {known['id']}.")
    pi = _investigator(body)
    changes = {name: value for name, value in body.items() if name not in ("user", "email")}
    try:
        changed = proposals.edit(number, changes | ({"user_id": pi["id"]} if pi else {}))
    except proposals.Taken as taken:
        raise Conflict(str(taken)) from None
    if pi:
        invite(pi)
    return full(call.viewer, changed)


def is_staff(viewer: Viewer) -> bool:
    """Whether a viewer manages proposals."""
    return viewer.is_staff or viewer.is_superuser


def seen(viewer: Viewer, number: int) -> tuple[Item, str]:
    """A proposal the viewer may see, and what the viewer is to it: ``pi``, ``collaborator`` or ``staff``.

    Raises
    ------
    NotFound
        There is none, or it is not the viewer's, which is not told apart.
    """
    proposal = proposals.get(number)
    role = None if proposal is None else memberships.role(number, viewer.user_id)
    if role is None and is_staff(viewer):
        role = "staff"
    if proposal is None or role is None:
        raise NotFound(f"There is no proposal {number}.")
    return proposal, role


def full(viewer: Viewer, proposal: Item) -> dict[str, Any]:
    """A proposal with everything about it."""
    people = memberships.collaborators(proposal["id"])
    pi = users.get(proposal["user_id"]) or {}
    role = memberships.role(proposal["id"], viewer.user_id) or "staff"
    held = holdings.of({proposal["scope"]})
    return proposal_record(proposal, pi, people) | _facts(proposal, role, held, len(people))


def serialized(proposal: Item) -> dict[str, Any]:
    """A proposal as the original's manual shows it."""
    pi = users.get(proposal["user_id"]) or {}
    return proposal_record(proposal, pi, memberships.collaborators(proposal["id"]))


def invite(user: Item) -> None:
    """Send a new user's letter.

    Raises
    ------
    Conflict
        It could not be sent; everything else is done.
    """
    from ..store import mail  # most requests send no letters

    try:
        memberships.invite_if_owed(user)
    except mail.NotSent as failure:
        sentence = (
            f"All is done, but the letter to {user['email']} is not sent: send it with POST /users/{user['id']}/invite."
        )
        raise Conflict(f"{sentence} {failure}") from None


def _investigator(body: Mapping[str, Any]) -> Item | None:
    """The PI a body names, made if the e-mail is unknown; None if it names none."""
    if "user" in body and "email" in body:
        raise Unprocessable("Give either user or email.", [("/email", "There is a user already.")])
    if "user" in body:
        user = users.get(body["user"])
        if user is None:
            raise Unprocessable(f"There is no user {body['user']}.", [("/user", "There is no such user.")])
    elif "email" in body:
        user = memberships.person(body["email"])
    else:
        return None
    if not user.get("is_active"):
        raise Unprocessable(
            f"The account of {user['email']} is deactivated; activate it first.",
            [("/user" if "user" in body else "/email", "The account is deactivated.")],
        )
    return user


def _unassigned(one: Unassigned) -> dict[str, Any]:
    return {
        "propid": one.propid,
        "files": one.holding.files,
        "nights": one.holding.nights,
        "first_night": _date(one.holding.first),
        "last_night": _date(one.holding.last),
        "suggestions": [{"id": number, "soar_id": soar_id} for number, soar_id in one.meant],
    }


def _date(night: int) -> str:
    return night_date(night).isoformat()
