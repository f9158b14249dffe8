"""One night with every fault of the pixels in it: each ends in its sentence, and the good frames are as without them.

Two cameras observe by turns, both with the 400 l/mm grating in the same setting. The Blue arc is binned 1x2 and comes
through a narrower slit than its star; the Blue biases carry another grating and no slit; WAVMODE flips on the way.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chalicelib.science.product import read_spectrum
from tests.corpus.corpus import single_plane
from tests.corpus.frames import changed, night, of_kind, pixels_of, rendered
from tests.corpus.observatory import Night, Upload, play

WRITTEN_ANEW = "If the camera wrote it so, take the exposure again; else upload the file again."
BLUE: dict[str, Any] = {"camera": "Blue", "seed": 4, "arc_binning": (1, 2)}
PARKED = {"OBSRA": "01:02:03.000", "OBSDEC": "-17:40:48.000"}


def spoilt(kind: str, spoil: Callable[[np.ndarray], np.ndarray], cards: dict | None = None, **how: Any) -> bytes:
    """A frame with other pixels."""
    whole = of_kind(kind, **how)
    return changed(whole, cards, spoil(pixels_of(whole).astype(np.float32)))


def with_gaps(pixels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(5)
    bad = rng.random(pixels.shape) < 0.002
    pixels[bad] = rng.choice([np.nan, np.inf, -np.inf], bad.sum())
    return pixels


def mostly_nan(pixels: np.ndarray) -> np.ndarray:
    pixels[: int(0.7 * len(pixels))] = np.nan
    return pixels


def constant(pixels: np.ndarray) -> np.ndarray:
    return np.full(pixels.shape, 433, np.uint16)


def saturated(pixels: np.ndarray) -> np.ndarray:
    pixels[:, 400:1600] = 65535
    return pixels.astype(np.uint16)


def lit(pixels: np.ndarray) -> np.ndarray:
    return (pixels + 300).astype(np.uint16)


def calibrations(prefix: str, cards: dict | None = None, **how: Any) -> list[Upload]:
    kept = [e for e in night(**how) if e.kind in ("bias", "flat")]
    return [
        Upload(f"{prefix}_{e.kind}{e.number}.fits", changed(rendered(e)[0], cards if e.kind == "bias" else PARKED))
        for e in kept
    ]


STARS = {
    "star.fits": lambda: of_kind("science"),
    "gaps.fits": lambda: spoilt("science", with_gaps),
    "constant.fits": lambda: spoilt("science", constant),
    "mostly_nan.fits": lambda: spoilt("science", mostly_nan),
    "trimsec.fits": lambda: changed(of_kind("science"), {"TRIMSEC": "[51:4110,3:2000]", "WAVMODE": "Custom"}),
    "tiny.fits": lambda: spoilt("science", lambda pixels: pixels[:9].astype(np.uint16)),
    "unassigned.fits": lambda: changed(of_kind("science"), {"PROPID": None}),
    "gain.fits": lambda: changed(of_kind("science"), {"GAIN": 2.22, "RDNOISE": 4.44}),
    "alone.fits": lambda: changed(of_kind("science"), {"GAIN": 3.87, "RDNOISE": 7.05, "GRATING": "1200_SYZY"}),
    "no_light.fits": lambda: spoilt("bias", lambda pixels: pixels.astype(np.uint16), dict(SCIENCE_CARDS)),
}
SCIENCE_CARDS = {
    "OBSTYPE": "SPECTRUM",
    "OBJECT": "nothing",
    "SLIT": "1.0_LONG_SLIT",
    "FILTER2": "GG455",
    "PROPID": "SOAR2026B-014",
}


@pytest.fixture(scope="module")
def spoilt_night() -> Night:
    """Calibrations with spoilt ones among them, then the arcs, then the stars of both cameras."""
    one_slit = {"SLIT": "0.45_LONG_SLIT"}
    first = [
        *calibrations("red"),
        *calibrations("blue", {"GRATING": "930_SYZY", "SLIT": "NO_MASK", "WAVMODE": "930_M4"}, **BLUE),
        Upload("bias_constant.fits", spoilt("bias", constant)),
        Upload("bias_nan.fits", spoilt("bias", mostly_nan)),
        Upload("bias_lit.fits", spoilt("bias", lit)),
        Upload("bias_truncated.fits", of_kind("bias")[:-300_000]),
        Upload("flat_saturated.fits", spoilt("flat", saturated)),
        Upload("flat_dark.fits", changed(of_kind("bias"), {"OBSTYPE": "LAMPFLAT", "SLIT": "1.0_LONG_SLIT"})),
        *(Upload(f"all_saturated{n}.fits", spoilt("flat", saturated, one_slit, which=n)) for n in range(3)),
    ]
    off = dict.fromkeys(("LAMP_HGA", "LAMP_NE", "LAMP_AR", "LAMP_FE", "LAMP_CU"), "FALSE")
    arcs = [
        Upload("arc.fits", changed(of_kind("arc"), {"WAVMODE": "400 m2"})),
        Upload("blue_arc.fits", changed(of_kind("arc", **BLUE), {**one_slit, "WAVMODE": "Custom"})),
        Upload(
            "arc_lamps_off.fits",
            spoilt("bias", lambda p: p.astype(np.uint16), {**SCIENCE_CARDS, **off, "OBSTYPE": "ARC"}),
        ),
        Upload("arc_constant.fits", spoilt("arc", constant, {"GRATING": "2100_SYZY"})),
    ]
    stars = [Upload(name, make()) for name, make in STARS.items()]
    return play([first, arcs, [*stars, Upload("blue_star.fits", of_kind("science", **BLUE))]])


def rms_from_truth(night: Night, name: str, camera: dict[str, Any]) -> float:
    """Å between a calibrated spectrum and the wavelengths it was made with."""
    record = night.made_from(name)["4"]
    spectrum = read_spectrum(night.objects[record["key"]])
    truth = rendered(next(e for e in night_of(camera) if e.kind == "science"))[1]["arrays"]["target_1_wavelength"]
    wavelength = spectrum.solution.wavelength(spectrum.geometry.detector_column(spectrum.column))
    inside = slice(100, len(wavelength) - 100)
    return float(np.sqrt(np.mean((wavelength - truth[np.asarray(spectrum.column, int)])[inside] ** 2)))


def night_of(camera: dict[str, Any]) -> tuple:
    return night(**camera)


def test_nothing_ends_as_a_dead_letter(spoilt_night):
    assert spoilt_night.raised == []
    assert {r["status"] for r in spoilt_night.records} <= {"done", "provisional", "waiting", "failed", "rejected"}


@pytest.mark.parametrize(
    ("name", "status", "says", "codes"),
    [
        ("star.fits", "done", "", {}),
        ("gaps.fits", "done", "", {}),
        ("trimsec.fits", "done", "", {}),
        ("blue_star.fits", "done", "", {}),
        (
            "constant.fits", "failed",
            f"Every pixel has the same value (433): there is no image in this file. {WRITTEN_ANEW}",
            {"reduce": "unusable"},
        ),
        (
            "mostly_nan.fits", "failed", f"Only 30 % of the pixels are numbers. {WRITTEN_ANEW}",
            {"reduce": "unusable"},
        ),
        (
            "tiny.fits", "failed",
            "The frame has only 2046 x 9 lit pixels: too few pixels to work on; read out a larger region.",
            {"reduce": "unusable"},
        ),
        (
            "arc_constant.fits", "failed",
            f"Every pixel has the same value (433): there is no image in this file. {WRITTEN_ANEW}",
            {"reduce": "unusable"},
        ),
        (
            "no_light.fits", "failed",
            "No spectrum stands out of the sky: no target reaches the detection limit along the slit.",
            {"extract": "no_target"},
        ),
        (
            "unassigned.fits", "provisional",
            "No master bias of this configuration yet; no master flat of this configuration yet.",
            {},
        ),
        ("gain.fits", "provisional", "No master bias of this configuration yet.", {}),
        (
            "alone.fits", "waiting",
            "Extracted; waits for an arc of this night with the Red camera, grating 1200_SYZY, "
            "camera 16.1° and grating 7.5°.",
            {},
        ),
    ],
)  # fmt: skip
def test_each_frame_ends_with_its_status_and_sentence(spoilt_night, name, status, says, codes):
    record = spoilt_night.raw(name)
    assert (record["status"], record["status_reason"]) == (status, says)
    assert spoilt_night.codes(name) == codes


def test_spoilt_members_are_left_out_of_the_master_and_the_master_says_so(spoilt_night):
    for master in spoilt_night.masters("bias"):
        assert master["quality"]["members"] == 3
    red = next(m for m in spoilt_night.masters("bias") if "_RED_" in m["file_name"])
    reasons = " ".join(entry["reason"] for entry in red["quality"]["rejected"])
    assert "there is light on it" in reasons or "its level is" in reasons
    assert spoilt_night.raw("bias_truncated.fits")["status"] == "rejected"
    flat = next(m for m in spoilt_night.masters("flat") if "_RED_" in m["file_name"])
    assert flat["quality"]["members"] == 3
    reasons = " ".join(entry["reason"] for entry in flat["quality"]["rejected"])
    assert "of its pixels are " in reasons
    assert "was the lamp on?" in reasons


def test_a_pool_of_saturated_flats_makes_no_master_and_says_why(spoilt_night):
    (pool,) = [p for p in spoilt_night.pools("flat") if "0.45_LONG_SLIT" in p["subject"]]
    failed = pool["stages"]["flat"]
    assert (failed["outcome"], failed["code"], failed["products"]) == ("failed", "unusable", [])
    assert failed["sentence"].startswith("None of the 3 flats can be used (")
    assert "% of its pixels are " in failed["sentence"]
    assert [e for e in spoilt_night.events if e["sentence"] == failed["sentence"]]
    assert not [m for m in spoilt_night.masters("flat") if "0.45" in m["file_name"]]


def test_each_camera_has_its_own_calibrations(spoilt_night):
    for name, camera, arc in (("star.fits", "_RED_", "arc.fits"), ("blue_star.fits", "_BLUE_", "blue_arc.fits")):
        products = spoilt_night.made_from(name)
        for role in ("bias", "flat"):
            assert camera in spoilt_night.role(products["2"], role)["file_name"]
        assert spoilt_night.role(products["4"], "arc")["original_file"] == arc


@pytest.mark.parametrize(("name", "camera"), [("star.fits", {}), ("blue_star.fits", BLUE), ("gaps.fits", {})])
def test_good_frames_have_their_true_wavelengths(spoilt_night, name, camera):
    """Also from an arc of another serial binning, through another slit, on a night when WAVMODE flips.

    Carried across binnings without the half pixel between their centres, the wavelengths would be 0.5 Å off.
    """
    assert rms_from_truth(spoilt_night, name, camera) < 0.2


def test_an_arc_with_all_lamps_off_serves_nobody_and_says_so(spoilt_night):
    off = spoilt_night.raw("arc_lamps_off.fits")
    assert off["status"] == "done"
    assert "no lamp was on" in off["status_reason"].lower()
    used = {i["id"] for r in spoilt_night.records for i in r["inputs"] if i["role"] == "arc"}
    assert not used & {r["id"] for r in spoilt_night.records if r["original_file"] == "arc_lamps_off.fits"}


def test_an_unassigned_star_is_reduced_to_the_end(spoilt_night):
    products = spoilt_night.made_from("unassigned.fits")
    assert set(products) == {"2", "3", "4"}
    assert {p["scope"] for p in products.values()} == {"*unassigned*"}


def test_gaps_are_masked_not_spread(spoilt_night):
    spectra = {
        name: read_spectrum(spoilt_night.objects[spoilt_night.made_from(name)["4"]["key"]])
        for name in ("star.fits", "gaps.fits")
    }
    gaps, whole = spectra["gaps.fits"], spectra["star.fits"]
    good = gaps.mask == 0
    assert np.isfinite(gaps.flux[good]).all() and np.isfinite(gaps.error[good]).all()
    common = good & (whole.mask == 0)
    pull = (gaps.flux - whole.flux)[common] / whole.error[common]
    assert common.mean() > 0.5
    assert np.median(np.abs(pull)) < 0.5


def test_a_cube_of_one_plane_and_a_packed_frame_are_the_frame_itself():
    from chalicelib.science.rawfile import read_raw

    plain = single_plane()
    np.testing.assert_array_equal(read_raw(plain).data, read_raw(gzip.compress(plain)).data)
    assert read_raw(plain).data.ndim == 2
