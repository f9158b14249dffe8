"""``/files/{identifier}/comments`` and ``/nights/{night}/comments``: what people write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint

from ..domain.permissions import Viewer, scopes_of
from ..domain.plaintext import NotPlain, plain
from ..domain.records import scope_of
from ..store import comments, identities
from ..store.comments import OBSERVATORY_SCOPE, Author, Comment
from . import links, schemas
from .files import visible_record
from .operation import Call, operation
from .parameters import FILE_ID, Path, Query
from .problems import NotAllowed, Unprocessable
from .schemas import integer, listing, named, nullable, record, text

routes = Blueprint(__name__)

PAGE_SIZE = 100
LONGEST = 2_000
_ID = "[0-9]{13}-[0-9a-f]{8}"
_AN_ID = "a comment's id, as comments are listed"

COMMENT = named(
    "Comment",
    record(
        {
            "id": text(22),
            "night": integer(help="yyyymmdd."),
            "file_id": nullable(integer(help="Null: a note on the night.")),
            "file_name": nullable(text()),
            "proposal": nullable(text(help="Who reads a note: those of this proposal. Null: everybody; or on a file.")),
            "text": text(LONGEST, help="Plain text: show it as it is, never as HTML."),
            "author": text(help="User name."),
            "time": schemas.MOMENT,
            "edited": nullable(schemas.MOMENT),
            "edited_by": nullable(text(help="User name.")),
            "yours": schemas.FLAG | {"description": "You may edit and remove it."},
        }
    ),
)

_TEXT = text(LONGEST, shortest=1, help="Plain text, several lines if need be.")
NEW_COMMENT = named("NewComment", record({"text": _TEXT}))
NEW_NOTE = named(
    "NewNote",
    record(
        {
            "text": _TEXT,
            "proposal": nullable(
                text(80, shortest=1, help="SOAR id of the proposal whose people read it; only staff may leave it out.")
            ),
        },
        optional=("proposal",),
    ),
)

COMMENT_ID = Path("comment", "text", pattern=_ID, says=_AN_ID, help="The comment's id.")
NIGHT = Path("night", "night", help="The night, yyyymmdd or yyyy-mm-dd.")
AFTER = Query("after", "text", pattern=_ID, says=_AN_ID, help="Only comments after the one with this id.")


@routes.route("/files/{identifier}/comments", methods=["GET"], content_types=[])
@operation(
    "List a file's comments",
    path=(FILE_ID,),
    query=(AFTER,),
    answers={200: listing(COMMENT)},
    refuses=(404,),
    tag="comments",
)
def list_file_comments(call: Call) -> dict[str, Any]:
    """What people wrote about a file, oldest first; ``next`` leads on where there is more than a page."""
    about = visible_record(call.viewer, call.path["identifier"])
    found = comments.of_file(about["id"], after=call.query["after"] or "", limit=PAGE_SIZE + 1)
    return _page(call, found, about.get("comments", 0), about)


@routes.route("/files/{identifier}/comments", methods=["POST"], content_types=[])
@operation(
    "Comment on a file",
    path=(FILE_ID,),
    body=NEW_COMMENT,
    answers={201: COMMENT},
    refuses=(404, 409),
    tag="comments",
    form=True,
    idempotent=True,
)
def comment_on_file(call: Call) -> dict[str, Any]:
    """Write a comment on a file; whoever sees the file reads it."""
    about = visible_record(call.viewer, call.path["identifier"])
    return shown(comments.write_on_file(about, _plain(call), _author(call.viewer)), call.viewer, about)


@routes.route("/files/{identifier}/comments/{comment}", methods=["PATCH"], content_types=[])
@operation(
    "Edit a comment on a file",
    path=(FILE_ID, COMMENT_ID),
    body=NEW_COMMENT,
    answers={200: COMMENT},
    refuses=(403, 404),
    tag="comments",
    form=True,
)
def edit_file_comment(call: Call) -> dict[str, Any]:
    """Put another text in the place of a comment's: its author, and staff."""
    about = visible_record(call.viewer, call.path["identifier"])
    comment = _own(call.viewer, comments.on_file(about["id"], call.path["comment"]))
    return shown(comments.edit(comment, _plain(call), _author(call.viewer), about), call.viewer, about)


@routes.route("/files/{identifier}/comments/{comment}", methods=["DELETE"], content_types=[])
@operation(
    "Remove a comment from a file",
    path=(FILE_ID, COMMENT_ID),
    answers={204: None},
    refuses=(403, 404),
    tag="comments",
)
def remove_file_comment(call: Call) -> None:
    """Remove a comment for good: its author, and staff."""
    about = visible_record(call.viewer, call.path["identifier"])
    comments.remove(_own(call.viewer, comments.on_file(about["id"], call.path["comment"])), _author(call.viewer), about)


