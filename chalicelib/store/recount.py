"""The truth of lists and counts rebuilt from the records, compared, and mended where it differs.

Every change of a record raises ``v`` of the ledger items it touches, in its own transaction. So what is read between
two readings of the same versions belongs together, and a repair conditional on them never overwrites a change that came
between: the pipeline may go on working meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from ..domain import facets
from ..domain import nights as naming
from ..domain.records import visible
from . import clock, codes, items
from .changes import EVERY
from .items import ConditionFailed, Contended, Item
from .tallies import COUNT_PREFIX

ATTEMPTS = 8
"""How often a night that is being written is read again before it is called contended."""

_ROWS_AT_ONCE = 20
"""Listing rows mended in one transaction; with a guard for each of their scopes these are less than 100 writes."""

Progress = Callable[[int, int, int], None]
"""Called with (nights done, nights in all, the night just done)."""


@dataclass(frozen=True)
class Difference:
    """What is stored and what it should be.

    Attributes
    ----------
    kind : str
        ``listing`` (a row), ``ledger`` (a count) or ``record`` (a record that cannot be counted: not mended).
    sentence : str
        For the operator.
    stored, expected
        A row as (scope, combination) or a count; None: nothing.
    """

    kind: str
    night: int
    sentence: str
    scope: str | None = None
    file_id: int | None = None
    stored: Any = None
    expected: Any = None


@dataclass(frozen=True)
class Repair:
    """What :func:`repair` did to a night.

    Attributes
    ----------
    mended : list of Difference
        What is now as it should be.
    left : list of Difference
        What is not: it cannot be mended, or the night was contended.
    contended : bool
        The night was written by others all the time; run again when it is quieter.
    """

    night: int
    mended: list[Difference]
    left: list[Difference]
    contended: bool


class NightContended(Exception):
    """A night was changed between any two readings of it; nothing is known to be wrong."""

    def __init__(self, night: int):
        super().__init__(
            f"Night {night} was changed by others each of the {ATTEMPTS} times it was read; "
            "verify it again when fewer frames are being reduced."
        )
        self.night = night


@dataclass(frozen=True)
class _State:
    """A night, all of it of the same moment."""

    night: int
    records: dict[int, Item]
    rows: dict[int, Item]
    ledger: dict[str, Item]
    scopes: frozenset[str]

    def versions(self) -> dict[str, int | None]:
        return {scope: _version(self.ledger.get(scope)) for scope in self.scopes}


@dataclass
class _Findings:
    differences: list[Difference] = field(default_factory=list)
    rows: dict[int, Item | None] = field(default_factory=dict)
    """Listing rows as they should be, where they are not; None: to be taken away."""
    items: dict[str, dict[str, int]] = field(default_factory=dict)
    """Counts of the ledger items that are not as they should be."""


def nights() -> dict[int, frozenset[str]]:
    """Every night that has, or should have, files, with the scopes its ledger holds; reads the ledger's keys."""
    found: dict[int, set[str]] = {}
    names = {"#counter": "counter"}
    for item in _scan("counters", ProjectionExpression="#counter", ExpressionAttributeNames=names):
        kind, _, night = str(item["counter"]).partition("#")
        if kind == "night" and night.isdigit():
            found.setdefault(int(night), set())
    for item in _scan("ledger", ProjectionExpression="proposal, night"):
        found.setdefault(item["night"], set()).add(item["proposal"])
    return {night: frozenset(found[night]) for night in sorted(found)}


def verify(night: int, scopes: Collection[str] | None = None) -> list[Difference]:
    """Compare the listing and the ledger of a night with its records; changes neither.

    Parameters
    ----------
    scopes : collection of str, optional
        The scopes the night's ledger holds, from :func:`nights`; without them the ledger's keys are read.

    Raises
    ------
    NightContended
        The night would not hold still for long enough to be read.
    """
    return _settled(night, _scopes_of(night, scopes))[1].differences


def repair(night: int, scopes: Collection[str] | None = None) -> Repair:
    """Make the listing and the ledger of a night what its records say. Safe while others write.

    Raises
    ------
    NightContended
        As :func:`verify`, before anything was written.
    """
    found = _scopes_of(night, scopes)
    mended: dict[Difference, None] = {}
    state, findings = _settled(night, found)
    for attempt in range(ATTEMPTS):
        if not findings.rows and not findings.items:
            break
        before = findings.differences
        try:
            _mend(state, findings)
        except (ConditionFailed, Contended):
            items.pause(attempt)
        try:
            state, findings = _settled(night, found)
        except NightContended:
            return Repair(night, list(mended), before, True)
        mended |= dict.fromkeys(one for one in before if one not in findings.differences)
    return Repair(night, list(mended), findings.differences, bool(findings.rows or findings.items))


