"""Commands of others' that tests start, less what takes long in them and is nothing that a test claims."""

from __future__ import annotations

import sys

PAPERMILL = (sys.executable, "-P", "-c", "import notebooks.nb; from papermill.__main__ import papermill; papermill()")
"""papermill's command without the second in which it compiles a grammar of addresses, see `notebooks.nb`."""
