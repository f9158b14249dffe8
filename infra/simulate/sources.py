"""What the slit is put on: spectra of stars, supernovae, galaxies and spectrophotometric standards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .library import open_library

#: erg s-1 cm-2 A-1 of a star of magnitude 0 at 5500 Angstrom.
MAGNITUDE_ZERO = 3.6e-9
BALMER = (6562.80, 4861.32, 4340.46, 4101.73, 3970.07, 3889.05, 3835.38, 3797.90)
#: (rest wavelength in air, flux relative to H-alpha) of an H II region.
NEBULAR = (
    (3727.42, 0.9), (3868.75, 0.15), (4340.46, 0.16), (4861.32, 0.35), (4958.91, 0.4), (5006.84, 1.2), (5875.62, 0.04),
    (6548.05, 0.1), (6562.80, 1.0), (6583.45, 0.3), (6716.44, 0.18), (6730.82, 0.13), (9068.6, 0.2),
)  # fmt: skip
METALS = ((3933.66, 6.0), (3968.47, 5.5), (4226.73, 1.0), (4305.0, 4.0), (5172.7, 3.0), (5269.5, 1.0), (5892.9, 1.6))
#: Velocity-broadened features of a type Ia supernova before maximum: (rest wavelength, velocity in km/s, depth, width).
SUPERNOVA = (
    (3945.0, 17000.0, 0.45, 90.0), (4131.0, 12000.0, 0.18, 35.0), (4481.0, 14000.0, 0.35, 70.0),
    (4950.0, 14000.0, 0.35, 90.0), (5454.0, 11500.0, 0.22, 45.0), (5640.0, 11500.0, 0.18, 45.0),
    (5972.0, 11500.0, 0.15, 50.0), (6355.0, 12000.0, 0.45, 60.0), (7774.0, 13000.0, 0.25, 110.0),
    (8579.0, 15000.0, 0.40, 150.0),
)  # fmt: skip
SPEED_OF_LIGHT = 299792.458


@dataclass(frozen=True)
class Source:
    """A point-like target.

    Attributes
    ----------
    name : str
        As OBJECT has it.
    kind : str
        ``"star"``, ``"white dwarf"``, ``"supernova"``, ``"galaxy"``, ``"emission"`` or ``"standard"``.
    magnitude : float
        At 5500 Angstrom, AB-like.
    offset : float
        Unbinned rows from the pointing's place on the slit.
    redshift : float
    temperature : float
        Kelvin, of the continuum.
    ra, dec : float
        Degrees.
    """

    name: str
    kind: str
    magnitude: float
    offset: float = 0.0
    redshift: float = 0.0
    temperature: float = 6000.0
    ra: float = 0.0
    dec: float = 0.0

    def flux(self, wavelength: np.ndarray) -> np.ndarray:
        """erg s-1 cm-2 A-1 above the atmosphere at air ``wavelength`` (Angstrom, rising)."""
        if self.kind == "standard":
            return standard_flux(self.name, wavelength)
        rest = wavelength / (1 + self.redshift)
        scale = MAGNITUDE_ZERO * 10 ** (-0.4 * self.magnitude)
        if self.kind == "emission":
            return scale * 60.0 * _emission(rest, 3.0)
        shape = planck(rest, self.temperature) / planck(np.array([5500.0 / (1 + self.redshift)]), self.temperature)
        if self.kind == "star":
            shape = shape * _absorption(rest, METALS, 2.2) * _absorption(rest, [(w, 3.0) for w in BALMER], 4.0)
        elif self.kind == "white dwarf":
            shape = shape * _absorption(rest, [(w, 28.0) for w in BALMER[:6]], 16.0)
        elif self.kind == "supernova":
            for centre, velocity, depth, width in SUPERNOVA:
                place = centre * (1 - velocity / SPEED_OF_LIGHT)
                shape = shape * (1 - depth * np.exp(-0.5 * ((rest - place) / width) ** 2))
                shape = shape * (1 + 0.6 * depth * np.exp(-0.5 * ((rest - centre) / (1.3 * width)) ** 2))
        elif self.kind == "galaxy":
            shape = shape * _absorption(rest, METALS, 4.0) + 25.0 * _emission(rest, 2.5)
        else:
            raise ValueError(f"There is no kind of source '{self.kind}'.")
        return scale * shape


def planck(wavelength: np.ndarray, temperature: float) -> np.ndarray:
    """Black-body flux per Angstrom, arbitrary unit, at ``wavelength`` (Angstrom) and ``temperature`` (K)."""
    return 1e20 * wavelength**-5.0 / np.expm1(1.43878e8 / (wavelength * temperature))


def _absorption(wavelength, lines, sigma) -> np.ndarray:
    depth = np.zeros_like(wavelength)
    for centre, width in lines:
        depth += width / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)
    return np.exp(-depth)


def _emission(wavelength, sigma) -> np.ndarray:
    out = np.zeros_like(wavelength)
    for centre, strength in NEBULAR:
        out += strength / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)
    return out


def standard_flux(star: str, wavelength: np.ndarray) -> np.ndarray:
    """Tabulated flux (erg s-1 cm-2 A-1) of a standard at air ``wavelength``: zero outside its table.

    Raises
    ------
    ValueError
        No table has the star.
    """
    tables = [s for s in open_library().standards if s.star.lower() == star.lower()]
    if not tables:
        raise ValueError(f"The reference bundle has no standard star '{star}'.")
    best = max(tables, key=lambda s: (s.library == "esoxshooter", s.wavelength.size))
    return np.interp(wavelength, best.wavelength, best.flux, left=0.0, right=0.0)


def extinction(wavelength: np.ndarray, airmass: float) -> np.ndarray:
    """Transmission of the atmosphere over Cerro Tololo at air ``wavelength`` (Angstrom) and ``airmass``."""
    return 10 ** (-0.4 * airmass * open_library().extinction(wavelength))
