"""Grating modes of the spectrograph and how far each departs from the plain grating equation."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.instrument import GRATING_MODES


@dataclass(frozen=True)
class Mode:
    """A setting of grating, camera angle and order-blocking filter.

    Attributes
    ----------
    name : str
        As WAVMODE has it: ``"400_M2"``; ``"Custom"`` for settings without a name.
    grating : str
        As GRATING has it: ``"400_SYZY"``.
    lines_per_mm : float
        Groove density.
    camera_angle, grating_angle : float
        Degrees.
    blocking_filter : str
        Second filter wheel; ``"NO_FILTER"`` where there is none.
    departure : (float, float, float, float)
        What is to be added to the grating equation, Angstrom: polynomial coefficients in
        ``(detector column - 2070.5) / 2000``. Measured on the published reference lamps of the mode, so that a
        simulated night lies as close to the library as a real one.
    """

    name: str
    grating: str
    lines_per_mm: float
    camera_angle: float
    grating_angle: float
    blocking_filter: str = "NO_FILTER"
    departure: tuple[float, float, float, float] = (-50.0, 3.0, 0.2, 0.0)


#: Departures measured on the reference lamps, by mode; others get the default of :class:`Mode`.
DEPARTURES: dict[str, tuple[float, float, float, float]] = {
    "400_M1": (-7.9, 13.3, 0.3, 0.1),
    "400_M2": (-52.7, 12.8, -0.2, 1.1),
    "600_UV": (-64.0, -3.0, -0.5, 0.2),
    "600_BLUE": (-72.2, -3.2, 0.0, 0.1),
    "600_MID": (-72.8, -3.7, 1.4, -0.7),
    "600_RED": (-80.0, -3.5, 0.3, 0.0),
    "930_M1": (-44.8, 2.0, 0.2, 0.0),
    "930_M2": (-52.6, 1.8, -0.1, -0.4),
    "930_M3": (-55.1, 3.8, 0.6, 0.2),
    "930_M4": (-74.7, 4.1, 0.8, 0.1),
    "930_M5": (-83.6, 5.3, 1.0, -0.1),
    "930_M6": (-95.9, 2.7, 0.4, 0.0),
    "1200_M1": (-35.5, 3.2, 0.1, 0.1),
    "1200_M2": (-44.6, 3.0, -0.1, 0.2),
    "1200_M3": (-48.0, 3.5, 0.1, 0.2),
    "1200_M4": (-53.3, 4.5, 0.2, -0.2),
    "1200_M5": (-58.2, 4.8, 0.2, 0.2),
    "1200_M6": (-65.0, 5.4, 0.4, 0.1),
    "1200_M7": (-68.8, 6.0, -0.1, 0.0),
    "1200_CaNIR": (-89.5, 4.0, 0.3, 0.8),
}
GRATINGS = {400: "400_SYZY", 600: "600_SYZY_OLD", 930: "930_SYZY", 1200: "1200_RALC_BLUE"}


def _mode(name: str, lines: float, camera: float, angle: float, blocking: str | None, grating: str = "") -> Mode:
    departure = DEPARTURES.get(name, Mode.departure)
    grating = grating or GRATINGS.get(int(lines), f"{lines:.0f}_SYZY")
    return Mode(name, grating, lines, camera, angle, blocking or "NO_FILTER", departure)


MODES: dict[str, Mode] = {
    m.name: _mode(m.name, m.lines_per_mm, m.camera_angle, m.grating_angle, m.blocking_filter) for m in GRATING_MODES
}
MODES["1200_CaNIR"] = _mode("1200_CaNIR", 1200, 60.2, 30.1, "OG570", "1200_CANIR")


def find_mode(name: str) -> Mode:
    """The mode called ``name``, in any of the dialects ``400_M2``, ``400 m2``, ``400m2``.

    ``custom:930:24.0:13.0[:GG385]`` gives a setting without a name: lines per mm, camera and grating angle, filter.

    Raises
    ------
    ValueError
        The name is no mode; the message lists those there are.
    """
    if name.lower().startswith("custom:"):
        parts = name.split(":")
        if len(parts) not in (4, 5):
            raise ValueError(f"'{name}' is not of the form custom:LINES:CAMERA_ANGLE:GRATING_ANGLE[:FILTER].")
        lines, camera, grating = (float(part) for part in parts[1:4])
        return _mode("Custom", lines, camera, grating, parts[4] if len(parts) == 5 else None)
    wanted = name.lower().replace("_", "").replace(" ", "")
    for mode in MODES.values():
        if mode.name.lower().replace("_", "") == wanted:
            return mode
    raise ValueError(f"There is no mode '{name}'. Modes: {', '.join(MODES)}, custom:LINES:CAMERA:GRATING[:FILTER].")


def mode_at(lines_per_mm: float, camera_angle: float, grating_angle: float) -> Mode:
    """The mode with these angles (to 0.05 degree), or a custom one."""
    for mode in MODES.values():
        angles = abs(mode.camera_angle - camera_angle), abs(mode.grating_angle - grating_angle)
        if mode.lines_per_mm == lines_per_mm and max(angles) < 0.05:
            return mode
    return _mode("Custom", lines_per_mm, camera_angle, grating_angle, None)
