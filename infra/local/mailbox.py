"""The letters that were sent: moto keeps them, in the process in which it runs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Sent:
    """A letter as SES was given it."""

    to: str
    subject: str
    text: str

    @property
    def link(self) -> str | None:
        """The first link in it."""
        found = re.search(r"https?://\S+", self.text)
        return found.group() if found else None

    @property
    def token(self) -> str:
        """What stands at the end of the link."""
        return (self.link or "").rpartition("/")[2]


def letters(to: str | None = None) -> list[Sent]:
    """All letters, the oldest first; to one address, if it is given."""
    from moto.ses.models import ses_backends

    sent = [
        Sent(message.destinations["ToAddresses"][0], message.subject, message.body)
        for regions in ses_backends.values()
        for backend in regions.values()
        for message in backend.sent_messages
    ]
    return [letter for letter in sent if to is None or letter.to.lower() == to.lower()]


def sentence(letter: Sent) -> str:
    """What the person at the terminal is told of a letter."""
    return f"Mail to {letter.to}: {letter.subject}." + (f" {letter.link}" if letter.link else "")


class Postman:
    """Tells, in a thread, each letter as it is sent: on one machine nobody gets it otherwise."""

    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify = notify
        self._told = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell the last ones and end."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._tell()
        self._tell()

    def _tell(self) -> None:
        sent = letters()
        for letter in sent[self._told :]:
            self._notify(sentence(letter))
        self._told = len(sent)
