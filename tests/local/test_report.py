"""What `process` tells: times, latencies, paths of products, when it is over, and the bar."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from chalicelib.domain import topology
from infra.local import follow, harvest, process, quiet, timings
from infra.local.process import WRITTEN, BadUsage, _line, latency, remove_products
from infra.local.progress import Progress


def invocation(block: str, cpu: float, **more: Any) -> dict[str, Any]:
    return {
        "block": block,
        "outcome": "ok",
        "cpu": cpu,
        "wall": 2 * cpu,
        "aws_seconds": cpu / 2,
        "peak_memory": 100 + cpu,
        "sent": 10.0,
        "started": 10.5,
    } | more


def test_a_row_a_block_in_the_pipelines_order():
    rows = timings.by_block(
        [
            invocation("extract", 1.0),
            invocation("wavelength", 0.0, subject="s3:TestEvent"),
            invocation("ingest", 0.2),
            invocation("ingest", 0.6),
            {"block": "ingest", "outcome": "died", "error": "…", "wall": 9.0, "sent": 1.0, "started": 2.0},
        ]
    )
    assert [row["block"] for row in rows] == ["ingest", "extract"]
    ingest = rows[0]
    assert (ingest["n"], ingest["errors"]) == (3, 1)
    assert ingest["cpu_median"] == pytest.approx(0.4)
    assert ingest["wall_max"] == 9.0
    assert ingest["queued_median"] == 0.5
    looked, made = invocation("reduce", 0.1), invocation("reduce", 3.0, objects=2)
    (reduce,) = timings.by_block([looked, made])  # looking without finding anything due must not flatter the times
    assert (reduce["n"], reduce["made"], reduce["cpu_median"], reduce["cpu_total"]) == (2, 1, 3.0, 3.1)
    table = timings.table(rows).splitlines()
    assert len(table) == 3
    assert len({len(line) for line in table}) == 1


def test_percentiles_are_values_that_occurred():
    assert timings.percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert timings.percentile(range(1, 101), 95) == 95
    assert timings.percentile([7.0], 95) == 7.0
    assert math.isnan(timings.percentile([], 50))


def test_a_half_written_line_is_left_for_later(tmp_path):
    log = tmp_path / "log"
    log.write_text(json.dumps(invocation("ingest", 1.0)) + '\n{"block": "ing')
    assert len(timings.read_invocations(log)) == 1


def record(identifier: int, name: str, data_type: str = "2", **more: Any) -> dict[str, Any]:
    return {
        "id": identifier,
        "file_name": name,
        "data_type": data_type,
        "night": 20180204,
        "full_path": f"s3://b/reduced/spectrum/20180204/{identifier}/0123456789ab/{name}",
        "original_file": "x.fits",
        "original_file_id": 1,
        "obstype": "SPECTRUM",
        "sha256": f"sum{identifier}",
        "created": "2018-02-04T00:00:10+00:00",
    } | more


def test_no_product_takes_anothers_place():
    paths = harvest.product_paths([record(5, "s_x.fits"), record(4, "s_x.fits"), record(6, "S_X.fits")])
    assert paths[4] == "reduced/spectrum/20180204/s_x.fits"
    assert paths[5] == "reduced/spectrum/20180204/s_x_5.fits"
    assert paths[6] == "reduced/spectrum/20180204/S_X_6.fits"
    assert harvest.product_paths([record(7, "../../etc/passwd")])[7] == "reduced/spectrum/20180204/.._.._etc_passwd"


def test_products_of_two_frames_of_one_name_are_told_apart_by_their_frames_id():
    second = {"original_file": "X.fits.gz", "original_file_id": 8}
    paths = harvest.product_paths(
        [record(4, "s_x.fits"), record(9, "s_X.fits", **second), record(10, "w_s_X.fits", **second)]
    )
    assert [path.rsplit("/", 1)[1] for path in paths.values()] == ["s_x.fits", "s_X_8.fits", "w_s_X_8.fits"]


def test_a_frames_news_says_what_became_of_it():
    raw = record(1, "x.fits", "0", object="SN2026at", status="done", status_reason="")
    raw |= {"last_modified": "2018-02-04T00:00:10.5+00:00"}
    quality = {"wavelength_rms": 0.0331, "wavelength_lines": 40, "zero_point_verified": True, "zero_point": 14.42}
    moved = record(2, "w.fits", "4", target=None, quality=quality | {"zero_point_applied": True})
    told = follow.sentence(raw, 1517702400.0 + 6.4, [moved])
    assert told.endswith(
        "x.fits  SPECTRUM  SN2026at  done  4.1 s  wavelength rms 0.033 Å from 40 lines, "
        "zero point shifted by +14.42 Å on the sky."
    )
    assert "zero point verified" in follow.summary([moved | {"quality": quality}])
    assert "zero point not verified" in follow.summary([moved | {"quality": {"zero_point_verified": False}}])


def test_a_status_is_news_once(monkeypatch):
    states = {1: ("waiting", "In the queue."), 2: ("waiting", "an arc"), 3: ("done", "")}

    def raw(identifier: int) -> dict[str, Any]:
        status, reason = states[identifier]
        return record(identifier, f"{identifier}.fits", "0", status=status, status_reason=reason)

    read: list[list[int]] = []

    def reread(identifiers: list[int]) -> list[dict[str, Any]]:
        read.append(identifiers)
        return [raw(identifier) for identifier in identifiers]

    class Api:
        def pages(self, query: str) -> Any:
            yield {"count": len(states), "results": [raw(identifier) for identifier in sorted(states, reverse=True)]}

    monkeypatch.setattr(follow.listing, "records", reread)
    monkeypatch.setattr(follow, "file_record", lambda record: record)
    follower = follow.Follower(Api())  # type: ignore[arg-type]
    assert [r["id"] for r in follower.news()] == [2, 3]
    states |= {1: ("failed", "No light."), 4: ("rejected", "No FITS.")}
    assert [r["id"] for r in follower.news()] == [1, 4]
    states[2] = ("done", "")
    assert [r["id"] for r in follower.news()] == [2]
    assert read == [[1, 2], [2]]  # what is final is not read again
    assert follower.counts() == {"done": 2, "failed": 1, "rejected": 1}


def test_the_same_bytes_are_said_to_be_so():
    raw = record(1, "a.fits", "0", status="done", status_reason="", full_path="s3://b/raw/20180204/a.fits")
    labels = {"s3://b/raw/20180204/a.fits": "a.fits", "s3://b/raw/20180204/b.fits": "b.fits"}
    made = record(2, "s_a.fits")
    written = harvest.Written({2: "reduced/s_a.fits"}, ())
    assert _line("a.fits", raw, [raw, made], written, labels).products == ("reduced/s_a.fits",)
    again = _line("b.fits", raw, [raw, made], written, labels)
    assert (again.reason, again.products) == ("The same bytes as a.fits; reduced once.", ())


def test_only_what_a_run_wrote_is_removed(tmp_path):
    for place in ("reduced/spectrum/x.fits", "preview/x.json", "files.json", "mine/notes.txt", "notes.txt"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    remove_products(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "notes.txt"]
    (tmp_path / "reduced").mkdir()
    remove_products(tmp_path)  # no run's: its files.json is missing
    assert (tmp_path / "reduced").exists()


class Interrupted(Exception):
    """What ends a run in the middle of a test."""


def test_products_of_an_interrupted_run_are_known_as_a_runs(tmp_path, monkeypatch):
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    (raw / "x.fits").write_text("x")

    def torn(records, directory):
        (directory / "reduced").mkdir()
        raise Interrupted

    monkeypatch.setattr(process, "Stack", MagicMock())
    monkeypatch.setattr(process, "_run", lambda *_: ([], None))
    monkeypatch.setattr(harvest, "LocalApi", MagicMock())
    monkeypatch.setattr(harvest, "write_products", torn)
    with pytest.raises(Interrupted):
        process.process(raw, out)
    with pytest.raises(BadUsage, match="products of an earlier run"):
        process.process(raw, out)
    (out / "masters").mkdir()
    with pytest.raises(Interrupted):
        process.process(raw, out, overwrite=True)
    assert not (out / "masters").exists()


def test_an_interrupted_removal_goes_on_the_next_time(tmp_path, monkeypatch):
    for place in WRITTEN:
        (tmp_path / place).mkdir() if "." not in place else (tmp_path / place).touch()
    unlink = Path.unlink

    def stuck(path, **more):
        if path.name == "pump.log":
            raise Interrupted
        unlink(path, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stuck)
        with pytest.raises(Interrupted):
            remove_products(tmp_path)
    remove_products(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("overwrite", [False, True])
def test_products_that_no_run_is_known_to_have_written_are_neither_mixed_nor_removed(tmp_path, overwrite):
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    (raw / "x.fits").write_text("x")
    (out / "calibrated").mkdir(parents=True)
    with pytest.raises(BadUsage, match=r"holds calibrated, but no files\.json"):
        process.process(raw, out, overwrite=overwrite)
    assert (out / "calibrated").exists()


def test_latency_is_to_the_first_calibrated_spectrum_of_each_science_frame():
    start = 1517702400.0  # 2018-02-04T00:00:00Z
    records = [
        record(2, "w.fits", "4"),
        record(3, "w2.fits", "4", created="2018-02-04T00:00:04+00:00"),
        record(4, "w3.fits", "4", original_file_id=9, created="2018-02-04T00:00:30+00:00"),
        record(5, "arc.fits", "4", obstype="ARC", original_file_id=8),
    ]
    found = latency(records, {1: start, 9: start, 8: start}, [invocation("reduce", 1.0)])
    assert (found["n"], found["p50"], found["p95"]) == (2, 4.0, 30.0)
    assert found["aws_share"] == pytest.approx(0.25)
    assert latency([], {}, [])["p50"] is None


def test_the_end_is_when_nothing_is_visible_in_flight_delayed_or_open():
    busy, orphan, idle = quiet.Load({"ingest": 1}, 0), quiet.Load({"ingest": 0}, 1), quiet.Load({"ingest": 0}, 0)
    looks = iter([busy, orphan, busy, orphan, orphan, orphan, idle])
    now = [0.0]
    sweeps: list[float] = []
    seen: list[quiet.Load] = []

    def sleep(_: float) -> None:
        now[0] += 15.0

    quiet.wait(
        seen.append, sweep=lambda: sweeps.append(now[0]), clock=lambda: now[0], sleep=sleep, look=lambda: next(looks)
    )
    assert seen[-1] is idle
    assert sweeps == [75.0]  # open without any message for longer than 20 s, not while there were messages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_a_run_writes_covers_every_prefix():
    prefixes = (topology.MASTERS, topology.REDUCED_SPECTRUM, topology.REDUCED_IMAGE, topology.EXTRACTED)
    tops = {prefix.split("/")[0] for prefix in (*prefixes, topology.CALIBRATED, topology.PREVIEW)}
    assert tops <= set(WRITTEN)


def test_a_narrow_terminal_shortens_the_bar_not_the_text(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "52")
    monkeypatch.setenv("LINES", "24")
    terminal = Terminal()
    Progress("night", terminal).show(20, 40, "0025_a_frame.fits  SPECTRUM")
    drawn = terminal.getvalue().removeprefix("\r\x1b[K")
    assert drawn.endswith("20/40  0025_a_frame.fits  SPECTRUM")
    assert "█" in drawn
    assert len(drawn) < 52


def test_the_bar_is_for_terminals_only(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal, pipe = Terminal(), io.StringIO()
    now = [0.0]
    for stream in (terminal, pipe):
        with Progress("night", stream, clock=lambda: now[0]) as progress:
            for done in range(4):
                now[0] += 1
                progress.show(done, 4, "frame")
            progress.say("A sentence.")
            progress.show(4, 4)
    assert "█" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert "\x1b" not in pipe.getvalue()
    assert pipe.getvalue().splitlines() == ["night 0/4  frame", "A sentence.", "night 4/4"]
