"""The frames of the corpus are simulated."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _lamps_at_hand(reference_bundle):
    """The simulation draws its lamps from the reference bundle, and WAVELENGTH reads it."""
