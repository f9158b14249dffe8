"""What an uploaded file can be, and what the person who uploaded it is told."""

from __future__ import annotations

import hashlib
import io
import zlib

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.science import rawfile
from chalicelib.science.errors import UnreadableFrame, UnusableFrame
from tests.science.readout import fits_bytes, packed

PIXELS = np.arange(200 * 300, dtype=np.uint16).reshape(200, 300)
PLAIN = fits_bytes(PIXELS, OBJECT="AT2018oh")


class Trickle(io.RawIOBase):
    """A stream that hands out few bytes at a time, as a network does, and only knows ``read``."""

    def __init__(self, data: bytes, step: int = 777):
        self.left, self.step, self.reads = memoryview(data), step, 0

    def read(self, n=-1):
        piece = bytes(self.left[: min(n, self.step)])
        self.left, self.reads = self.left[len(piece) :], self.reads + 1
        return piece


def fpacked(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    header = fits.Header({"OBJECT": "AT2018oh", "CCDSUM": "2 2"})
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, header, compression_type="RICE_1")]).writeto(buffer)
    return buffer.getvalue()


def cube(pixels: np.ndarray) -> bytes:
    return fits_bytes(pixels[None])


@pytest.mark.parametrize(
    "data",
    [PLAIN, packed(PLAIN), packed(PLAIN[:9000]) + packed(PLAIN[9000:]), fpacked(PIXELS), packed(cube(PIXELS))],
    ids=["plain", "gzip", "gzip in two members", "fpack", "gzipped cube of one plane"],
)
@pytest.mark.parametrize("step", [1 << 20, 777])
def test_every_form_of_a_good_frame_is_read_alike(data, step):
    scan = rawfile.scan(Trickle(data, step))
    assert (scan.problem, scan.code) == (None, None)
    assert scan.sha256 == hashlib.sha256(data).hexdigest()
    assert scan.size == len(data)
    assert (scan.header["NAXIS1"], scan.header["NAXIS2"]) == (300, 200)
    raw = rawfile.read_raw(data)
    assert raw.data.dtype == np.float32
    np.testing.assert_array_equal(raw.data, PIXELS)


def test_the_header_of_an_fpacked_frame_is_the_image_s_own():
    header = rawfile.scan(io.BytesIO(fpacked(PIXELS))).header
    assert header["OBJECT"] == "AT2018oh"
    assert header["BITPIX"] == 16
    assert not [k for k in header if k.startswith(("Z", "TTYPE", "TFORM"))]
    assert rawfile.read_raw(fpacked(PIXELS)).header == header


