"""``process``: a folder of frames through the whole pipeline, and everything it made into another folder."""

from __future__ import annotations

import json
import math
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.progress import Progress
from infra.local.stack import Stack

SUCCESS, USAGE, FRAME_FAILED = 0, 2, 3


MARK = "files.json"
"""What a run writes first, empty, and removes last: it tells a folder with products, of an interrupted run too."""

WRITTEN = ("masters", "reduced", "extracted", "calibrated", "preview", "invocations.jsonl", "pump.log", MARK)
"""What a run writes into its folder."""


class BadUsage(Exception):
    """The command cannot be done as given; the sentence says why."""


@dataclass(frozen=True)
class Line:
    """What became of one file of the folder."""

    file: str
    obstype: str
    status: str
    reason: str
    id: int | None
    products: tuple[str, ...] = ()
    summary: str = ""


def process(
    folder: Path,
    out: Path,
    *,
    workers: int | None = None,
    interval: float = 0.0,
    as_json: bool = False,
    overwrite: bool = False,
) -> int:
    """Run every file below ``folder`` through upload, queues and blocks; the exit code.

    With an ``interval`` (seconds) the files come one after the other, as at the telescope: latencies mean something
    only then. ``overwrite`` removes what an earlier run wrote to ``out``, and nothing else, before the new is written.

    Raises
    ------
    BadUsage
        There is nothing to process, or nowhere to write.
    """
    files = _files(folder, out, overwrite)
    progress = Progress("process")
    with progress, Stack(port=0, workers=workers, notify=progress.say) as stack:
        from infra.local import faults, harvest, timings

        uploads, uploaded = _run(folder, files, stack, progress, interval)
        api = harvest.LocalApi(stack.web.gateway, stack.tokens["superuser"])
        records = list(api.all_files())
        progress.show(len(files), len(files), "writing products")
        if overwrite:
            remove_products(out)
        (out / MARK).write_text("[]\n")
        written = harvest.write_products(records, out)
        placed = [{**record, "path": written.paths.get(record["id"])} for record in records]
        (out / MARK).write_text(json.dumps(placed, indent=1) + "\n")
        invocations = timings.read_invocations(stack.pump.invocations)
        (out / "invocations.jsonl").write_text("".join(json.dumps(i) + "\n" for i in invocations))
        (out / "pump.log").write_bytes(stack.pump.log.read_bytes())
        labels = {f"s3://{stack.bucket}/{upload.key}": upload.label for upload in uploads}
        lines = []
        for upload in sorted(uploads, key=lambda upload: upload.label):
            if upload.key in uploaded.unread:
                lines.append(Line(upload.label, "", "failed", uploaded.unread[upload.key], None))
                continue
            record = harvest.raw_of_upload(records, upload.key, uploaded.sha256[upload.key])
            lines.append(_line(upload.label, record, records, written, labels))
        report: dict[str, Any] = {
            "files": [asdict(line) for line in lines],
            "problems": [*written.problems, *_lost()],
            "blocks": timings.by_block(invocations),
            "faults": faults.total(invocations),
            "latency": latency(records, uploads_by_id(records, uploaded), invocations),
            "interval": interval,
            "out": str(out),
        }
    failed = report["problems"] or any(line.status == "failed" for line in lines)
    code = FRAME_FAILED if failed else SUCCESS
    report["exit"] = code
    print(json.dumps(report, indent=1) if as_json else text(report))
    return code


