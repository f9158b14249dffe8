"""A progress bar for a terminal, plain lines for anything else."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import Self, TextIO

WIDTH = 24
LINE_SECONDS = 10.0


class Progress:
    """How far something is, on standard error.

    On a terminal one line is drawn over and over, its bar as long as the text leaves room; elsewhere a line is
    written when the text's stage changes or every ten seconds. Threads may write at once.

    Parameters
    ----------
    title : str
        What is going on.
    stream : text stream
        Where to write.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(self, title: str, stream: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn = False
        self._written = float("-inf")
        self._last = ""
        self._done = -1
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def show(self, done: int, total: int, text: str = "") -> None:
        """Show ``done`` of ``total`` and what is being done."""
        with self._lock:
            self._show(done, total, text)

    def _show(self, done: int, total: int, text: str) -> None:
        if self._terminal:
            columns = shutil.get_terminal_size().columns - 1
            told = f"{done}/{total}  {text}"
            width = max(0, min(WIDTH, columns - len(self._title) - len(told) - 2))
            filled = width * done // total if total else 0
            bar = "█" * filled + "░" * (width - filled)
            line = " ".join(filter(None, [self._title, bar, told]))
            self._stream.write("\r\x1b[K" + line[:columns])
            self._drawn = True
        else:
            line = f"{self._title} {done}/{total}  {text}".rstrip()
            if line == self._last or (
                self._clock() - self._written < LINE_SECONDS and not (done == total != self._done)
            ):
                return
            self._written, self._last, self._done = self._clock(), line, done
            self._stream.write(line + "\n")
        self._stream.flush()

    def say(self, sentence: str) -> None:
        """Write a line of its own above the bar."""
        with self._lock:
            self.clear()
            self._stream.write(sentence + "\n")
            self._stream.flush()

    def clear(self) -> None:
        """Take the bar away."""
        with self._lock:
            if self._drawn:
                self._stream.write("\r\x1b[K")
                self._stream.flush()
                self._drawn = False
