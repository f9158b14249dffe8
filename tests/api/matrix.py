"""Who gets which status from which route: one row a route. A route without a row fails ``test_matrix.py``.

Every column asks with the same request, so a row shows the rule, not the data. What a row's request needs to be
there is made by :func:`given`; requests that change something must leave alone what other rows ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.store import accounts
from tests.filing import file, record

COLUMNS = ("anonymous", "stranger", "collaborator", "pi", "staff", "superuser", "deactivated", "expired")


@dataclass(frozen=True)
class Row:
    """A route, the request that is sent, and the status each column must get.

    ``path`` is what is asked for, a text or a function of :class:`Given`; ``body`` likewise.
    """

    method: str
    route: str
    path: str | Callable[[Given], str]
    statuses: tuple[int, ...]
    body: Any = None
    form: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Given:
    """What is there: ids the rows may name."""

    file: int = 0
    """A raw frame of SOAR2026B-014, the proposal of ``pi`` and ``collaborator``."""
    proposal: int = 0
    """SOAR2026B-014's number."""
    users: dict[str, int] = field(default_factory=dict)
    """User name → id."""
    more: dict[str, Any] = field(default_factory=dict)
    """Whatever else the rows of a resource need."""


def given() -> Given:
    """Make what the rows ask for."""
    filed = record()
    file(filed)
    users = {
        name: accounts.create_user(name, f"{name}@example.org")["id"]
        for name in ("pi", "collaborator", "stranger", "staff", "superuser")
    }
    proposal = accounts.create_proposal("SOAR2026B-014", pi=users["pi"], semester="2026B", title="")
    there = Given(file=filed["id"], proposal=proposal["id"], users=users)
    rows_social.given(there, filed)
    rows_actions.given(there)
    rows_reading.given(there)
    return there


def everyone(status: int) -> tuple[int, ...]:
    """Whoever asks, with whatever token."""
    return (status,) * len(COLUMNS)


def signed_in(
    stranger: int,
    collaborator: int | None = None,
    pi: int | None = None,
    staff: int | None = None,
    superuser: int | None = None,
) -> tuple[int, ...]:
    """Only the signed in; what is left out is as the column before it."""
    columns = [stranger]
    for status in (collaborator, pi, staff, superuser):
        columns.append(columns[-1] if status is None else status)
    return (401, *columns, 401, 401)


STAFF_200 = signed_in(403, staff=200)

from tests.api import rows_actions, rows_people, rows_proposals, rows_reading, rows_social  # noqa: E402 (the rows of a resource are made of what is above)

ROWS: tuple[Row, ...] = (
    Row("GET", "/", "/", (200, 200, 200, 200, 200, 200, 401, 401)),
    Row("GET", "/openapi.json", "/openapi.json", everyone(200)),
    Row("GET", "/docs", "/docs", everyone(200)),
    Row("GET", "/docs/{asset}", "/docs/page.js", everyone(200)),
    Row("GET", "/files", "/files", signed_in(200)),
    Row("GET", "/files/header", lambda g: f"/files/header?id={g.file}", signed_in(404, collaborator=409)),
    Row("GET", "/files/{identifier}", lambda g: f"/files/{g.file}", signed_in(404, collaborator=200)),
    Row("GET", "/files/{identifier}/download", lambda g: f"/files/{g.file}/download", signed_in(404, collaborator=200)),
    *rows_actions.ROWS,
    *rows_reading.ROWS,
    *rows_people.ROWS,
    *rows_social.ROWS,
    *rows_proposals.ROWS,
)
