"""What a route is: who may ask, what it takes, what it answers. Enforced here, and described in OpenAPI from the same.

    @routes.route("/files/{identifier}", methods=["GET"], content_types=[])
    @operation("Show a file", who=SIGNED_IN, path=(FILE_ID,), answers={200: FILE}, refuses=(404,), tag="files")
    def show_file(call: Call) -> dict[str, Any]: ...

In this order: who asks, how often, the path, the query, the body, the view. What the view returns (a dictionary or a
list) is answered with the one success status that is declared; a ``Response`` goes as it is.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalice import Response
from chalice.app import handle_extra_types

from ..domain.permissions import Viewer
from ..store import accounts, idempotency, ratelimit
from . import bodies, parameters, problems, security
from .parameters import Parameter
from .problems import BadParameter, NotAllowed, NotSignedIn
from .session import address_of, token_of, viewer_with

ANONYMOUS = "anonymous"
"""Anybody; a token is not looked at."""
OPTIONAL = "optional"
"""Anybody; who sends a token must be signed in with it, and may be told more."""
SIGNED_IN = "signed in"
STAFF = "staff"
SUPERUSER = "superuser"

IDEMPOTENCY_KEY = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,100}")

View = Callable[["Call"], Any]


@dataclass(frozen=True)
class Call:
    """A request that keeps its route's contract.

    Attributes
    ----------
    visitor
        Who asks; None for nobody in particular. Views behind a sign-in use :attr:`viewer`.
    path, query
        Parsed and bounded values of every declared parameter.
    body
        The checked body; None where the route takes none.
    request
        The request as chalice has it, for links and headers.
    """

    visitor: Viewer | None
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Any
    request: Any

    @property
    def viewer(self) -> Viewer:
        """The signed-in user."""
        if self.visitor is None:
            raise NotSignedIn("Send your API key in the header Authorization: Token …")
        return self.visitor

    @property
    def token(self) -> str | None:
        """The token that was sent."""
        return token_of(self.request)

    @property
    def address(self) -> str:
        """The network address the request came from."""
        return address_of(self.request)


@dataclass(frozen=True)
class Operation:
    """A route's contract; see :func:`operation`."""

    title: str
    view: View = field(repr=False)
    who: str = SIGNED_IN
    path: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    body: Mapping[str, Any] | None = None
    answers: Mapping[int, Any] = field(default_factory=dict)
    refuses: tuple[int, ...] = ()
    tag: str = ""
    form: bool = False
    largest: int = bodies.LARGEST
    idempotent: bool = False

    @property
    def success(self) -> int:
        """The status of what a view returns as it is: the lowest that is declared."""
        return min(status for status in self.answers if 200 <= status < 300)

    @property
    def refusals(self) -> tuple[int, ...]:
        """The statuses of problems that may come: what follows from the contract, and what the view declares."""
        statuses = {400, 429, 500, 503, *self.refuses}
        if self.who != ANONYMOUS:
            statuses.add(401)
        if self.who in (STAFF, SUPERUSER):
            statuses.add(403)
        if self.body is not None:
            statuses |= {413, 422}
        if self.idempotent:
            statuses |= {409, 422}
        return tuple(sorted(statuses))

    def answer(self, **path: str) -> Response:
        """Answer the current request."""
        request = security.current.get()
        try:
            visitor = self._admit(request)
            call = self._call(request, visitor, path)
            if self.idempotent and visitor is not None and request.headers.get(IDEMPOTENCY_KEY):
                return self._once(call)
            return self._response(self.view(call))
        except Exception as error:
            return problems.answer_to(error, self.view.__name__)

    def _admit(self, request: Any) -> Viewer | None:
        """Who asks, if they may; counted against the limit of their token, or of their address if they have none."""
        token = None if self.who == ANONYMOUS else _token(request)
        if token is None and self.who in (ANONYMOUS, OPTIONAL):
            ratelimit.count(address_of(request), ratelimit.PER_ADDRESS)
            return None
        try:
            visitor = viewer_with(token)
        except NotSignedIn:
            ratelimit.count(address_of(request), ratelimit.PER_ADDRESS)
            raise
        ratelimit.count(accounts.digest(token or ""), ratelimit.PER_TOKEN)
        if self.who == STAFF and not (visitor.is_staff or visitor.is_superuser):
            raise NotAllowed("This is for staff only.")
        if self.who == SUPERUSER and not visitor.is_superuser:
            raise NotAllowed("This is for superusers only.")
        return visitor

    def _call(self, request: Any, visitor: Viewer | None, path: Mapping[str, str]) -> Call:
        return Call(
            visitor=visitor,
            path=parameters.read(self.path, {name: (text,) for name, text in path.items()}),
            query=parameters.read(self.query, parameters.everything(request)),
            body=None if self.body is None else bodies.read(request, self.body, form=self.form, largest=self.largest),
            request=request,
        )

    def _once(self, call: Call) -> Response:
        """Do a request that carries an idempotency key, or repeat what was answered to it."""
        request, key = call.request, call.request.headers[IDEMPOTENCY_KEY]
        if not _KEY.fullmatch(key):
            raise BadParameter(f"The header {IDEMPOTENCY_KEY} must have 1 to 100 visible ASCII characters.")
        names = json.dumps([request.method, request.path, call.path, call.query], sort_keys=True, default=str)
        begun = idempotency.begin(call.viewer.user_id, key, idempotency.digest(names, bytes(request.raw_body)))
        if isinstance(begun, idempotency.Kept):
            return _json_response(begun.status, begun.body)
        try:
            response = self._response(self.view(call))
        except Exception:
            begun.release()
            raise
        if not isinstance(response.body, str):
            response.body = json.dumps(response.body, separators=(",", ":"), default=handle_extra_types)
        begun.keep(response.status_code, response.body)
        return response

    def _response(self, result: Any) -> Response:
        if isinstance(result, Response):
            return result
        if result is None:
            return Response(body="", status_code=self.success, headers={"Content-Type": "text/plain"})
        return Response(body=result, status_code=self.success, headers={"Content-Type": "application/json"})


