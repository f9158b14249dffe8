"""The header of an object, read from its beginning only: plain, gzip, bzip2 or fpack."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable

from botocore.exceptions import ClientError

from ..domain import cards
from ..domain.cards import Card
from . import clients

_CHUNK = 64 * 1024
_MOST = 4 * 1024 * 1024
"""Bytes of a header, decompressed, beyond which it is none."""


class NoHeader(Exception):
    """The object has no header that can be read; the sentence says why."""


def read(key: str, version: str | None = None) -> list[Card]:
    """The cards of the header of an object (of one version of it).

    Of a tile-compressed frame, they are the image's, not the empty primary one's.

    Raises
    ------
    NoHeader
        The object is gone, is not FITS, or ends before its header does.
    """
    which = {"VersionId": version} if version and version != "null" else {}
    try:
        response = clients.s3().get_object(Bucket=clients.bucket(), Key=key, **which)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404", "NotFound", "NoSuchVersion"):
            raise NoHeader("The file's object is gone.") from None
        raise
    with response["Body"] as body:
        source = _Source(body.read)
        primary = source.header()
        if cards.value(primary, "NAXIS") == 0 and cards.value(primary, "EXTEND") is not False:
            try:
                return source.header()
            except NoHeader:
                return primary
        return primary


class _Source:
    """Headers one after another from a stream that may be compressed."""

    def __init__(self, read_raw: Callable[[int], bytes]):
        self._read_raw = read_raw
        first = read_raw(_CHUNK)
        self._expand = _decompressor(first)
        self._buffer = self._expanded(first)

    def header(self) -> list[Card]:
        searched = 0
        while (length := cards.header_length(self._buffer[searched:])) is None:
            searched = max(0, len(self._buffer) // cards.BLOCK - 1) * cards.BLOCK
            data = self._read_raw(_CHUNK)
            if not data:
                raise NoHeader("The file ends before its header does, or is not FITS.")
            self._buffer += self._expanded(data)
            if len(self._buffer) > _MOST:
                raise NoHeader("The file has no end of a header: it is not FITS.")
        length += searched
        found, self._buffer = self._buffer[:length], self._buffer[length:]
        if not found.startswith((b"SIMPLE  =", b"XTENSION")):
            raise NoHeader("The file is not FITS.")
        return cards.parse(found)

    def _expanded(self, data: bytes) -> bytes:
        try:
            return self._expand(data)
        except (zlib.error, OSError, EOFError):
            raise NoHeader("The file's compression is damaged before its header ends.") from None


def _decompressor(first: bytes) -> Callable[[bytes], bytes]:
    if first.startswith(b"\x1f\x8b"):
        inflate = zlib.decompressobj(wbits=31)
        return lambda data: inflate.decompress(data, _MOST)
    if first.startswith(b"BZh"):
        expand = bz2.BZ2Decompressor()
        return lambda data: expand.decompress(data, _MOST)
    return lambda data: data
