"""``/users``: people, for staff; ``/users/me``, for everybody about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint

from ..domain.letters import CREDENTIALS
from ..domain.permissions import Viewer
from ..domain.roster import EMAIL_PATTERN
from ..store import accounts, mail, signin, users
from . import links, schemas
from .operation import STAFF, Call, operation
from .parameters import NUMBER, PAGE, Query
from .problems import Conflict, NotAllowed, NotFound, Unprocessable
from .serialize import user_record

routes = Blueprint(__name__)

PAGE_SIZE = 20
COLOR_MAPS = ("gray", "viridis", "magma", "inferno", "plasma", "cividis", "cubehelix", "hot")
VISUAL_DEFAULTS = {"color_map": "gray", "show_saturated": True, "show_title": True}

_PRINTABLE = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"
_ONE_LINE = "one line of text, without control characters"
NAME = schemas.text(150, pattern=_PRINTABLE, says=_ONE_LINE)
USERNAME = schemas.text(
    150,
    shortest=1,
    pattern=r"^[A-Za-z0-9._+-]+$",
    says="made of letters without accents, digits, and . _ + -",
    help="Letters, digits, and . _ + -; upper and lower case are alike.",
)
EMAIL = schemas.text(254, shortest=3, pattern=f"^{EMAIL_PATTERN}$", says=schemas.AN_EMAIL)
INSTITUTION = schemas.text(200, pattern=_PRINTABLE, says=_ONE_LINE, help="The partner institution.")

_USER: dict[str, Any] = {
    "id": schemas.integer(1),
    "username": schemas.text(),
    "last_login": schemas.nullable(schemas.MOMENT),
    "first_name": schemas.text(),
    "last_name": schemas.text(),
    "email": schemas.text(),
    "is_staff": schemas.FLAG,
    "is_active": schemas.FLAG,
    "date_joined": schemas.MOMENT,
}
USER = schemas.named("User", schemas.record(_USER))
"""A person as the original shows one, in proposals too."""

_VISUAL: dict[str, Any] = {
    "color_map": schemas.one_of(*COLOR_MAPS),
    "show_saturated": schemas.FLAG,
    "show_title": schemas.FLAG,
}
_PROFILE: dict[str, Any] = {
    **_USER,
    "is_superuser": schemas.FLAG,
    "partner_institution": schemas.text(),
    "visual_options": schemas.record(_VISUAL),
}
PROFILE = schemas.named("Profile", schemas.record(_PROFILE))
"""A person with the facts the original does not show."""

PROFILES = schemas.named("ProfileList", schemas.listing(PROFILE))

INVITATION = schemas.named(
    "Invitation",
    schemas.record({"sent": schemas.FLAG, "detail": schemas.text(), "advice": schemas.array(schemas.text())}),
)

_DETAILS: dict[str, Any] = {"first_name": NAME, "last_name": NAME, "partner_institution": INSTITUTION}
_STAFF_FACTS: dict[str, Any] = {
    "is_staff": schemas.described(schemas.FLAG, "Set by superusers only."),
    "is_superuser": schemas.described(schemas.FLAG, "Set by superusers only."),
}
_NEW = schemas.record(
    {"username": USERNAME, "email": EMAIL, **_DETAILS, **_STAFF_FACTS}, optional=(*_DETAILS, *_STAFF_FACTS)
)
_EDIT: dict[str, Any] = {
    "username": USERNAME,
    "email": EMAIL,
    **_DETAILS,
    **_STAFF_FACTS,
    "is_active": schemas.described(schemas.FLAG, "False shuts the user out at once: sessions and keys are gone."),
}
_OWN: dict[str, Any] = {
    **_DETAILS,
    "visual_options": schemas.record(_VISUAL, optional=tuple(_VISUAL)),
    "email": schemas.described(EMAIL, "Becomes yours when you use the link that is sent to it."),
    "current_password": schemas.text(200, help="Needed for another e-mail address."),
}


def profile(user: Mapping[str, Any]) -> dict[str, Any]:
    """A person with all that staff and the person may know."""
    return user_record(user) | {
        "is_superuser": bool(user.get("is_superuser")),
        "partner_institution": user.get("partner_institution", ""),
        "visual_options": VISUAL_DEFAULTS | (user.get("visual_options") or {}),
    }


@routes.route("/users", methods=["GET"], content_types=[])
@operation(
    "List users",
    who=STAFF,
    query=(PAGE, Query("search", longest=100, help="In user name, names, e-mail or institution.")),
    answers={200: PROFILES},
    refuses=(404,),
    tag="users",
)
def list_users(call: Call) -> dict[str, Any]:
    """All users by user name, twenty a page."""
    wanted, page = (call.query["search"] or "").strip().lower(), call.query["page"]
    found = [user for user in users.everybody() if wanted in _searched(user)]
    pages = max(1, -(-len(found) // PAGE_SIZE))
    if page > pages:
        raise NotFound(f"There is no page {page}: {len(found)} users fill {pages} page{'s' if pages > 1 else ''}.")
    return {
        "count": len(found),
        "next": links.here(call.request, page=page + 1) if page < pages else None,
        "previous": links.here(call.request, page=page - 1) if page > 1 else None,
        "results": [profile(user) for user in found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]],
    }


def _searched(user: Mapping[str, Any]) -> str:
    fields = (user.get(name) or "" for name in ("username", "first_name", "last_name", "email", "partner_institution"))
    return " ".join(fields).lower()


@routes.route("/users", methods=["POST"], content_types=[])
@operation(
    "Create a user",
    who=STAFF,
    body=_NEW,
    answers={201: schemas.record({**_PROFILE, "invitation": INVITATION})},
    refuses=(403, 409),
    tag="users",
    idempotent=True,
)
def create_user(call: Call) -> dict[str, Any]:
    """A new account; a link that sets its password is mailed to it. Only superusers create staff and superusers."""
    facts = dict(call.body)
    if (facts.get("is_staff") or facts.get("is_superuser")) and not call.viewer.is_superuser:
        raise NotAllowed("Only superusers can create staff and superusers.")
    try:
        user = users.add(facts.pop("username"), facts.pop("email"), **facts)
    except users.Taken as error:
        raise Conflict(str(error)) from None
    return profile(user) | {"invitation": _invite(user)}


@routes.route("/users/me", methods=["GET"], content_types=[])
@operation("Show your own account", answers={200: PROFILE}, tag="users")
def show_me(call: Call) -> dict[str, Any]:
    """Who you are here, and your visual options."""
    return profile(_user(call.viewer.user_id))


@routes.route("/users/me", methods=["PATCH"], content_types=[])
@operation(
    "Change your own account",
    body=schemas.record(_OWN, optional=tuple(_OWN)),
    answers={200: schemas.record({**_PROFILE, "notice": schemas.text()}, optional=("notice",))},
    refuses=(503,),
    tag="users",
)
def change_me(call: Call) -> dict[str, Any]:
    """Names, partner institution, visual options, and, with your password, the e-mail address.

    Another address becomes yours when you use the link that is sent to it.
    """
    changes = dict(call.body)
    email, current = changes.pop("email", None), changes.pop("current_password", None)
    user = _user(call.viewer.user_id)
    notice = {}
    if email is not None and email != user["email"]:
        notice["notice"] = _ask_for_email(user["id"], email, current)
    if "visual_options" in changes:
        changes["visual_options"] = (user.get("visual_options") or {}) | changes["visual_options"]
    if changes:
        user = accounts.edit_user(user["id"], changes)
    return profile(user) | notice


def _ask_for_email(user_id: int, email: str, current: str | None) -> str:
    if current is None:
        sentence = "Give your current password to change your e-mail address."
        raise Unprocessable(sentence, [("/current_password", sentence)])
    try:
        signin.ask_for_email(user_id, email, current)
    except signin.WrongPassword as error:
        raise Unprocessable(str(error), [("/current_password", str(error))]) from None
    except mail.NotSent as error:
        raise Conflict(f"{error} Your e-mail address stays as it is.") from None
    return f"A link was sent to {email}: when you use it within a day, the address becomes yours."


@routes.route("/users/{identifier}", methods=["GET"], content_types=[])
@operation("Show a user", who=STAFF, path=(NUMBER,), answers={200: PROFILE}, refuses=(404,), tag="users")
def show_user(call: Call) -> dict[str, Any]:
    """The account of a user."""
    return profile(_user(call.path["identifier"]))


@routes.route("/users/{identifier}", methods=["PATCH"], content_types=[])
@operation(
    "Change a user",
    who=STAFF,
    path=(NUMBER,),
    body=schemas.record(_EDIT, optional=tuple(_EDIT)),
    answers={200: PROFILE},
    refuses=(403, 404, 409),
    tag="users",
)
def change_user(call: Call) -> dict[str, Any]:
    """The facts of an account; ``is_active: false`` shuts the user out at once.

    Only superusers change the accounts of staff and superusers, and make them. Your own account is changed at
    ``/users/me``.
    """
    user = _user(call.path["identifier"])
    _refuse_beyond(call.viewer, user, call.body)
    if not call.body:
        return profile(user)
    try:
        changed = accounts.edit_user(user["id"], dict(call.body))
    except users.Taken as error:
        raise Conflict(str(error)) from None
    signin.tell_former_address(changed, user["email"])
    return profile(changed)


def _refuse_beyond(viewer: Viewer, user: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    if not viewer.is_superuser:
        if user.get("is_staff") or user.get("is_superuser"):
            raise NotAllowed("Only superusers can change the accounts of staff; your own is at /users/me.")
        if changes.get("is_staff") or changes.get("is_superuser"):
            raise NotAllowed("Only superusers can make somebody staff or superuser.")
    elif viewer.user_id == user["id"]:
        kept = [name for name in ("is_active", "is_superuser") if changes.get(name) is False]
        if kept:
            raise Conflict("You cannot shut yourself out: ask another superuser.")


@routes.route("/users/{identifier}/invite", methods=["POST"], content_types=[])
@operation(
    "Invite a user again",
    who=STAFF,
    path=(NUMBER,),
    answers={200: INVITATION},
    refuses=(404, 409),
    tag="users",
)
def invite_user(call: Call) -> dict[str, Any]:
    """Mail the link that sets the password once more."""
    user = _user(call.path["identifier"])
    if not user["is_active"]:
        raise Conflict("This account is deactivated: activate it first.")
    return _invite(user)


def _invite(user: Mapping[str, Any]) -> dict[str, Any]:
    detail = f"A link that sets the password was sent to {user['email']}; it works once, and for a day."
    sent = True
    try:
        signin.invite(dict(user))
    except mail.NotSent as error:
        sent, detail = False, f"{error} The account is there: send the invitation again when that is put right."
    return {"sent": sent, "detail": detail, "advice": list(CREDENTIALS)}


def _user(user_id: int) -> dict[str, Any]:
    user = users.get(user_id, consistent=False)
    if user is None:
        raise NotFound(f"There is no user {user_id}.")
    return user
