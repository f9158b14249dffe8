"""``/files/manifest``, ``/files/zip``: many files at once."""

from __future__ import annotations

from itertools import islice
from typing import Any

from chalice import Blueprint, Response

from ..domain.manifests import MOST_FILES, Entry, curl_script, sums, unique_names
from ..domain.permissions import Viewer, scopes_of, visible
from ..domain.records import Record
from ..store import clock, exports, jobs, ledger, listing, objects
from . import links, schemas
from .files import (
    DOWNLOAD,
    SEARCH,
    SELECTION,
    download_url,
    redirected,
    selection_of,
    text_response,
    until,
    wanted_of,
)
from .operation import Call, operation
from .parameters import LARGEST_ID, Path, Query
from .problems import Conflict, NotFound, TooLate, Unprocessable
from .schemas import Media

routes = Blueprint(__name__)

MOST_BYTES = 8 << 30
"""Of one archive: what the function can send in its time, with a margin."""

MOST_PAGES = 10
"""Pages of a search one selection goes through."""

SELECTED = schemas.named(
    "SelectedFiles",
    schemas.record(
        {
            "ids": schemas.array(
                schemas.integer(1, LARGEST_ID),
                fewest=1,
                most=MOST_FILES,
                help="These files. Without it: those that the query's parameters select, which are those of the list.",
            )
        },
        optional=("ids",),
    ),
)

MANIFEST = schemas.named(
    "Manifest",
    schemas.record(
        {
            "count": schemas.integer(),
            "bytes": schemas.integer(),
            "expires": schemas.MOMENT,
            "files": schemas.array(
                schemas.record(
                    {
                        "id": schemas.integer(),
                        "name": schemas.text(help="Unique within the manifest."),
                        "size": schemas.integer(),
                        "sha256": schemas.text(64),
                        "url": schemas.text(form="uri"),
                    }
                )
            ),
        }
    ),
)

ARCHIVE = schemas.named(
    "ArchiveAccepted",
    schemas.record(
        {
            "job": schemas.JOB,
            "url": schemas.text(form="uri", help="Where the job is followed."),
            "download": schemas.text(form="uri", help="Where the archive will be, once the job is done."),
            "count": schemas.integer(),
            "bytes": schemas.integer(),
        }
    ),
)

JOB_ID = Path(
    "identifier", longest=120, shortest=1, pattern=schemas.JOB_ID_PATTERN, says=schemas.A_JOB_ID, help="The job's id."
)


@routes.route("/files/manifest", methods=["POST"], content_types=[])
@operation(
    "Make a manifest of files",
    query=(
        *SELECTION,
        *SEARCH,
        Query("format", "choice", choices=("json", "curl", "sha256"), default="json", help="How it is written."),
    ),
    body=SELECTED,
    answers={200: (MANIFEST, Media("text/x-shellscript", "A script that fetches."), Media("text/plain", "Checksums."))},
    refuses=(404, 422),
    tag="files",
)
def make_manifest(call: Call) -> dict[str, Any] | Response:
    """Addresses, sizes and checksums of a selection of at most 1,000 files, as JSON or a shell script that uses curl.

    The addresses work for a quarter of an hour; the script fetches only what is missing, so a new one goes on.
    """
    records = selected_records(call)
    expires = until()
    entries = [
        Entry(record["id"], name, record["size"], record["sha256"], download_url(record, name))
        for record, name in zip(records, unique_names(records), strict=True)
    ]
    if call.query["format"] == "curl":
        return text_response(curl_script(entries, expires), "text/x-shellscript", name="goodman.sh")
    if call.query["format"] == "sha256":
        return text_response(sums(entries), "text/plain", name="SHA256SUMS")
    return {
        "count": len(entries),
        "bytes": sum(entry.size for entry in entries),
        "expires": expires,
        "files": [vars(entry) for entry in entries],
    }


