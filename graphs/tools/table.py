"""Tools by which a model answers from the tables: a query, carried out by the same tested code as everybody's."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from graphs import answering, look
from graphs.questions.query import Query
from graphs.state import Desk
from graphs.tools.base import Action, tool
from graphs.tools.notebook import result

QUERY = """\
JSON; leave out what is not needed. Columns by name, in an expression in backticks where they are no plain word. \
Expressions: + - * / % ** comparisons and or not, year(a) days(a, b) log(a) len(a) if_(c, a, b).
measures: [{op, of, other, where, p, name}], op: count distinct missing sum mean median mode min max range std var \
quantile iqr skewness kurtosis share value values correlation covariance slope r2 weighted_mean; a share is the part \
of the rows that meet the measure's own where.
where: [{left, op, right}], op: = != < <= > >= in "not in" between contains starts ends matches missing present \
during ("2023", "2023-05", "2023-Q2"); {any_of: [[...], [...]]} for or.
group_by: [{of, grain}], grain: year quarter month week day weekday. formulas: [{name, expr}] over measures by name. \
having; order: [{by, descending}]; limit. tell: all names number. show: columns of rows.
prepare, in order: {do: keep, where} {do: drop_missing, columns} {do: drop_duplicates} {do: fill, columns, how} \
{do: derive, name, expr} {do: cut, name, of, edges, labels} {do: recode, column, values} \
{do: remove_outliers, columns, rule} {do: scale, columns, how} {do: encode, columns} {do: convert, columns, to}.
table; joins: [{file, own, theirs, how}]. test: {name, about, alpha, sides}, name: auto shapiro t welch paired_t \
mannwhitney wilcoxon anova kruskal levene chi2 fisher proportions pearson spearman. model: {kind, target, features}. \
outliers: {rule}. compare: {of, first, second (empty: the others)}. chart: {kind, x, y}. periods: of a forecast.
intent: compute list rank compare relate test change why_changed experiment drivers predict forecast outliers clean \
join plot distribution.\
"""


@tool("ask_table", job="code", also=("ask",))
class AskTable(Action):
    """Answer a part of the question by a query, carried out by tested code. What it gives is the answer to it."""

    part: str = Field(min_length=1, max_length=2_000, description="The part of the question, in its own words")
    query: dict[str, Any] = Field(description=QUERY)

    @field_validator("query")
    @classmethod
    def _is_one(cls, value: dict[str, Any]) -> dict[str, Any]:
        Query.model_validate(value)
        return value

    def asked(self, question: str = "") -> answering.Part:
        """The part of the question on its way to its answer."""
        query = Query.model_validate(self.query)
        return answering.Part(self.part, query.model_copy(update={"text": query.text or self.part}), (), question)

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        return await self.answered(desk, self.asked(desk.question), key, step_id)

    async def answered(self, desk: Desk, part: answering.Part, key: str, step_id: str) -> dict[str, Any]:
        """Have the part answered; returns what the model is told of it."""
        tables = look.described((await desk.view()).executions)
        done = await answering.answer(desk, part, tables, key, step_id)
        given = part.said.model_dump(mode="json", include={"status", "text", "values", "why", "notes"})
        return result(await desk.view(), done) | {"answer": given}


@tool("cannot_answer", job="ask")
class CannotAnswer(Action):
    """Say that a part of the question cannot be answered from these tables, and why."""

    part: str = Field(min_length=1, max_length=2_000, description="The part of the question, in its own words")
    why: str = Field(min_length=1, max_length=2_000, description="What is lacking, in a sentence or two")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        return await self.refused(desk, answering.Part(self.part, None), step_id)

    async def refused(self, desk: Desk, part: answering.Part, step_id: str) -> dict[str, Any]:
        """Record that the part has no answer."""
        await answering.refuse(desk, part, self.why, step_id)
        return {"ok": True}
