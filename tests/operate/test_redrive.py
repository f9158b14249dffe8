"""Messages nobody could handle go back to where they belong, and none is lost on the way."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain import topology
from chalicelib.domain.bulk import BulkWork
from chalicelib.store import clients
from chalicelib.store import queues as store_queues
from infra.operate import redrive
from tests.operate.conftest import Observatory
from tests.protocol.frames import NIGHT

LOST = topology.UNDELIVERABLE_QUEUE
RAW = {"key": f"raw/{NIGHT}/0007_star.fits"}
FRAME = {"subject": f"frame#{NIGHT}00007"}
POOL = {"subject": f"pool#bias|x#{NIGHT}"}
WORK = {"subjects": [FRAME["subject"]], "reprocess": True, "actor": "staff", "tries": 4}
PRODUCT = f"extracted/{NIGHT}/{NIGHT}00009/{'a' * 12}/e.fits"
EVENT = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": PRODUCT}}}]}


def message(body, source: str | None = None) -> dict:
    arn = {"DeadLetterQueueSourceArn": f"arn:aws:sqs:us-east-1:123456789012:{source}"} if source else {}
    return {"Body": body if isinstance(body, str) else json.dumps(body), "Attributes": arn}


@pytest.mark.parametrize(
    ("given", "queue"),
    [
        (message(FRAME, "goodman-wavelength"), "goodman-wavelength"),
        (message(FRAME, "goodman-deadletter"), "goodman-reduce"),  # tried anew, not recorded as failed
        (message("strange", "goodman-extract"), "goodman-extract"),
        (message("strange", "goodman-deadletter"), "goodman-deadletter"),
        (message("strange", "somebody-elses"), None),
        (message(RAW), "goodman-ingest"),
        (message(FRAME), "goodman-reduce"),
        (message(POOL), "goodman-combine"),
        (message(EVENT), "goodman-reduce"),
        (message(WORK), "goodman-bulk"),
        (message("strange"), None),
        (message({"Event": "s3:TestEvent"}), None),
    ],
)
def test_where_a_message_belongs(given, queue):
    assert redrive.source_of(given) == queue


def test_everything_goes_back_and_is_gone_from_here(observatory: Observatory, operate):
    for body in (RAW, FRAME, POOL, WORK, *({"subject": f"frame#{n}"} for n in range(30))):
        observatory.send(LOST, body)
    answer = operate("redrive")
    assert answer.code == 0
    assert (
        "34 message(s) were sent back: 1 to goodman-bulk, 1 to goodman-combine, 1 to goodman-ingest, 31" in answer.out
    )
    assert observatory.take("goodman-ingest") == [RAW]
    assert observatory.take("goodman-combine") == [POOL]
    assert len(observatory.take("goodman-reduce")) == 31
    (work,) = observatory.take("goodman-bulk")
    assert BulkWork.parse(json.dumps(work)) == BulkWork((FRAME["subject"],), reprocess=True, actor="staff")
    assert store_queues.counts(LOST) == (0, 0, 0)


def test_looking_moves_nothing(observatory, operate):
    for body in (RAW, FRAME, "strange"):
        observatory.send(LOST, body)
    answer = operate("redrive", "--dry-run")
    assert answer.code == 3
    assert "2 message(s) would be sent back: 1 to goodman-ingest, 1 to goodman-reduce." in answer.out
    assert store_queues.counts(LOST) == (3, 0, 0), "they can be seen again at once"
    assert store_queues.counts("goodman-ingest") == (0, 0, 0)


def test_what_nobody_understands_stays_until_told_otherwise(observatory, operate):
    observatory.send(LOST, "strange")
    observatory.send(LOST, FRAME)
    answer = operate("redrive")
    assert answer.code == 3
    assert "of no known queue: strange" in answer.out
    assert store_queues.counts(LOST) == (1, 0, 0)
    answer = operate("redrive", "--drop-unknown")
    assert answer.code == 0
    assert "Deleted: strange" in answer.err
    assert store_queues.counts(LOST) == (0, 0, 0)


def test_a_message_is_sent_before_it_is_removed(observatory, operate, monkeypatch):
    """Interrupted between the two, it is in both queues: twice is harmless, never is not."""
    observatory.send(LOST, FRAME)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(redrive, "_delete", interrupted)
    with pytest.raises(KeyboardInterrupt):
        operate("redrive")
    assert observatory.take("goodman-reduce") == [FRAME]
    assert store_queues.counts(LOST) == (0, 1, 0), "still there, hidden for a while"


def test_what_fails_again_meanwhile_is_left_for_the_next_time(observatory, operate, monkeypatch):
    observatory.send(LOST, FRAME)
    send = redrive._send

    def failing_at_once(queue, body):
        send(queue, body)
        observatory.send(LOST, body)

    monkeypatch.setattr(redrive, "_send", failing_at_once)
    assert operate("redrive").code == 0
    assert store_queues.counts(LOST)[0] == 1


def test_dead_letters_can_be_sent_back_before_they_are_recorded(observatory, operate):
    observatory.send("goodman-deadletter", FRAME)
    assert "Nothing was done" in operate("redrive", "--queue", "goodman-deadletter", "--dry-run").out
    (there,) = clients.sqs().receive_message(
        QueueUrl=store_queues.queue_url("goodman-deadletter"), AttributeNames=["All"], VisibilityTimeout=0
    )["Messages"]
    assert there["Attributes"]["ApproximateReceiveCount"] == "1", "looking did not count as a delivery"
    assert operate("redrive", "--queue", "goodman-deadletter").code == 0
    assert observatory.take("goodman-reduce") == [FRAME]


def test_nothing_to_do_is_said(observatory, operate):
    answer = operate("redrive")
    assert (answer.code, answer.out) == (0, "No message of goodman-undeliverable has a queue to go back to.\n")
