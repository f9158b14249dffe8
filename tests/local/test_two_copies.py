"""Two copies of every function run every message at the same moment, against the locked moto server: one result."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.blocks.entry import handle_message
from chalicelib.domain import facets, topology
from chalicelib.domain.naming import raw_key
from chalicelib.domain.records import scope_of
from chalicelib.domain.topology import BLOCK
from chalicelib.store import clients, codes, identities, items, publish, queues, subjects, tables
from infra.local import environment, quiet, resources, worker
from infra.local.moto_server import MotoServer
from infra.local.pump import Worker, lambda_event
from infra.simulate import frames as simulated
from infra.simulate import small_night
from tests.local.hurry import hurry
from tests.protocol.cloud import Message
from tests.protocol.frames import frames
from tests.protocol.world import HANDLERS, World, _scan

NIGHT = 20260814


def at_once(functions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Call all in threads that start together; their results (an exception is raised)."""
    barrier = threading.Barrier(len(functions))

    def started(function: Callable[[], Any]) -> Any:
        barrier.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(started, functions))


class Twins(World):
    """A world that runs two copies of each message's function."""

    outcomes: Counter[str]

    def _handle(self, message: Message) -> None:
        """Both copies must end well: whoever comes second is no error."""
        block = BLOCK[message.block]
        self.now += 0.01
        message.due = self.now + block.visibility_timeout
        for copy in at_once([lambda: handle_message(block, message.body, HANDLERS[block.name])] * 2):
            self.outcomes.update(copy)
        self.queues.delete(message)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 6))])
def test_twins_in_threads_make_one_night(moto, monkeypatch, seed):
    hurry(monkeypatch)
    with pytest.MonkeyPatch.context() as patches:
        world = World(patches)
        for key, data in frames().items():
            world.upload(key, data)
        world.settle()
        expected = world.snapshot()
    with pytest.MonkeyPatch.context() as patches:
        twins = Twins(patches, seed, moto=True)
        twins.outcomes = Counter()
        for key, data in frames().items():
            twins.upload(key, data)
        twins.settle(shuffle=True)
        twins.check()
        assert twins.snapshot() == expected
        assert_no_id_is_used_twice()
    assert twins.outcomes["held"] + twins.outcomes["cared for"] > 20  # they did meet


def assert_no_id_is_used_twice() -> None:
    files = {row["id"] for row in _scan("files")}
    named = [
        row["id"] for row in _scan("identities") if row["identity"].startswith(("raw#", "unreadable#", "product#"))
    ]
    assert len(named) == len(set(named))
    assert files <= set(named)


# --- the real science, in processes -----------------------------------------------------------------------------------


def everything() -> None:
    """Tables, bucket, queues, and pools of which three members are enough."""
    resources.create_all()
    settings = {"minimum_biases": 3, "minimum_flats": 3}
    rows: list[tuple[str, dict[str, Any]]] = [("counters", {"counter": "minimums", "bias": 3, "flat": 3})]
    for number, name in enumerate(("SOAR2026B-014", "calibrate"), start=1):
        proposal = {"id": number, "soar_id": name, "settings": settings, "settings_revision": 1}
        rows += [("identities", {"identity": f"proposal#{scope_of(name)}", "id": number}), ("proposals", proposal)]
    items.write([items.operation("Put", table, item=item) for table, item in rows])


Invoke = Callable[[dict[str, Any]], dict[str, Any]]


def played(night: list[tuple[str, bytes]], copies: Sequence[Invoke]) -> list[list[tuple[float, float]]]:
    """Put a night into the bucket and give every message to all copies at once, until nothing is left.

    Returns per message when each copy began and ended.
    """
    for name, data in night:
        clients.s3().put_object(Bucket=clients.bucket(), Key=raw_key(NIGHT, name), Body=data)
    spans = []
    while not quiet.load().idle:
        for block in topology.BLOCKS:
            answer = clients.sqs().receive_message(
                QueueUrl=queues.queue_url(block.queue),
                WaitTimeSeconds=int(block is topology.BLOCKS[-1]),  # nothing due at all: COMBINE waits for members
                MessageSystemAttributeNames=["All"],
            )
            for message in answer.get("Messages", ()):
                spans.append(delivered(block, message, copies))
    return spans


def delivered(block: topology.Block, message: dict[str, Any], copies: Sequence[Invoke]) -> list[tuple[float, float]]:
    arn = f"arn:aws:sqs:us-east-1:123456789012:{block.queue}"
    request = {"block": block.name, "event": lambda_event(message, arn), "memory": block.memory, "request_id": "r"}

    def run(copy: Invoke) -> tuple[float, float]:
        started = time.monotonic()
        result = copy(request | {"timeout": block.timeout})
        assert result["outcome"] == "ok", result
        return started, time.monotonic()

    spans = at_once([lambda copy=copy: run(copy) for copy in copies])
    clients.sqs().delete_message(QueueUrl=queues.queue_url(block.queue), ReceiptHandle=message["ReceiptHandle"])
    return spans


