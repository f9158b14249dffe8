"""How well the sky fixes the zero point: simulated skies with a known shift, and skies that show nothing.

    python bench/zeropoint.py --seeds 40

Every case draws mode, slit, binning, shift (-50 to 50 unbinned pixels at the middle: up to 2 as flexure, the rest as a
change of the slit's place), strengths, flat-field error, noise correlation and an error estimate that is off by up to
10 %. Printed per case: how often verified, how often wrong (verified, and off by more than 0.3 Angstrom and 5 sigma),
how often applied, error of the shift, mean and spread of the pulls, CPU seconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.polynomial import chebyshev

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chalicelib.science.dispersion import WavelengthSolution
from chalicelib.science.solar import airglow_lines, solar_atlas
from chalicelib.science.zeropoint import ZeroPoint, measure

#: name: lines per mm, camera and grating angle (degrees)
MODES = {
    "400_M1": (400, 11.6, 5.8),
    "400_M2": (400, 16.1, 7.5),
    "600_Blue": (600, 17.0, 7.0),
    "600_Red": (600, 27.0, 12.0),
    "930_M1": (930, 20.6, 10.3),
    "930_custom": (930, 24.0, 13.0),
    "930_M4": (930, 34.6, 18.3),
    "1200_M2": (1200, 34.4, 18.7),
}
BLUE = ("400_M1", "600_Blue", "930_M1", "930_custom")
RED = ("400_M2", "600_Red", "930_M4", "1200_M2")
COLUMNS = 4096


def solution(mode: str) -> WavelengthSolution:
    """The grating equation's wavelengths as a quartic."""
    lines, camera, grating = MODES[mode]
    alpha, beta = np.radians(grating), np.radians(camera - grating)
    column = np.linspace(0, COLUMNS, 200)
    wave = (np.sin(alpha) + np.sin(beta + np.arctan((column - COLUMNS / 2) * 0.015 / 377.3))) / lines * 1e7
    coefficients = chebyshev.chebfit(2 * column / COLUMNS - 1, wave, 4)
    span = (0.0, float(COLUMNS))
    return WavelengthSolution(tuple(coefficients), span, span, (), 0.02, 0.01, (), "grating equation")


def sky_light(wave: np.ndarray, rng, *, moon: float, airglow: float) -> np.ndarray:
    """Photons per Angstrom, dark continuum = 1, on a fine axis; airglow strengths vary line by line."""
    residual, first, step, _ = solar_atlas()
    atlas = first + step * np.arange(residual.size)
    dark = 1 + 0.3 * np.sin(wave / rng.uniform(300, 900) + rng.uniform(0, 6))
    tilt = rng.uniform(-1, 1)
    light = airglow * dark + moon * np.interp(wave, atlas, residual) * (1 + tilt * (wave / wave.mean() - 1))
    groups = {name: rng.lognormal(0, 0.4) for _, _, name in airglow_lines()}
    towns = rng.random() < 0.5
    spacing = wave[1] - wave[0]
    for line, strength, group in airglow_lines():
        place = (line - wave[0]) / spacing
        if 0 <= place < wave.size - 1 and (towns or not group.startswith("Hg")):
            amount = airglow * strength * groups[group] * rng.lognormal(0, 0.1)
            amount *= 0.02 if group.startswith("Hg") else 1
            light[int(place)] += amount / spacing
    return light


