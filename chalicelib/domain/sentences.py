"""What an observer is told of a frame that rests where its chain did not lead to a calibrated spectrum."""

from __future__ import annotations

from .headers import Observation

EXPOSED_THROUGH_GRATING = (
    "An acquisition exposure (EXPOSE) through the grating: reduced, not extracted. "
    "If it is a spectrum, say so: change its type to SPECTRUM."
)


def no_line_lamp(o: Observation) -> str:
    """Why an arc serves no spectrum, and what was on instead of a lamp with known lines."""
    if o.other_lamps:
        what = f"No lamp with known lines was on while this arc was taken, only {o.other_lamps}"
    else:
        what = "No lamp was on while this arc was taken (no LAMP_ card is TRUE)"
    return f"{what}: it serves no spectrum. Take it again."


def missing_arc(o: Observation) -> str:
    """Why no arc serves a spectrum: what its header lacks, or what setting an arc is waited for of."""
    missing = [card for card, angle in (("CAM_TARG", o.camera_angle), ("GRT_TARG", o.grating_angle)) if angle is None]
    if missing:
        cards = " and ".join(missing)
        return (
            f"Extracted; no arc can be matched: {cards} missing or no number. Correct the header and upload it again."
        )
    angles = f"camera {o.camera_angle}° and grating {o.grating_angle}°"
    return f"Extracted; waits for an arc of this night with the {o.camera} camera, grating {o.grating}, {angles}."
