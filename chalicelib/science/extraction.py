"""From a reduced frame to one-dimensional spectra, errors included.

The flux of a column is the best scale of the spatial profile to the sky-subtracted pixels (Horne 1986, PASP 98, 609),
on native pixels along a curved trace. What differs from the textbook: the profile is a smooth model of the whole
frame (Moffat with slowly changing width, corrected by what bright targets show empirically), so its own noise is
negligible; the variance of a pixel is that of the *model* of sky and target, never of the pixel's own counts, which
would pull fluxes down. Masked pixels take no part; nothing is interpolated into the data.

Both fluxes are total fluxes: the fractional-pixel sum over the aperture is divided by the share of the profile that the
usable part of the aperture holds, so it stays comparable with the optimal one and survives masked pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from .aperture import APERTURE_WIDTH, NO_COVERAGE, Scene, Target
from .errors import NoTargetFound
from .frame import Frame, MaskBit
from .profile import Collapsed, collapse
from .section import check_size
from .sky import fit_slit_sky
from .spectrum import Apertures, Spectrum, Trace
from .targets import find_targets, fit_at
from .trace import TraceFit, shape_of, shifted_fit

#: Pixels with one of these bits take no part.
UNUSABLE = MaskBit.BAD | MaskBit.SATURATED | MaskBit.COSMIC_RAY | MaskBit.OUTSIDE_SLIT
#: Signal-to-noise ratio a column must reach on average for the profile to be corrected empirically.
EMPIRICAL = 8.0


@dataclass(frozen=True)
class UserAperture:
    """An aperture drawn by a person, in unbinned detector rows and columns.

    Attributes
    ----------
    column, row : float
        A place the trace passes through.
    target : (float, float)
        Lower and upper edge of the aperture relative to the trace, rows.
    sky : tuple of (float, float)
        Sky zones relative to the trace, rows; at least one.
    """

    column: float
    row: float
    target: tuple[float, float]
    sky: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ExtractionOptions:
    """How to extract.

    Attributes
    ----------
    method : str
        ``"optimal"`` or ``"fractional"``: which extraction becomes FLUX (both are always made).
    profile : str
        ``"moffat"`` or ``"gaussian"``.
    max_targets : int
        At most this many spectra, the brightest.
    apertures : tuple of UserAperture, optional
        Extract exactly these instead of looking for targets.
    shape : Trace, optional
        A trace of the same setup (a standard, an earlier frame) whose shape faint targets borrow.
    """

    method: str = "optimal"
    profile: str = "moffat"
    max_targets: int = 3
    apertures: tuple[UserAperture, ...] | None = None
    shape: Trace | None = None

    def __post_init__(self):
        if self.method not in ("optimal", "fractional"):
            raise ValueError(f"unknown extraction method {self.method!r}: optimal or fractional")
        if self.profile not in ("moffat", "gaussian"):
            raise ValueError(f"unknown profile {self.profile!r}: moffat or gaussian")
        if self.max_targets < 1:
            raise ValueError("max_targets must be at least 1")


@dataclass(frozen=True)
class Extraction:
    """All that comes out of a frame.

    Attributes
    ----------
    spectra : list of Spectrum
        Brightest first.
    profile : (ny,) float32
        Mean sky-subtracted electrons per pixel along the slit, straightened along the first trace: for the quality
        page.
    quality : dict
        JSON-ready figures: per target and of the sky.
    """

    spectra: list[Spectrum]
    profile: np.ndarray
    quality: dict = field(default_factory=dict)


def extract(frame: Frame, options: ExtractionOptions = ExtractionOptions()) -> list[Spectrum]:
    """The spectra of a frame's targets, brightest first.

    Parameters
    ----------
    frame : Frame
        Reduced: electrons, wavelength along columns.
    options : ExtractionOptions

    Returns
    -------
    list of Spectrum
        One element a frame column each; fluxes are electrons per column, whole profile included.

    Raises
    ------
    NoTargetFound
        If nothing stands out of the sky.
    UnusableFrame
        If the frame is too small.
    """
    return analyse(frame, options).spectra


def analyse(frame: Frame, options: ExtractionOptions = ExtractionOptions()) -> Extraction:
    """Like :func:`extract`, with the figures and the profile that explain the result."""
    check_size(frame.shape)
    data = np.ascontiguousarray(frame.data, dtype=np.float32)
    variance = np.asarray(frame.variance, dtype=np.float32)
    good = ((frame.mask & int(UNUSABLE)) == 0) & np.isfinite(data) & np.isfinite(variance) & (variance > 0)
    if np.count_nonzero(good) < 0.05 * good.size:
        raise NoTargetFound("No target can be extracted: fewer than 5 % of the frame's pixels are usable.")
    data = np.where(good, data, 0)
    floor = _noise_floor(data, variance, good)
    slit = fit_slit_sky(data, variance, good)
    sky = slit.image()
    residual = data - sky
    noise = floor + np.maximum(sky, 0)
    collapsed = collapse(residual, noise, good)
    fits, zones = _targets(frame, collapsed, options)
    scene = Scene(frame, floor, good, slit, sky, residual)
    targets = _measure(scene, fits, zones)
    targets, spectra = _spectra(scene, targets, options)
    quality = {
        "targets": [_figures(t, s) for t, s in zip(targets, spectra, strict=True)],
        "sky_level": _number(float(np.median(sky[:, ::7]))),
        "tilt_columns": _number(slit.tilt.span),
        "sky_rows": int(np.count_nonzero(slit.rows)),
    }
    return Extraction(spectra, _straight_profile(collapsed, targets[0].fit), quality)


def _noise_floor(data, variance, good) -> np.ndarray:
    """Variance without light (read noise, bias): what is left of the variance after the pixel's own counts."""
    floor = variance - np.maximum(data, 0)
    sample = floor[::5, ::7][good[::5, ::7]]
    typical = float(np.median(sample)) if sample.size else 1.0
    typical = max(typical, 0.05 * float(np.median(variance[::5, ::7])), 1e-3)
    # Division by the flat makes the pixels' own counts count a little more or less than themselves: bounded here.
    return np.clip(floor, 0.5 * typical, 4 * typical)


