"""The GSP_* cards every product carries: where it comes from and what made it."""

from __future__ import annotations

from collections.abc import Sequence

from .. import __version__
from ..domain.headers import Observation
from ..domain.plan import Input
from .inputs import input_cards

Card = tuple[str, object, str]


def identity_cards(
    o: Observation, *, name: str, parent: str, original: str, prefix: str, inputs: Sequence[Input]
) -> list[Card]:
    """Names, versions and inputs. No clock and no ids: the same inputs give the same bytes (design §9)."""
    return [
        ("GSP_VERS", __version__, "Goodman Live version"),
        ("GSP_ONAM", original, "original file name"),
        ("GSP_PNAM", parent, "parent file name"),
        ("GSP_FNAM", name, "file name"),
        ("GSP_PATH", prefix, "prefix of the object"),
        ("GSP_TECH", o.technique, "observing technique"),
        ("GSP_DATE", o.date, "UT date of the raw frame"),
        *input_cards(tuple(inputs)),
    ]
