"""Frames: counts, noise, lines, fluxes and cosmic rays agree with the truth written beside them."""

import numpy as np
import pytest

from infra.simulate import detector, plan_night, small_night
from infra.simulate.lamp import line_list
from infra.simulate.modes import find_mode
from infra.simulate.optics import Optics

from .conftest import of_kind, open_frames


def _master(frames):
    return np.median([counts for _, counts, _ in frames], axis=0)


def test_bias_frames_have_the_level_noise_and_structure_of_the_camera(blue_night):
    biases = of_kind(blue_night, "bias")
    header, counts, truth = biases[0]
    assert counts.shape == (200, 2071)
    assert np.median(counts) == pytest.approx(truth["bias_level"], abs=1.5)
    noise = (biases[0][1] - biases[1][1])[5:].std() / np.sqrt(2)
    clipped = np.diff(np.percentile(biases[0][1] - biases[1][1], [15.87, 84.13]))[0] / 2 / np.sqrt(2)
    assert header["GAIN"] * clipped == pytest.approx(header["RDNOISE"], rel=0.08)
    assert noise < 3 * clipped
    master = _master(biases)
    assert master[0].mean() > master[5:].mean() + 20  # bright row 0
    assert master[10:, 1020].mean() > master[10:, 1015].mean() + 10  # hot column
    levels = [truth["bias_level"] for _, _, truth in biases]
    assert 0.05 < np.std(levels) < 1.0


def test_prescan_and_overscan_stay_dark_when_the_detector_is_lit(blue_night, red_night):
    for night, dark in (
        (blue_night, (slice(0, 12), slice(2057, 2071))),
        (red_night, (slice(3, 24), slice(2056, 2071))),
    ):
        _, flat, truth = of_kind(night, "flat")[0]
        for columns in dark:
            assert np.median(flat[10:, columns]) == pytest.approx(truth["bias_level"], abs=3)
        assert np.median(flat[:, 1000]) > 3000


def test_slit_ends_show_on_the_full_detector():
    plan = plan_night("400_M2", seed=2, n_bias=0, n_flat=1, n_science=0, standard=False)
    (_, counts, _) = next(iter(open_frames(plan).values()))
    column = np.median(counts[:, 1500:1520], axis=1)
    assert counts.shape == (948, 2071)
    assert 775 < (column > 0.5 * column.max()).sum() < 785  # 3.9 arcminutes in 2x2
    assert column[:60].max() < 0.05 * column.max()


def test_photon_noise_is_poisson(red_night):
    flats = [counts[:, 400:1900] for _, counts, _ in of_kind(red_night, "flat")]
    gain, read = 1.48, 3.89
    bias = _master(of_kind(red_night, "bias"))[:, 400:1900]
    flux = [f - bias for f in flats]
    ratio = np.median(flux[0]) / np.median(flux[1])
    difference = flux[0] - flux[1] * ratio
    expected = (flux[0] + ratio**2 * flux[1]) / gain + (1 + ratio**2) * (read / gain) ** 2
    pull = difference / np.sqrt(expected)
    assert np.std(pull[np.abs(pull) < 5]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("mean", [0.3, 7.0, 39.0, 41.0, 300.0, 2e4])
def test_deviates_have_the_moments_of_poisson(mean):
    drawn = detector.poisson(np.random.default_rng(3), np.full(400_000, mean))
    assert drawn.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / 4e5))
    assert drawn.var() == pytest.approx(mean, rel=0.02)
    skewness = ((drawn - mean) ** 3).mean() / mean**1.5
    assert skewness == pytest.approx(1 / np.sqrt(mean), abs=0.03 + 0.02 / np.sqrt(mean))
    assert drawn.min() >= 0
    assert np.all(drawn == np.rint(drawn))


