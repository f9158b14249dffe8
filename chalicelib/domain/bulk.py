"""What a message on the bulk queue asks for: work on many subjects, or on a whole night of raw objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

MAX_SUBJECTS = 100
MAX_BYTES = 200_000
"""A message's size, below the 256 KiB that SQS takes."""


class BadBulkWork(ValueError):
    """A body that is no bulk work; the sentence says why."""


@dataclass(frozen=True)
class BulkWork:
    """One message of bulk work.

    Attributes
    ----------
    subjects : tuple of str
        To be looked at, in this order.
    reprocess : bool
        Give each the settings and science version now in force, instead of only looking at it.
    actor : str
        Who asked.
    raw_night : int or None
        Instead of subjects: every object under ``raw/<night>/`` is taken in (again).
    after : str
        Of the night, only objects whose keys come after this one: the others are done.
    tries : int
        So many times it failed, of a subject that was set apart.
    """

    subjects: tuple[str, ...] = ()
    reprocess: bool = False
    actor: str = ""
    raw_night: int | None = None
    after: str = ""
    tries: int = 0

    def body(self) -> str:
        """The message; what is not set is left out."""
        return json.dumps({name: value for name, value in asdict(self).items() if value or name == "subjects"})

    @classmethod
    def parse(cls, body: str) -> Self:
        """The work a message asks for.

        Raises
        ------
        BadBulkWork
            The body is something else.
        """
        try:
            content = json.loads(body)
        except ValueError:
            raise BadBulkWork("The message is not JSON.") from None
        if not isinstance(content, dict):
            raise BadBulkWork("The message is not a JSON object.")
        work = cls(
            subjects=tuple(_of_type(content, "subjects", list, [])),
            reprocess=_of_type(content, "reprocess", bool, False),
            actor=_of_type(content, "actor", str, ""),
            raw_night=_of_type(content, "raw_night", int, None),
            after=_of_type(content, "after", str, ""),
            tries=_of_type(content, "tries", int, 0),
        )
        if not all(isinstance(subject, str) for subject in work.subjects):
            raise BadBulkWork("A subject of the message is not a text.")
        if bool(work.subjects) == (work.raw_night is not None):
            raise BadBulkWork("The message must name either subjects or a raw_night.")
        return work

    def only(self, subjects: Iterable[str]) -> Self:
        """The same work for other subjects."""
        return replace(self, subjects=tuple(subjects))


def _of_type(content: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    value = content.get(name, default)
    if value is not default and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise BadBulkWork(f"The message's {name} is not of the type {kind.__name__}.")
    return value


def split(work: BulkWork) -> Iterator[BulkWork]:
    """Parts of at most 100 subjects and 200 kB each, in order, without doubles.

    Raises
    ------
    BadBulkWork
        A subject's name alone is too long for a message.
    """
    part: list[str] = []
    empty = size = len(work.only(()).body())
    for subject in dict.fromkeys(work.subjects):
        room = len(json.dumps(subject)) + len(", ")
        if empty + room > MAX_BYTES:
            raise BadBulkWork(f"The subject {subject[:60]}… is too long for a message.")
        if part and (len(part) == MAX_SUBJECTS or size + room > MAX_BYTES):
            yield work.only(part)
            part, size = [], empty
        part.append(subject)
        size += room
    if part:
        yield work.only(part)
