"""Tiny Goodman frames, and the night that random histories play."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import numpy as np
from astropy.io import fits

EPOCH = datetime(2026, 11, 22, 1, 0, tzinfo=timezone.utc).timestamp()
NIGHT = 20261121


def frame_bytes(obstype: str, number: int, **cards: Any) -> bytes:
    """A tiny Goodman frame in the newest dialect; ``number`` makes its bytes and its time its own."""
    header = fits.Header()
    started = datetime.fromtimestamp(EPOCH, timezone.utc) + timedelta(minutes=number)
    arc = obstype == "ARC"
    header.update(
        {
            "INSTRUME": "ghts_red",
            "INSTCONF": "Red",
            "OBSTYPE": obstype,
            "OBJECT": "target",
            "DATE-OBS": started.strftime("%Y-%m-%dT%H:%M:%S.000"),
            "DATE": started.date().isoformat(),
            "GAIN": 1.48,
            "RDNOISE": 3.89,
            "CCDSUM": "2 2",
            "ROI": "Spectroscopic 2x2",
            "GRATING": "400_SYZY",
            "SLIT": "1.0_LONG_SLIT",
            "FILTER": "NO_FILTER",
            "FILTER2": "GG455",
            "WAVMODE": "400_M2",
            "CAM_TARG": 16.1,
            "GRT_TARG": 7.5,
            "LAMP_HGA": "TRUE" if arc else "FALSE",
            "LAMP_NE": "FALSE",
            "PROPID": "SOAR2026B-014",
            "OBSRA": "05:34:22.3",
            "OBSDEC": "-05:24:52.4",
            **cards,
        }
    )
    hdu = fits.PrimaryHDU(np.full((4, 6), number % 60_000, dtype=np.uint16), header)
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return buffer.getvalue()


_FRAMES = {
    **{f"raw/{NIGHT}/{n:04d}_bias.fits": ("BIAS", n, {"GRATING": "930_SYZY", "SLIT": "NO_MASK"}) for n in range(3)},
    **{f"raw/{NIGHT}/{n:04d}_flat.fits": ("LAMPFLAT", n, {}) for n in range(3, 6)},
    f"raw/{NIGHT}/0006 arc+1.fits": ("ARC", 6, {}),
    f"raw/{NIGHT}/0007_star.fits": ("SPECTRUM", 7, {}),
    f"raw/{NIGHT}/0008_empty.fits": ("SPECTRUM", 8, {"OBJECT": "empty"}),
    f"raw/{NIGHT}/0009_focus.fits": ("FOCUS", 9, {}),
    f"raw/{NIGHT}/0010_image.fits": ("EXPOSE", 10, {"GRATING": "NO_GRATING", "WAVMODE": "IMAGING"}),
    f"raw/{NIGHT}/0011_arc.fits": ("ARC", 11, {}),
    f"raw/{NIGHT}/0012_bias.fits": ("BIAS", 12, {"GRATING": "930_SYZY", "SLIT": "NO_MASK"}),
}

SMALL = tuple(key for key in _FRAMES if key[13:17] in ("0000", "0001", "0002", "0006", "0007"))
"""The frames of the night whose every write is crashed in turn: a pool, an arc, a spectrum of two targets."""


SUPERSEDED = f"raw/{NIGHT}/0007_star.fits"
"""The key under which another frame follows later."""


@cache
def frames() -> dict[str, bytes]:
    """Keys and bytes of the night: a pool of biases and one of flats, two arcs around two spectra, and odd ones."""
    night = {key: frame_bytes(kind, n, **cards) for key, (kind, n, cards) in _FRAMES.items()}
    return night | {f"raw/{NIGHT}/notes.txt": b"not a frame"}


@cache
def uploads() -> tuple[tuple[str, bytes], ...]:
    """All uploads of the night: its frames, and other bytes under the name of one of them."""
    return (*frames().items(), (SUPERSEDED, frame_bytes("SPECTRUM", 13, OBJECT="target again")))
