"""Has a session's kernel watch the cells that run in it, and asks it what it saw; see `notebooks.observer`."""

from __future__ import annotations

import json
from typing import Any

from notebooks.session import Session
from notebooks.slices import OBSERVER, package, part

_NAME = "gristmill_observer"
_MARK = "gristmill observed "
_LARGEST = 4 * 2**20


async def watch(session: Session) -> None:
    """Let the session's kernel watch what runs in it from now on. Where that cannot be, nothing is seen."""
    source = part(package(OBSERVER), ["start", "told"], heading="from __future__ import annotations")
    start = (
        "import sys, types\n"
        f"module = sys.modules[{_NAME!r}] = types.ModuleType({_NAME!r})\n"
        f"exec(compile({source!r}, '<{_NAME}>', 'exec'), module.__dict__)\n"
        "from IPython import get_ipython\n"
        "module.start(get_ipython())\n"
    )
    await session.aside(f"exec({start!r}, {{}})")


async def seen(session: Session) -> Any:
    """What the kernel saw so far, as `observer.told` gives it; None where it does not say.

    The kernel runs code that nobody has vetted, so the value may be any JSON at all.
    """
    ask = (
        "import json, sys\n"
        f"module = sys.modules.get({_NAME!r})\n"
        f"print({_MARK!r} + json.dumps(module.told(going_on=True)) if module else '')\n"
    )
    said = await session.aside(f"exec({ask!r}, {{}})")
    _, mark, rest = said.partition(_MARK)
    if not mark or len(rest) > _LARGEST:
        return None
    try:
        return json.loads(rest.partition("\n")[0])
    except ValueError:
        return None
