"""FITS header cards from bytes, without astropy: the API answers with headers and must start quickly."""

from __future__ import annotations

import math
import re
from typing import Any

CARD = 80
BLOCK = 2880

Card = dict[str, Any]

_STRING = re.compile(r"'((?:[^']|'')*)'\s*(?:/\s?(.*))?$")
_INTEGER = re.compile(r"[+-]?\d+$")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?$")
_COMMENTARY = ("COMMENT", "HISTORY", "")


def header_length(data: bytes) -> int | None:
    """Bytes of the header that ``data`` begins with, up to the end of its last block; None while END is not there."""
    for start in range(0, len(data) - CARD + 1, CARD):
        if data[start : start + 8] == b"END     ":
            return (start // BLOCK + 1) * BLOCK
    return None


def parse(data: bytes) -> list[Card]:
    """The cards of a header, in order, as ``{"keyword", "value", "comment"}``.

    Long strings (CONTINUE) are joined; blank cards are left out; bytes that are not ASCII are read as Latin-1. A value
    that follows no rule of the standard is given as the text that is there.
    """
    cards: list[Card] = []
    for start in range(0, len(data) - CARD + 1, CARD):
        text = data[start : start + CARD].decode("latin-1")
        if text.rstrip() == "END":
            break
        card = _card(text)
        if card["keyword"] == "CONTINUE" and cards and _continues(cards[-1]):
            cards[-1]["value"] = cards[-1]["value"][:-1] + str(card["value"] or "")
            cards[-1]["comment"] = (cards[-1]["comment"] + " " + card["comment"]).strip()
        elif card["keyword"] or card["value"]:
            cards.append(card)
    return cards


def as_text(cards: list[Card]) -> str:
    """Cards as people read them, one a line.

    >>> print(as_text([{"keyword": "GAIN", "value": 1.48, "comment": "e-/ADU"}]), end="")
    GAIN     = 1.48 / e-/ADU
    """
    return "".join(f"{_line(card)}\n" for card in cards)


def _line(card: Card) -> str:
    keyword, content = card["keyword"], card["value"]
    if keyword in _COMMENTARY:
        return f"{keyword:8} {content or ''}".rstrip()
    if isinstance(content, bool):
        content = "T" if content else "F"
    elif isinstance(content, str):
        content = "'" + content.replace("'", "''") + "'"
    line = f"{keyword:8} = {'' if content is None else content}"
    return f"{line} / {card['comment']}" if card["comment"] else line.rstrip()


def value(cards: list[Card], keyword: str) -> Any:
    """The value of the first card with ``keyword``; None if there is none."""
    return next((card["value"] for card in cards if card["keyword"] == keyword), None)


def _continues(card: Card) -> bool:
    return isinstance(card["value"], str) and card["value"].endswith("&")


def _card(text: str) -> Card:
    keyword = text[:8].rstrip()
    if keyword == "HIERARCH" and "=" in text:
        keyword, _, rest = text[9:].partition("=")
        return _valued(keyword.strip(), rest)
    if keyword == "CONTINUE":
        return _valued(keyword, text[8:])
    if keyword in _COMMENTARY or text[8:10] != "= ":
        return {"keyword": keyword, "value": text[8:].rstrip(), "comment": ""}
    return _valued(keyword, text[10:])


def _valued(keyword: str, field: str) -> Card:
    field = field.strip()
    string = _STRING.match(field)
    if string:
        return {
            "keyword": keyword,
            "value": string[1].replace("''", "'").rstrip(),
            "comment": (string[2] or "").rstrip(),
        }
    text, _, comment = field.partition("/")
    return {"keyword": keyword, "value": _plain(text.strip()), "comment": comment.strip()}


def _plain(text: str) -> Any:
    if not text:
        return None
    if text in ("T", "F"):
        return text == "T"
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        number = float(text.replace("D", "E").replace("d", "e"))
        return number if math.isfinite(number) else text
    return text
