"""Goodman Live: the Chalice app. Registers the API's blueprints and one function per process block; nothing else.

Every function imports this module, also the API's, whose start somebody waits for: a block is imported by the function
that runs it.
"""

from __future__ import annotations

import gc

gc.disable()  # nothing of what importing makes is garbage, and looking for it takes 7 % of the start

from collections.abc import Callable
from typing import Any

from chalice import Chalice, Rate

from chalicelib import api
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
    from chalicelib.blocks.entry import handle_message

    work(block, event, lambda body: handle_message(block, body, handle))


def work(block: Block, event: Any, handle: Callable[[str], list[str]]) -> None:
    """Do what the messages say; an unexpected error hides its message for a while and is raised for SQS to see."""
    from chalicelib.blocks import telemetry
    from chalicelib.blocks.entry import back_off, ending_in

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
    from chalicelib.blocks.ingest import handle

    run(INGEST, event, handle)


@on_queue(COMBINE)
def combine(event: Any) -> None:
    """Combine a pool into a master."""
    from chalicelib.blocks.combine import handle

    run(COMBINE, event, handle)


@on_queue(REDUCE)
def reduce(event: Any) -> None:
    """Reduce a frame."""
    from chalicelib.blocks.reduce import handle

    run(REDUCE, event, handle)


@on_queue(EXTRACT)
def extract(event: Any) -> None:
    """Extract a frame's targets."""
    from chalicelib.blocks.extract import handle

    run(EXTRACT, event, handle)


@on_queue(WAVELENGTH)
def wavelength(event: Any) -> None:
    """Calibrate the wavelengths of a frame's targets."""
    from chalicelib.blocks.wavelength import handle

    run(WAVELENGTH, event, handle)


@on_queue(ASKED)
def asked(event: Any) -> None:
    """Do what somebody asked for."""
    from chalicelib.blocks.asked import handle

    run(ASKED, event, handle)


@on_queue(DEADLETTER)
def deadletter(event: Any) -> None:
    """Record the failure of a message that used up its attempts.

    What fails here comes back when its visibility timeout is over, not after the short back-off: by then what kept the
    block from its work may be gone.
    """
    from chalicelib.blocks.deadletter import handle

    for record in event.to_dict()["Records"]:
        handle(record["body"])


@on_queue(BULK)
def bulk(event: Any) -> None:
    """Bring on a part of the bulk work."""
    from chalicelib.blocks.bulk import handle

    work(BULK, event, handle)


@on_queue(PACK)
def pack(event: Any) -> None:
    """Pack the files of a job into one archive."""
    from chalicelib.blocks.pack import handle

    work(PACK, event, handle)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: Any) -> None:
    """Tell again what was left open."""
    from chalicelib.blocks import sweep as block
    from chalicelib.blocks import telemetry

    telemetry.swept(block.sweep())


@app.schedule(Rate(1, unit=Rate.HOURS), name="purge")
def purge(event: Any) -> None:
    """Erase what was deleted longer than a day ago."""
    from chalicelib.blocks import purge as block
    from chalicelib.blocks import telemetry

    telemetry.logger.info("purged", products=block.purge())


gc.freeze()  # what is imported stays: no later collection need look at it either
gc.enable()
