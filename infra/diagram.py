"""The drawn and tabled parts of ``docs/plan.md``, made from the code's own tables.

``python -m infra.diagram`` writes them into the document, between its markers; a test fails while they differ.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chalicelib.domain import choices, headers, matching, plan, topology
from chalicelib.domain.settings import DEFAULTS, that_matter

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "plan.md"

_PART = re.compile(r"(<!-- begin (\w+): python -m infra.diagram -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def flow() -> str:
    """The blocks, the prefixes that wake them, and who hands a subject to whom, as a Mermaid flowchart."""
    lines = ["flowchart TD"]
    for block in topology.PIPELINE:
        stages = [stage for stage, name in plan.BLOCK_OF_STAGE.items() if name == block.name]
        shown = f"<b>{block.name.upper()}</b>" + "".join(f"<br/>{stage} → {_made(stage)}" for stage in stages)
        lines.append(f'  {block.name}["{shown}"]')
    for block in topology.PIPELINE:
        for prefix in block.prefixes:
            lines.append(f'  {_node(prefix)}[("{prefix}")] -- S3 event --> {block.name}')
    handed: dict[tuple[str, str], list[str]] = {}
    for obstype, chain in plan.CHAINS.items():
        blocks = [topology.INGEST.name, *(plan.BLOCK_OF_STAGE[stage] for stage in chain)]
        for pair in pairwise(blocks):
            handed.setdefault(pair, []).append(obstype)
    for obstype, key in _pools().items():
        handed.setdefault((topology.INGEST.name, plan.BLOCK_OF_STAGE[matching.pool_kind(key)]), []).append(obstype)
    for (source, target), obstypes in handed.items():
        lines.append(f'  {source} -- "{", ".join(obstypes)}" --> {target}')
    for (source, target), kinds in _tellings().items():
        lines.append(f'  {source} -. "tells of {", ".join(kinds)}" .-> {target}')
    ending = [obstype for obstype, chain in plan.CHAINS.items() if not chain and obstype not in _pools()]
    if ending:
        lines.append(f'  {topology.INGEST.name} -- "{", ".join(ending)}" --> rest(["kept as raw"])')
    beside = ", ".join(block.name.upper() for block in topology.BLOCKS if block not in topology.PIPELINE)
    return _fenced(lines) + f"\nBeside the pipeline stand {beside} and the schedules, which may nudge any subject.\n"


def stages() -> str:
    """What each stage makes, for which frames, and what enters its run key beside its inputs."""
    rows = []
    for stage, block in plan.BLOCK_OF_STAGE.items():
        frames = [obstype for obstype, chain in plan.CHAINS.items() if stage in chain]
        frames += [f"pool of {obstype}" for obstype, key in _pools().items() if matching.pool_kind(key) == stage]
        settings = ", ".join(f"`{name}`" for name in that_matter(DEFAULTS, stage)) or "–"
        choice = "yes" if stage in choices.STAGES else "no"
        rows.append((f"`{stage}`", block.upper(), ", ".join(frames), _made(stage), settings, choice))
    return _table(("stage", "block", "of", "makes", "settings in its run key", "choices"), rows)


def blocks() -> str:
    """Queues, leases and limits of the blocks."""
    rows = [
        (
            block.name.upper(),
            ", ".join(f"`{prefix}`" for prefix in block.prefixes) or "told only",
            str(block.concurrency),
            str(block.timeout),
            str(block.lease),
            str(block.visibility_timeout),
            f"{block.memory}",
            f"`{block.dead_letter_queue}`",
        )
        for block in topology.BLOCKS
    ]
    heads = ("block", "woken by", "at once", "timeout, s", "lease, s", "hidden, s", "MB", "dead letters")
    waits = ", ".join(map(str, topology.BACK_OFF))
    return _table(heads, rows) + (
        f"\nA message is delivered {topology.MAX_RECEIVES} times, after {waits} s; "
        f"COMBINE waits {topology.DEBOUNCE} s for more members.\n"
    )


def interests() -> str:
    """Which calibrations each kind of frame asks to be told of, and how many nights away they may be."""
    rows = []
    for name, o in _frames():
        found = matching.interests(o)
        cells = [f"`{_kind(key)}` {_reach(matching.reach(key))}" for key in found]
        pool = matching.pool_of(o)
        member = f"`{matching.pool_kind(pool)}` pool" if pool else "–"
        rows.append((name, ", ".join(cells) or "–", member))
    return _table(("frame", "is interested in", "is a member of"), rows)


PARTS: dict[str, Callable[[], str]] = {"flow": flow, "stages": stages, "interests": interests, "blocks": blocks}


def render(text: str) -> str:
    """The document with its generated parts as the code has them now.

    Raises
    ------
    ValueError
        The document lacks a part, has it twice, or has one that is not known.
    """
    present = [found[2] for found in _PART.finditer(text)]
    if sorted(present) != sorted(PARTS):
        raise ValueError(f"the document has the parts {present}, and should have {list(PARTS)}, each once")
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", text)


def _made(stage: str) -> str:
    return plan.PRODUCT_ROLE[stage]


def _node(prefix: str) -> str:
    return "s3_" + re.sub(r"\W", "_", prefix.strip("/"))


def _reach(nights: int) -> str:
    return f"up to {nights} nights away" if nights else "of its own night"


def _kind(key: str) -> str:
    return key.split("|")[0]


def _frames() -> list[tuple[str, Any]]:
    """A frame of each type; of a spectrograph's and of an imager's where the technique makes a difference."""
    frames = []
    for obstype in plan.CHAINS:
        both = [_frame(obstype, technique) for technique in (headers.SPECTROSCOPY_TECHNIQUE, headers.IMAGING_TECHNIQUE)]
        natural = both[1] if obstype == headers.EXPOSE else both[0]
        frames.append((obstype, natural))
    return frames


def _frame(obstype: str, technique: str) -> Any:
    """As much of an observation as configuration keys are made of."""
    return SimpleNamespace(
        obstype=obstype,
        technique=technique,
        camera="RED",
        readout="mode",
        roi_geometry="roi",
        binning=(2, 2),
        grating="400_SYZY",
        camera_angle=11.6,
        grating_angle=5.8,
        angles_read=False,
        filter="NO_FILTER",
        filter_2="NO_FILTER",
        slit="slit",
        night=20261121,
    )


def _pools() -> dict[str, str]:
    """Obstype → the pool a frame of it is a member of."""
    return {obstype: pool for obstype, o in _frames() if (pool := matching.pool_of(o)) is not None}


def _tellings() -> dict[tuple[str, str], list[str]]:
    """(block that publishes a calibration, block that is told) → kinds, from what frames and flat pools ask for."""
    served_by = {
        matching.bias_key: plan.BLOCK_OF_STAGE[plan.BIAS_STAGE],
        matching.flat_key: plan.BLOCK_OF_STAGE[plan.FLAT_STAGE],
        matching.arc_key: plan.BLOCK_OF_STAGE[plan.REDUCE],
    }
    told: dict[tuple[str, str], list[str]] = {}
    for obstype, o in _frames():
        for key, source in ((key_of(o), source) for key_of, source in served_by.items()):
            if key in matching.interests(o):
                target = plan.BLOCK_OF_STAGE[plan.CHAINS[obstype][0]]  # where a frame's subject is sent
                kinds = told.setdefault((source, target), [])
                if _kind(key) not in kinds:
                    kinds.append(_kind(key))
    return told


def _fenced(lines: Iterable[str]) -> str:
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: list[str] | None = None) -> int:
    """Write the document, or say whether it differs (``--check``)."""
    parser = argparse.ArgumentParser(prog="python -m infra.diagram", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the document is out of date")
    check = parser.parse_args(arguments).check
    before = DOCUMENT.read_text(encoding="utf-8")
    after = render(before)
    if check:
        return int(before != after)
    if before != after:
        DOCUMENT.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
