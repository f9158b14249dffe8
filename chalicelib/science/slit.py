"""Where the slit is: the rows that light falls on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frame import Frame, MaskBit

_EDGE = 0.5  # of the lit level
_STRIPS = 8


@dataclass(frozen=True)
class Slit:
    """The lit rows of a frame.

    Attributes
    ----------
    found : bool
        True when light was strong enough to tell lit rows from dark ones; then ``rows`` can be trusted, even if
        they are all the rows.
    rows : slice
        Array rows that are lit in at least one part of the frame.
    low, high : (nx,) float32
        Row (fractional) where the light begins and ends in each column.
    reason : str
        A sentence on the outcome.
    """

    found: bool
    rows: slice
    low: np.ndarray
    high: np.ndarray
    reason: str

    def outside(self, first_row: int, n_rows: int) -> np.ndarray:
        """``(n_rows, nx)`` bool: pixels beyond the slit's ends, for rows counted from ``first_row``."""
        row = np.arange(first_row, first_row + n_rows, dtype=np.float32)[:, None]
        return (row < self.low) | (row > self.high)


def find(frame: Frame) -> Slit:
    """The lit rows, from a flat (best) or from any frame with light along the slit.

    The rows are collapsed along the dispersion in strips, a row is lit where it has at least half of the lit level,
    and the ends are followed across the frame by a straight line through the strips. Where every row is lit, as on
    short readout windows inside the slit, the slit covers everything and ``reason`` says so.

    Parameters
    ----------
    frame : Frame
        Electrons.

    Returns
    -------
    Slit
    """
    ny, nx = frame.shape
    unbounded = (np.full(nx, -0.5, np.float32), np.full(nx, ny - 0.5, np.float32))
    bad = (frame.mask & ~np.uint8(MaskBit.SATURATED)) != 0
    bounds = np.linspace(0, nx, _STRIPS + 1).astype(int) if nx >= 40 * _STRIPS else np.array([0, nx])
    edges = []
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        ends = _lit_rows(frame.data[:, start:stop], bad[:, start:stop])
        if ends is not None:
            edges.append(((start + stop - 1) / 2, *ends))
    if len(edges) < (len(bounds) - 1) / 2:
        return Slit(False, slice(0, ny), *unbounded, "too little light to see the ends of the slit: no rows cut")
    centre, low, high = np.array(edges).T
    column = np.arange(nx)
    low_edge = np.maximum(_line(centre, low, column), -0.5) if np.median(low) > -0.5 else unbounded[0]
    high_edge = np.minimum(_line(centre, high, column), ny - 0.5) if np.median(high) < ny - 0.5 else unbounded[1]
    first, last = max(0, int(np.ceil(low_edge.min()))), min(ny, int(np.floor(high_edge.max())) + 1)
    if last - first < max(8, ny // 20):
        return Slit(False, slice(0, ny), *unbounded, "the lit rows are too few to be a slit: no rows cut")
    if (first, last) == (0, ny):
        return Slit(True, slice(0, ny), low_edge, high_edge, "all rows are lit: nothing to cut")
    reason = f"rows {first + 1} to {last} of {ny} are lit"
    return Slit(True, slice(first, last), low_edge.astype(np.float32), high_edge.astype(np.float32), reason)


def _lit_rows(strip: np.ndarray, bad: np.ndarray) -> tuple[float, float] | None:
    """Where the light begins and ends in a strip of columns (fractional rows), None where it does not tell."""
    ny, nx = strip.shape
    if bad.any():
        usable = ~(bad.mean(axis=0) > 0.5)  # columns without flat light say nothing about rows
        if usable.sum() < nx / 4:
            return None
        strip = np.where(bad[:, usable], 0, strip[:, usable])
    ranked = np.sort(strip, axis=1)
    low, middle, high = (ranked[:, int(share * strip.shape[1])] for share in (0.1, 0.5, 0.9))
    # The median over columns is the safest profile; an arc's light is in its few bright columns, of which the lower
    # half of the values takes the noise away.
    for rows in (middle, high - (middle - low)):
        profile = _smooth(rows)
        lit, dark = float(np.percentile(profile, 75)), float(np.percentile(profile, 0.5))
        noise = 1.4826 * float(np.median(np.abs(np.diff(profile)))) + 1e-3
        if lit < max(5.0, 20 * noise):
            continue
        if dark > _EDGE * lit:
            return -0.5, ny - 0.5
        return _ends(profile, dark + _EDGE * (lit - dark))
    return None


def _ends(profile: np.ndarray, threshold: float) -> tuple[float, float] | None:
    """Where ``profile`` first rises above and last falls below ``threshold``; gaps inside the slit do not cut it."""
    ny = len(profile)
    steps = np.flatnonzero(np.diff(np.concatenate(([0], (profile > threshold).astype(np.int8), [0]))))
    starts, stops = steps[::2], steps[1::2]
    long_enough = stops - starts >= max(4, ny // 50)
    if not long_enough.any():
        return None
    first, last = int(starts[long_enough][0]), int(stops[long_enough][-1]) - 1
    low, high = -0.5, ny - 0.5
    if first > 0:
        low = first - (profile[first] - threshold) / (profile[first] - profile[first - 1])
    if last < ny - 1:
        high = last + (profile[last] - threshold) / (profile[last] - profile[last + 1])
    return low, high


def _smooth(profile: np.ndarray) -> np.ndarray:
    """Running median of three: a hot row is no slit."""
    padded = np.pad(profile, 1, mode="edge")
    return np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)


def _line(centre: np.ndarray, value: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Straight line through the strips' edges, outliers left out; a constant for few strips."""
    kept = np.ones(len(centre), bool)
    for _ in range(3):
        if kept.sum() < 4:
            return np.full(len(column), np.median(value))
        slope, offset = np.polyfit(centre[kept], value[kept], 1)
        residual = value - (slope * centre + offset)
        kept = np.abs(residual) < max(1.0, 4 * float(np.median(np.abs(residual[kept]))))
    return slope * column + offset
