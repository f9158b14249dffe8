"""The wavelength solution: air wavelength as a function of the unbinned detector column."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev


@dataclass(frozen=True)
class IdentifiedLine:
    """One lamp line: where it was seen and what it is.

    ``column`` is the unbinned detector column of the centroid, ``column_error`` its 1-sigma error in unbinned
    pixels, ``wavelength`` the laboratory air wavelength in Angstrom, ``residual`` measured minus laboratory in
    Angstrom, ``used`` whether the line is in the fit.
    """

    column: float
    column_error: float
    wavelength: float
    ion: str
    residual: float
    used: bool


@dataclass(frozen=True)
class WavelengthSolution:
    """Air wavelength along the dispersion axis.

    The independent variable is the *unbinned detector column* (see :class:`~chalicelib.science.frame.Geometry`), so
    the same solution serves every binning.

    Attributes
    ----------
    coefficients : tuple of float
        Chebyshev coefficients, Angstrom.
    domain : (float, float)
        Detector columns mapped to -1 and 1.
    span : (float, float)
        Detector columns of the first and last used line; outside, the solution is extrapolated.
    lines : tuple of IdentifiedLine
        All identified lines, used or not.
    rms : float
        Angstrom; from lines held out of the fit (k-fold), identifications kept.
    rms_fit : float
        Angstrom; of the used lines about the fit: flatters, for comparison only.
    lamps : tuple of str
        Elements of the lamp(s), for example ``("Hg", "Ar", "Ne")``.
    method : str
        ``"library"`` or ``"grating equation"``: where the first guess came from.
    template : str
        File name of the library lamp used as first guess, or ``""``.
    score : float
        Significance of the match that was accepted; see the solver.
    zero_point : float
        Angstrom added to every wavelength after the arc fit (measured on the sky).
    """

    coefficients: tuple[float, ...]
    domain: tuple[float, float]
    span: tuple[float, float]
    lines: tuple[IdentifiedLine, ...]
    rms: float
    rms_fit: float
    lamps: tuple[str, ...]
    method: str
    template: str = ""
    score: float = float("nan")
    zero_point: float = 0.0

    def _scaled(self, detector_column):
        low, high = self.domain
        return (2 * np.asarray(detector_column, dtype=float) - low - high) / (high - low)

    def wavelength(self, detector_column) -> np.ndarray:
        """Air wavelength (Angstrom) at unbinned detector column(s)."""
        return chebyshev.chebval(self._scaled(detector_column), self.coefficients) + self.zero_point

    def dispersion(self, detector_column) -> np.ndarray:
        """Angstrom per unbinned pixel at unbinned detector column(s)."""
        low, high = self.domain
        return chebyshev.chebval(self._scaled(detector_column), chebyshev.chebder(self.coefficients)) * 2 / (high - low)

    def shifted(self, angstrom: float) -> WavelengthSolution:
        """The same solution with ``angstrom`` more added to every wavelength."""
        return replace(self, zero_point=self.zero_point + angstrom)

    def to_dict(self) -> dict:
        """JSON-ready form; :meth:`from_dict` reads it back exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> WavelengthSolution:
        lines = tuple(IdentifiedLine(**line) for line in values["lines"])
        tuples = {k: tuple(values[k]) for k in ("coefficients", "domain", "span", "lamps")}
        return cls(**{**values, **tuples, "lines": lines})
