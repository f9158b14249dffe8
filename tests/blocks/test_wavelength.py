"""WAVELENGTH with one arc and with two: what is published, and that one bad arc or target takes nothing else down."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.blocks import inputs, wavelength
from chalicelib.domain import matching
from chalicelib.domain.headers import observe
from chalicelib.domain.plan import FrameFacts, Input, Step
from chalicelib.science import reference
from chalicelib.science.errors import CalibrationMismatch, NoWavelengthSolution, UnreadableFrame
from chalicelib.science.extraction import ExtractionOptions, extract
from chalicelib.science.product import read_spectrum
from chalicelib.science.rawfile import read_raw
from chalicelib.science.reduction import ReductionOptions, reduce_spectrum
from chalicelib.science.spectrum import Trace

OPTIONS = ReductionOptions(cosmic_rays="none", ignore_bias=True, ignore_flats=True)


class Night:
    """A science frame between two arcs, reduced and extracted once; what the block reads comes from here."""

    def __init__(self, bundle):
        from infra.simulate import frames, small_night

        plan = small_night("400_M2", "Red", seed=5, n_bias=0, n_flat=0, n_science=3, exposures_per_target=3)
        self.library = reference.load(bundle)
        self.frames, self.records, self.spectra, self.inputs = {}, {}, {}, []
        arcs = 0
        for number, (exposure, (name, data, _)) in enumerate(zip(plan, frames(plan), strict=True), start=1):
            header = fits.getheader(BytesIO(data))
            o = observe(header, {key: header.comments[key] for key in header if key})
            if exposure.kind not in ("arc", "science"):
                continue
            if exposure.kind == "science" and self.spectra:
                self.last = o  # the last exposure of the block
                continue
            cards = {"bias": None, "flat": None, "clean_cosmic_rays": False, "options": OPTIONS}
            reduced = reduce_spectrum(read_raw(data), inputs.detector_of(o), **cards).frame
            if exposure.kind == "arc":
                arcs += 1
                self.inputs.append(Input("arc", 100 + number, f"{number:064d}", f"k{number}", f"zst_{name}"))
                self.frames[f"k{number}"] = reduced
                self.records[100 + number] = {"original_file_id": number}
                self.records[number] = {"id": number, "file_name": name, "observation": o}
            else:
                self.observation, self.raw = o, Input("raw", number, "a" * 64, "raw", name)
                self.optics = exposure.optics
                self.spectra["s1"] = extract(reduced, ExtractionOptions())[0]
                self.source = Input("spectrum", 50, "b" * 64, "s1", f"ezst_{name}", 1)
        assert arcs == 2

    def make(self, *arcs: Input, sources: tuple[Input, ...] = (), hours: float = 0.0):
        step = Step("wavelength", "wavelength", "0" * 64, (*(sources or (self.source,)), *arcs))
        o = replace(self.observation, started=self.observation.started + timedelta(hours=hours))
        return wavelength.make_calibrated(step, FrameFacts(raw=self.raw, observation=o))


@pytest.fixture(scope="module")
def made(reference_bundle):
    return Night(reference_bundle)


@pytest.fixture
def night(made, monkeypatch):
    monkeypatch.setattr(inputs, "frame", lambda source: made.frames[source.key])
    monkeypatch.setattr(inputs, "spectrum", lambda source: made.spectra[source.key])
    monkeypatch.setattr(inputs, "library", lambda: made.library)
    monkeypatch.setattr(wavelength.items, "get", lambda table, key: made.records[key["id"]])
    monkeypatch.setattr(wavelength.records, "observation_of", lambda observation: observation)
    return made


def true_error(night, data: bytes) -> float:
    """Mean error of a product's wavelengths, unbinned pixels."""
    solution = read_spectrum(data).solution
    column = np.linspace(*solution.span, 200)
    off = solution.wavelength(column) - solution.zero_point - night.optics.wavelength(column)
    return float(np.mean(off / solution.dispersion(column)))


def test_two_arcs_give_one_solution_and_both_lamps(night):
    calibrated, *lamps = night.make(*night.inputs)
    assert [p.kind for p in lamps] == ["lamp-before-e", "lamp-before-we", "lamp-after-e", "lamp-after-we"]
    assert len({p.name for p in lamps}) == 4
    assert [p.original[0] for p in lamps[::2]] == [i.id - 100 for i in night.inputs]
    assert {fits.getheader(BytesIO(p.data))["GSP_SCTR"] for p in lamps} == {night.raw.name}
    header = fits.getheader(BytesIO(calibrated.data))
    assert "GSP_SCTR" not in header  # of lamps only
    assert (header["GSP_LAMP"], header["GSP_LAM2"]) == tuple(i.name for i in night.inputs)
    assert [header[f"GSP_I{n:03d}"] for n in (1, 2, 3)] == [night.source.name, *(i.name for i in night.inputs)]
    assert "linear in time" in " ".join(str(line) for line in header["HISTORY"])
    arcs = calibrated.quality["arcs"]
    assert arcs["names"] == [i.name for i in night.inputs] and arcs["used"] == [True, True]
    assert arcs["minutes"][0] < 0 < arcs["minutes"][1]
    assert arcs["drift_pixels"] == pytest.approx(header["GSP_DRFT"] / night.observation.binning[0], abs=1e-4)
    assert abs(true_error(night, calibrated.data)) < 0.05
    assert calibrated.data == night.make(*night.inputs)[0].data


