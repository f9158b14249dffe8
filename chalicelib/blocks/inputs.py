"""From a step's inputs to arrays: fetched, verified, parsed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ..domain.headers import Observation
from ..domain.instrument import CONVERTER_LIMIT
from ..domain.plan import Input
from ..store import objects, reference

if TYPE_CHECKING:
    from ..science.frame import Detector, Frame, RawFrame
    from ..science.reference import Library
    from ..science.spectrum import Spectrum


def detector_of(o: Observation) -> Detector:
    """How a frame was read out, for the science functions.

    The observation's ``saturation`` is half of the full well, by which flats are judged: a pixel is linear to twice
    that, or to the converter's limit.
    """
    from ..science.frame import Detector

    return Detector(
        camera=o.camera,
        gain=o.gain,
        read_noise=o.read_noise,
        saturation=float(min(2 * o.saturation, CONVERTER_LIMIT)),
        binning=o.binning,
        roi_origin=o.roi_origin,
        half_full_well=float(o.saturation),
    )


def raw(source: Input) -> RawFrame:
    """A raw frame's pixels and header."""
    from ..science.rawfile import read_raw

    return read_raw(objects.fetch(source.key, source.sha256, source.version, keep=False))


def frame(source: Input | None) -> Frame | None:
    """A master or reduced frame; None for None."""
    from ..science.product import read_image

    return None if source is None else read_image(objects.fetch(source.key, source.sha256))


def spectrum(source: Input) -> Spectrum:
    """An extracted spectrum."""
    from ..science.product import read_spectrum

    return read_spectrum(objects.fetch(source.key, source.sha256))


@cache
def library() -> Library:
    """The reference lamps and lines, loaded once in a process's life."""
    from ..science.reference import load

    return load(reference.bundle_path())


def input_cards(inputs: tuple[Input, ...]) -> list[tuple[str, str, str]]:
    """GSP_Innn / GSP_Hnnn: name and checksum of every input, so a product tells its lineage by itself."""
    cards = []
    for number, source in enumerate(inputs, start=1):
        cards.append((f"GSP_I{number:03d}", source.name, f"input, {source.role}"))
        cards.append((f"GSP_H{number:03d}", source.sha256, f"its SHA-256 ({source.role})"))
    return cards
