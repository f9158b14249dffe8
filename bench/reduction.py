"""Reduction: CPU seconds and peak memory of each step, cosmic-ray recall and precision, side by side with others.

    python -m bench.reduction                       # both readouts, three seeds
    python -m bench.reduction --binning 2 --seeds 5 --peer

Frames are made here: tilted and curved sky lines, a curved target of its own with emission and absorption lines, a
faint neighbour, rays of the shapes real ones have (points, slanting tracks, worms). ``--peer`` adds astroscrappy's
LA Cosmic on the bare frame and ccdproc.combine on the same stack. It prints; it never passes or fails.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from chalicelib.science import combine, cosmic, reduction
from chalicelib.science.frame import Detector, Frame, Geometry, MaskBit, RawFrame

LEVEL = 480.0


@dataclass
class Scene:
    """A simulated long-slit exposure in electrons with its truth."""

    clean: np.ndarray  # expected electrons, no rays
    rays: np.ndarray  # electrons of the rays
    without: np.ndarray  # what the detector would have given had no ray struck: the same noise
    noisy: np.ndarray  # what it gave: ``without`` and the rays with their photon noise
    lines: np.ndarray  # True in the cores of sky lines and of the target's emission lines
    centre: np.ndarray  # row of the target in each column
    fwhm: float


def scene(rng: np.random.Generator, shape: tuple[int, int], binning: int, read_noise: float, minutes: float) -> Scene:
    ny, nx = shape
    x = np.arange(nx, dtype=np.float32)
    y = np.arange(ny, dtype=np.float32)[:, None]
    width = rng.uniform(3.0, 6.0) / binning / 2.355  # sigma of a line: slits of 0.45 to 0.9 arcsec
    bend = (y / ny - 0.5) * rng.uniform(0.5, 1.8) + (y / ny - 0.5) ** 2 * rng.uniform(0.2, 1.0)
    sky = 20.0 * minutes / 10 * binning**2 / 4 * (1 + 0.3 * np.sin(x / nx * 5)) * np.ones_like(y)
    lines = np.zeros(shape, bool)
    for place in rng.uniform(0, nx, 45):
        distance = x - place - bend
        sky += 10 ** rng.uniform(1.2, 3.6) * np.exp(-0.5 * (distance / width) ** 2)
        lines |= np.abs(distance) < 1.0
    along = x / nx - 0.5
    centre = ny * rng.uniform(0.35, 0.65) + rng.uniform(-8, 8) * along + rng.uniform(-6, 6) * along**2
    fwhm = rng.uniform(4.5, 9.0) / binning
    flux = 10 ** rng.uniform(2.0, 4.0) * (0.6 + 0.4 * np.cos(x / nx * 4))
    for place, depth in zip(rng.uniform(0, nx, 12), rng.uniform(-0.8, -0.2, 12)):
        flux *= 1 + depth * np.exp(-0.5 * ((x - place) / (2.5 * width)) ** 2)
    for place, height in zip(rng.uniform(0, nx, 6), rng.uniform(1, 15, 6)):
        flux += height * np.median(flux) * np.exp(-0.5 * ((x - place) / width) ** 2)
        lines |= (np.abs(x - place) < 1.0) & (np.abs(y - centre) < fwhm)
    targets = np.zeros(shape, np.float32)
    for offset, share in ((0.0, 1.0), (rng.uniform(40, 120) / binning, 0.1)):
        radius = ((y - centre - offset) / (fwhm / 2)) ** 2
        profile = (1 + radius * (2 ** (1 / 3.5) - 1)) ** -3.5
        targets += share * flux * profile / profile.sum(axis=0)
    clean = (sky + targets).astype(np.float32)
    rays = ray_charges(rng, shape, int(2.0 * minutes * 60 * ny * nx * binning**2 / (1896 * 4096) * 0.8), binning)
    without = rng.poisson(clean).astype(np.float32) + rng.normal(0, read_noise, shape).astype(np.float32)
    noisy = without + rng.poisson(rays).astype(np.float32)
    return Scene(clean, rays, without, noisy, lines, centre, fwhm)


def ray_charges(rng: np.random.Generator, shape: tuple[int, int], number: int, binning: int) -> np.ndarray:
    """Charges of ``number`` rays on unbinned pixels (with some diffusion), binned."""
    ny, nx = shape[0] * binning, shape[1] * binning
    fine = np.zeros((ny, nx), np.float32)
    for _ in range(number):
        row, column = rng.uniform(0, ny), rng.uniform(0, nx)
        length = rng.choice([0.0, rng.exponential(8.0), rng.exponential(40.0)], p=[0.45, 0.45, 0.10])
        angle = rng.uniform(0, 2 * np.pi)
        steps = max(1, int(3 * length))
        turn = np.cumsum(rng.normal(0, 0.25 if rng.random() < 0.2 else 0.0, steps)) + angle
        charge = rng.lognormal(6.3, 0.8) + 90 * length
        rows = np.round(row + np.cumsum(np.sin(turn)) / 3 + rng.normal(0, 0.35, steps)).astype(int)
        columns = np.round(column + np.cumsum(np.cos(turn)) / 3 + rng.normal(0, 0.35, steps)).astype(int)
        inside = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
        np.add.at(fine, (rows[inside], columns[inside]), charge / steps)
    spread = fine * 0.84
    for axis in (0, 1):
        for way in (-1, 1):
            spread += 0.04 * np.roll(fine, way, axis)
    return spread.reshape(shape[0], binning, shape[1], binning).sum(axis=(1, 3))


def judge(truth: Scene, flagged: np.ndarray, shown: np.ndarray, read_noise: float) -> dict[str, float]:
    """Recall of pixels with a ray over 5 sigma, precision (a flag is right where a ray left over half a sigma),
    flags in line cores without a ray, and columns of the target's aperture still off by 3 sigma after cleaning."""
    noise = np.sqrt(truth.clean + read_noise**2)
    strong, any_ray = truth.rays > 5 * noise, truth.rays > 0.5 * noise
    rows = np.arange(flagged.shape[0])[:, None]
    inside = np.abs(rows - truth.centre) <= truth.fwhm
    hit = (strong & inside).any(axis=0)
    sigma = np.sqrt(np.where(inside, noise**2, 0).sum(axis=0))
    before, after = (
        np.abs(np.where(inside, image - truth.without, 0).sum(axis=0)) > 3 * sigma for image in (truth.noisy, shown)
    )
    left = np.where(inside & ~flagged, truth.rays, 0).sum(axis=0) > 3 * sigma  # what an extraction with mask meets
    empty_cores = truth.lines & (truth.rays < 0.1 * noise)
    return {
        "recall": (flagged & strong).sum() / max(1, strong.sum()),
        "precision": (flagged & any_ray).sum() / max(1, flagged.sum()),
        "false in cores %": 100 * (flagged & empty_cores).sum() / max(1, empty_cores.sum()),
        "columns hit, bad before %": 100 * before[hit].mean() if hit.any() else 0.0,
        "columns hit, bad after %": 100 * after[hit].mean() if hit.any() else 0.0,
        "columns hit, ray left unflagged %": 100 * left[hit].mean() if hit.any() else 0.0,
        "all columns, bad after %": 100 * after.mean(),
        "columns hit": hit.sum(),
    }


