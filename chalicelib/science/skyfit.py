"""The sky spectrum as a linear model: an unknown smooth continuum plus the components of the sky, at any shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts at first use: a cold start must not pay for them

from .dispersion import WavelengthSolution
from .solar import SkyTemplate, sky_template

#: Unbinned pixels to each side that can be searched.
REACH = 60.0
#: Blur of the optics, unbinned pixels (FWHM).
OPTICS = 2.5
#: Unbinned pixels between the knots of the continuum: wider than any line, narrower than the response varies.
KNOTS = 200.0


@dataclass(frozen=True)
class SkyFit:
    """The best amplitudes at one shift.

    Attributes
    ----------
    gain : float
        Chi-square gained over a continuum alone.
    amplitudes : (k,) ndarray
    model : (n,) ndarray
        Whitened, continuum projected out.
    """

    gain: float
    amplitudes: np.ndarray
    model: np.ndarray


class SkySpectrum:
    """The sky spectrum, whitened by its errors and with every possible continuum projected out.

    Parameters
    ----------
    column, flux, error : (n,) float64
        Unbinned detector columns, rising; sky and its 1-sigma error; nothing masked left in.
    solution : WavelengthSolution
    velocity : float
        Of the reflected sunlight, km/s.
    """

    def __init__(self, column, flux, error, solution: WavelengthSolution, velocity: float = 0.0):
        self.column, self.error, self.solution, self.velocity = column, error, solution, velocity
        self.middle = float(column[len(column) // 2])
        self.pixel = float(np.median(np.diff(column)))
        self.dispersion = float(solution.dispersion(self.middle))
        self.wavelength = solution.wavelength(column)
        self._templates: dict[float, SkyTemplate] = {}
        self.basis = spline_basis(column, spacing=KNOTS)
        self.orthogonal, _ = np.linalg.qr(self.basis / error[:, None])
        self.white = flux / error
        self.residual = self.without_continuum(self.white)
        self.continuum = self._continuum(flux)

    def without_continuum(self, whitened):
        """Whitened columns ``(n,)`` or ``(n, k)`` less their best continuum."""
        return whitened - self.orthogonal @ (self.orthogonal.T @ whitened)

    def _continuum(self, flux):
        """Smooth level over which absorption is reckoned, emission lines clipped."""
        keep = np.ones(flux.size, dtype=bool)
        for _ in range(4):
            coefficients, *_ = np.linalg.lstsq((self.basis / self.error[:, None])[keep], self.white[keep], rcond=None)
            level = self.basis @ coefficients
            pull = (flux - level) / self.error
            keep = pull < 3 * max(1.0, 1.4826 * float(np.median(np.abs(pull))))
        return np.clip(level, 0, None)

    def template(self, width: float) -> SkyTemplate:
        """The sky's components through a slit whose image is ``width`` unbinned pixels wide."""
        if width not in self._templates:
            scale = abs(self.dispersion)
            reach = (REACH + 4) * scale
            low, high = float(self.wavelength.min() - reach), float(self.wavelength.max() + reach)
            self._templates[width] = sky_template(
                low, high, width * scale, OPTICS * scale, self.pixel * scale, self.velocity
            )
        return self._templates[width]

    def components(self, template: SkyTemplate, shift: float):
        """Whitened components ``(n, k)`` at a shift, continuum not yet projected out."""
        return (template.at(self.wavelength + shift * self.dispersion, self.continuum) / self.error).T

    def fit(self, template: SkyTemplate, shift: float) -> SkyFit:
        """Non-negative least squares of all components at a shift in unbinned pixels."""
        parts = self.without_continuum(self.components(template, shift))
        normal, projection = parts.T @ parts, parts.T @ self.residual
        scale = np.sqrt(np.diag(normal))
        usable = scale > 1e-3
        amplitudes = np.zeros(scale.size)
        if usable.any():
            inner = normal[np.ix_(usable, usable)] / np.outer(scale[usable], scale[usable])
            root = np.linalg.cholesky(inner + 1e-9 * np.eye(len(inner)))
            found, _ = scipy.optimize.nnls(root.T, np.linalg.solve(root, projection[usable] / scale[usable]))
            amplitudes[usable] = found / scale[usable]
        gain = float(2 * amplitudes @ projection - amplitudes @ normal @ amplitudes)
        return SkyFit(gain, amplitudes, parts @ amplitudes)


def spline_basis(column: np.ndarray, spacing: float) -> np.ndarray:
    """Cubic B-splines over the columns, knots about ``spacing`` unbinned pixels apart: ``(n, k)``.

    Splines that see no column, in a gap, are left out.
    """
    pieces = max(4, round((column[-1] - column[0]) / spacing))
    inner = np.linspace(column[0], column[-1] + 1e-6, pieces + 1)
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    basis = scipy.interpolate.BSpline.design_matrix(column, knots, 3).toarray()
    return basis[:, basis.sum(axis=0) > 0.1]
