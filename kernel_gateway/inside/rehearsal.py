"""What every sandbox does until its first result, done before anything is forked.

Python adapts a function's code to what happens in it as it first runs, and writes that into the code. What has run here
is adapted once, in memory that all forks share; each would else spend the time and have pages of its own for it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from pathlib import Path

from kernel_gateway.inside import kernel, memory
from kernel_gateway.inside.app import App, server_for
from kernel_gateway.inside.http import ENVD_PORT, INTERPRETER_PORT
from kernel_gateway.inside.interpreter import Interpreter
from kernel_gateway.inside.kernels import REHEARSED
from kernel_gateway.inside.launch import Connection, Forks
from kernel_gateway.inside.settings import Settings

_TIMES = 4  # after which nothing more is adapted
_PATIENCE = 20.0  # seconds
_REQUEST = (
    "POST {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ne2b-sandbox-port: {port}\r\n"
    "content-length: {size}\r\n\r\n{data}"
)


def rehearse() -> None:
    """Be a sandbox's service and its kernel for a moment: threads and sockets, which are gone when this returns.

    Not on uvloop: once used, libuv closes what it holds to be its own descriptors in every fork.
    """
    with tempfile.TemporaryDirectory() as name:
        first = Connection.make(Path(name, "runtime"))
        kernel.rehearse(str(first.file), lambda: asyncio.run(_serve(Path(name), first)))
    memory.forget()  # what it has found are the host's own


async def _serve(folder: Path, first: Connection) -> None:
    """Be the service, and ask it for what sandboxes are asked for."""
    line, seed = socket.socketpair()
    address = str(folder / "service")
    with line, seed, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        settings = Settings(str(folder), first.file.parent, {})
        forks = Forks(line)
        interpreter = Interpreter(settings, forks, forks.expect(first), rehearses=True)
        server = server_for(App(settings, interpreter))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(_PATIENCE):
                for _ in range(_TIMES):
                    await _ask(address, "/init", ENVD_PORT, {"envs": {}, "outlet": False, "parked": True})
                    await _ask(address, "/execute", INTERPRETER_PORT, {"code": REHEARSED, "env_vars": None})
        finally:
            serving.cancel()
            await asyncio.wait({serving})
            for one in server.servers:
                one.close()
            forks.close()
            interpreter.close()


async def _ask(address: str, path: str, port: int, body: dict[str, object]) -> None:
    data = json.dumps(body)
    reader, writer = await asyncio.open_unix_connection(address)
    writer.write(_REQUEST.format(path=path, port=port, size=len(data), data=data).encode())
    await reader.read()
    writer.close()
