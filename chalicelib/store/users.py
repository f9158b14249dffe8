"""The items of people: found by number, user name or e-mail, and changed by one rule.

User names and e-mails are unique through ``identities`` (``user#…``, ``email#…``, in lower case), written in the
transaction that writes the user. Every change of a user's item goes through :func:`change`: read, edit, and written
only if nobody else wrote meanwhile (``rev``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import clock, identities, items
from .items import ConditionFailed, Contended, Item

_ATTEMPTS = 12
_NOBODY = 0
"""Numbers begin at 1."""


class NoSuchUser(Exception):
    """There is no user with this number."""


class Taken(Exception):
    """Another account has this ``what`` (``user name`` or ``e-mail address``)."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Another account has this {what}.")
        self.what = what


def get(user_id: int, *, consistent: bool = True) -> Item | None:
    """A user by number."""
    return items.get("users", {"id": user_id}, consistent=consistent)


def several(user_ids: list[int]) -> dict[int, Item]:
    """Users by number, in one batch, as they were a moment ago."""
    keys = [{"id": number} for number in dict.fromkeys(user_ids)]
    return {user["id"]: user for user in items.batch_get("users", keys, consistent=False)}


def find(name: str) -> Item | None:
    """A user by user name or e-mail; two reads, whether there is one or not."""
    number = identities.known(_email_identity(name) if "@" in name else _name_identity(name))
    return get(_NOBODY if number is None else number)


def everybody() -> list[Item]:
    """All users, by user name: the whole table is read, about half a kilobyte each."""
    found = [user for page in items.pages("scan", "users") for user in page]
    return sorted(found, key=lambda user: user["username"].lower())


def add(username: str, email: str, **facts: Any) -> Item:
    """Create a user.

    Raises
    ------
    Taken
        The user name or the e-mail belongs to another account.
    """
    user: Item = {
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
        "rev": 0,
        "tokens": {},
    } | facts
    put = items.operation("Put", "users", item=user, condition="attribute_not_exists(id)")
    reserved = (reserve(_name_identity(username), user["id"]), reserve(_email_identity(email), user["id"]))
    try:
        items.write([*reserved, put])
    except ConditionFailed as refused:
        raise _taken(refused.old[:2]) from None
    return user


def change(user_id: int, edit: Callable[[Item], list[dict]]) -> Item:
    """Change a user's item, and what must change with it, in one transaction; the item as it is then.

    Parameters
    ----------
    edit : callable
        Changes the item it is given and returns the other operations. Called again with the item as it is by then if
        somebody else was faster; so it may also find its own work done, where the answer of a write was lost.

    Raises
    ------
    NoSuchUser
        There is none.
    items.ConditionFailed
        A condition of one of the other operations did not hold; ``old[0]`` is None, the others follow in order.
    """
    for attempt in range(_ATTEMPTS):
        user = get(user_id)
        if user is None:
            raise NoSuchUser(f"There is no user {user_id}.")
        seen = user.get("rev", 0)
        others = edit(user)
        put = items.operation(
            "Put",
            "users",
            item=user | {"rev": seen + 1},
            condition="#rev = :rev OR attribute_not_exists(#rev)",
            values={"rev": seen},
            names={"#rev": "rev"},
        )
        try:
            items.write([put, *others])
        except ConditionFailed as refused:
            if refused.old[0] is None:
                raise
            items.pause(attempt)
        else:
            return user | {"rev": seen + 1}
    raise Contended(f"the account {user_id} kept being changed by others")


def rename(user: Item, username: str | None = None, email: str | None = None) -> list[dict]:
    """Give the item another user name or e-mail; the operations that free the old and reserve the new."""
    operations = []
    for field, value, identity in (("username", username, _name_identity), ("email", email, _email_identity)):
        if value is None or value == user[field]:
            continue
        old, new = identity(user[field]), identity(value)
        if old != new:
            operations += [reserve(new, user["id"]), _free(old, user["id"])]
        user[field] = value
    return operations


def taken_by(refused: ConditionFailed) -> Taken:
    """What a refused :func:`rename` met; for the operations it made, in their order and first among the others."""
    return _taken(refused.old[1:])


def reserve(identity: str, number: int) -> dict:
    """The operation that reserves a unique name; harmless where the same user has it already."""
    return items.operation(
        "Put",
        "identities",
        item={"identity": identity, "id": number},
        condition="attribute_not_exists(#identity) OR #id = :id",
        values={"id": number},
        names={"#identity": "identity", "#id": "id"},
    )


def _free(identity: str, number: int) -> dict:
    return items.operation(
        "Delete",
        "identities",
        key={"identity": identity},
        condition="attribute_not_exists(#id) OR #id = :id",
        values={"id": number},
        names={"#id": "id"},
    )


def _name_identity(username: str) -> str:
    return f"user#{username.lower()}"


def _email_identity(email: str) -> str:
    return f"email#{email.lower()}"


def _taken(old: list[Item | None]) -> Taken:
    """The first name that was taken, among items of ``identities``."""
    identity = next((str(item["identity"]) for item in old if item), "user#")
    return Taken("user name" if identity.startswith("user#") else "e-mail address")
