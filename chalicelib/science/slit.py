"""Where the slit is: the rows that light falls on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .frame import Frame, MaskBit

_EDGE = 0.5  # of the lit level
_STRIPS = 8

# What a frame's own sky must show before rows are cut by it: nothing may be lost where it does not tell.
_LEAST_LIT = 1 / 3  # of the rows: the light of a star that outshines a dark sky is narrower
_SCATTERED = 0.05  # of the sky, at most, beyond the ends of the slit
_EDGE_ROWS = 8  # unbinned, in which the light is gone to either side of an end; a star's and a galaxy's wings need more


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
    bad = (frame.mask & ~np.uint8(MaskBit.SATURATED)) != 0
    return _followed(frame, lambda columns: _lit_rows(frame.data[:, columns], bad[:, columns]))


def find_by_sky(frame: Frame, zero_error: float) -> Slit:
    """The lit rows of a frame with targets, from its sky.

    Half of a typical row's light, the measure of :func:`find`, is no measure here: a bright star or a galaxy would
    make it, and the sky beside them would be dark. So the sky is taken from the faintest of the rows that are not
    dark, and rows are cut only where they are compatible with no light and the light sets in within a few rows, to a
    level that goes on. A sky too faint for that cuts nothing.

    Parameters
    ----------
    frame : Frame
        Electrons, with their variance.
    zero_error : float
        Electrons by which rows without light may differ from zero.

    Returns
    -------
    Slit
    """
    margin = max(4, _EDGE_ROWS // frame.geometry.binning[1])

    def ends(columns: slice) -> tuple[float, float] | None:
        data, variance, mask = (plane[:, columns] for plane in (frame.data, frame.variance, frame.mask))
        return _sky_rows(data, variance, mask, zero_error, margin)

    return _followed(frame, ends, margin)


def _followed(frame: Frame, ends_of: Callable[[slice], tuple[float, float] | None], tolerance: float = np.inf) -> Slit:
    """The ends of strips of columns, followed by straight lines; half of the strips must be within ``tolerance``."""
    ny, nx = frame.shape
    unbounded = (np.full(nx, -0.5, np.float32), np.full(nx, ny - 0.5, np.float32))
    bounds = np.linspace(0, nx, _STRIPS + 1).astype(int) if nx >= 40 * _STRIPS else np.array([0, nx])
    edges = []
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        ends = ends_of(slice(start, stop))
        if ends is not None:
            edges.append(((start + stop - 1) / 2, *ends))
    if len(edges) < (len(bounds) - 1) / 2:
        return Slit(False, slice(0, ny), *unbounded, "too little light to see the ends of the slit: no rows cut")
    centre, low, high = np.array(edges).T
    column = np.arange(nx)
    low_edge = np.maximum(_line(centre, low, column), -0.5) if np.median(low) > -0.5 else unbounded[0]
    high_edge = np.minimum(_line(centre, high, column), ny - 0.5) if np.median(high) < ny - 0.5 else unbounded[1]
    for found, edge in ((low, low_edge), (high, high_edge)):
        if np.count_nonzero(np.abs(found - edge[centre.astype(int)]) <= tolerance) < (len(bounds) - 1) / 2:
            return Slit(False, slice(0, ny), *unbounded, "the light ends at no straight line: no rows cut")
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


def _sky_rows(
    data: np.ndarray, variance: np.ndarray, mask: np.ndarray, zero_error: float, margin: int
) -> tuple[float, float] | None:
    """Where the sky begins and ends in a strip of columns (fractional rows), None where it does not tell."""
    ny, nx = data.shape
    bad = mask & ~np.uint8(MaskBit.SATURATED) != 0
    if bad.any():
        data = np.where(bad, np.median(data, axis=1, keepdims=True), data)
    # the mean of the middle half: counts are whole numbers, and their median jumps by a gain
    profile = _smooth(np.sort(data, axis=1)[:, nx // 4 : max(nx - nx // 4, nx // 4 + 1)].mean(axis=1))
    error = 1.25 * np.sqrt(np.median(variance, axis=1) / nx)
    limit = zero_error + 3 * error
    for _ in range(2):
        lit = profile > limit
        if lit.all():
            return -0.5, ny - 0.5
        if lit.sum() < max(8, _LEAST_LIT * ny):
            return None
        sky = float(np.percentile(profile[lit], 5))
        limit = zero_error + 3 * error + _SCATTERED * sky
    noise = float(np.median(limit[~lit]))
    if sky < 2 * noise:
        return None
    ends = _ends(profile, _EDGE * sky)
    if ends is None:
        return None
    for edge, rows in ((ends[0], profile), (ny - 1 - ends[1], profile[::-1])):
        if edge > -0.5 and not _is_steep(rows, edge, sky, noise, margin):
            return None
    return ends


def _is_steep(rows: np.ndarray, edge: float, sky: float, dark: float, margin: int) -> bool:
    """Whether all of the light before ``edge`` is gone within ``margin`` rows, and beyond it the sky goes on."""
    outside, inside = max(1, int(edge - margin) + 1), int(edge) + 1 + margin
    if inside + 2 * margin >= len(rows):
        return False
    near, on = (float(np.median(rows[start : start + 5])) for start in (inside, inside + 2 * margin))
    before = (rows[:outside], rows[max(0, outside - 5) : outside])
    return all(np.median(part) <= dark for part in before) and near > 0.75 * sky and 0.5 < on / near < 2


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
