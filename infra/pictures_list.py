"""Which pictures of the page the manual has: who looks at what, and what is done there first (`infra.pictures`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WIDE, TALL, PHONE = (1280, 800), (1280, 1100), (360, 740)
PANEL = (1200, 860)
"""Too narrow for a panel beside the picture: it has the whole width."""
Prepare = Callable[[Any, dict[str, Any]], None]


@dataclass(frozen=True)
class Picture:
    """One page: who looks at it, where it is, what is done there before the picture is taken.

    Attributes
    ----------
    group, about : str
        Heading and words of the picture in the manual's gallery.
    address : str
        The fragment; ids of files and the like are filled in (``_facts`` of `infra.pictures`).
    hover : bool
        The pointer stays where ``prepare`` put it.
    """

    group: str
    name: str
    about: str
    role: str | None
    address: str
    prepare: Prepare | None = None
    size: tuple[int, int] = WIDE
    hover: bool = False


def _scrolled(selector: str, where: str = "start", *, off: int = 0) -> Prepare:
    """An element put to the top (or the middle) of what scrolls around it; ``off`` pixels are left above it."""

    def prepare(page: Any, _: dict[str, Any]) -> None:
        page.locator(selector).first.wait_for()
        page.locator(selector).first.evaluate(
            "(one, [where, off]) => { one.style.scrollMarginTop = off + 'px'; one.scrollIntoView({ block: where }); }",
            [where, off],
        )

    return prepare


def _pressed(*names: str, role: str = "button") -> Prepare:
    """Buttons pressed one after the other."""

    def prepare(page: Any, _: dict[str, Any]) -> None:
        for name in names:
            page.get_by_role(role, name=name).first.click()
            page.wait_for_timeout(250)

    return prepare


def _both(*steps: Prepare) -> Prepare:
    def prepare(page: Any, facts: dict[str, Any]) -> None:
        for step in steps:
            step(page, facts)
            page.wait_for_function("() => !document.querySelector('.loading, [aria-busy=true]')", timeout=20_000)
            page.wait_for_timeout(150)

    return prepare


def _keyed(key: str) -> Prepare:
    return lambda page, _: page.keyboard.press(key)


def _pointed(selector: str, across: float, down: float) -> Prepare:
    """The pointer put over a part of an element."""

    def prepare(page: Any, _: dict[str, Any]) -> None:
        box = page.locator(selector).first.bounding_box()
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        page.wait_for_timeout(150)

    return prepare


def _apertures(page: Any, _: dict[str, Any]) -> None:
    """The table for editing, once the targets that were found are drawn."""
    page.locator("summary", has_text="with trace and zones").wait_for()
    page.keyboard.press("a")
    page.get_by_role("button", name="Re-extract").wait_for()


def _lamps_unfolded(page: Any, _: dict[str, Any]) -> None:
    page.locator("section.why-kind summary").last.click()
    page.wait_for_timeout(250)


def _own_lamps(page: Any, _: dict[str, Any]) -> None:
    boxes = page.locator(".take-box input:not([disabled])")
    boxes.first.wait_for()
    for at in range(min(2, boxes.count())):
        boxes.nth(at).check(force=True)


def _roster(page: Any, _: dict[str, Any]) -> None:
    page.get_by_label("CSV", exact=True).fill(
        "soar_id,title,email,first_name,last_name,semester\n"
        'SOAR2027A-001,"Novae, in their first hour",ada@example.edu,Ada,Lovelace,2027A\n'
        "SOAR2027A-002,Halos of dwarf galaxies,henrietta@example.edu,Henrietta,Leavitt,2027A\n"
        "SOAR2026B-014,Supernovae within days of explosion,pi@example.org,,,2026B\n"
    )
    page.get_by_role("button", name="Dry run").click()
    page.wait_for_timeout(300)


def _letter(page: Any, _: dict[str, Any]) -> None:
    page.get_by_label("To", exact=True).fill("pi")
    page.get_by_role("button", name="Add").first.click()
    page.get_by_label("Subject").fill("Lamps on Friday night")
    text = "The Ne lamp is changed on Friday afternoon. Please take a lamp frame with each target."
    page.get_by_label("Text", exact=True).fill(text)


_SPECTRUM = "#/data/{spectrum}"
_LINES = _SPECTRUM + "?slines=h,gal,sky&sz={z}"

PICTURES = (
    Picture("Signing in", "sign-in", "Sign-in", None, "#/"),
    Picture("Signing in", "forgot-password", "Forgot your password?", None, "#/forgot-password"),
    Picture("The page", "home", "Home", "pi", "#/"),
    Picture("The page", "logs", "Logs", "pi", "#/logs?all=1"),
    Picture("The page", "keys", "The keys", "pi", _SPECTRUM, _keyed("?"), TALL),
    Picture("Data", "data", "A wavelength calibrated spectrum", "pi", _SPECTRUM, None, TALL),
    Picture("Data", "data-raw", "A raw frame", "pi", "#/data/{raw}?tab=0"),
    Picture("Data", "data-reduced", "A reduced frame", "pi", "#/data/{reduced}"),
    Picture("Data", "data-image", "An image, provisionally reduced", "pi", "#/data/{image}?istretch=asinh"),
    Picture("Data", "data-master", "A master flat", "pi", "#/data/{master}?list=calibrations"),
    Picture("Data", "data-menu", "Other steps", "pi", _SPECTRUM, _pressed("Other steps")),
    Picture(
        "Data",
        "data-lamps",
        "Choosing lamps",
        "pi",
        _SPECTRUM,
        _both(_pressed("Other steps", "Calibrate with a lamp of my choice"), _own_lamps),
    ),
    Picture("Panels", "data-header", "Header", "pi", _SPECTRUM + "?panel=header", None, PANEL),
    Picture("Panels", "data-quality", "Quality, in short", "pi", _SPECTRUM + "?panel=quality"),
    Picture(
        "Panels",
        "data-quality-lamp",
        "Quality: the lamp with its lines, the residuals",
        "pi",
        _SPECTRUM + "?panel=quality",
        _scrolled(".quality .figures", off=70),
        PANEL,
    ),
    Picture(
        "Panels",
        "data-quality-profile",
        "Quality: trace and profile",
        "pi",
        "#/data/{extracted}?panel=quality",
        _scrolled(".quality .figures", off=70),
        PANEL,
    ),
    Picture(
        "Panels",
        "data-quality-why",
        "Quality: which calibrations, and why",
        "pi",
        _SPECTRUM + "?panel=quality",
        _both(_scrolled(".quality section[aria-label=Calibrations]", off=70), _lamps_unfolded),
        PANEL,
    ),
    Picture("Panels", "data-lineage", "Lineage", "pi", _SPECTRUM + "?panel=lineage", None, PANEL),
    Picture("Panels", "data-comments", "Comments", "pi", _SPECTRUM + "?panel=comments"),
    Picture("Panels", "data-history", "History", "pi", "#/data/{raw}?tab=0&panel=history", None, PANEL),
    Picture(
        "Viewers",
        "spectrum-lines",
        "Lines at a redshift, values at the pointer",
        "pi",
        _LINES,
        _both(_scrolled("section.spectrum", off=70), _pointed(".chart-over", 0.38, 0.5)),
        hover=True,
    ),
    Picture(
        "Viewers",
        "spectrum-zoom",
        "A part of a spectrum, smoothed, with its sky and the frame below",
        "pi",
        _SPECTRUM + "?sx=620,1180&ssmooth=3&ssky=own",
        _scrolled("section.spectrum", off=70),
    ),
    Picture(
        "Viewers",
        "spectrum-compare",
        "Two spectra compared",
        "pi",
        _SPECTRUM + "?sover={other}",
        _scrolled("section.spectrum", off=70),
    ),
    Picture(
        "Viewers",
        "wide",
        "The wide view of a frame",
        "pi",
        "#/data/{reduced}?full=1&istretch=asinh&imap=viridis&imark=6",
    ),
    Picture(
        "Viewers",
        "apertures",
        "Editing apertures",
        "pi",
        "#/data/{reduced}",
        _both(_apertures, _scrolled(".image-viewer", off=70)),
        TALL,
    ),
    Picture(
        "The night",
        "night",
        "The night",
        "pi",
        "#/night/{night}",
        _pointed(".strip-plot", 0.70, 0.3),
        hover=True,
    ),
    Picture("The night", "night-log", "The observing log", "pi", "#/night/{night}", _scrolled(".night-log", off=70)),
    Picture(
        "The night",
        "night-notes",
        "Notes on the night",
        "pi",
        "#/night/{night}",
        _scrolled("[aria-labelledby=notes-title]", "end"),
    ),
    Picture("Search", "search", "Search with facets", "pi", "#/search?obstype=SPECTRUM&data_type=4&data_type=3"),
    Picture(
        "Search",
        "search-selected",
        "Files selected",
        "pi",
        "#/search?data_type=4&obstype=SPECTRUM&sort=-sn",
        lambda page, _: page.get_by_label("Select all files of this page").check(force=True),
    ),
    Picture("Proposals", "proposals", "Proposals", "pi", "#/proposals?open={proposal}"),
    Picture("Proposals", "collaborators", "Collaborators", "pi", "#/collaborators/{proposal}"),
    Picture("Proposals", "settings", "Data reduction settings", "pi", "#/settings/{proposal}"),
    Picture("Account and API", "user", "User information", "pi", "#/user"),
    Picture("Account and API", "api-docs", "API docs", "pi", "#/docs"),
    Picture(
        "Account and API",
        "api-try",
        "An operation, tried",
        "pi",
        "#/docs/status",
        _both(_pressed("Send"), _scrolled("#try-title", off=70)),
    ),
    Picture("Management", "management-users", "Users", "superuser", "#/management/users"),
    Picture("Management", "management-user-new", "Add user", "superuser", "#/management/users/new"),
    Picture("Management", "management-proposals", "Proposals", "superuser", "#/management/proposals"),
    Picture("Management", "management-proposal-new", "Add proposal", "superuser", "#/management/proposals/new"),
    Picture(
        "Management", "management-import", "Semester import, a dry run", "superuser", "#/management/import", _roster
    ),
    Picture("Management", "management-unassigned", "Unassigned", "superuser", "#/management/unassigned"),
    Picture("Management", "management-mail", "Mail", "superuser", "#/management/mail", _letter),
    Picture("Management", "management-queues", "Queues", "superuser", "#/management/queues"),
    Picture("On a phone", "phone-data", "A spectrum", "pi", _SPECTRUM, _scrolled("section.spectrum", off=8), PHONE),
    Picture("On a phone", "phone-files", "The list of files", "pi", _SPECTRUM, _pressed("Files"), PHONE),
    Picture(
        "On a phone",
        "phone-quality",
        "Quality",
        "pi",
        _SPECTRUM + "?panel=quality",
        _scrolled(".quality", off=8),
        PHONE,
    ),
    Picture("On a phone", "phone-night", "The night", "pi", "#/night/{night}", None, PHONE),
    Picture("On a phone", "phone-search", "Search", "pi", "#/search?data_type=4&obstype=SPECTRUM", None, PHONE),
)
