"""The notebooks one can run by name: ours in `notebooks/templates`, and a team's own in `<home>/templates`."""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from notebooks.errors import BadNotebook, NotebookError, NotebookNotFound
from notebooks.parameters import Parameter, assignments, check, read_parameters, tags


@dataclass(frozen=True)
class Template:
    """A notebook with parameters. `when` tells a model what it is good for; `tags` are the notebook's own."""

    name: str
    title: str
    description: str
    path: Path
    parameters: tuple[Parameter, ...]
    tags: tuple[str, ...] = ()
    when: str = ""


@dataclass(frozen=True)
class Cell:
    """A code cell of a template, ready to run."""

    code: str
    title: str
    tags: tuple[str, ...] = ()


def catalog(extra: Path | None = None) -> list[Template]:
    """All templates by name. Files in the folder `extra` win: a team's `profile` replaces ours.

    A team's file that cannot be read is passed over with a logged warning, so that it does not take the others along.
    """
    found = {t.name: t for t in (_load(path, path.stat().st_mtime_ns) for path in _files(_built_in()))}
    for path in _files(extra) if extra is not None and extra.is_dir() else []:
        try:
            template = _load(path, path.stat().st_mtime_ns)
        except NotebookError as error:
            logging.getLogger(__name__).warning("A template was passed over: %s", error)
        else:
            found[template.name] = template
    return [found[name] for name in sorted(found)]


def find(name: str, extra: Path | None = None) -> Template:
    """The template of that name. Raises NotebookNotFound, naming those that there are."""
    templates = {t.name: t for t in catalog(extra)}
    if name in templates:
        return templates[name]
    near = difflib.get_close_matches(name, templates, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(templates)}."
    raise NotebookNotFound(f"There is no notebook called {name}. {hint}")


def cells(template: Template, values: Mapping[str, Any]) -> list[Cell]:
    """The template's code cells in order, its `parameters` cell replaced by assignments of these values.

    A cell's title is the heading above it. Raises ParameterError for values that the template cannot take.
    """
    checked = check(template.parameters, values)
    result: list[Cell] = []
    title = template.title
    for cell in read(template.path).cells:
        if cell.cell_type == "markdown":
            title = heading(cell.source) or title
        elif cell.cell_type == "code" and cell.source.strip():
            code = assignments(template.parameters, checked) if "parameters" in tags(cell) else cell.source
            result.append(Cell(code, title, tuple(tags(cell))))
    return result


def read(path: Path) -> Any:
    """A notebook from a file, as version 4. Raises NotebookNotFound or BadNotebook, in a sentence."""
    if not path.is_file():
        raise NotebookNotFound(f"There is no notebook {path}.")
    notebook = _plain(path) or _upgraded(path)
    language = notebook.metadata.get("kernelspec", {}).get("language") or "python"
    if language != "python":
        raise BadNotebook(f"{path} is written in {language}; only Python notebooks run in a sandbox.")
    return notebook


class _Node(dict[str, Any]):
    """A part of a notebook, its fields as attributes too, as nbformat's own have them."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _plain(path: Path) -> Any:
    """A notebook of version 4, read as the JSON that it is: importing nbformat takes a while, and somebody waits.

    None for whatever is not plainly one.
    """
    try:
        notebook = json.loads(path.read_bytes(), object_hook=_Node)
        for cell in notebook.cells:
            if not isinstance(cell.source, str):
                cell["source"] = "".join(cell.source)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return notebook if notebook.get("nbformat") == 4 and _whole(notebook) else None


def _upgraded(path: Path) -> Any:
    """A notebook of an older version brought up to 4, or a sentence about what is wrong with it."""
    from notebooks.nb import nbformat

    unfit = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, nbformat.ValidationError)
    try:
        notebook = nbformat.read(path, as_version=4)
    except nbformat.reader.NotJSONError as error:
        raise BadNotebook(f"{path} is not a Jupyter notebook that can be read: it is not JSON.") from error
    except unfit as error:
        raise BadNotebook(f"{path} is not a Jupyter notebook that can be read: {str(error)[:200]}") from error
    if not _whole(notebook):
        raise BadNotebook(f"{path} is not a Jupyter notebook that can be read: it has no list of cells as one has.")
    return notebook


def _whole(notebook: Any) -> bool:
    """Whether the parts that are read here are of the kinds that they should be."""
    try:
        named = isinstance(notebook.metadata.get("kernelspec", {}), dict)
        cells = [(c.cell_type, c.source) for c in notebook.cells if isinstance(tags(c), list)]
    except (TypeError, AttributeError):
        return False
    return named and all(isinstance(kind, str) and isinstance(source, str) for kind, source in cells)


def heading(markdown: str) -> str:
    """The first heading of a markdown cell, without its marks; empty if it has none."""
    lines = (line.strip() for line in markdown.splitlines())
    return next((line.lstrip("#").strip() for line in lines if line.startswith("#")), "")


def _built_in() -> Path:
    return Path(str(resources.files("notebooks"))) / "templates"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ipynb"))


@cache
def _load(path: Path, changed: int) -> Template:
    """Read a template; `changed` (mtime in ns) makes an edited file be read again."""
    notebook = read(path)
    about = notebook.metadata.get("gristmill", {})
    first = next((c.source for c in notebook.cells if c.cell_type == "markdown"), "")
    body = [line.strip() for line in first.splitlines() if line.strip() and not line.startswith("#")]
    return Template(
        name=str(about.get("name") or path.stem),
        title=str(about.get("title") or heading(first) or path.stem),
        description=str(about.get("description") or " ".join(body)),
        path=path,
        parameters=tuple(read_parameters(notebook)),
        tags=tuple(about.get("tags", ())),
        when=str(about.get("when", "")),
    )
