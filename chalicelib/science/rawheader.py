"""Headers as they come: bytes that are no text, cards that are no cards, images in extensions."""

from __future__ import annotations

import math
import re
import warnings

from astropy.io import fits
from astropy.io.fits.verify import VerifyError

from .cards import add_lines

_MOST_AXES = 999  # the standard's
_LONGEST_BROKEN = 800  # characters kept of a broken card
_STRUCTURAL = re.compile(
    r"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|EXTEND|T(TYPE|FORM|UNIT|DIM)\d+|THEAP)$"
)
_COMPRESSION = re.compile(
    r"Z(IMAGE|CMPTYPE|BITPIX|NAXIS\d*|TILE\d+|NAME\d+|VAL\d+|QUANTIZ|DITHER0|SIMPLE|TENSION|EXTEND|BLOCKED|PCOUNT"
    r"|GCOUNT|HECKSUM|DATASUM|MASKCMP|SCALE|ZERO|BLANK)$"
)


class WrongAxes(ValueError):
    """The cards that say how large the image is are nonsense."""


def axes(header: fits.Header, prefix: str = "") -> list[int]:
    """NAXIS1 ... of the header (``prefix`` ``"Z"``: of the packed image).

    Raises
    ------
    WrongAxes
        NAXIS outside the standard's 0 to 999, or a size that is negative.
    """
    count = int(header.get(prefix + "NAXIS", 0))
    if not 0 <= count <= _MOST_AXES:
        raise WrongAxes(f"The header says that the image has {count} axes: the file is damaged.")
    sizes = [int(header.get(f"{prefix}NAXIS{i}", 0)) for i in range(1, count + 1)]
    if any(n < 0 for n in sizes):
        raise WrongAxes(f"The header gives a negative image size ({min(sizes)}): the file is damaged.")
    return sizes


def parse_header(block: bytes) -> fits.Header:
    """The cards of ``block``; bytes that are not printable ASCII become ``?``, broken cards become COMMENT cards."""
    printable = bytes(c if 32 <= c < 127 else 63 for c in range(256))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = fits.Header.fromstring(block.translate(printable))
        sound, broken = fits.Header(), False
        for card in header.cards:
            try:
                value, _ = card.value, card.comment
                if isinstance(value, float) and not math.isfinite(value):
                    raise ValueError(value)
                card.verify("silentfix")
                sound.append(card, end=True)
            except (VerifyError, ValueError, KeyError, AttributeError):
                broken = True
                # The card's own text, unparsed: asking a broken CONTINUE chain for it would raise again.
                add_lines(sound, "COMMENT", str(getattr(card, "_image", "") or "")[:_LONGEST_BROKEN])
    return sound if broken else header


def image_header(header: fits.Header, primary: fits.Header | None) -> fits.Header:
    """Cards of an image in an extension as if it were the primary image: what the rest of the program sees."""
    compressed = bool(header.get("ZIMAGE", False))
    prefix = "Z" if compressed else ""
    sizes = axes(header, prefix)
    cards = [fits.Card("SIMPLE", True), fits.Card("BITPIX", header.get(prefix + "BITPIX", 16))]
    cards.append(fits.Card("NAXIS", len(sizes)))
    cards += [fits.Card(f"NAXIS{i}", size) for i, size in enumerate(sizes, 1)]
    merged = fits.Header(cards)
    for source in (header, primary):
        known = set(merged)
        for card in source.cards if source is not None else ():
            structural = _STRUCTURAL.match(card.keyword) or (compressed and _COMPRESSION.match(card.keyword))
            repeated = source is primary and card.keyword in known
            if not structural and not repeated:
                merged.append(card, end=True)
    return merged
