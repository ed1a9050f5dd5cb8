"""The values that travel between rooms: runs, executions, outputs, artifacts and findings. All are frozen."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no letter is mistaken for a digit

FINDING_MIME = "application/vnd.gristmill.finding+json"
"""A cell reports a finding by displaying a `Finding` (less id, rank and evidence) under this MIME type."""

ANSWER_MIME = "application/vnd.gristmill.answer+json"
"""A cell answers a part of the question by displaying an `Answer` (less evidence) under this MIME type."""

PROGRESS_MIME = "application/vnd.gristmill.progress+json"
"""A cell that takes long tells how far it is by displaying `{"what", "done", "of", "unit"}` under this MIME type."""

RunStatus = Literal["queued", "running", "waiting", "done", "failed", "cancelled", "interrupted"]
ExecutionStatus = Literal["running", "ok", "error", "interrupted", "unknown"]
ArtifactRole = Literal["input", "plot", "table", "file", "notebook", "report", "findings"]
CellState = Literal["fresh", "stale", "running", "failed"]
Decision = Literal["accepted", "edited", "rejected"]
TurnStatus = Literal["running", "done", "failed", "cancelled", "interrupted"]
FindingType = Literal["claim", "warning", "null", "descriptive"]
FireOutcome = Literal["done", "failed", "cancelled", "interrupted", "skipped", "missed"]
Overlap = Literal["allow", "skip", "queue", "replace"]
CatchUp = Literal["none", "latest", "all"]
NotifyOn = Literal["failure", "end"]
TaskStatus = Literal["queued", "running", "waiting", "done", "failed", "cancelled"]
Priority = Literal["high", "normal", "low"]


_making = threading.Lock()
_newest = 0


def new_id(prefix: str) -> str:
    """A short id that sorts by time of creation: `run_01m3v9q2m7x4tk` (9 characters of milliseconds, 5 random).

    The ids of one process all differ and sort as they were made, within a millisecond and when the clock is set back,
    too: then the milliseconds run ahead of the clock.
    """
    global _newest
    with _making:
        _newest = ms = max(time.time_ns() // 1_000_000, _newest + 1)
    chars = []
    for _ in range(9):
        ms, rest = divmod(ms, 32)
        chars.append(_ALPHABET[rest])
    return f"{prefix}_{''.join(reversed(chars))}{''.join(secrets.choice(_ALPHABET) for _ in range(5))}"


def now() -> datetime:
    """The time, in UTC; every `at` in the record is made here."""
    return datetime.now(UTC)


class Value(BaseModel):
    """Base of every value that travels: frozen, and strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Value):
    """One question, notebook or schedule firing, from start to end. `agent` names what carries it out.

    `place` is that of a run whose status is queued, from 1 for the next one; None for any other. `began_at` is when the
    turn came of a run that was queued; None for one that began as it was created.
    """

    id: str
    goal: str
    agent: Literal["analysis", "ask", "notebook", "reproduce"] = "analysis"
    model: str = "playbook"
    params: dict[str, Any] = Field(default_factory=dict)
    status: RunStatus = "running"
    place: int | None = None
    parent_id: str | None = None
    created_at: datetime = Field(default_factory=now)
    began_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def working_since(self) -> datetime:
        """When the work on it began, or the waiting for it while that lasts."""
        return self.began_at or self.created_at


class Output(Value):
    """One thing a cell put out, in order.

    `data` is a MIME bundle for results and displays. Bytes that became an artifact are not repeated in it: `artifacts`
    maps their MIME type to the artifact's id. `metadata` is Jupyter's, as the width of a picture under its MIME type.
    An output with a `display_id` can be replaced later, by any cell. `figure` is what the artists of a plot say, for
    who cannot see it: titles, labels, series with their extremes. `truncated` says how many characters were dropped,
    never silently.
    """

    kind: Literal["stdout", "stderr", "result", "display"]
    text: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    artifacts: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    display_id: str | None = None
    figure: dict[str, Any] = Field(default_factory=dict)
    truncated: int = 0
    at: datetime = Field(default_factory=now)


