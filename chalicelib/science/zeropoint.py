"""The zero point of a frame's wavelengths, measured on the light of its own sky.

An arc taken at another time, through another slit or at another rotator angle gives the *shape* of the wavelength
scale, but the spectrum has moved on the detector by pixels since. The sky in the science frame itself went through the
very same slit and optics in the same minutes: airglow and town lamps in emission; in moonlit and twilight skies the
Sun's Fraunhofer lines and the air's oxygen and water bands in absorption.

Method: the sky spectrum is fitted, weighted by its errors, with a spline continuum plus the components of
:mod:`~chalicelib.science.solar`, each with an amplitude that must not be negative; the shift between spectrum and
solution is the one that lowers chi-square most (a matched filter in the presence of an unknown continuum; the joint
form of the cross-correlation of Tonry & Davis 1979, AJ 84, 1511). The slit's width is fitted too. The result stands
only if the minimum is deep, unrivalled within the range searched, supported by more than one feature, and agreed on by
separate stretches of the spectrum, whose scatter also enters the error.

The shift is taken as rigid in wavelength: large ones come from the slit's place, a constant added to sin(alpha) of the
grating equation. On a real night with a shift of 34 pixels that held to the noise over 4000 columns, while a shift
rigid in pixels would have left 1 pixel end to end; for a pixel or two of flexure both are the same.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
import scipy  # loads its parts at first use: a cold start must not pay for them

from .dispersion import WavelengthSolution
from .frame import MaskBit
from .skyfit import OPTICS, REACH, SkyFit, SkySpectrum
from .solar import SkyTemplate

#: Widths of the slit's image tried, unbinned pixels: 3 for a 0.45" slit, 20 for a 3" slit.
WIDTHS = (2.0, 3.0, 4.5, 6.7, 10.0, 15.0, 20.0, 27.0)
#: Sigma of the whole detection, and of its lead over the best rival, below which nothing is claimed.
DETECTION, LEAD = 6.0, 4.5
#: A shift is applied when it differs from zero by this many sigma.
APPLY = 4.0
#: Angstrom: wavelengths of the atlases, velocity of the Moon, and blends at low resolution.
FLOOR = 0.01
#: Unbinned pixels: a zero point known no better is no use.
LARGEST_ERROR = 2.0
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
        Angstrom to add to the solution's wavelengths, and its 1-sigma error; NaN where the sky shows nothing.
    shift_pixels, error_pixels : float
        The same in unbinned pixels at the middle: column ``c`` shows what the arc showed at ``c + shift_pixels``.
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
        """The solution moved by the shift if it is to be applied, else the solution itself."""
        return solution.shifted(self.shift) if self.applied else solution

    def to_dict(self) -> dict:
        """JSON-ready form (NaN as None)."""
        return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in asdict(self).items()}


def _unverified(reason: str, significance: float = 0.0, **more) -> ZeroPoint:
    nan = float("nan")
    sentence = f"The zero point of the wavelengths is not verified: {reason}."
    return ZeroPoint(nan, nan, nan, nan, significance, "none", False, False, sentence, **more)


def _spikes(flux: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Single columns that stick out on both sides: narrower than the narrowest slit's line, so not light of the sky."""
    level = scipy.ndimage.median_filter(flux, 7, mode="constant")
    height = (flux - level) / error
    beside = np.maximum(np.roll(height, 1), np.roll(height, -1))
    return (height > 6) & (beside < 0.25 * height)


def _scan(sky: SkySpectrum, template: SkyTemplate, width: float, middle: float = 0.0, reach: float = REACH):
    """Chi-square gained at each shift of a grid fine enough for the line width: shifts, gains."""
    step = max(width, 3.0) / 2
    shifts = middle + np.linspace(-reach, reach, 2 * int(np.ceil(reach / step)) + 1)
    return shifts, np.array([sky.fit(template, shift).gain for shift in shifts])


