"""The pieces of a run that the terminal shows once they are known: plan, findings, review, where things went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from artifacts.events import Noted, Reviewed, RunView
from artifacts.types import Approval, Finding, Objection, Question, Run, RunOutcome, now
from graphs.budget import spent, standing
from graphs.look import unreadable
from gristmill.plain import turn_answers
from gristmill.terminal.words import (
    STATUS_STYLES,
    TYPE_STYLES,
    clean,
    engine,
    kind,
    numbers,
    one_line,
    status,
    took,
)
from notebooks.telling.answers import OUTCOMES, Said, came_out, said_of
from notebooks.telling.story import told

MOST_FINDINGS = 7  # what a reader takes in at once; the report has the rest
VERDICTS = {
    "pass": ("passed", "green"),
    "pass_with_remarks": ("passed, with remarks", "green"),
    "fail": ("sent back", "yellow"),
}
OUTCOME_STYLES: dict[RunOutcome, str] = {
    "answered": "green",
    "unconfirmed": "bold yellow",
    "partly": "yellow",
    "not_answered": "bold yellow",
}


def say(console: Console, text: Text | str, indent: int = 0, lead: Text | str = "", style: str = "") -> None:
    """Print a paragraph after `lead`; its further lines begin under its first, not under the lead."""
    told = Text(text, style=style) if isinstance(text, str) else text
    first = Text(" " * indent) + (Text(lead, style=style) if isinstance(lead, str) else lead)
    width = max(20, min(console.width, 100) - first.cell_len)
    for line in told.wrap(console, width):
        line.rstrip()
        console.print(first + line, soft_wrap=True)
        first = Text(" " * first.cell_len)


def heading(console: Console, title: str, aside: str = "") -> None:
    """A section's title, with a blank line before it."""
    console.print()
    console.print(Text(title, style="bold") + Text(f"  {aside}" if aside else "", style="dim"))


def table(console: Console, rows: Sequence[Sequence[Text]], *, header: Sequence[str] = (), indent: int = 0) -> None:
    """Rows in aligned columns, each row on one line however long: it stays easy to search and to cut."""
    shown = ([[Text(h, style="dim") for h in header]] if header else []) + [list(row) for row in rows]
    widths = [max(row[i].cell_len for row in shown) for i in range(len(shown[0]))] if shown else []
    for row in shown:
        line = Text(" " * indent)
        for cell, width in zip(row, widths, strict=True):
            line += cell + Text(" " * (width - cell.cell_len + 2))
        line.rstrip()
        console.print(line, soft_wrap=True)


def opening(console: Console, view: RunView, files: Iterable[str] = ()) -> None:
    """What was asked, of what, and by whom it is answered."""
    run = view.run
    label = {"analysis": "Question", "ask": "Question", "notebook": "Notebook", "reproduce": "Again"}[run.agent]
    say(console, Text(one_line(run.goal), style="bold"), lead=_label(label))
    names = [one_line(name) for name in files]
    if names:
        say(console, ", ".join(names), lead=_label("Files"))
    if run.agent in ("analysis", "ask"):
        rule_based = run.model.startswith("playbook")
        say(console, engine(run.model, rule_based), lead=_label("By"))
    console.print(_label("Run") + Text(run.id))


def _label(word: str) -> Text:
    return Text(f"{word:<8}  ", style="dim")


def note(console: Console, noted: Noted) -> None:
    """Something that a reader should know of the run."""
    say(console, Text(one_line(noted.text), style="yellow" if noted.level == "warning" else "dim"), 2)


def plan(console: Console, view: RunView) -> None:
    """The numbered steps of the plan, each with its reason."""
    heading(console, "Plan")
    for n, step in enumerate(view.plan, 1):
        told = Text(one_line(step.title))
        if step.why:
            told += Text(f": {one_line(step.why)}", style="dim")
        say(console, told, lead=f"{n:>3}  ")


def answers(console: Console, given: Sequence[Said], question: str = "") -> None:
    """The answers to a question, each part with how it came out, what is said, and what to know of it."""
    if question:
        console.print()
        say(console, one_line(question), style="bold")
    for part in given:
        style = OUTCOME_STYLES[came_out(part.answer)]
        say(console, Text(clean(part.text).strip()), 2, lead=Text(f"{part.outcome}: ", style=style))
        if len(given) > 1 and part.answer.status != "answered":
            say(console, f"“{one_line(part.answer.part)}”", 4, style="dim")
        for aside in part.asides:
            say(console, one_line(aside), 4, lead="- ", style="dim")
        for offer in part.answer.offers:
            say(console, one_line(offer), 4, lead="You could ask: ")
        for mark in dict.fromkeys(value.mark for value in part.values if value.mark):
            marked = [f"{one_line(value.name)} {value.text}" for value in part.values if value.mark == mark]
            some = "; ".join(marked) if len(marked) <= 3 else f"{len(marked)} values"
            say(console, f"{some}: {mark}", 4, lead="- ", style="dim")


