"""Products: written, read back, read by other programs."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.science import product
from chalicelib.science.air import air_to_vacuum
from chalicelib.science.dispersion import IdentifiedLine, WavelengthSolution
from chalicelib.science.errors import UnreadableFrame
from chalicelib.science.extraction import extract
from chalicelib.science.frame import Geometry, MaskBit
from chalicelib.science.spectrum import Spectrum

from .longslit import LongSlit, Source

CARDS = [("GSP_VERS", "1.2", "Version"), ("GSP_DATE", "2018-02-05", "UT date of the raw frame")]


def raw_header() -> fits.Header:
    header = fits.Header()
    header["OBJECT"] = ("AT2018oh", "target")
    header["EXPTIME"] = (240.0, "s")
    header["BZERO"] = 32768
    header["CRVAL1"] = 5.0
    header["CHECKSUM"] = ("abc", "HDU checksum updated 2018-02-05T04:20:16")
    header.add_comment("Triggered")
    header.add_history("trimmed")
    return header


@pytest.fixture(scope="module")
def spectrum() -> Spectrum:
    frame = LongSlit(shape=(120, 400), sources=[Source(1500, 60)], rays=0.001).frame()
    return extract(frame.with_data(header=raw_header()))[0]


@pytest.fixture(scope="module")
def calibrated(spectrum) -> Spectrum:
    lines = (
        IdentifiedLine(100.12345678901234, 0.0123, 4000.123456789012, "Ar II", -0.00123, True),
        IdentifiedLine(300.1, 0.02, 4100.5, "Fe I", 0.3, False),
        IdentifiedLine(700.7 / 3, 0.02, 4200.1, "Ar I", 0.01, True),
    )
    solution = WavelengthSolution(
        coefficients=(4412.123456789012, 840.3333333333334, -7.1e-5, 1 / 3e7),
        domain=(-0.5, 4141.5),
        span=(100.12345678901234, 4000.0),
        lines=lines,
        rms=0.0123456789012345,
        rms_fit=0.01,
        lamps=("Fe", "Ar"),
        method="grating equation",
        score=17.25,
        zero_point=-1 / 7,
    )
    return replace(spectrum, solution=solution)


def opened(data: bytes) -> fits.HDUList:
    return fits.open(io.BytesIO(data))


def same(a: Spectrum, b: Spectrum) -> None:
    for name in ("column", "flux", "error", "flux_box", "error_box", "sky", "sky_error", "mask"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name in ("geometry", "trace", "apertures", "target", "method", "signal_to_noise", "solution"):
        assert getattr(a, name) == getattr(b, name), name


def test_image_round_trip():
    frame = LongSlit(shape=(40, 90), rays=0.01).frame().with_data(header=raw_header())
    again = product.read_image(product.write_image(frame, CARDS, ["flat-fielded"]))
    for name in ("data", "variance", "mask"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frame, name))
        assert getattr(again, name).dtype == getattr(frame, name).dtype
    assert again.geometry == frame.geometry
    assert again.header["OBJECT"] == "AT2018oh"
    assert again.header["GSP_VERS"] == "1.2"


def test_image_layout():
    frame = LongSlit(shape=(40, 90)).frame().with_data(header=raw_header())
    with opened(product.write_image(frame, CARDS, ["flat-fielded"])) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "VARIANCE", "MASK"]
        assert [hdu.header["BITPIX"] for hdu in hdus] == [-32, -32, 8]
        header = hdus[0].header
        assert header["BUNIT"] == "electron"
        assert [str(line) for line in header["HISTORY"]] == ["trimmed", "flat-fielded"]
        for card in ("CHECKSUM", "BZERO", "CRVAL1"):
            assert card not in header


@pytest.mark.parametrize(
    "binning, corner, origin", [((1, 1), (50, 3), (0, 0)), ((2, 2), (13, 5), (0, 1800)), ((1, 2), (7, 0), (12, 301))]
)
def test_physical_coordinates_are_those_of_iraf(binning, corner, origin):
    geometry = Geometry(binning, corner, origin)
    frame = LongSlit(shape=(20, 30)).frame().with_data(geometry=geometry)
    data = product.write_image(frame)
    header = fits.getheader(io.BytesIO(data))
    assert product.read_image(data).geometry == geometry
    for axis, place in ((1, geometry.detector_column(4)), (2, geometry.detector_row(4))):
        image = header[f"LTM{axis}_{axis}"] * (float(place) + 1) + header[f"LTV{axis}"]
        assert image == pytest.approx(4 + 1)


def test_same_bytes_every_time(calibrated):
    frame = LongSlit(shape=(40, 90)).frame().with_data(header=raw_header())
    assert product.write_image(frame, CARDS, ["a"]) == product.write_image(frame, CARDS, ["a"])
    assert product.write_spectrum(calibrated, CARDS, ["a"]) == product.write_spectrum(calibrated, CARDS, ["a"])


def test_extracted_spectrum_round_trip(spectrum):
    same(product.read_spectrum(product.write_spectrum(spectrum, CARDS, ["extracted"])), spectrum)


def test_calibrated_spectrum_round_trip_to_the_last_bit(calibrated):
    again = product.read_spectrum(product.write_spectrum(calibrated, CARDS, ["calibrated"]))
    same(again, calibrated)
    np.testing.assert_array_equal(again.wavelength, calibrated.wavelength)


def test_a_second_round_changes_nothing(calibrated):
    once = product.read_spectrum(product.write_spectrum(calibrated, CARDS, ["a"]))
    twice = product.read_spectrum(product.write_spectrum(once))
    same(once, twice)
    assert list(once.header["HISTORY"]) == list(twice.header["HISTORY"])


def test_not_finite_numbers_survive(calibrated):
    odd = replace(calibrated, signal_to_noise=float("nan"), solution=replace(calibrated.solution, score=float("nan")))
    again = product.read_spectrum(product.write_spectrum(odd))
    assert np.isnan(again.signal_to_noise)
    assert np.isnan(again.solution.score)


def test_extracted_layout(spectrum):
    with opened(product.write_spectrum(spectrum)) as hdus:
        assert hdus[0].header["CTYPE1"] == "PIXEL"
        assert hdus["SPECTRUM"].columns.names == [
            "COLUMN", "FLUX", "ERROR", "FLUX_BOX", "ERROR_BOX", "SKY", "MASK",
        ]  # fmt: skip
        np.testing.assert_array_equal(hdus[0].data, spectrum.flux)


def test_calibrated_layout_and_linear_wavelengths(calibrated):
    with opened(product.write_spectrum(calibrated)) as hdus:
        header, table = hdus[0].header, hdus["SPECTRUM"]
        assert table.columns.names == [
            "COLUMN", "WAVELENGTH", "WAVELENGTH_VAC", "FLUX", "ERROR", "FLUX_BOX", "ERROR_BOX", "SKY", "MASK",
        ]  # fmt: skip
        assert table.columns["WAVELENGTH"].unit == "Angstrom"
        np.testing.assert_array_equal(table.data["WAVELENGTH_VAC"], air_to_vacuum(table.data["WAVELENGTH"]))
        assert (header["CTYPE1"], header["DC-FLAG"], header["CRPIX1"]) == ("AWAV", 0, 1.0)
        axis = header["CRVAL1"] + header["CDELT1"] * np.arange(header["NAXIS1"])
        assert axis[0] == pytest.approx(table.data["WAVELENGTH"][0], abs=header["CDELT1"])
        assert axis[-1] == pytest.approx(table.data["WAVELENGTH"][-1], abs=header["CDELT1"])
        assert hdus[0].data.sum(dtype=float) == pytest.approx(np.nansum(calibrated.flux, dtype=float), rel=1e-5)
        assert (header["GSP_WPOI"], header["GSP_WREJ"]) == (2, 1)
        assert header["GSP_P002"] == 700.7 / 3


def test_headers_no_fits_file_can_hold_are_repaired():
    header = raw_header()
    header.append(fits.Card.fromstring("OBSERVER= 'JJH"), end=True)
    card = fits.Card("NOTE", "plain")
    card._value = "Cerro Pachón"
    header.append(card, end=True)
    frame = LongSlit(shape=(20, 30)).frame().with_data(header=header)
    with opened(product.write_image(frame)) as hdus:
        assert "Cerro Pach?n" in repr(hdus[0].header)
        hdus.verify("exception")


@pytest.mark.parametrize("data", [b"", b"not a FITS file", b"SIMPLE  =                    T"])
def test_what_is_no_product_is_refused_with_a_sentence(data):
    for read in (product.read_image, product.read_spectrum):
        with pytest.raises(UnreadableFrame, match="product"):
            read(data)


def test_an_image_is_no_spectrum():
    data = product.write_image(LongSlit(shape=(20, 30)).frame())
    with pytest.raises(UnreadableFrame, match="SPECTRUM"):
        product.read_spectrum(data)


def test_mask_bits_are_explained_in_the_file(spectrum):
    with opened(product.write_spectrum(spectrum)) as hdus:
        text = " ".join(hdus["SPECTRUM"].header["COMMENT"])
    for bit in MaskBit:
        assert f"{int(bit)} " in text


@pytest.mark.parametrize("kind", ["extracted", "calibrated"])
def test_specutils_opens_it(kind, spectrum, calibrated, tmp_path):
    specutils = pytest.importorskip("specutils")
    which = spectrum if kind == "extracted" else calibrated
    path = tmp_path / "product.fits"
    path.write_bytes(product.write_spectrum(which))
    read = specutils.Spectrum.read(path)
    np.testing.assert_array_equal(read.flux.value, which.flux)
    np.testing.assert_array_equal(read.uncertainty.array, which.error)
    if kind == "calibrated":
        np.testing.assert_allclose(read.spectral_axis.to_value("Angstrom"), which.wavelength)
