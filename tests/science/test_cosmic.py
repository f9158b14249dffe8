"""Cosmic rays on simulated long-slit frames with truth, and on real ones."""

from __future__ import annotations

import numpy as np
import pytest

from bench.reduction import judge, scene
from chalicelib.science import background, cosmic
from chalicelib.science.frame import Frame, Geometry, MaskBit

READ_NOISE = 3.9


def as_frame(data: np.ndarray, binning: int = 2) -> Frame:
    variance = np.maximum(data, 0) + np.float32(READ_NOISE**2)
    return Frame(data, variance, np.zeros(data.shape, np.uint8), Geometry((binning, binning)))


def flags(frame: Frame) -> np.ndarray:
    return (frame.mask & np.uint8(MaskBit.COSMIC_RAY)) != 0


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize(("method", "recall"), [("lacosmic", 0.97), ("dcr", 0.94)])
def test_rays_are_found_and_nothing_else(seed, method, recall):
    rng = np.random.default_rng(seed)
    truth = scene(rng, (400, 1200), 2, READ_NOISE, [5.0, 15.0, 30.0][seed % 3])
    cleaned = cosmic.clean(as_frame(truth.noisy), READ_NOISE, method).frame
    figures = judge(truth, flags(cleaned), cleaned.data, READ_NOISE)
    assert figures["recall"] > recall
    assert figures["precision"] > 0.96
    assert figures["false in cores %"] < 0.1
    assert figures["all columns, bad after %"] < 0.5


@pytest.mark.parametrize("seed", [21, 22])
def test_a_frame_without_rays_keeps_its_lines(seed):
    """Narrow sky and target lines are what detectors without a model take for rays."""
    truth = scene(np.random.default_rng(seed), (400, 1200), 2, READ_NOISE, 15.0)
    for method in ("lacosmic", "dcr"):
        found = flags(cosmic.clean(as_frame(truth.without), READ_NOISE, method).frame)
        assert found.mean() < 2e-4
        assert found[truth.lines].mean() < 1e-3


def test_flagged_pixels_carry_the_model_and_no_weight():
    rng = np.random.default_rng(5)
    data = rng.normal(40, np.sqrt(40 + READ_NOISE**2), (200, 400)).astype(np.float32)
    data[100, 200:205] += 4000
    before = as_frame(data)
    after = cosmic.clean(before, READ_NOISE, "lacosmic").frame
    assert flags(after)[100, 200:205].all()
    assert np.abs(after.data[100, 200:205] - 40).max() < 10
    assert (after.variance[100, 200:205] > 3000**2).all()
    untouched = ~flags(after)
    np.testing.assert_array_equal(after.data[untouched], before.data[untouched])
    np.testing.assert_array_equal(after.variance[untouched], before.variance[untouched])
    assert not flags(before).any()


def test_saturated_lines_are_not_rays():
    rng = np.random.default_rng(6)
    data = rng.normal(40, 7, (200, 400)).astype(np.float32)
    data[:, 150:153] += 60000
    frame = as_frame(data)
    frame.mask[:, 150:153] = MaskBit.SATURATED
    assert not flags(cosmic.clean(frame, READ_NOISE, "lacosmic").frame)[:, 145:158].any()


def test_a_wrong_read_noise_does_not_flood_the_mask():
    rng = np.random.default_rng(7)
    data = rng.normal(40, 20, (300, 600)).astype(np.float32)  # pattern noise three times the header's
    assert flags(cosmic.clean(as_frame(data), READ_NOISE, "lacosmic").frame).mean() < 1e-3


@pytest.mark.parametrize("shape", [(16, 16), (17, 400), (400, 17)])
@pytest.mark.parametrize("method", ["dcr", "lacosmic"])
def test_small_frames_do_not_break(shape, method):
    data = np.random.default_rng(8).normal(50, 8, shape).astype(np.float32)
    assert cosmic.clean(as_frame(data), READ_NOISE, method).frame.shape == shape


def test_dcr_finds_the_gap_and_only_above_it():
    rng = np.random.default_rng(9)
    residual = rng.normal(0, 1, (95, 95)).astype(np.float32)
    residual[50, 50], residual[20, 70:73] = 12, 30
    seeds = cosmic.dcr(residual)
    assert seeds.sum() == 4
    assert seeds[50, 50]
    assert seeds[20, 70:73].all()
    assert not cosmic.dcr(rng.normal(0, 1, (95, 95)).astype(np.float32)).any()


