"""Cosmic rays: straight tracks through the silicon, with the electrons they leave in each pixel."""

from __future__ import annotations

import numpy as np

#: Muons cm-2 s-1 at 2700 m, thickness of the sensitive silicon in micrometres, electrons per micrometre of path.
RATE = 0.037
THICKNESS = 16.0
ELECTRONS_PER_MICRON = 80.0
PIXEL_MICRON = 15.0


def tracks(rng: np.random.Generator, size: tuple[int, int], seconds: float) -> np.ndarray:
    """Cosmic rays of one exposure.

    Zenith angles follow cos^2, paths are chords of a slab, losses per step fluctuate with a long tail (an
    approximation of Landau's), charge spreads over half a pixel.

    Parameters
    ----------
    rng : numpy Generator
    size : (int, int)
        Unbinned columns and rows.
    seconds : float
        Exposure and read-out time.

    Returns
    -------
    (n, 3) float64
        Unbinned row, unbinned column, electrons; one entry a pixel, no pixel twice.
    """
    columns, rows = size
    area = columns * rows * (PIXEL_MICRON * 1e-4) ** 2
    count = rng.poisson(RATE * area * seconds)
    if count == 0:
        return np.empty((0, 3))
    cosine = np.maximum(rng.uniform(size=count) ** (1 / 3), 0.03)
    path = THICKNESS / cosine
    length = np.sqrt(path**2 - THICKNESS**2) / PIXEL_MICRON
    angle = rng.uniform(0, 2 * np.pi, count)
    start = rng.uniform([0, 0], [columns, rows], (count, 2))
    steps = np.maximum((length * 6).astype(int), 8)
    which = np.repeat(np.arange(count), steps)
    along = (np.arange(which.size) - np.repeat(np.cumsum(steps) - steps, steps) + 0.5) / steps[which]
    # Inverse-square tail, cut at 25 times the mean: many small losses, a few delta electrons.
    loss = np.minimum(0.55 / rng.uniform(size=which.size) ** 0.5, 25.0)
    charge = path[which] / steps[which] * ELECTRONS_PER_MICRON * loss
    spread = rng.normal(0, 0.28, (2, which.size))
    x = np.floor(start[which, 0] + along * length[which] * np.cos(angle[which]) + spread[0]).astype(int)
    y = np.floor(start[which, 1] + along * length[which] * np.sin(angle[which]) + spread[1]).astype(int)
    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    return _merge(y[inside], x[inside], charge[inside], columns)


def binned(pixels: np.ndarray, binning: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """The same charge in binned pixels: (n, 3) rows, columns, electrons; those beyond ``shape`` are dropped."""
    if len(pixels) == 0:
        return pixels
    row = pixels[:, 0].astype(int) // binning[1]
    column = pixels[:, 1].astype(int) // binning[0]
    inside = (row < shape[0]) & (column < shape[1])
    return _merge(row[inside], column[inside], pixels[inside, 2], shape[1])


def _merge(row: np.ndarray, column: np.ndarray, charge: np.ndarray, width: int) -> np.ndarray:
    key, inverse = np.unique(row * width + column, return_inverse=True)
    total = np.rint(np.bincount(inverse, charge, minlength=key.size))
    keep = total > 0
    return np.stack([key[keep] // width, key[keep] % width, total[keep]], axis=1).astype(float)
