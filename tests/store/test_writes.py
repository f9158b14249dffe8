"""A write tries again for as long as it may, and never beyond the end of the function it runs in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from chalicelib.store import items, wire
from chalicelib.store.items import RESERVE, Contended

CONFLICT = ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "PutItem")
WRITE = [items.operation("Put", "counters", item={"counter": "a"})]


class Contest:
    """Every attempt is refused and takes a second; so does every pause, by a clock that only they move."""

    def __init__(self, patch: pytest.MonkeyPatch, refusal: Exception) -> None:
        self.now, self.attempts, self.refusal = 1000.0, 0, refusal
        patch.setattr(items, "time", SimpleNamespace(monotonic=lambda: self.now))
        patch.setattr(items, "pause", lambda attempt: self._pass(1))
        patch.setattr(wire, "call", self._refuse)

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def _refuse(self, operation, **_):
        self.attempts += 1
        self._pass(1)
        raise self.refusal

    def lost_after(self, **how) -> float:
        begun = self.now
        with pytest.raises(Contended):
            items.write(WRITE, **how)
        return self.now - begun


@pytest.fixture(params=[CONFLICT, ConnectionClosedError(endpoint_url="dynamodb")], ids=["conflict", "cut off"])
def contest(request, monkeypatch):
    return Contest(monkeypatch, request.param)


def test_a_write_tries_for_twenty_seconds(contest):
    assert contest.lost_after() == pytest.approx(20, abs=2)
    assert contest.lost_after(seconds=7) == pytest.approx(7, abs=2)


def test_a_write_ends_before_its_function_does(contest):
    with items.ending_in(15):
        assert contest.lost_after() == pytest.approx(15 - RESERVE, abs=2)


def test_where_much_time_is_left_nothing_changes(contest):
    with items.ending_in(900):
        assert contest.lost_after() == pytest.approx(20, abs=2)


def test_where_no_time_is_left_a_write_is_tried_once(contest):
    with items.ending_in(RESERVE / 2):
        assert contest.lost_after() == 1
    assert contest.attempts == 1


def test_the_end_is_that_of_the_function_alone(contest):
    with pytest.raises(KeyError), items.ending_in(1):
        raise KeyError
    assert contest.lost_after() == pytest.approx(20, abs=2)
