"""What a list request costs at a thousand, 250 thousand and five million files: reads, and CPU of our own code.

    python -m bench.ledger [--files 1000 250000 5000000] [--requests 20] [--seed 7]

The requests go through the real boto3 client (serialized, signed, parsed) to tables in this process that answer at the
hook just below it with the bytes DynamoDB would send; the time spent in those tables is taken off. No socket, no TLS.
A request here is: ledger, prefix sums, listing rows, twenty records, their wire form as JSON; no HTTP, no sign-in.
*Cold* is a process that has imported everything and kept nothing (``bench.imports`` says what importing costs);
*warm* is the median of requests between each of which one ledger item of the last night has changed, and of which
others changed within the two minutes a warm process looks back; *after 50* between each of which 50 changed anywhere.
The feed's polls find no event in the partitions that changed: its calls and units are those of asking.

Files are synthetic: about 270 a night, five proposals of three nights each, and the masters. The ledger is filled
directly, whole; listing rows and records exist only for the nights that are read, and are made when they are.
Read units are estimated from item sizes by DynamoDB's rules, reads not consistent, 1 MB pages.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import mean, median

os.environ.update(AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench", AWS_EC2_METADATA_DISABLED="true")

from botocore.awsrequest import AWSResponse

from chalicelib.api.serialize import file_record
from chalicelib.domain.facets import FACETS, Selection
from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import changes, clients, clock, codes, cursors, events, items, ledger, listing
from tests.filing import record

PAGE_BYTES = 1 << 20
VALUES = {
    "obstype": ["SPECTRUM", "ARC", "LAMPFLAT", "BIAS", "EXPOSE", "FOCUS"],
    "filter": ["NO_FILTER", "u-SDSS", "g-SDSS", "r-SDSS", "i-SDSS"],
    "filter_2": ["NO_FILTER", "GG385", "GG455", "OG570", "RG610"],
    "grating": ["400_SYZY", "600_SYZY_OLD", "930_SYZY", "1200_SYZY", "2100_SYZY", "NO_GRATING"],
    "wavmode": [f"{g}_M{m}" for g in (400, 600, 930, 1200, 2100) for m in (1, 2, 3, 4)] + ["IMAGING"],
    "slit": [f"{w}_LONG_SLIT" for w in (0.45, 0.6, 0.8, 1.0, 1.2, 3.0)] + ["NO_MASK"],
    "roi": ["Spectroscopic 2x2", "Spectroscopic 1x1", "Spectroscopic 1x2", "Imaging 2x2", "user-defined"],
    "technique": ["Spectroscopy", "Imaging"],
    "data_type": ["0", "1", "2", "3", "4"],
    "status": ["done", "provisional", "waiting", "failed", "rejected"],
}
FRAMES = [("SPECTRUM", "0234", 5), ("ARC", "0234", 2), ("LAMPFLAT", "0", 6), ("BIAS", "0", 5), ("EXPOSE", "02", 2)]
"""Frame type, data types that come of it, how many of them a setup has on average."""
_setups = random.Random(0)
SETUPS = [
    {name: _setups.choice(VALUES[name]) for name in ("filter_2", "grating", "wavmode", "slit", "roi")}
    for _ in range(400)
]
"""Grating, filter, slit and readout go together in ways people repeat: a few setups are most of the nights."""


@dataclass
class Row:
    """A ledger item: its counts, and what it is on the wire."""

    scope: str
    night: int
    counts: dict[str, int]
    v: int = 1
    changed: int = 0
    size: int = 0
    wire: str = ""

    def seal(self) -> Row:
        attributes = {"n": sum(self.counts.values()), "v": self.v, "changed": self.changed, "night": self.night}
        attributes |= {f"c#{code}": count for code, count in self.counts.items()}
        self.size = len("proposal") + len(self.scope) + len("every") + len(changes.EVERY)
        self.size += sum(len(name) + _number_size(value) for name, value in attributes.items())
        wire = {"proposal": {"S": self.scope}, "every": {"S": changes.EVERY}}
        wire |= {name: {"N": str(value)} for name, value in attributes.items()}
        self.wire = json.dumps(wire, separators=(",", ":"))
        return self

    def entry(self) -> tuple[str, int]:
        """What the index ``changed`` has of it, and its size."""
        numbers = {"night": self.night, "v": self.v, "changed": self.changed}
        wire = {"proposal": {"S": self.scope}, "every": {"S": changes.EVERY}}
        size = len("proposal") + len(self.scope) + len("every") + len(changes.EVERY)
        size += sum(len(name) + _number_size(value) for name, value in numbers.items())
        return json.dumps(wire | {name: {"N": str(value)} for name, value in numbers.items()}), size


def _number_size(value: int) -> int:
    return (len(str(value)) + 1) // 2 + 1


def _counts(chance: random.Random, kinds: list[tuple[str, str, int]]) -> dict[str, int]:
    """The counts of a proposal's night: one or two setups, each with its frames and their products."""
    counts: dict[str, int] = {}
    places = {name: {value: number for number, value in enumerate(values)} for name, values in VALUES.items()}
    for _ in range(chance.choice((1, 1, 2))):
        common = SETUPS[min(int(chance.expovariate(1 / 60)), len(SETUPS) - 1)]
        for obstype, data_types, average in kinds:
            number = chance.randint(1, 2 * average)
            for data_type in data_types:
                done = sum(chance.random() < 0.85 for _ in range(number))
                for status, n in (("done", done), (chance.choice(("provisional", "failed")), number - done)):
                    values = common | {"obstype": obstype, "data_type": data_type, "status": status}
                    values |= {"filter": "NO_FILTER", "technique": "Spectroscopy"}
                    if n:
                        code = "_".join(codes._base36(places[name][values[name]]) for name in FACETS)
                        counts[code] = counts.get(code, 0) + n
    return counts


