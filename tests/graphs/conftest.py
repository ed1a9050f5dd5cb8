"""A real HTTP server on the loopback that speaks OpenAI's chat completions, and queries answered in this process."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import types
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from artifacts.store import Store
from artifacts.types import ANSWER_MIME
from bench.wire import Answer, Wire, served

if TYPE_CHECKING:
    from graphs.workbench import Workbench


@pytest_asyncio.fixture(loop_scope="session")
async def wire() -> AsyncIterator[Wire]:
    async with served() as made:
        yield made


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


def call(name: str, /, **arguments: Any) -> tuple[str, str]:
    return name, json.dumps(arguments)


@dataclass
class Team:
    """Answers each job in turn: what is listed for it, then the plainest thing that job can say."""

    answer: Callable[..., Any]
    plan: list[Any] = field(default_factory=list)
    code: list[Any] = field(default_factory=list)
    interpret: list[Any] = field(default_factory=list)
    review: list[Any] = field(default_factory=list)

    def __call__(self, request: dict[str, Any]) -> Any:
        offered = {t["function"]["name"] for t in request.get("tools", ())}
        if not offered:  # it is asked to write its call as JSON
            offered = {
                name
                for name in ("make_plan", "write_report", "give_review")
                if name in request["messages"][-1]["content"]
            }
        if "make_plan" in offered:
            plain = self.answer(calls=[call("make_plan", steps=[{"title": "Relate x and y"}])])
            return self.plan.pop(0) if self.plan else plain
        if "run_code" in offered:
            return self.code.pop(0) if self.code else self.answer(text="Nothing is left to do.")
        if "write_report" in offered:
            plain = self.answer(calls=[call("write_report", answer="They rise together.", findings=[])])
            return self.interpret.pop(0) if self.interpret else plain
        plain = self.answer(calls=[call("give_review", verdict="pass")])
        return self.review.pop(0) if self.review else plain


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text("x,y,group\n" + "".join(f"{i},{i * 2 + i % 3},{'ab'[i % 2]}\n" for i in range(40)))
    return path


@pytest.fixture
def team(wire: Wire, answer: type[Answer], monkeypatch: pytest.MonkeyPatch) -> Team:
    """The model at the other end of the wire, which plays every agent."""
    for name, value in wire.env.items():
        monkeypatch.setenv(name, value)
    wire.answer = played = Team(answer)
    return played


@pytest_asyncio.fixture(loop_scope="session")
async def bench(ready: Path) -> AsyncIterator[Workbench]:
    """A workbench of a test's own, on a data folder that nobody used before."""
    from graphs.workbench import Workbench

    with Store.open(ready) as store:
        workbench = Workbench(store, rerun=False, limit=1)
        yield workbench
        await workbench.close()


@dataclass
class Asked:
    """What a query came to: the answers of its cells, their code, and the values of the last answer by name."""

    answers: list[dict[str, Any]]
    code: str
    notes: tuple[str, ...]

    @property
    def values(self) -> dict[str, Any]:
        return {v["name"]: v["value"] for v in self.answers[-1]["values"]}

    @property
    def text(self) -> str:
        return str(self.answers[-1]["text"])


@functools.cache
def _compiled(toolkit: str) -> types.CodeType:
    """A part of the toolkit, of which many questions need the same: to compile it takes a fifth of their time."""
    return compile(toolkit, "toolkit", "exec")


def _asked(query: dict[str, Any], folder: Path, files: list[str], described: list[dict[str, Any]] | None) -> Asked:
    """Compile a query of files in a folder and run its cells in this process, with their part of the toolkit only."""
    from graphs import look
    from graphs.questions.compile import compile
    from graphs.questions.expressions import NotComputable
    from graphs.questions.query import Query
    from graphs.questions.source import Cells
    from notebooks.slices import slice_for

    with contextlib.chdir(folder):
        tables = described if described is not None else _described(files)
        cells = compile(Query.model_validate(query), tables)
        if not isinstance(cells, Cells):
            raise NotComputable(f"The template {cells.template} answers it.")
        code = "\n".join([look.load(files), *(code for _, code in cells.cells)])
        shown: list[dict[str, Any]] = []
        names: dict[str, Any] = {}
        exec(_compiled(slice_for(code)), names)
        names["_display"] = shown.append
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)
    answers = [b[ANSWER_MIME] for b in shown if ANSWER_MIME in b]
    return Asked(answers, "\n".join(code for _, code in cells.cells), cells.notes)


def _described(files: list[str]) -> list[dict[str, Any]]:
    from graphs import look
    from notebooks.slices import slice_for

    code = f"{look.load(files)}\n{look.describe('')}"
    names: dict[str, Any] = {}
    exec(_compiled(slice_for(code)), names)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, names)
    found: list[dict[str, Any]] = json.loads(printed.getvalue().splitlines()[-1])["files"]
    return found


@pytest.fixture(scope="session")
def ask() -> Callable[..., Asked]:
    """`ask(query, path, …)` answers a query of files, the first of which is its table, without a sandbox."""
    known: dict[tuple[Path, ...], list[dict[str, Any]]] = {}

    def asked(query: dict[str, Any], *paths: Path) -> Asked:
        if paths not in known:
            with contextlib.chdir(paths[0].parent):
                known[paths] = _described([p.name for p in paths])
        return _asked(query, paths[0].parent, [p.name for p in paths], known[paths])

    return asked
