"""Header cards of products: traces, apertures and wavelength solutions as GSP_* keywords, and headers that can be
written.

The keywords are those of the Goodman pipeline's users; where its set has no word for something (the unbinned
coordinate a polynomial is in, say) one was added. Numbers are written so that they read back as the very same double.
"""

from __future__ import annotations

import math
import textwrap
import warnings

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from .dispersion import IdentifiedLine, WavelengthSolution
from .frame import Geometry
from .spectrum import Apertures, Trace

#: Cards that describe how bytes lie in the raw file, not the observation.
STRUCTURAL = frozenset(
    (
        "SIMPLE XTENSION BITPIX NAXIS NAXIS1 NAXIS2 NAXIS3 EXTEND BSCALE BZERO BLANK PCOUNT GCOUNT GROUPS TFIELDS "
        "THEAP ZIMAGE ZTENSION ZBITPIX ZNAXIS ZNAXIS1 ZNAXIS2 ZNAXIS3 ZCMPTYPE ZTILE1 ZTILE2 ZTILE3 ZNAME1 ZVAL1 "
        "ZNAME2 ZVAL2 ZQUANTIZ ZDITHER0 ZSIMPLE ZEXTEND ZBLOCKED ZPCOUNT ZGCOUNT ZHECKSUM ZDATASUM ZBLANK ZMASKCMP "
        "CHECKSUM DATASUM DATAMIN DATAMAX BUNIT EXTNAME EXTVER END "
    ).split()
)
#: World coordinates of the raw frame, meaningless once a product has its own.
_WCS = (
    "CTYPE",
    "CRVAL",
    "CRPIX",
    "CDELT",
    "CUNIT",
    "CD1_",
    "CD2_",
    "PC1_",
    "PC2_",
    "LTV",
    "LTM",
    "WAT0_",
    "WAT1_",
    "WAT2_",
)
_WCS_WORDS = frozenset(("WCSDIM", "WCSAXES", "DC-FLAG", "DISPAXIS", "WCSNAME", "RADESYS", "LONPOLE", "LATPOLE"))

Card = tuple[str, object, str]
_CARD, _LINE = 80, 72  # characters of a card, and of the text of a commentary card


def exact(value: float) -> float | str:
    """A number as a card that reads back as the same double; FITS has no infinities, so those become words."""
    return float(value) if math.isfinite(value) else repr(float(value))


def number(value) -> float:
    """The double a card made by :func:`exact` stands for."""
    return float(value)


_SPELT = str.maketrans({"Å": "Angstrom", "±": "+/-", "°": " deg", "−": "-", "–": "-", "×": "x", "²": "^2", "µ": "u"})


def plain(text: str) -> str:
    """A sentence in the printable ASCII that FITS allows: signs are spelt out, what is left becomes ``?``."""
    spelt = " ".join(text.translate(_SPELT).split())
    return spelt.encode("ascii", "replace").decode()


def lines_of(text: str) -> list[str]:
    """A sentence as lines that fit a HISTORY or COMMENT card, broken between words only."""
    return textwrap.wrap(plain(text), _LINE, break_long_words=False, break_on_hyphens=False)


def add_lines(header: fits.Header, keyword: str, text: str) -> None:
    """Append a sentence as HISTORY or COMMENT cards."""
    for line in lines_of(text):
        header.append((keyword, line), end=True)


def _fitting(comment: str, taken: int) -> str:
    """As many whole words of a comment as there is room for beside a value of ``taken`` characters."""
    return textwrap.shorten(plain(comment), max(_CARD - 13 - max(20, taken), 1), placeholder="")


def set_card(header: fits.Header, keyword: str, value, comment: str = "") -> None:
    """Write a card; doubles keep all 17 digits even where astropy would round to fit the comment.

    Strings become plain ASCII on one line, whatever name a file had; comments end at a whole word.
    """
    if isinstance(value, (float, np.floating)):
        value = exact(float(value))
    if isinstance(value, float):
        text = repr(value).upper()
        card = fits.Card.fromstring(f"{keyword:<8}= {text:>20} / {_fitting(comment, len(text))}")
        if float(card.value) != value:
            raise ValueError(f"card {keyword} does not hold {value!r}")
        if keyword in header:
            del header[keyword]
        header.append(card, end=True)
    elif isinstance(value, str):
        value = plain(value)
        header[keyword] = (value, _fitting(comment, len(value.replace("'", "''")) + 2))
    else:
        header[keyword] = (value, _fitting(comment, len(str(value))))


