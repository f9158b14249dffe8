"""``recount``: counts and lists are compared with the records they count, night by night."""

from __future__ import annotations

import argparse
import sys

from chalicelib.store import recount as counting
from infra.local.progress import Progress
from infra.operate import nights

SHOWN = 20
"""So many differences of a night are told one by one."""


def recount(options: argparse.Namespace) -> int:
    """Compare, and repair where asked; 3 if differences are left."""
    if bool(options.night) == options.all:
        print("Say what to recount: --night or --all.", file=sys.stderr)
        return 2
    only = None if options.all else nights.of(options.night)
    mended, left, contended, total = 0, [], [], 0
    with Progress("recount", sys.stderr) as progress:

        def told(done: int, of: int, night: int) -> None:
            progress.show(done, of, str(night))

        for outcome in counting.recount(mend=options.repair, only=only, progress=told):
            total += 1
            for state, differences in (("mended", outcome.mended), ("differs", outcome.left)):
                for difference in differences[:SHOWN]:
                    progress.say(f"{outcome.night} {state}: {difference.sentence}")
                if len(differences) > SHOWN:
                    progress.say(f"{outcome.night} {state}: and {len(differences) - SHOWN} more.")
            mended += len(outcome.mended)
            if outcome.left:
                left.append(outcome.night)
            if outcome.contended:
                contended.append(outcome.night)
    print(_summary(total, mended, left, contended, options.repair))
    return 3 if left or contended else 0


def _summary(total: int, mended: int, left: list[int], contended: list[int], repair: bool) -> str:
    sentences = []
    if mended:
        sentences.append(f"{mended} difference(s) were mended.")
    if left:
        what_to_do = "those cannot be mended: look at the records named." if repair else "--repair mends them."
        sentences.append(f"Counts or lists of {', '.join(map(str, left))} are not what their records say; {what_to_do}")
    if contended:
        named = ", ".join(map(str, contended))
        sentences.append(f"{named} changed all the time while being read; run it again when it is quieter.")
    if not left and not contended:
        sentences.append(f"Counts and lists of {total} night(s) are what their records say.")
    return " ".join(sentences)
