"""What Lambda's event source mapping does: long-poll the queues, invoke the handlers, delete or let return.

A process of its own that can be killed at any moment: it keeps nothing. One thread a queue receives one message at a
time, one thread a worker process runs them, oldest message first. A message whose handler returns is deleted; one
whose handler raises, overruns its time or loses its process stays and becomes visible again by itself.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain import topology
from chalicelib.store import clients

LONG_POLL = 20
START_SECONDS = 120
RETRY_SECONDS = 0.5


@dataclass(order=True)
class Delivery:
    """One received message on its way to a worker: what somebody waits for first, then by when it was sent."""

    later: bool
    sent: int
    number: int
    block: topology.Block = field(compare=False)
    queue_url: str = field(compare=False)
    message: dict[str, Any] = field(compare=False)
    taken: threading.Event = field(compare=False, default_factory=threading.Event)


class Waiting:
    """Deliveries that wait for a worker; the oldest goes first."""

    def __init__(self) -> None:
        self._heap: list[Delivery] = []
        self._changed = threading.Condition()

    def put(self, delivery: Delivery) -> None:
        """Add one and wake a worker."""
        with self._changed:
            heapq.heappush(self._heap, delivery)
            self._changed.notify()

    def take(self) -> Delivery:
        """The oldest delivery, as soon as there is one."""
        with self._changed:
            self._changed.wait_for(lambda: self._heap)
            delivery = heapq.heappop(self._heap)
        delivery.taken.set()
        return delivery


class WorkerLost(Exception):
    """The worker's process ended or overran its time; it must be started again."""


class Worker:
    """A worker process (:mod:`infra.local.worker`, started with ``arguments``) and the channel to it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process and wait until it is warm."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.worker", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer(START_SECONDS)

    def invoke(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one invocation; raises :class:`WorkerLost` when it overruns or dies."""
        if self._process is None:
            self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except OSError as error:
            self.kill()
            raise WorkerLost("died") from error
        return self._answer(request["timeout"])

    def _answer(self, seconds: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if readable else None
        if not line:
            self.kill()
            raise WorkerLost("timeout" if line is None else "died")
        return json.loads(line)

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def lambda_event(message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
    """The event Lambda makes of one SQS message."""
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": message.get("MessageAttributes", {}),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": clients.REGION,
    }
    return {"Records": [record]}


def subject_of(body: str) -> str:
    """What a message is about, for the invocation log: the object's key or the nudged subject, else its beginning."""
    try:
        content = json.loads(body)
        if content.get("Records"):
            return unquote_plus(content["Records"][0]["s3"]["object"]["key"])
        return str(content.get("subject") or content.get("Event") or body[:120])
    except (ValueError, AttributeError, KeyError, TypeError, IndexError):
        return body[:120]


class Pump:
    """Receives from every block's queue and runs the handlers in worker processes.

    Parameters
    ----------
    workers : sequence of Worker
        As many invocations run at once.
    log : Path
        Gets one JSON line an invocation.
    """

    def __init__(self, workers: Sequence[Worker], log: Path) -> None:
        self._workers = workers
        self._waiting = Waiting()
        self._numbers = itertools.count()
        self._log = log.open("a", buffering=1)
        self._log_lock = threading.Lock()
        self._slots = {block.name: threading.Semaphore(block.concurrency) for block in topology.BLOCKS}
        config = Config(
            retries={"mode": "standard", "max_attempts": 2}, max_pool_connections=64, read_timeout=LONG_POLL + 40
        )
        self._sqs = boto3.client("sqs", region_name=clients.REGION, endpoint_url=clients.endpoint_url(), config=config)

    def run(self) -> None:
        """Start the workers, say so, and pump until standard input ends.

        Raises
        ------
        WorkerLost
            A worker cannot start: the application does not import.
        """
        with ThreadPoolExecutor(len(self._workers)) as starting:
            list(starting.map(Worker.start, self._workers))
        for worker in self._workers:
            threading.Thread(target=self._work, args=(worker,), daemon=True).start()
        for block in topology.BLOCKS:
            threading.Thread(target=self._poll, args=(block,), daemon=True).start()
        print(json.dumps({"ready": os.getpid()}), flush=True)
        sys.stdin.read()

    def _poll(self, block: topology.Block) -> None:
        url = None
        while True:
            slots = self._slots[block.name]
            slots.acquire()
            try:
                url = url or self._sqs.get_queue_url(QueueName=block.queue)["QueueUrl"]
                answer = self._sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=1,
                    WaitTimeSeconds=LONG_POLL,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            except (BotoCoreError, ClientError) as error:
                print(f"pump: {block.queue}: {error}", file=sys.stderr)
                slots.release()
                time.sleep(RETRY_SECONDS)
                continue
            messages = answer.get("Messages", [])
            if not messages:
                slots.release()
                continue
            sent = int(messages[0].get("Attributes", {}).get("SentTimestamp", 0))
            delivery = Delivery(not block.urgent, sent, next(self._numbers), block, url, messages[0])
            self._waiting.put(delivery)
            delivery.taken.wait()

    def _work(self, worker: Worker) -> None:
        while True:
            delivery = self._waiting.take()
            try:
                self._deliver(worker, delivery)
            except (BotoCoreError, ClientError) as error:  # the delete failed: the message will come again
                print(f"pump: {delivery.block.queue}: {error}", file=sys.stderr)
            finally:
                self._slots[delivery.block.name].release()

    def _deliver(self, worker: Worker, delivery: Delivery) -> None:
        block, message = delivery.block, delivery.message
        arn = f"arn:aws:sqs:{clients.REGION}:123456789012:{block.queue}"
        request = {
            "block": block.name,
            "event": lambda_event(message, arn),
            "timeout": block.timeout,
            "memory": block.memory,
            "request_id": str(uuid.uuid4()),
        }
        started = time.time()
        try:
            result = worker.invoke(request)
        except WorkerLost as loss:
            result = {"outcome": str(loss), "error": f"the worker {loss}", "wall": time.time() - started}
        if result["outcome"] == "ok":
            self._sqs.delete_message(QueueUrl=delivery.queue_url, ReceiptHandle=message["ReceiptHandle"])
        self._record(
            {
                "block": block.name,
                "subject": subject_of(message["Body"]),
                "request_id": request["request_id"],
                "message_id": message["MessageId"],
                "receives": int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
                "sent": delivery.sent / 1000,
                "started": started,
                **result,
            }
        )

    def _record(self, line: dict[str, Any]) -> None:
        with self._log_lock:
            print(json.dumps(line), file=self._log)


def main(command: list[str] | None = None) -> None:
    """Run the pump until its standard input ends or it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", default="app", help="module whose attributes are the handlers")
    parser.add_argument("--workers", type=int, default=os.process_cpu_count() or 1)
    parser.add_argument("--cold", action="store_true", help="workers import nothing before the first call needs it")
    parser.add_argument("--log", type=Path, required=True, help="gets one JSON line an invocation")
    options = parser.parse_args(command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the stack ends its own children
    try:
        arguments = ["--app", options.app, *(["--cold"] if options.cold else [])]
        workers = [Worker([*arguments, "--number", str(number)]) for number in range(options.workers)]
        Pump(workers, options.log).run()
    except WorkerLost as error:
        print(f"pump: a worker could not start ({error}); what it said is above", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)  # daemon threads may be in the middle of a long poll or an invocation: nobody waits for them


if __name__ == "__main__":
    main()
