"""Every function that writes, with answers lost in the middle while others write too: it knows what it has done.

A lost answer is the dangerous fault: the write was done, the client repeats it, and a condition that held before no
longer does. Faults come from hypothesis, one an attempt; ``meanwhile`` others act between the loss and the repetition.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.blocks import ingest
from chalicelib.domain import facets
from chalicelib.store import accounts, clock, codes, configurations, identities, items, objects, publish, subjects
from chalicelib.store.items import Contended
from chalicelib.store.publish import Change, Publication
from chalicelib.store.subjects import LeaseLost
from infra.local.faults import CONFLICT, CUT, IN_PROGRESS, LOST, RESET, THROTTLED, Faults, Script
from tests.conftest import mocked_aws
from tests.local.hurry import hurry
from tests.protocol.frames import frame_bytes

NIGHT = 20261121
LEASE = 100.0

SPELL = 24
WEATHER = st.lists(st.sampled_from([None, None, LOST, LOST, CONFLICT, RESET, THROTTLED, IN_PROGRESS]), max_size=SPELL)
"""What happens to one attempt after the other; afterwards it is calm."""

_fresh = itertools.count(1)
_settings = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def histories(test: Callable[..., None]) -> Callable[..., None]:
    """Twenty random examples, and in ``make test-long`` eight times as many."""
    rounds = [0, *(pytest.param(number, marks=pytest.mark.long) for number in range(1, 8))]
    return pytest.mark.parametrize("again", rounds)(_settings(test))


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    """One mocked account: every example has names of its own."""
    with mocked_aws(), pytest.MonkeyPatch.context() as patches:
        hurry(patches)
        yield


class Clock:
    """The store's clock, moved on by hand."""

    def __init__(self, patches: pytest.MonkeyPatch) -> None:
        self.now = 1.8e9
        patches.setattr(clock, "now", lambda: self.now)


def redelivered(handler: Callable[[], Any], pause: Callable[[], Any] = lambda: None) -> Any:
    """Call a handler again when it raises, as SQS does; each time uses up some of the weather."""
    for _ in range(SPELL + 1):
        try:
            return handler()
        except (BotoCoreError, ClientError, Contended):
            pause()
    raise AssertionError("it never got through")


def disturbed(
    weather: list[str | None], meanwhile: Callable[[], Any] | None = None, *, only: tuple[str, ...] = ()
) -> Faults:
    return Faults(Script(weather, only=only), meanwhile=(lambda call, kind: meanwhile()) if meanwhile else None)


def in_turn(actions: list[Callable[[], Any] | None]) -> Callable[[], Any]:
    """What others do at the first fault, at the second, …; nothing afterwards."""
    left = iter(actions)

    def act() -> None:
        action = next(left, None)
        if action:
            action()

    return act


# --- subjects -------------------------------------------------------------------------------------------------------


@histories
@given(
    weather=WEATHER,
    others=st.lists(st.sampled_from(["", "nudge", "take", "wake"]), max_size=6),
    how=st.sampled_from(["take", "wake"]),
)
def test_whoever_takes_a_lease_knows_it(again, weather, others, how):
    subject = f"frame#{NIGHT * 100000 + next(_fresh)}"
    held: list[subjects.Lease] = []

    def taken(how: str) -> None:
        lease = getattr(subjects, how)(subject, LEASE)
        held.extend([lease] if lease else [])

    actions = {"": None, "nudge": lambda: subjects.nudge(subject)}
    actions |= {"take": lambda: taken("take"), "wake": lambda: taken("wake")}
    subjects.nudge(subject)
    with disturbed(weather, in_turn([actions[name] for name in others])):
        try:
            taken(how)
        except (BotoCoreError, ClientError, Contended):
            return  # it is not known who holds it: the lease runs out
    (lease,) = held
    item = subjects.read(subject)
    assert item["attempt"] == lease.attempt
    assert item["lease_token"] == lease.item["lease_token"]
    assert lease.seen <= item["nudges"]
    assert "open" in item


@histories
@given(weather=WEATHER, tells=st.lists(st.sampled_from(["", "tell", "tell and look", "look"]), max_size=8))
def test_a_fact_told_of_is_planned_with_whatever_is_lost(again, weather, tells):
    """The protocol in small: facts change, are told, planned under the lease; the last plan has seen the last fact."""
    subject = f"frame#{NIGHT * 100000 + next(_fresh)}"
    fact = {"counter": f"fact {subject}"}

    def tell() -> None:
        items.write([items.operation("Update", "counters", key=fact, update="ADD seen :one", values={"one": 1})])
        subjects.nudge(subject)

    def look() -> None:
        lease = subjects.wake(subject, LEASE)
        if lease is None:
            return
        try:
            while True:
                seen = items.get("counters", fact)
                if subjects.release(lease, settled=True, status=str((seen or {}).get("seen", 0))):
                    return
                subjects.refresh(lease)
        except LeaseLost:
            return
        except BaseException:
            subjects.abandon(lease)
            raise

    def tell_and_look() -> None:
        tell()
        look()

    actions = {"": None, "tell": tell, "tell and look": tell_and_look, "look": look}
    with pytest.MonkeyPatch.context() as patches:
        now = Clock(patches)

        def later() -> None:
            now.now += 2 * LEASE

        tell()
        with disturbed(weather, in_turn([actions[name] for name in tells])):
            redelivered(look, later)
        later()
        if subjects.is_orphaned(subjects.read(subject)):
            look()  # the sweep
        item = subjects.read(subject)
        assert item["status"] == str((items.get("counters", fact) or {})["seen"])
        assert "open" not in item and "lease_until" not in item


