"""Images: a field of stars on a tangent plane, seen through a round window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .exposure import Exposure
from .optics import ARCSEC_PER_PIXEL
from .sources import MAGNITUDE_ZERO

#: Electrons s-1 of a star of magnitude 0 through a broad filter (SOAR, red), and of the sky per square arcsec.
ELECTRONS_AT_ZERO = 4.4e10
SKY_MAGNITUDE = 21.0
FIELD_RADIUS = 216.0
MOFFAT_BETA = 3.2
STAMP = 24


@dataclass(frozen=True)
class Wcs:
    """Tangent-plane projection of the imaging region.

    Attributes
    ----------
    ra, dec : float
        Degrees, at ``centre``.
    centre : (float, float)
        0-based unbinned pixel (x, y) of the region.
    angle : float
        Degrees from up to north, counter-clockwise; east is left of north.
    scale : float
        Arcsec an unbinned pixel.
    """

    ra: float
    dec: float
    centre: tuple[float, float]
    angle: float
    scale: float = ARCSEC_PER_PIXEL

    def cd(self) -> np.ndarray:
        """(2, 2) degrees per unbinned pixel."""
        s, c = np.sin(np.radians(self.angle)), np.cos(np.radians(self.angle))
        return np.array([[-c, -s], [-s, c]]) * self.scale / 3600.0

    def pixel(self, ra, dec) -> tuple[np.ndarray, np.ndarray]:
        """0-based unbinned (x, y) of right ascension and declination, degrees."""
        a, d, d0 = np.radians(ra - self.ra), np.radians(dec), np.radians(self.dec)
        cosine = np.sin(d0) * np.sin(d) + np.cos(d0) * np.cos(d) * np.cos(a)
        xi = np.cos(d) * np.sin(a) / cosine
        eta = (np.cos(d0) * np.sin(d) - np.sin(d0) * np.cos(d) * np.cos(a)) / cosine
        offset = np.linalg.solve(self.cd(), np.degrees(np.stack([np.ravel(xi), np.ravel(eta)])))
        return offset[0] + self.centre[0], offset[1] + self.centre[1]


def catalogue(seed: int, ra: float, dec: float) -> np.ndarray:
    """Stars of the field around (``ra``, ``dec``), degrees: (n, 3) right ascension, declination, magnitude.

    The same field gives the same stars. Counts rise by 10^0.3 a magnitude, as at intermediate galactic latitude.
    """
    key = round((ra % 360) * 1000), round((dec + 90) * 1000)
    rng = np.random.default_rng([seed, 61, *key])
    count = rng.poisson(170)
    magnitude = 13.0 + np.log10(1 + rng.uniform(size=count) * (10 ** (0.3 * 9.0) - 1)) / 0.3
    radius = 1.15 * FIELD_RADIUS * np.sqrt(rng.uniform(size=count)) / 3600
    angle = rng.uniform(0, 2 * np.pi, count)
    star_dec = dec + radius * np.sin(angle)
    return np.stack([ra + radius * np.cos(angle) / np.cos(np.radians(star_dec)), star_dec, magnitude], axis=1)


def expected(exposure: Exposure, facts: dict, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Expected electrons (ny, nx) of an image; its catalogue and projection go into ``facts`` and ``arrays``."""
    night, pointing, region, binning = exposure.night, exposure.pointing, exposure.region, exposure.binning
    rng = exposure.rng(5)
    jitter = rng.normal(0, 3.0 / 3600, 2)
    wcs = Wcs(
        pointing.ra + float(jitter[0] / np.cos(np.radians(pointing.dec))),
        pointing.dec + float(jitter[1]),
        (region.size[0] / 2 - 0.5 + float(rng.normal(0, 8)), region.size[1] / 2 - 0.5 + float(rng.normal(0, 8))),
        float(pointing.position_angle + rng.normal(0, 0.3)),
        float(ARCSEC_PER_PIXEL * (1 + rng.normal(0, 0.001))),
    )
    stars = catalogue(night.seed, pointing.ra, pointing.dec)
    extinction = 0.1 * pointing.airmass + float(abs(rng.normal(0, 0.02)))
    electrons = ELECTRONS_AT_ZERO * 10 ** (-0.4 * (stars[:, 2] + extinction)) * exposure.seconds
    x, y = wcs.pixel(stars[:, 0], stars[:, 1])
    rows, columns = region.shape(binning)
    v, u = np.mgrid[:rows, :columns].astype(np.float32)
    distance = np.hypot(u - (columns - 1) / 2, v - (rows - 1) / 2) * (binning[0] * ARCSEC_PER_PIXEL)
    window = 1 / (1 + np.exp((distance - FIELD_RADIUS) / 1.5))
    area = (binning[0] * wcs.scale) * (binning[1] * wcs.scale)
    sky = ELECTRONS_AT_ZERO * 10 ** (-0.4 * SKY_MAGNITUDE) * area * exposure.seconds
    sky *= 1 + 4 * exposure.sky.moon / 10
    out = np.zeros((rows, columns))
    fwhm = exposure.seeing / wcs.scale
    bx, by = (x - (binning[0] - 1) / 2) / binning[0], (y - (binning[1] - 1) / 2) / binning[1]
    for column, row, light in zip(bx, by, electrons, strict=True):
        _add_star(out, column, row, light, fwhm / binning[0])
    out += sky * (1 - 0.03 * (distance / FIELD_RADIUS) ** 2)
    out *= window
    out += 0.01 * sky
    inside = (np.hypot(bx - (columns - 1) / 2, by - (rows - 1) / 2) * binning[0] * ARCSEC_PER_PIXEL) < FIELD_RADIUS - 3
    arrays["stars"] = np.stack([*stars.T, bx, by, electrons], axis=1)[inside]
    facts |= {
        "wcs": {"ra": wcs.ra, "dec": wcs.dec, "angle": wcs.angle, "scale": wcs.scale, "cd": wcs.cd().tolist()},
        "wcs_centre_unbinned": list(wcs.centre),
        "fwhm_pixels": fwhm / binning[0],
        "sky_electrons": float(sky),
        "zero_point": float(2.5 * np.log10(ELECTRONS_AT_ZERO) - extinction),
        "stars": int(inside.sum()),
        "magnitude_zero_flux": MAGNITUDE_ZERO,
    }
    return out


def _add_star(out: np.ndarray, column: float, row: float, electrons: float, fwhm: float) -> None:
    """Add a Moffat star centred at (``column``, ``row``), each pixel integrated by 3x3 samples."""
    rows, columns = out.shape
    x0, y0 = round(column), round(row)
    ys = slice(max(y0 - STAMP, 0), min(y0 + STAMP + 1, rows))
    xs = slice(max(x0 - STAMP, 0), min(x0 + STAMP + 1, columns))
    if ys.stop <= ys.start or xs.stop <= xs.start:
        return
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / MOFFAT_BETA) - 1))
    stamp = np.zeros((ys.stop - ys.start, xs.stop - xs.start))
    for dy in (-1 / 3, 0.0, 1 / 3):
        for dx in (-1 / 3, 0.0, 1 / 3):
            r2 = (np.arange(xs.start, xs.stop) + dx - column)[None] ** 2
            r2 = r2 + (np.arange(ys.start, ys.stop) + dy - row)[:, None] ** 2
            stamp += (1 + r2 / alpha**2) ** -MOFFAT_BETA
    out[ys, xs] += stamp * (electrons * (MOFFAT_BETA - 1) / (np.pi * alpha**2) / 9)
