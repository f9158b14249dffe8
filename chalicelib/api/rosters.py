"""``POST /proposals/import``: a semester's proposals and their principal investigators from a CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice import Blueprint

from ..domain import roster as rules
from . import schemas
from .operation import STAFF, Call, operation
from .parameters import Query
from .problems import Unprocessable
from .schemas import array, integer, named, nullable, one_of, record, text

if TYPE_CHECKING:
    from ..store.roster import Outcome

routes = Blueprint(__name__)

LARGEST = 1 << 20
_LONGEST = 900_000

ROSTER = named(
    "Roster",
    record({"csv": text(_LONGEST, shortest=1, help=" ".join(f"{n}: {help}" for n, help in rules.COLUMNS.items()))}),
)

IMPORTED = named(
    "Imported",
    record(
        {
            "dry_run": schemas.FLAG,
            "complete": {"type": "boolean", "description": "No row is left for another run."},
            "counts": schemas.mapping(integer(), help="Action → rows; new users; letters."),
            "rows": array(
                record(
                    {
                        "line": integer(1, help="Where it begins in the CSV, from 1."),
                        "soar_id": text(),
                        "email": text(),
                        "action": one_of(
                            rules.CREATE,
                            rules.UNCHANGED,
                            rules.REFUSED,
                            rules.LEFT,
                            help="left: run the same roster again.",
                        ),
                        "new_user": schemas.FLAG,
                        "letter": schemas.FLAG,
                        "proposal": nullable(integer(1, help="The proposal's number, if it has one.")),
                        "sentences": array(text()),
                    }
                )
            ),
        }
    ),
)


@routes.route("/proposals/import", methods=["POST"], content_types=[])
@operation(
    "Import a semester",
    who=STAFF,
    query=(Query("dry_run", "flag", help="Only say what would happen."),),
    body=ROSTER,
    form=True,
    largest=LARGEST,
    answers={200: IMPORTED},
    tag="proposals",
)
def import_semester(call: Call) -> dict[str, Any]:
    """Create the proposals of a CSV, accounts for their principal investigators, and send these their letters.

    With ``dry_run`` it is told row by row what would happen. Running the same roster again does only what is still to
    be done: nothing, where all was done. Proposals that are there are not changed. At most 500 rows.
    """
    from ..store import roster  # most requests import nothing

    try:
        rows = rules.read(call.body["csv"])
    except rules.BadRoster as bad:
        raise Unprocessable(str(bad), [("/csv", str(bad))]) from None
    dry = call.query["dry_run"]
    outcomes = roster.preview(rows) if dry else roster.bring_in(rows)
    counts = dict.fromkeys((rules.CREATE, rules.UNCHANGED, rules.REFUSED, rules.LEFT), 0)
    for outcome in outcomes:
        counts[outcome.action] += 1
    counts |= {
        "new_users": sum(outcome.new_user for outcome in outcomes),
        "letters": sum(outcome.letter for outcome in outcomes),
    }
    return {
        "dry_run": dry,
        "complete": not counts[rules.LEFT],
        "counts": counts,
        "rows": [_shown(outcome) for outcome in outcomes],
    }


def _shown(outcome: Outcome) -> dict[str, Any]:
    return {
        "line": outcome.row.line,
        "soar_id": outcome.row.soar_id,
        "email": outcome.row.email,
        "action": outcome.action,
        "new_user": outcome.new_user,
        "letter": outcome.letter,
        "proposal": outcome.proposal,
        "sentences": list(outcome.sentences),
    }
