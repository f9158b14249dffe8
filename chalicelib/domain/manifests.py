"""Selections of files to take away: unique names, checksums, and a script that fetches them."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_FILES = 1000
"""Files of one selection."""

SUMS = "SHA256SUMS"
"""The file of checksums beside the others, as ``sha256sum --check`` reads it."""


@dataclass(frozen=True)
class Entry:
    """A file under the name it is taken away with; ``url`` is where it can be fetched from for a while."""

    id: int
    name: str
    size: int
    sha256: str
    url: str = ""


def safe_name(name: str) -> str:
    """A file name that fits into a header field and every file system.

    >>> safe_name("0317 M31 (1).fits")
    '0317_M31_1_.fits'
    """
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", name).lstrip(".-") or "file"


def unique_names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each record. Where several have the same, whatever its case, each gets its id into it.

    >>> unique_names([{"id": 1, "file_name": "a.fits"}, {"id": 2, "file_name": "A.fits"}, {"id": 3, "file_name": "b"}])
    ['a_1.fits', 'A_2.fits', 'b']
    """
    names = [safe_name(str(record["file_name"])) for record in records]
    often = Counter([SUMS.lower(), *(name.lower() for name in names)])
    return [
        _with_id(name, record["id"]) if often[name.lower()] > 1 else name
        for name, record in zip(names, records, strict=True)
    ]


def _with_id(name: str, identifier: int) -> str:
    stem, dot, endings = name.partition(".")
    return f"{stem}_{identifier}{dot}{endings}"


def sums(entries: Sequence[Entry]) -> str:
    """The checksums, for ``sha256sum --check``."""
    return "".join(f"{entry.sha256}  {entry.name}\n" for entry in entries)


def curl_script(entries: Sequence[Entry], expires: str) -> str:
    """A shell script that fetches the files into the present directory and checks them.

    A file that is there already with the right checksum is not fetched again: a script that was stopped, or a new one
    of the same selection, goes on where it left off.
    """
    lines = [
        "#!/bin/sh",
        f"# {len(entries)} files, {sum(entry.size for entry in entries)} bytes.",
        f"# The addresses work until {expires}; ask for a new script then: it fetches what is missing.",
        "set -u",
        "failed=0",
        "fetch() {",
        '  if [ -f "$2" ] && printf "%s  %s\\n" "$1" "$2" | sha256sum --check --status; then return; fi',
        '  if curl --fail --silent --show-error --location --retry 3 --output "$2.part" "$3" &&',
        '    printf "%s  %s\\n" "$1" "$2.part" | sha256sum --check --status; then',
        '    mv "$2.part" "$2" && echo "$2"',
        '  else echo "$2 could not be fetched" >&2; failed=1; fi',
        "}",
    ]
    lines += [f"fetch {entry.sha256} {shlex.quote(entry.name)} {shlex.quote(entry.url)}" for entry in entries]
    return "\n".join([*lines, "exit $failed", ""])
