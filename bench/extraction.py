"""How good extraction is, against truth: `python bench/extraction.py [--frames N] [--real FOLDER]`.

Synthetic long-slit frames (curved traces, tilted sky lines, cosmic rays; `tests/science/longslit.py`) are extracted and
compared with what was put in. It prints and never fails. With `--real` the science frames of a folder are reduced
without a flat and extracted too.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from chalicelib.science.errors import NoTargetFound  # noqa: E402
from chalicelib.science.extraction import ExtractionOptions, extract  # noqa: E402
from tests.science.longslit import GEOMETRY, LongSlit, Source  # noqa: E402

HEAD = (
    f"{'case':<22}{'S/N':>7}{'found':>7}{'bias %':>8}{'box %':>8}{'pull':>7}{'std':>7}{'box':>7}{'std':>7}"
    f"{'CR/err':>8}{'CR/real':>8}{'trace px':>9}"
)


def cases() -> dict[str, tuple[LongSlit, dict]]:
    """Name → frame to be, options."""
    return {
        "bright": (LongSlit(sources=[Source(3000, 80)]), {}),
        "medium": (LongSlit(sources=[Source(300, 80)]), {}),
        "faint": (LongSlit(sources=[Source(40, 80)]), {}),
        "saturating bright": (LongSlit(sources=[Source(60000, 80)]), {}),
        "rays, flagged": (LongSlit(sources=[Source(500, 80)], rays=0.003), {}),
        "rays, not flagged": (LongSlit(sources=[Source(500, 80)], rays=0.001, flag_rays=False), {}),
        "moonlit sky": (LongSlit(sources=[Source(500, 80)], moon=True, sky=200), {}),
        "dark sky": (LongSlit(sources=[Source(200, 80)], sky=2, line_height=100), {}),
        "strong sky lines": (LongSlit(sources=[Source(300, 80)], line_height=4000, tilt=0.8), {}),
        "wide wings": (LongSlit(sources=[Source(2000, 80, 4.2, 2.3)]), {}),
        "seeing 2.0 arcsec": (LongSlit(shape=(240, 900), sources=[Source(3000, 120, 6.67, 3.0)]), {}),
        "seeing 2.5 arcsec": (LongSlit(shape=(240, 900), sources=[Source(3000, 120, 8.33, 2.5)]), {}),
        "seeing 3.0, fainter": (LongSlit(shape=(240, 900), sources=[Source(500, 120, 10.0, 3.0)]), {}),
        "gaussian profile": (LongSlit(sources=[Source(3000, 80, 4.0, 60.0)]), {"profile": "gaussian"}),
        "slit illumination 10 %": (LongSlit(sources=[Source(500, 80)], illumination=0.1), {}),
        "near the slit's end": (LongSlit(sources=[Source(500, 9)], slope=2, bend=0.3), {}),
        "two, 2.5 FWHM apart": (LongSlit(sources=[Source(3000, 80), Source(1500, 90)]), {}),
        "1:100 at 3 FWHM": (LongSlit(sources=[Source(6000, 80), Source(60, 92)]), {}),
    }


def nearest(slit: LongSlit, source: Source, spectra):
    """The spectrum of a source and its trace's rms error (rows of the frame), or None."""
    best = None
    for spectrum in spectra:
        error = float(np.sqrt(np.mean((spectrum.trace.row_in(GEOMETRY, slit.columns) - slit.trace(source)) ** 2)))
        if error < 3 and (best is None or error < best[1]):
            best = (spectrum, error)
    return best


def measure(name: str, slit: LongSlit, options: dict, frames: int) -> None:
    """Extract many realisations of one frame and print a line a source."""
    mean = slit.mean()
    rows: list[list[list[float]]] = [[] for _ in slit.sources]
    for seed in range(frames):
        frame = slit.frame(mean, seed)
        try:
            spectra = extract(frame, ExtractionOptions(**options))
        except NoTargetFound:
            continue
        for k, source in enumerate(slit.sources):
            match = nearest(slit, source, spectra)
            if match is None:
                continue
            s, trace = match
            ok, truth = s.mask == 0, slit.flux(source)
            limit = slit.cramer_rao(source, frame.mask)
            pull, box = ((s.flux - truth) / s.error)[ok], ((s.flux_box - truth) / s.error_box)[ok]
            rows[k].append(
                [
                    100 * (s.flux[ok].sum(dtype=float) / truth[ok].sum() - 1),
                    100 * (s.flux_box[ok].sum(dtype=float) / truth[ok].sum() - 1),
                    *(pull.mean(), pull.std(), box.mean(), box.std()),
                    np.median(limit[ok] / s.error[ok]),
                    1 / np.std((s.flux - truth)[ok] / limit[ok]),
                    trace,
                ]
            )
    for k, source in enumerate(slit.sources):
        if not rows[k]:
            print(f"{name:<22}{slit.integrated(source):7.0f}{0:7.2f}")
            continue
        m = np.mean(rows[k], axis=0)
        print(
            f"{name:<22}{slit.integrated(source):7.0f}{len(rows[k]) / frames:7.2f}{m[0]:8.2f}{m[1]:8.2f}{m[2]:7.3f}{
                m[3]:7.3f}"
            f"{m[4]:7.3f}{m[5]:7.3f}{m[6]:8.3f}{m[7]:8.3f}{np.sqrt(np.mean(np.square([r[8] for r in rows[k]]))):9.3f}"
        )


