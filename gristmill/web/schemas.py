"""What the REST interface answers, and how it refuses: the schemas and examples of its description."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from artifacts.events import Event, RunView
from artifacts.types import (
    Answer,
    AnswerStatus,
    AnswerValue,
    Artifact,
    Evidence,
    Fire,
    Message,
    Run,
    Schedule,
    Spent,
    Turn,
)
from gristmill.plain import answers_json, plain, view_json
from notebooks.live.document import Row

BEGUN = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


class Mistake(BaseModel):
    """What went wrong."""

    kind: str = Field(description="A name for a program, such as `NotFound`.")
    message: str = Field(description="A sentence for a person: what happened and what to do next.")


class Problem(BaseModel):
    """How every refusal looks, whatever its status."""

    error: Mistake


class Line(BaseModel):
    """How many runs work and wait, and how many may work at a time."""

    running: int
    queued: int
    limit: int


class Health(BaseModel):
    """Which server this is, and what its runs do. `status` is ok, or failing where the record does not answer."""

    status: str
    version: str
    pid: int
    isolation: str = Field(description="`bubblewrap`, or `none`.")
    runs: Line


class AnswerValueTold(BaseModel):
    """One value of an answer, in full."""

    name: str
    value: float | int | bool | str | None
    unit: str


class AnswerTold(BaseModel):
    """The answer to one part of the question, or why there is none."""

    part: str
    status: AnswerStatus
    text: str
    values: list[AnswerValueTold]
    evidence: list[Evidence]
    why: str


class Answered(BaseModel):
    """How a question came out, all of it as text, and its parts."""

    run: str
    status: AnswerStatus
    text: str
    answers: list[AnswerTold]


class TurnTold(Answered):
    """How what was asked in one turn came out; `cells` are the ids of those that it added."""

    turn: str
    cells: list[str]


class SaidTold(BaseModel):
    """The turn that began with what was said; while one is under way, the message that waits to be taken up."""

    turn: Turn | None = None
    message: Message | None = None


class TurnShown(Turn):
    """A turn with the ids of the cells that it added, what it has used, and its answers."""

    cells: list[str]
    spent: Spent
    answers: list[AnswerTold]


@dataclass(frozen=True)
class RunShown(RunView):
    """A run as its events tell it; `branches` are the ids of the runs that share its past."""

    turns: tuple[TurnShown, ...] = ()
    parent: str | None = None
    branches: tuple[str, ...] = ()


class Runs(BaseModel):
    """A list of runs; `total` counts them without `limit` and `offset`."""

    runs: list[Run]
    total: int


class Cells(BaseModel):
    """The cells of a run's notebook, in its order."""

    cells: list[Row]


class Events(BaseModel):
    """The events of a run, in order."""

    events: list[Event]


class Artifacts(BaseModel):
    """A list of artifacts; `total` counts them without `limit` and `offset`."""

    artifacts: list[Artifact]
    total: int


class NotebookParameter(BaseModel):
    """One parameter of a notebook."""

    name: str
    type: str = Field(description="The Python annotation as written, such as `str | None`.")
    default: Any
    help: str


class Notebook(BaseModel):
    """A template notebook."""

    name: str
    title: str
    description: str
    parameters: list[NotebookParameter]
    tags: list[str]
    when: str = Field(description="What it is good for.")


class Notebooks(BaseModel):
    """The template notebooks."""

    notebooks: list[Notebook]


class ScheduleShown(BaseModel):
    """A schedule, the next time that it is due (in its zone; null while it is paused), and its latest firings."""

    schedule: Schedule
    next_due: str | None
    fires: list[Fire]


class Schedules(BaseModel):
    """A list of schedules."""

    schedules: list[ScheduleShown]


class Column(BaseModel):
    """A column of an answer."""

    name: str
    type: str = Field(description="DuckDB's name of its type, such as `VARCHAR`.")


class Rows(BaseModel):
    """The answer of a query; `more` says that there were more rows than `limit`."""

    columns: list[Column]
    rows: list[list[Any]]
    more: bool


class Pruned(BaseModel):
    """What pruning takes out, or has taken out; `cited` counts the old runs that stay since others refer to them."""

    runs: list[str]
    cited: int
    events: int
    artifacts: int
    files: int
    bytes: int


