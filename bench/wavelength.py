"""Wavelength calibration against truth: the G1, G2 and G3 figures.

    python bench/wavelength.py                       # 80 lamps, one draw each, all experiments
    python bench/wavelength.py --draws 4 --seed 7 --experiment g1
    python bench/wavelength.py --experiment g3 --verbose

Every reference lamp is shifted (up to 40 unbinned pixels), stretched (up to 1 %), binned (1 or 2), dimmed and given
fresh photon and read noise, and then solved.

Truth comes from code that shares nothing with the solver but the line lists: starting from the lamp's published
pixel/wavelength pairs, isolated laboratory (NIST air) lines are centroided on the unperturbed lamp with a plain
Gaussian, a polynomial is fitted and lines are clipped at the larger of 0.15 pixel and 3 sigma. The perturbation moves
each of those lines by a known amount, so the error of a solution is its wavelength at the moved place minus the
laboratory wavelength. Given per solve: ``lines`` the rms over those lines (their own centroid errors included),
``curve`` the rms against the polynomial through them between the first and the last. Units are unbinned pixels.

Lamps without enough isolated laboratory lines for that (four-line lamps and the like) are compared with the solver's
own solution of the unperturbed lamp instead and reported apart, as ``…/self``: that shows what is solved and
repeatable, not what is true.

g1      right labels, right angles, whole library
mislabel, grating, mirror   labels of a lamp without a common element; another grating; the spectrum reversed
g3      no library lamp; header angles wrong by up to 0.5 degrees; elements of the label as they are
labels  as g3 with an empty label
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import curve_fit
from scipy.signal import find_peaks, peak_widths

from chalicelib.science import reference
from chalicelib.science.errors import NoWavelengthSolution
from chalicelib.science.wavelength import ArcSpectrum, Setup, solve
from chalicelib.science.wavelength.grating import Grating

WRONG = 0.5
MIDDLE = 2030.0


@dataclass(frozen=True)
class Truth:
    """Laboratory lines seen in a lamp: index into its flux, wavelength; and the polynomial through them."""

    pixel: np.ndarray
    wavelength: np.ndarray
    polynomial: np.polynomial.Polynomial
    scatter: float

    def dispersion(self) -> float:
        return float(self.polynomial.deriv()(np.mean(self.pixel)))


def gaussian(x, height, centre, sigma, level):
    return height * np.exp(-0.5 * ((x - centre) / sigma) ** 2) + level


def centroid(flux: np.ndarray, guess: float, width: float) -> tuple[float, float] | None:
    """Centre and its error of the line within half a width of ``guess``."""
    low, high = int(guess - 1.2 * width), int(guess + 1.2 * width) + 2
    if low < 3 or high > len(flux) - 3:
        return None
    x, y = np.arange(low, high), flux[low:high]
    peak = low + int(np.argmax(y))
    if abs(peak - guess) > 0.5 * width + 1:
        return None
    try:
        best, covariance = curve_fit(gaussian, x, y, [np.ptp(y), peak, width / 2.355, y.min()], maxfev=400)
    except RuntimeError:
        return None
    error = float(np.sqrt(covariance[1, 1]))
    narrow = 0.6 * width < 2.355 * abs(best[2]) < 1.5 * width
    return (float(best[1]), error) if best[0] > 0 and narrow and error < 0.1 else None


def width_of(flux: np.ndarray) -> float:
    """Median full width at half maximum of the lamp's lines, pixels."""
    clear = flux - np.median(flux)
    peaks, _ = find_peaks(clear, prominence=30 * 1.4826 * np.median(np.abs(np.diff(flux))))
    return float(np.median(peak_widths(clear, peaks, rel_height=0.5)[0])) if len(peaks) > 3 else 3.0