def _targets(frame: Frame, collapsed: Collapsed, options: ExtractionOptions):
    """The fits to extract, and the zones a person drew (or Nones)."""
    geometry, gaussian = frame.geometry, options.profile == "gaussian"
    shape = shape_of(options.shape, geometry, collapsed.columns) if options.shape is not None else None
    binning = geometry.binning[1]
    if options.apertures is None:
        fits = find_targets(collapsed, binning, options.max_targets, gaussian, shape)
        if not fits:
            raise NoTargetFound(
                "No spectrum stands out of the sky: no target reaches the detection limit along the slit."
            )
        return fits, [None] * len(fits)
    found = find_targets(collapsed, binning, 3, gaussian, shape)
    fits = []
    for aperture in options.apertures:
        fits.append(_fit_user(frame, collapsed, aperture, found, gaussian, shape))
    return fits, list(options.apertures)


def _fit_user(frame: Frame, collapsed: Collapsed, aperture: UserAperture, found, gaussian: bool, shape) -> TraceFit:
    geometry = frame.geometry
    binning = geometry.binning[1]
    column, row = float(geometry.column(aperture.column)), float(geometry.row(aperture.row))
    low, high = (edge / binning for edge in aperture.target)
    inside = [f for f in found if low <= float(f.row(column)) - row <= high]
    if inside:
        # The person's centre counts, not the peak's: they may want the light beside it.
        best = max(inside, key=lambda f: f.significance)
        return shifted_fit(best, row + float(best.row((best.columns - 1) / 2) - best.row(column)))
    leader = max(found, key=lambda f: f.significance, default=None)
    middle = (collapsed.columns - 1) / 2
    drift = float(leader.row(middle) - leader.row(column)) if leader is not None else 0.0
    fit = fit_at(collapsed, row + drift, binning, found, gaussian, shape)
    if fit.significance > 6 and abs(float(fit.row(column)) - row) < 2 * math.exp(fit.log_fwhm[0]):
        return shifted_fit(fit, float(fit.row(middle)) + row - float(fit.row(column)))
    if leader is not None:
        return shifted_fit(leader, row + drift)
    terms = np.array([row, *(shape or (0.0, 0.0, 0.0))])
    width = max((high - low) / APERTURE_WIDTH, 1.0)
    flat = replace(fit, terms=terms, log_fwhm=(math.log(width), 0.0), significance=0.0)
    return shifted_fit(flat, row + float(flat.row(middle) - flat.row(column)))


