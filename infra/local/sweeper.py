"""The minute's sweep on one machine: open subjects are told again, so that a died handler delays and loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chalicelib.blocks.sweep import sweep

PERIOD = 60.0


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
        while not self._stopping.wait(self._period):
            try:
                sweep()
            except Exception as error:  # the next minute's sweep does what this one could not
                self._notify(f"The sweep failed and is repeated in a minute: {error}")
