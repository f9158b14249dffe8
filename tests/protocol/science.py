"""The stand-in for the science: products whose bytes follow from the run key alone, in no time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

from chalicelib.blocks.publishing import Facts, Product
from chalicelib.domain import plan, records, topology
from chalicelib.domain.plan import PoolFacts, Step
from chalicelib.science import rawfile
from chalicelib.science.errors import NoTargetFound

_DATA_TYPE = {"bias": "1", "flat": "1", "reduce": "2", "extract": "3", "wavelength": "4"}
_PREFIX = {
    "1": topology.MASTERS,
    "2": topology.REDUCED_SPECTRUM,
    "3": topology.EXTRACTED,
    "4": topology.CALIBRATED,
}


def make(step: Step, facts: Facts) -> Sequence[Product]:
    """What a step makes. A frame of the object "empty" shows no target; one without masters shows only one."""
    o = facts.observation
    assert o is not None
    if step.stage == plan.EXTRACT and o.object == "empty":
        raise NoTargetFound("No spectrum stands out of the sky.")
    raw = None if isinstance(facts, PoolFacts) else facts.raw
    targets: tuple[int, ...] = (1, 2) if step.stage == plan.EXTRACT and not step.provisional else (1,)
    if step.stage == plan.WAVELENGTH:
        targets = tuple(i.target or 0 for i in step.inputs if i.role == "spectrum")
    data_type = _DATA_TYPE[step.stage]
    return [
        Product(
            role=plan.PRODUCT_ROLE[step.stage],
            kind=step.stage,
            prefix=_PREFIX[data_type],
            name=f"{step.stage}_{target}.fits",
            data=f"{step.run_key} {target}".encode(),
            data_type=data_type,
            observation=o,
            parent=_parent(step, target) if raw else (0, ""),
            original=(raw.id, raw.name) if raw else None,
            target=target if raw else None,
            quality={} if raw else {"members": sum(i.role == "member" for i in step.inputs)},
            scope=None if raw else records.MASTERS_SCOPE,
        )
        for target in targets
    ]


def _parent(step: Step, target: int) -> tuple[int, str]:
    """The file a product is made from: the one of its target, else the first."""
    source = next((i for i in step.inputs if i.role == "spectrum" and i.target == target), step.inputs[0])
    return source.id, source.name


_scan_stream = rawfile.scan


@cache
def _scan_bytes(data: bytes) -> rawfile.Scan:
    return _scan_stream(io.BytesIO(data))


def scan(stream: Any) -> rawfile.Scan:
    """The real scan, done once for the same bytes."""
    return _scan_bytes(stream.read())
