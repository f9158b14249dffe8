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
    """

    name: str
    prefixes: tuple[str, ...]
    concurrency: int
    timeout: int
    memory: int
    science: bool = True

    @property
    def queue(self) -> str:
        """Name of the SQS queue; its dead letters go to :data:`DEAD_LETTER_QUEUE`."""
        return f"goodman-{self.name}"

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
DEADLETTER = Block("deadletter", (), concurrency=2, timeout=60, memory=512, science=False)

BLOCKS = (INGEST, COMBINE, REDUCE, EXTRACT, WAVELENGTH, DEADLETTER)
BLOCK = {block.name: block for block in BLOCKS}

DEAD_LETTER_QUEUE = DEADLETTER.queue
MAX_RECEIVES = 4
"""Deliveries before a message becomes a dead letter: the first and three after back-off."""

BACK_OFF = (2, 8, 30)
"""Seconds a message stays invisible after its first, second, third retryable error."""

DEBOUNCE = 3
"""Seconds COMBINE waits for more members after one arrived."""
