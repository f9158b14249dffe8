"""To whom letters may be written: active users, by e-mail address or user name."""

from __future__ import annotations

from collections.abc import Sequence

from . import items
from .items import Item


def recipients(names: Sequence[str]) -> list[Item | None]:
    """The active user behind each e-mail address or user name; None where there is none.

    Two batches of reads, whatever the number of names (up to 100).
    """
    identities = [f"{'email' if '@' in name else 'user'}#{name.strip().lower()}" for name in names]
    keys = [{"identity": identity} for identity in sorted(set(identities))]
    ids = {row["identity"]: row["id"] for row in items.batch_get("identities", keys, consistent=False)}
    users = {
        user["id"]: user
        for user in items.batch_get("users", [{"id": number} for number in sorted(set(ids.values()))], consistent=False)
    }
    found = (users.get(ids.get(identity, 0)) for identity in identities)
    return [user if user and user.get("is_active") and user.get("email") else None for user in found]
