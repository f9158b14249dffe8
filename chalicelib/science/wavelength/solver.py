"""Solve an arc: first guesses from library lamps and from the grating equation, the best one refined and judged.

Labels are evidence, not truth: the lamps named in the header are tried first; when they do not hold up, every element
with a line list is tried, and an answer that contradicts the label is given only when it is overwhelming (the caller
sees it in ``solution.lamps``). What does not hold up is refused with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dispersion import WavelengthSolution
from ..errors import NoWavelengthSolution
from ..reference import LabLines, Library, ReferenceLamp
from . import fit, match
from .grating import ANGLES, Grating
from .lines import ArcSpectrum, Lines, measure
from .match import Match, Shape

FEWEST_SEEN = 5
FEWEST_USED = 8
FEWEST_WITH_TEMPLATE = 4
GOOD_SCORE = 9.0
OVERWHELMING_SCORE = 12.0
GOOD_EXPLAINED = 0.30
# score times share of light explained: right lamps reach 5.7 and more, wrong ones at most 3.6
GOOD_TEMPLATE = 4.8
LARGEST_RMS = 0.5
ANGLE_REACH = 0.75
TYPICAL_SHIFT_ANGSTROM = -60.0
SHIFT_ANGSTROM = 80.0
SHIFT_PIXELS = 270.0
TEMPLATES = 3
HOLLOW_CATHODES = ("Fe", "Cu")
FILL_GASES = ("Ar",)
SHORT_NAMES = {"HgAr": ("Hg", "Ar"), "HGA": ("Hg", "Ar"), "NE": ("Ne",), "AR": ("Ar",), "FE": ("Fe",), "CU": ("Cu",)}


@dataclass(frozen=True)
class Setup:
    """What the header says about how the arc was taken.

    Attributes
    ----------
    lines_per_mm : float or None
        Of the grating.
    grating_angle, camera_angle : float or None
        Degrees (GRT_TARG, CAM_TARG); None where the header is silent: then the mode's nominal ones serve.
    camera : str
    lamps : tuple of str
        Elements known to be on; may be empty. "Fe" and "Cu" hollow cathodes are filled with argon.
    mode : str or None
        For example ``"400_M2"``.
    filters : tuple of str
    """

    lines_per_mm: float | None
    grating_angle: float | None
    camera_angle: float | None
    camera: str = "Red"
    lamps: tuple[str, ...] = ()
    mode: str | None = None
    filters: tuple[str, ...] = ()

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that shine when ``lamps`` are on, fill gases included."""
        found: list[str] = []
        for lamp in self.lamps:
            found += SHORT_NAMES.get(lamp, (lamp,))
        if any(e in HOLLOW_CATHODES for e in found):
            found += FILL_GASES
        return tuple(dict.fromkeys(found))

    @property
    def mode_name(self) -> str:
        """The mode as the library writes it; empty where there is none."""
        return (self.mode or "").upper().replace(" ", "_")

    def grating(self) -> Grating:
        """The grating at its angles; raises NoWavelengthSolution where the header does not give them."""
        if not self.lines_per_mm or not np.isfinite(self.lines_per_mm):
            raise NoWavelengthSolution(
                "The header does not name the grating, so there is nothing to start a wavelength solution from."
            )
        angles = tuple(float(a) for a in (self.grating_angle, self.camera_angle) if a is not None and np.isfinite(a))
        if len(angles) < 2 or not any(angles):
            nominal = ANGLES.get(self.mode_name)
            if nominal is None:
                raise NoWavelengthSolution(
                    "The header gives no grating and camera angles (GRT_TARG, CAM_TARG) and no known mode, so there is "
                    "nothing to start a wavelength solution from."
                )
            angles = nominal
        return Grating(float(self.lines_per_mm), angles[0], angles[1])


@dataclass(frozen=True)
class Attempt:
    """One way to read the lamp: which elements, from which first guess, and how it came out."""

    elements: tuple[str, ...]
    match: Match
    fitted: fit.Fitted
    lab: LabLines
    template: str
    template_strength: float

    @property
    def rank(self) -> float:
        return self.match.score * np.sqrt(max(self.match.explained, 0.0))


