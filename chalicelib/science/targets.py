"""Which targets a frame holds: found brightest first, each fitted and subtracted before the next is looked for."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np

from .profile import Candidate, Collapsed, find_candidate, profile_value, running_background
from .trace import SHAPE_PRIOR, TraceFit, TracePrior, fit_trace, prior_from, wide_prior

#: Significance a target needs where its shape is known, and where the shape is searched for too (more trials, so
#: chance reaches higher). Set from simulated frames without targets; see ``bench/extraction.py``.
THRESHOLD_KNOWN_SHAPE = 4.2
THRESHOLD_ANY_SHAPE = 5.0
#: Share of the threshold at which the search, on whole rows and a few widths, is worth the fit that decides.
PROMISING = 0.75
#: A fit this significant fixes the shape for the fainter ones, which are looked for at these multiples of its width.
LEADER = 30.0
LEADER_WIDTHS = (1.0, 1.7)
#: Closer than so many widths to a target, one fainter than this share of it is taken for a misfit of its profile: what
#: a smooth profile cannot describe of a bright star is a per cent in its flank and a few in a thousand in its wings.
FLANKS = ((2.2, 0.02), (4.5, 0.004), (8.0, 0.0015))
#: A new target may move the traces found before by so many of their widths; more, and it has eaten their light.
STEADY = 0.2
#: No seeing makes wings like those of this Moffat exponent; a fit that wants them has a galaxy's light in it.
STELLAR = 1.8
#: Two fits closer than this share of the narrower one's width all along the frame are one object. What a model leaves
#: over of a star at its own place is wider than the star and subtracted like a halo; it takes no light in extraction.
COINCIDENT = 0.6
#: Once a bright target's width is known the background's window reaches at least so many widths to either side: in
#: 1.5″ and more the window of ``BACKGROUND_REACH`` is full of its wings.
BACKGROUND_WIDTHS = 5.0
#: Unbinned rows: widths tried (0.5″ to 2.2″ at 0.15″ a row), reach of the background, steps and limits of the drift.
WIDTHS = (4.0, 6.5, 10.5)
TYPICAL_WIDTH, WIDTH_SIGMA = 6.5, 0.4
BACKGROUND_REACH = 60
DRIFT_STEP, DRIFT_REACH = 2.0, 24.0
CURVE_STEP, CURVE_REACH = 2.0, 4.0


def find_targets(
    collapsed: Collapsed, binning: int, max_targets: int, gaussian: bool = False, shape: tuple[float, ...] | None = None
) -> list[TraceFit]:
    """Find and fit the targets of a sky-subtracted frame.

    Parameters
    ----------
    collapsed : Collapsed
        From :func:`~chalicelib.science.profile.collapse`; the variance must not follow the pixels' own noise.
    binning : int
        Unbinned rows per row.
    max_targets : int
        At most this many are returned.
    gaussian : bool
        Fit Gaussians instead of Moffats.
    shape : tuple of float, optional
        Chebyshev terms 1 … 3 (array rows) of a trace known from another frame of the same setup.

    Returns
    -------
    list of TraceFit
        Brightest first; empty when nothing is significant.
    """
    fits: list[TraceFit] = []
    halos: list[TraceFit] = []
    ny = collapsed.value.shape[1]
    refused = np.zeros(ny, bool)
    for _ in range(max_targets + 3):
        if len(fits) == max_targets:
            break
        half = _reach(binning, fits)
        known_light = fits + halos
        rest = _subtract(collapsed, known_light)
        rest = rest.minus(running_background(rest, _near(collapsed, fits, 3.0), half))
        leader = _leader(fits)
        known = tuple(leader.terms[1:]) if leader is not None else shape
        taken = _taken(known_light, ny) | refused
        widths = [w / binning for w in WIDTHS] if leader is None else [width_of(leader) * w for w in LEADER_WIDTHS]
        shapes = _shapes(binning, known)
        cost = _improbability(shapes, widths, binning, leader, shape)
        candidate = find_candidate(rest, shapes, widths, taken, cost)
        limit = THRESHOLD_ANY_SHAPE if known is None else THRESHOLD_KNOWN_SHAPE
        if candidate is None or candidate.significance < PROMISING * limit:
            break
        prior = _prior(candidate, leader, shape, binning)
        fit = _fit(rest, candidate, prior, gaussian)
        # A target's own light is in the background it was seen against: once more without.
        tight, rest = rest, _subtract(collapsed, known_light)
        excluded = _near(collapsed, [*fits, fit], 2.5 if fit.significance < LEADER else 3.0)
        freed = rest.minus(running_background(rest, excluded, _reach(binning, [*fits, fit])))
        again = _fit(freed, candidate, prior, gaussian)
        if fit.significance < LEADER or again.beta > STELLAR:
            rest, fit = freed, again
        else:  # A host's light: the narrow window keeps it apart from the star in it.
            rest = tight
        same = [other for other in fits if _coincides(fit, other)]
        if (leader is not None and _is_halo(fit, leader)) or any(width_of(fit) > width_of(other) for other in same):
            halos.append(fit)
            continue
        if same or not _plausible(fit, rest, limit, leader) or _is_misfit(fit, fits):
            refused |= np.abs(np.arange(ny) - candidate.row) < 2 * candidate.fwhm
            continue
        together = _refit(collapsed, [*fits, fit], _reach(binning, [*fits, fit]), gaussian, binning) if fits else [fit]
        if _disturbs(fits, together) or any(_is_misfit(f, _without(together, f)) for f in together) or _twins(together):
            refused |= np.abs(np.arange(ny) - candidate.row) < 2 * candidate.fwhm
            continue
        fits = together
    return sorted(fits, key=lambda f: -f.flux)


def _is_halo(fit: TraceFit, leader: TraceFit) -> bool:
    """Whether a fit is the extended light a brighter target sits in (a host galaxy): background, not a target."""
    middle = (fit.columns - 1) / 2
    wide = width_of(fit) > 2.5 * width_of(leader)
    return wide and abs(float(fit.row(middle) - leader.row(middle))) < width_of(fit)


def _coincides(fit: TraceFit, other: TraceFit) -> bool:
    """Whether two fits lie on each other all along the frame: one object, however much of its light each has."""
    columns = np.linspace(0, fit.columns - 1, 9)
    distance = float(np.max(np.abs(fit.row(columns) - other.row(columns))))
    return distance < COINCIDENT * min(width_of(fit), width_of(other))


def _twins(fits: list[TraceFit]) -> bool:
    return any(_coincides(a, b) for a, b in combinations(fits, 2))


def _reach(binning: int, fits: list[TraceFit]) -> int:
    """Half width of the background's window, rows: a bright target's wings must not pass for sky in any seeing."""
    leader = _leader(fits)
    wings = BACKGROUND_WIDTHS * width_of(leader) if leader is not None else 0.0
    return max(8, BACKGROUND_REACH // binning, math.ceil(wings))


def _is_misfit(fit: TraceFit, fits: list[TraceFit]) -> bool:
    """Whether a fit is what a much brighter target's profile leaves over in its own flanks and wings."""
    columns = np.linspace(0, fit.columns - 1, 9)
    for other in fits:
        distance = float(np.min(np.abs(fit.row(columns) - other.row(columns)))) / width_of(other)
        if any(distance < reach and fit.flux < share * other.flux for reach, share in FLANKS):
            return True
    return False


