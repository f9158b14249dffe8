"""``GET /openapi.json`` and ``GET /docs``: the API's description, for programs and for people."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from chalice import Blueprint, Response

from . import schemas
from .operation import ANONYMOUS, Call, operation
from .parameters import Path as PathParameter
from .problems import NotFound
from .schemas import Media

routes = Blueprint(__name__)

FOLDER = Path(__file__).with_name("page")
ASSETS = {"page.js": "text/javascript", "page.css": "text/css"}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'"


@routes.route("/openapi.json", methods=["GET"], content_types=[])
@operation("The OpenAPI document", who=ANONYMOUS, answers={200: schemas.mapping(help="OpenAPI 3.1.")}, tag="service")
def show_openapi(call: Call) -> Response:
    """Every route with what it takes and answers."""
    headers: dict[str, Any] = {"Content-Type": "application/json", "Cache-Control": "public, max-age=300"}
    return Response(body=_document(), status_code=200, headers=headers)


@routes.route("/docs", methods=["GET"], content_types=[])
@operation("The API's page", who=ANONYMOUS, answers={200: Media("text/html", "The page.")}, tag="service")
def show_page(call: Call) -> Response:
    """Every operation with what it takes and answers, and a form to try it."""
    return _file("page.html", "text/html")


@routes.route("/docs/{asset}", methods=["GET"], content_types=[])
@operation(
    "A part of the API's page",
    who=ANONYMOUS,
    path=(PathParameter("asset", longest=40, help="page.js or page.css."),),
    answers={200: (Media("text/javascript", "A part of the page."), Media("text/css"))},
    refuses=(404,),
    tag="service",
)
def show_asset(call: Call) -> Response:
    """Script and style of the page."""
    name = call.path["asset"]
    if name not in ASSETS:
        raise NotFound(f"There is no {name} here.")
    return _file(name, ASSETS[name])


def _file(name: str, kind: str) -> Response:
    headers: dict[str, Any] = {
        "Content-Type": f"{kind}; charset=utf-8",
        "Cache-Control": "public, max-age=300",
        "Content-Security-Policy": _POLICY,
    }
    return Response(body=(FOLDER / name).read_text(), status_code=200, headers=headers)


@cache
def _document() -> str:
    from . import openapi  # nobody else needs it, and few ask

    return openapi.as_text(routes._current_app.routes)  # type: ignore[union-attr]
