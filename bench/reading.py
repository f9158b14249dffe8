"""What the reading routes ask of AWS and what CPU they cost, over a small simulated night that is done.

    python -m bench.reading [--runs 20]

Items read are those that came, at least one a query or batch. CPU: AWS's answers are recorded and played again below
botocore's client, in a warm process, so that what is measured is the service and botocore. Frames of the night have
about 2045 x 200 pixels, spectra 2045; the manifest names a thousand files.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median
from typing import Any

from chalice.local import LambdaEventConverter, RouteMatcher
from chalice.test import Client

from bench.requests import Wire, answer
from chalicelib.store import clients, fixtures, queues, ratelimit
from tests.api import observatory
from tests.conftest import mocked_aws
from tests.filing import file, record

NIGHT = 20260701
MANY = 1000


def requests(night: observatory.Night) -> dict[str, tuple[str, str, Any]]:
    """What is asked: name → method, path, body."""
    spectrum, reduced = night.one("4", "SPECTRUM")["id"], night.one("2", "SPECTRUM")["id"]
    raw, bias = night.one("0", "SPECTRUM")["id"], night.one("1", "BIAS")["id"]
    return {
        "list": ("GET", "/files", None),
        "list, a page in the middle": ("GET", "/files?page=25", None),
        "list, oldest first": ("GET", "/files?order=oldest", None),
        "search, one of 1000": ("GET", f"/files?name=0999_&night={NIGHT}", None),
        "search, nothing in 1000": ("GET", f"/files?search=nothing&night={NIGHT}", None),
        "facets": ("GET", "/files/facets", None),
        "lineage of a spectrum": ("GET", f"/files/{spectrum}/lineage", None),
        "lineage of a raw frame": ("GET", f"/files/{raw}/lineage", None),
        "lineage of a master bias": ("GET", f"/files/{bias}/lineage", None),
        "candidates": ("GET", f"/files/{raw}/candidates", None),
        "export, ECSV": ("GET", f"/files/{spectrum}/export", None),
        "export, VOTable": ("GET", f"/files/{spectrum}/export?format=votable", None),
        "visualize, spectrum": ("GET", f"/files/{spectrum}/visualize", None),
        "visualize, reduced": ("GET", f"/files/{reduced}/visualize", None),
        "PNG, spectrum": ("GET", f"/files/{spectrum}/visualize?format=png", None),
        "PNG, image, coarse": ("GET", f"/files/{reduced}/visualize?format=png", None),
        "PNG, image, full": ("GET", f"/files/{reduced}/visualize?format=png&size=full", None),
        "manifest of 20": ("POST", "/files/manifest", {"ids": [r["id"] for r in night.records[6:]]}),
        f"manifest of {MANY}": ("POST", f"/files/manifest?night={NIGHT}", {}),
    }


def main() -> None:
    """Print a line a request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    from app import app

    gateway = LambdaEventConverter(RouteMatcher(list(app.routes)), app.api.binary_types)
    print("| request | answer | kB | items read | S3 | CPU, ms |\n|---|---|---|---|---|---|")
    with mocked_aws():
        queues.forget()
        with Client(app):
            tokens = fixtures.seed_fixture_accounts(mocked=True)
            night = observatory.play()
            file(*(record(NIGHT, n, object=f"star {n % 50}") for n in range(1, MANY + 1)))
            clients.forget()
            for name, (method, path, body) in requests(night).items():
                headers = {
                    "host": "bench",
                    "content-type": "application/json",
                    "authorization": f"Token {tokens['pi']}",
                }
                sent = b"" if body is None else json.dumps(body).encode()
                event = dict(gateway.create_lambda_event(method, path, headers, sent))
                clients.forget()
                ratelimit.forget()
                wire = Wire()
                answer(app, event)
                wire.items.clear()
                ratelimit.forget()
                made = app(event, None)
                counted = {what: n for what, n in wire.items.items() if what not in ("read", "write")}
                read = wire.items["read"]
                wire.playing = True
                times = []
                for _ in range(runs):
                    ratelimit.forget()
                    start = time.process_time()
                    answer(app, event)
                    times.append(time.process_time() - start)
                others = ", ".join(f"{n} {what}" for what, n in sorted(counted.items()))
                size = len(made["body"]) / 1000
                print(
                    f"| {name} | {made['statusCode']} | {size:.0f} | {read} | {others} | {1000 * median(times):.1f} |"
                )
    queues.forget()
    clients.forget()


if __name__ == "__main__":
    main()
