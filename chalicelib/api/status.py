"""``GET /``: what answers here, and for those signed in how many files are in which state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalice import Blueprint

from .. import __version__
from ..domain.facets import Selection
from ..domain.permissions import scopes_of
from ..store import clients, clock, ledger, queues
from . import schemas
from .operation import OPTIONAL, Call, operation

routes = Blueprint(__name__)

STATUS = schemas.named(
    "Status",
    schemas.record(
        {
            "name": schemas.text(),
            "version": schemas.text(),
            "region": schemas.text(help="The region of the cloud, or local."),
            "status": schemas.one_of("ok"),
            "queues": schemas.mapping(schemas.integer(), help="Block → messages that wait or are worked on, about."),
            "counts": schemas.mapping(schemas.integer(), help="Status → files you may see."),
        },
        optional=("counts",),
    ),
)


QUEUES_SECONDS = 5
"""So long a count of the queues is shown again: SQS itself counts approximately, and everybody's page asks."""


@dataclass
class _Counted:
    moment: float
    depths: dict[str, int]


_counted: list[_Counted] = []


@routes.route("/", methods=["GET"], content_types=[])
@operation("Status of the service", who=OPTIONAL, answers={200: STATUS}, tag="service")
def status(call: Call) -> dict[str, Any]:
    """Name, version and place of the service, and its queues; for those signed in also their files by status."""
    body: dict[str, Any] = {
        "name": "Goodman Live",
        "version": __version__,
        "region": "local" if clients.endpoint_url() else clients.REGION,
        "status": "ok",
        "queues": _depths(),
    }
    if call.visitor is not None:
        selection = Selection()
        body["counts"] = ledger.facet_counts(ledger.read(scopes_of(call.visitor), selection), selection)["status"]
    return body


def _depths() -> dict[str, int]:
    now = clock.now()
    if not _counted or not 0 <= now - _counted[0].moment < QUEUES_SECONDS:
        _counted[:] = [_Counted(now, dict(queues.depths()))]
    return _counted[0].depths
