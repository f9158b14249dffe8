"""A night through `process` whose pump is killed again and again ends as the undisturbed night."""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import process, pump_process
from infra.local.moto_server import MotoServer
from infra.local.stack import Stack
from infra.simulate import build_night, small_night
from tests.local.hasty import hasten, restore

KILLS = 20
KILLS_A_RUN = 10
"""Few enough that no message is killed four times: that would be, rightly, a dead letter."""

REQUESTS = (80, 280)
"""Between one kill and the next, so many requests reach moto: from the middle of one block to some blocks later."""


def end_state(out: Path) -> list[tuple[Any, ...]]:
    """What must not depend on the kills: every file once, its bytes, its status, what it was made from."""
    records = json.loads((out / "files.json").read_text())
    names = {record["id"]: record["file_name"] for record in records}
    fields = ("file_name", "data_type", "sha256", "status", "provisional", "status_reason")
    return sorted(
        (
            *(record[field] for field in fields),
            str(sorted((part["role"], names[part["id"]]) for part in record["inputs"])),
        )
        for record in records
    )


class Killer:
    """Counts the requests that reach moto and kills the pump in the middle of chosen ones.

    The request is served, its answer finds nobody: a crash between any two things a block does, at no wall-clock time.
    """

    def __init__(self, random_: random.Random, kills: int) -> None:
        self._random = random_
        self.left = kills
        self.killed: list[int] = []
        self.requests = 0
        self._lock = threading.Lock()
        self._until = self._drawn()
        self.stack: Stack | None = None

    def _drawn(self) -> int:
        return self._random.randint(*REQUESTS)

    def watch(self, application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """moto's WSGI application with the killer before it."""

        def watched(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            self.request()
            return application(environ, start_response)

        return watched

    def request(self) -> None:
        """One request; those of this process itself count too, its pump is what dies."""
        with self._lock:
            self.requests += 1
            if self.stack is None or not self.left:
                return
            self._until -= 1
            if self._until > 0:
                return
            pid = self.stack.pump.pid
            if pid in self.killed:
                self._until = 1  # the next one is not up yet
                return
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self.killed.append(pid)
            self.left -= 1
            self._until = self._drawn()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short leases here and in the workers, and a stack that does not give up on a pump that dies often."""
    before = hasten()
    environment = dict(os.environ)
    monkeypatch.setattr(pump_process, "PATIENCE", 1000)
    yield
    restore(before)
    os.environ.clear()
    os.environ.update(environment)


def run(monkeypatch: pytest.MonkeyPatch, raw: Path, out: Path, killer: Killer) -> None:
    """``process`` in this process, with the killer before its moto."""

    class Watched(Stack):
        def _start(self) -> None:
            super()._start()
            killer.stack = self

    started = MotoServer.__init__

    def start(server: MotoServer, *args: Any, **kwargs: Any) -> None:
        started(server, *args, **kwargs)
        server._server.app = killer.watch(server._server.app)  # type: ignore[attr-defined]

    with monkeypatch.context() as patches:
        patches.setattr(MotoServer, "__init__", start)
        patches.setattr(process, "Stack", functools.partial(Watched, app="tests.local.hasty_app"))
        code = process.process(raw, out, workers=2, as_json=True)
    assert code == process.SUCCESS, (out / "pump.log").read_text()[-2000:]


@pytest.mark.long
def test_a_pump_killed_twenty_times_loses_nothing_and_doubles_nothing(tmp_path, monkeypatch, hasty, reference_bundle):
    raw = tmp_path / "raw"
    build_night(raw, plan=small_night("930_M4", seed=3))
    run(monkeypatch, raw, tmp_path / "clean", Killer(random.Random(0), 0))
    expected = end_state(tmp_path / "clean")
    killed, number = 0, 0
    while killed < KILLS:
        number += 1
        assert number <= KILLS, "the nights are over before anybody is killed"
        killer = Killer(random.Random(number), min(KILLS_A_RUN, KILLS - killed))
        out = tmp_path / f"killed{number}"
        run(monkeypatch, raw, out, killer)
        killed += len(killer.killed)
        assert end_state(out) == expected, f"run {number}, killed {len(killer.killed)} times"
