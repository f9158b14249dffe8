"""People: who asks, who there is, and the proposals they belong to.

What :mod:`.users` is to their items and :mod:`.credentials` to their tokens, this is to what is done with people.
"""

from __future__ import annotations

import re
from typing import Any

from ..domain.permissions import Viewer
from . import clock, credentials, items, proposals, users
from .credentials import digest as digest
from .items import ConditionFailed, Item
from .proposals import COLLABORATOR as COLLABORATOR
from .proposals import PI as PI
from .users import Taken

FLAGS = ("is_staff", "is_superuser", "is_active")
NAMES = ("username", "email")
DETAILS = ("first_name", "last_name", "partner_institution", "visual_options")


def viewer_of(token: str) -> Viewer | None:
    """Who a token belongs to; None if it is unknown or has ended (a deactivated user has none).

    One read, of the token; for members another two say which proposals are theirs.
    """
    item = credentials.check(token)
    if item is None:
        return None
    staff = item["is_staff"] or item["is_superuser"]
    return Viewer(
        user_id=item["user_id"],
        username=item["username"],
        is_staff=item["is_staff"],
        is_superuser=item["is_superuser"],
        scopes=frozenset() if staff else scopes_of_user(item["user_id"]),
    )


def scopes_of_user(user_id: int) -> frozenset[str]:
    """Scopes of the proposals a user is PI or collaborator of."""
    rows = items.query("memberships", "user_id = :user", {"user": user_id}, index="user")
    keys = [{"id": row["proposal_id"]} for row in rows]
    return frozenset(proposal["scope"] for proposal in items.batch_get("proposals", keys, consistent=False))


def issue_token(user_id: int, *, name: str, expires: float | None = None) -> str:
    """A new API key for a user. It is returned this once and cannot be read again.

    Parameters
    ----------
    name : str
        What the key is for, as shown to its owner.
    expires : float, optional
        Seconds since the epoch; None for a key that lasts until it is revoked.
    """
    return credentials.issue(user_id, name=name, expires=expires)[1]


def create_user(username: str, email: str, **facts: Any) -> Item:
    """Create a user, or return the one who has this user name already.

    Raises
    ------
    Taken
        Somebody with another user name has this e-mail.
    """
    try:
        return users.add(username, email, **facts)
    except Taken:
        found = users.find(username)
        if found is None:
            raise
        return found


def user_for_email(email: str, **facts: Any) -> tuple[Item, bool]:
    """The user with an e-mail, created if there is none (user name: what is before the @); whether it was created."""
    found = users.find(email)
    if found is not None:
        return found, False
    wished = username_for(email)
    for number in range(1, 100):
        try:
            return users.add(wished if number == 1 else f"{wished}{number}", email, **facts), True
        except Taken as taken:
            found = users.find(email) if taken.what != "user name" else None
            if found is not None:
                return found, False
    raise Taken("user name")


def username_for(email: str) -> str:
    """A user name made of an e-mail."""
    return re.sub(r"[^A-Za-z0-9._+-]", "", email.partition("@")[0])[:140] or "user"


def edit_user(user_id: int, changes: Item) -> Item:
    """Change facts of a user (:data:`FLAGS`, :data:`NAMES`, :data:`DETAILS`), and with them what their tokens say.

    A deactivated user's tokens are gone, and with another e-mail the links that were sent to the old one.

    Raises
    ------
    users.NoSuchUser, Taken
        There is none; another account has the user name or e-mail.
    """

    def edit(user: Item) -> list[dict]:
        said, address = credentials.said_of(user), user["email"]
        operations = users.rename(user, changes.get("username"), changes.get("email"))
        user.update({name: value for name, value in changes.items() if name in FLAGS + DETAILS})
        if not user["is_active"]:
            return operations + credentials.end_all(user, credentials.SESSION, credentials.KEY, credentials.LINK)
        if user["email"] != address:
            operations += credentials.end_all(user, credentials.LINK)
        if credentials.said_of(user) != said:
            operations += credentials.retell(user)
        return operations

    try:
        return users.change(user_id, edit)
    except ConditionFailed as refused:
        raise users.taken_by(refused) from None


def deactivate(user_id: int) -> Item:
    """Shut a user out, from now on: sessions, keys and links are gone."""
    return edit_user(user_id, {"is_active": False})


def create_proposal(soar_id: str, *, pi: int, semester: str, title: str, abstract: str = "") -> Item:
    """Create a proposal with its PI, or return the one that has this SOAR id already."""
    try:
        return proposals.create(soar_id, pi=pi, semester=semester, title=title, abstract=abstract)
    except proposals.Taken as taken:
        there = proposals.get(taken.other)
        if there is None:
            raise
        return there


def add_member(proposal_id: int, user_id: int, role: str) -> None:
    """Make a user PI or collaborator of a proposal; saying it twice changes nothing."""
    member = {"proposal_id": proposal_id, "user_id": user_id, "role": role, "since": clock.moment()}
    operation = items.operation(
        "Put",
        "memberships",
        item=member,
        condition="attribute_not_exists(user_id) OR #role = :role",
        values={"role": role},
        names={"#role": "role"},
    )
    try:
        items.write([operation])
    except ConditionFailed:
        pass  # a PI who is added as collaborator stays PI
