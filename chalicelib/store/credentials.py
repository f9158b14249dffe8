"""Sessions, API keys and links: opaque random tokens, kept in ``tokens`` by their SHA-256 alone.

A token's item says whose it is and what they may (user name, staff, superuser), so a check is **one read**, a
consistent one. The user's item in turn lists the tokens there are (``tokens``: digest → kind, id, end). Whoever changes
what tokens say, or ends them, writes them in the one transaction that changes the user's item; whoever makes one writes
it there too, and only if the account is active. So a deactivated account, an ended session or a revoked key is refused
from the moment the transaction is done, and no token can be made that it missed.

A session ends :data:`IDLE_SECONDS` after its last use and :data:`LONGEST_SECONDS` after the sign-in; use is noted at
most every :data:`NOTED_SECONDS`, with one write. A key lasts until it is revoked.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from . import clock, items, users
from .items import ConditionFailed, Contended, Item

SESSION, KEY, LINK = "session", "key", "link"

IDLE_SECONDS = 12 * 3600
LONGEST_SECONDS = 14 * 86400
NOTED_SECONDS = 600
LINK_SECONDS = 24 * 3600

MOST = {SESSION: 20, KEY: 20, LINK: 5}
"""Of a user; for another session or link the oldest goes, another key is refused."""

_FOREVER = 2**40
_SWEPT_LATER = 86400
"""An item goes a day after its end at the earliest, so one that is listed and has not ended is there."""


class Inactive(Exception):
    """The account is deactivated."""


class NotASession(Exception):
    """The token is not that of a session."""


class NoSuchKey(Exception):
    """The user has no key with this id."""


class TooManyKeys(Exception):
    """The user has as many keys as may be."""


class BadLink(Exception):
    """The link was used, has ended, or never was."""


def digest(token: str) -> str:
    """What is stored of a token: SHA-256, 64 hex digits. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def check(token: str) -> Item | None:
    """The item of a session or key that is valid now, noting its use; None for any other token."""
    item = items.get("tokens", {"digest": digest(token)})
    now = clock.now()
    if item is None or item["kind"] == LINK or _ended(item, now):
        return None
    if now - (item["used"] or 0) >= NOTED_SECONDS:
        _note(item, now)
    return item


def _ended(item: Item, now: float) -> bool:
    return item["expires"] is not None and item["expires"] <= now


def _note(item: Item, now: float) -> None:
    """Note the use and, of a session, put off its end; a request does not fail for want of that."""
    item["used"] = now
    if item["kind"] == SESSION:
        item["expires"] = min(now + IDLE_SECONDS, item["ends"])
    operation = items.operation(
        "Update",
        "tokens",
        key={"digest": item["digest"]},
        update="SET #used = :used, #expires = :expires",
        condition="attribute_exists(#digest)",
        values={"used": now, "expires": item["expires"]},
        names={"#used": "used", "#expires": "expires", "#digest": "digest"},
    )
    try:
        items.write([operation], seconds=1.0)
    except (ConditionFailed, Contended):
        pass


def make(
    user: Item, kind: str, *, name: str = "", expires: float | None = None, **facts: Any
) -> tuple[Item, str, list]:
    """A new token of the user whose item is being changed (:func:`.users.change`): its item, the token, the operations.

    Raises
    ------
    Inactive, TooManyKeys
        It may not be made.
    """
    if not user["is_active"]:
        raise Inactive("This account is deactivated.")
    now = clock.now()
    token = secrets.token_hex(20)
    ends = {SESSION: now + LONGEST_SECONDS, LINK: now + LINK_SECONDS, KEY: expires}[kind]
    item = {
        "digest": digest(token),
        "kind": kind,
        "id": secrets.token_hex(6),
        "user_id": user["id"],
        "name": name,
        "created": clock.moment(),
        "used": now if kind == SESSION else None,
        "expires": now + IDLE_SECONDS if kind == SESSION else ends,
        "ends": ends,
        **said_of(user),
        **facts,
    }
    if ends is not None:
        item["expires_at"] = int(ends) + _SWEPT_LATER
    operations = _make_room(user, kind, now)
    user["tokens"][item["digest"]] = {"kind": kind, "id": item["id"], "ends": _FOREVER if ends is None else int(ends)}
    return item, token, [*operations, items.operation("Put", "tokens", item=item)]


def said_of(user: Item) -> Item:
    """What a token says of its owner."""
    return {
        "username": user["username"],
        "is_staff": bool(user.get("is_staff")),
        "is_superuser": bool(user.get("is_superuser")),
    }


def _make_room(user: Item, kind: str, now: float) -> list[dict]:
    """Forget what has ended and, where there are too many, end the oldest."""
    held = {d: t for d, t in user.get("tokens", {}).items() if t["ends"] > now}
    user["tokens"] = held
    same = sorted((d for d, t in held.items() if t["kind"] == kind), key=lambda d: held[d]["ends"])
    excess = same[: max(0, len(same) - MOST[kind] + 1)]
    if excess and kind == KEY:
        raise TooManyKeys(f"You have {len(same)} keys, and more may not be: revoke one that you do not use.")
    return end(user, *excess)