def _centroids(frame, mode, camera_lamps, seed_optics):
    """(true wavelength at the measured centroid, laboratory wavelength) of bright lines that stand alone, row 100."""
    header, counts, truth = frame
    step = truth["binning"][0]
    lines = line_list(mode, camera_lamps)
    wave = truth["arrays"]["wavelength"]
    found = []
    spectrum = np.median(counts[96:105], axis=0) - truth["bias_level"]
    for line, strength in zip(lines.wavelength, lines.strength):
        near = np.abs(lines.wavelength - line) < 25 * np.median(np.diff(wave))
        u = np.interp(line, wave, np.arange(wave.size))
        if strength < 0.02 or not 200 < u < 3900 or lines.strength[near].sum() > 1.005 * strength:
            continue
        centre = round((u - (step - 1) / 2) / step)
        reach = 16 // step
        part = slice(centre - reach, centre + reach + 1)
        light = spectrum[part] - np.median(spectrum[centre - 3 * reach : centre + 3 * reach])
        light = np.where(light > 0.02 * light.max(), light, 0)
        place = step * (np.arange(part.start, part.stop) * light).sum() / light.sum() + (step - 1) / 2
        row = truth["roi_origin"][1] + 100 * truth["binning"][1] + (truth["binning"][1] - 1) / 2
        found.append((place, row, line))
    return found


@pytest.mark.parametrize("which", ["blue_night", "red_night"])
def test_arc_lines_lie_at_their_laboratory_wavelengths(which, request):
    night = request.getfixturevalue(which)
    frame = of_kind(night, "arc")[0]
    truth = frame[2]
    mode = find_mode("930_M2" if which == "blue_night" else "400_M2")
    found = _centroids(frame, mode, tuple(truth["lamps"]), None)
    assert len(found) >= 5
    o = truth["optics"]
    place, row, line = np.array(found).T
    # The truth of the frame at the place where the line was seen, from the published parameters alone.
    wave = truth["arrays"]["wavelength"]
    y = (row - 2048) / 780
    bow = o["tilt"] * y / 2 + o["curvature"] * y**2
    straight = place - bow * (1 + o["keystone"] * (place - 2070.5) / 2000)
    error = (np.interp(straight, np.arange(wave.size), wave) - line) / np.median(np.diff(wave))
    assert abs(np.median(error)) < 0.03
    assert np.sqrt(np.mean(error**2)) < 0.10  # centroids of a boxy line in a window, unbinned pixels


def test_target_electrons_add_up_to_the_truth(red_night):
    """Sum over rows less sky, flat-fielded: what any extraction is compared with."""
    bias = _master(of_kind(red_night, "bias"))
    flat = np.mean([c for _, c, _ in of_kind(red_night, "flat")], axis=0) - bias
    smooth = np.polynomial.Chebyshev.fit(np.arange(30, 2050), flat[:, 30:2050].mean(axis=0), 15)
    flat[:, 30:2050] /= smooth(np.arange(30, 2050))
    ratios = {1: [], 2: []}
    for _, counts, truth in of_kind(red_night, "science"):
        data = (counts - bias) / np.where(flat > 0.2, flat, 1) * 1.48
        hit = truth["arrays"]["cosmic_rays"].astype(int)
        data[hit[:, 0], hit[:, 1]] = np.nan
        rows = np.arange(200)
        for number, target in enumerate(truth["targets"], start=1):
            centre = truth["arrays"][f"target_{number}_row"]
            reach = 5 * target["fwhm_rows"]
            apart = np.abs(rows[:, None] - centre[None])
            traces = [truth["arrays"][f"target_{k}_row"] for k in range(1, len(truth["targets"]) + 1)]
            others = np.min([np.abs(rows[:, None] - trace[None]) for trace in traces], axis=0)
            sky = np.nanmedian(np.where(others > 1.3 * reach, data, np.nan), axis=0)
            light = np.nansum(np.where(apart < reach, data - sky, 0), axis=0)
            expected = truth["arrays"][f"target_{number}_electrons"]
            # In the middle of the range, away from the strong sky lines of the red.
            ratios[number].append(np.sum(light[200:1100]) / np.sum(expected[200:1100]))
    for number, values in ratios.items():
        assert np.median(values) == pytest.approx(1, abs=0.012), (number, values)


