"""``retry-failed``: what failed by an error worth another try is tried again."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.domain.facets import Selection
from chalicelib.domain.headers import BIAS, FLAT
from chalicelib.domain.plan import FAILED
from chalicelib.domain.records import RAW_TYPE, Record
from chalicelib.store import actions, subjects
from infra.local.progress import Progress
from infra.operate import files, nights

FAILURES = Selection(values={"status": frozenset({FAILED})})
MEMBERS = Selection(values={"data_type": frozenset({RAW_TYPE}), "obstype": frozenset({BIAS, FLAT})})


@dataclass(frozen=True)
class Failure:
    """Something that failed; ``code`` is None where another try would fail the same way."""

    subject: str
    code: str | None
    name: str
    sentence: str


def retry_failed(options: argparse.Namespace) -> int:
    """Retry them, each subject once."""
    wanted = nights.of(options.night)
    failed = files.nights_with(FAILURES, wanted)
    members = files.nights_with(MEMBERS, wanted) if wanted else {}
    total = sum(failed.values()) + sum(members.values())
    found: dict[str, Failure] = {}
    with Progress("retry-failed", sys.stderr) as progress:
        for number, failure in enumerate(_failures(failed, members), start=1):
            progress.show(number, max(total, number), failure.name if failure else "masters")
            if failure is not None:
                found.setdefault(failure.subject, failure)
    final = [failure for failure in found.values() if failure.code is None]
    chosen = [f for f in found.values() if f.code is not None and options.code in (None, f.code)]
    retried: Counter[str] = Counter()
    with Progress("retry-failed", sys.stderr) as progress:
        for number, failure in enumerate(chosen, start=1):
            if options.dry_run:
                progress.say(f"{failure.name}: {failure.sentence}")
            progress.show(number, len(chosen), failure.name)
            # False: it was retried, or mended by better inputs, since it was read
            if options.dry_run or actions.retry(failure.subject, options.actor):
                retried[str(failure.code)] += 1
    kinds = ", ".join(f"{count} of code {code}" for code, count in sorted(retried.items()))
    verb = "would be retried" if options.dry_run else "are retried"
    print(f"{retried.total()} of {len(found)} failed frame(s) and master(s) {verb}{f': {kinds}' if kinds else ''}.")
    if final:
        print(f"{len(final)} failed for good: their status says why, and the same would happen again.")
    return 0


def _failures(failed: Iterable[int], members: Iterable[int]) -> Iterator[Failure | None]:
    """What failed; None for every file that says nothing new."""
    for record in files.of_nights(failed, FAILURES):
        name = f"{record['file_name']} ({record['id']})"
        yield Failure(files.subject_of(record), code_of(record), name, record["status_reason"])
    seen = set()
    for record in files.of_nights(members, MEMBERS):
        pool = files.pool_of(record)
        yield None if pool is None or pool in seen else _of_pool(pool)
        seen.add(pool)


def code_of(record: Record) -> str | None:
    """The code of a record's failure if it is worth another try."""
    failure = record.get("failure") or {}
    return str(failure["code"]) if failure.get("retryable") else None


def _of_pool(pool: str) -> Failure | None:
    """The failure of a pool, which no record shows: an older master may serve meanwhile."""
    for state in (subjects.read(pool).get("stages") or {}).values():
        if state["outcome"] == FAILED:
            return Failure(pool, state["code"] if state["retryable"] else None, pool, state["sentence"])
    return None
