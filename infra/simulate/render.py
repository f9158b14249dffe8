"""From an exposure to raw counts and the truth about them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from . import cosmic, detector, image
from .exposure import AREA, Exposure, Night, Trace
from .lamp import line_list, published_spectrum
from .optics import SlitImage
from .sky import telluric
from .sources import extinction, planck
from .spectral import Columns, Grid

#: Energy of a photon times its wavelength, erg Angstrom.
PLANCK_LIGHT = 1.98645e-8
#: Part of a point source's light that passes the slit.
SLIT_THROUGHPUT = 0.82
#: Light scattered evenly over the detector, relative to a lit row; dark current, electrons s-1 per unbinned pixel.
SCATTERED = 0.002
DARK = 0.0006
#: One-dimensional Moffat profile of a star along the slit.
MOFFAT_BETA = 2.8
QUARTZ_TEMPERATURE = 3150.0


def render(exposure: Exposure) -> tuple[np.ndarray, dict, dict[str, np.ndarray]]:
    """Take ``exposure``.

    Returns
    -------
    counts : (ny, nx) uint16
        The raw frame, ADU.
    facts : dict
        JSON-ready truth: level, flexure, targets, numbers of cosmic rays.
    arrays : dict of ndarray
        Truth that is too long for JSON; see ``truth.py`` for the names.
    """
    night, region, binning = exposure.night, exposure.region, exposure.binning
    shape = region.shape(binning)
    facts: dict = {}
    arrays: dict[str, np.ndarray] = {}
    rng = exposure.rng(1)
    if exposure.kind == "bias":
        expected = None
    elif exposure.kind == "image":
        expected = image.expected(exposure, facts, arrays)
    else:
        expected = _spectral(exposure, facts, arrays)
    if expected is None:
        electrons = np.zeros(shape, dtype=np.float32)
    else:
        expected = expected.astype(np.float32)
        expected *= detector.response(night.seed, night.camera, region, binning)
        if exposure.kind != "image":
            expected *= fringes(night, binning)
        electrons = detector.poisson(rng, expected)
    hits = _cosmic_rays(exposure, shape)
    if len(hits):
        electrons[hits[:, 0].astype(int), hits[:, 1].astype(int)] += hits[:, 2].astype(np.float32)
    level = _level(exposure)
    structure = detector.bias_structure(night.seed, night.camera, region, binning)
    counts = detector.digitise(electrons, night.readout, level, structure, rng)
    arrays["cosmic_rays"] = hits.astype(np.float32)
    facts |= {"bias_level": round(level, 3), "cosmic_ray_pixels": len(hits), "saturated": int((counts == 65535).sum())}
    return counts, facts, arrays


def _level(exposure: Exposure) -> float:
    base = {"Red": 492.3, "Blue": 433.4}[exposure.night.camera]
    drift = 0.6 * np.sin(exposure.start.timestamp() / 9000.0)
    return float(base + drift + exposure.rng(2).normal(0, 0.25))


def _cosmic_rays(exposure: Exposure, shape: tuple[int, int]) -> np.ndarray:
    if not exposure.night.cosmic_rays:
        return np.empty((0, 3))
    reading = 0.4 * shape[0] * shape[1] / 344e3
    pixels = cosmic.tracks(exposure.rng(3), exposure.region.size, exposure.seconds + reading)
    return cosmic.binned(pixels, exposure.binning, shape)


@lru_cache(maxsize=4)
def fringes(night: Night, binning: tuple[int, int]) -> np.ndarray:
    """Interference in the thinned Blue detector: relative response (ny, nx), 1 short of 6500 Angstrom."""
    rows, columns = night.region.shape(binning)
    u, v = _centres(night, binning)
    wave = night.optics.wavelength(u)
    if night.camera != "Blue" or wave.max() < 6500:
        return np.ones((1, 1), dtype=np.float32)
    rng = np.random.default_rng([night.seed, 41])
    x, y = (u - 2070) / 2000, (v - 2048) / 2000
    thickness = 20.0 + 0.25 * rng.normal(size=4) @ np.stack([x, x * x, x**3, np.sin(3 * x)])
    across = 0.3 * rng.normal() * y + 0.2 * rng.normal() * np.sin(5 * y)
    phase = (4 * np.pi * 3.7e4 / wave)[None] * (thickness[None] + across[:, None])
    amplitude = 0.06 / (1 + np.exp(-(wave - 7300) / 250))
    return (1 + amplitude[None] * np.cos(phase)).astype(np.float32)


def _centres(night: Night, binning: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = night.region.shape(binning)
    u = night.region.origin[0] + binning[0] * np.arange(columns) + (binning[0] - 1) / 2
    v = night.region.origin[1] + binning[1] * np.arange(rows) + (binning[1] - 1) / 2
    return u, v


def _slit(exposure: Exposure) -> SlitImage:
    slit, region = exposure.night.slit_image, exposure.region
    rows = (region.origin[1], region.origin[1] + region.size[1] - 1)
    return replace(slit, middle=slit.middle + exposure.row_shift, rows=rows)


def _spectral(exposure: Exposure, facts: dict, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Expected electrons (ny, nx) of a spectroscopic exposure before the pixels' response."""
    night, binning = exposure.night, exposure.binning
    rows, columns = night.region.shape(binning)
    u, v = _centres(night, binning)
    bow = exposure.optics.bow(v)
    grid = Grid.of(exposure.optics, night.line_spread, night.region.origin[0], columns, binning[0], bow)
    unbinned = night.region.origin[1] + np.arange(night.region.size[1])
    through = detector.rebin(_slit(exposure).transmission(unbinned)[:, None], (1, binning[1]))[:, 0]
    lit = _extended(exposure, grid)
    weights = lit.weights(bow)
    out = (weights * through[:, None]) @ lit.values
    glow = np.convolve(lit.values.mean(axis=0), np.full(101, 1 / 101), mode="same")
    out += SCATTERED * binning[1] * glow[None] + DARK * exposure.seconds * binning[0] * binning[1]
    arrays["wavelength"] = exposure.optics.wavelength(np.arange(detector.SERIAL_LENGTH))
    facts["targets"] = []
    for number, (source, trace) in enumerate(zip(exposure.targets, exposure.traces, strict=True), start=1):
        light = _target(exposure, source, grid)
        truth = _add_target(out, exposure, trace, light, u, v)
        row = trace.row(u)
        wave = exposure.optics.wavelength_at(u, row)
        sky = np.einsum("ik,ki->i", lit.weights(exposure.optics.bow(row)), lit.values)
        arrays |= {
            f"target_{number}_wavelength": wave,
            f"target_{number}_electrons": truth,
            f"target_{number}_row": (row - night.region.origin[1] - (binning[1] - 1) / 2) / binning[1],
            f"target_{number}_sky": sky * binning[1],
            f"target_{number}_flux": source.flux(wave),
        }
        facts["targets"].append(_describe(source, trace, truth, arrays[f"target_{number}_row"], binning))
    return out


