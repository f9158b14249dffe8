"""Figures for records and pages: JSON knows no NaN."""

from __future__ import annotations

import math
from typing import Any


def known(value: Any) -> Any:
    """``value`` (numbers, words, lists, dicts) with None for every number that is not finite."""
    if isinstance(value, dict):
        return {key: known(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [known(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