def recount(
    *, mend: bool = False, only: Collection[int] | None = None, progress: Progress | None = None
) -> Iterator[Repair]:
    """Verify (or mend) all nights, or some; a night at a time, the differences of each as they are found.

    A night that is contended is told as such and the next one taken.
    """
    everything = nights()
    wanted = sorted(everything if only is None else only)
    for number, night in enumerate(wanted, start=1):
        scopes = everything.get(night, frozenset())
        try:
            outcome = repair(night, scopes) if mend else Repair(night, [], verify(night, scopes), False)
        except NightContended:
            outcome = Repair(night, [], [], True)
        if progress is not None:
            progress(number, len(wanted), night)
        yield outcome


def _scopes_of(night: int, scopes: Collection[str] | None) -> frozenset[str]:
    return nights().get(night, frozenset()) if scopes is None else frozenset(scopes)


def _settled(night: int, scopes: frozenset[str]) -> tuple[_State, _Findings]:
    """The night and its differences, found twice in a row under the same versions.

    Twice, because a read of many items may see a transaction half done: its ledger item a moment later than its record.
    """
    last: tuple[dict[str, int | None], list[Difference]] | None = None
    for attempt in range(ATTEMPTS):
        state = _read(night, scopes)
        if state is not None:
            findings = _compare(state)
            now = (state.versions(), findings.differences)
            if not findings.differences or now == last:
                return state, findings
            last = now
        items.pause(attempt)
    raise NightContended(night)


def _read(night: int, scopes: frozenset[str]) -> _State | None:
    """A night, or None if it was changed while it was read."""
    before = _ledger(night, scopes)
    rows = {row["id"]: row for row in items.query("listing", "night = :night", {"night": night})}
    counter = items.get("counters", {"counter": f"night#{night}"}) or {}
    numbered = {naming.file_id(night, number) for number in range(1, counter.get("n", 0) + 1)}
    identifiers = sorted(numbered | rows.keys())
    records = {record["id"]: record for record in items.batch_get("files", [{"id": one} for one in identifiers])}
    met = scopes | {one["scope"] for one in records.values() if "scope" in one} | {r["p"] for r in rows.values()}
    if met - scopes:  # scopes nobody told us of: once more, reading their items before everything else too
        return _read(night, met)
    after = _ledger(night, scopes)
    if {s: _version(before.get(s)) for s in met} != {s: _version(after.get(s)) for s in met}:
        return None
    return _State(night, records, rows, after, met)


def _ledger(night: int, scopes: Collection[str]) -> dict[str, Item]:
    keys = [{"proposal": scope, "night": night} for scope in sorted(scopes)]
    return {item["proposal"]: item for item in items.batch_get("ledger", keys)}


def _version(item: Mapping[str, Any] | None) -> int | None:
    return None if item is None else item.get("v")


def _compare(state: _State) -> _Findings:
    """What differs from what the records say."""
    findings = _Findings()
    places: dict[int, tuple[str, str]] = {}
    for identifier, record in sorted(state.records.items()):
        if not visible(record):
            continue
        if record.get("night") != state.night or "scope" not in record:
            findings.differences.append(_misfiled(state.night, record))
            continue
        places[identifier] = (record["scope"], codes.encode(facets.of(record)))
    _compare_rows(state, places, findings)
    _compare_counts(state, places, findings)
    return findings


def _misfiled(night: int, record: Item) -> Difference:
    sentence = (
        f"File {record['id']} ({record.get('file_name')}) has an id of night {night}, but its record says night "
        f"{record.get('night')} and scope {record.get('scope')!r}: it is counted nowhere by this recount. "
        "Reprocess its raw frame."
    )
    return Difference("record", night, sentence, file_id=record["id"])


def _compare_rows(state: _State, places: Mapping[int, tuple[str, str]], findings: _Findings) -> None:
    for identifier in sorted(places.keys() | state.rows.keys()):
        row, place = state.rows.get(identifier), places.get(identifier)
        stored = None if row is None else (row["p"], row["c"])
        if stored == place or (stored and (stored[0], _canonical(stored[1])) == place):
            continue
        if place is None:
            sentence = f"File {identifier} is listed in night {state.night}, but it has no visible record there."
            findings.rows[identifier] = None
        else:
            missing = f"File {identifier} of night {state.night} is missing from the list."
            other = (
                f"File {identifier} of night {state.night} is listed with other facets or scope than its record has."
            )
            sentence = missing if row is None else other
            findings.rows[identifier] = {"night": state.night, "id": identifier, "p": place[0], "c": place[1]}
        scope = place[0] if place else (stored or ("",))[0]
        findings.differences.append(
            Difference("listing", state.night, sentence, scope, identifier, _shown(stored), _shown(place))
        )


