"""What is smooth in a frame: sky along the slit, targets along the dispersion.

Made for finding what is not smooth. The model follows tilted and curved sky lines, tilted traces, several targets and
their emission and absorption lines; a cosmic ray moves it only where it covers more than half of a block or of a
target's profile.
"""

from __future__ import annotations

import numpy as np

from .robust import median, scatter

_ALONG_SLIT, _ALONG_DISPERSION = 64, 96  # unbinned pixels; longer than twice nearly every track


def of_spectrum(
    data: np.ndarray, unusable: np.ndarray, read_noise: float, binning: tuple[int, int] = (1, 1)
) -> tuple[np.ndarray, np.ndarray]:
    """Sky that is smooth along the slit plus targets whose profile is smooth along the dispersion.

    Parameters
    ----------
    data : (ny, nx) float32
        Electrons.
    unusable : (ny, nx) bool
    read_noise : float
        Electrons.
    binning : (int, int)
        Serial and parallel: how far light is smooth, and how long rays are, is a matter of unbinned pixels.

    Returns
    -------
    (model, error) : (ny, nx) float32
        Electrons; ``error`` is how far the model itself may be off, where it is steep.
    """
    if unusable.any():
        data = np.where(unusable, median(data, 0), data)
    sky = _block_medians(data.T, _block(data.shape[0], _ALONG_SLIT // binning[1])).T
    rest = data - sky
    level = max(float(np.median(sky[::8, ::8])), 0.0)
    seen = scatter(rest[::4, ::4])
    if seen**2 > 1.2 * (level + read_noise**2):  # pattern noise, or a header that does not tell the truth
        read_noise = (seen**2 - level) ** 0.5
    targets = _block_medians(rest, _block(data.shape[1], _ALONG_DISPERSION // binning[0]))
    scale = _column_scales(rest, targets, sky, read_noise)
    targets *= scale
    model = sky + targets
    return model, _model_error(rest - targets, sky, targets, read_noise)


def _model_error(residual: np.ndarray, sky: np.ndarray, targets: np.ndarray, read_noise: float) -> np.ndarray:
    """``(ny, nx)`` electrons: how far the model is off, from the residual's own scatter beyond the noise.

    Measured where it matters: on the rows of targets along the dispersion and on the columns of sky lines along the
    slit. A twentieth of the slope of a target's lines is added, for lines that are tilted or rotate.
    """
    error = np.zeros_like(residual)
    level = _brightest(targets)
    noise = np.sqrt(np.maximum(median(sky, 1), 0) + read_noise**2)
    rows = np.flatnonzero(level > noise)
    if len(rows):
        expected = np.maximum(sky[rows] + targets[rows], 0) + read_noise**2
        spread = 1.4826 * _block_medians(np.abs(residual[rows]), _block(residual.shape[1], 128))
        error[rows] = np.maximum(spread**2 - expected, 0)
        slope = np.zeros_like(expected)
        np.subtract(targets[rows, 2:], targets[rows, :-2], out=slope[:, 1:-1])
        error[rows] += (0.05 * slope) ** 2
    brightness = median(sky, 0)
    columns = np.flatnonzero(brightness > 1.5 * np.median(brightness) + read_noise)
    if len(columns):
        part = residual[:, columns].T
        expected = np.maximum(sky[:, columns] + targets[:, columns], 0) + read_noise**2
        spread = 1.4826 * _block_medians(np.abs(part), _block(residual.shape[0], 24)).T
        error[:, columns] = np.maximum(error[:, columns], spread**2 - expected)
    return np.sqrt(error)


def of_image(data: np.ndarray, binning: tuple[int, int] = (1, 1)) -> tuple[np.ndarray, np.ndarray]:
    """Background of an image, medians of 64 x 64 unbinned pixels, and its error (none)."""
    rows = _block_medians(data, _block(data.shape[1], 64 // binning[0]))
    model = _block_medians(rows.T, _block(data.shape[0], 64 // binning[1])).T
    return model, np.zeros(1, np.float32)


def _block(length: int, wanted: int) -> int:
    return max(1, min(wanted, length // 2))


def _block_medians(data: np.ndarray, block: int) -> np.ndarray:
    """Medians of ``block`` elements along the last axis, in a straight line from middle to middle."""
    n = data.shape[-1]
    number = max(1, n // block)
    bounds = np.linspace(0, n, number + 1).astype(int)
    size = int(np.diff(bounds).min())
    starts = bounds[:-1]
    index = starts[:, None] + np.arange(size)
    levels = median(data[:, index], 2)
    middle = starts + (size - 1) / 2
    if number == 1:
        return np.repeat(levels, n, axis=1)
    left = np.clip(np.searchsorted(middle, np.arange(n), side="right") - 1, 0, number - 2)
    # Beyond the outer middles the line goes on: a tilted trace does not stop half a block before the edge.
    weight = ((np.arange(n) - middle[left]) / (middle[left + 1] - middle[left])).astype(np.float32)
    result = levels[:, left]
    result *= 1 - weight
    result += levels[:, left + 1] * weight
    return result


def _column_scales(rest: np.ndarray, targets: np.ndarray, sky: np.ndarray, read_noise: float) -> np.ndarray:
    """``(ny, nx)``: how much brighter than its neighbourhood each target is in each column (lines!).

    Each target, a run of rows with light, has a scale of its own.
    """
    profile = _brightest(targets)
    noise = np.sqrt(np.maximum(median(sky, 1), 0) + read_noise**2)
    lit = profile > np.maximum(0.25 * noise, 0.003 * profile.max())
    scale = np.ones(rest.shape, np.float32)
    steps = np.flatnonzero(np.diff(np.concatenate(([0], lit.astype(np.int8), [0]))))
    for start, stop in zip(steps[::2], steps[1::2], strict=True):
        if stop - start >= 3 and profile[start:stop].max() > 0.5 * noise[start:stop].min():
            rows = slice(start, stop)
            scale[rows] = _target_scale(rest[rows], np.maximum(targets[rows], 1e-3), sky[rows], read_noise)
    return scale


def _brightest(targets: np.ndarray, parts: int = 8) -> np.ndarray:
    """``(ny,)``: each row's mean in the part of the dispersion where it is brightest; traces are tilted."""
    bounds = np.linspace(0, targets.shape[1], min(parts, targets.shape[1]) + 1).astype(int)[:-1]
    sizes = np.diff(np.append(bounds, targets.shape[1]))
    return (np.add.reduceat(targets, bounds, axis=1) / sizes).max(axis=1)


def _target_scale(rest: np.ndarray, shape: np.ndarray, sky: np.ndarray, read_noise: float) -> np.ndarray:
    """``(nx,)``: the factor on ``shape`` that explains most rows of each column, 1 unless the data say otherwise.

    A line raises all rows of the profile alike, a ray some of them and never lowers one: of several candidates the
    one is taken that leaves least unexplained, rows above it counting up to four sigma each, rows below it fully.
    """
    weight = shape / np.sqrt(np.maximum(shape + sky, 0) + read_noise**2)
    information = np.square(weight).sum(axis=0)
    first = (weight * np.clip(rest * weight / shape, -4 + weight, 4 + weight)).sum(axis=0) / information
    scale = np.ones(rest.shape[1], np.float32)
    lines = np.flatnonzero(np.abs(first - 1) * np.sqrt(information) > 2)
    if not len(lines):
        return scale
    rest, shape, sky, weight = rest[:, lines], shape[:, lines], sky[:, lines], weight[:, lines]
    ratio = rest / shape
    order = np.argsort(ratio, axis=0)
    ratio = np.take_along_axis(ratio, order, axis=0)
    running = np.cumsum(np.take_along_axis(weight, order, axis=0), axis=0)
    best, least = np.ones(len(lines), np.float32), np.full(len(lines), np.inf, np.float32)
    for share in (None, 0.5, 0.4, 0.3, 0.2, 0.1):
        if share is None:
            trial = best.copy()
        else:
            trial = np.take_along_axis(ratio, (running < share * running[-1]).sum(axis=0)[None], axis=0)[0]
            trial = np.maximum(trial, 0)
        variance = np.maximum(trial * shape + sky, 0) + read_noise**2 + (0.03 * trial * shape) ** 2
        residual = rest - trial * shape
        unexplained = np.square(residual) / variance
        cost = np.where(residual > 0, np.minimum(unexplained, 16), unexplained).sum(axis=0)
        # Then once more with the rows that this trial explains.
        used = np.where(unexplained < 9, shape / variance, 0)
        total = (used * shape).sum(axis=0)
        refined = np.divide((used * rest).sum(axis=0), total, out=trial.copy(), where=total > 0)
        better = cost < least
        least[better], best[better] = cost[better], np.maximum(refined[better], 0)
    scale[lines] = best
    # What is narrower than any line the optics can make (FWHM 1.3 pixels) is a ray along the whole profile. Of a
    # Gaussian, the product of the two neighbours over the square of the peak depends on its width alone.
    rise = np.maximum(scale - 1, 0)
    limit = np.pad(rise + 1 / np.sqrt(information), 1, mode="edge")
    return np.where(limit[:-2] * limit[2:] < 0.04 * rise**2, 1, scale)
