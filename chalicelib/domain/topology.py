"""The process blocks, their queues and the prefixes that feed them: the pipeline as data.

``app.py`` registers one Lambda function per :class:`Block`, ``infra/cloudformation.py`` makes the queues and bucket
notifications from the same table, and the one-machine stack builds itself from it.
"""

from __future__ import annotations

from dataclasses import dataclass

RAW = "raw/"
MASTERS = "masters/"
REDUCED_SPECTRUM = "reduced/spectrum/"
REDUCED_IMAGE = "reduced/image/"
EXTRACTED = "extracted/"
CALIBRATED = "calibrated/"
PREVIEW = "preview/"
EXPORTS = "exports/"
"""What was made for one download: it triggers nothing and is gone a day later (the bucket's lifecycle)."""


@dataclass(frozen=True)
class Block:
    """One process block.

    Attributes
    ----------
    name : str
        The block's name, its function's name in ``app.py`` and its module's in ``chalicelib/blocks``.
    prefixes : tuple of str
        S3 prefixes whose ObjectCreated events feed its queue; empty for blocks that are only told.
    concurrency : int
        At most so many invocations at once.
    timeout : int
        Seconds a single invocation may take.
    memory : int
        MB of the Lambda function.
    science : bool
        Whether the function needs the science layer.
    urgent : bool
        Whether somebody sits and waits: where workers are few (the one-machine stack), its messages go first.
    """

    name: str
    prefixes: tuple[str, ...]
    concurrency: int
    timeout: int
    memory: int
    science: bool = True
    urgent: bool = False

    @property
    def queue(self) -> str:
        """Name of the SQS queue."""
        return f"goodman-{self.name}"

    @property
    def dead_letter_queue(self) -> str:
        """Where a message goes that failed every attempt.

        DEADLETTER records the failure of what it can name a subject of; what it fails on itself, and a list of bulk
        work or a job of packing, which is about no subject, is kept for a person (``python -m infra.operate redrive``).
        """
        return UNDELIVERABLE_QUEUE if self.name in ("deadletter", "bulk", "pack") else DEAD_LETTER_QUEUE

    @property
    def max_receives(self) -> int:
        """Deliveries from this queue before a message leaves it for the one of dead letters.

        A dead letter brings its count along: with the same limit it would go on, unread, to the undeliverable ones.
        """
        return 2 * MAX_RECEIVES if self.name == "deadletter" else MAX_RECEIVES

    @property
    def bulk_share(self) -> int:
        """At most so many messages of bulk work are brought to its queue: two fifths of its slots.

        An object's event and the hand-over tell the next block twice, so that is four fifths at the worst moment, and
        a message of tonight finds a free slot.
        """
        return max(1, 2 * self.concurrency // 5)

    @property
    def lease(self) -> int:
        """Seconds a subject stays leased: longer than the function can live."""
        return self.timeout + 15

    @property
    def visibility_timeout(self) -> int:
        """Seconds a message stays invisible: not shorter than the lease."""
        return self.lease + 15


INGEST = Block("ingest", (RAW,), concurrency=20, timeout=60, memory=1024)
COMBINE = Block("combine", (), concurrency=4, timeout=240, memory=3008)
REDUCE = Block("reduce", (), concurrency=20, timeout=120, memory=2048)
EXTRACT = Block("extract", (REDUCED_SPECTRUM,), concurrency=20, timeout=120, memory=1769)
WAVELENGTH = Block("wavelength", (EXTRACTED,), concurrency=20, timeout=120, memory=1769)
ASKED = Block("asked", (), concurrency=10, timeout=240, memory=3008, urgent=True)
"""Runs whatever is due on a subject somebody asked about, all stages in one go: a click never waits behind a burst."""

DEADLETTER = Block("deadletter", (), concurrency=2, timeout=60, memory=512, science=False)
BULK = Block("bulk", (), concurrency=2, timeout=60, memory=512, science=False)
PACK = Block("pack", (), concurrency=2, timeout=600, memory=1769, science=False)
"""Packs files somebody selected into one archive; its memory buys the network and the CPU for the checksums."""

PIPELINE = (INGEST, COMBINE, REDUCE, EXTRACT, WAVELENGTH)
"""The blocks that frames and pools go through: those that bulk work is paced into."""

BLOCKS = (*PIPELINE, ASKED, DEADLETTER, BULK, PACK)
BLOCK = {block.name: block for block in BLOCKS}

DEAD_LETTER_QUEUE = DEADLETTER.queue
UNDELIVERABLE_QUEUE = "goodman-undeliverable"
"""What nobody could handle. No function reads it: an alarm tells staff, who redrive it when the cause is gone."""

MAX_RECEIVES = 4
"""Deliveries before a message becomes a dead letter: the first and three after back-off."""

BACK_OFF = (2, 8, 30)
"""Seconds a message stays invisible after its first, second, third retryable error."""

DEBOUNCE = 3
"""Seconds COMBINE waits for more members after one arrived."""

BULK_UNDER_WAY = min(block.bulk_share for block in PIPELINE if block is not COMBINE)
"""Bulk work is brought on only while fewer messages than this are in all queues of the pipeline together."""

BULK_TURN = 5
"""Seconds between two turns of bulk work, whoever takes them: SQS counts a queue's messages only approximately, and a
turn must not be taken on counts that do not show the last one yet."""

BULK_PATIENCE = 60
"""Seconds a message of bulk work waits at most that found another had the turn."""
