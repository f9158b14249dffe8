"""What matching searches, and who wants to hear of it (design §6, rule 5). Always read consistently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from ..domain.matching import ANY_NIGHT, CALIBRATION_NIGHTS, Candidate, name_key
from ..domain.matching import reach as reach_of
from ..domain.nights import night_date, night_number
from . import items


def put_operation(key: str, candidate: Candidate) -> dict:
    """The row by which a master, arc or pool member is found under its configuration key."""
    row = {"configuration": key, "member": f"{candidate.night}#{candidate.id}", **candidate.to_item()}
    return items.operation("Put", "configurations", item=row)


def delete_operation(key: str, night: int, identifier: int) -> dict:
    """Take a row out of the search."""
    return items.operation("Delete", "configurations", key={"configuration": key, "member": f"{night}#{identifier}"})


def candidates(key: str, night: int, *, reach: int = CALIBRATION_NIGHTS) -> tuple[Candidate, ...]:
    """Calibrations under ``key`` of the nights around ``night``, at most ``reach`` nights away."""
    low, high = _around(night, reach)
    rows = items.query(
        "configurations",
        "configuration = :key AND #member BETWEEN :low AND :high",
        {"key": key, "low": f"{low}#", "high": f"{high}#~"},
        names={"#member": "member"},
    )
    return tuple(Candidate.from_item(row) for row in rows)


def interest_operations(keys: Iterable[str], subject: str, night: int) -> list[dict]:
    """The writes by which a subject asks to be told of changes under ``keys``."""
    return [
        items.operation("Put", "interests", item={"configuration": key, "interested": f"{night}|{subject}"})
        for key in keys
    ]


def register_interests(keys: Iterable[str], subject: str, night: int) -> None:
    """Ask to be told; made durable before anything is looked up."""
    operations = interest_operations(keys, subject, night)
    if operations:
        items.write(operations)


def interested(key: str, night: int) -> Iterator[str]:
    """Subjects within a calibration's reach that asked to be told of changes under ``key``."""
    low, high = _around(night, reach_of(key))
    rows = items.query(
        "interests",
        "configuration = :key AND interested BETWEEN :low AND :high",
        {"key": key, "low": f"{low}|", "high": f"{high}|~"},
    )
    for row in rows:
        yield row["interested"].split("|", 1)[1]


def name_operation(key: str, ordinal: int, identifier: int, name: str) -> dict:
    """The row that says which upload under an object key a file is: the ``ordinal``-th, from 0."""
    row = {"configuration": name_key(key), "member": f"{ordinal:06d}#{identifier}", "id": identifier, "name": name}
    return items.operation("Put", "configurations", item=row)


def newest_of_name(key: str) -> int | None:
    """The id of the file uploaded last under an object key."""
    rows = items.query("configurations", "configuration = :key", {"key": name_key(key)}, descending=True, limit=1)
    return next((row["id"] for row in rows), None)


def _around(night: int, reach: int) -> tuple[int, int]:
    if reach >= ANY_NIGHT:
        return 0, 99_999_999
    day = night_date(night)
    return night_number(day - timedelta(days=reach)), night_number(day + timedelta(days=reach))
