"""Goodman Live: the Chalice app. Registers the API's blueprints and one function per process block; nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice import Chalice, Rate

from chalicelib import api
from chalicelib.blocks import asked as asked_block
from chalicelib.blocks import bulk as bulk_block
from chalicelib.blocks import combine as combine_block
from chalicelib.blocks import deadletter as deadletter_block
from chalicelib.blocks import extract as extract_block
from chalicelib.blocks import ingest as ingest_block
from chalicelib.blocks import pack as pack_block
from chalicelib.blocks import purge as purge_block
from chalicelib.blocks import reduce as reduce_block
from chalicelib.blocks import sweep as sweep_block
from chalicelib.blocks import wavelength as wavelength_block
from chalicelib.blocks.entry import back_off, ending_in, handle_message
from chalicelib.domain.topology import (
    ASKED,
    BULK,
    COMBINE,
    DEADLETTER,
    EXTRACT,
    INGEST,
    PACK,
    REDUCE,
    WAVELENGTH,
    Block,
)

app = Chalice(app_name="goodman-live")
api.register(app)


def on_queue(block: Block) -> Callable[[Callable[[Any], None]], Any]:
    """Register a block's function for its queue: one message at a time, at most ``block.concurrency`` at once."""
    return app.on_sqs_message(queue=block.queue, batch_size=1, name=block.name, maximum_concurrency=block.concurrency)


def run(block: Block, event: Any, handle: Callable[[str], str]) -> None:
    """Look at what the messages name."""
    work(block, event, lambda body: handle_message(block, body, handle))


def work(block: Block, event: Any, handle: Callable[[str], list[str]]) -> None:
    """Do what the messages say; an unexpected error hides its message for a while and is raised for SQS to see."""
    from chalicelib.blocks import telemetry

    with ending_in(event.context.get_remaining_time_in_millis() / 1000):
        for record in event.to_dict()["Records"]:
            try:
                outcomes = handle(record["body"])
            except Exception:
                telemetry.failed(block, back_off(block, record))
                raise
            for outcome in outcomes:
                telemetry.count(block, outcome)


@on_queue(INGEST)
def ingest(event: Any) -> None:
    """Take in a raw object."""
    run(INGEST, event, ingest_block.handle)


@on_queue(COMBINE)
def combine(event: Any) -> None:
    """Combine a pool into a master."""
    run(COMBINE, event, combine_block.handle)


@on_queue(REDUCE)
def reduce(event: Any) -> None:
    """Reduce a frame."""
    run(REDUCE, event, reduce_block.handle)


@on_queue(EXTRACT)
def extract(event: Any) -> None:
    """Extract a frame's targets."""
    run(EXTRACT, event, extract_block.handle)


@on_queue(WAVELENGTH)
def wavelength(event: Any) -> None:
    """Calibrate the wavelengths of a frame's targets."""
    run(WAVELENGTH, event, wavelength_block.handle)


@on_queue(ASKED)
def asked(event: Any) -> None:
    """Do what somebody asked for."""
    run(ASKED, event, asked_block.handle)


@on_queue(DEADLETTER)
def deadletter(event: Any) -> None:
    """Record the failure of a message that used up its attempts.

    What fails here comes back when its visibility timeout is over, not after the short back-off: by then what kept the
    block from its work may be gone.
    """
    for record in event.to_dict()["Records"]:
        deadletter_block.handle(record["body"])


@on_queue(BULK)
def bulk(event: Any) -> None:
    """Bring on a part of the bulk work."""
    work(BULK, event, bulk_block.handle)


@on_queue(PACK)
def pack(event: Any) -> None:
    """Pack the files of a job into one archive."""
    work(PACK, event, pack_block.handle)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: Any) -> None:
    """Tell again what was left open."""
    from chalicelib.blocks import telemetry

    telemetry.swept(sweep_block.sweep())


@app.schedule(Rate(1, unit=Rate.HOURS), name="purge")
def purge(event: Any) -> None:
    """Erase what was deleted longer than a day ago."""
    from chalicelib.blocks import telemetry

    telemetry.logger.info("purged", products=purge_block.purge())
