"""How a model writes a query: the schema has all that it may say, other usual forms are read, faults named."""

from __future__ import annotations

import re
from types import UnionType
from typing import Annotated, Any, Literal, TypeAliasType, get_args, get_origin

import pytest

from artifacts.types import Value
from graphs.questions.query import Query, compact
from graphs.tools.forms import BRIEF, SCHEMA, read

OURS = {"text", "notes", "unused", "read_as"}
"""Fields that say how a question in words was read; a model has no need of them."""


def words_of(kind: Any, seen: set[Any]) -> set[str]:
    """All names of fields, and all words that these take, of a kind of value and of what it is made of."""
    if isinstance(kind, TypeAliasType):
        return words_of(kind.__value__, seen)
    if get_origin(kind) is Literal:
        return set(map(str, get_args(kind)))
    if get_origin(kind) in (tuple, Annotated, UnionType):
        return set().union(*(words_of(k, seen) for k in get_args(kind)))
    if not (isinstance(kind, type) and issubclass(kind, Value)) or kind in seen:
        return set()
    seen.add(kind)
    return set(kind.model_fields).union(*(words_of(f.annotation, seen) for f in kind.model_fields.values()))


def test_the_schema_that_a_model_is_shown_has_every_field_and_word_of_a_query():
    told = set(re.findall(r"[\w<>=!]+(?: in)?|auto", SCHEMA)) | set(re.findall(r"[\w<>=!]+", SCHEMA))
    assert sorted(words_of(Query, set()) - told - OURS) == []
    assert set(re.findall(r"\w+", BRIEF)) <= set(re.findall(r"\w+", SCHEMA))
    assert len(SCHEMA) < 4_500, "every model reads it with every question"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"group_by": ["sex"]}, {"group_by": [{"of": "sex"}]}),
        ({"measures": {"op": "mean", "of": "age"}}, {"measures": [{"op": "mean", "of": "age"}]}),
        ({"order": "mean", "test": "welch"}, {"order": [{"by": "mean"}], "test": {"name": "welch"}}),
        (
            {"prepare": [{"do": "remove_outliers", "columns": "age", "rule": "z"}]},
            {"prepare": [{"do": "remove_outliers", "columns": ["age"], "rule": {"rule": "z"}}]},
        ),
        (
            {"prepare": [{"do": "recode", "column": "sex", "values": {"f": "women", "m": "men"}}]},
            {"prepare": [{"do": "recode", "column": "sex", "values": [["f", "women"], ["m", "men"]]}]},
        ),
        (
            {"where": {"any_of": [[{"left": "a", "op": "in", "right": ["x"]}], [{"left": "b", "op": "missing"}]]}},
            {"where": [{"any_of": [[{"left": "a", "op": "in", "right": ["x"]}], [{"left": "b", "op": "missing"}]]}]},
        ),
    ],
)
def test_other_usual_forms_are_read(written, meant):
    assert compact(read(written)) == meant


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (
            {"model": {"max_depth": 5}},
            "query.model has no max_depth; it may have kind, target, features, task, test_size",
        ),
        (
            {"prepare": [{"do": "normalize"}]},
            "query.prepare.0.do: 'normalize' is no step; there are keep, drop_missing",
        ),
        ({"outliers": {"rule": "zscore"}}, "query.outliers.rule: Input should be 'iqr', 'z' or 'mad'"),
        ({"where": [{"left": "a", "op": "is"}]}, "query.where.0.op: Input should be '='"),
        ({"where": [{"op": "="}], "group": ["a"]}, "query has no group; it may have intent"),
        ({"where": [{"op": "="}], "group": ["a"]}, "query.where.0.left: Field required"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(written, fault):
    with pytest.raises(ValueError, match=re.escape(fault)):
        read(written)
