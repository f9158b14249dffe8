"""Make moto's SQS keep every message under several clients at once, and its long polls sleep.

* **A message can be lost**: deleting one rebuilds the queue's list while another thread appends to the old list. Here
  each call holds the queue's own lock.
* **A message can go to two receivers at once**, for the same reason.
* **A long poll looks once a second.** Here it sleeps until a message is sent or the next one is due.
* **A message is handed to a client that has hung up** and then hidden for the whole visibility timeout (a killed pump
  leaves its long polls behind). Here the connection is looked at first.
* **Every receive counts all messages**, four times, to learn how long a queue keeps them. Here the queue is asked.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from infra.local.patches import Patches, Replacement

_original = Patches()


def _next_due(queue: Queue) -> float | None:
    """Milliseconds since the epoch at which the next message becomes visible, or None if none will."""
    return min((max(m.visible_at, m.delayed_until) for m in queue._messages), default=None)


def _hung_up() -> bool:
    """Whether the HTTP client of the request being served has closed its connection."""
    from flask import has_request_context, request

    connection = request.environ.get("werkzeug.socket") if has_request_context() else None
    if connection is None:
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def _receive_message(
    backend: SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    queue = backend.get_queue(queue_name)
    deadline = time.time() + wait_seconds_timeout
    with queue._messages_lock:
        while True:
            if _hung_up():
                return []
            messages = _original[SQSBackend, "receive_message"](
                backend, queue_name, count, 0, visibility_timeout, message_attribute_names
            )
            now = time.time()
            if messages or now >= deadline or backend.queues.get(queue_name) is not queue:
                return messages
            due = _next_due(queue)
            # moto calls a message visible once the clock is past its due time, in milliseconds: hence the one more.
            until = deadline if due is None else min(deadline, (due + 1) / 1000)
            queue._messages_lock.wait(max(until - now, 0.001))


def _under_queue_lock(name: str) -> Callable[..., Any]:
    def method(backend: SQSBackend, queue_name: str, *args: Any, **kwargs: Any) -> Any:
        queue = backend.get_queue(queue_name)
        with queue._messages_lock:
            try:
                return _original[SQSBackend, name](backend, queue_name, *args, **kwargs)
            finally:
                queue._messages_lock.notify_all()  # a message may have become visible sooner than sleepers expect

    return method


def _queue_attributes(backend: SQSBackend, queue_name: str, attribute_names: list[str]) -> dict[str, Any]:
    with backend.get_queue(queue_name)._messages_lock:
        return _original[SQSBackend, "get_queue_attributes"](backend, queue_name, attribute_names)


def _kept(backend: SQSBackend, queue_name: str, message: Message) -> bool:
    return backend.get_queue(queue_name).message_retention_period + message.sent_timestamp / 1000 > time.time()  # type: ignore


def messages_in(queue_name: str, region: str = "us-east-1") -> int:
    """Messages of a queue, visible, in flight or delayed; asked without HTTP, to be asked often."""
    queue = sqs_backends[DEFAULT_ACCOUNT_ID][region].get_queue(queue_name)
    with queue._messages_lock:
        return len(queue._messages)


def bodies_in(queue_name: str, region: str = "us-east-1") -> list[tuple[str, int]]:
    """Body of each message of a queue and how often it was received in all."""
    queue = sqs_backends[DEFAULT_ACCOUNT_ID][region].get_queue(queue_name)
    with queue._messages_lock:
        return [(message.body, message.approximate_receive_count) for message in queue._messages]


def oldest_in(queue_name: str, region: str = "us-east-1") -> float | None:
    """When the oldest message of a queue was sent, visible, in flight or delayed, in seconds since the epoch."""
    queue = sqs_backends[DEFAULT_ACCOUNT_ID][region].get_queue(queue_name)
    with queue._messages_lock:
        return min((message.sent_timestamp / 1000 for message in queue._messages), default=None)  # type: ignore


_REPLACEMENTS: list[Replacement] = [
    (SQSBackend, "receive_message", _receive_message),
    (SQSBackend, "get_queue_attributes", _queue_attributes),
    (SQSBackend, "is_message_valid_based_on_retention_period", _kept),
    *(
        (SQSBackend, name, _under_queue_lock(name))
        for name in ("send_message", "delete_message", "change_message_visibility", "purge_queue")
    ),
]


def install() -> None:
    """Patch moto's SQS in this process; a second call does nothing."""
    _original.install(_REPLACEMENTS)


def uninstall() -> None:
    """Undo :func:`install`."""
    _original.uninstall()
