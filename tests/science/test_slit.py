"""The lit rows: found when they can be, left alone when the light does not tell."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.science import slit
from chalicelib.science.frame import Frame, MaskBit


def frame(light: np.ndarray, seed: int = 0, read_noise: float = 4.0, mask=None) -> Frame:
    rng = np.random.default_rng(seed)
    data = (rng.poisson(np.maximum(light, 0)) + rng.normal(0, read_noise, light.shape)).astype(np.float32)
    return Frame(data, np.maximum(data, 0) + read_noise**2, np.zeros(data.shape, np.uint8) if mask is None else mask)


def illuminated(shape, first: float, last: float, level: float, tilt: float = 0.0) -> np.ndarray:
    """``level`` between two rows (their centres), edges tilted by ``tilt`` rows over the frame and soft by a row."""
    row, column = np.arange(shape[0])[:, None], np.arange(shape[1])
    offset = tilt * (column / shape[1] - 0.5)
    edge = lambda distance: 1 / (1 + np.exp(-distance / 0.4))  # noqa: E731
    return level * edge(row - first - offset) * edge(last + offset * 0 + offset - row)


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
