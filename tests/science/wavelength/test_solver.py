"""Arcs are solved to a small part of a pixel, or refused; never confidently wrong."""

import numpy as np
import pytest

from chalicelib.science import reference
from chalicelib.science.dispersion import WavelengthSolution
from chalicelib.science.errors import NoWavelengthSolution
from chalicelib.science.wavelength import ArcSpectrum, Setup, quality, solve
from chalicelib.science.wavelength.grating import Grating

from .lamps import arc_of, draw, setup_of, true_shape


@pytest.fixture(scope="module")
def library(reference_bundle):
    return reference.load(reference_bundle)


class LinesOnly(reference.Library):
    lamps = ()


@pytest.fixture(scope="module")
def blind(reference_bundle):
    return LinesOnly(reference_bundle)


def lamp_named(library, name):
    return next(lamp for lamp in library.lamps if lamp.file == f"goodman_comp_{name}.fits")


def lamp_lines(library, elements, rng):
    """Laboratory lines with each ion's own random brightness, as real lamps have."""
    lab = library.lines(elements)
    factors = {ion: 10 ** rng.uniform(-0.5, 0.5) for ion in np.unique(lab.ion)}
    height = np.array([i * factors[ion] for i, ion in zip(lab.intensity, lab.ion, strict=True)])
    return lab.wavelength, 3e4 * (height / height.max()) ** 0.7


def error(solution: WavelengthSolution, shape) -> float:
    """rms against the truth between the first and last line, unbinned pixels."""
    column = np.linspace(*solution.span, 200)
    return float(np.sqrt(np.mean((shape.pixels(column, solution.wavelength(column))) ** 2)))


@pytest.mark.parametrize(
    ("grating", "elements", "binning"),
    [
        (Grating(400, 7.5, 16.1), ("Hg", "Ar", "Ne"), 2),
        (Grating(930, 13.0, 24.0), ("Fe", "Ar"), 1),
        (Grating(600, 12.0, 27.0), ("Ar",), 2),
        (Grating(1200, 22.2, 44.4), ("Ne",), 1),
    ],
)
def test_blind_solution_is_true(blind, grating, elements, binning):
    rng = np.random.default_rng(5)
    shape = true_shape(grating)
    arc = draw(shape, *lamp_lines(blind, elements, rng), binning=binning)
    off = Setup(grating.lines_per_mm, grating.grating_angle + 0.3, grating.camera_angle - 0.4, "Red", elements)
    solution = solve(arc, off, blind)
    assert error(solution, shape) < 0.1
    assert solution.method == "grating equation"
    claimed = solution.rms / solution.dispersion(2071.0)
    assert solution.rms >= solution.rms_fit
    assert claimed < 0.3


def test_binnings_share_one_solution(blind):
    shape = true_shape(Grating(400, 7.5, 16.1))
    wavelength, height = lamp_lines(blind, ("Ar", "Ne"), np.random.default_rng(1))
    setup = Setup(400.0, 7.5, 16.1, "Red", ("Ar", "Ne"))
    one, two = (solve(draw(shape, wavelength, height, binning=b), setup, blind) for b in (1, 2))
    column = np.linspace(300, 3900, 50)
    assert np.max(np.abs(one.wavelength(column) - two.wavelength(column))) / one.dispersion(2071.0) < 0.15


@pytest.mark.parametrize("name", ["400M2_GG455_HgArNe", "930M4_GG495_HgArNe", "1200M5_GG455_HgArNe", "600Blue_HgArNe"])
@pytest.mark.parametrize("shift", [-37.4, 25.8])
def test_moved_lamp_moves_its_solution(library, name, shift):
    lamp = lamp_named(library, name)
    still = solve(arc_of(lamp), setup_of(lamp), library)
    moved = solve(arc_of(lamp, shift), setup_of(lamp), library)
    column = np.linspace(*still.span, 50)
    step = still.dispersion(2071.0)
    assert still.method == "library"
    assert np.sqrt(np.mean((moved.wavelength(column + shift) - still.wavelength(column)) ** 2)) / step < 0.08


