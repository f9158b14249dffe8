"""The settings a proposal's new frames are reduced with."""

from __future__ import annotations

from ..domain.settings import DEFAULTS, Settings, settings_from
from . import items

MINIMUMS = "minimums"
"""Counter item that holds the smallest pool minima any proposal uses."""


def current_settings(scope: str) -> tuple[int, Settings]:
    """Revision and settings in force for a scope; revision 0 are the defaults."""
    identity = items.get("identities", {"identity": f"proposal#{scope}"})
    proposal = items.get("proposals", {"id": identity["id"]}) if identity else None
    if not proposal or "settings" not in proposal:
        return 0, DEFAULTS
    return proposal.get("settings_revision", 1), settings_from(proposal["settings"])


def smallest_minimum(kind: str) -> int:
    """The smallest number of members any proposal asks of a master of this kind; never below 3."""
    defaults = {"bias": DEFAULTS.minimum_biases, "flat": DEFAULTS.minimum_flats}
    item = items.get("counters", {"counter": MINIMUMS}) or {}
    return max(3, min(defaults[kind], item.get(kind, defaults[kind])))
