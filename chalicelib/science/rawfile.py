"""Files as they come from the telescope, read without trust: hashes, headers, pixels, sections.

Nothing here believes a byte before it has been checked: a file may be empty, cut short, compressed (gzip, fpack),
a gzip bomb, a cube with one plane, carry bytes that are not ASCII, or be no FITS file at all. Each case is a
sentence for the person who took the frame and a code for programs.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import math
import re
import warnings
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyError

from .errors import UnreadableFrame, UnusableFrame
from .frame import RawFrame
from .rawheader import WrongAxes, axes, image_header, parse_header
from .section import section

__all__ = ["Scan", "read_raw", "scan", "section"]

BLOCK = 2880
CARD = 80
CHUNK = 1 << 18
MAX_BYTES = 150_000_000
MAX_DECOMPRESSED = 200_000_000
MAX_PIXELS = 40_000_000
"""More than twice what the detector has: what is larger would not fit into a function's memory as an array."""
MAX_HEADER_BLOCKS = 200
AGAIN = "Please upload it again."
WRITTEN_ANEW = "If the camera wrote it so, take the exposure again; else upload the file again."
AS_WRITTEN = "Upload the frame as the camera wrote it (.fits, or packed as .fits.gz or .fits.fz)."
GZIP_MAGIC = b"\x1f\x8b"
OTHER_PACKERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip", b"\x1f\x9d": "compress (.Z)"}
_END = re.compile(rb"END *$")


@dataclass(frozen=True)
class Scan:
    """What one pass over an uploaded file says.

    Attributes
    ----------
    sha256 : str
        Of the bytes as uploaded (compressed, if they were).
    size : int
        Bytes as uploaded.
    header : astropy.io.fits.Header or None
        Cards of the image, whenever they could be read, even if the data are not usable.
    problem, code : str or None
        A sentence for people and a code for programs; None for a healthy file.
    """

    sha256: str
    size: int
    header: fits.Header | None
    problem: str | None
    code: str | None


class _Problem(Exception):
    """Raised inside this module only; carries code and sentence."""

    def __init__(self, code: str, sentence: str):
        super().__init__(sentence)
        self.code = code


def _data_size(header: fits.Header) -> int:
    sizes = axes(header)
    if not sizes:
        return 0
    groups, parameters = int(header.get("GCOUNT", 1)), int(header.get("PCOUNT", 0))
    if groups < 0 or parameters < 0:
        raise _Problem(
            "broken_header",
            f"The header counts {groups} groups and {parameters} parameters: the file is damaged. {AGAIN}",
        )
    size = abs(int(header.get("BITPIX", 8))) // 8
    return size * groups * (parameters + math.prod(sizes))


def _check_axes(header: fits.Header) -> None:
    sizes = axes(header)
    if len(sizes) < 2 or any(n != 1 for n in sizes[2:]):
        shape = " × ".join(map(str, sizes[:6])) + (" …" if len(sizes) > 6 else "") or "no axes"
        raise _Problem(
            "wrong_axes",
            f"The file holds an array of {shape}; a Goodman frame is one image of two axes. "
            "Upload each exposure as a file of its own.",
        )
    if min(sizes[:2]) < 1:
        raise _Problem("wrong_axes", f"The image is {sizes[0]} × {sizes[1]} pixels: there is nothing in it. {AGAIN}")