class ExecutionError(Value):
    """An exception that the cell's code raised: data, not an exception of ours.

    `shown` is whether it is among what the cell put out: a mistyped magic, say, is told on stderr and nowhere else.
    `at` is how many of the cell's outputs came before it, all if it is None. `died`: the kernel itself has ended.
    `frames` is the traceback as a notebook keeps it, in pieces and with colour codes; empty where that is not known.
    """

    name: str
    value: str
    traceback: str = ""
    frames: tuple[str, ...] = ()
    shown: bool = True
    at: int | None = None
    died: bool = False


class Execution(Value):
    """One version of a cell as it ran. `seq` counts the executions of its run from 1.

    `cell_id` and `version` say of which cell and which version of its source; old records name no cell, and there each
    execution has a cell of its own. `replaces` is the id of the execution of the same cell whose place this one takes.
    `key` makes a repeated request return this one. `status` is the kernel's verdict. A cell whose status is ok may have
    shown an error all the same, which it caught.
    """

    id: str
    run_id: str
    sandbox_id: str
    seq: int
    code: str
    title: str = ""
    tags: tuple[str, ...] = ()
    key: str | None = None
    cell_id: str | None = None
    version: int = 1
    replaces: str | None = None
    step_id: str | None = None
    context_id: str | None = None
    outputs: tuple[Output, ...] = ()
    error: ExecutionError | None = None
    status: ExecutionStatus = "running"
    count: int | None = None
    started_at: datetime = Field(default_factory=now)
    ended_at: datetime | None = None

    @property
    def cell(self) -> str:
        """The id of this execution's cell, in the notebook, too; the same on every run of the same plan."""
        return self.cell_id or f"cell-{self.seq:02d}"

    @property
    def text(self) -> str:
        """All that a reader would see as text, in order: streams and the plain text of results, each ending its line.

        The pieces in which a stream happens to arrive are one: `print` of two values may come in two.
        """
        streams = groupby(self.outputs, lambda o: o.kind if o.kind in ("stdout", "stderr") else id(o))
        texts = ("".join(o.text for o in pieces) for _, pieces in streams)
        return "".join(text if text.endswith("\n") or not text else text + "\n" for text in texts)


class CellVersion(Value):
    """The source of a cell from one edit to the next; `number` counts from 1."""

    number: int
    source: str
    author: str
    turn_id: str | None = None
    task_id: str | None = None
    at: datetime = Field(default_factory=now)


class Cell(Value):
    """A cell of a run's notebook. Its place is that in `RunView.cells`; its id stays, whatever else changes.

    `author` is who added it: "person", the name of an agent, or "notebook" for a cell of a notebook that was run.
    `state`: what its newest version put out still holds (fresh), does not or was never run (stale), is being made
    (running), or broke off (failed). `execution_id` is that of the newest execution of any version, None before one.
    """

    id: str
    versions: tuple[CellVersion, ...]
    title: str = ""
    tags: tuple[str, ...] = ()
    state: CellState = "stale"
    execution_id: str | None = None

    @property
    def source(self) -> str:
        """The source as it now stands."""
        return self.versions[-1].source

    @property
    def version(self) -> int:
        """The number of the newest version."""
        return self.versions[-1].number

    @property
    def author(self) -> str:
        """Who added the cell."""
        return self.versions[0].author

    @property
    def turn_id(self) -> str | None:
        """The turn in which the cell was added."""
        return self.versions[0].turn_id

    @property
    def task_id(self) -> str | None:
        """The task within which the cell was added."""
        return self.versions[0].task_id


class Message(Value):
    """Something that a person or an agent said in the conversation of a run. `steers`: it was meant for a turn under
    way. `turn_id` is the turn that it began or whose agents have heard it; None as long as nobody has taken it up.
    `to` names the one whom it is said to, `task_id` the task that it is about; None: to all, about the whole."""

    id: str
    text: str
    by: str = "person"
    to: str | None = None
    task_id: str | None = None
    steers: bool = False
    turn_id: str | None = None
    at: datetime = Field(default_factory=now)


