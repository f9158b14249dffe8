"""CPU seconds of a cold start: ``import app`` for the API, and what each science block imports on top of it.

    python -m bench.imports [--runs 7]

Each figure is the median over fresh interpreters, bytecode cached, as ``layers.package`` ships it to Lambda.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
SCIENCE = {
    "ingest": "chalicelib.science.rawfile",
    "combine": "chalicelib.science.combine, chalicelib.science.product, chalicelib.science.preview",
    "reduce": "chalicelib.science.reduction, chalicelib.science.product, chalicelib.science.preview",
    "extract": "chalicelib.science.extraction, chalicelib.science.product, chalicelib.science.preview",
    "wavelength": "chalicelib.science.wavelength, chalicelib.science.zeropoint, chalicelib.science.product",
}


def cpu_of(statement: str, runs: int) -> float:
    """Median CPU seconds (user and system) of ``statement`` in a fresh interpreter."""
    program = f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    command = [sys.executable, "-c", program]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = [
        float(subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout)
        for _ in range(runs + 1)
    ]
    return median(times[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    floor = cpu_of("import boto3, chalice", runs)
    print(f"boto3 and chalice alone                {floor:.2f} s")
    print(f"import app (API)                        {cpu_of('import app', runs):.2f} s")
    for block, modules in SCIENCE.items():
        seconds = cpu_of(f"import app, chalicelib.blocks.{block}, {modules}", runs)
        print(f"import app + {block:<12} modules        {seconds:.2f} s")


if __name__ == "__main__":
    main()
