"""Where light lands: wavelength along the detector, lines tilted across the slit, the slit's own image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import erf

from .modes import Mode

#: Focal length of the camera and size of an unbinned pixel, mm.
FOCAL_LENGTH = 377.3
PIXEL = 0.015
#: Unbinned detector column on the optical axis, and columns that map to -1 and 1 where a polynomial is used.
AXIS_COLUMN = 2070.5
HALF_WIDTH = 2000.0
#: Unbinned detector rows of the slit's image: middle and half height (3.9 arcminutes at 0.15 arcsec a pixel).
SLIT_MIDDLE = 2048.0
SLIT_HALF_HEIGHT = 780.0
ARCSEC_PER_PIXEL = 0.15


@dataclass(frozen=True)
class Optics:
    """The light path of one exposure: this *is* the truth a wavelength solution is compared with.

    Attributes
    ----------
    mode : Mode
        Grating, angles and the mode's own departure from the grating equation.
    shift : float
        Unbinned pixels the spectrum is displaced by, flexure included.
    stretch : float
        Relative change of scale about the axis column (0.001 = 1 pixel in 1000).
    bend : (float, float)
        Quadratic and cubic departures, Angstrom at ``HALF_WIDTH`` from the axis.
    tilt, curvature : float
        Unbinned pixels a line is displaced between the ends of the slit, and between its middle and its ends.
    keystone : float
        Relative growth of that displacement towards the detector's edges.
    """

    mode: Mode
    shift: float = 0.0
    stretch: float = 0.0
    bend: tuple[float, float] = (0.0, 0.0)
    tilt: float = 0.8
    curvature: float = 0.5
    keystone: float = 0.1

    def flexed(self, shift: float, stretch: float = 0.0) -> Optics:
        """The same optics with the spectrum displaced by ``shift`` unbinned pixels more and stretched."""
        return replace(self, shift=self.shift + shift, stretch=self.stretch + stretch)

    def wavelength(self, column) -> np.ndarray:
        """Air wavelength (Angstrom) at unbinned detector column(s), in the middle of the slit.

        The grating equation of a volume-phase grating between collimator and camera, plus a smooth cubic.
        """
        offset = (np.asarray(column, dtype=float) - self.shift - AXIS_COLUMN) * (1 + self.stretch)
        incidence = np.radians(self.mode.grating_angle)
        diffraction = np.radians(self.mode.camera_angle - self.mode.grating_angle)
        diffraction = diffraction + np.arctan(offset * PIXEL / FOCAL_LENGTH)
        x = offset / HALF_WIDTH
        d0, d1, d2, d3 = self.mode.departure
        smooth = d0 + x * (d1 + x * (d2 + self.bend[0] + x * (d3 + self.bend[1])))
        return (np.sin(incidence) + np.sin(diffraction)) / self.mode.lines_per_mm * 1e7 + smooth

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        columns = np.arange(-400.0, 4543.0)
        return columns, self.wavelength(columns)

    def column(self, wavelength) -> np.ndarray:
        """Unbinned detector column(s) of air wavelength(s): the inverse of :meth:`wavelength`, to 1e-9 pixel.

        Wavelengths far off the detector come out at the ends of a range 400 pixels wider than it.
        """
        columns, waves = self._table
        target = np.clip(np.asarray(wavelength, dtype=float), waves[0], waves[-1])
        found = np.interp(target, waves, columns)
        for _ in range(3):
            slope = self.wavelength(found + 0.5) - self.wavelength(found - 0.5)
            found = found - (self.wavelength(found) - target) / slope
        return found

    def bow(self, row) -> np.ndarray:
        """Unbinned pixels a line is displaced by at unbinned detector row(s), at the axis column."""
        y = (np.asarray(row, dtype=float) - SLIT_MIDDLE) / SLIT_HALF_HEIGHT
        return self.tilt * y / 2 + self.curvature * y**2

    def straight(self, column, bow) -> np.ndarray:
        """The column light would have landed on in the middle of the slit, where it is displaced by ``bow``."""
        x = (np.asarray(column, dtype=float) - AXIS_COLUMN) / HALF_WIDTH
        return column - bow * (1 + self.keystone * x)

    def wavelength_at(self, column, row) -> np.ndarray:
        """Air wavelength (Angstrom) at unbinned detector column(s) and row(s)."""
        return self.wavelength(self.straight(np.asarray(column, dtype=float), self.bow(row)))


@dataclass(frozen=True)
class LineSpread:
    """The image of a monochromatic slit along the dispersion: a box (the slit) blurred by a Gaussian, symmetric.

    Attributes
    ----------
    width : float
        Width of the slit's image, unbinned pixels.
    sigma : float
        Of the blur, unbinned pixels.
    wings : (float, float)
        Fraction of the light in, and sigma of, a wider Gaussian: light scattered by the grating.
    """

    width: float
    sigma: float = 0.9
    wings: tuple[float, float] = (0.02, 6.0)

    @classmethod
    def of_slit(cls, arcsec: float) -> LineSpread:
        """Of a slit ``arcsec`` wide; the grating's anamorphism makes its image a little narrower."""
        return cls(width=0.93 * arcsec / ARCSEC_PER_PIXEL)

    def _blurred_box(self, x, sigma) -> np.ndarray:
        # Integral of box * Gaussian from -infinity to x.
        def primitive(t):
            z = t / sigma
            return t * (1 + erf(z / np.sqrt(2))) / 2 + sigma * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

        half = self.width / 2
        return (primitive(x + half) - primitive(x - half)) / self.width

    def cumulative(self, x) -> np.ndarray:
        """Fraction of a line's light left of ``x`` unbinned pixels from its centre."""
        fraction, wide = self.wings
        x = np.asarray(x, dtype=float)
        return (1 - fraction) * self._blurred_box(x, self.sigma) + fraction * self._blurred_box(x, wide)

    @property
    def reach(self) -> float:
        """Unbinned pixels beyond which less than 1e-7 of the light falls."""
        return self.width / 2 + 5.2 * self.wings[1]


