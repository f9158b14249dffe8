"""``GET /``: what answers here, and for those signed in how many files are in which state."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from .. import __version__
from ..domain.facets import Selection
from ..domain.permissions import scopes_of
from ..store import clients, ledger
from .problems import answers
from .session import signed_in, token_of

routes = Blueprint(__name__)


@routes.route("/", methods=["GET"], content_types=[])
@answers
def status() -> dict[str, Any]:
    """Name, version and place of the service; counts by status for the viewer's files."""
    request = routes.current_request
    body: dict[str, Any] = {
        "name": "Goodman Live",
        "version": __version__,
        "region": "local" if clients.endpoint_url() else clients.REGION,
        "status": "ok",
    }
    if token_of(request) is not None:
        viewer = signed_in(request)
        selection = Selection()
        body["counts"] = ledger.facet_counts(ledger.read(scopes_of(viewer), selection), selection)["status"]
    return body