class _Structure:
    """Follows the blocks of a FITS file as its bytes arrive, keeping only headers."""

    def __init__(self, max_decompressed: int):
        self.limit = max_decompressed
        self.header: fits.Header | None = None  # of the image, once found
        self.primary: fits.Header | None = None
        self.data_start = 0  # byte offset of the image's pixels
        self._complete = False
        self.compressed = False  # the image is packed in tiles (fpack)
        self._pending = bytearray()
        self._left = 0  # data bytes still to come
        self._padding = 0
        self._size = 0
        self._seen = 0

    @property
    def complete(self) -> bool:
        """Whether the image's pixels have all been seen."""
        return self._complete

    def feed(self, piece: bytes) -> bool:
        """Take the next bytes; True once the image's pixels have all been seen."""
        view = memoryview(piece)
        while view.nbytes and not self.complete:
            if self._left or self._padding:
                step = min(view.nbytes, self._left or self._padding)
                if self._left:
                    self._left -= step
                    if not self._left and self.header is not None:
                        self._complete = True
                else:
                    self._padding -= step
                view, self._seen = view[step:], self._seen + step
                continue
            step = min(view.nbytes, BLOCK - len(self._pending) % BLOCK)
            self._pending += view[:step]
            view, self._seen = view[step:], self._seen + step
            if len(self._pending) % BLOCK == 0:
                self._block()
        return self._complete

    def _block(self) -> None:
        if self.primary is None and len(self._pending) == BLOCK and not self._pending.startswith(b"SIMPLE  ="):
            raise _not_fits(bytes(self._pending[:16]))
        if self.primary is not None and not self._pending.startswith(b"XTENSION"):
            raise _no_image()
        last = self._pending[-BLOCK:]
        if not any(_END.match(bytes(last[i : i + CARD])) for i in range(0, BLOCK, CARD)):
            if len(self._pending) >= MAX_HEADER_BLOCKS * BLOCK:
                raise _Problem("broken_header", f"The FITS header has no END card: the file is damaged. {AGAIN}")
            return
        try:
            header = parse_header(bytes(self._pending))
            self._pending.clear()
            self._begin(header)
        except WrongAxes as error:
            raise _Problem("wrong_axes", f"{error} {AGAIN}") from error
        except (ValueError, TypeError, VerifyError) as error:
            raise _Problem("broken_header", f"The FITS header cannot be understood ({error}). {AGAIN}") from error

    def _begin(self, header: fits.Header) -> None:
        extension = self.primary is not None
        compressed = bool(header.get("ZIMAGE", False))
        image = compressed or not extension or str(header.get("XTENSION", "")).strip() == "IMAGE"
        self._size = self._left = _data_size(header)
        self._padding = -self._left % BLOCK
        if image and self._left:
            self.header = image_header(header, self.primary) if extension else header
            self.data_start, self.compressed = self._seen, compressed
            _check_axes(self.header)
            promised = max(self._left, _data_size(self.header))
            if promised > self.limit or math.prod(axes(self.header)) > MAX_PIXELS:
                raise _too_large(f"The header promises {promised / 1e6:.0f} MB of pixels")
        if not extension:
            self.primary = header

    def finish(self) -> None:
        """Called when the bytes have ended: is all there that was promised?"""
        if self.complete:
            return
        if self._left:
            share = 100 * (1 - self._left / self._size)
            raise _Problem(
                "truncated",
                f"The file ends after {share:.0f} % of its pixels: the transfer was cut short. Please upload it again.",
            )
        if self.primary is None and not self._pending:
            raise _Problem("empty", f"The file is empty. {AGAIN}")
        if self.primary is None and not b"SIMPLE  =".startswith(bytes(self._pending[:9])):
            raise _not_fits(bytes(self._pending[:16]))
        if self.primary is None or self._pending.startswith(b"XTENSION"):
            raise _Problem(
                "truncated", "The file ends inside its header: the transfer was cut short. Please upload it again."
            )
        raise _no_image()


def _no_image() -> _Problem:
    return _Problem("no_image", f"The file has FITS headers but no image in them. {AS_WRITTEN}")


def _too_large(what: str) -> _Problem:
    return _Problem("too_large", f"{what}; a Goodman frame has at most 40 MB. {AS_WRITTEN}")


def _not_fits(start: bytes) -> _Problem:
    for magic, name in OTHER_PACKERS.items():
        if start.startswith(magic):
            return _Problem("not_fits", f"The file is packed with {name}. {AS_WRITTEN}")
    if start and not start.strip(b"\0"):
        return _Problem("not_fits", f"The file begins with zeros only: it was never written completely. {AGAIN}")
    return _Problem("not_fits", f"The file is not a FITS file: it does not begin with SIMPLE. {AS_WRITTEN}")


class _Unpacker:
    """Bytes in, bytes out in bounded pieces; gunzips (several members too) when the magic number says so."""

    def __init__(self, max_decompressed: int):
        self.limit = max_decompressed
        self.total = 0
        self._start = b""
        self._gzip: bool | None = None
        self._decoder: Any = None

    def pieces(self, chunk: bytes):
        if self._gzip is None:
            chunk = self._start + chunk
            if len(chunk) < 2:
                self._start = chunk
                return
            self._gzip = chunk.startswith(GZIP_MAGIC)
        if not self._gzip:
            yield chunk
            return
        while chunk:
            if self._decoder is None:
                if not chunk.startswith(GZIP_MAGIC):
                    return  # padding after the last member
                self._decoder = zlib.decompressobj(31)
            try:
                piece = self._decoder.decompress(chunk, 4 * CHUNK)
            except zlib.error as error:
                raise _Problem(
                    "corrupt", "The gzip stream is damaged: it cannot be unpacked. Please upload the file again."
                ) from error
            self.total += len(piece)
            if self.total > self.limit:
                raise _too_large(f"The file unpacks to more than {self.limit / 1e6:.0f} MB")
            yield piece
            if self._decoder.eof:
                chunk, self._decoder = self._decoder.unused_data, None
            else:
                chunk = self._decoder.unconsumed_tail

    def tail(self) -> bytes:
        """What is left of a file too short to tell its kind."""
        return self._start if self._gzip is None else b""


