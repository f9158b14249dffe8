"""The mean of a stack of frames, outliers left out, in row blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .robust import median

CLIP = 3.0
_BLOCK_BYTES = 24_000_000


def spoilt(number: np.ndarray, members: int) -> np.ndarray:
    """Where so many of a pixel's ``members`` are unusable (``number`` of them) that the rest is no measurement."""
    return 3 * number.astype(np.int32) > members


def clipped_mean(
    data: list[np.ndarray],
    offsets: list[float],
    scales: list[float],
    read_variance: float,
    poisson: float,
    structure: np.ndarray | float = 0.0,
    unusable: Callable[[int, slice], np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean of ``(data - offset - structure) * scale`` after a clip about the median with the expected noise.

    Returns mean and variance ``(ny, nx)`` float32 in ADU and the fraction of values clipped. The variance is the
    expected one (``read_variance + poisson * mean``) or, where the members scatter significantly more, theirs.
    ``unusable`` tells of a member (by its number) and some rows which values are none; they are left out where they
    are at most a third of a pixel's, see :func:`spoilt`.
    """
    n, (ny, nx) = len(data), data[0].shape
    mean, variance = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    step = max(1, int(_BLOCK_BYTES / (4 * n * nx)))
    clipped = 0
    weight = float(np.mean(np.square(scales)))
    for start in range(0, ny, step):
        rows = slice(start, min(start + step, ny))
        base = structure[rows] if isinstance(structure, np.ndarray) else np.float32(structure)
        stack = np.empty((n, rows.stop - start, nx), np.float32)
        for k in range(n):
            np.subtract(data[k][rows], np.float32(offsets[k]), out=stack[k])
            stack[k] -= base
            if scales[k] != 1.0:
                stack[k] *= np.float32(scales[k])
        if unusable is not None:
            out = np.stack([unusable(k, rows) for k in range(n)])
            stack[out & ~spoilt(out.sum(axis=0), n)] = np.inf
        if not np.isfinite(stack).all():
            stack = np.where(np.isfinite(stack), stack, np.float32(np.inf))
        centre = median(stack, 0) if n > 2 else stack.min(axis=0)  # of two, a ray is in the higher
        if n > 2:
            _without_infinities(centre, stack)
        centre = np.where(np.isfinite(centre), centre, np.float32(0))
        expected = (read_variance + poisson * np.maximum(centre, 0)) * weight
        limit = np.float32(CLIP if n > 2 else 1.5 * CLIP) * np.sqrt(expected * (1 + 1.57 / n))
        np.subtract(stack, centre, out=stack)
        kept = np.abs(stack) <= limit
        number = kept.sum(axis=0)
        none = number == 0  # members disagree entirely: keep the median, with its scatter as variance
        np.multiply(stack, kept, out=stack, where=np.isfinite(stack))
        stack[~np.isfinite(stack)] = 0
        number = np.maximum(number, 1)
        shift = stack.sum(axis=0) / number
        mean[rows] = centre + shift
        spread = np.square(stack).sum(axis=0) / number - shift**2
        level = np.maximum(expected, 0) / number
        excess = spread > 4 * expected
        variance[rows] = np.where(none, 100 * expected, np.where(excess, spread / np.maximum(number - 1, 1), level))
        clipped += int(kept.size - np.count_nonzero(kept))
    return mean, variance, clipped / (n * ny * nx)


def _without_infinities(centre: np.ndarray, stack: np.ndarray) -> None:
    """Put in place the medians of what is finite where something is not: ``(ny, nx)`` of ``(n, ny, nx)``."""
    place = np.nonzero(~np.isfinite(stack).all(axis=0))
    if not place[0].size:
        return
    ordered = np.sort(stack[:, place[0], place[1]], axis=0)
    number = np.isfinite(ordered).sum(axis=0)
    some = number > 0
    column = np.arange(len(number))
    middle = np.float32(0.5) * (ordered[np.maximum(number - 1, 0) // 2, column] + ordered[number // 2, column])
    centre[place] = np.where(some, middle, np.float32(0))