@histories
@given(
    weather=WEATHER,
    others=st.lists(st.sampled_from(["", "nudge", "take", "take after the lease"]), max_size=5),
    alone=st.booleans(),
)
def test_whoever_releases_knows_it(again, weather, others, alone):
    subject = f"frame#{NIGHT * 100000 + next(_fresh)}"
    told = {"counter": f"told {subject}"}
    another = items.operation("Update", "counters", key=told, update="ADD times :one", values={"one": 1})
    successors: list[subjects.Lease] = []
    with pytest.MonkeyPatch.context() as patches:
        now = Clock(patches)
        lease = subjects.take(subject, LEASE)
        assert lease is not None

        def take(wait: float = 0.0) -> None:
            now.now += wait
            successor = subjects.take(subject, 1000 * LEASE)
            successors.extend([successor] if successor else [])

        actions = {
            "": None,
            "nudge": lambda: subjects.nudge(subject),
            "take": take,
            "take after the lease": lambda: take(2 * LEASE),
        }
        with disturbed(weather, in_turn([actions[name] for name in others])):
            try:
                outcome: bool | str = subjects.release(lease, settled=True, others=None if alone else [another])
            except LeaseLost:
                outcome = "lost"
            except (BotoCoreError, ClientError, Contended):
                return
    item = subjects.read(subject)
    times = (items.get("counters", told) or {}).get("times", 0)
    ours = item.get("attempt") == lease.attempt and "lease_until" in item
    assert len(successors) <= 1
    if outcome is False:  # told to look again: the lease is still ours, and there is something to see
        assert ours and item["nudges"] > lease.seen and times == 0
    elif outcome is True:
        assert not ours and times == (0 if alone else 1)
        if "open" not in item:  # closed: nobody's nudge was passed over
            assert item["nudges"] == lease.seen
    else:
        assert successors and item["attempt"] > lease.attempt and times == (0 if alone else times)


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "nudge", "take"]), max_size=5))
def test_giving_up_never_frees_somebody_elses_lease(again, weather, others):
    subject = f"frame#{NIGHT * 100000 + next(_fresh)}"
    lease = subjects.take(subject, LEASE)
    assert lease is not None
    successors: list[subjects.Lease] = []

    def take() -> None:
        successor = subjects.take(subject, LEASE)
        successors.extend([successor] if successor else [])

    actions = {"": None, "nudge": lambda: subjects.nudge(subject), "take": take}
    with disturbed(weather, in_turn([actions[name] for name in others])):
        redelivered(lambda: subjects.abandon(lease))
    item = subjects.read(subject)
    assert "open" in item
    assert len(successors) <= 1
    assert item.get("lease_token") == (successors[0].item["lease_token"] if successors else None)


# --- identities, codes ----------------------------------------------------------------------------------------------


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "same", "other"]), max_size=5))
def test_a_file_has_one_id_and_no_two_files_the_same(again, weather, others):
    number = next(_fresh)
    given_ids: dict[str, set[int]] = {}

    def identify(name: str) -> None:
        identity = identities.raw_identity(f"{number} {name}")
        given_ids.setdefault(identity, set()).add(identities.identify(identity, NIGHT))

    actions = {"": None, "same": lambda: identify("same"), "other": lambda: identify("other")}
    with disturbed(weather, in_turn([actions[name] for name in others])):
        redelivered(lambda: identify("same"))
    assert all(len(ids) == 1 for ids in given_ids.values())
    assert len(set.union(*given_ids.values())) == len(given_ids)
    for identity, (identifier,) in given_ids.items():
        assert identities.known(identity) == identifier


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "same", "other"]), max_size=5))
def test_a_value_has_one_code(again, weather, others):
    number = next(_fresh)
    coded: dict[str, set[str]] = {}

    def encode(value: str) -> None:
        coded.setdefault(value, set()).add(codes.encode({"object": "", "grating": f"{value} {number}"}))

    def elsewhere(value: str) -> None:
        mine = dict(codes._known)
        codes.forget()  # another process, which knows nothing
        encode(value)
        codes.forget()
        codes._known.update(mine)

    actions = {"": None, "same": lambda: elsewhere("same"), "other": lambda: elsewhere("other")}
    with disturbed(weather, in_turn([actions[name] for name in others]), only=("UpdateItem",)):
        redelivered(lambda: encode("same"))
    assert all(len(found) == 1 for found in coded.values())
    assert len(set.union(*coded.values())) == len(coded)
    codes.forget()
    for value, (code,) in coded.items():
        assert codes.decode(code)["grating"] == f"{value} {number}"
    known = (items.get("counters", {"counter": "codes"}) or {})["grating"]
    assert len(known) == len(set(known))


