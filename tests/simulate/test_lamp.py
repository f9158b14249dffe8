"""The two styles of lamp: exact laboratory places, or the published spectrum where its own solution puts it."""

import numpy as np
import pytest

from infra.simulate import small_night
from infra.simulate.lamp import line_list, published_spectrum
from infra.simulate.modes import find_mode

from .conftest import of_kind, open_frames


def test_published_lamp_agrees_with_the_laboratory_lines_to_its_own_accuracy():
    mode = find_mode("930_M4")
    wave, flux = published_spectrum(mode, ("HGA", "NE"))
    lines = line_list(mode, ("HGA", "NE")).within(5600, 7100)
    for line in lines.wavelength[lines.strength > 0.3]:
        near = np.abs(wave - line) < 4
        assert wave[near][flux[near].argmax()] == pytest.approx(line, abs=1.0)


def test_library_style_shows_the_published_spectrum():
    plan = small_night("930_M4", "Red", seed=3, n_bias=0, n_flat=0, arc_style="library", arc_binning=(2, 2))
    _, counts, truth = of_kind(open_frames(plan), "arc")[0]
    wave = truth["arrays"]["wavelength"].reshape(-1, 2).mean(axis=1)
    seen = np.median(counts[90:110], axis=0)[40:2040]
    published, flux = published_spectrum(find_mode("930_M4"), ("HGA", "NE"))
    expected = np.interp(wave[40:2040], published, flux)
    tops = np.flatnonzero(expected > 0.3 * expected.max())
    around = np.zeros(seen.size, bool)
    for shift in range(-4, 5):
        around[np.clip(tops + shift, 0, seen.size - 1)] = True
    assert seen[around].max() > 20 * seen[~around].std()
    assert around[seen.argmax()]


def test_no_published_lamp_is_a_sentence():
    with pytest.raises(ValueError, match=r"no published lamp of FE that overlaps Custom"):
        published_spectrum(find_mode("custom:400:30:20"), ("FE",))
