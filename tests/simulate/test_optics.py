"""The light path: what is called the truth must be self-consistent to far better than anything measured against it."""

import numpy as np
import pytest

from infra.simulate.modes import MODES, find_mode, mode_at
from infra.simulate.optics import SLIT_MIDDLE, LineSpread, Optics, SlitImage
from infra.simulate.spectral import Grid

COLUMNS = np.linspace(0, 4141, 300)


@pytest.mark.parametrize("name", [*MODES, "custom:930:24:13", "custom:2100:86.08:43.04:GG455"])
def test_wavelength_rises_and_column_is_its_inverse(name):
    optics = Optics(find_mode(name), shift=17.3, stretch=0.004, bend=(0.5, -0.4))
    wave = optics.wavelength(COLUMNS)
    assert np.all(np.diff(wave) > 0)
    assert np.abs(optics.column(wave) - COLUMNS).max() < 1e-7


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("400_M2", 4941, 8948), ("930_M4", 5480, 7148), ("600_BLUE", 3533, 6166), ("930_M6", 7182, 8789)],
)
def test_modes_lie_where_the_published_lamps_put_them(name, low, high):
    wave = Optics(find_mode(name)).wavelength([50, 4109])
    assert np.abs(wave - [low, high]).max() < 4


def test_a_shift_moves_the_spectrum_by_that_many_pixels():
    optics = Optics(find_mode("930_M4"))
    moved = optics.flexed(2.5)
    assert np.abs(moved.column(optics.wavelength(COLUMNS)) - COLUMNS - 2.5).max() < 1e-7


def test_modes_are_found_in_every_dialect_and_by_their_angles():
    assert find_mode("400 m2") is find_mode("400_M2") is find_mode("400m2") is mode_at(400, 16.12, 7.49)
    assert mode_at(930, 24.0, 13.0).name == "Custom"
    with pytest.raises(ValueError, match=r"There is no mode '931_M1'. Modes: 400_M1"):
        find_mode("931_M1")


def test_line_spread_is_symmetric_and_keeps_the_light():
    spread = LineSpread.of_slit(1.0)
    x = np.linspace(0, 60, 500)
    assert np.allclose(spread.cumulative(x) + spread.cumulative(-x), 1, atol=1e-12)
    assert spread.cumulative(spread.reach) > 1 - 1e-6


def test_slit_transmits_one_on_average_over_the_rows_read_out():
    for rows in ((1100, 2995), (1850, 2249)):
        slit = SlitImage(bumps=((100.0, 8.0, 0.06), (-300.0, 10.0, 0.05)), slope=0.03, rows=rows)
        v = np.arange(rows[0], rows[1] + 1)
        lit = slit.transmission(v) > 0.5
        assert slit.transmission(v)[lit].mean() == pytest.approx(1, abs=2e-3)
    assert 1555 < (SlitImage().transmission(np.arange(1100, 2996)) > 0.5).sum() < 1565


@pytest.mark.parametrize("binning", [1, 2])
def test_columns_hold_every_electron_at_the_true_place(binning):
    optics = Optics(find_mode("930_M4"), tilt=0.9, curvature=-0.6, keystone=0.1)
    rows = np.arange(1270, 2830, 260.0)
    grid = Grid.of(optics, LineSpread.of_slit(1.0), 0, 4142 // binning, binning, optics.bow(rows))
    wave = optics.wavelength([600.25, 2000.5, 3300.75])
    columns = np.arange(4142 // binning) * binning + (binning - 1) / 2
    for row in rows:
        for line in wave:
            light = grid.lines(np.array([line]), np.array([1e5])).at(optics.bow(row))[0]
            assert light.sum() == pytest.approx(1e5, rel=1e-5)
            centroid = (light * columns).sum() / light.sum()
            assert optics.wavelength_at(centroid, row) == pytest.approx(line, abs=0.003 * 0.41)
    assert abs(optics.bow(SLIT_MIDDLE)) < 1e-12


def test_continuum_is_exact_between_the_nodes():
    optics = Optics(find_mode("400_M2"), tilt=1.0, curvature=0.7)
    row = np.array([1268.0, 2828.0, 1700.0])
    grid = Grid.of(optics, LineSpread.of_slit(0.45), 0, 2071, 2, optics.bow(row))

    def narrow(wave):
        return 1 + 20 * np.exp(-0.5 * ((wave - 7000) / 1.5) ** 2)

    light = grid.continuum(narrow)
    alone = Grid.of(optics, LineSpread.of_slit(0.45), 0, 2071, 2, optics.bow(row[2:])).continuum(narrow)
    assert np.abs(light.at(optics.bow(row[2]))[0] - alone.at(optics.bow(row[2]))[0]).max() < 1e-3 * light.values.max()
