"""What a run is asked: a question or several, of which files, by whom it is answered, and how far it goes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from artifacts.types import Value
from graphs.budget import Budget, budget_text, read_budget
from graphs.errors import InputError
from graphs.questions.query import Query, compact

Approve = Literal["auto", "ask", "deny"]
"""Which calls wait for a person: those of tools that ask; all; none, as those that would wait are not carried out."""


class Question(Value):
    """One question. `id` is the asker's own name for it, of use where a run is asked several.

    `queries` say what it means, part by part, where the asker knows; without any the text is read.
    """

    text: str
    id: str | int = ""
    queries: tuple[Query, ...] = ()


class Terms(Value):
    """On which terms a run works. `agent` has the coder's seat, in place of the coder; `budget` is what it may use.

    `approve` says which calls wait for a person; an `unattended` run waits for nobody: defaults are taken, and what
    would wait is not done. `project` names the project that it belongs to, `template` the environment of its sandbox;
    `images` says whether the model is shown plots as pictures (None: where it is known to read them). `out` is the
    folder in which whoever began it writes its results, for whoever takes it up again.
    """

    project: str | None = None
    template: str | None = None
    images: bool | None = None
    agent: str | None = None
    budget: Budget | None = None
    approve: Approve = "auto"
    unattended: bool = False
    out: str | None = None


def terms_of(told: Mapping[str, Any]) -> Terms:
    """Terms from a form's fields, the budget as `tokens=20000,usd=0.5`. Raises InputError."""
    given = {name: value for name, value in told.items() if value not in (None, "")}
    if "budget" in given:
        given["budget"] = read_budget(str(given["budget"]))
    try:
        return Terms.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        raise InputError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}.") from error


def form_of_terms(terms: Terms) -> dict[str, str]:
    """The same, as the fields of a form."""
    told = terms.model_dump(exclude_defaults=True, exclude={"budget"})
    form = {name: json.dumps(value) if isinstance(value, bool) else str(value) for name, value in told.items()}
    return form | ({"budget": budget_text(terms.budget)} if terms.budget is not None else {})


class Request(Value):
    """A question of some files. `roles` may name target, time, unit and assignment columns; `model` as in `--model`.

    With `asked` only the answers of these questions are wanted, without a screening of the tables: one sandbox serves
    them all, and `question` may be left out. `rerun` says whether the review runs the notebook again in a fresh
    sandbox; None: as the workbench does. `run_id` is the id that the run is to have, for a caller who must know it
    before there is a run.
    """

    question: str = ""
    asked: tuple[Question, ...] = ()
    files: tuple[Path, ...] = ()
    model: str | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    parent_id: str | None = None
    rerun: bool | None = None
    run_id: str | None = None
    terms: Terms = Terms()

    @property
    def goal(self) -> str:
        """What the run is called: the question, or the first of several and how many more there are."""
        first = self.question or next((question.text for question in self.asked), "")
        more = len(self.asked) - 1
        return f"{first} (and {more} more)" if more > 0 and not self.question else first


def read_queries(text: str, where: str) -> tuple[Query, ...]:
    """The query, or the queries of a question's parts, in a text of JSON. Raises InputError, naming `where` it is."""
    found = tuple(_queries(_json(text, where), where))
    if not found:
        raise InputError(f"There is no query in {where}.")
    return found


def asked_in(question: str, query: str = "", questions: str = "") -> list[Question]:
    """What a form asks: one question, with its query where that is given, or a JSON list of several."""
    if questions:
        listed = _json(questions, "questions")
        if not isinstance(listed, list):
            raise InputError('questions is to be a JSON list of {"id", "question"}.')
        return _asked((f"question {place}", told) for place, told in enumerate(listed, 1))
    queries = read_queries(query, "query") if query else ()
    text = question.strip() or " ".join(q.text for q in queries).strip()
    return [Question(text=text, queries=queries)]


def form_of(questions: Sequence[Question]) -> dict[str, str]:
    """The same, as the fields of a form."""
    told = [
        {"id": q.id, "question": q.text} | ({"query": [compact(one) for one in q.queries]} if q.queries else {})
        for q in questions
    ]
    if len(told) > 1 or questions[0].id:
        return {"questions": json.dumps(told)}
    return {"question": questions[0].text} | ({"query": json.dumps(told[0]["query"])} if questions[0].queries else {})


def read_questions(text: str, where: str) -> list[Question]:
    """The questions in lines of JSON, each `{"id", "question"}` and, where it is known what it means, `"query"`.

    A line without an id gets its number. Raises InputError, naming the line, for one that is none.
    """
    lines = [(f"line {number}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise InputError(f"There is no question in {where}.")
    return _asked((f"{place} of {where}", _json(line, f"{place} of {where}")) for place, line in lines)


def _asked(given: Iterable[tuple[str, Any]]) -> list[Question]:
    """Questions from what JSON holds; each comes with where it stands, which an InputError names."""
    found: dict[str, Question] = {}
    for number, (where, told) in enumerate(given, 1):
        if not isinstance(told, dict) or not isinstance(told.get("question"), str) or not told["question"].strip():
            raise InputError(f'There is no question in {where}; it is to be like {{"id": 1, "question": "..."}}.')
        if more := sorted(told.keys() - {"id", "question", "query"}):
            raise InputError(f"There is a field {more[0]!r} in {where}; it has an id, a question and perhaps a query.")
        name = told.get("id", number)
        if not isinstance(name, str | int) or str(name) in found:
            raise InputError(f"The id in {where} {'is there twice' if str(name) in found else 'is no text or number'}.")
        queries = tuple(_queries(told["query"], where)) if told.get("query") else ()
        found[str(name)] = Question(text=told["question"].strip(), id=name, queries=queries)
    return list(found.values())


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"This is not JSON: {where} ({error}).") from error


def _queries(told: Any, where: str) -> Iterator[Query]:
    for one in told if isinstance(told, list) else [told]:
        try:
            yield Query.model_validate(one)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors()[:3])
            raise InputError(f"This is no query: {where}: {faults}.") from error
