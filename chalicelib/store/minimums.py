"""The smallest pool minima that any proposal uses, and telling the pools for which a lower one makes a master due.

One item of ``counters`` counts, for each minimum below the observatory's default, the proposals that use it
(``bias#5``: 2); it changes in the transaction that changes the proposal's settings. So the smallest is exact whoever
raises or lowers his, in whatever order, and reading it is one read.

A lower smallest minimum is a changed fact of every pool that waits for more members, and nobody nudged those. The same
transaction therefore notes, as ``untold``, that they are to be looked for. The sweep does it, newest nights first, some
nights at a time, and sends those that are due now through the bulk queue. A crash anywhere repeats a part of the walk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..domain import matching
from ..domain.headers import BIAS, FLAT
from ..domain.records import RAW_TYPE, observation_of, visible
from ..domain.settings import DEFAULTS, Settings
from . import codes, configurations, items, queues
from .items import ConditionFailed, Item

_KEY = {"counter": "minimums"}
_SETTING = {"bias": "minimum_biases", "flat": "minimum_flats"}
FLOOR = 3
NIGHTS_A_SWEEP = 30
"""Nights looked through in one sweep: a listing query and the records of the night's biases and flats each."""

_AFTER_ALL = 99_999_999


def smallest(kind: str) -> int:
    """The smallest number of members any proposal asks of a master of this kind; never below 3.

    Proposals with the observatory's default are always there. ``bias`` and ``flat`` of the item itself, if somebody put
    them there, are a minimum of the installation.
    """
    return _smallest(items.get("counters", _KEY) or {}, kind)


def _smallest(item: Item, kind: str) -> int:
    used = [int(name.removeprefix(f"{kind}#")) for name, n in item.items() if name.startswith(f"{kind}#") and n > 0]
    default = getattr(DEFAULTS, _SETTING[kind])
    return max(FLOOR, min([default, item.get(kind, default), *used]))


def change_operation(old: Settings, new: Settings) -> dict | None:
    """The write that must go with a change of a proposal's settings; None if its minima stay as they are.

    It is refused if another proposal's change came between: then it must be made anew.
    """
    deltas = Counter(_counted(new))
    deltas.subtract(_counted(old))
    deltas = Counter({name: count for name, count in deltas.items() if count})
    if not deltas:
        return None
    item = items.get("counters", _KEY) or {}
    after = item | {name: item.get(name, 0) + count for name, count in deltas.items()}
    untold = dict(item.get("untold") or {})
    for kind in _SETTING:
        if _smallest(after, kind) < _smallest(item, kind):
            untold |= {kind: max(untold.get(kind, 0), _smallest(item, kind)), "before": _AFTER_ALL}
    names = {"#v": "v", **{f"#d{number}": name for number, name in enumerate(deltas)}}
    values: dict[str, Any] = {"one": 1, **{f"d{number}": count for number, count in enumerate(deltas.values())}}
    update = "ADD #v :one, " + ", ".join(f"#d{number} :d{number}" for number in range(len(deltas)))
    if untold:
        update += " SET #untold = :untold"
        names["#untold"], values["untold"] = "untold", untold
    return items.operation(
        "Update",
        "counters",
        key=_KEY,
        update=update,
        names=names,
        **_unchanged(item, values),
    )


def _counted(settings: Settings) -> list[str]:
    """The counts that a proposal's settings enter: its minima below the default."""
    minima = {kind: getattr(settings, name) for kind, name in _SETTING.items()}
    return [f"{kind}#{n}" for kind, n in minima.items() if n < getattr(DEFAULTS, _SETTING[kind])]


def _unchanged(item: Item, values: dict[str, Any]) -> dict[str, Any]:
    """Condition, with values, that the item is as it was read; the name ``#v`` must be given."""
    if "v" not in item:
        return {"condition": "attribute_not_exists(#v)", "values": values or None}
    return {"condition": "#v = :v", "values": {**values, "v": item["v"]}}


def tell(nights: int = NIGHTS_A_SWEEP) -> int:
    """Have pools looked at that a lower minimum makes due; how many. Goes on where the call before it ended."""
    item = items.get("counters", _KEY) or {}
    untold = item.get("untold")
    if not untold:
        return 0
    ahead = sorted((night for night in _nights() if night < untold["before"]), reverse=True)
    due = [pool for night in ahead[:nights] for pool in _due(night, item, untold)]
    queues.send_bulk(due)
    left = ahead[nights - 1] if len(ahead) > nights else None
    _note(item, None if left is None else untold | {"before": left})
    return len(due)


def _note(item: Item, untold: Item | None) -> None:
    """Note how far the walk is, unless a minimum was changed meanwhile: then the walk may have to begin anew."""
    values: dict[str, Any] = {} if untold is None else {"untold": untold}
    operation = items.operation(
        "Update",
        "counters",
        key=_KEY,
        update="REMOVE #untold" if untold is None else "SET #untold = :untold",
        names={"#v": "v", "#untold": "untold"},
        **_unchanged(item, values),
    )
    try:
        items.write([operation])
    except ConditionFailed:
        pass


def _nights() -> set[int]:
    """Every night that has files, by the keys of the ledger.

    Read consistently, as is all that follows: a pool that was planned with the minimum of before must be found, and
    whatever is published later is planned with the new one.
    """
    pages = items.pages("scan", "ledger", ConsistentRead=True)
    return {row["night"] for page in pages for row in page}


def _due(night: int, item: Item, untold: Item) -> Iterator[str]:
    """Pools of a night that had too few members for the minimum of before and have enough now."""
    found: Counter[str] = Counter()
    for record in items.batch_get("files", [{"id": identifier} for identifier in _calibrations(night)]):
        if visible(record) and record.get("observation"):
            pool = matching.pool_of(observation_of(record["observation"]))
            if pool is not None:
                found[pool] += 1
    for pool, count in sorted(found.items()):
        kind = matching.pool_kind(pool)
        before, now = untold.get(kind, 0), _smallest(item, kind)
        if count >= now and now <= len(configurations.candidates(pool, night, reach=0)) < before:
            yield pool


def _calibrations(night: int) -> Iterator[int]:
    """Ids of a night's raw biases and flats."""
    for row in items.query("listing", "night = :night", {"night": night}):
        facets = codes.decode(row["c"])
        if facets["obstype"] in (BIAS, FLAT) and facets["data_type"] == RAW_TYPE:
            yield row["id"]
