"""What a reader may rely on: who imports whom, what `import app` costs, and that files stay short."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("api", "blocks", "domain", "science", "store")

ALLOWED = {
    "domain": {"domain"},
    "science": {"science"},
    "store": {"store", "domain"},
    "api": {"api", "domain", "store"},
    "blocks": {"blocks", "domain", "store", "science"},
}
"""Room → rooms of chalicelib it may import."""

FORBIDDEN = {
    "domain": {
        "boto3",
        "botocore",
        "pynamodb",
        "chalice",
        "moto",
        "numpy",
        "scipy",
        "astropy",
        "ccdproc",
        "os",
        "aws_lambda_powertools",
    },
    "science": {"boto3", "botocore", "pynamodb", "chalice", "moto", "os", "time", "datetime", "aws_lambda_powertools"},
    "store": {"chalice", "numpy", "scipy", "astropy", "ccdproc"},
    "api": {"boto3", "botocore", "pynamodb", "numpy", "scipy", "astropy", "ccdproc"},
}
"""Room → packages it must not import: no clock, environment, AWS or arrays where they do not belong."""

MAXIMUM_LINES = 400


def _sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Absolute dotted names a file imports, with the line and whether it is at the top of the module."""
    tree = ast.parse(path.read_text())
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    top = {id(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)}
    for function in ast.walk(tree):  # what is imported when a function runs, or by the type checker only
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            top -= {id(node) for node in ast.walk(function)}
        if isinstance(function, ast.If) and ast.unparse(function.test).endswith("TYPE_CHECKING"):
            top -= {id(node) for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *([node.module] if node.module else [])))
            for alias in node.names:
                yield f"{stem}.{alias.name}", node.lineno, id(node) in top


def _room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "chalicelib" and len(parts) > 1 and parts[1] in ROOMS else None


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room: str):
    wrong = []
    for path in _sources(f"chalicelib/{room}"):
        for name, line, _ in _imports(path):
            target = _room(name)
            if target and target not in ALLOWED[room]:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
            if name.split(".")[0] in FORBIDDEN.get(room, ()):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
            if name.split(".")[0] in {"infra", "layers", "app"}:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}, which is not in the function's zip")
    assert not wrong, "\n".join(wrong)


def test_the_simulator_knows_nothing_of_aws():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in _sources("infra/simulate")
        for name, line, _ in _imports(path)
        if _room(name) in {"api", "blocks", "store"} or name.split(".")[0] in {"boto3", "botocore", "moto", "chalice"}
    ]
    assert not wrong, "\n".join(wrong)


def test_blocks_load_science_inside_their_functions():
    """Every function imports app.py, and with it every block: arrays at the top of one would burden the API's start."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name} at the top"
        for path in _sources("chalicelib/blocks")
        for name, line, top in _imports(path)
        if top and (_room(name) == "science" or name.split(".")[0] in {"numpy", "scipy", "astropy", "ccdproc"})
    ]
    assert not wrong, "\n".join(wrong)


def _run(program: str) -> str:
    environment_free = [sys.executable, "-c", program]
    return subprocess.run(environment_free, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _loaded_by_app() -> set[str]:
    return set(json.loads(_run("import sys, json, app; print(json.dumps(sorted(sys.modules)))")))


def test_import_app_loads_no_science():
    loaded = _loaded_by_app()
    heavy = {"numpy", "scipy", "astropy", "ccdproc", "astroscrappy", "yaml", "moto", "matplotlib"}
    heavy = (heavy | {"aws_lambda_powertools", "pynamodb"}) & loaded
    assert not heavy, f"import app loads {sorted(heavy)}"
    assert not [name for name in loaded if name.startswith("chalicelib.science")]


def test_science_is_importable_without_aws():
    """The arrays' code runs where there is no AWS package at all."""
    program = """
import sys, pkgutil, importlib
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"boto3", "botocore", "pynamodb", "chalice", "moto", "aws_lambda_powertools"}:
            raise ImportError(f"{name} is refused here")
sys.meta_path.insert(0, Refuse())
import chalicelib.science
for module in pkgutil.walk_packages(chalicelib.science.__path__, "chalicelib.science."):
    importlib.import_module(module.name)
"""
    _run(program)


def test_files_stay_short():
    long = []
    for folder in ("chalicelib", "infra", "layers"):
        for path in _sources(folder):
            lines = path.read_text().count("\n")
            if lines > MAXIMUM_LINES:
                long.append(f"{path.relative_to(ROOT)}: {lines} lines")
    if (ROOT / "app.py").read_text().count("\n") > MAXIMUM_LINES:
        long.append("app.py")
    assert not long, f"longer than {MAXIMUM_LINES} lines: " + ", ".join(long)


def test_deployment_says_of_each_function_what_the_blocks_say():
    """Memory and timeout of `.chalice/config.json` are those of the table of blocks."""
    from chalicelib.domain import topology

    functions = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]
    for block in topology.BLOCKS:
        assert functions[block.name]["lambda_memory_size"] == block.memory, block.name
        assert functions[block.name]["lambda_timeout"] == block.timeout, block.name


def test_requirements_are_pinned():
    for name in ("requirements.txt", "requirements-dev.txt", "layers/science/requirements.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r ")):
                assert "==" in line, f"{name}: {line} is not pinned"