def truth_of(lamp, library) -> Truth | None:
    """Careful identification of ``lamp``; None where too few lines hold it.

    Needed: eight lines over 40 % of the detector that agree to 0.1 pixel.
    """
    flux = np.asarray(lamp.flux, dtype=float)
    width = width_of(flux)
    lab = library.lines(lamp.elements)
    own = Grating(lamp.lines_per_mm, lamp.grating_angle, lamp.camera_angle)
    column = (0.0 if np.isnan(lamp.column) else lamp.column) + np.arange(len(flux))
    # shift, scale and bend of the grating equation from the published pairs, resistant to bad ones
    x, wanted = lamp.pairs[:, 0], lamp.pairs[:, 1]
    t = (x - MIDDLE) / MIDDLE
    base = np.interp(x, np.arange(len(flux)), own.wavelength(column))
    degree = 1 if len(x) < 8 else 2
    weight = np.ones(len(x))
    for _ in range(10):
        bend = np.polynomial.Polynomial.fit(t, wanted - base, degree, domain=[-1, 1], w=weight)
        off = wanted - base - bend(t)
        weight = 1 / (1 + (off / max(0.3 * own.dispersion, 1.5 * np.median(np.abs(off)))) ** 2)
    grid = np.arange(len(flux))
    relation = own.wavelength(column) + bend((grid - MIDDLE) / MIDDLE)
    noise = 1.4826 * np.median(np.abs(np.diff(flux)))
    pixel = wavelength = polynomial = None
    for reach in (1.0, 0.6):
        rows = []
        for line, intensity, ion in zip(lab.wavelength, lab.intensity, lab.ion, strict=True):
            if not relation[0] < line < relation[-1]:
                continue
            near = (np.abs(lab.wavelength - line) < 2.5 * width * own.dispersion) & (lab.wavelength != line)
            if np.any(near & ((lab.ion != ion) | (lab.intensity > 0.05 * intensity))):
                continue
            guess = float(np.interp(line, relation, grid))
            found = centroid(flux, guess, width)
            if found is None or abs(found[0] - guess) > reach * width:
                continue
            height = np.interp(found[0], grid, flux) - np.median(flux)
            if height > 15 * noise:
                rows.append((found[0], line))
        if len(rows) < 8:
            return None
        pixel, wavelength = np.array(rows).T
        keep = np.ones(len(pixel), dtype=bool)
        for _ in range(20):
            degree = 3
            base = np.interp(pixel, grid, own.wavelength(column))
            bend = np.polynomial.Polynomial.fit(
                (pixel[keep] - MIDDLE) / MIDDLE, (wavelength - base)[keep], degree, domain=[-1, 1]
            )
            off = (wavelength - base - bend((pixel - MIDDLE) / MIDDLE)) / own.dispersion
            # starts wide: the published pairs may be off by a pixel
            limit = max(0.15, 3 * 1.4826 * np.median(np.abs(off[keep])))
            again = np.abs(off) < limit
            if np.array_equal(again, keep) or again.sum() < 5:
                break
            keep = again
        relation = own.wavelength(column) + bend((grid - MIDDLE) / MIDDLE)
    pixel, wavelength = pixel[keep], wavelength[keep]
    polynomial = np.polynomial.Polynomial.fit(grid, relation, 7)
    scatter = float(np.std(off[keep]))
    if len(pixel) < 8 or np.ptp(pixel) < 0.4 * len(flux) or scatter > 0.1:
        return None
    return Truth(pixel, wavelength, polynomial, scatter)


def self_truth(lamp, library) -> Truth | None:
    """The solver's own reading of the unperturbed lamp, sampled; None where it refuses."""
    origin = 523.0 if np.isnan(lamp.column) else lamp.column
    electrons = np.maximum(np.asarray(lamp.flux, dtype=float), 0) * lamp.gain
    column = origin + np.arange(len(electrons))
    arc = ArcSpectrum(column, electrons, electrons + lamp.read_noise**2, np.zeros(len(electrons), np.uint8))
    try:
        solution = solve(arc, setup_of(lamp), library)
    except NoWavelengthSolution:
        return None
    pixel = np.linspace(*solution.span, 30) - origin
    grid = np.arange(len(electrons))
    polynomial = np.polynomial.Polynomial.fit(grid, solution.wavelength(column), 7)
    return Truth(pixel, polynomial(pixel), polynomial, 0.0)


