"""A request sent twice is done once, also when whoever did it died."""

from __future__ import annotations

import pytest

from chalicelib.store import clients, clock, idempotency, items
from chalicelib.store.idempotency import ABANDONED_SECONDS, KEPT_SECONDS, Claim, InProgress, Kept, KeyReused, begin

REQUEST, OTHER = idempotency.digest("POST", "/a"), idempotency.digest("POST", "/b")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    def set_clock(moment: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    set_clock(1000.0)
    return set_clock


def claimed(*arguments: object) -> Claim:
    claim = begin(*arguments)
    assert isinstance(claim, Claim)
    return claim


def test_the_answer_is_kept_for_a_day(aws: None, at):
    claimed(1, "key", REQUEST).keep(202, "{}")
    at(1000.0 + KEPT_SECONDS - 1)
    assert begin(1, "key", REQUEST) == Kept(202, "{}")
    with pytest.raises(KeyReused):
        begin(1, "key", OTHER)
    at(1000.0 + KEPT_SECONDS)
    assert isinstance(begin(1, "key", OTHER), Claim)


def test_while_it_is_being_done_a_repeat_waits(aws: None, at):
    claimed(1, "key", REQUEST)
    at(1000.0 + ABANDONED_SECONDS - 1)
    with pytest.raises(InProgress):
        begin(1, "key", REQUEST)
    assert isinstance(begin(2, "key", REQUEST), Claim)


def test_what_was_given_up_is_taken_over_and_its_first_owner_changes_nothing(aws: None, at):
    lost = claimed(1, "key", REQUEST)
    at(1000.0 + ABANDONED_SECONDS)
    with pytest.raises(KeyReused):
        begin(1, "key", OTHER)
    heir = claimed(1, "key", REQUEST)
    lost.keep(500, "late")
    lost.release()
    with pytest.raises(InProgress):
        begin(1, "key", REQUEST)
    heir.keep(202, "mine")
    assert begin(1, "key", REQUEST) == Kept(202, "mine")


def test_a_claim_whose_answer_was_lost_on_the_way_is_still_ours(aws: None, at, monkeypatch: pytest.MonkeyPatch):
    """The client repeats a conditional write whose answer it did not get, and finds its own item."""
    write = items.write

    def twice(operations: list[dict]) -> object:
        write(operations)
        return write(operations)

    monkeypatch.setattr(items, "write", twice)
    assert isinstance(begin(1, "key", REQUEST), Claim)


def test_an_answer_too_large_for_an_item_is_not_kept(aws: None, at):
    claimed(1, "key", REQUEST).keep(200, "x" * (idempotency.LARGEST_ANSWER + 1))
    assert isinstance(begin(1, "key", REQUEST), Claim)


def test_kept_answers_go_by_themselves(aws: None, at):
    claimed(1, "key", REQUEST)
    (item,) = clients.dynamodb().scan(TableName=clients.table_name("identities"))["Items"]
    assert item["expires_at"] == {"N": str(1000 + KEPT_SECONDS)}
    assert "key" not in item["identity"]["S"].split("#"), "keys are the user's own business"


def test_digests_tell_parts_apart():
    assert idempotency.digest("ab", "c") != idempotency.digest("a", "bc")