def test_label_of_another_lamp_is_refused_or_seen_through(library):
    lamp = lamp_named(library, "930M6_OG570_Ne")
    truth = solve(arc_of(lamp), setup_of(lamp), library)
    try:
        solution = solve(arc_of(lamp), setup_of(lamp, lamps=("Hg", "Ar")), library)
    except NoWavelengthSolution:
        return
    assert "Ne" in solution.lamps
    assert quality(solution, setup_of(lamp, lamps=("Hg", "Ar")))["label_contradicted"]
    column = np.linspace(*truth.span, 50)
    assert np.max(np.abs(solution.wavelength(column) - truth.wavelength(column))) / truth.dispersion(2071.0) < 0.5


def test_missing_label_is_no_obstacle(library):
    lamp = lamp_named(library, "930M6_OG570_HgArNe")
    truth = solve(arc_of(lamp), setup_of(lamp), library)
    solution = solve(arc_of(lamp), setup_of(lamp, lamps=(), mode=None), library)
    assert "Ar" in solution.lamps
    assert abs(solution.wavelength(2071.0) - truth.wavelength(2071.0)) < 0.1
    record = quality(solution, setup_of(lamp, lamps=(), mode=None))
    assert "names no lamp" in record["notes"][0]
    assert record["lines_used"] == sum(record["lines_by_ion"].values())


@pytest.mark.parametrize("name", ["400M1_HgArNe", "930M5_GG495_CuHeAr", "1200M2_CuHeAr", "600Mid_GG395_HgArNe"])
def test_nonsense_is_refused(library, name):
    lamp = lamp_named(library, name)
    arc = arc_of(lamp)
    mirrored = ArcSpectrum(arc.column, arc.flux[::-1], arc.variance[::-1], arc.mask)
    with pytest.raises(NoWavelengthSolution, match=r"lines .* but .*\."):
        solve(mirrored, setup_of(lamp), library)
    with pytest.raises(NoWavelengthSolution):
        solve(arc, setup_of(lamp, lines_per_mm=1800.0, mode=None), library)


def test_lamp_off_is_a_sentence(library):
    rng = np.random.default_rng(2)
    arc = ArcSpectrum(np.arange(50.0, 4110), rng.normal(0, 5, 4060), np.full(4060, 25.0), np.zeros(4060, np.uint8))
    with pytest.raises(NoWavelengthSolution, match="was the lamp on"):
        solve(arc, Setup(400.0, 7.5, 16.1, "Red", ("Ar",), "400_M2"), library)


def test_few_known_lines_and_no_library_lamp_are_refused(blind):
    shape = true_shape(Grating(930, 10.3, 20.6))
    wavelength = np.array([3650.153, 3663.279, 4046.563, 4358.328])
    arc = draw(shape, wavelength, np.full(4, 2e4))
    with pytest.raises(NoWavelengthSolution):
        solve(arc, Setup(930.0, 10.3, 20.6, "Blue", ("Hg",)), blind)


def test_random_lines_are_refused(blind):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        grating = Grating(600, 10.0, 20.0)
        shape = true_shape(grating)
        wavelength = np.sort(rng.uniform(*shape.wavelength(np.array([60.0, 4080.0])), 50))
        arc = draw(shape, wavelength, 10 ** rng.uniform(2, 4.3, 50), seed=seed)
        with pytest.raises(NoWavelengthSolution):
            solve(arc, Setup(600.0, 10.0, 20.0, "Red", ("Fe", "Ar")), blind)


@pytest.mark.parametrize("angles", [(None, None), (0.0, 0.0), (float("nan"), 16.1)])
def test_header_without_angles_uses_the_mode_or_says_so(library, angles):
    lamp = lamp_named(library, "400M2_GG455_HgArNe")
    known = setup_of(lamp, grating_angle=angles[0], camera_angle=angles[1])
    assert solve(arc_of(lamp), known, library).rms < 0.3
    with pytest.raises(NoWavelengthSolution, match="GRT_TARG"):
        solve(arc_of(lamp), setup_of(lamp, grating_angle=angles[0], camera_angle=angles[1], mode="Custom"), library)
    with pytest.raises(NoWavelengthSolution, match="grating"):
        solve(arc_of(lamp), setup_of(lamp, lines_per_mm=None), library)


def test_solution_survives_its_dictionary(library):
    lamp = lamp_named(library, "930M4_GG495_Ne")
    solution = solve(arc_of(lamp), setup_of(lamp), library)
    assert WavelengthSolution.from_dict(solution.to_dict()) == solution