def _gain_near(sky: SkySpectrum, width: float, shift: float) -> float:
    """The best chi-square gained with a width near a shift; wide lines may have been paired by an edge."""
    offsets = (0.0, -width / 3, -width / 6, width / 6, width / 3) if width >= 10 else (0.0,)
    return max(sky.fit(sky.template(width), shift + offset).gain for offset in offsets)


def _search(sky: SkySpectrum) -> tuple[float, float]:
    """Slit width and shift that fit best.

    In turn, for with a width far off the best shift pairs one edge of the lines only.
    """
    width, reach, shift = 6.7, REACH, 0.0
    tried = set()
    while width not in tried:
        tried.add(width)
        shifts, gains = _scan(sky, sky.template(width), width, shift, reach)
        shift = float(shifts[np.argmax(gains)])
        shift = _refine(sky, sky.template(width), shift)[0]
        reach = 2 * max(width, 4.0)
        width = max(WIDTHS, key=lambda w: _gain_near(sky, w, shift))
    return width, shift


def _refine(sky: SkySpectrum, template: SkyTemplate, shift: float):
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


def _stretches(sky: SkySpectrum, fit: SkyFit, slope, shift: float, scale: float, count: int = 6) -> tuple[Stretch, ...]:
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


def _supports(sky: SkySpectrum, fit: SkyFit, width: float) -> float:
    """Effective number of separate places along the spectrum from which the gain comes."""
    gain = sky.residual**2 - (sky.residual - fit.model) ** 2
    counts = []
    for phase in (0.0, 0.5):  # a line on the border of two bins must not count twice
        place = ((sky.column - sky.column[0]) / (3 * width) + phase).astype(int)
        binned = np.clip(np.bincount(place, weights=gain), 0, None)
        counts.append(binned.sum() ** 2 / max(float(np.sum(binned**2)), 1e-12))
    return float(min(counts))


def _noise_scale(sky: SkySpectrum, fit: SkyFit, width: float) -> float:
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
    return formal * max(1.0, np.sqrt(total / freedom)), float(scipy.special.chdtrc(freedom, total))


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
    whole = ~_spikes(flux, error)
    column, flux, error = column[whole], flux[whole], error[whole]
    waves = solution.wavelength(column[[0, -1]])
    if not np.all(np.isfinite(waves)) or waves.max() < 3400 or waves.min() > 9800:
        return _unverified("no atlas of the sky covers these wavelengths")

    spectrum = SkySpectrum(column, flux, error, solution, sun_velocity)
    width, shift = _search(spectrum)
    fit = spectrum.fit(spectrum.template(width), shift)
    spikes = np.abs(spectrum.residual - fit.model) > 6 * _noise_scale(spectrum, fit, width)
    spikes &= np.abs(fit.model) < 3  # not the core of a bright line, where a small misfit is many sigma
    if spikes.any() and (~spikes).sum() >= 200:
        spectrum = SkySpectrum(column[~spikes], flux[~spikes], error[~spikes], solution, sun_velocity)
    template = spectrum.template(width)
    shifts, gains = _scan(spectrum, template, width)
    shift, fit, slope = _refine(spectrum, template, float(shifts[np.argmax(gains)]))
    return _judge(spectrum, template, fit, slope, shift, width, shifts, gains)


@dataclass(frozen=True)
class _Evidence:
    """What the best fit rests on; sigma are in units of the scatter found."""

    gain: float
    lead: float
    scale: float
    strength: np.ndarray
    freedom: int

    def strongest(self, template: SkyTemplate) -> str:
        return template.names[int(np.argmax(self.strength))]


def _weigh(
    sky: SkySpectrum, template: SkyTemplate, fit: SkyFit, shift: float, width: float, shifts, gains
) -> _Evidence:
    scale = _noise_scale(sky, fit, width)
    parts = np.sqrt(np.sum(sky.without_continuum(sky.components(template, shift)) ** 2, axis=0))
    far = np.abs(shifts - shift) > 1.2 * width + 3
    rival = max(float(gains[far].max()), 0.0) / scale**2
    gain = fit.gain / scale**2
    lead = float(np.sqrt(max(gain - rival, 0.0)))
    return _Evidence(gain, lead, scale, fit.amplitudes * parts / scale, max(1, int(np.sum(parts**2 > 1e-3))))