def test_truth_wavelengths_are_those_on_the_trace(red_night):
    for _, _, truth in of_kind(red_night, "science"):
        o, arrays = truth["optics"], truth["arrays"]
        u = 2 * np.arange(2071) + 0.5
        v = truth["roi_origin"][1] + 2 * arrays["target_1_row"] + 0.5
        y = (v - 2048) / 780
        straight = u - (o["tilt"] * y / 2 + o["curvature"] * y**2) * (1 + o["keystone"] * (u - 2070.5) / 2000)
        expected = np.interp(straight, np.arange(4142), arrays["wavelength"])
        assert np.abs(arrays["target_1_wavelength"] - expected)[5:-5].max() < 1e-3


def test_cosmic_rays_are_exactly_where_the_truth_says():
    def science(cosmic_rays):
        plan = small_night("930_M4", seed=4, n_bias=0, n_flat=0, n_arc=0, n_science=1, cosmic_rays=cosmic_rays)
        return next(iter(open_frames(plan).values()))

    header, hit, truth = science(True)
    gain = header["GAIN"]
    _, clean, _ = science(False)
    pixels = truth["arrays"]["cosmic_rays"]
    added = (hit - clean) * gain
    mask = np.zeros(hit.shape, bool)
    mask[pixels[:, 0].astype(int), pixels[:, 1].astype(int)] = True
    assert 200 < len(pixels) < 2000
    assert np.all(added[~mask] == 0)
    unsaturated = hit[mask] < 65535
    assert np.abs(added[mask][unsaturated] - _electrons(pixels, mask)[unsaturated]).max() <= gain


def _electrons(pixels, mask):
    image = np.zeros(mask.shape)
    image[pixels[:, 0].astype(int), pixels[:, 1].astype(int)] = pixels[:, 2]
    return image[mask]


def test_arcs_at_the_target_share_its_flexure_and_afternoon_arcs_do_not():
    def shifts(arcs):
        plan = plan_night(
            "930_M4", seed=9, region="small", n_bias=0, n_flat=0, standard=False, imaging=False, arcs=arcs
        )
        return {k: np.array([e.shift for e in plan if e.kind == k]) for k in ("arc", "science")}

    beside = shifts("block")
    gap = [np.abs(beside["arc"] - s).min() for s in beside["science"]]
    assert max(gap) < 0.3
    far = shifts("afternoon")
    assert np.abs(far["arc"].mean() - far["science"]).min() > 2


def test_stars_lie_where_the_catalogue_says():
    plan = plan_night("400_M2", seed=6, n_bias=0, n_flat=0, n_arc=0, n_science=1, standard=False)
    (header, counts, truth) = next(f for f in open_frames(plan).values() if f[2]["kind"] == "image")
    stars = truth["arrays"]["stars"]
    assert counts.shape == (1548, 1548)
    assert len(stars) > 60
    bright = stars[(stars[:, 5] > 3e4) & (stars[:, 5] < 5e5)]
    off = []
    for _, _, _, x, y, electrons in bright:
        apart = np.hypot(stars[:, 3] - x, stars[:, 4] - y)
        if np.sort(apart)[1] < 30 or not (20 < x < 1528 and 20 < y < 1528):
            continue
        x0, y0 = round(x), round(y)
        part = counts[y0 - 12 : y0 + 13, x0 - 12 : x0 + 13]
        light = part - np.median(np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]))
        yy, xx = np.mgrid[-6:7, -6:7]
        core = np.maximum(light[6:19, 6:19], 0)
        off.append([x0 + (core * xx).sum() / core.sum() - x, y0 + (core * yy).sum() / core.sum() - y,
                    light.sum() * header["GAIN"] / electrons])  # fmt: skip
    off = np.array(off)
    assert len(off) >= 5
    assert np.abs(np.median(off[:, :2], axis=0)).max() < 0.1
    assert np.median(off[:, 2]) == pytest.approx(1, abs=0.04)


def test_lamps_bring_enough_lines_for_every_usual_mode():
    for name, lamps, least in (("400_M2", ("HGA", "NE"), 40), ("930_M4", ("HGA", "NE"), 20), ("930_M2", ("FE",), 80)):
        mode = find_mode(name)
        lines = line_list(mode, lamps)
        low, high = Optics(mode).wavelength([50, 4109])
        inside = (lines.wavelength > low) & (lines.wavelength < high)
        assert (lines.strength[inside] > 0.01).sum() >= least
        assert lines.strength.max() == 1
