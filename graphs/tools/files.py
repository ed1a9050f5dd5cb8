"""Tools on the sandbox's files and shell. What changes something is a cell, so that the notebook does it again."""

from __future__ import annotations

import shlex
from typing import Any

from pydantic import Field

from graphs.state import Desk
from graphs.tools.base import Action, refusal, tool
from graphs.tools.notebook import result, shorten

TEXT_LIMIT = 16_000
"""Characters of a file or a listing that a model is shown at a time."""


@tool("run_command", job="code")
class RunCommand(Action):
    """Run a shell command in the sandbox, as a cell of the notebook, and read what it prints. A command that fails is
    an error."""

    command: str = Field(min_length=1, description="One or more lines of bash")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        return await cell(desk, f"%%bash\n{self.command}", self.title or "Run a command", key, step_id)


@tool("write_file", job="code")
class WriteFile(Action):
    """Write a text file in the sandbox, whole, over one that may be there."""

    path: str = Field(min_length=1, description="Relative to the current folder")
    content: str

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        code = f"%%writefile {shlex.quote(self.path)}\n{self.content}"
        if "/" in self.path:
            folder = f"from pathlib import Path\n\nPath({self.path!r}).parent.mkdir(parents=True, exist_ok=True)"
            made = await cell(desk, folder, f"Make the folder of {self.path}", f"{key}-f", step_id)
            if not made["ok"]:
                return made
        return await cell(desk, code, self.title or f"Write {self.path}", key, step_id)


@tool("edit_file", job="code")
class EditFile(Action):
    """Replace one passage of a text file in the sandbox by another. The passage must stand there exactly once."""

    path: str = Field(min_length=1)
    old: str = Field(min_length=1, description="The passage as it stands, with enough around it to be the only one")
    new: str = Field(description="What is to stand there")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        read = await desk.session.command(f"cat -- {shlex.quote(self.path)}")
        if read.exit_code:
            return refusal("NoFile", read.stderr.strip() or f"{self.path} cannot be read.")
        found = read.stdout.count(self.old)
        if found != 1:
            near = "" if found else _nearest(self.old, read.stdout)
            how = f"{found} times" if found else "nowhere"
            return refusal("NoMatch", f"The passage stands {how} in {self.path}, so nothing was changed.{near}")
        code = (
            "from pathlib import Path\n\n"
            f"file = Path({self.path!r})\n"
            f"file.write_text(file.read_text().replace({self.old!r}, {self.new!r}, 1));"
        )
        return await cell(desk, code, self.title or f"Edit {self.path}", key, step_id)


@tool("read_file", job="code")
class ReadFile(Action):
    """Read a file of the sandbox as text: source, text, CSV, a notebook's cells, the pages of a PDF, the sheets of an
    Excel or the paragraphs of a Word file. An image is shown to a model that reads pictures; else its size
    is told."""

    path: str = Field(min_length=1)
    first: int = Field(1, ge=1, description="The first line to read")
    lines: int = Field(400, ge=1, le=2_000, description="How many lines")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        if self.path.rsplit(".", 1)[-1].lower() in ("png", "jpg", "jpeg", "webp"):
            view = await desk.view()
            known = next((a for a in reversed(view.artifacts) if a.name == self.path.removeprefix("./")), None)
        else:
            known = None
        script = f"python3 -c {shlex.quote(_READ)} {shlex.quote(self.path)} {self.first} {self.lines}"
        told = printed(await desk.session.command(script))
        return told | ({"images": [known.id]} if known is not None else {})


@tool("list_files", job="code")
class ListFiles(Action):
    """List the files below a folder of the sandbox, with their sizes in bytes."""

    folder: str = "."
    depth: int = Field(3, ge=1, le=10)

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        found = (
            f"find {shlex.quote(self.folder)} -maxdepth {self.depth} -not -path '*/.*' -printf '%y %s %P\\n' | sort -k3"
        )
        return printed(await desk.session.command(f"set -o pipefail; {found} | head -1000"))


@tool("search", job="code")
class Search(Action):
    """Search the text files below a folder of the sandbox for a regular expression; gives file, line and text."""

    pattern: str = Field(min_length=1, description="An extended regular expression")
    folder: str = "."
    ignore_case: bool = False

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        options = "-rnIE" + ("i" if self.ignore_case else "")
        found = await desk.session.command(
            f"grep {options} --exclude-dir='.*' -m 200 -e {shlex.quote(self.pattern)} -- {shlex.quote(self.folder)} "
            "| cut -c1-400 | head -400"
        )
        if found.exit_code > 1:
            return refusal("BadPattern", found.stderr.strip() or "grep refused the pattern.")
        return {"cells": [], "ok": True, "text": shorten(found.stdout, TEXT_LIMIT) or "Nothing matches.", "error": None}


async def cell(desk: Desk, code: str, title: str, key: str, step_id: str) -> dict[str, Any]:
    """Run a cell, and tell what came of it."""
    ran = await desk.session.run(code, title=title, tags=("code",), step_id=step_id, key=f"{key}-0")
    return result(await desk.view(), [ran])


def printed(done: Any) -> dict[str, Any]:
    """What a command printed, as the result of a tool."""
    if done.exit_code:
        return refusal("Failed", shorten(done.stderr.strip() or done.stdout.strip() or "It failed.", 2_000))
    return {"cells": [], "ok": True, "text": shorten(done.stdout, TEXT_LIMIT), "error": None}


def _nearest(passage: str, text: str) -> str:
    """The lines of a text that come nearest to the first line of a passage, as the end of a sentence."""
    import difflib

    first = next((line for line in passage.splitlines() if line.strip()), passage)
    near = difflib.get_close_matches(first.strip(), [line.strip() for line in text.splitlines()], 2, 0.5)
    return f" Near it: {' / '.join(near)}" if near else ""


_READ = """
import sys
path, first, lines = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
kind = path.rsplit(".", 1)[-1].lower()
if kind == "pdf":
    from pypdf import PdfReader
    pages = PdfReader(path).pages
    text = "\\n".join(f"--- page {i} ---\\n{p.extract_text()}" for i, p in enumerate(pages, 1))
elif kind in ("xlsx", "xls"):
    import pandas
    sheets = pandas.read_excel(path, sheet_name=None)
    text = "\\n".join(f"--- sheet {n} ---\\n{s.to_csv(index=False)}" for n, s in sheets.items())
elif kind == "docx":
    from docx import Document
    text = "\\n".join(p.text for p in Document(path).paragraphs)
elif kind == "ipynb":
    import json
    cells = json.load(open(path))["cells"]
    def shown(cell):
        for out in cell.get("outputs", ()):
            said = out.get("text") or out.get("data", {}).get("text/plain") or out.get("evalue") or ""
            yield "".join(said)[:2000]
    text = "\\n".join(
        "\\n".join([f"--- {c['cell_type']} {i} ---", "".join(c["source"]), *(f"> {s}" for s in shown(c))])
        for i, c in enumerate(cells, 1)
    )
elif kind in ("png", "jpg", "jpeg", "gif", "webp"):
    from PIL import Image
    image = Image.open(path)
    text = f"An image of {image.width} x {image.height} pixels."
else:
    data = open(path, "rb").read()
    if b"\\0" in data[:4096]:
        sys.exit(f"{path} is no text: {len(data):,} bytes.")
    text = data.decode(errors="replace")
every = text.splitlines()
print("\\n".join(every[first - 1 : first - 1 + lines]))
if (more := len(every) - (first - 1 + lines)) > 0:
    print(f"... {more:,} more lines")
"""
