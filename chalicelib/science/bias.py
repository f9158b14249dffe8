"""Bias: is this frame one, and taking the master from a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import overscan
from .errors import CalibrationMismatch
from .frame import Detector, Frame, Geometry, MaskBit, RawFrame
from .robust import pixel_noise

LEVEL_CARD = "GSP_BLVL"
READ_NOISE_CARD = "GSP_BRDN"
GAIN_CARD = "GSP_BGAI"
_CONVERTER_MAXIMUM = 65535.0
_WRAPPED_BELOW = 50.0


@dataclass(frozen=True)
class Debiased:
    """A raw frame in electrons with its bias removed, and how that was done.

    ``level`` is the frame's own, ``read_noise`` (electrons) what its variance holds, ``note`` a sentence for HISTORY.
    """

    frame: Frame
    level: overscan.Level
    read_noise: float
    note: str


def rescaled(master: Frame, detector: Detector) -> float:
    """What the electrons of a master bias are multiplied by: the gain of ``detector`` over the master's own.

    The structure is one of counts. Modes whose gain was measured anew (1.45, then 1.47) share their masters, and a
    level of hundreds of ADU would leave tens of electrons of pedestal behind.
    """
    for card in (GAIN_CARD, "GAIN"):
        try:
            own = float(master.header[card])
        except (KeyError, TypeError, ValueError):
            continue
        if own > 0 and 0.9 < detector.gain / own < 1.1:  # else it is no gain of this mode
            return detector.gain / own
    return 1.0


def read_noise(detector: Detector, bias: Frame | None) -> float:
    """Electrons: as measured between the master bias's members, else the header's.

    Headers carry the laboratory's figure; on a real night the biases themselves showed 7 % more, and so did
    differences of science frames. A measurement far from the header's is not believed.
    """
    measured = 0.0
    if bias is not None:
        measured = float(bias.header.get(READ_NOISE_CARD, 0.0)) * rescaled(bias, detector)
    if not believable(detector):
        return max(measured, least_noise(detector))
    return measured if 0.7 < measured / detector.read_noise < 1.6 else detector.read_noise


def least_noise(detector: Detector) -> float:
    """Electrons: the rounding of the converter, below which no frame's noise can be."""
    return max(detector.gain / 12**0.5, 1e-3)


def believable(detector: Detector) -> bool:
    """Whether the header's read noise can be true: some headers say 0."""
    return bool(detector.read_noise >= least_noise(detector))


def raw_mask(data: np.ndarray, detector: Detector, level: float) -> np.ndarray:
    """Mask of a raw frame: SATURATED at the detector's limit or the converter's, BAD where there is no number.

    A count far below the bias level is a converter that wrapped around: SATURATED and BAD.
    """
    mask = np.zeros(data.shape, np.uint8)
    mask[data >= min(detector.saturation, _CONVERTER_MAXIMUM)] |= np.uint8(MaskBit.SATURATED)
    if level > 2 * _WRAPPED_BELOW:
        wrapped = data < _WRAPPED_BELOW
        if wrapped.any():
            mask[wrapped] |= np.uint8(MaskBit.SATURATED | MaskBit.BAD)
    finite = np.isfinite(data)
    if not finite.all():
        mask[~finite] |= np.uint8(MaskBit.BAD)
    return mask


def aligned(master: Frame, geometry: Geometry, shape: tuple[int, int], kind: str) -> tuple[slice, slice]:
    """Rows and columns of ``master`` that lie under a frame of ``geometry`` and ``shape``, pixel for pixel.

    Raises
    ------
    CalibrationMismatch
        Another binning or readout window, or pixels that the master does not have.
    """
    own = master.geometry
    if own.binning != geometry.binning:
        raise CalibrationMismatch(
            f"The master {kind} is binned {own.binning[0]}x{own.binning[1]}, the frame "
            f"{geometry.binning[0]}x{geometry.binning[1]}; it cannot be applied."
        )
    if own.roi_origin != geometry.roi_origin:
        raise CalibrationMismatch(
            f"The master {kind} was read from another part of the detector (starting at column, row "
            f"{own.roi_origin}) than the frame ({geometry.roi_origin}); it cannot be applied."
        )
    x, y = (geometry.corner[i] - own.corner[i] for i in (0, 1))
    ny, nx = shape
    if x < 0 or y < 0 or y + ny > master.shape[0] or x + nx > master.shape[1]:
        raise CalibrationMismatch(
            f"The master {kind} of {master.shape[1]} x {master.shape[0]} pixels does not cover the frame's "
            f"{nx} x {ny} pixels."
        )
    return slice(y, y + ny), slice(x, x + nx)


