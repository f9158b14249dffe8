"""The observing log of a night: one line a frame, in the order in which they were taken, with what people wrote."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .records import AUTO, CALIBRATED_TYPE, EXTRACTED_TYPE, RAW_TYPE, Record

Remark = Mapping[str, Any]
"""A comment as the API shows it: ``file_name``, ``proposal``, ``text``, ``author``, ``time``."""

COLUMNS = (
    "time",
    "id",
    "file_name",
    "object",
    "obstype",
    "exposure",
    "proposal_id",
    "grating",
    "wavmode",
    "slit",
    "filter",
    "filter_2",
    "roi",
    "ra",
    "dec",
    "airmass",
    "status",
    "status_reason",
    "signal_to_noise",
    "seeing",
    "wavelength_rms",
)
"""Fields of a frame's line. Exposure in s; seeing is the FWHM along the slit in arcsec; the rms in ångström."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula at the beginning of a cell."""


@dataclass(frozen=True)
class ObservingLog:
    """A night's log: the lines of its frames (:data:`COLUMNS` and ``comments``), the night's notes, other comments.

    Not ``complete`` where the night has more files or comments than one log holds.
    """

    night: int
    frames: Sequence[Mapping[str, Any]]
    notes: Sequence[Remark]
    others: Sequence[Remark]
    complete: bool


def observing_log(
    night: int, records: Iterable[Record], remarks: Mapping[int | None, Sequence[Remark]], *, complete: bool = True
) -> ObservingLog:
    """The log of a night from the records of its files and what was written by file id (None: on the night itself)."""
    raws: list[Record] = []
    products: dict[int, list[Record]] = defaultdict(list)
    frame_of: dict[int, int] = {}
    for record in records:
        frame_of[record["id"]] = record["original_file_id"]
        if record["data_type"] == RAW_TYPE:
            raws.append(record)
        else:
            products[record["original_file_id"]].append(record)
    shown = {raw["id"] for raw in raws}
    of_frame: dict[int, list[Remark]] = defaultdict(list)
    others: list[Remark] = []
    for about, written in remarks.items():
        if about is not None:
            (of_frame[frame_of[about]] if frame_of.get(about) in shown else others).extend(written)
    frames = [_line(raw, products[raw["id"]]) | {"comments": _in_time(of_frame[raw["id"]])} for raw in raws]
    frames.sort(key=lambda line: (line["time"] is None, line["time"] or "", line["id"]))
    return ObservingLog(night, frames, _in_time(remarks.get(None, ())), _in_time(others), complete)


def _in_time(written: Iterable[Remark]) -> list[Remark]:
    return sorted(written, key=lambda remark: remark["time"])


def _line(raw: Record, products: Iterable[Record]) -> dict[str, Any]:
    observation = raw.get("observation") or {}
    line = {name: raw.get(name) for name in COLUMNS}
    return line | {
        "time": observation.get("started"),
        "ra": raw.get("obsra"),
        "dec": raw.get("obsdec"),
        "airmass": observation.get("airmass"),
        **measured(products),
    }


def measured(products: Iterable[Record]) -> dict[str, Any]:
    """What was measured in a frame's brightest target, of the automatic chain if that has one."""
    spectra = [p for p in products if p["data_type"] in (EXTRACTED_TYPE, CALIBRATED_TYPE)]
    spectra = [p for p in spectra if p["variant"] == AUTO] or spectra
    extracted = [p for p in spectra if p["data_type"] == EXTRACTED_TYPE and _quality(p, "signal_to_noise") is not None]
    best = max(extracted, key=lambda p: _quality(p, "signal_to_noise"), default=None)
    same = [p for p in spectra if best is None or (p["target"], p["variant"]) == (best["target"], best["variant"])]
    rms = [found for p in same if (found := _quality(p, "wavelength_rms")) is not None]
    return {
        "signal_to_noise": _quality(best, "signal_to_noise"),
        "seeing": _quality(best, "fwhm_arcsec"),
        "wavelength_rms": max(rms, default=None),
    }


def _quality(record: Record | None, name: str) -> Any:
    return ((record or {}).get("quality") or {}).get(name)


