"""The reference bundle the simulation draws its lamps, standards and extinction from."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from chalicelib.science.reference import Library, load

BUNDLE = Path(__file__).resolve().parents[2] / "build" / "reference"


@lru_cache(maxsize=1)
def open_library() -> Library:
    """The bundle at ``GOODMAN_REFERENCE`` in the environment, else the repository's; opened once.

    Raises
    ------
    FileNotFoundError
        With what to run to make it.
    """
    return load(os.environ.get("GOODMAN_REFERENCE", BUNDLE))
