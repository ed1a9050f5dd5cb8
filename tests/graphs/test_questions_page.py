"""docs/questions.md is held to the code: each of its queries gives the answer that stands below it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from graphs.questions.functions import FUNCTIONS
from graphs.questions.query import Statistic, Step, Test

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)\n```\n> (.*?)\n", PAGE, re.S)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small table of the page."""
    table = re.search(r"```csv\n(.*?)```", PAGE, re.S)
    assert table
    path = tmp_path_factory.mktemp("page") / "orders.csv"
    path.write_text(table[1])
    return path


@pytest.mark.parametrize(("query", "said"), EXAMPLES, ids=[s for _, s in EXAMPLES])
def test_each_example_gives_the_answer_below_it(ask: Callable[..., Any], orders: Path, query: str, said: str) -> None:
    of_orders = re.search(r'"(amount|placed|days\(placed, sent\))"', query)
    asked = ask(json.loads(query), orders if of_orders else ROOT / "examples" / "penguins.csv")
    assert " ".join(a["text"] for a in asked.answers) == said


def test_the_page_names_every_statistic_step_test_and_function() -> None:
    told = set(re.findall(r"`(\w+)", PAGE))
    names = {*get_args(Statistic.__value__ if hasattr(Statistic, "__value__") else Statistic)}
    names |= {get_args(t.model_fields["do"].annotation)[0] for t in get_args(get_args(Step)[0])}
    names |= {*get_args(Test.model_fields["name"].annotation), *FUNCTIONS}
    assert not names - told
