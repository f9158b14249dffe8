"""Frames dropped at once into the one-machine stack: is nothing lost, how fast, at what cost, is a user still answered?

    python -m bench.burst [--frames 500] [--nights 2] [--seed 7] [--region small] [--workers N] [--faults 0.02]

Simulated nights of biases, flats, arcs and spectra (of 200 binned rows, so that five hundred fit the time). While
they are worked on, somebody asks the API for a page of files and nudges a finished frame, again and again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from infra.local import faults, quiet, timings
from infra.local.stack import Stack
from infra.local.timings import percentile

EVENING = date(2026, 8, 14)
CALIBRATIONS = 12
"""Biases of a night, and flats."""
BLOCK = 5
"""Frames of a pointing: an arc, three exposures, an arc."""
LOOK = 5.0
VISIT = 10.0


def main() -> int:
    """Render, drop, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--nights", type=int, default=2, help="the frames are of so many nights (default: 2)")
    parser.add_argument("--mode", default="930_M4")
    parser.add_argument("--camera", default="Blue")
    parser.add_argument("--region", default="small", choices=("small", "full"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, help="default: one a core")
    parser.add_argument("--faults", type=float, default=0.0, help="chance of a fault per request (default: none)")
    options = parser.parse_args()

    if options.faults:
        faults.ask_workers(options.faults, options.seed)
    started = time.perf_counter()
    night = list(rendered(options))
    size = sum(len(data) for _, _, data in night)
    seconds = time.perf_counter() - started
    tell(f"{len(night)} frames, {size / 1e6:.0f} MB, rendered in {seconds:.0f} s")
    with Stack(port=0, workers=options.workers, notify=tell) as stack:
        from infra.local.sweeper import sweep

        gauge = Gauge(stack, len(night))
        visitor = Visitor(stack)
        cpu = time.process_time()
        dropped = time.time()
        drop(stack.bucket, night)
        uploaded = time.time()
        visitor.start()
        quiet.wait(gauge.look, sweep=sweep)
        visitor.stop()
        gauge.look(quiet.load(), force=True)
        cpu = time.process_time() - cpu
        report(options, night, stack, gauge, visitor, dropped, uploaded, cpu)
    return 0


def tell(sentence: str) -> None:
    """Progress, apart from the result."""
    print(sentence, file=sys.stderr, flush=True)


def rendered(options: argparse.Namespace) -> Any:
    """(night, name, bytes) of every frame; their number is kept to the last one by more biases."""
    from infra.simulate import frames, plan_night

    for number in range(options.nights):
        share = options.frames // options.nights + (number < options.frames % options.nights)
        calibrations = min(CALIBRATIONS, max(3, share // 4))
        blocks = max(0, (share - 2 * calibrations) // BLOCK)
        evening = EVENING + timedelta(days=number)
        plan = plan_night(
            options.mode, options.camera, options.seed + number,
            n_bias=share - calibrations - BLOCK * blocks, n_flat=calibrations, n_science=3 * blocks,
            n_targets=1, imaging=False, standard=False, region=options.region, evening=evening, seconds=60.0,
        )  # fmt: skip
        for name, data, _ in frames(plan):
            yield int(evening.strftime("%Y%m%d")), name, data


def drop(bucket: str, night: list[tuple[int, str, bytes]]) -> None:
    """Upload everything, eight at a time."""
    from chalicelib.domain.naming import raw_key
    from chalicelib.store import clients

    def put(frame: tuple[int, str, bytes]) -> None:
        evening, name, data = frame
        clients.s3().put_object(Bucket=bucket, Key=raw_key(evening, name), Body=data)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, night))


@dataclass
class Gauge:
    """Memory of moto (this process: server, API and the frames to upload) and of the workers, every few seconds."""

    stack: Stack
    total: int
    seen: list[tuple[float, float, float, int]] = field(default_factory=list)
    looked: float = 0.0

    def look(self, load: quiet.Load, *, force: bool = False) -> None:
        """Note (time, MB here, MB of the largest worker, messages left) unless that was just done."""
        if time.time() - self.looked < LOOK and not force:
            return
        self.looked = time.time()
        workers = [resident(pid) for pid in children(self.stack.pump.pid)]
        self.seen.append((self.looked, resident(os.getpid()), max(workers, default=0.0), load.total))
        tell(f"  {self.looked - self.seen[0][0]:6.0f} s  {load.total} messages left")


def resident(pid: int) -> float:
    """Resident memory of a process in MB (Linux); 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def children(pid: int) -> list[int]:
    """Child processes of a process (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(entry.parent.name))
    return found


class Visitor:
    """Somebody who looks at the page and nudges a finished frame while the machine is busy."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visitor", daemon=True)
        self.pages: list[float] = []
        self.nudges: list[float] = []
        self.refused: list[str] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the visit under way."""
        self._stopping.set()
        self._thread.join(120)

    def _run(self) -> None:
        while not self._stopping.wait(VISIT):
            try:
                self._page()
                self._nudge()
            except Exception as error:  # a visitor who is refused is a result, not the end of the measurement
                self.refused.append(f"{type(error).__name__}: {error}")

    def _page(self) -> None:
        request = urllib.request.Request(
            f"{self._stack.web.api.rstrip('/')}/files/",
            headers={"Authorization": f"Token {self._stack.tokens['superuser']}"},
        )
        started = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            json.load(answer)
        self.pages.append(time.perf_counter() - started)

    def _nudge(self) -> None:
        """What an action of a user does: a durable nudge and a message; answered when it has been planned."""
        from chalicelib.domain import topology
        from chalicelib.store import clients, items, queues, subjects

        found = clients.dynamodb().scan(
            TableName=clients.table_name("subjects"),
            FilterExpression="begins_with(subject, :frame) AND attribute_not_exists(#open)",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":frame": items.attribute("frame#")},
        )["Items"]
        if not found:
            return
        subject = found[len(found) // 2]["subject"]["S"]
        started = time.perf_counter()
        subjects.nudge(subject)
        queues.send(topology.ASKED.name, subject)
        while "open" in subjects.read(subject):
            if self._stopping.wait(0.1):
                return
        self.nudges.append(time.perf_counter() - started)


def report(
    options: argparse.Namespace,
    night: list[tuple[int, str, bytes]],
    stack: Stack,
    gauge: Gauge,
    visitor: Visitor,
    dropped: float,
    uploaded: float,
    cpu: float,
) -> None:
    """Print everything the burst is judged by."""
    from chalicelib.domain.records import RAW_TYPE
    from infra.local.harvest import LocalApi

    records = list(LocalApi(stack.web.gateway, stack.tokens["superuser"]).all_files())
    raws = [record for record in records if record["data_type"] == RAW_TYPE]
    invocations = [i for i in timings.read_invocations(stack.pump.invocations) if i["subject"] != timings.TEST_EVENT]
    last = max((i["started"] + i["wall"] for i in invocations), default=dropped)
    known = {record["sha256"] for record in raws}
    missing = [name for _, name, data in night if sha256(data).hexdigest() not in known]
    unsettled = [r["file_name"] for r in raws if r["status_reason"] == "In the queue."]
    count = len(night)
    print(f"python -m bench.burst --frames {options.frames} --nights {options.nights} --seed {options.seed}", end=" ")
    print(f"--mode {options.mode} --region {options.region} --faults {options.faults:g}")
    print(
        f"uploaded in {uploaded - dropped:.0f} s; last block ended {last - dropped:.0f} s after the first upload:",
        end=" ",
    )
    print(f"{60 * count / (last - dropped):.0f} frames/min")
    print(
        "raw frames by status: " + ", ".join(f"{n} {s}" for s, n in sorted(Counter(r["status"] for r in raws).items()))
    )
    kinds = Counter(r["data_type"] for r in records if r["data_type"] != RAW_TYPE)
    print("products by data type: " + ", ".join(f"{n} of type {kind}" for kind, n in sorted(kinds.items())))
    print(f"uploads without a record: {len(missing)}; never looked at: {len(unsettled)};", end=" ")
    print(f"messages lost: {quiet.lost_messages()}; records twice: {len(raws) - len(known)}")
    print(f"\n{timings.table(timings.by_block(invocations))}\n")
    blocks = Counter[str]()
    for invocation in invocations:
        blocks[invocation["block"]] += invocation.get("cpu") or 0.0
    print("CPU s per frame: " + ", ".join(f"{b} {s / count:.3f}" for b, s in blocks.items()), end="")
    print(f"; all blocks {sum(blocks.values()) / count:.3f}, moto and API (one process) {cpu / count:.3f}")
    wall, moto = (sum(i.get(name) or 0.0 for i in invocations) for name in ("wall", "aws_seconds"))
    print(f"of the functions' wall time {moto / wall:.0%} was spent waiting for moto")
    again = Counter(i["receives"] for i in invocations if i["receives"] > 1)
    errors = Counter(i["outcome"] for i in invocations if i["outcome"] != "ok")
    print(f"{len(invocations)} invocations ({len(invocations) / count:.1f} a frame);", end=" ")
    print(f"received more than once: {dict(again) or 'none'}; not ended well: {dict(errors) or 'none'}")
    met = outcomes(stack.pump.log)
    print(f"came too late: {met['cared_for']}; lost the lease to another copy: {met['superseded']};", end=" ")
    print(f"faults injected: {faults.total(invocations) or 'none'} (moto itself refuses nothing)")
    print("memory, MB (moto and API; largest worker) by part of the run:", end=" ")
    print("; ".join(f"{here:.0f}, {worker:.0f}" for here, worker in tenths(gauge.seen)))
    print(f"moto keeps in its memory what is in the bucket: {stored(stack.bucket):.0f} MB at the end")
    answered("a page of files (HTTP)", visitor.pages)
    answered("a nudged frame planned again", visitor.nudges)
    if visitor.refused:
        print(f"refused {len(visitor.refused)} times, first: {visitor.refused[0]}")


def stored(bucket: str) -> float:
    """MB of all objects."""
    from chalicelib.store import clients

    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sum(entry["Size"] for page in pages for entry in page.get("Contents", ())) / 1e6


def answered(what: str, seconds: list[float]) -> None:
    """One line of a user's waiting."""
    if not seconds:
        print(f"{what}: the burst was over before anybody asked")
        return
    p50, p95 = percentile(seconds, 50), percentile(seconds, 95)
    print(f"{what}, asked {len(seconds)} times during the burst:", end=" ")
    print(f"p50 {p50:.2f} s, p95 {p95:.2f} s, max {max(seconds):.2f} s")


def tenths(seen: list[tuple[float, float, float, int]]) -> list[tuple[float, float]]:
    """The largest of each quantity in ten equal parts of the run."""
    parts = min(10, len(seen))
    groups = [seen[len(seen) * i // parts : len(seen) * (i + 1) // parts] for i in range(parts)]
    return [(max(s[1] for s in group), max(s[2] for s in group)) for group in groups if group]


def outcomes(log: Path) -> Counter[str]:
    """How the handlers ended, from the metrics they print."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith('{"_aws"'):
            try:
                metrics = json.loads(line)
            except ValueError:
                continue
            for entry in metrics["_aws"]["CloudWatchMetrics"]:
                found.update(metric["Name"] for metric in entry["Metrics"])
    return found


if __name__ == "__main__":
    sys.exit(main())
