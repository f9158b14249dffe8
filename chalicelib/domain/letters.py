"""What is written to people: letters, and the advice that goes with passwords and keys."""

from __future__ import annotations

from dataclasses import dataclass

from .passwords import RULES

CREDENTIALS = (
    "Please keep your password and your API keys to yourself: do not share them with anyone, not even with the people "
    "you observe with.",
    "Everybody may have an account. What you see follows from the proposals you belong to, and their principal "
    "investigators add a collaborator in a moment: Proposals, then Collaborators.",
)
"""Shown with every invitation and every new key."""

NETWORK_ACCESS = (
    "The service is inside the observatory's network and is reached through its VPN.",
    "For access to the VPN ask your instrument scientist, or somebody you trust at the SOAR Telescope.",
)

PASSWORD_RULES = RULES

KEY_ADVICE = (
    "This key is shown this once and cannot be read again. Whoever has it can do in your name what you can do.",
    *CREDENTIALS,
)

LINK_HOURS = 24


@dataclass(frozen=True)
class Letter:
    """Plain text for one person."""

    subject: str
    text: str


def invitation(first_name: str, username: str, link: str) -> Letter:
    """To somebody who has an account now and no password yet."""
    return _letter(
        "Your account at Goodman Live",
        first_name,
        f"you have an account at Goodman Live now, where frames of the Goodman spectrograph are reduced seconds after "
        f"they are taken. Your user name is {username}.",
        f"Choose your password here:\n{link}",
        f"The link works once, and for {LINK_HOURS} hours. After that, ask for another with “Forgot your password?” on "
        "the sign-in page.",
        "The rules for passwords:\n" + "\n".join(f"- {rule}" for rule in PASSWORD_RULES),
        " ".join(CREDENTIALS),
        " ".join(NETWORK_ACCESS),
    )


def password_reset(first_name: str, username: str, link: str) -> Letter:
    """To somebody who forgot the password."""
    return _letter(
        "Set a new password for Goodman Live",
        first_name,
        f"somebody, hopefully you, asked for a new password for your account {username} at Goodman Live. Set it here:"
        f"\n{link}",
        f"The link works once, and for {LINK_HOURS} hours. If it was not you, do nothing: your password stays.",
        CREDENTIALS[0],
    )


def password_changed(first_name: str, username: str) -> Letter:
    """To somebody whose password was changed."""
    return _letter(
        "Your password for Goodman Live was changed",
        first_name,
        f"the password of your account {username} at Goodman Live was just changed, and all other sessions were ended. "
        "Your API keys stay as they were.",
        "If it was not you, ask for a new password with “Forgot your password?” on the sign-in page, revoke your API "
        "keys, and tell your instrument scientist.",
    )


def email_confirmation(first_name: str, username: str, link: str) -> Letter:
    """To the new address of somebody who wants it changed."""
    return _letter(
        "Confirm your e-mail address for Goodman Live",
        first_name,
        f"this address was given for the account {username} at Goodman Live. Confirm that it is yours:\n{link}",
        f"The link works once, and for {LINK_HOURS} hours. If it was not you, do nothing: it will not be used.",
    )


def email_changed(first_name: str, username: str, address: str) -> Letter:
    """To the former address of an account."""
    return _letter(
        "The e-mail address of your account at Goodman Live was changed",
        first_name,
        f"the address of your account {username} at Goodman Live is {address} now; letters about it will go there.",
        "If you did not ask for this, tell your instrument scientist at once.",
    )


def added_to_proposal(first_name: str, soar_id: str, title: str, page: str) -> Letter:
    """To somebody who has become a collaborator of a proposal."""
    named = f"{soar_id} “{title}”" if title else soar_id
    return _letter(
        f"You are a collaborator of {soar_id} at Goodman Live",
        first_name,
        f"you are a collaborator of the proposal {named} now and see its files, as they are taken and reduced:\n{page}",
        " ".join(CREDENTIALS),
        " ".join(NETWORK_ACCESS),
    )


def _letter(subject: str, first_name: str, *paragraphs: str) -> Letter:
    greeting = f"Dear {first_name}," if first_name else "Dear colleague,"
    return Letter(subject, "\n\n".join([greeting, *paragraphs, "Goodman Live"]) + "\n")
