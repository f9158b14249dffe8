"""Injected faults do what they say: what is refused was not done, what is lost was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ResponseStreamingError

from chalicelib.store import clients, items, objects, queues
from infra.local import faults
from infra.local.faults import CONFLICT, CUT, IN_PROGRESS, LOST, RESET, SLOW_DOWN, THROTTLED, Chances, Evenly, Faults
from infra.simulate import build_night, small_night
from tests.local.hurry import hurry
from tests.local.test_command import command
from tests.local.test_kill import end_state
from tests.protocol.frames import frames
from tests.protocol.world import World

KEY = {"counter": "c"}
ADD = {"key": KEY, "update": "ADD #n :one", "values": {"one": 1}, "names": {"#n": "n"}}
"""A write that shows in the item how often it was done."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clients that report every error at once."""
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    for name, value in list(vars(clients).items()):
        if isinstance(value, Config):
            monkeypatch.setattr(clients, name, value.merge(once))
    clients.forget()
    yield
    clients.forget()


def script(*kinds: str | None, only: tuple[str, ...] = ()) -> Faults:
    return Faults(faults.Script(kinds, only=only))


def count() -> int:
    return (items.get("counters", KEY) or {}).get("n", 0)


def add_by_update() -> None:
    (single,) = items.operation("Update", "counters", **ADD).values()
    del single["ReturnValuesOnConditionCheckFailure"]
    clients.dynamodb().update_item(**single)


def add_by_transaction() -> None:
    clients.dynamodb().transact_write_items(
        TransactItems=[
            items.operation("Update", "counters", **ADD),
            items.operation("Put", "identities", item={"identity": "i"}),
        ],
        ClientRequestToken="t" * 32,
    )


@pytest.mark.parametrize(
    ("kind", "add", "code"),
    [
        (CONFLICT, add_by_update, "TransactionConflictException"),
        (CONFLICT, add_by_transaction, "TransactionCanceledException"),
        (IN_PROGRESS, add_by_transaction, "TransactionInProgressException"),
        (THROTTLED, add_by_update, "ProvisionedThroughputExceededException"),
        (THROTTLED, add_by_transaction, "ThrottlingException"),
    ],
)
def test_what_is_refused_is_not_done(aws, impatient, kind, add, code):
    with script(kind) as injected, pytest.raises(ClientError) as refused:
        add()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.type is not ClientError  # botocore's own class for it, as a real refusal has
    assert count() == 0
    assert injected.by_kind() == {kind: 1}
    add()
    assert count() == 1


def test_a_cancelled_transaction_says_which_item_was_held(aws, impatient):
    with script(CONFLICT), pytest.raises(ClientError) as refused:
        add_by_transaction()
    assert [reason["Code"] for reason in refused.value.response["CancellationReasons"]] == [
        "None",
        "TransactionConflict",
    ]


@pytest.mark.parametrize(("kind", "done"), [(RESET, 0), (LOST, 1)])
def test_a_broken_connection_hides_whether_it_was_done(aws, impatient, kind, done):
    with script(kind), pytest.raises(ConnectionClosedError):
        add_by_update()
    assert count() == done


@pytest.mark.parametrize("over_http", [False, True], ids=["in this process", "server"])
def test_botocore_replays_what_was_lost(request, monkeypatch, over_http):
    if over_http:
        request.getfixturevalue("moto")
        from chalicelib.store import tables

        tables.create_all()
    else:
        request.getfixturevalue("aws")
    hurry(monkeypatch)
    with script(LOST, LOST, None):
        add_by_update()
    assert count() == 3
    with script(LOST, LOST, None):
        add_by_transaction()
    assert count() == 4  # its token makes it one


def test_an_objects_bytes_end_in_the_middle(aws, impatient):
    objects.store("raw/1/a", b"x" * 1000)
    with script(CUT):
        stream = clients.s3().get_object(Bucket=clients.bucket(), Key="raw/1/a")["Body"]
        assert stream.read(300) == b"x" * 300
        assert stream.read(300) == b"x" * 200
        with pytest.raises(ResponseStreamingError):
            stream.read(300)
    with script(CUT), pytest.raises(ResponseStreamingError):
        objects.fetch("raw/1/a", hashlib.sha256(b"x" * 1000).hexdigest(), keep=False)


def test_objects_and_messages_are_refused_too(aws, impatient):
    clients.sqs().create_queue(QueueName="goodman-ingest")
    queues.forget()
    with script(SLOW_DOWN), pytest.raises(ClientError, match="SlowDown"):
        objects.store("raw/1/a", b"x")
    assert objects.open_raw("raw/1/a") is None
    url = queues.queue_url("goodman-ingest")
    with script(THROTTLED), pytest.raises(ClientError, match="RequestThrottled"):
        queues.send("ingest", "frame#1")
    with script(LOST), pytest.raises(ConnectionClosedError):
        queues.send("ingest", "frame#1")
    assert len(clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])) == 1


