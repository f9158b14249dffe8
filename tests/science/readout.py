"""Small raw frames as the two cameras read them out, for the tests of the reduction."""

from __future__ import annotations

import gzip
import io

import numpy as np
from astropy.io import fits

from chalicelib.science.frame import Detector, RawFrame

BLUE = Detector("Blue", 1.40, 4.74, 49928.0, (2, 2))
RED = Detector("Red", 1.48, 3.89, 65535.0, (2, 2))
SHAPE = (120, 2071)
LIT = {"Blue": (8, 2057), "Red": (25, 2071)}  # half open, 2x2 columns that light falls on


def structure(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Bias structure in ADU: a slope, glow towards the ends, a hot column, a bright first row."""
    ny, nx = shape
    column = np.arange(nx)
    pattern = 2.0 * np.exp(-column / 60.0) + 1.5 * np.exp(-(nx - column) / 80.0) + 0.3 * (column % 2)
    image = np.tile(pattern, (ny, 1)) + np.linspace(0, 0.5, ny)[:, None]
    image[:, nx // 2] += 20.0
    image[0] += 300.0
    return image


def expose(
    rng: np.random.Generator,
    electrons: np.ndarray | float,
    detector: Detector = BLUE,
    *,
    level: float = 434.0,
    shape: tuple[int, int] = SHAPE,
    trimsec: str | None = "[1:4142,1:240]",
    **cards,
) -> RawFrame:
    """Read out ``electrons`` expected in each pixel (dark columns get none), with Poisson and read noise."""
    light = np.zeros(shape)
    low, high = LIT[detector.camera] if shape[1] == SHAPE[1] else (0, shape[1])
    light[:, low:high] = np.broadcast_to(electrons, shape)[:, low:high]
    counts = rng.poisson(light) + rng.normal(0, detector.read_noise, shape)
    adu = level + structure(shape) + counts / detector.gain
    header = fits.Header({"CCDSUM": "{} {}".format(*detector.binning), "GAIN": detector.gain, **cards})
    if trimsec is not None:
        header["TRIMSEC"] = trimsec
    return RawFrame(np.clip(np.round(adu), 0, 65535).astype(np.float32), header)


def fits_bytes(data: np.ndarray, **cards) -> bytes:
    """``data`` as a FITS file, unsigned 16 bit as the instrument writes it."""
    unit = fits.PrimaryHDU(np.asarray(data))
    unit.header.update(cards)
    buffer = io.BytesIO()
    unit.writeto(buffer)
    return buffer.getvalue()


def packed(data: bytes) -> bytes:
    """Gzipped with no clock in it."""
    return gzip.compress(data, mtime=0)
