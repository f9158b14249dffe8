"""A folder of frames into ``raw/``: which night, which key, and sending several at once."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.naming import raw_key
from chalicelib.domain.nights import night_of, parse_moment

CARD = 80
HEADER_BYTES = 64 * 2880
"""How far into a file its date is looked for: the headers of a frame, compressed image extension included."""

SENDERS = 3


@dataclass(frozen=True)
class Upload:
    """One local file on its way to ``raw/``.

    Attributes
    ----------
    path : Path
        The file.
    label : str
        Its path below the folder, as the person knows it.
    key : str
        Object key.
    when : str
        DATE-OBS, or "" where there is none: the order of uploading.
    """

    path: Path
    label: str
    key: str
    when: str


@dataclass
class Uploaded:
    """What became of the uploads: key → checksum, and when the upload was complete (seconds since the epoch)."""

    sha256: dict[str, str] = field(default_factory=dict)
    moment: dict[str, float] = field(default_factory=dict)


def files_below(folder: Path, *, without: Path | None = None) -> list[Path]:
    """Every file below ``folder``, in order of name; hidden ones and what lies below ``without`` left out."""
    excluded = without.resolve() if without else None
    found = []
    for directory, names, files in folder.walk(follow_symlinks=True):
        names[:] = sorted(
            name for name in names if not name.startswith(".") and (directory / name).resolve() != excluded
        )
        found += [directory / name for name in files if not name.startswith(".")]
    return sorted(path for path in found if path.is_file())


def date_obs(path: Path) -> str:
    """The DATE-OBS card of a FITS file, plain or compressed; "" where there is none or the file cannot be read."""
    cards: dict[bytes, str] = {}
    try:
        with _open(path) as stream:
            header = stream.read(HEADER_BYTES)
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        return ""
    for start in range(0, len(header) - CARD + 1, CARD):
        match = re.match(rb"(DATE-OBS|UT      )= *'([^']*)'", header[start : start + CARD])
        if match:
            cards.setdefault(match[1].strip(), match[2].decode("ascii", "replace").strip())
    date, time_of_day = cards.get(b"DATE-OBS", ""), cards.get(b"UT", "")
    return f"{date}T{time_of_day}" if date and time_of_day and "T" not in date else date


def _open(path: Path) -> Any:
    with path.open("rb") as stream:
        magic = stream.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(path)
    if magic.startswith(b"BZh"):
        return bz2.open(path)
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.open(path)
    return path.open("rb")


def plan_uploads(folder: Path, files: Iterable[Path], now: datetime) -> list[Upload]:
    """Which key each file gets, in the order of their exposures.

    ``raw/<night>/<name>``; where two files of a night have the same name each keeps its own folders in the key, so
    that none replaces another.
    """
    dated = [(path, date_obs(path)) for path in files]
    taken: dict[tuple[int, str], int] = {}
    for path, when in dated:
        place = _night(when, now), path.name
        taken[place] = taken.get(place, 0) + 1
    uploads = []
    for path, when in dated:
        night, label = _night(when, now), path.relative_to(folder).as_posix()
        name = path.name if taken[night, path.name] == 1 else label
        uploads.append(Upload(path, label, raw_key(night, name), when))
    return sorted(uploads, key=lambda upload: (upload.when == "", upload.when, upload.label))


def _night(when: str, now: datetime) -> int:
    try:
        return night_of(parse_moment(when))
    except ValueError:
        return night_of(now)


def send(
    uploads: Sequence[Upload],
    client: Any,
    bucket: str,
    sent: Callable[[int], None] = lambda _: None,
    *,
    interval: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Uploaded:
    """Put the files into the bucket; ``sent`` is told how many are there.

    A few go at once; with an ``interval`` (seconds) they go one after the other, as at the telescope.
    """
    result = Uploaded()
    lock = threading.Lock()

    def one(upload: Upload) -> None:
        data = upload.path.read_bytes()
        client.put_object(Bucket=bucket, Key=upload.key, Body=data)
        with lock:
            result.sha256[upload.key] = hashlib.sha256(data).hexdigest()
            result.moment[upload.key] = time.time()
            sent(len(result.moment))

    if interval:
        for number, upload in enumerate(uploads):
            if number:
                sleep(interval)
            one(upload)
        return result
    with ThreadPoolExecutor(SENDERS) as pool:
        try:
            for _ in pool.map(one, uploads):
                pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return result
