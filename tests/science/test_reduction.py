"""From raw to reduced, simulated and real: letters, cards, masks, errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chalicelib.science import combine, rawfile, reduction
from chalicelib.science.errors import CalibrationMismatch, UnusableFrame
from chalicelib.science.frame import Detector, MaskBit, RawFrame
from tests.science.readout import BLUE, RED, SHAPE, expose

OPTIONS = reduction.ReductionOptions()
RESPONSE = 1 + 0.02 * np.sin(np.arange(SHAPE[1]) * 1.7) * np.sin(np.arange(SHAPE[0])[:, None] * 2.3)
SLIT = ((np.arange(SHAPE[0]) > 15) & (np.arange(SHAPE[0]) < 100))[:, None]


@pytest.fixture(scope="module")
def masters():
    rng = np.random.default_rng(0)
    bias = combine.combine_bias([expose(rng, 0.0, level=434 + d) for d in rng.uniform(-1, 1, 8)], BLUE).frame
    light = 20000 * RESPONSE * SLIT * np.linspace(0.2, 1, SHAPE[1])
    flat = combine.combine_flat([expose(rng, light) for _ in range(8)], BLUE, bias).frame
    return {"bias": bias, "flat": flat}


def science(seed=1, sky=300.0, star=0.0, **named):
    profile = np.exp(-0.5 * ((np.arange(SHAPE[0]) - 55) / 2.0) ** 2)[:, None]
    return expose(np.random.default_rng(seed), (sky + star * profile) * RESPONSE * SLIT, **named)


def cards(result):
    return {keyword: value for keyword, value, _ in result.cards}


def test_a_full_reduction(masters):
    raw = science(star=3000.0)
    raw.data[60, 900:906] += 2000
    result = reduction.reduce_spectrum(
        raw, BLUE, options=OPTIONS, clean_cosmic_rays=True, bias_name="b.fits", **masters
    )
    frame = result.frame
    assert result.steps == "cfzst"
    assert (frame.geometry.corner[0], frame.shape[1]) == (10, 2045)
    assert abs(frame.geometry.corner[1] - 16) <= 1
    sky = frame.data[5:20, 50:2000]
    assert np.median(sky) == pytest.approx(300, rel=0.01)
    pull = (sky - 300) / np.sqrt(frame.variance[5:20, 50:2000])
    assert pull.std() == pytest.approx(1, abs=0.04)
    ray = (60 - frame.geometry.corner[1], slice(890, 896))
    assert (frame.mask[ray] & MaskBit.COSMIC_RAY).all()
    said = cards(result)
    assert said["GSP_BIAS"] == "b.fits"
    assert said["GSP_COSM"] == "LACosmic"
    assert said["GSP_NORM"] == "simple"
    assert said["GSP_TRIM"] == "[11:2055,2:120]"
    assert frame.header["GSP_OVER"] == "[1:8,1:120]"
    assert len(result.history) == 5
    assert json.loads(json.dumps(result.quality))["flags"] == []
    assert (frame.data.dtype, frame.variance.dtype, frame.mask.dtype) == (np.float32, np.float32, np.uint8)
    assert "GSP_BIAS" not in raw.header


def test_the_flat_takes_the_pixels_response_out(masters):
    raw = science(sky=20000.0)
    flattened = reduction.reduce_spectrum(raw, BLUE, options=OPTIONS, clean_cosmic_rays=False, **masters).frame
    plain = reduction.reduce_spectrum(
        raw, BLUE, options=reduction.ReductionOptions(ignore_flats=True), clean_cosmic_rays=False, **masters
    ).frame
    inside = (slice(10, 70), slice(100, 1900))
    assert plain.data[inside].std() / 20000 > 0.011
    noise = np.sqrt(flattened.variance[inside].mean())
    assert flattened.data[inside].std() == pytest.approx(noise, rel=0.05)


@pytest.mark.parametrize(
    ("have", "options", "clean", "steps", "flags"),
    [
        (("bias", "flat"), {}, False, "fzst", set()),
        (("bias", "flat"), {"cosmic_rays": "none"}, True, "fzst", set()),
        (("bias", "flat"), {"cosmic_rays": "dcr"}, True, "cfzst", set()),
        (("bias", "flat"), {"ignore_bias": True}, True, "cfst", {"bias_ignored"}),
        (("bias", "flat"), {"ignore_flats": True}, True, "czst", {"flat_ignored"}),
        (("bias",), {}, True, "czst", {"no_flat"}),
        (("flat",), {}, True, "cfst", {"no_bias"}),
        ((), {}, True, "cst", {"no_bias", "no_flat"}),
    ],
)
def test_letters_stand_for_what_was_done(masters, have, options, clean, steps, flags):
    given = {kind: masters[kind] if kind in have else None for kind in ("bias", "flat")}
    result = reduction.reduce_spectrum(
        science(), BLUE, options=reduction.ReductionOptions(**options), clean_cosmic_rays=clean, **given
    )
    assert result.steps == steps
    assert set(result.quality["flags"]) == flags
    for letter, keyword in zip("zfc", ("GSP_BIAS", "GSP_FLAT", "GSP_COSM"), strict=True):
        assert (cards(result)[keyword] != "none") == (letter in steps)
    assert np.median(result.frame.data[20:30]) == pytest.approx(300, abs=12)


@pytest.mark.parametrize("method", ["simple", "mean", "full"])
def test_normalisations(masters, method):
    options = reduction.ReductionOptions(flat_normalization=method)
    result = reduction.reduce_spectrum(science(), BLUE, options=options, clean_cosmic_rays=False, **masters)
    assert cards(result)["GSP_NORM"] == method
    assert np.median(result.frame.data[20:30]) == pytest.approx(300, rel=0.02 if method != "mean" else 0.6)


def test_unbinned_frames_get_dcr_by_default():
    rng = np.random.default_rng(3)
    detector = Detector("Red", 1.48, 3.89, 65535, (1, 1))
    raw = expose(rng, 200.0, detector, shape=(100, 600))
    result = reduction.reduce_spectrum(raw, detector, bias=None, flat=None, options=OPTIONS, clean_cosmic_rays=True)
    assert cards(result)["GSP_COSM"] == "DCR"


@pytest.mark.parametrize("seed", [21, 22])
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_bright_star_without_a_flat_keeps_its_sky(masters, with_bias, seed):
    profile = ((1 + ((np.arange(SHAPE[0]) - 60) / 3.2) ** 2) ** -2.0)[:, None]
    raw = expose(np.random.default_rng(seed), 5.0 + 3e5 * profile / profile.sum())
    bias = masters["bias"] if with_bias else None
    result = reduction.reduce_spectrum(raw, BLUE, bias=bias, flat=None, options=OPTIONS, clean_cosmic_rays=True)
    assert result.frame.shape[0] == SHAPE[0] - 1
    assert not (result.frame.mask & MaskBit.OUTSIDE_SLIT).any()


def test_an_arc_without_a_flat_is_cut_to_its_own_light(masters):
    lines = np.where(np.arange(SHAPE[1]) % 20 < 3, 3000.0, 0.0)
    raw = expose(np.random.default_rng(23), lines * SLIT)
    result = reduction.reduce_spectrum(
        raw, BLUE, bias=masters["bias"], flat=None, options=OPTIONS, clean_cosmic_rays=False
    )
    assert abs(result.frame.geometry.corner[1] - 16) <= 1
    assert abs(result.frame.shape[0] - 84) <= 2


def test_a_lamp_keeps_its_sharp_lines(masters):
    lines = np.where(np.arange(SHAPE[1]) % 97 == 0, 30000.0, 0.0)
    raw = expose(np.random.default_rng(4), lines * SLIT)
    result = reduction.reduce_spectrum(raw, BLUE, options=OPTIONS, clean_cosmic_rays=False, **masters)
    assert "c" not in result.steps
    assert not (result.frame.mask & MaskBit.COSMIC_RAY).any()


def test_a_master_of_another_binning_is_refused(masters):
    raw = expose(np.random.default_rng(5), 200.0, RED, shape=(120, 2071))
    other = Detector("Blue", 1.4, 4.74, 49928, (1, 2))
    with pytest.raises(CalibrationMismatch, match="binned 2x2, the frame 1x2"):
        reduction.reduce_spectrum(raw, other, options=OPTIONS, clean_cosmic_rays=True, **masters)


@pytest.mark.parametrize("shape", [(10, 10), (1896, 2), (400, 12)])
def test_frames_too_small_to_reduce(shape):
    data = np.random.default_rng(6).normal(500, 3, shape).astype(np.float32)
    with pytest.raises(UnusableFrame, match="too few"):
        reduction.reduce_spectrum(
            RawFrame(data, science().header), BLUE, bias=None, flat=None, options=OPTIONS, clean_cosmic_rays=True
        )


def test_same_input_same_bytes(masters):
    twice = [
        reduction.reduce_spectrum(science(7), BLUE, options=OPTIONS, clean_cosmic_rays=True, **masters) for _ in (1, 2)
    ]
    for plane in ("data", "variance", "mask"):
        assert getattr(twice[0].frame, plane).tobytes() == getattr(twice[1].frame, plane).tobytes()
    assert twice[0].cards == twice[1].cards
    assert twice[0].frame.header.tostring() == twice[1].frame.header.tostring()


def test_bad_options_are_named():
    with pytest.raises(ValueError, match="boxcar"):
        reduction.ReductionOptions(flat_normalization="boxcar")
    with pytest.raises(ValueError, match="sigma"):
        reduction.ReductionOptions(cosmic_rays="sigma")


def test_an_image_keeps_its_stars_and_needs_no_slit():
    rng = np.random.default_rng(8)
    row, column = np.mgrid[:300, :320]
    light = 150 + 50000 * np.exp(-0.5 * ((row - 140) ** 2 + (column - 200) ** 2) / 2.0**2)
    raw = expose(rng, light, RED, shape=(300, 320), trimsec="[1:640,1:600]")
    flats = [expose(rng, 20000.0, RED, shape=(300, 320)) for _ in range(3)]
    bias = combine.combine_bias([expose(rng, 0.0, RED, shape=(300, 320)) for _ in range(3)], RED).frame
    flat = combine.combine_flat(flats, RED, bias).frame
    result = reduction.reduce_image(raw, RED, bias=bias, flat=flat, options=OPTIONS)
    assert result.steps == "cfzt"
    assert result.frame.geometry.corner == (0, 1)
    assert not (result.frame.mask[130:150, 190:210] & MaskBit.COSMIC_RAY).any()
    assert np.median(result.frame.data) == pytest.approx(150, rel=0.03)
    assert "no_overscan" in result.quality["flags"]


@pytest.mark.parametrize(
    ("binning", "method", "wanted", "card"),
    [
        ((2, 2), "dcr", True, "LACosmic"),
        ((1, 1), "default", True, "LACosmic"),
        ((2, 2), "lacosmic", True, "LACosmic"),
        ((2, 2), "none", True, "none"),
        ((2, 2), "dcr", False, "none"),
    ],
)
def test_an_image_says_by_what_it_was_cleaned(binning, method, wanted, card):
    detector = Detector("Red", 1.48, 3.89, 65535, binning)
    raw = expose(np.random.default_rng(9), 150.0, detector, shape=(200, 220), trimsec=None)
    raw.data[100, 100:104] += 3000
    options = reduction.ReductionOptions(cosmic_rays=method)
    result = reduction.reduce_image(raw, detector, bias=None, flat=None, options=options, clean_cosmic_rays=wanted)
    assert cards(result)["GSP_COSM"] == card
    said = [sentence for sentence in result.history if "cosmic rays" in sentence]
    assert ("c" in result.steps) == bool(said) == (card != "none")
    assert all("(LACosmic)" in sentence for sentence in said)
    assert (result.frame.mask & MaskBit.COSMIC_RAY).any() == (card != "none")


def test_the_real_night(shared_data):
    folder = shared_data / "sn2018oh_blue_20180204"
    detector = Detector("Blue", 1.40, 4.74, 49928, (2, 2), (0, 1800))
    read = lambda pattern: [rawfile.read_raw(p.read_bytes()) for p in sorted(folder.glob(pattern))]  # noqa: E731
    bias = combine.combine_bias(read("*Zero*"), detector).frame
    flat = combine.combine_flat(read("*QuFlat*"), detector, bias).frame
    frames = []
    for raw in read("*AT2018*"):
        result = reduction.reduce_spectrum(raw, detector, bias=bias, flat=flat, options=OPTIONS, clean_cosmic_rays=True)
        assert result.steps == "cfzst"
        assert result.quality["flags"] == []
        assert result.frame.shape == (199, 2045)
        assert "all rows are lit" in " ".join(result.history)
        assert 100 < result.quality["cosmic_ray_pixels"] < 600
        frames.append(result.frame)
    # Two exposures of the same sky differ by their noise and nothing else.
    for rows in (slice(5, 45), slice(140, 190)):
        a, b = frames[1], frames[2]
        good = ((a.mask | b.mask)[rows]) == 0
        pull = ((a.data - b.data)[rows] / np.sqrt((a.variance + b.variance)[rows]))[good]
        assert pull.std() == pytest.approx(1, abs=0.04)
    # Rays strike anew in each exposure: a pixel flagged in several would be the object or the detector.
    times = sum((f.mask & np.uint8(MaskBit.COSMIC_RAY)) != 0 for f in frames)
    assert np.count_nonzero(times >= 3) < 15


def test_real_arcs_of_another_binning_reduce_without_masters(shared_data):
    folder = shared_data / "sn2018oh_blue_20180204"
    raw = rawfile.read_raw(next(folder.glob("*_Fe_*")).read_bytes())
    detector = Detector("Blue", 1.40, 4.74, 49928, (1, 2), (0, 1800))
    result = reduction.reduce_spectrum(raw, detector, bias=None, flat=None, options=OPTIONS, clean_cosmic_rays=False)
    assert result.frame.shape == (199, 4090)
    assert result.steps == "st"
