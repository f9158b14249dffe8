"""DynamoDB's answers as their JSON has them, without botocore's parser.

botocore's parser and boto3's deserializer cost several microseconds an attribute each; a page of a list or a ledger has
tens of thousands of them. Here the request goes the usual way (signed, retried, errors raised), only the body of a
successful answer is kept from the parser and read with :mod:`json`. Everything the store reads comes this way;
:mod:`.items` makes plain values of it.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from . import clients

_HOOK = "goodman-live-body"
_BODY = "GoodmanBody"

_here = threading.local()
_hooked: weakref.WeakSet[Any] = weakref.WeakSet()


def call(operation: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a DynamoDB operation (``get_item``, ``query`` …) as JSON has it.

    Raises
    ------
    botocore.exceptions.ClientError
        As the client's own method does.
    """
    client = clients.dynamodb()
    if client not in _hooked:
        client.meta.events.register("before-parse.dynamodb", _keep_body, unique_id=_HOOK)
        _hooked.add(client)
    before, _here.wanted = getattr(_here, "wanted", False), True
    try:
        answer = getattr(client, operation)(**arguments)
    finally:
        _here.wanted = before  # a hook of the client may have called, too
    return json.loads(answer[_BODY])


def _keep_body(response_dict: dict, customized_response_dict: dict, **_: Any) -> None:
    """Called by botocore before it parses: hand the body on as it is, and leave nothing to parse."""
    if getattr(_here, "wanted", False) and response_dict["status_code"] == 200:
        customized_response_dict[_BODY] = response_dict["body"]
        response_dict["body"] = b"{}"


def pages(operation: str, **arguments: Any) -> Iterator[list[dict]]:
    """The items of a ``query`` or ``scan``, still in wire form, page by page."""
    while True:
        answer = call(operation, **arguments)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        # Keys hold strings and numbers only: their JSON form is what the client takes.
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