@dataclass(frozen=True)
class Case:
    """A perturbed lamp: original pixel p lies at detector column ``place(p)``."""

    arc: ArcSpectrum
    origin: float
    shift: float
    stretch: float

    def place(self, pixel):
        return self.origin + MIDDLE + (np.asarray(pixel) - MIDDLE) * (1 + self.stretch) + self.shift


def perturb(lamp, rng, *, binning: int, mirror: bool = False) -> Case:
    """The lamp seen through a moved, stretched, rebinned and noisy instrument."""
    flux = np.maximum(np.asarray(lamp.flux, dtype=float), 0) * lamp.gain
    flux = flux[::-1] if mirror else flux
    origin = 523.0 if np.isnan(lamp.column) else lamp.column
    shift, stretch = rng.uniform(-40, 40), rng.uniform(-0.01, 0.01)
    total = CubicSpline(np.arange(len(flux) + 1) - 0.5, np.concatenate([[0], np.cumsum(flux)]))
    n = len(flux) // binning
    edges = np.arange(n + 1) * binning - 0.5
    source = MIDDLE + (edges - MIDDLE - shift) / (1 + stretch)
    inside = np.clip(source, -0.5, len(flux) - 0.5)
    light = np.diff(total(inside)) * rng.choice([1.0, 0.3, 0.1])
    read = lamp.read_noise
    counts = rng.poisson(np.clip(light, 0, 1e9)) + rng.normal(0, read, n)
    column = origin + np.arange(n) * binning + (binning - 1) / 2
    # the window always is the detector's, so lines pushed off one edge are lost and the other edge is empty
    variance = np.maximum(counts, 0) + read**2
    return Case(ArcSpectrum(column, counts, variance, np.zeros(n, np.uint8)), origin, shift, stretch)


def setup_of(lamp, **changes) -> Setup:
    values = {
        "lines_per_mm": lamp.lines_per_mm,
        "grating_angle": lamp.grating_angle,
        "camera_angle": lamp.camera_angle,
        "camera": lamp.camera,
        "lamps": lamp.elements,
        "mode": lamp.mode,
    }
    return Setup(**{**values, **changes})


class WithoutLamps(reference.Library):
    """The bundle with its line lists only."""

    lamps = ()  # type: ignore[assignment]


def errors_of(case: Case, truth: Truth, solution) -> tuple[float, float]:
    """rms over the laboratory lines still on the detector, and against the curve; unbinned pixels."""
    place = case.place(truth.pixel)
    on = (place > case.arc.column[0]) & (place < case.arc.column[-1])
    step = truth.dispersion() / (1 + case.stretch)
    lines = (solution.wavelength(place[on]) - truth.wavelength[on]) / step
    grid = np.linspace(truth.pixel.min(), truth.pixel.max(), 100)
    curve = (solution.wavelength(case.place(grid)) - truth.polynomial(grid)) / step
    return float(np.sqrt(np.mean(lines**2))), float(np.sqrt(np.mean(curve**2)))


def attempt(case: Case, setup: Setup, library, truth: Truth) -> dict:
    start = time.process_time()
    try:
        solution = solve(case.arc, setup, library)
    except NoWavelengthSolution as error:
        return {"solved": False, "cpu": time.process_time() - start, "reason": str(error)}
    cpu = time.process_time() - start
    lines, curve = errors_of(case, truth, solution)
    claimed = solution.rms / abs(float(solution.dispersion(MIDDLE)))
    return {"solved": True, "cpu": cpu, "lines": lines, "curve": curve, "claimed": claimed, "score": solution.score,
            "method": solution.method, "used": sum(line.used for line in solution.lines)}  # fmt: skip


