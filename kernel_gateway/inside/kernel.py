"""The kernel process: a real ipykernel, set up for a sandbox.

What differs from the stock `ipykernel_launcher`: the first line of a cell's output leaves at once, no history database,
no colour codes, environment variables of one call, and tables and plain containers as data beside their text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from kernel_gateway.inside.display import add_formatters
from kernel_gateway.inside.limits import be_expendable

_PIECE = 512 << 10  # characters of output in one message


def main(connection_file: str) -> None:
    """Run the kernel until it is told to exit."""
    from ipykernel.iostream import OutStream
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    be_expendable()
    OutStream.flush_interval = 0.005  # the stock 0.2 s is what a reader waits for the first line
    whole = OutStream._flush_buffers

    def pieces(self: Any) -> Iterator[tuple[dict[str, Any], str]]:
        """What waits to be sent, in pieces: the first is on its way while the second is packed."""
        for parent, data in whole(self):
            for at in range(0, len(data), _PIECE):
                yield parent, data[at : at + _PIECE]

    OutStream._flush_buffers = pieces

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
    add_formatters(app.shell)
    app.start()