class Conflict(Value):
    """Something that a task made and that is no part of the run's notebook, since it does not fit in with the rest.

    `what`: a file that others wrote differently, a cell whose output would be another in the notebook, or a name that
    stands for something else there: that the notebook has, and its last cell decides. `name` is that of the file, the
    cell or the name, `others` who made the other (ids of tasks, or "notebook"), `cells` those that were left out.
    """

    what: Literal["file", "cell", "name"]
    name: str
    others: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    text: str = ""


class Task(Value):
    """A piece of work that one agent gives to another; `parent` is the task within which it was given.

    `status`: queued until those in `after` have ended, waiting for a person's answer, else as a run's. `progress` is
    from 0 to 1: the part of its calls that is used, or of its questions that is answered, and 1 at its end. `result` is
    what the agent says at the end, or the sentence of its failure. `cells` are those that it made, `conflicts` what of
    them does not fit in. `budget` is its share of the run's; `turn_id` is the turn in which it was
    given.
    """

    id: str
    title: str
    agent: str
    status: TaskStatus = "queued"
    priority: Priority = "normal"
    progress: float = Field(0.0, ge=0, le=1)
    parent: str | None = None
    result: str = ""
    brief: str = ""
    by: str = ""
    after: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    budget: dict[str, Any] = Field(default_factory=dict)
    turn_id: str | None = None

    @property
    def depth(self) -> int:
        """How many tasks deep it is: 1 for one that is not given within another. Ids say it: t3, t3.1."""
        return self.id.count(".") + 1

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ("done", "failed", "cancelled")


FIRST_TURN = "turn-01"
"""The id of a run's first turn, which is its question."""


class Turn(Value):
    """What one message set off, until the agents were done. The first turn of a run is its question, which is no
    `Message`, so that it has no `message_id`."""

    id: str
    message: str
    message_id: str | None = None
    by: str = "person"
    status: TurnStatus = "running"
    started_at: datetime = Field(default_factory=now)
    ended_at: datetime | None = None


class Question(Value):
    """Something that an agent asks the person; `answer` is None until somebody has answered."""

    id: str
    turn_id: str
    text: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    by: str = ""
    answer: str | None = None
    at: datetime | None = None  # when it was asked, once that is recorded


class Approval(Value):
    """A step that needs a person's consent: the tool and its arguments as JSON text, and why it is asked for.

    `decision` is None until somebody decided; `edited` are the arguments that a person put in their place.
    """

    id: str
    turn_id: str
    tool: str
    arguments: str
    why: str = ""
    decision: Decision | None = None
    edited: str | None = None
    reason: str = ""
    at: datetime | None = None  # when it was asked for, once that is recorded


class Artifact(Value):
    """A file, plot or table somebody can open later. The id is this use of it; `sha256` is the bytes themselves."""

    id: str
    sha256: str
    name: str
    media_type: str
    size: int
    role: ArtifactRole
    run_id: str
    execution_id: str | None = None
    parents: tuple[str, ...] = ()
    created_at: datetime = Field(default_factory=now)


class Effect(Value):
    """A size with its interval. `metric` is one of the schema's names (pearson_r, cohens_d, eta2, ...)."""

    metric: str
    value: float | None
    ci: tuple[float | None, float | None] | None = None
    ci_level: float = 0.95


class Test(Value):
    """The test behind a finding. `q` is `p` corrected within `family`, which held `m` tests."""

    __test__ = False  # pytest would collect a class of this name

    name: str
    p: float | None
    q: float | None = None
    family: str | None = None
    m: int | None = None


class Evidence(Value):
    """Where a reader can check: the notebook's cell, and the file that the cell made."""

    notebook: str = "analysis.ipynb"
    cell: str
    artifact: str | None = None


class Finding(Value):
    """One thing the analyst says, with what proves it. The schema of `findings.json`, but for `unit`.

    `unit` is that in which a person reads the effect: "pp" of a difference of shares, which is told in percentage
    points, "mm", "EUR", "days". Empty: the effect has none, or its metric says it.
    """

    id: str
    rank: int | None = None
    type: FindingType
    kind: str
    columns: tuple[str, ...] = ()
    roles: dict[str, str] = Field(default_factory=dict)
    direction: Literal["+", "-"] | None = None
    segment: str | None = None
    effect: Effect | None = None
    unit: str = ""
    test: Test | None = None
    n: int | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    text: str
    caveats: tuple[str, ...] = ()
    confidence: Literal["high", "medium", "low"] = "medium"
    evidence: Evidence


