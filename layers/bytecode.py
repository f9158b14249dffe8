"""Compiled modules for what is deployed: Lambda shows code read-only, so that every cold start would compile it anew.

The files are *unchecked*: Python neither looks at the source's date, which a zip does not keep, nor reads the source.
They are written for the interpreter that packages, whose version chalice gives the functions.
"""

from __future__ import annotations

import json
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_TELL = """
import json, sys
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
print(json.dumps([name for name in files if name.endswith(".py")]))
"""


def loaded(program: str, path: Sequence[Path]) -> set[Path]:
    """Sources below ``path`` that ``program`` imports, when it runs with nothing else to import from.

    Raises
    ------
    subprocess.CalledProcessError
        The program failed, as it does if something is missing; its traceback is printed.
    """
    places = [place.resolve() for place in path]
    start = f"import sys; sys.dont_write_bytecode = True; sys.path[:0] = {[str(place) for place in places]!r}\n"
    command = [sys.executable, "-I", "-S", "-c", start + program + _TELL]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    files = {Path(name) for name in json.loads(told)}
    return {file for file in files if any(file.is_relative_to(place) for place in places)}


def write(root: Path, sources: Iterable[Path], shown_as: str) -> list[Path]:
    """Compile ``sources`` beside themselves, in place of all that was compiled below ``root`` before.

    Parameters
    ----------
    root : Path
        What Lambda shows as the folder ``shown_as``: the names that tracebacks give.

    Returns
    -------
    list of Path
        What was written, sorted.
    """
    root = root.resolve()
    for folder in list(root.rglob("__pycache__")):
        shutil.rmtree(folder)
    return sorted(_compile(source, f"{shown_as}/{source.relative_to(root).as_posix()}") for source in sources)


def _compile(source: Path, name: str) -> Path:
    target = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), str(target), dfile=name, doraise=True, invalidation_mode=mode)
    return target