def photon_variance(electrons: np.ndarray, read_noise: float) -> np.ndarray:
    """The photons' share of the variance: the counts; where read noise rules, their mean over 3 x 3 pixels.

    A single count near zero is mostly read noise: its positive half taken for photons would make dark pixels' errors
    6 % too large, and give a pixel that happens to be low more weight than one that happens to be high.
    """
    variance = np.maximum(electrons, 0)
    faint = np.float32(4 * read_noise)
    low = electrons < faint
    if low.any():
        padded = np.pad(np.minimum(electrons, 2 * faint), 1, mode="edge")
        rows = padded[:-2] + padded[1:-1] + padded[2:]
        mean = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
        mean /= 9
        np.copyto(variance, np.clip(mean, 0, faint), where=low)
    return variance


def subtract(raw: RawFrame, detector: Detector, bias: Frame | None, part: tuple[slice, slice]) -> Debiased:
    """Bias-subtract ``raw`` and keep the rows and columns of ``part``.

    The frame's own dark columns give its level where there are any: levels drift by an ADU from frame to frame.
    The master, made the same way, then holds the structure only. Where either has none, the absolute levels are
    used; with no master at all and no dark columns, the darkest part of the image stands in, and ``note`` says so.

    Parameters
    ----------
    raw : RawFrame
    detector : Detector
    bias : Frame or None
        Master from :func:`chalicelib.science.combine.combine_bias`, electrons.
    part : (slice, slice)
        Rows and columns to keep.

    Returns
    -------
    Debiased
        Variance = photons (see :func:`photon_variance`) + read noise² + the master's variance + the level's, e⁻².

    Raises
    ------
    CalibrationMismatch
        The master does not cover ``part``.
    """
    data = raw.data
    level = overscan.level(data, detector)
    rows, columns = part
    pixels = data[part]
    geometry = Geometry(detector.binning, (columns.start or 0, rows.start or 0), detector.roi_origin)
    mask = raw_mask(pixels, detector, level.value)
    electrons = pixels.astype(np.float32, copy=True)
    extra: np.ndarray | float = 0.0
    if bias is None:
        electrons -= np.float32(level.value)
        extra = 0.0 if not level.measured else (level.error * detector.gain) ** 2
        note = (
            f"no master bias: level {level.value:.1f} ADU from the dark columns, column structure remains"
            if level.measured
            else f"no master bias and {level.reason}: level {level.value:.1f} ADU from the darkest part of the image"
        )
        electrons *= np.float32(detector.gain)
    else:
        under = aligned(bias, geometry, pixels.shape, "bias")
        own_level = bias.header.get(LEVEL_CARD)
        if own_level is None or not level.measured:  # absolute levels on one side or both
            zero = float(own_level or 0.0) if not level.measured else level.value
            note = "master bias subtracted with its own level: " + (level.reason or "it holds no measured level")
            zero = zero if own_level is not None else 0.0
        else:
            zero = level.value
            note = f"level {zero:.2f} ADU of the dark columns and master bias subtracted"
            extra = (level.error * detector.gain) ** 2
        electrons -= np.float32(zero)
        electrons *= np.float32(detector.gain)
        scale = np.float32(rescaled(bias, detector))
        electrons -= bias.data[under] * scale
        extra = extra + bias.variance[under] * scale**2
        mask |= bias.mask[under] & np.uint8(MaskBit.BAD)
    if not np.isfinite(electrons).all():
        np.nan_to_num(electrons, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    noise = read_noise(detector, bias)
    if not believable(detector) and level.columns is not None:
        noise = max(noise, detector.gain * pixel_noise(data[:, level.columns]))
    if bias is None and not level.measured:  # the light under the darkest part is gone, its photon noise is not
        noise = max(noise, detector.gain * pixel_noise(pixels))
    variance = photon_variance(electrons, noise)
    variance += np.float32(noise**2) + np.asarray(extra, np.float32)
    return Debiased(Frame(electrons, variance, mask, geometry, raw.header), level, noise, note)
