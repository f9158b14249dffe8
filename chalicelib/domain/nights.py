"""Nights and file ids."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

UTC = timezone.utc
FILES_PER_NIGHT = 100_000


def night_of(moment: datetime) -> int:
    """The night (``yyyymmdd``) a moment belongs to: the civil date of its evening, noon to noon in Chile.

    >>> night_of(datetime(2018, 2, 5, 4, 3, tzinfo=timezone.utc))
    20180204
    """
    return night_number((moment.astimezone(UTC) - timedelta(hours=16)).date())


def night_number(day: date) -> int:
    """A date as the integer ``yyyymmdd``."""
    return day.year * 10_000 + day.month * 100 + day.day


def night_date(night: int) -> date:
    """The date of a night number."""
    return date(night // 10_000, night // 100 % 100, night % 100)


def nights_between(first: int, second: int) -> int:
    """How many nights apart two nights are, unsigned."""
    return abs((night_date(first) - night_date(second)).days)


def file_id(night: int, number: int) -> int:
    """The id of the ``number``-th file of a night: sorts by night and fits JavaScript's integers."""
    if not 0 < number < FILES_PER_NIGHT:
        raise ValueError(f"night {night} has no room for file number {number}")
    return night * FILES_PER_NIGHT + number


def night_of_file(identifier: int) -> int:
    """The night of a file id."""
    return identifier // FILES_PER_NIGHT


def parse_moment(text: str) -> datetime:
    """A header's DATE-OBS as an aware UT moment.

    Raises
    ------
    ValueError
        The text is not a date and time.
    """
    cleaned = text.strip().rstrip("Z")
    leap = re.fullmatch(r"(.*:)60(\.\d*)?", cleaned)  # some clocks round up to the sixtieth second
    moment = datetime.fromisoformat(f"{leap[1]}59" if leap else cleaned) + timedelta(seconds=1 if leap else 0)
    if "T" not in cleaned and " " not in cleaned:
        raise ValueError("a date without a time")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a date outside the calendar") from None