def clean(header: fits.Header, drop_wcs: bool = True) -> fits.Header:
    """The observation's cards, fit to be written.

    Structural cards go; cards that FITS cannot hold (non-ASCII text, broken syntax) are repaired where possible and
    otherwise kept as COMMENT, so that nothing an observer wrote is lost.

    Parameters
    ----------
    header : astropy.io.fits.Header
    drop_wcs : bool
        Leave out the raw frame's world coordinates.

    Returns
    -------
    astropy.io.fits.Header
    """
    out = fits.Header()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        for card in header.cards:
            try:
                keyword = card.keyword
                if keyword in STRUCTURAL or (drop_wcs and (keyword.startswith(_WCS) or keyword in _WCS_WORDS)):
                    continue
                value, comment = card.value, card.comment
                if isinstance(value, fits.card.Undefined):
                    value = None
                if isinstance(value, str):
                    value = _ascii(value)
                new = fits.Card(keyword, value, _ascii(comment))
                new.verify("exception")
                str(new)
                out.append(new, end=True)
            except Exception:
                _keep_as_comment(out, card)
    return out


def _keep_as_comment(out: fits.Header, card: fits.Card) -> None:
    image = getattr(card, "_image", None) or ""
    text = _ascii(image if isinstance(image, str) else str(image)).strip()
    if text:
        add_lines(out, "COMMENT", text)


def _ascii(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in str(text))


def geometry_cards(geometry: Geometry, axes: int) -> list[Card]:
    """Where an array lies: IRAF's physical coordinates (1-based unbinned pixels), and the raw frame's origin."""
    cards: list[Card] = []
    for axis in range(axes):
        b, corner, origin = geometry.binning[axis], geometry.corner[axis], geometry.roi_origin[axis]
        n = axis + 1
        cards.append((f"LTM{n}_{n}", 1.0 / b, "image = LTM * detector pixel + LTV"))
        cards.append((f"LTV{n}", 1 - corner - (1 + origin + (b - 1) / 2) / b, "detector pixels: 1-based, unbinned"))
    cards += [
        ("GSP_BINX", geometry.binning[0], "Serial binning"),
        ("GSP_BINY", geometry.binning[1], "Parallel binning"),
        ("GSP_COLX", geometry.corner[0], "0-based raw column of the first pixel"),
        ("GSP_ROWY", geometry.corner[1], "0-based raw row of the first pixel"),
        ("GSP_ROIX", geometry.roi_origin[0], "0-based detector column of raw pixel (0,0)"),
        ("GSP_ROIY", geometry.roi_origin[1], "0-based detector row of raw pixel (0,0)"),
    ]
    return cards


def read_geometry(header: fits.Header) -> Geometry:
    """The inverse of :func:`geometry_cards`."""
    pairs = [(int(header[f"GSP_{a}"]), int(header[f"GSP_{b}"])) for a, b in
             (("BINX", "BINY"), ("COLX", "ROWY"), ("ROIX", "ROIY"))]  # fmt: skip
    return Geometry(*pairs)


def trace_cards(trace: Trace) -> list[Card]:
    """A trace: Chebyshev coefficients over unbinned detector columns, in unbinned detector rows (0-based)."""
    cards: list[Card] = [
        ("GSP_TMOD", "Chebyshev1D", "Trace model: detector row of detector column"),
        ("GSP_TORD", len(trace.coefficients) - 1, "Trace order"),
    ]
    cards += [(f"GSP_TC{k:02d}", float(c), "Trace coefficient") for k, c in enumerate(trace.coefficients)]
    cards += [
        ("GSP_TLO", float(trace.domain[0]), "Detector column mapped to -1"),
        ("GSP_THI", float(trace.domain[1]), "Detector column mapped to +1"),
        ("GSP_TERR", float(trace.rms), "Trace scatter, unbinned rows"),
        ("GSP_TFWH", float(trace.fwhm), "Spatial FWHM, unbinned rows"),
        ("GSP_TPRO", trace.model, "Spatial profile fitted"),
    ]
    return cards


def read_trace(header: fits.Header) -> Trace:
    """The inverse of :func:`trace_cards`."""
    order = int(header["GSP_TORD"])
    return Trace(
        coefficients=tuple(number(header[f"GSP_TC{k:02d}"]) for k in range(order + 1)),
        domain=(number(header["GSP_TLO"]), number(header["GSP_THI"])),
        rms=number(header["GSP_TERR"]),
        fwhm=number(header["GSP_TFWH"]),
        model=str(header["GSP_TPRO"]),
    )


