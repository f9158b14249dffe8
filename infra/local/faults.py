"""What AWS does to its clients now and then, done to ours on purpose: conflicts, throttles, lost answers.

moto answers every request at once and never refuses one. Here the place where botocore sends a request is wrapped:
below it is the service (moto, by HTTP or in this process), above it botocore's own retries and the system's. Each
attempt of a request may be

=============== ======================================================================================================
``conflict``    refused because a transaction holds an item (DynamoDB writes; never executed)
``in_progress`` refused because a transaction with this token is under way (transactions; never executed)
``throttled``   refused for want of throughput (DynamoDB, SQS; never executed)
``slow_down``   refused with 503 SlowDown (S3; never executed)
``reset``       cut off before it reaches the service (never executed)
``lost``        executed, its answer lost on the way back: the client sees a connection error and sends it again
``cut``         executed, and the object's bytes end in the middle (S3 GetObject)
=============== ======================================================================================================

Workers of the one-machine stack do so where :data:`VARIABLE` is set (``process --faults 0.05 --seed 3``).
"""

from __future__ import annotations

import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from botocore.exceptions import ConnectionClosedError
from botocore.response import StreamingBody
from urllib3.exceptions import ProtocolError

from infra.local.patches import Patches

CONFLICT, IN_PROGRESS, THROTTLED = "conflict", "in_progress", "throttled"
SLOW_DOWN, RESET, LOST, CUT = "slow_down", "reset", "lost", "cut"
KINDS = (CONFLICT, IN_PROGRESS, THROTTLED, SLOW_DOWN, RESET, LOST, CUT)

VARIABLE = "GOODMAN_LOCAL_FAULTS"
"""``<chance>:<seed>``: workers started with it inject faults."""

_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_TRANSACTION = "TransactWriteItems"
_original = Patches()
_free = threading.Lock()


@dataclass(frozen=True)
class Call:
    """One attempt of a request: the service (``dynamodb``), the operation (``UpdateItem``), the bytes of its body."""

    service: str
    operation: str
    body: Any = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """What can happen to it."""
        return tuple(kind for kind in KINDS if _APPLIES[kind](self))


_APPLIES: Mapping[str, Callable[[Call], bool]] = {
    CONFLICT: lambda call: call.operation in _WRITES or call.operation == _TRANSACTION,
    IN_PROGRESS: lambda call: call.operation == _TRANSACTION,
    THROTTLED: lambda call: call.service in ("dynamodb", "sqs"),
    SLOW_DOWN: lambda call: call.service == "s3",
    RESET: lambda call: True,
    LOST: lambda call: True,
    CUT: lambda call: (call.service, call.operation) == ("s3", "GetObject"),
}

Choose = Callable[[Call], str | None]
"""Decides what happens to an attempt: a kind of fault, or None."""


class Chances:
    """Faults by chance, each kind with a rate of its own.

    Parameters
    ----------
    rates : mapping
        Kind → probability per attempt it can happen to.
    seed : int
        The same seed and the same sequence of attempts give the same faults.

    Raises
    ------
    ValueError
        A kind that does not exist, or rates that are no probabilities.
    """

    def __init__(self, rates: Mapping[str, float], seed: int) -> None:
        unknown = sorted(set(rates) - set(KINDS))
        if unknown:
            raise ValueError(f"There is no fault called {', '.join(unknown)}; there are {', '.join(KINDS)}.")
        if min(rates.values(), default=0) < 0 or sum(rates.values()) > 1:
            raise ValueError("Rates of faults are probabilities: none below 0, together at most 1.")
        self._rates = dict(rates)
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> str | None:
        """What happens to this attempt."""
        with self._lock:
            drawn = self._random.random()
        for kind in call.kinds:
            drawn -= self._rates.get(kind, 0.0)
            if drawn < 0:
                return kind
        return None


class Evenly:
    """Faults by chance: ``chance`` per attempt, each kind that can happen to it as likely as the others."""

    def __init__(self, chance: float, seed: int) -> None:
        if not 0 <= chance <= 1:
            raise ValueError(f"The chance of a fault is a probability; {chance} is none.")
        self._chance = chance
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> str | None:
        """What happens to this attempt."""
        with self._lock:
            return self._random.choice(call.kinds) if self._random.random() < self._chance else None


class Script:
    """Faults in a given order: one entry an attempt (None: nothing happens), nothing once they are used up.

    An entry that cannot happen to the attempt it falls to is used up without effect. ``only`` names the operations
    counted, where not all are.
    """

    def __init__(self, kinds: Iterable[str | None], *, only: Iterable[str] = ()) -> None:
        self._kinds = iter(tuple(kinds))
        self._only = frozenset(only)

    def __call__(self, call: Call) -> str | None:
        """What happens to this attempt."""
        if self._only and call.operation not in self._only:
            return None
        kind = next(self._kinds, None)
        return kind if kind in call.kinds else None


