"""``queues``: what waits, and for how long."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import Any

import boto3

from chalicelib.domain import topology
from chalicelib.store import clients, queue_ages, subjects
from chalicelib.store import queues as store_queues

AGE_MINUTES = 15
"""CloudWatch is asked for the newest age within the last minutes: it knows nothing of a queue that lies idle."""


def queues(options: argparse.Namespace) -> int:
    """Print the queues and the number of open subjects; 3 if something is undeliverable."""
    names = [*(block.queue for block in topology.BLOCKS), topology.UNDELIVERABLE_QUEUE]
    ages = oldest(names)
    rows: list[dict[str, Any]] = []
    for name in names:
        waiting, in_flight, delayed = store_queues.counts(name)
        row = {"queue": name, "waiting": waiting, "in_flight": in_flight, "delayed": delayed}
        rows.append(row | {"oldest_seconds": ages.get(name)})
    still_open = sum(1 for _ in subjects.open_subjects())
    lost = rows[-1]["waiting"] + rows[-1]["in_flight"]
    if options.json:
        print(json.dumps({"queues": rows, "open_subjects": still_open}))
    else:
        print(table(rows))
        print(f"\n{still_open} frame(s) and pool(s) are open: told of and not yet settled.")
        if lost:
            print(f"{lost} message(s) are undeliverable. See docs/operations.md, then: python -m infra.operate redrive")
    return 3 if lost else 0


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in columns."""
    cells = [("queue", "waiting", "in flight", "delayed", "oldest")]
    for row in rows:
        counts = (str(row[name]) for name in ("waiting", "in_flight", "delayed"))
        cells.append((row["queue"], *counts, age(row["oldest_seconds"])))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in cells
    )


def age(seconds: float | None) -> str:
    """An age as a person reads it; – where it is not known."""
    if seconds is None:
        return "–"
    whole = timedelta(seconds=int(seconds))
    return str(whole)


def oldest(names: list[str]) -> dict[str, float]:
    """Age in seconds of each queue's oldest message, where CloudWatch knows it."""
    client = boto3.client("cloudwatch", region_name=clients.REGION, endpoint_url=clients.endpoint_url())
    return queue_ages.oldest(names, within=AGE_MINUTES, client=client)
