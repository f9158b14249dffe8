"""Cosmic rays: a smooth model of sky and targets, and what sticks out of it sharply.

A long-slit frame is smooth along the slit where there is sky, and along the dispersion where there is a target;
what neither explains is a ray. So both detectors work on the residual from the model of
:mod:`~chalicelib.science.background`, in units of the noise which that model predicts:

* :func:`lacosmic` -- van Dokkum (2001, PASP 113, 1420): Laplacian edge detection on 2x subsampled pixels and the
  fine-structure contrast, computed at the pixels that stand out, not at every pixel. ``astroscrappy`` takes 1.1 to
  2.3 CPU s on a 2x2 frame where the whole of :func:`clean` takes 0.25 s, and on the bare frame it takes lines and
  targets for rays (``python -m bench.reduction --peer`` has the figures of both).
* :func:`dcr` -- Pych (2004, PASP 116, 148): a gap in the histogram of small sub-frames.

Rays then grow into their faint wings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .background import of_image, of_spectrum
from .frame import Frame, MaskBit
from .robust import median, scatter

METHODS = ("dcr", "lacosmic", "none")
_STAR_CONTRAST = 5.0
_BAD = np.uint8(MaskBit.BAD | MaskBit.OUTSIDE_SLIT)


@dataclass(frozen=True)
class Cleaned:
    """A frame with its rays flagged, their values replaced by the model, how many pixels that were, and what did it."""

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
        For images always lacosmic unless none: histograms of star fields have gaps of their own.
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
    if not smooth:
        method = "lacosmic"
    unusable = (frame.mask & _BAD) != 0
    binning = frame.geometry.binning
    model, model_error = (
        of_spectrum(frame.data, unusable, read_noise, binning) if smooth else of_image(frame.data, binning)
    )
    excess = frame.data - model
    sensitivity = np.float32(1) if response is None else response
    noise = np.sqrt(np.maximum(model, 0) / sensitivity + (read_noise / sensitivity) ** 2 + model_error**2)
    residual = excess / noise
    residual[unusable] = 0
    wider = scatter(residual[::4, ::4])
    if wider > 1.1:  # pattern noise, or a header that does not tell the truth
        noise = noise * np.float32(wider)
        residual /= np.float32(wider)
    saturated = (frame.mask & np.uint8(MaskBit.SATURATED)) != 0
    if smooth:
        seeds = lacosmic(residual) if method == "lacosmic" else dcr(residual)
    else:
        seeds = lacosmic(residual, contrast=_STAR_CONTRAST, noise=noise)
    if saturated.any():  # a saturated line or star is no ray
        seeds &= ~dilated(saturated, 2)
    if smooth:
        flagged = grow(seeds, residual, unusable | saturated)
    else:
        flagged = _grow_sharp(seeds, residual, unusable | saturated, noise)
    rows, columns = np.nonzero(flagged)
    data, variance, mask = frame.data.copy(), frame.variance.copy(), frame.mask.copy()
    data[rows, columns] = model[rows, columns]
    variance[rows, columns] += np.square(excess[rows, columns])
    mask[rows, columns] |= np.uint8(MaskBit.COSMIC_RAY)
    return Cleaned(frame.with_data(data=data, variance=variance, mask=mask), len(rows), method)


def lacosmic(
    residual: np.ndarray, threshold: float = 4.5, contrast: float = 2.0, noise: np.ndarray | None = None
) -> np.ndarray:
    """Seeds of cosmic rays after van Dokkum (2001).

    Parameters
    ----------
    residual : (ny, nx) float32
        Data minus model in units of the noise.
    threshold : float
        Of the Laplacian's significance.
    contrast : float
        Least Laplacian relative to the fine structure: what is round and resolved is no ray.
    noise : (ny, nx) float32, optional
        Electrons, the unit of ``residual``; given for images, where the model has no stars and their own photon
        noise has to be taken from the neighbourhood.

    Returns
    -------
    (ny, nx) bool
    """
    padded = np.pad(residual, 4, mode="reflect")
    rows, columns = np.nonzero(residual > threshold)
    laplacian = _laplacian(padded, rows + 4, columns + 4)
    if noise is not None:
        laplacian /= _star_noise(padded, rows, columns, noise)
    keep = laplacian > threshold
    rows, columns, laplacian = rows[keep], columns[keep], laplacian[keep]
    fine = _fine_structure(padded, rows + 4, columns + 4)
    if noise is not None:
        fine /= _star_noise(padded, rows, columns, noise)
    keep = laplacian > contrast * np.maximum(fine, 0.5)
    seeds = np.zeros(residual.shape, bool)
    seeds[rows[keep], columns[keep]] = True
    return seeds


def _star_noise(padded: np.ndarray, rows: np.ndarray, columns: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """How much larger the noise is than the background's, from the light around (5x5 median; padded by 4)."""
    step = np.arange(-2, 3)
    around = np.empty(len(rows), padded.dtype)
    for start in range(0, len(rows), 50_000):
        part = slice(start, start + 50_000)
        window = padded[rows[part, None, None] + 4 + step[:, None], columns[part, None, None] + 4 + step]
        around[part] = median(window.reshape(len(window), 25), 1)
    return np.sqrt(1 + np.maximum(around, 0) / noise[rows, columns])


def _grow_sharp(seeds: np.ndarray, residual: np.ndarray, forbidden: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Neighbours of the seeds that are sharp too, twice: rays grow, the stars they hit do not (van Dokkum's rule)."""
    padded = np.pad(residual, 4, mode="reflect")
    flagged = seeds.copy()
    for limit in (4.5, 1.5):
        rows, columns = np.nonzero(dilated(flagged) & ~flagged & ~forbidden & (residual > limit))
        light = _star_noise(padded, rows, columns, noise)
        sharp = _laplacian(padded, rows + 4, columns + 4) / light
        fine = _fine_structure(padded, rows + 4, columns + 4) / light
        kept = (sharp > limit) & (sharp > 2 * fine)
        flagged[rows[kept], columns[kept]] = True
    return flagged


def _laplacian(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Laplacian of the 2x subsampled image, negative parts cut, back on whole pixels; an isolated pixel keeps its
    value (the paper's L+ / 2).
    """
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


def dcr(residual: np.ndarray, threshold: float = 3.0, size: int = 19, passes: int = 5) -> np.ndarray:
    """Seeds of cosmic rays after Pych (2004): gaps in the histograms of overlapping sub-frames.

    In each sub-frame the values are sorted; above the mode, the first gap between neighbours wider than
    ``threshold`` standard deviations separates the rays. Sub-frames overlap by half, and passes are repeated with the
    rays found left out, since a bright ray widens the histogram.

    Parameters
    ----------
    residual : (ny, nx) float32
        Data minus model in units of the noise.
    threshold : float
        Gap in standard deviations.
    size : int
        Side of the sub-frames (pixels).
    passes : int

    Returns
    -------
    (ny, nx) bool
    """
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


def grow(
    seeds: np.ndarray, residual: np.ndarray, forbidden: np.ndarray, wing: float = 2.5, far: float = 3.0
) -> np.ndarray:
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
