"""The record of a file: what the API shows of it (design §8), built in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from .headers import Observation
from .steps import AUTO, DONE, PROVISIONAL, REJECTED, WAITING, Input, reasons

RAW_TYPE, MASTER_TYPE, REDUCED_TYPE, EXTRACTED_TYPE, CALIBRATED_TYPE = "0", "1", "2", "3", "4"

MASTERS_SCOPE = "*masters*"
"""The scope of master calibrations: visible to every signed-in user."""

UNASSIGNED_SCOPE = "*unassigned*"
"""The scope of frames whose header names no proposal: staff only."""

Record = dict[str, Any]


def visible(record: Mapping[str, Any] | None) -> bool:
    """Whether a record is published: neither retired (made no more) nor deleted by somebody."""
    return record is not None and not record.get("retired") and not record.get("deleted")


def day_of(moment: str) -> int:
    """The day (``yyyymmdd``) of a moment as records write it.

    >>> day_of("2026-11-22T03:04:05.000006+00:00")
    20261122
    """
    return int(moment[:10].replace("-", ""))


def scope_of(proposal: str) -> str:
    """The scope a PROPID belongs to: upper case, no blanks; empty is unassigned."""
    return "".join(proposal.split()).upper() or UNASSIGNED_SCOPE


def _described(o: Observation) -> Record:
    """The fields of the original's API that come from the header; numbers stay strings."""
    return {
        "obstype": o.obstype,
        "object": o.object,
        "filter": o.filter,
        "filter_2": o.filter_2,
        "grating": o.grating,
        "slit": o.slit,
        "cam_targ": _number(o.camera_angle),
        "grt_targ": _number(o.grating_angle),
        "obsra": o.ra,
        "obsdec": o.dec,
        "gain": _number(o.gain),
        "rdnoise": _number(o.read_noise),
        "roi": o.roi,
        "wavmode": o.wavmode,
        "proposal_id": o.proposal,
        "observation_id": o.observation_id,
        "configuration_id": o.configuration_id,
        "block_id": o.block_id,
        "image_id": o.image_id,
        "date": o.date,
        "technique": o.technique,
        "saturation_value": o.saturation,
        "night": o.night,
        "observed": o.started.isoformat(),
        "target": None,
        "exposure": o.exposure,
        "scope": scope_of(o.proposal),
    }


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.10g}"


def _located(bucket: str, key: str, name: str) -> Record:
    directory = key.rsplit("/", 1)[0]
    return {
        "file_name": name,
        "directory_name": f"s3://{bucket}/{directory}",
        "full_path": f"s3://{bucket}/{key}",
        "key": key,
    }


def _uploaded(
    *, identifier: int, bucket: str, key: str, sha256: str, size: int, moment: str, version: str | None = None
) -> Record:
    """What every uploaded object's record says, whatever it holds: a raw is its own parent."""
    name = key.rsplit("/", 1)[-1]
    return {
        **_located(bucket, key, name),
        "id": identifier,
        "created": moment,
        "last_modified": moment,
        "original_file": name,
        "original_file_id": identifier,
        "parent_file": name,
        "parent_file_id": identifier,
        "data_type": RAW_TYPE,
        "normalized": False,
        "provisional": False,
        "quality": {},
        "inputs": [],
        "variant": AUTO,
        "size": size,
        "sha256": sha256,
        "run_key": "",
        "version": version,
    }


def raw_record(o: Observation, **upload: Any) -> Record:
    """The record of a raw frame as INGEST publishes it; ``upload`` as for :func:`rejected_record`."""
    return {
        **_described(o),
        **_uploaded(**upload),
        "status": WAITING,
        "status_reason": "In the queue.",
        "observation": observation_item(o),
    }


_UNKNOWN = (
    "obstype object filter filter_2 grating slit cam_targ grt_targ obsra obsdec gain rdnoise roi wavmode "
    "observation_id configuration_id block_id image_id date technique saturation_value target"
).split()


def rejected_record(
    *,
    night: int,
    proposal: str,
    why: str,
    code: str = "",
    status: str = REJECTED,
    observation: Observation | None = None,
    observed: datetime | None = None,
    **upload: Any,
) -> Record:
    """The record of an object that is no usable Goodman frame: kept, listed, with the reason and a code for programs.

    ``observed`` is when the exposure began where nothing else of the header is understood (no ``observation``).
    ``upload``: ``identifier``, ``bucket``, ``key``, ``sha256``, ``size``, ``moment`` and S3's ``version``.
    """
    return {
        **(_described(observation) if observation else dict.fromkeys(_UNKNOWN)),
        **({} if observation else {"observed": observed.isoformat() if observed else None}),
        **_uploaded(**upload),
        "proposal_id": proposal,
        "status": status,
        "status_reason": why,
        "why": why,
        "failure": {"block": "ingest", "code": code, "retryable": status != REJECTED, "attempts": 1},
        "night": night,
        "scope": scope_of(proposal),
    }


def product_record(
    o: Observation,
    *,
    identifier: int,
    bucket: str,
    key: str,
    name: str,
    sha256: str,
    size: int,
    data_type: str,
    original: tuple[int, str],
    parent: tuple[int, str],
    inputs: Sequence[Input],
    run_key: str,
    moment: str,
    created: str | None,
    provisional: Sequence[str],
    quality: Mapping[str, Any],
    preview: str | None,
    settings_revision: int,
    target: int | None = None,
    normalized: bool = False,
    scope: str | None = None,
    variant: str = AUTO,
    subject: str = "",
    science_version: str = "",
) -> Record:
    """The record of a product; ``original`` and ``parent`` are (id, name) of the raw and of what it was made from."""
    record = {
        **_described(o),
        **_located(bucket, key, name),
        "id": identifier,
        "created": created or moment,
        "last_modified": moment,
        "original_file": original[1],
        "original_file_id": original[0],
        "parent_file": parent[1],
        "parent_file_id": parent[0],
        "data_type": data_type,
        "normalized": normalized,
        "status": PROVISIONAL if provisional else DONE,
        "status_reason": reasons(provisional),
        "provisional": bool(provisional),
        "quality": dict(quality),
        "inputs": [{"role": i.role, "id": i.id} for i in inputs],
        "variant": variant,
        "subject": subject,
        "science_version": science_version,
        "target": target,
        "size": size,
        "sha256": sha256,
        "run_key": run_key,
        "preview": preview,
        "settings_revision": settings_revision,
    }
    if data_type == MASTER_TYPE:
        record["observed"] = None  # it is made of many exposures
    return record | ({"scope": scope} if scope else {})


def observation_item(o: Observation) -> Record:
    """An observation as a storable map; :func:`observation_of` reads it back."""
    return {**asdict(o), "started": o.started.isoformat()}


def observation_of(item: Mapping[str, Any]) -> Observation:
    """The observation stored by :func:`observation_item`."""
    values = dict(item)
    values["started"] = datetime.fromisoformat(values["started"])
    for name in ("binning", "shape", "roi_origin", "lamps"):
        values[name] = tuple(values[name])
    for name in ("gain", "read_noise", "exposure"):
        values[name] = float(values[name])
    return Observation(**values)