def bomb(size: int) -> bytes:
    """A FITS header followed by tables without end, gzipped: small to upload, huge to unpack."""
    cards = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 2880, "NAXIS2": 1000, "PCOUNT": 0, "GCOUNT": 1}
    table = fits.Header([*cards.items(), ("TFIELDS", 0)]).tostring().encode() + bytes(2_880_000)
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [pack.compress(fits.PrimaryHDU().header.tostring().encode())]
    parts += [pack.compress(table) for _ in range(size // len(table) + 1)]
    return b"".join([*parts, pack.flush()])


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "empty", "empty"),
        (b"S", "truncated", "cut short"),
        (b"\x1f", "not_fits", "not a FITS file"),
        (bytes(100_000), "not_fits", "zeros"),
        (b"<html>502 Bad Gateway</html>" * 200, "not_fits", "not a FITS file"),
        (b"BZh91AY&SY" + bytes(5000), "not_fits", "bzip2"),
        (PLAIN[:1000], "truncated", "header"),
        (PLAIN[:70_000], "truncated", "56 %"),
        (packed(PLAIN)[:-2000], "truncated", "cut short"),
        (packed(PLAIN)[:500] + b"\xff" * 800 + packed(PLAIN)[1300:], "corrupt", "gzip"),
        (fits_bytes(np.zeros(50, np.int16)), "wrong_axes", "50"),
        (fits_bytes(np.zeros((3, 20, 30), np.int16)), "wrong_axes", "30 × 20 × 3"),
        (fits.PrimaryHDU().header.tostring().encode(), "no_image", "no image"),
        (b"SIMPLE  =                    T" + b" " * 3_000_000, "broken_header", "END"),
        (bomb(60_000_000), "too_large", "unpacks"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)
def test_what_is_no_frame_gets_a_sentence_and_a_code(data, code, words):
    scan = rawfile.scan(io.BytesIO(data), max_decompressed=20_000_000)
    assert scan.code == code
    assert words in scan.problem
    assert scan.problem.endswith((".", "?"))
    assert scan.sha256 == hashlib.sha256(data).hexdigest()
    with pytest.raises(UnreadableFrame, match=r"\w+"):
        rawfile.read_raw(data, max_decompressed=20_000_000)


def test_a_truncated_frame_still_tells_whose_it_was():
    scan = rawfile.scan(io.BytesIO(PLAIN[:-20_000]))
    assert scan.code == "truncated"
    assert scan.header["OBJECT"] == "AT2018oh"


def test_a_header_that_promises_too_much_is_refused_before_the_pixels_come():
    huge = PLAIN.replace(b"NAXIS1  =                  300", b"NAXIS1  =            300000000")
    scan = rawfile.scan(io.BytesIO(huge))
    assert scan.code == "too_large"
    assert "MB" in scan.problem


def test_an_enormous_upload_is_hashed_to_its_end_in_little_memory():
    class Endless(io.RawIOBase):
        left = 200_000_000

        def read(self, n=-1):
            n = min(n, self.left)
            self.left -= n
            return b"S" * n

    scan = rawfile.scan(Endless(), max_bytes=100_000_000)
    assert scan.size == 200_000_000
    assert scan.code in ("too_large", "not_fits")


def test_the_upload_limit_stops_a_good_frame_too():
    scan = rawfile.scan(io.BytesIO(PLAIN), max_bytes=50_000)
    assert scan.code == "too_large"
    assert scan.sha256 == hashlib.sha256(PLAIN).hexdigest()


def test_bytes_that_are_not_ascii_and_cards_that_are_not_cards():
    odd = PLAIN.replace(b"'AT2018oh'", b"'Ca\xf1\xf3n\x00  '")
    broken = odd.replace(b"END".ljust(160), b"AIRMASS = 1.2.3 / no number".ljust(80) + b"END".ljust(80), 1)
    assert len(broken) == len(PLAIN)
    scan = rawfile.scan(io.BytesIO(broken))
    assert scan.problem is None
    assert scan.header["OBJECT"].startswith("Ca??n")
    assert "AIRMASS" not in scan.header
    assert any("1.2.3" in str(line) for line in scan.header["COMMENT"])
    scan.header.tostring()  # can be written again
    np.testing.assert_array_equal(rawfile.read_raw(broken).data, PIXELS)


def test_missing_padding_is_no_reason_to_refuse():
    end = 2880 * 1 + PIXELS.nbytes
    assert rawfile.scan(io.BytesIO(PLAIN[:end])).problem is None
    np.testing.assert_array_equal(rawfile.read_raw(PLAIN[:end]).data, PIXELS)


@pytest.mark.parametrize("value", [0, 32768])
def test_a_constant_image_is_unusable(value):
    with pytest.raises(UnusableFrame, match=f"same value \\({value}"):
        rawfile.read_raw(fits_bytes(np.full((40, 50), value, np.uint16)))


def test_some_nan_are_kept_and_mostly_nan_is_unusable():
    pixels = np.random.default_rng(0).normal(100, 3, (40, 50)).astype(np.float32)
    pixels[3, 4] = np.nan
    assert np.isnan(rawfile.read_raw(fits_bytes(pixels)).data[3, 4])
    pixels[5:] = np.inf
    with pytest.raises(UnusableFrame, match="pixels are numbers"):
        rawfile.read_raw(fits_bytes(pixels))


def test_blank_integers_become_nan():
    pixels = np.arange(2000, dtype=np.int16).reshape(40, 50)
    raw = rawfile.read_raw(fits_bytes(pixels, BLANK=7))
    assert np.isnan(raw.data[0, 7])
    assert np.isfinite(raw.data).sum() == 1999


def test_real_files_are_read_as_astropy_reads_them(shared_data):
    files = sorted(shared_data.glob("*/*.fits*"))
    assert len(files) > 30
    for path in files:
        scan = rawfile.scan(path.open("rb"))
        assert scan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert scan.problem is None, (path, scan.problem)
        with fits.open(path) as units:
            expected = next(u.data for u in units if u.data is not None)
        expected = expected.reshape(expected.shape[-2:])
        if expected.min() == expected.max():
            with pytest.raises(UnusableFrame, match="same value"):
                rawfile.read_raw(path.read_bytes())
        else:
            np.testing.assert_array_equal(rawfile.read_raw(path.read_bytes()).data, expected.astype(np.float32))
