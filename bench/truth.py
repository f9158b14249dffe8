"""How close the products of a simulated night are to its truth.

::

    python -m infra.simulate NIGHT --mode 400_M2 --seed 3
    python -m infra.local process NIGHT --out OUT
    python bench/truth.py NIGHT OUT

For each calibrated (or, failing that, extracted) spectrum it prints

- the true wavelength error: product minus truth at each column of the raw frame, on the target's own trace, divided
  by the true Angstrom per *binned* column; its mean and rms over the columns between the first and last arc line used,
  and over all columns;
- the flux: sum of FLUX over sum of true electrons, less 1, over unmasked columns; and the worst of ten equal stretches
  (their mean ratio, less 1, where a stretch holds more than 5 % of the mean light);
- the pulls ``(FLUX - truth) / ERROR``: mean and standard deviation over unmasked columns.

What is compared: ``FLUX`` is electrons per column after division by a flat whose mean over the slit is 1 at each
column (smoothed along the dispersion). The truth is the electrons the target alone gives in the column with pixels of
unit response and the slit's transmission at its mean over the lit rows read out, photon noise excluded: what such a
flat leaves. The light of the target in all rows counts; light an extraction leaves outside its aperture is a loss.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chalicelib.science import product
from chalicelib.science.spectrum import Spectrum
from infra.simulate import truth_paths

FINISHED = ("done", "provisional")


@dataclass(frozen=True)
class Row:
    """One spectrum against its truth; None where it has no wavelengths."""

    name: str
    target: str
    signal_to_noise: float
    flux_bias: float
    worst_stretch: float
    pull_mean: float
    pull_std: float
    wavelength_mean: float | None = None
    wavelength_rms: float | None = None
    wavelength_rms_all: float | None = None
    claimed_rms: float | None = None


def compare(spectra: dict[str, Spectrum], facts: dict, arrays, raw: str) -> tuple[list[Row], list[str]]:
    """The spectra (by name) of one frame against its truth: rows, and sentences about what has no counterpart.

    Each true target belongs to the spectrum whose trace is nearest to its own, within three FWHM.
    """
    rows, complaints, free = [], [], dict(spectra)
    for number, target in enumerate(facts["targets"], start=1):
        gaps = {name: _gap(spectrum, target) for name, spectrum in free.items()}
        nearest = min(gaps, key=lambda name: gaps[name], default=None)
        if nearest is None or gaps[nearest] > 3 * target["fwhm_rows"] * facts["binning"][1]:
            complaints.append(f"{raw}: target {number} ({target['kind']}, {target['magnitude']} mag) has no spectrum")
            continue
        truth = arrays[f"{raw}/target_{number}_electrons"], arrays[f"{raw}/target_{number}_wavelength"]
        rows.append(_row(free.pop(nearest), nearest, f"{number} {target['kind']}", *truth))
    complaints += [f"{name}: there is no such target" for name in free]
    return rows, complaints


def _row(spectrum: Spectrum, name: str, target: str, electrons: np.ndarray, wavelength: np.ndarray) -> Row:
    column = np.asarray(spectrum.column).astype(int)
    truth = electrons[column]
    lit = truth > 0
    good = lit & (spectrum.mask == 0) & np.isfinite(spectrum.flux) & (spectrum.error > 0)
    stretches = []
    for part in np.array_split(np.flatnonzero(good), 10):
        if truth[part].mean() > 0.05 * truth[good].mean():
            stretches.append(spectrum.flux[part].sum() / truth[part].sum() - 1)
    pull = (spectrum.flux[good] - truth[good]) / spectrum.error[good]
    row = {
        "name": name,
        "target": target,
        "signal_to_noise": float(np.median(truth[good] / spectrum.error[good])),
        "flux_bias": float(spectrum.flux[good].sum() / truth[good].sum() - 1),
        "worst_stretch": float(max(stretches, key=abs)),
        "pull_mean": float(pull.mean()),
        "pull_std": float(pull.std()),
    }
    if spectrum.solution is not None:
        row |= _wavelengths(spectrum, wavelength, column, lit)
    return Row(**row)


def _wavelengths(spectrum: Spectrum, true: np.ndarray, column: np.ndarray, lit: np.ndarray) -> dict:
    solution, measured = spectrum.solution, spectrum.wavelength
    assert solution is not None and measured is not None
    dispersion = np.gradient(true)[column]
    error = (measured - true[column]) / dispersion
    detector = spectrum.geometry.detector_column(spectrum.column)
    between = lit & (detector >= solution.span[0]) & (detector <= solution.span[1])
    return {
        "wavelength_mean": float(error[between].mean()),
        "wavelength_rms": float(np.sqrt(np.mean(error[between] ** 2))),
        "wavelength_rms_all": float(np.sqrt(np.mean(error[lit] ** 2))),
        "claimed_rms": float(solution.rms / np.median(dispersion)),
    }


def _gap(spectrum: Spectrum, target: dict) -> float:
    """Distance of the trace from a true target's, unbinned rows."""
    u = np.linspace(400, 3700, 12)
    x = (u - 2070.5) / 2000
    c0, c1, c2, c3 = target["trace_unbinned"]
    return float(np.median(np.abs(spectrum.trace.row(u) - (c0 + x * (c1 + x * (c2 + x * c3))))))


