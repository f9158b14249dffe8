"""Rows of the matrix: lists, menus, lineage, exports, manifests, archives, candidates, pictures."""

from __future__ import annotations

from chalicelib.store import jobs
from tests.api.matrix import Given, Row, signed_in


def given(there: Given) -> None:
    """An archive that ``pi`` asked for."""
    job = jobs.create("zip", there.users["pi"], selected=[there.file], scopes=["SOAR2026B-014"], name="two.zip")
    there.more["archive"] = job["id"]


ROWS = (
    Row("GET", "/files/facets", "/files/facets?obstype=ARC", signed_in(200)),
    Row("GET", "/files/{identifier}/lineage", lambda g: f"/files/{g.file}/lineage", signed_in(404, collaborator=200)),
    Row("GET", "/files/{identifier}/export", lambda g: f"/files/{g.file}/export", signed_in(404, collaborator=409)),
    Row(
        "GET",
        "/files/{identifier}/candidates",
        lambda g: f"/files/{g.file}/candidates",
        signed_in(404, collaborator=409),
    ),
    Row(
        "GET",
        "/files/{identifier}/visualize",
        lambda g: f"/files/{g.file}/visualize",
        signed_in(404, collaborator=200),
    ),
    Row(
        "POST",
        "/files/manifest",
        "/files/manifest",
        signed_in(404, collaborator=200),
        body=lambda g: {"ids": [g.file]},
    ),
    Row("POST", "/files/zip", "/files/zip", signed_in(404, collaborator=202), body=lambda g: {"ids": [g.file]}),
    Row(
        "GET",
        "/jobs/{identifier}/download",
        lambda g: f"/jobs/{g.more['archive']}/download",
        signed_in(404, pi=409),
    ),
)