def _disturbs(before: list[TraceFit], after: list[TraceFit]) -> bool:
    """Whether fitting one target more has moved the traces of the others, which were good without it."""
    for old, new in zip(before, after, strict=False):
        columns = np.linspace(0, old.columns - 1, 9)
        if np.max(np.abs(old.row(columns) - new.row(columns))) > STEADY * width_of(old) and old.significance > LEADER:
            return True
    return False


def _without(fits: list[TraceFit], one: TraceFit) -> list[TraceFit]:
    return [fit for fit in fits if fit is not one]


def fit_at(
    collapsed: Collapsed,
    row: float,
    binning: int,
    others: list[TraceFit],
    gaussian: bool,
    shape: tuple[float, ...] | None,
) -> TraceFit:
    """Fit a target at a place a person named; see :func:`find_targets` for the parameters.

    ``row`` is the array row on the middle column; ``others`` are the targets found without help, for their shape.
    """
    leader = _leader(others) or max(others, key=lambda f: f.significance, default=None)
    background = running_background(collapsed, _near(collapsed, others, 3.0), _reach(binning, others))
    rest = collapsed.minus(background)
    width = WIDTHS[1] / binning
    expected = tuple(leader.terms[1:]) if leader is not None else (shape or (0.0, 0.0, 0.0))
    xi = collapsed.xi
    drift = expected[0] * xi + 2 * expected[1] * xi**2
    rows = np.clip(np.rint(row + drift).astype(int), 0, rest.value.shape[1] - 1)
    weight = 1 / rest.variance[np.arange(len(xi)), rows]
    centre = weight > 0
    peak = np.sum((weight * rest.value[np.arange(len(xi)), rows])[centre]) / math.sqrt(max(weight[centre].sum(), 1e-30))
    candidate = Candidate(row, expected[0], expected[1], width, float(peak))
    return _fit(rest, candidate, _prior(candidate, leader, shape, binning), gaussian)


