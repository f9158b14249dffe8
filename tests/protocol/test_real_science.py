"""The same with the real science: a simulated night in any order ends in the same bytes."""

from __future__ import annotations

from functools import cache

import pytest

from infra.simulate.plan import small_night
from infra.simulate.writer import frames
from tests.protocol.actions import differences
from tests.protocol.world import World

HISTORIES = 5


@cache
def night() -> tuple[tuple[str, bytes], ...]:
    """Three biases and flats, an arc, a spectrum: 200 rows each."""
    plan = small_night(seed=5, n_bias=3, n_flat=3, n_science=1, exposures_per_target=1, arc_binning=(2, 2))
    return tuple(
        (f"raw/{exposure.night.evening:%Y%m%d}/{name}", data) for exposure, (name, data, _) in zip(plan, frames(plan))
    )


def played(monkeypatch: pytest.MonkeyPatch, seed: int | None = None, crash_at: int | None = None) -> World:
    """The night undisturbed, or by a seed: shuffled, with duplicates and a crash."""
    world = World(monkeypatch, seed or 0, real=True)
    uploads = list(night())
    if seed is None:
        for key, data in uploads:
            world.upload(key, data)
        world.drain()
    else:
        world.random.shuffle(uploads)
        world.crash_at, world.crash_after = crash_at, bool(seed % 2)
        for key, data in uploads:
            world.upload(key, data)
            for _ in range(world.random.randrange(3)):
                world.step(shuffle=True, duplicate=0.3)
        world.drain(shuffle=True, duplicate=0.2)
    world.check()
    assert not world.errors
    return world


@pytest.fixture(scope="module")
def undisturbed(reference_bundle) -> tuple[dict, int]:
    """The records of the undisturbed night, and how many writes it took."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = played(monkeypatch)
        return world.snapshot(), world.writes


def test_the_undisturbed_night_is_reduced(undisturbed):
    records, _ = undisturbed
    assert {record["data_type"] for record in records.values()} == {"0", "1", "2", "3", "4"}
    assert {record["status"] for record in records.values()} == {"done"}


@pytest.mark.parametrize("seed", range(1, HISTORIES + 1))
def test_a_disturbed_night_ends_in_the_same_bytes(monkeypatch, undisturbed, seed):
    records, writes = undisturbed
    world = played(monkeypatch, seed, crash_at=writes * seed // (HISTORIES + 1))
    found = world.snapshot()
    assert not differences(found, records), "\n".join(differences(found, records))
