"""The reference bundle holds what the pipeline needs, and is left alone when it is right."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from chalicelib.science import reference

BUILDER = Path(__file__).resolve().parents[3] / "layers" / "reference" / "build.py"


@pytest.fixture(scope="module")
def library(reference_bundle):
    return reference.load(reference_bundle)


@pytest.fixture(scope="module")
def builder():
    spec = importlib.util.spec_from_file_location("reference_build", BUILDER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lamps(library):
    assert len(library.lamps) == 80
    for lamp in library.lamps:
        assert np.isfinite(lamp.flux).all() and len(lamp.flux) > 3000
        assert lamp.elements and lamp.lines_per_mm >= 400


def test_lines_are_air_wavelengths_in_order(library):
    assert set(library.elements) == {"Ar", "Cu", "Fe", "He", "Hg", "Ne"}
    lines = library.lines(("Hg", "Ne"))
    assert np.all(np.diff(lines.wavelength) >= 0)
    for known in (5460.735, 5852.488, 6402.248):
        assert np.min(np.abs(lines.wavelength - known)) < 0.01
    assert len(library.lines(("Unobtainium",))) == 0


def test_standards_of_different_libraries_agree_on_one_star(library):
    flux = [
        np.interp(5500, s.wavelength, s.flux)
        for s in library.standards
        if "ltt3218" in s.names and s.wavelength[0] < 5000
    ]
    assert len(flux) >= 3
    assert np.ptp(flux) / np.mean(flux) < 0.05
    assert 6e-14 < np.mean(flux) < 7e-14


def test_extinction_falls_to_the_red(library):
    assert library.extinction(3500.0) == pytest.approx(0.62)
    assert library.extinction(3500.0) > library.extinction(5000.0) > library.extinction(8000.0)


def test_missing_bundle_says_what_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"build\.py"):
        reference.load(tmp_path)


def test_changed_file_or_builder_makes_the_bundle_stale(builder, reference_bundle, tmp_path):
    for path in reference_bundle.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert builder.is_current(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "lines.json").write_text("{}")
    assert not builder.is_current(tmp_path)
    (tmp_path / "lines.json").write_bytes((reference_bundle / "lines.json").read_bytes())
    manifest["source"]["builder"] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert not builder.is_current(tmp_path)


def test_other_wheel_bytes_are_refused(builder, tmp_path):
    for name in builder.WHEELS:
        (tmp_path / name).write_bytes(b"not the wheel")
    with pytest.raises(SystemExit, match="sha256 differs"):
        builder.build(tmp_path / "out", tmp_path)
