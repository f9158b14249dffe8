"""Reading previews without numpy: the API answers from them and must start quickly.

The container is described where it is written (``science/preview.py``). A spectrum's columns come as ``array``; a level
of an image as rows of 16-bit steps, with what turns a step into electrons.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import add
from typing import Any

MAGIC = b"GLPV"

MOST_BYTES = 64 << 20
"""Of a chunk, expanded."""

_KINDS = {"<f4": "f", "<f8": "d", "|u1": "B"}


class NotAPreview(ValueError):
    """The bytes are no preview that can be read."""


@dataclass(frozen=True)
class Preview:
    """A preview: its header, and the bytes of its chunks."""

    header: dict[str, Any]
    chunks: memoryview

    @property
    def is_spectrum(self) -> bool:
        """Whether it shows a spectrum, not an image."""
        return self.header["kind"] == "spectrum"

    def chunk(self, entry: dict[str, Any]) -> bytes:
        """The bytes of a chunk, expanded."""
        part = bytes(self.chunks[entry["offset"] : entry["offset"] + entry["length"]])
        if len(part) != entry["length"]:
            raise NotAPreview("The preview ends too early.")
        if entry["encoding"] != "deflate":
            return part
        try:
            return zlib.decompressobj().decompress(part, MOST_BYTES)
        except zlib.error:
            raise NotAPreview("The preview is damaged.") from None

    def columns(self) -> dict[str, array]:
        """The columns of a spectrum by name."""
        found = {}
        for name, entry in self.header["columns"].items():
            values = array(_KINDS[entry["dtype"]])
            values.frombytes(self.chunk(entry))
            if sys.byteorder == "big":
                values.byteswap()
            found[name] = values
        return found


def read(data: bytes) -> Preview:
    """A preview from its bytes.

    Raises
    ------
    NotAPreview
        They are none.
    """
    try:
        length = int.from_bytes(data[4:8], "little")
        header = json.loads(data[8 : 8 + length])
    except ValueError:
        header = None
    if data[:4] != MAGIC or not isinstance(header, dict) or header.get("kind") not in ("image", "spectrum"):
        raise NotAPreview("This is no preview.")
    return Preview(header, memoryview(data)[8 + length :])


@dataclass(frozen=True)
class Level:
    """One resolution of an image.

    Attributes
    ----------
    factor : int
        Pixels of the image a pixel of this level has, along each axis.
    rows : iterator of list of int
        Steps, the bottom row first.
    """

    factor: int
    width: int
    height: int
    rows: Iterator[list[int]]
    scale: float
    noise2: float

    def electrons(self, step: int) -> float:
        """Electrons of a step (the generalised Anscombe transform inverted)."""
        t = step / self.scale
        return t * t / 4 - 0.375 - self.noise2


def level(preview: Preview, *, coarse: bool) -> Level:
    """The coarse or the full resolution of an image."""
    entry = preview.header["levels"][0 if coarse else -1]
    height, width = entry["shape"]
    transform = entry["transform"]
    low, high = (preview.chunk(entry["planes"][name]) for name in ("low", "high"))
    return Level(
        entry["factor"], width, height, _steps(low, high, width), float(transform["scale"]), float(transform["noise2"])
    )


def _steps(low: bytes, high: bytes, width: int) -> Iterator[list[int]]:
    tall = [256 * byte for byte in range(256)].__getitem__
    for start in range(0, len(low), width):
        differences = map(add, low[start : start + width], map(tall, high[start : start + width]))
        yield [total & 0xFFFF for total in accumulate(differences)]


def flags(preview: Preview, *, factor: int) -> Iterator[bytes]:
    """Mask bits by row, the bottom row first, of every ``factor``-th pixel."""
    _, width = preview.header["shape"]
    mask = preview.chunk(preview.header["mask"])
    for start in range(0, len(mask), width * factor):
        yield mask[start : start + width : factor]
