"""What each invocation cost, from the pump's log, as a table a person reads."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from chalicelib.domain import topology

Invocation = Mapping[str, Any]

TEST_EVENT = "s3:TestEvent"
"""What S3 sends each queue once, when the bucket is told to notify it."""


def read_invocations(log: Path) -> list[dict[str, Any]]:
    """The pump's log; a last line that is still being written is left out."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least ``percent`` % of the values do not exceed (nearest rank); NaN of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def by_block(invocations: Iterable[Invocation]) -> list[dict[str, Any]]:
    """One row a block, in the order of the pipeline.

    Times are of the invocations that made something (wrote an object); the others only looked and found nothing due.
    A block none of whose invocations wrote anything (INGEST writes records only) is timed over all of them.

    Returns
    -------
    list of dict
        ``block``, ``n``, ``made`` (invocations that made something), ``errors``, CPU seconds ``cpu_median`` and
        ``cpu_max`` (of those), ``cpu_total`` (of all), ``wall_median`` and ``wall_max`` seconds, ``peak_memory`` MB,
        ``aws_median`` seconds waiting for AWS (moto), ``queued_median`` seconds from send to start, delays included.
    """
    known: dict[str, list[Invocation]] = {block.name: [] for block in topology.BLOCKS}
    for invocation in invocations:
        if invocation.get("subject") == TEST_EVENT:
            continue
        known.setdefault(invocation["block"], []).append(invocation)
    return [_row(name, group) for name, group in known.items() if group]


def _row(name: str, group: Sequence[Invocation]) -> dict[str, Any]:
    made = [i for i in group if i.get("objects")]
    timed = made or group

    def values(field: str, of: Sequence[Invocation] = timed) -> list[float]:
        return [float(i[field]) for i in of if i.get(field) is not None] or [math.nan]

    return {
        "block": name,
        "n": len(group),
        "made": len(made),
        "errors": sum(i["outcome"] != "ok" for i in group),
        "cpu_median": median(values("cpu")),
        "cpu_max": max(values("cpu")),
        "cpu_total": sum(values("cpu", group)),
        "wall_median": median(values("wall")),
        "wall_max": max(values("wall")),
        "peak_memory": max(values("peak_memory", group)),
        "aws_median": median(values("aws_seconds")),
        "queued_median": median([i["started"] - i["sent"] for i in timed]),
    }


_COLUMNS = (
    ("block", "block", "{}"),
    ("n", "n", "{}"),
    ("made", "made", "{}"),
    ("errors", "errors", "{}"),
    ("cpu_median", "CPU s median", "{:.2f}"),
    ("cpu_max", "CPU s max", "{:.2f}"),
    ("cpu_total", "CPU s all", "{:.1f}"),
    ("wall_median", "wall s median", "{:.2f}"),
    ("wall_max", "wall s max", "{:.2f}"),
    ("aws_median", "of it moto s", "{:.2f}"),
    ("queued_median", "queued s", "{:.2f}"),
    ("peak_memory", "peak MB", "{:.0f}"),
)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of :func:`by_block` in columns."""
    cells = [[title for _, title, _ in _COLUMNS]]
    cells += [[form.format(row[field]) for field, _, form in _COLUMNS] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(text.ljust(width) if column == 0 else text.rjust(width) for column, (text, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in cells)
    )
