"""Lists: search, order, page sizes, menus."""

from __future__ import annotations

import pytest

from chalicelib.store import cursors, listing
from tests.api.client import Api, problem
from tests.filing import file, record

OTHERS = "SOAR2026B-021"

Shelf = tuple[Api, list[dict]]


@pytest.fixture(scope="module")
def shelf(still_api: Api) -> Shelf:
    """The API over some nights of files."""
    return still_api, filed()


def filed(nights: int = 4, each: int = 7) -> list[dict]:
    """Some nights of frames of three objects, one in three of somebody else's proposal."""
    records = [
        record(
            20261101 + night,
            number,
            object=("NGC 1068", "HD 106252", "Blank sky")[number % 3],
            obstype=("SPECTRUM", "ARC")[number % 2],
            file_name=f"{number:04d}_{('n1068', 'hd106', 'x')[number % 3]}.fits",
            proposal_id=("SOAR2026B-014", "SOAR2026B-014", OTHERS)[(night + number) % 3],
        )
        for night in range(nights)
        for number in range(1, each + 1)
    ]
    records.append(record(20261104, 90, object="NGC 1068", obstype="FOCUS", file_name="0090_focus.fits"))
    file(*records)
    return records


def pages(api: Api, query: str, role: str = "pi") -> list[list[int]]:
    """The ids of each page of a search, followed by its links."""
    answer = api.json(f"/files?{query}", role)
    found = [[r["id"] for r in answer["results"]]]
    while answer["next"]:
        assert answer["count"] is None and answer["previous"] is None
        answer = api.follow(answer["next"], role)
        found.append([r["id"] for r in answer["results"]])
        assert len(found) < 200
    return found


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize(
    ("bound", "size"),
    [({}, 100), ({"MOST_NIGHTS": 1}, 3), ({"MOST_FILES": 1, "_BATCH": 2}, 3)],
)
def test_a_search_finds_each_file_once_in_order_whatever_bounds_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, order: str, bound: dict[str, int], size: int
):
    api, records = shelf
    for name, value in bound.items():
        monkeypatch.setattr(listing, name, value)
    for query, role, matches in (
        ("search=1068", "pi", lambda r: "1068" in r["object"] + r["file_name"]),
        ("search=ngc", "staff", lambda r: "NGC" in r["object"]),
        ("object=hd%20106", "staff", lambda r: "HD 106" in r["object"]),
        ("name=_X.f&obstype=ARC", "pi", lambda r: "_x.f" in r["file_name"] and r["obstype"] == "ARC"),
        ("search=nothing%20of%20the%20kind", "staff", lambda r: False),
        (
            "object=sky&name=_x&first_night=20261102&last_night=20261103",
            "staff",
            lambda r: "sky" in r["object"] and 20261102 <= r["night"] <= 20261103,
        ),
    ):
        expected = [r["id"] for r in records if matches(r) and (role == "staff" or r["proposal_id"] != OTHERS)]
        found = pages(api, f"{query}&page_size={size}&order={order}", role)
        assert [i for page in found for i in page] == sorted(expected, reverse=order == "newest"), query
        assert max(map(len, found)) <= size


def test_a_search_reads_no_nights_without_selected_files(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    api, _ = shelf
    asked: list[int] = []
    selected = listing.selected
    monkeypatch.setattr(listing, "selected", lambda night, *a, **k: asked.append(night) or selected(night, *a, **k))
    assert len(api.json("/files?object=ngc&obstype=FOCUS")["results"]) == 1
    assert asked == [20261104]


def test_searches_and_other_lists_are_paged_in_their_own_ways(shelf: Shelf):
    api, _ = shelf
    problem(api.get("/files?search=1068&page=2"), 400)
    problem(api.get("/files?cursor=WzFd"), 400)
    problem(api.get("/files?search=x"), 400)
    for bad in ("nonsense", cursors.encode(1, 2), cursors.encode("1"), cursors.encode(-1), cursors.encode(10**14)):
        problem(api.get(f"/files?search=1068&cursor={bad}"), 400)


def test_oldest_first_is_the_reverse_on_every_page(shelf: Shelf):
    api, records = shelf
    expected = sorted(r["id"] for r in records)
    for size in (7, 29, 200):
        found, link = [], f"/files?order=oldest&page_size={size}"
        answer = api.json(link, "staff")
        while True:
            assert answer["count"] == len(expected)
            found.append([r["id"] for r in answer["results"]])
            if answer["next"] is None:
                break
            answer = api.follow(answer["next"], "staff")
        assert [i for page in found for i in page] == expected
        assert all(len(page) == size for page in found[:-1])


def test_sizes_and_values_are_bounded(shelf: Shelf):
    api, _ = shelf
    assert len(api.json("/files?page_size=200")["results"]) > 0
    problem(api.get("/files?page_size=201"), 400)
    problem(api.get("/files?page_size=0"), 400)
    problem(api.get("/files?grating=" + "x" * 81), 400)
    assert api.json("/files?grating=" + "x" * 80)["count"] == 0


def test_menus_say_what_each_value_would_give(shelf: Shelf):
    api, records = shelf
    mine = [r for r in records if r["proposal_id"] != OTHERS]
    shown = api.json("/files/facets?obstype=ARC")
    arcs = [r for r in mine if r["obstype"] == "ARC"]
    assert shown["count"] == len(arcs)
    assert shown["facets"]["obstype"] == {
        "ARC": len(arcs),
        "FOCUS": 1,
        "SPECTRUM": len(mine) - len(arcs) - 1,
    }, "its own facet is not narrowed"
    assert shown["facets"]["grating"] == {"400_SYZY": len(arcs)}
    assert (shown["first_night"], shown["last_night"]) == (min(r["night"] for r in arcs), max(r["night"] for r in arcs))
    for facet, menu in shown["facets"].items():
        if facet not in ("obstype", "grating", "status"):
            continue
        for value, count in menu.items():
            others = "" if facet == "obstype" else "obstype=ARC&"
            assert api.json(f"/files?{others}{facet}={value}")["count"] == count, (facet, value)
    empty = api.json("/files/facets", "stranger")
    assert (empty["count"], empty["nights"], empty["first_night"]) == (0, 0, None)
    assert set(empty["facets"]) == set(shown["facets"])
