"""CPU of an observing log: N frames, each with three extracted and three calibrated spectra, as DynamoDB gives them.

python bench/observing_log.py [frames] [repeats]
"""

from __future__ import annotations

import json
import sys
import time

from chalicelib.api.nights import FORMATS, MOST_FILES
from chalicelib.domain.observinglog import observing_log
from chalicelib.store import items
from tests.filing import record

NIGHT = 20261121


def main() -> None:
    frames, repeats = (int(word) for word in (sys.argv[1:] + ["500", "5"][len(sys.argv) - 1 :])[:2])
    rows, number = [], 0
    for frame in range(frames):
        number += 1
        started = f"2026-11-22T{frame % 24:02d}:{frame % 60:02d}:00+00:00"
        raw = record(number=number, obstype="SPECTRUM", exposure=60.0, observation={"started": started, "airmass": 1.2})
        rows.append(raw)
        for target in (1, 2, 3):
            for kind, quality in (("3", {"signal_to_noise": 9.5, "fwhm_arcsec": 0.9}), ("4", {"wavelength_rms": 0.04})):
                number += 1
                of = {"data_type": kind, "target": target, "original_file_id": raw["id"], "quality": quality}
                rows.append(record(number=number, **of))
    rows = rows[:MOST_FILES]
    wire = [items.to_wire(row) for row in rows]
    remarks = {None: [{"text": "x" * 200, "author": "pi", "time": NIGHT_TIME, "file_name": None}] * 50}
    spent: dict[str, list[float]] = {name: [] for name in ("read", "log", "json", *FORMATS)}
    for _ in range(repeats):
        begun = time.process_time()
        found = [items.from_wire(item) or {} for item in wire]
        spent["read"].append(time.process_time() - begun)
        begun = time.process_time()
        log = observing_log(NIGHT, found, remarks)
        spent["log"].append(time.process_time() - begun)
        for name, (_, _, render) in {**FORMATS, "json": ("", "", lambda log: json.dumps(vars(log)))}.items():
            begun = time.process_time()
            size = len(render(log))
            spent[name].append(time.process_time() - begun)
            if len(spent[name]) == repeats:
                print(f"{name:>5}: {size / 1e6:.2f} MB")
    print(f"{len(rows)} files, {len(log.frames)} frames; CPU in ms, the least of {repeats}:")
    print("  ".join(f"{name} {1000 * min(times):.0f}" for name, times in spent.items()))


NIGHT_TIME = "2026-11-22T03:00:00.000000+00:00"

if __name__ == "__main__":
    main()
