"""``docs/plan.md`` shows the plan as the code has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import matching, plan, topology
from infra import diagram

TEXT = diagram.DOCUMENT.read_text(encoding="utf-8")


def test_the_document_is_what_the_code_says():
    assert diagram.render(TEXT) == TEXT, "docs/plan.md is out of date: run python -m infra.diagram"


CHANGES = {
    "a chain": lambda patch: patch.setitem(plan.CHAINS, "FOCUS", (plan.REDUCE,)),
    "a stage's block": lambda patch: patch.setitem(plan.BLOCK_OF_STAGE, plan.EXTRACT, "wavelength"),
    "a role": lambda patch: patch.setitem(plan.PRODUCT_ROLE, plan.EXTRACT, "traced"),
    "an interest": lambda patch: patch.setattr(matching, "interests", lambda o: ()),
    "a limit": lambda patch: patch.setattr(
        topology, "BLOCKS", (*topology.BLOCKS[:-1], replace(topology.BLOCKS[-1], memory=9))
    ),
    "a prefix": lambda patch: patch.setattr(
        topology, "PIPELINE", (*topology.PIPELINE[:-1], replace(topology.PIPELINE[-1], prefixes=("elsewhere/",)))
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_the_code_shows(monkeypatch, what):
    CHANGES[what](monkeypatch)
    assert diagram.render(TEXT) != TEXT


@pytest.mark.parametrize("damaged", [TEXT.replace("end flow", "end flaw"), TEXT.replace("begin blocks", "begin blobs")])
def test_a_document_that_lost_a_part_is_refused(damaged):
    with pytest.raises(ValueError, match="each once"):
        diagram.render(damaged)


def test_the_picture_names_every_block_and_stage():
    picture = diagram.flow()
    assert all(f"<b>{block.name.upper()}</b>" in picture for block in topology.PIPELINE)
    assert all(f"{stage} → {role}" in picture for stage, role in plan.PRODUCT_ROLE.items())
