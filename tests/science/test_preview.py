"""Previews: what the browser decodes is what was measured."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from chalicelib.science.dispersion import WavelengthSolution
from chalicelib.science.extraction import extract
from chalicelib.science.frame import MaskBit
from chalicelib.science.preview import image_preview, read_preview, spectrum_preview

from .longslit import LongSlit, Source


@pytest.fixture(scope="module")
def observed():
    slit = LongSlit(shape=(120, 1100), sources=[Source(1500, 60)], rays=0.002)
    frame = slit.frame()
    return slit, frame, extract(frame)[0]


def test_pixels_come_back_within_a_quarter_of_their_noise(observed):
    slit, frame, _ = observed
    header, arrays = read_preview(image_preview(frame))
    good = frame.mask == 0
    noise = np.sqrt(slit.mean() + 16)
    assert header["shape"] == list(frame.shape)
    # The transform ends at no light minus its noise squared; nothing of a real frame lies below.
    assert (np.abs(arrays["level_1"] - frame.data) / noise)[good].max() < 0.6
    assert np.std((arrays["level_1"] - frame.data)[good] / noise[good]) < 0.25


def test_coarse_level_comes_first_and_is_the_block_mean(observed):
    _, frame, _ = observed
    header, arrays = read_preview(image_preview(frame))
    factor = header["levels"][0]["factor"]
    assert factor > 1
    assert header["levels"][-1]["factor"] == 1
    low = header["levels"][0]["planes"]["low"]["offset"]
    assert low < header["levels"][1]["planes"]["low"]["offset"]
    coarse = arrays[f"level_{factor}"]
    block = frame.data[:factor, :factor]
    if (frame.mask[:factor, :factor] == 0).all():
        assert coarse[0, 0] == pytest.approx(block.mean(), abs=4)


def test_very_bright_pixels_fit_in_sixteen_bits():
    frame = LongSlit(shape=(40, 80)).frame()
    data = frame.data.copy()
    data[3, 3], data[5, 5], data[6, 6] = 4e6, -500, np.nan
    header, arrays = read_preview(image_preview(frame.with_data(data=data)))
    assert arrays["level_1"][3, 3] == pytest.approx(4e6, rel=0.01)
    assert np.isfinite(arrays["level_1"]).all()
    assert json.dumps(header, allow_nan=False)


def test_mask_and_overlays(observed):
    slit, frame, spectrum = observed
    header, arrays = read_preview(image_preview(frame, [(spectrum.trace, spectrum.apertures)]))
    np.testing.assert_array_equal(arrays["mask"], frame.mask)
    assert header["mask_counts"]["cosmic_ray"] == np.count_nonzero(frame.mask & MaskBit.COSMIC_RAY)
    (target,) = header["targets"]
    truth = slit.trace(slit.sources[0])[target["trace_columns"]]
    np.testing.assert_allclose(target["trace"], truth, atol=0.1)
    np.testing.assert_allclose(np.array(target["target"]) * 2, spectrum.apertures.target, atol=1e-3)
    assert len(target["sky"]) == 2


def test_smaller_than_the_pixels(observed):
    _, frame, _ = observed
    assert len(image_preview(frame)) < 0.4 * frame.data.nbytes


def test_spectrum_columns(observed):
    _, _, spectrum = observed
    header, arrays = read_preview(spectrum_preview(spectrum))
    for name in ("flux", "error", "flux_box", "error_box", "sky", "mask"):
        np.testing.assert_array_equal(arrays[name], getattr(spectrum, name))
    assert "wavelength" not in arrays
    assert header["first_column"] == spectrum.column[0]


def test_calibrated_spectrum_has_wavelengths(observed):
    _, _, spectrum = observed
    solution = WavelengthSolution((5000.0, 900.0), (0.0, 2200.0), (0, 2200), (), 0.02, 0.01, ("Ne",), "library")
    calibrated = replace(spectrum, solution=solution)
    _, arrays = read_preview(spectrum_preview(calibrated))
    np.testing.assert_array_equal(arrays["wavelength"], calibrated.wavelength)
    assert (arrays["wavelength_vac"] > arrays["wavelength"]).all()


def test_unknown_fluxes_stay_unknown(observed):
    _, _, spectrum = observed
    flux = spectrum.flux.copy()
    flux[:] = np.nan
    header, arrays = read_preview(spectrum_preview(replace(spectrum, flux=flux, signal_to_noise=float("nan"))))
    assert np.isnan(arrays["flux"]).all()
    assert header["signal_to_noise"] is None


def test_same_bytes_every_time(observed):
    _, frame, spectrum = observed
    targets = [(spectrum.trace, spectrum.apertures)]
    assert image_preview(frame, targets) == image_preview(frame, targets)
    assert spectrum_preview(spectrum) == spectrum_preview(spectrum)


def test_chunks_are_aligned_for_typed_arrays(observed):
    _, _, spectrum = observed
    data = spectrum_preview(spectrum)
    length = int.from_bytes(data[4:8], "little")
    assert (8 + length) % 8 == 0
    header, _ = read_preview(data)
    assert all(chunk["offset"] % 8 == 0 for chunk in header["columns"].values())


def test_what_is_no_preview_is_refused():
    with pytest.raises(ValueError, match="preview"):
        read_preview(b"SIMPLE  = T")
