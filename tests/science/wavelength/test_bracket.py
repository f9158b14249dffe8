"""Two arcs give the wavelengths at the frame's own time, or the better one gives its own; and what is said is so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from chalicelib.science import reference
from chalicelib.science.errors import NoWavelengthSolution
from chalicelib.science.wavelength import Arc, ArcSpectrum, Setup, combine, solve
from chalicelib.science.wavelength.bracket import LARGEST_DRIFT, path_error
from chalicelib.science.wavelength.drift import DatedLines, fit_drift
from chalicelib.science.wavelength.grating import Grating, scaled
from chalicelib.science.wavelength.match import Shape

from .lamps import draw, true_shape

GRATING = Grating(400, 7.5, 16.1)
SHAPE = true_shape(GRATING)
COLUMN = np.linspace(150, 4000, 200)


@dataclass(frozen=True)
class Moved:
    """A dispersion whose image lies ``shift`` columns further right, and ``stretch`` more at the edge."""

    shape: Shape
    shift: float
    stretch: float = 0.0

    def wavelength(self, column):
        return self.shape.wavelength(column - self.shift - self.stretch * scaled(column))


@pytest.fixture(scope="module")
def library(reference_bundle):
    return reference.load(reference_bundle)


def lamp(library, elements, shift: float, seed: int, *, binning: int = 1, stretch: float = 0.0, limit=None):
    lab = library.lines(elements)
    rng = np.random.default_rng(11)
    factors = {ion: 10 ** rng.uniform(-0.5, 0.5) for ion in np.unique(lab.ion)}
    height = np.array([i * factors[ion] for i, ion in zip(lab.intensity, lab.ion, strict=True)])
    height = 3e4 * (height / height.max()) ** 0.7
    keep = np.ones(len(lab), dtype=bool) if limit is None else limit(lab.wavelength, height)
    return draw(Moved(SHAPE, shift, stretch), lab.wavelength[keep], height[keep], binning=binning, seed=seed)


def arc(spectrum: ArcSpectrum, elements, time: float, name: str) -> Arc:
    return Arc(spectrum, Setup(400.0, 7.5, 16.1, "Red", elements), time, name)


def off(solution, shift: float) -> float:
    """rms against a truth whose image lies ``shift`` columns right of ``SHAPE``, unbinned pixels."""
    truth = Moved(SHAPE, shift).wavelength(COLUMN)
    return float(np.sqrt(np.mean(((solution.wavelength(COLUMN) - truth) / solution.dispersion(COLUMN)) ** 2)))


@pytest.mark.parametrize(
    ("lamps", "binning"),
    [((("Ar", "Ne"), ("Ar", "Ne")), 1), ((("Hg", "Ar"), ("Hg", "Ar", "Ne")), 2)],
    ids=["same lamps", "other lamps, other binning"],
)
def test_wavelengths_are_those_at_the_frames_time(library, lamps, binning):
    before = lamp(library, lamps[0], 0.0, 1)
    after = lamp(library, lamps[1], 1.2, 2, binning=binning)
    bracket = combine([arc(before, lamps[0], -900.0, "A"), arc(after, lamps[1], 2700.0, "B")], library)
    assert bracket.used == (True, True) and bracket.notes == ()
    assert bracket.drift == pytest.approx(1.2, abs=0.05) and bracket.drift_error < 0.05
    assert off(bracket.solution, 0.3) < 0.05
    assert off(bracket.own[0], 0.3) > 0.25  # the nearer arc alone
    assert set(bracket.solution.lamps) == set(lamps[0]) | set(lamps[1])
    lines = [line for line in bracket.solution.lines if line.used]
    counts = [sum(line.used for line in own.lines) for own in bracket.own]
    assert max(counts) < len(lines) <= sum(counts)
    # the lines lie where they fall at the frame's time
    predicted = bracket.solution.wavelength(np.array([line.column for line in lines]))
    measured = predicted - np.array([line.wavelength for line in lines])
    assert np.allclose(measured, [line.residual for line in lines], atol=0.02)


def test_the_error_holds_what_two_arcs_cannot_tell(library):
    elements = ("Ar", "Ne")
    pair = [lamp(library, elements, shift, seed) for shift, seed in ((0.0, 1), (1.0, 2))]
    middle, edge = (
        combine([arc(pair[0], elements, t - 1000.0, "A"), arc(pair[1], elements, t, "B")], library).solution
        for t in (500.0, 10.0)
    )
    step = middle.dispersion(2071.0)
    assert middle.rms / step > 0.45 > 2 * edge.rms / step
    assert middle.rms > edge.rms >= edge.rms_fit
    # a jump at any moment stays within 2 sigma of what is claimed at the middle
    for shift in (0.0, 1.0):
        assert off(middle, shift) < 2 * middle.rms / step
    assert path_error(1.0, 0.0) == path_error(1.0, 1.0) == 0.0


def test_one_arc_is_solved_as_ever(library):
    spectrum = lamp(library, ("Ar", "Ne"), 0.0, 1)
    one = arc(spectrum, ("Ar", "Ne"), 600.0, "A")
    bracket = combine([one], library)
    assert bracket.solution == solve(spectrum, one.setup, library)
    assert bracket.used == (True,) and bracket.notes == () and np.isnan(bracket.drift)


def test_arcs_farther_apart_than_flexure_goes_are_not_mixed(library):
    elements = ("Ar", "Ne")
    before, after = lamp(library, elements, 0.0, 1), lamp(library, elements, LARGEST_DRIFT + 1, 2)
    bracket = combine([arc(before, elements, -900.0, "A"), arc(after, elements, 300.0, "B")], library)
    assert bracket.used == (False, True)
    assert bracket.solution == bracket.own[1]
    assert "+5.0 unbinned pixels, more than flexure explains" in bracket.notes[0]
    assert bracket.notes[0].endswith("Only B is used.")


def test_a_nearer_arc_with_a_wrong_label_does_not_outvote_the_other(library):
    before, after = lamp(library, ("Ar",), 0.0, 1), lamp(library, ("Ne",), LARGEST_DRIFT + 3, 2)
    wrong = arc(after, ("Hg",), 300.0, "B")
    assert combine([wrong], library).notes  # readable, and said to be another lamp
    bracket = combine([arc(before, ("Ar",), -900.0, "A"), wrong], library)
    assert bracket.used == (True, False)


def test_a_dark_arc_leaves_the_other_and_two_dark_ones_are_refused(library):
    elements = ("Ar", "Ne")
    rng = np.random.default_rng(2)
    dark = ArcSpectrum(np.arange(50.0, 4110), rng.normal(0, 5, 4060), np.full(4060, 25.0), np.zeros(4060, np.uint8))
    good = lamp(library, elements, 0.0, 1)
    bracket = combine([arc(dark, elements, -60.0, "A"), arc(good, elements, 900.0, "B")], library)
    assert bracket.used == (False, True) and bracket.own[0] is None
    assert bracket.notes[0].startswith("A is not used") and "was the lamp on" in bracket.notes[0]
    with pytest.raises(NoWavelengthSolution):
        combine([arc(dark, elements, -60.0, "A"), arc(dark, elements, 60.0, "B")], library)


def test_a_lamp_of_few_lines_still_tells_the_drift(library):
    bright = {
        "limit": lambda wavelength, height: height > np.sort(height[(wavelength > 5000) & (wavelength < 8500)])[-6]
    }
    before = lamp(library, ("Ne",), 0.0, 1, **bright)
    after = lamp(library, ("Ar", "Ne"), 1.5, 2)
    poor = arc(before, ("Ne",), -400.0, "A")
    with pytest.raises(NoWavelengthSolution):
        combine([poor], library)
    bracket = combine([poor, arc(after, ("Ar", "Ne"), 1200.0, "B")], library)
    assert bracket.used == (True, True)
    assert bracket.drift == pytest.approx(1.5, abs=0.1)
    assert off(bracket.solution, 0.375) < 0.1 < off(bracket.own[1], 0.375)
    assert "A has too few lines" in bracket.notes[0]
    # lines of no lamp at all place nothing
    strange = draw(SHAPE, np.random.default_rng(8).uniform(5200, 8200, 6), np.full(6, 2e4), seed=3)
    bracket = combine([arc(strange, ("Ne",), -400.0, "A"), arc(after, ("Ar", "Ne"), 1200.0, "B")], library)
    assert bracket.used == (False, True) and bracket.own[0] is None


@pytest.mark.parametrize(("times", "expected"), [((-900.0, -300.0), 0.5), ((300.0, 900.0), 0.0), ((60.0, 60.0), 0.0)])
def test_arcs_on_one_side_are_not_extrapolated(library, times, expected):
    elements = (("Ar",), ("Ar", "Ne"))
    pair = [lamp(library, elements[0], 0.0, 1), lamp(library, elements[1], 0.5, 2)]
    arcs = [arc(*values) for values in zip(pair, elements, times, "AB", strict=True)]
    bracket = combine(arcs, library)
    assert bracket.used == (True, True) and bracket.doubt == 0
    assert bracket.drift == pytest.approx(0.5, abs=0.05)
    assert off(bracket.solution, expected) < 0.05
    assert "does not lie between A and B" in bracket.notes[0]


def dated(shift: float, stretch: float, seed: int) -> DatedLines:
    """The same 40 lines seen a quarter before and three quarters after, 0.03 pixel noise."""
    rng = np.random.default_rng(seed)
    column = np.sort(rng.uniform(100, 4050, 40))
    phase = np.repeat([-0.25, 0.75], 40)
    seen = np.tile(column, 2)
    seen = seen + phase * (shift + stretch * scaled(seen)) + rng.normal(0, 0.03, 80)
    wavelength = np.tile(SHAPE.wavelength(column), 2)
    return DatedLines(seen, np.full(80, 0.02), wavelength, phase, np.repeat([0, 1], 40), np.ones(80, dtype=bool))


@pytest.mark.parametrize("stretch", [0.0, 0.3])
def test_a_change_of_scale_is_fitted_where_it_shows(stretch):
    for seed in range(5):
        fitted = fit_drift(dated(0.8, stretch, seed), SHAPE, 0.5)
        assert fitted.shift == pytest.approx(0.8, abs=0.03)
        assert fitted.stretch == pytest.approx(stretch, abs=0.06)
        assert (fitted.stretch == 0) == (stretch == 0)
        assert abs(fitted.shift - 0.8) < 4 * fitted.shift_error


def test_a_laboratory_line_is_held_out_of_both_arcs_at_once():
    lines = dated(0.8, 0.0, 1)
    wavelength = lines.wavelength.copy()
    alone = 0  # the bluest: nothing beyond it holds the curve
    wavelength[[alone, alone + 40]] += 0.12 * GRATING.dispersion
    fitted = fit_drift(replace(lines, wavelength=wavelength), SHAPE, 0.8)
    both = [alone, alone + 40]
    without = lines.allowed.copy()
    without[both] = False
    apart = fit_drift(replace(lines, wavelength=wavelength, allowed=without), SHAPE, 0.8)
    expected = apart.pixels(replace(lines, wavelength=wavelength))[both]
    assert fitted.used[both].all()
    assert np.all(np.abs(fitted.held_out[both]) > np.abs(fitted.residual[both]))
    assert fitted.held_out[both] == pytest.approx(expected, abs=0.03)
