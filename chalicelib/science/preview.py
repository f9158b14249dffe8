"""Compact previews for the browser: what the page draws without fetching the FITS file.

Container (all numbers little-endian)
-------------------------------------
====== ============= ===========================================================================
offset length        content
====== ============= ===========================================================================
0      4             magic ``GLPV``
4      4             uint32 ``n``: length of the JSON header in bytes
8      n             header, JSON in UTF-8, padded with spaces so that ``8 + n`` is a multiple of 8
8+n    …             chunks, each starting at a multiple of 8 after ``8 + n``
====== ============= ===========================================================================

Every chunk is described in the header by ``{"offset", "length", "encoding", "dtype", "shape"}``; ``offset`` counts from
``8 + n``. ``encoding`` is ``"raw"`` or ``"deflate"`` (a zlib stream: ``new DecompressionStream("deflate")``).

Image (``"kind": "image"``)
---------------------------
``levels`` lists ``{"factor", "shape", "transform", "planes"}``, coarse first, so a page can draw before all has
arrived. A level's pixels are uint16 ``q`` split in two planes of bytes, ``planes.low`` and ``planes.high`` (each a
chunk); within a plane each row holds differences to the left neighbour, modulo 2^16 over both planes::

    q[y, x] = (q[y, x-1] + low[y, x] + 256 * high[y, x]) mod 65536        (q[y, -1] = 0)
    t       = q / transform.scale
    e       = t * t / 4 - 3/8 - transform.noise2        electrons (generalised Anscombe transform inverted)

One unit of ``q`` is ``1 / transform.scale`` of the pixel's noise, everywhere in the image: displays may stretch ``q``
itself. ``limits`` gives sensible display limits in electrons (``low``, ``high``: zscale-like percentiles). ``mask``
is a chunk of uint8 bits (1 bad, 2 saturated, 4 cosmic ray, 8 no flat, 16 outside the slit), full size. ``section``
says where the pixels lie: ``binning``, ``corner`` (0-based column, row in the raw frame), ``roi_origin`` (detector).
``targets`` lists for each target ``trace`` (array row at ``trace_columns``), ``target`` and ``sky`` zones relative to
it, all in rows of the image, and ``polynomial`` (the trace itself, unbinned detector pixels). Row 0 is the bottom of
the slit.

Spectrum (``"kind": "spectrum"``)
---------------------------------
``columns`` maps names to chunks of float32 (``flux``, ``error``, ``flux_box``, ``error_box``, ``sky``; NaN =
unknown), ``wavelength`` and ``wavelength_vac`` as float64 once calibrated, ``mask`` as uint8. ``first_column`` is the
raw frame's column of element 0.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable

import numpy as np

from .figures import known
from .frame import Frame, Geometry, MaskBit
from .spectrum import Apertures, Spectrum, Trace

MAGIC = b"GLPV"
#: Steps per sigma: half a sigma a step keeps the noise visible and the file small.
SCALE = 2.0
#: The coarse level is at most this wide.
COARSE_WIDTH = 512


def image_preview(frame: Frame, targets: Iterable[tuple[Trace, Apertures]] = ()) -> bytes:
    """The preview of a two-dimensional product.

    Parameters
    ----------
    frame : Frame
    targets : iterable of (Trace, Apertures)
        What to draw over it.

    Returns
    -------
    bytes
        The container described in the module's documentation; the same input gives the same bytes.
    """
    chunks = _Chunks()
    data = np.nan_to_num(np.asarray(frame.data, dtype=np.float32), nan=0.0, posinf=3e9, neginf=0.0)
    noise2 = _noise2(frame, data)
    factor = max(1, -(-data.shape[1] // COARSE_WIDTH))
    levels = []
    if factor > 1 and min(data.shape) >= factor:
        levels.append(_level(chunks, _block_mean(data, frame.mask, factor), factor, noise2))
    levels.append(_level(chunks, data, 1, noise2))
    good = (frame.mask & int(MaskBit.BAD | MaskBit.SATURATED | MaskBit.COSMIC_RAY | MaskBit.OUTSIDE_SLIT)) == 0
    sample = data[::3, ::3][good[::3, ::3]]
    low, high = np.percentile(sample, [1, 99.5]) if sample.size else (0.0, 1.0)
    header = {
        "version": 1,
        "kind": "image",
        "unit": "electron",
        "shape": list(data.shape),
        "section": _section(frame.geometry),
        "levels": levels,
        "limits": {"low": _short(low), "high": _short(max(high, low + 1e-3))},
        "mask": chunks.add(np.asarray(frame.mask, dtype=np.uint8), "deflate"),
        "mask_counts": {str(bit.name).lower(): int(np.count_nonzero(frame.mask & int(bit))) for bit in MaskBit},
        "targets": [overlay(frame.geometry, frame.shape[1], trace, apertures) for trace, apertures in targets],
    }
    return chunks.container(header)


def spectrum_preview(spectrum: Spectrum) -> bytes:
    """The preview of a one-dimensional product: see the module's documentation."""
    chunks = _Chunks()
    columns = {
        name: chunks.add(np.asarray(getattr(spectrum, name), dtype="<f4"))
        for name in ("flux", "error", "flux_box", "error_box", "sky")
    }
    columns["mask"] = chunks.add(np.asarray(spectrum.mask, dtype=np.uint8))
    wavelength = spectrum.wavelength
    header = {
        "version": 1,
        "kind": "spectrum",
        "unit": "electron",
        "length": len(spectrum.column),
        "first_column": float(spectrum.column[0]) if len(spectrum.column) else 0.0,
        "target": spectrum.target,
        "method": spectrum.method,
        "signal_to_noise": _finite(spectrum.signal_to_noise),
        "calibrated": wavelength is not None,
    }
    if spectrum.solution is not None:
        from .air import air_to_vacuum

        columns["wavelength"] = chunks.add(np.asarray(wavelength, dtype="<f8"))
        columns["wavelength_vac"] = chunks.add(np.asarray(air_to_vacuum(wavelength), dtype="<f8"))
        header["wavelength_rms"] = _finite(spectrum.solution.rms)
    good = np.isfinite(spectrum.flux) & (spectrum.mask == 0)
    sample = spectrum.flux[good] if good.any() else np.zeros(1)
    low, high = np.percentile(sample, [0.5, 99.5])
    header["limits"] = {"low": _short(low), "high": _short(high)}
    header["columns"] = columns
    return chunks.container(header)


