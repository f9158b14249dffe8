"""What is made for one download, under ``exports/``: archives, pictures. The bucket forgets it after a day."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..domain.manifests import SUMS, Entry, sums, unique_names
from ..domain.records import Record
from ..domain.topology import EXPORTS, PACK
from . import clients, objects, queues

if TYPE_CHECKING:
    import zipfile

PART = 16 << 20
"""Bytes of a part of an archive: all that is kept of it in memory. S3 takes 10,000 parts."""

_CHUNK = 1 << 20

_OLDEST = (1980, 1, 1, 0, 0, 0)
"""The first moment an archive can name."""


class OutOfTime(Exception):
    """The archive could not be finished before the function's end."""


class Missing(Exception):
    """A file's object is gone or has other bytes than its record names."""


def archive_key(job_id: str) -> str:
    """Key of the archive a job makes."""
    return f"{EXPORTS}{job_id}.zip"


def ask_for(job_id: str, *, tries: int = 0, delay: int = 0) -> None:
    """Tell PACK of a job."""
    body = json.dumps({"job": job_id, "tries": tries})
    clients.sqs().send_message(QueueUrl=queues.queue_url(PACK.queue), MessageBody=body, DelaySeconds=delay)


def exists(key: str) -> bool:
    """Whether an export is (still) there."""
    found = clients.s3().list_objects_v2(Bucket=clients.bucket(), Prefix=key, MaxKeys=1)
    return any(entry["Key"] == key for entry in found.get("Contents", ()))


class Upload:
    """A file that is written once from beginning to end, straight into an object: a part at a time is in memory.

    Nothing is there before :meth:`complete`; of two writers of the same bytes to the same key either may be the last.
    """

    def __init__(self, key: str, *, name: str, content_type: str) -> None:
        self._where = {"Bucket": clients.bucket(), "Key": key}
        answer = clients.s3().create_multipart_upload(
            **self._where, ContentType=content_type, ContentDisposition=f'attachment; filename="{name}"'
        )
        self._where["UploadId"] = answer["UploadId"]
        self._buffer = bytearray()
        self._parts: list[dict[str, Any]] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append."""
        self._buffer += data
        self.size += len(data)
        while len(self._buffer) >= PART:
            self._send(bytes(self._buffer[:PART]))
            del self._buffer[:PART]
        return len(data)

    def flush(self) -> None:
        """Nothing: parts have a smallest size."""

    def _send(self, part: bytes) -> None:
        number = len(self._parts) + 1
        answer = clients.s3().upload_part(**self._where, PartNumber=number, Body=part)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def complete(self) -> None:
        """Make the object appear."""
        if self._buffer or not self._parts:
            self._send(bytes(self._buffer))
        clients.s3().complete_multipart_upload(**self._where, MultipartUpload={"Parts": self._parts})

    def abort(self) -> None:
        """Drop what was sent (what a died function leaves, the bucket's lifecycle drops)."""
        clients.s3().abort_multipart_upload(**self._where)


def pack(
    key: str, name: str, records: Sequence[Record], *, end: float, told: Callable[[int], None] = lambda done: None
) -> int:
    """Write an archive of files, as they are, with their checksums; the bytes it has.

    The same records make the same bytes. FITS files are put in uncompressed: compressing them takes longer than sending
    them.

    Parameters
    ----------
    key : str
        Where the archive will be.
    name : str
        What it is called when it is downloaded.
    records : sequence of Record
        What goes in.
    end : float
        By ``time.monotonic``: when to give up.
    told : callable
        Called with the number of files done, after each.

    Raises
    ------
    OutOfTime, Missing
        Nothing is at ``key`` then that was not there before.
    """
    import zipfile  # only here: the API asks for archives and makes none

    upload = Upload(key, name=name, content_type="application/zip")
    try:
        entries = []
        with zipfile.ZipFile(upload, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
            for record, unique in zip(records, unique_names(records), strict=True):
                _add(archive, record, unique, end)
                entries.append(Entry(record["id"], unique, record["size"], record["sha256"]))
                told(len(entries))
            archive.writestr(zipfile.ZipInfo(SUMS, _OLDEST), sums(entries))
        upload.complete()
    except BaseException:
        upload.abort()
        raise
    return upload.size


def _add(archive: zipfile.ZipFile, record: Record, name: str, end: float) -> None:
    opened = objects.open_raw(record["key"], record.get("version"))
    if opened is None:
        raise Missing(f"The object of {record['file_name']} (file {record['id']}) is gone.")
    from zipfile import ZipInfo

    info = ZipInfo(name, _moment(record))
    info.file_size = opened.size  # decides whether the entry's own sizes need 8 bytes
    info.external_attr = 0o644 << 16
    digest = hashlib.sha256()
    with opened.stream as stream, archive.open(info, "w") as entry:
        while data := stream.read(_CHUNK):
            if time.monotonic() > end:
                raise OutOfTime
            digest.update(data)
            entry.write(data)
    if digest.hexdigest() != record["sha256"]:
        raise Missing(f"The object of {record['file_name']} (file {record['id']}) is not what its record says.")


def _moment(record: Record) -> tuple[int, int, int, int, int, int]:
    """When a record was made, as archives tell it."""
    try:
        made = datetime.fromisoformat(record["last_modified"])
    except (KeyError, TypeError, ValueError):
        return _OLDEST
    return max(_OLDEST, (made.year, made.month, made.day, made.hour, made.minute, made.second))
