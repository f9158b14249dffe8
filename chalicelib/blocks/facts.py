"""Gathering, under a lease, everything the plan of a subject depends on."""

from __future__ import annotations

from dataclasses import replace

from ..domain import matching, plan
from ..domain.choices import Choice
from ..domain.headers import Observation
from ..domain.plan import FrameFacts, Input, PoolFacts, StageState, UserFacts
from ..domain.records import Record, observation_of, visible
from ..domain.settings import settings_from
from ..domain.version import SCIENCE_VERSION
from ..store import configurations, items, proposals
from ..store.subjects import BAD, CHOICE, RETRY, TOMBSTONES, Lease, is_pool, raw_id_of


def raw_record(lease: Lease) -> Record | None:
    """The record of a frame's raw file; None before INGEST has published it."""
    return items.get("files", {"id": raw_id_of(lease.subject)})


def frame_facts(lease: Lease, record: Record) -> FrameFacts:
    """The facts about a frame. Its interests are registered before anything is looked up (rule 5)."""
    o = observation_of(record["observation"])
    wanted = matching.interests(o) if plan.CHAINS[o.obstype] else ()
    keys = (*wanted, matching.name_key(record["key"]))
    configurations.register_interests(_new_interests(lease, keys), lease.subject, o.night)
    newest = configurations.newest_of_name(record["key"])
    arcs = _candidates(matching.arc_key(o), o, wanted)
    return FrameFacts(
        raw=raw_input(record),
        observation=o,
        stages=_stages(lease),
        settings=settings_from(lease.item.get("settings") or {}),
        science_version=lease.item.get("science_version") or SCIENCE_VERSION,
        biases=_candidates(matching.bias_key(o), o, wanted),
        flats=_candidates(matching.flat_key(o), o, wanted),
        arcs=tuple(arc for arc in arcs if not arc.withdrawn),
        withdrawn=frozenset(arc.id for arc in arcs if arc.withdrawn),
        superseded_by=newest if newest != record["id"] else None,
        declared=(record.get("reclassified") or {}).get("from", ""),
        user=_user_facts(lease),
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
        science_version=lease.item.get("science_version") or SCIENCE_VERSION,
        biases=biases,
        user=_user_facts(lease),
    )


def raw_input(record: Record) -> Input:
    """A raw frame as a step's input."""
    return Input(
        "raw", record["id"], record["sha256"], record["key"], record["file_name"], version=record.get("version")
    )


def _user_facts(lease: Lease) -> UserFacts:
    """What people decided, as it stands on the subject, and the files their choices name."""
    item = lease.item
    choices = tuple(Choice.from_item(value) for name, value in sorted(item.items()) if name.startswith(CHOICE))
    return UserFacts(
        bad=(item.get(BAD) or {}).get("reason", ""),
        tombstones=frozenset(item.get(TOMBSTONES) or ()),
        choices=choices,
        chosen=_chosen(lease, choices),
        retries={name.removeprefix(RETRY): value for name, value in item.items() if name.startswith(RETRY)},
    )


def _chosen(lease: Lease, choices: tuple[Choice, ...]) -> dict[int, Input]:
    """The files that choices name and that serve; asked for first, so that their changes are heard of."""
    wanted = sorted({identifier for choice in choices for identifier in choice.files})
    if not wanted:
        return {}
    found = {record["id"]: record for record in items.batch_get("files", [{"id": i} for i in wanted])}
    origins = {r["original_file_id"] for r in found.values()} - set(found)
    raws = found | {record["id"]: record for record in items.batch_get("files", [{"id": i} for i in sorted(origins)])}
    for record in found.values():
        pool = record.get("subject") or ""
        if is_pool(pool):
            key = matching.served_key(pool)
            configurations.register_interests((key,), lease.subject, matching.pool_night(pool))
        raw = raws.get(record["original_file_id"], {})
        if raw.get("observation") and record["obstype"] == "ARC":
            o = observation_of(raw["observation"])
            configurations.register_interests((matching.arc_key(o),), lease.subject, o.night)
    again = items.batch_get("files", [{"id": i} for i in sorted(raws)])
    current = {record["id"]: record for record in again}
    return {
        i: replace(raw_input(current[i]), role="arc" if current[i]["obstype"] == "ARC" else "master", version=None)
        for i in wanted
        if i in current
        and visible(current[i])
        and not current[i].get("bad")
        and not current.get(current[i]["original_file_id"], {}).get("bad")
    }


def _stages(lease: Lease) -> dict[str, StageState]:
    return {name: StageState.from_item(item) for name, item in (lease.item.get("stages") or {}).items()}


def _new_interests(lease: Lease, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Interests not known to be registered: a publication under this lease notes them on the subject."""
    return () if set(keys) <= set(lease.item.get("interests") or ()) else keys


def _candidates(key: str, o: Observation, wanted: tuple[str, ...]) -> tuple[matching.Candidate, ...]:
    return configurations.candidates(key, o.night, reach=matching.reach(key)) if key in wanted else ()
