"""Shared by the playbook's tests: planted tables, and a kernel in which templates run as they would for anyone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from jupyter_client.manager import KernelManager

from artifacts.types import ANSWER_MIME, FINDING_MIME, Finding
from notebooks.catalog import cells, find

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "findings.schema.json").read_text(encoding="utf-8"))
FINDING = Draft202012Validator(SCHEMA["$defs"]["finding"])
"""What each finding of every template that a test runs must be."""


@dataclass(frozen=True)
class Ran:
    """What a template left: its findings, the PNGs that it drew (base64), what it printed, its answers (as
    displayed) and the error, if any."""

    findings: list[Finding]
    plots: list[str]
    text: str
    answers: list[dict[str, Any]]
    error: str | None = None

    @property
    def answer(self) -> dict[str, Any]:
        """Its one answer, its values by name: a tuple of value, unit and interval."""
        (answer,) = self.answers
        values = {v["name"]: (v["value"], v["unit"], v["interval"]) for v in answer["values"]}
        return answer | {"values": values}

    def of(self, kind: str, type: str | None = None) -> list[Finding]:
        return [f for f in self.findings if f.kind == kind and type in (None, f.type)]


class Kernel:
    """The kernel of our sandboxes, in a folder. Each template's cells run in order, as in a notebook of its own."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager()
        assert self.manager.kernel_spec is not None
        run = "import sys; from kernel_gateway.inside.kernel import main; main(sys.argv[1])"
        self.manager.kernel_spec.argv = [sys.executable, "-c", run, "{connection_file}"]
        self.manager.start_kernel(cwd=str(folder))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)
        self.toolkits = list[str]()

    def run(self, code: str) -> tuple[list[dict[str, Any]], str, str | None]:
        """One cell: the MIME bundles that it displayed, its text and the name and value of its error."""
        bundles, text, error = list[dict[str, Any]](), list[str](), list[str]()

        def hear(message: Mapping[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind in ("display_data", "execute_result"):
                bundles.append(content["data"])
            elif kind == "stream":
                text.append(content["text"])
            elif kind == "error":
                error.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(code, output_hook=hear, timeout=300)
        return bundles, "".join(text), error[0] if error else None

    def made_ready(self, toolkit: str) -> str:
        """A cell that does what the toolkit's does: IPython takes half a second to read that one, each time."""
        if toolkit not in self.toolkits:
            self.toolkits.append(toolkit)
            name = f"_toolkit_{len(self.toolkits) - 1}"
            self.run(f"{name} = compile({toolkit!r}, 'toolkit', 'exec', dont_inherit=True)")
        return f"exec(_toolkit_{self.toolkits.index(toolkit)})"

    def template(self, name: str, **parameters: Any) -> Ran:
        findings, plots, text, answers = list[Finding](), list[str](), list[str](), list[dict[str, Any]]()
        for number, cell in enumerate(cells(find(name), parameters), 1):
            code = self.made_ready(cell.code) if "toolkit" in cell.tags else cell.code
            bundles, printed, error = self.run(code)
            text.append(printed)
            for bundle in bundles:
                if FINDING_MIME in bundle:
                    own = {"id": f"F{len(findings) + 1}", "evidence": {"cell": f"cell-{number:02d}"}}
                    findings.append(Finding.model_validate({**bundle[FINDING_MIME], **own}))
                    FINDING.validate(findings[-1].model_dump(mode="json"))
                if ANSWER_MIME in bundle:
                    answers.append(bundle[ANSWER_MIME])
                if "image/png" in bundle:
                    plots.append(bundle["image/png"])
            if error:
                return Ran(findings, plots, "".join(text), answers, error)
        return Ran(findings, plots, "".join(text), answers)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the kernel runs and the tests put their tables."""
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="session")
def kernel(folder: Path) -> Iterator[Kernel]:
    kernel = Kernel(folder)
    yield kernel
    kernel.close()


@pytest.fixture
def table(folder: Path) -> Callable[[str, pd.DataFrame], str]:
    """Writes a table as CSV where the kernel finds it, and returns its name."""

    def write(name: str, df: pd.DataFrame) -> str:
        df.to_csv(folder / f"{name}.csv", index=False)
        return f"{name}.csv"

    return write


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)
