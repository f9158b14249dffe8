"""``python -m infra.simulate OUT --mode 930_M4 --seed 3``: write a simulated night into a folder."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from .modes import MODES
from .plan import plan_night, small_night
from .writer import build_night


def pair(text: str) -> tuple[int, int]:
    """``2x2`` -> (2, 2)."""
    try:
        serial, parallel = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a binning like 2x2") from None
    if not (1 <= serial <= 4 and 1 <= parallel <= 4):
        raise argparse.ArgumentTypeError(f"binning {text} is not between 1x1 and 4x4")
    return serial, parallel


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.simulate",
        description="Write a simulated night of raw Goodman frames into OUT, and OUT.truth.json and .npz beside it.",
        epilog=f"Modes: {', '.join(MODES)}; or custom:LINES:CAMERA_ANGLE:GRATING_ANGLE[:FILTER].",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write into (made if need be)")
    parser.add_argument("--mode", default="400_M2", help="grating mode (default %(default)s)")
    parser.add_argument("--camera", choices=("Red", "Blue"), default="Red", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes (default %(default)s)")
    parser.add_argument("--small", action="store_true", help="a quick night: 200 binned rows, arcs 1x2, no images")
    parser.add_argument("--science", type=int, help="number of science frames")
    parser.add_argument("--biases", type=int, help="number of biases")
    parser.add_argument("--flats", type=int, help="number of flats")
    parser.add_argument("--targets", type=int, choices=(1, 2, 3), help="targets in the slit (default 1, 2, 3 in turn)")
    parser.add_argument("--binning", type=pair, help="serial x parallel, such as 2x2 or 1x1")
    parser.add_argument("--arc-binning", type=pair, help="of the arcs, such as 1x2")
    parser.add_argument("--lamps", help="LAMP_ endings, such as HGA,NE (default: usual for the mode)")
    parser.add_argument("--afternoon-arcs", action="store_true", help="arcs before sunset only, many pixels off")
    parser.add_argument("--moon", type=float, help="moonlight relative to the dark sky (default 0)")
    parser.add_argument("--seeing", type=float, help="of the night, arcseconds (default: drawn, 0.7 to 1.4)")
    parser.add_argument("--evening", type=date.fromisoformat, help="date of the evening, yyyy-mm-dd")
    parser.add_argument("--no-images", action="store_true", help="no acquisition images")
    parser.add_argument("--no-standard", action="store_true", help="no spectrophotometric standard")
    parser.add_argument("--gzip", action="store_true", help="write .fits.gz")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (0, 2 for a wrong argument)."""
    parser = arguments()
    options = parser.parse_args(argv)
    changes = {
        "n_science": options.science,
        "n_bias": options.biases,
        "n_flat": options.flats,
        "n_targets": options.targets,
        "binning": options.binning,
        "arc_binning": options.arc_binning,
        "lamps": tuple(options.lamps.upper().split(",")) if options.lamps else None,
        "arcs": "afternoon" if options.afternoon_arcs else None,
        "moon": options.moon,
        "seeing": options.seeing,
        "evening": options.evening,
        "imaging": False if options.no_images else None,
        "standard": False if options.no_standard else None,
    }
    changes = {key: value for key, value in changes.items() if value is not None}
    try:
        plan = (small_night if options.small else plan_night)(options.mode, options.camera, options.seed, **changes)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    shown = sys.stderr.isatty()

    def progress(done: int, total: int, name: str) -> None:
        bar = "#" * (30 * done // total)
        line = f"[{bar:<30}] {done}/{total} {name}"
        print(f"\r{line:<110}" if shown else line, end="" if shown else "\n", file=sys.stderr, flush=True)

    truth = build_night(options.out, plan=plan, compress=options.gzip, progress=progress)
    if shown:
        print(file=sys.stderr)
    kinds: dict[str, int] = {}
    for facts in truth["files"].values():
        kinds[facts["kind"]] = kinds.get(facts["kind"], 0) + 1
    print(f"{options.out}: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
