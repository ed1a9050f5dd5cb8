"""Run by test_conformance.py, once an engine: executes every notebook of a folder with papermill, and says what came.

`python both_engines.py ENGINE FOLDER` reads NAME.ipynb and NAME.json (arguments of `execute_notebook`), and writes
NAME.ENGINE.ipynb and NAME.ENGINE.json: what was raised, what papermill logged, and what the cells printed into files.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path

import notebooks.nb  # noqa: F401  # first, so that jsonschema does not take another second for formats of URLs

# isort: split
import papermill


def main(engine: str, folder: Path) -> None:
    for path in sorted(folder.glob("*/in.ipynb")):
        os.chdir(path.parent)
        options = json.loads((path.parent / "options.json").read_text())
        stdout, stderr, logged = io.StringIO(), io.StringIO(), io.StringIO()
        handler = logging.StreamHandler(logged)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        log = logging.getLogger("papermill")
        log.setLevel(logging.INFO)
        log.propagate = False
        log.handlers[:] = [handler]
        raised = None
        try:
            papermill.execute_notebook(
                "in.ipynb",
                f"{engine}.ipynb",
                engine_name=engine,
                progress_bar=False,
                stdout_file=stdout,
                stderr_file=stderr,
                **options,
            )
        except BaseException as error:  # noqa: BLE001 (whatever it is, the other engine is to raise it as well)
            raised = [type(error).__name__, str(error)]
        told = {"raised": raised, "log": logged.getvalue(), "stdout": stdout.getvalue(), "stderr": stderr.getvalue()}
        (path.parent / f"{engine}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
