"""Environment variables of one call in kernels that are not our own: code that sets them, and code that undoes it."""

from __future__ import annotations

import json
from collections.abc import Mapping

_JAVASCRIPT = """Object.defineProperty(globalThis, "__calls", {value: new Map(), configurable: true});
for (const [name, value] of Object.entries(%s)) {
  globalThis.__calls.set(name, process.env[name]); process.env[name] = value;
} undefined"""
_JAVASCRIPT_UNDO = """for (const [name, value] of globalThis.__calls) {
  if (value === undefined) delete process.env[name]; else process.env[name] = value;
} delete globalThis.__calls; undefined"""
_R = "options(.call = Sys.getenv(c(%s), unset = NA, names = TRUE)); Sys.setenv(%s)"
_R_UNDO = """local({
  was <- getOption(".call"); options(.call = NULL); gone <- is.na(was)
  if (any(gone)) Sys.unsetenv(names(was)[gone])
  if (any(!gone)) do.call(Sys.setenv, as.list(was[!gone]))
})"""


def code_for(language: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """The code to run before and after a cell; None for a language in which we do not know it."""
    values = {name: value for name, value in environment.items() if name.isidentifier() and name.isascii()}
    if language in ("javascript", "typescript"):
        return _JAVASCRIPT % json.dumps(values), _JAVASCRIPT_UNDO
    if language == "r":
        names = ", ".join(map(json.dumps, values))
        return _R % (names, ", ".join(f"{name} = {_r_string(value)}" for name, value in values.items())), _R_UNDO
    return None


def _r_string(value: str) -> str:
    """As R reads it: its escapes beyond ASCII differ from JSON's."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
