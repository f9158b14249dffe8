"""Nights the tests share: small ones, made once."""

import io

import pytest
from astropy.io import fits


@pytest.fixture(scope="session", autouse=True)
def _lamps_at_hand(reference_bundle):
    """The simulation draws its lamps from the reference bundle."""


def open_frames(plan):
    """(header, counts, truth) of each frame of a plan, by name."""
    from infra.simulate import frames

    taken = {}
    for name, data, truth in frames(plan):
        with fits.open(io.BytesIO(data)) as hdus:
            taken[name] = hdus[0].header.copy(), hdus[0].data.astype(float), truth
    return taken


@pytest.fixture(scope="session")
def blue_night():
    """A small Blue 930_M2 night, arcs 1x2, as on the real night that is public: name -> (header, counts, truth)."""
    from infra.simulate import small_night

    return open_frames(small_night("930_M2", "Blue", seed=7, moon=3.0))


@pytest.fixture(scope="session")
def red_night():
    """A small Red 400_M2 night, everything 2x2, two targets."""
    from infra.simulate import small_night

    return open_frames(
        small_night("400_M2", "Red", seed=5, arc_binning=(2, 2), n_targets=2, n_science=3, exposures_per_target=3)
    )


def of_kind(night, kind):
    """The frames of one kind, in time order."""
    return [frame for frame in night.values() if frame[2]["kind"] == kind]
