"""``/proposals/settings/{identifier}``: how a proposal's new frames are reduced, revision by revision."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chalice import Blueprint

from ..domain.settings import BadSetting, described, errors_of
from ..store import revisions
from ..store.items import Item
from . import schemas
from .operation import Call, operation
from .parameters import NUMBER, Query
from .problems import Conflict, NotAllowed, Unprocessable
from .proposals import seen
from .schemas import array, integer, named, nullable, record, text

routes = Blueprint(__name__)

REVISIONS_SHOWN = 20
_LARGEST = 10**9


def _value(setting: dict[str, Any]) -> dict[str, Any]:
    """The schema of one setting's value."""
    schema: dict[str, Any] = {"type": setting["type"]}
    if setting["choices"]:
        schema["enum"] = setting["choices"]
    if setting["low"] is not None:
        schema |= {"minimum": setting["low"], "maximum": setting["high"]}
    return schemas.described(schema, setting["help"]) | {"default": setting["default"]}


_VALUES = {setting["name"]: _value(setting) for setting in described()}

SETTINGS = named("Settings", record(_VALUES))
SOME_SETTINGS = named("SomeSettings", record(_VALUES, optional=tuple(_VALUES)))

REVISION = record(
    {
        "revision": integer(help="0: the observatory's defaults."),
        "time": nullable(schemas.MOMENT),
        "actor": nullable(text(help="User name.")),
        "changed": array(text(), help="Settings that differ from the revision before."),
        "settings": SETTINGS,
    }
)

PROPOSAL_SETTINGS = named(
    "ProposalSettings",
    record(
        {
            "proposal": integer(1),
            "soar_id": text(),
            "revision": integer(help="The revision in force. Products carry the one they were made with."),
            "may_edit": schemas.FLAG,
            "settings": SETTINGS,
            "descriptions": array(
                record(
                    {
                        "name": text(),
                        "type": text(),
                        "default": {"type": ["boolean", "integer", "number", "string"]},
                        "low": nullable(schemas.number()),
                        "high": nullable(schemas.number()),
                        "choices": array(text()),
                        "help": text(),
                    }
                )
            ),
            "history": array(REVISION, help="The newest first."),
            "older": nullable(integer(help="Send it as before, for the revisions that came earlier.")),
        }
    ),
)

CHANGE = named(
    "SettingsChange",
    record(
        {
            "revision": integer(0, _LARGEST, help="The revision that was looked at; it must still be in force."),
            "settings": SOME_SETTINGS,
        }
    ),
)


@routes.route("/proposals/settings/{identifier}", methods=["GET"], content_types=[])
@operation(
    "Show reduction settings",
    path=(NUMBER,),
    query=(Query("before", "integer", low=1, high=_LARGEST, help="Show the history before this revision."),),
    answers={200: PROPOSAL_SETTINGS},
    refuses=(404,),
    tag="proposals",
)
def show_settings(call: Call) -> dict[str, Any]:
    """The settings in force with their defaults, limits and help, and the revisions there were, with who made them."""
    proposal, role = seen(call.viewer, call.path["identifier"])
    return _shown(proposal, role, call.query["before"])


@routes.route("/proposals/settings/{identifier}", methods=["PUT"], content_types=[])
@operation(
    "Replace reduction settings",
    path=(NUMBER,),
    body=CHANGE,
    answers={200: PROPOSAL_SETTINGS},
    refuses=(403, 404, 409),
    tag="proposals",
)
def replace_settings(call: Call) -> dict[str, Any]:
    """Set the settings that are given, and all others to their defaults, for every new file."""
    return _change(call, whole=True)


@routes.route("/proposals/settings/{identifier}", methods=["PATCH"], content_types=[])
@operation(
    "Change reduction settings",
    path=(NUMBER,),
    body=CHANGE,
    answers={200: PROPOSAL_SETTINGS},
    refuses=(403, 404, 409),
    tag="proposals",
)
def change_settings(call: Call) -> dict[str, Any]:
    """Change the settings that are given, for every new file; the others stay."""
    return _change(call, whole=False)


def _change(call: Call, *, whole: bool) -> dict[str, Any]:
    proposal, role = seen(call.viewer, call.path["identifier"])
    if not _may_edit(role):
        raise NotAllowed("Only the principal investigator and staff may change a proposal's reduction settings.")
    values = call.body["settings"]
    wrong = errors_of(values)
    if wrong:
        raise Unprocessable(wrong[0][1], [(f"/settings/{name}", sentence) for name, sentence in wrong])
    try:
        changed = revisions.revise(
            proposal["id"], call.body["revision"], values, whole=whole, actor=call.viewer.username
        )
    except revisions.NotCurrent as stale:
        raise Conflict(str(stale)) from None
    except BadSetting as refused:
        raise Unprocessable(str(refused), [("/settings", str(refused))]) from None
    return _shown(changed, role, None)


def _may_edit(role: str) -> bool:
    return role in ("pi", "staff")


def _shown(proposal: Item, role: str, before: int | None) -> dict[str, Any]:
    number, settings = revisions.of(proposal)
    below = number + 1 if before is None else min(before, number + 1)
    history = revisions.history(proposal["id"], below, REVISIONS_SHOWN)
    oldest = below - REVISIONS_SHOWN
    return {
        "proposal": proposal["id"],
        "soar_id": proposal["soar_id"],
        "revision": number,
        "may_edit": _may_edit(role),
        "settings": asdict(settings),
        "descriptions": described(),
        "history": [
            {
                "revision": one.number,
                "time": one.time,
                "actor": one.actor,
                "changed": list(one.changed),
                "settings": asdict(one.settings),
            }
            for one in history
        ],
        "older": oldest if oldest > 0 else None,
    }
