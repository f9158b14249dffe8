"""Small synthetic long-slit frames with known truth, made without the code under test."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chalicelib.science.frame import Frame, Geometry, MaskBit

READ_NOISE = 4.0
#: Deliberately awkward: binned, trimmed, inside a region of interest.
GEOMETRY = Geometry(binning=(2, 2), corner=(13, 5), roi_origin=(0, 300))


@dataclass
class Source:
    """A point source: electrons per column (scalar or (nx,)), row at the middle column, width in rows."""

    flux: float | np.ndarray
    row: float
    fwhm: float = 4.0
    beta: float = 3.2


@dataclass
class LongSlit:
    """A long-slit frame to be.

    ``slope``, ``bend`` drift the traces (rows over half the frame, Chebyshev); ``tilt``, ``curvature`` shift sky
    lines (columns over half the slit); ``moon`` gives the sky absorption lines instead of emission lines; ``rays`` is
    the share of pixels hit.
    """

    shape: tuple[int, int] = (160, 900)
    sources: list[Source] = field(default_factory=list)
    sky: float = 40.0
    lines: int = 25
    line_height: float = 600.0
    moon: bool = False
    slope: float = -6.0
    bend: float = 1.2
    tilt: float = 0.5
    curvature: float = 0.4
    rays: float = 0.0
    flag_rays: bool = True
    illumination: float = 0.0
    seed: int = 1

    @property
    def columns(self) -> np.ndarray:
        return np.arange(self.shape[1])

    @property
    def xi(self) -> np.ndarray:
        return 2 * self.columns / (self.shape[1] - 1) - 1

    def trace(self, source: Source) -> np.ndarray:
        """Array row of a source at every column."""
        return source.row + self.slope * self.xi + self.bend * 2 * self.xi**2

    def flux(self, source: Source) -> np.ndarray:
        return np.broadcast_to(np.asarray(source.flux, dtype=float), (self.shape[1],))

    def profile(self, source: Source) -> np.ndarray:
        """Fraction of the source's light in every pixel, (ny, nx): a Moffat averaged over 15 points a pixel."""
        alpha = source.fwhm / (2 * np.sqrt(2 ** (1 / source.beta) - 1))
        fine = (np.arange(15) - 7) / 15
        rows = np.arange(self.shape[0])[:, None] - self.trace(source)[None, :]
        value = np.mean([(1 + ((rows + f) / alpha) ** 2) ** -source.beta for f in fine], axis=0)
        far = np.arange(-20000, 20001) / 10
        return value / np.sum((1 + (far / alpha) ** 2) ** -source.beta * 0.1)

    def sky_image(self) -> np.ndarray:
        """Noiseless sky, electrons, with lines of FWHM 2.4 columns tilted and curved across the slit."""
        rng = np.random.default_rng(self.seed + 1000)
        ny, nx = self.shape
        eta = 2 * np.arange(ny)[:, None] / (ny - 1) - 1
        shift = self.tilt * eta + self.curvature * eta**2
        x = self.columns[None, :] - shift
        image = np.full(self.shape, float(self.sky))
        sigma = 2.4 / 2.3548
        for centre in rng.uniform(5, nx - 5, self.lines):
            height = (
                -0.6 * self.sky * rng.uniform(0.2, 1) if self.moon else self.line_height * rng.uniform(0.05, 1) ** 2
            )
            near = np.abs(self.columns - centre) < 12
            part = x[:, near] - centre
            image[:, near] += height * np.mean(
                [np.exp(-0.5 * ((part + f) / sigma) ** 2) for f in (-0.4, -0.2, 0, 0.2, 0.4)], axis=0
            )
        return np.maximum(image, 0) * (1 + self.illumination * eta)

    def mean(self) -> np.ndarray:
        """The noiseless frame."""
        return self.sky_image() + sum((self.flux(s) * self.profile(s) for s in self.sources), np.zeros(self.shape))

    def frame(self, mean: np.ndarray | None = None, seed: int | None = None) -> Frame:
        """A noisy realisation, its variance estimated from the counts as a reduction does."""
        rng = np.random.default_rng(self.seed if seed is None else seed)
        mean = self.mean() if mean is None else mean
        data = rng.poisson(mean) + rng.normal(0, READ_NOISE, self.shape)
        mask = np.zeros(self.shape, np.uint8)
        if self.rays:
            hit = rng.random(self.shape) < self.rays
            data = data + hit * rng.exponential(800, self.shape)
            if self.flag_rays:
                mask[hit] = MaskBit.COSMIC_RAY
        variance = np.maximum(data, 0) + READ_NOISE**2
        return Frame(data.astype(np.float32), variance.astype(np.float32), mask, GEOMETRY)

    def cramer_rao(self, source: Source, mask: np.ndarray | None = None) -> np.ndarray:
        """Smallest possible 1-sigma error of the flux of each column, sky and profile known, (nx,)."""
        power = self.profile(source) ** 2 / (self.mean() + READ_NOISE**2)
        if mask is not None:
            power = np.where(mask == 0, power, 0)
        return 1 / np.sqrt(power.sum(axis=0))

    def integrated(self, source: Source) -> float:
        """Signal-to-noise ratio of the whole spectrum."""
        return float(np.sqrt(np.sum((self.flux(source) / self.cramer_rao(source)) ** 2)))
