"""How long an observer waits: upload of a science frame → calibrated spectrum, warm, one frame after the other.

    python -m bench.latency [--mode 400_M2] [--seed 21] [--frames 12]

A simulated night is played into the one-machine stack: the calibrations first, then, when all is quiet, one spectrum
at a time. Wall times wander on shared machines, so the part that was waiting for moto and the CPU seconds stand
beside them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict

from chalicelib.domain.records import CALIBRATED_TYPE
from infra.local.stack import Stack
from infra.local.timings import percentile, read_invocations


def main() -> int:
    """Play, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", default="400_M2")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--frames", type=int, default=12, help="science frames (default: 12)")
    options = parser.parse_args()

    from infra.simulate import frames, plan_night

    plan = plan_night(options.mode, seed=options.seed, n_science=options.frames, imaging=False, standard=False)
    everything = list(frames(plan))
    science = [(name, data) for (name, data, _), exposure in zip(everything, plan) if exposure.obstype == "SPECTRUM"]
    others = [(name, data) for (name, data, _), exposure in zip(everything, plan) if exposure.obstype != "SPECTRUM"]
    with Stack(port=0, notify=lambda sentence: print(sentence, file=sys.stderr)) as stack:
        from infra.local import quiet
        from infra.local.sweeper import sweep

        def until_quiet() -> None:
            quiet.wait(lambda load: None, sweep=sweep)

        for name, data in others:
            _put(stack.bucket, name, data)
        until_quiet()
        waits = []
        before = len(read_invocations(stack.pump.invocations))
        for number, (name, data) in enumerate(science):
            started = time.time()
            _put(stack.bucket, name, data)
            waits.append((number, _wait_until_calibrated(name) - started))
            until_quiet()
        report(waits, read_invocations(stack.pump.invocations)[before:], len(science))
    return 0


def _put(bucket: str, name: str, data: bytes) -> None:
    from chalicelib.domain.naming import raw_key
    from chalicelib.store import clients

    clients.s3().put_object(Bucket=bucket, Key=raw_key(20260101, name), Body=data)


def _wait_until_calibrated(name: str) -> float:
    """When the calibrated spectrum of the raw file ``name`` was published, as a reader of the tables sees it."""
    from chalicelib.store import clients, items

    deadline = time.time() + 120
    while time.time() < deadline:
        pages = clients.dynamodb().scan(
            TableName=clients.table_name("files"),
            FilterExpression="original_file = :name AND data_type = :type",
            ExpressionAttributeValues={":name": items.attribute(name), ":type": items.attribute(CALIBRATED_TYPE)},
        )
        if pages["Items"]:
            return time.time()
        time.sleep(0.1)
    raise SystemExit(f"{name} was not calibrated within two minutes")


def report(waits: list[tuple[int, float]], invocations: list[dict], count: int) -> None:
    """Print latencies and what each block cost a frame."""
    seconds = [wait for _, wait in waits]
    wall = sum(i["wall"] for i in invocations)
    moto = sum(i["aws_seconds"] for i in invocations)
    print(f"upload → calibrated, {count} frames one at a time, warm: p50 {percentile(seconds, 50):.2f} s,", end=" ")
    print(f"p95 {percentile(seconds, 95):.2f} s, first {seconds[0]:.2f} s")
    print(f"of the functions' wall time {moto / wall:.0%} was spent waiting for moto")
    totals: dict[str, list[dict]] = defaultdict(list)
    for invocation in invocations:
        totals[invocation["block"]].append(invocation)
    print(f"{'block':<12}{'runs/frame':>11}{'CPU s/frame':>12}{'wall s/frame':>13}{'moto s/frame':>13}{'peak MB':>9}")
    for block, group in totals.items():
        cpu, wall, moto = (sum(i[name] for i in group) / count for name in ("cpu", "wall", "aws_seconds"))
        peak = max(i["peak_memory"] for i in group)
        print(f"{block:<12}{len(group) / count:>11.1f}{cpu:>12.2f}{wall:>13.2f}{moto:>13.2f}{peak:>9.0f}")


if __name__ == "__main__":
    sys.exit(main())
