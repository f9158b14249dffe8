"""Who belongs to a proposal, and the people who do not have an account yet when they are added.

Whoever is new gets a letter with a link. That it is owed is written before the account is made (``identities``
``invitation#<e-mail>``) and struck out after it is sent: doing the same again after a crash sends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import clock, items, users
from .items import ConditionFailed, Item
from .proposals import COLLABORATOR, PI

MOST_COLLABORATORS = 200
_PARALLEL = 8


class CannotJoin(Exception):
    """Somebody cannot be made a collaborator, or be removed; the sentence says why."""


def role(number: int, user_id: int) -> str | None:
    """``pi``, ``collaborator``, or None for a stranger."""
    row = items.get("memberships", {"proposal_id": number, "user_id": user_id}, consistent=False)
    return None if row is None else row["role"]


def of(number: int) -> list[Item]:
    """The members of a proposal, in the order in which they joined."""
    rows = items.query("memberships", "proposal_id = :proposal", {"proposal": number})
    return sorted(rows, key=lambda row: (row["since"], row["user_id"]))


def collaborators(number: int) -> list[Item]:
    """The users who are collaborators of a proposal, in the order in which they joined."""
    wanted = [row["user_id"] for row in of(number) if row["role"] == COLLABORATOR]
    found = {user["id"]: user for user in items.batch_get("users", [{"id": one} for one in wanted])}
    return [found[one] for one in wanted if one in found]


def counts(numbers: Iterable[int]) -> dict[int, int]:
    """How many collaborators each of some proposals has."""

    def count(number: int) -> tuple[int, int]:
        rows = items.query("memberships", "proposal_id = :p", {"p": number}, consistent=False)
        return number, sum(row["role"] == COLLABORATOR for row in rows)

    with ThreadPoolExecutor(_PARALLEL) as pool:
        return dict(pool.map(count, numbers))


def add(proposal: Item, email: str) -> None:
    """Make somebody a collaborator; who has no account gets one, and a letter. Saying it twice changes nothing.

    Raises
    ------
    CannotJoin
        The account is deactivated; the proposal has too many collaborators.
    mail.NotSent
        The letter to a new user could not be sent. The rest is done; doing the same again sends it.
    """
    user = person(email)
    if not user.get("is_active"):
        raise CannotJoin(f"The account of {email} is deactivated; ask staff to activate it first.")
    members = of(proposal["id"])
    joins = user["id"] not in {row["user_id"] for row in members}
    if joins:
        if len(members) > MOST_COLLABORATORS:
            raise CannotJoin(f"A proposal has at most {MOST_COLLABORATORS} collaborators.")
        joins = _join(proposal["id"], user["id"])
    if not invite_if_owed(user) and joins:
        _tell(user, proposal)


def _join(number: int, user_id: int) -> bool:
    """Put a membership; False if there is one already (a PI who is added as collaborator stays PI)."""
    member = {"proposal_id": number, "user_id": user_id, "role": COLLABORATOR, "since": clock.moment()}
    try:
        items.write([items.operation("Put", "memberships", item=member, condition="attribute_not_exists(user_id)")])
    except ConditionFailed:
        return False
    return True


def remove(proposal: Item, email: str) -> None:
    """Take a collaborator out of a proposal; whoever is none stays so.

    Raises
    ------
    CannotJoin
        It is the principal investigator.
    """
    user = users.find(email)
    if user is None:
        return
    operation = items.operation(
        "Delete",
        "memberships",
        key={"proposal_id": proposal["id"], "user_id": user["id"]},
        condition="#role = :role",
        values={"role": COLLABORATOR},
        names={"#role": "role"},
    )
    try:
        items.write([operation])
    except ConditionFailed as refused:
        if (refused.old[0] or {}).get("role") == PI:
            raise CannotJoin(
                f"{email} is the principal investigator of {proposal['soar_id']} and cannot be removed."
            ) from None


def person(email: str, **facts: Any) -> Item:
    """The user with an e-mail, made now, owing a letter, if there is none."""
    from . import accounts

    found = users.find(email)
    if found is not None:
        return found
    items.write([items.operation("Put", "identities", item={"identity": invitation_identity(email), "owed": True})])
    return accounts.user_for_email(email, **facts)[0]


def invitation_identity(email: str) -> str:
    """Where it is noted that somebody is owed a letter."""
    return f"invitation#{email.lower()}"


def invite_if_owed(user: Item) -> bool:
    """Send a new user's letter unless it was sent; whether one was owed.

    Raises
    ------
    mail.NotSent
        It could not be sent, and is still owed.
    """
    key = {"identity": invitation_identity(user["email"])}
    if items.get("identities", key) is None:
        return False
    if not user.get("password"):  # who has chosen one needs no link any more
        from . import signin

        signin.invite(user)
    items.write([items.operation("Delete", "identities", key=key)])
    return True


def _tell(user: Item, proposal: Item) -> None:
    """Tell somebody with an account of a new membership: a courtesy, and nothing is lost without it."""
    from ..domain import letters
    from . import mail  # most requests send no letters

    try:
        letter = letters.added_to_proposal(
            user["first_name"], proposal["soar_id"], proposal["title"], f"{mail.page()}/#/proposals"
        )
        mail.send(user["email"], letter)
    except mail.NotSent:
        pass
