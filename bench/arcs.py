"""The arcs of a processed night, each solved along the same science trace: lines, held-out rms, and how far they agree.

    python -m bench.arcs OUT_DIR

``OUT_DIR`` is what ``python -m infra.local process`` wrote. Pixels are those of 2×2 binning.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from chalicelib.science import reference
from chalicelib.science.product import read_image, read_spectrum
from chalicelib.science.wavelength import Setup, collapse_arc, solve
from chalicelib.store.reference import bundle_path

LOW, HIGH = 3640.0, 5230.0


def main() -> None:
    """Solve and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lamps", default="Fe,Ar", help="elements of the lamp (default: Fe,Ar)")
    out = parser.parse_args().out
    elements = tuple(parser.parse_args().lamps.split(","))
    records = json.loads((out / "files.json").read_text())
    arcs = [r for r in records if r["obstype"] == "ARC" and r["data_type"] == "2"]
    science = next(r for r in records if r["obstype"] == "SPECTRUM" and r["data_type"] == "3")
    trace = read_spectrum((out / science["path"]).read_bytes()).trace
    library = reference.load(bundle_path())
    solutions = {}
    for record in sorted(arcs, key=lambda r: r["file_name"]):
        frame = read_image((out / record["path"]).read_bytes())
        setup = Setup(
            lines_per_mm=float("".join(c for c in record["grating"].split("_")[0] if c.isdigit())),
            grating_angle=float(record["grt_targ"]),
            camera_angle=float(record["cam_targ"]),
            camera="Blue" if "BLUE" in str(frame.header.get("INSTCONF", "Blue")).upper() else "Red",
            lamps=elements,
            mode=record["wavmode"],
            filters=(),
        )
        started = time.process_time()
        solution = solve(collapse_arc(frame, trace), setup, library)
        seconds = time.process_time() - started
        pixel = 2 * abs(float(solution.dispersion(np.mean(solution.span))))
        used = [line for line in solution.lines if line.used]
        inside = sum(LOW <= line.wavelength <= HIGH for line in used)
        solutions[record["file_name"]] = solution
        print(
            f"{record['file_name']}: {len(used)} lines, {inside} in {LOW:.0f}–{HIGH:.0f} Å, "
            f"held-out rms {solution.rms / pixel:.3f} px, {seconds:.2f} CPU s"
        )
    for first, second in combinations(solutions, 2):
        a, b = solutions[first], solutions[second]
        columns = np.linspace(max(a.span[0], b.span[0]), min(a.span[1], b.span[1]), 400)
        apart = (a.wavelength(columns) - b.wavelength(columns)) / (2 * np.abs(a.dispersion(columns)))
        print(f"{first} − {second}: mean {apart.mean():+.4f} px, rms about it {apart.std():.4f} px")


if __name__ == "__main__":
    main()
