"""The real night: afternoon arcs through another slit, and what the moonlit sky says about them."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.science.combine import combine_bias, combine_flat
from chalicelib.science.extraction import extract
from chalicelib.science.frame import Detector
from chalicelib.science.rawfile import read_raw
from chalicelib.science.reduction import reduce_spectrum
from chalicelib.science.reference import load
from chalicelib.science.wavelength.collapse import collapse_arc
from chalicelib.science.wavelength.solver import Setup, solve
from chalicelib.science.zeropoint import measure

# Fraunhofer lines deep enough to be found by eye at this resolution.
FRAUNHOFER = {"Ca II K": 3933.66, "Ca II H": 3968.47, "H gamma": 4340.47, "H beta": 4861.33}


def detector(serial: int) -> Detector:
    return Detector("Blue", 1.40, 4.74, 49928.0, (serial, 2))


@pytest.fixture(scope="module")
def spectrum_and_solution(shared_data: Path, reference_bundle: Path):
    folder = shared_data / "sn2018oh_blue_20180204"

    def raws(pattern):
        return [read_raw(path.read_bytes()) for path in sorted(folder.glob(pattern))]

    bias = combine_bias(raws("*Zero*"), detector(2)).frame
    flat = combine_flat(raws("*QuFlat*"), detector(2), bias).frame
    raw = raws("0269_AT2018oh*")[0]
    science = reduce_spectrum(raw, detector(2), bias=bias, flat=flat, clean_cosmic_rays=True).frame
    spectrum = extract(science)[0]
    arc = reduce_spectrum(raws("0020_Fe*")[0], detector(1), bias=None, flat=None, clean_cosmic_rays=False).frame
    setup = Setup(930.0, 13.0, 24.0, "Blue", ("Fe",))
    return spectrum, solve(collapse_arc(arc, spectrum.trace), setup, load(reference_bundle))


def test_the_moonlit_sky_corrects_the_arc(spectrum_and_solution):
    spectrum, solution = spectrum_and_solution
    column = spectrum.geometry.detector_column(spectrum.column)
    found = measure(column, spectrum.sky, spectrum.sky_error, spectrum.mask, solution)
    assert found.verified
    assert found.applied
    assert found.method == "solar absorption"
    assert found.error < 0.1
    # Separate parts of the spectrum ask for the same shift: it is rigid.
    shifts = np.array([s.shift for s in found.stretches])
    errors = np.array([s.error for s in found.stretches])
    assert len(shifts) >= 5
    assert np.sum(((shifts - found.shift_pixels) / errors) ** 2) < 25
    # Independently of the template: the deepest Fraunhofer lines now lie where they belong.
    wave = found.apply(solution).wavelength(column)
    for name, line in FRAUNHOFER.items():
        near = np.abs(wave - line) < 12
        level = np.convolve(spectrum.sky, np.ones(5) / 5, "same")[near]
        assert abs(wave[near][np.argmin(level)] - line) < 2.0, name
