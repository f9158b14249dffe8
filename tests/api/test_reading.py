"""Lineage, candidates, exports, pictures of a small night that has gone through the real blocks."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Table
from chalice.test import Client

from chalicelib.api import visualize
from chalicelib.domain import pictures, png, previews
from chalicelib.science.preview import read_preview
from chalicelib.store import clients, fixtures, items
from chalicelib.store.lineage import key_of_pool
from tests.api import observatory
from tests.api.client import Api, problem
from tests.api.observatory import Night

Observed = tuple[Api, Night]


@pytest.fixture(scope="module")
def observed(still_aws: None, reference_bundle) -> Iterator[Observed]:
    """The API over a night that is done."""
    from app import app

    with Client(app) as client:
        api = Api(client, fixtures.seed_fixture_accounts(mocked=True))
        yield api, observatory.play()


def fetched(url: str) -> bytes:
    """What an address of the bucket leads to, as its key says."""
    key = url.split("?")[0].split(f"/{clients.bucket()}/", 1)[1]
    return clients.s3().get_object(Bucket=clients.bucket(), Key=key)["Body"].read()


def test_the_night_is_there(observed: Observed):
    _, night = observed
    assert {r["data_type"] for r in night.records} == {"0", "1", "2", "3", "4"}


# ---- lineage


def closure(night: Night, start: int, pairs: list[tuple[int, int]]) -> set[int]:
    """All that can be reached from a file over (from, to)."""
    found: set[int] = set()
    level = {start}
    while level:
        level = {to for source, to in pairs if source in level} - found
        found |= level
    return found - {start}


def test_lineage_is_what_the_records_say_of_every_file(observed: Observed):
    api, night = observed
    made = [(source["id"], r["id"]) for r in night.records for source in r["inputs"] if source["id"] != r["id"]]
    for record in night.records:
        graph = api.json(f"/files/{record['id']}/lineage", "staff")
        shown = {relation: set() for relation in ("itself", "ancestor", "descendant")}
        for node in graph["nodes"]:
            shown[node["relation"]].add(node["id"])
        assert shown["itself"] == {record["id"]}
        assert shown["ancestor"] == closure(night, record["id"], [(to, source) for source, to in made])
        assert shown["descendant"] == closure(night, record["id"], made)
        there = set().union(*shown.values())
        assert {(e["from"], e["to"]) for e in graph["edges"]} == {p for p in made if set(p) <= there}
        assert (graph["hidden"], graph["complete"]) == (0, True)


def test_lineage_tells_roles_settings_and_versions(observed: Observed):
    api, night = observed
    calibrated = night.one("4", "SPECTRUM")
    graph = api.json(f"/files/{calibrated['id']}/lineage")
    roles = {e["role"] for e in graph["edges"]}
    assert roles == {"raw", "bias", "flat", "reduced", "spectrum", "arc"}
    (itself,) = (n for n in graph["nodes"] if n["relation"] == "itself")
    for name in ("settings_revision", "science_version", "run_key", "status", "sha256"):
        assert itself[name] == calibrated[name]


def test_products_tell_when_their_exposure_began_and_of_which_frame_they_are(observed: Observed):
    """A lamp along a spectrum's trace is the arc's; a master is of many exposures, and of no single moment."""
    api, night = observed
    raws = {r["id"]: r for r in night.records if r["data_type"] == "0"}
    assert all(r["observed"] == r["observation"]["started"] for r in raws.values())
    assert len({r["observed"] for r in raws.values()}) == len(raws)
    for record in night.records:
        shown = api.json(f"/files/{record['id']}", "staff")
        itself = api.json(f"/files/{record['id']}/lineage", "staff")["nodes"][0]
        began = None if record["data_type"] == "1" else raws[record["original_file_id"]]["observed"]
        assert shown["observed"] == itself["observed"] == began, record["file_name"]
        assert itself["original_file_id"] == shown["original_file_id"]


def test_a_spectrum_with_wavelengths_says_how_good_its_light_is(observed: Observed):
    _, night = observed
    extracted, calibrated = (night.one(kind, "SPECTRUM")["quality"] for kind in ("3", "4"))
    for name in ("signal_to_noise", "fwhm_pixels", "fwhm_arcsec"):
        assert calibrated[name] == extracted[name] > 0
    assert "signal_to_noise" not in night.one("4", "ARC")["quality"]


def test_every_event_of_a_night_has_a_sentence(observed: Observed):
    _, night = observed
    told = [event for page in items.pages("scan", "events") for event in page]
    assert all(event["sentence"].strip() and "(s)" not in event["sentence"] for event in told)
    done = {e["sentence"] for e in told if e["block"] == "plan" and e["file_id"] == night.one("0", "SPECTRUM")["id"]}
    made = [r for r in night.records if r.get("subject") == night.one("4", "SPECTRUM")["subject"]]
    assert f"Everything that can be made of it is there: {len(made)} files." in done


def test_lineage_leaves_out_what_is_not_yours_and_counts_it(observed: Observed):
    """The raw biases and flats belong to another proposal."""
    api, night = observed
    graph = api.json(f"/files/{night.one('4', 'SPECTRUM')['id']}/lineage", "pi")
    shown = {n["id"] for n in graph["nodes"]}
    assert not shown & {r["id"] for r in night.records if r["scope"] == "CALIBRATE"}
    assert graph["hidden"] == 6
    master = api.json(f"/files/{night.one('1', 'BIAS')['id']}/lineage", "stranger")
    assert {n["obstype"] for n in master["nodes"]} == {"BIAS", "LAMPFLAT"}, "masters only"
    assert master["hidden"] == 3 + 2, "raw biases above; below, the reduced arc and spectrum, and not what lies behind"


def test_a_pools_name_begins_with_the_key_its_master_serves_under(observed: Observed):
    _, night = observed
    for master in night.all("1", "BIAS") + night.all("1", "LAMPFLAT"):
        subject = items.get("subjects", {"subject": master["subject"]}) or {}
        assert key_of_pool(master["subject"]) == subject["serves"]["key"]


# ---- candidates of a frame that is done


def test_what_was_used_is_what_ranks_first(observed: Observed):
    api, night = observed
    raw = night.one("0", "SPECTRUM")
    shown = api.json(f"/files/{raw['id']}/candidates")
    masters = {"bias": night.one("1", "BIAS"), "flat": night.one("1", "LAMPFLAT"), "arc": night.one("2", "ARC")}
    for kind, record in masters.items():
        (first,) = shown[kind]["candidates"]
        assert (first["id"], first["rank"], first["chosen"], first["used"]) == (record["id"], 1, True, True)
        assert first["reasons"]
    assert api.json(f"/files/{night.one('4', 'SPECTRUM')['id']}/candidates") == shown, "a product's are its frame's"
    assert set(api.json(f"/files/{night.one('0', 'ARC')['id']}/candidates")) == {"id", "file_name", "bias"}
    problem(api.get(f"/files/{night.one('0', 'BIAS')['id']}/candidates", "staff"), 409)


# ---- exports


def as_table(text: bytes, form: str) -> Table:
    if form == "votable":
        return parse_single_table(io.BytesIO(text), verify="exception").to_table(use_names_over_ids=True)
    return Table.read(text.decode(), format="ascii.ecsv")


@pytest.mark.parametrize("form", ["ascii", "csv", "votable"])
@pytest.mark.parametrize("data_type", ["3", "4"])
def test_an_export_is_the_table_of_the_fits_file(observed: Observed, form: str, data_type: str):
    api, night = observed
    record = night.one(data_type, "SPECTRUM")
    answer = api.get(f"/files/{record['id']}/export?format={form}")
    assert answer.status_code == 200
    assert record["file_name"].removesuffix(".fits") in answer.headers["Content-Disposition"]
    table = as_table(answer.body, form)
    with fits.open(io.BytesIO(stored(record))) as hdus:
        spectrum = Table(hdus["SPECTRUM"].data)
        units = {c.name.lower(): c.unit for c in hdus["SPECTRUM"].columns}
    assert [name.upper() for name in table.colnames] == spectrum.colnames
    for name in table.colnames:
        np.testing.assert_array_equal(np.asarray(table[name]), np.asarray(spectrum[name.upper()]), err_msg=name)
        assert str(table[name].unit or "") == (units[name] or ""), name
    said = table.meta if form != "votable" else {p.name: p.value for p in votable_of(answer.body).params}
    assert said["sha256"] == record["sha256"]
    assert int(said["id"]) == record["id"]
    assert said["raw_file"] == record["original_file"]


def votable_of(text: bytes):
    return parse_single_table(io.BytesIO(text))


def stored(record: dict) -> bytes:
    return clients.s3().get_object(Bucket=clients.bucket(), Key=record["key"])["Body"].read()


def test_only_spectra_are_exported(observed: Observed):
    api, night = observed
    problem(api.get(f"/files/{night.one('2', 'SPECTRUM')['id']}/export"), 409)
    problem(api.get(f"/files/{night.one('0', 'SPECTRUM')['id']}/export"), 409)
    problem(api.get(f"/files/{night.one('4', 'SPECTRUM')['id']}/export?format=excel"), 400)


# ---- pictures and what the page draws


def test_previews_are_read_without_numpy_as_with_it(observed: Observed):
    _, night = observed
    spectrum = preview_of(night.one("4", "SPECTRUM"))
    _, arrays = read_preview(spectrum)
    for name, values in previews.read(spectrum).columns().items():
        np.testing.assert_array_equal(values, arrays[name], err_msg=name)
    image = preview_of(night.one("2", "SPECTRUM"))
    header, arrays = read_preview(image)
    for coarse, entry in ((True, header["levels"][0]), (False, header["levels"][-1])):
        level = previews.level(previews.read(image), coarse=coarse)
        rows = [[level.electrons(step) for step in row] for row in level.rows]
        np.testing.assert_allclose(rows, arrays[f"level_{entry['factor']}"], rtol=1e-4, atol=1e-2)
    found = b"".join(previews.flags(previews.read(image), factor=1))
    assert found == arrays["mask"].tobytes()


def preview_of(record: dict) -> bytes:
    return clients.s3().get_object(Bucket=clients.bucket(), Key=record["preview"])["Body"].read()


def test_the_page_gets_preview_quality_and_details(observed: Observed):
    api, night = observed
    calibrated = api.json(f"/files/{night.one('4', 'SPECTRUM')['id']}/visualize")
    assert calibrated["kind"] == "spectrum"
    assert fetched(calibrated["preview"]["url"])[:4] == b"GLPV"
    lines = calibrated["details"]["solution"]["lines"]
    assert len(lines) >= calibrated["quality"]["wavelength_lines"] > 10
    assert {"wavelength", "residual", "used", "ion"} <= set(lines[0])
    lamp = api.json(f"/files/{night.one('4', 'ARC')['id']}/visualize")
    assert len(lamp["details"]["solution"]["lines"]) > 10
    extracted = api.json(f"/files/{night.one('3', 'SPECTRUM')['id']}/visualize")["details"]
    with fits.open(io.BytesIO(stored(night.one("2", "SPECTRUM")))) as hdus:
        height = hdus[0].data.shape[0]
    assert len(extracted["profile"]) == height
    assert 0.8 < extracted["extraction"]["sky_chi"] < 1.25
    peak = int(np.argmax(extracted["profile"]))
    assert abs(peak - np.mean(extracted["overlay"]["trace"])) < 3
    raw = api.json(f"/files/{night.one('0', 'SPECTRUM')['id']}/visualize")
    assert (raw["kind"], raw["preview"]) == (None, None)
    problem(api.get(f"/files/{night.one('0', 'SPECTRUM')['id']}/visualize?format=png"), 409)


def test_a_reduced_frame_is_shown_with_the_traces_extracted_from_it(observed: Observed):
    api, night = observed
    shown = api.json(f"/files/{night.one('2', 'SPECTRUM')['id']}/visualize")
    assert [o["id"] for o in shown["overlays"]] == [night.one("3", "SPECTRUM")["id"]]
    assert shown["overlays"][0]["variant"] == "auto"
    overlay = shown["overlays"][0]["overlay"]
    _, arrays = read_preview(preview_of(night.one("2", "SPECTRUM")))
    image = arrays["level_1"]
    for column, row in list(zip(overlay["trace_columns"], overlay["trace"], strict=True))[8:-8:8]:
        profile = np.median(image[:, column - 15 : column + 16], axis=1)
        assert abs(float(np.argmax(profile)) - row) < 3


def decoded(picture: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Indices and palette of a PNG of 8-bit indices, rows not filtered."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, {}
    while at < len(picture):
        length = int.from_bytes(picture[at : at + 4], "big")
        kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        assert int.from_bytes(picture[at + 8 + length : at + 12 + length], "big") == zlib.crc32(kind + data)
        chunks[kind] = chunks.get(kind, b"") + data
        at += 12 + length
    width, height = (int.from_bytes(chunks[b"IHDR"][k : k + 4], "big") for k in (0, 4))
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


def picture(api: Api, record: dict, query: str) -> tuple[np.ndarray, np.ndarray]:
    answer = api.get(f"/files/{record['id']}/visualize?format=png{query}")
    assert answer.status_code == 302
    return decoded(fetched(answer.headers["Location"]))


@pytest.mark.parametrize("stretch", ["asinh", "linear", "sqrt", "log"])
def test_a_picture_shows_more_light_brighter_and_the_slits_bottom_below(observed: Observed, stretch: str):
    api, night = observed
    record = night.one("2", "SPECTRUM")
    shades, palette = picture(api, record, f"&stretch={stretch}&size=full&low=0&high=80")
    _, arrays = read_preview(preview_of(record))
    part = np.clip(arrays["level_1"][::-1].astype(float) / 80, 0, 1)
    stretched = {
        "linear": part,
        "sqrt": np.sqrt(part),
        "asinh": np.arcsinh(20 * part) / np.arcsinh(20),
        "log": np.log1p(1000 * part) / np.log1p(1000),
    }[stretch]
    assert np.unique(shades).size > 15
    np.testing.assert_allclose(shades, stretched * 239, atol=0.6 if stretch != "log" else 1.1)
    assert palette[0].tolist() == [0, 0, 0] and palette[239].tolist() == [255, 255, 255]


def test_an_overlay_is_drawn_where_the_trace_is(observed: Observed):
    api, night = observed
    record = night.one("2", "SPECTRUM")
    plain, _ = picture(api, record, "&size=full")
    drawn, _ = picture(api, record, "&size=full&overlay=1")
    overlay = api.json(f"/files/{record['id']}/visualize")["overlays"][0]["overlay"]
    height = plain.shape[0]
    trace = dict(zip(overlay["trace_columns"], overlay["trace"], strict=True))
    for column, row in list(trace.items())[4:-4:10]:
        pens = np.flatnonzero(drawn[::-1][:, column] == 247)
        assert len(pens) == 1 and abs(pens[0] - row) <= 1, (column, pens, row)
    assert plain.max() < 240 <= drawn.max() and height == drawn.shape[0]


def test_a_spectrum_is_plotted_where_its_flux_is(observed: Observed):
    api, night = observed
    record = night.one("4", "SPECTRUM")
    shown, _ = picture(api, record, "&low=0&high=1500")
    _, arrays = read_preview(preview_of(record))
    left, right, top, bottom = 76, 1000 - 14, 14, 420 - 44
    wavelength, flux = arrays["wavelength"], arrays["flux"]
    for k in range(100, len(flux) - 100, 150):
        column = left + int((wavelength[k] - wavelength[0]) / (wavelength[-1] - wavelength[0]) * (right - left - 1))
        curve = np.flatnonzero(shown[:, column] == 246)
        row = top + (1 - flux[k] / 1500) * (bottom - top - 1)
        assert curve.min() - 2 <= row <= curve.max() + 2


def test_the_pictures_that_can_be_asked_for_are_those_that_can_be_drawn():
    assert (visualize.STRETCHES, visualize.COLOURS) == (pictures.STRETCHES, png.MAPS)


def test_limits_that_exclude_each_other_are_refused(observed: Observed):
    api, night = observed
    problem(api.get(f"/files/{night.one('2', 'SPECTRUM')['id']}/visualize?format=png&low=5&high=5"), 400)


@pytest.mark.parametrize("route", ["lineage", "candidates", "export", "visualize", "visualize?format=png"])
def test_what_is_not_yours_is_not_there(observed: Observed, route: str):
    api, night = observed
    mine, nobodys = (night.one("4", "SPECTRUM")["id"], 2026081499999)
    texts = [problem(api.get(f"/files/{i}/{route}", "stranger"), 404)["detail"] for i in (mine, nobodys)]
    assert texts[0].replace(str(mine), "N") == texts[1].replace(str(nobodys), "N")


def test_the_header_as_text(observed: Observed):
    api, night = observed
    answer = api.get(f"/files/header?id={night.one('4', 'SPECTRUM')['id']}&format=text")
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.body.decode()
    cards = api.json(f"/files/header?id={night.one('4', 'SPECTRUM')['id']}")["cards"]
    assert len(text.splitlines()) == len(cards)
    assert "GSP_LAMP = 'zst_0007" in text