def _leader(fits: list[TraceFit]) -> TraceFit | None:
    best = max(fits, key=lambda f: f.significance, default=None)
    return best if best is not None and best.significance >= LEADER else None


def _shapes(binning: int, known: tuple[float, ...] | None) -> list[tuple[float, float]]:
    if known is not None:
        return [(known[0], known[1])]
    slopes = np.arange(-DRIFT_REACH, DRIFT_REACH + 0.1, DRIFT_STEP) / binning
    curves = np.arange(-CURVE_REACH, CURVE_REACH + 0.1, CURVE_STEP) / binning
    return [(float(s), float(c)) for s in slopes for c in curves]


def _prior(candidate: Candidate, leader: TraceFit | None, shape, binning: int) -> TracePrior:
    if leader is not None:
        return prior_from(leader, binning)
    if shape is not None:
        prior = wide_prior(tuple(shape), candidate.fwhm, binning)
        return replace(prior, shape_sigma=tuple(s / binning for s in (1.5, 0.75, 0.3)))
    start = (candidate.slope, candidate.curve, candidate.fwhm)
    prior = replace(wide_prior((0.0, 0.0, 0.0), TYPICAL_WIDTH / binning, binning), fwhm_sigma=WIDTH_SIGMA, start=start)
    # Too faint to tell a wing from the background: keep the exponent.
    return prior if candidate.significance > 12 else replace(prior, beta_sigma=0.0)


def _improbability(shapes, widths, binning: int, leader: TraceFit | None, shape) -> np.ndarray | None:
    """Cost of each shape tried, in squared significance: see :func:`find_candidate`."""
    if leader is not None or shape is not None:
        return None
    drift = [
        (slope * binning / SHAPE_PRIOR[0]) ** 2 + (curve * binning / SHAPE_PRIOR[1]) ** 2 for slope, curve in shapes
    ]
    width = [(math.log(w * binning / TYPICAL_WIDTH) / WIDTH_SIGMA) ** 2 for w in widths]
    return np.add.outer(drift, width)


def _fit(rest: Collapsed, candidate: Candidate, prior: TracePrior, gaussian: bool) -> TraceFit:
    return fit_trace(rest, candidate.row, prior, candidate.significance, gaussian)


def _refit(collapsed: Collapsed, fits: list[TraceFit], half: int, gaussian: bool, binning: int) -> list[TraceFit]:
    """Fit each target again with the others' light subtracted; blends need it, others are not hurt."""
    for k in [*range(len(fits))] * 2:
        fit, others = fits[k], fits[:k] + fits[k + 1 :]
        if not _overlap(fit, others):
            continue
        rest = _subtract(collapsed, others)
        rest = rest.minus(running_background(rest, _near(collapsed, fits, 3.0), half))
        leader = _leader(others)
        prior = prior_from(leader, binning) if leader is not None and leader.significance > fit.significance else None
        if prior is None:
            width = math.exp(fit.log_fwhm[0])
            prior = replace(wide_prior(tuple(fit.terms[1:]), width, binning), fwhm_sigma=0.3)
        middle = float(fit.row((fit.columns - 1) / 2))
        new = fit_trace(rest, middle, prior, fit.significance, gaussian)
        if abs(float(new.row((fit.columns - 1) / 2)) - middle) < width_of(fit):
            fits = [*fits[:k], new, *fits[k + 1 :]]
    return fits


