"""Master biases and flats: members checked, clipped, averaged, with their variance.

``ccdproc.combine`` (median, 3-sigma clip, float32, ``mem_limit``) gives the same level, but needs four times the CPU
time and 250 MB more for ten 2x2 frames (``python -m bench.reduction --peer``), and has to guess the noise from a
handful of members, which is blind with three. So the stack is clipped here, in row blocks, about its median with the
*known* noise of the detector, and the survivors are averaged: a mean of n has 2/3 of the variance of their median.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass

import numpy as np

from . import bias as biases
from . import overscan
from .errors import UnusableFrame
from .figures import known
from .frame import Detector, Frame, Geometry, MaskBit, RawFrame
from .robust import median, pixel_noise, scatter
from .section import check_size, section
from .stack import clipped_mean, spoilt

_FEWEST_BIASES = 3  # fewer cannot tell which of them is odd; a pool that never had more is taken as it is
_LEVEL_LIMIT = 10.0  # ADU from the other members: levels drift by one or two
_NOISE_LIMIT = 2.0  # times the read noise
_STRUCTURE_LIMIT = 3.0  # ADU between large areas of a bias and the other members


@dataclass(frozen=True)
class Combined:
    """A master and what it was made of.

    Attributes
    ----------
    frame : Frame
        Electrons; covers the whole raw frame, so that it serves every trim.
    quality : dict
        JSON-ready figures.
    rejected : list of (int, str)
        Index of each member left out, with the reason.
    """

    frame: Frame
    quality: dict
    rejected: list[tuple[int, str]]


def combine_bias(frames: list[RawFrame], detector: Detector) -> Combined:
    """The master bias: structure of the bias level, electrons.

    Each member's level, from its dark columns, is taken off first; the mean level is kept in the header as
    ``GSP_BLVL`` (ADU) for frames that have no measured level of their own.

    Parameters
    ----------
    frames : list of RawFrame
        In order of observation.
    detector : Detector

    Returns
    -------
    Combined

    Raises
    ------
    UnusableFrame
        Fewer than three members are biases (or than there were, of a smaller pool).
    """
    kept, rejected = _sound(frames, detector)
    levels = {i: overscan.level(frames[i].data, detector) for i in kept}
    kept, bad = _check_biases(frames, kept, detector)
    rejected += bad
    if len(kept) < min(_FEWEST_BIASES, len(frames)):
        raise _too_few(len(kept), len(frames), "bias frames", rejected)
    measured = all(levels[i].measured for i in kept)
    offsets = [levels[i].value if measured else 0.0 for i in kept]
    noise = _read_noise(detector, [frames[i].data for i in kept])
    data = [frames[i].data for i in kept]
    mean, variance, clipped = clipped_mean(data, offsets, [1.0] * len(kept), noise**2, 0.0)
    read_noise = _pair_noise(data)
    gain = np.float32(detector.gain)
    mask = np.zeros(mean.shape, np.uint8)
    unsteady = variance * len(kept) > (10 * noise) ** 2  # pixels that flicker far above the read noise
    mask[unsteady] |= np.uint8(MaskBit.BAD)
    mask[mean + np.mean(offsets) >= 0.9 * _too_bright(detector)[0]] |= np.uint8(MaskBit.BAD)
    header = frames[kept[0]].header.copy()
    header[biases.GAIN_CARD] = (detector.gain, "[electron/adu] gain of these electrons")
    if measured:
        header[biases.LEVEL_CARD] = (round(float(np.mean(offsets)), 4), "[adu] mean level taken off the bias")
    if read_noise and len(kept) >= 3:
        header[biases.READ_NOISE_CARD] = (round(read_noise * detector.gain, 4), "[electron] read noise between members")
    geometry = Geometry(detector.binning, (0, 0), detector.roi_origin)
    frame = Frame(mean * gain, variance * gain**2, mask, geometry, header)
    absolute = [levels[i].value for i in kept]
    quality = {
        "members": len(kept),
        "rejected": [{"index": i, "reason": reason} for i, reason in sorted(rejected)],
        "level_adu": round(float(np.mean(absolute)), 3),
        "level_range_adu": round(float(np.ptp(absolute)), 3),
        "level_measured": measured,
        "read_noise_e": round(read_noise * detector.gain, 3) if read_noise else None,
        "read_noise_header_e": detector.read_noise,
        "clipped_fraction": round(clipped, 6),
        "bad_pixels": int(np.count_nonzero(mask)),
    }
    return Combined(frame, known(quality), sorted(rejected))


def combine_flat(
    frames: list[RawFrame], detector: Detector, bias: Frame | None, saturation_threshold: float = 1.0
) -> Combined:
    """The master flat, un-normalised: electrons at the mean exposure of the members.

    Parameters
    ----------
    frames : list of RawFrame
    detector : Detector
    bias : Frame or None
        Master bias.
    saturation_threshold : float
        A member with at least this percentage of pixels above half of the full well in its lit section is left out.

    Returns
    -------
    Combined

    Raises
    ------
    UnusableFrame
        No member is left.
    CalibrationMismatch
        The bias does not cover the flats.
    """
    kept, rejected = _sound(frames, detector)
    if not kept:
        raise _too_few(0, len(frames), "flats", rejected)
    shape = frames[kept[0]].data.shape
    lit = section(None, shape, detector.binning, detector.camera)
    gain = detector.gain
    geometry = Geometry(detector.binning, (0, 0), detector.roi_origin)
    structure: np.ndarray = np.zeros(shape, np.float32)
    if bias is not None:
        own_gain = np.float32(gain / biases.rescaled(bias, detector))
        structure = bias.data[biases.aligned(bias, geometry, shape, "bias")] / own_gain
    limit, bright = _too_bright(detector)
    signals, zeros, levels, percentages = {}, {}, {}, {}
    usable = []
    for i in kept:
        data = frames[i].data
        level = levels[i] = overscan.level(data, detector)
        zeros[i] = _zero(level, bias)
        percentages[i] = 100 * float(np.count_nonzero(data[lit] >= limit)) / data[lit].size
        sample = data[lit][::4, ::4]
        sample = sample[np.isfinite(sample)]
        # without dark columns the level is the darkest light: the master knows better
        pedestal = level.value if level.measured or bias is None else zeros[i] + float(np.median(structure[lit]))
        signals[i] = float(np.median(sample)) - pedestal
        high = float(np.percentile(sample, 99)) - pedestal
        if percentages[i] >= saturation_threshold:
            rejected.append((i, f"{percentages[i]:.1f} % of its pixels are {bright}"))
        elif high < 50 / detector.gain:
            rejected.append((i, "it has no light: was the lamp on?"))
        else:
            usable.append(i)
    usable, odd = _check_lamp(usable, signals)
    rejected += odd
    if not usable:
        raise _too_few(0, len(frames), "flats", rejected)
    mean_signal = float(np.mean([signals[i] for i in usable]))
    scales = [mean_signal / signals[i] if mean_signal > 10 else 1.0 for i in usable]
    members = [frames[i].data for i in usable]
    offsets = [zeros[i] for i in usable]
    header_noise = detector.read_noise if biases.believable(detector) else biases.read_noise(detector, bias)
    noise = (header_noise / gain) ** 2

    def flags(number: int, rows: slice) -> np.ndarray:
        return biases.raw_mask(members[number][rows], detector, levels[usable[number]].value)

    mean, variance, clipped = clipped_mean(
        members, offsets, scales, noise, 1 / gain, structure, lambda number, rows: flags(number, rows) != 0
    )
    mean *= np.float32(gain)
    variance *= np.float32(gain**2)
    mask = np.zeros(mean.shape, np.uint8)
    counts = {bit: np.zeros(mean.shape, np.uint16) for bit in (MaskBit.SATURATED, MaskBit.BAD)}
    for number in range(len(usable)):
        own = flags(number, slice(0, len(mean)))
        for bit, count in counts.items():
            count += (own & np.uint8(bit)) != 0
    for bit, count in counts.items():
        mask[spoilt(count, len(usable))] |= np.uint8(bit)
    if bias is not None:
        mask |= bias.mask & np.uint8(MaskBit.BAD)
        variance += bias.variance * np.float32(biases.rescaled(bias, detector) ** 2)
    dark = np.ones(mean.shape, bool)
    dark[lit] = False
    mask[dark] |= np.uint8(MaskBit.NO_FLAT)
    header = frames[usable[0]].header.copy()
    quality = {
        "members": len(usable),
        "rejected": [{"index": i, "reason": reason} for i, reason in sorted(rejected)],
        "signal_e": round(mean_signal * gain, 1),
        "lamp_range_percent": round(100 * float(np.ptp([signals[i] for i in usable])) / max(mean_signal, 1e-9), 3),
        "saturated_percent": round(max(percentages[i] for i in usable), 4),
        "saturated_percent_members": [round(percentages[i], 4) for i in usable],
        "clipped_fraction": round(clipped, 6),
        "bias_subtracted": bias is not None,
    }
    return Combined(Frame(mean, variance, mask, geometry, header), known(quality), sorted(rejected))


def _too_bright(detector: Detector) -> tuple[float, str]:
    """ADU from which a flat's pixel is counted as too bright, and how that is called."""
    limit, half = min(detector.saturation, 65535.0), detector.half_full_well
    if half is None or half >= limit:
        return limit, f"saturated (from {limit:.0f} ADU)"
    return half, f"above half of the full well ({half:.0f} ADU)"


