"""What Lambda gets is compiled; only services that are asked have their descriptions with them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from layers import bytecode, package

ROOT = Path(__file__).resolve().parents[2]


def run(program: str, *folders: Path) -> str:
    """What a program prints that may import from ``folders``, where nothing can be written, as on Lambda."""
    start = f"import sys; sys.dont_write_bytecode = True; sys.path[:0] = {[str(folder) for folder in folders]!r}\n"
    return subprocess.run(
        [sys.executable, "-I", "-c", start + program], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "kit").mkdir(parents=True)
    (folder / "kit" / "__init__.py").write_text("")
    (folder / "kit" / "used.py").write_text("from kit import deep\n\ndef fail():\n    return 1 / 0\n")
    (folder / "kit" / "deep.py").write_text("ANSWER = 'compiled'\n")
    (folder / "kit" / "unused.py").write_text("")
    return folder


def test_what_a_program_imports_is_compiled_and_then_not_looked_at(tree: Path):
    sources = bytecode.loaded("import json, kit.used\n", [tree])
    assert {source.name for source in sources} == {"__init__.py", "used.py", "deep.py"}
    written = bytecode.write(tree, sources, "/var/task")
    assert len(written) == 3 and not list(tree.rglob("unused*.pyc"))
    for source in sources:  # another date and other bytes: a zip keeps no date that Python would find right
        os.utime(source, (0, 0))
    (tree / "kit" / "deep.py").write_text("ANSWER = 'from the source'\n")
    assert run("import kit.deep; print(kit.deep.ANSWER)", tree).strip() == "compiled"


def test_compiled_files_name_the_place_on_lambda_and_are_the_same_each_time(tree: Path):
    sources = sorted((tree / "kit").glob("*.py"))
    first = {path.name: path.read_bytes() for path in bytecode.write(tree, sources, "/var/task")}
    assert b"/var/task/kit/used.py" in first[f"used.{sys.implementation.cache_tag}.pyc"]
    assert not any(str(tree).encode() in content for content in first.values())
    assert {path.name: path.read_bytes() for path in bytecode.write(tree, sources, "/var/task")} == first


def test_what_was_compiled_before_does_not_stay(tree: Path):
    bytecode.write(tree, [tree / "kit" / "unused.py"], "/var/task")
    bytecode.write(tree, [tree / "kit" / "deep.py"], "/var/task")
    assert [path.name.split(".")[0] for path in tree.rglob("*.pyc")] == ["deep"]


def test_a_program_that_misses_something_fails(tree: Path):
    with pytest.raises(subprocess.CalledProcessError):
        bytecode.loaded("import pytest\n", [tree])


def test_the_package_carries_its_code_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The app as it is, with what is installed here in place of the wheels and the layer."""
    science = tmp_path / "science"
    science.mkdir()
    zipped = tmp_path / "deployment.zip"
    with zipfile.ZipFile(zipped, "w") as made:
        for source in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")]:
            made.write(source, source.relative_to(ROOT).as_posix())
    site = next(Path(place) for place in sys.path if place.endswith("site-packages"))
    original = bytecode.loaded
    monkeypatch.setattr(
        bytecode,
        "loaded",
        lambda program, path: {
            source for source in original(program, [*path, site]) if not source.is_relative_to(site.resolve())
        },
    )
    package.try_out(zipped, science)
    with zipfile.ZipFile(zipped) as made:
        infos = {info.filename: info for info in made.infolist()}
    tag = sys.implementation.cache_tag
    for name in ("__pycache__/app", "chalicelib/api/__pycache__/status", "chalicelib/science/__pycache__/reduction"):
        assert infos[f"{name}.{tag}.pyc"].external_attr >> 16 == 0o644
    assert len(infos) == len(set(infos))


def test_parts_of_scipy_that_are_imported_late_are_compiled_too():
    asked = set()
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "scipy":
                asked.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scipy."):
                asked.add(str(node.module).split(".")[1])
    assert asked == set(package.LATER)


def test_every_service_with_a_client_has_its_description_in_the_zip():
    text = (ROOT / "chalicelib" / "store" / "clients.py").read_text()
    asked = set(re.findall(r'_client\("([a-z0-9]+)"', text))
    assert {"dynamodb", "cloudwatch"} <= asked <= set(package.SERVICES)
    tried = (ROOT / "layers" / "package.py").read_text()
    assert all(f"c.{name}" in tried for name in asked)
