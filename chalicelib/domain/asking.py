"""What the files must be that somebody names in a choice: of the right kind, and of use for the frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .choices import BadChoice
from .headers import ARC, BIAS, FLAT
from .records import MASTER_TYPE, RAW_TYPE, REDUCED_TYPE
from .steps import CHAINS

_NAMES = {BIAS: "master bias", FLAT: "master flat"}

Record = Mapping[str, Any]


def check_master(kind: str, record: Record) -> None:
    """Refuse a file that is no good master of a kind (``bias`` or ``flat``).

    Raises
    ------
    BadChoice
        The sentence says what it is instead.
    """
    wanted = BIAS if kind == "bias" else FLAT
    if record["data_type"] != MASTER_TYPE or record["obstype"] != wanted:
        raise BadChoice(f"{record['file_name']} is no {_NAMES[wanted]}; choose one, or 0 for none.")
    _check_good(record)


def check_arc(record: Record, frame: Record) -> None:
    """Refuse a file that is no reduced arc for a frame.

    Raises
    ------
    BadChoice
        The sentence says what it is instead.
    """
    name = record["file_name"]
    if record["obstype"] != ARC or record["data_type"] not in (RAW_TYPE, REDUCED_TYPE):
        raise BadChoice(f"{name} is no arc; name the reduced frame of a comparison lamp.")
    if record["data_type"] == RAW_TYPE:
        raise BadChoice(f"{name} is not reduced yet ({record['status']}): {record['status_reason'] or 'wait for it'}")
    if record["grating"] != frame["grating"]:
        raise BadChoice(f"{name} was taken with {record['grating']}, {frame['file_name']} with {frame['grating']}.")
    _check_good(record)


def check_frame(record: Record, stage: str) -> None:
    """Refuse a raw frame that has no such stage.

    Raises
    ------
    BadChoice
        The sentence says what the stage is for.
    """
    obstype = record.get("obstype") or ""
    if record["data_type"] != RAW_TYPE or stage not in CHAINS.get(obstype, ()):
        kinds = ", ".join(kind for kind, chain in CHAINS.items() if stage in chain)
        what = "a master" if record["data_type"] == MASTER_TYPE else obstype or "no frame that can be read"
        raise BadChoice(f"{record['file_name']} is {what}; {stage.upper()} is for frames of the type {kinds}.")


def _check_good(record: Record) -> None:
    if record.get("bad"):
        raise BadChoice(f"{record['file_name']} is marked bad: {record['bad']['reason']} Choose another.")