@dataclass(frozen=True)
class SlitImage:
    """How the slit lets light through along its height.

    Attributes
    ----------
    middle : float
        Unbinned detector row, flexure included.
    bumps : tuple of (row, sigma, depth)
        Dust and burrs on the jaws, relative to the middle, unbinned rows.
    slope : float
        Relative change of width from the middle to an end.
    rows : (float, float)
        Unbinned detector rows that are read out: the mean transmission over those of them that are lit is 1.
    """

    middle: float = SLIT_MIDDLE
    bumps: tuple[tuple[float, float, float], ...] = ()
    slope: float = 0.01
    rows: tuple[float, float] = (SLIT_MIDDLE - SLIT_HALF_HEIGHT, SLIT_MIDDLE + SLIT_HALF_HEIGHT)

    def transmission(self, row) -> np.ndarray:
        """Relative transmission at unbinned detector row(s); 0 beyond the slit's ends."""
        row = np.asarray(row, dtype=float)
        low, high = np.clip(np.array(self.rows) - self.middle, -SLIT_HALF_HEIGHT, SLIT_HALF_HEIGHT)
        grid = np.linspace(low, high, 1561)
        return self._width(row - self.middle) * self._ends(row) / self._width(grid).mean()

    def _width(self, offset) -> np.ndarray:
        width = 1 + self.slope * offset / SLIT_HALF_HEIGHT - 0.015 * (offset / SLIT_HALF_HEIGHT) ** 2
        for row, sigma, depth in self.bumps:
            width = width * (1 - depth * np.exp(-0.5 * ((offset - row) / sigma) ** 2))
        return width

    def _ends(self, row) -> np.ndarray:
        inside = SLIT_HALF_HEIGHT - np.abs(row - self.middle)
        return (1 + erf(inside / (np.sqrt(2) * 1.5))) / 2
