"""Do the broad absorption lines of a young type Ia supernova come out where they must?

    python bench/supernova.py OUT_DIR [--plot supernova.png] [--redshift 0.0109] [--match AT2018oh]

Reads the wavelength-calibrated products below OUT_DIR, adds them up in velocity and measures where the blends of Ca II
H&K, Si II 4130 and Mg II 4481 are deepest: nine days before maximum they must be blueshifted by 10 to 20 thousand km/s.
The errors hold noise (bootstrap over frames and pixels) and the choice of smoothing and so of the pseudo-continuum; not
the blending with weaker lines, about 1000 km/s.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

LIGHT = 299792.458


@dataclass(frozen=True)
class Blend:
    """A blend: rest air wavelength (gf-weighted), and velocities (1000 km/s) between which its sides are looked for."""

    name: str
    rest: float
    left: tuple[float, float]
    right: tuple[float, float]


BLENDS = (
    Blend("Ca II H&K", 3945.1, (-37.0, -22.0), (-13.0, 4.0)),
    Blend("Si II 4130", 4129.8, (-19.0, -14.0), (-10.5, -4.0)),
    Blend("Mg II 4481", 4481.2, (-28.0, -17.0), (-10.0, 2.0)),
)


def velocity(wavelength, rest: float, redshift: float):
    """Relativistic Doppler velocity (km/s) in the frame of the host."""
    ratio = np.asarray(wavelength) / (rest * (1 + redshift))
    return LIGHT * (ratio**2 - 1) / (ratio**2 + 1)


def read(path: Path):
    """Wavelength, flux, error of a product's SPECTRUM table, and what it says about its zero point."""
    with fits.open(path) as hdus:
        table, header = hdus["SPECTRUM"].data, hdus[0].header
        good = np.isfinite(table["FLUX"]) & (table["ERROR"] > 0) & ((table["MASK"] & 7) == 0)
        zero = {key: header.get(key) for key in ("GSP_ZVER", "GSP_ZAPP", "GSP_ZSHI", "GSP_ZERR", "GSP_ZPIX")}
        return (*(np.array(table[name][good], dtype=float) for name in ("WAVELENGTH", "FLUX", "ERROR")), zero)


def smooth(grid, wave, flux, weight, sigma: float):
    """Weighted local means with a Gaussian kernel of ``sigma`` km/s."""
    offset = (wave[None, :] / grid[:, None] - 1) * LIGHT / sigma
    kernel = np.exp(-0.5 * offset**2) * weight
    return (kernel @ flux) / kernel.sum(axis=1)


def deepest(grid, level, blend: Blend, redshift: float):
    """Velocity (km/s) of the minimum below the line between the blend's sides, and its depth; NaN where none."""
    v = velocity(grid, blend.rest, redshift) / 1000
    sides = []
    for low, high in (blend.left, blend.right):
        zone = np.flatnonzero((v >= low) & (v <= high))
        if zone.size < 3:
            return np.nan, np.nan
        sides.append(zone[np.argmax(level[zone])])
    a, b = sides
    if b - a < 5:
        return np.nan, np.nan
    line = np.interp(grid[a : b + 1], grid[[a, b]], level[[a, b]])
    depth = 1 - level[a : b + 1] / line
    i = int(np.argmax(depth))
    near = slice(max(i - 4, 0), i + 5)
    curve = np.polyfit(v[a : b + 1][near] - v[a + i], depth[near], 2)
    shift = -curve[1] / (2 * curve[0]) if curve[0] < 0 else 0.0
    return 1000 * (v[a + i] + np.clip(shift, -0.5, 0.5)), depth[i]


def measure(spectra, redshift: float, draws: int, seed: int = 1):
    """Per blend: velocity, its error, depth, its error."""
    rng = np.random.default_rng(seed)
    low, high = max(s[0][0] for s in spectra), min(s[0][-1] for s in spectra)
    grid = np.exp(np.arange(np.log(low + 5), np.log(high - 5), 200 / LIGHT))
    found = {blend.name: [] for blend in BLENDS}
    for draw in range(draws):
        chosen = range(len(spectra)) if draw == 0 else rng.integers(0, len(spectra), len(spectra))
        sigma = 1100.0 if draw == 0 else rng.uniform(700, 1500)
        total = np.zeros(grid.size)
        for number in chosen:
            wave, flux, error, _ = spectra[number]
            noisy = flux if draw == 0 else flux + rng.normal(size=flux.size) * error
            # Equal weights: inverse variance of each pixel would bend the continuum.
            total += smooth(grid, wave, noisy, np.ones(wave.size), sigma) / np.median(flux)
        for blend in BLENDS:
            found[blend.name].append(deepest(grid, total, blend, redshift))
    return {
        name: (*values[0][:1], np.nanstd([v for v, _ in values]), values[0][1], np.nanstd([d for _, d in values]))
        for name, values in found.items()
    }


def draw(spectra, names, results, redshift: float, path: str) -> None:
    """All spectra, their sum, and the minima found."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 1, figsize=(13, 11))
    for number, ((wave, flux, _, _), name) in enumerate(zip(spectra, names, strict=True)):
        axes[0].plot(wave, flux / np.median(flux) + 0.7 * number, lw=0.5, label=name)
    axes[0].legend(fontsize=7, loc="upper left")
    axes[0].set_ylabel("relative electrons per column, offset")
    grid = np.linspace(spectra[0][0][0] + 5, spectra[0][0][-1] - 5, 1200)
    level = np.mean([smooth(grid, w, f / np.median(f), np.ones(w.size), 800.0) for w, f, _, _ in spectra], axis=0)
    axes[1].plot(grid, level, "k", lw=1)
    for blend in BLENDS:
        v, error, depth, _ = results[blend.name]
        if np.isfinite(v):
            at = blend.rest * (1 + redshift) * np.sqrt((1 + v / LIGHT) / (1 - v / LIGHT))
            axes[1].axvline(at, color="r", lw=0.8)
            axes[1].axvline(blend.rest * (1 + redshift), color="b", lw=0.5, ls=":")
            axes[1].text(at, level.max(), f" {blend.name}\n {v:.0f} +- {error:.0f} km/s", va="top", fontsize=8)
    axes[1].set_xlabel("air wavelength, Angstrom (red: minimum, blue: at rest in the host)")
    axes[1].set_ylabel("sum, smoothed")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--match", default="AT2018oh")
    parser.add_argument("--redshift", type=float, default=0.0109)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--plot")
    args = parser.parse_args()
    paths = sorted(p for p in args.out.rglob(f"we*{args.match}*.fits") if "_for_" not in p.name)
    if not paths:
        parser.exit(1, f"no calibrated spectrum of {args.match} below {args.out}\n")
    spectra = [read(path) for path in paths]
    for path, (wave, flux, error, zero) in zip(paths, spectra, strict=True):
        print(f"{path.name}: {wave[0]:.1f} to {wave[-1]:.1f} A, S/N {np.median(flux / error):.1f} a column, {zero}")
    results = measure(spectra, args.redshift, args.draws)
    for name, (v, error, depth, depth_error) in results.items():
        verdict = "as expected" if -20000 <= v <= -10000 else "OUTSIDE 10 to 20 thousand km/s"
        print(f"{name:12s} {v:8.0f} +- {error:4.0f} km/s  depth {depth:.3f} +- {depth_error:.3f}  {verdict}")
    if args.plot:
        draw(spectra, [p.name for p in paths], results, args.redshift, args.plot)


if __name__ == "__main__":
    main()