def test_plain_sky_agrees_with_astroscrappy():
    """Where there is nothing but sky the model changes nothing: both find the same rays."""
    astroscrappy = pytest.importorskip("astroscrappy")
    rng = np.random.default_rng(10)
    data = (rng.poisson(60, (200, 300)) + rng.normal(0, READ_NOISE, (200, 300))).astype(np.float32)
    hits, truth = rng.integers(5, 195, (60, 2)), np.zeros(data.shape, bool)
    for row, column in hits:
        data[row, column : column + 2] += rng.uniform(150, 2000)
        truth[row, column : column + 2] = True
    theirs, _ = astroscrappy.detect_cosmics(data, gain=1.0, readnoise=READ_NOISE, sigclip=4.5, satlevel=1e9)
    ours = flags(cosmic.clean(as_frame(data), READ_NOISE, "lacosmic").frame)
    assert (theirs & truth).sum() > 0.98 * truth.sum()
    assert (ours & truth).sum() > 0.98 * truth.sum()
    assert (ours & ~truth).sum() <= (theirs & ~truth).sum()


def test_stars_of_an_image_are_not_rays():
    rng = np.random.default_rng(11)
    row, column = np.mgrid[:300, :300]
    image = np.full((300, 300), 200.0)
    for y, x, flux in zip(rng.uniform(10, 290, 60), rng.uniform(10, 290, 60), 10 ** rng.uniform(3, 6, 60), strict=True):
        image += flux / (2 * np.pi * 1.4**2) * np.exp(-0.5 * ((row - y) ** 2 + (column - x) ** 2) / 1.4**2)
    data = (rng.poisson(image) + rng.normal(0, READ_NOISE, image.shape)).astype(np.float32)
    faint = image < 205
    rays = np.zeros(image.shape, bool)
    rays[rng.integers(0, 300, 80), rng.integers(0, 300, 80)] = True
    rays &= faint
    data[rays] += 600
    found = flags(cosmic.clean(as_frame(data), READ_NOISE, "lacosmic", smooth=False).frame)
    assert found[rays].mean() > 0.98
    assert (found & ~cosmic.dilated(rays)).sum() <= 5


def test_model_follows_a_tilted_sky_and_two_targets():
    rng = np.random.default_rng(12)
    row, column = np.arange(400)[:, None], np.arange(1500)
    sky = 100 + 3000 * np.exp(-0.5 * ((column - 700 - 1.5 * row / 400) / 1.2) ** 2)
    trace = 180 + 6 * (column / 1500 - 0.5)
    line = 1 + 6 * np.exp(-0.5 * ((column - 300) / 1.3) ** 2)
    light = sky + 500 * line * np.exp(-0.5 * ((row - trace) / 1.8) ** 2) + 80 * np.exp(-0.5 * ((row - 300) / 2) ** 2)
    data = (rng.poisson(light) + rng.normal(0, READ_NOISE, light.shape)).astype(np.float32)
    model, error = background.of_spectrum(data, np.zeros(light.shape, bool), READ_NOISE, (2, 2))
    noise = np.sqrt(light + READ_NOISE**2)
    assert np.abs((model - light) / np.hypot(noise, error)).mean() < 0.35
    assert (np.abs(model - light) > 4.5 * np.hypot(noise, error)).mean() < 1e-4


def test_what_astroscrappy_finds_on_a_real_gmos_frame_is_found(shared_data):
    astroscrappy = pytest.importorskip("astroscrappy")
    from astropy.io import fits

    with fits.open(shared_data / "cosmic" / "astroscrappy_gmos.fits.gz") as units:
        data = units["SCI"].data.astype(np.float32)
    theirs, _ = astroscrappy.detect_cosmics(data, gain=1.0, readnoise=3.5, sigclip=4.5)
    assert theirs.sum() > 100
    for method in ("lacosmic", "dcr"):
        ours = flags(cosmic.clean(as_frame(data), 3.5, method).frame)
        assert (ours & theirs).sum() > 0.98 * theirs.sum()
        assert (ours & cosmic.dilated(theirs)).sum() > 0.95 * ours.sum()