def test_one_arc_is_the_lamp_it_was(night):
    for arc, role in zip(night.inputs, ("before", "after"), strict=True):
        calibrated, *lamps = night.make(arc)
        assert [p.kind for p in lamps] == [f"lamp-{role}-e", f"lamp-{role}-we"]
        header = fits.getheader(BytesIO(calibrated.data))
        assert header["GSP_LAMP"] == arc.name and "GSP_LAM2" not in header and "GSP_DRFT" not in header
        assert f"wavelengths from {arc.name}" in "".join(str(line) for line in header["HISTORY"])
        assert calibrated.quality["arcs"]["used"] == [True]


def test_an_arc_that_cannot_be_read_leaves_the_other(night, monkeypatch):
    def torn(source):
        if source == night.inputs[0]:
            raise UnreadableFrame("The file is torn.")
        return night.frames[source.key]

    monkeypatch.setattr(inputs, "frame", torn)
    calibrated, *lamps = night.make(*night.inputs)
    assert [p.kind for p in lamps] == ["lamp-after-e", "lamp-after-we"]
    note = f"{night.inputs[0].name} is not used for the wavelengths. The file is torn."
    assert note in calibrated.quality["wavelength_notes"]
    assert fits.getheader(BytesIO(calibrated.data))["GSP_LAMP"] == night.inputs[1].name
    with pytest.raises(UnreadableFrame):
        night.make(night.inputs[0])


def test_a_dark_arc_is_shown_but_not_used(night, monkeypatch):
    dark = night.frames[night.inputs[1].key]
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 5, dark.data.shape).astype(np.float32)
    frames = {**night.frames, night.inputs[1].key: replace(dark, data=noise)}
    monkeypatch.setattr(inputs, "frame", lambda source: frames[source.key])
    calibrated, *lamps = night.make(*night.inputs)
    assert [p.kind for p in lamps] == ["lamp-before-e", "lamp-before-we", "lamp-after-e"]
    assert calibrated.quality["arcs"]["used"] == [True, False]
    assert any("not used" in note for note in calibrated.quality["wavelength_notes"])
    with pytest.raises(NoWavelengthSolution):
        night.make(night.inputs[1])


def test_a_target_outside_the_arcs_takes_no_other_down(night, monkeypatch):
    spectrum = night.spectra["s1"]
    outside = replace(spectrum, target=2, trace=Trace((9000.0,), spectrum.trace.domain, 0.1, 5.0, "moffat"))
    spectra = {"s1": spectrum, "s2": outside}
    monkeypatch.setattr(inputs, "spectrum", lambda source: spectra[source.key])
    second = replace(night.source, id=51, key="s2", target=2)
    products = night.make(*night.inputs, sources=(second, night.source))
    assert [p.target for p in products if p.kind == "wavelength"] == [1]
    with pytest.raises(CalibrationMismatch):
        night.make(*night.inputs, sources=(second,))


def test_the_zero_point_is_of_the_first_target_whose_sky_verifies_it(night, monkeypatch):
    spectrum = night.spectra["s1"]
    blind = replace(spectrum, sky=np.zeros_like(spectrum.sky))
    measured = []

    def measure(of, solution, real=wavelength._zero_point):
        measured.append(of.target)
        return real(of, solution)

    monkeypatch.setattr(wavelength, "_zero_point", measure)
    monkeypatch.setattr(
        inputs, "spectrum", lambda i: replace(blind if i.target == 1 else spectrum, target=i.target), raising=True
    )
    targets = [replace(night.source, id=50 + n, key=f"s{n}", target=n) for n in (1, 2, 3)]
    products = [p for p in night.make(night.inputs[0], sources=tuple(targets)) if p.kind == "wavelength"]
    assert measured == [1, 2]  # the third was not needed
    assert [p.quality["zero_point_verified"] for p in products] == [True] * 3
    assert len({(p.quality["zero_point"], p.quality["zero_point_error"]) for p in products}) == 1
    alone = [p for p in night.make(night.inputs[0], sources=tuple(targets[:1])) if p.kind == "wavelength"]
    assert not alone[0].quality["zero_point_verified"] and "not verified" in alone[0].quality["zero_point_reason"]


def test_matching_chooses_the_two_arcs_of_the_block(night):
    candidates = [
        matching.Candidate.of(
            night.records[i.id - 100]["observation"], id=i.id, sha256=i.sha256, key=i.key, name=i.name
        )
        for i in reversed(night.inputs)
    ]
    for o in (night.observation, night.last):
        assert [c.id for c in matching.bracketing_arcs(o, candidates)] == [i.id for i in night.inputs]


def test_arcs_on_one_side_have_roles_of_their_own():
    assert wavelength._roles([-900.0, -60.0]) == ["before-2", "before"]
    assert wavelength._roles([60.0, 60.0, -1.0]) == ["after", "after-2", "before"]


def test_two_arcs_somebody_chose_before_the_frame(night):
    calibrated, *lamps = night.make(*reversed(night.inputs), hours=5)
    assert len({(p.kind, p.target) for p in lamps}) == 4
    assert calibrated.quality["arcs"]["used"] == [True, True]
    assert any("does not lie between" in note for note in calibrated.quality["wavelength_notes"])
    history = "".join(str(line) for line in fits.getheader(BytesIO(calibrated.data))["HISTORY"])
    assert "do not bracket the frame" in history and "linear in time" not in history