def read_preview(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """Decode a preview: the reference for the page's own decoder, and for tests.

    Returns
    -------
    header : dict
    arrays : dict
        Image: ``level_<factor>`` (electrons, float32) and ``mask``; spectrum: its columns.
    """
    if data[:4] != MAGIC:
        raise ValueError("not a preview")
    length = int.from_bytes(data[4:8], "little")
    header, base = json.loads(data[8 : 8 + length]), 8 + length

    def chunk(entry):
        part = data[base + entry["offset"] : base + entry["offset"] + entry["length"]]
        part = zlib.decompress(part) if entry["encoding"] == "deflate" else part
        return np.frombuffer(part, dtype=entry["dtype"]).reshape(entry["shape"])

    if header["kind"] == "spectrum":
        return header, {name: chunk(entry) for name, entry in header["columns"].items()}
    arrays = {"mask": chunk(header["mask"])}
    for level in header["levels"]:
        planes = level["planes"]
        steps = chunk(planes["low"]).astype(np.uint16) + (chunk(planes["high"]).astype(np.uint16) << 8)
        q = np.cumsum(steps, axis=1, dtype=np.uint16)
        t = q / level["transform"]["scale"]
        arrays[f"level_{level['factor']}"] = (t * t / 4 - 0.375 - level["transform"]["noise2"]).astype(np.float32)
    return header, arrays


class _Chunks:
    """Collects binary chunks and their table of contents."""

    def __init__(self):
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, array: np.ndarray, encoding: str = "raw") -> dict:
        array = np.ascontiguousarray(array)
        part = array.tobytes()
        if encoding == "deflate":
            part = zlib.compress(part, 4)
        entry = {
            "offset": self.size,
            "length": len(part),
            "encoding": encoding,
            "dtype": array.dtype.str,
            "shape": list(array.shape),
        }
        padding = -len(part) % 8
        self.parts.append(part + bytes(padding))
        self.size += len(part) + padding
        return entry

    def container(self, header: dict) -> bytes:
        text = json.dumps(known(header), separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-(8 + len(text)) % 8)
        return b"".join([MAGIC, len(text).to_bytes(4, "little"), text, *self.parts])


