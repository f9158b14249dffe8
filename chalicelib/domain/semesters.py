"""Semesters, SOAR ids, and which SOAR id a mistyped one was meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .records import scope_of

SEMESTER_PATTERN = "20[0-9]{2}[AB]"

SOAR_ID_PATTERN = r"[!-~]([ -~]*[!-~])?"
"""What a header's card can hold and a person can see: printable ASCII, no blank at either end."""

LONGEST_SOAR_ID = 68
"""Characters of a text in a FITS card."""

SUGGESTIONS = 3
MOST_MISTAKES = 2
"""So many letters a mistyped SOAR id may be off."""

_SEMESTER = re.compile(rf"(?<![0-9])({SEMESTER_PATTERN})(?![0-9A-Z])")
_ALIKE = str.maketrans("OIL", "011")


def semester_of(night: int) -> str:
    """The semester of a night: A begins with February, B with August.

    >>> [semester_of(night) for night in (20260131, 20260201, 20260731, 20260801)]
    ['2025B', '2026A', '2026A', '2026B']
    """
    year, month = night // 10_000, night // 100 % 100
    if month == 1:
        return f"{year - 1}B"
    return f"{year}{'A' if month < 8 else 'B'}"


def after(semester: str, count: int = 1) -> str:
    """The semester ``count`` semesters later (or earlier).

    >>> after("2026B"), after("2026A", -1), after("2026A", 3)
    ('2027A', '2025B', '2027B')
    """
    number = int(semester[:4]) * 2 + (semester[4] == "B") + count
    return f"{number // 2}{'AB'[number % 2]}"


def around(first_night: int, last_night: int, *, most: int = 6) -> tuple[str, ...]:
    """The semesters in which a proposal observed in these nights was accepted, as far as one can tell: those of the
    nights, one before and one after; the latest first, at most ``most``.
    """
    earliest, semester = after(semester_of(first_night), -1), after(semester_of(last_night))
    found: list[str] = []
    while len(found) < most and semester >= earliest:
        found.append(semester)
        semester = after(semester, -1)
    return tuple(found)


def preset(semester: str, number: int) -> str:
    """The SOAR id of the ``number``-th proposal of a semester.

    >>> preset("2026B", 14)
    'SOAR2026B-014'
    """
    return f"SOAR{semester}-{number:03d}"


def semester_in(soar_id: str) -> str | None:
    """The semester that a SOAR id names, if it does.

    >>> semester_in("SOAR2026B-014"), semester_in("2019a-0234"), semester_in("calibrate")
    ('2026B', '2019A', None)
    """
    found = _SEMESTER.search(scope_of(soar_id))
    return found[1] if found else None


def likely(mistyped: str, known: Iterable[str]) -> list[str]:
    """The known SOAR ids that a mistyped one may have been meant to be: those with the fewest mistakes.

    At most :data:`MOST_MISTAKES` letters missing, added, wrong or swapped with their neighbour. Punctuation counts for
    nothing, nor does 0 for O, or 1 for I or L.
    """
    wanted, plain = scope_of(mistyped), _plain(mistyped)
    limit = min(MOST_MISTAKES, len(plain) // 4)
    ranked = []
    for soar_id in known:
        mistakes = distance(plain, _plain(soar_id), limit)
        if mistakes is not None and scope_of(soar_id) != wanted:
            ranked.append((mistakes, distance(wanted, scope_of(soar_id), len(wanted)) or 0, soar_id))
    ranked.sort()
    best = [soar_id for mistakes, _, soar_id in ranked if mistakes == ranked[0][0]]
    if len(best) > SUGGESTIONS and ranked[0][0] == MOST_MISTAKES:
        return []  # as far from one as from all the others: no slip, but another proposal's id
    return best[:SUGGESTIONS]


def _plain(soar_id: str) -> str:
    return "".join(letter for letter in scope_of(soar_id) if letter.isalnum()).translate(_ALIKE)


def distance(first: str, second: str, limit: int) -> int | None:
    """Letters to add, leave out, change, or swap with their neighbour, to make ``first`` of ``second``.

    None if it is more than ``limit`` (the restricted Damerau-Levenshtein distance).

    >>> distance("SOAR2026B-014", "SOAR2026B-041", 2), distance("ab", "wxyz", 2)
    (1, None)
    """
    if abs(len(first) - len(second)) > limit:
        return None
    same = next((n for n, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))
    first, second = first[same:], second[same:]  # SOAR2026B-: what all have in common costs nothing
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        above, before, row = before, row, [i]
        for j, other in enumerate(second, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return None
    return row[-1] if row[-1] <= limit else None
