"""Who may see what and who may change what: one rule each, for every route alike."""

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


def is_staff(viewer: Viewer) -> bool:
    """Whether a viewer is staff; superusers are."""
    return viewer.is_staff or viewer.is_superuser


def may_change(viewer: Viewer, record: Mapping[str, Any]) -> bool:
    """Whether a viewer decides about a file: deletes or restores it, has it made again, chooses for it, marks it bad.

    Staff decide about every file; PI and collaborators alike about their proposal's frames and products. Masters serve
    everybody, so only staff delete them or mark them bad.
    """
    return is_staff(viewer) or str(record.get("scope", "")) in viewer.scopes


def may_restore(viewer: Viewer, record: Mapping[str, Any]) -> bool:
    """Whether a viewer may take a deletion back; others are not told that there was such a file."""
    return bool(record.get("deleted")) and not record.get("retired") and may_change(viewer, record)


def may_upload(viewer: Viewer) -> bool:
    """Whether a viewer may bring raw frames: staff, and the accounts of the mountain's machines, which are staff.

    A frame's own header says whose it is, and biases and flats enter pools that serve everybody: who brings frames can
    put them into anybody's proposal and everybody's masters. Observers' frames come from the telescope.
    """
    return is_staff(viewer)


def may_reprocess(viewer: Viewer, proposal: Mapping[str, Any]) -> bool:
    """Whether a viewer may have all frames of a proposal reduced anew: its PI, and staff."""
    return is_staff(viewer) or proposal.get("user_id") == viewer.user_id
