"""The kernel process: a real ipykernel, set up for a sandbox.

What differs from the stock `ipykernel_launcher`: the first line of a cell's output leaves at once, no history database,
no colour codes, environment variables of one call, and tables and plain containers as data beside their text.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from kernel_gateway.inside.limits import be_expendable, die_with

_MAX_JSON = 1 << 20  # characters; a bigger list or dict is shown as text only
_MAX_CELLS = 100_000  # rows times columns; a bigger table is shown as text and HTML only


def _container(value: Any) -> Any:
    try:
        if len(value) > _MAX_JSON // 4 or len(json.dumps(value)) > _MAX_JSON:
            return None
    except (TypeError, ValueError, RecursionError):
        return None
    return value


def _table(frame: Any) -> Any:
    """A DataFrame by columns, every value as JSON can hold it; None when it is too large to send twice."""
    if frame.size > _MAX_CELLS:
        return None
    return {str(name): column.to_list() for name, column in json_columns(frame)}


def json_columns(frame: Any) -> Any:
    """The columns of `frame`, dates as ISO text and missing values as None."""
    for at, name in enumerate(frame.columns):
        column = frame.iloc[:, at].astype(object)
        yield name, column.where(column.notna(), None).map(_plain)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return _plain(value.item())
    return str(value)


def _add_formatters(shell: Any) -> None:
    from IPython.core.formatters import BaseFormatter
    from traitlets import ObjectName, Unicode

    class TableFormatter(BaseFormatter):
        format_type = Unicode("e2b/data")
        print_method = ObjectName("_repr_e2b_data_")
        _return_type = dict

    formatters = shell.display_formatter.formatters
    tables: Any = TableFormatter(parent=shell.display_formatter)
    for module in ("pandas", "pandas.core.frame"):  # pandas 3 names its classes after the package itself
        tables.for_type_by_name(module, "DataFrame", _table)
    formatters["e2b/data"] = tables
    for kind in (dict, list):
        formatters["application/json"].for_type(kind, _container)


def main(connection_file: str, parent: int) -> None:
    """Run the kernel until its process ends, at the latest with the service, whose pid is `parent`."""
    from ipykernel.iostream import OutStream
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    die_with(parent)
    be_expendable()
    OutStream.flush_interval = 0.005  # the stock 0.2 s is what a reader waits for the first line

    class SandboxKernel(IPythonKernel):  # type: ignore[misc]
        _execute_sleep = 0

        async def do_execute(self, *args: Any, **kwargs: Any) -> Any:
            asked = self.get_parent("shell").get("metadata", {})
            os.environ.update(asked.get("environment", {}))
            extra: dict[str, str] = asked.get("call_environment", {})
            before = {name: os.environ.get(name) for name in extra}
            os.environ.update(extra)
            try:
                return await super().do_execute(*args, **kwargs)
            finally:
                for name, value in before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value

    class SandboxKernelApp(IPKernelApp):  # type: ignore[misc]
        def init_iopub(self, context: Any) -> None:
            context.sndhwm = 0  # a full queue would drop outputs without a word; the service caps them and says so
            super().init_iopub(context)

        def log_connection_info(self) -> None:
            pass  # nobody is there to connect by hand

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.IPKernelApp.log_level = 40
    app = SandboxKernelApp.instance(config=config, kernel_class=SandboxKernel, connection_file=connection_file)
    app.initialize([])
    _add_formatters(app.shell)
    sys.path[:] = [entry for entry in sys.path if entry != os.environ.get("GRISTMILL_SERVICE_PATH")]
    os.environ.pop("GRISTMILL_SERVICE_PATH", None)
    app.start()
