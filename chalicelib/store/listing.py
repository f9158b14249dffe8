"""From a place in the ledger to the records of a page: only the narrow rows of its nights are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import batched, islice

from ..domain.facets import Selection
from ..domain.nights import FILES_PER_NIGHT, night_of_file
from . import clients, codes, cursors, items, ledger, wire
from .cursors import BadCursor
from .items import Item
from .ledger import Stretch

_PARALLEL_QUERIES = 8

MOST_NIGHTS = 60
"""Nights one request looks through for a text."""

MOST_FILES = 2000
"""Files one request looks at for a text, about: they are read some hundreds at a time."""

_BATCH = 400


def ids(stretches: Iterable[Stretch], scopes: frozenset[str] | None, selection: Selection) -> list[int]:
    """File ids of a page, newest first."""
    wanted = list(stretches)
    if len(wanted) < 2:
        return [identifier for stretch in wanted for identifier in _of_stretch(stretch, scopes, selection)]
    with ThreadPoolExecutor(min(len(wanted), _PARALLEL_QUERIES)) as pool:
        found = pool.map(lambda stretch: _of_stretch(stretch, scopes, selection), wanted)
        return [identifier for part in found for identifier in part]


def _of_stretch(stretch: Stretch, scopes: frozenset[str] | None, selection: Selection) -> list[int]:
    rows = selected(stretch.night, scopes, selection)
    return list(islice(rows, stretch.skip, stretch.skip + stretch.take))


def selected(
    night: int, scopes: frozenset[str] | None, selection: Selection, *, beyond: int | None = None, oldest: bool = False
) -> Iterator[int]:
    """Ids of the selected files of a night that a viewer of ``scopes`` (None: all) sees, newest (or oldest) first.

    ``beyond`` leaves out the file with that id and those before it in this order.
    """
    if selection.scope is not None:
        scopes = frozenset({selection.scope}) if scopes is None or selection.scope in scopes else frozenset()
    condition, values = "night = :night", {":night": night}
    if beyond is not None:
        condition += f" AND id {'>' if oldest else '<'} :beyond"
        values[":beyond"] = beyond
    pages = wire.pages(
        "query",
        TableName=clients.table_name("listing"),
        KeyConditionExpression=condition,
        ExpressionAttributeValues=items.to_wire(values),
        ScanIndexForward=oldest,
    )
    for page in pages:
        rows = [row for row in page if scopes is None or row["p"]["S"] in scopes]
        numbers = [codes.ordinal(row["c"]["S"]) for row in rows]
        flags = codes.accepted(selection)
        yield from (int(row["id"]["N"]) for row, number in zip(rows, numbers) if flags[number])


def page_of(
    totals: Mapping[int, int],
    scopes: frozenset[str] | None,
    selection: Selection,
    *,
    offset: int,
    limit: int,
    oldest: bool = False,
) -> list[Item]:
    """The records of a page: ``limit`` files from ``offset`` on, of nights with so many selected files each."""
    if oldest:  # the same stretch, counted from the other end
        end = max(0, sum(totals.values()) - offset)
        limit = min(limit, end)
        offset = end - limit
    found = ids(ledger.locate(totals, offset, limit), scopes, selection)
    return records(found[::-1] if oldest else found)


@dataclass(frozen=True)
class Wanted:
    """Texts to look for, whatever their case: in the object's name, in the file's, in either of them."""

    object: str = ""
    name: str = ""
    either: str = ""

    def __bool__(self) -> bool:
        return bool(self.object or self.name or self.either)

    def folded(self) -> Wanted:
        """The same in the form in which texts are compared."""
        return replace(self, object=self.object.casefold(), name=self.name.casefold(), either=self.either.casefold())

    def accepts(self, object_name: str, file_name: str) -> bool:
        """Whether a file's texts hold what is looked for; ``self`` is :meth:`folded`."""
        object_name, file_name = object_name.casefold(), file_name.casefold()
        return (
            self.object in object_name
            and self.name in file_name
            and (self.either in object_name or self.either in file_name)
        )


