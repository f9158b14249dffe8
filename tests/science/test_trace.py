"""The trace: from bright to barely there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chalicelib.science.frame import Geometry
from chalicelib.science.profile import collapse
from chalicelib.science.spectrum import Trace
from chalicelib.science.trace import TracePrior, fit_trace, prior_from, shape_of, shifted_fit, wide_prior

from .longslit import GEOMETRY, READ_NOISE, LongSlit, Source


def collapsed(slit: LongSlit, seed: int):
    frame = slit.frame(seed=seed)
    sky = slit.sky_image()
    return collapse(frame.data - sky.astype(np.float32), (sky + READ_NOISE**2).astype(np.float32), frame.mask == 0)


def rms(slit, source, fit):
    return float(np.sqrt(np.mean((fit.row(slit.columns) - slit.trace(source)) ** 2)))


def test_bright_trace_width_and_exponent():
    source = Source(2000, 80, 4.2, 2.6)
    slit = LongSlit(sources=[source])
    fit = fit_trace(collapsed(slit, 1), 81, wide_prior((-5, 0, 0), 3.0, 2), 500)
    assert rms(slit, source, fit) < 0.02
    assert np.exp(fit.log_fwhm[0]) == pytest.approx(4.2, rel=0.02)
    assert fit.beta == pytest.approx(2.6, rel=0.06)
    assert fit.flux == pytest.approx(2000, rel=0.01)


def test_stated_error_is_the_real_one():
    source = Source(60, 80)
    slit = LongSlit(sources=[source])
    offsets, stated = [], []
    for seed in range(12):
        fit = fit_trace(collapsed(slit, seed), 80, wide_prior((-6, 1.2, 0), 4.0, 2), 80)
        offsets.append(rms(slit, source, fit))
        stated.append(fit.error)
    assert np.sqrt(np.mean(np.square(offsets))) == pytest.approx(np.mean(stated), rel=0.4)


def test_faint_trace_borrows_its_shape():
    bright, faint = Source(2000, 50), Source(6, 110)
    slit = LongSlit(sources=[bright, faint])
    errors = []
    for seed in range(6):
        image = collapsed(slit, seed)
        leader = fit_trace(image, 50, wide_prior((-6, 1, 0), 4.0, 2), 900)
        fit = fit_trace(image.minus(leader.model(image)), 110, prior_from(leader, 2), slit.integrated(faint))
        errors.append(rms(slit, faint, fit))
    assert slit.integrated(faint) < 12
    assert np.median(errors) < 0.3


def test_units_of_the_public_trace():
    source = Source(2000, 80)
    slit = LongSlit(sources=[source])
    trace = fit_trace(collapsed(slit, 1), 80, wide_prior((-6, 1, 0), 4.0, 2), 500).to_trace(GEOMETRY)
    truth = GEOMETRY.detector_row(slit.trace(source))
    np.testing.assert_allclose(trace.row(GEOMETRY.detector_column(slit.columns)), truth, atol=0.06)
    assert trace.fwhm == pytest.approx(8, rel=0.03)


def test_shape_carries_between_binnings():
    trace = Trace((700.0, 12.0, -1.5, 0.2), (0.0, 4100.0), 0.1, 6.0, "moffat")
    whole = Geometry(binning=(1, 1), corner=(0, 0))
    coarse = Geometry(binning=(2, 2), corner=(0, 0))
    fine_shape, coarse_shape = shape_of(trace, whole, 4101), shape_of(trace, coarse, 2050)
    np.testing.assert_allclose(fine_shape, (12.0, -1.5, 0.2), atol=1e-6)
    np.testing.assert_allclose(coarse_shape, (6.0, -0.75, 0.1), atol=0.01)


def test_shifted_fit_passes_through_the_place():
    slit = LongSlit(sources=[Source(2000, 80)])
    fit = fit_trace(collapsed(slit, 1), 80, TracePrior((-6, 1, 0), (5, 2, 1), 4.0), 500)
    moved = shifted_fit(fit, 33.5)
    middle = (fit.columns - 1) / 2
    assert moved.row(middle) == pytest.approx(33.5)
    np.testing.assert_allclose(np.diff(moved.row(slit.columns)), np.diff(fit.row(slit.columns)))


@pytest.mark.parametrize(("slope", "bend"), [(14.0, 4.0), (-16.0, -4.0), (10.0, 5.0)])
def test_a_bright_star_is_kept_from_a_start_that_leaves_it(slope, bend):
    """A start right at the middle only must not end where half the frame holds no light."""
    star = Source(60_000, 80, 3.0)
    slit = LongSlit(sources=[star], slope=-3.0, bend=0.2)
    prior = replace(wide_prior((0.0, 0.0, 0.0), 3.2, 2), start=(slope, bend, 3.2))
    fit = fit_trace(collapsed(slit, 3), 80, prior, 5000)
    assert rms(slit, star, fit) < 0.05
