"""Writes what the page's tests decode, and what the pipeline and its libraries say is in it, into ``tests/data``.

Run from the repository's root: ``.venv/bin/python frontend/tests/make_fixtures.py``. The files are committed: run it
again when ``chalicelib/science/preview.py`` changes.
"""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from astropy.io import fits
from astropy.visualization import ZScaleInterval

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).resolve().parent / "data"
sys.path.insert(0, str(ROOT))

from chalicelib.science.extraction import ExtractionOptions, UserAperture, analyse  # noqa: E402
from chalicelib.science.frame import Frame, Geometry, MaskBit  # noqa: E402
from chalicelib.science.preview import image_preview, overlay, read_preview, spectrum_preview  # noqa: E402

SHAPE = (100, 520)
GEOMETRY = Geometry(binning=(2, 3), corner=(25, 4), roi_origin=(100, 451))
MAPS = ("gray", "viridis", "magma", "inferno", "plasma", "cividis", "cubehelix", "hot")


def reduced_frame() -> Frame:
    """A frame with one bent spectrum over sky, saturated pixels and cosmic rays."""
    rng = np.random.default_rng(20260815)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    centre = 52 + 6 * (columns / SHAPE[1] - 0.5) + 2 * (columns / SHAPE[1] - 0.5) ** 2
    light = 900 * np.exp(-0.5 * ((rows - centre) / 1.8) ** 2) + 40 + 30 * (columns % 97 < 4)
    data = rng.poisson(light) + rng.normal(0, 4, SHAPE)
    mask = np.zeros(SHAPE, np.uint8)
    mask[10, 20:25] = MaskBit.COSMIC_RAY
    mask[51:54, 300] = MaskBit.SATURATED
    mask[0] |= np.uint8(MaskBit.OUTSIDE_SLIT)
    mask[10, 20] |= np.uint8(MaskBit.BAD)
    data[10, 20:25] += 5000
    return Frame(data.astype(np.float32), (light + 16).astype(np.float32), mask, GEOMETRY)


def sampled(array: np.ndarray) -> dict:
    """Some elements and the sum, for comparison."""
    flat = np.asarray(array).ravel()
    at = np.linspace(0, flat.size - 1, 41).astype(int)
    return {"at": at.tolist(), "values": [float(flat[i]) for i in at], "sum": float(flat.sum(dtype=float))}


def aperture_on(frame: Frame, target) -> dict:
    """The aperture a person would draw on a target where it is: through the pipeline's own geometry."""
    shown = overlay(frame.geometry, frame.shape[1], target.trace, target.apertures)
    middle = len(shown["trace_columns"]) // 2
    column, row = shown["trace_columns"][middle], shown["trace"][middle]
    b = frame.geometry.binning[1]
    return {
        "column": float(frame.geometry.detector_column(column)),
        "row": float(frame.geometry.detector_row(row)),
        "target": [b * edge for edge in shown["target"]],
        "sky": [[b * low, b * high] for low, high in shown["sky"]],
    }


def check_round_trip(frame: Frame, target, aperture: dict) -> None:
    """An aperture put where the automatic one is gives the same trace and rows."""
    user = UserAperture(
        aperture["column"], aperture["row"], tuple(aperture["target"]), tuple(map(tuple, aperture["sky"]))
    )
    again = analyse(frame, ExtractionOptions(apertures=(user,))).spectra[0]
    columns = np.arange(0, frame.shape[1], 50)
    off = target.trace.row_in(frame.geometry, columns) - again.trace.row_in(frame.geometry, columns)
    assert np.abs(off).max() < 0.01, off
    assert np.allclose(again.apertures.target, target.apertures.target, atol=2e-3)
    assert np.allclose(again.apertures.sky, target.apertures.sky, atol=2e-3)


def write_fits() -> dict:
    """Raw frames as a camera writes them: unsigned 16 bits, gzipped; and floats with a hole in an extension."""
    rng = np.random.default_rng(7)
    counts = rng.integers(300, 65535, (23, 37), dtype=np.uint16)
    raw = fits.PrimaryHDU(counts)
    raw.header["CCDSUM"] = "1 2"
    (DATA / "raw.fits.gz").write_bytes(gzip.compress(_bytes(fits.HDUList([raw])), mtime=0))
    values = rng.normal(100, 20, (11, 13)).astype(np.float32)
    values[3, 4] = np.nan
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1, 2, 3])])
    (DATA / "float.fits").write_bytes(_bytes(fits.HDUList([fits.PrimaryHDU(), table, fits.ImageHDU(values)])))
    low, high = np.nanmin(values), np.nanmax(values)
    return {
        "raw": {"shape": [23, 37], "binning": [1, 2], **sampled(counts)},
        "float": {"shape": [11, 13], "low": float(low), "high": float(high), **sampled(np.nan_to_num(values, nan=low))},
    }


def _bytes(hdus: fits.HDUList) -> bytes:
    import io

    buffer = io.BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()


def main() -> None:
    """Write everything."""
    DATA.mkdir(exist_ok=True)
    frame = reduced_frame()
    target = analyse(frame, ExtractionOptions(max_targets=1)).spectra[0]
    aperture = aperture_on(frame, target)
    check_round_trip(frame, target, aperture)
    picture = image_preview(frame, [(target.trace, target.apertures)])
    (DATA / "image.glpv").write_bytes(picture)
    header, arrays = read_preview(picture)
    line = spectrum_preview(replace(target, flux=np.where(target.column < 40, np.nan, target.flux)))
    (DATA / "spectrum.glpv").write_bytes(line)
    line_header, columns = read_preview(line)
    factor = header["levels"][0]["factor"]
    full = arrays["level_1"]
    limits = ZScaleInterval(n_samples=1000).get_limits(full)
    expected = {
        "image": {
            "shape": list(SHAPE),
            "levels": {name.split("_")[1]: sampled(arrays[name]) for name in ("level_1", f"level_{factor}")},
            "mask": sampled(arrays["mask"]),
            "counts": {str(bit.value): int(np.count_nonzero(arrays["mask"] & bit)) for bit in MaskBit},
            "zscale": [float(one) for one in limits],
            "section": header["section"],
            "target": header["targets"][0],
            "aperture": aperture,
            "trace": [[c, float(target.trace.row(GEOMETRY.detector_column(c)))] for c in range(0, SHAPE[1], 65)],
        },
        "spectrum": {
            "length": line_header["length"],
            "first_column": line_header["first_column"],
            **{name: sampled(np.nan_to_num(columns[name])) for name in ("flux", "error", "sky")},
        },
        "fits": write_fits(),
        "maps": {
            name: [[int(c) for c in matplotlib.colormaps[name](i, bytes=True)[:3]] for i in range(0, 256, 15)]
            for name in MAPS
        },
    }
    (DATA / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