def _files(folder: Path, out: Path, overwrite: bool) -> list[Path]:
    from infra.local.upload import files_below

    if not folder.exists():
        raise BadUsage(f"There is no folder {folder}.")
    if not folder.is_dir():
        raise BadUsage(f"{folder} is a file; name the folder it is in.")
    if out.resolve() == folder.resolve():
        raise BadUsage("The products need a folder of their own: --out must not be the folder of raw frames.")
    if (out / MARK).exists() and not overwrite:
        raise BadUsage(f"{out} holds products of an earlier run; name another folder or empty it (--overwrite does).")
    there = [name for name in WRITTEN if (out / name).exists()]
    if there and MARK not in there:  # whose they are nothing says, so nothing is removed, and nothing mixed with them
        raise BadUsage(f"{out} holds {', '.join(there)}, but no {MARK} of a run; name another folder or empty it.")
    if overwrite and any(folder.resolve().is_relative_to((out / place).resolve()) for place in WRITTEN):
        raise BadUsage(f"--overwrite would remove the raw frames: {folder} lies among the products in {out}.")
    files = files_below(folder, without=out)
    if not files:
        raise BadUsage(f"There are no files in {folder}.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadUsage(f"Products cannot be written to {out}: {error.strerror}.") from error
    return files


def remove_products(out: Path) -> None:
    """Remove what an earlier run wrote to ``out``, if one did; whatever else is there stays."""
    if not (out / MARK).exists():
        return
    for name in WRITTEN:
        place = out / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def _run(folder: Path, files: list[Path], stack: Stack, progress: Progress, interval: float) -> tuple[list[Any], Any]:
    """Upload while the pump works, and wait until nothing is left."""
    from chalicelib.store import clients
    from infra.local import follow, harvest, quiet, upload
    from infra.local.pump_process import PumpFailed
    from infra.local.sweeper import sweep

    uploads = upload.plan_uploads(folder, files, datetime.now(UTC))
    state: dict[str, Any] = {"sent": 0}
    api = harvest.LocalApi(stack.web.gateway, stack.tokens["superuser"])
    settled, looked = 0, -math.inf

    def send() -> None:
        try:
            state["uploaded"] = upload.send(
                uploads, clients.s3(), stack.bucket, lambda n: state.update(sent=n), interval=interval
            )
        except Exception as error:
            state["error"] = error

    sender = threading.Thread(target=send, name="upload", daemon=True)
    sender.start()

    def watch(now: quiet.Load) -> None:
        if stack.pump.failed:
            raise PumpFailed(f"The block functions cannot be run; see {stack.pump.log}.")
        nonlocal settled, looked
        if time.monotonic() - looked > follow.LOOK_SECONDS:
            settled, looked = follow.settled(api), time.monotonic()
        left = ", ".join(f"{name} {count}" for name, count in now.messages.items() if count)
        sent = "" if state["sent"] == len(uploads) else f"{state['sent']} uploaded  "
        progress.show(settled, len(uploads), f"settled  {sent}{left and f'left: {left}'}")

    while sender.is_alive():
        watch(quiet.load())
        sender.join(0.25)
    if "error" in state:
        raise state["error"]
    quiet.wait(watch, sweep=sweep)
    return uploads, state["uploaded"]


def _lost() -> list[str]:
    from infra.local import resources
    from infra.local.moto_queues import bodies_in

    return [
        f"A message could not be handled even as a dead letter, after {receives} attempts; see pump.log: {body[:500]}"
        for body, receives in bodies_in(resources.LOST_QUEUE)
    ]


def _line(
    label: str,
    record: Mapping[str, Any] | None,
    records: Iterable[Mapping[str, Any]],
    written: Any,
    labels: Mapping[str, str],
) -> Line:
    from infra.local.follow import summary

    if record is None:
        return Line(label, "", "failed", "The pipeline has no record of this file; see pump.log.", None)
    first = labels.get(record["full_path"], record["file_name"])
    if first != label:
        reason = f"The same bytes as {first}; reduced once."
        return Line(label, record["obstype"] or "", record["status"] or "", reason, record["id"])
    made = [r["id"] for r in records if r["original_file_id"] == record["id"] and r["id"] in written.paths]
    return Line(
        label,
        record["obstype"] or "",
        record["status"] or "",
        record["status_reason"] or "",
        record["id"],
        tuple(written.paths[identifier] for identifier in sorted(made)),
        summary([r for r in records if r["original_file_id"] == record["id"]]),
    )


def uploads_by_id(records: Iterable[Mapping[str, Any]], uploaded: Any) -> dict[int, float]:
    """Raw file id → when its upload was complete."""
    from chalicelib.domain.records import RAW_TYPE

    moments = {sha256: uploaded.moment[key] for key, sha256 in uploaded.sha256.items()}
    return {r["id"]: moments[r["sha256"]] for r in records if r["data_type"] == RAW_TYPE and r["sha256"] in moments}


def latency(
    records: Iterable[Mapping[str, Any]], uploaded: Mapping[int, float], invocations: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Seconds from the end of the upload to the first calibrated spectrum, for science frames.

    Returns
    -------
    dict
        ``n``, ``p50``, ``p95``, ``max`` (None where there are none) and ``aws_share``: the part of the handlers' wall
        time that was spent waiting for moto.
    """
    from chalicelib.domain.records import CALIBRATED_TYPE
    from infra.local.timings import percentile

    first: dict[int, float] = {}
    for record in records:
        if record["data_type"] == CALIBRATED_TYPE and record["obstype"] == "SPECTRUM":
            raw, created = record["original_file_id"], datetime.fromisoformat(record["created"]).timestamp()
            first[raw] = min(created, first.get(raw, math.inf))
    waits = [created - uploaded[raw] for raw, created in first.items() if raw in uploaded]
    wall = sum(i.get("wall") or 0.0 for i in invocations)
    waited = sum(i.get("aws_seconds") or 0.0 for i in invocations)
    return {
        "n": len(waits),
        "p50": percentile(waits, 50) if waits else None,
        "p95": percentile(waits, 95) if waits else None,
        "max": max(waits, default=None),
        "aws_share": waited / wall if wall else None,
    }


def text(report: Mapping[str, Any]) -> str:
    """The report as a person reads it: a line a file, what went wrong, the time each block took."""
    from infra.local import timings

    files = report["files"]
    width = max(len(line["file"]) for line in files)
    lines = [
        f"{line['file']:<{width}}  {line['obstype']:<8}  {line['status']:<11}  "
        + " ".join(filter(None, [line["reason"], line["summary"]]))
        for line in files
    ]
    names: dict[str, list[str]] = {}
    for line in files:
        names.setdefault(line["status"], []).append(line["file"])
    counts = [
        f"{len(of)} {status}" + (f" ({', '.join(of)})" if status in ("failed", "rejected") else "")
        for status, of in sorted(names.items())
    ]
    lines += ["", f"{len(files)} files: " + ", ".join(counts)]
    lines += report["problems"]
    lines += ["", timings.table(report["blocks"]), "", _latency_sentence(report["latency"], report["interval"])]
    if report["faults"]:
        injected = ", ".join(f"{count} {kind}" for kind, count in sorted(report["faults"].items()))
        lines.append(f"Faults injected into the blocks' requests: {injected}.")
    products = {product for line in files for product in line["products"]}
    lines += [f"{len(products)} products of these frames, the masters and files.json are in {report['out']}."]
    return "\n".join(lines)


def _latency_sentence(found: Mapping[str, Any], interval: float) -> str:
    if not found["n"]:
        return "No science frame was wavelength-calibrated."
    sent = f"sent every {interval:g} s" if interval else "of a folder sent at once"
    return (
        f"Upload to calibrated, {found['n']} science frames {sent}: p50 {found['p50']:.1f} s, "
        f"p95 {found['p95']:.1f} s; {100 * found['aws_share']:.0f} % of the functions' time was spent waiting for moto."
    )


def main(folder: Path, out: Path, workers: int | None, interval: float, as_json: bool, overwrite: bool) -> int:
    """:func:`process`, with its usage errors as sentences."""
    try:
        return process(folder, out, workers=workers, interval=interval, as_json=as_json, overwrite=overwrite)
    except BadUsage as error:
        print(error, file=sys.stderr)
        return USAGE