def collect(night: Path, out: Path) -> tuple[list[Row], list[str]]:
    """Rows of all spectra of a processed simulated night, and sentences about files that did not end as expected."""
    facts_path, arrays_path = truth_paths(night)
    truth = json.loads(facts_path.read_text())["files"]
    arrays = np.load(arrays_path)
    records = json.loads((out / "files.json").read_text())
    on_disk: dict[str, list[Path]] = {}
    for path in sorted(out.rglob("*.fits")):
        on_disk.setdefault(path.name, []).append(path)
    rows, complaints = [], []
    spectra: dict[str, dict[tuple, dict]] = {}
    seen = set()
    for record in records:
        raw = record["original_file"].removesuffix(".gz")
        if raw not in truth:
            continue
        facts = truth[raw]
        if record["data_type"] == "0":
            seen.add(raw)
            ok = record["status"] in FINISHED if facts["expected"] == "done" else record["status"] == facts["expected"]
            if not ok:
                complaints.append(f"{raw}: {record['status']} ({record.get('status_reason')}), not {facts['expected']}")
        if record["data_type"] in ("3", "4") and facts["kind"] in ("science", "standard"):
            key = (record.get("target"), record.get("variant"))
            best = spectra.setdefault(raw, {}).get(key)
            if best is None or best["data_type"] < record["data_type"]:
                spectra[raw][key] = record
    complaints += [f"{raw}: no record" for raw in truth if raw not in seen]
    for raw, facts in truth.items():
        if facts["kind"] not in ("science", "standard"):
            continue
        opened = {}
        for record in spectra.get(raw, {}).values():
            data = _bytes(record, on_disk)
            if data is None:
                complaints.append(f"{record['file_name']}: not in {out}")
            else:
                opened[record["file_name"]] = product.read_spectrum(data)
        matched, unmatched = compare(opened, facts, arrays, raw)
        rows += matched
        complaints += unmatched
    return rows, complaints


def _bytes(record: dict, on_disk: dict[str, list[Path]]) -> bytes | None:
    stem = record["file_name"].removesuffix(".fits")
    for name, paths in on_disk.items():
        if name.startswith(stem):
            for path in paths:
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() == record["sha256"]:
                    return data
    return None


def report(rows: list[Row], complaints: list[str]) -> str:
    """The table and its summary as text."""
    lines = [
        f"{'spectrum':52s} {'target':14s} {'S/N':>6s} | "
        f"{'mean px':>8s} {'rms px':>7s} {'all px':>7s} {'claimed':>7s} | "
        f"{'flux %':>7s} {'worst %':>7s} | {'pull':>6s} {'std':>5s}"
    ]

    def number(value: float | None, form: str) -> str:
        width = int(form.split(".")[0].lstrip("+"))
        return f"{'-':>{width}s}" if value is None else f"{value:{'+' if form[0] == '+' else ''}{form.lstrip('+')}}"

    for r in rows:
        lines.append(
            f"{r.name[:52]:52s} {r.target[:14]:14s} {r.signal_to_noise:6.1f} | "
            f"{number(r.wavelength_mean, '+8.3f')} {number(r.wavelength_rms, '7.3f')} "
            f"{number(r.wavelength_rms_all, '7.3f')} {number(r.claimed_rms, '7.3f')} | "
            f"{100 * r.flux_bias:+7.2f} {100 * r.worst_stretch:+7.2f} | {r.pull_mean:+6.2f} {r.pull_std:5.2f}"
        )
    calibrated = [r for r in rows if r.wavelength_rms is not None]
    lines.append("")
    if calibrated:
        rms = np.array([r.wavelength_rms for r in calibrated])
        lines.append(
            f"{len(calibrated)} of {len(rows)} spectra calibrated; true wavelength rms between arc lines: median "
            f"{np.median(rms):.3f}, worst {rms.max():.3f} px; {np.mean(rms <= 0.10):.0%} within 0.10 px"
        )
    if rows:
        bias = np.array([abs(r.flux_bias) for r in rows])
        lines.append(
            f"flux: median |bias| {100 * np.nanmedian(bias):.2f} %, worst {100 * np.nanmax(bias):.2f} %; "
            f"{np.mean(bias <= 0.02):.0%} within 2 %; pulls: median std {np.nanmedian([r.pull_std for r in rows]):.2f}"
        )
    lines += [f"not as expected: {c}" for c in complaints] or ["every file ended as expected"]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare the products of a simulated night with its truth.")
    parser.add_argument("night", type=Path, help="folder written by python -m infra.simulate")
    parser.add_argument("out", type=Path, help="OUT_DIR of python -m infra.local process")
    parser.add_argument("--json", type=Path, help="write the rows to this file as well")
    options = parser.parse_args(argv)
    rows, complaints = collect(options.night, options.out)
    print(report(rows, complaints))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
