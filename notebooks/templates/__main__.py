"""`python -m notebooks.templates`: give every template its part of the toolkit, and clear what running one left."""

from __future__ import annotations

import sys
from pathlib import Path

from notebooks.nb import nbformat
from notebooks.parameters import tags
from notebooks.slices import slice_for

HERE = Path(__file__).parent


def renewed(path: Path) -> str:
    """A template's text as it should be: its part of the toolkit, folded, no outputs, no counts, keys in order."""
    notebook = nbformat.read(path, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code" and "toolkit" not in tags(c)]
    toolkit = slice_for("\n\n".join(c.source for c in code))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if "toolkit" in tags(cell):
                cell.source, cell.metadata["jupyter"] = toolkit, {"source_hidden": True}
    for key in set(notebook.metadata) - {"gristmill", "kernelspec", "language_info"}:
        del notebook.metadata[key]
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.validate(notebook)
    return f"{nbformat.writes(notebook)}\n"


def main(folder: Path = HERE) -> int:
    """Rewrite the templates that differ, naming each; returns the exit status."""
    for path in sorted(folder.glob("*.ipynb")):
        text = renewed(path)
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"renewed {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
