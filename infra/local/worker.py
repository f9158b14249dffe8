"""One warm Lambda container: reads invocations as JSON lines, runs the block's own handler, answers with what it cost.

Started by the pump with its standard input and output as the channel. When the input ends, the pump is gone and the
process exits at once, in the middle of whatever it does: as a Lambda whose host died.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import queue
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, TextIO

from infra.local.faults import Faults, from_environment

PRELOADED = ("chalicelib.science", "chalicelib.blocks")


class LambdaContext:
    """The second argument of a handler, as Lambda gives it."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, block: str, memory: int, timeout: float, request_id: str) -> None:
        self.function_name = f"goodman-live-{block}"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"
        self.memory_limit_in_mb = memory
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = f"local/[$LATEST]{os.getpid()}"
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is killed."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class AwsMeter:
    """Counts what goes to AWS (here: moto): calls, objects written, and seconds spent waiting for the answers."""

    def __init__(self) -> None:
        self.calls = 0
        self.objects = 0
        self.seconds = 0.0
        self._lock = threading.Lock()

    def install(self) -> None:
        """Measure every HTTP request botocore makes in this process, and the reading of streamed bodies."""
        from botocore.httpsession import URLLib3Session
        from botocore.response import StreamingBody

        for owner, name, counts in ((URLLib3Session, "send", 1), (StreamingBody, "read", 0)):
            setattr(owner, name, self._timed(getattr(owner, name), counts))

    def _timed(self, function: Any, counts: int) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self.calls += counts
                    self.objects += counts and args[1].method == "PUT"  # of all services we use only S3 has it
                    self.seconds += time.perf_counter() - started

        return timed


def peak_memory() -> float:
    """Peak resident memory (MB) since :func:`reset_peak_memory`; of the process's whole life where Linux cannot say."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def reset_peak_memory() -> None:
    """Start measuring the peak anew (Linux only; elsewhere the peak of the whole life is reported)."""
    try:
        with open("/proc/self/clear_refs", "w") as control:
            control.write("5")
    except OSError:
        pass


def invoke(app: ModuleType, request: dict[str, Any], meter: AwsMeter, faults: Faults | None = None) -> dict[str, Any]:
    """Run one invocation; what it cost and how it ended.

    Returns
    -------
    dict
        ``outcome`` (``ok`` or ``error``), ``error``, ``cpu`` and ``wall`` seconds, ``peak_memory`` MB, ``aws_calls``,
        ``aws_seconds`` and ``objects`` (written); ``faults`` by kind, where they are injected.
    """
    context = LambdaContext(request["block"], request["memory"], request["timeout"], request["request_id"])
    reset_peak_memory()
    calls, waited, objects = meter.calls, meter.seconds, meter.objects
    injected = faults.by_kind() if faults else {}
    wall, cpu = time.perf_counter(), time.process_time()
    error = None
    try:
        getattr(app, request["block"])(request["event"], context)
    except Exception as failure:  # as Lambda does: the error is the invocation's result, the container lives on
        traceback.print_exc(file=sys.stderr)
        error = f"{type(failure).__name__}: {failure}"
    return {
        "outcome": "error" if error else "ok",
        "error": error,
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "peak_memory": peak_memory(),
        "aws_calls": meter.calls - calls,
        "aws_seconds": meter.seconds - waited,
        "objects": meter.objects - objects,
        **({"faults": _since(faults.by_kind(), injected)} if faults else {}),
    }


def _since(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {kind: count - before.get(kind, 0) for kind, count in now.items() if count > before.get(kind, 0)}


def preload(packages: Iterable[str] = PRELOADED) -> None:
    """Import everything the handlers import on their first call, so that all calls are warm."""
    for package in packages:
        try:
            module = importlib.import_module(package)
        except ModuleNotFoundError:
            continue
        for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"{package}."):
            importlib.import_module(found.name)


def _read_requests(stream: TextIO, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in stream:
        requests.put(json.loads(line))
    os._exit(0)


def main(arguments: list[str] | None = None) -> None:
    """Serve invocations until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", default="app", help="module whose attributes are the handlers")
    parser.add_argument("--cold", action="store_true", help="import nothing before the first call needs it")
    parser.add_argument("--number", type=int, default=0, help="of this worker among the pump's: its faults differ")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the stack ends its own children
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what handlers print is a log, not an answer
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(sys.stdin, requests), daemon=True).start()
    meter = AwsMeter()
    meter.install()
    faults = from_environment(options.number)
    if faults:
        faults.install()
    app = importlib.import_module(options.app)
    if not options.cold:
        preload()
    print(json.dumps({"ready": os.getpid()}), file=answers)
    while True:
        print(json.dumps(invoke(app, requests.get(), meter, faults)), file=answers)


if __name__ == "__main__":
    main()
