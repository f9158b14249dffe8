"""From the pipeline back to a folder: the API's records of everything, and every product under a name of its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.naming import base_name
from chalicelib.domain.records import RAW_TYPE
from chalicelib.store import clients, objects
from infra.local.web import STAGE, Gateway

Record = Mapping[str, Any]


class ApiRefused(Exception):
    """The API did not answer as it should; the sentence says what it said."""


class LocalApi:
    """The API as a client with a token sees it, without a socket between."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._gateway = gateway
        self._headers = {"Authorization": f"Token {token}", "Host": "localhost"}

    def get(self, path: str) -> Any:
        """The JSON of ``path``, below the stage.

        Raises
        ------
        ApiRefused
            The status is not 200.
        """
        status, _, body = self._gateway.handle("GET", path, self._headers)
        if status != 200:
            raise ApiRefused(f"GET {path} was answered with {status}: {body.decode(errors='replace')}")
        return json.loads(body)

    def all_files(self, query: str = "") -> Iterator[dict[str, Any]]:
        """The record of every file that ``query`` (``?data_type=4``; default: all) selects, newest first."""
        for page in self.pages(query):
            yield from page["results"]

    def pages(self, query: str = "") -> Iterator[dict[str, Any]]:
        """The pages of the list of files."""
        path: str | None = f"/files/{query}"
        while path:
            page = self.get(path)
            yield page
            following = urlsplit(page["next"] or "")
            path = f"{following.path.removeprefix(STAGE)}?{following.query}" if page["next"] else None


@dataclass(frozen=True)
class Written:
    """What :func:`write_products` did: paths of what was written by file id, and sentences about what was not."""

    paths: dict[int, str]
    problems: tuple[str, ...]


def product_paths(records: Iterable[Record]) -> dict[int, str]:
    """A path ``<prefix>/<night>/<name>`` for each product.

    Where two raw frames of a night have one name, every product of the later has the id of its raw frame in its name,
    so that what belongs together is seen; should two paths still be the same, the later gets its own id too.
    """
    ordered = sorted(records, key=lambda record: record["id"])
    raws: dict[tuple[int, str], int] = {}  # night and name (some file systems do not tell A from a) → the first's id
    for record in ordered:
        raw = _raw_name(record)
        raws[raw] = min(raws.get(raw, record["original_file_id"]), record["original_file_id"])
    taken: set[str] = set()
    paths = {}
    for record in ordered:
        prefix = _object_key(record).split(f"/{record['night']}/")[0]
        place = PurePosixPath(prefix, str(record["night"]), _local_name(record["file_name"]))
        if raws[_raw_name(record)] != record["original_file_id"]:
            place = place.with_name(f"{place.stem}_{record['original_file_id']}{place.suffix}")
        if str(place).lower() in taken:
            place = place.with_name(f"{place.stem}_{record['id']}{place.suffix}")
        taken.add(str(place).lower())
        paths[record["id"]] = str(place)
    return paths


def _raw_name(record: Record) -> tuple[int, str]:
    return record["night"], base_name(record["original_file"]).lower()


def _local_name(name: str) -> str:
    return re.sub(r'[\0/\\:*?"<>|]+', "_", name)


def _object_key(record: Record) -> str:
    return urlsplit(record["full_path"], allow_fragments=False).path.lstrip("/")


def write_products(records: Sequence[Record], directory: Path) -> Written:
    """Write every product and its previews (below ``preview/``), each verified by its checksum."""
    products = [record for record in records if record["data_type"] != RAW_TYPE]
    paths = product_paths(products)
    problems = []
    for record in products:
        data = _read(_object_key(record))
        if data is None or hashlib.sha256(data).hexdigest() != record["sha256"]:
            problems.append(f"{record['file_name']} could not be read back with the bytes its record names.")
            del paths[record["id"]]
            continue
        _write(directory / paths[record["id"]], data)
        preview = objects.preview_key(record["sha256"])
        for key, ending in ((preview, ".preview"), (f"{preview}.json", ".json")):
            found = _read(key)
            if found is not None:
                _write(directory / "preview" / f"{paths[record['id']]}{ending}", found)
    return Written(paths, tuple(problems))


def _read(key: str) -> bytes | None:
    opened = objects.open_raw(key)
    return None if opened is None else opened.stream.read()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def raw_of_upload(records: Iterable[Record], key: str, sha256: str) -> Record | None:
    """The record of an uploaded file: by its bytes, or by its key where it could not be read as a frame."""
    full_path = f"s3://{clients.bucket()}/{key}"
    raws = [record for record in records if record["data_type"] == RAW_TYPE and record["sha256"] == sha256]
    return next((record for record in raws if record["full_path"] == full_path), raws[0] if raws else None)
