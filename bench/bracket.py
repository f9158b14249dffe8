"""Two arcs that bracket a frame against the nearer one alone: how far each is from the truth at the frame's time.

    python -m bench.bracket                             # simulated pairs, 60 cases, seed 1
    python -m bench.bracket --cases 200 --seed 7
    python -m bench.bracket --shared ../shared/data     # besides: a real night's three arcs, the middle one left out

Simulated: a mode, lamps (in a third of the cases other ones before than after), a slit, a binning, brightness and a
drift of up to ``--drift`` unbinned pixels (and up to 0.2 of stretch at the edge) are drawn; the frame lies anywhere
between the arcs and the drift is linear in time. Lines lie exactly where laboratory and optics put them, so the truth
is known. Compared, in unbinned pixels over the columns the nearer arc's lines span:

nearest    the nearer arc's own solution
average    both arcs' own solutions, weighted by time (two polynomials averaged)
combined   the joint fit of :mod:`chalicelib.science.wavelength.bracket`, or what it falls back to

``offset`` is the mean error, ``shape`` the rms about it, ``total`` the rms; ``claimed`` is the rms on the product.
``--path jump`` lets the lines jump at a random moment instead of drifting, to see whether the claim is honest then.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from astropy.io import fits

from chalicelib.science import reference
from chalicelib.science.dispersion import WavelengthSolution
from chalicelib.science.errors import NoWavelengthSolution
from chalicelib.science.frame import Frame, Geometry, MaskBit
from chalicelib.science.wavelength import Arc, ArcSpectrum, Setup, collapse_arc, combine
from chalicelib.store.reference import bundle_path
from infra.simulate.lamp import LAMPS, line_list
from infra.simulate.modes import find_mode
from infra.simulate.optics import LineSpread, Optics

MODES = ("400_M1", "400_M2", "600_Mid", "600_Red", "930_M2", "930_M4", "1200_M5")
BLUE_LAMPS = (("FE",), ("CU",))
RED_LAMPS = (("HGA", "NE"), ("NE",), ("HGA",), ("AR", "NE"))
NIGHT = "sn2018oh_blue_20180204"
FIRST, LAST = 50, 4110


def draw(optics: Optics, lamps: tuple[str, ...], slit: float, binning: int, bright: float, rng) -> ArcSpectrum:
    """A lamp with photon and read noise, as a mean of rows would look."""
    spread = LineSpread.of_slit(slit)
    lines = line_list(optics.mode, lamps)
    place = optics.column(lines.wavelength)
    edges = FIRST - 0.5 + binning * np.arange((LAST - FIRST) // binning + 1)
    light = np.full(len(edges) - 1, 20.0 * binning)
    for x, strength in zip(place, lines.strength, strict=True):
        low, high = np.searchsorted(edges, [x - 40, x + 40])
        if high - low > 1:
            light[low : high - 1] += bright * strength * np.diff(spread.cumulative(edges[low:high] - x))
    variance = light + 16.0
    flux = rng.normal(light, np.sqrt(variance))
    column = (edges[:-1] + edges[1:]) / 2
    return ArcSpectrum(column, flux, np.maximum(flux, 0) + 16.0, np.zeros(len(flux), np.uint8))


def setup_of(optics: Optics, lamps: tuple[str, ...]) -> Setup:
    mode = optics.mode
    elements = tuple(dict.fromkeys(e for lamp in lamps for e in LAMPS[lamp]))
    return Setup(mode.lines_per_mm, mode.grating_angle, mode.camera_angle, "Red", elements, mode.name)


def errors(solution, optics: Optics, span: tuple[float, float]) -> tuple[float, float]:
    """Mean error and rms about it, unbinned pixels; ``solution`` is a function of the detector column."""
    column = np.linspace(*span, 200)
    truth = optics.wavelength(column)
    pixel = (optics.wavelength(column + 0.5) - optics.wavelength(column - 0.5)).mean()
    off = (solution(column) - truth) / pixel
    return float(off.mean()), float(off.std())


def averaged(own: list[WavelengthSolution], fraction: float):
    """Two polynomials weighted by time."""
    return lambda column: (1 - fraction) * own[0].wavelength(column) + fraction * own[1].wavelength(column)


def name_of(mode, first, second, slit, binning, bright) -> str:
    return f"{mode.name} {'+'.join(first)} then {'+'.join(second)}, slit {slit}, binning {binning}, {bright:.0f} e-"


def case(library, rng, largest: float, path: str) -> dict:
    """One simulated pair; with ``refused`` where neither arc gives a solution."""
    mode = find_mode(str(rng.choice(MODES)))
    optics = Optics(
        mode,
        shift=rng.normal(0, 12),
        stretch=rng.normal(0, 0.0015),
        bend=(rng.normal(0, 0.4), rng.normal(0, 0.3)),
    )
    kinds = RED_LAMPS if optics.wavelength(2070.5) > 5300 else BLUE_LAMPS
    first = kinds[rng.integers(len(kinds))]
    second = kinds[rng.integers(len(kinds))] if rng.uniform() < 1 / 3 else first
    drift, stretch = rng.uniform(-largest, largest), rng.uniform(-0.2, 0.2) / 2000 * rng.integers(2)
    span, fraction = rng.uniform(600, 7200), rng.uniform(0.05, 0.95)
    moved = fraction if path == "linear" else float(rng.uniform() < fraction)
    before, after = optics, optics.flexed(drift, stretch)
    now = optics.flexed(moved * drift, moved * stretch)
    binning, slit = int(rng.integers(1, 3)), float(rng.choice([0.45, 1.0, 1.5]))
    bright = 10 ** rng.uniform(4.0, 5.5)
    arcs = [
        Arc(draw(o, lamps, slit, binning, bright, rng), setup_of(o, lamps), when, name)
        for o, lamps, when, name in (
            (before, first, -fraction * span, "the arc before"),
            (after, second, (1 - fraction) * span, "the arc after"),
        )
    ]
    started = time.process_time()
    try:
        bracket = combine(arcs, library)
    except NoWavelengthSolution as error:
        return {"case": name_of(mode, first, second, slit, binning, bright), "refused": str(error)}
    seconds = time.process_time() - started
    near = int(fraction > 0.5)
    own = [s for s in bracket.own if s is not None]
    nearest = bracket.own[near] or own[0]
    pixel = abs(float(nearest.dispersion(np.mean(nearest.span))))
    result = {
        "case": name_of(mode, first, second, slit, binning, bright),
        "same": first == second,
        "drift": abs(drift),
        "both": all(bracket.used),
        "solved": len(own),
        "seconds": seconds,
        "claimed": bracket.solution.rms / pixel,
        "drift_off": bracket.drift - drift,
        "notes": bracket.notes,
        "nearest": errors(nearest.wavelength, now, nearest.span),
        "combined": errors(bracket.solution.wavelength, now, nearest.span),
    }
    result["average"] = errors(averaged(own, fraction), now, nearest.span) if len(own) == 2 else result["nearest"]
    return result


def report(title: str, results: list[dict]) -> None:
    if not results:
        return
    print(f"{title}: {len(results)} cases, median / 95th percentile in unbinned pixels")
    for method in ("nearest", "average", "combined"):
        offset, shape = np.abs(np.array([r[method] for r in results])).T
        columns = (("offset", offset), ("shape", shape), ("total", np.hypot(offset, shape)))
        shown = "  ".join(f"{k} {np.median(v):.3f} / {np.percentile(v, 95):.3f}" for k, v in columns)
        print(f"    {method:<9} {shown}")
    claimed = np.array([r["claimed"] for r in results])
    true = np.array([np.hypot(*r["combined"]) for r in results])
    within = 100 * np.mean(true <= 2 * claimed)
    print(
        f"    claimed {np.median(claimed):.3f} / {np.percentile(claimed, 95):.3f}; true within twice it {within:.0f} %"
    )


def simulate(arguments) -> None:
    library = reference.load(bundle_path())
    found: dict[str, list[dict]] = defaultdict(list)
    lost = 0
    for number in range(arguments.cases):
        result = case(library, np.random.default_rng([arguments.seed, number]), arguments.drift, arguments.path)
        if "refused" in result:
            lost += 1
            if arguments.verbose:
                print(number, result)
            continue
        group = "one arc alone" if not result["both"] else "same lamps" if result["same"] else "other lamps"
        found[group].append(result)
        if arguments.verbose:
            print(number, {k: v for k, v in result.items() if k != "seconds"})
    print(
        f"simulated pairs, seed {arguments.seed}, drift up to {arguments.drift:g} unbinned pixels ({arguments.path}); "
        f"neither arc solved in {lost}"
    )
    for group in ("same lamps", "other lamps", "one arc alone"):
        report(group, found[group])
    both = found["same lamps"] + found["other lamps"]
    off = np.abs([r["drift_off"] for r in both])
    print(f"drift measured to {np.median(off):.3f} / {np.percentile(off, 95):.3f} px")
    seconds = [r["seconds"] for r in both]
    print(f"{np.mean(seconds):.2f} CPU s a pair")


def read(path: Path, saturation: float) -> Frame:
    """A raw arc, level from the prescan: no more than this comparison needs."""
    header, data = fits.getheader(path), fits.getdata(path).astype(float)
    binning = tuple(int(b) for b in header["CCDSUM"].split())
    electrons = (data - np.median(data[:, 6 // binning[0] : 24 // binning[0]])) * header["GAIN"]
    cut = slice(FIRST // binning[0], LAST // binning[0])
    mask = np.where(data >= saturation, MaskBit.SATURATED, 0).astype(np.uint8)
    variance = np.maximum(electrons, 0) + header["RDNOISE"] ** 2
    geometry = Geometry(binning).cut(cut.start, 0)
    return Frame(electrons[:, cut].astype(np.float32), variance[:, cut].astype(np.float32), mask[:, cut], geometry)


def real_night(shared: Path) -> None:
    """Arcs 1 and 3 of the night predict arc 2, whose own solution is what they are compared with."""
    library = reference.load(bundle_path())
    setup = Setup(930.0, 13.0, 24.0, "Blue", ("Fe",), "Custom")
    names = [f"00{n}_Fe_930_blue_long.fits.gz" for n in (18, 19, 20)]
    lamps = [collapse_arc(read(shared / NIGHT / name, 49928)) for name in names]
    middle = combine([Arc(lamps[1], setup, 0.0)], library).solution
    times = (-66.5, 0.0, 66.5)
    both = combine([Arc(lamps[k], setup, times[k], names[k]) for k in (0, 2)], library)
    own = [s for s in both.own if s is not None]
    column = np.linspace(*middle.span, 400)
    print(f"{NIGHT}: {names[0]} and {names[2]} predict {names[1]} (unbinned pixels)")
    methods = {"first": own[0].wavelength, "third": own[1].wavelength, "average": averaged(own, 0.5)}
    for name, curve in {**methods, "combined": both.solution.wavelength}.items():
        off = (curve(column) - middle.wavelength(column)) / middle.dispersion(column)
        lines = [line for line in middle.lines if line.used]
        seen = np.array([line.column for line in lines])
        left = (np.array([line.wavelength for line in lines]) - curve(seen)) / middle.dispersion(seen)
        print(
            f"    {name:<9} offset {off.mean():+.4f}  shape {off.std():.4f}  on its {len(lines)} lines {left.std():.4f}"
        )
    pixel = float(middle.dispersion(2071.0))
    print(
        f"    drift {both.drift:+.4f} ± {both.drift_error:.4f}, doubt {both.doubt:.4f}, claimed rms "
        f"{both.solution.rms / pixel:.4f} from {sum(line.used for line in both.solution.lines)} lines "
        f"(single arcs: {', '.join(f'{s.rms / pixel:.4f}' for s in own)}); {both.notes or 'no notes'}"
    )


def main() -> None:
    """Simulate, and print; then the real night if it is at hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drift", type=float, default=1.5, help="largest drift, unbinned pixels")
    parser.add_argument("--path", choices=("linear", "jump"), default="linear")
    parser.add_argument("--shared", type=Path, help="folder of real frames")
    parser.add_argument("--verbose", action="store_true", help="every case")
    arguments = parser.parse_args()
    if arguments.cases:
        simulate(arguments)
    if arguments.shared:
        real_night(arguments.shared)


if __name__ == "__main__":
    main()
