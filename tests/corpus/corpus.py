"""The corpus of bad input: name → bytes, and what the observer must be told about it.

Each case is taken in by INGEST and goes as far as it can. ``says`` is a regular expression for the *whole*
``status_reason`` of the raw file's record.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits

from .frames import changed, of_kind, pixels_of, raw_card

CORRECT = r"Correct the card and upload the file again\."
AGAIN = r"Please upload it again\."
AS_WRITTEN = r"Upload the frame as the camera wrote it \(\.fits, or packed as \.fits\.gz or \.fits\.fz\)\."
TOO_LARGE = rf"; a Goodman frame has at most 40 MB\. {AS_WRITTEN}"
NO_BIAS = r"No master bias of this configuration yet\."
MEGABYTE = 1_000_000
ROWS = 40


@dataclass(frozen=True)
class Case:
    """One file of the corpus.

    ``status``, ``code`` (None: nothing is wrong with it) and ``says`` are what its record must end with. ``heavy``:
    the file, or what it unpacks to, is far larger than any frame.
    """

    name: str
    data: Callable[[], bytes] | Callable[[], BinaryIO]
    status: str
    code: str | None
    says: str
    heavy: bool = False
    stream: bool = False

    def told(self, sentence: str) -> bool:
        """Whether the sentence is the expected one."""
        return re.fullmatch(self.says, sentence, re.DOTALL) is not None


@cache
def arc(**cards: Any) -> bytes:
    """A narrow strip of an arc, with other cards."""
    whole = of_kind("arc")
    return changed(whole, cards, pixels_of(whole)[80 : 80 + ROWS])


@cache
def spectrum(**cards: Any) -> bytes:
    """A narrow strip of a star's frame, with other cards."""
    whole = of_kind("science")
    return changed(whole, cards, pixels_of(whole)[80 : 80 + ROWS])


def _bad(name: str, code: str, says: str, data: Callable[[], bytes], **more: Any) -> Case:
    return Case(f"{name}.fits", data, "rejected", code, says, **more)


def _card(keyword: str, value: Any, code: str, says: str, frame: Callable[..., bytes] = spectrum, **more: Any) -> Case:
    """A frame refused for one card (``more``: further cards)."""
    how = "missing" if value is None else "is_" + re.sub(r"\W+", "_", str(value))[:20]
    return _bad(f"{keyword}_{how}", code, f"{says} {CORRECT}", lambda: frame(**{keyword: value}, **more))


def _odd(keyword: str, value: Any) -> Case:
    """An arc that is reduced all the same (and its strip has no master bias)."""
    how = "missing" if value is None else "is_" + re.sub(r"\W+", "_", str(value))[:20]
    return Case(f"odd_{keyword}_{how}.fits", lambda: arc(**{keyword: value}), "provisional", None, NO_BIAS)


def _deep() -> bytes:
    buffer = io.BytesIO()
    whole = of_kind("science")
    with fits.open(io.BytesIO(whole)) as units:
        pixels, header = units[0].data, units[0].header
        fits.PrimaryHDU(np.stack([pixels[:ROWS]] * 3), header).writeto(buffer, output_verify="silentfix")
    return buffer.getvalue()


def single_plane() -> bytes:
    """An arc whose strip is the one plane of a cube, as on real frames."""
    data = arc()
    with fits.open(io.BytesIO(data)) as units:
        buffer = io.BytesIO()
        fits.PrimaryHDU(units[0].data[None], units[0].header).writeto(buffer, output_verify="silentfix")
    return buffer.getvalue()


def _line() -> bytes:
    whole = of_kind("science")
    return changed(whole, {}, pixels_of(whole)[80])


