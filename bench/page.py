"""The web page on the one-machine stack, as a browser sees it: how fast, how large, how soon, how much memory.

    python -m bench.page [--runs 10] [--frames 6] [--files 250000] [--hour 3600] [--only paint live ledger hour sizes]

*paint* opens the data page with a calibrated spectrum in a fresh profile (nothing cached, signed in beforehand) and
reads the browser's own marks: first paint, spectrum drawn, image drawn; medians and the range. *sizes*: gzip of script
and style that the data page loads, and the previews it shows. *live* uploads frames while a page watches: seconds from
the moment the pipeline's event says (published) until the row is in the document. *ledger* fills the tables with a
synthetic archive (see ``bench.ledger``) and jumps to pages of the list. *hour* watches for a simulated hour, the
page's timers and clock ten times as fast, while frames and comments keep coming, and prints the JavaScript heap, after
collection, every ten of those minutes. All wall times; the machine also runs the stack.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from infra.chromium import browser, open_page, settled
from infra.local import demo, quiet
from infra.local.progress import Progress
from infra.local.stack import Stack
from infra.local.sweeper import sweep

WIDE = (1440, 900)
ROW = "[data-file]"
"""A row of the page's list has its file's id."""
FASTER = 10
"""How much faster an hour goes by: more, and the page would ask more often than the API lets one key (600 a minute)."""
TIME_LAPSE = f"""(() => {{
  const start = Date.now(), now = Date.now.bind(Date);
  Date.now = () => start + {FASTER} * (now() - start);
  for (const name of ["setTimeout", "setInterval"]) {{
    const real = window[name];
    window[name] = (call, wait = 0, ...rest) => real(call, wait / {FASTER}, ...rest);
  }}
}})();"""
"""Run before the page's own script: its timers and its clock go faster."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--frames", type=int, default=6, help="frames uploaded while a page watches (default: 6)")
    parser.add_argument("--files", type=int, default=250_000, help="of the synthetic archive (default: 250000)")
    parser.add_argument("--hour", type=int, default=3600, help="simulated seconds of watching (default: 3600)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=["sizes", "paint", "live", "hour", "ledger"])
    options = parser.parse_args()
    if options.only == ["ledger"]:
        return archive(options)
    progress = Progress("night")
    with progress, Stack(port=0, notify=progress.say) as stack, browser() as chromium:
        exposures = demo.plan("400_M2", options.seed)
        late = 2 * options.frames
        demo.play(exposures[:-late], 0.2, stack.bucket, progress, {})
        quiet.wait(lambda _: None, sweep=sweep)
        measure = Measure(chromium, stack, options)
        if "sizes" in options.only:
            measure.sizes()
        if "paint" in options.only:
            measure.paint()
        if "live" in options.only:
            measure.live(exposures[-late : -options.frames], progress)
        if "hour" in options.only:
            measure.hour(exposures[-options.frames :], progress)
    if "ledger" in options.only:  # in a process of its own: this one's API has read the tables of a small night
        asked = ["--files", str(options.files), "--seed", str(options.seed), "--only", "ledger"]
        return subprocess.run([sys.executable, "-m", "bench.page", *asked], check=False).returncode
    return 0


class Measure:
    """The measurements, on one stack and one browser."""

    def __init__(self, chromium: Any, stack: Stack, options: argparse.Namespace) -> None:
        self.chromium, self.options = chromium, options
        self.stack = stack.description()
        self.spectrum = self.ask("/files?data_type=4&obstype=SPECTRUM")["results"][0]

    def ask(self, path: str) -> Any:
        request = urllib.request.Request(
            self.stack["api"].rstrip("/") + path, headers={"Authorization": f"Token {self.stack['tokens']['pi']}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    @contextmanager
    def page(self, role: str = "pi") -> Iterator[Any]:
        page = open_page(self.chromium, self.stack, role, "light", WIDE)
        try:
            yield page
        finally:
            page.context.close()

    def session(self) -> str:
        """What the page keeps in the session storage of a tab."""
        with self.page() as page:
            return page.evaluate("JSON.stringify({...sessionStorage})")

    def fresh(self, session: str, address: str) -> Any:
        """A page of an empty profile that is signed in from the start."""
        context = self.chromium.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
        page = context.new_page()
        page.add_init_script(
            f"for (const [k, v] of Object.entries(JSON.parse({session!r}))) sessionStorage.setItem(k, v)"
        )
        page.goto(self.stack["web"] + address)
        return page

    def sizes(self) -> None:
        """What the data page loads, and previews."""
        session = self.session()
        context = self.chromium.new_context()
        page = context.new_page()
        loaded: dict[str, int] = {}

        def note(response: Any) -> None:
            if response.request.resource_type in ("script", "stylesheet") or ".worker" in response.url:
                loaded[response.url.rsplit("/", 1)[-1]] = len(gzip.compress(response.body(), 9, mtime=0))

        page.on("response", note)
        page.add_init_script(
            f"for (const [k, v] of Object.entries(JSON.parse({session!r}))) sessionStorage.setItem(k, v)"
        )
        page.goto(f"{self.stack['web']}#/data/{self.spectrum['id']}")
        marked(page, "image-drawn")
        context.close()
        print(f"script and style of the data page: {sum(loaded.values()) / 1000:.1f} kB gzip")
        for name, size in sorted(loaded.items()):
            print(f"  {size / 1000:6.1f} kB  {name}")
        night = self.spectrum["night"]
        for kind, name in (
            ("2", "reduced image"),
            ("3", "extracted spectrum"),
            ("4", "calibrated spectrum"),
            ("1", "master"),
        ):
            sizes, fits = [], []
            for record in self.ask(f"/files?data_type={kind}&night={night}&page_size=50")["results"][:10]:
                shown = self.ask(f"/files/{record['id']}/visualize")["preview"]
                if shown:
                    with urllib.request.urlopen(shown["url"], timeout=60) as answer:
                        sizes.append(len(answer.read()))
                    fits.append(record["size"])
            if sizes:
                low, middle, high = min(sizes) / 1000, statistics.median(sizes) / 1000, max(sizes) / 1000
                file = statistics.median(fits) / 1000
                print(f"preview, {name}: {middle:.0f} kB ({low:.0f}-{high:.0f}, n {len(sizes)}); FITS {file:.0f} kB")

    def paint(self) -> None:
        """First paint, spectrum, image."""
        session = self.session()
        found: dict[str, list[float]] = {"first paint": [], "spectrum drawn": [], "image drawn": []}
        for _ in range(self.options.runs):
            page = self.fresh(session, f"#/data/{self.spectrum['id']}")
            for name, mark in (("spectrum drawn", "spectrum-drawn"), ("image drawn", "image-drawn")):
                found[name].append(marked(page, mark))
            found["first paint"].append(
                page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            )
            page.context.close()
        for name, values in found.items():
            told(name, [value / 1000 for value in values])

    def live(self, exposures: list[Any], progress: Progress) -> None:
        """From the event's moment to the row in the list."""
        with self.page() as page:
            page.evaluate("location.hash = '#/data'")
            page.locator(ROW).first.wait_for()
            page.evaluate(
                """row => {
                  window.seenAt = {};
                  const look = () => { for (const one of document.querySelectorAll(row))
                    window.seenAt[one.dataset.file] ??= Date.now(); };
                  look(); new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
                }""",
                ROW,
            )
            before = set(page.evaluate("Object.keys(window.seenAt)"))
            demo.play(exposures, 6.0, self.stack["bucket"], progress, {})
            quiet.wait(lambda _: None, sweep=sweep)
            page.wait_for_timeout(3000)
            seen = page.evaluate("window.seenAt")
        late = []
        for identifier in sorted(set(seen) - before):
            events = self.ask(f"/files/{identifier}/history")["events"]
            first = min(events, key=lambda event: event["time"])
            late.append(seen[identifier] / 1000 - moment(first["time"]))
        told("new frame visible after its publication", late)

    def hour(self, exposures: list[Any], progress: Progress) -> None:
        """The heap while an hour goes by ``FASTER`` times as fast: every look at the feed is asked and answered."""
        answers = Counter[int]()
        with self.page() as page:
            page.add_init_script(TIME_LAPSE)
            page.reload()
            page.evaluate("location.hash = '#/data'")
            page.locator(ROW).first.wait_for()
            settled(page)
            page.on("response", lambda response: answers.update([response.status] * ("/events" in response.url)))
            began, rows = time.monotonic(), page.locator(ROW).count()
            heaps = [heap(page)]
            raw = self.spectrum["original_file_id"]
            minutes = self.options.hour // 60
            with ThreadPoolExecutor(1) as pool:
                arriving = pool.submit(
                    demo.play,
                    exposures,
                    self.options.hour / FASTER / len(exposures),
                    self.stack["bucket"],
                    progress,
                    {},
                )
                for minute in range(minutes):
                    self.comment(raw, f"Minute {minute}.")
                    page.wait_for_timeout(max(0.0, began + (minute + 1) * 60 / FASTER - time.monotonic()) * 1000)
                    if (minute + 1) % 10 == 0:
                        heaps.append(heap(page))
                arriving.result()
            assert page.locator(ROW).count() >= rows
        print(
            f"heap every ten of {minutes} simulated minutes, the page's clock {FASTER} times as fast; "
            f"{len(exposures)} frames and {minutes} comments came, the feed was asked {answers.total()} times "
            f"({dict(answers)}): {', '.join(f'{size / 1e6:.1f}' for size in heaps)} MB"
        )

    def comment(self, identifier: int, text: str) -> None:
        request = urllib.request.Request(
            f"{self.stack['api'].rstrip('/')}/files/{identifier}/comments",
            data=json.dumps({"text": text}).encode(),
            headers={"Authorization": f"Token {self.stack['tokens']['pi']}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=60).read()


def archive(options: argparse.Namespace) -> int:
    """Jumps in the list of a large archive."""
    from bench.archive import Archive

    with (
        Stack(port=0, notify=lambda text: print(text, file=sys.stderr)) as stack,
        Archive(options.files, options.seed) as large,
        browser() as chromium,
    ):
        page = open_page(chromium, stack.description(), "superuser", "light", WIDE)
        page.evaluate("location.hash = '#/search'")
        page.locator(ROW).first.wait_for()
        settled(page)
        pages = -(-large.files // 20)
        waits = []
        for wanted in [pages, *(1 + pages * step // 10 for step in range(options.runs - 1))]:
            before = page.locator(ROW).first.get_attribute("data-file")
            box = page.get_by_placeholder("Page").first
            box.fill(str(wanted))
            started = time.perf_counter()
            box.press("Enter")
            page.wait_for_function(
                "([row, before]) => (document.querySelector(row)?.dataset.file ?? before) !== before", arg=[ROW, before]
            )
            waits.append(time.perf_counter() - started)
        told(f"jump to a page of {pages} ({large.files} files)", waits)
        page.context.close()
    return 0


def marked(page: Any, name: str) -> float:
    """Milliseconds from the start of the navigation until the page made a mark."""
    handle = page.wait_for_function(
        "name => performance.getEntriesByName(name)[0]?.startTime", arg=name, timeout=60_000
    )
    return handle.json_value()


def heap(page: Any) -> int:
    """Bytes of the JavaScript heap in use, after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used


def moment(text: str) -> float:
    """Seconds since the epoch of an ISO moment."""
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def told(what: str, seconds: list[float]) -> None:
    """A line: median, range, number."""
    if not seconds:
        print(f"{what}: nothing measured", file=sys.stderr)
        return
    print(
        f"{what}: median {statistics.median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f}, n {len(seconds)})"
    )


if __name__ == "__main__":
    raise SystemExit(main())
