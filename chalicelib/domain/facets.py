"""The facets lists are filtered by, and what a request selects of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FACETS = (
    "obstype",
    "filter",
    "filter_2",
    "grating",
    "wavmode",
    "slit",
    "roi",
    "technique",
    "data_type",
    "status",
)
"""Names on the wire. The order is stored in every combination code: append, never reorder."""

LONGEST_VALUE = 80
"""Characters of a facet's value that count: a FITS card holds no more."""


def of(record: Mapping[str, Any]) -> dict[str, str]:
    """The facets of a record, every one of :data:`FACETS`; what is absent is ``""``."""
    return {name: _text(record.get(name)) for name in FACETS}


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:LONGEST_VALUE]


@dataclass(frozen=True)
class Selection:
    """What a request asks for: for each facet named, the values that will do.

    Attributes
    ----------
    values : mapping of str to frozenset of str
        Facet → accepted values; a facet that is not named accepts everything.
    scope : str or None
        Only files of this proposal.
    first_night, last_night : int or None
        Only files of nights (``yyyymmdd``) from and to, both included.
    """

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scope: str | None = None
    first_night: int | None = None
    last_night: int | None = None

    def accepts(self, facets: Mapping[str, str]) -> bool:
        """Whether a file with these facets is selected (as far as facets go)."""
        return all(facets.get(name, "") in wanted for name, wanted in self.values.items())