def findings(console: Console, view: RunView) -> None:
    """The answer, then the findings in the report's order with their numbers and where each can be checked."""
    said = told(view)
    if said.answers or said.answer:
        heading(console, "Answer")
    for paragraph in clean(said.answer).strip().splitlines():
        say(console, paragraph, 2)
    if len(view.turns) < 2:
        answers(console, said.answers)
    for turn in view.turns if len(view.turns) > 1 else ():
        given = [said_of(answer) for answer in turn_answers(view, turn.id)]
        answers(console, given, f"{turn.id}  {turn.message}")
        if not given and turn.status != "done":
            say(console, turn.status, 2, style="yellow")
    ranked = (*said.warnings, *said.headlines)
    if ranked:
        heading(console, said.shows)
        for finding in ranked[:MOST_FINDINGS]:
            _finding(console, finding)
        if len(ranked) > MOST_FINDINGS:
            say(console, f"... and {len(ranked) - MOST_FINDINGS} more in the report", 2, style="dim")
    if view.report is not None:
        _list(console, "Tested and not found", said.not_found)
        _list(console, "Not checked", said.not_checked)


def _finding(console: Console, finding: Finding) -> None:
    style = TYPE_STYLES[finding.type]
    label = kind(finding) + (" (warning)" if finding.type == "warning" else "")
    say(console, Text(label, style=style), 2, lead=Text(f"{finding.id:<4}", style="dim"))
    say(console, one_line(finding.text), 6)
    told = numbers(finding)
    where = finding.evidence.cell + (f", {finding.evidence.artifact}" if finding.evidence.artifact else "")
    line = Text(told, style="cyan") + Text(("   " if told else "") + f"see {one_line(where)}", style="dim")
    say(console, line, 6)
    if finding.caveats:
        say(console, " ".join(one_line(c) for c in finding.caveats), 6, lead="but: ", style="dim")


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    heading(console, title)
    for line in lines:
        say(console, one_line(line), 2, lead="- ")


def review(console: Console, made: Reviewed, outcome: RunOutcome | None = None) -> None:
    """One round of the reviewer's verdict. What passed is told in green where the question was answered, too."""
    word, style = VERDICTS[made.verdict]
    if made.verdict != "fail" and outcome not in (None, "answered"):
        word, style = f"{word}; {OUTCOMES[outcome].lower()}", OUTCOME_STYLES[outcome]
    told = Text("Reviewer  ", style="bold") + Text(word, style=style)
    aside = [f"round {made.round}"] if made.round > 1 or made.verdict == "fail" else []
    if made.checks:
        aside.append(f"{made.checks} checks")
    console.print()
    console.print(told + Text(f"  ({', '.join(aside)})" if aside else "", style="dim"))
    for remark in made.remarks:
        say(console, one_line(remark), 2, lead="- ")
    for objection in made.objections:
        _objection(console, objection)


def _objection(console: Console, objection: Objection) -> None:
    told = Text(f"{one_line(objection.where)}: {one_line(objection.problem)}")
    if objection.mend:
        told += Text(f" Mend: {one_line(objection.mend)}", style="dim")
    say(console, told, 2, lead="- ")


def branches(console: Console, run: Run, family: Iterable[tuple[int, Run]]) -> None:
    """The tree of the runs that share a past, each below the one that it was branched from."""
    heading(console, "Branches")
    for depth, one in family:
        told = Text("  " * depth + one.id, style="bold" if one.id == run.id else "")
        console.print(Text("  ") + told + Text("  this run" if one.id == run.id else "", style="dim"))


def cells(console: Console, view: RunView) -> None:
    """One line for each cell in the notebook's order: its name, title, how it stands and how long it took."""
    if not view.executions:
        return
    heading(console, "Cells")
    last = {execution.cell: execution for execution in view.executions}
    states = {cell.id: cell.state for cell in view.cells} or dict.fromkeys(last, "fresh")
    rows = []
    for cell, state in states.items():
        execution, document = last.get(cell), view.cell(cell)
        stands = execution.status if execution is not None and state != "stale" else state
        code = document.versions[-1].source if document is not None else execution.code if execution is not None else ""
        title = document.title if document is not None else execution.title if execution is not None else ""
        made = [a.name for a in view.artifacts if execution is not None and a.execution_id == execution.id]
        rows.append(
            (
                Text(cell, style="dim"),
                Text(one_line(title) or _first(code)),
                Text(stands, style=STATUS_STYLES.get(stands, "yellow")),
                Text(took(execution) if execution is not None else "", style="dim"),
                Text(", ".join(one_line(n) for n in made), style="dim"),
            )
        )
    table(console, rows, indent=2)


def _first(code: str) -> str:
    line = next((line for line in code.splitlines() if line.strip()), "")
    return one_line(line)[:60]


