"""Cosmic rays: a smooth model of sky and targets, and what sticks out of it sharply.

A long-slit frame is smooth along the slit where there is sky, and along the dispersion where there is a target;
what neither explains is a ray. So both detectors work on the residual from :func:`background` in units of the noise
that the *model* predicts:

* :func:`lacosmic` -- van Dokkum (2001, PASP 113, 1420): Laplacian edge detection on 2x subsampled pixels and the
  fine-structure contrast. Computed at the pixels that stand out, not on every pixel: a tenth of the time of
  ``astroscrappy`` on full frames, the same criterion (``python -m bench.reduction`` compares them).
* :func:`dcr` -- Pych (2004, PASP 116, 148): a gap in the histogram of small sub-frames.

Rays then grow into their faint wings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frame import Frame, MaskBit
from .robust import median

METHODS = ("dcr", "lacosmic", "none")
_ALONG_SLIT, _ALONG_DISPERSION = 64, 96  # unbinned pixels; longer than twice nearly every track
_BAD = np.uint8(MaskBit.BAD | MaskBit.OUTSIDE_SLIT)


@dataclass(frozen=True)
class Cleaned:
    """A frame with its rays flagged, their values replaced by the model, and how many pixels that were."""

    frame: Frame
    flagged: int
    method: str


def default_method(binning: tuple[int, int]) -> str:
    """The observatory's rule: dcr for unbinned frames, lacosmic otherwise."""
    return "dcr" if binning == (1, 1) else "lacosmic"


def clean(
    frame: Frame, read_noise: float, method: str, response: np.ndarray | None = None, smooth: bool = True
) -> Cleaned:
    """Flag cosmic rays; show the model under them.

    Parameters
    ----------
    frame : Frame
        Electrons.
    read_noise : float
        Electrons.
    method : {"dcr", "lacosmic", "none"}
    response : (ny, nx), optional
        Flat that the frame was divided by.
    smooth : bool
        True for spectra (sky along the slit, targets along the dispersion); False for images, whose model is a
        coarse background only.

    Returns
    -------
    Cleaned
        Flagged pixels carry COSMIC_RAY, the model's value, and a variance that holds the squared height of the ray:
        a fit that weights by variance ignores them even if it does not look at the mask.
    """
    if method not in METHODS:
        raise ValueError(f"cosmic-ray method {method!r} is none of {', '.join(METHODS)}")
    if method == "none":
        return Cleaned(frame, 0, method)
    unusable = (frame.mask & _BAD) != 0
    binning = frame.geometry.binning
    model, model_error = background(frame.data, unusable, read_noise, binning) if smooth else _coarse(frame.data)
    excess = frame.data - model
    sensitivity = np.float32(1) if response is None else response
    noise = np.sqrt(np.maximum(model, 0) / sensitivity + (read_noise / sensitivity) ** 2 + model_error**2)
    residual = excess / noise
    residual[unusable] = 0
    detect = lacosmic if method == "lacosmic" else dcr
    seeds = detect(residual, model / noise)
    saturated = (frame.mask & np.uint8(MaskBit.SATURATED)) != 0
    if saturated.any():  # a saturated line or star is no ray
        seeds &= ~dilated(saturated, 2)
    flagged = grow(seeds, residual, unusable | saturated)
    rows, columns = np.nonzero(flagged)
    data, variance, mask = frame.data.copy(), frame.variance.copy(), frame.mask.copy()
    data[rows, columns] = model[rows, columns]
    variance[rows, columns] += np.square(excess[rows, columns])
    mask[rows, columns] |= np.uint8(MaskBit.COSMIC_RAY)
    return Cleaned(frame.with_data(data=data, variance=variance, mask=mask), len(rows), method)


