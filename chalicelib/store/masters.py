"""Masters that people ask for: of frames they chose, or of a whole pool again (see :mod:`.actions`)."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.choices import choice_from
from ..domain.matching import pool_kind, pool_of
from ..domain.records import MASTER_TYPE, RAW_TYPE, Record, observation_of, visible
from ..domain.steps import AUTO, stage_key
from . import actions, clock, items, subjects
from .actions import NotThere, Refused
from .subjects import CHOICE, RETRY, TOMBSTONES


def combine(raw_ids: Sequence[int], actor: str) -> tuple[str, str]:
    """Have a master made of chosen biases or flats of one pool; the pool, and the name of the variant this makes.

    The master stands beside the pool's own, is never searched by itself, and can be chosen for a frame.

    Raises
    ------
    NotThere, Refused
        There is no such file; the frames are no calibrations of one night and configuration, or serve no more.
    BadChoice
        There are too few or too many of them.
    """
    found = {record["id"]: record for record in items.batch_get("files", [{"id": i} for i in sorted(set(raw_ids))])}
    pools = set()
    for identifier in raw_ids:
        record = found.get(identifier)
        if record is None or not visible(record):
            raise NotThere(f"There is no file {identifier}.")
        if record["data_type"] == MASTER_TYPE:
            raise Refused(f"{record['file_name']} is a master: name the raw frames to combine.")
        pools.add(pool_of_record(record))
        if record.get("bad") or record.get("superseded_by"):
            why = "is marked bad" if record.get("bad") else "is superseded by a later upload"
            raise Refused(f"{record['file_name']} {why}: it serves as no calibration. Leave it out.")
    if len(pools) != 1:
        raise Refused(
            "The frames are not of one night and configuration (camera, readout, region, binning; for flats also "
            "grating, angles, filters, slit): choose frames that are."
        )
    (pool,) = pools
    chosen = choice_from({"stage": pool_kind(pool), "members": list(raw_ids)}, actor=actor, time=clock.moment())
    actions.must_have_room(pool, chosen)
    fact = actions.fact_operation(pool, sets={CHOICE + chosen.variant: chosen.to_item()})
    sentence = f"Asked for a master of {len(chosen.members)} chosen frames (variant {chosen.variant})."
    actions.ask(pool, None, fact, actor=actor, sentence=sentence)
    return pool, chosen.variant


def combine_again(pool: str, actor: str, variant: str = AUTO) -> None:
    """Make a pool's master again, whatever was made before; one that was deleted is taken up again."""
    key = stage_key(pool_kind(pool), variant)
    item = (subjects.read(pool).get("stages") or {}).get(key)
    made = {product["id"] for product in (item or {}).get("products", ())}
    for record in items.batch_get("files", [{"id": i} for i in sorted(made)]):
        if record.get("deleted") and not record.get("purged"):
            actions.restore(record["id"], actor)
    fact = actions.fact_operation(pool, adds={RETRY + key: 1}, deletes={TOMBSTONES: made} if made else None)
    actions.ask(pool, None, fact, actor=actor, sentence="Asked for the master again.")


def withdraw(pool: str, variant: str, actor: str) -> None:
    """Take the choice of frames back: the master made of them is retired."""
    fact = actions.fact_operation(pool, removes=[CHOICE + variant])
    sentence = f"The choice of frames for variant {variant} was taken back."
    actions.ask(pool, None, fact, actor=actor, sentence=sentence)


def pool_of_record(record: Record) -> str:
    """The pool a raw bias or flat is a member of, or a master was made from.

    Raises
    ------
    Refused
        It is neither.
    """
    if record["data_type"] == MASTER_TYPE and subjects.is_pool(record.get("subject") or ""):
        return record["subject"]
    if record["data_type"] == RAW_TYPE and record.get("observation"):
        pool = pool_of(observation_of(record["observation"]))
        if pool is not None:
            return pool
    raise Refused(f"{record['file_name']} is no raw bias or flat: masters are made of those.")
