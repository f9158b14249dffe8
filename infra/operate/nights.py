"""Nights as they are given on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from chalicelib.domain.nights import night_number

FORMS = "20261121 or 2026-11-21, or from..to"
LONGEST = timedelta(days=3660)


def parse(text: str) -> list[int]:
    """The nights (``yyyymmdd``) that a word names: one, or all from one to another.

    Raises
    ------
    argparse.ArgumentTypeError
        It is no night, or the range is empty or longer than ten years.
    """
    first, dots, last = text.partition("..")
    begin = _date(first)
    end = _date(last) if dots else begin
    if not begin <= end <= begin + LONGEST:
        raise argparse.ArgumentTypeError(f"{text} is not a range of nights: the first must come first")
    return [night_number(begin + timedelta(days=days)) for days in range((end - begin).days + 1)]


def _date(text: str) -> date:
    for form in ("%Y%m%d", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"{text or 'nothing'} is not a night: write {FORMS}")


def of(words: Iterable[list[int]]) -> list[int]:
    """All nights of several words, in order, each once."""
    return sorted({night for word in words for night in word})
