"""The zero point of a frame's wavelengths, measured on the light of its own sky.

An arc taken at another time, through another slit or at another rotator angle gives the *shape* of the wavelength scale, but
flexure moves the spectrum on the detector by pixels in between. The sky in the science frame itself went through the very
same optics in the same minutes: airglow and town lamps in emission; in moonlit and twilight skies the Sun's Fraunhofer
lines and the air's oxygen and water bands in absorption.

Method: the sky spectrum is fitted, weighted by its errors, with a spline continuum plus the components of
:mod:`~chalicelib.science.solar`, each with an amplitude that must not be negative; the shift between spectrum and solution
is the one that lowers chi-square most (a matched filter in the presence of an unknown continuum; the joint form of the
cross-correlation of Tonry & Davis 1979, AJ 84, 1511). The line width is fitted too. The result stands only if the minimum
is deep, unrivalled within the range searched, supported by more than one feature, and agreed on by separate stretches of the
spectrum, whose scatter also enters the error.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import numpy as np
from numpy.polynomial import chebyshev
from scipy.interpolate import BSpline
from scipy.optimize import nnls
from scipy.stats import chi2, norm

from .dispersion import WavelengthSolution
from .frame import MaskBit
from .solar import SkyTemplate, sky_template

#: Unbinned pixels searched to each side.
SEARCH = 60.0
#: Widths of the slit's image tried, unbinned pixels: 3 for a 0.45" slit, 20 for a 3" slit.
WIDTHS = (2.0, 3.0, 4.5, 6.7, 10.0, 15.0, 20.0, 27.0)
#: Blur of the optics, unbinned pixels (FWHM).
OPTICS = 2.5
#: Sigma of the whole detection, and of its lead over the best rival, below which nothing is claimed.
DETECTION, LEAD = 6.0, 4.5
#: A shift is applied when it differs from zero by this many sigma.
APPLY = 4.0
#: Angstrom: wavelengths of the atlases, velocity of the Moon, and blends at low resolution.
FLOOR = 0.01
_BAD = int(MaskBit.BAD | MaskBit.SATURATED | MaskBit.COSMIC_RAY | MaskBit.OUTSIDE_SLIT)
#: A lone line can only be one of these; anything else alone may be a cosmic ray or an object.
_ALONE = ("[O I] 5577", "[O I] 6300", "Na D")


@dataclass(frozen=True)
class Stretch:
    """The shift from one part of the spectrum: detector columns, and shift with error in unbinned pixels."""

    first: float
    last: float
    shift: float
    error: float


@dataclass(frozen=True)
class ZeroPoint:
    """What the sky says about a wavelength solution.

    Attributes
    ----------
    shift, error : float
        Angstrom to add to the solution's wavelengths (at the middle of the spectrum), and its 1-sigma error; NaN where the
        sky shows nothing.
    shift_pixels, error_pixels : float
        The same in unbinned pixels: the frame's column ``c`` shows what the arc showed at ``c + shift_pixels``.
    significance : float
        Sigma by which the best shift leads its best rival.
    method : str
        ``"airglow"``, ``"solar absorption"``, ``"airglow and solar absorption"`` or ``"none"``.
    verified : bool
        The sky fixes the zero point.
    applied : bool
        The shift differs from zero significantly and is to be applied; see :meth:`apply`.
    reason : str
        A sentence for the observer.
    width_pixels : float
        Width of the slit's image that fits the sky's lines best, unbinned pixels.
    features : tuple of str
        Components of the sky that were detected.
    stretches : tuple of Stretch
        Shifts of separate parts of the spectrum.
    """

    shift: float
    error: float
    shift_pixels: float
    error_pixels: float
    significance: float
    method: str
    verified: bool
    applied: bool
    reason: str
    width_pixels: float = float("nan")
    features: tuple[str, ...] = ()
    stretches: tuple[Stretch, ...] = field(default=())

    def apply(self, solution: WavelengthSolution) -> WavelengthSolution:
        """The solution moved by the shift if it is to be applied, else the solution itself.

        Flexure is rigid on the detector, not in wavelength: the polynomial is moved by ``shift_pixels`` exactly, and the
        ``zero_point`` (Angstrom) records the change at the middle of the spectrum.
        """
        if not self.applied:
            return solution
        low, high = solution.domain
        degree = len(solution.coefficients) - 1
        scaled = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        column = (scaled * (high - low) + low + high) / 2 + self.shift_pixels
        values = solution.wavelength(column) - solution.zero_point - self.shift
        coefficients = chebyshev.chebfit(scaled, values, degree)
        return replace(solution, coefficients=tuple(float(c) for c in coefficients)).shifted(self.shift)

    def to_dict(self) -> dict:
        """JSON-ready form (NaN as None)."""
        return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class _Fit:
    """The best amplitudes at one shift: chi-square gained, amplitudes, and the whitened model without continuum."""

    gain: float
    amplitudes: np.ndarray
    model: np.ndarray


class _Sky:
    """The sky spectrum, whitened by its errors and with every possible continuum projected out."""

    def __init__(self, column, flux, error, solution, velocity):
        self.column, self.error, self.solution, self.velocity = column, error, solution, velocity
        self.middle = float(column[len(column) // 2])
        self.pixel = float(np.median(np.diff(column)))
        self.dispersion = float(abs(solution.dispersion(self.middle)))
        self.basis = _spline_basis(column, spacing=200.0)
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
            coefficients, *_ = np.linalg.lstsq(
                (self.basis / self.error[:, None])[keep], self.white[keep], rcond=None
            )
            level = self.basis @ coefficients
            pull = (flux - level) / self.error
            keep = pull < 3 * max(1.0, 1.4826 * float(np.median(np.abs(pull))))
        return np.clip(level, 0, None)

    def template(self, width: float) -> SkyTemplate:
        """The sky's components through a slit whose image is ``width`` unbinned pixels wide."""
        reach = (SEARCH + 4) * self.dispersion
        waves = self.solution.wavelength(self.column[[0, -1]])
        return sky_template(
            float(waves.min() - reach), float(waves.max() + reach), width * self.dispersion,
            OPTICS * self.dispersion, self.pixel * self.dispersion, self.velocity,
        )  # fmt: skip

    def components(self, template: SkyTemplate, shift: float):
        """Whitened components ``(n, k)`` at a shift, continuum not yet projected out."""
        return (template.at(self.solution.wavelength(self.column + shift), self.continuum) / self.error).T

    def fit(self, template: SkyTemplate, shift: float) -> _Fit:
        """Non-negative least squares of all components at a shift in unbinned pixels."""
        parts = self.without_continuum(self.components(template, shift))
        normal, projection = parts.T @ parts, parts.T @ self.residual
        scale = np.sqrt(np.diag(normal))
        usable = scale > 1e-3
        amplitudes = np.zeros(scale.size)
        if usable.any():
            inner = normal[np.ix_(usable, usable)] / np.outer(scale[usable], scale[usable])
            root = np.linalg.cholesky(inner + 1e-9 * np.eye(len(inner)))
            found, _ = nnls(root.T, np.linalg.solve(root, projection[usable] / scale[usable]))
            amplitudes[usable] = found / scale[usable]
        gain = float(2 * amplitudes @ projection - amplitudes @ normal @ amplitudes)
        return _Fit(gain, amplitudes, parts @ amplitudes)


