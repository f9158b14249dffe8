"""Handlers for tests of the pump: they do what the message says and leave a note of the invocation in the bucket."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from chalicelib.store import clients


def ingest(event: dict[str, Any], context: Any) -> None:
    """Obey the message: ``{"subject": name, "do": "note" | "raise" | "die" | "hang"}``."""
    (record,) = event["Records"]
    message = json.loads(record["body"])
    if "subject" not in message:
        return
    number = int(record["attributes"]["ApproximateReceiveCount"])
    note = {
        "record": record,
        "function": context.function_name,
        "memory": context.memory_limit_in_mb,
        "remaining": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
    }
    clients.s3().put_object(
        Bucket=clients.bucket(), Key=f"preview/{message['subject']}/{number}", Body=json.dumps(note).encode()
    )
    print("a handler may print")
    if message.get("do") == "raise" and number == 1:
        clients.sqs().change_message_visibility(
            QueueUrl=clients.sqs().get_queue_url(QueueName="goodman-ingest")["QueueUrl"],
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=1,
        )
        raise RuntimeError("asked to")
    if message.get("do") == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if message.get("do") == "hang":
        time.sleep(3600)


combine = reduce = extract = wavelength = asked = deadletter = bulk = pack = ingest
