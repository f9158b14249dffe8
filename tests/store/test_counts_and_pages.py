"""Counts and pages from the ledger equal those of sorting every file (design §7)."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.facets import FACETS, Selection
from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import ledger, listing
from tests.conftest import mocked_aws
from tests.filing import change, file, record

OBSTYPES = ("ARC", "SPECTRUM", "BIAS")
STATUSES = ("done", "waiting", "failed")
SCOPES = ("SOAR2026B-014", "SOAR2026B-021", MASTERS_SCOPE)
NIGHTS = (20261119, 20261120, 20261121)

FILES = st.lists(
    st.tuples(
        st.sampled_from(NIGHTS),
        st.sampled_from(OBSTYPES),
        st.sampled_from(STATUSES),
        st.sampled_from(SCOPES),
        st.sampled_from(["stays", "changes", "goes"]),
    ),
    max_size=30,
)
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "obstype": st.frozensets(st.sampled_from((*OBSTYPES, "UNSEEN")), min_size=1),
        "status": st.frozensets(st.sampled_from(STATUSES), min_size=1),
    },
)
VIEWERS = st.one_of(st.none(), st.frozensets(st.sampled_from(SCOPES)))
ASKED_SCOPES = st.one_of(st.none(), st.sampled_from(SCOPES))
ASKED_NIGHTS = st.one_of(st.none(), st.sampled_from(NIGHTS))


@settings(max_examples=20, deadline=None)
@given(files=FILES, asked=st.lists(st.tuples(VIEWERS, WANTED, ASKED_SCOPES, ASKED_NIGHTS), min_size=4, max_size=4))
def test_against_plain_sorting(files, asked):
    with mocked_aws():
        filed = [
            record(night, number, obstype=obstype, status=status, scope=scope)
            for number, (night, obstype, status, scope, _) in enumerate(files, start=1)
        ]
        file(*filed)
        filed = listing.records([one["id"] for one in filed])
        changes = {"stays": {}, "changes": {"status": "done", "grating": "930_SYZY"}, "goes": {"retired": True}}
        now = [old | changes[entry[-1]] for old, entry in zip(filed, files)]
        change(*((old, new) for old, new in zip(filed, now) if new != old))
        there = [one for one in now if "retired" not in one]
        for scopes, wanted, scope, night in asked:
            _check(there, scopes, Selection(values=wanted, scope=scope, first_night=night))


def _check(there, scopes, selection):
    visible = [f for f in there if scopes is None or f["scope"] in scopes]
    chosen = [
        f
        for f in visible
        if all(f[name] in values for name, values in selection.values.items())
        and selection.scope in (None, f["scope"])
        and f["night"] >= (selection.first_night or 0)
    ]
    expected = sorted((f["id"] for f in chosen), reverse=True)
    read = ledger.read(scopes, selection)
    totals = ledger.nights(read, selection)
    assert sum(totals.values()) == len(expected)
    for size in (1, 7, 20):
        for offset in range(0, len(expected) + size, size):
            stretches = ledger.locate(totals, offset, size)
            page = listing.ids(stretches, scopes, selection)
            assert page == expected[offset : offset + size]
            assert [f["id"] for f in listing.records(page)] == page
    if selection.scope is None and selection.first_night is None:
        menus = ledger.facet_counts(read, selection)
        for name in FACETS:
            others = {n: v for n, v in selection.values.items() if n != name}
            matching = [f for f in visible if all(f[n] in v for n, v in others.items())]
            assert menus[name] == dict(sorted(Counter(f[name] for f in matching).items()))


def test_locating_a_page_reads_only_its_nights():
    totals = {20261119: 100, 20261120: 5, 20261121: 30}
    assert ledger.locate(totals, 20, 20) == [
        ledger.Stretch(20261121, 20, 10),
        ledger.Stretch(20261120, 0, 5),
        ledger.Stretch(20261119, 0, 5),
    ]
    assert ledger.locate(totals, 35, 20) == [ledger.Stretch(20261119, 0, 20)]
    assert ledger.locate(totals, 135, 20) == []
