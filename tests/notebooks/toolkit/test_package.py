"""What lets the package be put into notebooks: one namespace, definitions only, no import of Gristmill."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from notebooks import toolkit
from notebooks.slices import TOOLKIT, statements

MODULES = sorted(p for p in Path(toolkit.__file__).parent.glob("*.py") if p.name != "__init__.py")


def test_no_two_modules_define_the_same_name() -> None:
    defined = Counter(
        name
        for module in MODULES
        for name in frozenset().union(*(s.names.binds for s in statements(module.read_text()) if not s.imports))
    )
    assert [name for name, often in defined.items() if often > 1] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_is_definitions_that_need_no_gristmill(module: Path) -> None:
    docstring, *body = ast.parse(module.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign
    assert all(isinstance(statement, kinds) for statement in body)
    for node in ast.walk(ast.Module([docstring, *body], [])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "notebooks":
            assert (node.module or "").startswith(f"notebooks.{TOOLKIT.name}.")
            assert all(alias.asname is None for alias in node.names), "a slice knows a definition by its own name only"
            assert node in body, "an import inside a function is left in a slice as it is"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            ours = {"artifacts", "bench", "graphs", "gristmill", "kernel_gateway", "notebooks", "panel_app"}
            assert not {name.split(".")[0] for name in imported} & ours
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400