def _noise2(frame: Frame, data: np.ndarray) -> float:
    """Variance without light (electrons squared) of a typical pixel."""
    floor = (np.asarray(frame.variance) - np.maximum(data, 0))[::5, ::5]
    floor = floor[np.isfinite(floor) & (frame.mask[::5, ::5] == 0)]
    return round(max(float(np.median(floor)), 1.0), 2) if floor.size else 25.0


def _level(chunks: _Chunks, data: np.ndarray, factor: int, noise2: float) -> dict:
    # Averaging over factor² pixels divides the noise by factor: finer steps keep what was gained, up to 16 bits.
    scale = SCALE * factor
    largest = 2 * math.sqrt(max(float(data.max()), 0.0) + 0.375 + noise2)
    scale = min(scale, 65535 / largest)
    scale = 2.0 ** math.floor(math.log2(scale))
    t = 2 * np.sqrt(np.maximum(data + np.float32(0.375 + noise2), 0))
    q = np.rint(t * np.float32(scale)).astype(np.uint16)
    steps = q.copy()
    steps[:, 1:] -= q[:, :-1]
    low, high = (steps & 255).astype(np.uint8), (steps >> 8).astype(np.uint8)
    return {
        "factor": factor,
        "shape": list(q.shape),
        "transform": {"name": "anscombe", "scale": scale, "noise2": noise2},
        "planes": {"low": chunks.add(low, "deflate"), "high": chunks.add(high, "deflate")},
    }


def _block_mean(data: np.ndarray, mask: np.ndarray, factor: int) -> np.ndarray:
    """Mean of the unmasked pixels of ``factor`` x ``factor`` blocks; of all where all are masked. Ends are cut."""
    ny, nx = (n // factor * factor for n in data.shape)
    shape = (ny // factor, factor, nx // factor, factor)
    good = (mask[:ny, :nx] & int(MaskBit.COSMIC_RAY | MaskBit.BAD)) == 0
    cut = data[:ny, :nx]
    total = np.where(good, cut, 0).reshape(shape).sum(axis=(1, 3))
    count = good.reshape(shape).sum(axis=(1, 3))
    plain = cut.reshape(shape).mean(axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), plain).astype(np.float32)


def _section(geometry) -> dict:
    return {
        "binning": list(map(int, geometry.binning)),
        "corner": list(map(int, geometry.corner)),
        "roi_origin": list(map(int, geometry.roi_origin)),
    }


def overlay(geometry: Geometry, width: int, trace: Trace, apertures: Apertures) -> dict:
    """What to draw over a frame for a target: its trace and zones, in rows of the frame.

    Parameters
    ----------
    geometry : Geometry
        Of the frame.
    width : int
        Columns of the frame.
    trace : Trace
    apertures : Apertures

    Returns
    -------
    dict
        JSON-ready, as the module's documentation says of ``targets``.
    """
    columns = np.unique(np.linspace(0, width - 1, min(width, 65)).round().astype(int))
    rows = trace.row_in(geometry, columns)
    b = geometry.binning[1]
    return {
        "trace_columns": columns.tolist(),
        "trace": [round(float(r), 3) for r in rows],
        "target": [round(edge / b, 4) for edge in apertures.target],
        "sky": [[round(low / b, 4), round(high / b, 4)] for low, high in apertures.sky],
        "polynomial": {"coefficients": list(trace.coefficients), "domain": list(trace.domain)},
        "fwhm": _finite(trace.fwhm / b),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _short(value) -> float:
    return float(f"{float(value):.6g}")
