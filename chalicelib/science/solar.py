"""What the night sky's light looks like: reflected sunlight, the air's own absorption, airglow and town lamps.

The data files and their sources are described in ``data/README.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import scipy  # loads its parts at first use: a cold start must not pay for them

#: Air wavelengths (Angstrom) where water, and where oxygen, shapes the light of the sky more than the Sun does. Their
#: depths change with airmass and weather, so they are components of their own.
WATER = ((6935.0, 7400.0), (7860.0, 8450.0), (8900.0, 9900.0))
OXYGEN = ((6276.0, 6320.0), (6862.0, 6935.0), (7588.0, 7720.0))
_FWHM_TO_SIGMA = 1 / 2.354820045


@dataclass(frozen=True)
class SkyTemplate:
    """The sky's components on one fine linear air-wavelength axis, at some resolution.

    Attributes
    ----------
    first, step : float
        Air wavelength of element 0 and the step, Angstrom.
    absorption : (k, n) ndarray
        Fraction of the light missing (0 to 1) for each absorbing component.
    absorption_names : tuple of str
    emission : (m, n) ndarray
        Flux density of each emitting group, peak 1.
    emission_names : tuple of str
    """

    first: float
    step: float
    absorption: np.ndarray
    absorption_names: tuple[str, ...]
    emission: np.ndarray
    emission_names: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all components, absorbing ones first."""
        return self.absorption_names + self.emission_names

    def at(self, wavelength, continuum) -> np.ndarray:
        """The components at air wavelengths ``(p,)`` over a continuum ``(p,)``: ``(k + m, p)``, absorption negative."""
        place = (np.asarray(wavelength) - self.first) / self.step
        left = np.clip(np.floor(place).astype(int), 0, self.absorption.shape[1] - 2)
        share = np.clip(place - left, 0, 1)
        dark = self.absorption[:, left] * (1 - share) + self.absorption[:, left + 1] * share
        bright = self.emission[:, left] * (1 - share) + self.emission[:, left + 1] * share
        return np.concatenate([-dark * continuum, bright])


@lru_cache(maxsize=1)
def solar_atlas() -> tuple[np.ndarray, float, float, float]:
    """Residual intensity of the Sun ``(n,)``, and its first air wavelength, step and own FWHM in Angstrom."""
    with (
        resources.files(__package__).joinpath("data", "solar_atlas.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as data,
    ):
        first, step, fwhm = (float(v) for v in data["axis"])
        return data["residual"].astype(np.float32) / 50000, first, step, fwhm


@lru_cache(maxsize=1)
def airglow_lines() -> tuple[tuple[float, float, str], ...]:
    """Emission lines of the night sky: (air wavelength in Angstrom, strength, group)."""
    text = resources.files(__package__).joinpath("data", "airglow.csv").read_text()
    rows = (line.split(",") for line in text.splitlines()[1:])
    return tuple((float(wave), float(strength), group) for wave, strength, group in rows)


def _zones(axis: np.ndarray, zones) -> np.ndarray:
    return np.any([(axis >= low) & (axis < high) for low, high in zones], axis=0)


def _profile(offset: np.ndarray, slit: float, sigma: float) -> np.ndarray:
    """Line profile at offsets (Angstrom) from its centre: the slit's box blurred by the optics; area 1."""
    return (scipy.special.ndtr((offset + slit / 2) / sigma) - scipy.special.ndtr((offset - slit / 2) / sigma)) / slit


def _convolved(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution with a kernel of odd length by Fourier transform, centred, as long as ``values``."""
    whole = values.size + kernel.size - 1
    size = 1 << (whole - 1).bit_length()
    product = np.fft.rfft(values, size) * np.fft.rfft(kernel, size)
    start = (kernel.size - 1) // 2
    return np.fft.irfft(product, size)[start : start + values.size]


def sky_template(
    low: float, high: float, slit: float, optics: float, pixel: float = 0.0, velocity: float = 0.0
) -> SkyTemplate:
    """The sky between two air wavelengths as a slit spectrograph sees it.

    Parameters
    ----------
    low, high : float
        Range wanted, Angstrom; beyond the atlas (3291 to 9900) there is no absorption.
    slit : float
        Width of the slit's image, Angstrom: the sky fills it evenly, so a line is a box ...
    optics : float
        ... blurred by the optics, FWHM of a Gaussian, Angstrom ...
    pixel : float
        ... and averaged over a pixel of this width, Angstrom.
    velocity : float
        Radial velocity of the reflected sunlight, km/s (positive: receding). The Moon's stays below 1 km/s.

    Returns
    -------
    SkyTemplate
        Components that have no feature in the range are left out.
    """
    residual, first, step, own = solar_atlas()
    sigma = np.hypot(optics * _FWHM_TO_SIGMA, pixel / np.sqrt(12))
    margin = slit + 4 * sigma
    start, n = low - margin, int(np.ceil((high - low + 2 * margin) / step)) + 1
    axis = start + step * np.arange(n)
    atlas = first + step * np.arange(residual.size)
    narrower = np.sqrt(max(sigma**2 - (own * _FWHM_TO_SIGMA) ** 2, step**2))
    reach = int(np.ceil((slit / 2 + 4 * narrower) / step))
    kernel = _profile(step * np.arange(-reach, reach + 1), slit, narrower)
    kernel /= kernel.sum()
    water, oxygen = _zones(axis, WATER), _zones(axis, OXYGEN)

    def missing(where, doppler=1.0):
        return np.where(where, np.interp(axis / doppler, atlas, 1 - residual, left=0, right=0), 0)

    parts = {
        "Sun": missing(~(water | oxygen), 1 + velocity / 299792.458),
        "H2O": missing(water),
        "O2": missing(oxygen),
    }
    absorption = {k: _convolved(part, kernel) for k, part in parts.items() if part.max() > 0.05}

    emission: dict[str, np.ndarray] = {}
    reach = int(np.ceil((slit / 2 + 4 * sigma) / step))
    for wave, strength, group in airglow_lines():
        if low < wave < high:
            middle = round((wave - start) / step)
            span = slice(max(middle - reach, 0), middle + reach + 1)
            array = emission.setdefault(group, np.zeros(n))
            array[span] += strength * _profile(axis[span] - wave, slit, sigma)
    return SkyTemplate(
        first=start,
        step=step,
        absorption=np.array(list(absorption.values())).reshape(-1, n),
        absorption_names=tuple(absorption),
        emission=np.array([part / part.max() for part in emission.values()]).reshape(-1, n),
        emission_names=tuple(emission),
    )
