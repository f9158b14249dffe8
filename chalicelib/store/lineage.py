"""What a file was made from and what was made from it, as a graph.

Upwards, records name their inputs. Downwards nothing is kept for this: a subject's stages say which files each was made
from, so it is enough to know the subjects to look at. They are the file's own; for a raw bias or flat its pool; and for
what serves others (a master, a reduced arc) those who asked to be told of its configuration key, within its reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched, islice
from typing import Any

from ..domain import matching
from ..domain.headers import ARC
from ..domain.records import MASTER_TYPE, RAW_TYPE, REDUCED_TYPE, Record, observation_of
from . import configurations, items, subjects

MOST_NODES = 600
"""Files of a graph besides the one asked about; the nearest stay."""

MOST_SUBJECTS = 1000
"""Frames that are looked at for one calibration."""

_MOST_TURNS = 12
_PARALLEL = 8

_PARTS_OF_A_KEY = 5
"""Of the keys of master biases and of master flats alike."""


@dataclass
class Graph:
    """A file's relations.

    Attributes
    ----------
    ancestors, descendants : dict of int to Record
        Records by id, nearest first.
    edges : set of (int, int, str)
        From (input), to (product), role.
    hidden : set of int
        Ids of those the viewer may not see.
    complete : bool
        False where more is there than is shown.
    """

    ancestors: dict[int, Record] = field(default_factory=dict)
    descendants: dict[int, Record] = field(default_factory=dict)
    edges: set[tuple[int, int, str]] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    complete: bool = True


def of(record: Record, sees: Callable[[Record], bool]) -> Graph:
    """The graph of a file, of what a viewer ``sees``.

    Neither what is hidden nor what lies only behind it is shown.
    """
    graph = Graph()
    _climb(graph, record, sees)
    _descend(graph, record, sees)
    known = {record["id"], *graph.ancestors, *graph.descendants}
    graph.edges = {edge for edge in graph.edges if edge[0] in known and edge[1] in known}
    return graph


def _climb(graph: Graph, record: Record, sees: Callable[[Record], bool]) -> None:
    level = [record]
    for _ in range(_MOST_TURNS):
        wanted = []
        for below in level:
            for source in below.get("inputs") or ():
                if source["id"] != below["id"]:
                    graph.edges.add((source["id"], below["id"], source["role"]))
                    wanted.append(source["id"])
        level = _new(graph, graph.ancestors, wanted, record, sees)
        if not level:
            return


def _descend(graph: Graph, record: Record, sees: Callable[[Record], bool]) -> None:
    known: dict[str, dict[str, Any]] = {}
    level = [record]
    for _ in range(_MOST_TURNS):
        wanted: list[int] = []
        places = {above["id"]: list(_subjects_of(graph, above)) for above in level}
        _read_stages(known, {subject for found in places.values() for subject in found})
        for identifier, found in places.items():
            for subject in dict.fromkeys(found):
                wanted += _made_from(known.get(subject) or {}, identifier)
        level = _new(graph, graph.descendants, wanted, record, sees)
        for made in level:
            graph.edges.update((s["id"], made["id"], s["role"]) for s in made.get("inputs") or ())
        if not level:
            return


def _made_from(stages: dict[str, Any], identifier: int) -> Iterator[int]:
    for state in stages.values():
        if identifier in state.get("used", ()):
            yield from (product["id"] for product in state.get("products", ()) if product["id"] != identifier)


def _new(
    graph: Graph, there: dict[int, Record], wanted: Iterable[int], start: Record, sees: Callable[[Record], bool]
) -> list[Record]:
    """Read those that are new, within the bound, and sort out what the viewer may not see."""
    fresh = [i for i in dict.fromkeys(wanted) if i not in there and i not in graph.hidden and i != start["id"]]
    room = MOST_NODES - len(graph.ancestors) - len(graph.descendants)
    if len(fresh) > room:
        graph.complete = False
    found = items.batch_get("files", [{"id": i} for i in fresh[:room]], consistent=False)
    seen = [record for record in sorted(found, key=lambda r: -r["id"]) if sees(record)]
    graph.hidden.update(set(fresh[:room]) - {record["id"] for record in seen})
    there.update((record["id"], record) for record in seen)
    return seen


def _read_stages(known: dict[str, dict[str, Any]], wanted: Iterable[str]) -> None:
    missing = [subject for subject in wanted if subject not in known]
    known.update((subject, {}) for subject in missing)

    def read(part: tuple[str, ...]) -> list[items.Item]:
        return items.batch_get("subjects", [{"subject": subject} for subject in part])

    parts = list(batched(missing, 100, strict=False))
    if len(parts) < 2:
        known.update((item["subject"], item.get("stages") or {}) for part in parts for item in read(part))
        return
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for found in pool.map(read, parts):
            known.update((item["subject"], item.get("stages") or {}) for item in found)


def _subjects_of(graph: Graph, record: Record) -> Iterator[str]:
    """Where to look for what was made from a file."""
    if record["data_type"] == RAW_TYPE:
        yield subjects.frame_subject(record["id"])
        pool = matching.pool_of(observation_of(record["observation"])) if record.get("observation") else None
        if pool is not None:
            yield pool
        return
    if record.get("subject"):
        yield record["subject"]
    key, night = _served(record)
    if key is not None:
        asked = list(islice(configurations.interested(key, night), MOST_SUBJECTS + 1))
        if len(asked) > MOST_SUBJECTS:
            graph.complete = False
        yield from asked[:MOST_SUBJECTS]


def _served(record: Record) -> tuple[str | None, int]:
    """The configuration key under which others find a file, and its night; None for what serves nobody."""
    night = record["night"]
    if record["data_type"] == MASTER_TYPE and subjects.is_pool(str(record.get("subject", ""))):
        return key_of_pool(record["subject"]), night
    if record["data_type"] == REDUCED_TYPE and record["obstype"] == ARC:
        raw = items.get("files", {"id": record["original_file_id"]}, consistent=False) or {}
        if raw.get("observation"):
            return matching.arc_key(observation_of(raw["observation"])), night
    return None, night


def key_of_pool(subject: str) -> str:
    """The configuration key under which a pool's master serves: the pool's own is narrower, in the parts after it."""
    return "|".join(subject.removeprefix("pool#").rsplit("#", 1)[0].split("|")[:_PARTS_OF_A_KEY])
