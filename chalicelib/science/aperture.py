"""One target's window on the frame: its profile, its local sky, its fluxes.

The estimators behind :mod:`chalicelib.science.extraction`; arrays here are windows of shape ``(nw, nx)`` whose rows
follow the trace, so that a curved trace costs no resampling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .frame import Frame, MaskBit
from .profile import profile_value
from .sky import SlitSky
from .spline import fit_spline
from .trace import TraceFit

#: The aperture is this many FWHM wide in all; the profile is fitted out to this many FWHM on either side.
APERTURE_WIDTH = 2.0
WINDOW = 3.0
#: Sky zones: from this many FWHM off the trace (at least so many unbinned rows), this many FWHM and at least rows wide.
SKY_GAP, SKY_GAP_ROWS = 3.0, 16.0
SKY_WIDTH, SKY_WIDTH_ROWS = 10.0, 120.0
#: A column whose usable pixels hold less of the aperture's light than this is flagged, and below the second has no
#: flux.
COVERAGE, NO_COVERAGE = 0.6, 0.15
#: Pixels this many sigma off the profile are cosmic rays that nobody flagged; 5 % of the light is allowed for misfit.
REJECT, MISFIT = 5.0, 0.05
#: Empirical correction of the profile: bin in rows.
CORRECTION_BIN = 0.5


@dataclass(frozen=True)
class Scene:
    """A frame with its sky taken off: what every target is extracted from.

    ``floor`` is the variance without light (electrons squared), ``sky`` the slit-wide sky model and ``residual`` the
    data without it (electrons), all of shape ``(ny, nx)``.
    """

    frame: Frame
    floor: np.ndarray
    good: np.ndarray
    slit: SlitSky
    sky: np.ndarray
    residual: np.ndarray

    @property
    def binning(self) -> int:
        return self.frame.geometry.binning[1]


class Target:
    """A target, its window and what was measured in it.

    Parameters
    ----------
    scene : Scene
    fit : TraceFit
    target, sky : zones in rows of the frame relative to the trace; None for the standard ones.
    """

    def __init__(self, scene: Scene, fit: TraceFit, target=None, sky=None):
        ny, nx = scene.residual.shape
        self.fit = fit
        self.columns = np.arange(nx)
        self.trace = fit.row(self.columns)
        self.fwhm = fit.fwhm(self.columns)
        width = float(np.median(self.fwhm))
        half = APERTURE_WIDTH / 2 * width
        self.zone = target or (-half, half)
        self.user_zone = target is not None
        gap = max(SKY_GAP * width, SKY_GAP_ROWS / scene.binning)
        far = gap + max(SKY_WIDTH * width, SKY_WIDTH_ROWS / scene.binning)
        self.sky_zones = tuple(sky) if sky else ((-far, -gap), (gap, far))
        reach = math.ceil(max(WINDOW * float(np.max(self.fwhm)), abs(self.zone[0]) + 1, abs(self.zone[1]) + 1))
        nearest = np.rint(self.trace).astype(int)
        self.rows = nearest[None, :] + np.arange(-reach, reach + 1)[:, None]
        self.inside = (self.rows >= 0) & (self.rows < ny)
        self.index = (np.clip(self.rows, 0, ny - 1), np.broadcast_to(self.columns, self.rows.shape))
        self.offset = (self.rows - self.trace).astype(np.float32)
        self.profile = self.profile_at(self.rows)
        self.fraction = self._fraction()
        self.good = self.inside & scene.good[self.index]
        self.rejected = np.zeros_like(self.good)
        self.background = np.zeros(self.rows.shape, np.float32)
        self.sky_level = np.zeros(nx)
        self.sky_variance = np.zeros(nx)
        self.sky_chi = math.nan
        self.correction: tuple[np.ndarray, float] | None = None
        self.scale = np.ones(nx, np.float32)
        self.measured = False
        self.flux, self.error = np.zeros(nx), np.full(nx, np.inf)
        self.flux_box, self.error_box, self.coverage = np.zeros(nx), np.full(nx, np.inf), np.zeros(nx)

    def _fraction(self) -> np.ndarray:
        """Share of each pixel inside the target zone, 0 … 1."""
        if self.user_zone:
            low, high = self.zone
        else:
            # The aperture keeps its width in FWHM as the width changes along the frame.
            high = APERTURE_WIDTH / 2 * self.fwhm
            low = -high
        return np.clip(np.minimum(self.offset + 0.5, high) - np.maximum(self.offset - 0.5, low), 0, 1).astype(
            np.float32
        )

    def profile_at(self, rows: np.ndarray) -> np.ndarray:
        """The target's profile on array ``rows`` (nw, nx), fractions of its light per pixel, float32."""
        offset = (rows - self.trace).astype(np.float32)
        return np.asarray(profile_value(offset, self.fwhm.astype(np.float32), self.fit.beta), dtype=np.float32)

    def overlaps(self, other: Target) -> bool:
        """Whether this target's light reaches into the other's window noticeably."""
        return float(np.min(np.abs(self.trace - other.trace))) < 6 * float(np.max(self.fwhm)) + WINDOW * float(
            np.max(other.fwhm)
        )

    def light_at(self, rows: np.ndarray) -> np.ndarray:
        """The target's electrons on array ``rows`` (nw, nx): smooth flux times profile."""
        if not self.measured:
            return np.zeros(rows.shape, np.float32)
        profile = self.profile_at(rows)
        if self.correction is not None:
            offset = (rows - self.trace).astype(np.float32)
            profile = np.maximum(profile + self._correction_at(offset), 0) * self.scale
        return (smooth_flux(self.flux, self.error) * profile).astype(np.float32)

    def correct_profile(self, scene: Scene, others: np.ndarray) -> None:
        """Replace the model profile by what the target itself shows, where that is significant.

        In bins of half a row from the trace, and in chunks of columns, the flux-weighted mean of data minus profile is
        added to the profile, shrunk where noise explains it. ``others`` is the other targets' light (nw, nx).
        """
        flux = np.maximum(smooth_flux(self.flux, self.error), 0)
        ratio = float(np.median(self.flux / np.maximum(self.error, 1e-9)))
        chunks = int(np.clip(ratio / 12, 1, 8))
        reach = -float(self.offset.min()) + 1
        bins = int(2 * reach / CORRECTION_BIN) + 2
        data = scene.residual[self.index] - self.background - others
        weight = self._weight(scene, flux) * flux**2
        cell = ((self.offset + reach) / CORRECTION_BIN + 0.5).astype(np.intp)
        chunk = np.minimum(self.columns * chunks // len(self.columns), chunks - 1)
        key = (chunk[None, :] * bins + cell).ravel()
        size = chunks * bins
        total = np.bincount(key, weight.ravel(), size)
        scaled = np.divide(data, flux, out=np.zeros_like(data, dtype=float), where=flux > 0) - self.profile
        excess = np.bincount(key, (weight * scaled).ravel(), size)
        with np.errstate(divide="ignore", invalid="ignore"):
            delta = np.where(total > 0, excess / total, 0.0)
            noise = np.where(total > 0, 1 / total, np.inf)
            delta = np.where(delta != 0, delta * delta**2 / (delta**2 + 4 * noise), 0.0)
        self.correction = (delta.reshape(chunks, bins), reach)
        wanted = self.profile.sum(axis=0)
        new = np.maximum(self.profile + self._correction_at(self.offset), 0)
        self.scale = (wanted / np.maximum(new.sum(axis=0), 1e-6)).astype(np.float32)
        self.profile = new * self.scale

    def _correction_at(self, offset: np.ndarray) -> np.ndarray:
        assert self.correction is not None
        table, reach = self.correction
        chunks, bins = table.shape
        place = np.clip((offset + reach) / CORRECTION_BIN, 0, bins - 1.001)
        outside = (offset + reach < 0) | (offset > reach)
        low = place.astype(np.intp)
        t = place - low
        along = np.clip((self.columns + 0.5) * chunks / len(self.columns) - 0.5, 0, max(chunks - 1.001, 0))
        first = along.astype(np.intp)
        s = along - first
        second = np.minimum(first + 1, chunks - 1)
        value = (1 - s) * ((1 - t) * table[first, low] + t * table[first, low + 1])
        value += s * ((1 - t) * table[second, low] + t * table[second, low + 1])
        return np.where(outside, 0, value).astype(np.float32)

    def _weight(self, scene: Scene, flux: np.ndarray, others=0.0) -> np.ndarray:
        """Inverse variance of each window pixel from the model of sky and target; 0 for unusable pixels."""
        model = scene.sky[self.index] + self.background + others + flux * self.profile
        return self.good / (scene.floor[self.index] + np.maximum(model, 0))

    def measure(self, scene: Scene, others: np.ndarray) -> None:
        """Both fluxes, their errors and flags; ``others`` is the other targets' light (nw, nx), electrons.

        Cosmic rays left over are found as the pixel of a column that contradicts the profile most, twice over.
        """
        data = scene.residual[self.index] - self.background - others
        if not self.measured:
            share = np.sum(self.fraction * self.good * self.profile, axis=0)
            start = np.divide(
                np.sum(self.fraction * self.good * data, axis=0), share, out=np.zeros(share.shape), where=share > 0.1
            )
            self.flux, self.error = start, np.sqrt(np.maximum(start, 0) + 4 * np.median(scene.floor))
        for turn in range(3):
            smooth = smooth_flux(self.flux, self.error)
            weight = self._weight(scene, np.maximum(smooth, 0), others)
            self._optimal(data, weight)
            if turn == 2 or not self._reject(data, weight):
                break
        self._box(data, weight)
        self.measured = True

    def _optimal(self, data: np.ndarray, weight: np.ndarray) -> None:
        depth = np.sum(weight * self.profile**2, axis=0, dtype=float)
        lever = np.sum(weight * self.profile, axis=0, dtype=float)
        usable = depth > 0
        safe = np.where(usable, depth, 1.0)
        self.flux = np.where(usable, np.sum(weight * self.profile * data, axis=0, dtype=float) / safe, 0.0)
        self.error = np.where(usable, np.sqrt(1 / safe + self.sky_variance * (lever / safe) ** 2), np.inf)

    def _reject(self, data: np.ndarray, weight: np.ndarray) -> bool:
        light = np.abs(self.flux) * self.profile
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = (data - self.flux * self.profile) ** 2 / (1 / weight + self.sky_variance + (MISFIT * light) ** 2)
        pull = np.where(self.good, pull, 0)
        worst = np.argmax(pull, axis=0)
        hit = pull[worst, self.columns] > REJECT**2
        self.good[worst[hit], self.columns[hit]] = False
        self.rejected[worst[hit], self.columns[hit]] = True
        return bool(hit.any())

    def _box(self, data: np.ndarray, weight: np.ndarray) -> None:
        part = self.fraction * self.good
        share = np.sum(part * self.profile, axis=0, dtype=float)
        whole = np.sum(self.fraction * self.profile, axis=0, dtype=float)
        self.coverage = np.divide(share, whole, out=np.zeros_like(share), where=whole > 0)
        safe = np.where(self.coverage > 0.01, share, 1.0)
        noise = np.divide(part**2, weight, out=np.zeros_like(part), where=weight > 0)
        self.flux_box = np.where(self.coverage > 0.01, np.sum(part * data, axis=0, dtype=float) / safe, 0.0)
        spread = np.sum(noise, axis=0, dtype=float) + self.sky_variance * np.sum(part, axis=0, dtype=float) ** 2
        self.error_box = np.where(self.coverage > 0.01, np.sqrt(spread) / safe, np.inf)

    def fit_sky(self, scene: Scene, all_targets: list[Target]) -> None:
        """The sky around this target: a spline along the (tilted) sky columns and a smooth gradient across the zones.

        Works on what the slit-wide model left over, all targets' light taken off, in the sky zones only.
        """
        ny, nx = scene.residual.shape
        low = min(z[0] for z in self.sky_zones) + self.trace.min()
        high = max(z[1] for z in self.sky_zones) + self.trace.max()
        first, last = max(0, math.floor(low)), min(ny, math.ceil(high) + 1)
        if last - first < 1:
            return
        rows = np.broadcast_to(np.arange(first, last)[:, None], (last - first, nx))
        z = (rows - self.trace).astype(np.float32)
        zone = np.zeros(rows.shape, bool)
        for lower, upper in self.sky_zones:
            zone |= (z >= lower) & (z <= upper)
        zone &= scene.good[first:last]
        value = scene.residual[first:last].copy()
        for target in all_targets:
            value -= target.light_at(rows)
            if target is not self and not self.user_zone:
                free = zone & (np.abs(rows - target.trace) > 2.5 * target.fwhm)
                # Crowded: better a zone with a neighbour's light modelled than none.
                zone = free if np.count_nonzero(free) > 0.3 * np.count_nonzero(zone) else zone
        if np.count_nonzero(zone.any(axis=0)) < 0.3 * nx:
            return
        u = scene.slit.tilt.sky_column(np.arange(nx, dtype=np.float32)[None, :], rows[:, :1])
        u = np.broadcast_to(u, rows.shape)[zone]
        weight = 1 / (scene.floor[first:last] + np.maximum(scene.sky[first:last], 0))[zone]
        value, z = value[zone], z[zone]
        column = np.broadcast_to(self.columns, rows.shape)[zone]
        reach = max(abs(low - self.trace.min()), abs(high - self.trace.max()))
        gradient = _Gradient(self.sky_zones, reach, nx)
        for turn in range(2):
            spline, variance = fit_spline(u, value - gradient(z, column), weight, nx)
            left = value - spline(u)
            pull = (left - gradient(z, column)) ** 2 * weight
            if turn == 0:
                scatter = max(1.0, float(np.median(pull)) / 0.4549)
                weight = np.where(pull > 20 * scatter, 0, weight).astype(np.float32)
            gradient.fit(z, column, left, weight)
        kept = weight > 0
        self.sky_chi = float(np.sqrt(np.median(pull[kept]) / 0.4549)) if kept.any() else math.nan
        columns = np.arange(nx, dtype=np.float32)
        place = scene.slit.tilt.sky_column(columns, self.rows.astype(np.float32))
        self.background = (
            spline(np.broadcast_to(place, self.rows.shape)) + gradient(self.offset, self.columns)
        ).astype(np.float32)
        centre = scene.slit.tilt.sky_column(columns, self.trace.astype(np.float32))
        nearest = np.clip(np.rint(self.trace).astype(int), 0, ny - 1)
        self.sky_level = scene.sky[nearest, self.columns] + spline(centre) + gradient(np.zeros(nx), self.columns)
        usable = np.isfinite(variance)
        typical = np.median(variance[usable]) if usable.any() else 0.0
        self.sky_variance = np.where(usable, variance, 4 * typical)
        slit = scene.slit.variance
        self.sky_variance = self.sky_variance + np.where(np.isfinite(slit), slit, 0)

    def flags(self, scene: Scene) -> np.ndarray:
        """MaskBit flags of every column, (nx,) uint8.

        Cosmic rays and bad pixels count only where so much of the aperture is gone that the flux is not to be relied
        on; saturation and a missing flat always do.
        """
        core = self.inside & (self.fraction > 0) & (self.profile > 0.1 * self.profile.max(axis=0))
        mask = np.where(core, scene.frame.mask[self.index], 0).astype(np.uint8)
        mask[self.rejected & core] |= np.uint8(MaskBit.COSMIC_RAY)
        bits = np.bitwise_or.reduce(mask, axis=0)
        poor = self.coverage < COVERAGE
        always = np.uint8(MaskBit.SATURATED | MaskBit.NO_FLAT)
        out = bits & always
        out[poor] |= bits[poor]
        out[poor & (bits == 0)] |= np.uint8(MaskBit.OUTSIDE_SLIT)
        out[self.coverage < NO_COVERAGE] |= np.uint8(MaskBit.BAD)
        return out


class _Gradient:
    """What the sky departs from one spectrum by: linear and quadratic across the zones, slowly varying in colour."""

    def __init__(self, zones, reach: float, columns: int):
        below, above = any(z[0] < 0 for z in zones), any(z[1] > 0 for z in zones)
        # From one side only a gradient would be extrapolated across the target.
        self.powers = (1, 2) if below and above else ()
        self.reach, self.columns = reach, columns
        self.coefficients = np.zeros(3 * len(self.powers))

    def _design(self, z, column):
        eta = np.asarray(z, dtype=np.float32) / self.reach
        xi = (2 * np.asarray(column, dtype=np.float32) - (self.columns - 1)) / max(self.columns - 1, 1)
        return [eta**power * term for power in self.powers for term in (1, xi, 2 * xi * xi - 1)]

    def __call__(self, z, column) -> np.ndarray:
        out = np.zeros(np.broadcast_shapes(np.shape(z), np.shape(column)), np.float32)
        if not self.coefficients.any():
            return out
        for c, term in zip(self.coefficients, self._design(z, column), strict=True):
            out += np.float32(c) * term
        return out

    def fit(self, z, column, value, weight) -> None:
        if not self.powers or len(z) < 200:
            return
        step = max(1, len(z) // 60000)
        part = slice(None, None, step)
        design = np.stack(self._design(z[part], column[part]), axis=1)
        w = weight[part].astype(np.float64)
        # A step of one in every few pixels samples all rows and columns alike; the constant is the spline's business.
        full = np.concatenate([np.ones((len(design), 1), np.float32), design], axis=1).astype(np.float64)
        normal = full.T @ (w[:, None] * full)
        normal[np.diag_indices(len(normal))] *= 1 + 1e-6
        self.coefficients = np.linalg.solve(normal, full.T @ (w * value[part]))[1:]


def smooth_flux(flux: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The flux without what its own noise adds: local mean plus the significant share of the deviation (Lee 1980).

    Serves variances and the light of neighbours, never a result; ``flux`` and ``error`` (nx,) electrons.
    """
    value = np.where(np.isfinite(flux), flux, 0.0)
    noise = np.where(np.isfinite(error), error, 0.0) ** 2
    kernel = np.ones(9)
    count = np.convolve(np.ones_like(value), kernel, mode="same")
    mean = np.convolve(value, kernel, mode="same") / count
    power = np.convolve(value**2, kernel, mode="same") / count - mean**2
    level = np.convolve(noise, kernel, mode="same") / count
    share = np.divide(np.maximum(power - 1.5 * level, 0), power, out=np.zeros_like(power), where=power > 0)
    return mean + share * (value - mean)