def _compare_counts(state: _State, places: Mapping[int, tuple[str, str]], findings: _Findings) -> None:
    expected: dict[str, Counter[str]] = {scope: Counter() for scope in state.scopes}
    for scope, code in places.values():
        expected[scope][code] += 1
    for scope, counts in sorted(expected.items()):
        item = state.ledger.get(scope, {})
        stored: Counter[str] = Counter()
        for name, value in item.items():
            if name.startswith(COUNT_PREFIX) and value:
                stored[_canonical(name.removeprefix(COUNT_PREFIX))] += value
        wrong = len(findings.differences)
        for code in sorted(stored.keys() | counts.keys()):
            if stored[code] != counts[code]:
                sentence = (
                    f"The ledger counts {stored[code]} files of {scope} in night {state.night} with "
                    f"{_described(code)}; there are {counts[code]}."
                )
                findings.differences.append(
                    Difference("ledger", state.night, sentence, scope, None, stored[code], counts[code])
                )
        if item.get("n", 0) != counts.total():
            sentence = (
                f"The ledger counts {item.get('n', 0)} files of {scope} in night {state.night} in all; "
                f"there are {counts.total()}."
            )
            findings.differences.append(
                Difference("ledger", state.night, sentence, scope, None, item.get("n", 0), counts.total())
            )
        if len(findings.differences) > wrong:
            findings.items[scope] = dict(counts)


def _canonical(code: str) -> str:
    """A code as it would be given now: those from before a facet was added are shorter, and mean the same."""
    try:
        return codes.encode(codes.decode(code))
    except codes.UnknownCode:
        return code


def _shown(place: tuple[str, str] | None) -> tuple[str, str] | None:
    return None if place is None else (place[0], _described(place[1]))


def _described(code: str) -> str:
    """The values of a combination, in words."""
    try:
        values = codes.decode(code)
    except codes.UnknownCode:
        return f"the unknown combination {code!r}"
    return ", ".join(f"{name} {value}" for name, value in values.items() if value) or "no facets"


def _mend(state: _State, findings: _Findings) -> None:
    """Write what should be, on condition that nothing changed since it was read.

    Raises
    ------
    ConditionFailed
        Something did: what was not written yet is left as it was.
    """
    versions = state.versions()
    moment = int(clock.now() * 1000)
    for few in batched(sorted(findings.rows.items()), _ROWS_AT_ONCE, strict=False):
        touched = sorted({scope for identifier, row in few for scope in _owners(state, identifier, row)})
        operations = [_row_operation(state.night, identifier, row) for identifier, row in few]
        operations += [_touch(scope, state.night, versions[scope], moment) for scope in touched]
        items.write(operations)
        versions |= {scope: (versions[scope] or 0) + 1 for scope in touched}
    for scope, counts in sorted(findings.items.items()):
        items.write([_rewrite(state.ledger.get(scope, {}), scope, state.night, versions[scope], counts, moment)])


def _owners(state: _State, identifier: int, row: Item | None) -> set[str]:
    """The scopes whose ledger item is touched by whoever else changes this row."""
    found = {state.rows[identifier]["p"]} if identifier in state.rows else set()
    if identifier in state.records and "scope" in state.records[identifier]:
        found.add(state.records[identifier]["scope"])
    return found | ({row["p"]} if row else set())


def _row_operation(night: int, identifier: int, row: Item | None) -> dict:
    if row is None:
        return items.operation("Delete", "listing", key={"night": night, "id": identifier})
    return items.operation("Put", "listing", item=row)


def _seen(version: int | None) -> dict[str, Any]:
    """The condition that a ledger item is as it was read."""
    if version is None:
        return {"condition": "attribute_not_exists(v)"}
    return {"condition": "v = :seen"}


def _touch(scope: str, night: int, version: int | None, moment: int) -> dict:
    return items.operation(
        "Update",
        "ledger",
        key={"proposal": scope, "night": night},
        update="SET #every = :every, #changed = :changed ADD v :one",
        values={"every": EVERY, "changed": moment, "one": 1} | ({} if version is None else {"seen": version}),
        names={"#every": "every", "#changed": "changed"},
        **_seen(version),
    )


def _rewrite(stored: Item, scope: str, night: int, version: int | None, counts: Mapping[str, int], moment: int) -> dict:
    item = {name: value for name, value in stored.items() if not name.startswith(COUNT_PREFIX)}
    item |= {"proposal": scope, "night": night, "v": (version or 0) + 1, "n": sum(counts.values())}
    item |= {"every": EVERY, "changed": moment}
    item |= {COUNT_PREFIX + code: count for code, count in counts.items()}
    values = {} if version is None else {"seen": version}
    return items.operation("Put", "ledger", item=item, values=values, **_seen(version))


def _scan(table: str, **how: Any) -> Iterator[Item]:
    """Every item of a table, read consistently."""
    for page in items.pages("scan", table, ConsistentRead=True, **how):
        yield from page
