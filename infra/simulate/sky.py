"""The night sky: airglow, street lamps, continuum, moonlight with the Sun's absorption lines, telluric bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Photons s-1 cm-2 arcsec-2 in one rayleigh.
RAYLEIGH = 1.87e-6

#: (air wavelength in Angstrom, rayleigh on an ordinary night). Oxygen, sodium and street-lamp lines, then the OH bands;
#: wavelengths after Osterbrock et al. (1996, PASP 108, 277); pairs closer than a pixel are given singly.
AIRGLOW: tuple[tuple[float, float], ...] = (
    (4046.563, 4.0), (4358.343, 12.0), (5198.0, 2.5), (5460.735, 14.0), (5577.338, 210.0), (5889.950, 34.0),
    (5895.924, 19.0), (6300.304, 130.0), (6363.780, 43.0), (5932.864, 5.0), (5953.420, 5.0), (6287.434, 8.0),
    (6306.869, 9.0), (6329.747, 6.0), (6498.729, 17.0), (6522.425, 8.0), (6533.044, 15.0), (6553.617, 16.0),
    (6577.285, 9.0), (6596.645, 8.0), (6827.459, 10.0), (6834.008, 26.0), (6841.945, 15.0), (6863.955, 45.0),
    (6870.994, 13.0), (6889.288, 15.0), (6900.833, 22.0), (6912.623, 18.0), (6923.220, 35.0), (6939.521, 20.0),
    (6949.0, 5.0), (6969.930, 12.0), (7003.858, 7.0), (7011.2, 4.0), (7244.907, 45.0), (7276.405, 60.0),
    (7284.439, 30.0), (7303.717, 25.0), (7316.282, 75.0), (7329.148, 32.0), (7340.885, 70.0), (7358.659, 30.0),
    (7369.248, 30.0), (7392.202, 22.0), (7401.862, 22.0), (7438.0, 8.0), (7524.0, 12.0), (7571.746, 24.0),
    (7712.0, 18.0), (7716.3, 14.0), (7750.640, 110.0), (7759.996, 55.0), (7780.0, 20.0), (7794.112, 120.0),
    (7808.467, 45.0), (7821.503, 110.0), (7841.266, 45.0), (7853.245, 60.0), (7867.0, 16.0), (7890.0, 25.0),
    (7912.252, 10.0), (7913.708, 140.0), (7921.0, 35.0), (7949.204, 55.0), (7964.650, 150.0), (7993.332, 130.0),
    (8014.059, 40.0), (8025.810, 85.0), (8052.020, 35.0), (8062.170, 45.0), (8104.0, 12.0), (8281.0, 14.0),
    (8288.6, 45.0), (8298.5, 40.0), (8310.719, 75.0), (8344.602, 190.0), (8352.8, 80.0), (8382.392, 75.0),
    (8399.170, 210.0), (8415.231, 70.0), (8430.174, 190.0), (8452.250, 70.0), (8465.358, 110.0), (8493.389, 60.0),
    (8504.800, 60.0), (8541.0, 18.0), (8548.7, 18.0), (8660.0, 12.0), (8758.0, 35.0), (8761.314, 60.0),
    (8767.912, 80.0), (8776.294, 20.0), (8778.333, 110.0), (8791.186, 90.0), (8827.096, 200.0), (8836.0, 70.0),
    (8850.0, 50.0), (8867.6, 60.0), (8885.850, 240.0), (8903.114, 80.0), (8919.635, 230.0), (8943.395, 80.0),
    (8958.084, 140.0), (8988.366, 80.0), (9001.346, 80.0), (9038.057, 35.0), (9049.478, 35.0), (9375.961, 130.0),
    (9419.729, 100.0), (9439.650, 140.0), (9458.528, 50.0), (9476.830, 80.0), (9502.815, 45.0), (9552.534, 45.0),
)  # fmt: skip

#: Strong absorption lines of the Sun: (air wavelength, equivalent width, sigma), Angstrom.
FRAUNHOFER: tuple[tuple[float, float, float], ...] = (
    (3581.195, 2.2, 0.9), (3618.769, 1.4, 0.5), (3647.843, 1.0, 0.4), (3734.864, 3.1, 0.9), (3745.561, 1.3, 0.4),
    (3758.233, 1.6, 0.5), (3820.425, 1.9, 0.6), (3825.881, 1.5, 0.5), (3832.300, 1.7, 0.6), (3838.292, 1.9, 0.7),
    (3859.911, 1.6, 0.5), (3886.282, 0.9, 0.4), (3933.663, 20.2, 5.0), (3961.520, 0.7, 0.4), (3968.469, 15.5, 4.5),
    (4045.812, 1.2, 0.45), (4063.594, 0.8, 0.4), (4071.738, 0.7, 0.35), (4077.714, 0.43, 0.3), (4101.734, 3.1, 2.6),
    (4132.058, 0.4, 0.3), (4143.868, 0.47, 0.3), (4167.271, 0.2, 0.3), (4202.029, 0.33, 0.3), (4226.728, 1.5, 0.7),
    (4235.936, 0.39, 0.3), (4250.787, 0.4, 0.3), (4254.332, 0.39, 0.3), (4260.474, 0.6, 0.35), (4271.760, 0.76, 0.4),
    (4300.0, 1.2, 1.2), (4305.5, 1.6, 1.5), (4310.0, 1.6, 1.4), (4325.762, 0.79, 0.4), (4340.462, 2.9, 2.4),
    (4383.545, 1.0, 0.45), (4404.750, 0.9, 0.4), (4415.122, 0.42, 0.3), (4455.0, 0.4, 0.5), (4528.614, 0.28, 0.3),
    (4554.029, 0.16, 0.2), (4668.134, 0.2, 0.3), (4702.991, 0.33, 0.3), (4736.773, 0.15, 0.3), (4861.323, 3.7, 2.2),
    (4891.492, 0.31, 0.3), (4920.503, 0.47, 0.3), (4957.597, 0.7, 0.45), (5006.119, 0.2, 0.3), (5041.072, 0.3, 0.4),
    (5079.5, 0.3, 0.5), (5167.321, 0.94, 0.45), (5172.684, 1.26, 0.5), (5183.604, 1.58, 0.55), (5227.0, 0.5, 0.5),
    (5269.541, 0.48, 0.3), (5328.039, 0.52, 0.3), (5371.490, 0.25, 0.3), (5405.775, 0.27, 0.3), (5429.697, 0.29, 0.3),
    (5528.405, 0.3, 0.3), (5615.644, 0.26, 0.3), (5889.950, 0.75, 0.35), (5895.924, 0.56, 0.3), (6122.217, 0.22, 0.25),
    (6162.173, 0.22, 0.25), (6494.980, 0.17, 0.25), (6562.801, 4.0, 1.7), (8498.018, 1.47, 0.7), (8542.089, 3.67, 1.2),
    (8662.140, 2.6, 1.0),
)  # fmt: skip


def moonlight(wavelength: np.ndarray) -> np.ndarray:
    """Relative spectrum (1 at 5500 Angstrom, per Angstrom) of moonlight at air ``wavelength``: the Sun, reddened."""
    spectrum = (wavelength / 5500.0) ** 0.4 / (1 + np.exp(-(wavelength - 3700.0) / 250.0))
    spectrum = spectrum * (1.25 - 0.35 * wavelength / 5500.0 + 0.1)
    depth = np.zeros_like(wavelength)
    for centre, width, sigma in FRAUNHOFER:
        low, high = np.searchsorted(wavelength, [centre - 8 * sigma, centre + 8 * sigma])
        part = wavelength[low:high] - centre
        depth[low:high] += width / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * (part / sigma) ** 2)
    # Saturating sum: overlapping strong lines never go below zero.
    return spectrum * np.exp(-depth)


def _oxygen_band(origin: float, upper: float, lower: float, strength: float) -> list[tuple[float, float]]:
    """Lines (vacuum wavenumber, optical depth) of an atmospheric O2 band.

    Rigid-rotor positions of the P and R branches with Boltzmann weights at 270 K; only odd N exist in 16-O2. Every
    line is a pair 1.9 cm-1 apart (the triplet ground state).
    """
    lines = []
    for n in range(1, 36, 2):
        weight = strength * n * np.exp(-1.4388 * lower * n * (n + 1) / 270.0)
        for step, final in ((-1, n - 1), (1, n + 1)):
            place = origin + upper * final * (final + 1) - lower * n * (n + 1)
            lines += [(place, weight), (place + 1.9 * np.sign(step) * -0.5, weight)]
    return lines


def telluric(wavelength: np.ndarray, airmass: float) -> np.ndarray:
    """Transmission (0 to 1) of the oxygen A and B bands and of water near 7200, 8200 and 9350 Angstrom (air)."""
    depth = np.zeros_like(wavelength)
    bands = _oxygen_band(13122.26, 1.3912, 1.4377, 0.16) + _oxygen_band(14526.0, 1.3729, 1.4377, 0.020)
    for wavenumber, strength in bands:
        centre = 1e8 / wavenumber / 1.000275
        low, high = np.searchsorted(wavelength, [centre - 3.0, centre + 3.0])
        depth[low:high] += strength * np.exp(-0.5 * ((wavelength[low:high] - centre) / 0.5) ** 2)
    for centre, width, strength in ((7190.0, 35.0, 0.05), (8230.0, 60.0, 0.05), (9350.0, 90.0, 0.22)):
        comb = 1 + 0.8 * np.sin(wavelength * 0.9) * np.sin(wavelength * 0.37)
        depth += strength * comb * np.exp(-0.5 * ((wavelength - centre) / width) ** 2)
    return np.exp(-depth * airmass**0.7)


@dataclass(frozen=True)
class Sky:
    """The sky of one exposure.

    Attributes
    ----------
    airglow : float
        Brightness of the airglow, 1 = an ordinary night; 0 = none.
    moon : float
        Moonlight at 5500 Angstrom as a multiple of the dark sky's continuum; 0 = moonless.
    dark : float
        Continuum of the dark sky at 5500 Angstrom, erg s-1 cm-2 A-1 arcsec-2 (6.9e-18 is 21.8 mag).
    """

    airglow: float = 1.0
    moon: float = 0.0
    dark: float = 6.9e-18

    def continuum(self, wavelength: np.ndarray) -> np.ndarray:
        """erg s-1 cm-2 A-1 arcsec-2 at air ``wavelength`` (Angstrom), lines excluded."""
        shape = 0.75 + 0.25 * (wavelength / 5500.0) ** 1.5
        return self.dark * (shape + self.moon * moonlight(wavelength))

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Air wavelength (Angstrom) and photons s-1 cm-2 arcsec-2 of the airglow lines."""
        wave, rayleigh = np.array(AIRGLOW).T
        return wave, rayleigh * RAYLEIGH * self.airglow
