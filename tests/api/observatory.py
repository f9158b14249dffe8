"""A small simulated night that has gone through the real blocks, in this process: what the reading routes show."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from chalicelib.blocks import combine, extract, reduce, wavelength
from chalicelib.blocks import ingest as ingest_block
from chalicelib.store import clients, items, listing, queues, subjects
from infra.local import resources
from infra.simulate.plan import small_night
from infra.simulate.writer import frames

BLOCKS = {"combine": combine, "reduce": reduce, "extract": extract, "wavelength": wavelength}


@dataclass
class Night:
    """The files of the night as the API shows them, by what they are."""

    records: list[dict[str, Any]] = field(default_factory=list)

    def one(self, data_type: str, obstype: str, **more: Any) -> dict[str, Any]:
        """The first file of a kind."""
        return self.all(data_type, obstype, **more)[0]

    def all(self, data_type: str, obstype: str, **more: Any) -> list[dict[str, Any]]:
        """The files of a kind, the oldest first."""
        wanted = {"data_type": data_type, "obstype": obstype, **more}
        return [r for r in self.records if all(r.get(name) == value for name, value in wanted.items())]


def play(minimum: int = 3) -> Night:
    """Take in three biases and flats, two arcs and a spectrum, and do all that is due."""
    resources.create_queues()
    queues.forget()
    _small_pools("SOAR2026B-014", minimum)
    plan = small_night(seed=5, n_bias=3, n_flat=3, n_science=1, exposures_per_target=1, arc_binning=(2, 2))
    for exposure, (name, data, _) in zip(plan, frames(plan)):
        key = f"raw/{exposure.night.evening:%Y%m%d}/{name}"
        clients.s3().put_object(Bucket=clients.bucket(), Key=key, Body=data)
        ingest_block.handle(key)
    for _ in range(40):
        due = sorted(subjects.open_subjects(), key=lambda subject: not subjects.is_pool(subject))
        if not due:
            break
        for subject in due:
            _work(subject)
    found = items.pages("scan", "files")
    records = [record for page in found for record in page]
    assert {r["status"] for r in records} == {"done"}, sorted({(r["file_name"], r["status_reason"]) for r in records})
    return Night(sorted(records, key=lambda record: record["id"]))


def _work(subject: str) -> None:
    """What the blocks do, one after the other, until nothing is due."""
    blocks = ["combine"] if subjects.is_pool(subject) else ["reduce", "extract", "wavelength"]
    for block in blocks:
        BLOCKS[block].handle(subject)


def _small_pools(soar_id: str, minimum: int) -> None:
    """Let masters be made of few frames."""
    settings = {"minimum_biases": minimum, "minimum_flats": minimum}
    known = items.get("identities", {"identity": f"proposal#{soar_id}"}) or {}
    proposal = items.get("proposals", {"id": known["id"]}) or {}
    changed = proposal | {"settings": settings, "settings_revision": 1}
    items.write([items.operation("Put", "proposals", item=changed)])
    counters = {"counter": "minimums", "bias": minimum, "flat": minimum}
    items.write([items.operation("Put", "counters", item=counters)])


def messages(queue: str) -> list[dict[str, Any]]:
    """Take what waits in a queue."""
    url = queues.queue_url(queue)
    found = clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        clients.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def listed(identifier: int) -> dict[str, Any]:
    """A record as it is now."""
    return listing.record(identifier) or {}
