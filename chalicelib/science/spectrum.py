"""A one-dimensional spectrum and the trace it was extracted along."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from astropy.io import fits
from numpy.polynomial import chebyshev

from .dispersion import WavelengthSolution
from .frame import Geometry


@dataclass(frozen=True)
class Trace:
    """Where a target's light falls: detector row as a function of detector column, both unbinned.

    Attributes
    ----------
    coefficients : tuple of float
        Chebyshev coefficients, unbinned rows.
    domain : (float, float)
        Unbinned detector columns mapped to -1 and 1.
    rms : float
        Scatter of the measured centres about the fit, unbinned rows.
    fwhm : float
        Spatial full width at half maximum, unbinned rows.
    model : str
        ``"moffat"`` or ``"gaussian"``: the profile fitted.
    """

    coefficients: tuple[float, ...]
    domain: tuple[float, float]
    rms: float
    fwhm: float
    model: str

    def row(self, detector_column) -> np.ndarray:
        """Unbinned detector row of the trace at unbinned detector column(s)."""
        low, high = self.domain
        scaled = (2 * np.asarray(detector_column, dtype=float) - low - high) / (high - low)
        return chebyshev.chebval(scaled, self.coefficients)

    def row_in(self, geometry: Geometry, column) -> np.ndarray:
        """Array row of the trace at array column(s) of a frame with ``geometry`` (any binning)."""
        return geometry.row(self.row(geometry.detector_column(column)))


@dataclass(frozen=True)
class Apertures:
    """Zones around the trace, in unbinned rows relative to it: (low, high) pairs."""

    target: tuple[float, float]
    sky: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Spectrum:
    """A spectrum at native sampling: one element a column of the reduced frame.

    Arrays have shape ``(n,)``; fluxes in electrons per column.

    Attributes
    ----------
    column : float64
        0-based column in the *raw* frame (binned pixels): links 1-D and 2-D.
    flux, error : float32
        The chosen extraction (``method``) and its 1-sigma error.
    flux_box, error_box : float32
        Fractional-pixel sum over the target aperture.
    sky : float32
        Sky per column at the trace, summed over the target aperture's width.
    sky_error : float32
        1-sigma error of ``sky`` (not written to files unless asked).
    mask : uint8
        MaskBit flags.
    geometry : Geometry
        Of the raw frame's columns (``corner`` zero): ``geometry.detector_column(column)`` gives unbinned columns.
    target : int
        1-based number of the target in its frame, brightest first.
    method : str
        ``"optimal"`` or ``"fractional"``.
    solution : WavelengthSolution or None
        Present once calibrated.
    """

    column: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    flux_box: np.ndarray
    error_box: np.ndarray
    sky: np.ndarray
    sky_error: np.ndarray
    mask: np.ndarray
    geometry: Geometry
    trace: Trace
    apertures: Apertures
    target: int = 1
    method: str = "optimal"
    signal_to_noise: float = float("nan")
    solution: WavelengthSolution | None = None
    header: fits.Header = field(default_factory=fits.Header)

    @property
    def wavelength(self) -> np.ndarray | None:
        """Air wavelength (Angstrom) of each column, or None before calibration."""
        if self.solution is None:
            return None
        return self.solution.wavelength(self.geometry.detector_column(self.column))

    def with_data(self, **changes) -> Spectrum:
        """A copy with some attributes replaced."""
        return replace(self, **changes)