# --- publishing -----------------------------------------------------------------------------------------------------


def record(identifier: int, night: int, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "night": night, "scope": "S", "status": "done", **dict.fromkeys(facets.FACETS), **more}


@histories
@given(weather=WEATHER, others=st.lists(st.sampled_from(["", "nudge", "take after the lease"]), max_size=4))
def test_a_publication_is_counted_once_or_not_at_all(again, weather, others):
    number = next(_fresh)
    night = number  # a ledger item of its own
    subject = f"frame#{NIGHT * 100000 + number}"
    with pytest.MonkeyPatch.context() as patches:
        now = Clock(patches)
        lease = subjects.take(subject, LEASE)
        assert lease is not None
        event = {"block": "b", "outcome": "done", "sentence": "", "file_id": 1, "file_name": "f", "scope": "S"}
        publication = Publication(
            event=event | {"night": night},
            changes=[Change(None, record(10 * number + n, night)) for n in range(3)],
            fanout=frozenset({"key"}),
        )

        def take() -> None:
            now.now += 2 * LEASE
            subjects.take(subject, 1000 * LEASE)

        actions = {"": None, "nudge": lambda: subjects.nudge(subject), "take after the lease": take}
        with disturbed(weather, in_turn([actions[name] for name in others])):
            try:
                publish.publish(lease, publication)
                outcome = "published"
            except LeaseLost:
                outcome = "superseded"
            except (BotoCoreError, ClientError, Contended):
                outcome = "unknown"
    files = [i for n in range(3) if (i := items.get("files", {"id": 10 * number + n}))]
    ledger = items.get("ledger", {"proposal": "S", "night": night}) or {"n": 0}
    events = list(items.query("events", "scope_night = :s", {"s": f"S#{night}"}))
    listed = list(items.query("listing", "night = :n", {"n": night}))
    assert len(files) == ledger["n"] == len(listed) == 3 * len(events)
    assert sum(v for k, v in ledger.items() if k.startswith(publish.COUNT)) == ledger["n"]
    assert ledger.get("v", 0) == len(events)
    assert len(events) == {"published": 1, "superseded": 0}.get(outcome, len(events))


# --- writes that may be repeated --------------------------------------------------------------------------------------


@histories
@given(weather=WEATHER)
def test_what_may_be_said_twice_is_there_once(again, weather):
    number = next(_fresh)
    key = f"raw/{NIGHT}/{number}.fits"
    with disturbed(weather):
        redelivered(lambda: items.write([identities.note_operation(key, "tag", number)]))
        redelivered(lambda: configurations.register_interests([f"a{number}", f"b{number}"], "frame#1", NIGHT))
        redelivered(lambda: objects.store(key, b"bytes"))
        user = redelivered(lambda: accounts.create_user(f"user{number}", f"{number}@example.org"))
        proposal = redelivered(
            lambda: accounts.create_proposal(f"SOAR-{number}", pi=user["id"], semester="2026B", title="t")
        )
        redelivered(lambda: accounts.add_member(proposal["id"], user["id"] + 1, accounts.COLLABORATOR))
        redelivered(lambda: accounts.add_member(proposal["id"], user["id"], accounts.COLLABORATOR))
        token = redelivered(lambda: accounts.issue_token(user["id"], name="n"))
    assert identities.unknown_objects([(key, "tag")]) == []
    assert list(configurations.interested(f"a{number}", NIGHT)) == ["frame#1"]
    opened = objects.open_raw(key)
    assert opened is not None and opened.stream.read() == b"bytes"
    assert accounts.create_user(f"user{number}", f"{number}@example.org")["id"] == user["id"]
    viewer = accounts.viewer_of(token)
    assert viewer is not None and viewer.user_id == user["id"] and viewer.scopes == {proposal["scope"]}
    roles = {m["user_id"]: m["role"] for m in items.query("memberships", "proposal_id = :p", {"p": proposal["id"]})}
    assert roles == {user["id"]: accounts.PI, user["id"] + 1: accounts.COLLABORATOR}


def test_a_broken_download_is_not_taken_for_a_broken_file():
    """INGEST raises and is told again; it must not record the file as truncated."""
    key = f"raw/{NIGHT}/{next(_fresh)}_cut.fits"
    objects.store(key, frame_bytes("FOCUS", 5))
    with Faults(Script([CUT], only=["GetObject"])) as injected, pytest.raises(BotoCoreError):
        ingest.handle(key)
    assert injected.by_kind() == {CUT: 1}
    assert ingest.handle(key) == "done"
