"""How long a waiting frame waits: its last calibration uploaded → what depends on it published, warm.

    python -m bench.wakeup [--mode 930_M4] [--camera Blue] [--seed 31] [--trials 12]

Each trial is a night of its own, too far from the others to share calibrations. A spectrum and all biases but one are
uploaded first; when all is quiet the spectrum waits for an arc. Then the arc (→ calibrated spectrum), and when all is
quiet again the last bias (→ master bias → the spectrum reduced and calibrated again). COMBINE's debounce is in the
latter.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from chalicelib.domain.plan import PROVISIONAL, WAITING
from chalicelib.domain.records import CALIBRATED_TYPE, RAW_TYPE, REDUCED_TYPE
from chalicelib.domain.topology import DEBOUNCE
from infra.local.stack import Stack
from infra.local.timings import percentile, read_invocations

EVENING = date(2026, 1, 10)
APART = 45
"""Days between trials: farther than calibrations reach."""
BIASES = 10
PATIENCE = 180.0
LOOK = 0.05


@dataclass
class Waits:
    """Seconds of each trial, and what the functions did meanwhile."""

    what: str
    seconds: list[float] = field(default_factory=list)
    invocations: list[dict[str, Any]] = field(default_factory=list)

    def show(self) -> None:
        """Print them."""
        wall, moto = (sum(i.get(name) or 0.0 for i in self.invocations) for name in ("wall", "aws_seconds"))
        p50, p95 = percentile(self.seconds, 50), percentile(self.seconds, 95)
        print(f"{self.what}, {len(self.seconds)} trials:")
        print(f"    p50 {p50:.2f} s, p95 {p95:.2f} s, max {max(self.seconds):.2f} s;")
        print(f"    {len(self.invocations) / len(self.seconds):.1f} invocations a trial,", end=" ")
        print(f"{wall / len(self.seconds):.2f} s of functions, {moto / wall:.0%} of it waiting for moto")


def main() -> int:
    """Play, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", default="930_M4")
    parser.add_argument("--camera", default="Blue")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--trials", type=int, default=12)
    options = parser.parse_args()

    arcs, reduced, again = (
        Waits("last arc uploaded → waiting spectrum calibrated"),
        Waits(f"last bias uploaded → spectrum reduced with the master (debounce {DEBOUNCE} s within)"),
        Waits(f"last bias uploaded → spectrum calibrated anew (debounce {DEBOUNCE} s within)"),
    )
    with Stack(port=0, notify=lambda sentence: print(sentence, file=sys.stderr)) as stack:
        for number in range(options.trials):
            trial(stack, options, number, arcs, reduced, again)
            print(f"trial {number + 1}/{options.trials}", file=sys.stderr, flush=True)
    print(f"python -m bench.wakeup --mode {options.mode} --seed {options.seed} --trials {options.trials}")
    for waits in (arcs, reduced, again):
        waits.show()
    return 0


def trial(stack: Stack, options: argparse.Namespace, number: int, arcs: Waits, reduced: Waits, again: Waits) -> None:
    """One night: a spectrum that waits, the arc, the last bias."""
    from infra.simulate import frames, small_night

    evening = EVENING + timedelta(days=APART * number)
    plan = small_night(
        options.mode, options.camera, options.seed + number, n_bias=BIASES, n_flat=0, n_science=1, evening=evening
    )
    night = int(evening.strftime("%Y%m%d"))
    rendered = [(exposure.obstype, name, data) for exposure, (name, data, _) in zip(plan, frames(plan))]
    biases, lamps, spectra = (
        [(name, data) for obstype, name, data in rendered if obstype == wanted]
        for wanted in ("BIAS", "ARC", "SPECTRUM")
    )
    ((science, data),) = spectra
    for frame in (*biases[:-1], (science, data)):
        put(stack.bucket, night, *frame)
    quiet_now()
    (waiting,) = records_of(science, RAW_TYPE)
    if waiting["status"] not in (WAITING, PROVISIONAL):
        raise SystemExit(f"{science} does not wait: it is {waiting['status']}, {waiting['status_reason']}")

    with invocations_of(stack, arcs):
        uploaded = put(stack.bucket, night, *lamps[0])
        arcs.seconds.append(when(lambda: bool(records_of(science, CALIBRATED_TYPE))) - uploaded)
        quiet_now()
    calibrated = {record["run_key"] for record in records_of(science, CALIBRATED_TYPE)}  # one for each target

    with invocations_of(stack, reduced, again):
        uploaded = put(stack.bucket, night, *biases[-1])
        reduced.seconds.append(when(lambda: with_bias(records_of(science, REDUCED_TYPE))) - uploaded)
        again.seconds.append(
            when(lambda: any(r["run_key"] not in calibrated for r in records_of(science, CALIBRATED_TYPE))) - uploaded
        )
        quiet_now()


def put(bucket: str, night: int, name: str, data: bytes) -> float:
    """Upload a frame; when its upload began."""
    from chalicelib.domain.naming import raw_key
    from chalicelib.store import clients

    began = time.time()
    clients.s3().put_object(Bucket=bucket, Key=raw_key(night, name), Body=data)
    return began


def quiet_now() -> None:
    """Return when nothing is left to do."""
    from infra.local import quiet
    from infra.local.sweeper import sweep

    quiet.wait(lambda load: None, sweep=sweep)


def records_of(name: str, data_type: str) -> list[dict[str, Any]]:
    """Visible records of a type that come from the raw file ``name``, read as any reader of the tables does."""
    from chalicelib.store import clients, items

    pages = (
        clients.dynamodb()
        .get_paginator("scan")
        .paginate(
            TableName=clients.table_name("files"),
            FilterExpression="original_file = :name AND data_type = :type AND attribute_not_exists(retired)",
            ExpressionAttributeValues={":name": items.attribute(name), ":type": items.attribute(data_type)},
        )
    )
    return [items.from_wire(item) or {} for page in pages for item in page["Items"]]


def with_bias(records: list[dict[str, Any]]) -> bool:
    """Whether a reduced frame was made with a master bias."""
    return any("bias" in part["role"] for record in records for part in record["inputs"])


def when(happened: Callable[[], bool]) -> float:
    """When it happened, looked for twenty times a second."""
    deadline = time.time() + PATIENCE
    while time.time() < deadline:
        if happened():
            return time.time()
        time.sleep(LOOK)
    raise SystemExit(f"what was waited for did not happen within {PATIENCE:g} s")


@contextmanager
def invocations_of(stack: Stack, *waits: Waits) -> Iterator[None]:
    """What the functions did meanwhile, noted for each of ``waits``."""
    before = len(read_invocations(stack.pump.invocations))
    yield
    for each in waits:
        each.invocations += read_invocations(stack.pump.invocations)[before:]


if __name__ == "__main__":
    sys.exit(main())
