"""The API over a small observatory in memory, whose blocks do what is asked when a test lets them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.domain.version import SCIENCE_VERSION
from chalicelib.store import accounts, fixtures, items, proposals, reprocessing
from tests.api.client import Api
from tests.protocol import memory
from tests.protocol.frames import frames
from tests.protocol.world import World, is_visible

STAR = "0007_star.fits"


@dataclass(frozen=True)
class Observatory:
    """Requests, and the pipeline behind them."""

    api: Api
    world: World

    def file(self, name: str, data_type: str = "0", target: int | None = None, variant: str = "auto") -> dict[str, Any]:
        """The one visible file of a raw frame (or a master, by its own name)."""
        (found,) = (
            r
            for r in self.files(variant)
            if name in (r["original_file"], r["file_name"]) and (r["data_type"], r["target"]) == (data_type, target)
        )
        return found

    def files(self, variant: str) -> list[dict[str, Any]]:
        """What is visible of a variant."""
        return [r for r in self.world.rows("files") if r["variant"] == variant and is_visible(r)]

    def master(self, obstype: str, variant: str = "auto") -> dict[str, Any]:
        """The one master of a kind."""
        (found,) = (r for r in self.files(variant) if r["data_type"] == "1" and r["obstype"] == obstype)
        return found

    def raws(self, obstype: str) -> list[dict[str, Any]]:
        """The raw frames of a type, in the order they came."""
        found = [r for r in self.files("auto") if r["data_type"] == "0" and r["obstype"] == obstype]
        return sorted(found, key=lambda record: record["id"])

    def settle(self) -> None:
        """Let the pipeline do what there is to do."""
        self.world.settle()
        assert not self.world.errors
        self.world.check()

    def asked(self, path: str, body: Any = None, role: str = "pi", **headers: str) -> dict[str, Any]:
        """The job of something that is asked for and taken."""
        response = self.api.post(path, body, role, **headers)
        assert response.status_code == 202, response.body
        return json.loads(response.body)["job"]

    def job(self, job: dict[str, Any], role: str = "pi") -> dict[str, Any]:
        """A job as it is now."""
        return self.api.json(f"/jobs/{job['id']}", role)

    def done(self, job: dict[str, Any], role: str = "pi") -> dict[str, Any]:
        """A job that must be waiting, and done when the pipeline has rested."""
        assert self.job(job, role)["status"] == "waiting"
        self.settle()
        now = self.job(job, role)
        assert now["status"] == "done", now
        return now


@pytest.fixture
def observatory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Observatory]:
    """A night that is reduced, and people: the proposal of its frames is ``pi``'s."""
    from app import app

    monkeypatch.setattr(memory, "STALE_WRITES", 0)  # how a request does with old reads is no matter here
    world = _reduced(World(monkeypatch), frames())
    monkeypatch.setattr(reprocessing, "frames", lambda scope, *_: _frames(world, scope))
    tokens = _people()
    with Client(app) as client:
        yield Observatory(Api(client, tokens), world)


def _reduced(world: World, uploads: Mapping[str, bytes]) -> World:
    for key, data in uploads.items():
        world.upload(key, data)
    world.settle()
    return world


def _frames(world: World, scope: str) -> reprocessing.Wanted:
    """What :func:`reprocessing.frames` finds; the counting readers want their tables on the wire."""
    found = [
        r["id"] for r in world.rows("files") if r["data_type"] == "0" and r["obstype"] in ("SPECTRUM", "ARC", "EXPOSE")
    ]
    return reprocessing.Wanted(found, 1, proposals.current_settings(scope)[0], SCIENCE_VERSION)


def _people() -> dict[str, str]:
    """The fixture accounts; the world's proposal gets its PI and collaborator."""
    pi = accounts.create_user("pi", "pi@example.org")
    proposal = items.get("proposals", {"id": 1})
    assert proposal is not None
    facts = {"user_id": pi["id"], "scope": "SOAR2026B-014", "semester": "2026B", "title": "", "abstract": ""}
    items.write([items.operation("Put", "proposals", item=proposal | facts)])
    items.write([items.operation("Put", "counters", item={"counter": "proposals", "n": 1})])
    accounts.add_member(1, pi["id"], accounts.PI)
    return fixtures.seed_fixture_accounts(mocked=True)
