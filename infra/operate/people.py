"""``superuser``: the first person of a deployment, who makes all others on the page."""

from __future__ import annotations

import argparse
import sys

from chalicelib.store import accounts, credentials, mail, signin, users

FLAGS = {"is_staff": True, "is_superuser": True, "is_active": True}
USAGE, LEFT_OVER = 2, 3


def superuser(options: argparse.Namespace) -> int:
    """Make somebody a superuser, with a new account or the one there is, and mail the link that sets the password."""
    user = users.find(options.username)
    try:
        if user is None:
            user = users.add(options.username, options.email, **FLAGS)
            print(f"{user['username']} has an account now, number {user['id']}.")
        elif user["email"].lower() != options.email.lower():
            print(f"{options.username} is there with another e-mail address: {user['email']}.", file=sys.stderr)
            return USAGE
        else:
            user = accounts.edit_user(user["id"], FLAGS)
    except users.Taken as error:
        print(f"{error} Nothing was done.", file=sys.stderr)
        return USAGE
    print(f"{user['username']} is a superuser.")
    return _send(user, show=options.show_link)


def _send(user: dict, *, show: bool) -> int:
    try:
        if show:
            mail.page()
            print(mail.link(mail.SET_PASSWORD, credentials.make_link(user["id"], signin.PASSWORD)))
        else:
            signin.invite(user)
            print(f"A link that sets the password was mailed to {user['email']}.")
    except mail.NotSent as error:
        print(f"{error} Run this again when that is put right, or with --show-link.", file=sys.stderr)
        return LEFT_OVER
    return 0
