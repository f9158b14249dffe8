"""Pictures in the PNG format (RFC 2083), of at most 256 colours, with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence

Colour = tuple[int, int, int]

SHADES = 240
"""Colours of a map; the others are for what is drawn over it."""

BLACK, WHITE, GRAY, LIGHT, RED, GREEN, BLUE, ORANGE = range(SHADES, SHADES + 8)
PENS: tuple[Colour, ...] = (
    (0, 0, 0),
    (255, 255, 255),
    (120, 120, 120),
    (214, 224, 235),
    (220, 30, 30),
    (0, 158, 115),
    (0, 90, 180),
    (230, 140, 0),
)

_ANCHORS: dict[str, tuple[Colour, ...]] = {
    "gray": ((0, 0, 0), (255, 255, 255)),
    "inverse": ((255, 255, 255), (0, 0, 0)),
    "heat": ((0, 0, 0), (128, 0, 0), (255, 96, 0), (255, 220, 80), (255, 255, 255)),
    "cool": ((0, 0, 0), (0, 40, 110), (0, 130, 190), (120, 215, 220), (255, 255, 255)),
    "night": ((0, 0, 0), (110, 0, 0), (255, 60, 40)),
    "green": ((20, 10, 60), (40, 80, 130), (30, 140, 130), (100, 195, 90), (250, 230, 40)),
}
"""Colour maps by a few of their colours, brighter from first to last (but for ``inverse``); between them, straight."""

MAPS = tuple(_ANCHORS)


def palette(name: str) -> list[Colour]:
    """The colours of a map, and the pens after them."""
    anchors = _ANCHORS[name]
    colours = []
    for shade in range(SHADES):
        place = shade * (len(anchors) - 1) / (SHADES - 1)
        below = min(int(place), len(anchors) - 2)
        part = place - below
        pairs = zip(anchors[below], anchors[below + 1], strict=True)
        colours.append(tuple(round(low + (high - low) * part) for low, high in pairs))
    return [*colours, *PENS]  # type: ignore[list-item]


def write(rows: Iterable[bytes], width: int, height: int, colours: Sequence[Colour]) -> bytes:
    """A picture from rows of indices into ``colours``, the top row first."""
    flat = b"".join(b"\0" + row for row in rows)
    if len(flat) != height * (width + 1):
        raise ValueError("the rows do not fill the picture")
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(bytes(colour) for colour in colours)),
            _chunk(b"IDAT", zlib.compress(flat, 6)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
