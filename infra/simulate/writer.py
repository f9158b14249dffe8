"""Nights as files: FITS bytes in time order, and the truth beside them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits

from .exposure import Exposure
from .header import make_header
from .plan import plan_night
from .render import render

TRUTH_FORMAT = 1


def frame_bytes(exposure: Exposure, counts: np.ndarray) -> bytes:
    """The raw FITS file of ``exposure``: unsigned 16-bit counts and nothing else, as the camera writes it."""
    hdu = fits.PrimaryHDU(counts)
    hdu.header.extend(make_header(exposure).cards, end=True, update=False)
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return buffer.getvalue()


def frames(plan: Iterable[Exposure]) -> Iterator[tuple[str, bytes, dict]]:
    """Take the exposures of ``plan`` one by one.

    Yields
    ------
    name : str
    data : bytes
        The FITS file, uncompressed.
    truth : dict
        JSON-ready facts, and under ``"arrays"`` a dict of ndarray (see :func:`build_night`).
    """
    for exposure in plan:
        counts, facts, arrays = render(exposure)
        yield exposure.name, frame_bytes(exposure, counts), _facts(exposure) | facts | {"arrays": arrays}


def truth_paths(out_dir: Path | str) -> tuple[Path, Path]:
    """Where the truth about the night in ``out_dir`` is: ``<out_dir>.truth.json`` and ``<out_dir>.truth.npz``.

    Beside the folder, not in it: everything in the folder is a frame a pipeline may be given.
    """
    folder = Path(out_dir).resolve()
    return folder.with_name(f"{folder.name}.truth.json"), folder.with_name(f"{folder.name}.truth.npz")


def build_night(
    out_dir: Path | str,
    *,
    plan: list[Exposure] | None = None,
    compress: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    **parameters,
) -> dict:
    """Write a night's raw frames into ``out_dir`` and the truth about them beside it (:func:`truth_paths`).

    The truth is JSON, ``{"night": {...}, "files": {name: facts}}``, and arrays called ``<name>/<array>``:

    ``wavelength`` (4142,)
        True air wavelength (Angstrom) of each unbinned detector column in the middle of the slit.
    ``target_N_wavelength``, ``target_N_row``, ``target_N_electrons``, ``target_N_sky``, ``target_N_flux`` (nx,)
        Per column of the raw frame: true air wavelength (Angstrom) on the target's trace; 0-based raw row of its
        centre; electrons of the target summed over all rows, with pixels of unit response and the slit's
        transmission at its mean over the lit rows read out (what a flat of slit mean 1 leaves); electrons of the
        sky per pixel at the trace; flux above the atmosphere (erg s-1 cm-2 A-1).
    ``cosmic_rays`` (n, 3)
        0-based raw row, column and electrons of each pixel hit.
    ``stars`` (n, 6)
        Right ascension, declination (degrees), magnitude, 0-based raw column and row, electrons.

    Parameters
    ----------
    out_dir : path
        Made if it does not exist.
    plan : list of Exposure, optional
        Otherwise ``parameters`` go to :func:`~infra.simulate.plan.plan_night`.
    compress : bool
        Write ``.fits.gz``.
    progress : callable, optional
        Called with (number done, total, name) after each frame.

    Returns
    -------
    dict
        What the JSON file holds.
    """
    plan = plan_night(**parameters) if plan is None else plan
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict] = {}
    arrays: dict[str, np.ndarray] = {}
    for done, (name, data, truth) in enumerate(frames(plan), start=1):
        for key, values in truth.pop("arrays").items():
            arrays[f"{name}/{key}"] = values
        files[name] = truth
        if compress:
            (out_dir / f"{name}.gz").write_bytes(gzip.compress(data, compresslevel=4, mtime=0))
        else:
            (out_dir / name).write_bytes(data)
        if progress:
            progress(done, len(plan), name)
    truth = {"night": _night_facts(plan), "files": files}
    facts_path, arrays_path = truth_paths(out_dir)
    facts_path.write_text(json.dumps(truth, indent=1) + "\n")
    np.savez_compressed(arrays_path, allow_pickle=False, **arrays)
    return truth


def _facts(exposure: Exposure) -> dict:
    optics = exposure.optics
    return {
        "kind": exposure.kind,
        "obstype": exposure.obstype,
        "object": exposure.object,
        "expected": exposure.expected,
        "start": exposure.start.isoformat(),
        "seconds": exposure.seconds,
        "binning": list(exposure.binning),
        "roi_origin": list(exposure.region.origin),
        "lamps": list(exposure.lamps),
        "proposal": exposure.proposal,
        "seeing": round(exposure.seeing, 3),
        "airmass": round(exposure.pointing.airmass, 4),
        "flexure": {"columns": exposure.shift, "rows": exposure.row_shift, "stretch": exposure.stretch},
        "optics": {name: getattr(optics, name) for name in ("shift", "stretch", "tilt", "curvature", "keystone")},
    }


def _night_facts(plan: list[Exposure]) -> dict:
    if not plan:
        return {"format": TRUTH_FORMAT}
    night = plan[0].night
    return {
        "format": TRUTH_FORMAT,
        "seed": night.seed,
        "evening": night.evening.isoformat(),
        "camera": night.camera,
        "mode": night.optics.mode.name,
        "readout": night.readout.name,
        "gain": night.readout.gains[0],
        "read_noise": night.readout.read_noise,
        "slit_arcsec": night.slit,
        "arc_style": night.arc_style,
        "frames": len(plan),
    }