def _zero(level: overscan.Level, bias: Frame | None) -> float:
    """ADU to take off a frame besides the master bias: see :func:`chalicelib.science.bias.subtract`."""
    if bias is None or (level.measured and biases.LEVEL_CARD in bias.header):
        return level.value
    return float(bias.header.get(biases.LEVEL_CARD, 0.0))


def _too_few(kept: int, given: int, kind: str, rejected: list[tuple[int, str]]) -> UnusableFrame:
    reasons = "; ".join(sorted({reason for _, reason in rejected}))
    return UnusableFrame(f"{'Only ' + str(kept) if kept else 'None'} of the {given} {kind} can be used ({reasons}).")


def _read_noise(detector: Detector, data: list[np.ndarray]) -> float:
    """ADU: the header's where it can be true, else that of the quietest member."""
    if biases.believable(detector):
        return detector.read_noise / detector.gain
    seen = [noise for noise in map(pixel_noise, data) if np.isfinite(noise)]
    return max(min(seen, default=0.0), biases.least_noise(detector) / detector.gain)


def _sound(frames: list[RawFrame], detector: Detector) -> tuple[list[int], list[tuple[int, str]]]:
    """The members that hold an image of the common shape; one that holds none must not spoil the others."""
    kept, rejected = _same_shape(frames)
    shape = frames[kept[0]].data.shape
    lit = section(None, shape, detector.binning, detector.camera)
    check_size(frames[kept[0]].data[lit].shape)
    sound = []
    for i in kept:
        sample = frames[i].data[lit]
        finite = sample[np.isfinite(sample)]
        if finite.size < sample.size / 2:
            rejected.append((i, "most of its pixels are no numbers"))
        elif finite.min() == finite.max():
            rejected.append((i, f"every pixel has the same value ({finite[0]:g})"))
        else:
            sound.append(i)
    return sound, rejected