def test_what_cannot_happen_to_a_request_does_not(aws):
    with script(CUT, SLOW_DOWN, IN_PROGRESS) as injected:
        for _ in range(3):
            add_by_update()
    assert count() == 3
    assert injected.attempts == 3 and not injected.injected


def test_rates_are_kept_and_a_seed_repeats_them(aws, impatient):
    def run(choose: Any) -> Faults:
        with Faults(choose) as injected:
            for _ in range(400):
                try:
                    items.get("counters", KEY)
                except (BotoCoreError, ClientError):
                    pass
        return injected

    first, second = (run(Chances({LOST: 0.1, RESET: 0.2, CUT: 0.5}, 7)) for _ in range(2))
    assert first.injected == second.injected
    assert first.injected != run(Chances({LOST: 0.1, RESET: 0.2}, 8)).injected
    assert set(first.by_kind()) == {LOST, RESET}
    assert 0.05 < first.by_kind()[LOST] / first.attempts < 0.15
    assert 0.15 < first.by_kind()[RESET] / first.attempts < 0.25
    assert set(run(Evenly(0.3, 1)).by_kind()) == {LOST, RESET, THROTTLED}
    assert not run(Evenly(0.0, 1)).injected


@pytest.mark.parametrize("rates", [{"rain": 0.1}, {LOST: -0.1}, {LOST: 0.6, RESET: 0.6}])
def test_impossible_rates_are_refused(rates):
    with pytest.raises(ValueError):
        Chances(rates, 1)


def test_only_one_injects_at_a_time_and_leaves_botocore_as_it_was(aws):
    with script(), pytest.raises(RuntimeError, match="already"):
        script().install()
    with script(RESET) as injected, injected.spared():
        add_by_update()
    add_by_update()
    assert count() == 2


def test_workers_are_asked_through_their_environment():
    environ: dict[str, str] = {}
    assert faults.from_environment(0, environ) is None
    faults.ask_workers(0.25, 3, environ)
    drawn = []
    for number in (0, 1, 0):
        asked = faults.from_environment(number, environ)
        assert asked is not None
        drawn.append([asked._choose(faults.Call("dynamodb", "UpdateItem")) for _ in range(200)])
    assert drawn[0] == drawn[2] != drawn[1]
    assert 0.15 < 1 - drawn[0].count(None) / 200 < 0.35


@pytest.mark.parametrize("chance", ["0.9", "-0.1", "often"])
def test_a_chance_that_is_none_is_refused_in_a_sentence(chance, capsys):
    from infra.local.__main__ import parser

    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["process", "raw", "--out", "out", f"--faults={chance}"])
    assert ended.value.code == 2
    assert "from 0 to 0.5" in capsys.readouterr().err


RATES = {CONFLICT: 0.05, IN_PROGRESS: 0.08, THROTTLED: 0.03, RESET: 0.03, LOST: 0.06}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 8))])
def test_a_night_full_of_faults_ends_as_a_calm_one(aws, monkeypatch, seed):
    """Stand-in science, every DynamoDB request at risk, messages shuffled and doubled on top."""
    hurry(monkeypatch)
    snapshots = []
    for faulty in (False, True):
        with pytest.MonkeyPatch.context() as patches:
            world = World(patches, seed, moto=faulty)
            for key, data in frames().items():
                world.upload(key, data)
            if faulty:
                with Faults(Chances(RATES, seed)) as injected:
                    world.settle(shuffle=True, duplicate=0.1)
            else:
                world.settle()
            world.errors.clear()  # of requests that failed more often than botocore tries
            world.check()
            snapshots.append(world.snapshot())
    assert snapshots[0] == snapshots[1]
    assert set(injected.by_kind()) == set(RATES)
    assert sum(injected.by_kind().values()) > 100


@pytest.mark.long
def test_a_folder_processed_among_faults_gives_the_same_products(tmp_path: Path):
    """The whole way with the real science, in the workers, S3 and SQS included."""
    raw = tmp_path / "raw"
    build_night(raw, plan=small_night("930_M4", seed=3))
    states = []
    for out, options in ((tmp_path / "calm", ()), (tmp_path / "faulty", ("--faults", "0.05", "--seed", "3"))):
        process = command("process", raw, "--out", out, "--json", *options)
        text, err = process.communicate(timeout=600)
        assert process.returncode == 0, err + text
        report = json.loads(text)
        assert report["problems"] == []
        assert bool(options) == (sum(report["faults"].values()) > 20)
        states.append(end_state(out))
    assert states[0] == states[1]
