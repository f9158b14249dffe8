"""``/proposals/collaborators/{identifier}``: who else sees a proposal's files."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from ..store import memberships
from . import schemas
from .operation import Call, operation
from .parameters import NUMBER
from .problems import Conflict, NotAllowed, Unprocessable
from .proposals import EMAIL, PROPOSAL, seen, serialized
from .schemas import named, one_of, record

routes = Blueprint(__name__)

COLLABORATION = named(
    "Collaboration",
    record(
        {
            "email": schemas.described(EMAIL, "An unknown one makes a user, who gets a letter with a link."),
            "action": one_of("add", "remove"),
        }
    ),
)
OPTIONAL_COLLABORATION = named(
    "OptionalCollaboration", record(COLLABORATION["properties"], optional=("email", "action"))
)


@routes.route("/proposals/collaborators/{identifier}", methods=["GET"], content_types=[])
@operation(
    "List collaborators",
    path=(NUMBER,),
    body=OPTIONAL_COLLABORATION,
    form=True,
    answers={200: PROPOSAL},
    refuses=(403, 404, 409),
    tag="proposals",
)
def list_collaborators(call: Call) -> dict[str, Any]:
    """The proposal with its principal investigator and its collaborators.

    A body is for old scripts, which add and remove collaborators by ``GET``; use ``POST`` for that.
    """
    if not call.body:
        return serialized(seen(call.viewer, call.path["identifier"])[0])
    missing = [name for name in ("email", "action") if name not in call.body]
    if missing:
        raise Unprocessable(f"The body names no {missing[0]}.", [(f"/{missing[0]}", "This is needed.")])
    return _act(call)


@routes.route("/proposals/collaborators/{identifier}", methods=["POST"], content_types=[])
@operation(
    "Add or remove a collaborator",
    path=(NUMBER,),
    body=COLLABORATION,
    form=True,
    answers={200: PROPOSAL},
    refuses=(403, 404, 409),
    tag="proposals",
    idempotent=True,
)
def change_collaborators(call: Call) -> dict[str, Any]:
    """Add somebody to the proposal by e-mail, or remove somebody; done twice it leaves what doing it once left.

    For the principal investigator and staff. Who has no account gets one, and a letter with a link to set a password.
    """
    return _act(call)


def _act(call: Call) -> dict[str, Any]:
    from ..store import mail  # most requests send no letters

    proposal, role = seen(call.viewer, call.path["identifier"])
    if role == "collaborator" and not (call.viewer.is_staff or call.viewer.is_superuser):
        raise NotAllowed("Only the principal investigator and staff may change a proposal's collaborators.")
    email = call.body["email"]
    try:
        if call.body["action"] == "add":
            memberships.add(proposal, email)
        else:
            memberships.remove(proposal, email)
    except memberships.CannotJoin as refused:
        raise Conflict(str(refused)) from None
    except mail.NotSent as failure:
        raise Conflict(
            f"All is done, but the letter to {email} is not sent: do the same again to send it. {failure}"
        ) from None
    return serialized(proposal)
