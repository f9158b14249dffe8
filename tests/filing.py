"""Records for tests, published through the pipeline's own write side."""

from __future__ import annotations

from itertools import batched
from typing import Any

from chalicelib.domain.nights import file_id
from chalicelib.domain.records import scope_of
from chalicelib.store import items, publish

MANUAL_SAMPLE: dict[str, Any] = {
    "id": 952,
    "created": "2021-02-18T10:22:10.340053-03:00",
    "last_modified": "2021-02-18T10:22:13.470928-03:00",
    "original_file": "0001_GHTS_B_400m1_2x2_18-02-2021.fits",
    "original_file_id": 952,
    "parent_file": "0001_GHTS_B_400m1_2x2_18-02-2021.fits",
    "parent_file_id": 952,
    "file_name": "0001_GHTS_B_400m1_2x2_18-02-2021.fits",
    "directory_name": "/pipeline/data/20210218/RAW",
    "full_path": "/pipeline/data/20210218/RAW/0001_GHTS_B_400m1_2x2_18-02-2021.fits",
    "obstype": "LAMPFLAT",
    "object": "DFLAT",
    "filter": "NO_FILTER",
    "filter_2": "NO_FILTER",
    "grating": "400_SYZY",
    "slit": "1.0_LONG_SLIT",
    "cam_targ": "11.6",
    "grt_targ": "5.8",
    "obsra": "17:38:33.320",
    "obsdec": "-48:23:59.899",
    "gain": "1.4",
    "rdnoise": "4.74",
    "roi": "Spectroscopic 2x2",
    "wavmode": "400_M1",
    "proposal_id": "calibrate",
    "observation_id": None,
    "configuration_id": None,
    "block_id": None,
    "image_id": 1,
    "date": "2021-02-18",
    "data_type": "0",
    "normalized": False,
    "technique": "Spectroscopy",
    "saturation_value": 49928,
}
"""The first record of the original's manual, field by field."""


def record(night: int = 20261121, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A record as the ``files`` table holds it."""
    identifier = file_id(night, number)
    name = f"{number:04d}_frame.fits"
    proposal = changes.get("proposal_id", "SOAR2026B-014")
    return {
        **MANUAL_SAMPLE,
        "id": identifier,
        "original_file": name,
        "original_file_id": identifier,
        "parent_file": name,
        "parent_file_id": identifier,
        "file_name": name,
        "key": f"raw/{night}/{name}",
        "proposal_id": proposal,
        "scope": scope_of(proposal),
        "night": night,
        "status": "done",
        "status_reason": "",
        "provisional": False,
        "quality": {"wavelength_rms": 0.031},
        "inputs": [{"role": "raw", "id": identifier}],
        "target": None,
        "variant": "auto",
        "size": 4096,
        "sha256": "ab" * 32,
        "run_key": "cd" * 32,
        "settings_revision": 0,
    } | changes


def file(*records: dict[str, Any]) -> None:
    """Publish records that are new."""
    change(*((None, new) for new in records))


def change(*changes: tuple[dict[str, Any] | None, dict[str, Any]]) -> None:
    """Publish changes (old, new) of different records, a few in a transaction."""
    for few in batched(changes, 20, strict=False):
        items.write(publish.record_operations([publish.Change(old, new) for old, new in few]))


def refile(old: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Publish a change of a record; return it as it is now."""
    there = items.get("files", {"id": old["id"]}) or old
    change((there, there | changes))
    return old | changes
