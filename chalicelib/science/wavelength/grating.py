"""The spectrograph's grating equation: first guess, sanity check and shape of every solution.

Wavelength = [sin(alpha) + sin(beta + atan((x - xc) * pixel / f))] / N, alpha the grating angle and beta the camera
angle minus it (Clemens, Crain & Anderson 2004, SPIE 5492, 331 describe the instrument). With a shift, a scale and xc
free it follows real arcs to 0.06 unbinned pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PIXEL_MM = 0.015
FOCAL_LENGTH_MM = 377.3
CENTRE = 2071.0
HALF = 2030.0
ANGLES = {
    "400_M1": (5.8, 11.6),
    "400_M2": (7.5, 16.1),
    "600_UV": (7.0, 15.25),
    "600_BLUE": (7.0, 17.0),
    "600_MID": (10.0, 20.0),
    "600_RED": (12.0, 27.0),
    "930_M1": (10.3, 20.6),
    "930_M2": (12.6, 25.2),
    "930_M3": (15.0, 29.9),
    "930_M4": (18.3, 34.6),
    "930_M5": (19.7, 39.4),
    "930_M6": (22.1, 44.2),
    "1200_M0": (16.3, 26.0),
    "1200_M1": (16.3, 29.5),
    "1200_M2": (18.7, 34.4),
    "1200_M3": (20.2, 39.4),
    "1200_M4": (22.2, 44.4),
    "1200_M5": (24.8, 49.6),
    "1200_M6": (27.4, 54.8),
    "1200_M7": (30.1, 60.2),
}


@dataclass(frozen=True)
class Grating:
    """A grating at its angles: wavelength of an unbinned detector column.

    Attributes
    ----------
    lines_per_mm : float
    grating_angle, camera_angle : float
        Degrees.
    """

    lines_per_mm: float
    grating_angle: float
    camera_angle: float

    def wavelength(self, column) -> np.ndarray:
        """Approximate air wavelength (Angstrom): off by -8 to -120 Angstrom, dispersion to 2 %."""
        alpha = np.radians(self.grating_angle)
        beta = np.radians(self.camera_angle - self.grating_angle)
        off_axis = np.arctan((np.asarray(column, dtype=float) - CENTRE) * PIXEL_MM / FOCAL_LENGTH_MM)
        return (np.sin(alpha) + np.sin(beta + off_axis)) * 1e7 / self.lines_per_mm

    @property
    def dispersion(self) -> float:
        """Angstrom per unbinned pixel at the middle of the detector."""
        beta = np.radians(self.camera_angle - self.grating_angle)
        return float(np.cos(beta) * PIXEL_MM / FOCAL_LENGTH_MM * 1e7 / self.lines_per_mm)


def scaled(column) -> np.ndarray:
    """Detector columns on the axis -1 … 1 that all shape corrections are expanded on."""
    return (np.asarray(column, dtype=float) - CENTRE) / HALF
