"""Real arcs: the figures the real night has to reach."""

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.science import reference
from chalicelib.science.frame import Frame, Geometry, MaskBit
from chalicelib.science.wavelength import Arc, Setup, collapse_arc, combine, solve

NIGHT = "sn2018oh_blue_20180204"
NIGHT_SETUP = Setup(930.0, 13.0, 24.0, "Blue", ("Fe",), "Custom")


def read(path, saturation: float) -> Frame:
    """Level from the prescan, gain and noise from the header, edges cut: no more than this test needs."""
    header, data = fits.getheader(path), fits.getdata(path).astype(float)
    binning = tuple(int(b) for b in header["CCDSUM"].split())
    electrons = (data - np.median(data[:, 6 // binning[0] : 24 // binning[0]])) * header["GAIN"]
    cut = slice(50 // binning[0], 4110 // binning[0])
    mask = np.where(data >= saturation, MaskBit.SATURATED, 0).astype(np.uint8)
    variance = np.maximum(electrons, 0) + header["RDNOISE"] ** 2
    return Frame(electrons[:, cut].astype(np.float32), variance[:, cut].astype(np.float32), mask[:, cut],
                 Geometry(binning).cut(cut.start, 0), header)  # fmt: skip


@pytest.fixture(scope="module")
def library(reference_bundle):
    return reference.load(reference_bundle)


@pytest.fixture(scope="module")
def lamps(shared_data):
    frames = [read(shared_data / NIGHT / f"00{n}_Fe_930_blue_long.fits.gz", 49928) for n in (18, 19, 20)]
    return [collapse_arc(frame) for frame in frames]


@pytest.fixture(scope="module")
def night(lamps, library):
    return [solve(lamp, NIGHT_SETUP, library) for lamp in lamps]


def test_night_arcs_have_sixty_laboratory_lines(night):
    for solution in night:
        used = [line for line in solution.lines if line.used and 3640 < line.wavelength < 5230]
        assert len(used) >= 60
        assert solution.rms / solution.dispersion(2071.0) / 2 <= 0.05
        assert {"Fe", "Ar"} <= set(solution.lamps)


def test_night_arcs_agree(night):
    column = np.linspace(200, 3950, 200)
    step = 2 * night[0].dispersion(2071.0)
    for other in night[1:]:
        difference = (other.wavelength(column) - night[0].wavelength(column)) / step
        assert np.sqrt(np.mean(difference**2)) < 0.02


def test_the_outer_arcs_of_the_night_predict_the_middle_one(lamps, night, library):
    first, last = (Arc(lamps[k], NIGHT_SETUP, time, name) for k, time, name in ((0, -66.5, "18"), (2, 66.5, "20")))
    bracket = combine([first, last], library)
    assert bracket.used == (True, True) and not bracket.notes
    assert abs(bracket.drift) < 0.05  # a minute apart, the telescope parked
    column = np.linspace(200, 3950, 200)
    step = 2 * night[1].dispersion(2071.0)
    difference = (bracket.solution.wavelength(column) - night[1].wavelength(column)) / step
    assert np.sqrt(np.mean(difference**2)) < 0.01
    assert bracket.solution.rms / step <= 0.05
    assert sum(line.used for line in bracket.solution.lines) >= 150


def test_trace_and_slit_middle_differ_by_the_tilt_only(shared_data, library, night):
    frame = read(shared_data / NIGHT / "0018_Fe_930_blue_long.fits.gz", 49928)
    top = Frame(frame.data[:60], frame.variance[:60], frame.mask[:60], frame.geometry, frame.header)
    shift = solve(collapse_arc(top), NIGHT_SETUP, library).wavelength(2071.0) - night[0].wavelength(2071.0)
    assert abs(shift / night[0].dispersion(2071.0)) < 0.8


@pytest.mark.parametrize(
    ("name", "angles", "mode", "fewest"),
    [("sp_400m1", (5.8, 11.6), "400_M1", 25), ("sp_400m2", (7.5, 16.1), "400_M2", 60)],
)
def test_red_focus_arcs(shared_data, library, name, angles, mode, fewest):
    frame = read(shared_data / "focus_red_2019" / f"{name}.fits.gz", 65535)
    solution = solve(collapse_arc(frame), Setup(400.0, *angles, "Red", ("Hg", "Ar", "Ne"), mode), library)
    used = [line for line in solution.lines if line.used]
    assert len(used) >= fewest
    assert solution.rms / solution.dispersion(2071.0) < 0.12
    assert solution.template.startswith("goodman_comp_" + mode.replace("_", ""))
