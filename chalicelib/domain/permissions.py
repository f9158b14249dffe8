"""Who may see what: one rule, for lists, counts, records, headers and downloads alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .records import MASTERS_SCOPE
from .records import visible as is_published


@dataclass(frozen=True)
class Viewer:
    """A signed-in user.

    Attributes
    ----------
    scopes : frozenset of str
        Normalised PROPIDs of the proposals in which the user is PI or collaborator.
    """

    user_id: int
    username: str
    is_staff: bool = False
    is_superuser: bool = False
    scopes: frozenset[str] = frozenset()


def scopes_of(viewer: Viewer) -> frozenset[str] | None:
    """The scopes a viewer sees: the own proposals' and the masters'; None means all (staff)."""
    return None if viewer.is_staff or viewer.is_superuser else viewer.scopes | {MASTERS_SCOPE}


def sees(viewer: Viewer, scope: str) -> bool:
    """Whether a viewer sees the files of a scope."""
    scopes = scopes_of(viewer)
    return scopes is None or scope in scopes


def visible(viewer: Viewer, record: Mapping[str, Any]) -> bool:
    """Whether a viewer may see a record: it is published, not retired or deleted, and of a scope the viewer sees."""
    return is_published(record) and sees(viewer, str(record.get("scope", "")))