def background(
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
        scatter = 1.4826 * _block_medians(np.abs(residual[rows]), _block(residual.shape[1], 128))
        error[rows] = np.maximum(scatter**2 - expected, 0)
        slope = np.zeros_like(expected)
        np.subtract(targets[rows, 2:], targets[rows, :-2], out=slope[:, 1:-1])
        error[rows] += (0.05 * slope) ** 2
    brightness = median(sky, 0)
    columns = np.flatnonzero(brightness > 1.5 * np.median(brightness) + read_noise)
    if len(columns):
        part = residual[:, columns].T
        expected = np.maximum(sky[:, columns] + targets[:, columns], 0) + read_noise**2
        scatter = 1.4826 * _block_medians(np.abs(part), _block(residual.shape[0], 24)).T
        error[:, columns] = np.maximum(error[:, columns], scatter**2 - expected)
    return np.sqrt(error)


def _coarse(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Background of an image: medians of 32 x 32 areas."""
    model = _block_medians(_block_medians(data, _block(data.shape[1], 32)).T, _block(data.shape[0], 32)).T
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


def lacosmic(
    residual: np.ndarray, model: np.ndarray, threshold: float = 4.5, contrast: float = 2.0
) -> np.ndarray:
    """Seeds of cosmic rays after van Dokkum (2001).

    Parameters
    ----------
    residual : (ny, nx) float32
        Data minus model in units of the noise.
    model : (ny, nx) float32
        The model in the same units.
    threshold : float
        Of the Laplacian's significance.
    contrast : float
        Least Laplacian relative to the fine structure: what is round and resolved is no ray.

    Returns
    -------
    (ny, nx) bool
    """
    padded = np.pad(residual, 4, mode="reflect")
    rows, columns = np.nonzero(residual > threshold)
    laplacian = _laplacian(padded, rows + 4, columns + 4)
    keep = laplacian > threshold
    rows, columns, laplacian = rows[keep], columns[keep], laplacian[keep]
    fine = _fine_structure(padded, rows + 4, columns + 4)
    keep = laplacian > contrast * np.maximum(fine, 0.5)
    seeds = np.zeros(residual.shape, bool)
    seeds[rows[keep], columns[keep]] = True
    return seeds


def _laplacian(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Laplacian of the 2x subsampled image, negative parts cut, back on whole pixels; an isolated pixel keeps its
    value (the paper's L+ / 2)."""
    centre = image[rows, columns]
    total = np.zeros_like(centre)
    for vertical in (-1, 1):
        for horizontal in (-1, 1):
            outer = image[rows + vertical, columns] + image[rows, columns + horizontal]
            total += np.maximum(2 * centre - outer, 0)
    return total / 8


def _fine_structure(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """3x3 median minus the 7x7 median of it, at the given places (4 pixels away from every edge at least)."""
    result = np.empty(len(rows), image.dtype)
    step = np.arange(-4, 5)
    for start in range(0, len(rows), 4000):
        part = slice(start, start + 4000)
        window = image[rows[part, None, None] + step[:, None], columns[part, None, None] + step]
        threes = np.lib.stride_tricks.sliding_window_view(window, (3, 3), axis=(1, 2))
        medians = median(threes.reshape(*threes.shape[:3], 9), 3)
        result[part] = medians[:, 3, 3] - median(medians.reshape(len(medians), -1), 1)
    return result


def dcr(residual: np.ndarray, model: np.ndarray, threshold: float = 3.0, size: int = 19, passes: int = 5) -> np.ndarray:
    """Seeds of cosmic rays after Pych (2004): gaps in the histograms of overlapping sub-frames.

    In each sub-frame the values are sorted; above the mode, the first gap between neighbours wider than
    ``threshold`` standard deviations separates the rays. Sub-frames overlap by half, and passes are repeated with the
    rays found left out, since a bright ray widens the histogram.

    Parameters
    ----------
    residual, model : (ny, nx) float32
        See :func:`lacosmic` (``model`` is not used).
    threshold : float
        Gap in standard deviations.
    size : int
        Side of the sub-frames (pixels).
    passes : int

    Returns
    -------
    (ny, nx) bool
    """
    del model
    ny, nx = residual.shape
    seeds = np.zeros(residual.shape, bool)
    height, width = min(size, ny), min(size, nx)
    for _ in range(passes):
        before = np.count_nonzero(seeds)
        for top in (0, height // 2):
            for left in (0, width // 2):
                _gap_pass(residual, seeds, (top, left), (height, width), threshold)
        if np.count_nonzero(seeds) == before:
            break
    return seeds


def _gap_pass(
    residual: np.ndarray, seeds: np.ndarray, corner: tuple[int, int], size: tuple[int, int], threshold: float
) -> None:
    """One tiling of the frame; adds to ``seeds`` in place. The last tiles are moved inwards to cover the edge."""
    height, width = size
    tops, lefts = (_starts(n, c, s) for n, c, s in zip(residual.shape, corner, size, strict=True))
    # A gap of three sigma among hundreds of values never begins below 1.5 sigma: most tiles need no histogram.
    rows, columns = np.nonzero((residual > threshold + 1.5) & ~seeds)
    tiles = {
        (top, left)
        for row in (np.searchsorted(tops, rows, side="right") - 1, np.searchsorted(tops + height, rows, side="right"))
        for column in (
            np.searchsorted(lefts, columns, side="right") - 1,
            np.searchsorted(lefts + width, columns, side="right"),
        )
        for top, left in np.unique(np.stack([row, column]), axis=1).T.tolist()
        if 0 <= top < len(tops) and 0 <= left < len(lefts)
    }
    chosen = np.array(sorted(tiles), dtype=int).reshape(-1, 2)
    for start in range(0, len(chosen), 1000):
        top, left = tops[chosen[start : start + 1000, 0]], lefts[chosen[start : start + 1000, 1]]
        place = (top[:, None, None] + np.arange(height)[:, None], left[:, None, None] + np.arange(width))
        values = np.where(seeds[place], np.float32(-np.inf), residual[place]).reshape(len(top), -1)
        order = np.sort(values, axis=1)
        sigma = _clipped_sigma(order)
        upper = order[:, order.shape[1] // 2 :]
        wide = np.diff(upper, axis=1) > threshold * sigma[:, None]
        edge = np.where(wide.any(axis=1), upper[np.arange(len(upper)), np.argmax(wide, axis=1)], np.inf)
        tile, pixel = np.nonzero(values > np.maximum(edge, 0)[:, None])
        seeds[top[tile] + pixel // width, left[tile] + pixel % width] = True


def _starts(length: int, offset: int, size: int) -> np.ndarray:
    starts = np.arange(offset, max(length - size, 0) + 1, size)
    last = length - size
    if not len(starts) or starts[-1] != last:
        starts = np.append(starts, last)
    return starts


def _clipped_sigma(ordered: np.ndarray) -> np.ndarray:
    """Standard deviation of the middle of sorted rows, from their 16th to 84th percentile; at least 1 (the noise)."""
    n = ordered.shape[1]
    low, high = ordered[:, int(0.16 * n)], ordered[:, int(0.84 * n)]
    return np.maximum(np.where(np.isfinite(low), (high - low) / 2, 1), 1)


def grow(seeds: np.ndarray, residual: np.ndarray, forbidden: np.ndarray, wing: float = 2.5, far: float = 3.0) -> np.ndarray:
    """Neighbours of the seeds that stand out too: over ``far`` sigma step by step, then over ``wing`` once."""
    flagged = seeds.copy()
    if not flagged.any():
        return flagged
    bright = (residual > far) & ~forbidden
    for _ in range(20):
        wider = flagged | (dilated(flagged) & bright)
        if np.count_nonzero(wider) == np.count_nonzero(flagged):
            break
        flagged = wider
    flagged |= dilated(flagged) & (residual > wing) & ~forbidden
    return flagged


def dilated(mask: np.ndarray, steps: int = 1) -> np.ndarray:
    """``mask`` and its eight neighbours, ``steps`` times."""
    for _ in range(steps):
        wide = mask.copy()
        wide[:, 1:] |= mask[:, :-1]
        wide[:, :-1] |= mask[:, 1:]
        mask = wide.copy()
        mask[1:] |= wide[:-1]
        mask[:-1] |= wide[1:]
    return mask