def _spline_basis(column: np.ndarray, spacing: float) -> np.ndarray:
    """Cubic B-splines over the columns, knots about ``spacing`` unbinned pixels apart: ``(n, k)``."""
    pieces = max(4, round((column[-1] - column[0]) / spacing))
    inner = np.linspace(column[0], column[-1] + 1e-6, pieces + 1)
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    return BSpline.design_matrix(column, knots, 3).toarray()


def _unverified(reason: str, significance: float = 0.0, **more) -> ZeroPoint:
    nan = float("nan")
    sentence = f"The zero point of the wavelengths is not verified: {reason}."
    return ZeroPoint(nan, nan, nan, nan, significance, "none", False, False, sentence, **more)


def _scan(sky: _Sky, template: SkyTemplate, width: float, middle: float = 0.0, reach: float = SEARCH):
    """Chi-square gained at each shift of a grid fine enough for the line width: shifts, gains."""
    step = max(width, 3.0) / 2
    shifts = middle + np.linspace(-reach, reach, 2 * int(np.ceil(reach / step)) + 1)
    return shifts, np.array([sky.fit(template, shift).gain for shift in shifts])


def _search(sky: _Sky) -> tuple[float, float]:
    """Slit width and shift that fit best, in turn: with a width far off, the best shift pairs one edge of the lines only."""
    width, reach, shift = 6.7, SEARCH, 0.0
    tried = set()
    while width not in tried:
        tried.add(width)
        shifts, gains = _scan(sky, sky.template(width), width, shift, reach)
        shift = float(shifts[np.argmax(gains)])
        shift = _refine(sky, sky.template(width), shift)[0]
        reach = 2 * max(width, 4.0)
        width = max(WIDTHS, key=lambda w: sky.fit(sky.template(w), shift).gain)
    return width, shift


