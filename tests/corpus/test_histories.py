"""Files that come again, clocks that go backwards, lamps that are not what their label says."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.science.product import read_spectrum
from tests.corpus.frames import changed, night, of_kind, rendered
from tests.corpus.observatory import Night, Upload, play


def biases(**how) -> list[bytes]:
    return [rendered(e)[0] for e in night(n_bias=4, **how) if e.kind == "bias"]


@pytest.fixture(scope="module")
def replaced() -> Night:
    """Three biases; one is uploaded again under its name with other bytes. In moto's DynamoDB."""
    first, second, third, other = biases()
    before = [Upload("a.fits", first), Upload("b.fits", second), Upload("c.fits", third)]
    return play([before, Upload("b.fits", other)], moto=True)


def test_the_same_name_with_other_bytes_supersedes(replaced):
    old, new = replaced.raws("b.fits")
    assert replaced.raised == []
    assert old["sha256"] != new["sha256"]
    assert "supersede" in old["status_reason"].lower()
    assert "supersede" not in new["status_reason"].lower()


def test_what_is_superseded_serves_no_pool_any_more(replaced):
    old, new = replaced.raws("b.fits")
    (master,) = replaced.masters("bias")
    members = {i["id"] for i in master["inputs"] if i["role"] == "member"}
    assert new["id"] in members
    assert old["id"] not in members
    assert len(members) == 3


def test_what_is_superseded_stays_in_the_bucket(replaced):
    old, new = replaced.raws("b.fits")
    assert old["key"] == new["key"]
    assert old["version"] != new["version"]
    assert {old["version"], new["version"]} <= replaced.versions[old["key"]]


def test_the_same_bytes_under_two_names_are_one_frame():
    data = biases()[0]
    once = play([Upload("a.fits", data), Upload("copy of a.fits", data)])
    assert once.raised == []
    assert [r["file_name"] for r in once.records] == ["a.fits"]


def test_a_file_cut_short_and_uploaded_again_is_taken_in():
    data = biases()[0]
    again = play([Upload("a.fits", data[:400_000]), Upload("a.fits", data)])
    assert again.raised == []
    cut, whole = sorted(again.raws("a.fits"), key=lambda r: r["size"])
    assert cut["status"] == "rejected"
    assert whole["status"] == "done"


def test_clocks_that_go_backwards_lose_nothing():
    """The camera's clock runs backwards through the biases, and the observatory's is set back by an hour each time."""
    times = ("2026-08-14T20:00:09", "2026-08-14T20:00:06", "2026-08-14T20:00:03")
    frames = [changed(b, {"DATE-OBS": t}) for b, t in zip(biases(), times, strict=False)]
    arc = changed(of_kind("arc"), {"DATE-OBS": "2026-08-14T19:00:00"})
    uploads = [Upload(f"bias{n}.fits", data, seconds=-3600) for n, data in enumerate(frames)]
    backwards = play([*uploads, Upload("arc.fits", arc, seconds=-3600)])
    assert backwards.raised == []
    assert not [name for name, subject in backwards.subjects.items() if "open" in subject]
    assert [backwards.raw(u.name)["status"] for u in uploads] == ["done"] * 3
    (master,) = backwards.masters("bias")
    assert {i["id"] for i in master["inputs"]} == {backwards.raw(u.name)["id"] for u in uploads}
    record = backwards.raw("arc.fits")
    assert (record["status"], record["status_reason"]) == ("done", "")
    assert backwards.role(backwards.made_from("arc.fits")["2"], "bias")["id"] == master["id"]


@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        ({"LAMP_HGA": "FALSE", "LAMP_NE": "FALSE", "LAMP_FE": "TRUE"}, "Fe"),
        ({"LAMP_HGA": "FALSE", "LAMP_NE": "FALSE", "LAMP_CU": "TRUE"}, "Cu"),
    ],
    ids=["Fe", "Cu"],
)
def test_a_mislabelled_lamp_is_seen_through_or_refused_and_never_confidently_wrong(labels, wrong):
    """The light is of HgAr and Ne: what the argon alone gives is right, and the record does not repeat the label."""
    star = next(e for e in night() if e.kind == "science")
    told = play([Upload("arc.fits", changed(of_kind("arc"), labels)), Upload("star.fits", rendered(star)[0])])
    assert told.raised == []
    record = told.raw("star.fits")
    if record["status"] == "failed":
        assert told.codes("star.fits") == {"wavelength": "no_wavelength_solution"}
        assert record["status_reason"].endswith(".")
        return
    calibrated = told.made_from("star.fits")["4"]
    spectrum = read_spectrum(told.objects[calibrated["key"]])
    wavelength = spectrum.solution.wavelength(spectrum.geometry.detector_column(spectrum.column))
    truth = rendered(star)[1]["arrays"]["target_1_wavelength"][np.asarray(spectrum.column, int)]
    error = float(np.sqrt(np.mean((wavelength - truth)[100:-100] ** 2)))
    claimed = calibrated["quality"]["wavelength_rms"]
    assert error < 3 * claimed, f"wrong by {error:.2f} Å, claims {claimed:.2f} Å"
    assert wrong not in calibrated["quality"]["lamps"]


def test_a_lamp_that_is_no_lamp_gives_no_wavelengths():
    """A flat labelled as an arc: nothing to measure, and it says so."""
    flat = changed(of_kind("flat"), {"OBSTYPE": "ARC", "LAMP_HGA": "TRUE", "LAMP_QUA": "FALSE"})
    told = play([Upload("arc.fits", flat), Upload("star.fits", of_kind("science"))])
    assert told.raised == []
    record = told.raw("star.fits")
    assert (record["status"], told.codes("star.fits")) == ("failed", {"wavelength": "no_wavelength_solution"})
    assert "was the lamp on" in record["status_reason"]
    assert set(told.made_from("star.fits")) == {"2", "3"}
