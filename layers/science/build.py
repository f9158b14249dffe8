"""Build the science layer: the arrays' stack for Lambda's Python 3.13 on x86_64, without tests, headers and sources.

Wheels are chosen for the target, not for this machine, so the layer is the same wherever it is built::

    python layers/science/build.py          # writes build/layers/science/python

Lambda adds ``/opt/python`` of every layer to the path. A layer whose stamp matches this file and the requirements is
left alone.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REQUIREMENTS = HERE / "requirements.txt"
OUTPUT = ROOT / "build" / "layers" / "science"

PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Amazon Linux 2023, on which Lambda's Python 3.13 runs, has glibc 2.34."""

KEPT_TESTS = ("astropy/tests", "numpy/_core/tests/_natype.py")
"""What other code imports although it lies in a folder of tests: astropy's runner, and a class of numpy.testing."""

SOURCES = {".pyx", ".pxd", ".pyi", ".c", ".h", ".hpp", ".cpp", ".a", ".lib", ".f", ".f90", ".build", ".in"}

NEEDED: tuple[str, ...] = (
    "astropy.io.fits",
    "astropy.modeling",
    "astropy.stats",
    "astropy.wcs",
    "astropy.coordinates",
    "astropy.time",
)
NEEDED += ("ccdproc", "astroscrappy", "scipy.ndimage", "scipy.optimize", "scipy.signal", "scipy.interpolate")
NEEDED += ("scipy.stats", "scipy.special", "scipy.linalg", "scipy.sparse", "scipy.fft", "scipy.spatial")


def build(output: Path = OUTPUT) -> Path:
    """Install the pinned wheels into ``output/python`` and strip them; return ``output``.

    Raises
    ------
    subprocess.CalledProcessError
        A wheel could not be had, or the stripped layer misses something that is imported.
    """
    stamp = output / "stamp"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return output
    shutil.rmtree(output, ignore_errors=True)
    target = output / "python"
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"]
        + ["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.13", *platforms]
        + ["--target", str(target), "-r", str(REQUIREMENTS)],
        check=True,
    )
    strip(target)
    check(target)
    stamp.write_text(wanted)
    return output


def strip(target: Path) -> None:
    """Remove tests, sources and programs below ``target``; licences and package metadata stay."""
    for folder in sorted(target.rglob("tests"), key=lambda path: len(path.parts)):
        if folder.is_dir():
            _strip_tests(folder, target)
    for path in target.rglob("*"):
        if path.is_file() and path.suffix in SOURCES:
            path.unlink()
    _strip_symbols(target)
    for name in ("bin", "share"):
        shutil.rmtree(target / name, ignore_errors=True)
    for name in ("include", "lib/pkgconfig"):
        shutil.rmtree(target / "numpy" / "_core" / name, ignore_errors=True)
    for folder in sorted(target.rglob("*"), key=lambda path: len(path.parts), reverse=True):
        if folder.is_dir() and (folder.name == "__pycache__" or not any(folder.iterdir())):
            shutil.rmtree(folder)


def _strip_symbols(target: Path) -> None:
    """Remove debug symbols of extension modules where ``strip`` is at hand (some wheels carry 10 MB of them).

    Libraries that the wheels' builder patched (``*.libs``) are left alone: rewriting them can break their sections.
    """
    strip_program = shutil.which("strip")
    modules = [str(path) for path in target.rglob("*.so") if not path.parent.name.endswith(".libs")]
    if strip_program and modules:
        subprocess.run([strip_program, "--strip-debug", *modules], check=True)


def _strip_tests(folder: Path, target: Path) -> None:
    relative = folder.relative_to(target).as_posix()
    if any(relative == kept or relative.startswith(kept + "/") for kept in KEPT_TESTS):
        return
    for path in folder.rglob("*"):
        kept = any(path.relative_to(target).as_posix() == name for name in KEPT_TESTS)
        if path.is_file() and not kept and not _is_package_of_kept(path, target):
            path.unlink()


def _is_package_of_kept(path: Path, target: Path) -> bool:
    """Whether ``path`` is the ``__init__.py`` beside something kept."""
    return path.name == "__init__.py" and any(path.parent == (target / name).parent for name in KEPT_TESTS)


def check(target: Path) -> None:
    """Import what the blocks import, from the layer alone (on a machine of the layer's kind)."""
    program = f"import sys; sys.path.insert(0, {str(target)!r})\n" + "\n".join(f"import {name}" for name in NEEDED)
    program += (
        "\nimport numpy.testing, astropy.units\nassert astropy.__file__.startswith(sys.path[0]), astropy.__file__"
    )
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", program], check=True)


if __name__ == "__main__":
    print(build())
