"""What people do to the files of a night, and the facts it leaves, named so that two histories can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain import plan
from chalicelib.store import actions, subjects
from tests.protocol.world import World, is_visible

ACTOR = "an observer"
STAGES = (plan.REDUCE, plan.EXTRACT, plan.WAVELENGTH)

Request = dict[str, Any]


def _arcs(world: World, count: int) -> Request | None:
    """A choice of the first arcs of the night; None while they are not reduced."""
    found = [r for r in world.rows("files") if r["obstype"] == "ARC" and r["data_type"] == "2" and is_visible(r)]
    found.sort(key=lambda record: record["sha256"])
    return {"stage": "wavelength", "arcs": [r["id"] for r in found[:count]]} if len(found) >= count else None


APERTURE = {"column": 1000, "row": 500.5, "target": [-3, 3], "sky": [[-12, -6], [6, 12]]}

CHOICES: dict[str, Callable[[World], Request | None]] = {
    "no-bias": lambda world: {"stage": "reduce", "bias": 0},
    "no-flat": lambda world: {"stage": "reduce", "flat": 0},
    "aperture": lambda world: {"stage": "extract", "apertures": [APERTURE]},
    "one-target": lambda world: {"stage": "extract", "settings": {"maximum_targets": 1}},
}


@dataclass
class Facts:
    """What people decided, by identity. Two histories with the same uploads and facts end alike."""

    deleted: dict[str, None] = field(default_factory=dict)
    bad: dict[str, None] = field(default_factory=dict)
    choices: dict[tuple[str, str], None] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)


class People:
    """Users of a world, who act on what they see there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.facts = Facts()
        self.variants: dict[str, str] = {}

    def seen(self, wanted: Callable[[dict], bool]) -> dict[str, dict]:
        """The visible records of a kind, by identity and in its order."""
        names = self.world.names(self.variants)
        found = {names[r["id"]]: r for r in self.world.rows("files") if is_visible(r) and wanted(r)}
        return dict(sorted(found.items()))

    def products(self) -> dict[str, dict]:
        """What can be deleted."""
        return self.seen(lambda record: record["data_type"] != "0")

    def calibrations(self) -> dict[str, dict]:
        """What can be marked bad."""
        return self.seen(
            lambda r: r["data_type"] == "1" or (r["data_type"] == "0" and r["obstype"] in ("BIAS", "LAMPFLAT", "ARC"))
        )

    def spectra(self) -> dict[str, dict]:
        """Frames one can choose for."""
        return self.seen(lambda record: record["data_type"] == "0" and record["obstype"] == "SPECTRUM")

    def identifier(self, name: str) -> int | None:
        """The id of an identity here."""
        return next((i for i, known in self.world.names(self.variants).items() if known == name), None)

    def delete(self, name: str) -> None:
        actions.delete(self.products()[name]["id"], ACTOR)
        self.facts.deleted[name] = None

    def restore(self, name: str) -> None:
        identifier = self.identifier(name)
        assert identifier is not None
        actions.restore(identifier, ACTOR)
        del self.facts.deleted[name]

    def mark_bad(self, name: str) -> None:
        actions.mark_bad(self.calibrations()[name]["id"], ACTOR, "The shutter stuck.")
        self.facts.bad[name] = None

    def bad(self) -> list[str]:
        """Whose mark can be taken away: what is marked and still there, neither deleted nor retired since."""
        there = self.calibrations()
        return [name for name in self.facts.bad if name in there]

    def unmark_bad(self, name: str) -> None:
        identifier = self.identifier(name)
        assert identifier is not None
        actions.unmark_bad(identifier, ACTOR)
        del self.facts.bad[name]

    def members(self) -> dict[str, dict]:
        """Frames that are said to be something else: biases, flats, and those that were."""
        return self.seen(lambda r: r["data_type"] == "0" and _header_type(r) in ("BIAS", "LAMPFLAT"))

    def reclassify(self, name: str, obstype: str) -> None:
        record = self.members()[name]
        actions.reclassify(record["id"], obstype, ACTOR)
        self.facts.types.pop(name, None)
        if obstype != _header_type(record):
            self.facts.types[name] = obstype

    def choose(self, name: str, label: str) -> None:
        request = CHOICES[label](self.world)
        assert request is not None
        self.world.now += 1  # which choice was the last is told by the second it was made in
        variant = actions.choose(self.spectra()[name]["id"], request, ACTOR)
        self.variants[variant] = label
        self.facts.choices.pop((name, label), None)
        self.facts.choices[name, label] = None

    def withdraw(self, name: str, label: str) -> None:
        variant = next(variant for variant, known in self.variants.items() if known == label)
        actions.withdraw(self.spectra()[name]["id"], variant, ACTOR)
        del self.facts.choices[name, label]

    def retry(self, name: str) -> None:
        if actions.retry(subjects.frame_subject(self.spectra()[name]["id"]), ACTOR):
            self.facts.retries[name] += 1

    def reprocess(self, name: str) -> None:
        actions.reprocess(subjects.frame_subject(self.spectra()[name]["id"]), ACTOR)

    def decide(self, facts: Facts) -> None:
        """Come to the same decisions in a night that is over."""
        world = self.world
        for name, label in facts.choices:
            self.choose(name, label)
            world.drain()
        for name in facts.bad:
            if name in self.calibrations():
                self.mark_bad(name)
            world.drain()
        for name, obstype in facts.types.items():
            self.reclassify(name, obstype)
            world.drain()
        for name, times in facts.retries.items():
            for _ in range(times):
                self.retry(name)
                world.drain()
        for name in facts.deleted:
            if name in self.products():
                self.delete(name)
            world.drain()


def _header_type(record: dict) -> str:
    """What a raw frame's header says it is."""
    return (record.get("reclassified") or {}).get("from") or record["obstype"]


def comparable(snapshot: dict[str, dict], facts: Facts) -> dict[str, dict]:
    """What must be alike in every history with these facts.

    A deleted product stops its chain where it is: what was made below it by then stays, so that part is history.
    """
    stopped: dict[str, int] = {}
    for name in facts.deleted:
        origin, stage, _, _ = name.removeprefix("product#").rsplit("#", 3)
        if stage in STAGES:
            stopped[origin] = min(stopped.get(origin, len(STAGES)), STAGES.index(stage))
    arcs = {name for name, record in snapshot.items() if record["obstype"] == "ARC" and record["data_type"] == "0"}
    if arcs & stopped.keys() and not arcs - stopped.keys() - facts.bad.keys():
        # the last lamp was deleted: what was calibrated with it by then stays
        for name, record in snapshot.items():
            if record["obstype"] == "SPECTRUM" and record["data_type"] == "0":
                stopped.setdefault(name, STAGES.index(plan.WAVELENGTH))
    compared = {}
    for name, record in snapshot.items():
        if name in stopped:
            continue
        if name.startswith("product#"):
            origin, stage, _, _ = name.removeprefix("product#").rsplit("#", 3)
            if origin in stopped and stage in STAGES and STAGES.index(stage) >= stopped[origin]:
                continue
        compared[name] = record
    return compared


def differences(found: dict[str, dict], expected: dict[str, dict]) -> list[str]:
    """In what two nights differ, a line each."""
    lines = []
    for name in sorted(found.keys() | expected.keys()):
        here, there = found.get(name), expected.get(name)
        if here is None or there is None:
            lines.append(f"{'not there' if here is None else 'too many'}: {name} {(here or there or {})['file_name']}")
            continue
        lines += [
            f"{name} {here['file_name']}: {key} is {here[key]!r}, not {there[key]!r}"
            for key in here
            if here[key] != there[key]
        ]
    return lines