def experiments(lamp, lamps, rng, library, blind) -> dict[str, tuple[Case, Setup, object]]:
    """Each experiment's case, setup and library."""
    case = perturb(lamp, rng, binning=int(rng.choice([1, 2])))
    others = [other for other in lamps if not set(other.elements) & set(lamp.elements)]
    other = others[rng.integers(len(others))] if others else None
    off = rng.uniform(-0.5, 0.5, 2)
    tilted = setup_of(
        lamp, grating_angle=lamp.grating_angle + off[0], camera_angle=lamp.camera_angle + off[1], mode=None
    )
    gratings = [g for g in (400.0, 600.0, 930.0, 1200.0) if g != lamp.lines_per_mm]
    wrong_grating = setup_of(lamp, lines_per_mm=float(rng.choice(gratings)), mode=None)
    found = {
        "g1": (case, setup_of(lamp), library),
        "g3": (case, tilted, blind),
        "labels": (case, setup_of(lamp, lamps=(), mode=None), blind),
        "grating": (case, wrong_grating, library),
        "mirror": (perturb(lamp, rng, binning=1, mirror=True), setup_of(lamp), library),
    }
    if other is not None:
        found["mislabel"] = (case, setup_of(lamp, lamps=other.elements), library)
    return found


def report(name: str, results: list[dict]) -> None:
    solved = [r for r in results if r["solved"]]
    wrong = [r for r in solved if r["curve"] > WRONG]
    n = len(results)
    line = (
        f"{name:13s} n {n:4d}  solved {100 * len(solved) / n:5.1f} %  wrong, not refused {100 * len(wrong) / n:5.2f} %"
    )
    right = [r for r in solved if r["curve"] <= WRONG]
    if right:
        for key in ("lines", "curve", "claimed"):
            values = np.array([r[key] for r in right])
            line += f"  {key} {np.median(values):.3f} / {np.percentile(values, 95):.3f}"
        line += f"  by library {100 * np.mean([r['method'] == 'library' for r in right]):.0f} %"
    print(line + f"  cpu {np.mean([r['cpu'] for r in results]):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=Path(__file__).resolve().parents[1] / "build" / "reference")
    parser.add_argument("--draws", type=int, default=1, help="perturbations a lamp")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="take every n-th lamp only")
    parser.add_argument("--experiment", action="append", help="g1, g3, labels, mislabel, grating, mirror; default all")
    parser.add_argument("--verbose", action="store_true", help="one line a solve that is off or refused")
    arguments = parser.parse_args()
    library, blind = reference.load(arguments.reference), WithoutLamps(arguments.reference)
    results, refused = defaultdict(list), []
    for index, lamp in enumerate(library.lamps[:: arguments.every]):
        truth, kind = truth_of(lamp, library), ""
        if truth is None:
            truth, kind = self_truth(lamp, library), "/self"
        if truth is None:
            refused.append(lamp.file)
            continue
        if arguments.verbose:
            print(f"{lamp.file}: truth from {len(truth.pixel)} lines, scatter {truth.scatter:.3f} px")
        for draw in range(arguments.draws):
            rng = np.random.default_rng([arguments.seed, index, draw])
            for name, (case, setup, used) in experiments(lamp, library.lamps, rng, library, blind).items():
                if arguments.experiment and name not in arguments.experiment:
                    continue
                result = attempt(case, setup, used, truth)
                if arguments.verbose and (not result["solved"] or result["curve"] > 0.1):
                    shown = {k: (round(v, 3) if isinstance(v, float) else v) for k, v in result.items()}
                    print(
                        f"   {name} b{case.arc.binning:.0f} shift {case.shift:.1f} stretch {case.stretch:.4f} {shown}"
                    )
                results[name + kind].append(result)
    print(f"{sum(map(len, results.values()))} solves; median / 95th percentile in unbinned pixels")
    for name in sorted(results):
        report(name, results[name])
    if refused:
        print(f"refused as they are, left out: {', '.join(refused)}")


if __name__ == "__main__":
    main()
