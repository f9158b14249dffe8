"""``recount`` finds and mends whatever differs from the records, and nothing that others write meanwhile."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import facets
from chalicelib.domain.nights import file_id
from chalicelib.store import changes, codes, items, publish, recount, tallies
from chalicelib.store.items import ConditionFailed, Contended
from tests.filing import record
from tests.store.shelf import Shelf

NIGHT = 20261121
OTHER = 20261120
SCOPES = ("SOAR2026B-014", "SOAR2026B-021")

DAMAGES = ("row gone", "row changed", "row of nothing", "count off", "n off", "item gone", "item of nothing", "retired")


def _filled(patch) -> Shelf:
    shelf = Shelf(patch)
    for number in range(1, 9):
        shelf.file(NIGHT, number, scope=SCOPES[number % 2], obstype=("ARC", "BIAS", "SPECTRUM")[number % 3])
    shelf.file(OTHER, 1, scope=SCOPES[0])
    shelf.change(file_id(NIGHT, 8), deleted=True)
    items.write(
        [
            items.operation(
                "Put", "counters", item={"counter": f"night#{night}", "n": 9}
            )  # the last number was given and never used
            for night in (NIGHT,)
        ]
    )
    return shelf


@pytest.fixture
def shelf(monkeypatch):
    return _filled(monkeypatch)


def _ledger(scope):
    return items.get("ledger", {"proposal": scope, "night": NIGHT})


def _damage(kind: str, number: int) -> None:
    """Write past the store's own ways, as a bug or a hand would."""
    scope, row = SCOPES[number % 2], {"night": NIGHT, "id": file_id(NIGHT, number)}
    item = _ledger(scope)
    code = next((name for name in item or {} if name.startswith(tallies.COUNT_PREFIX)), None)
    operation = {
        "row gone": lambda: items.operation("Delete", "listing", key=row),
        "row changed": lambda: items.operation("Put", "listing", item={**row, "p": "ELSEWHERE", "c": "0"}),
        "row of nothing": lambda: items.operation(
            "Put", "listing", item={"night": NIGHT, "id": file_id(NIGHT, 500 + number), "p": scope, "c": "zzz"}
        ),
        "count off": lambda: items.operation("Put", "ledger", item={**item, code: item[code] + number}),
        "n off": lambda: items.operation("Put", "ledger", item={**item, "n": item["n"] - number}),
        "item gone": lambda: items.operation("Delete", "ledger", key={"proposal": scope, "night": NIGHT}),
        "item of nothing": lambda: items.operation(
            "Put", "ledger", item={"proposal": f"GHOST-{number}", "night": NIGHT, "n": 1, "v": 3, "c#0_0": 1}
        ),
        "retired": lambda: items.operation(
            "Put", "files", item={**items.get("files", {"id": row["id"]}), "retired": True}
        ),
    }[kind]
    if item is not None or kind in ("row gone", "row changed", "row of nothing", "retired"):
        items.write([operation()])


def _assert_true(night=NIGHT):
    """The listing and the ledger of a night equal a plain count of its records."""
    place = publish._place
    seen = {}
    for identifier in range(file_id(night, 1), file_id(night, 1000)):
        found = items.get("files", {"id": identifier})
        if found is not None and place(found) is not None:
            seen[identifier] = place(found)
    rows = {row["id"]: (row["p"], night, row["c"]) for row in items.query("listing", "night = :n", {"n": night})}
    assert rows == seen
    counts: Counter = Counter()
    ledger: Counter = Counter()
    for scope, _, code in seen.values():
        counts[scope, "n"] += 1
        counts[scope, tallies.COUNT_PREFIX + code] += 1
    for scope in (*SCOPES, "ELSEWHERE", *(f"GHOST-{number}" for number in range(10))):
        item = items.get("ledger", {"proposal": scope, "night": night}) or {}
        for name, value in item.items():
            if (name == "n" or name.startswith(tallies.COUNT_PREFIX)) and value:
                ledger[scope, name] = value
    assert ledger == counts


def _scopes() -> frozenset[str]:
    return frozenset(SCOPES) | {"ELSEWHERE"} | {f"GHOST-{number}" for number in range(10)}


def test_what_the_store_writes_has_no_differences(shelf):
    assert recount.verify(NIGHT, SCOPES) == []
    assert recount.verify(OTHER, SCOPES) == []
    assert recount.verify(20250101, ()) == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_each_damage_is_told_and_mended(shelf, kind):
    versions = {scope: (_ledger(scope) or {}).get("v", 0) for scope in SCOPES}
    _damage(kind, 3)
    told = recount.verify(NIGHT, _scopes())
    assert told
    assert all(one.night == NIGHT and one.sentence.endswith(".") for one in told)
    outcome = recount.repair(NIGHT, _scopes())
    assert (set(outcome.mended), outcome.left, outcome.contended) == (set(told), [], False)
    assert recount.verify(NIGHT, _scopes()) == []
    _assert_true()
    found = {(scope, night) for scope, night, _ in changes.since(0)}
    assert found == {(row["proposal"], row["night"]) for row in shelf.memory.rows("ledger")}, "the index has them all"
    if kind not in ("item gone", "item of nothing"):
        assert _ledger(SCOPES[1])["v"] > versions[SCOPES[1]], "warm readers must see that something changed"
    _assert_true(OTHER)