def solve(arc: ArcSpectrum, setup: Setup, library: Library) -> WavelengthSolution:
    """Wavelength solution of a lamp.

    Parameters
    ----------
    arc : ArcSpectrum
        From :func:`collapse_arc`; any binning.
    setup : Setup
    library : Library

    Returns
    -------
    WavelengthSolution
        Over unbinned detector columns. ``rms`` is from lines held out of the fit (5 folds, identifications kept).
        ``lamps`` are the elements the lines were identified with; they differ from ``setup.elements`` only when the
        label was found to be wrong or absent.

    Raises
    ------
    NoWavelengthSolution
        Nothing holds up; the sentence says why.
    """
    grating = setup.grating()
    lines = measure(arc)
    if len(lines) < FEWEST_SEEN:
        raise NoWavelengthSolution(
            f"Only {len(lines)} emission lines stand out of the noise in this arc; was the lamp on, and the exposure "
            "long enough?"
        )
    labelled = setup.elements
    known = tuple(e for e in labelled if e in library.elements)
    best = best_attempt(lines, grating, known, setup, library) if known else None
    if best is not None and problem(best, lines, GOOD_SCORE) is None:
        return publish(best, lines)
    everything = best_attempt(lines, grating, library.elements, setup, library)
    if everything is not None and problem(everything, lines, OVERWHELMING_SCORE) is None:
        return publish(everything, lines)
    raise NoWavelengthSolution(reason(best or everything, lines, labelled, setup))


def best_attempt(lines: Lines, grating: Grating, elements, setup: Setup, library: Library) -> Attempt | None:
    """The best reading of the lines with ``elements``, over all first guesses."""
    lab = library.lines(elements)
    guesses: list[tuple[Shape, str, float]] = []
    for lamp in similar_lamps(library, setup, grating, elements):
        guess = template_guess(lines, lamp, grating)
        if guess is not None:
            guesses.append((guess.shape, lamp.file, guess.score * guess.explained))
            if guess.score > 2 * GOOD_SCORE:
                break
    step = grating.dispersion
    start = Shape(grating, (TYPICAL_SHIFT_ANGSTROM / step, 0.0, float(match.EXPECTED[2])))
    for shape in match.comb_search(lines, lab, start, SHIFT_PIXELS + SHIFT_ANGSTROM / step):
        guesses.append((shape, "", 0.0))
    readings = [(match.refine(lines, lab, s, 3.0 if name else 7.0), name, score) for s, name, score in guesses]
    readings.sort(key=lambda r: -(r[0].score * np.sqrt(r[0].explained) + 0.5 * r[2]))
    attempts = []
    for found, name, score in readings[:2]:
        fitted = fit.finish(lines, lab, found.shape)
        attempts.append(Attempt(present(elements, fitted, lab), found, fitted, lab, name, score))
    return max(
        attempts,
        key=lambda a: (problem(a, lines, GOOD_SCORE) is None, a.rank + 0.5 * a.template_strength),
        default=None,
    )


def present(elements, fitted: fit.Fitted, lab: LabLines) -> tuple[str, ...]:
    """The elements that gave at least one line in the fit."""
    ions = lab.ion[fitted.lab[fitted.used]] if len(fitted.used) else []
    seen = {str(ion).split()[0] for ion in ions}
    return tuple(e for e in elements if e in seen)


def similar_lamps(library: Library, setup: Setup, grating: Grating, elements) -> list[ReferenceLamp]:
    """Reference lamps of the same grating and about the same angles that share light with ``elements``."""
    wanted = set(elements)
    ranked = []
    for lamp in library.lamps:
        if lamp.lines_per_mm != grating.lines_per_mm:
            continue
        off = abs(lamp.camera_angle - grating.camera_angle) + abs(lamp.grating_angle - grating.grating_angle)
        same = bool(setup.mode_name) and lamp.mode.upper() == setup.mode_name
        common = wanted & set(lamp.elements)
        if not common or (off > 2 * ANGLE_REACH and not same):
            continue
        likeness = len(common) / len(wanted | set(lamp.elements))
        ranked.append((-likeness, off, lamp.file, lamp))
    return [r[-1] for r in sorted(ranked, key=lambda r: r[:3])[:TEMPLATES]]


