"""A run as Markdown, its charts as links to the files beside it."""

from __future__ import annotations

from artifacts.events import RunView
from artifacts.types import Finding
from notebooks.telling import story, words


def report_md(view: RunView) -> str:
    """The report as Markdown, its charts as links to the files beside it."""
    said = story.told(view)
    lines = [f"# {line(said.title)}", "", f"*{byline(said)}*", ""]
    if said.ending:
        lines += [f"> {line(said.ending)}", ""]
    review, answers = _review(said), _answers(said)
    lines += [*review, *answers] if said.doubtful or not answers else [*answers, "## Review", "", *review]
    if said.context:
        lines += ["## The table", "", *(f"- {line(f.text)} ({f.evidence.cell})" for f in said.context), ""]
    if said.warnings:
        lines += ["## What to know of the data first", ""]
        lines += [f"- {line(' '.join((f.text, *f.caveats)))} ({f.evidence.cell})" for f in said.warnings] + [""]
    if said.headlines:
        lines += [f"## {said.shows}", ""]
    for place, finding in enumerate(said.headlines, 1):
        lines += _finding_md(place, finding)
    for heading, sentences in (("Tested and not found", said.not_found), ("Not checked", said.not_checked)):
        if sentences:
            lines += [f"## {heading}", "", *(f"- {line(s)}" for s in sentences), ""]
    if said.others:
        lines += ["## Further findings", ""]
        lines += [f"- {line(f.text)} ({_numbers(f)}{f.evidence.cell})" for f in said.others] + [""]
    if said.tables:
        lines += ["## Data", "", "| file | rows | columns | sha256 |", "|---|---:|---:|---|"]
        for t in said.tables:
            lines.append(
                f"| {line(t.file)} | {words.number(t.rows)} | {words.number(t.columns)} | `{t.sha256[:12]}…` |"
            )
        lines.append("")
    if said.notes:
        lines += ["## Notes", "", *(f"- {line(note)}" for note in said.notes), ""]
    lines += ["Every number above comes from a cell of `analysis.ipynb`.", ""]
    return "\n".join(lines)


def _review(said: story.Told) -> list[str]:
    """The verdict, and what the review remarks and objects to."""
    if (review := said.review) is None:
        return [f"**{said.verdict}**", ""]
    rounds = "one round" if said.rounds == 1 else f"{said.rounds} rounds"
    lines = [f"**{said.verdict}** after {rounds}, {review.checks} checks by rule.", ""]
    lines += [f"- {line(remark)}" for remark in review.remarks]
    for objection in review.objections:
        mend = f" {objection.mend}" if objection.mend else ""
        lines.append(f"- {line(f'{objection.where}: {objection.problem}{mend}')}")
    return [*lines, ""] if review.remarks or review.objections else lines


def _answers(said: story.Told) -> list[str]:
    """The answer to each part of the question: of one that is not answered, the part and why."""
    lines = ["## Answer", ""] if said.answers or said.answer else []
    if said.answer:
        lines += [said.answer.strip(), ""]
    for part in said.answers:
        whole = part.plainly
        lead = "" if whole else f"**{part.outcome}: {line(part.answer.part)}** "
        lines += [f"{lead}{line(part.text)}", ""]
        marked = ((line(v.name), line(v.text), f", {v.mark}" if v.mark else "") for v in part.values)
        below = [*(f"- {name}: {text}{mark}" for name, text, mark in marked), *(f"- *{line(a)}*" for a in part.asides)]
        below += [f"- You could ask: {line(offer)}" for offer in part.answer.offers]
        lines += [*below, ""] if below else []
        if part.cells:
            lines += [f"Shown by {', '.join(f'`{cell}`' for cell in part.cells)} of `analysis.ipynb`.", ""]
    return lines


def _finding_md(place: int, finding: Finding) -> list[str]:
    lines = [f"### {place}. {words.kind(finding)}", "", line(words.headline(finding)), ""]
    numbers = "; ".join(filter(None, (words.size(finding), words.evidence(finding))))
    if numbers:
        lines += [numbers, ""]
    if finding.evidence.artifact and finding.evidence.artifact.endswith((".png", ".svg", ".jpg")):
        lines += [f"![Chart of finding {place}]({finding.evidence.artifact})", ""]
    if finding.caveats:
        lines += [f"*{line(' '.join(finding.caveats))}*", ""]
    lines += [f"Shown by `{finding.evidence.cell}` of `{finding.evidence.notebook}`.", ""]
    return lines


def _numbers(finding: Finding) -> str:
    text = words.size(finding)
    return f"{text}, " if text else ""


def byline(said: story.Told) -> str:
    """Who made it."""
    return f"Gristmill, {said.analyst}"


def closing(said: story.Told) -> str:
    """The end of the notebook: the answer, and the findings with the cells that show them."""
    lines = _answers(said) or ["## Findings", ""]
    lines += [
        f"- {line(words.headline(f))} ({_numbers(f)}`{f.evidence.cell}`)" for f in (*said.warnings, *said.headlines)
    ]
    return "\n".join(lines).rstrip()


def line(text: str) -> str:
    """Text as one line of Markdown that cannot become a heading, a table row or HTML."""
    one = " ".join(text.split())
    return one.replace("<", "&lt;").replace("|", "\\|").replace("`", "'")
