"""Synthetic lamps with a known dispersion, and reference lamps moved by a known amount."""

from __future__ import annotations

import numpy as np

from chalicelib.science.frame import Frame, Geometry
from chalicelib.science.wavelength import ArcSpectrum, Setup
from chalicelib.science.wavelength.grating import Grating
from chalicelib.science.wavelength.match import Shape


def setup_of(lamp, **changes) -> Setup:
    """What the header of a reference lamp would say."""
    values = {
        "lines_per_mm": lamp.lines_per_mm,
        "grating_angle": lamp.grating_angle,
        "camera_angle": lamp.camera_angle,
        "camera": lamp.camera,
        "lamps": lamp.elements,
        "mode": lamp.mode,
    }
    return Setup(**{**values, **changes})


def arc_of(lamp, shift: float = 0.0, binning: int = 1) -> ArcSpectrum:
    """A reference lamp, read ``shift`` unbinned columns further right."""
    flux = np.maximum(np.asarray(lamp.flux, dtype=float), 0) * lamp.gain
    n = len(flux) // binning
    flux = flux[: n * binning].reshape(n, binning).sum(axis=1)
    column = lamp.column + shift + binning * np.arange(n) + (binning - 1) / 2
    return ArcSpectrum(column, flux, flux + lamp.read_noise**2, np.zeros(n, np.uint8))


def true_shape(grating: Grating, shift: float = -100.0, scale: float = 8.0) -> Shape:
    """A dispersion this instrument could have."""
    return Shape(grating, (shift, scale, 0.5, 0.1))


def draw(shape: Shape, wavelength, height, *, fwhm: float = 3.0, binning: int = 1, n: int = 4060, seed: int = 1,
         noise: float = 3.0, mask=None) -> ArcSpectrum:  # fmt: skip
    """Gaussian lines at ``wavelength`` under ``shape`` with photon and read noise (none at all for ``noise=0``)."""
    grid = 50.0 + np.arange(n)
    relation = shape.wavelength(grid)
    place = np.interp(wavelength, relation, grid, left=-1e4, right=-1e4)
    light = np.full(n, 20.0)
    for x, h in zip(place, height, strict=True):
        light += h * np.exp(-0.5 * ((grid - x) / (fwhm / 2.355)) ** 2)
    n //= binning
    light = light[: n * binning].reshape(n, binning).sum(axis=1)
    rng = np.random.default_rng(seed)
    flux = rng.poisson(light) + rng.normal(0, noise, n) if noise else light
    column = 50.0 + binning * np.arange(n) + (binning - 1) / 2
    return ArcSpectrum(column, flux, np.maximum(flux, 0) + noise**2, np.zeros(n, np.uint8) if mask is None else mask)


def tilted_frame(spectrum: ArcSpectrum, tilt: float, rows: int = 120, binning: tuple[int, int] = (1, 1)) -> Frame:
    """Every row the (noiseless) spectrum with its own noise, displaced by ``tilt`` and a bow."""
    x = np.arange(len(spectrum.flux), dtype=float)
    height = np.linspace(-1, 1, rows)
    light = np.array([np.interp(x - tilt * y - 0.3 * tilt * y**2, x, spectrum.flux) for y in height])
    rng = np.random.default_rng(4)
    data = rng.poisson(light) + rng.normal(0, 5, light.shape)
    variance = np.maximum(data, 0) + 25.0
    return Frame(data.astype(np.float32), variance.astype(np.float32), np.zeros(data.shape, np.uint8),
                 Geometry(binning, (50 // binning[0], 0)))  # fmt: skip
