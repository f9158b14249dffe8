"""From a raw frame to a reduced one: overscan, trim, bias, slit, flat, cosmic rays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import bias as biases
from . import cosmic, slit
from . import flat as flats
from .cards import set_card
from .errors import UnusableFrame
from .figures import known
from .frame import Detector, Frame, MaskBit, RawFrame
from .section import check_size, section

# ADU by which rows without light may differ from zero: levels drift, and without a master the structure is left
_ZERO_ERROR, _ZERO_ERROR_ALONE = 0.5, 2.0
_LETTERS = "cfzst"  # the order of product names, whatever the order of the work


@dataclass(frozen=True)
class ReductionOptions:
    """What a proposal can choose; the observatory's defaults."""

    cosmic_rays: str = "default"
    ignore_bias: bool = False
    ignore_flats: bool = False
    flat_normalization: str = "simple"
    flat_order: int = 15

    def __post_init__(self):
        if self.cosmic_rays not in ("default", *cosmic.METHODS):
            raise ValueError(f"cosmic_rays {self.cosmic_rays!r} is none of default, {', '.join(cosmic.METHODS)}")
        if self.flat_normalization not in flats.METHODS:
            raise ValueError(f"flat_normalization {self.flat_normalization!r} is none of {', '.join(flats.METHODS)}")


@dataclass(frozen=True)
class Reduced:
    """A reduced frame and what was done to it.

    Attributes
    ----------
    frame : Frame
        Electrons; its header has the GSP_* cards.
    steps : str
        Letters of the steps that were done, in the order of product names (last step first): ``"cfzst"``.
    cards : list of (keyword, value, comment)
    history : list of str
        A sentence a step.
    quality : dict
        JSON-ready figures and ``flags``.
    """

    frame: Frame
    steps: str
    cards: list[tuple[str, object, str]]
    history: list[str]
    quality: dict


