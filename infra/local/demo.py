"""``run``: the stack, and a simulated night that arrives frame by frame as at the telescope."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any, Self

from infra.local.progress import Progress
from infra.local.stack import Stack

if TYPE_CHECKING:
    from infra.local.follow import Follower

FRAMES: dict[str, Any] = {"n_science": 6, "exposures_per_target": 2}
"""A night that shows everything and takes a few minutes; the rest is the simulator's default."""


class BadMode(Exception):
    """The simulator knows no such mode; the sentence names those it knows."""


def plan(mode: str, seed: int) -> list[Any]:
    """The exposures of the demonstration night.

    Raises
    ------
    BadMode
        There is no such mode.
    """
    from infra.simulate import plan_night

    try:
        return plan_night(mode, seed=seed, **FRAMES)
    except (ValueError, FileNotFoundError) as error:
        raise BadMode(str(error)) from error


def main(interval: float, mode: str, seed: int, port: int, workers: int | None, welcome: Callable[[dict], str]) -> int:
    """Start the stack, play the night, and go on until Ctrl-C."""
    try:
        exposures = plan(mode, seed)
    except BadMode as error:
        print(error, file=sys.stderr)
        return 2
    progress = Progress("night")
    with progress, Stack(port=port, workers=workers, notify=progress.say) as stack:
        print(welcome(stack.description()), flush=True)
        with _News(stack, progress) as news:
            play(exposures, interval, stack.bucket, progress, news.uploaded)
            wait(stack, progress, len(exposures), news.follower)
        told = ", ".join(f"{count} {status}" for status, count in sorted(news.follower.counts().items()))
        progress.say(f"The night is over, {len(exposures)} frames: {told}. Page and API stay until Ctrl-C.")
        while True:
            time.sleep(1)  # not signal.pause(): a Ctrl-C that comes just before it would be slept through


class _News:
    """Tells, in a thread, what became of each frame; leaving it tells the last news."""

    def __init__(self, stack: Stack, progress: Progress) -> None:
        from infra.local.follow import Follower
        from infra.local.harvest import LocalApi

        self.follower = Follower(LocalApi(stack.web.gateway, stack.tokens["superuser"]))
        self.uploaded: dict[str, float] = {}
        self._say = progress.say
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="news", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if kind is None:
            self._tell()

    def _run(self) -> None:
        from infra.local.follow import LOOK_SECONDS

        while not self._over.wait(LOOK_SECONDS):
            try:
                self._tell()
            except Exception as error:  # the next look tells what this one could not
                self._say(f"The news of the frames could not be read: {error}")

    def _tell(self) -> None:
        from infra.local.follow import sentence

        news = self.follower.news()
        science = {r["id"] for r in news if r["obstype"] == "SPECTRUM" and r["status"] in ("done", "provisional")}
        spectra = self.follower.spectra(science)
        for record in sorted(news, key=lambda record: record["last_modified"]):
            own = [spectrum for spectrum in spectra if spectrum["original_file_id"] == record["id"]]
            self._say(sentence(record, self.uploaded.get(record["file_name"]), own))


def wait(stack: Stack, progress: Progress, frames: int, follower: Follower) -> None:
    """Return when the pipeline has nothing left to do."""
    from infra.local import quiet
    from infra.local.pump_process import PumpFailed
    from infra.local.sweeper import sweep

    def watch(now: quiet.Load) -> None:
        if stack.pump.failed:
            raise PumpFailed(f"The block functions cannot be run; see {stack.pump.log}.")
        left = ", ".join(f"{name} {count}" for name, count in now.messages.items() if count)
        told = follower.counts()
        progress.show(sum(told.values()) - told.get("queued", 0), frames, f"settled  {left and f'left: {left}'}")

    quiet.wait(watch, sweep=sweep)


def play(
    exposures: list[Any],
    interval: float,
    bucket: str,
    progress: Progress,
    uploaded: dict[str, float],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Put one frame after the other into ``raw/``, ``interval`` seconds from start to start.

    ``uploaded`` is told when (seconds since the epoch) each frame was there.
    """
    from chalicelib.domain.naming import raw_key
    from chalicelib.domain.nights import night_of
    from chalicelib.store import clients
    from infra.simulate import frames

    due = clock()
    for number, (exposure, (name, data, _)) in enumerate(zip(exposures, frames(exposures), strict=True), start=1):
        sleep(max(0.0, due - clock()))
        due = max(due, clock()) + interval
        night = night_of(exposure.start.replace(tzinfo=exposure.start.tzinfo or UTC))
        clients.s3().put_object(Bucket=bucket, Key=raw_key(night, name), Body=data)
        uploaded[name] = time.time()
        progress.show(number, len(exposures), f"{name}  {exposure.obstype}  {exposure.object}")