def comparison(console: Console, view: RunView, holds: bool) -> None:
    """How each thing of a run came out when it was made again, and the verdict of it all."""
    assert view.comparison is not None, "it is asked for where there is one"
    styles = {"identical": "green", "equal": "green", "changed": "bold red", "missing": "bold red"}
    matches = view.comparison.matches
    heading(console, "Compared")
    rows = [
        [Text(one_line(m.name)), Text(m.verdict, style=styles[m.verdict]), Text(one_line(m.detail), style="dim")]
        for m in matches
    ]
    table(console, rows, header=("ARTIFACT", "VERDICT", ""))
    counted = ", ".join(f"{n} {word}" for word, n in Counter(m.verdict for m in matches).items())
    verdict = Text("It holds", style="bold green") if holds else Text("It does not hold", style="bold red")
    console.print()
    console.print(verdict + Text(f": {counted or 'nothing to compare'}.") + Text(f"  Run {view.run.id}", style="dim"))


def ending(console: Console, view: RunView) -> None:
    """How a run ended, in a line; nothing while it goes on."""
    run = view.run
    console.print()
    told = Text(status(run).capitalize(), style=f"bold {STATUS_STYLES[run.status]}")
    came = run.outcome or view.outcome
    if run.status == "done" and came is not None and came != "answered":
        told = Text(OUTCOMES[came], style=OUTCOME_STYLES[came]) + Text("; done", style="dim")
    if run.ended_at:
        told += Text(f" after {took(run)}", style="dim")
    console.print(told)
    if run.status == "queued":
        how = f"`gristmill serve` begins it in its turn; without a server, `gristmill runs resume {run.id}` begins it."
        say(console, how, 2)
    if cost := spent(view.spent):
        say(console, cost, 2)
        if len(view.used) > 1:
            spending(console, view)
    for question in view.open_questions:
        say(console, asked(question), 2)
        say(console, f'gristmill runs answer {run.id} "..."', 4)
    for approval in view.open_approvals:
        say(console, waits(approval), 2)
        say(console, f"gristmill runs approve {run.id}, or gristmill runs reject {run.id}", 4)
    if view.error:
        say(console, clean(view.error).strip(), 2)


def spending(console: Console, view: RunView) -> None:
    """What each agent has had of each model; by turns where there are several."""
    rows = [
        [
            Text(u.turn_id if len(view.turns) > 1 else "", style="dim"),
            Text(u.agent, style="dim"),
            Text(one_line(u.model), style="dim"),
            Text(f"{u.tokens:,} tokens", style="dim"),
            Text(f"${u.usd:,.4f}" if not u.unpriced else "price not known", style="dim"),
        ]
        for u in view.used
    ]
    table(console, [row[0 if len(view.turns) > 1 else 1 :] for row in rows], indent=4)


def used_so_far(view: RunView) -> str:
    """How much of its budget a run has used; where it has none, what it has used."""
    return ", ".join(standing(view, now())) or spent(view.spent)


def asked(question: Question) -> str:
    """What an agent asks, with the answers to choose from and the one that is taken where none comes."""
    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    default = f" [{question.default}]" if question.default else ""
    return clean(f"{question.text.strip()}{choices}{default}")


def waits(approval: Approval) -> str:
    """The step that waits for a person's consent."""
    return clean(f"{approval.tool} waits for your approval: {approval.arguments}. {approval.why}".strip())


def whereabouts(console: Console, view: RunView, out: Path | None, files: Sequence[Path]) -> None:
    """Where everything went, and what to type next."""
    run = view.run
    if files and out is not None:
        heading(console, "Files", f"in {out}")
        names = sorted({str(f.relative_to(out)) if f.is_relative_to(out) else str(f) for f in files}, key=_importance)
        say(console, "  ".join(one_line(n) for n in names), 2)
    console.print()
    rows = [("See it again", f"gristmill runs show {run.id}")]
    if run.status == "done":
        if out is not None and (out / "report.html") in files:
            rows.insert(0, ("Read it", str(out / "report.html")))
        rows.append(("Check it", f"gristmill runs reproduce {run.id}"))
    elif (
        run.agent in ("analysis", "ask") and run.status not in ("queued", "running", "waiting") and not unreadable(view)
    ):
        rows.append(("Go on", f"gristmill runs resume {run.id}"))
    table(console, [(Text(label, style="dim"), Text(command)) for label, command in rows], indent=2)


def evidence(console: Console, view: RunView, out: Path | None) -> None:
    """Below answers: where each can be checked, and where all was put."""
    where = list(dict.fromkeys(e.cell for answer in view.answers for e in answer.evidence))
    told = [*where[:3], *(["..."] if len(where) > 3 else []), f"gristmill runs show {view.run.id}"]
    say(console, ("see " if where else "") + ", ".join(told) + (f"; {out}" if out else ""), style="dim")


def _importance(name: str) -> tuple[int, str]:
    first = ("report.html", "report.md", "analysis.ipynb", "findings.json")
    return (first.index(name) if name in first else len(first), name)
