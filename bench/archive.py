"""A synthetic archive behind the one-machine stack's API: for what only shows with hundreds of thousands of files.

The tables of ``bench.ledger`` (ledger, listing, records, facet codes) answer this process's reads just below boto3; all
else (accounts, proposals, events) goes to the stack as ever. Enter it before the first request, in a process of its
own: warm functions keep what they read.
"""

from __future__ import annotations

import json
from typing import Any, Self

from bench import ledger
from chalicelib.store import clients

TABLES = ("ledger", "listing", "files")


class Archive:
    """About ``files`` files, from now on until left."""

    def __init__(self, files: int, seed: int) -> None:
        self.tables = ledger.filled(files, seed)
        everything = [row for nights in self.tables.rows.values() for row in nights.values()]
        self.files = sum(sum(row.counts.values()) for row in everything)

    def __enter__(self) -> Self:
        clients.dynamodb().meta.events.register_first("before-send.dynamodb", self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        clients.dynamodb().meta.events.unregister("before-send.dynamodb", self._answer)

    def _answer(self, request: Any, **_: Any) -> Any:
        asked = json.loads(request.body)
        operation = request.headers["X-Amz-Target"].decode().split(".")[1]
        if operation == "GetItem":
            mine = asked["TableName"].endswith("counters") and asked["Key"].get("counter", {}).get("S") == "codes"
        else:
            tables = list(asked.get("RequestItems") or ()) or [asked.get("TableName", "")]
            mine = operation in ("Query", "Scan", "BatchGetItem") and all(name.endswith(TABLES) for name in tables)
        return self.tables.answer(request) if mine else None
