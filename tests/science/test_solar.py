"""The sky's components have their features where nature puts them."""

import numpy as np
import pytest

from chalicelib.science.solar import airglow_lines, sky_template, solar_atlas


@pytest.mark.parametrize(
    "name, wavelength",
    [("Fe I", 4383.545), ("Fe I", 5250.209), ("Na D2", 5889.951), ("Mg b1", 5183.604), ("Ca II", 8542.09)],
)
def test_solar_lines_lie_at_their_laboratory_places(name, wavelength):
    residual, first, step, _ = solar_atlas()
    axis = first + step * np.arange(residual.size)
    near = np.flatnonzero(np.abs(axis - wavelength) < 0.35)
    deepest = near[np.argmin(residual[near])]
    at = np.polyfit(axis[deepest - 1 : deepest + 2] - wavelength, residual[deepest - 1 : deepest + 2], 2)
    assert abs(-at[1] / (2 * at[0])) < 0.05, name


def test_airglow_lines_agree_with_osterbrock():
    lines = np.array([wave for wave, _, _ in airglow_lines()])
    for known in (5577.338, 6300.304, 6363.776, 7316.282, 7794.112, 7964.650, 8399.170, 8885.850):
        assert np.abs(lines - known).min() < 0.02


def test_a_line_is_a_box_of_the_slits_width_blurred_and_keeps_its_place():
    template = sky_template(5500, 5650, slit=8.0, optics=1.0)
    line = template.emission[template.emission_names.index("[O I] 5577")]
    axis = template.first + template.step * np.arange(line.size)
    assert np.ptp(axis[line > 0.5]) == pytest.approx(8.0, abs=0.2)
    assert np.average(axis, weights=line) == pytest.approx(5577.34, abs=0.03)


def test_sunlight_is_redshifted_by_its_velocity_and_the_air_is_not():
    def centre(template, name, low, high):
        dark = template.absorption[template.absorption_names.index(name)]
        axis = template.first + template.step * np.arange(dark.size)
        near = (axis > low) & (axis < high)
        return np.average(axis[near], weights=dark[near] ** 3)

    still, moving = (sky_template(5100, 7000, 2.0, 1.0, velocity=v) for v in (0.0, 50.0))
    assert centre(moving, "Sun", 5178, 5190) - centre(still, "Sun", 5178, 5190) == pytest.approx(0.86, abs=0.15)
    assert centre(moving, "O2", 6862, 6935) == pytest.approx(centre(still, "O2", 6862, 6935), abs=1e-6)


def test_emission_adds_and_absorption_takes_away():
    template = sky_template(5500, 6000, 3.0, 1.0)
    parts = template.at(np.linspace(5500, 6000, 300), np.full(300, 10.0))
    assert parts.shape == (len(template.names), 300)
    dark = len(template.absorption_names)
    assert (parts[:dark] <= 1e-9).all()
    assert parts[:dark].min() < -1
    assert (parts[dark:] >= 0).all()
