"""``/auth``: sign-in, passwords, API keys."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from chalice import Blueprint

from ..domain import letters
from ..domain.passwords import LONGEST
from ..store import credentials, signin, users
from . import schemas
from .operation import ANONYMOUS, Call, operation
from .parameters import Path
from .problems import Conflict, NotFound, NotSignedIn, TooLate, Unprocessable
from .users import NAME, PROFILE, profile

routes = Blueprint(__name__)

FORGOT_SECONDS = 1.0
"""How long an answer about a forgotten password takes, so that it does not tell whether a letter was written."""

_USERNAME = schemas.text(254, shortest=1, help="User name or e-mail address.")
_PASSWORD = schemas.text(LONGEST, shortest=1)
_TOKEN = schemas.text(80, shortest=20, help="What stands at the end of the link.")
_SENTENCES = schemas.array(schemas.text())

DETAIL = schemas.record({"detail": schemas.text(help="A sentence for the user.")})

SESSION = schemas.named(
    "Session",
    schemas.record(
        {
            "token": schemas.text(help="Send it as Authorization: Token …"),
            "expires": schemas.described(schemas.MOMENT, "If it is not used until then; use puts it off."),
            "user": PROFILE,
        }
    ),
)

_KEY: dict[str, Any] = {
    "id": schemas.text(12),
    "name": schemas.text(),
    "created": schemas.MOMENT,
    "last_used": schemas.nullable(schemas.described(schemas.MOMENT, "To within ten minutes.")),
}
KEY = schemas.named("Key", schemas.record(_KEY))
NEW_KEY = schemas.named(
    "NewKey",
    schemas.record({**_KEY, "key": schemas.text(help="Shown this once."), "advice": _SENTENCES}),
)
_KEY_NAME = schemas.record({"name": {**NAME, "minLength": 1, "maxLength": 100, "description": "What the key is for."}})
_KEY_ID = Path(
    "identifier",
    pattern="[0-9a-f]{12}",
    says="a key's id, as keys are listed",
    longest=12,
    help="The key's id, as it is listed.",
)


@routes.route("/auth/login", methods=["POST"], content_types=[])
@operation(
    "Sign in",
    who=ANONYMOUS,
    body=schemas.record({"username": _USERNAME, "password": _PASSWORD}),
    answers={200: SESSION},
    refuses=(401,),
    form=True,
    tag="session",
)
def sign_in(call: Call) -> dict[str, Any]:
    """A session's token for user name (or e-mail) and password.

    It ends 12 hours after its last use, and 14 days after the sign-in.
    """
    try:
        return _session(signin.sign_in(call.body["username"], call.body["password"], call.address))
    except signin.WrongCredentials as error:
        raise NotSignedIn(str(error)) from None


@routes.route("/auth/logout", methods=["POST"], content_types=[])
@operation(
    "Sign out",
    body=schemas.record(
        {"everywhere": schemas.described(schemas.FLAG, "End all your sessions.")}, optional=("everywhere",)
    ),
    answers={204: None},
    refuses=(409,),
    tag="session",
)
def sign_out(call: Call) -> None:
    """End this session, or all of yours."""
    try:
        credentials.sign_out(call.viewer.user_id, call.token or "", everywhere=call.body.get("everywhere", False))
    except credentials.NotASession as error:
        raise Conflict(str(error)) from None


@routes.route("/auth/password/forgot", methods=["POST"], content_types=[])
@operation(
    "Ask for a new password",
    who=ANONYMOUS,
    body=schemas.record({"username": _USERNAME}),
    answers={202: DETAIL},
    form=True,
    tag="session",
)
def forgot_password(call: Call) -> dict[str, Any]:
    """Mail a link that sets a password, if there is such an account; the answer does not tell whether there is."""
    begun = time.monotonic()
    signin.forgot(call.body["username"], call.address)
    time.sleep(max(0.0, FORGOT_SECONDS - (time.monotonic() - begun)))
    return {
        "detail": "If there is such an account, a link that sets its password is on its way to its e-mail address; "
        f"it works once, and for {letters.LINK_HOURS} hours."
    }


@routes.route("/auth/password/set", methods=["POST"], content_types=[])
@operation(
    "Set a password with a link",
    who=ANONYMOUS,
    body=schemas.record({"token": _TOKEN, "password": _PASSWORD}),
    answers={200: SESSION},
    refuses=(410,),
    tag="session",
)
def set_password(call: Call) -> dict[str, Any]:
    """Set the password with the token of a link that was mailed, and sign in; all other sessions end.

    A link works once, and for 24 hours. Where the password will not do, the link may be used again.
    """
    try:
        return _session(signin.set_password(call.body["token"], call.body["password"], call.address))
    except signin.WeakPassword as error:
        raise _weak(error) from None
    except credentials.BadLink as error:
        raise TooLate(str(error)) from None


@routes.route("/auth/password/change", methods=["POST"], content_types=[])
@operation(
    "Change your password",
    body=schemas.record({"current_password": _PASSWORD, "password": _PASSWORD}),
    answers={200: DETAIL},
    tag="session",
)
def change_password(call: Call) -> dict[str, Any]:
    """Change the password; all your other sessions end, API keys stay."""
    try:
        signin.change_password(
            call.viewer.user_id, call.body["current_password"], call.body["password"], call.token or ""
        )
    except signin.WrongPassword as error:
        raise Unprocessable(str(error), [("/current_password", str(error))]) from None
    except signin.WeakPassword as error:
        raise _weak(error) from None
    return {"detail": "Your password is changed and all your other sessions are ended. Your API keys stay valid."}


@routes.route("/auth/email/confirm", methods=["POST"], content_types=[])
@operation(
    "Confirm an e-mail address with a link",
    who=ANONYMOUS,
    body=schemas.record({"token": _TOKEN}),
    answers={200: DETAIL},
    refuses=(409, 410),
    tag="session",
)
def confirm_email(call: Call) -> dict[str, Any]:
    """Make the address that the link was mailed to that of the account which asked for it."""
    try:
        user = signin.confirm_email(call.body["token"], call.address)
    except credentials.BadLink as error:
        raise TooLate(str(error)) from None
    except users.Taken as error:
        raise Conflict(str(error)) from None
    return {"detail": f"{user['email']} is the address of your account now."}


@routes.route("/auth/advice", methods=["GET"], content_types=[])
@operation(
    "Advice about passwords and access",
    who=ANONYMOUS,
    answers={
        200: schemas.record({"credentials": _SENTENCES, "network_access": _SENTENCES, "password_rules": _SENTENCES})
    },
    tag="session",
)
def show_advice(call: Call) -> dict[str, Any]:
    """Sentences to be shown where people get access: on credentials, the network, and the rules for passwords."""
    return {
        "credentials": list(letters.CREDENTIALS),
        "network_access": list(letters.NETWORK_ACCESS),
        "password_rules": list(letters.PASSWORD_RULES),
    }


@routes.route("/auth/keys", methods=["GET"], content_types=[])
@operation(
    "List your API keys",
    answers={200: schemas.record({"results": schemas.array(KEY), "advice": _SENTENCES})},
    tag="session",
)
def list_keys(call: Call) -> dict[str, Any]:
    """Your keys, oldest first, without the keys themselves: nobody can read those again."""
    found = credentials.keys(call.viewer.user_id)
    return {"results": [_key(item) for item in found], "advice": list(letters.CREDENTIALS)}


@routes.route("/auth/keys", methods=["POST"], content_types=[])
@operation("Create an API key", body=_KEY_NAME, answers={201: NEW_KEY}, refuses=(409,), tag="session")
def create_key(call: Call) -> dict[str, Any]:
    """A new key, shown this once. It lasts until it is revoked; at most 20 are yours at once."""
    try:
        return _new_key(*credentials.issue(call.viewer.user_id, name=call.body["name"]))
    except (credentials.TooManyKeys, credentials.Inactive) as error:
        raise Conflict(str(error)) from None


@routes.route("/auth/keys/{identifier}", methods=["PATCH"], content_types=[])
@operation("Rename an API key", path=(_KEY_ID,), body=_KEY_NAME, answers={200: KEY}, refuses=(404,), tag="session")
def rename_key(call: Call) -> dict[str, Any]:
    """Say what a key is for."""
    try:
        return _key(credentials.rename(call.viewer.user_id, call.path["identifier"], call.body["name"]))
    except credentials.NoSuchKey as error:
        raise NotFound(str(error)) from None


@routes.route("/auth/keys/{identifier}", methods=["DELETE"], content_types=[])
@operation("Revoke an API key", path=(_KEY_ID,), answers={204: None}, refuses=(404,), tag="session")
def revoke_key(call: Call) -> None:
    """End a key, from now on."""
    try:
        credentials.revoke(call.viewer.user_id, call.path["identifier"])
    except credentials.NoSuchKey as error:
        raise NotFound(str(error)) from None


@routes.route("/auth/keys/{identifier}/rotate", methods=["POST"], content_types=[])
@operation("Rotate an API key", path=(_KEY_ID,), answers={200: NEW_KEY}, refuses=(404, 409), tag="session")
def rotate_key(call: Call) -> dict[str, Any]:
    """Another key under the same id and name, shown this once; the old one is refused from now on."""
    try:
        return _new_key(*credentials.rotate(call.viewer.user_id, call.path["identifier"]))
    except credentials.NoSuchKey as error:
        raise NotFound(str(error)) from None
    except credentials.Inactive as error:
        raise Conflict(str(error)) from None


def _session(session: signin.Session) -> dict[str, Any]:
    return {"token": session.token, "expires": _moment(session.expires), "user": profile(session.user)}


def _key(item: dict[str, Any]) -> dict[str, Any]:
    used = None if item["used"] is None else _moment(item["used"])
    return {"id": item["id"], "name": item["name"], "created": item["created"], "last_used": used}


def _new_key(item: dict[str, Any], token: str) -> dict[str, Any]:
    return _key(item) | {"key": token, "advice": list(letters.KEY_ADVICE)}


def _weak(error: signin.WeakPassword) -> Unprocessable:
    return Unprocessable(str(error), [("/password", sentence) for sentence in error.sentences])


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds")