def _needed_gain(freedom: int) -> float:
    """Chi-square gained by chance as rarely as a Gaussian deviate beyond DETECTION sigma."""
    return float(scipy.special.chdtri(freedom, 2 * scipy.special.ndtr(-DETECTION)))


def _judge(sky: SkySpectrum, template: SkyTemplate, fit: SkyFit, slope, shift, width, shifts, gains) -> ZeroPoint:
    """Decide what the best fit is worth."""
    evidence = _weigh(sky, template, fit, shift, width, shifts, gains)
    lead, power = evidence.lead, float(slope @ slope)
    if evidence.gain < _needed_gain(evidence.freedom) or power <= 0:
        signal = float(np.median(sky.continuum / sky.error))
        return _unverified(f"the sky shows no lines (signal to noise {signal:.1f} a column)", lead, width_pixels=width)
    features = tuple(name for name, sigma in zip(template.names, evidence.strength) if sigma > 4)
    more = {"width_pixels": width, "features": features}
    if lead < LEAD or abs(shift) > REACH - 1:
        return _unverified("the lines of the sky fit more than one shift", lead, **more)
    more["stretches"] = stretches = _stretches(sky, fit, slope, shift, evidence.scale)
    error, agreement = _combined_error(stretches, evidence.scale / np.sqrt(power), shift)
    # Were the shift rigid in pixels after all, lines away from the middle would mislead by the change of dispersion.
    lever = float(np.average(sky.solution.dispersion(sky.column), weights=slope**2)) / sky.dispersion - 1
    error = float(np.hypot(error, 0.3 * abs(shift * lever)))
    if error > LARGEST_ERROR:
        return _unverified(f"the lines of the sky fix it to {error:.1f} unbinned pixels only", lead, **more)
    if agreement < 1e-6 and error > 0.5:
        return _unverified("different parts of the spectrum ask for different shifts", lead, **more)
    alone = evidence.strongest(template)
    lone = _supports(sky, fit, width) < 1.6
    narrow = width <= WIDTHS[0]  # sharper than any slit makes lines
    corroborated = len(stretches) > 1 and not (lone or narrow)
    if (lone and (alone not in _ALONE or narrow)) or not (corroborated or lead > 2 * DETECTION):
        return _unverified(f"what is seen, mostly {alone}, is too little to go by", lead, **more)
    return _verified(sky, template, evidence, shift, error, more)


def _verified(sky: SkySpectrum, template: SkyTemplate, evidence: _Evidence, shift, error, more) -> ZeroPoint:
    """Put a trusted shift into Angstrom and words."""
    angstrom = float(shift * sky.dispersion)
    sigma = float(np.hypot(error * sky.dispersion, FLOOR))
    seen = set(more["features"]) or {evidence.strongest(template)}
    kinds = [("airglow", template.emission_names), ("solar absorption", template.absorption_names)]
    method = " and ".join(word for word, names in kinds if seen & set(names))
    applied = bool(abs(angstrom) >= APPLY * sigma)
    value = f"{angstrom:+.2f} +/- {sigma:.2f} Angstrom ({shift:+.1f} unbinned pixels)"
    if applied:
        reason = f"This frame's sky ({method}) shows the arc's wavelengths to be off by {value}; they are corrected."
    else:
        reason = f"This frame's sky ({method}) confirms the arc's wavelengths: {value} is not significant."
    return ZeroPoint(
        shift=angstrom,
        error=sigma,
        shift_pixels=float(shift),
        error_pixels=abs(sigma / sky.dispersion),
        significance=evidence.lead,
        method=method,
        verified=True,
        applied=applied,
        reason=reason,
        **more,
    )
