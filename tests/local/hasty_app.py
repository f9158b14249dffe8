"""The application with short leases, for workers that are going to be killed."""

from __future__ import annotations

from typing import Any

from tests.local import hasty

hasty.hasten()

import app as _application  # noqa: E402


def __getattr__(name: str) -> Any:
    """Everything the application has: its handlers, and ``app`` itself."""
    return getattr(_application, name)
