"""Histories that once went wrong, each in its shortest form."""

from __future__ import annotations

import pytest

from tests.protocol.actions import People
from tests.protocol.frames import uploads
from tests.protocol.world import World


@pytest.fixture
def night(monkeypatch) -> People:
    """People in a night that is over."""
    world = World(monkeypatch)
    for key, data in uploads():
        world.upload(key, data)
        world.drain()
    world.check()
    return People(world)


def named(found: dict[str, dict], name: str) -> str:
    """The identity of a file by its name."""
    return next(identity for identity, record in found.items() if record["file_name"] == name)


def test_a_master_marked_bad_while_its_members_change_serves_nobody(night):
    """The pool is combined anew for its other members, and must still be taken out of the search."""
    night.mark_bad(named(night.calibrations(), "0012_bias.fits"))
    night.world.step()  # REDUCE takes it out of its pool
    night.mark_bad(named(night.calibrations(), "bias_1.fits"))
    night.world.drain()
    night.world.check()
    master = night.products()[named(night.products(), "bias_1.fits")]
    served = {row["id"] for row in night.world.rows("configurations")}
    assert master["id"] not in served
    users = [r for r in night.products().values() if any(i["id"] == master["id"] for i in r["inputs"])]
    assert not users
