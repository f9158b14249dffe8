"""Which (scope, night) have changed since a moment: one query of the ledger's index ``changed``.

All ledger items have the same ``every``, so that the index holds them in the order in which they changed last. What a
query costs depends on how much changed, not on how much there is: half a read unit for some seventy items.

The constant hash key puts every entry into one partition, which takes 1,000 write units a second. Each publication
changes one or two ledger items (its scope's, for a calibration also the masters'), and an entry that moves costs two
units (taken out, put in). Forty publications a second, more than ten telescopes' worth, are so at most 160 units a
second; the limit is reached at 250. Beyond it DynamoDB refuses the publication's own write, which is then tried again:
late, not lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import items

EVERY = "1"
"""The value of ``every``."""

INDEX_LAG = 20_000
"""Milliseconds by which the index may be behind its table.

DynamoDB promises no bound: "normally a fraction of a second". What is asked of it here is that an item is shown as it
was at some moment within this time (while its entry moves, at its old place or its new one). Twenty seconds are some
forty times what is usual. An index that is further behind shows lists and counts later; the change feed would leave out
an event that was written in the excess, which the log and the file's own history still show.
"""


class Changed(NamedTuple):
    """A ledger item that has changed, and its version."""

    scope: str
    night: int
    v: int


def since(moment: int) -> Iterator[Changed]:
    """The ledger items with ``changed``, in milliseconds, not before ``moment``, those that changed first first.

    In this order one whose entry moves while it is read comes late or twice: in the other it might not come.
    """
    rows = items.query(
        "ledger",
        "#every = :every AND #changed >= :since",
        {"every": EVERY, "since": moment},
        names={"#every": "every", "#changed": "changed"},
        index="changed",
    )
    for row in rows:
        yield Changed(row["proposal"], row["night"], row.get("v", 0))
