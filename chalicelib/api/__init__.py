"""The REST API: one Blueprint per resource; parse → rule → store → serialize.

Routes carry no ``/api`` (the stage is named so) and no trailing slash (API Gateway and the one-machine stack take a
path with and without it).
"""

from __future__ import annotations

from chalice import Chalice

from . import files, problems, status

BLUEPRINTS = (status.routes, files.routes)


def register(app: Chalice) -> None:
    """Add every resource and the answers to errors to ``app``."""
    app.register_middleware(problems.middleware, "http")
    for routes in BLUEPRINTS:
        app.register_blueprint(routes)
