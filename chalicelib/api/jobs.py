"""``/jobs/{identifier}``: how far something that was asked for has come."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from chalice import Blueprint

from ..domain.permissions import visible
from ..store import jobs, listing
from . import links
from .operation import Call, operation
from .parameters import Path
from .problems import NotFound
from .schemas import A_JOB_ID, JOB, JOB_ID_PATTERN

routes = Blueprint(__name__)

JOB_ID = Path(
    "identifier", pattern=JOB_ID_PATTERN, says=A_JOB_ID, longest=120, help="The job's id, as it was given with the 202."
)

MOST_FILES = 100
"""Files a job names at the most."""


@routes.route("/jobs/{identifier}", methods=["GET"], content_types=[])
@operation("Show a job", path=(JOB_ID,), answers={200: JOB}, refuses=(404,), tag="actions")
def show_job(call: Call) -> dict[str, Any]:
    """Where a job stands now, with what it made. Its owner's and staff's; kept for 30 days.

    It is computed from the files' own state: one that is done runs again when better calibrations come.
    """
    identifier = call.path["identifier"]
    job = jobs.get(identifier)
    if job is None or not jobs.may_follow(call.viewer, job):
        raise NotFound(f"There is no job {identifier}.")
    return shown(call, job)


def accepted(call: Call, kind: str, **facts: Any) -> dict[str, Any]:
    """The answer to something that was asked for just now: its job, and where that is followed."""
    job = jobs.create(kind, call.viewer.user_id, **facts)
    return {"job": shown(call, job), "url": links.to(call.request, f"/jobs/{job['id']}")}


def shown(call: Call, job: dict[str, Any]) -> dict[str, Any]:
    """A job as it goes over the wire, with those of its files the viewer may see."""
    standing = jobs.standing(job)
    found = listing.records(list(standing.files)[:MOST_FILES]) if standing.files else []
    files = [record for record in found if visible(call.viewer, record)]
    result = {name: value for name, value in (job.get("result") or {}).items() if name not in ("sentence", "files")}
    if standing.progress:
        result["progress"] = dict(standing.progress)
    if job.get("variant") is not None:
        result["variant"] = job["variant"]
    if files:
        result["files"] = [
            {"id": f["id"], "file_name": f["file_name"], "url": links.to(call.request, f"/files/{f['id']}")}
            for f in files
        ]
    return {
        "id": job["id"],
        "kind": job["kind"],
        "status": standing.status,
        "created": job["created"],
        "finished": job.get("finished") or (_moment(standing.since) if standing.ended else None),
        "sentence": standing.sentence,
        "files": [record["id"] for record in files],
        "result": result or None,
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat()
