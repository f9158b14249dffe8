"""What runs by the clock on one machine: the minute's sweep, so that a died handler only delays; the hourly purge."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chalicelib.blocks.purge import purge
from chalicelib.blocks.sweep import sweep

PERIOD = 60.0
PURGE_EVERY = 60
"""Sweeps from one purge to the next: an hour."""


class Sweeper:
    """Sweeps each minute in a thread of this process, as a scheduled function does in the cloud."""

    def __init__(self, notify: Callable[[str], None], period: float = PERIOD) -> None:
        self._notify = notify
        self._period = period
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sweep no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        turns = 0
        while not self._stopping.wait(self._period):
            turns += 1
            try:
                sweep()
                if turns % PURGE_EVERY == 0:
                    purge()
            except Exception as error:  # the next minute's sweep does what this one could not
                self._notify(f"The sweep failed and is repeated in a minute: {error}")
