"""``docs/access-patterns.md`` speaks of every route, block, table and action there is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import app
from chalicelib.domain import topology
from chalicelib.store import clients, tables

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "access-patterns.md").read_text(encoding="utf-8")


def routes() -> list[str]:
    """Method and path of every route, in the form without a slash at its end; preflights ask nothing of a table."""
    found = app.app.routes.items()
    return sorted({f"{way} {path.rstrip('/') or '/'}" for path, ways in found for way in ways if way != "OPTIONS"})


@pytest.mark.parametrize("route", routes())
def test_every_route_has_a_row(route):
    assert f"| `{route}` |" in TEXT


@pytest.mark.parametrize("block", topology.BLOCKS, ids=lambda block: block.name)
def test_every_block_is_named(block):
    assert block.name.upper() in TEXT


@pytest.mark.parametrize("model", tables.MODELS, ids=lambda model: model.__name__)
def test_every_table_is_named(model):
    assert f"`{model.Meta.table_name.removeprefix(clients.table_prefix())}`" in TEXT


def test_every_module_that_reads_a_table_names_one_that_is_there():
    """What the store asks for by name exists: the page and the code mean the same tables."""
    known = {model.Meta.table_name.removeprefix(clients.table_prefix()) for model in tables.MODELS}
    asked = set()
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func)
            place = {"items.get": 0, "items.query": 0, "items.batch_get": 0, "items.operation": 1}.get(name)
            if place is not None and isinstance(call.args[place], ast.Constant):
                asked.add(call.args[place].value)
    assert asked <= known
    assert [name for name in asked if f"`{name}`" not in TEXT] == []
