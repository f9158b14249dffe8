"""``POST /files``: where to bring a raw frame."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta, timezone
from typing import Any

from chalice import Blueprint

from ..domain.nights import night_date, night_number
from ..domain.permissions import may_upload
from ..store import clock, uploads
from . import schemas
from .operation import Call, operation
from .problems import Conflict, NotAllowed, Unprocessable

routes = Blueprint(__name__)

LARGEST = 256 << 20
"""Bytes: several times the largest frame of the detector."""

FIRST_NIGHT = 20030101
"""The spectrograph's first light was in 2004."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,119}\.([Ff][Ii][Tt][Ss]|[Ff][Ii][Tt]|[Ff][Tt][Ss])(\.(gz|fz|bz2))?$"

A_NAME = "the name of a FITS file, like 0123_target.fits or 0123_target.fits.fz: letters, digits, blanks, and . _ + -"

NEW_FILE = schemas.named(
    "NewFile",
    schemas.record(
        {
            "file_name": schemas.text(
                128, shortest=5, pattern=NAME, says=A_NAME, help="Name of a FITS file, plain or compressed."
            ),
            "night": schemas.integer(
                FIRST_NIGHT, 99991231, help="The evening's date, yyyymmdd: the folder it goes to. The header decides."
            ),
            "size": schemas.integer(1, LARGEST, help="Bytes."),
            "sha256": schemas.text(44, shortest=44, help="The checksum of the bytes, in base64."),
        }
    ),
)

UPLOAD = schemas.named(
    "Upload",
    schemas.record(
        {
            "key": schemas.text(help="Where the object goes in the bucket."),
            "file": schemas.nullable(schemas.integer(help="The file that has these bytes already.")),
            "upload": schemas.nullable(
                schemas.record(
                    {
                        "method": schemas.one_of("PUT"),
                        "url": schemas.text(form="uri"),
                        "headers": schemas.mapping(schemas.text(), help="To be sent just as they are."),
                        "expires": schemas.MOMENT,
                    }
                )
            ),
        }
    ),
)


@routes.route("/files", methods=["POST"], content_types=[])
@operation("Upload a raw frame", body=NEW_FILE, answers={200: UPLOAD}, refuses=(403, 409), tag="files")
def upload_file(call: Call) -> dict[str, Any]:
    """An address to which just these bytes can be put for a quarter of an hour, never over an object that is there.

    For staff, and the accounts of the mountain's machines. ``upload`` is null where the bytes are here already.
    """
    if not may_upload(call.viewer):
        raise NotAllowed(
            "Frames are uploaded by staff and the telescope's own machines: a frame's header says whose it is, and its "
            "calibrations serve everybody. Ask the observatory's staff to take yours in."
        )
    body = call.body
    checksum, night = _checksum(body["sha256"]), _night(body["night"])
    key = uploads.raw_key(night, body["file_name"])
    there = uploads.known(checksum)
    if there is not None:
        return {"key": key, "file": there, "upload": None}
    if uploads.taken(key):
        raise Conflict(f"{key} is taken by other bytes, or by these being taken in now. Use another name or wait.")
    signed = uploads.address(key, checksum, body["size"])
    expires = datetime.fromtimestamp(clock.now(), timezone.utc) + timedelta(seconds=uploads.SECONDS)
    sent = {"method": "PUT", "url": signed.url, "headers": signed.headers}
    return {"key": key, "file": None, "upload": sent | {"expires": expires.isoformat(timespec="seconds")}}


def _checksum(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != 32:
        raise Unprocessable("sha256 must be the SHA-256 of the bytes in base64.", [("/sha256", "not 32 bytes")])
    return found


def _night(number: int) -> int:
    """The night, if it is a date that has begun somewhere."""
    try:
        night = night_date(number)
    except ValueError:
        night = None
    tomorrow = datetime.fromtimestamp(clock.now(), timezone.utc).date() + timedelta(days=1)
    if night is None or night > tomorrow:
        raise Unprocessable(
            "night must be a date, like 20261121, and not in the future.", [("/night", "no such night")]
        )
    return night_number(night)
