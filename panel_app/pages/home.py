"""The first page: ask a question of a file, and see the runs there are."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import get_args

from markupsafe import Markup

from artifacts.types import Run, RunStatus
from graphs.errors import InputError
from graphs.questions.query import Operator
from graphs.request import Question, Request
from graphs.workbench import Workbench
from panel_app.components.render import part, render
from panel_app.pages.base import Page
from panel_app.typed import NAMES, PAIRS, typed_query
from panel_app.wire import Message, Patch, Wire

EVERY = 1.0
"""Seconds between two looks at the list of runs. One look is one indexed query."""

STALE = 86_400.0
"""Seconds after which an upload that nobody took away is taken for forgotten."""

LISTED = 30
ROLES = ("target", "time", "unit", "assignment")
ROWS = "components/runs.html"


class HomePage(Page):
    """Files arrive in pieces over the wire and are written as they come; the workbench takes them when asked."""

    name = "home"
    nav = "/"
    title = "Ask a question"

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.text = ""
        self.status: RunStatus | None = None
        self._folder: Path | None = None
        self._uploads: dict[int, Path] = {}
        self._shown: list[Run] = []

    def html(self) -> Markup:
        self._shown = self._runs()
        fields = {"statistics": NAMES, "pairs": PAIRS, "operators": get_args(Operator)}
        return render("pages/home.html", runs=self._shown, statuses=get_args(RunStatus), filtered=False, **fields)

    def _runs(self) -> list[Run]:
        return self.workbench.store.runs(limit=LISTED, status=self.status, text=self.text or None)

    async def live(self, wire: Wire) -> None:
        while True:
            await self._refresh(wire)
            await asyncio.sleep(EVERY)

    async def _refresh(self, wire: Wire) -> None:
        """Sends the rows that changed, or the whole list when its order did."""
        before, self._shown = self._shown, await asyncio.to_thread(self._runs)
        if [r.id for r in before] != [r.id for r in self._shown]:
            filtered = bool(self.text or self.status)
            wire.send([Patch(do="set", id="runs", html=part(ROWS, "rows", self._shown, filtered))])
            return
        wire.send(
            [
                Patch(do="put", id=f"row-{new.id}", html=part(ROWS, "row", new))
                for old, new in zip(before, self._shown, strict=True)
                if old != new
            ]
        )

    async def act(self, wire: Wire, message: Message) -> None:
        match message:
            case {"do": "upload", "file": int(number), "name": str(name), "at": int(at), "data": str(data)}:
                problem = await asyncio.to_thread(self._write, number, name, at, data)
                wire.send([Patch(do="ack", id="upload", text=problem)])
            case {
                "do": "ask",
                "question": str(question),
                "model": str(model),
                "files": int(count),
                "roles": dict(roles),
                "typed": dict(typed),
            }:
                await self._ask(wire, question.strip(), model, count, roles, typed)
            case {"do": "filter", "by": "text", "value": str(value)}:
                self.text = value.strip()
                await self._refresh(wire)
            case {"do": "filter", "by": "status", "value": str(value)}:
                self.status = next((s for s in get_args(RunStatus) if s == value), None)
                await self._refresh(wire)

    async def _ask(
        self, wire: Wire, question: str, model: str, count: int, roles: dict[str, str], typed: dict[str, str]
    ) -> None:
        files = tuple(self._uploads[i] for i in range(count) if i in self._uploads)
        named = {
            role: column.strip() for role in ROLES if isinstance(column := roles.get(role), str) and column.strip()
        }
        query = typed_query(typed, question)
        asked = (Question(text=query.text, queries=(query,)),) if query is not None else ()
        question = "" if asked else question
        request = Request(question=question, asked=asked, files=files, model=model.strip() or None, roles=named)
        try:
            run = await self.workbench.start(request)
        except InputError as error:  # told by the name that the person gave the file, not by where it lies here
            here = re.escape(f"{self._folder}{os.sep}")
            raise InputError(re.sub(rf"{here}\d+{re.escape(os.sep)}", "", str(error))) from error
        wire.send([Patch(do="go", url=f"/runs/{run.id}")])

    def _write(self, number: int, name: str, at: int, data: str) -> str:
        """Puts a piece of a file where it belongs. Returns a sentence if that cannot be done, else nothing."""
        plain = Path(name.replace("\\", "/")).name.replace("\0", "")
        if plain in ("", ".", "..") or len(plain.encode()) > 200 or not 0 <= number < 100:
            return f"A file cannot be called {name[:60]!r} here. Rename it and choose it again."
        try:
            piece = base64.b64decode(data, validate=True)
            if at == 0:
                folder = self._place() / str(number)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                self._uploads[number] = folder / plain
            with self._uploads[number].open("ab") as file:
                if file.tell() != at:
                    return f"{plain} arrived in the wrong order. Choose it again."
                file.write(piece)
        except (binascii.Error, KeyError):
            return f"{plain} did not arrive whole. Choose it again."
        except OSError as error:
            return (
                f"{plain} could not be kept: {error.strerror}. Make room in {self.workbench.store.home} and try again."
            )
        return ""

    def _place(self) -> Path:
        if self._folder is None:
            for left in self.workbench.store.home.glob("upload-*"):  # by a server that was killed
                if time.time() - left.stat().st_mtime > STALE:
                    shutil.rmtree(left, ignore_errors=True)
            self._folder = Path(tempfile.mkdtemp(prefix="upload-", dir=self.workbench.store.home))
        return self._folder

    def close(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