def _same_shape(frames: list[RawFrame]) -> tuple[list[int], list[tuple[int, str]]]:
    if not frames:
        raise UnusableFrame("There is no frame to combine.")
    shapes = [frame.data.shape for frame in frames]
    common = max(shapes, key=shapes.count)
    kept = [i for i, shape in enumerate(shapes) if shape == common]
    odd = [
        (i, f"it has {s[1]} x {s[0]} pixels, the others {common[1]} x {common[0]}")
        for i, s in enumerate(shapes)
        if s != common
    ]
    return kept, odd


def _check_biases(
    frames: list[RawFrame], kept: list[int], detector: Detector
) -> tuple[list[int], list[tuple[int, str]]]:
    """Leave out what is no bias: light, another level, other noise than the read noise."""
    if not kept:
        return [], []
    lit = section(None, frames[kept[0]].data.shape, detector.binning, detector.camera)
    tiles = {i: _tiles(frames[i].data[lit]) for i in kept}
    noise = {i: pixel_noise(frames[i].data[lit]) for i in kept}
    expected = max(_read_noise(detector, [frames[i].data[lit] for i in kept]), 0.6)
    good, bad = [], []
    for i in kept:
        if not np.isfinite(noise[i]):
            bad.append((i, "most of its pixels are no numbers"))
        elif noise[i] > _NOISE_LIMIT * expected + 1.0:
            bad.append(
                (i, f"its noise is {noise[i]:.1f} ADU where {expected:.1f} ADU is the read noise: there is light on it")
            )
        else:
            good.append(i)
    if not good:
        return good, bad
    # The lowest half is taken for the truth: light can only add.
    centre = {i: float(np.nanmedian(tiles[i])) for i in good}
    ordered = sorted(good, key=centre.__getitem__)
    typical = float(np.median([centre[i] for i in ordered[: max(1, (len(ordered) + 1) // 2)]]))
    near = [i for i in good if abs(centre[i] - typical) <= _LEVEL_LIMIT]
    bad += [
        (i, f"its level is {centre[i]:.0f} ADU where the others have {typical:.0f} ADU") for i in good if i not in near
    ]
    reference = _nanmedian([tiles[i] - centre[i] for i in near])
    fine = []
    for i in near:
        excess = float(np.nanpercentile(np.abs(tiles[i] - centre[i] - reference), 98))
        if len(near) >= 3 and excess > _STRUCTURE_LIMIT:
            bad.append((i, f"parts of it lie {excess:.1f} ADU above or below the other biases: light or interference"))
        else:
            fine.append(i)
    return fine, bad


def _check_lamp(usable: list[int], signals: dict[int, float]) -> tuple[list[int], list[tuple[int, str]]]:
    """Leave out flats of less than half or more than twice the usual light: another lamp, or one warming up."""
    if len(usable) < 3:
        return usable, []
    typical = float(np.median([signals[i] for i in usable]))
    good = [i for i in usable if typical < 20 or 0.5 < signals[i] / typical < 2]
    return good, [
        (i, f"its light is {signals[i]:.0f} ADU where the others have {typical:.0f} ADU")
        for i in usable
        if i not in good
    ]


def _tiles(data: np.ndarray, size: int = 32) -> np.ndarray:
    """Medians of ``size`` x ``size`` areas (whole areas only; the whole image when it is smaller)."""
    ny, nx = (max(1, n // size) for n in data.shape)
    part = data[: ny * (data.shape[0] // ny), : nx * (data.shape[1] // nx)]
    if data.size > 200_000:  # every second pixel tells as much
        part = part[: len(part) // (2 * ny) * 2 * ny : 2, : part.shape[1] // (2 * nx) * 2 * nx : 2]
    blocks = part.reshape(ny, part.shape[0] // ny, nx, part.shape[1] // nx).swapaxes(1, 2).reshape(ny, nx, -1)
    return _nanmedian(np.moveaxis(blocks, 2, 0)) if np.isnan(blocks).any() else median(blocks, 2)


def _nanmedian(values) -> np.ndarray:
    """Median along the first axis of what is a number, NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(values, axis=0)


def _pair_noise(data: list[np.ndarray]) -> float | None:
    """Read noise (ADU) from differences of successive members; None for a single one."""
    if len(data) < 2:
        return None
    found = []
    for a, b in itertools.pairwise(data):
        difference = (a - b)[::2, ::2]
        difference = difference[np.isfinite(difference)]
        if not difference.size:
            continue
        difference -= np.median(difference)
        clipped = difference[np.abs(difference) < 5 * scatter(difference) + 1]
        found.append(float(clipped.std()) / 2**0.5)
    return float(np.median(found)) if found else None
