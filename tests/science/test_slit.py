"""The lit rows: found when they can be, left alone when the light does not tell."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.science import slit
from chalicelib.science.frame import Frame, Geometry, MaskBit


def frame(light: np.ndarray, seed: int = 0, read_noise: float = 4.0, mask=None) -> Frame:
    rng = np.random.default_rng(seed)
    data = (rng.poisson(np.maximum(light, 0)) + rng.normal(0, read_noise, light.shape)).astype(np.float32)
    return Frame(data, np.maximum(data, 0) + read_noise**2, np.zeros(data.shape, np.uint8) if mask is None else mask)


def illuminated(shape, first: float, last: float, level: float, tilt: float = 0.0) -> np.ndarray:
    """``level`` between two rows (their centres), edges tilted by ``tilt`` rows over the frame and soft by a row."""
    row, column = np.arange(shape[0])[:, None], np.arange(shape[1] if tilt else 1)
    offset = tilt * (column / shape[1] - 0.5)
    edge = lambda distance: 1 / (1 + np.exp(-distance / 0.4))  # noqa: E731
    return np.array(np.broadcast_to(level * edge(row - first - offset) * edge(last + offset - row), shape))


@pytest.mark.parametrize(("first", "last"), [(80, 850), (20.4, 900.7), (150, 920)])
@pytest.mark.parametrize("level", [60.0, 8000.0])
def test_edges_are_found_to_a_pixel(first, last, level):
    found = slit.find(frame(illuminated((948, 1000), first, last, level)))
    assert found.found
    assert abs(found.rows.start - first) <= 1.5
    assert abs(found.rows.stop - 1 - last) <= 1.5
    assert np.abs(found.low - first).max() < 0.7
    assert np.abs(found.high - last).max() < 0.7


def test_tilted_ends_are_followed():
    found = slit.find(frame(illuminated((948, 1600), 100, 850, 3000, tilt=12.0)))
    assert found.low[0] == pytest.approx(94, abs=1)
    assert found.low[-1] == pytest.approx(106, abs=1)
    outside = found.outside(found.rows.start, found.rows.stop - found.rows.start)
    assert not outside[:, 800].all()
    assert outside[0, -1]
    assert not outside[0, 0]


@pytest.mark.parametrize("level", [80.0, 30000.0])
def test_a_short_window_inside_the_slit_is_all_lit(level):
    vignetted = level * (1 - 0.2 * np.linspace(-1, 1, 200)[:, None] ** 2) * np.ones((200, 1500))
    found = slit.find(frame(vignetted))
    assert found.found
    assert found.rows == slice(0, 200)
    assert "all rows are lit" in found.reason
    assert not found.outside(0, 200).any()


def test_a_window_with_one_end_of_the_slit():
    found = slit.find(frame(illuminated((400, 900), -500, 310, 5000)))
    assert found.rows.start == 0
    assert abs(found.rows.stop - 311) <= 1


def test_dust_and_gaps_in_the_slit_do_not_cut_it():
    light = illuminated((948, 1000), 100, 850, 4000)
    light[400:409] *= 0.1
    light[500:503] *= 0.4
    assert slit.find(frame(light)).rows.start in (99, 100, 101)
    assert slit.find(frame(light)).rows.stop in (850, 851, 852)


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_no_light_no_cut(level):
    found = slit.find(frame(illuminated((948, 800), 100, 850, level)))
    assert not found.found
    assert found.rows == slice(0, 948)


def test_sky_of_a_science_frame_serves_and_a_bright_star_is_not_the_slit():
    light = illuminated((948, 1000), 100, 850, 120)
    row = np.arange(948)[:, None]
    light = light + 40000 * np.exp(-0.5 * ((row - 500) / 3.0) ** 2)
    found = slit.find(frame(light))
    assert abs(found.rows.start - 100) <= 1
    assert abs(found.rows.stop - 851) <= 1


def test_an_arc_s_few_bright_columns_serve():
    lines = np.where(np.arange(1000) % 8 == 0, 3000.0, 0.0)
    found = slit.find(frame(illuminated((948, 1000), 100, 850, 1.0) * lines))
    assert found.found
    assert abs(found.rows.start - 100) <= 1


def test_columns_without_flat_light_say_nothing():
    light = illuminated((948, 1000), 100, 850, 4000)
    mask = np.zeros(light.shape, np.uint8)
    light[:, :300] = 0
    mask[:, :300] = MaskBit.NO_FLAT
    found = slit.find(frame(light, mask=mask))
    assert abs(found.rows.start - 100) <= 1


def science(shape, seed, *, sky=5.0, ends=None, binning=(2, 2), zero=0.0, **light) -> Frame:
    """A frame with its targets: ``star`` and ``galaxy`` are electrons a column, all light within the slit's ends."""
    ny, nx = shape
    row = np.arange(ny)[:, None]
    illumination = illuminated(shape, *ends, 1.0) if ends else np.ones(shape)
    image = np.full(shape, sky)
    if "star" in light:  # a Moffat profile of 1.4 arcsec, on rows of 0.3 arcsec
        place, wing = light.get("place", ny / 2), light.get("wing", 2.5)
        alpha = 2.3 / np.sqrt(2 ** (1 / wing) - 1)
        profile = (1 + ((row - place) / alpha) ** 2) ** -wing
        image = image + light["star"] * profile / profile.sum()
    if "galaxy" in light:
        profile = np.exp(-0.5 * ((row - light.get("place", ny / 2)) / light["sigma"]) ** 2)
        image = image + light["galaxy"] * profile / profile.sum()
    made = frame(image * illumination, seed)
    # read out in whole counts, with a zero that is a little off
    data = np.round(made.data / 1.4).astype(np.float32) * np.float32(1.4) + np.float32(zero)
    return Frame(data, made.variance, made.mask, Geometry(binning))


