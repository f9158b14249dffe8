"""Spectra as text: ECSV (blank or comma between the values) and VOTable, with units and where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .previews import Preview

COUNT = "ct"
"""Unit of fluxes before flux calibration: one count is one detected electron, as in the FITS product."""

_UNITS = {"electron": COUNT}
_MASK = "bits: 1 bad 2 saturated 4 cosmic ray 8 no flat 16 outside the slit"
_DESCRIPTIONS = {
    "column": "0-based column of the raw frame, binned as the frame is",
    "wavelength": "air wavelength",
    "wavelength_vac": "vacuum wavelength",
    "flux": "flux of the whole profile, per column",
    "error": "1-sigma error of flux",
    "flux_box": "sum over the aperture, corrected to the whole profile",
    "error_box": "1-sigma error of flux_box",
    "sky": "sky summed over the width of the aperture",
    "mask": _MASK,
}
_ORDER = tuple(_DESCRIPTIONS)

_TYPES = {"d": ("float64", "double"), "f": ("float32", "float"), "B": ("uint8", "unsignedByte")}


@dataclass(frozen=True)
class Column:
    """A column of a table: numbers, kept to the digits that bring them back."""

    name: str
    unit: str
    kind: str
    values: Sequence[float]

    @property
    def texts(self) -> list[str]:
        """The values as text; NaN where unknown."""
        if self.kind == "B":
            return [str(value) for value in self.values]
        digits = 9 if self.kind == "f" else 17
        return ["nan" if value != value else f"{value:.{digits}g}" for value in self.values]


def columns_of(preview: Preview) -> list[Column]:
    """The columns of a spectrum's preview, wavelengths first."""
    header, found = preview.header, preview.columns()
    flux = str(header.get("unit", ""))
    flux = _UNITS.get(flux, flux)
    first = float(header["first_column"])
    made = [Column("column", "pix", "d", [first + k for k in range(header["length"])])]
    for name in _ORDER:
        if name in found:
            unit = "" if name == "mask" else "Angstrom" if name.startswith("wavelength") else flux
            made.append(Column(name, unit, found[name].typecode, found[name]))
    return made


def provenance(record: Mapping[str, Any], preview: Preview) -> dict[str, Any]:
    """Where a spectrum comes from, for the head of its table."""
    header = preview.header
    said = {
        "file": record["file_name"],
        "id": record["id"],
        "sha256": record["sha256"],
        "raw_file": record["original_file"],
        "object": record.get("object"),
        "ra": record.get("obsra"),
        "dec": record.get("obsdec"),
        "proposal": record.get("proposal_id"),
        "date": record.get("date"),
        "night": record.get("night"),
        "grating": record.get("grating"),
        "wavmode": record.get("wavmode"),
        "slit": record.get("slit"),
        "gain": record.get("gain"),
        "readnoise": record.get("rdnoise"),
        "target": record.get("target"),
        "extraction": header.get("method"),
        "signal_to_noise": header.get("signal_to_noise"),
        "wavelength_rms": header.get("wavelength_rms"),
        "status": record.get("status"),
        "status_reason": record.get("status_reason"),
        "science_version": record.get("science_version"),
        "settings_revision": record.get("settings_revision"),
        "run_key": record.get("run_key"),
        "software": "Goodman Live",
    }
    return {name: value for name, value in said.items() if value not in (None, "")}


def ecsv(columns: Sequence[Column], about: Mapping[str, Any], *, delimiter: str = " ") -> str:
    """The table as ECSV 1.0 (a header of comment lines, then a plain table), which astropy reads with its units.

    The header is YAML; JSON is a part of that.
    """
    described = [
        {
            "name": c.name,
            **({"unit": c.unit} if c.unit else {}),
            "datatype": _TYPES[c.kind][0],
            "description": _DESCRIPTIONS.get(c.name, ""),
        }
        for c in columns
    ]
    head = ["%ECSV 1.0", "---", f"delimiter: {json.dumps(delimiter)}", "datatype:"]
    head += [f"- {json.dumps(column)}" for column in described]
    head += [f"meta: {json.dumps(dict(about))}", "schema: astropy-2.0"]
    rows = zip(*(c.texts for c in columns), strict=True)
    lines = [f"# {line}" for line in head] + [delimiter.join(c.name for c in columns)]
    return "\n".join([*lines, *(delimiter.join(row) for row in rows), ""])


def votable(columns: Sequence[Column], about: Mapping[str, Any]) -> str:
    """The table as VOTable 1.4 (TABLEDATA)."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
        '<RESOURCE type="results">',
        f"<TABLE name={quoteattr(_printable(about['file']))}>",
    ]
    parts += [_param(name, value) for name, value in about.items()]
    for c in columns:
        unit = f" unit={quoteattr(c.unit)}" if c.unit else ""
        kind = _TYPES[c.kind][1]
        described = f"<DESCRIPTION>{escape(_DESCRIPTIONS.get(c.name, ''))}</DESCRIPTION>"
        parts.append(f'<FIELD ID="{c.name}" name="{c.name}" datatype="{kind}"{unit}>{described}</FIELD>')
    parts.append("<DATA><TABLEDATA>")
    for row in zip(*(c.texts for c in columns), strict=True):
        parts.append("<TR>" + "".join(f"<TD>{'NaN' if text == 'nan' else text}</TD>" for text in row) + "</TR>")
    parts += ["</TABLEDATA></DATA>", "</TABLE></RESOURCE></VOTABLE>", ""]
    return "\n".join(parts)


def _param(name: str, value: Any) -> str:
    text = _printable(value)
    if isinstance(value, int) and not isinstance(value, bool):
        kind = 'datatype="long"'
    elif isinstance(value, float):
        kind = 'datatype="double"'
    else:
        kind = 'datatype="unicodeChar" arraysize="*"'
    return f"<PARAM name={quoteattr(name)} {kind} value={quoteattr(text)}/>"


def _printable(value: Any) -> str:
    """A value as text that XML can hold."""
    return "".join(c if c.isprintable() else " " for c in str(value))
