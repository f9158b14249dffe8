"""``python -m infra.local``: the whole system on one machine.

``run`` plays a simulated night, ``up`` waits for requests, ``process`` runs a folder of frames.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

INTERRUPTED = 130
USAGE = 2


class Sentences(argparse.ArgumentParser):
    """An argument parser that answers wrong usage with one sentence."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Say what is wrong and exit with 2."""
        self.exit(USAGE, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = Sentences(prog="python -m infra.local", description="Goodman Live on one machine.")
    commands = top.add_subparsers(dest="command", required=True, metavar="run | up | process")

    run = commands.add_parser("run", help="start everything and play a simulated night into it")
    run.add_argument("--interval", type=_positive, default=4.0, help="seconds between frames (default: 4)")
    run.add_argument("--mode", default="400_M2", help="spectrograph mode of the night (default: 400_M2)")
    run.add_argument("--seed", type=_seed, default=1, help="seed of the simulation (default: 1)")
    _stack_options(run)

    up = commands.add_parser("up", help="start everything and wait")
    up.add_argument("--json", action="store_true", help="print one JSON line with addresses and tokens once ready")
    _stack_options(up)

    process = commands.add_parser("process", help="run a folder of frames and write every product to another")
    process.add_argument("raw", type=Path, metavar="RAW_DIR", help="searched recursively")
    process.add_argument("--out", type=Path, required=True, metavar="OUT_DIR", help="gets the products and files.json")
    process.add_argument("--json", action="store_true", help="print the report as JSON")
    process.add_argument("--overwrite", action="store_true", help="remove what an earlier run wrote to OUT_DIR")
    process.add_argument("--interval", type=_positive, default=0.0, help="seconds between frames (default: none)")
    process.add_argument("--workers", type=_count, help="frames at once (default: one a core)")
    process.add_argument(
        "--faults", type=_chance, default=0.0, metavar="CHANCE", help="of each request of a block to moto to go wrong"
    )
    process.add_argument("--seed", type=_seed, default=1, help="seed of the faults (default: 1)")
    return top


def _stack_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=_port, default=8000, help="of page and API (default: 8000, or the next free)")
    command.add_argument("--workers", type=_count, help="frames at once (default: one a core)")


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds") from None
    if not 0 < value < 3600:
        raise argparse.ArgumentTypeError(f"{text} s must be between 0 and 3600")
    return value


def _chance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 0.5") from None
    if not 0 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 0.5: beyond that nothing gets through")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number, 0 or more")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 64")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port number")
    return int(text)


def _up(options: argparse.Namespace) -> int:
    from infra.local.stack import Stack

    with Stack(port=options.port, workers=options.workers) as stack:
        if options.json:
            print(json.dumps(stack.description()), flush=True)
        else:
            print(welcome(stack.description()), flush=True)
        while True:
            time.sleep(1)  # not signal.pause(): a Ctrl-C that comes just before it would be slept through


def welcome(description: dict) -> str:
    """What a person needs to begin."""
    from infra.local.stack import PAGES

    tokens, login = description["tokens"], description["logins"]["pi"]
    page = description["web"]
    if not (PAGES / "index.html").is_file():
        page = f"not built yet (there is no frontend/dist); {page} shows how to ask the API"
    return (
        f"API       {description['api']}\nWeb page  {page}\n"
        f"Sign in as the PI of the simulated night: {login['username']}, password {login['password']}\n"
        "(all files: superuser, the same password).  Ctrl-C ends it.\n"
        "To ask the API from another terminal, paste there:\n"
        f"export API={description['api'].rstrip('/')} KEY={tokens['pi']}"
    )


def _run(options: argparse.Namespace) -> int:
    from infra.local import demo

    return demo.main(options.interval, options.mode, options.seed, options.port, options.workers, welcome)


def _process(options: argparse.Namespace) -> int:
    from infra.local import faults, process

    if options.faults:
        faults.ask_workers(options.faults, options.seed)
    return process.main(options.raw, options.out, options.workers, options.interval, options.json, options.overwrite)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # what follows is the clean-up: a second Ctrl-C must not stop it
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = parser().parse_args(arguments)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _interrupt)
    from infra.local.pump_process import PumpFailed

    try:
        return {"run": _run, "up": _up, "process": _process}[options.command](options)
    except PumpFailed as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        print("Ended.", file=sys.stderr)
        code = INTERRUPTED
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads may still be sending to servers that are gone: nobody waits for them
