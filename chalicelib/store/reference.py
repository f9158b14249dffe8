"""Where the reference bundle lies: a Lambda layer in the cloud, ``build/reference`` on one machine."""

from __future__ import annotations

import os
from pathlib import Path


def bundle_path() -> Path:
    """Folder of the reference bundle (``GOODMAN_REFERENCE``, or where the layer or ``make setup`` puts it)."""
    named = os.environ.get("GOODMAN_REFERENCE")
    if named:
        return Path(named)
    layer = Path("/opt/reference")
    return layer if layer.exists() else Path(__file__).resolve().parents[2] / "build" / "reference"
