"""Files of the built page over HTTP, as a content delivery network sends them: compressed, and only if they changed."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from infra import site

Answer = tuple[int, list[tuple[str, str]], bytes]

_COMPRESSED = ("text/", "image/svg+xml", "application/json")
_FILES_ONLY = (site.ASSETS, "manual/")
"""Below these an address is that of a file: what is not there is an error, never the page."""


@dataclass(frozen=True)
class _Read:
    """A file as it was at a moment."""

    version: tuple[int, int]
    content: bytes
    compressed: bytes | None
    tag: str


class Pages:
    """The files of a folder.

    Parameters
    ----------
    folder : Path
        The built page; may be missing.
    connect : iterable of str
        Where the page may send requests besides its own origin (:func:`infra.site.policy`).
    """

    def __init__(self, folder: Path, connect: Iterable[str] = ()) -> None:
        self._folder = folder.resolve()
        self._headers = list(site.security_headers(connect, https=False).items())
        self._read: dict[Path, _Read] = {}

    def answer(self, path: str, headers: Message) -> Answer | None:
        """What is at a path (decoded, without query); None if there is nothing.

        Parameters
        ----------
        headers : Message
            Of the request.
        """
        if "\0" in path:
            return None
        wanted = (self._folder / path.lstrip("/")).resolve()
        if not wanted.is_relative_to(self._folder):
            return None
        relative = wanted.relative_to(self._folder).as_posix()
        if wanted.is_dir():
            if not (wanted / site.INDEX).is_file():
                return None
            if not path.endswith("/"):  # else the relative links of its page lead one level too high
                return 308, [*self._headers, ("Location", f"/{relative}/")], b""
            wanted /= site.INDEX
        elif not wanted.is_file() and not wanted.suffix and not f"{relative}/".startswith(_FILES_ONLY):
            wanted = self._folder / site.INDEX  # an address of the single-page application
        try:
            return self._file(wanted, headers)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def own(self, content: bytes) -> Answer:
        """A page made here, with the headers of all."""
        return (
            200,
            [*self._headers, ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache")],
            content,
        )

    def _file(self, file: Path, headers: Message) -> Answer:
        read = self._current(file)
        path = file.relative_to(self._folder).as_posix()
        fields = [*self._headers, ("Cache-Control", site.cache_control(path)), ("ETag", read.tag)]
        if read.compressed is not None:
            fields.append(("Vary", "Accept-Encoding"))
        if _matches(headers.get("If-None-Match", ""), read.tag):
            return 304, fields, b""
        fields.append(("Content-Type", site.content_type(path)))
        if read.compressed is not None and _accepts_gzip(headers.get("Accept-Encoding", "")):
            return 200, [*fields, ("Content-Encoding", "gzip")], read.compressed
        return 200, fields, read.content

    def _current(self, file: Path) -> _Read:
        """The file's content, read and compressed once for each version of it."""
        state = file.stat()
        version = (state.st_mtime_ns, state.st_size)
        known = self._read.get(file)
        if known is None or known.version != version:
            content = file.read_bytes()
            compressible = site.content_type(file.name).startswith(_COMPRESSED)
            # A weak tag: it is of the content, however that is coded on the way.
            tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
            known = _Read(version, content, gzip.compress(content, 9, mtime=0) if compressible else None, tag)
            self._read[file] = known
        return known


def _matches(asked: str, tag: str) -> bool:
    """If-None-Match (RFC 9110, section 13.1.2): weakly compared."""
    wanted = {one.strip().removeprefix("W/") for one in asked.split(",")}
    return "*" in wanted or tag.removeprefix("W/") in wanted


def _accepts_gzip(asked: str) -> bool:
    """Whether Accept-Encoding allows gzip (RFC 9110, section 12.5.3)."""
    accepted: dict[str, bool] = {}
    for one in asked.lower().split(","):
        coding, _, weight = one.partition(";")
        quality = weight.strip().removeprefix("q=").strip()
        accepted[coding.strip()] = not weight or quality.strip("0.") != ""
    return accepted.get("gzip", accepted.get("*", False))