def _describe(source, trace: Trace, electrons: np.ndarray, row: np.ndarray, binning: tuple[int, int]) -> dict:
    return {
        "name": source.name,
        "kind": source.kind,
        "magnitude": round(source.magnitude, 3),
        "redshift": source.redshift,
        "row": round(float(row[row.size // 2]), 4),
        "fwhm_rows": round(trace.fwhm / binning[1], 4),
        "trace_unbinned": [round(c, 6) for c in trace.coefficients],
        "median_electrons": round(float(np.median(electrons)), 2),
    }


def _extended(exposure: Exposure, grid: Grid) -> Columns:
    """What fills the slit: electrons per binned column of one unbinned row."""
    night = exposure.night
    if exposure.kind == "flat":
        quartz = grid.continuum(lambda w: quartz_lamp(w) * night.throughput(w))
        peak = 31000.0 * night.readout.gains[0] / 4 * grid_step(grid)
        lamp = 1 + exposure.rng(4).normal(0, 0.008)
        return Columns(quartz.nodes, quartz.values * (peak / quartz.values.max() * lamp))
    if exposure.kind in ("arc", "focus"):
        return _arc(exposure, grid)
    area = AREA * exposure.slit_area * exposure.seconds

    def continuum(wave):
        photons = exposure.sky.continuum(wave) * wave / PLANCK_LIGHT
        return photons * night.throughput(wave) * area

    wave, photons = exposure.sky.lines()
    return grid.continuum(continuum) + grid.lines(wave, photons * night.throughput(wave) * area)


def quartz_lamp(wavelength: np.ndarray) -> np.ndarray:
    """Photons per Angstrom of the flat-field lamp, arbitrary unit: incandescent, dimmed in the blue by its optics."""
    return planck(wavelength, QUARTZ_TEMPERATURE) * wavelength / (1 + np.exp(-(wavelength - 4200.0) / 220.0))


def grid_step(grid: Grid) -> float:
    """Unbinned columns a binned one."""
    return float(round(grid.edges[0, 1] - grid.edges[0, 0], 3))


def _arc(exposure: Exposure, grid: Grid) -> Columns:
    """A lamp through the slit: its brightest line has tens of thousands of ADU at 2x2, a hollow cathode's thousands."""
    night = exposure.night
    counts = (25000, 50000) if {"HGA", "NE", "AR"} & set(exposure.lamps) else (2500, 9000)
    peak = np.random.default_rng([night.seed, 51]).uniform(*counts) * night.readout.gains[0] / 4 * grid_step(grid)
    if night.arc_style == "library":
        wave, flux = published_spectrum(night.optics.mode, exposure.lamps)
        spectrum = grid.continuum(lambda w: np.interp(w, wave, flux, left=0.0, right=0.0))
    else:
        lines = line_list(night.optics.mode, exposure.lamps)
        spectrum = grid.lines(lines.wavelength, lines.strength)
    haze = grid.continuum(night.throughput)
    level = 3e-4 * peak + 0.04 * exposure.seconds * night.readout.gains[0] * grid_step(grid)
    lit = spectrum.values * (peak / spectrum.values.max()) + haze.values * (level / haze.values.max())
    return Columns(spectrum.nodes, lit)


def _target(exposure: Exposure, source, grid: Grid) -> Columns:
    night, airmass = exposure.night, exposure.pointing.airmass
    collected = AREA * SLIT_THROUGHPUT * exposure.seconds

    def density(wave):
        photons = source.flux(wave) * wave / PLANCK_LIGHT * extinction(wave, airmass) * telluric(wave, airmass)
        return photons * night.throughput(wave) * collected

    return grid.continuum(density)


@lru_cache(maxsize=1)
def _moffat_table() -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(-80.0, 80.0, 64001)
    cumulative = np.concatenate([[0.0], np.cumsum((1 + ((t[1:] + t[:-1]) / 2) ** 2) ** -MOFFAT_BETA)])
    return t, cumulative / cumulative[-1]


def _add_target(out, exposure: Exposure, trace: Trace, light: Columns, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Add a star's light to ``out``; returns its electrons per column with an even slit and perfect pixels."""
    step = exposure.binning[1]
    centre = trace.row(u)
    alpha = trace.width(exposure.optics.wavelength(u)) / (2 * np.sqrt(2 ** (1 / MOFFAT_BETA) - 1))
    reach = 12 * trace.fwhm
    window = np.flatnonzero((v > centre.min() - reach) & (v < centre.max() + reach))
    edges = np.append(v[window] - step / 2, v[window[-1]] + step / 2)
    table = _moffat_table()
    profile = np.diff(np.interp((edges[:, None] - centre[None]) / alpha[None], *table), axis=0)
    through = _slit(exposure).transmission(v[window])
    spectrum = light.at(exposure.optics.bow(v[window]))
    out[window] += profile * spectrum * through[:, None]
    whole = np.einsum("ik,ki->i", light.weights(exposure.optics.bow(centre)), light.values)
    lit = detector.active_columns(exposure.night.camera)
    return whole * ((u > lit[0]) & (u < lit[1] - 1))
