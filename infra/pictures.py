"""Pictures of every page in every theme, for the manual: ``python -m infra.pictures``.

Starts the one-machine stack, plays a simulated night into it, signs in as the people of the night and photographs the
pages as they are. What people of a night would have written (a comment, a note) is put in where it is missing; nothing
else is staged. Needs Chromium, Playwright and the built page (``make frontend``).
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.chromium import browser, open_page, settled
from infra.local.environment import ROOT
from infra.pictures_list import PICTURES, Picture

MANUAL = ROOT / "docs" / "user-manual"
FOLDER = MANUAL / "pictures"
THEMES = ("light", "dark", "night")
"""In the order in which the page's button turns them."""
QUALITIES = (80, 68, 56, 44, 34, 26)
"""Of WebP: the first with which a picture is small enough. A frame's noise costs most."""
LARGEST, LARGEST_SMALLER = 46_000, 27_000
SMALLER = 960
"""Pixels that the pictures of the other themes are wide: they are in the gallery only."""
H_ALPHA = 6562.79


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--stack", type=Path, help="a file with what `up --json` printed: a stack that is there already"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the pictures (default: the manual's)")
    parser.add_argument("--only", nargs="*", help="names of pictures (default: all)")
    parser.add_argument("--themes", nargs="*", default=list(THEMES), choices=THEMES)
    parser.add_argument("--full", action="store_true", help="full size in all themes, to look at them")
    parser.add_argument("--gallery", action="store_true", help="only write the manual's table of the pictures")
    options = parser.parse_args()
    (MANUAL / "gallery.md").write_text(gallery())
    if options.gallery:
        return 0
    wanted = [one for one in PICTURES if not options.only or one.name in options.only]
    options.out.mkdir(parents=True, exist_ok=True)
    missing = []
    with _stack(options.stack) as stack, browser() as chromium, ThreadPoolExecutor(1) as encoder:
        facts = _facts(stack)
        _write(stack, facts)
        pages: dict[tuple[str | None, tuple[int, int]], Any] = {}
        encoded: list[Future[None]] = []
        # One browser page at a time is kept: those of one person and size follow each other.
        for picture in sorted(wanted, key=lambda one: (str(one.role), one.size)):
            key = (picture.role, picture.size)
            if key not in pages:
                for page in pages.values():
                    page.context.close()
                pages = {key: open_page(chromium, stack, picture.role, THEMES[0], picture.size)}
                pages[key].on("dialog", lambda dialog: dialog.accept())
            try:
                for theme, shot in _taken(pages[key], facts, picture, options.themes):
                    path = options.out / f"{picture.name}-{theme}.webp"
                    encoded.append(encoder.submit(_keep, shot, path, smaller=theme != THEMES[0] and not options.full))
                print(picture.name, file=sys.stderr)
            except Exception as error:  # the others are taken all the same
                missing.append(picture.name)
                print(f"{picture.name}: {str(error).splitlines()[0]}", file=sys.stderr)
        for page in pages.values():
            page.context.close()
        for future in encoded:
            future.result()
    size = sum(path.stat().st_size for path in options.out.glob("*.webp"))
    print(f"{len(encoded)} pictures; the folder has {size / 1e6:.1f} MB.", file=sys.stderr)
    if missing:
        print(f"Not taken: {', '.join(missing)}.", file=sys.stderr)
    return 1 if missing else 0


@contextmanager
def _stack(given: Path | None) -> Iterator[dict[str, Any]]:
    if given:
        yield json.loads(given.read_text())
        return
    from infra.local import demo, quiet
    from infra.local.progress import Progress
    from infra.local.stack import Stack
    from infra.local.sweeper import sweep

    progress = Progress("night")
    with progress, Stack(port=0, notify=progress.say) as stack:
        demo.play(demo.plan("400_M2", 1), 0.5, stack.bucket, progress, {})
        quiet.wait(lambda _: None, sweep=sweep)
        yield stack.description()


