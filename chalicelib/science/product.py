"""Reading and writing products: the FITS files people download.

The same inputs give the same bytes: no clock, no identifiers, no checksum cards (whose comments carry a date).

2-D: primary image in electrons (float32), ``VARIANCE`` (electrons squared, float32), ``MASK`` (uint8 bits, see
:class:`~chalicelib.science.frame.MaskBit`). 1-D: the primary is an image that IRAF and old scripts read (pixels
before, linear air wavelength after calibration, flux conserved), ``SPECTRUM`` the measurement itself at native
sampling; ``SKY_ERROR`` (a table of one column, what the check of the wavelength zero point needs) and, once
calibrated, ``LINES`` (every lamp line identified) follow.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from . import cards as gsp
from .dispersion import IdentifiedLine, WavelengthSolution
from .errors import UnreadableFrame
from .frame import Frame, Geometry
from .spectrum import Spectrum

_MASK_COMMENT = "1 bad 2 saturated 4 cosmic ray 8 no flat 16 off slit"
#: FITS knows no unit "electron", and programs that check (specutils) refuse what FITS does not know: one count (ct)
#: in a one-dimensional product is one detected electron. Images say "electron", which their readers (CCDData)
#: understand.
_UNIT = "ct"
#: Columns of the SPECTRUM table: name, format, unit, attribute of Spectrum.
_COLUMNS = (
    ("FLUX", "E", _UNIT, "flux"),
    ("ERROR", "E", _UNIT, "error"),
    ("FLUX_BOX", "E", _UNIT, "flux_box"),
    ("ERROR_BOX", "E", _UNIT, "error_box"),
    ("SKY", "E", _UNIT, "sky"),
)


def write_image(frame: Frame, cards=(), history=()) -> bytes:
    """A two-dimensional product.

    Parameters
    ----------
    frame : Frame
        Electrons.
    cards : iterable of (keyword, value, comment)
        GSP_* keywords to add.
    history : iterable of str
        A HISTORY card a step.

    Returns
    -------
    bytes
        The FITS file.
    """
    header = _header(frame.header, cards, history)
    for keyword, value, comment in gsp.geometry_cards(frame.geometry, 2):
        gsp.set_card(header, keyword, value, comment)
    gsp.set_card(header, "DISPAXIS", 1, "Dispersion along columns")
    gsp.set_card(header, "BUNIT", "electron", "Unit of the pixels")
    variance, mask = fits.Header(), fits.Header()
    variance["BUNIT"] = ("electron2", "Unit of the pixels")
    mask["BUNIT"] = ("", _MASK_COMMENT)
    return _bytes(
        fits.PrimaryHDU(np.asarray(frame.data, dtype=np.float32), header),
        fits.ImageHDU(np.asarray(frame.variance, dtype=np.float32), variance, name="VARIANCE"),
        fits.ImageHDU(np.asarray(frame.mask, dtype=np.uint8), mask, name="MASK"),
    )


def read_image(data: bytes) -> Frame:
    """The frame in a two-dimensional product; the inverse of :func:`write_image`.

    Raises
    ------
    UnreadableFrame
        If the bytes are not such a product.
    """
    hdus = _open(data, ("VARIANCE", "MASK"), "two-dimensional")
    header = hdus[0].header
    try:
        geometry = gsp.read_geometry(header)
    except (KeyError, ValueError):
        raise UnreadableFrame("The product's header does not say where it lies on the detector (GSP_COLX …).") from None
    return Frame(
        data=np.array(hdus[0].data, dtype=np.float32),
        variance=np.array(hdus["VARIANCE"].data, dtype=np.float32),
        mask=np.array(hdus["MASK"].data, dtype=np.uint8),
        geometry=geometry,
        header=gsp.clean(header),
    )


def write_spectrum(spectrum: Spectrum, cards=(), history=()) -> bytes:
    """A one-dimensional product, extracted or wavelength-calibrated.

    Parameters
    ----------
    spectrum : Spectrum
    cards, history
        As for :func:`write_image`; for ``GSP_*`` cards that describe trace, apertures and solution the spectrum is
        authoritative.

    Returns
    -------
    bytes
        The FITS file.
    """
    header = _header(spectrum.header, cards, history)
    own = [
        *gsp.geometry_cards(_geometry(spectrum), 1),
        *gsp.trace_cards(spectrum.trace),
        *gsp.aperture_cards(spectrum.apertures, spectrum.method),
        ("GSP_TNUM", spectrum.target, "Number of the target in its frame"),
        ("GSP_SN", float(spectrum.signal_to_noise), "Median signal-to-noise ratio a column"),
    ]
    if spectrum.solution is not None:
        own += gsp.solution_cards(spectrum.solution, len(spectrum.column))
    for keyword, value, comment in own:
        gsp.set_card(header, keyword, value, comment)
    hdus = [_primary(spectrum, header), _table(spectrum), _sky_error(spectrum)]
    if spectrum.solution is not None:
        hdus.append(_lines(spectrum.solution))
    return _bytes(*hdus)


def read_spectrum(data: bytes) -> Spectrum:
    """The spectrum in a one-dimensional product; the inverse of :func:`write_spectrum`.

    Raises
    ------
    UnreadableFrame
        If the bytes are not such a product.
    """
    hdus = _open(data, ("SPECTRUM",), "one-dimensional")
    header, table = hdus[0].header, hdus["SPECTRUM"].data
    try:
        columns = {name: np.array(table[name], dtype=np.float32) for name, *_ in _COLUMNS}
        solution = gsp.read_solution(header, _read_lines(hdus))
        if "SKY_ERROR" in hdus:
            sky_error = np.array(hdus["SKY_ERROR"].data["SKY_ERROR"], dtype=np.float32)
        else:
            sky_error = np.full(len(table), np.nan, np.float32)
        return Spectrum(
            column=np.array(table["COLUMN"], dtype=np.float64),
            **{attribute: columns[name] for name, _, _, attribute in _COLUMNS},
            sky_error=sky_error,
            mask=np.array(table["MASK"], dtype=np.uint8),
            geometry=_zero_corner(gsp.read_geometry(header)),
            trace=gsp.read_trace(header),
            apertures=gsp.read_apertures(header),
            target=int(header["GSP_TNUM"]),
            method=str(header["GSP_EMET"]),
            signal_to_noise=gsp.number(header["GSP_SN"]),
            solution=solution,
            header=gsp.clean(header),
        )
    except (KeyError, ValueError) as problem:
        raise UnreadableFrame(f"The product is not complete: {problem}.") from None


def _geometry(spectrum: Spectrum) -> Geometry:
    """The geometry of the spectrum's own first element."""
    return spectrum.geometry.cut(int(spectrum.column[0]) if len(spectrum.column) else 0, 0)