@settings(max_examples=40, deadline=None)
@given(damages=st.lists(st.tuples(st.sampled_from(DAMAGES), st.integers(1, 7)), max_size=6), writes=st.data())
def test_a_repair_while_others_write_loses_nothing(damages, writes):
    """Between any two writes of the repair somebody publishes; the end is still what the records say."""
    with pytest.MonkeyPatch.context() as patch:
        shelf = _filled(patch)
        for kind, number in damages:
            _damage(kind, number)
        for identifier in shelf.records:
            shelf.records[identifier] = items.get("files", {"id": identifier})
        others = writes.draw(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12), st.sampled_from(SCOPES))))
        turn, busy = iter(range(10**6)), [False]

        def between(service, execute):
            if busy[0]:
                return execute()
            busy[0] = True
            now = next(turn)
            published = []
            for moment, number, scope in others:
                if moment == now:
                    identifier = file_id(NIGHT, number)
                    old = shelf.records.get(identifier, record(NIGHT, number))
                    shelf.put(old | {"scope": scope, "status": f"state {now % 3}"})
                    published.append(scope)
            busy[0] = False
            before = {scope: _ledger(scope) for scope in published}
            try:
                return execute()
            finally:  # what the repair had read of these scopes is old: it must not have written them
                assert {scope: _ledger(scope) for scope in published} == before

        shelf.memory.guard = between
        for _ in range(3):
            outcome = recount.repair(NIGHT, _scopes())
            assert not outcome.contended
        shelf.memory.guard = lambda service, execute: execute()
        items.write([items.operation("Put", "counters", item={"counter": f"night#{NIGHT}", "n": 20})])
        final = recount.repair(NIGHT, _scopes())
        assert final.left == []
        _assert_true()


@pytest.mark.parametrize("kind", ["count off", "row gone"])
def test_a_publication_just_before_a_repairs_write_makes_that_write_void(shelf, kind):
    _damage(kind, 3)
    state, findings = recount._settled(NIGHT, frozenset(SCOPES))
    shelf.change(file_id(NIGHT, 5), status="failed")
    before = [dict(item) for item in (*shelf.memory.rows("ledger"), *shelf.memory.rows("listing"))]
    with pytest.raises(ConditionFailed):
        recount._mend(state, findings)
    assert [*shelf.memory.rows("ledger"), *shelf.memory.rows("listing")] == before
    assert recount.repair(NIGHT, SCOPES).left == []
    _assert_true()


def test_a_night_that_never_holds_still_is_called_contended(shelf, monkeypatch):
    query = items.query

    def disturbed(table, *arguments, **how):
        if table == "listing":
            shelf.change(file_id(NIGHT, 1), status=f"state {shelf.records[file_id(NIGHT, 1)]['rev']}")
        return query(table, *arguments, **how)

    monkeypatch.setattr(items, "query", disturbed)
    with pytest.raises(recount.NightContended, match=str(NIGHT)):
        recount.verify(NIGHT, SCOPES)
    monkeypatch.undo()


def test_a_repair_that_always_loses_says_so_and_breaks_nothing(shelf, monkeypatch):
    _damage("row gone", 3)

    def loses(operations, **how):
        raise Contended("others write")

    monkeypatch.setattr(items, "write", loses)
    outcome = recount.repair(NIGHT, SCOPES)
    assert outcome.contended
    assert outcome.mended == []
    assert [one.kind for one in outcome.left] == ["listing"]


def test_a_record_filed_under_another_night_is_told_but_left_to_people(shelf):
    stray = items.get("files", {"id": file_id(NIGHT, 1)}) | {"id": file_id(NIGHT, 9), "night": OTHER}
    items.write([items.operation("Put", "files", item=stray)])
    outcome = recount.repair(NIGHT, SCOPES)
    assert [(one.kind, one.file_id) for one in outcome.left] == [("record", file_id(NIGHT, 9))]
    assert not outcome.contended


def test_codes_from_before_a_facet_was_added_mean_the_same(shelf, monkeypatch):
    wider = (*facets.FACETS, "binning")
    monkeypatch.setattr(facets, "FACETS", wider)
    monkeypatch.setattr(codes, "FACETS", wider)
    codes.forget()
    assert recount.verify(NIGHT, SCOPES) == []
    changed = items.get("files", {"id": file_id(NIGHT, 1)}) | {"binning": "2x2"}
    items.write([items.operation("Put", "files", item=changed)])
    assert recount.repair(NIGHT, SCOPES).left == []
    row = next(row for row in items.query("listing", "night = :n", {"n": NIGHT}) if row["id"] == file_id(NIGHT, 1))
    assert codes.decode(row["c"])["binning"] == "2x2"
    codes.forget()


def test_all_nights_in_the_real_tables_form(aws: None):
    """Against moto: which nights there are, progress, and a repair of one of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "pause", lambda attempt: None)
        for night, numbers in ((NIGHT, 120), (OTHER, 2)):
            items.write([items.operation("Put", "counters", item={"counter": f"night#{night}", "n": numbers})])
            for number in range(1, numbers + 1):
                new = record(night, number, scope=SCOPES[0])
                event = {"scope": SCOPES[0], "night": night}
                items.write(publish.record_operations([publish.Change(None, new)], event, 1.7e9))
        items.write([items.operation("Put", "counters", item={"counter": "night#20250101", "n": 1})])
        assert recount.nights() == {20250101: frozenset(), OTHER: frozenset(SCOPES[:1]), NIGHT: frozenset(SCOPES[:1])}
        items.write([items.operation("Delete", "listing", key={"night": NIGHT, "id": file_id(NIGHT, 7)})])
        steps = []
        verified = list(recount.recount(progress=lambda *step: steps.append(step)))
        assert [len(one.left) for one in verified] == [0, 0, 1]
        assert steps == [(1, 3, 20250101), (2, 3, OTHER), (3, 3, NIGHT)]
        (mended,) = recount.recount(mend=True, only=[NIGHT])
        assert [one.file_id for one in mended.mended] == [file_id(NIGHT, 7)]
        assert not any(one.left for one in recount.recount())
