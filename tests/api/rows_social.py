"""Rows of the matrix: comments, nights, events, logs, letters."""

from __future__ import annotations

from chalicelib.store import comments
from chalicelib.store.comments import Author
from tests.api.matrix import Given, Row, signed_in

NIGHT = 20261121


def given(there: Given, filed: dict) -> None:
    """A comment and a note of ``pi`` to be edited, and one of each to be removed."""
    pi = Author(there.users["pi"], "pi")
    there.more["comment"], there.more["doomed"] = (comments.write_on_file(filed, "Clouds.", pi).id for _ in range(2))
    there.more["note"], there.more["doomed_note"] = (
        comments.write_on_night(NIGHT, filed["scope"], "SOAR2026B-014", "Clouds.", pi).id for _ in range(2)
    )


ROWS = (
    Row(
        "GET",
        "/files/{identifier}/comments",
        lambda g: f"/files/{g.file}/comments",
        signed_in(404, collaborator=200),
    ),
    Row(
        "POST",
        "/files/{identifier}/comments",
        lambda g: f"/files/{g.file}/comments",
        signed_in(404, collaborator=201),
        body={"text": "Seeing is better now."},
    ),
    Row(
        "PATCH",
        "/files/{identifier}/comments/{comment}",
        lambda g: f"/files/{g.file}/comments/{g.more['comment']}",
        signed_in(404, collaborator=403, pi=200),
        body={"text": "Thin clouds."},
    ),
    Row(
        "DELETE",
        "/files/{identifier}/comments/{comment}",
        lambda g: f"/files/{g.file}/comments/{g.more['doomed']}",
        signed_in(404, collaborator=403, pi=204, staff=404),
    ),
    Row("GET", "/nights/{night}/comments", f"/nights/{NIGHT}/comments", signed_in(200)),
    Row(
        "POST",
        "/nights/{night}/comments",
        f"/nights/{NIGHT}/comments",
        signed_in(422, collaborator=201),
        body={"text": "Dome open at 23:40.", "proposal": "SOAR2026B-014"},
    ),
    Row(
        "PATCH",
        "/nights/{night}/comments/{comment}",
        lambda g: f"/nights/{NIGHT}/comments/{g.more['note']}",
        signed_in(404, collaborator=403, pi=200),
        body={"text": "Dome open at 23:45."},
    ),
    Row(
        "DELETE",
        "/nights/{night}/comments/{comment}",
        lambda g: f"/nights/{NIGHT}/comments/{g.more['doomed_note']}",
        signed_in(404, collaborator=403, pi=204, staff=404),
    ),
    Row("GET", "/nights", "/nights", signed_in(200)),
    Row("GET", "/nights/{night}/log", f"/nights/{NIGHT}/log?format=csv", signed_in(200)),
    Row("GET", "/events", "/events", signed_in(200)),
    Row("GET", "/logs", "/logs?important=1", signed_in(200)),
    Row("GET", "/files/{identifier}/history", lambda g: f"/files/{g.file}/history", signed_in(404, collaborator=200)),
    Row(
        "POST",
        "/email",
        "/email",
        signed_in(403, staff=200),
        body={"to": ["pi"], "subject": "Tonight", "text": "The dome is open."},
    ),
)
