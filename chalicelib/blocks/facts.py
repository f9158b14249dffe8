"""Gathering, under a lease, everything the plan of a subject depends on."""

from __future__ import annotations

from ..domain import matching, plan
from ..domain.headers import Observation
from ..domain.plan import FrameFacts, Input, PoolFacts, StageState
from ..domain.records import Record, observation_of
from ..domain.settings import settings_from
from ..domain.version import SCIENCE_VERSION
from ..store import configurations, items, proposals
from ..store.subjects import Lease, raw_id_of


def raw_record(lease: Lease) -> Record | None:
    """The record of a frame's raw file; None before INGEST has published it."""
    return items.get("files", {"id": raw_id_of(lease.subject)})


def frame_facts(lease: Lease, record: Record) -> FrameFacts:
    """The facts about a frame. Its interests are registered before anything is looked up (rule 5)."""
    o = observation_of(record["observation"])
    settings = settings_from(lease.item.get("settings") or {})
    if not plan.CHAINS[o.obstype]:
        return FrameFacts(raw=raw_input(record), observation=o, settings=settings)
    configurations.register_interests(_new_interests(lease, matching.interests(o)), lease.subject, o.night)
    wanted = set(matching.interests(o))
    return FrameFacts(
        raw=raw_input(record),
        observation=o,
        stages=_stages(lease),
        settings=settings,
        science_version=lease.item.get("science_version") or SCIENCE_VERSION,
        biases=_candidates(matching.bias_key(o), o, wanted),
        flats=_candidates(matching.flat_key(o), o, wanted),
        arcs=_candidates(matching.arc_key(o), o, wanted),
    )


def pool_facts(lease: Lease) -> PoolFacts:
    """The facts about a pool of biases or flats."""
    kind = matching.pool_kind(lease.subject)
    night = matching.pool_night(lease.subject)
    observation = None
    biases: tuple[matching.Candidate, ...] = ()
    members = configurations.candidates(lease.subject, night, reach=0)
    if members:
        first = min(members, key=lambda m: (m.started, m.id))
        record = items.get("files", {"id": first.id})
        observation = observation_of(record["observation"]) if record else None
    if observation is not None and kind == plan.FLAT_STAGE:
        key = matching.bias_key(observation)
        configurations.register_interests(_new_interests(lease, (key,)), lease.subject, night)
        biases = configurations.candidates(key, night)
    return PoolFacts(
        kind=kind,
        members=members,
        observation=observation,
        minimum=proposals.smallest_minimum(kind),
        stages=_stages(lease),
        science_version=SCIENCE_VERSION,
        biases=biases,
    )


def raw_input(record: Record) -> Input:
    """A raw frame as a step's input."""
    return Input(
        "raw", record["id"], record["sha256"], record["key"], record["file_name"], version=record.get("version")
    )


def _stages(lease: Lease) -> dict[str, StageState]:
    return {name: StageState.from_item(item) for name, item in (lease.item.get("stages") or {}).items()}


def _new_interests(lease: Lease, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Interests not known to be registered: a publication under this lease notes them on the subject."""
    return () if set(keys) <= set(lease.item.get("interests") or ()) else keys


def _candidates(key: str, o: Observation, wanted: set[str]) -> tuple[matching.Candidate, ...]:
    return configurations.candidates(key, o.night, reach=matching.reach(key)) if key in wanted else ()