@routes.route("/nights/{night}/comments", methods=["GET"], content_types=[])
@operation("List a night's notes", path=(NIGHT,), query=(AFTER,), answers={200: listing(COMMENT)}, tag="comments")
def list_night_comments(call: Call) -> dict[str, Any]:
    """The notes on a night that are for everybody or for your proposals, oldest first."""
    scopes = scopes_of(call.viewer)
    found = comments.of_night(call.path["night"], scopes, after=call.query["after"] or "", limit=PAGE_SIZE + 1)
    return _page(call, found, None, None)


@routes.route("/nights/{night}/comments", methods=["POST"], content_types=[])
@operation(
    "Write a note on a night",
    path=(NIGHT,),
    body=NEW_NOTE,
    answers={201: COMMENT},
    tag="comments",
    form=True,
    idempotent=True,
)
def comment_on_night(call: Call) -> dict[str, Any]:
    """Write into a night's observing log: for the people of a proposal of yours, or (staff) for everybody."""
    scope, proposal = _addressed(call.viewer, call.body.get("proposal"))
    note = comments.write_on_night(call.path["night"], scope, proposal, _plain(call), _author(call.viewer))
    return shown(note, call.viewer)


@routes.route("/nights/{night}/comments/{comment}", methods=["PATCH"], content_types=[])
@operation(
    "Edit a note on a night",
    path=(NIGHT, COMMENT_ID),
    body=NEW_COMMENT,
    answers={200: COMMENT},
    refuses=(403, 404),
    tag="comments",
    form=True,
)
def edit_night_comment(call: Call) -> dict[str, Any]:
    """Put another text in the place of a note's: its author, and staff."""
    return shown(comments.edit(_own_note(call), _plain(call), _author(call.viewer)), call.viewer)


@routes.route("/nights/{night}/comments/{comment}", methods=["DELETE"], content_types=[])
@operation(
    "Remove a note from a night",
    path=(NIGHT, COMMENT_ID),
    answers={204: None},
    refuses=(403, 404),
    tag="comments",
)
def remove_night_comment(call: Call) -> None:
    """Remove a note for good: its author, and staff."""
    comments.remove(_own_note(call), _author(call.viewer))


def shown(comment: Comment, viewer: Viewer, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A comment as the API shows it; ``about`` is the record of its file."""
    return {
        "id": comment.id,
        "night": comment.night,
        "file_id": comment.file_id,
        "file_name": about["file_name"] if about else None,
        "proposal": comment.proposal,
        "text": comment.text,
        "author": comment.author,
        "time": comment.time,
        "edited": comment.edited,
        "edited_by": comment.edited_by,
        "yours": _may_change(viewer, comment),
    }


def _page(call: Call, found: list[Comment], count: int | None, about: Mapping[str, Any] | None) -> dict[str, Any]:
    page = found[:PAGE_SIZE]
    return {
        "count": count,
        "next": links.here(call.request, after=page[-1].id) if len(found) > PAGE_SIZE else None,
        "previous": None,
        "results": [shown(comment, call.viewer, about) for comment in page],
    }


def _plain(call: Call) -> str:
    try:
        return plain(call.body["text"])
    except NotPlain as error:
        raise Unprocessable(f"The comment cannot be kept: {error}", [("/text", str(error))]) from None


def _author(viewer: Viewer) -> Author:
    return Author(viewer.user_id, viewer.username)


def _may_change(viewer: Viewer, comment: Comment) -> bool:
    return viewer.is_staff or viewer.is_superuser or viewer.user_id == comment.author_id


def _own(viewer: Viewer, comment: Comment) -> Comment:
    if not _may_change(viewer, comment):
        raise NotAllowed("Only its author and staff may change a comment.")
    return comment


def _own_note(call: Call) -> Comment:
    return _own(call.viewer, comments.on_night(call.path["night"], scopes_of(call.viewer), call.path["comment"]))


def _addressed(viewer: Viewer, proposal: str | None) -> tuple[str, str | None]:
    """The scope of a note for a proposal's people, and what the proposal is called; None is for everybody."""
    staff = scopes_of(viewer) is None
    if proposal is None:
        if staff:
            return OBSERVATORY_SCOPE, None
        raise Unprocessable(
            "Say for which of your proposals the note is: only staff write for everybody.",
            [("/proposal", f"must be one of {', '.join(sorted(viewer.scopes)) or 'your proposals (you have none)'}.")],
        )
    scope = scope_of(proposal)
    known = identities.known(f"proposal#{scope}") is not None if staff else scope in viewer.scopes
    if not known:
        sentence = f"There is no proposal {proposal} of yours." if not staff else f"There is no proposal {proposal}."
        raise Unprocessable(sentence, [("/proposal", sentence)])
    return scope, scope