HEALTH = Health(status="ok", version="0.1.0", pid=4711, isolation="bubblewrap", runs=Line(running=1, queued=0, limit=4))
RUN = Run(
    id="run_01m3v9q2m7x4tk", goal="What drives the returns?", model="playbook", status="running", created_at=BEGUN
)
CELL = Row(
    id="cell-05",
    place=5,
    title="Means",
    source="means = table.groupby('crop')['yield_t'].mean()",
    version=1,
    state="fresh",
    author="analysis",
    turn="turn-01",
    reads=("table",),
    writes=("means",),
)
QUESTION = "What is the mean price in the north?"
ANSWERED = answers_json(
    RUN.id,
    [
        Answer(
            part=QUESTION,
            status="answered",
            text="The mean price in the north is 41.2 EUR (n = 118).",
            values=(AnswerValue(name="mean price", value=41.2, unit="EUR"),),
            evidence=(Evidence(cell="cell-04"),),
        )
    ],
)
TURN = {"run": RUN.id, "turn": "turn-02"} | ANSWERED | {"cells": ["cell-05"]}
SAID = {"turn": None, "message": Message(id="msg_01m3v9r8c1q2ab", text="only females, please", steers=True, at=BEGUN)}
ARTIFACT = Artifact(
    id="art_01m3v9q5k2p8aa",
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    name="fig_01.png",
    media_type="image/png",
    size=31406,
    role="plot",
    run_id=RUN.id,
    created_at=BEGUN,
)
SCHEDULE = Schedule(
    id="sch_01m3v9r1c6w2bb",
    cron="0 7 * * mon-fri",
    timezone="Europe/Berlin",
    kind="question",
    goal="What drives the returns?",
    files=("/data/sales.csv",),
    created_at=BEGUN,
)
ASKED = SCHEDULE.model_dump(mode="json", include={"cron", "timezone", "kind", "goal", "files"})
SHOWN = ScheduleShown(schedule=SCHEDULE, next_due="2026-03-03T07:00+01:00", fires=[])
ROWS = Rows(columns=[Column(name="status", type="VARCHAR")], rows=[["done"]], more=False)
PRUNED = Pruned(runs=[RUN.id], cited=0, events=412, artifacts=9, files=8, bytes=731_904)
NOTEBOOK = Notebook(
    name="profile",
    title="Profile and clean",
    description="What a table holds, and what is wrong with it.",
    parameters=[NotebookParameter(name="data", type="str", default="", help="the file")],
    tags=[],
    when="first, for any table",
)

PROBLEMS = {
    401: ("unauthorized", "This server asks for its token.", "The token is missing or wrong."),
    403: ("forbidden", "This request comes from another site's page.", "The Host or the Origin is not this server's."),
    404: ("NotFound", "There is no run nosuch.", "There is nothing of that id."),
    409: ("GraphError", "run_01m3v9q2m7x4tk has ended.", "It cannot be done as things stand."),
    413: ("TooLarge", "The upload is larger than 2048 MiB.", "The upload is larger than `GRISTMILL_MAX_UPLOAD_MB`."),
    422: ("Misuse", "The question is empty.", "What was asked makes no sense as it stands."),
    429: ("too many attempts", "Too many wrong tokens came from this address; wait 60 s.", "Too many wrong tokens."),
    500: (
        "ArtifactDamaged",
        "The bytes of fig_01.png are gone.",
        "Its bytes are gone or have changed.",
    ),
    503: ("Closing", "The server is shutting down; start it again.", "The server cannot do it now."),
}


def _json(example: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"example": example}}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Statuses by which a route may refuse, for FastAPI's `responses`, each with an example."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        kind, message, description = PROBLEMS[status]
        example = {"error": {"kind": kind, "message": message}}
        found[status] = {"model": Problem, "description": description} | _json(example)
    if 429 in found:
        told = {"description": "Seconds after which to come again.", "schema": {"type": "integer"}}
        found[429]["headers"] = {"Retry-After": told}
    return found


ALWAYS = refusals(401, 403, 429)
"""What the guard may answer on every route."""


def answer(model: Any, example: Any, *, status: int = 200, description: str = "Done.") -> dict[str, Any]:
    """What a route answers, as arguments of its decorator; the body itself is made by the route."""
    shown = view_json(example) if isinstance(example, RunView) else plain(example)
    return {
        "response_model": None,
        "status_code": status,
        "responses": {status: {"model": model, "description": description} | _json(shown)},
    }


def file(media_type: str, description: str) -> dict[str, Any]:
    """A route that answers with bytes."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    responses = {200: {"description": description, "content": content}}
    return {"response_model": None, "response_class": FileResponse, "responses": responses}


NOTEBOOK_FIELDS: dict[str, Any] = {
    "name": {
        "type": "string",
        "description": "The name of a template; not with `notebook`.",
        "examples": ["profile"],
    },
    "notebook": {
        "type": "string",
        "format": "binary",
        "description": "A notebook file (.ipynb) to run instead of a template.",
    },
    "params": {
        "type": "string",
        "contentMediaType": "application/json",
        "default": "{}",
        "description": "The parameters that are no files: a JSON object.",
    },
    "project": {"type": "string", "description": "The project that the run belongs to."},
    "limit": {"type": "number", "description": "Seconds that a cell may take (default: any)."},
    "allow_errors": {
        "type": "boolean",
        "default": False,
        "description": "Whether the notebook goes on after a cell that failed.",
    },
    "folders": {
        "type": "string",
        "contentMediaType": "application/json",
        "default": "[]",
        "description": "Folders that the notebook finds beside it, if only to write into them: a JSON list of paths.",
    },
}
"""What `POST /api/notebooks/run` takes beside files for a parameter or for the notebook's folder."""

NOTEBOOK_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "title": "NotebookForm",
                    "type": "object",
                    "properties": NOTEBOOK_FIELDS,
                    "patternProperties": {
                        "^param:": {
                            "type": "string",
                            "format": "binary",
                            "description": "The file for the parameter of that name, such as `param:data`. Where "
                            "`params` has a list for it, each file adds to the list.",
                            "examples": ["@sales.csv"],
                        },
                        "^file:": {
                            "type": "string",
                            "format": "binary",
                            "description": "A file that the notebook finds beside it, by its path there, such as "
                            "`file:data/trees.csv`.",
                        },
                    },
                    "additionalProperties": False,
                }
            }
        },
    }
}
"""The body of `POST /api/notebooks/run`, whose fields are named after the notebook's parameters."""
