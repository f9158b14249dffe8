"""Extraction against truth: flux, errors, traces, flags, apertures drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.science.errors import NoTargetFound
from chalicelib.science.extraction import ExtractionOptions, UserAperture, analyse, extract
from chalicelib.science.frame import Geometry, MaskBit
from chalicelib.science.spectrum import Spectrum

from .longslit import GEOMETRY, LongSlit, Source


def trace_error(slit: LongSlit, source: Source, spectrum: Spectrum) -> float:
    """Rms of the trace against the truth, rows of the frame."""
    return float(np.sqrt(np.mean((spectrum.trace.row_in(GEOMETRY, slit.columns) - slit.trace(source)) ** 2)))


@pytest.fixture(scope="module")
def bright():
    """Five frames of one bright star on a sky with tilted lines, and their spectra."""
    slit = LongSlit(sources=[Source(1500, 82)], rays=0.002)
    mean = slit.mean()
    frames = [slit.frame(mean, seed) for seed in range(5)]
    return slit, frames, [extract(frame) for frame in frames]


def test_flux_is_the_truth_within_half_a_percent(bright):
    slit, _, results = bright
    truth = slit.flux(slit.sources[0]).sum()
    assert np.mean([spectra[0].flux.sum(dtype=float) for spectra in results]) == pytest.approx(truth, rel=0.005)
    assert np.mean([spectra[0].flux_box.sum(dtype=float) for spectra in results]) == pytest.approx(truth, rel=0.01)


@pytest.mark.parametrize("flux, error", [("flux", "error"), ("flux_box", "error_box")])
def test_errors_are_honest(bright, flux, error):
    slit, _, results = bright
    truth = slit.flux(slit.sources[0])
    pull = np.concatenate([(getattr(s[0], flux) - truth) / getattr(s[0], error) for s in results])
    assert abs(pull.mean()) < 0.05
    assert pull.std() == pytest.approx(1, abs=0.05)


def test_signal_to_noise_is_close_to_the_limit(bright):
    slit, frames, results = bright
    ratio = [np.median(slit.cramer_rao(slit.sources[0], f.mask) / s[0].error) for f, s in zip(frames, results)]
    assert np.mean(ratio) > 0.97


def test_trace_width_and_one_target(bright):
    slit, _, results = bright
    for spectra in results:
        assert len(spectra) == 1
        assert trace_error(slit, slit.sources[0], spectra[0]) < 0.03
        assert spectra[0].trace.fwhm == pytest.approx(2 * slit.sources[0].fwhm, rel=0.03)


def test_columns_link_to_the_raw_frame(bright):
    _, frames, results = bright
    spectrum = results[0][0]
    assert spectrum.column[0] == GEOMETRY.corner[0]
    assert len(spectrum.column) == frames[0].shape[1]
    places = spectrum.geometry.detector_column(spectrum.column)
    np.testing.assert_allclose(places, frames[0].geometry.detector_column(np.arange(frames[0].shape[1])))


def test_sky_is_the_sky_at_the_trace(bright):
    slit, _, results = bright
    spectrum = results[0][0]
    width = (spectrum.apertures.target[1] - spectrum.apertures.target[0]) / GEOMETRY.binning[1]
    rows = np.rint(slit.trace(slit.sources[0])).astype(int)
    truth = slit.sky_image()[rows, slit.columns] * width
    pull = (spectrum.sky - truth) / spectrum.sky_error
    assert np.median(spectrum.sky / spectrum.sky_error) > 50
    assert abs(np.median(pull)) < 0.5
    assert 1.4826 * np.median(np.abs(pull)) < 1.4


def test_line_tilt_is_followed(bright):
    slit, frames, _ = bright
    found = analyse(frames[0]).quality["tilt_columns"]
    eta = np.linspace(-1, 1, 51)
    assert found == pytest.approx(np.ptp(slit.tilt * eta + slit.curvature * eta**2), abs=0.1)


def test_emission_line_on_a_continuum_keeps_flux_and_peak():
    x = np.arange(900)
    line = 8000 * np.exp(-0.5 * ((x - 451.3) / 0.85) ** 2)
    slit = LongSlit(sources=[Source(400 + line, 82)], lines=0)
    spectra = [extract(slit.frame(seed=seed))[0] for seed in range(4)]
    flux = np.mean([s.flux for s in spectra], axis=0)
    near = slice(446, 458)
    assert (flux[near] - 400).sum() == pytest.approx(line[near].sum(), rel=0.01)
    assert flux.max() == pytest.approx((400 + line).max(), rel=0.02)


def test_cosmic_rays_nobody_flagged_do_not_reach_the_flux():
    slit = LongSlit(sources=[Source(500, 82)], rays=0.001, flag_rays=False)
    pull = []
    for seed in range(3):
        spectrum = extract(slit.frame(seed=seed))[0]
        pull.append((spectrum.flux - 500) / spectrum.error)
    assert np.mean(np.abs(np.concatenate(pull)) > 5) < 0.002


def test_two_targets_brightest_first_and_the_neighbour_is_not_counted_twice():
    faint, strong = Source(600, 66), Source(2500, 82, 4.0)
    slit = LongSlit(sources=[faint, strong])
    spectra = extract(slit.frame())
    assert [s.target for s in spectra] == [1, 2]
    for source, spectrum in zip((strong, faint), spectra, strict=True):
        assert trace_error(slit, source, spectrum) < 0.1
        assert spectrum.flux.sum(dtype=float) == pytest.approx(slit.flux(source).sum(), rel=0.015)


@pytest.mark.parametrize("beta", [2.5, 4.0])
@pytest.mark.parametrize("seeing", [2.0, 2.5])
def test_one_star_in_poor_seeing_is_one_target_with_all_its_light(seeing, beta):
    """Its wings are not sky, and what a fit leaves of them is not a second target on its row."""
    star = Source(4000, 120.3, seeing / (0.15 * GEOMETRY.binning[1]), beta)
    slit = LongSlit(shape=(240, 600), sources=[star])
    mean = slit.mean()
    for seed in range(3):
        result = analyse(slit.frame(mean, seed))
        (spectrum,) = result.spectra
        assert spectrum.flux.sum(dtype=float) == pytest.approx(4000 * 600, rel=0.005)
        assert spectrum.trace.fwhm == pytest.approx(GEOMETRY.binning[1] * star.fwhm, rel=0.01)
        assert result.quality["targets"][0]["moffat_beta"] == pytest.approx(beta, rel=0.05)


def test_a_star_of_moderate_signal_in_poor_seeing_is_one_target():
    star = Source(400, 120.3, 2.5 / (0.15 * GEOMETRY.binning[1]), 2.5)
    slit = LongSlit(shape=(240, 600), sources=[star])
    mean = slit.mean()
    results = [extract(slit.frame(mean, seed)) for seed in range(4)]
    assert [len(spectra) for spectra in results] == [1] * 4
    share = [spectra[0].flux.sum(dtype=float) / (400 * 600) for spectra in results]
    assert np.mean(share) == pytest.approx(1, abs=0.01)


def test_light_no_moffat_describes_is_not_a_second_target_on_the_same_row():
    """A tenth of the light in wings of more than twice the width, a little to one side: guiding errors, optics."""
    parts = [Source(3480, 120.3, 8.0, 3.5), Source(400, 120.3, 20.0, 3.0), Source(120, 126.7, 8.0, 3.0)]
    slit = LongSlit(shape=(240, 600), sources=parts)
    mean = slit.mean()
    for seed in range(3):
        assert len(extract(slit.frame(mean, seed))) == 1


def test_two_stars_are_two_in_poor_seeing_too():
    strong, faint = Source(6000, 100, 8.0), Source(60, 124, 8.0)
    slit = LongSlit(shape=(240, 600), sources=[strong, faint])
    mean = slit.mean()
    for seed in range(3):
        spectra = extract(slit.frame(mean, seed))
        assert len(spectra) == 2
        assert trace_error(slit, faint, spectra[1]) < 1.0


def test_max_targets():
    slit = LongSlit(sources=[Source(2500, 50), Source(900, 80), Source(600, 110)])
    frame = slit.frame()
    assert len(extract(frame)) == 3
    assert len(extract(frame, ExtractionOptions(max_targets=1))) == 1


def test_a_target_of_integrated_signal_to_noise_8_is_found_beside_a_bright_one():
    faint, strong = Source(1.0, 110), Source(1500, 50)
    slit = LongSlit(sources=[faint, strong])
    faint.flux = 8 / slit.integrated(faint)
    mean = slit.mean()
    found = 0
    for seed in range(6):
        spectra = extract(slit.frame(mean, seed))
        found += len(spectra) == 2 and trace_error(slit, faint, spectra[1]) < 1.0
    assert found >= 5


def test_empty_sky_has_no_target():
    slit = LongSlit()
    mean = slit.mean()
    for seed in range(4):
        with pytest.raises(NoTargetFound, match="stands out of the sky"):
            extract(slit.frame(mean, seed))


def test_a_frame_without_usable_pixels_says_so():
    slit = LongSlit(shape=(60, 300))
    frame = slit.frame()
    with pytest.raises(NoTargetFound, match="usable"):
        extract(frame.with_data(mask=np.full(frame.shape, MaskBit.BAD, np.uint8)))


def test_column_without_its_pixels_is_flagged_and_unknown():
    slit = LongSlit(sources=[Source(1500, 82)])
    frame = slit.frame()
    mask = frame.mask.copy()
    mask[:, 300] = MaskBit.BAD
    rows = np.rint(slit.trace(slit.sources[0])).astype(int)
    mask[rows[500] - 1 : rows[500] + 2, 500] = MaskBit.SATURATED
    spectrum = extract(frame.with_data(mask=mask))[0]
    assert spectrum.mask[300] & MaskBit.BAD
    assert np.isnan(spectrum.flux[300])
    assert spectrum.mask[500] & MaskBit.SATURATED
    assert np.count_nonzero(spectrum.mask) == 2


def test_masked_pixels_are_ignored_not_filled():
    slit = LongSlit(sources=[Source(1500, 82)])
    frame = slit.frame()
    mask, data = frame.mask.copy(), frame.data.copy()
    row = round(float(slit.trace(slit.sources[0])[400])) + 2
    mask[row, 400] = MaskBit.COSMIC_RAY
    ugly = data.copy()
    ugly[row, 400] = 1e6
    one = extract(frame.with_data(mask=mask, data=data))[0]
    two = extract(frame.with_data(mask=mask, data=ugly))[0]
    np.testing.assert_array_equal(one.flux, two.flux)
    assert one.mask[400] == 0
    assert one.error[400] > np.median(one.error[390:410])


def test_method_chooses_which_flux_leads():
    frame = LongSlit(sources=[Source(1500, 82)]).frame()
    optimal = extract(frame, ExtractionOptions(method="optimal"))[0]
    fractional = extract(frame, ExtractionOptions(method="fractional"))[0]
    np.testing.assert_array_equal(fractional.flux, fractional.flux_box)
    np.testing.assert_array_equal(optimal.flux_box, fractional.flux_box)
    assert (optimal.method, fractional.method) == ("optimal", "fractional")


@pytest.mark.parametrize("options", [{"method": "sum"}, {"profile": "voigt"}, {"max_targets": 0}])
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError):
        ExtractionOptions(**options)


def test_gaussian_profile():
    slit = LongSlit(sources=[Source(1500, 82, 4.0, 60.0)])
    spectrum = extract(slit.frame(), ExtractionOptions(profile="gaussian"))[0]
    assert spectrum.trace.model == "gaussian"
    assert spectrum.flux.sum(dtype=float) == pytest.approx(1500 * 900, rel=0.01)


def test_an_aperture_drawn_by_hand_takes_exactly_its_zones():
    slit = LongSlit(sources=[Source(2500, 60), Source(400, 110)])
    frame = slit.frame()
    column = 450.0
    place = UserAperture(
        column=float(GEOMETRY.detector_column(column)),
        row=float(GEOMETRY.detector_row(slit.trace(slit.sources[1])[450])),
        target=(-7.0, 9.0),
        sky=((-40.0, -20.0), (24.0, 60.0)),
    )
    (spectrum,) = extract(frame, ExtractionOptions(apertures=(place,)))
    assert spectrum.apertures.target == (-7.0, 9.0)
    assert spectrum.apertures.sky == ((-40.0, -20.0), (24.0, 60.0))
    assert trace_error(slit, slit.sources[1], spectrum) < 0.2
    assert spectrum.flux.sum(dtype=float) == pytest.approx(400 * 900, rel=0.03)


def test_an_aperture_on_empty_sky_borrows_the_shape_and_finds_no_flux():
    slit = LongSlit(sources=[Source(2500, 60)])
    empty = Source(0, 120)
    place = UserAperture(
        float(GEOMETRY.detector_column(0)),
        float(GEOMETRY.detector_row(slit.trace(empty)[0])),
        (-8, 8),
        ((-40, -20), (16, 40)),
    )
    (spectrum,) = extract(slit.frame(), ExtractionOptions(apertures=(place,)))
    assert trace_error(slit, empty, spectrum) < 0.5
    assert abs(np.mean(spectrum.flux / spectrum.error)) < 0.3


def test_trace_carries_over_to_another_binning(bright):
    slit, _, results = bright
    fine = Geometry(binning=(1, 2), corner=(26, 5), roi_origin=(0, 300))
    trace = results[0][0].trace
    columns = np.arange(100, 1700)
    # Column i of the 2x2 frame covers columns 2i and 2i+1 of the 1x2 frame.
    expected = np.interp((columns - 0.5) / 2, slit.columns, slit.trace(slit.sources[0]))
    np.testing.assert_allclose(trace.row_in(fine, columns), expected, atol=0.05)


def test_same_frame_same_spectrum(bright):
    _, frames, results = bright
    again = extract(frames[0])[0]
    np.testing.assert_array_equal(again.flux, results[0][0].flux)
    assert again.trace == results[0][0].trace


def test_real_supernova_beside_its_host_galaxy(shared_data):
    """A SN Ia on a moonlit sky, 200-row region of interest: one sharp target, the host's halo is background."""
    from chalicelib.science.frame import Detector
    from chalicelib.science.rawfile import read_raw
    from chalicelib.science.reduction import ReductionOptions, reduce_spectrum

    folder = shared_data / "sn2018oh_blue_20180204"
    detector = Detector("Blue", 1.40, 4.74, 65535.0, (2, 2), (0, 1800))
    options = ReductionOptions(ignore_bias=True, ignore_flats=True)
    spectra = []
    for name in ("0269", "0271"):
        raw = read_raw(next(folder.glob(f"{name}_*")).read_bytes())
        frame = reduce_spectrum(raw, detector, bias=None, flat=None, options=options, clean_cosmic_rays=True).frame
        found = extract(frame)
        assert len(found) == 1
        spectra.append(found[0])
    for spectrum in spectra:
        assert 7 < spectrum.trace.fwhm < 11
        assert spectrum.trace.rms < 0.1
        assert spectrum.signal_to_noise > 40
        assert np.median(spectrum.sky / spectrum.sky_error) > 30
        assert np.count_nonzero(spectrum.mask) < 20
    # Two exposures differ by a smooth factor (slit losses) and by noise as large as stated.
    one, two = spectra
    good = (one.mask == 0) & (two.mask == 0)
    ratio, x = (one.flux / two.flux)[good], np.linspace(-1, 1, len(good))[good]
    smooth = np.polynomial.Polynomial.fit(x, ratio, 8)(x)
    noise = smooth * np.hypot(one.error / one.flux, two.error / two.flux)[good]
    assert np.std((ratio - smooth) / noise) == pytest.approx(1, abs=0.08)