def to_csv(log: ObservingLog) -> str:
    """One row a frame, with its comments in the last column; notes and other comments are rows with only those.

    An apostrophe comes before a cell that a spreadsheet would take for a formula.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*COLUMNS, "comments"])
    for note in log.notes:
        writer.writerow([note["time"], *[""] * (len(COLUMNS) - 1), _cell(_said(note))])
    for line in log.frames:
        said = "\n".join(map(_said, line["comments"]))
        writer.writerow([*(_cell(line[name]) for name in COLUMNS), _cell(said)])
    for other in log.others:
        cells: dict[str, Any] = {"time": other["time"], "file_name": other["file_name"]}
        writer.writerow([*(_cell(cells.get(name)) for name in COLUMNS), _cell(_said(other))])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) and not _is_number(value) else value
    return "" if value is None else value


def _is_number(text: str) -> bool:
    """Whether it is a number or an angle such as -48:23:59.9, which no spreadsheet takes for a formula."""
    return text[1:].replace(":", "").replace(".", "", 1).isdecimal()


def _said(remark: Remark) -> str:
    return f"{remark['author']}, {remark['time'][:16].replace('T', ' ')}: {remark['text']}"


_TEXT_COLUMNS = (
    ("UT", 8, "time"),
    ("File", 0, "file_name"),
    ("Object", 18, "object"),
    ("Type", 8, "obstype"),
    ("Exp/s", 7, "exposure"),
    ("Configuration", 26, "configuration"),
    ("Status", 11, "status"),
    ("S/N", 6, "signal_to_noise"),
    ("Seeing", 6, "seeing"),
    ("rms/A", 6, "wavelength_rms"),
)
"""Heading, width (0: that of the longest), field."""
_WIDEST_NAME = 60
_DECIMALS = {"exposure": 1, "signal_to_noise": 1, "seeing": 2, "wavelength_rms": 3}


def to_text(log: ObservingLog) -> str:
    """The log for people: columns, and below each frame what was written about it."""
    names = [str(line["file_name"] or "") for line in log.frames]
    longest = max([len(name) for name in names] + [4])
    widths = [width or min(longest, _WIDEST_NAME) for _, width, _ in _TEXT_COLUMNS]
    night = str(log.night)
    lines = [f"Observing log of the night {night[:4]}-{night[4:6]}-{night[6:]}", ""]
    for note in log.notes:
        lines += _indented("* ", note)
    if log.notes:
        lines.append("")
    lines.append(_row([heading for heading, _, _ in _TEXT_COLUMNS], widths))
    for line in log.frames:
        lines.append(_row([_shown(line, name) for _, _, name in _TEXT_COLUMNS], widths))
        for remark in line["comments"]:
            lines += _indented("    > ", remark)
    if log.others:
        lines += ["", "On other files:"]
        for remark in log.others:
            lines += _indented(f"  {remark['file_name']} > ", remark)
    if not log.complete:
        lines += ["", "This is not all: the night has more files or comments than one log holds."]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    cut = (cell if len(cell) <= width else cell[: width - 1] + "…" for cell, width in zip(cells, widths))
    padded = (f"{cell:<{width}}" for cell, width in zip(cut, widths))
    return "  ".join(padded).rstrip()


def _shown(line: Mapping[str, Any], name: str) -> str:
    if name == "configuration":
        elements = (line[part] for part in ("wavmode", "slit", "filter", "filter_2"))
        return " ".join(str(element) for element in elements if _in_the_way(element))
    value = line[name]
    if value is None:
        return "-"
    if name == "time":
        return str(value)[11:19]
    if name in _DECIMALS:
        return f"{value:.{_DECIMALS[name]}f}"
    return str(value)


def _in_the_way(element: Any) -> bool:
    return bool(element) and str(element).upper().replace(" ", "_") not in ("NO_FILTER", "NO_GRATING", "NO_MASK")


def _indented(mark: str, remark: Remark) -> list[str]:
    first, *more = _said(remark).splitlines() or [""]
    return [mark + first, *(" " * len(mark) + line for line in more)]
