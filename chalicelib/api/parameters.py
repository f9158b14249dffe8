"""Query parameters: read, bounded, refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from typing import Any

from ..domain.nights import FILES_PER_NIGHT
from .problems import BadParameter

MOST_VALUES = 50
"""Values one parameter may be given."""

LARGEST_ID = 99_999_999 * FILES_PER_NIGHT + FILES_PER_NIGHT - 1
LARGEST_PAGE = 10_000_000


def only(request: Any, known: Collection[str]) -> None:
    """Refuse a parameter that is not known: a mistyped filter must not look like an answer about everything."""
    unknown = sorted(set(everything(request)) - set(known))
    if unknown:
        raise BadParameter(
            f"The parameter {unknown[0][:60]!r} is not known here; known are {', '.join(sorted(known))}."
        )


def values(request: Any, name: str) -> list[str]:
    """All values of a parameter, in order."""
    found = everything(request).get(name, [])
    if len(found) > MOST_VALUES:
        raise BadParameter(f"The parameter {name} is given {len(found)} times; at most {MOST_VALUES} will do.")
    return found


def integer(request: Any, name: str, *, low: int, high: int, default: int | None = None) -> int:
    """One whole number; ``default`` where the parameter is absent.

    Raises
    ------
    BadParameter
        It is absent and has no default, given twice, no whole number, or out of bounds.
    """
    found = values(request, name)
    if not found and default is not None:
        return default
    if len(found) != 1:
        raise BadParameter(f"The parameter {name} must be given once.")
    return bounded(name, found[0], low=low, high=high)


def bounded(name: str, text: str, *, low: int, high: int) -> int:
    """``text`` as a whole number between ``low`` and ``high``."""
    if not re.fullmatch(r"[0-9]{1,15}", text) or not low <= int(text) <= high:
        raise BadParameter(f"{name} is {text[:40]!r}; it must be a whole number from {low} to {high}.")
    return int(text)


def file_id(text: str) -> int:
    """A file id from a path or a parameter."""
    return bounded("The file id", text, low=1, high=LARGEST_ID)


def night(request: Any, name: str) -> int | None:
    """A night given as ``yyyymmdd`` or ``yyyy-mm-dd``; None where absent."""
    found = values(request, name)
    if not found:
        return None
    text = found[0].replace("-", "")
    try:
        if len(found) != 1 or not re.fullmatch(r"[0-9]{8}", text):
            raise ValueError
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise BadParameter(f"The parameter {name} must be one date, like 20261121 or 2026-11-21.") from None
    return int(text)


def flag(request: Any, name: str) -> bool:
    """Whether a switch is on: ``1`` or ``true``."""
    found = values(request, name)
    if any(value.lower() not in ("0", "1", "true", "false") for value in found):
        raise BadParameter(f"The parameter {name} must be 1 or 0.")
    return any(value.lower() in ("1", "true") for value in found)


def everything(request: Any) -> dict[str, list[str]]:
    """Every parameter with its values."""
    parameters = request.query_params
    return {} if parameters is None else {name: parameters.getlist(name) for name in parameters}
