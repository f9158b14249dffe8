"""Sign-in, passwords, and the letters that go with them.

An account that is not there and a password that is wrong take the same way: the same reads, the same writes, one
scrypt. Every guess is counted before it is looked at (:mod:`.attempts`).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from ..domain import letters, passwords
from ..domain.letters import Letter
from . import attempts, clock, credentials, mail, users
from .credentials import BadLink, Inactive
from .items import ConditionFailed, Item

PASSWORD, EMAIL = "password", "email"
"""What links are for."""

_PERSONAL = ("username", "first_name", "last_name", "email")


class WrongCredentials(Exception):
    """No account with this name and this password may sign in."""

    def __init__(self) -> None:
        super().__init__("User name or password are not right, or the account is deactivated.")


class WrongPassword(Exception):
    """The password given for the own account is not right."""

    def __init__(self) -> None:
        super().__init__("This is not your current password.")


class WeakPassword(Exception):
    """A new password breaks rules; ``sentences`` says which."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True)
class Session:
    """A user who has signed in: the token, which cannot be read again, and when it ends if it is not used."""

    user: Item
    token: str
    expires: float


def sign_in(name: str, password: str, address: str) -> Session:
    """Sign in with user name or e-mail and password.

    Raises
    ------
    WrongCredentials
        Whatever of it is not right.
    ratelimit.TooMany
        Too many have guessed at this account, or from this address.
    """
    attempts.count(attempts.SIGN_IN_ADDRESS, address)
    attempts.count(attempts.SIGN_IN_ACCOUNT, name)
    user = users.find(name) or {}
    kept = user.get("password")
    right = passwords.matches(password, kept or passwords.nobody())
    if not (right and kept and user.get("is_active")):
        raise WrongCredentials
    anew = _hashed(password) if passwords.outdated(kept) else kept

    def edit(current: Item) -> None:
        if current.get("password") not in (kept, anew):
            raise WrongCredentials
        current["password"] = anew

    try:
        session = _open(user["id"], edit)
    except Inactive:
        raise WrongCredentials from None
    attempts.take_back(attempts.SIGN_IN_ACCOUNT, name)
    attempts.take_back(attempts.SIGN_IN_ADDRESS, address)
    return session


def forgot(name: str, address: str) -> None:
    """Send the user with this user name or e-mail, if there is one, a link that sets a password."""
    attempts.count(attempts.FORGOT_ADDRESS, address)
    attempts.count(attempts.FORGOT_ACCOUNT, name)
    user = users.find(name)
    if user is None or not user["is_active"]:
        return
    try:
        link = mail.link(mail.SET_PASSWORD, credentials.make_link(user["id"], PASSWORD))
    except Inactive:
        return
    _tell(user["email"], letters.password_reset(user["first_name"], user["username"], link))


def invite(user: Item) -> None:
    """Send a new user the link that sets the first password.

    Raises
    ------
    mail.NotSent
        The letter could not be sent; the account is there, and may be invited again.
    credentials.Inactive
        The account is deactivated.
    """
    mail.page()  # before a link is made for nothing
    link = mail.link(mail.SET_PASSWORD, credentials.make_link(user["id"], PASSWORD))
    mail.send(user["email"], letters.invitation(user["first_name"], user["username"], link))


def set_password(token: str, password: str, address: str) -> Session:
    """Set a password with a link; all sessions and links of the account end, and a new session begins.

    Raises
    ------
    BadLink, WeakPassword
        The link may not be used (any more); the password will not do, and the link may be used again.
    """
    attempts.count(attempts.LINK_ADDRESS, address)
    link = credentials.read_link(token, PASSWORD)
    kept = _new_password(users.get(link["user_id"]) or {}, password)

    def edit(user: Item) -> list[dict]:
        operations = credentials.use_link(user, link)
        user["password"] = kept
        return operations + credentials.end_all(user, credentials.SESSION, credentials.LINK)

    try:
        session = _open(link["user_id"], edit)
    except Inactive as error:
        raise BadLink(str(error)) from None
    _tell(session.user["email"], letters.password_changed(session.user["first_name"], session.user["username"]))
    return session


