"""Two arcs that bracket a spectrum in time, combined into the wavelength solution at the spectrum's own time.

Each arc is solved by itself first; one with too few lines for that is read by the other's solution. Where both hold up
and differ by no more than flexure explains, one dispersion relation and a drift linear in time are fitted to the lines
of both (see :mod:`~chalicelib.science.wavelength.drift`). Else the nearer arc that holds up serves alone, and a note
says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..dispersion import IdentifiedLine, WavelengthSolution
from ..errors import NoWavelengthSolution
from ..reference import Library
from . import fit, match
from .borrow import borrow
from .drift import DatedLines, Drifting, fit_drift
from .grating import CENTRE, HALF
from .lines import ArcSpectrum
from .match import Shape
from .quality import quality
from .solver import Setup, solve

#: Unbinned pixels between the arcs. Flexure moves the lines by tenths of a pixel an hour at one pointing and by a pixel
#: or two from one pointing to the next; a slit or grating that was moved in between shows as many pixels more.
LARGEST_DRIFT = 4.0
#: Unbinned pixels at the detector's edge: exposures of one mode differ in scale by 0.1 %, which is 2 pixels there.
LARGEST_STRETCH = 2.0
#: Unbinned pixels: a drift known no better (the lamps have hardly a line in common) is no help.
LARGEST_DRIFT_ERROR = 0.15
#: Held-out rms (unbinned pixels) of a solution that may name another arc's lines.
LARGEST_LENT = 0.25
#: Share of its own lines that each arc must keep in the common fit.
KEPT = 0.6
#: Columns both arcs' lines must cover for their curves to be compared there.
COMMON = 400.0
AS_GOOD = 1.5


@dataclass(frozen=True)
class Arc:
    """A lamp along a science trace.

    Attributes
    ----------
    lamp : ArcSpectrum
        From :func:`~chalicelib.science.wavelength.collapse_arc`; any binning.
    setup : Setup
    time : float
        Seconds from the middle of the science exposure to the middle of the arc's.
    name : str
        What notes call it.
    """

    lamp: ArcSpectrum
    setup: Setup
    time: float
    name: str = "the arc"


@dataclass(frozen=True)
class Bracket:
    """What one or two arcs say about the wavelengths at a frame's time.

    Attributes
    ----------
    solution : WavelengthSolution
        At the time of the frame: its lines are those of all arcs used, at the columns they have moved to by then. With
        two arcs ``rms`` is that of held-out lines and, in quadrature, ``doubt``.
    own : tuple of WavelengthSolution or None
        Of each arc by itself; None where it gives none.
    used : tuple of bool
        Which arcs the solution is made of.
    drift, drift_error : float
        Unbinned pixels the lines move from the first arc to the second, at the middle; NaN with one arc used.
    stretch : float
        What is added to the drift at the detector's edge, unbinned pixels; 0 where not significant.
    doubt : float
        1-sigma error (unbinned pixels) of taking the drift as linear in time; see :func:`path_error`.
    notes : tuple of str
        Sentences for whatever a person should know.
    """

    solution: WavelengthSolution
    own: tuple[WavelengthSolution | None, ...]
    used: tuple[bool, ...]
    drift: float = float("nan")
    drift_error: float = float("nan")
    stretch: float = 0.0
    doubt: float = 0.0
    notes: tuple[str, ...] = ()


def combine(arcs: Sequence[Arc], library: Library) -> Bracket:
    """The wavelength solution at a frame's time from one arc, or from two in order of time.

    Two that do not bracket the frame (somebody chose them) are combined at the time of the nearer.

    Raises
    ------
    NoWavelengthSolution
        No arc gives one; the sentence is that of the nearest.
    """
    own: list[WavelengthSolution | None] = []
    errors: dict[int, NoWavelengthSolution] = {}
    for number, arc in enumerate(arcs):
        try:
            own.append(solve(arc.lamp, arc.setup, library))
        except NoWavelengthSolution as error:
            own.append(None)
            errors[number] = error
    nearest = sorted(range(len(arcs)), key=lambda k: (abs(arcs[k].time), k))
    solved = [k for k in nearest if own[k] is not None]
    if not solved:
        raise errors[nearest[0]]
    # an arc whose label is wrong may be another lamp than it seems: it decides only if there is no other
    preferred = min(solved, key=lambda k: _contradicted(arcs[k], own[k]))
    chosen = own[preferred]
    assert chosen is not None
    notes: list[str] = []
    for number, refusal in errors.items():
        poor, good = arcs[number], arcs[preferred]
        own[number] = _borrowed(poor, chosen, library)
        if own[number] is None:
            notes.append(f"{poor.name} is not used for the wavelengths. {refusal}")
        else:
            notes.append(
                f"{poor.name} has too few lines for a solution of its own; they were named by the solution of "
                f"{good.name} and tell how far it had moved."
            )
    both = [s for s in own if s is not None]
    if len(both) == 2:
        joined, reason = _join(arcs, both)
        if joined is not None:
            return replace(joined, notes=(*_label_notes(arcs, own, solved), *notes, *joined.notes))
        notes.append(f"{reason} Only {arcs[preferred].name} is used.")
    used = tuple(k == preferred for k in range(len(arcs)))
    return Bracket(chosen, tuple(own), used, notes=(*_label_notes(arcs, own, [preferred]), *notes))


def path_error(drift: float, fraction: float) -> float:
    """1-sigma error of a place interpolated between two known ones whose path in between is not.

    A random walk from one to the other (a Brownian bridge) and a jump at an unknown moment both give
    ``|drift| * sqrt(f * (1 - f))`` at the fraction ``f`` of the time; steady flexure does better.
    """
    return abs(drift) * float(np.sqrt(max(fraction * (1 - fraction), 0.0)))


def _contradicted(arc: Arc, solution: WavelengthSolution | None) -> bool:
    return solution is not None and bool(quality(solution, arc.setup)["label_contradicted"])


def _borrowed(arc: Arc, other: WavelengthSolution, library: Library) -> WavelengthSolution | None:
    """The other arc's solution moved onto the lines of one that has too few, if the other's is worth it."""
    if other.rms / abs(float(other.dispersion(CENTRE))) > LARGEST_LENT:
        return None
    return borrow(arc.lamp, arc.setup, other, library, LARGEST_DRIFT)


def _label_notes(arcs: Sequence[Arc], own: Sequence[WavelengthSolution | None], of: Sequence[int]) -> list[str]:
    """What is to be said of each of some arcs by itself, naming it where there are several."""
    notes: list[str] = []
    for number in sorted(of):
        solution = own[number]
        assert solution is not None
        said = quality(solution, arcs[number].setup)["notes"]
        notes += [f"{arcs[number].name}: {note}" for note in said] if len(arcs) > 1 else said
    return notes


def _join(arcs: Sequence[Arc], own: Sequence[WavelengthSolution]) -> tuple[Bracket | None, str]:
    """The common solution, or why there is none as a sentence."""
    names = f"{arcs[0].name} and {arcs[1].name}"
    # nothing is known of the drift before the first and after the second: no extrapolation
    now = min(max(0.0, arcs[0].time), arcs[1].time)
    span = max(arcs[1].time - arcs[0].time, 1.0)
    shift = _apart(*own)
    if abs(shift) > LARGEST_DRIFT:
        return None, _too_far(names, shift)
    phases = [(arcs[0].time - now) / span, (arcs[0].time - now) / span + 1]
    lines = _dated(own, phases)
    near = int(abs(arcs[1].time) < abs(arcs[0].time))
    fitted = fit_drift(lines, _start(arcs[near].setup, own[near], phases[near] * shift), shift)
    refused = _refusal(fitted, lines, own, names)
    if refused:
        return None, refused
    doubt = path_error(fitted.shift, -phases[0])
    solution = _solution(fitted, lines, own, doubt)
    both = Bracket(solution, tuple(own), (True, True), fitted.shift, fitted.shift_error, fitted.stretch, doubt)
    if now:
        note = f"The exposure does not lie between {names} in time: the wavelengths are those at {arcs[near].name}."
        return replace(both, notes=(note,)), ""
    return both, ""


def _too_far(names: str, shift: float) -> str:
    return (
        f"Between {names} the lines move by {shift:+.1f} unbinned pixels, more than flexure explains "
        f"({LARGEST_DRIFT:g}): the slit, the grating or the camera was moved, or one of them is misread."
    )


def _refusal(fitted: Drifting, lines: DatedLines, own: Sequence[WavelengthSolution], names: str) -> str:
    """Why the common fit does not stand, as a sentence; empty if it does."""
    assert fitted.used is not None
    if abs(fitted.shift) > LARGEST_DRIFT:
        return _too_far(names, fitted.shift)
    if abs(fitted.stretch) > LARGEST_STRETCH:
        return (
            f"Between {names} the spectrum is stretched by {fitted.stretch:+.1f} unbinned pixels at the detector's "
            f"edge, more than exposures of one setting differ ({LARGEST_STRETCH:g})."
        )
    if fitted.shift_error > LARGEST_DRIFT_ERROR:
        return (
            f"The lines of {names} have too little in common to tell the drift between them (to "
            f"{fitted.shift_error:.2f} unbinned pixels)."
        )
    kept = [float(fitted.used[lines.arc == k].sum() / lines.allowed[lines.arc == k].sum()) for k in (0, 1)]
    alone = max(s.rms / abs(float(s.dispersion(CENTRE))) for s in own)
    if min(kept) < KEPT or fitted.rms > max(fit.FLOOR, AS_GOOD * alone):
        return (
            f"No single dispersion and drift fits the lines of {names}: {100 * min(kept):.0f} % of the lines of one "
            f"agree, and lines held out miss by {fitted.rms:.2f} unbinned pixels."
        )
    return ""


def _apart(first: WavelengthSolution, second: WavelengthSolution) -> float:
    """Unbinned pixels the second's lines lie to the right of the first's: the median where both are held by lines."""
    low, high = max(first.span[0], second.span[0]), min(first.span[1], second.span[1])
    if high - low < COMMON:
        low, high = min(first.span[0], second.span[0]), max(first.span[1], second.span[1])
    column = np.linspace(low, high, 100)
    return float(np.median((first.wavelength(column) - second.wavelength(column)) / first.dispersion(column)))


def _dated(own: Sequence[WavelengthSolution], phases: Sequence[float]) -> DatedLines:
    """All named lines; those that an arc's own fit left out, for its reasons, are not allowed in the common one."""
    rows = [
        (line.column, line.column_error, line.wavelength, phase, number, line.used)
        for number, (solution, phase) in enumerate(zip(own, phases, strict=True))
        for line in solution.lines
    ]
    column, error, wavelength, phase, arc, allowed = np.array(rows, dtype=float).T
    return DatedLines(column, error, wavelength, phase, arc.astype(int), allowed > 0)