def scan(stream: BinaryIO, *, max_bytes: int = MAX_BYTES, max_decompressed: int = MAX_DECOMPRESSED) -> Scan:
    """Read ``stream`` once: checksum, header, and whether all pixels are there.

    Parameters
    ----------
    stream : binary file-like
        Only ``read(n)`` is used; memory stays below some MB whatever the file is.
    max_bytes, max_decompressed : int
        Limits as uploaded and unpacked. A file over a limit is hashed to its end but not looked at further.

    Returns
    -------
    Scan
        Never raises for what the bytes are; errors of the stream itself pass through.
    """
    digest, size = hashlib.sha256(), 0
    unpacker, structure = _Unpacker(max_decompressed), _Structure(max_decompressed)
    problem: _Problem | None = None
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if size > max_bytes and problem is None:
            problem = _too_large(f"The file has more than {max_bytes / 1e6:.0f} MB")
        if problem is None and not structure.complete:
            try:
                for piece in unpacker.pieces(chunk):
                    if structure.feed(piece):
                        break
            except _Problem as found:
                problem = found
    if problem is None:
        try:
            structure.feed(unpacker.tail())
            structure.finish()
        except _Problem as found:
            problem = found
    text, code = (None, None) if problem is None else (str(problem), problem.code)
    return Scan(digest.hexdigest(), size, structure.header, text, code)


def read_raw(data: bytes, *, max_decompressed: int = MAX_DECOMPRESSED) -> RawFrame:
    """The pixels and cards of a raw file, plain, gzipped or fpacked.

    Parameters
    ----------
    data : bytes
        The whole file as uploaded.

    Returns
    -------
    RawFrame
        ``(ny, nx)`` float32 ADU. The packed bytes are not kept.

    Raises
    ------
    UnreadableFrame
        The bytes are no complete FITS image.
    UnusableFrame
        The image has no information: one value everywhere, or not a single finite pixel.
    """
    structure, unpacker, unpacked = _Structure(max_decompressed), _Unpacker(max_decompressed), bytearray()
    try:
        for piece in itertools.chain.from_iterable(
            unpacker.pieces(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)
        ):
            unpacked += piece
            if structure.feed(piece):  # whatever follows the image, however much it unpacks to, is not looked at
                break
        structure.feed(unpacker.tail())
        structure.finish()
    except _Problem as problem:
        raise UnreadableFrame(str(problem)) from problem
    assert structure.header is not None
    unpacked += bytes(-len(unpacked) % BLOCK)
    pixels = (
        _unpack_tiles(unpacked) if structure.compressed else _pixels(unpacked, structure.header, structure.data_start)
    )
    return RawFrame(_checked(pixels), structure.header)


def _pixels(data: bytearray, header: fits.Header, start: int) -> np.ndarray:
    types = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
    kind = types.get(int(header["BITPIX"]))
    if kind is None:
        raise UnreadableFrame(f"BITPIX {header['BITPIX']} is not a FITS pixel type: the header is damaged. {AGAIN}")
    shape = (int(header["NAXIS2"]), int(header["NAXIS1"]))
    stored = np.frombuffer(data, kind, count=shape[0] * shape[1], offset=start).reshape(shape)
    scale, zero, blank = header.get("BSCALE", 1), header.get("BZERO", 0), header.get("BLANK")
    if not all(isinstance(v, (int, float)) for v in (scale, zero)):
        raise UnreadableFrame(f"BSCALE or BZERO is not a number: the header is damaged. {AGAIN}")
    pixels = stored.astype(np.float32)
    if scale != 1:
        pixels *= np.float32(scale)
    if zero:
        pixels += np.float32(zero)
    if isinstance(blank, int) and header["BITPIX"] > 0:
        pixels[stored == blank] = np.nan
    return pixels


def _unpack_tiles(data: bytearray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(data), memmap=False) as units:
                unit = next(u for u in units if isinstance(u, fits.CompImageHDU))
                pixels = np.asarray(unit.data, dtype=np.float32)
        except Exception as error:  # the tile decoders raise whatever their C code meets
            raise UnreadableFrame(f"The fpack-compressed pixels cannot be unpacked ({error}). {AGAIN}") from error
    return pixels.reshape(pixels.shape[-2:])


def _checked(pixels: np.ndarray) -> np.ndarray:
    """Refuse what no reduction can help; NaN and infinities inside a good image stay and are masked later."""
    low, high = float(pixels.min()), float(pixels.max())  # NaN and infinity show in these
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = np.isfinite(pixels)
        if finite.mean() < 0.5:
            raise UnusableFrame(f"Only {100 * finite.mean():.0f} % of the pixels are numbers. {WRITTEN_ANEW}")
        good = pixels[finite]
        low, high = float(good.min()), float(good.max())
    if low == high:
        raise UnusableFrame(f"Every pixel has the same value ({low:g}): there is no image in this file. {WRITTEN_ANEW}")
    return pixels
