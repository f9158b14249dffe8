"""``run``: the stack, and a simulated night that arrives frame by frame as at the telescope."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.progress import Progress
from infra.local.stack import Stack

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
        play(exposures, interval, stack.bucket, progress)
        progress.say(f"The night is over: {len(exposures)} frames. Page and API stay until Ctrl-C.")
        while True:
            signal.pause()


def play(
    exposures: list[Any],
    interval: float,
    bucket: str,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Put one frame after the other into ``raw/``, ``interval`` seconds from start to start."""
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
        stamp = datetime.now().strftime("%H:%M:%S")
        progress.show(number, len(exposures), f"{stamp}  {name}  {exposure.obstype}  {exposure.object}")
