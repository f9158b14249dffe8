"""The roster of a semester: a CSV of its proposals and their principal investigators."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field

from .records import scope_of
from .semesters import LONGEST_SOAR_ID, SEMESTER_PATTERN, SOAR_ID_PATTERN, semester_in

COLUMNS = {
    "soar_id": "The proposal's SOAR id, exactly as the frames carry it in PROPID. Required.",
    "title": "The proposal's title. Required.",
    "email": "The e-mail of the principal investigator. Required.",
    "first_name": "The investigator's first name.",
    "last_name": "The investigator's last name.",
    "semester": "Like 2026B; may be left out where the SOAR id names it.",
    "abstract": "The proposal's abstract.",
}
REQUIRED = ("soar_id", "title", "email")

CREATE, UNCHANGED, REFUSED, LEFT = "create", "unchanged", "refused", "left"
"""What becomes of a row's proposal; ``left`` is for another run."""

MOST_ROWS = 500
LONGEST = {
    "soar_id": LONGEST_SOAR_ID,
    "title": 300,
    "email": 254,
    "first_name": 100,
    "last_name": 100,
    "abstract": 6000,
}
"""Characters of each column."""

EMAIL_PATTERN = r"[A-Za-z0-9.!#%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
"""Enough to tell an address from a slip; whether it exists only a letter can show."""


class BadRoster(ValueError):
    """The text is no roster at all; the sentence says why."""


@dataclass(frozen=True)
class Row:
    """A line of the roster.

    Attributes
    ----------
    line : int
        Where it begins in the text, from 1 (the header's).
    problems : tuple of str
        Why it cannot be used, in sentences; empty if it can.
    """

    line: int
    soar_id: str
    title: str
    email: str
    first_name: str = ""
    last_name: str = ""
    semester: str = ""
    abstract: str = ""
    problems: tuple[str, ...] = field(default=())

    @property
    def scope(self) -> str:
        """What the proposal's frames are found by."""
        return scope_of(self.soar_id)


def read(text: str) -> list[Row]:
    """The rows of a roster, each checked by itself and against those before it.

    Columns may come in any order, separated by commas, semicolons or tabs; a quoted field may hold line breaks.

    Raises
    ------
    BadRoster
        There is no header line, a required column is missing, a column is unknown, or there are too many rows.
    """
    text = text.removeprefix("\ufeff")
    first_line = text.lstrip().splitlines()[0] if text.strip() else ""
    if not first_line:
        raise BadRoster("The roster is empty: its first line must name the columns.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first_line.count), strict=True)
    rows: list[Row] = []
    names: list[str] | None = None
    seen: dict[str, int] = {}
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = _header(cells)
                continue
            if len(rows) == MOST_ROWS:
                raise BadRoster(f"The roster has more than {MOST_ROWS} rows; split it into several.")
            row = _row(line, names, cells, seen)
            seen.setdefault(row.scope, row.line)
            rows.append(row)
    except csv.Error as error:
        raise BadRoster(f"Line {reader.line_num} of the roster is no CSV: {error}.") from None
    return rows


def _header(cells: list[str]) -> list[str]:
    names = ["_".join(cell.strip().lower().split()) for cell in cells]
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in names]
    known = f"The columns are {', '.join(COLUMNS)}."
    if missing:
        raise BadRoster(f"The first line of the roster names no column {missing[0]}. {known}")
    if unknown:
        raise BadRoster(f"The first line of the roster names a column {unknown[0][:40]!r}, which is not known. {known}")
    if len(set(names)) < len(names):
        raise BadRoster("The first line of the roster names a column twice.")
    return names


def _row(line: int, names: list[str], cells: list[str], seen: dict[str, int]) -> Row:
    values = {name: " ".join(cell.split()) for name, cell in zip(names, cells)}
    row = {name: values.get(name, "") for name in COLUMNS}
    soar_id = row["soar_id"]
    row["semester"] = row["semester"].upper() or semester_in(soar_id) or ""
    problems = []
    if len(cells) > len(names):
        problems.append(f"It has {len(cells)} fields for {len(names)} columns; quote fields that hold the separator.")
    problems += [f"The column {name} is empty." for name in REQUIRED if not row[name]]
    for name, longest in LONGEST.items():
        if len(row[name]) > longest:
            problems.append(f"The {name} has {len(row[name])} characters; at most {longest} are taken.")
            row[name] = row[name][:longest]
    if soar_id and not re.fullmatch(SOAR_ID_PATTERN, soar_id):
        problems.append("The SOAR id holds a character that no FITS card can.")
    if row["email"] and not re.fullmatch(EMAIL_PATTERN, row["email"]):
        problems.append(f"{row['email']} is no e-mail address.")
    if not re.fullmatch(SEMESTER_PATTERN, row["semester"]):
        problems.append(
            f"The semester {row['semester'][:20]} is not like 2026B."
            if row["semester"]
            else f"{soar_id or 'The row'} names no semester; add a column semester."
        )
        row["semester"] = ""
    if soar_id and scope_of(soar_id) in seen:
        problems.append(f"Line {seen[scope_of(soar_id)]} has the same SOAR id already.")
    return Row(line=line, problems=tuple(problems), **row)
