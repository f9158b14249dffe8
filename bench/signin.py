"""CPU seconds of sign-in and of the check of a token, cold and warm, and whether times tell who has an account.

    python -m bench.signin [--runs 5] [--pairs 100] [--seed 1]

AWS is mocked in the process. Cold is the first of its kind in a fresh interpreter after ``import app`` (clients made,
schemas compiled); the share of moto is given by the same request once more. ``tell`` signs in with a wrong password,
alternately for an account that is there and one that is not, in random order, at the real cost of scrypt.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median, stdev

ROOT = Path(__file__).resolve().parents[1]
PREPARE = """
import os, time
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
start = time.process_time()
from app import app
imported = time.process_time() - start
from tests.conftest import mocked_aws
from chalice.test import Client
from chalicelib.store import clients, fixtures
from tests.api.client import Api
def login(): return api.post("/auth/login", {"username": "pi", "password": fixtures.PASSWORD}, None).status_code == 200
def check(): return accounts.viewer_of(api.tokens["staff"]) is not None
from chalicelib.store import accounts
"""
COLD = """
with mocked_aws(), Client(app) as client:
    api = Api(client, fixtures.seed_fixture_accounts(mocked=True))
    clients.forget()
    times = []
    for number in range(4):
        start = time.process_time()
        assert {what}()
        times.append(time.process_time() - start)
    print(imported, times[0], min(times[1:]))
"""


def cold(what: str, runs: int) -> tuple[float, ...]:
    """Medians over fresh interpreters: import, first, best of the next three."""
    program = PREPARE + COLD.format(what=what)
    lines = [
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for _ in range(runs + 1)
    ][1:]
    return tuple(median(column) for column in zip(*(map(float, line.split()) for line in lines)))


def scrypt_seconds(runs: int) -> float:
    """CPU of one scrypt with today's parameters."""
    from chalicelib.domain import passwords

    times = []
    for _ in range(runs):
        start = time.process_time()
        passwords.matches("x", passwords.nobody())
        times.append(time.process_time() - start)
    return median(times)


def tell(pairs: int, seed: int) -> tuple[list[float], list[float]]:
    """CPU seconds of a wrong password, for an account that is there and for one that is not."""
    os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
    from chalicelib.store import attempts, fixtures, signin
    from tests.conftest import mocked_aws

    attempts.SIGN_IN_ACCOUNT = replace(attempts.SIGN_IN_ACCOUNT, most=10**9)
    chance = random.Random(seed)
    names = {"there": "collaborator", "not": "nobody-there"}
    times: dict[str, list[float]] = {which: [] for which in names}
    with mocked_aws():
        fixtures.seed_fixture_accounts(mocked=True)
        for number in range(pairs):
            for which in chance.sample(list(names), 2):
                start = time.process_time()
                with suppress(signin.WrongCredentials):
                    signin.sign_in(names[which], f"wrong {number}", f"address {number}")
                times[which].append(time.process_time() - start)
    return times["there"], times["not"]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"one scrypt: {scrypt_seconds(options.runs):.3f} s CPU")
    for what in ("login", "check"):
        imported, first, warm = cold(what, options.runs)
        print(f"{what:6} import app {imported:.3f}, first {first:.3f}, warm {warm:.4f} s CPU (moto included)")
    there, absent = tell(options.pairs, options.seed)
    differences = [a - b for a, b in zip(there, absent)]
    error = stdev(differences) / len(differences) ** 0.5
    print(
        f"wrong password, {len(there)} pairs: there {median(there):.4f} s, not there {median(absent):.4f} s; "
        f"mean difference {sum(differences) / len(differences) * 1e3:+.2f} ± {error * 1e3:.2f} ms"
    )


if __name__ == "__main__":
    main()
