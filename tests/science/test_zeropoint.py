"""The zero point from the sky, against skies with a known shift and skies that show nothing."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from chalicelib.science.dispersion import WavelengthSolution
from chalicelib.science.zeropoint import measure

_path = Path(__file__).resolve().parents[2] / "bench" / "zeropoint.py"
_spec = importlib.util.spec_from_file_location("bench_zeropoint", _path)
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)


def moonlit(seed, shift, snr=10, mode="930_custom", **more):
    return bench.observe(mode, np.random.default_rng(seed), moon=8.0, airglow=1.0, snr=snr, shift=shift, **more)


def dark(seed, shift, snr=5, mode="400_M2", **more):
    return bench.observe(mode, np.random.default_rng(seed), moon=0.0, airglow=1.0, snr=snr, shift=shift, **more)


@pytest.mark.parametrize("shift", [-47.0, -6.5, 21.0])
def test_moonlit_blue_sky_to_a_tenth_of_an_angstrom(shift):
    found = measure(*moonlit(int(abs(shift)), shift))
    assert found.verified
    assert found.applied
    assert "solar absorption" in found.method
    scale = abs(found.shift / found.shift_pixels)
    assert abs(found.shift_pixels - shift) * scale < 0.1
    assert abs(found.shift_pixels - shift) < 4 * found.error_pixels


@pytest.mark.parametrize("slit, binning", [(0.45, 2), (1.0, 1), (3.0, 2)])
def test_airglow_to_a_tenth_of_a_pixel_through_any_slit(slit, binning):
    found = measure(*dark(3, 17.0, snr=10, slit=slit, binning=binning))
    assert found.verified
    assert found.applied
    assert found.shift_pixels == pytest.approx(17.0, abs=0.1 * binning)
    assert "[O I] 5577" in found.features


def test_a_right_arc_is_confirmed_and_left_alone():
    *sky, solved = moonlit(4, 0.0)
    found = measure(*sky, solved)
    assert found.verified
    assert not found.applied
    assert found.apply(solved) is solved
    assert "confirms" in found.reason


@pytest.mark.parametrize("kind", ["noise", "smooth", "correlated"])
@pytest.mark.parametrize("seed", range(4))
def test_nothing_in_the_sky_corrects_nothing(kind, seed):
    found = measure(*bench.nothing(np.random.default_rng(seed), 10, kind))
    assert not found.verified
    assert not found.applied
    assert found.reason.startswith("The zero point of the wavelengths is not verified: ")
    assert np.isnan(found.shift)


def test_a_cosmic_ray_is_not_the_green_line():
    mode = "400_M1"
    solved = bench.solution(mode)
    rng = np.random.default_rng(8)
    column = 2 * np.arange(10, 2038) + 0.5
    flux = 100 + rng.normal(size=column.size)
    flux[np.argmin(np.abs(solved.wavelength(column) - 5560))] += 80
    found = measure(column, flux, np.ones(column.size), np.zeros(column.size, int), solved)
    assert not found.verified


def test_masked_columns_do_not_count():
    column, flux, error, mask, solved = moonlit(5, 12.0)
    want = measure(column, flux, error, mask, solved).shift_pixels
    flux, mask, error = flux.copy(), mask.copy(), error.copy()
    mask[700:760] |= 2
    flux[700:760] = 1e6
    flux[1500:1510] = np.nan
    error[1600] = 0
    found = measure(column, flux, error, mask, solved)
    assert found.shift_pixels == pytest.approx(want, abs=3 * found.error_pixels)


def test_the_corrected_solution_is_right_everywhere():
    *sky, solved = moonlit(6, 30.0, snr=20)
    right = measure(*sky, solved).apply(solved)
    column = np.linspace(100, 4000, 9)
    # What the simulated sky was made with: 2 pixels of flexure, the rest rigid in wavelength.
    truth = solved.wavelength(column + 2) + 28 * solved.dispersion(2048.0)
    assert np.abs(right.wavelength(column) - truth).max() < 0.15
    assert right.zero_point != 0


def test_a_wrong_scale_is_not_passed_off_as_a_shift():
    column, flux, error, mask, solved = moonlit(7, 0.0, snr=30)
    low, high = solved.domain
    coefficients = (solved.coefficients[0], solved.coefficients[1] * 1.02, *solved.coefficients[2:])
    bent = WavelengthSolution(coefficients, (low, high), (low, high), (), 0.02, 0.01, (), "grating equation")
    found = measure(column, flux, error, mask, bent)
    assert not found.verified or found.error_pixels > 0.5


def test_too_little_sky_is_said():
    column, flux, error, mask, solved = moonlit(1, 0.0)
    found = measure(column, flux, error, np.ones_like(mask), solved)
    assert "only 0 columns" in found.reason
    assert json.loads(json.dumps(found.to_dict()))["shift"] is None


def test_result_is_the_same_twice_and_json_ready():
    sky = dark(9, -11.0)
    first, second = measure(*sky), measure(*sky)
    assert first == second
    kept = json.loads(json.dumps(first.to_dict()))
    assert kept["applied"] is True
    assert len(kept["stretches"]) >= 3
