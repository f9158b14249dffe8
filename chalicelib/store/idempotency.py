"""Requests that are done once however often they are sent: the header ``Idempotency-Key``.

One item per user and key in ``identities``: the request's digest, and the answer once there is one. A claim costs one
write and the answer one more; a repeat costs one write that is refused.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from . import clock, items
from .items import ConditionFailed

KEPT_SECONDS = 24 * 3600
ABANDONED_SECONDS = 60
"""After this a request without an answer was given up: the function that did it lives at most 29 s."""

LONGEST_KEY = 100
LARGEST_ANSWER = 300_000
"""Characters; DynamoDB's items end at 400 kB. A larger answer is not kept: its repeat is done again."""


class InProgress(Exception):
    """The same request is being done; its answer comes in ``seconds`` or so."""

    seconds = 2


class KeyReused(Exception):
    """The key was used for another request."""


@dataclass(frozen=True)
class Kept:
    """The answer the first request got."""

    status: int
    body: str


@dataclass(frozen=True)
class Claim:
    """The right to do a request; settle it with :meth:`keep` or :meth:`release`."""

    identity: str
    owner: str

    def keep(self, status: int, body: str) -> None:
        """Keep the answer for repeats; the claim of somebody who took over is left alone."""
        if len(body) > LARGEST_ANSWER:
            self.release()
            return
        self._write(
            "Update",
            update="SET #status = :status, #body = :body",
            values={"status": status, "body": body},
            names={"#status": "status", "#body": "body"},
        )

    def release(self) -> None:
        """Forget the request: it was refused, and may be sent again corrected."""
        self._write("Delete")

    def _write(self, kind: str, update: str = "", **arguments: dict) -> None:
        operation = items.operation(
            kind,
            "identities",
            key={"identity": self.identity},
            update=update,
            condition="#owner = :owner",
            values=arguments.get("values", {}) | {"owner": self.owner},
            names=arguments.get("names", {}) | {"#owner": "owner"},
        )
        try:
            items.write([operation])
        except ConditionFailed:
            pass


def digest(*parts: str | bytes) -> str:
    """What a request is: SHA-256 of its method, path and body."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()


def begin(user_id: int, key: str, request: str) -> Claim | Kept:
    """Claim a request (its digest), or what was answered to it before.

    Raises
    ------
    InProgress
        It is being done.
    KeyReused
        The key belongs to another request.
    """
    now = clock.now()
    claim = Claim(f"idempotency#{user_id}#{hashlib.sha256(key.encode()).hexdigest()}", uuid.uuid4().hex)
    item = {
        "identity": claim.identity,
        "owner": claim.owner,
        "request": request,
        "since": now,
        "expires_at": int(now) + KEPT_SECONDS,
    }
    operation = items.operation(
        "Put",
        "identities",
        item=item,
        condition="attribute_not_exists(#identity) OR expires_at <= :now"
        " OR (attribute_not_exists(#status) AND since <= :given_up AND #request = :request)",
        values={"now": now, "given_up": now - ABANDONED_SECONDS, "request": request},
        names={"#identity": "identity", "#status": "status", "#request": "request"},
    )
    try:
        items.write([operation])
    except ConditionFailed as refused:
        old = refused.old[0] or {}
        if old.get("owner") == claim.owner:  # written by an attempt whose answer was lost
            return claim
        if old.get("request") != request:
            raise KeyReused(
                "This Idempotency-Key was used for another request in the last 24 hours; "
                "send a new key with a new request."
            ) from None
        if "status" not in old:
            raise InProgress("The same request is being done now; ask again in a moment for its answer.") from None
        return Kept(old["status"], old["body"])
    return claim
