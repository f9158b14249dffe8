"""Requests beyond the limit are refused until the window ends, at a price of few writes."""

from __future__ import annotations

import pytest

from chalicelib.store import clock, items, ratelimit
from chalicelib.store.ratelimit import BATCH, WINDOW, TooMany, count

START = 1000 * WINDOW


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    def set_clock(moment: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    set_clock(START)
    ratelimit.forget()
    yield set_clock
    ratelimit.forget()


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    write = items.write

    def counted(operations: list[dict], **how: float) -> object:
        made.append("write")
        return write(operations, **how)

    monkeypatch.setattr(items, "write", counted)
    return made


def passed(requests: int, key: str = "k", limit: int = 100) -> int:
    """How many of ``requests`` come through."""
    through = 0
    for _ in range(requests):
        try:
            count(key, limit)
        except TooMany:
            continue
        through += 1
    return through


def test_one_process_lets_the_limit_through_and_no_more_than_a_batch_above(aws: None, at):
    assert 100 <= passed(1000) <= 100 + BATCH


def test_the_price_is_a_write_a_batch_and_none_below_it(aws: None, at, writes: list[str]):
    passed(BATCH - 1, limit=10**6)
    assert writes == []
    passed(10 * BATCH + 1, limit=10**6)
    assert len(writes) <= 10 + 2
    writes.clear()
    at(START + WINDOW)
    passed(10 * BATCH, limit=10**6)
    assert len(writes) <= 10 + 1


def test_who_is_refused_costs_nothing_until_the_window_ends(aws: None, at, writes: list[str]):
    passed(1000)
    writes.clear()
    at(START + WINDOW - 7.5)
    with pytest.raises(TooMany) as refused:
        count("k", 100)
    assert refused.value.seconds == 8
    assert writes == []
    at(START + WINDOW)
    count("k", 100)


def test_processes_share_a_count(aws: None, at):
    """Another warm function has counted already: this one hears of it with its first batch."""
    assert passed(100) == 100
    ratelimit.forget()
    assert passed(1000) <= BATCH


def test_keys_do_not_disturb_each_other(aws: None, at):
    passed(1000, "one")
    assert passed(BATCH, "other") == BATCH


def test_a_count_that_cannot_be_written_turns_nobody_away(aws: None, at, monkeypatch: pytest.MonkeyPatch):
    def busy(*_: object, **__: object) -> None:
        raise items.Contended("busy")

    monkeypatch.setattr(items, "write", busy)
    assert passed(500) == 500


def test_a_late_process_does_not_take_back_a_window(aws: None, at):
    at(START + WINDOW)
    passed(BATCH)
    ratelimit.forget()
    at(START)
    assert passed(BATCH) == BATCH
    assert items.get("counters", {"counter": "rate#k"})["window"] == START // WINDOW + 1


def test_memory_is_bounded(aws: None, at, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ratelimit, "MOST_KEYS", 10)
    for number in range(100):
        count(f"k{number}", 100)
    assert len(ratelimit._windows) <= 11
