"""S3 and SQS in memory: the clients below ``chalicelib.store.objects`` and ``chalicelib.store.queues``."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

from botocore.exceptions import ClientError

from chalicelib.domain import topology
from tests.protocol.memory import Violation, refusal

Execute = Callable[[], Any]
Guard = Callable[[str, Execute], Any]


@dataclass(eq=False)
class Message:
    """A message in a block's queue. ``failures`` counts the attempts that ended in an error."""

    due: float
    number: int
    block: str
    body: str
    failures: int = 0

    @property
    def order(self) -> tuple[float, int]:
        """First come, first served."""
        return self.due, self.number


@dataclass
class Queues:
    """The messages of all queues, with the methods of SQS's client that the store calls."""

    guard: Guard
    now: Callable[[], float]
    messages: list[Message] = field(default_factory=list)
    sent: int = 0

    def get_queue_url(self, *, QueueName: str) -> dict:
        return {"QueueUrl": f"memory:/{QueueName}"}

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0, **_: Any) -> dict:
        self.guard("sqs", lambda: self.put(_block(QueueUrl), MessageBody, DelaySeconds))
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict]) -> dict:
        if not 1 <= len(Entries) <= 10:
            raise AssertionError("a batch of messages has one to ten entries")

        def put() -> None:
            for entry in Entries:
                self.put(_block(QueueUrl), entry["MessageBody"], entry.get("DelaySeconds", 0))

        self.guard("sqs", put)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}

    def change_message_visibility(self, **_: Any) -> dict:
        return {}

    def get_queue_attributes(self, *, QueueUrl: str, **_: Any) -> dict:
        block = _block(QueueUrl)
        here = [m for m in self.messages if m.block == block]
        waiting = sum(m.due <= self.now() for m in here)
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(waiting),
                "ApproximateNumberOfMessagesNotVisible": "0",
                "ApproximateNumberOfMessagesDelayed": str(len(here) - waiting),
            }
        }

    def put(self, block: str, body: str, delay: float = 0) -> Message:
        """Put a message into the queue of ``block``, visible after ``delay`` seconds."""
        if not 0 <= delay <= 900:
            raise AssertionError(f"SQS delays a message by at most 900 s, not {delay}")
        self.sent += 1
        message = Message(self.now() + delay, self.sent, block, body)
        self.messages.append(message)
        return message

    def delete(self, message: Message) -> None:
        """Take a message out, if it is still there."""
        self.messages[:] = [m for m in self.messages if m is not message]

    def due(self) -> list[Message]:
        """The visible messages, the first first."""
        return sorted((m for m in self.waiting() if m.due <= self.now()), key=lambda m: m.order)

    def waiting(self) -> list[Message]:
        """All messages some block will get."""
        return [m for m in self.messages if m.block in topology.BLOCK]


def _block(url: str) -> str:
    """The block whose queue has this address; a queue that feeds none goes by its own name."""
    name = url.rsplit("/", 1)[-1]
    return next((block.name for block in topology.BLOCKS if block.queue == name), name)


@dataclass
class Bucket:
    """Versioned objects, with the methods of S3's client that the store calls; events go to ``queues``."""

    guard: Guard
    queues: Queues
    versions: dict[str, list[bytes]] = field(default_factory=dict)
    uploaded: dict[str, datetime] = field(default_factory=dict)

    exceptions = SimpleNamespace(NoSuchKey=ClientError, ClientError=ClientError)

    def upload(self, key: str, data: bytes) -> None:
        """An object from outside, with its event."""
        self.versions.setdefault(key, []).append(data)
        self.uploaded[key] = datetime.fromtimestamp(self.queues.now(), timezone.utc)
        self._tell(key)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> dict:
        def put() -> None:
            if self.versions.get(Key, [Body])[-1] != Body:
                raise Violation(f"{Key} was written twice with other bytes")
            self.versions[Key] = [Body]
            self.uploaded[Key] = datetime.fromtimestamp(self.queues.now(), timezone.utc)
            self._tell(Key)

        self.guard("s3", put)
        return {}

    def get_object(self, *, Bucket: str, Key: str, VersionId: str | None = None, **_: Any) -> dict:
        versions = self.versions.get(Key)
        if not versions:
            raise refusal("NoSuchKey", "GetObject")
        number = len(versions) - 1 if VersionId is None else int(VersionId)
        data = versions[number]
        return {
            "Body": io.BytesIO(data),
            "ContentLength": len(data),
            "LastModified": datetime.fromtimestamp(self.queues.now(), timezone.utc),
            "ETag": etag(data),
            "VersionId": str(number),
        }

    def head_object(self, **which: Any) -> dict:
        answer = self.get_object(**which)
        del answer["Body"]
        return answer

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate={"list_objects_v2": self._list, "list_object_versions": self._history}[name])

    def _list(self, *, Bucket: str, Prefix: str, **_: Any) -> Iterator[dict]:
        found = [(key, data[-1]) for key, data in sorted(self.versions.items()) if key.startswith(Prefix)]
        yield {
            "Contents": [
                {"Key": key, "ETag": etag(data), "Size": len(data), "LastModified": self.uploaded[key]}
                for key, data in found
            ]
        }

    def _history(self, *, Bucket: str, Prefix: str, **_: Any) -> Iterator[dict]:
        yield {
            "Versions": [
                {"Key": key, "ETag": etag(data), "VersionId": str(number), "IsLatest": data is versions[-1]}
                for key, versions in sorted(self.versions.items())
                if key.startswith(Prefix)
                for number, data in reversed(list(enumerate(versions)))
            ]
        }

    def _tell(self, key: str) -> None:
        for block in topology.BLOCKS:
            if any(key.startswith(prefix) for prefix in block.prefixes):
                self.queues.put(block.name, s3_event(key))

    def __getitem__(self, key: str) -> bytes:
        return self.versions[key][-1]


def etag(data: bytes) -> str:
    """S3's tag of an object's content, in the quotes S3 puts it in."""
    return f'"{hashlib.md5(data).hexdigest()}"'


def s3_event(key: str) -> str:
    """The body S3 sends for a created object; keys are URL-encoded, blanks as plus signs."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "goodman-live"}, "object": {"key": quote_plus(key, safe="/")}},
    }
    return json.dumps({"Records": [record]})


TEST_EVENT = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "goodman-live"})
