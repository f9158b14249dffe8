"""The pump as a child process: started, watched, started again when it dies, ended with everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from infra.local.environment import ROOT

PATIENCE = 5
"""Deaths within a minute before the stack gives up on the pump."""


class PumpFailed(Exception):
    """The pump cannot be started; the sentence says where its log is."""


class PumpProcess:
    """Keeps one pump (:mod:`infra.local.pump`) alive until :meth:`stop`.

    Parameters
    ----------
    app : str
        Module whose attributes are the handlers.
    workers : int
        Worker processes of the pump.
    directory : Path
        Gets ``invocations.jsonl`` (one line an invocation) and ``pump.log`` (what handlers print).
    notify : callable
        Told, in a sentence, when the pump died and was started again.
    cold : bool
        Workers import nothing before the first call needs it.
    """

    def __init__(
        self, app: str, workers: int, directory: Path, notify: Callable[[str], None], *, cold: bool = False
    ) -> None:
        self.invocations = directory / "invocations.jsonl"
        self.log = directory / "pump.log"
        self._command = [
            *(sys.executable, "-m", "infra.local.pump", "--app", app),
            *("--workers", str(workers), "--log", str(self.invocations)),
            *(["--cold"] if cold else []),
        ]
        self._notify = notify
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._failed = False
        self._process: subprocess.Popen[str] | None = None
        self._deaths: deque[float] = deque(maxlen=PATIENCE)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the pump and the thread that watches it; does not wait until it is ready."""
        self.invocations.touch()
        self._spawn()
        threading.Thread(target=self._watch, name="pump watcher", daemon=True).start()

    def wait_until_ready(self, seconds: float = 180) -> None:
        """Return once the pump's workers are warm.

        Raises
        ------
        PumpFailed
            It ended again and again, or took too long.
        """
        if not self._ready.wait(seconds) or self._failed:
            raise PumpFailed(f"The block functions could not be started; see {self.log}.")

    @property
    def failed(self) -> bool:
        """Whether the stack has given up on the pump."""
        return self._failed

    @property
    def pid(self) -> int:
        """Process id of the pump now running."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End the pump and its workers; returns when they are gone."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is None:
            return
        _signal_group(process, signal.SIGKILL)  # it keeps nothing, and workers must not outlive it
        process.wait()

    def _spawn(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": _python_path()},
                    text=True,
                    start_new_session=True,  # Ctrl-C is for the stack, which ends the pump in order
                )

    def _watch(self) -> None:
        while not self._stopping.is_set():
            process = self._process
            assert process is not None
            assert process.stdout is not None
            if process.stdout.readline():
                self._ready.set()
            process.wait()
            _signal_group(process, signal.SIGKILL)
            if self._stopping.is_set():
                return
            self._deaths.append(time.monotonic())
            if not self._ready.is_set() or self._dies_too_often():
                self._failed = True
                self._ready.set()
                self._notify(f"The pump ended ({_reason(process)}) and is given up; see {self.log}.")
                return
            self._notify(f"The pump ended ({_reason(process)}); it is started again.")
            self._spawn()

    def _dies_too_often(self) -> bool:
        return len(self._deaths) == PATIENCE and self._deaths[-1] - self._deaths[0] < 60


def _python_path() -> str:
    """The repository, then what this process was told."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def _signal_group(process: subprocess.Popen[str], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _reason(process: subprocess.Popen[str]) -> str:
    code = process.returncode
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