def change_password(user_id: int, current: str, password: str, token: str) -> None:
    """Change the own password; all sessions end but that of ``token``, and all links.

    Raises
    ------
    WrongPassword, WeakPassword
        The current one is not right; the new one will not do.
    """
    before = _check_current(user_id, current)
    kept = _new_password(before, password)

    def edit(user: Item) -> list[dict]:
        if user.get("password") not in (before["password"], kept):
            raise WrongPassword
        user["password"] = kept
        own = credentials.digest(token)
        return credentials.end_all(user, credentials.SESSION, credentials.LINK, but=own)

    user = users.change(user_id, edit)
    _tell(user["email"], letters.password_changed(user["first_name"], user["username"]))


def ask_for_email(user_id: int, email: str, current: str) -> None:
    """Send a link to a new address: it becomes the account's when the link is used.

    Raises
    ------
    WrongPassword, mail.NotSent
        The current password is not right; the letter could not be sent.
    """
    user = _check_current(user_id, current)
    mail.page()
    link = mail.link(mail.CONFIRM_EMAIL, credentials.make_link(user_id, EMAIL, email=email))
    mail.send(email, letters.email_confirmation(user["first_name"], user["username"], link))


def confirm_email(token: str, address: str) -> Item:
    """Make the address a link was sent to the account's; the former one is told.

    Raises
    ------
    BadLink, users.Taken
        The link may not be used; another account has got this address meanwhile.
    """
    attempts.count(attempts.LINK_ADDRESS, address)
    link = credentials.read_link(token, EMAIL)
    former: list[str] = []

    def edit(user: Item) -> list[dict]:
        former[:] = [user["email"]]
        operations = users.rename(user, email=link["email"])
        return operations + credentials.use_link(user, link) + credentials.end_all(user, credentials.LINK)

    try:
        user = users.change(link["user_id"], edit)
    except ConditionFailed as refused:
        raise users.taken_by(refused) from None
    tell_former_address(user, former[0])
    return user


def tell_former_address(user: Item, former: str) -> None:
    """Tell the former address of an account that it is another now."""
    if former.lower() != user["email"].lower():
        _tell(former, letters.email_changed(user["first_name"], user["username"], user["email"]))


def _open(user_id: int, edit: Callable[[Item], list[dict] | None]) -> Session:
    """A new session, in the transaction that does what ``edit`` says."""
    made: list[Session] = []

    def both(user: Item) -> list[dict]:
        operations = edit(user) or []
        user["last_login"] = clock.moment()
        item, token, more = credentials.make(user, credentials.SESSION)
        made[:] = [Session(user, token, item["expires"])]
        return operations + more

    users.change(user_id, both)
    return made[0]


def _check_current(user_id: int, password: str) -> Item:
    attempts.count(attempts.CURRENT_PASSWORD, str(user_id))
    user = users.get(user_id) or {}
    kept = user.get("password")
    if not passwords.matches(password, kept or passwords.nobody()) or not kept:
        raise WrongPassword
    attempts.take_back(attempts.CURRENT_PASSWORD, str(user_id))
    return user


def _new_password(user: Item, password: str) -> str:
    broken = passwords.broken_rules(password, [str(user.get(name) or "") for name in _PERSONAL])
    if broken:
        raise WeakPassword(broken)
    return _hashed(password)


def _hashed(password: str) -> str:
    return passwords.stored(password, secrets.token_bytes(passwords.SALT_BYTES))


def _tell(address: str, letter: Letter) -> None:
    """Send a letter that nothing waits for."""
    try:
        mail.send(address, letter)
    except mail.NotSent as error:
        logging.getLogger(__name__).warning("a letter was not sent: %s", error)
