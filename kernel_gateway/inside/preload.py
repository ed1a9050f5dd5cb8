"""What a seed has imported before it forks, so that neither the service nor a kernel imports it again."""

from __future__ import annotations

import gc
import importlib
import os
import sysconfig
import traceback
from collections.abc import Sequence
from typing import Any

from kernel_gateway.inside.late import let_polars_wait
from kernel_gateway.inside.sharing import share

SERVICE = (
    "kernel_gateway.inside.app",
    "kernel_gateway.inside.process",
    "kernel_gateway.inside.filesystem",
    "kernel_gateway.inside.pack",
    "python_multipart.multipart",  # as all that the service uses: a sandbox may change the environment for itself
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.httptools_impl",
)
KERNEL = ("faulthandler", "tornado.platform.asyncio", "IPython.core.logger")  # what ipykernel imports when it starts
LIBRARIES = ("numpy", "pandas", "matplotlib.pyplot", "e2b_charts", "duckdb")
# What the first table and the first figure of a cell import, less matplotlib's inline backend: with that imported too
# early figures are not shown.
SHOWN = (
    "IPython.core.pylabtools",
    "matplotlib.backends.backend_agg",
    "pandas.io.formats.html",
    "pandas.io.formats.string",
    "pandas.plotting._matplotlib",
    "pyarrow.pandas_compat",
    "pyarrow.vendored.version",
    *(f"PIL.{name}ImagePlugin" for name in ("Bmp", "Gif", "Jpeg", "Png", "Ppm")),  # PIL's first picture wants them all
)
INLINE = "module://matplotlib_inline.backend_inline"


_RECORD = ".dist-info"
_known: set[str] = set()  # the records of all packages that there were when some of them were imported


def is_outdated() -> bool:
    """Whether one of the packages that a seed has imported may since have been removed or replaced in this sandbox.

    A fork has what the seed imported, and would never see the new one.
    """
    return bool(_known - _records())


def _records() -> set[str]:
    try:
        return {name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(_RECORD)}
    except OSError:  # what code inside has done to it is no trouble of ours
        return set()


def load(cache: str, more: Sequence[str] = ()) -> str | None:
    """Import what every sandbox needs, and `more`. matplotlib keeps its list of this machine's fonts in `cache`.

    Nothing may run that starts a thread or OpenMP: neither lives on in a fork. (matplotlib's clock for a list that
    takes long is stopped when the list is there, long before the first fork.) Returns why one of `more` cannot be
    among it, if one cannot: then this process is of no use.
    """
    # OpenMP looks once, as it is loaded, how many threads it may have: here, where one of `more` needs it.
    meanwhile = {"MPLBACKEND": INLINE, "MPLCONFIGDIR": cache, "OMP_NUM_THREADS": "1"}
    kept = {name: os.environ.get(name) for name in meanwhile}
    gc.disable()  # nothing of this is garbage, and to look for it takes a tenth of the time
    os.environ.update(meanwhile)
    _import(SERVICE)
    _import(LIBRARIES)
    _import(SHOWN)
    let_polars_wait()
    for name in more:
        if (why := _unfit(name)) is not None:
            return why
    _known.update(_records())
    for name, value in kept.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    import matplotlib

    for memoized in (matplotlib.get_configdir, matplotlib.get_cachedir):
        _forget(memoized)
    _build_kernel()
    from kernel_gateway.inside.rehearsal import rehearse

    try:
        rehearse()
    except Exception:  # noqa: BLE001 - all works without, if slower
        traceback.print_exc()
    share()
    gc.enable()
    return None


def load_kernel() -> None:
    """Build a kernel, which any environment can, for forks to be."""
    _build_kernel()
    share()
    gc.enable()


def _build_kernel() -> None:
    from kernel_gateway.inside import kernel

    _import(KERNEL)
    kernel.prepare()


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)


def _unfit(name: str) -> str | None:
    """Import a module that somebody asked for; why it must not be imported before a fork, if so."""
    before = len(os.listdir("/proc/self/task"))
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - whatever it does, kernels can do without
        return f"{name} cannot be imported ({type(error).__name__}: {error})"
    if len(os.listdir("/proc/self/task")) > before:
        return f"{name} starts threads as it is imported, which a forked kernel would lack"
    return None


def _forget(memoized: Any) -> None:
    """Have one of matplotlib's functions find out again: its answer was a folder of the host's."""
    for name, cell in zip(memoized.__code__.co_freevars, memoized.__closure__ or (), strict=True):
        if name == "called":
            cell.cell_contents = False