@dataclass(frozen=True)
class Found:
    """A page of a search; ``cursor`` leads on, None where everything has been looked at."""

    records: list[Item]
    cursor: str | None


def search(
    wanted: Wanted,
    scopes: frozenset[str] | None,
    selection: Selection,
    *,
    limit: int,
    cursor: str | None = None,
    oldest: bool = False,
) -> Found:
    """Selected files whose object or name holds a text.

    A page ends when it is full, or when :data:`MOST_NIGHTS` nights or :data:`MOST_FILES` files were looked at: it may
    hold few files or none and still have a cursor.

    Raises
    ------
    BadCursor
        The cursor was not made here.
    """
    at = _place(cursor)
    totals = ledger.nights(ledger.read(scopes, selection), selection)
    nights = sorted(totals, reverse=not oldest)
    if at is not None:
        night = night_of_file(at)
        done = at == _past(night, oldest)
        nights = [n for n in nights if (n > night if oldest else n < night) or (n == night and not done)]
    found: list[Item] = []
    looked, folded = 0, wanted.folded()
    for number, night in enumerate(nights):
        if number == MOST_NIGHTS:
            return Found(found, cursors.encode(_past(nights[number - 1], oldest)))
        beyond = at if at is not None and night_of_file(at) == night else None
        rows = selected(night, scopes, selection, beyond=beyond, oldest=oldest)
        while batch := list(islice(rows, _BATCH)):
            holding = {i for i, *texts in _texts(batch) if folded.accepts(*texts)}
            matching = [i for i in batch if i in holding]
            room = limit - len(found)
            found += records(matching[:room])
            if len(matching) >= room:
                return Found(found, cursors.encode(matching[room - 1]))
            looked, at = looked + len(batch), batch[-1]
            if looked >= MOST_FILES:
                return Found(found, cursors.encode(at))
        at = _past(night, oldest)
    return Found(found, None)


def _past(night: int, oldest: bool) -> int:
    """A place in a night behind all its files."""
    return night * FILES_PER_NIGHT + (FILES_PER_NIGHT - 1 if oldest else 0)


def _place(cursor: str | None) -> int | None:
    """The file id a cursor holds."""
    if cursor is None:
        return None
    content = cursors.decode(cursor)
    if len(content) != 1 or type(content[0]) is not int or not 0 <= content[0] < 10**13:
        raise BadCursor
    return content[0]


def _texts(identifiers: list[int]) -> Iterator[tuple[int, str, str]]:
    """Id, object and file name of files, in no particular order."""
    parts = list(batched(identifiers, 100, strict=False))
    with ThreadPoolExecutor(len(parts)) as pool:
        for part in pool.map(_texts_of, parts):
            yield from part


def _texts_of(identifiers: tuple[int, ...]) -> list[tuple[int, str, str]]:
    name = clients.table_name("files")
    pending = {
        name: {
            "Keys": [items.to_wire({"id": identifier}) for identifier in identifiers],
            "ProjectionExpression": "id, #object, file_name",
            "ExpressionAttributeNames": {"#object": "object"},
        }
    }
    found: list[tuple[int, str, str]] = []
    attempt = 0
    while pending:
        answer = wire.call("batch_get_item", RequestItems=pending)
        for item in answer["Responses"].get(name, ()):
            texts = (item.get(field, {}).get("S", "") for field in ("object", "file_name"))
            found.append((int(item["id"]["N"]), *texts))  # type: ignore[arg-type]
        pending = answer.get("UnprocessedKeys") or {}
        if pending:
            items.pause(attempt)
            attempt += 1
    return found


def records(identifiers: list[int]) -> list[Item]:
    """The records of files in the order of ``identifiers``; those that are gone are left out."""
    keys = [{"id": identifier} for identifier in identifiers]
    found = {record["id"]: record for record in items.batch_get("files", keys, consistent=False)}
    return [found[identifier] for identifier in identifiers if identifier in found]


def record(identifier: int) -> Item | None:
    """The record of one file."""
    return items.get("files", {"id": identifier}, consistent=False)
