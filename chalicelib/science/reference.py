"""The reference bundle: laboratory lines, reference lamps, standard stars, extinction.

Built once by ``layers/reference/build.py``; only read here. Callers keep the :class:`Library` they loaded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class LabLines:
    """Laboratory lines in rising wavelength.

    Attributes
    ----------
    wavelength : (n,) float64
        Air, Angstrom.
    intensity : (n,) float64
        Relative; comparable within one ion only.
    ion : (n,) str
        For example ``"Ar II"``.
    """

    wavelength: np.ndarray
    intensity: np.ndarray
    ion: np.ndarray

    def __len__(self) -> int:
        return len(self.wavelength)

    def select(self, keep: np.ndarray) -> LabLines:
        """The lines that ``keep`` (mask or indices) picks."""
        return LabLines(self.wavelength[keep], self.intensity[keep], self.ion[keep])


@dataclass(frozen=True)
class ReferenceLamp:
    """A lamp of the library: extracted, in ADU per unbinned column.

    ``column`` is the unbinned detector column of ``flux[0]`` (NaN where the window's place is unknown); ``pairs``
    (m, 2) are the published places (index into ``flux``) and wavelengths: good for a first guess, no more.
    """

    file: str
    flux: np.ndarray
    column: float
    camera: str
    lines_per_mm: float
    grating_angle: float
    camera_angle: float
    mode: str
    filter2: str
    elements: tuple[str, ...]
    gain: float
    read_noise: float
    pairs: np.ndarray


@dataclass(frozen=True)
class Standard:
    """A spectrophotometric standard: air wavelength (Angstrom) and flux (erg s-1 cm-2 A-1)."""

    library: str
    star: str
    names: tuple[str, ...]
    ra: float
    dec: float
    wavelength: np.ndarray
    flux: np.ndarray


class Library:
    """What the bundle at ``path`` holds; each part is read when first asked for."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    def _json(self, name: str):
        return json.loads((self.path / name).read_text())

    @cached_property
    def _lines(self) -> dict[str, LabLines]:
        tables = {}
        for element, rows in self._json("lines.json").items():
            wavelength, ion, intensity = zip(*rows, strict=True)
            tables[element] = LabLines(np.array(wavelength), np.array(intensity), np.array(ion))
        return tables

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that have a line list."""
        return tuple(self._lines)

    def lines(self, elements) -> LabLines:
        """Laboratory lines of ``elements`` together (unknown ones have none), in rising wavelength."""
        tables = [self._lines[e] for e in dict.fromkeys(elements) if e in self._lines]
        if not tables:
            return LabLines(np.empty(0), np.empty(0), np.empty(0, dtype="U5"))
        columns = [np.concatenate([getattr(t, name) for t in tables]) for name in ("wavelength", "intensity", "ion")]
        return LabLines(*columns).select(np.argsort(columns[0], kind="stable"))

    @cached_property
    def lamps(self) -> tuple[ReferenceLamp, ...]:
        """The reference lamps in the order of their file names."""
        table = np.load(self.path / "lamps.npy", mmap_mode="r")
        lamps = []
        for flux, record in zip(table, self._json("lamps.json"), strict=True):
            column = float("nan") if record["column"] is None else float(record["column"])
            fields = {k: record[k] for k in ("file", "camera", "grating_angle", "camera_angle", "mode", "filter2")}
            fields |= {k: record[k] for k in ("lines_per_mm", "gain", "read_noise")}
            pairs = np.array(record["pairs"], dtype=float).reshape(-1, 2)
            elements = tuple(record["elements"])
            lamps.append(
                ReferenceLamp(flux=flux[: record["n"]], column=column, elements=elements, pairs=pairs, **fields)
            )
        return tuple(lamps)

    @cached_property
    def standards(self) -> tuple[Standard, ...]:
        """The spectrophotometric standards; one star may be there in several libraries."""
        table = np.load(self.path / "standards.npy", mmap_mode="r")
        standards = []
        for record in self._json("standards.json"):
            wavelength, flux = table[:, record["start"] : record["start"] + record["count"]]
            fields = {k: record[k] for k in ("library", "star", "ra", "dec")}
            standards.append(Standard(names=tuple(record["names"]), wavelength=wavelength, flux=flux, **fields))
        return tuple(standards)

    def extinction(self, wavelength) -> np.ndarray:
        """Extinction at Cerro Tololo (mag per airmass) at air wavelengths (Angstrom), ends held."""
        curve = self._extinction
        return np.interp(wavelength, curve["wavelength"], curve["mag_per_airmass"])

    @cached_property
    def _extinction(self) -> dict:
        return self._json("extinction.json")


def load(path: Path | str) -> Library:
    """The bundle at ``path``; raises FileNotFoundError with what to do when it is not there."""
    path = Path(path)
    if not (path / "manifest.json").is_file():
        raise FileNotFoundError(f"There is no reference bundle at {path}; layers/reference/build.py makes it.")
    return Library(path)