@dataclass
class _Log:
    """Collects what the steps say."""

    steps: str = ""
    cards: dict[str, tuple[object, str]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    quality: dict = field(default_factory=lambda: {"flags": []})

    def done(self, letter: str, sentence: str) -> None:
        self.steps = "".join(step for step in _LETTERS if step in self.steps + letter)
        self.history.append(sentence)

    def flag(self, name: str, sentence: str) -> None:
        self.quality["flags"].append(name)
        self.history.append(sentence)


def reduce_spectrum(
    raw: RawFrame,
    detector: Detector,
    *,
    bias: Frame | None,
    flat: Frame | None,
    options: ReductionOptions = ReductionOptions(),
    clean_cosmic_rays: bool,
    bias_name: str = "",
    flat_name: str = "",
) -> Reduced:
    """Reduce a spectroscopic frame.

    Parameters
    ----------
    raw : RawFrame
        ADU.
    detector : Detector
    bias, flat : Frame or None
        Masters from :mod:`chalicelib.science.combine`; None leaves the step out and flags it.
    options : ReductionOptions
    clean_cosmic_rays : bool
        False for arcs: their lines are as sharp as rays.
    bias_name, flat_name : str
        File names for GSP_BIAS and GSP_FLAT.

    Returns
    -------
    Reduced
        ``s`` is among the steps when the ends of the slit were looked for and the light was enough to tell, whether
        rows had to be cut or all are lit.

    Raises
    ------
    CalibrationMismatch
        A master does not cover the frame.
    UnusableFrame
        The frame is too small or has no usable pixel.
    """
    log = _Log()
    frame, read_noise = _debiased(raw, detector, bias, options, log, bias_name)
    master = _flat_under(frame, flat, options, log)
    zero_error = detector.gain * (_ZERO_ERROR if "z" in log.steps else _ZERO_ERROR_ALONE)
    frame, master, outside = _slit(frame, master, log, zero_error if clean_cosmic_rays else None)
    response = None
    if master is not None:
        frame, response = _flattened(frame, master, outside, options, log, flat_name)
    frame = _cosmic_rays(frame, read_noise, options, log, response, clean_cosmic_rays, smooth=True)
    return _finished(frame, log)


def reduce_image(
    raw: RawFrame,
    detector: Detector,
    *,
    bias: Frame | None,
    flat: Frame | None,
    options: ReductionOptions = ReductionOptions(),
    clean_cosmic_rays: bool = True,
    bias_name: str = "",
    flat_name: str = "",
) -> Reduced:
    """Reduce an imaging frame: as :func:`reduce_spectrum` without slit; the flat is normalised by its mean."""
    log = _Log()
    frame, read_noise = _debiased(raw, detector, bias, options, log, bias_name)
    master = _flat_under(frame, flat, options, log)
    response = None
    if master is not None:
        mean = ReductionOptions(options.cosmic_rays, flat_normalization="mean")
        frame, response = _flattened(frame, master, None, mean, log, flat_name)
    frame = _cosmic_rays(frame, read_noise, options, log, response, clean_cosmic_rays, smooth=False)
    return _finished(frame, log)


def _debiased(
    raw: RawFrame, detector: Detector, bias: Frame | None, options: ReductionOptions, log: _Log, name: str
) -> tuple[Frame, float]:
    part = section(raw.header.get("TRIMSEC"), raw.data.shape, detector.binning, detector.camera)
    check_size(raw.data[part].shape)
    wanted = None if options.ignore_bias else bias
    result = biases.subtract(raw, detector, wanted, part)
    frame = result.frame
    if not ((frame.mask & np.uint8(MaskBit.BAD)) == 0).any():
        raise UnusableFrame("Not one pixel of the lit section is usable.")
    columns = result.level.columns
    if columns is None:
        log.cards["GSP_OVER"] = ("none", "Overscan region")
        log.quality["flags"].append("no_overscan")
    else:
        log.cards["GSP_OVER"] = (_text(slice(0, raw.data.shape[0]), columns), "Overscan region")
    log.quality["bias_level_adu"] = round(result.level.value, 3)
    log.cards["GSP_TRIM"] = (_text(*part), "Trim section")
    log.done("t", f"trimmed to {_text(*part)}")
    if wanted is None:
        log.cards["GSP_BIAS"] = ("none", "Master bias image")
        log.flag("bias_ignored" if bias is not None else "no_bias", result.note)
    else:
        log.cards["GSP_BIAS"] = (name or "master", "Master bias image")
        log.done("z", result.note)
    saturated = int(np.count_nonzero(frame.mask & np.uint8(MaskBit.SATURATED)))
    log.quality["saturated_pixels"] = saturated
    log.quality["saturated_percent"] = round(100 * saturated / frame.mask.size, 4)
    log.quality["read_noise_e"] = round(result.read_noise, 4)
    return frame, result.read_noise


def _flat_under(frame: Frame, master: Frame | None, options: ReductionOptions, log: _Log) -> Frame | None:
    """The part of the master flat that lies under the frame."""
    if master is None or options.ignore_flats:
        log.cards["GSP_FLAT"] = ("none", "Master flat image")
        log.cards["GSP_NORM"] = ("none", "Flat normalization method")
        log.flag("flat_ignored" if master is not None else "no_flat", "not flat-fielded")
        return None
    under = biases.aligned(master, frame.geometry, frame.shape, "flat")
    return Frame(master.data[under], master.variance[under], master.mask[under], frame.geometry, master.header)


def _slit(
    frame: Frame, master: Frame | None, log: _Log, zero_error: float | None
) -> tuple[Frame, Frame | None, np.ndarray | None]:
    """Cut to the slit: by the flat, else by the frame's sky (None for ``zero_error``: an arc, whose light is even)."""
    source = "flat" if master is not None else "frame itself"
    if master is not None or zero_error is None:
        lit = slit.find(frame if master is None else master)
    else:
        lit = slit.find_by_sky(frame, zero_error)
    log.quality["slit_found"] = lit.found
    if not lit.found:
        log.cards["GSP_SLIT"] = ("none", "Slit trim section, slit illuminated area only")
        log.flag("slit_not_found", f"slit from the {source}: {lit.reason}")
        return frame, master, None
    rows, columns = lit.rows, slice(0, frame.shape[1])
    log.quality["slit_rows_cut"] = frame.shape[0] - (rows.stop - rows.start)
    frame = _cut(frame, rows)
    master = None if master is None else _cut(master, rows)
    outside = lit.outside(rows.start, frame.shape[0])
    if outside.any():
        mask = frame.mask.copy()
        mask[outside] |= np.uint8(MaskBit.OUTSIDE_SLIT)
        frame = frame.with_data(mask=mask)
    log.cards["GSP_SLIT"] = (_text(rows, columns), "Slit trim section, slit illuminated area only")
    log.done("s", f"slit from the {source}: {lit.reason}")
    return frame, master, outside if outside.any() else None


def _flattened(
    frame: Frame, master: Frame, outside: np.ndarray | None, options: ReductionOptions, log: _Log, name: str
) -> tuple[Frame, np.ndarray | None]:
    response = flats.normalise(master, options.flat_normalization, options.flat_order, outside)
    if response.covered == 0:
        log.cards["GSP_FLAT"] = ("none", "Master flat image")
        log.cards["GSP_NORM"] = ("none", "Flat normalization method")
        log.flag("no_flat", "the master flat has no light on this part of the detector: not flat-fielded")
        mask = frame.mask | np.uint8(MaskBit.NO_FLAT)
        return frame.with_data(mask=mask), None
    log.cards["GSP_FLAT"] = (name or "master", "Master flat image")
    log.cards["GSP_NORM"] = (response.method, "Flat normalization method")
    order = "" if response.method == "mean" else f" (Chebyshev order {options.flat_order})"
    log.done(
        "f",
        f"flat-fielded, normalisation {response.method}{order}; {100 * response.covered:.1f} % of the "
        "pixels have a flat",
    )
    log.quality["flat_covered"] = round(response.covered, 5)
    return flats.divide(frame, response), response.data


def _cosmic_rays(
    frame: Frame,
    read_noise: float,
    options: ReductionOptions,
    log: _Log,
    response: np.ndarray | None,
    wanted: bool,
    smooth: bool,
) -> Frame:
    method = options.cosmic_rays
    if method == "default":
        method = cosmic.default_method(frame.geometry.binning)
    if not wanted or method == "none":
        log.cards["GSP_COSM"] = ("none", "Cosmic ray rejection method")
        return frame
    cleaned = cosmic.clean(frame, read_noise, method, response, smooth)
    name = {"dcr": "DCR", "lacosmic": "LACosmic"}[cleaned.method]
    log.cards["GSP_COSM"] = (name, "Cosmic ray rejection method")
    log.done("c", f"{cleaned.flagged} pixels flagged as cosmic rays ({name})")
    log.quality["cosmic_ray_pixels"] = cleaned.flagged
    return cleaned.frame


def _cut(frame: Frame, rows: slice) -> Frame:
    if (rows.start, rows.stop) == (0, frame.shape[0]):
        return frame
    return Frame(
        frame.data[rows], frame.variance[rows], frame.mask[rows], frame.geometry.cut(0, rows.start), frame.header
    )


def _text(rows: slice, columns: slice) -> str:
    """IRAF notation, 1-based and inclusive."""
    return f"[{columns.start + 1}:{columns.stop},{rows.start + 1}:{rows.stop}]"


def _finished(frame: Frame, log: _Log) -> Reduced:
    header = frame.header.copy()
    cards = [(keyword, value, comment) for keyword, (value, comment) in log.cards.items()]
    for keyword, value, comment in cards:
        set_card(header, keyword, value, comment)
    data = np.ascontiguousarray(frame.data, np.float32)
    variance = np.ascontiguousarray(frame.variance, np.float32)
    mask = np.ascontiguousarray(frame.mask, np.uint8)
    counts = {str(bit.name).lower(): int(np.count_nonzero(mask & np.uint8(bit))) for bit in MaskBit}
    log.quality["mask"] = counts
    log.quality["median_e"] = round(float(np.median(data[::4, ::4])), 3)
    return Reduced(
        Frame(data, variance, mask, frame.geometry, header), log.steps, cards, log.history, known(log.quality)
    )
