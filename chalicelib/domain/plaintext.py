"""Texts people write: plain, whole lines, nothing that hides or turns around what is read; and counts in words."""

from __future__ import annotations

import unicodedata

_TURNS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the direction of what follows: a text could read otherwise than it is."""

_LINES = "\n\t"


def counted(number: int, noun: str) -> str:
    """So many of something, in words.

    >>> counted(1, "file"), counted(2, "file")
    ('1 file', '2 files')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


class NotPlain(ValueError):
    """The text is empty or has characters that cannot be shown; the message says so in a sentence."""


def plain(text: str, *, lines: bool = True) -> str:
    """``text`` with one kind of line end and nothing blank around it; ``lines``: whether it may have several.

    Raises
    ------
    NotPlain
        It is empty, or has control characters or marks of direction.
    """
    cleaned = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not cleaned:
        raise NotPlain("The text is empty.")
    allowed = _LINES if lines else ""
    for character in cleaned:
        if character in _TURNS or (unicodedata.category(character) in ("Cc", "Cs") and character not in allowed):
            raise NotPlain(f"The text has a character that cannot stand in it (U+{ord(character):04X}).")
    return cleaned