def _start(setup: Setup, solution: WavelengthSolution, moved: float) -> Shape:
    """The relation of one arc as corrections to the grating equation, displaced by ``-moved`` columns."""
    nodes = np.linspace(CENTRE - HALF, CENTRE + HALF, 17)
    shape = Shape(setup.grating(), (0.0,))
    wanted = solution.wavelength(nodes)
    return match.fit_shape(shape, nodes - moved, shape.pixels(nodes - moved, wanted), np.ones(len(nodes)) / 0.01)


def _solution(
    fitted: Drifting, lines: DatedLines, own: Sequence[WavelengthSolution], doubt: float
) -> WavelengthSolution:
    assert fitted.used is not None and fitted.residual is not None
    step = fitted.shape.grating.dispersion
    place = fitted.place(lines.column, lines.phase)
    ions = [line.ion for solution in own for line in solution.lines]
    identified = [
        IdentifiedLine(float(c), float(e), float(w), ion, float(-r * step), bool(u))
        for c, e, w, ion, r, u in zip(
            place, lines.error, lines.wavelength, ions, fitted.residual, fitted.used, strict=True
        )
    ]
    inside = place[fitted.used]
    return WavelengthSolution(
        coefficients=fit.series(fitted.shape, fit.DOMAIN),
        domain=fit.DOMAIN,
        span=(float(inside.min()), float(inside.max())),
        lines=tuple(sorted(identified, key=lambda line: (line.column, line.wavelength))),
        rms=float(np.hypot(fitted.rms, doubt)) * step,
        rms_fit=float(np.sqrt(np.mean(fitted.residual[fitted.used] ** 2))) * step,
        lamps=tuple(dict.fromkeys(element for solution in own for element in solution.lamps)),
        method=own[0].method if own[0].method == own[1].method else "library",
        template=next((s.template for s in own if s.template), ""),
        score=min(s.score for s in own),
    )