def aperture_cards(apertures: Apertures, method: str) -> list[Card]:
    """Zones relative to the trace, unbinned rows, ``low:high``, to the four decimals an extraction gives them."""

    def zone(pair):
        return f"{round(float(pair[0]), 4)!r}:{round(float(pair[1]), 4)!r}"

    cards: list[Card] = [
        ("GSP_EXTR", zone(apertures.target), "Aperture, unbinned rows from trace"),
        ("GSP_EMET", method, "Extraction in FLUX: optimal or fractional"),
        ("GSP_BKGN", len(apertures.sky), "Number of sky zones"),
    ]
    cards += [
        (f"GSP_BKG{k}", zone(pair), "Sky zone, unbinned rows from trace") for k, pair in enumerate(apertures.sky, 1)
    ]
    return cards


def read_apertures(header: fits.Header) -> Apertures:
    """The inverse of :func:`aperture_cards`."""

    def zone(text):
        low, _, high = str(text).partition(":")
        return (float(low), float(high))

    count = int(header["GSP_BKGN"])
    return Apertures(zone(header["GSP_EXTR"]), tuple(zone(header[f"GSP_BKG{k}"]) for k in range(1, count + 1)))


def solution_cards(solution: WavelengthSolution, pixels: int) -> list[Card]:
    """A wavelength solution; the lines used appear as GSP_P001/GSP_A001 … (all lines are in the LINES table)."""
    used = [line for line in solution.lines if line.used]
    cards: list[Card] = [
        ("GSP_FUNC", "Chebyshev1D", "Air wavelength of the unbinned detector column"),
        ("GSP_ORDR", len(solution.coefficients) - 1, "Order of the wavelength solution"),
        ("GSP_NPIX", pixels, "Number of columns"),
    ]
    cards += [(f"GSP_C{k:03d}", float(c), "Coefficient, Angstrom") for k, c in enumerate(solution.coefficients)]
    cards += [
        ("GSP_CLO", float(solution.domain[0]), "Detector column mapped to -1"),
        ("GSP_CHI", float(solution.domain[1]), "Detector column mapped to +1"),
        ("GSP_SLO", float(solution.span[0]), "Detector column of the first line"),
        ("GSP_SHI", float(solution.span[1]), "Detector column of the last line"),
        ("GSP_ZERO", float(solution.zero_point), "[Angstrom] added after the arc fit"),
        ("GSP_WRMS", float(solution.rms), "[Angstrom] rms of held-out lines and of drift"),
        ("GSP_WFIT", float(solution.rms_fit), "[Angstrom] rms of the lines fitted"),
        ("GSP_WPOI", len(used), "Number of lines used"),
        ("GSP_WREJ", len(solution.lines) - len(used), "Number of lines rejected"),
        ("GSP_WMET", solution.method, "First guess of the solution"),
        ("GSP_WTEM", solution.template, "Library lamp used as first guess"),
        ("GSP_WSCO", float(solution.score), "Significance of the match"),
        ("GSP_WLAM", " ".join(solution.lamps), "Elements of the lamps"),
    ]
    for k, line in enumerate(used[:999], 1):
        cards.append((f"GSP_P{k:03d}", float(line.column), "Line, detector column"))
        cards.append((f"GSP_A{k:03d}", float(line.wavelength), "Line, air Angstrom"))
    return cards


def read_solution(header: fits.Header, lines: tuple[IdentifiedLine, ...]) -> WavelengthSolution | None:
    """The inverse of :func:`solution_cards`; None for an uncalibrated product."""
    if "GSP_FUNC" not in header:
        return None
    order = int(header["GSP_ORDR"])
    return WavelengthSolution(
        coefficients=tuple(number(header[f"GSP_C{k:03d}"]) for k in range(order + 1)),
        domain=(number(header["GSP_CLO"]), number(header["GSP_CHI"])),
        span=(number(header["GSP_SLO"]), number(header["GSP_SHI"])),
        lines=lines,
        rms=number(header["GSP_WRMS"]),
        rms_fit=number(header["GSP_WFIT"]),
        lamps=tuple(str(header["GSP_WLAM"]).split()),
        method=str(header["GSP_WMET"]),
        template=str(header["GSP_WTEM"]),
        score=number(header["GSP_WSCO"]),
        zero_point=number(header["GSP_ZERO"]),
    )
