"""Columns that no light reaches: the level the amplifier had when this very frame was read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frame import Detector
from .robust import scatter
from .section import is_full_width

# Unbinned columns of a full-width readout. The Blue chip's overscan (4114 on) is not used: it lags behind bright
# light by 1-2 ADU, the prescan, read before any light, does not. The Red chip's first columns settle.
_DARK_COLUMNS = {"Blue": (0, 16), "Red": (6, 48)}
_LEAK_ADU = 5.0


@dataclass(frozen=True)
class Level:
    """The bias level of one frame.

    Attributes
    ----------
    value : float
        ADU.
    error : float
        ADU, 1 sigma, from the scatter of the pixels.
    columns : slice or None
        The dark columns used; None when the level was estimated from the darkest part of the image.
    reason : str
        Why there is no overscan, or ``""``.
    """

    value: float
    error: float
    columns: slice | None
    reason: str = ""

    @property
    def measured(self) -> bool:
        """Whether dark columns exist in this frame and were used."""
        return self.columns is not None


def dark_columns(shape: tuple[int, int], detector: Detector) -> slice | None:
    """The columns of a raw frame of ``shape`` that lie before the lit ones, or None for readouts without."""
    binning = detector.binning[0]
    if not is_full_width(shape[1], binning) or detector.camera not in _DARK_COLUMNS:
        return None
    low, high = _DARK_COLUMNS[detector.camera]
    return slice(-(-low // binning), high // binning)


def level(data: np.ndarray, detector: Detector) -> Level:
    """The bias level of a raw frame from its own dark columns.

    Parameters
    ----------
    data : (ny, nx) float32
        Raw ADU, prescan included.
    detector : Detector

    Returns
    -------
    Level
        Measured on dark columns when the readout has some and they are dark (light leaks are found by comparing
        with the darkest columns of the image); otherwise estimated: see :func:`darkest`.
    """
    columns = dark_columns(data.shape, detector)
    if columns is None:
        return darkest(data, "this readout has no dark columns")
    rows = data[data.shape[0] // 50 + 1 :]  # the first rows carry charge of the skipped ones
    value, error = _robust_mean(rows[:, columns])
    if not np.isfinite(value):
        return darkest(data, "the dark columns hold no numbers")
    faintest = darkest(data[:, columns.stop :]).value
    if value > faintest + _LEAK_ADU:
        return darkest(data, f"the prescan is {value - faintest:.0f} ADU brighter than the darkest part of the image")
    return Level(value, error, columns)


def darkest(data: np.ndarray, reason: str = "") -> Level:
    """A pedestal for frames without overscan: the darker of the faintest columns' and rows' medians."""
    if not np.isfinite(data).any():
        return Level(float("nan"), float("nan"), None, reason)
    middle = np.nanmedian if np.isnan(data).any() else np.median
    steps = [max(1, n // 400) for n in data.shape]
    columns, rows = middle(data[:: steps[0]], axis=0), middle(data[:, :: steps[1]], axis=1)
    estimates = [np.nanpercentile(line, 2) for line in (columns, rows)]
    return Level(float(min(estimates)), float("nan"), None, reason)


def _robust_mean(pixels: np.ndarray) -> tuple[float, float]:
    """Mean and its error after a 4-sigma clip about the median of each column (columns differ by a fixed pattern)."""
    pixels = pixels.astype(np.float64)
    if not np.isfinite(pixels).all():
        pixels = np.where(np.isfinite(pixels), pixels, np.nan)
        if np.isnan(pixels).all():
            return float("nan"), float("nan")
        median = np.nanmedian(pixels, axis=0)
    else:
        median = np.median(pixels, axis=0)
    residual = pixels - median
    sigma = max(scatter(residual[np.isfinite(residual)]), 0.3)
    kept = np.abs(residual) < 4 * sigma
    means = np.nanmean(np.where(kept, pixels, np.nan), axis=0)
    return float(np.nanmean(means)), sigma / max(1.0, kept.sum()) ** 0.5
