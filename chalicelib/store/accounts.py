"""People, their tokens, and the proposals they belong to.

Opaque tokens: only the SHA-256 is stored. User names, e-mails and SOAR ids are unique through ``identities``
(``user#…``, ``email#…``, ``proposal#…``), put in the same transaction as what they name.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from ..domain.permissions import Viewer
from ..domain.records import scope_of
from . import clock, identities, items
from .items import ConditionFailed, Item

PI, COLLABORATOR = "pi", "collaborator"


def digest(token: str) -> str:
    """What is stored of a token: SHA-256, 64 hex digits. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def viewer_of(token: str) -> Viewer | None:
    """Who a token belongs to; None if it is unknown or expired, or its user deactivated."""
    item = items.get("tokens", {"digest": digest(token)}, consistent=False)
    if item is None or (item.get("expires") is not None and item["expires"] <= clock.now()):
        return None
    user = items.get("users", {"id": item["user_id"]}, consistent=False)
    if user is None or not user.get("is_active"):
        return None
    staff = bool(user.get("is_staff") or user.get("is_superuser"))
    return Viewer(
        user_id=user["id"],
        username=user["username"],
        is_staff=bool(user.get("is_staff")),
        is_superuser=bool(user.get("is_superuser")),
        scopes=frozenset() if staff else scopes_of_user(user["id"]),
    )


def scopes_of_user(user_id: int) -> frozenset[str]:
    """Scopes of the proposals a user is PI or collaborator of."""
    rows = items.query("memberships", "user_id = :user", {"user": user_id}, index="user")
    keys = [{"id": row["proposal_id"]} for row in rows]
    return frozenset(proposal["scope"] for proposal in items.batch_get("proposals", keys, consistent=False))


def issue_token(user_id: int, *, name: str, expires: float | None = None) -> str:
    """A new token for a user. It is returned this once and cannot be read again.

    Parameters
    ----------
    name : str
        What the token is for, as shown to its owner.
    expires : float, optional
        Seconds since the epoch; None for a key that lasts until it is revoked.
    """
    token = secrets.token_hex(20)
    item = {"digest": digest(token), "user_id": user_id, "name": name, "created": clock.moment(), "expires": expires}
    items.write([items.operation("Put", "tokens", item=item)])
    return token


def create_user(username: str, email: str, **facts: Any) -> Item:
    """Create a user, or return the one who has this user name already."""
    user = {
        "id": identities.next_number("users"),
        "username": username,
        "email": email,
        "first_name": "",
        "last_name": "",
        "is_staff": False,
        "is_superuser": False,
        "is_active": True,
        "date_joined": clock.moment(),
        "last_login": None,
    } | facts
    reserved = [f"user#{username.lower()}", f"email#{email.lower()}"]
    return _create("users", user, reserved)


def create_proposal(soar_id: str, *, pi: int, semester: str, title: str, abstract: str = "") -> Item:
    """Create a proposal with its PI, or return the one that has this SOAR id already."""
    proposal = {
        "id": identities.next_number("proposals"),
        "soar_id": soar_id,
        "scope": scope_of(soar_id),
        "semester": semester,
        "title": title,
        "abstract": abstract,
        "user_id": pi,
    }
    created = _create("proposals", proposal, [f"proposal#{proposal['scope']}"])
    add_member(created["id"], created["user_id"], PI)
    return created


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


def _create(table: str, item: Item, reserved: list[str]) -> Item:
    """Put ``item`` with its unique names in one transaction; the first of them taken → what has it."""
    writes = [
        items.operation(
            "Put",
            "identities",
            item={"identity": identity, "id": item["id"]},
            condition="attribute_not_exists(#identity)",
            names={"#identity": "identity"},
        )
        for identity in reserved
    ]
    writes.append(items.operation("Put", table, item=item, condition="attribute_not_exists(id)"))
    try:
        items.write(writes)
    except ConditionFailed:
        taken = identities.known(reserved[0])
        found = None if taken is None else items.get(table, {"id": taken})
        if found is None:
            raise
        return found
    return item