def operation(
    title: str,
    *,
    who: str = SIGNED_IN,
    path: tuple[Parameter, ...] = (),
    query: tuple[Parameter, ...] = (),
    body: Mapping[str, Any] | None = None,
    answers: Mapping[int, Any],
    refuses: tuple[int, ...] = (),
    tag: str,
    form: bool = False,
    largest: int = bodies.LARGEST,
    idempotent: bool = False,
) -> Callable[[View], Callable[..., Response]]:
    """Declare a route's contract and enforce it.

    Parameters
    ----------
    title : str
        A few words; the view's docstring is the description.
    who : str
        :data:`ANONYMOUS`, :data:`OPTIONAL`, :data:`SIGNED_IN`, :data:`STAFF` or :data:`SUPERUSER`. Finer rules raise
        ``NotAllowed`` or ``NotFound`` in the view.
    path, query
        Parameters; every variable part of the path must be declared.
    body
        Schema of the body (:mod:`.schemas`); None: a body is not looked at.
    answers
        Status → schema, ``Media``, a tuple of these (one status in several forms), or None for an empty body.
    refuses
        Statuses of problems the view itself raises (403, 404, 409 …); the contract's own are added.
    form
        A form body will do as well, whatever the Content-Type says.
    largest
        Bytes a body may have.
    idempotent
        The header ``Idempotency-Key`` is honoured. Never for an answer that is a secret: it is kept for a day.
    """

    def declare(view: View) -> Callable[..., Response]:
        contract = Operation(title, view, who, path, query, body, answers, refuses, tag, form, largest, idempotent)

        @functools.wraps(view)
        def answering(**given: str) -> Response:
            return contract.answer(**given)

        answering.operation = contract  # type: ignore[attr-defined]
        return answering

    return declare


def _token(request: Any) -> str | None:
    try:
        return token_of(request)
    except NotSignedIn:
        ratelimit.count(address_of(request), ratelimit.PER_ADDRESS)
        raise


def _json_response(status: int, body: str) -> Response:
    return Response(body=body, status_code=status, headers={"Content-Type": "application/json"})
