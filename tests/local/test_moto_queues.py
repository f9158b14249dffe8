"""moto's SQS as the pump uses it: nothing lost, nothing delivered twice, waiting costs nothing."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from infra.local.moto_server import MotoServer
from tests.local.test_pump import until


@pytest.fixture
def eager_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def queue(sqs: Any, name: str = "q", **attributes: str) -> str:
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def receive(sqs: Any, url: str, wait: int = 0) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    return answer.get("Messages", [])


def test_no_message_is_lost_or_given_to_two(sqs, eager_threads):
    """Sent, received and deleted at once: moto alone loses what is sent while another message is deleted."""
    url, senders, each = queue(sqs), 4, 300
    backend = sqs_backends["123456789012"]["us-east-1"]
    got: list[str] = []
    done = threading.Event()

    def send(thread: int) -> None:
        for turn in range(each):
            backend.send_message("q", f"{thread}-{turn}")

    def take() -> None:
        while True:
            last = done.is_set()
            messages = backend.receive_message("q", 10, 0, 30)
            for message in messages:
                got.append(message.body)
                backend.delete_message("q", message.receipt_handle)
            if last and not messages:
                return

    with ThreadPoolExecutor(2 * senders) as pool:
        sending = [pool.submit(send, thread) for thread in range(senders)]
        taking = [pool.submit(take) for _ in range(senders)]
        for sender in sending:
            sender.result()
        done.set()
        for taker in taking:
            taker.result()
    assert sorted(got) == sorted(f"{thread}-{turn}" for thread in range(senders) for turn in range(each))
    assert receive(sqs, url) == []


def test_a_long_poll_wakes_for_a_message_and_for_one_that_comes_due(sqs):
    url = queue(sqs)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receive, sqs, url, 20)
        started = time.monotonic()
        sqs.send_message(QueueUrl=url, MessageBody="at once")
        assert waiting.result()[0]["Body"] == "at once"
        assert time.monotonic() - started < 5
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
    started = time.monotonic()
    assert receive(sqs, url, 20)[0]["Body"] == "later"
    assert 0.9 < time.monotonic() - started < 6


def test_waiting_costs_no_cpu(sqs):
    """Six idle long polls of three seconds; a busy loop would take seconds of CPU."""
    urls = [queue(sqs, f"q{number}") for number in range(6)]
    before = time.process_time()
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda url: receive(sqs, url, 3), urls)) == [[]] * 6
    assert time.process_time() - before < 0.8


def test_a_message_is_not_given_to_a_client_that_hung_up(moto: MotoServer, sqs):
    """A killed pump leaves its long polls behind: they must not swallow the next message for minutes."""
    url = queue(sqs)
    host, port = moto.url.removeprefix("http://").split(":")
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
    request = (
        f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        "X-Amz-Target: AmazonSQS.ReceiveMessage\r\nAuthorization: AWS4-HMAC-SHA256 "
        "Credential=testing/20180204/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    lock = sqs_backends["123456789012"]["us-east-1"].get_queue("q")._messages_lock
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request + body)
        until(lambda: lock._waiters)  # the long poll has begun
    sqs.send_message(QueueUrl=url, MessageBody="precious")
    assert [message["Body"] for message in receive(sqs, url, 5)] == ["precious"]


def test_back_off_and_dead_letters(sqs):
    """A message hidden for a while comes back counted; after the last delivery it goes to the dead letters."""
    dead = queue(sqs, "dead")
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = queue(sqs, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2}))
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    for count in ("1", "2"):
        (message,) = receive(sqs, url, 5)
        assert message["Attributes"]["ApproximateReceiveCount"] == count
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=1)
    assert receive(sqs, url, 3) == []
    assert [message["Body"] for message in receive(sqs, dead, 5)] == ["poison"]
