"""Pixel response: found where there is light, left alone where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.science import flat
from chalicelib.science.frame import Frame, MaskBit

SHAPE = (90, 1200)
X = np.linspace(0, 1, SHAPE[1])


def lamp(kind: str) -> np.ndarray:
    """Electrons a pixel of a quartz lamp: two decades along the dispersion."""
    return {"steep": 300 * 10 ** (2 * X), "bump": 4000 + 9000 * np.exp(-0.5 * ((X - 0.6) / 0.2) ** 2)}[kind]


def master(rng, light: np.ndarray, members: int = 10) -> tuple[Frame, np.ndarray]:
    """A flat of ``members`` exposures and the true response of its pixels."""
    response = 1 + rng.normal(0, 0.015, SHAPE) + 0.05 * np.sin(np.linspace(0, 3, SHAPE[0]))[:, None]
    data = rng.poisson(np.broadcast_to(light * response * members, SHAPE)) / members
    variance = np.maximum(light, 1) * np.ones(SHAPE) / members + 1.0
    return Frame(data.astype(np.float32), variance.astype(np.float32), np.zeros(SHAPE, np.uint8)), response


@pytest.mark.parametrize("kind", ["steep", "bump"])
@pytest.mark.parametrize("method", ["simple", "full"])
def test_response_is_recovered_within_its_own_errors(kind, method):
    frame, true = master(np.random.default_rng(1), lamp(kind))
    response = flat.normalise(frame, method)
    if method == "full":  # a series a row takes the illumination out too
        true = true / (1 + 0.05 * np.sin(np.linspace(0, 3, SHAPE[0])))[:, None]
    true = true / np.median(true)
    ratio = response.data / np.median(response.data)
    used = ~response.no_flat
    assert used.mean() > 0.9
    pull = (ratio - true)[used] / np.sqrt(response.variance[used])
    assert abs(np.median(pull)) < 0.2
    assert pull.std() == pytest.approx(1, abs=0.15)


def test_mean_leaves_the_lamp_in():
    frame, _ = master(np.random.default_rng(2), lamp("bump"))
    response = flat.normalise(frame, "mean")
    light = lamp("bump")
    np.testing.assert_allclose(np.median(response.data, axis=0), light / np.median(light), rtol=0.03)


def test_columns_without_light_are_flagged_and_not_divided_by_noise():
    light = lamp("bump").copy()
    light[:300] = 2.0
    frame, _ = master(np.random.default_rng(3), light)
    response = flat.normalise(frame)
    assert response.no_flat[:, :300].all()
    assert not response.no_flat[:, 320:].any()
    assert np.abs(response.data[:, :300] - 1).max() < 0.1
    assert not response.variance[:, :300].any()
    # the illumination along the slit goes on: no step at the border of the lit columns
    left, right = response.data[:, 290:300].mean(axis=1), response.data[:, 320:420].mean(axis=1)
    np.testing.assert_allclose(left, right, atol=0.01)
    science = Frame(np.full(SHAPE, 100, np.float32), np.full(SHAPE, 100, np.float32), np.zeros(SHAPE, np.uint8))
    divided = flat.divide(science, response)
    assert (divided.mask[:, :300] == MaskBit.NO_FLAT).all()
    assert divided.data[:, :300].std() < 5
    assert not divided.mask[:, 320:].any()


def test_a_flat_without_any_light_covers_nothing():
    frame, _ = master(np.random.default_rng(4), np.full(SHAPE[1], 1.0))
    response = flat.normalise(frame)
    assert response.covered == 0
    assert (response.data == 1).all()


def test_dead_and_saturated_pixels_and_dust_do_not_bend_the_lamp():
    rng = np.random.default_rng(5)
    frame, _ = master(rng, lamp("bump"))
    reference = flat.normalise(frame)
    frame.data[10:14, 100:130] *= 0.5
    frame.data[30:40, 700:705] = 60000
    frame.mask[30:40, 700:705] = MaskBit.SATURATED
    frame.data[:, 640] *= 3  # a hot column
    response = flat.normalise(frame)
    assert response.no_flat[30:40, 700:705].all()
    np.testing.assert_allclose(response.data[60:, 100:600], reference.data[60:, 100:600], rtol=0.003)
    assert response.data[12, 115] == pytest.approx(0.5, abs=0.06)


def test_division_carries_the_flat_s_variance():
    rng = np.random.default_rng(6)
    true = 1 + rng.normal(0, 0.01, SHAPE)
    measured = true + rng.normal(0, 0.02, SHAPE)
    response = flat.Response(
        measured.astype(np.float32), np.full(SHAPE, 0.0004, np.float32), np.zeros(SHAPE, bool), "simple"
    )
    counts = rng.poisson(4000 * true).astype(np.float32)
    frame = Frame(counts, counts.copy(), np.zeros(SHAPE, np.uint8))
    divided = flat.divide(frame, response)
    pull = (divided.data - 4000) / np.sqrt(divided.variance)
    assert pull.std() == pytest.approx(1, abs=0.05)
    assert frame.data is not divided.data


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="boxcar"):
        flat.normalise(Frame(np.ones((20, 20)), np.ones((20, 20)), np.zeros((20, 20), np.uint8)), "boxcar")
