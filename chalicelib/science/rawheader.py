"""Headers as they come: bytes that are no text, cards that are no cards, images in extensions."""

from __future__ import annotations

import math
import re
import warnings

from astropy.io import fits
from astropy.io.fits.verify import VerifyError

_STRUCTURAL = re.compile(
    r"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|EXTEND|T(TYPE|FORM|UNIT|DIM)\d+|THEAP)$"
)
_COMPRESSION = re.compile(
    r"Z(IMAGE|CMPTYPE|BITPIX|NAXIS\d*|TILE\d+|NAME\d+|VAL\d+|QUANTIZ|DITHER0|SIMPLE|TENSION|EXTEND|BLOCKED|PCOUNT"
    r"|GCOUNT|HECKSUM|DATASUM|MASKCMP|SCALE|ZERO|BLANK)$"
)


def parse_header(block: bytes) -> fits.Header:
    """The cards of ``block``; bytes that are not printable ASCII become ``?``, broken cards become COMMENT cards."""
    printable = bytes(c if 32 <= c < 127 else 63 for c in range(256))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = fits.Header.fromstring(block.translate(printable))
        for index, card in enumerate(header.cards):
            try:
                value, _ = card.value, card.comment
                if isinstance(value, float) and not math.isfinite(value):
                    raise ValueError(value)
                card.verify("silentfix")
            except (VerifyError, ValueError, KeyError, AttributeError):
                text = card.image.rstrip()[:70]
                del header[index]
                header.insert(index, ("COMMENT", text))
    return header


def image_header(header: fits.Header, primary: fits.Header | None) -> fits.Header:
    """Cards of an image in an extension as if it were the primary image: what the rest of the program sees."""
    compressed = bool(header.get("ZIMAGE", False))
    prefix = "Z" if compressed else ""
    dimensions = int(header.get(prefix + "NAXIS", 0))
    cards = [fits.Card("SIMPLE", True), fits.Card("BITPIX", header.get(prefix + "BITPIX", 16))]
    cards.append(fits.Card("NAXIS", dimensions))
    cards += [fits.Card(f"NAXIS{i}", header.get(f"{prefix}NAXIS{i}", 0)) for i in range(1, dimensions + 1)]
    merged = fits.Header(cards)
    for source in (header, primary):
        known = set(merged)
        for card in source.cards if source is not None else ():
            structural = _STRUCTURAL.match(card.keyword) or (compressed and _COMPRESSION.match(card.keyword))
            repeated = source is primary and card.keyword in known
            if not structural and not repeated:
                merged.append(card, end=True)
    return merged
