"""``GET /``: what answers here, and for those signed in how many files are in which state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalice import Blueprint

from .. import __version__
from ..domain.facets import Selection
from ..domain.permissions import scopes_of
from ..store import clients, clock, ledger, queue_ages, queues
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
            "ages": schemas.mapping(
                schemas.nullable(schemas.integer()),
                help="Block → seconds its oldest message has been waiting or worked on, a minute or two ago; "
                "null where there is none or it is not known.",
            ),
            "counts": schemas.mapping(schemas.integer(), help="Status → files you may see."),
        },
        optional=("counts",),
    ),
)


QUEUES_SECONDS = 5
"""So long a count of the queues is shown again: SQS itself counts approximately, and everybody's page asks."""


AGES_SECONDS = 30
"""So long the ages are: SQS tells them once a minute. A refusal is kept as long, so that it delays no other request."""


_kept: dict[str, tuple[float, Mapping[str, Any]]] = {}
"""What was asked for → when, and the answer; kept in the warm function."""


def forget() -> None:
    """Ask anew at the next request (tests)."""
    _kept.clear()


@routes.route("/", methods=["GET"], content_types=[])
@operation("Status of the service", who=OPTIONAL, answers={200: STATUS}, tag="service")
def status(call: Call) -> dict[str, Any]:
    """Name, version and place of the service, and its queues; for those signed in also their files by status."""
    body: dict[str, Any] = {
        "name": "Goodman Live",
        "version": __version__,
        "region": "local" if clients.endpoint_url() else clients.REGION,
        "status": "ok",
        **_queues(),
    }
    if call.visitor is not None:
        selection = Selection()
        body["counts"] = ledger.facet_counts(ledger.read(scopes_of(call.visitor), selection), selection)["status"]
    return body


def _queues() -> dict[str, Any]:
    depths = _recent("depths", QUEUES_SECONDS, queues.depths)
    # Nobody pays for the question while there is nothing to ask about, which is most of a day.
    ages = _recent("ages", AGES_SECONDS, queue_ages.of_blocks) if any(depths.values()) else {}
    return {
        "queues": dict(depths),
        "ages": {block: ages.get(block) if depth else None for block, depth in depths.items()},
    }


def _recent(what: str, seconds: float, ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The answer of ``ask``, at most so many seconds old."""
    now = clock.now()
    if what not in _kept or not 0 <= now - _kept[what][0] < seconds:
        _kept[what] = now, ask()
    return _kept[what][1]