def _zeros(megabytes: int) -> bytes:
    """Gzip members that unpack to so many MB of zeros; a bomb of ten thousandths of what it unpacks to."""
    return gzip.compress(bytes(10 * MEGABYTE), mtime=0) * (megabytes // 10)


def _header(*cards: tuple[str, Any]) -> bytes:
    return fits.Header(cards).tostring().encode()


def bomb_behind_a_table() -> bytes:
    """A FITS file that promises a table of a terabyte before its image."""
    primary = _header(("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True))
    table = _header(
        ("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", 1_000_000), ("NAXIS2", 1_000_000),
        ("PCOUNT", 0), ("GCOUNT", 1), ("TFIELDS", 0),
    )  # fmt: skip
    return gzip.compress(primary + table, mtime=0) + _zeros(1000)


def bomb_behind_a_frame() -> bytes:
    """A good arc with a gigabyte of zeros packed behind it."""
    return gzip.compress(arc(), mtime=0) + _zeros(1000)


def _bomb_header() -> bytes:
    cards = ("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", 30_000), ("NAXIS2", 30_000)
    return gzip.compress(_header(*cards), mtime=0) + _zeros(1000)


class Enormous(io.RawIOBase):
    """200 MB that begin with a good frame, made as they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.left = memoryview(spectrum()), 200 * MEGABYTE

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        size = min(size if size > 0 else 1 << 16, self.left)
        piece, self.start = bytes(self.start[:size]), self.start[size:]
        self.left -= size
        return piece + bytes(size - len(piece))


NOT_BYTES_OF_A_FRAME = [
    _bad("truncated_header", "truncated", rf"The file ends inside its header: the transfer was cut short\. {AGAIN}",
         lambda: spectrum()[:2880 + 700]),
    _bad("truncated_data", "truncated", rf"The file ends after 4\d % of its pixels: the transfer was .*\. {AGAIN}",
         lambda: (data := spectrum())[: len(data) - 2071 * ROWS * 2 // 2 - 10_000]),
    _bad("truncated_gzip", "truncated", rf"The file ends .* the transfer was cut short\. {AGAIN}",
         lambda: gzip.compress(spectrum(), mtime=0)[:40_000]),
    _bad("zero_bytes", "empty", rf"The file is empty\. {AGAIN}", lambda: b""),
    _bad("zeros_only", "not_fits", rf"The file begins with zeros only: it was never written completely\. {AGAIN}",
         lambda: bytes(50_000)),
    _bad("text", "not_fits", rf"The file is not a FITS file: it does not begin with SIMPLE\. {AS_WRITTEN}",
         lambda: b"Observing log: clouds since midnight.\n" * 200),
    _bad("one_byte", "not_fits", rf"The file is not a FITS file: it does not begin with SIMPLE\. {AS_WRITTEN}",
         lambda: b"?"),
    _bad("zipped", "not_fits", rf"The file is packed with zip\. {AS_WRITTEN}", lambda: b"PK\3\4" + bytes(5000)),
    _bad("gzip_damaged", "corrupt",
         r"The gzip stream is damaged: it cannot be unpacked\. Please upload the file again\.",
         lambda: (data := gzip.compress(spectrum(), mtime=0))[:9000] + bytes(4000) + data[13_000:]),
    _bad("header_only", "no_image", rf"The file has FITS headers but no image in them\. {AS_WRITTEN}",
         lambda: _header(("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0))),
    _bad("no_end", "broken_header", rf"The FITS header has no END card: the file is damaged\. {AGAIN}",
         lambda: b"SIMPLE  =                    T".ljust(2880) + b" " * 2880 * 250),
    _bad("one_axis", "wrong_axes",
         r"The file holds an array of 2071; a Goodman frame is one image of two axes\. "
         r"Upload each exposure as a file of its own\.", _line),
    _bad("several_planes", "wrong_axes",
         r"The file holds an array of 2071 × 40 × 3; a Goodman frame is one image of two axes\. "
         r"Upload each exposure as a file of its own\.", _deep),
    _bad("NAXIS_negative", "wrong_axes",
         rf"The header says that the image has -2 axes: the file is damaged\. {AGAIN}",
         lambda: raw_card(spectrum(), "NAXIS", b"NAXIS   =                   -2")),
    _bad("NAXIS2_too_long", "truncated",
         rf"The file ends after \d+ % of its pixels: the transfer was cut short\. {AGAIN}",
         lambda: raw_card(spectrum(), "NAXIS2", b"NAXIS2  =                  948")),
    _bad("NAXIS1_zero", "no_image", rf"The file has FITS headers but no image in them\. {AS_WRITTEN}",
         lambda: raw_card(spectrum(), "NAXIS1", b"NAXIS1  =                    0")),
]  # fmt: skip

TOO_MUCH = [
    Case("200_megabytes.fits", Enormous, "rejected", "too_large", r"The file has more than 150 MB" + TOO_LARGE,
         heavy=True, stream=True),
    Case("bomb_table.fits.gz", bomb_behind_a_table, "rejected", "too_large",
         r"The file unpacks to more than 200 MB" + TOO_LARGE, heavy=True),
    Case("bomb_image.fits.gz", _bomb_header, "rejected", "too_large",
         r"The header promises 1800 MB of pixels" + TOO_LARGE, heavy=True),
    Case("bomb_behind.fits.gz", bomb_behind_a_frame, "provisional", None, NO_BIAS, heavy=True),
]  # fmt: skip

OTHER_INSTRUMENT = [
    _bad("other_instrument", "other_instrument",
         r"The frame is from 'GMOS-S', not from the Goodman spectrograph: it is kept and not reduced\.",
         lambda: spectrum(INSTRUME="GMOS-S")),
    _bad("INSTRUME_missing", "no_instrument",
         r"The card INSTRUME is missing: nothing says that this is a frame of the Goodman spectrograph\. "
         r"If it is one, correct the card and upload the file again\.", lambda: spectrum(INSTRUME=None)),
    _bad("INSTRUME_is_number", "other_instrument",
         r"The frame is from '7', not from the Goodman spectrograph: it is kept and not reduced\.",
         lambda: spectrum(INSTRUME=7)),
]  # fmt: skip

CARDS_IT_CANNOT_DO_WITHOUT = [
    _card("INSTCONF", "Green", "bad_instconf", r"The card INSTCONF is 'Green'; the cameras are Red and Blue\.",
          INSTRUME="Goodman Spectro"),
    _card("DATE-OBS", None, "bad_date_obs", r"The card DATE-OBS is missing: the frame cannot be put into a night\."),
    _card("DATE-OBS", "last night", "bad_date_obs", r"The card DATE-OBS is 'last night', not a UT date and time\."),
    _card("DATE-OBS", 2460000.5, "bad_date_obs", r"The card DATE-OBS is '2460000\.5', not a UT date and time\."),
    _card("DATE-OBS", "1969-12-31T23:59:59", "bad_date_obs",
          r"The card DATE-OBS is '1969-12-31T23:59:59', before the instrument existed or far ahead\."),
    _card("GAIN", None, "bad_gain", r"The card GAIN is missing: without it counts cannot be turned into electrons\."),
    _card("GAIN", "high", "bad_gain",
          r"The card GAIN is 'high', not a number: without it counts cannot be turned into electrons\."),
    _card("GAIN", 0.0, "bad_gain",
          r"The card GAIN is 0, outside 0\.01 to 100: counts cannot be turned into electrons\."),
    _card("GAIN", -1.48, "bad_gain",
          r"The card GAIN is -1\.48, outside 0\.01 to 100: counts cannot be turned into electrons\."),
    _card("RDNOISE", None, "bad_rdnoise", r"The card RDNOISE is missing: without it errors cannot be computed\."),
    _card("RDNOISE", "low", "bad_rdnoise",
          r"The card RDNOISE is 'low', not a number: without it errors cannot be computed\."),
    _card("RDNOISE", 0.0, "bad_rdnoise", r"The card RDNOISE is 0, outside 0\.1 to 500: errors cannot be computed\."),
    _card("CCDSUM", None, "bad_ccdsum", r"The card CCDSUM is missing\."),
    _card("CCDSUM", 2, "bad_ccdsum", r"The card CCDSUM is '2': the binning must be given as '2 2' or '1 1'\."),
    _card("CCDSUM", "0 0", "bad_ccdsum", r"The card CCDSUM is '0 0': the binning must be given as '2 2' or '1 1'\."),
    _card("CCDSUM", "4 4", "bad_ccdsum",
          r"The card CCDSUM is '4 4', but 2071 × 40 pixels binned so are more than the detector has\."),
    _card("OBSTYPE", None, "bad_obstype", r"The card OBSTYPE is missing: the frame could be anything\."),
    _card("OBSTYPE", "SELFIE", "bad_obstype", r"The card OBSTYPE is 'SELFIE'; known are ARC, BIAS, .*ZERO\."),
    _card("OBSTYPE", True, "bad_obstype", r"The card OBSTYPE is missing: the frame could be anything\."),
    _card("GRATING", None, "bad_grating",
          r"The card GRATING is missing: no flat and no arc can be matched with the frame\."),
    _card("GRATING", False, "bad_grating",
          r"The card GRATING is missing: no flat and no arc can be matched with the frame\.", arc),
]  # fmt: skip

CARDS_IT_CAN_DO_WITHOUT = [
    *(_odd(keyword, None) for keyword in
      ("INSTCONF", "WAVMODE", "ROI", "TRIMSEC", "DATE", "EXPTIME", "OBJECT", "SLIT", "FILTER", "FILTER2", "OBSRA",
       "OBSDEC", "AIRMASS", "LAMP_HGA", "CAM_TARG", "GRT_TARG", "IMAGEID")),
    *(_odd(keyword, value) for keyword, value in
      (("TRIMSEC", "[5000:9000,7000:8000]"), ("TRIMSEC", "whole frame"), ("TRIMSEC", 42), ("EXPTIME", "long"),
       ("CAM_TARG", "16 degrees"), ("DATE", "yesterday"), ("IMAGEID", "first"), ("AIRMASS", "low"), ("OBJECT", 17),
       ("WAVMODE", 400), ("WAVMODE", "Custom"), ("INSTCONF", "Green"), ("GAIN", 2.22), ("RDNOISE", 9.9))),
    Case("non_ascii_bytes.fits",
         lambda: raw_card(arc(), "OBSERVER", "OBSERVER= 'Mar\xeda Nu\xf1ez '".encode("latin-1")),
         "provisional", None, NO_BIAS),
    Case("non_ascii \u00f1ame\u2603+1.fits", lambda: arc(OBSERVER="X"), "provisional", None, NO_BIAS),
    Case("commented_out.fits", lambda: raw_card(arc(), "OBSERVER", b"#OBSERVER= 'nobody' / commented out"),
         "provisional", None, NO_BIAS),
    Case("not_a_card.fits", lambda: raw_card(arc(), "AIRMASS", b"AIRMASS = 1.2.3 / not a number"),
         "provisional", None, NO_BIAS),
    Case("nan_card.fits", lambda: raw_card(arc(), "AIRMASS", b"AIRMASS =                  NaN"),
         "provisional", None, NO_BIAS),
    Case("single_plane.fits", single_plane, "provisional", None, NO_BIAS),
    Case("packed.fits.gz", lambda: gzip.compress(arc(OBJECT="packed"), mtime=0), "provisional", None, NO_BIAS),
    Case("PROPID_missing.fits", lambda: arc(PROPID=None), "provisional", None, NO_BIAS),
    Case("PROPID_unknown.fits", lambda: arc(PROPID="SOAR1999A-999"), "provisional", None, NO_BIAS),
    Case("PROPID_is_true.fits", lambda: arc(PROPID=True), "provisional", None, NO_BIAS),
]  # fmt: skip

CASES = [
    *NOT_BYTES_OF_A_FRAME,
    *TOO_MUCH,
    *OTHER_INSTRUMENT,
    *CARDS_IT_CANNOT_DO_WITHOUT,
    *CARDS_IT_CAN_DO_WITHOUT,
]
