"""Retries without their pauses."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chalicelib.store import items


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore and the store try again at once: as often as ever, but no test waits."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr(items, "pause", lambda attempt: None)