def _zero_corner(geometry: Geometry) -> Geometry:
    return Geometry(geometry.binning, (0, 0), geometry.roi_origin)


def _primary(spectrum: Spectrum, header: fits.Header) -> fits.PrimaryHDU:
    if spectrum.solution is None:
        flux = np.asarray(spectrum.flux, dtype=np.float32)
        wcs = [
            ("CTYPE1", "PIXEL", "Pixels: not wavelength-calibrated"),
            ("CRPIX1", 1.0, "Reference pixel, 1-based"),
            ("CRVAL1", float(spectrum.column[0]) + 1, "Raw column, 1-based, of the first pixel"),
            ("CDELT1", 1.0, "Raw columns a pixel"),
            ("CD1_1", 1.0, "Raw columns a pixel"),
        ]
    else:
        from .resample import to_linear

        flux, _, start, step = to_linear(spectrum)
        wcs = [
            ("CTYPE1", "AWAV", "Air wavelength"),
            ("CUNIT1", "Angstrom", "Unit of the axis"),
            ("CRPIX1", 1.0, "Reference pixel, 1-based"),
            ("CRVAL1", start, "[Angstrom] of the first pixel"),
            ("CDELT1", step, "[Angstrom] a pixel"),
            ("CD1_1", step, "[Angstrom] a pixel"),
            ("DC-FLAG", 0, "Linear wavelength (IRAF)"),
        ]
    for keyword, value, comment in [
        ("WCSDIM", 1, "Axes with coordinates"), ("BUNIT", _UNIT, "1 ct = 1 detected electron, per pixel"), *wcs,
    ]:  # fmt: skip
        gsp.set_card(header, keyword, value, comment)
    return fits.PrimaryHDU(flux, header)


