"""Lines are found where they are, with errors that mean something."""

import numpy as np
import pytest

from chalicelib.science.frame import MaskBit
from chalicelib.science.wavelength.grating import Grating
from chalicelib.science.wavelength.lines import ArcSpectrum, measure
from chalicelib.science.wavelength.match import Shape

from .lamps import draw

FLAT = Shape(Grating(400, 7.5, 16.1), (0.0,))


def drawn(columns, heights, **options) -> ArcSpectrum:
    return draw(FLAT, FLAT.wavelength(np.asarray(columns, dtype=float)), np.asarray(heights, dtype=float), **options)


@pytest.mark.parametrize("binning", [1, 2])
def test_pulls_of_isolated_lines(binning):
    rng = np.random.default_rng(3)
    pulls = []
    for seed in range(4):
        columns = 120.0 + 60 * np.arange(60) + rng.uniform(-3, 3, 60)
        lines = measure(drawn(columns, 10 ** rng.uniform(2.0, 3.0, 60), binning=binning, seed=seed))
        nearest = np.abs(lines.column[:, None] - columns).argmin(axis=1)
        offset = lines.column - columns[nearest]
        assert len(lines) >= 58
        pulls.append((offset / lines.error)[np.abs(offset) < 2])
    pulls = np.concatenate(pulls)
    assert abs(np.mean(pulls)) < 0.25
    assert 0.6 < np.std(pulls) < 1.4


def test_neighbour_does_not_pull_a_centroid():
    lines = measure(drawn([600, 1000, 1005.5, 1500, 2000, 2500, 3000], [5e3, 2e4, 8e3, 5e3, 5e3, 5e3, 5e3], fwhm=3.2))
    assert np.abs(lines.column - 1000).min() < 0.05
    assert np.abs(lines.column - 1005.5).min() < 0.08


def test_saturated_line_is_measured_on_its_wings_and_marked():
    columns = 200.0 + 300 * np.arange(12)
    arc = drawn(columns, np.full(12, 1e4))
    flux, mask = arc.flux.copy(), arc.mask.copy()
    core = flux > 7e3
    core[np.abs(arc.column - columns[4]) > 10] = False
    flux[core], mask[core] = 7e3, MaskBit.SATURATED
    lines = measure(ArcSpectrum(arc.column, flux, arc.variance, mask))
    k = int(np.abs(lines.column - columns[4]).argmin())
    assert not lines.clean[k]
    assert abs(lines.column[k] - columns[4]) < 0.1
    assert lines.clean.sum() >= 11


def test_dark_and_broken_spectra_have_no_lines():
    n = 2000
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 5, n)
    assert len(measure(ArcSpectrum(np.arange(n) + 50.0, noise, np.full(n, 25.0), np.zeros(n, np.uint8)))) <= 2
    nothing = np.full(n, np.nan)
    assert len(measure(ArcSpectrum(np.arange(n) + 50.0, nothing, nothing, np.zeros(n, np.uint8)))) == 0