def _refine(sky: _Sky, template: SkyTemplate, shift: float):
    """Newton steps to the minimum: shift, fit there, and the whitened derivative of its model."""
    for _ in range(8):
        fit = sky.fit(template, shift)
        slope = (sky.components(template, shift + 0.25) - sky.components(template, shift - 0.25)) @ fit.amplitudes / 0.5
        slope = sky.without_continuum(slope)
        power = float(slope @ slope)
        move = float(np.clip((sky.residual - fit.model) @ slope / power, -1.0, 1.0)) if power > 0 else 0.0
        shift += move
        if abs(move) < 1e-3:
            break
    return shift, fit, slope


def _stretches(sky: _Sky, fit: _Fit, slope: np.ndarray, shift: float, scale: float, count: int = 6) -> tuple[Stretch, ...]:
    """The shift from each of ``count`` parts of the spectrum that can tell to 1.5 pixels, own amplitude each."""
    edges = np.linspace(sky.column[0], sky.column[-1] + 1e-6, count + 1)
    out = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (sky.column >= low) & (sky.column < high)
        design = np.column_stack([fit.model[inside], slope[inside]])
        normal = design.T @ design
        if normal[0, 0] < 9 * scale**2 or np.linalg.det(normal) < 1e-6 * normal[0, 0] * max(normal[1, 1], 1e-12):
            continue
        amount, moved = np.linalg.solve(normal, design.T @ sky.residual[inside])
        error = scale * np.sqrt(np.linalg.inv(normal)[1, 1]) / max(amount, 1e-3)
        if 0.2 < amount < 5 and error < 1.5:
            out.append(Stretch(float(low), float(high), float(shift + moved / amount), float(error)))
    return tuple(out)


def _supports(sky: _Sky, fit: _Fit, width: float) -> float:
    """Effective number of separate places along the spectrum from which the gain comes."""
    gain = sky.residual**2 - (sky.residual - fit.model) ** 2
    counts = []
    for phase in (0.0, 0.5):  # a line on the border of two bins must not count twice
        place = ((sky.column - sky.column[0]) / (3 * width) + phase).astype(int)
        binned = np.clip(np.bincount(place, weights=gain), 0, None)
        counts.append(binned.sum() ** 2 / max(float(np.sum(binned**2)), 1e-12))
    return float(min(counts))


def _noise_scale(sky: _Sky, fit: _Fit, width: float) -> float:
    """By how much the scatter about the fit exceeds the errors given, at least 1.

    Taken column by column and in sums over a line's width: noise or misfit that is correlated along the spectrum mimics
    lines more easily than its scatter from column to column tells.
    """
    left = sky.residual - fit.model
    n = max(2, round((width + OPTICS) / sky.pixel))
    sums = np.convolve(left, np.ones(n) / np.sqrt(n), "valid")
    return max(1.0, *(1.4826 * float(np.median(np.abs(v))) for v in (left, sums)))


def _combined_error(stretches: tuple[Stretch, ...], formal: float, shift: float) -> tuple[float, float]:
    """Error of the shift with the stretches' disagreement in it, and the probability of that disagreement."""
    if len(stretches) < 2:
        return formal, 1.0
    pulls = np.array([(s.shift - shift) / s.error for s in stretches])
    total = float(pulls @ pulls)
    freedom = len(stretches) - 1
    return formal * max(1.0, np.sqrt(total / freedom)), float(chi2.sf(total, freedom))


def measure(
    detector_column,
    sky,
    sky_error,
    mask,
    solution: WavelengthSolution,
    *,
    sun_velocity: float = 0.0,
) -> ZeroPoint:
    """Measure by how much a frame's wavelengths are off, from its own sky.

    Parameters
    ----------
    detector_column : (n,) array_like
        Unbinned detector columns.
    sky : (n,) array_like
        Sky, electrons per column (any common factor is as good).
    sky_error : (n,) array_like
        Its 1-sigma errors.
    mask : (n,) array_like of int
        :class:`~chalicelib.science.frame.MaskBit` flags; bad, saturated, cosmic-ray and unlit columns are left out.
    solution : WavelengthSolution
        From the arc, not corrected yet.
    sun_velocity : float
        Radial velocity of the sunlight scattered by the sky, km/s; below 1 for the Moon, so 0 serves.

    Returns
    -------
    ZeroPoint
        Never raises for want of light: ``verified`` is False and ``reason`` says why.
    """
    column, flux, error = (np.asarray(a, dtype=float) for a in (detector_column, sky, sky_error))
    good = np.isfinite(column) & np.isfinite(flux) & np.isfinite(error) & (error > 0)
    good &= (np.asarray(mask).astype(int) & _BAD) == 0
    if good.sum() < 200:
        return _unverified(f"only {int(good.sum())} columns of the sky spectrum are usable")
    order = np.argsort(column[good], kind="stable")
    column, flux, error = column[good][order], flux[good][order], error[good][order]
    waves = solution.wavelength(column[[0, -1]])
    if not np.all(np.isfinite(waves)) or waves.max() < 3400 or waves.min() > 9800:
        return _unverified("no atlas of the sky covers these wavelengths")

    spectrum = _Sky(column, flux, error, solution, sun_velocity)
    width, shift = _search(spectrum)
    fit = spectrum.fit(spectrum.template(width), shift)
    spikes = np.abs(spectrum.residual - fit.model) > 6 * _noise_scale(spectrum, fit, width)
    spikes &= np.abs(fit.model) < 3  # not the core of a bright line, where a small misfit is many sigma
    if spikes.any() and (~spikes).sum() >= 200:
        spectrum = _Sky(column[~spikes], flux[~spikes], error[~spikes], solution, sun_velocity)
    template = spectrum.template(width)
    shifts, gains = _scan(spectrum, template, width)
    shift, fit, slope = _refine(spectrum, template, float(shifts[np.argmax(gains)]))
    return _judge(spectrum, template, fit, slope, shift, width, shifts, gains)