@pytest.fixture
def fresh_server(moto: MotoServer) -> Iterator[Callable[[], None]]:
    """Makes everything anew in a second server, as often as asked (``moto`` puts the environment back)."""
    servers: list[MotoServer] = []

    def start() -> None:
        for server in servers:
            server.stop()
        servers[:] = [MotoServer()]
        environment.configure(servers[0].url, "goodman-test")
        clients.forget()
        queues.forget()
        codes.forget()
        everything()

    yield start
    for server in servers:
        server.stop()
    codes.forget()


def end_state() -> list[tuple[Any, ...]]:
    """Every visible record, without what the order of ids and the clock decide, and the bytes behind it."""
    names = ("file_name", "data_type", "status", "status_reason", "provisional", "sha256", "run_key", "night", "scope")
    state = []
    for row in _scan("files"):
        if not row.get("retired"):
            stored = clients.s3().get_object(Bucket=clients.bucket(), Key=row["key"])["Body"].read()
            inputs = sorted((i["role"], items.get("files", {"id": i["id"]})["file_name"]) for i in row["inputs"])
            state.append((*(row.get(name) for name in names), len(stored), str(inputs)))
    return sorted(state, key=repr)


@pytest.mark.long
def test_twins_in_processes_reduce_one_night(fresh_server, reference_bundle):
    import app

    night = [
        (name, data)
        for name, data, _ in simulated(
            small_night("930_M4", seed=5, n_bias=3, n_flat=3, n_science=1, arc_binning=(2, 2))
        )
    ]
    meter = worker.AwsMeter()
    fresh_server()
    played(night, [lambda request: worker.invoke(app, request, meter)])
    expected = end_state()
    statuses = Counter(row[2] for row in expected)
    assert statuses.keys() == {"done"}, expected
    assert {row[1] for row in expected} == {"0", "1", "2", "3", "4"}

    fresh_server()
    twins = [Worker(["--number", str(number)]) for number in range(2)]
    try:
        at_once([twin.start for twin in twins])
        spans = played(night, [twin.invoke for twin in twins])
    finally:
        for twin in twins:
            twin.kill()
    assert len(spans) > 2 * len(night)
    overlapping = sum(first[0] < second[1] and second[0] < first[1] for first, second in spans)
    assert overlapping > len(spans) / 2  # at the same time, indeed; a busy machine may start one of a pair late
    assert end_state() == expected
    assert_no_id_is_used_twice()
    counts: Counter[tuple[str, int, str]] = Counter()
    for row in _scan("files"):
        if not row.get("retired"):
            counts[row["scope"], row["night"], codes.encode(facets.of(row))] += 1
    ledger = {
        (row["proposal"], row["night"], name.removeprefix(publish.COUNT)): number
        for row in _scan("ledger")
        for name, number in row.items()
        if name.startswith(publish.COUNT) and number
    }
    assert ledger == counts
    assert lost_or_open() == []


def lost_or_open() -> list[str]:
    return [*subjects.open_subjects(), *["lost"] * quiet.lost_messages()]


# --- the single doors, with many at once ------------------------------------------------------------------------------

MANY = 8


@pytest.fixture
def store(moto: MotoServer) -> Iterator[None]:
    codes.forget()
    tables.create_all()
    yield
    codes.forget()


def test_of_many_who_take_one_subject_one_holds_it(store):
    for round_ in range(5):
        subject = subjects.frame_subject(NIGHT * 100000 + round_)
        leases = [lease for lease in at_once([lambda: subjects.take(subject, 100)] * MANY) if lease]
        assert len(leases) == 1
        assert subjects.read(subject)["nudges"] == MANY
        outcomes = at_once([lambda: subjects.release(leases[0], settled=True)] * 2)
        if outcomes == [False, False]:  # others nudged after it was taken
            subjects.refresh(leases[0])
            assert subjects.release(leases[0], settled=True)
        assert "open" not in subjects.read(subject)


def test_many_ask_for_ids_at_once(store):
    same = at_once([lambda: identities.identify("raw#one", NIGHT)] * MANY)
    assert len(set(same)) == 1
    others = at_once([lambda n=n: identities.identify(f"raw#{n}", NIGHT) for n in range(MANY)])
    assert len({*same, *others}) == MANY + 1


def test_many_new_values_get_a_code_each(store):
    values = [f"GRATING {n}" for n in range(MANY)] * 2
    given = at_once([lambda value=value: codes.encode({"grating": value}) for value in values])
    assert given[:MANY] == given[MANY:]
    assert len(set(given)) == MANY
    codes.forget()
    assert [codes.decode(code)["grating"] for code in given] == values


def test_deltas_of_many_publications_add_up(store):
    def record(number: int) -> dict[str, Any]:
        return {"id": number, "night": NIGHT, "scope": "S", **dict.fromkeys(facets.FACETS), "status": f"s{number % 3}"}

    def publication(number: int) -> None:
        items.write(publish.record_operations([publish.Change(None, record(number))]))

    at_once([lambda n=n: [publication(10 * n + i) for i in range(5)] for n in range(MANY)])
    (ledger,) = _scan("ledger")
    assert ledger["n"] == ledger["v"] == 5 * MANY
    assert sum(v for k, v in ledger.items() if k.startswith(publish.COUNT)) == 5 * MANY
    assert len(_scan("listing")) == 5 * MANY