def width_of(fit: TraceFit) -> float:
    """Full width at half maximum at the middle column, rows."""
    return math.exp(fit.log_fwhm[0])


def _overlap(fit: TraceFit, others: list[TraceFit]) -> bool:
    middle = (fit.columns - 1) / 2
    return any(abs(float(fit.row(middle) - o.row(middle))) < 8 * max(width_of(fit), width_of(o)) for o in others)


def _subtract(collapsed: Collapsed, fits: list[TraceFit]) -> Collapsed:
    """What is left without the fitted targets; where they were bright their noise and misfit count as variance."""
    if not fits:
        return collapsed
    model = np.sum([fit.model(collapsed) for fit in fits], axis=0)
    light = np.maximum(model, 0)
    return replace(collapsed.minus(model), variance=collapsed.variance + light / collapsed.width + (0.15 * light) ** 2)


def _near(collapsed: Collapsed, fits: list[TraceFit], widths: float) -> np.ndarray:
    rows = np.arange(collapsed.value.shape[1])
    near = np.zeros(collapsed.value.shape, bool)
    for fit in fits:
        reach = np.maximum(widths * fit.fwhm(collapsed.column), 3)[:, None]
        near |= np.abs(rows[None, :] - fit.row(collapsed.column)[:, None]) < reach
    return near


def _taken(fits: list[TraceFit], ny: int) -> np.ndarray:
    rows = np.arange(ny)
    taken = np.zeros(ny, bool)
    narrow = min((width_of(fit) for fit in fits), default=0.0)
    for fit in fits:
        middle = float(fit.row((fit.columns - 1) / 2))
        taken |= np.abs(rows - middle) < max(1.3 * min(width_of(fit), 1.5 * narrow), 2)
    return taken


def _plausible(fit: TraceFit, rest: Collapsed, limit: float, leader: TraceFit | None) -> bool:
    """Whether a fit looks like a target: narrow enough, inside the frame, its light not all in one place."""
    ny = rest.value.shape[1]
    width = width_of(fit)
    middle = float(fit.row((fit.columns - 1) / 2))
    if not (0.8 < width < max(ny / 4, 10)) or not (0 <= middle <= ny - 1):
        return False
    if fit.significance < limit:
        return False
    # At the very ends of the slit the sky is extrapolated: only what is bright and sharp is believed there.
    usable, track = np.flatnonzero(np.isfinite(rest.variance).any(axis=0)), fit.row(rest.column)
    near_end = track.min() < usable[0] + 1.5 * width or track.max() > usable[-1] - 1.5 * width
    diffuse = leader is not None and width > 1.5 * width_of(leader)
    if near_end and (fit.significance < 15 or diffuse):
        return False
    rows = np.arange(ny)
    shape = profile_value(rows[None, :] - fit.row(rest.column)[:, None], fit.fwhm(rest.column)[:, None], fit.beta)
    weight = np.where(np.isfinite(rest.variance), 1 / rest.variance, 0.0)
    top, bottom = np.sum(weight * shape * rest.value, axis=1), np.sum(weight * shape**2, axis=1)
    # Without its best block a real continuum is still there; a cosmic ray or a sky line's residual is not.
    own = np.divide(top, np.sqrt(bottom), out=np.zeros_like(top), where=bottom > 0)
    best = int(np.argmax(own))
    keep = np.arange(len(top)) != best
    without = top[keep].sum() / math.sqrt(bottom[keep].sum()) if bottom[keep].sum() > 0 else 0.0
    return without > 0.6 * limit
