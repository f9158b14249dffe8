"""A handler that can be made to stand still between any two of its writes, while others run and time passes."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Crash(BaseException):
    """The process died here."""


class Invocation:
    """One call of a handler, in a thread of its own that runs only while :meth:`advance` waits for it.

    So exactly one thread runs at any moment, and a history is as repeatable as if there were no threads.
    """

    def __init__(self, run: Callable[[], None]) -> None:
        self.finished = False
        self.error: BaseException | None = None
        self._run = run
        self._left = 0
        self._killed = False
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def advance(self, points: int) -> bool:
        """Let it pass so many points (writes, or a run of the science); whether it has ended."""
        if not self.finished:
            self._left = points
            self._mine.release()
            if not self._theirs.acquire(timeout=60):
                raise RuntimeError("a handler neither ends nor comes to its next point")
            if self.error is not None:
                raise self.error
        return self.finished

    def kill(self) -> None:
        """The process dies where it stands: nothing it tries afterwards has any effect."""
        self._killed = True
        self.advance(0)

    def point(self) -> None:
        """Called in the invocation's thread wherever it may stand still."""
        if not self._killed and self._left == 0:
            self._theirs.release()
            self._mine.acquire()
        if self._killed:
            raise Crash
        self._left -= 1

    def _live(self) -> None:
        self._mine.acquire()
        try:
            if not self._killed:
                self._run()
        except Crash:
            pass
        except BaseException as error:
            self.error = error
        self.finished = True
        self._theirs.release()
