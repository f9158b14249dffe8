"""Everything a deployment uploads: layers, the functions' zip and the template, and their size against Lambda's limit.

    python -m layers.package          # writes build/package and build/layers, prints the sizes

It exits with 1 if a function with all its layers would not load on Lambda.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from layers import bytecode

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ROOT / "build" / "layers"
PACKAGE = ROOT / "build" / "package"
REFERENCE = ROOT / "build" / "reference"

LIMIT = 262_144_000
"""Bytes that a function and all its layers may have unzipped."""

GOAL = 200_000_000

SERVICES = ("cloudwatch", "dynamodb", "s3", "ses", "sesv2", "signin", "sqs", "sso", "sso-oidc", "sts")
"""AWS services whose descriptions are shipped; botocore carries those of 400 others."""

LATER = ("interpolate", "linalg", "ndimage", "optimize", "special")
"""Parts of scipy that it imports when a function first asks for them."""

_SERVICE_DATA = "botocore/data/"


def main() -> int:
    """Build, package, report; the process's exit code."""
    science_layer()
    reference_layer()
    chalice_package("prod")
    prune(PACKAGE / "deployment.zip")
    try_out(PACKAGE / "deployment.zip", LAYERS / "science" / "python")
    return report()


def science_layer() -> None:
    """Build the science layer."""
    subprocess.run([sys.executable, str(ROOT / "layers" / "science" / "build.py")], check=True)


def reference_layer() -> None:
    """Put the reference bundle where Lambda will show it as ``/opt/reference``."""
    target = LAYERS / "reference" / "reference"
    shutil.rmtree(target.parent, ignore_errors=True)
    shutil.copytree(REFERENCE, target, ignore=shutil.ignore_patterns(".*"))


def chalice_package(stage: str) -> None:
    """Zip the functions and write the template, merged with ours."""
    from infra.cloudformation import template

    shutil.rmtree(PACKAGE, ignore_errors=True)
    PACKAGE.mkdir(parents=True)
    extras = PACKAGE / "resources.json"
    extras.write_text(json.dumps(template(), indent=1))
    environment = {"AWS_DEFAULT_REGION": "us-east-1"} | dict(os.environ)
    chalice = Path(sys.executable).with_name("chalice")
    command = [str(chalice), "package", "--stage", stage, "--merge-template", str(extras), str(PACKAGE)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def prune(package: Path) -> None:
    """Write the functions' zip again without what no function uses, in a fixed order."""
    with zipfile.ZipFile(package) as old:
        kept = sorted((info for info in old.infolist() if _is_used(info.filename)), key=lambda info: info.filename)
        smaller = package.with_suffix(".new")
        with zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as new:
            for info in kept:
                new.writestr(info, old.read(info), zipfile.ZIP_DEFLATED)
    smaller.replace(package)


def _is_used(name: str) -> bool:
    if name.endswith((".pyc", "/")):
        return False
    if not name.startswith(_SERVICE_DATA):
        return True
    service, slash, _ = name.removeprefix(_SERVICE_DATA).partition("/")
    return not slash or service in SERVICES


def try_out(package: Path, science: Path) -> None:
    """Import what Lambda will import, from the zip and the layer alone, and put that into both compiled.

    What no function imports is left as it is: compiled too it would take more than twice the room.

    Raises
    ------
    subprocess.CalledProcessError
        Something is missing; its traceback is printed.
    """
    clients = (
        "import app, chalicelib.blocks.telemetry\n"
        "from chalicelib.store import clients as c\n"
        "for make in (c.s3, c.sqs, c.dynamodb, c.ses, c.cloudwatch): make()\n"
    )
    arrays = (
        "import app, pkgutil, importlib, chalicelib.science as s\n"
        "for m in pkgutil.walk_packages(s.__path__, s.__name__ + '.'): importlib.import_module(m.name)\n"
        f"for part in {LATER}: importlib.import_module('scipy.' + part)\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with zipfile.ZipFile(package) as zipped:
            zipped.extractall(folder)
        used = bytecode.loaded(clients, [folder]) | bytecode.loaded(arrays, [folder, science])
        ours = {source for source in used if source.is_relative_to(folder)} | set(folder.glob("chalicelib/**/*.py"))
        compiled = bytecode.write(folder, ours, "/var/task")
        with zipfile.ZipFile(package, "a", zipfile.ZIP_DEFLATED) as zipped:
            for file in compiled:
                info = zipfile.ZipInfo(file.relative_to(folder).as_posix())
                info.external_attr = 0o644 << 16  # Lambda's user must be able to read it
                zipped.writestr(info, file.read_bytes(), zipfile.ZIP_DEFLATED)
        bytecode.write(science, used - ours, "/opt/python")


def report() -> int:
    """Print the unzipped sizes; 1 if the functions with layers exceed the limit."""
    with zipfile.ZipFile(PACKAGE / "deployment.zip") as package:
        parts = {"functions' zip": sum(info.file_size for info in package.infolist())}
    for layer in ("science", "reference"):
        parts[f"{layer} layer"] = sum(f.stat().st_size for f in (LAYERS / layer).rglob("*") if f.is_file())
    for name, size in parts.items():
        print(f"{name:<18}{size:>14,} B")
    total = sum(parts.values())
    print(f"{'together':<18}{total:>14,} B unzipped: {total / LIMIT:.0%} of Lambda's {LIMIT:,} B (goal {GOAL:,} B)")
    return int(total > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
