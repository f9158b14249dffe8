"""Peaks: the same as scipy's, on series with noise, plateaus and lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chalicelib.science import peaks


def series(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.arange(700)
    lines = sum(rng.exponential(30) * np.exp(-0.5 * ((x - rng.uniform(0, 700)) / 3) ** 2) for _ in range(25))
    noisy = lines + rng.normal(0, 1, 700)
    return np.round(noisy) if seed % 2 else noisy  # rounding makes plateaus


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("distance", "prominence"), [(1.0, 0.0), (1.0, 3.0), (2.6, 1.5), (9.0, 2.0)])
def test_the_same_peaks_and_widths_as_scipy(seed, distance, prominence):
    signal = pytest.importorskip("scipy.signal")
    x = series(seed)
    expected, _ = signal.find_peaks(x, distance=distance, prominence=prominence)
    found = peaks.find_peaks(x, distance=distance, prominence=prominence)
    np.testing.assert_array_equal(found, expected)
    assert len(found) > 3
    np.testing.assert_array_equal(peaks.prominences(x, found), signal.peak_prominences(x, found)[0])
    np.testing.assert_allclose(peaks.widths(x, found), signal.peak_widths(x, found, rel_height=0.5)[0], rtol=1e-12)


@pytest.mark.parametrize("x", [[], [1.0], [1, 2], [0, 0, 0, 0], [0, 1, 2], [0, 1, 1, 0], [0, 2, 2, 2, 1, 1, 3]])
def test_short_and_flat_series(x):
    signal = pytest.importorskip("scipy.signal")
    values = np.array(x, dtype=float)
    np.testing.assert_array_equal(peaks.find_peaks(values, prominence=0), signal.find_peaks(values, prominence=0)[0])


def test_the_wavelength_modules_load_neither_scipy_signal_nor_stats():
    program = (
        "import sys; import chalicelib.science.wavelength, chalicelib.science.zeropoint; "
        "print([m for m in ('scipy.signal', 'scipy.stats', 'scipy.optimize') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
