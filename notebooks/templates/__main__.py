"""`python -m notebooks.templates`: write the template notebooks from their sources, the Python files beside them.

A source is a Python file in the percent format, which editors and jupytext know. It begins with what the catalog says
of the template, as YAML in comments; its docstring is the first cell. The cell with the tag `toolkit` imports what the
others use of `notebooks.toolkit`: in the notebook it is their text, folded away. A notebook without a source gets one.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

from notebooks.catalog import heading
from notebooks.nb import nbformat
from notebooks.parameters import tags
from notebooks.slices import imports_for, slice_for

HERE = Path(__file__).parent
_CELL = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?P<options>.*)\n", re.M)
_OPTION = re.compile(r'(\w+)=("[^"]*"|\[[^\]]*\])')
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources(folder: Path = HERE) -> list[Path]:
    """The sources of the templates, by name."""
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("__"))


def notebook(source: Path) -> str:
    """The text of the notebook that a source makes: no outputs, no counts, keys in order."""
    head, *parts = _CELL.split(source.read_text(encoding="utf-8"))
    about = yaml.safe_load("\n".join(line.removeprefix("# ") for line in head.splitlines() if line.startswith("#")))
    opening = str(ast.get_docstring(ast.parse(head)))
    cells = [nbformat.v4.new_markdown_cell(opening, id="title-text")]
    for markdown, options, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        given = {key: json.loads(value) for key, value in _OPTION.findall(options)}
        name = given.pop("id", f"{source.stem[:8]}-{len(cells):02d}")
        lines = text.strip("\n").split("\n")
        if markdown:
            words = "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)
            cells.append(nbformat.v4.new_markdown_cell(words, id=name, metadata=given))
        else:
            cells.append(nbformat.v4.new_code_cell("\n".join(lines), id=name, metadata=given))
    code = "\n".join(c.source for c in cells if c.cell_type == "code" and "toolkit" not in tags(c))
    for cell in cells:
        if "toolkit" in tags(cell):
            cell.source, cell.metadata["jupyter"] = slice_for(code), {"source_hidden": True}
    told = {"name": source.stem, "title": heading(opening), **about}
    metadata = {"gristmill": told, "kernelspec": _KERNEL, "language_info": {"name": "python"}}
    made = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(made)
    return f"{nbformat.writes(made)}\n"


def source(path: Path) -> str:
    """The source that makes a notebook."""
    given: Any = nbformat.read(path, as_version=4)
    about = {k: v for k, v in given.metadata.get("gristmill", {}).items() if k not in ("name", "title")}
    head = yaml.safe_dump(about, allow_unicode=True, width=110, sort_keys=True, default_flow_style=None)
    first, *cells = given.cells
    code = "\n".join(c.source for c in cells if c.cell_type == "code" and "toolkit" not in tags(c))
    parts = [textwrap.indent(head, "# ") + f'"""{first.source}\n"""']
    for cell in cells:
        options = "".join(f" {key}={json.dumps(value)}" for key, value in [("id", cell.id), *cell.metadata.items()])
        options = options.replace(' jupyter={"source_hidden": true}', "")
        if cell.cell_type == "markdown":
            words = textwrap.indent(cell.source, "# ", lambda line: True).replace("# \n", "#\n")
            parts.append(f"# %% [markdown]{options}\n{words}")
        else:
            parts.append(f"# %%{options}\n{imports_for(code) if 'toolkit' in tags(cell) else cell.source}")
    return "\n\n".join(parts) + "\n"


def main(folder: Path = HERE) -> int:
    """Rewrite the notebooks that differ from their sources, naming each; returns the exit status."""
    for path in sorted(folder.glob("*.ipynb")):
        if not path.with_suffix(".py").exists():
            path.with_suffix(".py").write_text(source(path), encoding="utf-8")
            print(f"wrote {path.stem}.py")
    for path in sources(folder):
        text, place = notebook(path), path.with_suffix(".ipynb")
        if not place.exists() or text != place.read_text(encoding="utf-8"):
            place.write_text(text, encoding="utf-8")
            print(f"renewed {place.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