def _table(spectrum: Spectrum) -> fits.BinTableHDU:
    columns = [fits.Column("COLUMN", "D", unit="pix", array=np.asarray(spectrum.column, dtype=np.float64))]
    wavelength = spectrum.wavelength
    if wavelength is not None:
        from .air import air_to_vacuum

        columns.append(fits.Column("WAVELENGTH", "D", unit="Angstrom", array=wavelength))
        columns.append(fits.Column("WAVELENGTH_VAC", "D", unit="Angstrom", array=air_to_vacuum(wavelength)))
    for name, kind, unit, attribute in _COLUMNS:
        columns.append(fits.Column(name, kind, unit=unit, array=getattr(spectrum, attribute)))
    columns.append(fits.Column("MASK", "B", array=np.asarray(spectrum.mask, dtype=np.uint8)))
    table = fits.BinTableHDU.from_columns(columns, name="SPECTRUM")
    for sentence in (
        "One row per column of the reduced frame; nothing is resampled or smoothed.",
        "COLUMN: 0-based column of the raw frame, binned as the frame is (LINES counts unbinned detector columns).",
        "Fluxes: whole spatial profile; 1 ct = 1 electron.",
        "SKY: background summed over the width of the aperture.",
        f"MASK bits: {_MASK_COMMENT}.",
    ):
        gsp.add_lines(table.header, "COMMENT", sentence)
    return table


def _sky_error(spectrum: Spectrum) -> fits.BinTableHDU:
    column = fits.Column("SKY_ERROR", "E", unit=_UNIT, array=np.asarray(spectrum.sky_error, dtype=np.float32))
    return fits.BinTableHDU.from_columns([column], name="SKY_ERROR")


def _lines(solution: WavelengthSolution) -> fits.BinTableHDU:
    lines = solution.lines
    width = max((len(line.ion) for line in lines), default=1)
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(
                "DETECTOR_COLUMN", "D", unit="pix", array=np.array([line.column for line in lines], dtype=float)
            ),
            fits.Column(
                "COLUMN_ERROR", "D", unit="pix", array=np.array([line.column_error for line in lines], dtype=float)
            ),
            fits.Column(
                "WAVELENGTH", "D", unit="Angstrom", array=np.array([line.wavelength for line in lines], dtype=float)
            ),
            fits.Column(
                "ION", f"{max(width, 1)}A", array=np.array([line.ion for line in lines], dtype=f"U{max(width, 1)}")
            ),
            fits.Column(
                "RESIDUAL", "D", unit="Angstrom", array=np.array([line.residual for line in lines], dtype=float)
            ),
            fits.Column("USED", "L", array=np.array([line.used for line in lines], dtype=bool)),
        ],
        name="LINES",
    )
    gsp.add_lines(
        table.header,
        "COMMENT",
        "DETECTOR_COLUMN and COLUMN_ERROR: 0-based unbinned detector columns, not the raw frame's binned COLUMN of the "
        "SPECTRUM table.",
    )
    return table


def _read_lines(hdus: fits.HDUList) -> tuple[IdentifiedLine, ...]:
    if "LINES" not in hdus:
        return ()
    return tuple(
        IdentifiedLine(
            column=float(row["DETECTOR_COLUMN"]),
            column_error=float(row["COLUMN_ERROR"]),
            wavelength=float(row["WAVELENGTH"]),
            ion=str(row["ION"]),
            residual=float(row["RESIDUAL"]),
            used=bool(row["USED"]),
        )
        for row in hdus["LINES"].data
    )


def _header(raw: fits.Header, cards, history) -> fits.Header:
    header = gsp.clean(raw)
    for keyword, value, comment in cards:
        if keyword not in gsp.STRUCTURAL:
            gsp.set_card(header, keyword, value, comment)
    known = [str(line) for line in header.get("HISTORY", [])]
    for sentence in history:
        # A frame's header may carry the steps before it already.
        lines = gsp.lines_of(sentence)
        if not any(known[k : k + len(lines)] == lines for k in range(len(known))):
            gsp.add_lines(header, "HISTORY", sentence)
    return header


def _bytes(*hdus) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer, checksum=False, output_verify="exception")
    return buffer.getvalue()


def _open(data: bytes, extensions: tuple[str, ...], kind: str) -> fits.HDUList:
    try:
        with warnings.catch_warnings():
            # What astropy warns of here ends as a sentence below.
            warnings.simplefilter("ignore", AstropyUserWarning)
            hdus = fits.open(io.BytesIO(data), memmap=False)
            complete = hdus[0].data is not None and all(
                name in hdus and hdus[name].data is not None for name in extensions
            )
    except Exception as problem:
        raise UnreadableFrame(f"The {kind} product cannot be read: {problem}.") from None
    if not complete:
        raise UnreadableFrame(f"The file is not a {kind} product: it lacks {' or '.join(extensions)}.")
    return hdus
