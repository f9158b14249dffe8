"""How far something that somebody asked for has come, told from what is there.

A job about a frame or pool remembers only *what was asked*. Where it stands is computed whenever somebody looks, from
the subject and its stages: no message, and nobody who died, can leave a job wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .plaintext import counted
from .steps import AUTO, DONE, FAILED, PROVISIONAL, REJECTED, stage_key, variant_of

WAITING, RUNNING = "waiting", "running"
"""A job also ends as :data:`~chalicelib.domain.steps.DONE` or :data:`~chalicelib.domain.steps.FAILED`."""

CHOICE = "choice:"
"""What a subject's attributes that hold a choice begin with."""


@dataclass(frozen=True)
class Standing:
    """Where a job stands.

    Attributes
    ----------
    status
        ``waiting``, ``running``, ``done`` or ``failed``.
    sentence
        What is being done or waited for, or what came of it.
    files
        Ids of what it made.
    since
        Seconds since the epoch at which what it was about was published last; None while that is not known.
    progress
        Of work on many things: how many are done, have failed, there are.
    """

    status: str
    sentence: str
    files: tuple[int, ...] = ()
    since: float | None = None
    progress: Mapping[str, int] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.status in (DONE, FAILED)


def under_way(item: Mapping[str, Any], now: float) -> Standing | None:
    """Where a subject stands that is not planned to its end yet; None if it rests."""
    if "open" not in item:
        return None
    if item.get("lease_until", 0) > now:
        return Standing(RUNNING, "It is being worked on.")
    return Standing(WAITING, "In the queue.")


def of_subject(item: Mapping[str, Any], stage: str | None, variant: str, chain: Iterable[str], now: float) -> Standing:
    """Where a job about one subject stands.

    Parameters
    ----------
    item : mapping
        The subject as it is now.
    stage : str or None
        The stage that was asked for; None: whatever the subject needs, or that nothing of the variant is left.
    variant : str
        Of which variant.
    chain : iterable of str
        The stages of the subject, from top to bottom.
    """
    standing = under_way(item, now)
    if standing is not None:
        return standing
    stages = item.get("stages") or {}
    since = item.get("published")
    if stage is None and variant != AUTO:
        return _of_withdrawal(item, stages, variant, since)
    if stage is None:
        return _of_status(item, stages, since)
    if variant != AUTO and f"{CHOICE}{variant}" not in item:
        return Standing(FAILED, "The choice was taken back.", since=since)
    order = list(chain)
    below = order[order.index(stage) :] if stage in order else [stage]
    states = [(name, stages[key]) for name in below if (key := stage_key(name, variant)) in stages]
    made = tuple(product["id"] for _, state in states for product in state.get("products", ()))
    failed = next(((name, state) for name, state in states if state["outcome"] == FAILED), None)
    if failed is not None:
        return Standing(FAILED, f"{failed[0].upper()}: {failed[1]['sentence']}", made, since)
    if not states or states[0][0] != stage:
        return _of_status(item, {}, since, rests=WAITING)
    names = [product["name"] for product in states[0][1].get("products", ())]
    sentence = f"{stage.upper()} made {counted(len(names), 'file')}: {', '.join(names)}."
    reason = str(item.get("status_reason") or "")
    return Standing(DONE, f"{sentence} {reason}".strip(), made, since)


def at_rest(item: Mapping[str, Any], now: float) -> Standing:
    """Where a job stands that is done as soon as its subject rests, however that is."""
    standing = under_way(item, now)
    if standing is not None:
        return standing
    return Standing(DONE, str(item.get("status_reason") or "") or "Done.", since=item.get("published"))


def _of_withdrawal(item: Mapping[str, Any], stages: Mapping[str, Any], variant: str, since: Any) -> Standing:
    """Where a subject that rests stands of which a variant is to go."""
    if f"{CHOICE}{variant}" in item or any(variant_of(key) == variant for key in stages):
        return Standing(DONE, "It was chosen again meanwhile.", since=since)
    return Standing(DONE, "Its files are retired.", since=since)


def _of_status(item: Mapping[str, Any], stages: Mapping[str, Any], since: Any, rests: str = DONE) -> Standing:
    """Where a subject that rests stands by its own status."""
    status, reason = str(item.get("status") or ""), str(item.get("status_reason") or "")
    made = tuple(
        product["id"]
        for key, state in stages.items()
        if variant_of(key) == AUTO
        for product in state.get("products", ())
    )
    if status in (FAILED, REJECTED):
        return Standing(FAILED, reason, made, since)
    if rests == DONE and status in (DONE, PROVISIONAL):
        return Standing(DONE, reason or "Done.", made, since)
    return Standing(WAITING, reason or "It waits for what it needs.", made, since)


def of_many(found: Iterable[Mapping[str, Any]], total: int, revision: int, versions: frozenset[str]) -> Standing:
    """Where the reprocessing of many subjects stands: one is done when it rests with these settings and this science.

    Parameters
    ----------
    found : iterable of mapping
        The subjects as they are now.
    total : int
        How many there are to be.
    revision : int
        The settings revision they are to have, or a later one.
    versions : frozenset of str
        The versions of the science that will do.
    """
    done = failed = 0
    since = None
    for item in found:
        if "open" in item or item.get("science_version") not in versions:
            continue
        if item.get("settings_revision", revision) < revision:
            continue
        if item.get("published") is not None:
            since = max(since or 0.0, item["published"])
        failed += item.get("status") == FAILED
        done += item.get("status") != FAILED
    progress = {"done": done, "failed": failed, "of": total}
    sentence = f"{done + failed} of {total} frames are reduced anew"
    sentence += f", {failed} of them failed." if failed else "."
    if done + failed < total:
        return Standing(RUNNING if done + failed else WAITING, sentence, progress=progress)
    return Standing(DONE, sentence, since=since, progress=progress)
