"""Wavelengths in air and in vacuum.

The refractive index is that of standard dry air (15 C, 101325 Pa) after Peck & Reeder (1972, JOSA 62, 958), the formula
behind the air wavelengths of the NIST Atomic Spectra Database, so a laboratory line keeps its laboratory vacuum
wavelength. Ciddor (1996, Applied Optics 35, 1566), Morton (2000, ApJS 130, 403) and Edlen (1953) agree with it to
0.0006 Angstrom between 3000 and 11000 Angstrom. The formula of Greisen et al. (2006) for FITS ``AWAV`` axes, the
default of ``specutils``, holds for air of 0 C and differs by 0.05 to 0.15 Angstrom: it is not the one spectroscopists'
line lists use.
"""

from __future__ import annotations

import numpy as np

#: Below this vacuum wavelength (Angstrom) no air wavelengths are in use; both scales coincide.
SHORTEST_IN_AIR = 2000.0


def refractive_index(vacuum_wavelength) -> np.ndarray:
    """Refractive index of standard air.

    Parameters
    ----------
    vacuum_wavelength : array_like
        Vacuum wavelength, Angstrom, any shape.

    Returns
    -------
    ndarray
        The index, same shape; 1 below 2000 Angstrom.
    """
    wave = np.asarray(vacuum_wavelength, dtype=float)
    s = (1e4 / np.where(wave >= SHORTEST_IN_AIR, wave, 1e4)) ** 2
    n = 1 + 0.05791817 / (238.0185 - s) + 0.00167909 / (57.362 - s)
    return np.where(wave >= SHORTEST_IN_AIR, n, np.where(np.isnan(wave), np.nan, 1.0))


def vacuum_to_air(vacuum_wavelength) -> np.ndarray:
    """Air wavelength (Angstrom) of a vacuum wavelength (Angstrom); any shape."""
    wave = np.asarray(vacuum_wavelength, dtype=float)
    return wave / refractive_index(wave)


def air_to_vacuum(air_wavelength) -> np.ndarray:
    """Vacuum wavelength (Angstrom) of an air wavelength (Angstrom); any shape.

    The inverse of :func:`vacuum_to_air` to rounding: the index varies so slowly that three fixed-point steps converge.
    """
    air = np.asarray(air_wavelength, dtype=float)
    vacuum = air
    for _ in range(4):
        vacuum = air * refractive_index(vacuum)
    return vacuum
