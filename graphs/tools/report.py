"""The analyst's tools once cells have run: write the report, or ask for more."""

from __future__ import annotations

from pydantic import Field

from artifacts.events import RunView
from graphs.state import Desk
from graphs.tools.base import Tool, tool
from graphs.tools.planning import Step, unknown_template


@tool("write_report", job="interpret")
class WriteReport(Tool):
    """Answer the question and put the findings in the order in which a reader should meet them. Every number in the
    answer must be one that a cell put out or a finding carries."""

    answer: str = Field(min_length=1, max_length=10_000, description="The answer, two to six plain sentences")
    findings: tuple[str, ...] = Field((), description="Ids of the findings to report, most important first")
    not_found: tuple[str, ...] = Field((), description="What was tested and is not there, one sentence each")
    not_checked: tuple[str, ...] = Field((), description="What was not looked at, and why, one sentence each")

    def problem(self, desk: Desk, view: RunView) -> str | None:
        known = [f.id for f in view.findings]
        wrong = [f for f in self.findings if f not in known]
        if wrong:
            return f"There is no finding {wrong[0]!r}. There are: {', '.join(known) or 'none'}."
        twice = [f for f in self.findings if self.findings.count(f) > 1]
        return f"Finding {twice[0]!r} is listed twice." if twice else None


@tool("follow_up", job="interpret")
class FollowUp(Tool):
    """Ask for further cells before reporting, because the findings so far leave the question open."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=6)

    def problem(self, desk: Desk, view: RunView) -> str | None:
        return unknown_template(self.steps, desk)