@routes.route("/files/zip", methods=["POST"], content_types=[])
@operation(
    "Pack files into an archive",
    query=(*SELECTION, *SEARCH),
    body=SELECTED,
    answers={202: ARCHIVE},
    refuses=(404, 422),
    tag="files",
    idempotent=True,
)
def pack_files(call: Call) -> dict[str, Any]:
    """Have a selection of at most 1,000 files and 8 GiB packed into one zip archive, which is kept for a day."""
    records = selected_records(call)
    size = sum(record["size"] for record in records)
    if size > MOST_BYTES:
        raise Unprocessable(
            f"The {len(records)} files have {size / 1e9:.1f} GB; an archive takes at most {MOST_BYTES / 1e9:.1f} GB. "
            "Select fewer, or fetch them with a manifest's script."
        )
    scopes = scopes_of(call.viewer)
    job = jobs.create(
        "zip",
        call.viewer.user_id,
        selected=[record["id"] for record in records],
        scopes=None if scopes is None else sorted(scopes),
        name=f"goodman-{clock.moment()[:10].replace('-', '')}-{len(records)}-files.zip",
    )
    exports.ask_for(job["id"])
    return {
        "job": {
            **{name: job[name] for name in ("id", "kind", "created")},
            "status": "waiting",
            "sentence": "In the queue.",
        },
        "url": links.to(call.request, f"/jobs/{job['id']}"),
        "download": links.to(call.request, f"/jobs/{job['id']}/download"),
        "count": len(records),
        "bytes": size,
    }


@routes.route("/jobs/{identifier}/download", methods=["GET"], content_types=[])
@operation(
    "Download what a job has made",
    path=(JOB_ID,),
    query=(Query("redirect", "flag", help="Go there at once."),),
    answers={200: DOWNLOAD, 302: Media("text/plain", "Redirected to the file.")},
    refuses=(404, 409, 410),
    tag="files",
)
def download_archive(call: Call) -> dict[str, Any] | Response:
    """An address from which a job's archive can be downloaded for a quarter of an hour; ``?redirect=1`` goes there."""
    identifier = call.path["identifier"]
    job = jobs.get(identifier)
    if job is None or not jobs.may_follow(call.viewer, job):
        raise NotFound(f"There is no job {identifier}.")
    if job["kind"] != "zip":
        raise NotFound(f"The job {identifier} makes no archive.")
    if job.get("failure") is not None:
        raise Conflict(job["failure"])
    if "finished" not in job:
        raise Conflict("The archive is not ready yet: the job says how far it is.")
    key = exports.archive_key(job["id"])
    if not exports.exists(key):
        raise TooLate("The archive was kept for a day and is gone. Ask for it again.")
    url = objects.presigned(key, name=job["name"])
    return redirected(url) if call.query["redirect"] else {"url": url, "expires": until(), "sha256": None}


def selected_records(call: Call) -> list[Record]:
    """The records of the files a request selects: by ids, or by what its query selects in a list.

    Raises
    ------
    NotFound
        One of the ids is no file the viewer may see.
    Unprocessable
        Both ways are used or neither, nothing is selected, or too much.
    """
    ids = call.body.get("ids")
    chosen = any(call.query[parameter.name] for parameter in (*SELECTION, *SEARCH))
    if bool(ids) == chosen:
        raise Unprocessable("Say which files: either ids in the body, or parameters in the query as for the list.")
    if ids:
        return _by_ids(call.viewer, list(dict.fromkeys(ids)))
    found = _searched(call) if wanted_of(call) else _listed(call)
    if not found:
        raise Unprocessable("The selection has no files.")
    return found


def _by_ids(viewer: Viewer, ids: list[int]) -> list[Record]:
    found = {record["id"]: record for record in listing.records(ids) if visible(viewer, record)}
    for identifier in ids:
        if identifier not in found:
            raise NotFound(f"There is no file {identifier}.")
    return [found[identifier] for identifier in ids]


def _listed(call: Call) -> list[Record]:
    selection, scopes = selection_of(call), scopes_of(call.viewer)
    totals = ledger.nights(ledger.read(scopes, selection), selection)
    count = sum(totals.values())
    if count > MOST_FILES:
        raise Unprocessable(f"The selection has {count} files; at most {MOST_FILES} do. Narrow it down.")
    return listing.page_of(totals, scopes, selection, offset=0, limit=count)


def _searched(call: Call) -> list[Record]:
    wanted, scopes, selection = wanted_of(call), scopes_of(call.viewer), selection_of(call)
    found: list[Record] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = listing.search(wanted, scopes, selection, limit=MOST_FILES + 1 - len(found), cursor=cursor)
        found += page.records
        cursor = page.cursor
        if cursor is None or len(found) > MOST_FILES:
            break
    if cursor is not None:
        raise Unprocessable(
            f"The search finds more than {MOST_FILES} files, or has too many to look through. Narrow it down: name a "
            "night, a type or a proposal."
        )
    return list(islice(found, MOST_FILES))
