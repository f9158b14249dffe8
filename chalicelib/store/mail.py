"""Letters, sent by SES. On the one-machine stack moto keeps them (``infra.local.mailbox``).

Environment: ``GOODMAN_SENDER``, an address SES may send from; ``GOODMAN_PAGE``, where the web page is. Links are never
made from what a request says of its host: whoever forges that would be sent other people's links.
"""

from __future__ import annotations

import os

from botocore.exceptions import BotoCoreError, ClientError

from ..domain.letters import Letter
from . import clients

SENDER = "GOODMAN_SENDER"
PAGE = "GOODMAN_PAGE"

LOCAL_SENDER = "goodman-live@localhost.invalid"
LOCAL_PAGE = "http://localhost:8000"

SET_PASSWORD = "set-password"
CONFIRM_EMAIL = "confirm-email"


class NotSent(Exception):
    """A letter could not be sent; the sentence says why."""


def send(address: str, letter: Letter) -> None:
    """Send a letter to one address.

    Raises
    ------
    NotSent
        SES refused it, cannot be reached, or is not configured.
    """
    utf8 = {"Charset": "UTF-8"}
    try:
        clients.ses().send_email(
            Source=_setting(SENDER, LOCAL_SENDER),
            Destination={"ToAddresses": [address]},
            Message={
                "Subject": {"Data": " ".join(letter.subject.split()), **utf8},
                "Body": {"Text": {"Data": letter.text, **utf8}},
            },
        )
    except (ClientError, BotoCoreError) as error:
        raise NotSent(f"The letter could not be sent: {type(error).__name__}.") from error


def page() -> str:
    """The address of the web page, without a slash at the end."""
    return _setting(PAGE, LOCAL_PAGE).rstrip("/")


def link(place: str, token: str) -> str:
    """A link to a place of the page that holds a token: behind the #, which browsers send to no server and no log."""
    return f"{page()}/#/{place}/{token}"


def _setting(name: str, local: str) -> str:
    value = os.environ.get(name) or (local if clients.endpoint_url() else "")
    if not value:
        raise NotSent(f"No letters can be sent: {name} is not set for this deployment.")
    return value
