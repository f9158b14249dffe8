"""What becomes of the frames while the pipeline works: news of those that settled, and a frame's result in words."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.api.serialize import file_record
from chalicelib.domain.plan import DONE, FAILED, PROVISIONAL, REJECTED, WAITING
from chalicelib.domain.records import CALIBRATED_TYPE, RAW_TYPE
from chalicelib.store import listing
from infra.local.harvest import LocalApi

Record = Mapping[str, Any]

FINAL = (DONE, FAILED, REJECTED)
"""A frame in one of these is not looked at again."""

QUEUED = "In the queue."
"""The reason of a frame the pipeline has not come to yet."""

LOOK_SECONDS = 2.0

_SETTLED = "/files/?data_type=0" + "".join(f"&status={status}" for status in (*FINAL, PROVISIONAL))


class Follower:
    """News of raw frames; each look reads new frames and those that may still change, nothing else.

    Parameters
    ----------
    api : LocalApi
        With the rights to see every frame.
    """

    def __init__(self, api: LocalApi) -> None:
        self._api = api
        self._status: dict[int, str] = {}

    def news(self) -> list[dict[str, Any]]:
        """The records of the frames whose status is another than at the last look, oldest first."""
        unsettled = [identifier for identifier, status in self._status.items() if status not in FINAL]
        records = [file_record(record) for record in listing.records(unsettled)] if unsettled else []
        found = []
        for record in sorted([*records, *self._new()], key=lambda record: record["id"]):
            status = "" if _queued(record) else record["status"]
            if status != self._status.get(record["id"], ""):
                found.append(record)
            self._status[record["id"]] = status
        return found

    def counts(self) -> dict[str, int]:
        """How many frames are in each state, those not yet come to as ``queued``."""
        found: dict[str, int] = {}
        for status in list(self._status.values()):  # another thread may be looking
            found[status or "queued"] = found.get(status or "queued", 0) + 1
        return found

    def spectra(self, originals: Collection[int]) -> list[dict[str, Any]]:
        """The calibrated spectra made of the raw frames with these ids."""
        if not originals:
            return []
        query = f"?data_type={CALIBRATED_TYPE}&obstype=SPECTRUM"
        return [record for record in self._api.all_files(query) if record["original_file_id"] in originals]

    def _new(self) -> list[dict[str, Any]]:
        missing: int | None = None
        found: list[dict[str, Any]] = []
        for page in self._api.pages(f"?data_type={RAW_TYPE}"):
            missing = page["count"] - len(self._status) if missing is None else missing
            found += [record for record in page["results"] if record["id"] not in self._status]
            if len(found) >= missing:
                break
        return list({record["id"]: record for record in found}.values())


def _queued(record: Record) -> bool:
    return record["status"] == WAITING and record["status_reason"] in ("", QUEUED)


def settled(api: LocalApi) -> int:
    """How many raw frames the pipeline has dealt with; one request, whatever their number."""
    return api.get(_SETTLED)["count"]


def sentence(record: Record, uploaded: float | None, spectra: Iterable[Record]) -> str:
    """A frame's news in one line: what it is, what became of it, how long that took.

    Parameters
    ----------
    uploaded : float, optional
        When the upload was complete, in seconds since the epoch.
    spectra : iterable of records
        The frame's calibrated spectra.
    """
    changed = datetime.fromisoformat(record["last_modified"])
    took = "" if uploaded is None else f"{max(0.0, changed.timestamp() - uploaded):.1f} s"
    words = [
        changed.astimezone().strftime("%H:%M:%S"),
        record["file_name"],
        f"{record['obstype'] or '':<8}",
        record["object"] or "",
        record["status"],
        took,
        " ".join(filter(None, [record["status_reason"], summary(spectra)])),
    ]
    return "  ".join(word for word in words if word).rstrip()


def summary(products: Iterable[Record]) -> str:
    """How well the wavelengths of a frame's brightest target are known; "" where there are none."""
    calibrated = [r for r in products if r["data_type"] == CALIBRATED_TYPE and r["obstype"] == "SPECTRUM"]
    if not calibrated:
        return ""
    quality = min(calibrated, key=lambda r: r["target"] or 1)["quality"]
    targets = f"{len(calibrated)} targets; " if len(calibrated) > 1 else ""
    rms, lines = quality.get("wavelength_rms", math.nan), quality.get("wavelength_lines", 0)
    return f"{targets}wavelength rms {rms:.3f} Å from {lines} lines, zero point {_zero_point(quality)}."


def _zero_point(quality: Mapping[str, Any]) -> str:
    shift = quality.get("zero_point")
    if quality.get("zero_point_applied") and shift is not None:
        return f"shifted by {shift:+.2f} Å on the sky"
    return "verified" if quality.get("zero_point_verified") else "not verified"
