"""The matrix' rows of proposals, collaborators and settings."""

from __future__ import annotations

from tests.api.matrix import STAFF_200, Row, signed_in

_MEMBERS = signed_in(404, collaborator=200)
_NOT_COLLABORATORS = signed_in(404, collaborator=403, pi=200)

ROWS: tuple[Row, ...] = (
    Row("GET", "/proposals", "/proposals", signed_in(200)),
    # every column after the first finds the SOAR id taken, whoever could make it
    Row(
        "POST",
        "/proposals",
        "/proposals",
        signed_in(403, staff=409),
        body={"soar_id": "SOAR2026B-014", "title": "Taken", "email": "pi@example.org"},
    ),
    Row("GET", "/proposals/next-id", "/proposals/next-id", STAFF_200),
    Row("GET", "/proposals/unassigned", "/proposals/unassigned", STAFF_200),
    Row(
        "POST",
        "/proposals/import",
        "/proposals/import?dry_run=true",
        STAFF_200,
        body={"csv": "soar_id,title,email\nSOAR2027A-001,Novae,new@example.org\n"},
    ),
    Row("GET", "/proposals/{identifier}", lambda g: f"/proposals/{g.proposal}", _MEMBERS),
    Row(
        "PATCH",
        "/proposals/{identifier}",
        lambda g: f"/proposals/{g.proposal}",
        STAFF_200,
        body={"title": "Another title"},
    ),
    Row(
        "GET",
        "/proposals/collaborators/{identifier}",
        lambda g: f"/proposals/collaborators/{g.proposal}",
        _MEMBERS,
    ),
    Row(
        "POST",
        "/proposals/collaborators/{identifier}",
        lambda g: f"/proposals/collaborators/{g.proposal}",
        _NOT_COLLABORATORS,
        body={"email": "collaborator@example.org", "action": "add"},
    ),
    Row(
        "GET",
        "/proposals/settings/{identifier}",
        lambda g: f"/proposals/settings/{g.proposal}",
        _MEMBERS,
    ),
    Row(
        "PUT",
        "/proposals/settings/{identifier}",
        lambda g: f"/proposals/settings/{g.proposal}",
        _NOT_COLLABORATORS,
        body={"revision": 0, "settings": {}},
    ),
    Row(
        "PATCH",
        "/proposals/settings/{identifier}",
        lambda g: f"/proposals/settings/{g.proposal}",
        _NOT_COLLABORATORS,
        body={"revision": 0, "settings": {"flat_order": 15}},
    ),
)
