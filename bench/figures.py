"""Pictures of a processed night: an arc with its lines and residuals, and all calibrated spectra with their skies.

    python -m bench.figures OUT_DIR [--to FOLDER]

``OUT_DIR`` is what ``python -m infra.local process`` wrote. Prints, for each lamp, its lines, their span and the rms.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from chalicelib.science.frame import MaskBit
from chalicelib.science.product import read_spectrum
from chalicelib.science.spectrum import Spectrum

FRAUNHOFER = {"K": 3933.66, "H": 3968.47, "Hδ": 4101.73, "Ca I": 4226.73, "G": 4307.9, "Hγ": 4340.47, "Fe": 4383.55}
FRAUNHOFER |= {"Hβ": 4861.33, "Mg b1": 5183.60, "Mg b2": 5172.68}
BAD = MaskBit.BAD | MaskBit.OUTSIDE_SLIT


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--to", type=Path, default=None, help="folder of the pictures (default: OUT_DIR)")
    options = parser.parse_args()
    target = options.to or options.out
    target.mkdir(parents=True, exist_ok=True)
    lamps = _read(options.out, "we*_for_*.fits")
    spectra = _read(options.out, "we*.fits", but="_for_")
    if lamps:
        name, lamp = next(iter(lamps.items()))
        draw_arc(name, lamp, target / "arc.png")
    if spectra:
        draw_spectra(spectra, target / "spectra.png")
    for name, lamp in lamps.items():
        print(name, describe(lamp))


def _read(folder: Path, pattern: str, but: str | None = None) -> dict[str, Spectrum]:
    paths = sorted(path for path in folder.rglob(pattern) if not but or but not in path.name)
    return {path.name: read_spectrum(path.read_bytes()) for path in paths}


def describe(lamp: Spectrum) -> str:
    """Lines, span and rms of a solution, pixels at 2×2 binning."""
    solution = lamp.solution
    assert solution is not None
    used = [line.wavelength for line in solution.lines if line.used]
    pixel = 2 * abs(float(solution.dispersion(np.mean(solution.span))))
    return (
        f"{len(used)} lines {min(used):.1f}–{max(used):.1f} Å, held-out rms {solution.rms:.4f} Å = "
        f"{solution.rms / pixel:.3f} px (2×2), {len(solution.lines) - len(used)} left out, {solution.method}"
    )


def draw_arc(name: str, lamp: Spectrum, path: Path) -> None:
    """The lamp with its identified lines, and the residuals of the fit."""
    solution = lamp.solution
    assert solution is not None and lamp.wavelength is not None
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(15, 8), sharex=True, height_ratios=[3, 1], constrained_layout=True
    )
    top.plot(lamp.wavelength, np.arcsinh(lamp.flux / 20), color="0.2", linewidth=0.7)
    top.set_ylabel("lamp (arcsinh of electrons / 20)")
    top.set_title(f"{name}: {describe(lamp)}", fontsize=10)
    for line in solution.lines:
        colour = "tab:green" if line.used else "tab:red"
        top.axvline(line.wavelength, ymin=0.93, color=colour, linewidth=0.8)
        bottom.plot(line.wavelength, line.residual, ".", color=colour)
    strongest = sorted(solution.lines, key=lambda line: -_height(lamp, line.column))[:28]
    for line in strongest:
        if line.used:
            top.annotate(
                f"{line.ion} {line.wavelength:.2f}",
                (line.wavelength, 0.92),
                xycoords=("data", "axes fraction"),
                rotation=90,
                fontsize=6,
                ha="center",
                va="top",
            )
    bottom.axhline(0, color="0.7", linewidth=0.8)
    bottom.set_ylim(-6 * solution.rms, 6 * solution.rms)
    bottom.set_ylabel("measured − laboratory (Å)")
    bottom.set_xlabel("air wavelength (Å); green used, red left out")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _height(lamp: Spectrum, detector_column: float) -> float:
    return float(lamp.flux[np.argmin(np.abs(lamp.geometry.detector_column(lamp.column) - detector_column))])


def draw_spectra(spectra: dict[str, Spectrum], path: Path) -> None:
    """All targets one above the other with their ±1σ bands, and the skies with the Sun's lines."""
    figure, axes = plt.subplots(len(spectra) + 1, 1, figsize=(15, 3 * (len(spectra) + 1)), constrained_layout=True)
    for axis, (name, spectrum) in zip(axes, spectra.items()):
        assert spectrum.wavelength is not None
        good = (spectrum.mask & BAD) == 0
        wave, flux, error = spectrum.wavelength[good], spectrum.flux[good], spectrum.error[good]
        axis.fill_between(wave, flux - error, flux + error, color="tab:blue", alpha=0.3, linewidth=0)
        axis.plot(wave, flux, color="tab:blue", linewidth=0.6)
        axis.set_ylim(min(0, np.percentile(flux, 1)), 1.15 * np.percentile(flux, 99.5))
        zero = spectrum.header.get("GSP_ZSHI")
        says = f"zero point {zero:+.2f} Å from {spectrum.header['GSP_ZMET']}" if zero is not None else "not verified"
        axis.set_title(f"{name}   S/N {spectrum.signal_to_noise:.0f}   {says}", fontsize=9)
        axis.set_ylabel("electrons")
        axes[-1].plot(wave, spectrum.sky[good], linewidth=0.6)
    low, high = axes[-1].get_xlim()
    for label, wavelength in FRAUNHOFER.items():
        if low < wavelength < high:
            axes[-1].axvline(wavelength, color="tab:red", linewidth=0.6)
            axes[-1].text(wavelength, axes[-1].get_ylim()[1], label, fontsize=7)
    axes[-1].set_ylabel("sky (electrons)")
    axes[-1].set_xlabel("air wavelength (Å)")
    figure.savefig(path, dpi=70)
    plt.close(figure)


if __name__ == "__main__":
    main()