def clock(label: str, work, *arguments, **named):
    start = time.process_time()
    result = work(*arguments, **named)
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {label:<52} {spent:7.3f} CPU s   peak {peak:6.0f} MB")
    return result


def detector_for(binning: int) -> Detector:
    return Detector("Red", 1.48, 3.89, 65535.0, (binning, binning))


def raw(rng: np.random.Generator, electrons: np.ndarray, shape: tuple[int, int], detector: Detector) -> RawFrame:
    """``electrons`` (lit section) as read out: level structure and drift, prescan, integers."""
    ny, nx = shape
    data = np.full(shape, LEVEL, np.float32) + 2 * np.sin(np.arange(nx, dtype=np.float32) / 300)
    data += rng.normal(0, 0.5) + rng.normal(0, detector.read_noise / detector.gain, shape).astype(np.float32)
    first = -(-50 // detector.binning[0])
    data[:, first:] += electrons / detector.gain
    return RawFrame(np.clip(np.round(data), 0, 65535).astype(np.float32), fits.Header())


def speed(binning: int, members: int, peer: bool) -> None:
    shape = (1896 // binning, 4142 // binning)
    detector, rng = detector_for(binning), np.random.default_rng(1)
    lit = (shape[0], shape[1] - -(-50 // binning))
    print(f"{binning}x{binning}: {shape[1]} x {shape[0]} pixels, {members} members")
    biases = [raw(rng, np.zeros(1), shape, detector) for _ in range(members)]
    master_bias = clock(f"combine_bias, {members} frames", combine.combine_bias, biases, detector).frame
    if peer:
        clock(f"  ccdproc.combine of the same {members}", ccdproc_combine, biases)
    del biases
    row = np.arange(lit[0])[:, None]
    light = 8000 * (0.2 + np.linspace(0, 1, lit[1])) * ((row > 0.1 * lit[0]) & (row < 0.92 * lit[0]))
    flats = [raw(rng, rng.poisson(light).astype(np.float32), shape, detector) for _ in range(members)]
    label = f"combine_flat, {members} frames"
    master_flat = clock(label, combine.combine_flat, flats, detector, master_bias).frame
    del flats
    truth = scene(rng, lit, binning, 0.0, 15.0)
    science = raw(rng, truth.noisy * (light > 0), shape, detector)
    common = {"bias": master_bias, "flat": master_flat, "clean_cosmic_rays": True}
    for label, choice in (("tszf", "none"), ("tszfc dcr", "dcr"), ("tszfc lacosmic", "lacosmic")):
        options = reduction.ReductionOptions(cosmic_rays=choice)
        done = clock(
            f"reduce_spectrum {label}", reduction.reduce_spectrum, science, detector, options=options, **common
        )
    print(f"  steps {done.steps}, {done.quality}")


def ccdproc_combine(frames: list[RawFrame]):
    import ccdproc
    from astropy import units
    from astropy.nddata import CCDData

    stack = [CCDData(f.data, unit=units.adu) for f in frames]
    return ccdproc.combine(
        stack,
        method="median",
        mem_limit=4e8,
        dtype=np.float32,
        sigma_clip=True,
        sigma_clip_low_thresh=3,
        sigma_clip_high_thresh=3,
    )


def rays(binning: int, seeds: int, peer: bool) -> None:
    shape, read_noise = (1560 // binning, 4092 // binning), 3.9
    print(f"cosmic rays, {binning}x{binning}, {seeds} seeds, exposures of 5 to 30 minutes: median (worst)")
    found: dict[str, list[dict]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(100 + seed)
        truth = scene(rng, shape, binning, read_noise, rng.choice([5.0, 15.0, 30.0]))
        variance = np.maximum(truth.noisy, 0) + np.float32(read_noise**2)
        frame = Frame(truth.noisy, variance, np.zeros(shape, np.uint8), Geometry((binning, binning)))
        for method in ("lacosmic", "dcr"):
            result = cosmic.clean(frame, read_noise, method).frame
            flagged = (result.mask & np.uint8(MaskBit.COSMIC_RAY)) != 0
            found.setdefault(method, []).append(judge(truth, flagged, result.data, read_noise))
        if peer:
            from astroscrappy import detect_cosmics

            flagged, shown = detect_cosmics(truth.noisy, gain=1.0, readnoise=read_noise, sigclip=4.5, satlevel=1e6)
            found.setdefault("astroscrappy, bare frame", []).append(judge(truth, flagged, shown, read_noise))
    for method, figures in found.items():
        print(f"  {method}")
        hits = [f.pop("columns hit") for f in figures]
        for key in figures[0]:
            values = [f[key] for f in figures]
            worst = min(values) if key in ("recall", "precision") else max(values)
            pooled = key.startswith("columns hit")
            middle = np.average(values, weights=hits) if pooled else np.median(values)
            print(f"    {key:<34} {middle:8.4f}  ({worst:.4f})" + (f"  pooled over {sum(hits)}" if pooled else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binning", type=int, nargs="*", default=[2, 1])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--peer", action="store_true", help="time and judge astroscrappy and ccdproc too")
    parser.add_argument("--only", choices=("speed", "rays"))
    chosen = parser.parse_args()
    for binning in chosen.binning:
        if chosen.only != "rays":
            speed(binning, chosen.members, chosen.peer)
        if chosen.only != "speed":
            rays(binning, chosen.seeds, chosen.peer)


if __name__ == "__main__":
    main()
