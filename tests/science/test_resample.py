"""Exact-overlap rebinning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.science.dispersion import WavelengthSolution
from chalicelib.science.frame import Geometry
from chalicelib.science.resample import rebin, to_linear, wavelength_edges
from chalicelib.science.spectrum import Apertures, Spectrum, Trace


def solution(coefficients=(4400.0, 850.0, -8.0, 0.6), domain=(0.0, 4142.0)):
    return WavelengthSolution(coefficients, domain, domain, (), 0.02, 0.01, ("Ar",), "grating equation")


def spectrum(flux, error, *, first=13, binning=(2, 2), solved=None):
    n = len(flux)
    return Spectrum(
        column=np.arange(first, first + n, dtype=float),
        flux=np.asarray(flux, np.float32),
        error=np.asarray(error, np.float32),
        flux_box=np.asarray(flux, np.float32),
        error_box=np.asarray(error, np.float32),
        sky=np.zeros(n, np.float32),
        sky_error=np.ones(n, np.float32),
        mask=np.zeros(n, np.uint8),
        geometry=Geometry(binning=binning),
        trace=Trace((400.0,), (0.0, 4142.0), 0.1, 8.0, "moffat"),
        apertures=Apertures((-8.0, 8.0), ((20.0, 60.0),)),
        solution=solved or solution(),
    )


def overlap_by_hand(edges_in, values, variances, edges_out):
    out, var = np.zeros(len(edges_out) - 1), np.zeros(len(edges_out) - 1)
    for j in range(len(out)):
        for i in range(len(values)):
            inside = min(edges_in[i + 1], edges_out[j + 1]) - max(edges_in[i], edges_out[j])
            share = max(inside, 0) / (edges_in[i + 1] - edges_in[i])
            out[j] += share * values[i]
            var[j] += share**2 * variances[i]
    return out, var


widths = st.lists(st.floats(0.05, 3.0), min_size=1, max_size=12)


@given(widths, widths, st.floats(-3, 3), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_equals_the_overlap_worked_out_by_hand(widths_in, widths_out, offset, random):
    edges_in = np.concatenate([[0.0], np.cumsum(widths_in)])
    edges_out = offset + np.concatenate([[0.0], np.cumsum(widths_out)])
    values = [random.uniform(-5, 50) for _ in widths_in]
    variances = [random.uniform(0, 50) for _ in widths_in]
    got, want = rebin(edges_in, values, variances, edges_out), overlap_by_hand(edges_in, values, variances, edges_out)
    assert np.allclose(got, want, atol=1e-9)


def test_bad_edges_are_refused():
    with pytest.raises(ValueError):
        rebin([0, 1, 1], [1, 2], None, [0, 1])
    with pytest.raises(ValueError):
        rebin([0, 1], [1, 2], None, [0, 1])


def test_linear_axis_conserves_flux_and_places_lines():
    n = 2040
    wave = spectrum(np.ones(n), np.ones(n)).wavelength
    line = 5000.0
    flux = 100 * np.exp(-0.5 * ((wave - line) / 2.5) ** 2) + 7
    out, error, crval, cdelt = to_linear(spectrum(flux, np.sqrt(flux)))
    assert out.size == n and np.isfinite(error).all()
    assert out.sum(dtype=float) == pytest.approx(flux.sum(), rel=1e-6)
    axis = crval + cdelt * np.arange(n)
    near = np.abs(axis - line) < 15
    weight = out[near] - np.median(out[np.abs(axis - line) < 60])
    assert np.average(axis[near], weights=weight) == pytest.approx(line, abs=0.02)


def test_axis_covers_what_the_columns_cover():
    made = spectrum(np.ones(50), np.ones(50))
    edges = wavelength_edges(made)
    _, _, crval, cdelt = to_linear(made)
    assert crval - cdelt / 2 == pytest.approx(edges[0])
    assert crval + cdelt * 49.5 == pytest.approx(edges[-1])


def test_falling_wavelengths_are_turned_round():
    flux = np.arange(60.0)
    out, _, _, cdelt = to_linear(spectrum(flux, np.ones(60), solved=solution((4400.0, -850.0))))
    assert cdelt > 0
    assert np.allclose(out, flux[::-1], rtol=1e-5)


def test_missing_columns_are_bridged_and_said():
    flux, error = np.full(200, 10.0), np.full(200, 2.0)
    flux[90:95] = np.nan
    out, err, _, _ = to_linear(spectrum(flux, error, solved=solution((4400.0, 850.0))))
    assert np.allclose(out, 10.0, rtol=1e-5)
    assert set(np.flatnonzero(np.isnan(err))) == set(range(90, 95))


def test_errors_of_a_shift_by_half_a_pixel():
    values, variance = rebin(np.arange(6.0), np.ones(5), np.ones(5), np.arange(0.5, 5))
    assert np.allclose(values, 1) and np.allclose(variance, 0.5)


def test_uncalibrated_spectra_are_refused():
    with pytest.raises(ValueError, match="without a wavelength solution"):
        to_linear(spectrum(np.ones(5), np.ones(5)).with_data(solution=None))