def observe(mode: str, rng, *, moon: float, airglow: float, snr: float, shift: float, binning=2, slit=1.0):
    """Detector columns, sky, claimed error, mask, solution: through a slit (arcsec), shifted, at a median S/N."""
    solved = solution(mode)
    column = binning * np.arange(10, COLUMNS // binning - 10) + (binning - 1) / 2
    oversample = 8
    fine = np.arange(-100, COLUMNS + 100, 1 / oversample)
    # The slit's place moves every wavelength by the same amount, flexure moves the image by pixels.
    flexure = np.clip(shift, -2, 2)
    wave = solved.wavelength(fine + flexure) + (shift - flexure) * float(solved.dispersion(COLUMNS / 2))
    axis = np.arange(wave.min(), wave.max(), 0.02)
    light = sky_light(axis, rng, moon=moon, airglow=airglow)
    total = np.concatenate([[0.0], np.cumsum(light) * 0.02])
    counts = np.diff(np.interp(np.append(fine, fine[-1] + 1 / oversample), fine, np.interp(wave, axis, total[1:])))
    counts = np.append(counts[:-1], counts[-2])
    box = np.ones(max(1, round(slit / 0.15 * oversample)))  # a slit images as a box ...
    grid = np.arange(-6 * oversample, 6 * oversample + 1) / oversample
    blur = np.exp(-0.5 * (grid / (2.2 / 2.355)) ** 2)  # ... blurred by the optics
    for kernel in (box, blur):
        counts = np.convolve(counts, kernel / kernel.sum(), "same")
    edges = np.append(column - binning / 2, column[-1] + binning / 2) + 0.5
    summed = np.interp(edges, fine + 1 / oversample + 0.5, np.cumsum(counts))
    signal = np.diff(summed)
    response = np.exp(-0.5 * ((column - rng.uniform(1000, 3000)) / rng.uniform(1500, 4000)) ** 2)
    response *= 1 + 0.01 * np.sin(column / rng.uniform(40, 200))
    signal *= response
    signal *= snr**2 * 1.2 / np.median(signal)
    variance = signal + 0.2 * np.median(signal)
    noise = rng.normal(size=signal.size)
    if rng.random() < 0.5:  # a sky model smooths a little along the dispersion
        noise = np.convolve(noise, [0.2, 0.6, 0.2], "same") / np.sqrt(0.44)
    flux = signal + noise * np.sqrt(variance)
    spikes = rng.integers(0, signal.size, rng.poisson(2))
    flux[spikes] += rng.uniform(5, 60, spikes.size) * np.sqrt(variance[spikes])
    mask = np.zeros(signal.size, np.uint8)
    mask[rng.integers(0, signal.size, 10)] = 1
    return column, flux, np.sqrt(variance) * rng.uniform(0.9, 1.1), mask, solved


def nothing(rng, snr: float, kind: str):
    """A sky without a feature: noise, smooth light with noise, or noise correlated over a line's width."""
    mode = rng.choice(list(MODES))
    solved = solution(mode)
    column = 2 * np.arange(10, 2038) + 0.5
    level = 0.0 if kind == "noise" else snr * (1 + 0.5 * np.sin(column / 700 + rng.uniform(0, 6)))
    noise = rng.normal(size=column.size)
    if kind == "correlated":
        kernel = np.exp(-0.5 * (np.arange(-6, 7) / 1.5) ** 2)
        noise = np.convolve(noise, kernel, "same") / np.sqrt(np.sum(kernel**2))
    flux = level + noise
    spikes = rng.integers(0, column.size, rng.poisson(3))
    height = rng.uniform(5, 100, spikes.size)
    flux[spikes] += height
    flux[(spikes + 1) % flux.size] += height * rng.uniform(0, 1, spikes.size) * (rng.random(spikes.size) < 0.3)
    return column, flux, np.ones(column.size), np.zeros(column.size, np.uint8), solved


def report(name: str, results: list[tuple[ZeroPoint, float, float]]) -> None:
    """One line of figures for a case: (measured, true shift in pixels, CPU seconds) per seed."""
    verified = [(z, t) for z, t, _ in results if z.verified]
    scale = [abs(z.shift / z.shift_pixels) for z, _ in verified]
    off = np.array([(z.shift_pixels - t) for z, t in verified])
    angstrom = np.abs(off) * scale
    pulls = np.array([(z.shift_pixels - t) / z.error_pixels for z, t in verified])
    wrong = int(np.sum((angstrom > 0.3) & (np.abs(pulls) > 5)))
    text = f"{name:34s} verified {len(verified):3d}/{len(results):3d}  wrong {wrong}"
    text += f"  applied {sum(z.applied for z, _, _ in results):3d}"
    if verified:
        px = np.abs(off)
        text += f"  |error| px {np.median(px):.3f} {np.quantile(px, 0.95):.3f}  A {np.median(angstrom):.3f}"
        text += f" {np.quantile(angstrom, 0.95):.3f}  pulls {np.mean(pulls):+.2f} {np.std(pulls):.2f}"
    print(f"{text}  cpu {np.median([c for _, _, c in results]):.2f}", flush=True)


def run(make, seeds: int, first: int) -> list[tuple[ZeroPoint, float, float]]:
    """``make(rng)`` gives the arguments of ``measure`` and the true shift."""
    results = []
    for seed in range(first, first + seeds):
        *sky, truth = make(np.random.default_rng(seed))
        start = time.process_time()
        found = measure(*sky)
        results.append((found, truth, time.process_time() - start))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    args = parser.parse_args()
    print("|error|: median and 95 %; px are unbinned")

    def case(modes, still=False, **light):
        def make(rng):
            shift = 0.0 if still else rng.uniform(-50, 50)
            binning, slit = int(rng.choice([1, 2, 2])), float(rng.choice([0.45, 0.8, 1.0, 1.5, 3.0]))
            return *observe(rng.choice(modes), rng, shift=shift, binning=binning, slit=slit, **light), shift

        return make

    for snr in (2, 5, 10, 40):
        report(f"moonlit blue, S/N {snr}", run(case(BLUE, moon=8.0, airglow=1.0, snr=snr), args.seeds, args.first))
    report("twilight blue, S/N 300", run(case(BLUE, moon=1000.0, airglow=1.0, snr=300), args.seeds, args.first))
    still = case(BLUE, True, moon=8.0, airglow=1.0, snr=10)
    report("moonlit blue, S/N 10, no shift", run(still, args.seeds, args.first))
    for snr in (2, 5, 20):
        report(f"dark red, S/N {snr}", run(case(RED, moon=0.0, airglow=1.0, snr=snr), args.seeds, args.first))
    report("moonlit red, S/N 10", run(case(RED, moon=8.0, airglow=1.0, snr=10), args.seeds, args.first))
    report("dark red, S/N 5, no shift", run(case(RED, True, moon=0.0, airglow=1.0, snr=5), args.seeds, args.first))
    report("dark blue, S/N 10", run(case(BLUE, moon=0.0, airglow=1.0, snr=10), args.seeds, args.first))
    for kind in ("noise", "smooth", "correlated"):
        blank = lambda rng, kind=kind: (*nothing(rng, 10, kind), 0.0)  # noqa: E731
        report(f"nothing: {kind}", run(blank, 2 * args.seeds, args.first))


if __name__ == "__main__":
    main()
