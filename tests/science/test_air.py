"""Air and vacuum wavelengths against independent formulae and laboratory pairs."""

import numpy as np
import pytest

from chalicelib.science.air import air_to_vacuum, refractive_index, vacuum_to_air

# Air and vacuum wavelengths of the same lines as the NIST Atomic Spectra Database prints them.
LABORATORY = [
    (4358.335, 4359.560),  # Hg I
    (5460.750, 5462.268),  # Hg I
    (5875.621, 5877.249),  # He I
    (6562.79, 6564.60),  # H alpha
    (7635.106, 7637.208),  # Ar I
]


def ciddor(vacuum):
    """Ciddor (1996), as VALD and specutils write it."""
    s = (1e4 / vacuum) ** 2
    return 1 + 0.05792105 / (238.0185 - s) + 0.00167917 / (57.362 - s)


def morton(vacuum):
    """Morton (2000), after Birch & Downs (1994)."""
    s = (1e4 / vacuum) ** 2
    return 1 + 8.34254e-5 + 2.406147e-2 / (130 - s) + 1.5998e-4 / (38.9 - s)


def edlen(vacuum):
    """Edlen (1953), the IAU standard before."""
    s = (1e4 / vacuum) ** 2
    return 1 + 6.4328e-5 + 2.94981e-2 / (146 - s) + 2.5540e-4 / (41 - s)


@pytest.mark.parametrize("formula", [ciddor, morton, edlen])
def test_agrees_with_the_other_standard_formulae_to_a_milliangstrom(formula):
    vacuum = np.linspace(3000, 11000, 4001)
    assert np.abs(vacuum_to_air(vacuum) - vacuum / formula(vacuum)).max() < 1e-3


@pytest.mark.parametrize("air, vacuum", LABORATORY)
def test_laboratory_pairs(air, vacuum):
    assert float(air_to_vacuum(air)) == pytest.approx(vacuum, abs=6e-3 if air > 6000 else 1.5e-3)


def test_there_and_back():
    air = np.linspace(2500, 12000, 1000)
    assert np.abs(vacuum_to_air(air_to_vacuum(air)) - air).max() < 1e-8


def test_short_wavelengths_and_nan_pass_through():
    assert float(vacuum_to_air(1215.67)) == 1215.67
    assert np.isnan(air_to_vacuum(np.nan))
    assert refractive_index(np.array([[5000.0]])).shape == (1, 1)
