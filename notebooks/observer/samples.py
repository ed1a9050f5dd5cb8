"""Tests: how many rows, which p, and whether rows of one unit stand for several."""

from __future__ import annotations

import inspect
import sys
from types import CodeType, FrameType
from typing import Any

from notebooks.observer.rows import _MOST_COLUMNS, _MOST_ROWS, _array, _known
from notebooks.observer.seen import _at_return, _at_start, _Watch
from notebooks.observer.units import _repeating

_TESTS = frozenset(
    {
        *("ttest_ind", "ttest_rel", "ttest_1samp", "mannwhitneyu", "wilcoxon", "ranksums", "brunnermunzel"),
        *("pearsonr", "spearmanr", "kendalltau", "pointbiserialr", "linregress", "chi2_contingency", "fisher_exact"),
        *(
            "f_oneway",
            "kruskal",
            "friedmanchisquare",
            "alexandergovern",
            "median_test",
            "ks_2samp",
            "levene",
            "bartlett",
        ),
    }
)
_PAIRED = ("ttest_rel", "wilcoxon", "pearsonr", "spearmanr", "kendalltau", "pointbiserialr", "linregress")
_TABLES = ("chi2_contingency", "fisher_exact")


def _watch_tests(watch: _Watch, stats: Any) -> None:
    codes: set[CodeType] = set()

    def tested(frame: FrameType, result: Any) -> None:
        if watch.nested(frame, codes):
            return
        name, given = frame.f_code.co_name, watch.samples.pop(id(frame), [])
        p = getattr(result, "pvalue", None)
        many = getattr(p, "size", 1)
        facts: dict[str, Any] = {"test": name, "p": float(p) if p is not None and many == 1 else None, "many": many}
        if name in _TABLES:
            facts["sizes"] = [int(_array(given[0]).sum())] if given else []
        else:
            facts["sizes"] = [int(_known(g)) for g in given]
            facts["units"] = _units(watch, frame, given, paired=name in _PAIRED)
        watch.add("test", frame, **facts)

    def asked(frame: FrameType) -> None:
        if not watch.nested(frame, codes):
            if len(watch.samples) > 20:  # of tests that raised
                watch.samples.clear()
            watch.samples[id(frame)] = _given(watch, frame)

    for name in _TESTS:
        _at_start(watch, inspect.unwrap(getattr(stats, name)), asked)
        code = _at_return(watch, inspect.unwrap(getattr(stats, name)), tested)
        if code is not None:
            codes.add(code)


def _given(watch: _Watch, frame: FrameType) -> list[Any]:
    """The samples as the notebook's code gave them to a test, before the library made arrays of them."""
    outer = frame
    while outer.f_back is not None and outer.f_back.f_globals is not watch.shell.user_ns:
        outer = outer.f_back
        if outer.f_code.co_name == "axis_nan_policy_wrapper":
            break
    here = outer.f_locals if outer.f_code.co_name == "axis_nan_policy_wrapper" else frame.f_locals
    if "d_args" in here and "kwds" in here:  # `args` itself is deleted once the samples are taken out
        values = [*here["d_args"].values(), *here["kwds"].values()]
    elif "args" in here and "kwds" in here:
        values = [*here["args"], *here["kwds"].values()]
    else:
        code = frame.f_code
        values = [frame.f_locals.get(n) for n in code.co_varnames[: code.co_argcount]]
        values += [*frame.f_locals.get("samples", ())] if code.co_flags & inspect.CO_VARARGS else []
    return [v for v in values if isinstance(v, list) or (not isinstance(v, str) and getattr(v, "ndim", False))]


def _units(watch: _Watch, frame: FrameType, given: list[Any], *, paired: bool) -> list[dict[str, Any]]:
    """The columns of which each value has several of a test's rows, alike among themselves and all in one sample."""
    if "pandas" not in sys.modules or not given or len(given) > 12 or sum(map(len, given)) > _MOST_ROWS:
        return []
    numpy = sys.modules["numpy"]
    for table in watch.frames(frame):
        places = [_places(table, g) for g in given]
        if any(p is None for p in places):
            continue
        if paired:
            if len(given) != 2 or not numpy.array_equal(places[0], places[1]):
                return []
            x, y = given
            return _repeating(table, places[0], _array(x), _array(y).astype(float))
        if len(given) < 2:
            return []
        which = numpy.concatenate([numpy.full(len(p), n) for n, p in enumerate(places)])
        values = numpy.concatenate([_array(g).astype(float) for g in given])
        return _repeating(table, numpy.concatenate(places), which, values)
    return []


def _places(table: Any, values: Any) -> Any:
    """The rows of a table, by their places, from which a sample was taken; None where it was not taken from there."""
    numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
    if len(values) > len(table) or len(values) < 4:
        return None
    sample = _array(values)
    if sample.ndim != 1 or sample.dtype.kind not in "iufb":
        return None
    numeric = [c for c in table.columns[:_MOST_COLUMNS] if table[c].dtype.kind in "iufb"]
    if isinstance(values, pandas.Series) and table.index.is_unique:
        at = table.index.get_indexer(values.index)
        if (at >= 0).all():
            for column in sorted(numeric, key=lambda c: c != values.name):
                held = table[column].to_numpy()[at]
                if numpy.array_equal(held.astype(float), sample.astype(float), equal_nan=True):
                    return at
    for column in numeric:
        held = table[column].to_numpy().astype(float)
        if len(numpy.unique(held)) < 0.5 * len(held):
            continue
        if len(held) == len(sample) and numpy.array_equal(held, sample, equal_nan=True):
            return numpy.arange(len(held))
        order = numpy.argsort(held, kind="stable")
        at = numpy.searchsorted(held[order], sample.astype(float))
        if (at < len(held)).all():
            rows = order[at]
            if numpy.array_equal(held[rows], sample.astype(float)):
                return rows
    return None