def end(user: Item, *digests: str) -> list[dict]:
    """Strike tokens off the user's item; the operations that remove them."""
    for one in digests:
        user.setdefault("tokens", {}).pop(one, None)
    return [items.operation("Delete", "tokens", key={"digest": one}) for one in digests]


def end_all(user: Item, *kinds: str, but: str | None = None) -> list[dict]:
    """Strike all tokens of some kinds off the user's item but one (a digest)."""
    ending = [d for d, t in user.get("tokens", {}).items() if t["kind"] in kinds and d != but]
    return end(user, *ending)


def retell(user: Item) -> list[dict]:
    """The operations that tell all tokens what their owner is called and may now."""
    now = clock.now()
    user["tokens"] = {d: t for d, t in user.get("tokens", {}).items() if t["ends"] > now}
    told = said_of(user)
    return [
        items.operation(
            "Update",
            "tokens",
            key={"digest": one},
            update="SET " + ", ".join(f"#{name} = :{name}" for name in told),
            values=told,
            names={f"#{name}": name for name in told},
        )
        for one in user["tokens"]
    ]


def issue(user_id: int, *, name: str, expires: float | None = None) -> tuple[Item, str]:
    """A new API key: its item, and the key, which cannot be read again."""
    made: list[tuple[Item, str]] = []

    def edit(user: Item) -> list[dict]:
        item, token, operations = make(user, KEY, name=name, expires=expires)
        made[:] = [(item, token)]
        return operations

    users.change(user_id, edit)
    return made[0]


def keys(user_id: int) -> list[Item]:
    """A user's keys, the oldest first."""
    user = users.get(user_id) or {}
    now = clock.now()
    listed = [d for d, t in user.get("tokens", {}).items() if t["kind"] == KEY and t["ends"] > now]
    found = items.batch_get("tokens", [{"digest": one} for one in listed])
    return sorted(found, key=lambda item: (item["created"], item["id"]))


def rename(user_id: int, key_id: str, name: str) -> Item:
    """Give a key another name."""
    user = users.get(user_id) or {}
    operation = items.operation(
        "Update",
        "tokens",
        key={"digest": _digest_of(user, key_id)},
        update="SET #name = :name",
        condition="attribute_exists(#digest)",
        values={"name": name},
        names={"#name": "name", "#digest": "digest"},
    )
    try:
        return items.write([operation])
    except ConditionFailed:
        raise _no_such_key(key_id) from None


def rotate(user_id: int, key_id: str) -> tuple[Item, str]:
    """Replace a key by a new one with the same id and name; the old one ends at once."""
    made: list[tuple[Item, str]] = []

    def edit(user: Item) -> list[dict]:
        old = _digest_of(user, key_id)
        kept = items.get("tokens", {"digest": old})
        if kept is None:
            raise _no_such_key(key_id)
        ending = end(user, old)
        item, token, operations = make(user, KEY, name=kept["name"], expires=kept["ends"])
        item["id"] = user["tokens"][item["digest"]]["id"] = key_id
        made[:] = [(item, token)]
        return [*ending, *operations[:-1], items.operation("Put", "tokens", item=item)]

    users.change(user_id, edit)
    return made[0]


def revoke(user_id: int, key_id: str) -> None:
    """End a key."""
    users.change(user_id, lambda user: end(user, _digest_of(user, key_id)))


def _digest_of(user: Item, key_id: str) -> str:
    for one, token in user.get("tokens", {}).items():
        if token["kind"] == KEY and token["id"] == key_id:
            return one
    raise _no_such_key(key_id)


def _no_such_key(key_id: str) -> NoSuchKey:
    return NoSuchKey(f"You have no key {key_id}.")


def sign_out(user_id: int, token: str, *, everywhere: bool) -> None:
    """End the session whose token this is, or all of the user's.

    Raises
    ------
    NotASession
        It is a key's, and only this one was to be ended.
    """
    own = digest(token)

    def edit(user: Item) -> list[dict]:
        if everywhere:
            return end_all(user, SESSION)
        if user.get("tokens", {}).get(own, {}).get("kind") != SESSION:
            raise NotASession("An API key has no session to end: revoke the key where it is listed.")
        return end(user, own)

    users.change(user_id, edit)


def make_link(user_id: int, purpose: str, **facts: Any) -> str:
    """A link's token, for one use within a day."""
    made: list[str] = []

    def edit(user: Item) -> list[dict]:
        _, token, operations = make(user, LINK, purpose=purpose, **facts)
        made[:] = [token]
        return operations

    users.change(user_id, edit)
    return made[0]


def read_link(token: str, purpose: str) -> Item:
    """The item of a link that may be used now.

    Raises
    ------
    BadLink
        It may not.
    """
    item = items.get("tokens", {"digest": digest(token)})
    if item is None or item.get("purpose") != purpose or _ended(item, clock.now()):
        raise BadLink("This link was used already, or is too old: ask for another one.")
    return item


def use_link(user: Item, link: Item) -> list[dict]:
    """Strike a link off the user's item: whoever comes second finds it gone.

    Raises
    ------
    BadLink
        It is gone.
    """
    if link["digest"] not in user.get("tokens", {}):
        raise BadLink("This link was used already, or is too old: ask for another one.")
    return end(user, link["digest"])
