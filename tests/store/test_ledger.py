"""Counts, facet counts and pages equal plain sorting, whatever a warm process has kept from before (design §7)."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.facets import FACETS, Selection
from chalicelib.domain.nights import file_id
from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import changes, codes, events, items, ledger, listing, tallies
from tests.filing import record
from tests.store.shelf import Shelf

SCOPES = ("SOAR2026B-014", "SOAR2026B-021", "SOAR2025A-003", MASTERS_SCOPE)
NIGHTS = (20260131, 20260201, 20261119, 20261120, 20261121)
FACET_VALUES = {
    "obstype": ("ARC", "SPECTRUM", "BIAS"),
    "status": ("done", "waiting"),
    "grating": ("400_SYZY", "930_SYZY", ""),
}

FACETS_OF_A_FILE = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in FACET_VALUES.items()})
WRITES = st.lists(
    st.tuples(
        st.sampled_from(NIGHTS),
        st.integers(1, 12),
        st.fixed_dictionaries({"scope": st.sampled_from(SCOPES), "retired": st.booleans(), "deleted": st.booleans()}),
        FACETS_OF_A_FILE,
    ),
    max_size=15,
)
ASKED = st.tuples(
    st.one_of(st.none(), st.frozensets(st.sampled_from((*SCOPES, "NOBODY")))),
    st.builds(
        Selection,
        values=st.fixed_dictionaries(
            {},
            optional={
                name: st.frozensets(st.sampled_from((*values, "UNSEEN")), min_size=1)
                for name, values in FACET_VALUES.items()
            },
        ),
        scope=st.one_of(st.none(), st.sampled_from((*SCOPES, "NOBODY"))),
        first_night=st.one_of(st.none(), st.sampled_from(NIGHTS)),
        last_night=st.one_of(st.none(), st.sampled_from(NIGHTS)),
    ),
)
ROUNDS = st.lists(
    st.tuples(st.integers(0, 1000), WRITES, st.lists(ASKED, min_size=1, max_size=3)), min_size=1, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(rounds=ROUNDS, size=st.integers(1, 25), page=st.integers(0, 5))
def test_against_plain_sorting(rounds, size, page):
    with pytest.MonkeyPatch.context() as patch:
        shelf = Shelf(patch)
        for seconds, writes, asked in rounds:
            shelf.time += seconds
            for night, number, place, facets in writes:
                shelf.put(shelf.records.get(file_id(night, number), record(night, number)) | facets | place)
            for scopes, selection in asked:
                _check(shelf, scopes, selection, size, page)
        warm = {(scopes, repr(selection)): ledger.versions(scopes, selection) for scopes, selection in asked}
        codes.forget()
        for scopes, selection in asked:
            _check(shelf, scopes, selection, size, page)
            assert ledger.versions(scopes, selection) == warm[scopes, repr(selection)]


def _check(shelf, scopes, selection, size, page):
    seen = [
        one
        for one in shelf.visible()
        if (scopes is None or one["scope"] in scopes)
        and selection.scope in (None, one["scope"])
        and (selection.first_night or 0) <= one["night"] <= (selection.last_night or 99999999)
    ]
    chosen = [one for one in seen if all(one[name] in wanted for name, wanted in selection.values.items())]
    expected = sorted((one["id"] for one in chosen), reverse=True)
    version = ledger.versions(scopes, selection)  # before the changed items are read, and after
    view = ledger.read(scopes, selection)
    assert ledger.versions(scopes, selection) == version
    assert {key for key in ledger.keys(scopes)} >= {(one["scope"], one["night"]) for one in seen}
    totals = ledger.nights(view, selection)
    assert totals == Counter(one["night"] for one in chosen)
    stretches = ledger.locate(totals, page * size, size)
    identifiers = listing.ids(stretches, scopes, selection)
    assert identifiers == expected[page * size : (page + 1) * size]
    assert [one["id"] for one in listing.records(identifiers)] == identifiers
    menus = ledger.facet_counts(view, selection)
    for name in FACETS:
        others = {n: v for n, v in selection.values.items() if n != name}
        matching = [one for one in seen if all(one[n] in v for n, v in others.items())]
        assert menus[name] == dict(sorted(Counter(str(one[name] or "") for one in matching).items()))


@pytest.fixture
def shelf(monkeypatch):
    return Shelf(monkeypatch)


def _filled(shelf):
    for night in NIGHTS:
        for number, scope in enumerate(SCOPES, start=1):
            shelf.file(night, number, scope=scope)
    shelf.time += 3600


def _kept_reads(shelf, scopes, request=ledger.read):
    """The (scope, night) items read whole by one request of a warm process, which asks once what changed."""
    shelf.calls.clear()
    request(scopes, Selection())
    batches = [arguments for operation, arguments in shelf.calls if operation == "batch_get_item"]
    keys = [key for asked in batches for table in asked["RequestItems"].values() for key in table["Keys"]]
    pages = [arguments for operation, arguments in shelf.calls if operation != "batch_get_item"]
    assert [arguments.get("IndexName") for arguments in pages] == ["changed"] * len(pages)
    assert sum("ExclusiveStartKey" not in arguments for arguments in pages) == 1
    return [(key["proposal"]["S"], int(key["night"]["N"])) for key in keys]


@pytest.mark.parametrize("scopes", [None, frozenset(SCOPES)], ids=["staff", "member"])
def test_a_warm_process_reads_only_what_changed(shelf, scopes):
    _filled(shelf)
    ledger.read(scopes, Selection())
    shelf.change(file_id(NIGHTS[0], 1), status="failed")
    assert _kept_reads(shelf, scopes) == [(SCOPES[0], NIGHTS[0])]
    assert _kept_reads(shelf, scopes) == []


@pytest.mark.parametrize("scopes", [None, frozenset(SCOPES)], ids=["staff", "member"])
def test_versions_read_no_item_and_a_list_reads_what_they_noted(shelf, scopes):
    _filled(shelf)
    ledger.read(scopes, Selection())
    shelf.change(file_id(NIGHTS[0], 1), status="failed")
    shelf.file(20261122, 1, scope=SCOPES[1])
    assert _kept_reads(shelf, scopes, ledger.versions) == []
    noted = ledger.versions(scopes)
    assert ledger.keys(scopes) == {(scope, night) for scope in SCOPES for night in NIGHTS} | {(SCOPES[1], 20261122)}
    shelf.time += 3600
    assert sorted(_kept_reads(shelf, scopes)) == [(SCOPES[0], NIGHTS[0]), (SCOPES[1], 20261122)]
    assert ledger.versions(scopes) == noted
    codes.forget()
    assert ledger.versions(scopes) == noted


def test_a_member_reads_no_item_of_others(shelf):
    _filled(shelf)
    mine = frozenset(SCOPES[:1])
    ledger.read(mine, Selection())
    shelf.change(file_id(NIGHTS[0], 2), status="failed")
    assert _kept_reads(shelf, mine) == []
    assert {scope for scope, _ in ledger.keys(mine)} == mine


@pytest.mark.parametrize("scopes", [None, frozenset(SCOPES)], ids=["staff", "member"])
@pytest.mark.parametrize("request_", [ledger.read, ledger.versions], ids=["list", "versions"])
def test_where_too_much_changed_everything_is_read_anew(shelf, monkeypatch, scopes, request_):
    _filled(shelf)
    ledger.read(scopes, Selection())
    monkeypatch.setattr(ledger, "_MOST_SINGLE_READS", 4)
    for number, scope in enumerate(SCOPES, start=1):
        for night in NIGHTS[:2]:
            shelf.change(file_id(night, number), status="failed")
    shelf.calls.clear()
    request_(scopes, Selection())
    assert "batch_get_item" not in [operation for operation, _ in shelf.calls]
    counts = ledger.facet_counts(ledger.read(scopes, Selection()), Selection())
    assert counts["status"] == {"done": 12, "failed": 8}


def test_an_item_that_is_gone_is_not_asked_for_again(shelf):
    _filled(shelf)
    ledger.read(None, Selection())
    shelf.file(20261122, 1, scope=SCOPES[1])
    key = {"proposal": SCOPES[1], "night": 20261122}
    ledger.versions(None)
    items.write([items.operation("Delete", "ledger", key=key)])
    shelf.time += 3600
    assert _kept_reads(shelf, None) == [(SCOPES[1], 20261122)]
    assert _kept_reads(shelf, None) == []


def test_an_index_that_is_behind_shows_a_change_later_and_loses_none(shelf, monkeypatch):
    _filled(shelf)
    ledger.read(None, Selection())
    old = deepcopy(shelf.memory.tables)
    shelf.change(file_id(NIGHTS[0], 1), status="failed")
    new, query = shelf.memory.tables, shelf.memory.query

    def behind(**asked):
        shelf.memory.tables = old if asked.get("IndexName") else new
        try:
            return query(**asked)
        finally:
            shelf.memory.tables = new

    monkeypatch.setattr(shelf.memory, "query", behind)
    for _ in range(2):
        assert _kept_reads(shelf, None) == []
        shelf.time += (changes.INDEX_LAG - 2) / 2000
    monkeypatch.setattr(shelf.memory, "query", query)
    assert _kept_reads(shelf, None) == [(SCOPES[0], NIGHTS[0])]


def test_what_a_staff_request_has_read_serves_members(shelf):
    _filled(shelf)
    ledger.read(None, Selection())
    assert _kept_reads(shelf, frozenset(SCOPES[:2])) == []


def test_a_change_committed_long_after_it_was_built_is_seen(shelf):
    _filled(shelf)
    ledger.read(None, Selection())
    built = shelf.time
    shelf.time += 60
    ledger.read(None, Selection())
    shelf.time, read = built, shelf.time
    shelf.change(file_id(NIGHTS[0], 1), status="failed")
    shelf.time = read
    assert ledger.facet_counts(ledger.read(None, Selection()), Selection())["status"] == {"done": 19, "failed": 1}


def test_the_margin_covers_whatever_may_come_late():
    """A change is built, committed, and shown by the index, and clocks differ: as for the change feed."""
    assert ledger.MARGIN >= events.OVERLAP


def test_a_few_nights_of_scopes_not_kept_are_read_as_they_are(shelf):
    _filled(shelf)
    mine, last = frozenset(SCOPES[:2]), Selection(first_night=NIGHTS[-1])
    last_night = Selection(first_night=NIGHTS[-1], last_night=NIGHTS[-1])
    shelf.calls.clear()
    assert ledger.nights(ledger.read(mine, last_night), last_night) == {NIGHTS[-1]: 2}
    assert [arguments.get("IndexName") for _, arguments in shelf.calls if "Key" not in arguments] == [None, None]
    ledger.read(mine, last)
    assert _kept_reads(shelf, mine, lambda scopes, _: ledger.read(scopes, last_night)) == []


def test_versions_change_with_what_the_viewer_sees_and_with_nothing_else(shelf):
    _filled(shelf)
    mine, others = frozenset(SCOPES[:1]), frozenset(SCOPES[1:2])
    before = [ledger.versions(scopes) for scopes in (None, mine, others)]
    assert before == [ledger.versions(scopes) for scopes in (None, mine, others)]
    shelf.change(file_id(NIGHTS[0], 1), status="failed")
    after = [ledger.versions(scopes) for scopes in (None, mine, others)]
    assert [one == other for one, other in zip(before, after)] == [False, False, True]


def test_versions_of_a_selection_are_those_of_its_nights(shelf):
    _filled(shelf)
    late = Selection(first_night=NIGHTS[2])
    before = ledger.versions(None, late)
    shelf.change(file_id(NIGHTS[0], 1), status="failed")
    assert ledger.versions(None, late) == before
    shelf.change(file_id(NIGHTS[2], 1), status="failed")
    assert ledger.versions(None, late) != before


def test_a_damaged_code_does_not_take_the_list_down(shelf):
    _filled(shelf)
    shelf.memory.update_item(
        TableName="goodman-ledger",
        Key={"proposal": SCOPES[0], "night": NIGHTS[0]},
        UpdateExpression="ADD #c :one",
        ExpressionAttributeNames={"#c": "c#zz_zz"},
        ExpressionAttributeValues={":one": 1},
    )
    view = ledger.read(None, Selection())
    assert sum(ledger.nights(view, Selection()).values()) == 21
    assert ledger.facet_counts(view, Selection())["status"] == {"done": 20}
    chosen = Selection(values={"status": frozenset({"done"})})
    assert sum(ledger.nights(view, chosen).values()) == 20


def test_more_than_fits_is_dropped_and_read_anew(shelf, monkeypatch):
    _filled(shelf)
    monkeypatch.setattr(tallies, "MOST_COUNTS", 10)
    for _ in range(3):
        assert sum(ledger.nights(ledger.read(None, Selection()), Selection()).values()) == 20
