"""The REST API: one Blueprint per resource; parse → rule → store → serialize.

Routes carry no ``/api`` (the stage is named so) and no trailing slash (API Gateway and the one-machine stack take a
path with and without it).
"""

from __future__ import annotations

from chalice import Chalice

from . import (
    auth,
    candidates,
    collaborators,
    comments,
    decisions,
    deletions,
    documentation,
    events,
    exports,
    files,
    jobs,
    letters,
    lineage,
    logs,
    manifests,
    nights,
    proposal_settings,
    proposals,
    reductions,
    reprocessing,
    rosters,
    security,
    status,
    uploads,
    users,
    visualize,
)

BLUEPRINTS = (
    status.routes,
    documentation.routes,
    auth.routes,
    users.routes,
    files.routes,
    lineage.routes,
    exports.routes,
    manifests.routes,
    candidates.routes,
    visualize.routes,
    comments.routes,
    events.routes,
    letters.routes,
    logs.routes,
    nights.routes,
    proposals.routes,
    collaborators.routes,
    proposal_settings.routes,
    rosters.routes,
    decisions.routes,
    deletions.routes,
    jobs.routes,
    reductions.routes,
    reprocessing.routes,
    uploads.routes,
)


def register(app: Chalice) -> None:
    """Add every resource, what every answer carries, and the answers to browsers that ask before they send."""
    app.register_middleware(security.middleware, "http")
    for routes in BLUEPRINTS:
        app.register_blueprint(routes)
    for path, methods in list(app.routes.items()):
        app.route(path, methods=["OPTIONS"], content_types=[], name=f"preflight {path}")(security.preflight(methods))
