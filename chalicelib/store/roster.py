"""Bringing in a semester's roster: users, proposals, letters; done again, it does only what is still to be done.

Each row is looked at as things are, and what is missing is made: the account, then the proposal with its membership in
one transaction, then the letter that is owed (:mod:`.memberships`). So a crash, or a time limit, between any two of
these is finished by running the same roster again, and a second run of a finished one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..domain.roster import CREATE, LEFT, REFUSED, UNCHANGED, Row
from . import clock, items, mail, memberships, proposals
from .items import Contended, Item

SECONDS = 15.0
"""No row is begun later: API Gateway gives an answer 29 s. The rows left are for the next run."""


@dataclass(frozen=True)
class Outcome:
    """What is to be done, or was done, with a row.

    Attributes
    ----------
    action : str
        What becomes of the proposal: ``create``, ``unchanged``, ``refused``, or ``left`` for the next run.
    new_user, letter : bool
        An account is made; a letter with a link is sent.
    sentences : tuple of str
        The same for people.
    proposal : int or None
        The proposal's number, if it has one.
    """

    row: Row
    action: str
    new_user: bool = False
    letter: bool = False
    sentences: tuple[str, ...] = ()
    proposal: int | None = None


def preview(rows: Sequence[Row]) -> list[Outcome]:
    """What :func:`bring_in` would do with each row; nothing is written."""
    emails = {row.email.lower() for row in rows if not row.problems}
    names = [f"email#{email}" for email in emails] + [memberships.invitation_identity(email) for email in emails]
    names += [f"proposal#{row.scope}" for row in rows if not row.problems]
    found = items.batch_get("identities", [{"identity": name} for name in dict.fromkeys(names)])
    known = {item["identity"]: item for item in found}
    people = _by_id("users", [known[f"email#{e}"]["id"] for e in emails if f"email#{e}" in known])
    there = _by_id("proposals", [item["id"] for name, item in known.items() if name.startswith("proposal#")])
    outcomes = []
    letters: set[str] = set()
    for row in rows:
        email = row.email.lower()
        user = people.get(known.get(f"email#{email}", {}).get("id", 0))
        proposal = there.get(known.get(f"proposal#{row.scope}", {}).get("id", 0))
        owed = memberships.invitation_identity(email) in known
        outcome = _outcome(row, user, proposal, owed, again=email in letters)
        if outcome.letter:
            letters.add(email)
        outcomes.append(outcome)
    return outcomes


def _by_id(table: str, numbers: list[int]) -> dict[int, Item]:
    return {item["id"]: item for item in items.batch_get(table, [{"id": number} for number in dict.fromkeys(numbers)])}


def _outcome(row: Row, user: Item | None, proposal: Item | None, owed: bool, *, again: bool) -> Outcome:
    """What a row asks for as things are; ``again``: a row before it makes or invites the same person."""
    if row.problems:
        return Outcome(row, REFUSED, sentences=row.problems)
    if user is not None and not user.get("is_active"):
        return Outcome(row, REFUSED, sentences=(f"The account of {row.email} is deactivated; activate it first.",))
    if proposal is not None:
        return _existing(row, user, proposal, owed and not again)
    new = user is None and not again
    letter = (new or owed) and not again
    if user is not None:
        who = f"{row.email} has an account already (user name {user['username']})."
    else:
        who = f"{row.email} gets an account." if new else f"{row.email} gets an account by a line before."
    sentences = [f"{row.soar_id} is created in semester {row.semester}.", who]
    if letter:
        sentences.append(f"A letter with a link to set a password goes to {row.email}.")
    return Outcome(row, CREATE, new, letter, tuple(sentences))


def _existing(row: Row, user: Item | None, proposal: Item, owed: bool) -> Outcome:
    """A proposal that is there is never changed by a roster; what the row says otherwise is told."""
    number = proposal["id"]
    if user is None or proposal["user_id"] != user["id"]:
        sentence = (
            f"{proposal['soar_id']} is there already (proposal {number}) with another principal investigator; correct "
            "the row, or change the proposal itself."
        )
        return Outcome(row, REFUSED, sentences=(sentence,), proposal=number)
    sentences = [f"{proposal['soar_id']} is there already (proposal {number})."]
    other = [
        name
        for name in ("semester", "title", "abstract")
        if getattr(row, name) and getattr(row, name) != proposal[name]
    ]
    if other:
        sentences.append(f"Its {' and '.join(other)} differ from this row and stay as they are.")
    if owed:
        sentences.append(f"The letter owed to {row.email} is sent.")
    return Outcome(row, UNCHANGED, letter=owed, sentences=tuple(sentences), proposal=number)


def bring_in(rows: Sequence[Row]) -> list[Outcome]:
    """Make what is missing, row by row, for at most about :data:`SECONDS`."""
    begun = clock.now()
    outcomes = []
    for outcome in preview(rows):
        if outcome.action == CREATE or outcome.letter:
            if clock.now() - begun > SECONDS:
                sentences = ("There was no time for this row: run the same roster again.",)
                outcome = Outcome(outcome.row, LEFT, sentences=sentences)
            else:
                outcome = _bring(outcome)
        outcomes.append(outcome)
    return outcomes


def _bring(outcome: Outcome) -> Outcome:
    row = outcome.row
    user = memberships.person(row.email, first_name=row.first_name, last_name=row.last_name)
    if outcome.action == CREATE:
        try:
            proposal = proposals.create(
                row.soar_id, pi=user["id"], semester=row.semester, title=row.title, abstract=row.abstract
            )
        except proposals.Taken as taken:  # by another run, at the same time
            made = proposals.get(taken.other) or {}
            if made.get("user_id") != user["id"]:
                return Outcome(row, REFUSED, sentences=(str(taken),), proposal=taken.other)
            outcome = replace(outcome, action=UNCHANGED, proposal=taken.other)
        else:
            outcome = replace(outcome, proposal=proposal["id"])
    try:
        sent = memberships.invite_if_owed(user)
    except (mail.NotSent, Contended) as failure:
        sentence = f"The letter to {row.email} could not be sent; run the same roster again to send it. {failure}"
        return replace(outcome, action=LEFT, letter=False, sentences=(*outcome.sentences[:2], sentence))
    return replace(outcome, letter=sent)
