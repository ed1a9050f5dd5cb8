"""The one door to E2B's generated server classes: Connect-RPC applications for processes and files.

They are internals of the `e2b` package, so nothing else in this room imports them. Importing `e2b` itself costs half a
second and thirty megabytes for a client that no sandbox needs, so its generated modules are loaded from an empty
package of the same name, which is taken away again.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING or "e2b" in sys.modules:
    from e2b.envd.filesystem import filesystem_connect, filesystem_pb
    from e2b.envd.process import process_connect, process_pb
else:
    spec = importlib.util.find_spec("e2b")
    if spec is None:
        raise ImportError("The e2b package is missing from the sandbox's Python environment; install e2b.")
    shell = types.ModuleType("e2b")
    shell.__path__ = list(spec.submodule_search_locations or [])
    sys.modules["e2b"] = shell
    try:
        from e2b.envd.filesystem import filesystem_connect, filesystem_pb
        from e2b.envd.process import process_connect, process_pb
    finally:
        del sys.modules["e2b"]

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from protobuf import Oneof
from protobuf.wkt import Timestamp

MAX_MESSAGE = 64 << 20  # bytes; the library's 4 MiB refuses 3.3 MB of standard input

__all__ = [
    "MAX_MESSAGE",
    "Code",
    "ConnectError",
    "Oneof",
    "RequestContext",
    "Timestamp",
    "filesystem_connect",
    "filesystem_pb",
    "process_connect",
    "process_pb",
]
