"""People and proposals for the one-machine stack and the tests; never for a deployment."""

from __future__ import annotations

from functools import cache

from ..domain import passwords
from . import accounts, clients

PASSWORD = "clear-night-on-pachon"
"""Of all fixture users: they live on one machine, and are nobody."""

ROLES = ("superuser", "staff", "pi", "collaborator", "stranger")

_DOMAIN = "example.org"

PROPOSALS = (
    ("SOAR2026B-014", "pi", "Supernovae within days of explosion"),
    ("SOAR2026B-022", "pi", "Radial velocities of double white dwarfs"),
    ("SOAR2026B-021", "second_pi", "Redshifts of radio galaxies"),
    ("calibrate", "staff", "Calibrations"),
)
"""SOAR id, user name of the PI, title. The simulated night belongs to the first two, its calibrations to the last."""

SEMESTER = "2026B"


class NotLocal(RuntimeError):
    """Fixture accounts were asked for at a real AWS endpoint."""


def seed_fixture_accounts(*, mocked: bool = False) -> dict[str, str]:
    """Make the fixture users and proposals where they are missing, and a new token for each role.

    Parameters
    ----------
    mocked : bool
        The caller vouches that AWS is mocked in this process; otherwise ``AWS_ENDPOINT_URL`` must be set.

    Returns
    -------
    dict of str to str
        ``superuser``, ``staff``, ``pi``, ``collaborator`` and ``stranger`` → token.
    """
    if not mocked and clients.endpoint_url() is None:
        raise NotLocal("Fixture accounts are for the one-machine stack only: AWS_ENDPOINT_URL is not set.")
    flags = {
        "superuser": {"is_staff": True, "is_superuser": True},
        "staff": {"is_staff": True},
        "pi": {},
        "collaborator": {},
        "stranger": {},
        "second_pi": {},
    }
    users = {
        name: accounts.create_user(
            name, f"{name}@{_DOMAIN}", first_name=name.replace("_", " ").title(), password=_stored(passwords.N), **flag
        )
        for name, flag in flags.items()
    }
    for soar_id, pi, title in PROPOSALS:
        proposal = accounts.create_proposal(soar_id, pi=users[pi]["id"], semester=SEMESTER, title=title)
        if pi == "pi":
            accounts.add_member(proposal["id"], users["collaborator"]["id"], accounts.COLLABORATOR)
    return {role: accounts.issue_token(users[role]["id"], name="one-machine stack") for role in ROLES}


def logins() -> dict[str, dict[str, str]]:
    """Role → what to sign in with."""
    return {role: {"username": role, "password": PASSWORD} for role in ROLES}


@cache
def _stored(cost: int) -> str:
    """One hash for all of them, of this ``passwords.N``: scrypt is slow on purpose."""
    return passwords.stored(PASSWORD, b"fixture accounts")
