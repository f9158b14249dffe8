"""How long a publication waits when others write the same ledger item: a model, no AWS.

    python -m bench.conflicts [--seconds 600] [--seed 11] [--longest 60]

Publications arrive at random (Poisson). A transaction holds the ledger item of its (proposal, night) for 10 to 60 ms;
one that finds it held is refused after a round trip of 3 to 15 ms, waits as ``chalicelib.store.items`` waits (the very
function is called, its sleep noted instead of slept), and tries again, until its 20 s are over. *Delay* is from the
first attempt to the commit, the own transaction taken off. What is in DynamoDB's hands (which of two transactions is
refused, how fast) is assumed: the one that comes later.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import Counter
from itertools import count
from unittest import mock

from chalicelib.store import items

DEADLINE = 20.0
ROUND_TRIP = (0.003, 0.015)


class Waits:
    """The waits of the store's own helper: called in its place, its sleep noted instead of slept."""

    def __init__(self, chance: random.Random):
        self.chance = chance
        self.noted = 0.0

    def sleep(self, seconds: float) -> None:
        self.noted = seconds

    def after(self, attempt: int) -> float:
        """How long the helper sleeps after the attempt."""
        with mock.patch.object(items, "time", self), mock.patch.object(items, "random", self.chance):
            items.pause(attempt)
        return self.noted


def simulated(rate: float, spread: int, seconds: float, duration: tuple[float, float], seed: int) -> dict:
    """Delays (s) and attempts of the publications of some seconds; those given up counted apart.

    Parameters
    ----------
    rate : float
        Publications a second, over all ledger items.
    spread : int
        Ledger items they are spread over, evenly at random.
    """
    chance = random.Random(f"{rate}/{spread}/{duration}/{seed}")
    waits = Waits(chance)
    order = count()
    queue: list[tuple[float, int, float, int, int]] = []
    time = chance.expovariate(rate)
    while time < seconds:
        heapq.heappush(queue, (time, next(order), time, 0, chance.randrange(spread)))
        time += chance.expovariate(rate)
    held_until = [0.0] * spread
    delays: list[float] = []
    attempts: Counter[int] = Counter()
    given_up = 0
    while queue:
        now, _, begun, attempt, item = heapq.heappop(queue)
        if now >= held_until[item]:
            held_until[item] = now + chance.uniform(*duration)
            delays.append(now - begun)
            attempts[attempt + 1] += 1
            continue
        refused = now + chance.uniform(*ROUND_TRIP)
        if refused - begun > DEADLINE:
            given_up += 1
            continue
        heapq.heappush(queue, (refused + waits.after(attempt), next(order), begun, attempt + 1, item))
    return {"delays": sorted(delays), "attempts": attempts, "given_up": given_up}


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="of publications (default: 600)")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--shortest", type=float, default=10, help="ms a transaction holds its item at least")
    parser.add_argument("--longest", type=float, default=60, help="ms it holds it at most")
    options = parser.parse_args()
    duration = (options.shortest / 1000, options.longest / 1000)
    print("| publishes/s | ledger items | busy | n | 1, 2, 3–5, > 5 attempts | p50 | p95 | p99 | longest | given up |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for rate in (1, 15, 40):
        for spread in (1, 2, 4, 5, 8):
            found = simulated(rate, spread, options.seconds, duration, options.seed)
            delays, attempts = found["delays"], found["attempts"]
            total = len(delays) + found["given_up"]
            several = sum(n for k, n in attempts.items() if 3 <= k <= 5)
            many = total - attempts[1] - attempts[2] - several
            shares = " / ".join(f"{n / total:.1%}" for n in (attempts[1], attempts[2], several, many))
            busy = rate / spread * sum(duration) / 2
            times = " | ".join(f"{1000 * _percentile(delays, share):.0f} ms" for share in (0.5, 0.95, 0.99, 1))
            print(
                f"| {rate} | {spread} | {busy:.0%} | {total} | {shares} | {times} | {found['given_up'] / total:.2%} |"
            )


if __name__ == "__main__":
    main()
