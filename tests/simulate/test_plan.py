"""The night as files: dialect, order, names, determinism, the command line."""

import json

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.domain.headers import observe
from infra.simulate import build_night, frames, plan_night, small_night, truth_paths
from infra.simulate.__main__ import main
from infra.simulate.header import make_header, sexagesimal


def _observe(exposure):
    header = make_header(exposure)
    rows, columns = exposure.region.shape(exposure.binning)
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 2, columns, rows
    return observe(header, {card.keyword: card.comment for card in header.cards})


@pytest.mark.parametrize("camera", ["Red", "Blue"])
@pytest.mark.parametrize("mode", ["400_M2", "930_M4", "600_BLUE", "1200_M5", "custom:930:24:13"])
def test_the_pipeline_understands_every_header(mode, camera):
    plan = plan_night(mode, camera, seed=3, focus=True, arc_binning=(1, 2))
    for exposure in plan:
        seen = _observe(exposure)
        assert seen.obstype == exposure.obstype
        assert seen.camera == camera
        assert seen.readout == exposure.night.readout.name
        assert seen.binning == exposure.binning
        assert seen.roi_origin == exposure.region.origin
        assert seen.night == 20260814
        assert seen.proposal == exposure.proposal
        if exposure.kind == "image":
            assert (seen.technique, seen.grating, seen.filter) == ("Imaging", "NO_GRATING", "r-SDSS")
        else:
            wanted = "CUSTOM" if mode.startswith("custom") else mode
            assert (seen.wavmode.upper(), seen.slit) == (wanted, "1.0_LONG_SLIT")
        assert bool(seen.lamps) == (exposure.kind in ("arc", "focus"))
    kinds = [e.kind for e in plan]
    assert [kinds.count(k) for k in ("bias", "flat", "focus", "science", "standard", "image")] == [10, 10, 2, 5, 1, 2]


def test_exposures_are_in_time_order_with_names_of_their_own():
    plan = plan_night("400_M2", seed=1)
    starts = [e.start for e in plan]
    assert starts == sorted(starts)
    assert len({e.name for e in plan}) == len(plan)
    for earlier, later in zip(plan, plan[1:]):
        assert (later.start - earlier.start).total_seconds() > earlier.seconds
    science = next(e for e in plan if e.kind == "science")
    assert science.name == f"{science.number:04d}_{science.object}_14-08-2026.fits"
    block = [e.kind for e in plan if e.block == science.block]
    assert block == ["image", "arc", "science", "science", "science", "arc"]


def test_calibrations_point_where_the_telescope_is_parked():
    plan = plan_night("400_M2", seed=1)
    assert {round(e.pointing.airmass, 2) for e in plan if e.kind in ("bias", "flat")} == {1.66}
    assert all(1 <= e.pointing.airmass < 2.5 for e in plan if e.kind in ("science", "standard"))


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    changes = {"n_bias": 1, "n_flat": 1, "n_science": 1}
    build_night(tmp_path / "a", plan=small_night(seed=3, **changes), compress=True)
    build_night(tmp_path / "b", plan=small_night(seed=3, **changes), compress=True)
    build_night(tmp_path / "c", plan=small_night(seed=4, **changes), compress=True)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(names) == 4  # bias, flat, arc, science
    for name in names:
        same = (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).read_bytes() == same, name
    for one, other in zip(truth_paths(tmp_path / "a"), truth_paths(tmp_path / "b")):
        assert one.read_bytes() == other.read_bytes()
    others = {p.name: p.read_bytes() for p in (tmp_path / "c").iterdir()}
    assert all((tmp_path / "a" / n).read_bytes() != others.get(n) for n in names)


def test_frames_come_one_at_a_time():
    plan = small_night(seed=3, n_bias=400)
    name, data, truth = next(frames(plan))
    assert name == plan[0].name
    assert data.startswith(b"SIMPLE  =")
    assert truth["expected"] == "done"


def test_files_hold_what_the_truth_says(tmp_path):
    truth = build_night(tmp_path / "night", plan=small_night(seed=3, n_bias=1, n_flat=1, n_science=1))
    facts_path, arrays_path = truth_paths(tmp_path / "night")
    assert json.loads(facts_path.read_text()) == truth
    arrays = np.load(arrays_path)
    for name, facts in truth["files"].items():
        header = fits.getheader(tmp_path / "night" / name)
        assert header["OBSTYPE"] == facts["obstype"]
        assert header["BITPIX"] == 16
        assert f"{name}/cosmic_rays" in arrays
        for number, _ in enumerate(facts.get("targets", []), start=1):
            assert arrays[f"{name}/target_{number}_wavelength"].shape == (header["NAXIS1"],)


def test_what_does_not_exist_is_named():
    for changes, sentence in (
        ({"camera": "Green"}, "There is no camera 'Green'"),
        ({"region": "tiny"}, "There is no region 'tiny'"),
        ({"lamps": ("XE",)}, "There is no lamp XE; there are HGA"),
        ({"readout": "9/9"}, "The Red camera has no readout mode 9/9; it has 100/3"),
    ):
        with pytest.raises(ValueError, match=sentence):
            plan_night("400_M2", **changes)


def test_command_line_writes_a_night(tmp_path, capsys):
    assert (
        main(
            [str(tmp_path / "night"), "--small", "--mode", "930_M4", "--biases", "1", "--flats", "1", "--science", "1"]
        )
        == 0
    )
    printed = capsys.readouterr()
    assert "1 bias, 1 flat, 1 arc, 1 science" in printed.out
    assert "4/4" in printed.err
    assert (tmp_path / "night.truth.npz").exists()
    assert len(list((tmp_path / "night").iterdir())) == 4


def test_command_line_says_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path), "--mode", "nonsense"])
    assert stop.value.code == 2
    assert "There is no mode 'nonsense'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.5, "12:30:00.000"), (-0.25, "-00:15:00.000"), (23.99999999, "24:00:00.000"), (0.0, "00:00:00.000")],
)
def test_sexagesimal(value, text):
    assert sexagesimal(value) == text


def test_seeing_changes_the_seeing_and_nothing_else_of_a_night():
    drawn, poor = plan_night("400_M2", seed=4), plan_night("400_M2", seed=4, seeing=2.5)
    assert [(e.name, e.start, e.shift, e.row_shift, [s.name for s in e.targets]) for e in drawn] == [
        (e.name, e.start, e.shift, e.row_shift, [s.name for s in e.targets]) for e in poor
    ]
    traces = [t for e in poor for t in e.traces]
    assert traces and all(2.5 * 0.9 < 0.15 * t.fwhm < 2.5 * 1.1 for t in traces)
    assert all(0.7 * 0.9 < 0.15 * t.fwhm < 1.4 * 1.1 for e in drawn for t in e.traces)
    with pytest.raises(ValueError, match="not between"):
        plan_night("400_M2", seed=4, seeing=9.0)
