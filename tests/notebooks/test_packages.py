"""What lets the toolkit and the observer be carried as text: one namespace, definitions only, nothing of ours."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from notebooks.slices import OBSERVER, TOOLKIT, statements

FOLDERS = [TOOLKIT, OBSERVER]
MODULES = [p for folder in FOLDERS for p in sorted(folder.glob("*.py")) if p.name != "__init__.py"]
OURS = {"artifacts", "bench", "graphs", "gristmill", "kernel_gateway", "notebooks", "panel_app"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_no_two_modules_define_the_same_name(folder: Path) -> None:
    defined = Counter[str]()
    for module in (p for p in MODULES if p.parent == folder):
        content = statements(module.read_text(encoding="utf-8"))
        defined.update(frozenset().union(*(s.names.binds for s in content if not s.imports)))
    assert [name for name, often in defined.items() if often > 1] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_a_module_is_definitions_that_need_nothing_of_ours(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign
    for node in tree.body:
        told = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert told or isinstance(node, kinds), f"line {node.lineno}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"notebooks.{module.parent.name}."):
            assert all(alias.asname is None for alias in node.names), "a definition is known by its own name only"
            assert node in tree.body, "an import inside a function is left as it is"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not {name.split(".")[0] for name in imported} & OURS
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400