class Recomputation(Value):
    """A value of an answer, held against what its query gives from the input files on the reviewer's own path.

    `part` and `value` are places in the reviewed answers and in their values. `verdict`: equal; unequal; or as
    printed by its cell, where there is no query that can be computed, for the reason in `detail`.
    """

    part: int
    value: int
    verdict: Literal["equal", "unequal", "as_printed"]
    got: float | int | bool | str | None = None
    detail: str = ""


class AnswerValue(Value):
    """One value of an answer, in full: a number, a word, a truth value or a time as text.

    `unit` is that in which it is told: "%" of a share told in per cent, "pp" of percentage points, "EUR", "days".
    `query` is the question whose answer this value is, as `graphs.questions.Query` in JSON: who reviews computes it
    again from the input files. None: it is that of the answer; but of a value that was `fitted`, as a p-value or a
    trend is, no query gives it, and it is computed again only as its notebook is run again. `recomputed` is what came
    of that where it was done at once.
    """

    name: str
    value: float | int | bool | str | None
    unit: str = ""
    interval: tuple[float | None, float | None] | None = None
    query: dict[str, Any] | None = None
    fitted: bool = False
    recomputed: Recomputation | None = None


AnswerStatus = Literal["answered", "partly", "not_answered"]


class Answer(Value):
    """The answer to one part of the question, or why there is none.

    `text` is the sentence; `why` says what is lacking of a part that is not or only partly answered; `notes` how the
    question was read where a reader should know it (a default that decides, the other reading), and `unused` the words
    of it that were not understood. `files` are the names of files made for it. `question` is the id of the question
    that the part is of, where a run is asked several. `outdated` are the cells that it rested on, too, and that were
    run again or deleted by a person's edit since it was given: its evidence is what the others show.
    """

    part: str
    status: AnswerStatus
    text: str = ""
    values: tuple[AnswerValue, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    query: dict[str, Any] | None = None
    question: str = ""
    outdated: tuple[str, ...] = ()


def outcome(answers: Sequence[Answer]) -> AnswerStatus:
    """How a question of these parts came out: answered or not answered where all of them were, else partly."""
    found = {answer.status for answer in answers}
    return found.pop() if len(found) == 1 else "partly" if found else "not_answered"


def marked(answers: Sequence[Answer], again: Iterable[Recomputation]) -> tuple[Answer, ...]:
    """The answers, their values with what came of computing them again; those of which nothing is told as they are."""
    found = {(one.part, one.value): one for one in again}

    def value(part: int, at: int, value: AnswerValue) -> AnswerValue:
        return value.model_copy(update={"recomputed": found.get((part, at), value.recomputed)})

    return tuple(
        answer.model_copy(update={"values": tuple(value(part, at, v) for at, v in enumerate(answer.values))})
        for part, answer in enumerate(answers)
    )


class PlanStep(Value):
    """One step of a plan, as a person reads it; `template` names the notebook that does it, if one does.

    `part` is the part of the question that it is for, and `query` what that means, of a step that answers it so.
    """

    title: str
    why: str = ""
    part: str = ""
    query: dict[str, Any] | None = None
    template: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    cells: int = 0  # that its template is going to run


class Objection(Value):
    """What the reviewer holds against the work: which cell or finding, what is wrong, and how to mend it."""

    where: str
    problem: str
    mend: str = ""


class Match(Value):
    """One thing a run made, beside the same made again; `equal` is within tolerance, `detail` says what differs."""

    name: str
    verdict: Literal["identical", "equal", "changed", "missing"]
    detail: str = ""


class ToolCall(Value):
    """A model's request to use a tool. `arguments` is the JSON text exactly as the model sent it.

    `extra` is what the endpoint sent beside it, such as a signature, and wants back as it was.
    """

    id: str
    name: str
    arguments: str
    extra: dict[str, Any] = Field(default_factory=dict)


class Spent(Value):
    """What a run has used. `usd` counts the replies whose price is known; `unpriced` is the number of the others.

    `minutes` are those in which it was worked on, less the work that is under way: not those in which it rested or
    waited for a person.
    """

    tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    cells: int = 0
    minutes: float = 0.0


class Used(Value):
    """What one agent has had of one model in one turn. Of `tokens_in`, `tokens_cached` came from the endpoint's cache;
    `usd` counts the replies whose price is known, `unpriced` is the number of the others."""

    turn_id: str
    agent: str
    model: str
    replies: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    usd: float = 0.0
    unpriced: int = 0
    task_id: str | None = None

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.tokens_in + self.tokens_out


class Schedule(Value):
    """When to do what: a cron line in a time zone, and a question about files or a notebook with parameters.

    `goal` is the question (kind "question"), `template` the notebook's name or path (kind "notebook").

    `retries` is how many more attempts follow one that failed or was interrupted, the first of them `backoff` seconds
    after its end and each further one after twice as long. `overlap` says what a time does that comes while the run of
    an earlier one goes on: begin beside it, be skipped, wait, or cancel it. `catch_up` says which times that passed
    while no server ran are made up for, and `window` by how many seconds the first attempt of a time may be late.
    `notify` names targets of the operator's (GRISTMILL_NOTIFY), told on failure or on each end.
    Times up to `active_from` are never made up for: it is when the schedule was resumed or given other times.
    """

    id: str = Field(default_factory=lambda: new_id("sch"))
    cron: str
    timezone: str = "UTC"
    kind: Literal["question", "notebook"]
    goal: str = ""
    files: tuple[str, ...] = ()
    template: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    model: str | None = None
    created_at: datetime = Field(default_factory=now)
    retries: int = Field(default=0, ge=0, le=20)
    backoff: float = Field(default=300.0, ge=1, le=86_400)
    overlap: Overlap = "allow"
    catch_up: CatchUp = "latest"
    window: float = Field(default=3600.0, ge=60, le=30 * 86_400)
    notify: tuple[str, ...] = ()
    notify_on: NotifyOn = "failure"
    paused: bool = False
    active_from: datetime | None = None


class Attempt(Value):
    """One try at the work of a fire, and how its run stands; `error` is what is told of a failure.

    There is no run yet ("starting"), the process ended before there was one ("lost"), or the work could not be begun,
    as when a file is missing ("refused"); otherwise the status is that of the run `run_id`.
    """

    number: int
    run_id: str
    began_at: datetime
    status: Literal["starting", "lost", "refused"] | RunStatus
    ended_at: datetime | None = None
    error: str | None = None

    @property
    def has_run(self) -> bool:
        """Whether there is a run to look at."""
        return self.status not in ("starting", "lost", "refused")

    @property
    def active(self) -> bool:
        """Whether it may still come to something by itself."""
        return self.status in ("starting", "queued", "running")


class Notice(Value):
    """What is to be told to one target about the end of a fire, and what came of telling it."""

    target: str
    tries: int = 0
    tried_at: datetime | None = None
    sent_at: datetime | None = None
    error: str | None = None


class Fire(Value):
    """One firing of a schedule, claimed before its work starts. `outcome` is None until no attempt will follow.

    "skipped": an earlier run went on, or the schedule was paused. "missed": no attempt could begin in time.
    """

    schedule_id: str
    due: datetime
    claimed_at: datetime
    outcome: FireOutcome | None = None
    reason: str | None = None
    ended_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def state(self) -> Literal["waiting", "retrying", "queued", "running"] | FireOutcome:
        """How it stands: its outcome, or what it waits for. A run that somebody resumed and that is done, counts."""
        if any(a.status == "done" for a in self.attempts):
            return "done"
        if self.outcome is not None:
            return self.outcome
        if active := [a.status for a in self.attempts if a.active]:
            return "queued" if active[-1] == "queued" else "running"
        return "retrying" if any(a.status != "lost" for a in self.attempts) else "waiting"

    @property
    def run_id(self) -> str | None:
        """The run of the last attempt that has one."""
        return next((a.run_id for a in reversed(self.attempts) if a.has_run), None)
