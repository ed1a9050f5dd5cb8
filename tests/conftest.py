"""What no test may heed, and which are run first and stay together where files are dealt to several processes."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from xdist.scheduler import LoadFileScheduling

import notebooks.nb  # noqa: F401  # before any test asks for jsonschema, which costs a second and a half otherwise
from artifacts import database
from kernel_gateway import client

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

HERE = Path(__file__).parent

SET = ("E2B_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GROQ_", "OPENROUTER_", "GRISTMILL_")
for _name in [name for name in os.environ if name.startswith(SET)]:
    del os.environ[_name]  # whoever works with the product has a key or a data folder there, and no test may heed it
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of a hundred processes compiles our sources anew
sys.dont_write_bytecode = False

gc.set_threshold(50_000)  # as the command has it: to look for garbage of cycles takes a fifteenth of the time otherwise

PATIENCE = 180
"""Seconds in which a page shows and a server answers what a test asks of them; both have 5 else, which is little on a
busy machine."""
for _what in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, _what, PATIENCE)

PRELOADED = ",".join(
    (
        *("scipy.stats", "scipy.signal", "scipy.cluster.hierarchy", "sklearn.linear_model", "sklearn.metrics"),
        *("sklearn.model_selection", "sklearn.pipeline", "sklearn.preprocessing", "sklearn.cluster"),
        *("statsmodels.stats.oneway", "statsmodels.stats.proportion", "statsmodels.regression.linear_model"),
    )
)
"""What the toolkit imports as it is needed, and no test is about how."""

CHROMIUM = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
"""The shell is the same browser less its windows, menus and services: a page costs a fifth less processor time."""
ARGUMENTS = (
    *("--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),  # its own calls home
    "--in-process-gpu",  # nothing is drawn by one here, and a process of its own takes a twelfth of a page's time
)

FIRST = (
    "gristmill/test_api.py",
    "e2e/test_tutorial.py",
    "e2e/",
    "gristmill/",
    "kernel_gateway/test_ordinary_user.py",
    "kernel_gateway/test_bash.py",  # and all that shares its gateway, see below
    "kernel_gateway/test_packages.py",
    "graphs/test_workbench.py",
    "notebooks/test_conformance.py",
    "notebooks/test_engine.py",
    "panel_app/test_pages.py",
    "panel_app/test_work.py",
    "playbook/test_templates.py",
)
"""What takes longest, so that no process is left alone with it at the end."""

TOGETHER = {
    "tests/e2e/test_": "dashboard main_job tutorial",
    "tests/gristmill/test_": "api ask browser cli completion engine machine processes python record reference "
    "review schedules",
    "tests/kernel_gateway/test_": "bash boxplots browser commands control copies facts files front interpreter "
    "isolation isolation_seccomp kernels languages logs pause ports provisioner templates watch wire",
}
"""Files that share a server and finished runs, or a gateway, which each process would make anew."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among what is imported and collected, then or later: it takes a sixth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    @functools.cache
    def turn(path: Path) -> int:
        where = path.relative_to(HERE).as_posix()
        return next((at for at, start in enumerate(FIRST) if where.startswith(start)), len(FIRST))

    items.sort(key=lambda item: turn(item.path))


class Dealing(LoadFileScheduling):
    """Whole files, and those that belong together as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        shared = (start for start, names in TOGETHER.items() if file in {f"{start}{name}.py" for name in names.split()})
        return next(shared, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Dealing | None:
    return Dealing(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def new_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a record in which nothing is."""
    path = tmp_path_factory.mktemp("record") / database.FILE
    database._make(path)
    return path


@pytest.fixture(autouse=True)
def _new_records_are_copies(new_record: Path) -> Iterator[None]:
    """To make a database is two thirds of opening a new data folder; the record's own tests have each made."""
    make = database._make

    def copy(path: Path) -> bool:
        if path.exists() or Path(f"{path}.wal").exists():
            return make(path)
        path.with_name(database.MARK).unlink(missing_ok=True)
        shutil.copy(new_record, path)
        return True

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "_make", copy)
        yield


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[client.Host, Path]]:
    """A gateway for all tests of this process that need any, and the home that it belongs to."""
    home = tmp_path_factory.mktemp("gateway")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "_IDLE_SECONDS", 900)  # other rooms' tests run in between
        patched.setenv("GRISTMILL_PRELOAD", PRELOADED)  # or each kernel that analyses imports it: a second, each time
        host = asyncio.run(client.find_host(home))
    yield host, home
    asyncio.run(client.stop_host(host, home))


@pytest.fixture(scope="session")
def with_gateway(gateway: tuple[client.Host, Path]) -> Callable[[Path], Path]:
    """Make a data folder that finds this gateway running: to start one of its own takes seconds of a processor."""

    def with_gateway(home: Path) -> Path:
        home.mkdir(mode=0o700, parents=True)
        (home / "gateway").mkdir(mode=0o700)
        shutil.copy(gateway[1] / "gateway" / "endpoint.json", home / "gateway")
        return home

    return with_gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of a file."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        patience = PATIENCE * 1000
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=patience)
        new = opened.new_context

        def patient(**options: Any) -> BrowserContext:
            context = new(**options)
            context.set_default_timeout(patience)
            return context

        opened.new_context = patient  # type: ignore[method-assign]
        yield opened
        opened.close()


@pytest.fixture
def ready(tmp_path: Path, with_gateway: Callable[[Path], Path]) -> Path:
    """A data folder that nobody used before, with a gateway at hand."""
    return with_gateway(tmp_path / "home")
