"""What people write: comments on files, and notes in the observing log of a night.

A file's comments are one partition, ``file#<id>``, and a night's notes one for each scope that has any,
``night#<night>#<scope>``: however much some write, others read no more for it. The scopes that have notes of a night
are among those that the ledger has of it.

A comment is written in one transaction with its event, with its (scope, night) in the ledger, so that viewers are told,
and with the number ``comments`` on the record. That number is *added* to the record together with ``rev``: it waits for
no block that is about to publish the record, and whoever has read the record before sees that it changed
(:class:`.publish.Stale`) and reads it again. :mod:`.publish` carries the number over when a file is made anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..domain.records import MASTERS_SCOPE
from . import clock, items, ledger, publish
from .items import ConditionFailed, Item
from .subjects import frame_subject

MOST_OF_A_FILE = 500
"""Comments a file may have."""

_PARALLEL = 8

OBSERVATORY_SCOPE = MASTERS_SCOPE
"""Scope of notes for everybody: like master calibrations, every signed-in user sees them."""


class NoComment(LookupError):
    """There is no such comment."""


class TooManyComments(Exception):
    """The file has as many comments as it may have."""


@dataclass(frozen=True)
class Comment:
    """A comment.

    Attributes
    ----------
    id : str
        Sorts by time; one of its own within its file or night.
    file_id : int or None
        None for a note on the night.
    scope : str
        Who sees a note; of a comment on a file, the file's scope when it was written.
    time, edited : str
        ISO 8601, UT; ``edited`` is None for what nobody has changed.
    """

    id: str
    night: int
    file_id: int | None
    scope: str
    proposal: str | None
    text: str
    author_id: int
    author: str
    time: str
    edited: str | None
    edited_by: str | None


@dataclass(frozen=True)
class Author:
    """Who writes."""

    id: int
    name: str


def of_file(file_id: int, *, after: str = "", limit: int) -> list[Comment]:
    """Comments of a file, oldest first, from the one after ``after`` on; at most ``limit``."""
    return _partition(_of_file(file_id), after, limit)


def of_files(file_ids: Sequence[int], limit: int) -> Iterator[list[Comment]]:
    """Comments of each of some files; at most ``limit`` of each."""
    return _in_parallel([_of_file(file_id) for file_id in file_ids], "", limit)


def of_night(night: int, scopes: frozenset[str] | None, *, after: str = "", limit: int) -> list[Comment]:
    """Notes on a night that a viewer of ``scopes`` (None: all) sees, oldest first, from the one after ``after`` on.

    One query for each scope that has files or notes of the night; at most ``limit`` notes.
    """
    partitions = [_of_night(night, scope) for scope in _scopes(night, scopes)]
    found = [note for notes in _in_parallel(partitions, after, limit) for note in notes]
    return sorted(found, key=lambda note: note.id)[:limit]


def on_file(file_id: int, comment_id: str) -> Comment:
    """A comment of a file.

    Raises
    ------
    NoComment
        The file has none with this id.
    """
    return _one([{"about": _of_file(file_id), "written": comment_id}], comment_id)


def on_night(night: int, scopes: frozenset[str] | None, comment_id: str) -> Comment:
    """A note on a night, if it is for a viewer of ``scopes`` (None: all).

    Raises
    ------
    NoComment
        The viewer sees none with this id.
    """
    keys = [{"about": _of_night(night, scope), "written": comment_id} for scope in _scopes(night, scopes)]
    return _one(keys, comment_id)


def write_on_file(record: Mapping[str, Any], text: str, author: Author) -> Comment:
    """Write a comment on a file.

    Raises
    ------
    TooManyComments
        The file has :data:`MOST_OF_A_FILE`.
    """
    place = {"night": record["night"], "file_id": record["id"], "scope": record["scope"], "proposal": None}
    comment = _new(place, text, author)
    told = _told(comment, record, "commented", f"Comment by {author.name}.", author)
    try:
        items.write([_put(comment), _count(comment, 1), *told])
    except ConditionFailed as refused:
        if refused.old[1] is None:
            raise
        raise TooManyComments(
            f"{record['file_name']} has {MOST_OF_A_FILE} comments; write no more, or remove some first."
        ) from None
    return comment


def write_on_night(night: int, scope: str, proposal: str | None, text: str, author: Author) -> Comment:
    """Write a note on a night for those who see ``scope``; ``proposal`` is what it is called, None for everybody."""
    comment = _new({"night": night, "file_id": None, "scope": scope, "proposal": proposal}, text, author)
    items.write([_put(comment), *_told(comment, None, "commented", f"Note on the night by {author.name}.", author)])
    return comment


def edit(comment: Comment, text: str, editor: Author, record: Mapping[str, Any] | None = None) -> Comment:
    """Put another text in the place of a comment's; ``record`` is the file's it is about.

    Raises
    ------
    NoComment
        Somebody has removed it meanwhile.
    """
    sets = {"text": text, "edited": clock.moment(), "edited_by": editor.name}
    update = items.operation(
        "Update",
        "comments",
        key=_key(comment),
        update="SET " + ", ".join(f"#{name} = :{name}" for name in sets),
        condition="attribute_exists(written)",
        values=sets,
        names={f"#{name}": name for name in sets},
    )
    told = _told(comment, record, "comment edited", f"Comment of {comment.author} edited by {editor.name}.", editor)
    try:
        items.write([update, *told])
    except ConditionFailed:
        raise NoComment(_nothing(comment.id)) from None
    return Comment(**{**vars(comment), **sets})


def remove(comment: Comment, editor: Author, record: Mapping[str, Any] | None = None) -> None:
    """Remove a comment for good; ``record`` is the file's it is about.

    Raises
    ------
    NoComment
        Somebody has removed it already.
    """
    delete = items.operation("Delete", "comments", key=_key(comment), condition="attribute_exists(written)")
    counted = [_count(comment, -1)] if comment.file_id is not None else []
    told = _told(comment, record, "comment removed", f"Comment of {comment.author} removed by {editor.name}.", editor)
    try:
        items.write([delete, *counted, *told])
    except ConditionFailed:
        raise NoComment(_nothing(comment.id)) from None


def _nothing(comment_id: str) -> str:
    return f"There is no comment {comment_id}."


def _of_file(file_id: int) -> str:
    return f"file#{file_id}"


def _of_night(night: int, scope: str) -> str:
    return f"night#{night}#{scope}"


def _scopes(night: int, scopes: frozenset[str] | None) -> list[str]:
    """The scopes that may have notes of a night, of those a viewer sees: each note is told in the ledger."""
    return sorted(scope for scope, _ in ledger.keys(scopes, night, night))


def _key(comment: Comment) -> Item:
    file_id, night = comment.file_id, comment.night
    return {"about": _of_night(night, comment.scope) if file_id is None else _of_file(file_id), "written": comment.id}


def _partition(about: str, after: str, limit: int) -> list[Comment]:
    rows = items.query(
        "comments", "about = :about AND written > :after", {"about": about, "after": after or "!"}, limit=limit
    )
    return [_comment(row) for row in rows][:limit]


def _in_parallel(partitions: Sequence[str], after: str, limit: int) -> Iterator[list[Comment]]:
    if len(partitions) < 2:
        yield from (_partition(about, after, limit) for about in partitions)
        return
    with ThreadPoolExecutor(min(len(partitions), _PARALLEL)) as pool:
        yield from pool.map(lambda about: _partition(about, after, limit), partitions)


def _one(keys: list[Item], comment_id: str) -> Comment:
    for row in items.batch_get("comments", keys):
        return _comment(row)
    raise NoComment(_nothing(comment_id))


def _new(place: Mapping[str, Any], text: str, author: Author) -> Comment:
    identifier = f"{int(clock.now() * 1000):013d}-{secrets.token_hex(4)}"
    return Comment(
        id=identifier,
        text=text,
        author_id=author.id,
        author=author.name,
        time=clock.moment(),
        edited=None,
        edited_by=None,
        **place,
    )


def _put(comment: Comment) -> dict:
    written = {name: value for name, value in vars(comment).items() if name != "id"}
    return items.operation("Put", "comments", item=_key(comment) | written)


def _comment(row: Item) -> Comment:
    values = {name: row.get(name) for name in Comment.__dataclass_fields__}
    return Comment(**{**values, "id": row["written"]})  # type: ignore[arg-type]


def _count(comment: Comment, by: int) -> dict:
    """One comment more or less on the record; ``rev`` tells those who are about to write it."""
    limits = {"most": MOST_OF_A_FILE} if by > 0 else {}
    fewer = " AND (attribute_not_exists(#comments) OR #comments < :most)" if limits else ""
    return items.operation(
        "Update",
        "files",
        key={"id": comment.file_id},
        update="ADD #comments :by, rev :one",
        condition="attribute_exists(id)" + fewer,
        values={"by": by, "one": 1, **limits},
        names={"#comments": publish.COMMENTS},
    )


def _told(comment: Comment, record: Mapping[str, Any] | None, outcome: str, sentence: str, by: Author) -> list[dict]:
    """The event, and the touch of the ledger that tells viewers; not the text: what is removed must be gone."""
    subject = (
        (record.get("subject") or frame_subject(record["original_file_id"])) if record else f"night#{comment.night}"
    )
    event = {
        "block": "user",
        "outcome": outcome,
        "sentence": sentence,
        "file_id": comment.file_id,
        "file_name": record["file_name"] if record else None,
        "scope": record["scope"] if record else comment.scope,
        "night": comment.night,
        "actor": by.name,
    }
    return publish.told_operations([], subject, f"user{clock.now():.6f}", event)
