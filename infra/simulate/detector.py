"""The detectors: readout modes, regions read out, bias structure, pixel response, digitisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chalicelib.domain.instrument import READOUT_MODES, ReadoutMode

#: Unbinned size of what is read out in spectroscopy: columns (pre- and overscan included) and rows.
SERIAL_LENGTH = 4142
#: Electrons a binned pixel holds before charge is lost.
FULL_WELL = 400_000.0


def find_readout(camera: str, name: str | None = None) -> ReadoutMode:
    """The readout mode ``name`` of ``camera``; by default the one most spectra are taken with.

    Raises
    ------
    ValueError
        The camera has no such mode; the message lists those it has.
    """
    name = name or {"Red": "344/3", "Blue": "200/0"}[camera]
    for mode in READOUT_MODES:
        if mode.camera == camera and mode.name == name:
            return mode
    known = ", ".join(mode.name for mode in READOUT_MODES if mode.camera == camera)
    raise ValueError(f"The {camera} camera has no readout mode {name}; it has {known}.")


@dataclass(frozen=True)
class Region:
    """The part of the detector that is read out.

    Attributes
    ----------
    name : str
        What the ROI card says for 2x2, 1x1; ``{binning}`` is filled in.
    origin : (int, int)
        Unbinned detector (column, row) of the raw frame's pixel (0, 0).
    size : (int, int)
        Unbinned columns and rows.
    imaging : bool
        No pre- and overscan, no grating.
    """

    name: str
    origin: tuple[int, int]
    size: tuple[int, int]
    imaging: bool = False

    def shape(self, binning: tuple[int, int]) -> tuple[int, int]:
        """(rows, columns) of the raw frame."""
        return self.size[1] // binning[1], self.size[0] // binning[0]

    def card(self, binning: tuple[int, int]) -> str:
        """What the ROI card says."""
        if binning not in ((1, 1), (2, 2)) and "{binning}" in self.name:
            # The camera software gives a region without a standing name this kind of label.
            rows, columns = self.shape(binning)
            return f"CUST_{self.origin[0]}_{columns}_{self.origin[1]}_{rows}_{binning[0]}x{binning[1]}"
        return self.name.format(binning=f"{binning[0]}x{binning[1]}")

    def trim_section(self, binning: tuple[int, int]) -> str:
        """What the TRIMSEC card says: right only for the standing regions, as on real frames."""
        rows, columns = self.shape(binning)
        if "{binning}" not in self.name:
            return f"[1:{self.size[0]},1:{self.size[1]}]"
        if self.imaging:
            return f"[1:{columns},1:{rows}]"
        first = 50 // binning[0] + 1
        return f"[{first}:{4110 // binning[0]},2:{rows}]"


REGIONS = {
    "full": Region("Spectroscopic {binning}", (0, 1100), (SERIAL_LENGTH, 1896)),
    "small": Region("Spectroscopic ZZ Ceti", (0, 1850), (SERIAL_LENGTH, 400)),
    "imaging": Region("Imaging {binning}", (500, 500), (3096, 3096), imaging=True),
}


def active_columns(camera: str) -> tuple[int, int]:
    """First and one past the last unbinned column that sees light."""
    return (50, 4110) if camera == "Red" else (26, 4112)


def rebin(array: np.ndarray, binning: tuple[int, int], *, mean: bool = False) -> np.ndarray:
    """Sum (or mean) of the unbinned pixels of ``array`` (rows, columns) in each binned one; odd ends are dropped."""
    bx, by = binning
    ny, nx = array.shape[0] // by, array.shape[1] // bx
    cut = array[: ny * by, : nx * bx]
    summed = cut[:, ::bx].copy()
    for k in range(1, bx):
        summed += cut[:, k::bx]
    out = summed[::by].copy()
    for k in range(1, by):
        out += summed[k::by]
    return out / (bx * by) if mean else out


@lru_cache(maxsize=4)
def _unbinned_response(seed: int, camera: str, region: Region) -> np.ndarray:
    """Relative response of each unbinned pixel of ``region``: the same for the same detector row in any region."""
    rng = np.random.default_rng([seed, 11])
    columns, height = region.size
    out = np.empty((height, columns), dtype=np.float32)
    scatter = 0.008 if camera == "Red" else 0.010
    for block in range(region.origin[1] // 200, (region.origin[1] + height - 1) // 200 + 1):
        values = np.random.default_rng([seed, 12, block]).standard_normal((200, SERIAL_LENGTH), dtype=np.float32)
        first = block * 200 - region.origin[1]
        low, high = max(first, 0), min(first + 200, height)
        x0 = region.origin[0]
        out[low:high] = values[low - first : high - first, x0 : x0 + columns]
    out *= scatter
    out += 1
    # Dust on the window: shallow rings a few tens of pixels wide.
    for _ in range(14):
        x, y = rng.uniform(60, 4090), rng.uniform(1000, 3100)
        radius, depth = rng.uniform(12, 45), rng.uniform(0.01, 0.04)
        x0, y0 = int(x - region.origin[0] - 3 * radius), int(y - region.origin[1] - 3 * radius)
        ys = slice(max(y0, 0), min(y0 + int(6 * radius), height))
        xs = slice(max(x0, 0), min(x0 + int(6 * radius), columns))
        if ys.stop <= ys.start or xs.stop <= xs.start:
            continue
        yy, xx = np.mgrid[ys, xs]
        distance = np.hypot(yy + region.origin[1] - y, xx + region.origin[0] - x)
        out[ys, xs] *= 1 - depth * np.exp(-0.5 * ((distance - radius) / (0.3 * radius)) ** 2)
    return out


@lru_cache(maxsize=8)
def response(seed: int, camera: str, region: Region, binning: tuple[int, int]) -> np.ndarray:
    """Relative response (rows, columns) of the binned pixels: mean 1, zero in pre- and overscan."""
    out = rebin(_unbinned_response(seed, camera, region), binning, mean=True).astype(np.float32)
    if not region.imaging:
        first, last = active_columns(camera)
        lit = np.zeros(region.size[0])
        lit[first:last] = 1
        if camera == "Blue":
            lit[last - 2 : last] = 2.0  # the edge of the silicon gathers what falls beyond it
            out[0] *= 0.03
        out *= rebin(lit[None], (binning[0], 1), mean=True)[0].astype(np.float32)
    return out


@lru_cache(maxsize=8)
def bias_structure(seed: int, camera: str, region: Region, binning: tuple[int, int]) -> np.ndarray:
    """The standing pattern (rows, columns) of the bias, ADU about its level, as on real frames of the two cameras."""
    rng = np.random.default_rng([seed, 21])
    rows, columns = region.shape(binning)
    x = np.arange(columns) * binning[0]
    pattern = rng.normal(0, 0.5, SERIAL_LENGTH)[x % SERIAL_LENGTH]
    pattern = pattern + 0.5 * np.sin(2 * np.pi * x / 10.0)
    first, last = active_columns(camera)
    if not region.imaging:
        inside = (x >= first) & (x < last)
        pattern = pattern + np.where(inside, 4.0 * np.exp(-(x - first) / 90.0), np.where(x >= last, -1.5, 0.0))
        if camera == "Blue":
            pattern = pattern + np.where(inside, 4.0 * np.exp((x - last) / 110.0), 0.0)
    out = np.repeat(pattern[None].astype(np.float32), rows, axis=0)
    y = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    out += 0.6 * np.exp(-y * 25) + 0.3 * y
    out += np.random.default_rng([seed, 22]).normal(0, 0.25, out.shape).astype(np.float32)
    if camera == "Blue" and not region.imaging:
        out[0] += 120.0 * (0.6 + 0.4 * np.cos(np.linspace(0, 5, columns)))
        out[:, 2040 // binning[0]] += 10.0 * binning[1]
    hot = rng.integers(0, [[4100], [4100]], (2, 12))
    for column, row in hot.T:
        i, j = (column - region.origin[0]) // binning[0], (row - region.origin[1]) // binning[1]
        if 0 <= i < columns and 0 <= j < rows:
            out[j, i] += rng.uniform(40, 400)
    return out


def poisson(rng: np.random.Generator, expected: np.ndarray) -> np.ndarray:
    """Poisson deviates (float32) of ``expected``; above 40 a skewness-corrected normal, five times faster.

    The Cornish-Fisher expansion to the third moment keeps mean, variance and skewness of the Poisson distribution;
    its quantiles are right to 0.02 sigma there.
    """
    expected = np.asarray(expected, dtype=np.float32)
    normal = rng.standard_normal(expected.shape, dtype=np.float32)
    out = np.sqrt(expected) * normal
    out += (normal * normal - 1) / 6
    out += expected
    np.rint(out, out=out)
    low = expected < 40
    out[low] = rng.poisson(expected[low])
    return out


def digitise(
    electrons: np.ndarray, readout: ReadoutMode, level: float, structure: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Counts (uint16, ADU) of collected ``electrons``: full well, read noise, bias, converter."""
    gain = np.float32(readout.gains[0])
    counts = np.minimum(electrons, np.float32(FULL_WELL)) / gain
    counts += rng.standard_normal(counts.shape, dtype=np.float32) * (np.float32(readout.read_noise) / gain)
    counts += structure
    counts += np.float32(level)
    np.rint(counts, out=counts)
    return np.clip(counts, 0, 65535).astype(np.uint16)
