"""Small raw frames with the true header dialect, whole and spoilt, for the corpus of bad input."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from astropy.io import fits

from infra.simulate.exposure import Exposure
from infra.simulate.plan import small_night
from infra.simulate.writer import frames


@cache
def night(camera: str = "Red", mode: str = "400_M2", seed: int = 3, **changes: Any) -> tuple[Exposure, ...]:
    """Three biases, three flats, an arc and a star: 200 binned rows, everything 2x2 unless changed."""
    preset: dict[str, Any] = {"n_bias": 3, "n_flat": 3, "n_science": 1, "exposures_per_target": 1}
    preset |= {"arc_binning": (2, 2), "cosmic_rays": False, "seconds": 300.0, "magnitude": (15.5, 16.5)}
    return tuple(small_night(mode, camera, seed, **(preset | changes)))


@cache
def rendered(exposure: Exposure) -> tuple[bytes, dict]:
    """The file of an exposure and the truth about it."""
    ((_, data, truth),) = frames([exposure])
    return data, truth


def of_kind(kind: str, which: int = 0, **how: Any) -> bytes:
    """The file of the ``which``-th frame of a kind of :func:`night`."""
    return rendered([e for e in night(**how) if e.kind == kind][which])[0]


def changed(data: bytes, cards: dict[str, Any] | None = None, pixels: np.ndarray | None = None) -> bytes:
    """The frame with other cards (None: taken out) and other pixels."""
    with fits.open(io.BytesIO(data)) as units:
        header = units[0].header
        before = units[0].data.copy()
    for keyword, value in (cards or {}).items():
        if value is None:
            header.remove(keyword, ignore_missing=True)
        else:
            header[keyword] = value
    unit = fits.PrimaryHDU(before if pixels is None else pixels)
    for card in header.cards:
        structural = card.keyword.startswith("NAXIS") or card.keyword in unit.header
        if not structural or card.keyword in ("COMMENT", "HISTORY"):
            unit.header.append(card, end=True)
    buffer = io.BytesIO()
    unit.writeto(buffer)
    return buffer.getvalue()


def pixels_of(data: bytes) -> np.ndarray:
    """The counts of a frame."""
    with fits.open(io.BytesIO(data)) as units:
        return units[0].data.copy()


def raw_card(data: bytes, keyword: str, image: bytes) -> bytes:
    """The frame with one card's 80 bytes replaced as they are, whatever they are."""
    for at in range(0, len(data), 80):
        if data[at : at + 8] == keyword.ljust(8).encode():
            return data[:at] + image.ljust(80)[:80] + data[at + 80 :]
    raise KeyError(keyword)


def with_exposure(exposures: Iterable[Exposure], kind: str, **changes: Any) -> bytes:
    """The first frame of a kind, exposed otherwise."""
    return rendered(replace(next(e for e in exposures if e.kind == kind), **changes))[0]