def _asked(stack: dict[str, Any], path: str, body: object = None, role: str = "pi") -> Any:
    request = urllib.request.Request(
        stack["api"].rstrip("/") + path,
        headers={"Authorization": f"Token {stack['tokens'][role]}", "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def _facts(stack: dict[str, Any]) -> dict[str, Any]:
    """Ids for the addresses: a calibrated spectrum, best that of a galaxy, what it comes from, and what is near it."""

    def ask(path: str) -> Any:
        return json.loads(_asked(stack, path))["results"]

    spectra = [one for one in ask("/files?data_type=4&obstype=SPECTRUM&page_size=200") if one["variant"] == "auto"]
    first = [one for one in spectra if one["target"] in (None, 1)]
    spectrum = next((one for one in first if (one["object"] or "").startswith("GAL")), first[0])
    raw, night = spectrum["original_file_id"], spectrum["night"]
    reduced = ask(f"/files?data_type=2&night={night}&page_size=200")
    return {
        "spectrum": spectrum["id"],
        "extracted": spectrum["parent_file_id"],
        "other": next(one["id"] for one in first if one["object"] != spectrum["object"]),
        "z": f"{_redshift(_asked(stack, f'/files/{spectrum["id"]}/export?format=ascii')):.4f}",
        "raw": raw,
        "reduced": next(one["id"] for one in reduced if one["original_file_id"] == raw),
        "image": next(one["id"] for one in reduced if one["obstype"] == "EXPOSE"),
        "master": next(one["id"] for one in ask(f"/files?data_type=1&night={night}") if one["obstype"] == "LAMPFLAT"),
        "night": night,
        "proposal": next(one["id"] for one in ask("/proposals") if one["soar_id"] == spectrum["proposal_id"]),
    }


def _redshift(table: str) -> float:
    """Of the spectrum's strongest emission above its surroundings, if that is H-alpha: for the lines laid over it."""
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    names = lines[0].split()
    wave, flux = names.index("wavelength"), names.index("flux")
    points = [(float(one[wave]), float(one[flux])) for one in (line.split() for line in lines[1:])]
    near = [point for point in points if H_ALPHA * 1.003 < point[0] < H_ALPHA * 1.052]
    return max(near, key=lambda point: point[1])[0] / H_ALPHA - 1 if near else 0.0


COMMENT = "Second exposure: thin cirrus cleared at 04:40, guiding steady. H-alpha is strong, so two exposures will do."
NOTE = "Photometric after midnight, seeing 0.9 arcsec. Wind from the north, 6 m/s. Lamp changed before the last target."


def _write(stack: dict[str, Any], facts: dict[str, Any]) -> None:
    """A comment on the spectrum and a note on the night, where nobody has written one."""
    proposal = json.loads(_asked(stack, f"/proposals/{facts['proposal']}"))["soar_id"]
    for path, body in (
        (f"/files/{facts['spectrum']}/comments", {"text": COMMENT}),
        (f"/nights/{facts['night']}/comments", {"text": NOTE, "proposal": proposal}),
    ):
        if not json.loads(_asked(stack, path))["results"]:
            _asked(stack, path, body)


STILL = """() => {
  if (document.querySelector('.state.loading, .loading, [aria-busy=true], .spinner')) return false;
  const boxes = [...document.querySelectorAll('canvas')].map((one) => one.getBoundingClientRect());
  const now = JSON.stringify([document.documentElement.scrollHeight, document.body.innerText.length, boxes]);
  const before = window.__still;
  window.__still = now;
  return now === before;
}"""
"""Nothing loads, and the page is as it was a moment ago."""


def _taken(page: Any, facts: dict[str, Any], picture: Picture, themes: list[str]) -> Iterator[tuple[str, bytes]]:
    """The picture in each theme; the page is prepared once."""
    page.evaluate("address => { location.hash = address }", picture.address.format(**facts))
    page.reload()
    page.wait_for_selector("#main")
    page.wait_for_timeout(150)  # the view is asked for before it says that it loads
    settled(page)
    if picture.prepare:
        picture.prepare(page, facts)
    if not picture.hover:
        page.mouse.move(0, 0)
    page.evaluate("() => document.activeElement?.blur()")
    for theme in THEMES:
        if theme in themes:
            page.wait_for_timeout(200)
            page.wait_for_function(STILL, polling=150, timeout=20_000)
            yield theme, page.screenshot()
        # The button itself, not a press on it: behind a dialog nothing can be pressed.
        page.evaluate("() => document.querySelector('[aria-label^=\"Theme:\"]').click()")


def _keep(shot: bytes, path: Path, *, smaller: bool) -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(shot)).convert("RGB")
    if smaller and image.width > SMALLER:
        image = image.resize((SMALLER, image.height * SMALLER // image.width), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=4)
        if out.tell() <= (LARGEST_SMALLER if smaller else LARGEST):
            break
    path.write_bytes(out.getvalue())


HEAD = """\
# All pages in all themes

A press on a picture opens it. They were taken on a simulated night, by `python -m infra.pictures`.
"""


def gallery() -> str:
    """The manual's chapter with all pictures."""
    lines, places = [HEAD], []
    group = ""
    for at, picture in enumerate(PICTURES, 1):
        if picture.group != group:
            group = picture.group
            lines.append(f"\n## {group}\n\n| page | light | dark | red, for the night |\n|---|---|---|---|\n")
        cells = " | ".join(f"![{theme}][{at}{theme[0]}]" for theme in THEMES)
        lines.append(f"| {picture.about} | {cells} |\n")
        places += [f"[{at}{theme[0]}]: pictures/{picture.name}-{theme}.webp\n" for theme in THEMES]
    return "".join([*lines, "\n", *places])


if __name__ == "__main__":
    raise SystemExit(main())
