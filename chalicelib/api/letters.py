"""``POST /email``: staff write to users."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from ..domain.plaintext import NotPlain, plain
from ..store.recipients import recipients
from .operation import STAFF, Call, operation
from .problems import Unprocessable
from .schemas import array, named, record, text

routes = Blueprint(__name__)

MOST_RECIPIENTS = 50

NEW_LETTER = named(
    "NewLetter",
    record(
        {
            "to": array(
                text(254, shortest=1), fewest=1, most=MOST_RECIPIENTS, help="E-mail addresses or user names of users."
            ),
            "subject": text(150, shortest=1),
            "text": text(10_000, shortest=1, help="Plain text."),
        }
    ),
)

SENT = named(
    "Sent",
    record(
        {
            "sent": array(text(), help="User names of those it was sent to."),
            "failed": array(record({"to": text(help="User name."), "why": text()}), help="Those it was not sent to."),
        }
    ),
)


@routes.route("/email", methods=["POST"], content_types=[])
@operation(
    "Write to users",
    who=STAFF,
    body=NEW_LETTER,
    answers={200: SENT},
    tag="users",
    idempotent=True,
)
def write_letter(call: Call) -> dict[str, Any]:
    """Send a letter to each of some users by itself: nobody sees the others' addresses. Fifty users at the most."""
    from ..domain.letters import Letter
    from ..store import mail  # most requests send no letters

    subject, content = _plain(call, "subject", lines=False), _plain(call, "text", lines=True)
    people = recipients(call.body["to"])
    errors = [
        (f"/to/{number}", f"No active user has the e-mail address or user name {name}.")
        for number, (name, user) in enumerate(zip(call.body["to"], people))
        if user is None
    ]
    if errors:
        raise Unprocessable("Letters go to users only; nothing was sent.", errors)
    letter = Letter(subject, f"{content}\n\n-- \n{call.viewer.username}, staff of Goodman Live\n")
    sent: list[str] = []
    failed: list[dict[str, str]] = []
    for username, address in {user["username"]: user["email"] for user in people if user}.items():
        try:
            mail.send(address, letter)
        except mail.NotSent as error:
            failed.append({"to": username, "why": str(error)})
        else:
            sent.append(username)
    return {"sent": sent, "failed": failed}


def _plain(call: Call, name: str, *, lines: bool) -> str:
    try:
        return plain(call.body[name], lines=lines)
    except NotPlain as error:
        raise Unprocessable("The letter cannot be sent as it is.", [(f"/{name}", str(error))]) from None