@dataclass
class Tables:
    """The tables, as botocore's ``before-send`` hook sees them."""

    rows: dict[str, dict[int, Row]]
    nights: list[int]
    seed: int
    seconds: float = 0.0
    calls: int = 0
    units: float = 0.0
    bytes: int = 0
    touched: dict[tuple[str, int], Row] = field(default_factory=dict)
    _listing: dict[int, list[str]] = field(default_factory=dict)
    _segments: dict[int, list[list[list[Row]]]] = field(default_factory=dict)

    def answer(self, request, **_) -> AWSResponse:
        started = time.thread_time()
        operation = request.headers["X-Amz-Target"].decode().split(".")[1]
        body = getattr(self, operation)(json.loads(request.body)).encode()
        self.calls += 1
        self.bytes += len(body)
        response = AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.0"}, None)
        response._content = body
        self.seconds += time.thread_time() - started
        return response

    def Query(self, asked: dict) -> str:
        values = asked["ExpressionAttributeValues"]
        if asked["TableName"].endswith("listing"):
            found = self._night(int(values[":night"]["N"]))
            self.units += max(1, math.ceil(sum(map(len, found)) * 0.8 / 4096)) / 2
            return f'{{"Items":[{",".join(found)}]}}'
        if asked["TableName"].endswith("events"):
            self.units += 1
            return '{"Items":[]}'
        if asked.get("IndexName") == "changed":
            recent = [row for row in self.touched.values() if row.changed >= int(values[":since"]["N"])]
            entries = [row.entry() for row in sorted(recent, key=lambda row: row.changed)]
            self.units += max(1, math.ceil(sum(size for _, size in entries) / 4096)) / 2
            return f'{{"Items":[{",".join(wire for wire, _ in entries)}]}}'
        first, last = int(values[":first"]["N"]), int(values[":last"]["N"])
        rows = [row for night, row in self.rows.get(values[":scope"]["S"], {}).items() if first <= night <= last]
        pages = _paged(rows) or [[]]
        start = asked.get("ExclusiveStartKey")
        number = 0 if start is None else int(start["page"]["N"]) + 1
        return self._page(pages, number, asked)

    def Scan(self, asked: dict) -> str:
        total = asked.get("TotalSegments", 1)
        if total not in self._segments:
            everything = [row for nights in self.rows.values() for row in nights.values()]
            share = math.ceil(len(everything) / total)
            self._segments[total] = [_paged(everything[i * share : (i + 1) * share]) or [[]] for i in range(total)]
        start = asked.get("ExclusiveStartKey")
        number = 0 if start is None else int(start["page"]["N"]) + 1
        return self._page(self._segments[total][asked.get("Segment", 0)], number, asked)

    def _page(self, pages: list[list[Row]], number: int, asked: dict) -> str:
        page = pages[number]
        self.units += max(1, math.ceil(sum(row.size for row in page) / 4096)) / 2
        found = [row.wire for row in page]
        more = f',"LastEvaluatedKey":{{"page":{{"N":"{number}"}}}}' if number + 1 < len(pages) else ""
        return f'{{"Items":[{",".join(found)}]{more}}}'

    def BatchGetItem(self, asked: dict) -> str:
        ((table, wanted),) = asked["RequestItems"].items()
        if table.endswith("ledger"):
            rows = [self.rows[key["proposal"]["S"]][int(key["night"]["N"])] for key in wanted["Keys"]]
            self.units += sum(math.ceil(row.size / 4096) / 2 for row in rows)
            found = [row.wire for row in rows]
        else:
            identifiers = [int(key["id"]["N"]) for key in wanted["Keys"]]
            found = [json.dumps(items.to_wire(record(i // 100_000, i % 100_000))) for i in identifiers]
            self.units += 0.5 * len(found)
        return f'{{"Responses":{{"{table}":[{",".join(found)}]}},"UnprocessedKeys":{{}}}}'

    def GetItem(self, asked: dict) -> str:
        self.units += 1
        return json.dumps({"Item": items.to_wire({"counter": "codes"} | VALUES)})

    def _night(self, night: int) -> list[str]:
        """Listing rows of a night, newest first."""
        if night not in self._listing:
            rows = [nights[night] for nights in self.rows.values() if night in nights]
            files = [(row.scope, code) for row in rows for code, n in row.counts.items() for _ in range(n)]
            random.Random(self.seed + night).shuffle(files)
            self._listing[night] = [
                f'{{"night":{{"N":"{night}"}},"id":{{"N":"{night * 100_000 + number}"}},'
                f'"p":{{"S":"{scope}"}},"c":{{"S":"{code}"}}}}'
                for number, (scope, code) in reversed(list(enumerate(files, start=1)))
            ]
        return self._listing[night]

    def touch(self, scope: str, night: int) -> None:
        row = self.rows[scope][night]
        row.v += 1
        row.changed = int(clock.now() * 1000)
        self.touched[scope, night] = row.seal()


def _paged(rows: list[Row]) -> list[list[Row]]:
    pages: list[list[Row]] = []
    size = PAGE_BYTES
    for row in rows:
        if size + row.size > PAGE_BYTES:
            pages.append([])
            size = 0
        pages[-1].append(row)
        size += row.size
    return pages


def filled(files: int, seed: int) -> Tables:
    """Tables with about ``files`` files."""
    chance = random.Random(seed)
    rows: dict[str, dict[int, Row]] = {}
    nights: list[int] = []
    total, day = 0, date(2026, 11, 21)
    while total < files:
        night = int(day.strftime("%Y%m%d"))
        nights.append(night)
        number = len(nights)
        for slot in range(5):
            scope = f"SOAR-{slot}-{(number + slot) // 3:06d}"
            rows.setdefault(scope, {})[night] = Row(scope, night, _counts(chance, FRAMES)).seal()
            total += sum(rows[scope][night].counts.values())
        masters = _counts(chance, [("BIAS", "1", 2), ("LAMPFLAT", "1", 3)])
        rows.setdefault(MASTERS_SCOPE, {})[night] = Row(MASTERS_SCOPE, night, masters).seal()
        total += sum(masters.values())
        day -= timedelta(days=1)
    return Tables({s: dict(sorted(n.items())) for s, n in rows.items()}, sorted(nights), seed)


def page(scopes: frozenset[str] | None, selection: Selection, where: float) -> int:
    """One list request; ``where``: 0 the first page, 1 the last. Returns the count."""
    totals = ledger.nights(ledger.read(scopes, selection), selection)
    count = sum(totals.values())
    number = int(where * max(0, count - 20) // 20)
    identifiers = listing.ids(ledger.locate(totals, number * 20, 20), scopes, selection)
    json.dumps({"count": count, "results": [file_record(one) for one in listing.records(identifiers)]})
    return count


def facets(scopes: frozenset[str] | None, selection: Selection, where: float) -> int:
    """One request for the facet menus."""
    menus = ledger.facet_counts(ledger.read(scopes, selection), selection)
    return sum(menus["status"].values())


def unchanged(scopes: frozenset[str] | None, selection: Selection, where: float) -> int:
    """One request that is answered 304."""
    return len(ledger.versions(scopes))


def feed(scopes: frozenset[str] | None, selection: Selection, where: float) -> int:
    """One poll of the change feed by a client that polls all the time."""
    return len(events.feed(scopes, cursors.encode(int(clock.now() * 1000)), 100).events)


def measured(tables: Tables, request: Callable[[], object]) -> dict[str, float]:
    """CPU (ms, without the tables'), calls, read units and bytes of one request."""
    before = (tables.seconds, tables.calls, tables.units, tables.bytes)
    started = time.process_time()
    request()
    cpu = time.process_time() - started
    after = (tables.seconds, tables.calls, tables.units, tables.bytes)
    server, calls, units, size = (b - a for a, b in zip(before, after))
    return {"cpu": 1000 * (cpu - server), "calls": calls, "units": units, "kb": size / 1000}


def rows_of(tables: Tables, requests: int, seed: int) -> Iterator[str]:
    """Lines of the report's table."""
    chance = random.Random(seed)
    live = [scope for scope, nights in tables.rows.items() if tables.nights[-1] in nights]
    member = frozenset({s for s in live[:1]} | set(chance.sample(sorted(tables.rows), 2)) | {MASTERS_SCOPE})
    chosen = Selection(values={"obstype": frozenset({"SPECTRUM"}), "data_type": frozenset({"4"})})
    last = tables.nights[-1]
    night = Selection(first_night=last, last_night=last)
    asked = [
        ("first page", page, Selection(), 0.0),
        ("page deep in", page, Selection(), 0.6),
        ("filtered, first", page, chosen, 0.0),
        ("filtered, deep", page, chosen, 0.6),
        ("one night", page, night, 0.0),
        ("facet menus", facets, Selection(), 0.0),
        ("versions (304)", unchanged, Selection(), 0.0),
        ("change feed", feed, Selection(), 0.0),
    ]
    viewers = (("member", member), ("staff", None))
    for who, scopes in viewers:
        codes.forget()
        memory = _resident()
        cold = measured(tables, lambda: page(scopes, Selection(), 0.0))
        first = f" {cold['calls']:.0f} calls, {cold['units']:.0f} RRU, {cold['kb'] / 1000:.1f} MB, "
        first += f"{cold['cpu']:.0f} ms, kept {_resident() - memory:.0f} MB |"
        for name, what, selection, where in asked:
            what(scopes, selection, where)
            figures = []
            for _ in range(requests):
                tables.touch(chance.choice(live), last)
                figures.append(measured(tables, lambda: what(scopes, selection, where)))
            yield _line(who, name, figures) + (first if name == "first page" else " |")
    everywhere = [(scope, night) for scope, nights in tables.rows.items() for night in nights]
    for who, scopes in viewers:
        page(scopes, Selection(), 0.0)
        figures = []
        for _ in range(3):
            for scope, on in chance.choices(everywhere, k=50):
                tables.touch(scope, on)
            figures.append(measured(tables, lambda: page(scopes, Selection(), 0.0)))
        yield _line(who, "first page, after 50", figures) + " |"


def _line(who: str, name: str, figures: list[dict[str, float]]) -> str:
    warm = {key: median(one[key] for one in figures) for key in figures[0]}
    text = f"| {who} | {name} | {warm['calls']:.0f} | {warm['units']:.1f} | {warm['kb']:.0f} "
    return text + f"| {warm['cpu']:.1f} ({max(one['cpu'] for one in figures):.1f}) |"


def _resident() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[1000, 250_000, 5_000_000])
    parser.add_argument("--requests", type=int, default=20, help="warm requests of each kind (default: 20)")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    for files in options.files:
        tables = filled(files, options.seed)
        clients.forget()
        clients.dynamodb().meta.events.register("before-send.dynamodb", tables.answer)
        everything = [row for nights in tables.rows.values() for row in nights.values()]
        sizes, widths = [row.size for row in everything], [len(row.counts) for row in everything]
        n = sum(sum(row.counts.values()) for row in everything)
        different = len({code for row in everything for code in row.counts})
        print(
            f"\n{n:,} files, {len(tables.nights):,} nights, {len(tables.rows):,} scopes, {len(sizes):,} items: ", end=""
        )
        print(f"{mean(sizes):.0f} B on average, {max(sizes)} B the largest, {sum(sizes) / 1e6:.1f} MB in all; ", end="")
        print(f"{mean(widths):.0f} combinations an item, {sum(widths) / len(tables.nights):.0f} a night, ", end="")
        print(f"{different:,} in all\n")
        print("| viewer | request | calls | RRU | kB in | CPU ms warm (worst) | cold |\n|---|---|---|---|---|---|---|")
        live = [scope for scope, nights in tables.rows.items() if tables.nights[-1] in nights]
        for scope in live:
            tables.touch(scope, tables.nights[-1])
        for line in rows_of(tables, options.requests, options.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()