def _judge(spectrum, template, fit, slope, shift, width, shifts, gains) -> ZeroPoint:
    """Decide what the best fit is worth."""
    scale = _noise_scale(spectrum, fit, width)
    gain = fit.gain / scale**2
    far = np.abs(shifts - shift) > 1.2 * width + 3
    rival = max(float(gains[far].max()) / scale**2, 0.0) if far.any() else 0.0
    lead = float(np.sqrt(max(gain - rival, 0.0)))
    amplitudes = fit.amplitudes
    parts = spectrum.without_continuum(spectrum.components(template, shift))
    strength = amplitudes * np.sqrt(np.sum(parts**2, axis=0)) / scale
    features = tuple(name for name, sigma in zip(template.names, strength, strict=True) if sigma > 4)
    freedom = max(1, int(np.sum(np.sum(parts**2, axis=0) > 1e-3)))
    median = float(np.median(spectrum.continuum / spectrum.error))
    more = {"width_pixels": width, "features": features}
    if gain < chi2.isf(2 * norm.sf(DETECTION), freedom):
        seen = f"the sky shows no lines (signal to noise {median:.1f} a column)"
        return _unverified(seen, lead, width_pixels=width)
    if lead < LEAD or abs(shift) > SEARCH - 1:
        return _unverified("the lines of the sky fit more than one shift", lead, **more)
    power = float(slope @ slope)
    formal = scale / np.sqrt(power) if power > 0 else np.inf
    stretches = _stretches(spectrum, fit, slope, shift, scale)
    error, agreement = _combined_error(stretches, formal, shift)
    more["stretches"] = stretches
    if error > 2.0:
        return _unverified(f"the lines of the sky fix it to {error:.1f} unbinned pixels only", lead, **more)
    if agreement < 1e-6 and error > 0.5:
        return _unverified("different parts of the spectrum ask for different shifts", lead, **more)
    if _supports(spectrum, fit, width) < 1.6:
        brightest = template.names[int(np.argmax(strength))]
        if brightest not in _ALONE or lead < 2 * DETECTION:
            return _unverified(f"a single feature, taken for {brightest}, is too little to go by", lead, **more)

    dispersion = float(spectrum.solution.dispersion(spectrum.middle + shift))
    angstrom = float(spectrum.solution.wavelength(spectrum.middle + shift) - spectrum.solution.wavelength(spectrum.middle))
    sigma = float(np.hypot(error * abs(dispersion), FLOOR))
    dark = any(name in template.absorption_names for name in features)
    bright = any(name in template.emission_names for name in features)
    kinds = [word for word, seen in (("airglow", bright), ("solar absorption", dark)) if seen]
    method = " and ".join(kinds) or ("solar absorption" if template.names[int(np.argmax(strength))] == "Sun" else "airglow")
    applied = abs(angstrom) >= APPLY * sigma
    value = f"{angstrom:+.2f} ± {sigma:.2f} Å ({shift:+.1f} unbinned pixels)"
    if applied:
        reason = f"The sky of this frame ({method}) shows the wavelengths of the arc to be off by {value}; they are corrected."
    else:
        reason = f"The sky of this frame ({method}) confirms the wavelengths of the arc: {value}, not significant."
    return ZeroPoint(
        angstrom, sigma, float(shift), float(np.hypot(error, FLOOR / abs(dispersion))), lead, method, True, bool(applied), reason,
        **more,
    )  # fmt: skip
