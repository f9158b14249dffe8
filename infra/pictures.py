"""Pictures of every page in every theme, for the manual: ``python -m infra.pictures``.

Starts the one-machine stack, plays a simulated night into it, signs in as the people of the night and photographs the
pages as they are; nothing is staged but the night. Needs Chromium, Playwright and the built page (``make frontend``).
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.chromium import browser, open_page, settled
from infra.local.environment import ROOT

FOLDER = ROOT / "docs" / "user-manual" / "pictures"
THEMES = ("light", "dark", "night")
WIDE, PHONE = (1440, 900), (360, 740)
QUALITY = 82
"""Of WebP: text stays crisp, a page has some 60 kB."""

Prepare = Callable[[Any, dict[str, Any]], None]


@dataclass(frozen=True)
class Picture:
    """One page: who looks at it, where it is, what is done there before the picture is taken.

    Attributes
    ----------
    address : str
        The fragment; ``{spectrum}``, ``{raw}``, ``{reduced}``, ``{master}``, ``{night}``, ``{proposal}`` are filled in.
    """

    name: str
    role: str | None
    address: str
    prepare: Prepare | None = None
    size: tuple[int, int] = WIDE


def _clicked(role: str, name: str, *, exact: bool = False) -> Prepare:
    def prepare(page: Any, facts: dict[str, Any]) -> None:
        page.get_by_role(role, name=name, exact=exact).first.click()

    return prepare


PICTURES = (
    Picture("sign-in", None, "#/"),
    Picture("forgot-password", None, "#/forgot-password"),
    Picture("home", "pi", "#/"),
    Picture("data", "pi", "#/data/{spectrum}"),
    Picture("data-raw", "pi", "#/data/{raw}"),
    Picture("data-reduced", "pi", "#/data/{reduced}"),
    Picture("data-header", "pi", "#/data/{spectrum}?panel=header"),
    Picture("data-quality", "pi", "#/data/{spectrum}?panel=quality"),
    Picture("data-lineage", "pi", "#/data/{spectrum}?panel=lineage"),
    Picture("data-comments", "pi", "#/data/{spectrum}?panel=comments"),
    Picture("data-master", "pi", "#/data/{master}?list=calibrations"),
    Picture("night", "pi", "#/night/{night}"),
    Picture("search", "pi", "#/search"),
    Picture("proposals", "pi", "#/proposals"),
    Picture("collaborators", "pi", "#/collaborators/{proposal}"),
    Picture("settings", "pi", "#/settings/{proposal}"),
    Picture("logs", "pi", "#/logs"),
    Picture("api-docs", "pi", "#/docs"),
    Picture("user", "pi", "#/user"),
    Picture("management-users", "superuser", "#/management/users"),
    Picture("management-proposals", "superuser", "#/management/proposals"),
    Picture("management-import", "superuser", "#/management/import"),
    Picture("management-unassigned", "superuser", "#/management/unassigned"),
    Picture("management-mail", "superuser", "#/management/mail"),
    Picture("management-queues", "superuser", "#/management/queues"),
    Picture("keys", "pi", "#/data/{spectrum}", lambda page, facts: page.keyboard.press("?")),
    Picture("phone-data", "pi", "#/data/{spectrum}", size=PHONE),
    Picture("phone-night", "pi", "#/night/{night}", size=PHONE),
)


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--stack", type=Path, help="a file with what `up --json` printed: a stack that is there already"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the pictures (default: the manual's)")
    parser.add_argument("--only", nargs="*", help="names of pictures (default: all)")
    parser.add_argument("--themes", nargs="*", default=list(THEMES), choices=THEMES)
    options = parser.parse_args()
    wanted = [one for one in PICTURES if not options.only or one.name in options.only]
    options.out.mkdir(parents=True, exist_ok=True)
    with _stack(options.stack) as stack, browser() as chromium:
        facts = _facts(stack)
        for picture in wanted:
            for theme in options.themes:
                path = options.out / f"{picture.name}-{theme}.webp"
                path.write_bytes(_taken(chromium, stack, facts, picture, theme))
                print(path, file=sys.stderr)
    return 0


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


def _facts(stack: dict[str, Any]) -> dict[str, Any]:
    """Ids for the addresses: the newest calibrated spectrum and what it comes from."""
    import urllib.request

    def ask(path: str, role: str = "pi") -> Any:
        request = urllib.request.Request(
            stack["api"].rstrip("/") + path, headers={"Authorization": f"Token {stack['tokens'][role]}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    spectrum = ask("/files?data_type=4&obstype=SPECTRUM")["results"][0]
    raw = spectrum["original_file_id"]
    reduced = ask(f"/files?data_type=2&night={spectrum['night']}&obstype=SPECTRUM&page_size=200")["results"]
    return {
        "spectrum": spectrum["id"],
        "raw": raw,
        "reduced": next(one["id"] for one in reduced if one["original_file_id"] == raw),
        "master": ask("/files?data_type=1")["results"][0]["id"],
        "night": spectrum["night"],
        "proposal": ask("/proposals")["results"][0]["id"],
    }


def _taken(chromium: Any, stack: dict[str, Any], facts: dict[str, Any], picture: Picture, theme: str) -> bytes:
    from PIL import Image

    page = open_page(chromium, stack, picture.role, theme, picture.size)
    try:
        page.evaluate("address => { location.hash = address }", picture.address.format(**facts))
        page.wait_for_timeout(300)  # the view is asked for before it says that it loads
        settled(page)
        if picture.prepare:
            picture.prepare(page, facts)
        page.wait_for_timeout(700)  # canvases are drawn a frame after the data is there
        settled(page)
        image = Image.open(io.BytesIO(page.screenshot()))
        out = io.BytesIO()
        image.convert("RGB").save(out, "WEBP", quality=QUALITY, method=6)
        return out.getvalue()
    finally:
        page.context.close()


if __name__ == "__main__":
    raise SystemExit(main())