class Faults:
    """Injects faults into every botocore client of this process while it is installed (a context manager).

    Parameters
    ----------
    choose : callable
        Decides for each attempt; see :class:`Evenly`, :class:`Chances`, :class:`Script`.
    meanwhile : callable, optional
        Called after a fault and before the client hears of it: what others do in that moment. What it asks AWS itself
        is left alone.

    Attributes
    ----------
    injected : Counter
        (operation, kind) → how often it happened.
    attempts : int
        Requests seen, faulty or not.
    """

    def __init__(self, choose: Choose, *, meanwhile: Callable[[Call, str], None] | None = None) -> None:
        self._choose = choose
        self._meanwhile = meanwhile
        self._lock = threading.Lock()
        self._spared = threading.local()
        self.injected: Counter[tuple[str, str]] = Counter()
        self.attempts = 0

    def by_kind(self) -> dict[str, int]:
        """How often each kind happened."""
        with self._lock:
            totals: Counter[str] = Counter()
            for (_, kind), count in self.injected.items():
                totals[kind] += count
            return dict(totals)

    @contextmanager
    def spared(self) -> Iterator[None]:
        """No faults for what this thread does meanwhile."""
        before = getattr(self._spared, "now", False)
        self._spared.now = True
        try:
            yield
        finally:
            self._spared.now = before

    def __enter__(self) -> Self:
        self.install()
        return self

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    def install(self) -> None:
        """Begin.

        Raises
        ------
        RuntimeError
            Faults are being injected already.
        """
        if not _free.acquire(blocking=False):
            raise RuntimeError("Faults are being injected into this process already.")

        def send(endpoint: Endpoint, request: Any, operation: Any, context: Any) -> Any:
            return self._send(endpoint, request, operation, context)

        _original.install([(Endpoint, "_do_get_response", send)])

    def uninstall(self) -> None:
        """Stop."""
        _original.uninstall()
        _free.release()

    def _send(self, endpoint: Endpoint, request: Any, operation: Any, context: Any) -> Any:
        """One attempt: ((HTTP response, parsed answer), None) or (None, error), as botocore's own."""
        send = _original[Endpoint, "_do_get_response"]
        if getattr(self._spared, "now", False):
            return send(endpoint, request, operation, context)
        call = Call(operation.service_model.service_name, operation.name, request.body)
        with self._lock:
            self.attempts += 1
        kind = self._choose(call)
        if kind is None:
            return send(endpoint, request, operation, context)
        result = self._faulty(kind, call, request, lambda: send(endpoint, request, operation, context))
        if self._meanwhile is not None:
            with self.spared():
                self._meanwhile(call, kind)
        return result

    def _faulty(self, kind: str, call: Call, request: Any, send: Callable[[], Any]) -> Any:
        with self._lock:
            self.injected[call.operation, kind] += 1
        if kind == RESET:
            return None, ConnectionClosedError(endpoint_url=request.url)
        if kind in (LOST, CUT):
            answer, error = send()
            body = answer[1].get("Body") if answer is not None else None
            if kind == CUT and isinstance(body, StreamingBody):
                answer[1]["Body"] = _cut(body)
                return answer, error
            if isinstance(body, StreamingBody):
                body.close()
            return None, ConnectionClosedError(endpoint_url=request.url)
        return _refusal(kind, call, request.url), None


def _refusal(kind: str, call: Call, url: str) -> tuple[AWSResponse, dict[str, Any]]:
    """An error of the service as botocore parses it."""
    status, code = 400, "ThrottlingException"
    more: dict[str, Any] = {}
    if kind == SLOW_DOWN:
        status, code = 503, "SlowDown"
    elif kind == IN_PROGRESS:
        code = "TransactionInProgressException"
    elif kind == CONFLICT and call.operation in _WRITES:
        code = "TransactionConflictException"
    elif kind == THROTTLED and call.service == "sqs":
        code = "RequestThrottled"
    elif kind == THROTTLED and call.operation != _TRANSACTION:
        code = "ProvisionedThroughputExceededException"
    elif kind == CONFLICT:
        code = "TransactionCanceledException"
        count = len(json.loads(call.body)["TransactItems"])
        reasons = [{"Code": "None"} for _ in range(count)]
        reasons[count // 2] = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
        more = {"CancellationReasons": reasons}
    response = AWSResponse(url, status, {}, _Empty())
    parsed = {
        "Error": {"Code": code, "Message": f"Injected: {kind}."},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RequestId": "injected"},
        **more,
    }
    return response, parsed


class _Empty:
    """The body of a response that has none."""

    def stream(self) -> Iterator[bytes]:
        """Nothing."""
        return iter(())


class _Broken:
    """A stream whose connection breaks when ``left`` bytes have been read."""

    def __init__(self, stream: Any, left: int) -> None:
        self._stream = stream
        self._left = left

    def read(self, amount: int | None = None) -> bytes:
        """As much as there is before the break, then urllib3's error."""
        if self._left == 0 or amount is None or amount < 0:
            self._stream.close()
            raise ProtocolError("Injected: the connection broke in the middle of the object.")
        data = self._stream.read(min(amount, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()


def _cut(body: StreamingBody) -> StreamingBody:
    length = int(body._content_length or 0)
    return StreamingBody(_Broken(body._raw_stream, length // 2), length)


def ask_workers(chance: float, seed: int, environ: MutableMapping[str, str] = os.environ) -> None:
    """Make workers started from now on inject faults."""
    environ[VARIABLE] = f"{chance}:{seed}"


def from_environment(number: int, environ: Mapping[str, str] = os.environ) -> Faults | None:
    """What :func:`ask_workers` asked of worker ``number``, each with a seed of its own; None if nothing."""
    value = environ.get(VARIABLE)
    if not value:
        return None
    chance, seed = value.split(":")
    return Faults(Evenly(float(chance), 1000 * int(seed) + number))


def total(invocations: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Kind → how often it was injected in the invocations of a pump's log."""
    totals: Counter[str] = Counter()
    for invocation in invocations:
        totals.update(invocation.get("faults") or {})
    return dict(totals)
