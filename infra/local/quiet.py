"""When the pipeline has nothing left to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain import topology
from chalicelib.store import subjects
from infra.local import resources
from infra.local.moto_queues import messages_in

LOOK_SECONDS = 0.25
ORPHAN_SECONDS = 20.0


@dataclass(frozen=True)
class Load:
    """What is left: messages per block (visible, in flight or delayed); open subjects, where no messages are left."""

    messages: dict[str, int]
    open_subjects: int

    @property
    def total(self) -> int:
        """Messages of all blocks."""
        return sum(self.messages.values())

    @property
    def idle(self) -> bool:
        """Whether nothing is left at all."""
        return not self.total and not self.open_subjects


def load() -> Load:
    """What is left now.

    Subjects are looked at between two looks at the queues: a handler opens a subject before it sends and sends before
    its own message is deleted, so work under way shows in one of the three looks. (While there are messages nobody
    needs the subjects, and asking costs moto's time.)
    """
    before = _messages()
    if any(before.values()):
        return Load(before, 0)
    waiting = sum(1 for _ in subjects.open_subjects())
    return Load(_messages(), waiting)


def _messages() -> dict[str, int]:
    return {block.name: messages_in(block.queue) for block in topology.BLOCKS}


def lost_messages() -> int:
    """Messages whose dead-letter handler failed too."""
    return messages_in(resources.LOST_QUEUE)


def wait(
    watch: Callable[[Load], None],
    *,
    sweep: Callable[[], object],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    look: Callable[[], Load] = load,
) -> None:
    """Return when nothing is visible, in flight, delayed or leased.

    Parameters
    ----------
    watch : callable
        Told the load at every look; what it raises ends the waiting.
    sweep : callable
        Called when subjects have been open without any message for a while (a worker died between two writes): what
        the sweeper does each minute in the cloud.
    """
    orphaned_since: float | None = None
    while True:
        now = look()
        watch(now)
        if now.idle:
            return
        if now.total:
            orphaned_since = None
        elif orphaned_since is None:
            orphaned_since = clock()
        elif clock() - orphaned_since > ORPHAN_SECONDS:
            sweep()
            orphaned_since = None
        sleep(LOOK_SECONDS)
