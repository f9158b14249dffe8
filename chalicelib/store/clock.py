"""The one clock. Tests replace :func:`now`."""

from __future__ import annotations

import time
from datetime import datetime, timezone


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def moment() -> str:
    """The time now as the API shows it: ISO 8601, UT, microseconds."""
    return datetime.fromtimestamp(now(), timezone.utc).isoformat(timespec="microseconds")
