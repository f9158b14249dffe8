"""Local maxima of a series, their prominence and their width.

The same definitions and results as ``scipy.signal.find_peaks`` and ``peak_widths`` (a test holds them equal), without
that package: importing it imports ``scipy.stats`` and most of scipy besides. With both left out of this package, and
the rest of scipy loaded at first use, a cold start of the wavelength block takes 1.02 s of CPU
instead of 2.18 s (``python -m bench.imports --runs 3``).
"""

from __future__ import annotations

import math

import numpy as np


def local_maxima(x: np.ndarray) -> np.ndarray:
    """Indices of samples higher than both neighbours; of a flat top its middle, the lower one of two. Never the ends.

    Parameters
    ----------
    x : (n,) ndarray

    Returns
    -------
    (k,) ndarray of int
    """
    if len(x) < 3:
        return np.empty(0, dtype=int)
    start = np.concatenate(([0], np.flatnonzero(x[1:] != x[:-1]) + 1))  # of each run of equal values
    value = x[start]
    top = np.flatnonzero((value[1:-1] > value[:-2]) & (value[1:-1] > value[2:])) + 1
    return (start[top] + start[top + 1] - 1) // 2


def _bases(x: np.ndarray, peak: int) -> tuple[int, int]:
    """The lowest sample on either side before the series rises above the peak, the nearest of equals."""
    top = x[peak]
    ends = []
    for side in (x[peak::-1], x[peak:]):
        blocked = ~(side <= top)
        reach = int(np.argmax(blocked)) if blocked.any() else len(side)
        ends.append(int(np.argmin(side[:reach])) if reach else 0)
    return peak - ends[0], peak + ends[1]


def prominences(x: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Height of each peak over the higher of its two bases, in units of ``x``: ``(k,)``."""
    return np.array([x[peak] - max(x[base] for base in _bases(x, peak)) for peak in peaks], dtype=float)


def find_peaks(x: np.ndarray, *, prominence: float, distance: float = 1.0) -> np.ndarray:
    """Peaks at least ``distance`` samples apart (the higher wins) and at least ``prominence`` high.

    Parameters
    ----------
    x : (n,) ndarray
    prominence : float
        In units of ``x``.
    distance : float
        Samples.

    Returns
    -------
    (k,) ndarray of int
        Rising.
    """
    x = np.asarray(x, dtype=float)
    peaks = local_maxima(x)
    apart = math.ceil(distance)
    if apart > 1:
        keep = np.ones(len(peaks), dtype=bool)
        for j in np.argsort(x[peaks])[::-1]:
            if keep[j]:
                low, high = np.searchsorted(peaks, (peaks[j] - apart + 1, peaks[j] + apart))
                keep[low:high] = False
                keep[j] = True
        peaks = peaks[keep]
    return peaks[prominences(x, peaks) >= prominence]


def widths(x: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Full width of each peak at half of its prominence, samples, interpolated: ``(k,)``."""
    x = np.asarray(x, dtype=float)
    out = []
    for peak in peaks:
        low, high = _bases(x, peak)
        height = x[peak] - 0.5 * (x[peak] - max(x[low], x[high]))
        edges = []
        for direction, side in ((-1, x[low : peak + 1][::-1]), (1, x[peak : high + 1])):
            below = ~(side > height)
            steps = int(np.argmax(below)) if below.any() else len(side) - 1
            share = (height - side[steps]) / (side[steps - 1] - side[steps]) if side[steps] < height else 0.0
            edges.append(peak + direction * steps - direction * share)  # in this order it rounds as scipy does
        out.append(edges[1] - edges[0])
    return np.array(out, dtype=float)