def template_guess(lines: Lines, lamp: ReferenceLamp, grating: Grating) -> Match | None:
    """Where the lines of a reference lamp reappear: its published pairs carried over by a comb match of its peaks.

    The published pairs only place the grating equation (shift and scale); their own cubics can be bent.
    """
    if len(lamp.pairs) < 3 or not np.isfinite(lamp.column):
        return None
    own = Grating(lamp.lines_per_mm, lamp.grating_angle, lamp.camera_angle)
    column = lamp.column + lamp.pairs[:, 0]
    shape = Shape(own, (0.0, 0.0, float(match.EXPECTED[2])))
    weight = np.ones(len(column))
    for _ in range(8):
        residual = shape.pixels(column, lamp.pairs[:, 1])
        scale = max(0.5, 1.5 * float(np.median(np.abs(residual - np.median(residual)))))
        weight = 1 / (1 + ((residual - np.median(residual)) / scale) ** 2)
        shape = match.fit_shape(shape, column, residual, weight / 0.5)
    peaks, heights = lamp_peaks(lamp)
    order = np.argsort(heights)[::-1][:80]
    order = order[np.argsort(peaks[order])]
    drawn = LabLines(shape.wavelength(lamp.column + peaks[order]), heights[order], np.full(len(order), "lamp"))
    # the lamp's own shape, carried over to the angles of this arc
    nodes = np.linspace(41.0, 4101.0, 9)
    start = Shape(grating, (0.0,))
    start = match.fit_shape(start, nodes, start.pixels(nodes, shape.wavelength(nodes)), np.ones(9) / 0.01)
    shapes = match.comb_search(lines, drawn, start, SHIFT_PIXELS, 0.02, 2.0, 4)
    matches = [match.refine(lines, drawn, s, 5.0) for s in shapes]
    best = max(matches, key=lambda m: m.score * np.sqrt(m.explained), default=None)
    return best if best is not None and best.score > GOOD_SCORE / 2 and len(best.seen) >= 4 else None


def lamp_peaks(lamp: ReferenceLamp) -> tuple[np.ndarray, np.ndarray]:
    """Places (index into the lamp's flux, parabola through three pixels) and heights of its peaks."""
    flux = np.asarray(lamp.flux, dtype=float)
    clear = flux - np.median(flux)
    noise = max(1.4826 * np.median(np.abs(np.diff(flux))), 1e-6)
    top = np.flatnonzero((clear[1:-1] > clear[:-2]) & (clear[1:-1] >= clear[2:]) & (clear[1:-1] > 10 * noise)) + 1
    left, middle, right = clear[top - 1], clear[top], clear[top + 1]
    offset = 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-9)
    return top + offset, middle


def problem(attempt: Attempt, lines: Lines, needed: float) -> str | None:
    """Why the attempt does not hold up, as the middle of a sentence; None if it does."""
    used = int(attempt.fitted.used.sum()) if len(attempt.fitted.used) else 0
    by_template = attempt.template_strength > GOOD_TEMPLATE
    if used < (FEWEST_WITH_TEMPLATE if by_template else FEWEST_USED):
        return f"only {used} lines could be identified"
    if attempt.match.score < (0.5 * needed if by_template else needed):
        return f"the lines found fit no better than chance would (significance {attempt.match.score:.1f})"
    if attempt.match.explained < GOOD_EXPLAINED and not by_template:
        return f"only {100 * attempt.match.explained:.0f} % of the light of the brightest lines is explained"
    if not fit.shape_is_sane(attempt.fitted.shape):
        return "the solution bends away from the grating equation more than this spectrograph does"
    # a lamp recognised as a whole may be faint; its solution says how good it is
    largest = LARGEST_RMS * max(1.0, lines.fwhm / 4) * (1.5 if by_template else 1.0)
    if attempt.fitted.rms > largest:
        return f"lines held out of the fit miss it by {attempt.fitted.rms:.2f} unbinned pixels"
    return None


def reason(attempt: Attempt | None, lines: Lines, labelled, setup: Setup) -> str:
    """The sentence for the observer."""
    lamps = "+".join(labelled) if labelled else "unnamed"
    grating = setup.grating()
    where = f"grating {grating.lines_per_mm:g} l/mm at {grating.grating_angle:.2f}°/{grating.camera_angle:.2f}°"
    why = problem(attempt, lines, GOOD_SCORE) if attempt else None
    why = why or "its lines contradict the lamps named in the header"
    return (
        f"No wavelength solution: {len(lines)} lines were measured in this {lamps} arc ({where}), but {why}. Check the "
        "lamp keywords, the grating and the angles in the header, or choose another lamp."
    )


def publish(attempt: Attempt, lines: Lines) -> WavelengthSolution:
    method = "library" if attempt.template else "grating equation"
    return fit.as_solution(
        attempt.fitted,
        lines,
        attempt.lab,
        lamps=attempt.elements,
        method=method,
        template=attempt.template,
        score=attempt.match.score,
    )