def _measure(scene: Scene, fits: list[TraceFit], zones: list[UserAperture | None]) -> list[Target]:
    """Extract all targets; what one throws into another's window is taken off in turn."""
    targets = []
    for fit, zone in zip(fits, zones, strict=True):
        if zone is None:
            targets.append(Target(scene, fit))
        else:
            b = scene.binning
            sky = tuple((low / b, high / b) for low, high in zone.sky)
            targets.append(Target(scene, fit, (zone.target[0] / b, zone.target[1] / b), sky))
    for target in targets:
        target.measure(scene, _others(target, targets))
    blended = any(a.overlaps(b) for a in targets for b in targets if a is not b)
    for turn in range(3 if blended else 1):
        for target in targets:
            if turn < 2:
                target.fit_sky(scene, targets)
            target.measure(scene, _others(target, targets))
            if turn == 0 and np.median(target.flux / np.maximum(target.error, 1e-9)) > EMPIRICAL:
                target.correct_profile(scene, _others(target, targets))
                target.measure(scene, _others(target, targets))
    return targets


def _others(target: Target, targets: list[Target]) -> np.ndarray:
    """Light of the other targets in a target's window, electrons, (nw, nx)."""
    light = np.zeros(target.rows.shape, np.float32)
    for other in targets:
        if other is not target and (other.overlaps(target) or target.overlaps(other)):
            light += other.light_at(target.rows)
    return light


def _spectra(scene: Scene, targets: list[Target], options: ExtractionOptions) -> tuple[list[Target], list[Spectrum]]:
    """The targets and their spectra, brightest first, or in the order in which a person drew them."""
    if options.apertures is None:
        targets = sorted(targets, key=lambda t: -float(np.sum(np.where(np.isfinite(t.error), t.flux, 0))))
    return targets, [_spectrum(scene, target, number, options) for number, target in enumerate(targets, 1)]


def _spectrum(scene: Scene, target: Target, number: int, options: ExtractionOptions) -> Spectrum:
    geometry = scene.frame.geometry
    b = scene.binning
    mask = target.flags(scene)
    lost = target.coverage < NO_COVERAGE

    def column(values):
        return np.where(lost, np.nan, values).astype(np.float32)

    chosen = (target.flux, target.error) if options.method == "optimal" else (target.flux_box, target.error_box)
    flux, error = (column(v) for v in chosen)
    known = np.isfinite(flux) & np.isfinite(error) & (error > 0) & ((mask & int(UNUSABLE)) == 0)
    width = target.zone[1] - target.zone[0]
    return Spectrum(
        column=np.arange(len(flux), dtype=np.float64) + geometry.corner[0],
        flux=flux,
        error=error,
        flux_box=column(target.flux_box),
        error_box=column(target.error_box),
        sky=(target.sky_level * width).astype(np.float32),
        sky_error=(np.sqrt(target.sky_variance) * width).astype(np.float32),
        mask=mask,
        geometry=replace(geometry, corner=(0, 0)),
        trace=target.fit.to_trace(geometry),
        apertures=Apertures(
            target=_zone(target.zone, b),
            sky=tuple(_zone(zone, b) for zone in target.sky_zones),
        ),
        target=number,
        method=options.method,
        signal_to_noise=float(np.median(flux[known] / error[known])) if known.any() else float("nan"),
        header=scene.frame.header.copy(),
    )


def _zone(edges, binning: int) -> tuple[float, float]:
    """Edges in unbinned rows, to the decimals that files keep."""
    low, high = (round(float(binning * edge), 4) for edge in edges)
    return low, high


def _figures(target: Target, spectrum: Spectrum) -> dict:
    """Figures of one target for the record."""
    return {
        "target": spectrum.target,
        "signal_to_noise": _number(spectrum.signal_to_noise),
        "fwhm_rows": _number(spectrum.trace.fwhm),
        "trace_rms_rows": _number(spectrum.trace.rms),
        "trace_error_rows": _number(target.fit.error * spectrum.geometry.binning[1]),
        "detection": _number(target.fit.significance),
        "moffat_beta": _number(target.fit.beta),
        "sky_chi": _number(target.sky_chi),
        "flagged_columns": int(np.count_nonzero(spectrum.mask)),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _straight_profile(collapsed: Collapsed, fit: TraceFit) -> np.ndarray:
    """Mean light along the slit, rows shifted to follow the trace, (ny,) float32 electrons per pixel."""
    nb, ny = collapsed.value.shape
    drift = np.rint(fit.row(collapsed.column) - fit.row((collapsed.columns - 1) / 2)).astype(int)
    rows = np.arange(ny)[None, :] + drift[:, None]
    inside = (rows >= 0) & (rows < ny)
    rows = np.clip(rows, 0, ny - 1)
    blocks = np.arange(nb)[:, None]
    weight = np.where(inside & np.isfinite(collapsed.variance[blocks, rows]), 1.0, 0.0)
    total = weight.sum(axis=0)
    value = np.sum(weight * collapsed.value[blocks, rows], axis=0)
    return np.divide(value, total, out=np.zeros(ny), where=total > 0).astype(np.float32)