SEEDS = (11, 12, pytest.param(13, marks=pytest.mark.long))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("star", [1e4, 1e5, 5e5])
@pytest.mark.parametrize("sky", [0.0, 1.0, 5.0, 40.0])
def test_a_star_does_not_take_the_sky_for_darkness(star, sky, seed):
    found = slit.find_by_sky(science((199, 2045), seed, star=star, sky=sky), 0.7)
    assert found.rows == slice(0, 199)
    assert not found.outside(0, 199).any()


@pytest.mark.parametrize("wing", [1.5, 2.5, 4.7])
@pytest.mark.parametrize(("star", "sky"), [(1e6, 0.0), (1e6, 1.5), (3e7, 3.0)])
def test_no_wing_of_a_star_is_the_end_of_the_slit(star, sky, wing):
    found = slit.find_by_sky(science((199, 2045), 14, star=star, sky=sky, wing=wing), 2.8)
    assert found.rows == slice(0, 199)
    assert not found.outside(0, 199).any()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("light", [{"galaxy": 1e4}, {"galaxy": 1e5}, {"galaxy": 1e6}, {"star": 1e5}, {"star": 5e5}, {}])
@pytest.mark.parametrize("sky", [15.0, 120.0])
def test_the_sky_shows_the_ends_of_the_slit_beside_any_target(light, sky, seed):
    found = slit.find_by_sky(science((947, 2045), seed, sigma=130, sky=sky, ends=(80, 860), **light), 0.7)
    assert found.found
    assert found.low == pytest.approx(np.full(2045, 80), abs=1.5)
    assert found.high == pytest.approx(np.full(2045, 860), abs=1.5)


@pytest.mark.parametrize("zero", [-1.4, 0.0, 1.4])
@pytest.mark.parametrize("sky", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("light", [{"galaxy": 1e5}, {"star": 1e5}, {}])
def test_a_dark_night_s_sky_cuts_nothing_of_a_target(light, sky, zero):
    """Where the sky cannot be told from the zero; at most the dark rows beyond the ends may go."""
    found = slit.find_by_sky(science((947, 2045), 15, sigma=130, sky=sky, zero=zero, ends=(80, 860), **light), 2.0)
    assert found.rows.start <= 81
    assert found.rows.stop >= 860
    assert not found.outside(0, 947)[81:860].any()


def test_a_window_whose_sky_ends_on_one_side():
    found = slit.find_by_sky(science((200, 2045), 16, sky=20.0, star=1e5, place=60, ends=(-100, 150)), 0.7)
    assert found.rows.start == 0
    assert abs(found.rows.stop - 151) <= 2


def test_tilted_ends_are_followed_by_the_sky_too():
    light = illuminated((948, 1600), 100, 850, 60, tilt=12.0)
    found = slit.find_by_sky(frame(light), 0.7)
    assert found.low[0] == pytest.approx(94, abs=1.5)
    assert found.low[-1] == pytest.approx(106, abs=1.5)


def test_light_that_fades_is_no_end():
    fading = 60.0 * np.clip(np.arange(948)[:, None] / 300, 0, 1) * np.ones((948, 1600))
    found = slit.find_by_sky(frame(fading), 0.7)
    assert not found.found
    assert found.rows == slice(0, 948)
