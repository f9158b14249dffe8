"""PACK: the files somebody selected, in one archive, streamed from object to object.

A message may come twice and a run may die: the archive appears as a whole or not at all, under the job's own key, and
the same files make the same bytes. A try that fails is a new message that counts the tries, so that in the end the job
says so.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ..domain.manifests import MOST_FILES
from ..domain.records import Record, visible
from ..domain.topology import BACK_OFF, MAX_RECEIVES, PACK
from ..store import exports, items, jobs
from ..store.exports import Missing, OutOfTime

RESERVE = 40.0
"""Seconds before the function's end at which an archive is given up, so that its job can still say so."""

TOLD = 10.0
"""Seconds between two notes on how far it is."""

SLOW = "The archive could not be made in the time there is. Select fewer files, or fetch them with a manifest's script."
STOPPED = "The archive could not be made, after several tries. Nothing is lost; ask again, or take a manifest's script."
GONE = "None of the files is there any more."


def handle(body: str) -> list[str]:
    """Make the archive of a job; the outcome in a word."""
    message = json.loads(body)
    job, tries = jobs.get(message["job"]), message.get("tries", 0)
    if job is None or "finished" in job:
        return ["done already"]
    try:
        jobs.finish(job["id"], result=_pack(job))
        return ["done"]
    except OutOfTime:
        jobs.finish(job["id"], failure=SLOW)
    except Missing as missing:
        jobs.finish(job["id"], failure=str(missing))
    except Exception:
        from . import telemetry

        telemetry.logger.exception("packing failed", job=job["id"])
        if tries + 1 < MAX_RECEIVES:
            exports.ask_for(job["id"], tries=tries + 1, delay=BACK_OFF[min(tries, len(BACK_OFF) - 1)])
            return ["set back"]
        jobs.finish(job["id"], failure=STOPPED)
    return ["failed"]


def _pack(job: dict[str, Any]) -> dict[str, Any]:
    """Make the archive; what the job says of it."""
    begun = time.monotonic()
    records = _records(job)
    if not records:
        raise Missing(GONE)
    last = begun

    def told(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > TOLD:
            jobs.advance(job["id"], done, len(records), f"{done} of {len(records)} files are packed.")
            last = time.monotonic()

    jobs.advance(job["id"], 0, len(records), f"{len(records)} files are being packed.")
    key = exports.archive_key(job["id"])
    size = exports.pack(key, job["name"], records, end=begun + PACK.timeout - RESERVE, told=told)
    left_out = len(job["selected"]) - len(records)
    sentence = f"{len(records)} files are packed, {size / 1e6:.1f} MB"
    sentence += f"; {left_out} were deleted meanwhile and are left out." if left_out else "."
    return {
        "sentence": f"{sentence} The archive can be downloaded for a day.",
        "name": job["name"],
        "bytes": size,
        "count": len(records),
        "left_out": left_out,
        "progress": {"done": len(records), "of": len(records)},
        "download": f"/jobs/{job['id']}/download",
    }


def _records(job: dict[str, Any]) -> list[Record]:
    """The job's files that are still published and in the scopes its owner saw, in the order asked for."""
    wanted = [int(identifier) for identifier in job["selected"]][:MOST_FILES]
    scopes = job.get("scopes")
    found = {record["id"]: record for record in items.batch_get("files", [{"id": i} for i in wanted])}
    kept = [found[i] for i in wanted if i in found and visible(found[i])]
    return [record for record in kept if scopes is None or record.get("scope") in scopes]
