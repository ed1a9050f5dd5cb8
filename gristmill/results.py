"""What comes of a question in Python: its answers, findings and files, and how they display themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.events import RunView
from artifacts.types import FIRST_TURN, Answer, AnswerStatus, Artifact, Finding, Message, Run, Turn, outcome
from gristmill.plain import turn_answers
from gristmill.terminal.words import kind, numbers, one_line
from notebooks.telling.answers import answers_text

if TYPE_CHECKING:
    import pandas as pd


class Conversation:
    """What can be said to a run, whatever came of it so far."""

    view: RunView

    @property
    def run(self) -> Run:
        """The run as it is kept in the record."""
        return self.view.run

    def ask(self, question: str, *, queue: bool = False) -> Answered:
        """Ask a further question of the same run, which may change the last one: `answered.ask("and by island?")`.

        While a turn is under way its agents hear it before their next step; with `queue` it waits for the turn's end.
        Raises `gristmill.errors.Failed` when the turn that took it up does not reach its end.
        """
        from gristmill.python import follow_up

        return follow_up(self.run.id, question, queue)

    def say(self, text: str, *, queue: bool = False) -> Turn | Message:
        """`ask`, without waiting for the answer: the turn that began, or the message that waits to be taken up."""
        from gristmill.python import say

        return say(self.run.id, text, queue)

    def stop(self) -> Run:
        """End the turn that is under way; the run stays open for the next one. At rest nothing happens."""
        from gristmill.python import stop

        return stop(self.run.id)


@dataclass(frozen=True)
class Answered(Conversation):
    """The answer to a question. `print` gives it in words; `values` has its numbers and words by name, in full."""

    view: RunView = field(repr=False)
    turn: str = FIRST_TURN

    @property
    def status(self) -> AnswerStatus:
        """How the question came out: answered, partly, or not_answered."""
        return outcome(self.answers)

    @property
    def answers(self) -> list[Answer]:
        """The answer to each part of the question, or why there is none."""
        return turn_answers(self.view, self.turn)

    @property
    def answer(self) -> str:
        """The answer in words."""
        return answers_text(self.answers)

    @property
    def values(self) -> dict[str, float | int | bool | str | None]:
        """The values of all parts by their names."""
        return {value.name: value.value for answer in self.answers for value in answer.values}

    @property
    def value(self) -> float | int | bool | str | None:
        """The value of an answer that has one. Raises ValueError for an answer that has none, or several."""
        if len(self.values) != 1:
            raise ValueError(f"The answer has {len(self.values)} values, not one: {self.answer}")
        return next(iter(self.values.values()))

    def __str__(self) -> str:
        return self.answer

    __repr__ = __str__


@dataclass(frozen=True)
class Result(Conversation):
    """What came of a question. In a notebook it shows the report; `print` gives the answer and the findings."""

    view: RunView = field(repr=False)
    directory: Path

    @property
    def answer(self) -> str:
        """The answer to the question, in words."""
        return self.view.report.answer if self.view.report else ""

    @property
    def answers(self) -> list[Answer]:
        """The answer to each part of the question, or why there is none."""
        return list(self.view.answers)

    @property
    def status(self) -> AnswerStatus:
        """How the question came out: answered, partly, or not_answered."""
        return outcome(self.view.answers)

    @property
    def findings(self) -> list[Finding]:
        """The findings in the report's order; those that the report leaves out come last, without a rank."""
        return list(self.view.ranked)

    @property
    def plots(self) -> list[Path]:
        """The plots, in the order in which they were made."""
        names = dict.fromkeys(a.name for a in self.view.artifacts if a.role == "plot")
        return [self.directory / name for name in names]

    @property
    def notebook(self) -> Path:
        """The whole analysis as a notebook that runs in any Jupyter, beside the data."""
        return self.directory / "analysis.ipynb"

    @property
    def report(self) -> Path:
        """The report as one HTML file."""
        return self.directory / "report.html"

    def dataframe(self) -> pd.DataFrame:
        """The findings as a table, one row each: id, type, kind, columns, metric, value, low, high, p, q, n, text."""
        import pandas as pd

        return pd.DataFrame([_row(f) for f in self.findings], columns=list(_COLUMNS))

    def save(self, directory: str | Path) -> Path:
        """Copy the notebook, the reports, findings.json, the plots and the data into a folder; returns the folder."""
        import shutil

        target = Path(directory)
        if target.exists() and target.samefile(self.directory):
            return target
        shutil.copytree(self.directory, target, dirs_exist_ok=True)
        return target

    def __str__(self) -> str:
        lines = [self.view.run.goal, "", self.answer or "(no answer)"]
        for finding in self.findings:
            if finding.rank is not None:
                told = numbers(finding)
                lines += ["", f"{finding.id}  {kind(finding)}: {one_line(finding.text)}"]
                lines += [f"    {told}"] if told else []
        return "\n".join([*lines, "", f"Report and notebook: {self.directory}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The report without its cells, in a frame that runs no script and shares nothing with the notebook around it.

        It is kept in the notebook with every output, so it is small; below it stands where the whole report is.
        """
        import html

        from notebooks.telling.html import summary_html

        page = summary_html(self.view, self._read)
        escaped = page.replace("&", "&amp;").replace('"', "&quot;")  # all that an attribute in quotes needs
        return (
            f'<iframe sandbox="" srcdoc="{escaped}" title="Gristmill report" '
            'style="width:100%;height:42rem;border:1px solid #8884;border-radius:6px;resize:vertical"></iframe>'
            f"<p>With every cell of the work: <code>{html.escape(str(self.report))}</code> and "
            f"<code>{html.escape(self.notebook.name)}</code> beside it.</p>"
        )

    def _read(self, artifact: Artifact) -> bytes:
        """An artifact's bytes from the folder. Raises OSError where they are gone, or another run's by now."""
        data = (self.directory / artifact.name).read_bytes()
        if hashlib.sha256(data).hexdigest() != artifact.sha256:
            raise FileNotFoundError(f"{artifact.name} is another one by now")
        return data


_COLUMNS = ("id", "rank", "type", "kind", "columns", "metric", "value", "low", "high", "p", "q", "n", "text")


def _row(finding: Finding) -> tuple[Any, ...]:
    effect, test = finding.effect, finding.test
    low, high = effect.ci if effect and effect.ci else (None, None)
    return (
        finding.id,
        finding.rank,
        finding.type,
        finding.kind,
        ", ".join(finding.columns),
        effect.metric if effect else None,
        effect.value if effect else None,
        low,
        high,
        test.p if test else None,
        test.q if test else None,
        finding.n,
        finding.text,
    )
