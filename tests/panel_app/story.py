"""Runs written into a real store as the rooms below would, and a workbench that only takes questions."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from artifacts.events import (
    Event,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    ModelReplied,
    Noted,
    OutputReceived,
    PlanMade,
    ReportMade,
    Reviewed,
    RunEnded,
    RunStarted,
    SandboxOpened,
    StepEnded,
    StepStarted,
    TextDelta,
)
from artifacts.store import Store
from artifacts.types import (
    FINDING_MIME,
    Artifact,
    ArtifactRole,
    Effect,
    Evidence,
    Execution,
    ExecutionError,
    Finding,
    Output,
    PlanStep,
    Run,
    Test,
    new_id,
)
from graphs.errors import InputError
from graphs.request import Request

QUESTION = "Does bill length predict bill depth, and what separates the species?"


def png(width: int = 48, height: int = 32) -> bytes:
    """A small plain picture, made here so that nothing has to be drawn."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x2a\x7a\x70" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Story:
    """Writes a run into the store as the rooms below would, an event at a time."""

    def __init__(self, store: Store, goal: str = QUESTION, **run: Any) -> None:
        self.store = store
        self.run = Run(id=new_id("run"), goal=goal, **run)
        self.cells = 0
        self.add(RunStarted(run_id=self.id, run=self.run))

    @property
    def id(self) -> str:
        return self.run.id

    def add(self, event: Event) -> Event:
        return self.store.append_sync(event)

    def type(self, text: str, agent: str = "analysis") -> None:
        self.store.publish(TextDelta(run_id=self.id, agent=agent, text=text))

    def sandbox(self, isolation: str = "bubblewrap", **more: Any) -> None:
        self.add(SandboxOpened(run_id=self.id, sandbox_id="sbx", host="local", isolation=isolation, **more))

    def step(self, title: str, agent: str = "analysis", *, done: bool = True) -> str:
        step_id = new_id("step")
        self.add(StepStarted(run_id=self.id, step_id=step_id, name="plan", agent=agent, title=title))
        if done:
            self.add(StepEnded(run_id=self.id, step_id=step_id))
        return step_id

    def reply(self, content: str, agent: str = "analysis", *, rule_based: bool = True) -> None:
        model = "playbook/1.0" if rule_based else "openai:some-model"
        self.add(ModelReplied(run_id=self.id, agent=agent, model=model, content=content, rule_based=rule_based))

    def plan(self, *steps: PlanStep) -> None:
        self.add(PlanMade(run_id=self.id, steps=steps))

    def put(
        self, data: bytes, name: str, media_type: str, role: ArtifactRole, cell: Execution | None = None
    ) -> Artifact:
        """Keep bytes as an artifact, in a thread of its own: the browser's driver holds a loop in this one."""
        made_by = cell.id if cell else None
        put = self.store.put(data, name=name, media_type=media_type, role=role, run_id=self.id, execution_id=made_by)
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, put).result()

    def begin(self, code: str, title: str = "") -> Execution:
        self.cells += 1
        cell = Execution(id=new_id("exe"), run_id=self.id, sandbox_id="sbx", seq=self.cells, code=code, title=title)
        self.add(ExecutionStarted(run_id=self.id, execution=cell))
        return cell

    def output(self, cell: Execution, kind: str = "stdout", text: str = "", **more: Any) -> None:
        output = Output(kind=kind, text=text, **more)  # type: ignore[arg-type]
        self.add(OutputReceived(run_id=self.id, execution_id=cell.id, output=output))

    def end(self, cell: Execution, error: ExecutionError | None = None) -> None:
        status = "error" if error else "ok"
        self.add(ExecutionEnded(run_id=self.id, execution_id=cell.id, status=status, error=error, count=self.cells))

    def cell(self, code: str, title: str = "", text: str = "") -> Execution:
        cell = self.begin(code, title)
        if text:
            self.output(cell, text=text)
        self.end(cell)
        return cell

    def plot(self, cell: Execution, data: bytes, name: str) -> Artifact:
        artifact = self.put(data, name, "image/png", "plot", cell)
        self.output(cell, "display", "<Figure>", artifacts={"image/png": artifact.id})
        return artifact

    def finding(self, id: str, text: str, cell: Execution, **more: Any) -> None:
        artifact = more.pop("artifact", None)
        more = {"type": "claim", "kind": "correlation"} | more
        self.output(cell, "display", text, data={FINDING_MIME: {}, "text/plain": text})
        finding = Finding(id=id, text=text, evidence=Evidence(cell=cell.cell, artifact=artifact), **more)
        self.add(FindingMade(run_id=self.id, finding=finding))

    def finish(self, status: str = "done", error: str | None = None) -> None:
        self.add(RunEnded(run_id=self.id, status=status, error=error))  # type: ignore[arg-type]


