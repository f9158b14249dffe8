"""A folder of frames into ``raw/``: which night, which key, and sending several at once."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
    """What became of the uploads.

    Attributes
    ----------
    sha256 : dict
        Key → checksum.
    moment : dict
        Key → when the upload was complete (seconds since the epoch).
    unread : dict
        Key → why the file could not be read, a sentence; it was not uploaded.
    """

    sha256: dict[str, str] = field(default_factory=dict)
    moment: dict[str, float] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def files_below(folder: Path, *, without: Path | None = None) -> list[Path]:
    """Every file below ``folder``, in order of name; hidden ones and what lies below ``without`` left out.

    What cannot be read (a broken link, a folder one may not list) is among them: :func:`send` says why.
    """
    excluded = without.resolve() if without else None
    found = []

    def unlisted(error: OSError) -> None:
        found.append(Path(error.filename))

    def wanted(directory: Path, name: str) -> bool:
        place = (directory / name).resolve()
        again = directory.resolve().is_relative_to(place)  # a link to a folder it lies in
        return not name.startswith(".") and place != excluded and not again

    for directory, names, files in folder.walk(follow_symlinks=True, on_error=unlisted):
        names[:] = sorted(name for name in names if wanted(directory, name))
        found += [directory / name for name in files if not name.startswith(".")]
    return sorted(found)


def unreadable(path: Path) -> str:
    """Why a path cannot be read as a file, as a sentence; "" if it can."""
    if path.is_symlink() and not path.exists():
        return "This is a link to something that does not exist."
    if path.is_dir():
        return "This folder cannot be listed."
    if not path.is_file():  # opening a pipe would wait for ever
        return "This is no file, but a pipe, a socket or a device."
    try:
        path.open("rb").close()
    except OSError as error:
        return f"This file cannot be read: {error.strerror}."
    return ""


def date_obs(path: Path) -> str:
    """The DATE-OBS card of a FITS file, plain or compressed; "" where there is none or the file cannot be read."""
    cards: dict[bytes, str] = {}
    if not path.is_file():
        return ""
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
    that none replaces another. What no key or terminal can hold in a name (control characters, bytes that are not
    UTF-8) stands in key and label as ``%0A``.
    """
    dated = [(path, date_obs(path)) for path in files]
    taken: dict[tuple[int, str], int] = {}
    for path, when in dated:
        place = _night(when, now), _printable(path.name)
        taken[place] = taken.get(place, 0) + 1
    uploads = []
    keys: set[str] = set()
    for path, when in dated:
        night, label = _night(when, now), _printable(path.relative_to(folder).as_posix())
        short = _printable(path.name)
        key = raw_key(night, short if taken[night, short] == 1 else label)
        while key in keys:  # one is really called %0A
            key += "_"
        keys.add(key)
        uploads.append(Upload(path, label, key, when))
    return sorted(uploads, key=lambda upload: (upload.when == "", upload.when, upload.label))


def _printable(name: str) -> str:
    return re.sub(r"[\0-\x1f\x7f-\x9f\ud800-\udfff]", lambda found: quote(os.fsencode(found[0])), name)


def _night(when: str, now: datetime) -> int:
    try:
        return night_of(parse_moment(when))
    except (ValueError, ArithmeticError):  # the year 1 minus some hours is an OverflowError
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
    """Put the files into the bucket; ``sent`` is told how many are done.

    A few go at once; with an ``interval`` (seconds) they go one after the other, as at the telescope. A file that
    cannot be read is noted and does not stop the others.
    """
    result = Uploaded()
    lock = threading.Lock()

    def one(upload: Upload) -> None:
        reason = unreadable(upload.path)
        try:
            data = b"" if reason else upload.path.read_bytes()
        except OSError as error:
            reason = f"This file cannot be read: {error.strerror}."
        if reason:
            with lock:
                result.unread[upload.key] = reason
                sent(len(result.moment) + len(result.unread))
            return
        client.put_object(Bucket=bucket, Key=upload.key, Body=data)
        with lock:
            result.sha256[upload.key] = hashlib.sha256(data).hexdigest()
            result.moment[upload.key] = time.time()
            sent(len(result.moment) + len(result.unread))

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
