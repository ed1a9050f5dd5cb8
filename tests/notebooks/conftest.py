"""One real gateway for this folder's tests, a fresh record for each, and sessions that end with their test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from artifacts.events import RunStarted
from artifacts.store import Store
from artifacts.types import Run, new_id
from kernel_gateway.client import Host
from notebooks.nb import nbformat
from notebooks.session import Session


@pytest.fixture
def host(gateway: tuple[Host, Path]) -> Host:
    return gateway[0]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as store:
        yield store


@pytest.fixture
async def begin(store: Store) -> Callable[..., Coroutine[Any, Any, Run]]:
    async def begin(goal: str = "a question", **fields: Any) -> Run:
        run = Run(id=new_id("run"), goal=goal, **fields)
        await store.append(RunStarted(run_id=run.id, run=run))
        return run

    return begin


@pytest.fixture
async def session(store: Store, host: Host, begin: Callable[..., Coroutine[Any, Any, Run]]) -> AsyncIterator[Session]:
    """A session of a fresh run."""
    run = await begin()
    session = await Session.open(store, host, run.id)
    yield session
    await session.close()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "trees.csv"
    path.write_text("kind,height\noak,20.5\nbirch,12.25\nelm,17\n")
    return path


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    def write(*cells: str, name: str = "heights.ipynb", parameters: str = "", **metadata: Any) -> Path:
        """A notebook of these code cells, with a `parameters` cell if its source is given. `# ...` is Markdown."""
        v4 = nbformat.v4
        first = [v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})] if parameters else []
        rest = [v4.new_markdown_cell(c) if c.startswith("#") else v4.new_code_cell(c) for c in cells]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = v4.new_notebook(cells=[*first, *rest], metadata={"kernelspec": kernel, **metadata})
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write