def penguins(store: Store, picture: bytes | None = None, *, goal: str = QUESTION) -> Story:
    """A finished run of the main job, as its record would be."""
    story = Story(store, goal)
    story.put(b"species,bill\nAdelie,39.1\nGentoo,46.1\n", "penguins.csv", "text/csv", "input")
    story.sandbox()
    story.step("Look at the table", "system")
    story.reply("I read one table of 344 rows. The question names **bill length** and **bill depth**.")
    story.plan(
        PlanStep(title="Check the table for traps", why="Hygiene comes before any test.", template="hygiene"),
        PlanStep(title="Test the pair that the question names", why="Pooled, then within every species."),
        PlanStep(title="Compare the species", why="Which measurement tells them apart best?", template="groups"),
    )
    story.step("Plan the analysis")
    load = story.begin("df = read_table(data)\ndf.head(2)", "Load the table")
    story.output(load, text="Read 344 rows and 7 columns, comma separated, UTF-8.\n")
    table = "<div><table border='1' class='dataframe'><thead><tr><th></th><th>species</th><th>bill_length_mm</th></tr>"
    table += "</thead><tbody><tr><th>0</th><td>Adelie</td><td>39.1</td></tr><tr><th>1</th><td>Gentoo</td><td>46.1</td>"
    story.output(load, "result", "", data={"text/html": table + "</tr></tbody></table></div>", "text/plain": "df"})
    story.end(load)
    test = story.begin(
        "# pooled, and within every species\nr = df['bill_length_mm'].corr(df['bill_depth_mm'])\nprint(f'{r:.3f}')",
        "Correlate bill length with bill depth",
    )
    story.output(test, text="-0.235\n")
    figure = story.plot(test, picture or png(), "fig_01.png")
    sentence = "Pooled, bill length and depth fall together (r = −0.235), yet within every species they rise."
    story.finding(
        "F1",
        sentence,
        test,
        type="warning",
        kind="simpsons_paradox",
        columns=("bill_length_mm", "bill_depth_mm", "species"),
        effect=Effect(metric="pearson_r", value=-0.235, ci=(-0.333, -0.132)),
        test=Test(name="pearson", p=1.1e-5, q=2.2e-5, m=12),
        n=342,
        caveats=("Species is the confounder: read the pooled figure with care.",),
        confidence="high",
        artifact=figure.name,
    )
    story.finding(
        "F2",
        "Flipper length separates the species best.",
        test,
        kind="group_difference",
        effect=Effect(metric="eta2", value=0.778, ci=(0.74, 0.81)),
        n=342,
        caveats=("Observational: no cause is claimed.",),
        confidence="high",
    )
    story.finding("F3", "Year has no bearing on bill depth.", test, type="null")
    story.end(test)
    story.step("Write and run the cells", "coding")
    story.add(
        Reviewed(run_id=story.id, round=1, verdict="pass_with_remarks", remarks=("Two rows are unmeasured.",), checks=9)
    )
    story.add(
        ReportMade(
            run_id=story.id,
            answer="Pooled, **no**: the sign is negative (r = −0.235). Within each species it is positive.",
            order=("F1", "F2"),
            not_found=("An effect of year on bill depth.",),
            not_checked=("Anything about age: there is no such column.",),
        )
    )
    story.add(Noted(run_id=story.id, text="penguins.csv was read as UTF-8, comma separated."))
    story.put(
        b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "analysis.ipynb",
        "application/x-ipynb+json",
        "notebook",
    )
    story.put(b"<h1>Report</h1>", "report.html", "text/html", "report")
    story.put(b"{}", "findings.json", "application/json", "findings")
    story.finish()
    return story


class StandIn:
    """The workbench's signature without its work: start() makes a run and says who asked what."""

    def __init__(self, store: Store, isolation: str = "bubblewrap") -> None:
        self.store = store
        self.isolation = isolation
        self.asked: list[tuple[Request, dict[str, bytes]]] = []
        self.stories: dict[str, Story] = {}

    async def start(self, request: Request) -> Run:
        if not request.files:
            raise InputError("No file was given. Name at least one table to ask about.")
        self.asked.append((request, {p.name: p.read_bytes() for p in request.files}))
        story = await asyncio.to_thread(Story, self.store, request.goal)
        self.stories[story.id] = story
        return story.run

    async def cancel(self, run_ref: str) -> Run:
        await self.store.append(RunEnded(run_id=run_ref, status="cancelled", error=None))
        return self.store.run(run_ref)

    async def resume(self, run_ref: str) -> Run:
        raise InputError("This stand-in cannot resume a run. Start it anew.")

    def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        return self.store.follow(run_id, after)