def detection(frames: int) -> None:
    """Targets of integrated S/N 6 found, and false ones."""
    shape = (390, 1000)
    alone, beside, strong = Source(1.0, 200.3), Source(1.0, 300.3), Source(800, 100)
    scenes = {
        "empty slit": (LongSlit(shape=shape), None, 0),
        "bright target, nothing else": (LongSlit(shape=shape, sources=[strong]), None, 1),
        "S/N 6 alone": (LongSlit(shape=shape, sources=[alone]), alone, 1),
        "S/N 6 beside a bright one": (LongSlit(shape=shape, sources=[beside, strong]), beside, 2),
    }
    print(f"\n{'detection (390 rows)':<30}{'found':>8}{'false a frame':>15}{'trace rms px (median)':>24}")
    for name, (slit, source, expected) in scenes.items():
        if source is not None:
            source.flux = 6 / slit.integrated(source)
        mean, found, false, errors = slit.mean(), 0, 0, []
        for seed in range(frames):
            try:
                spectra = extract(slit.frame(mean, 1000 + seed))
            except NoTargetFound:
                spectra = []
            match = nearest(slit, source, spectra) if source is not None else None
            found += match is not None
            false += len(spectra) - (expected if source is None else expected - 1 + (match is not None))
            errors += [match[1]] if match else []
        share = f"{found / frames:8.3f}" if source is not None else f"{'':>8}"
        print(f"{name:<30}{share}{false / frames:15.3f}{np.median(errors) if errors else float('nan'):24.2f}")


def speed() -> None:
    """CPU seconds of one frame of 780 x 2005 pixels (2x2), warm."""
    print("\nCPU seconds, 780 x 2005, best of 4")
    for number, sources in {1: [Source(300, 380)], 3: [Source(900, 200), Source(300, 380), Source(200, 600)]}.items():
        frame = LongSlit(shape=(780, 2005), sources=sources, lines=40).frame()
        times = []
        for _ in range(4):
            start = time.process_time()
            extract(frame)
            times.append(time.process_time() - start)
        print(f"  {number} target(s): {min(times):.2f}")


def real(folder: Path) -> None:
    """The science frames of a night: signal-to-noise, width, trace."""
    from chalicelib.science.frame import Detector
    from chalicelib.science.rawfile import read_raw
    from chalicelib.science.reduction import ReductionOptions, reduce_spectrum

    print(f"\n{'frame':<34}{'target':>7}{'S/N':>7}{'FWHM':>7}{'trace rms':>10}{'sky S/N':>8}{'CPU s':>7}")
    for path in sorted(folder.rglob("*.fits*")):
        raw = read_raw(path.read_bytes())
        if str(raw.header.get("OBSTYPE")) not in ("OBJECT", "SPECTRUM"):
            continue
        binning = tuple(int(b) for b in str(raw.header["CCDSUM"]).split())
        detector = Detector(
            str(raw.header.get("INSTCONF")), float(raw.header["GAIN"]), float(raw.header["RDNOISE"]), 65535.0, binning
        )
        options = ReductionOptions(ignore_bias=True, ignore_flats=True)
        frame = reduce_spectrum(raw, detector, bias=None, flat=None, options=options, clean_cosmic_rays=True).frame
        start = time.process_time()
        try:
            spectra = extract(frame)
        except NoTargetFound as problem:
            print(f"{path.name:<34} {problem}")
            continue
        spent = time.process_time() - start
        for s in spectra:
            sky = np.median(s.sky / s.sky_error)
            b = binning[1]
            print(
                f"{path.name:<34}{s.target:7d}{s.signal_to_noise:7.1f}{s.trace.fwhm / b:7.2f}{s.trace.rms / b:10.3f}{
                    sky:8.1f}{spent:7.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=10, help="realisations a case")
    parser.add_argument("--detection", type=int, default=0, help="realisations of the detection test (0: skip)")
    parser.add_argument("--real", type=Path, help="folder of raw frames")
    arguments = parser.parse_args()
    print(HEAD)
    for name, (slit, options) in cases().items():
        measure(name, slit, options, arguments.frames)
    speed()
    if arguments.detection:
        detection(arguments.detection)
    if arguments.real:
        real(arguments.real)


if __name__ == "__main__":
    main()
