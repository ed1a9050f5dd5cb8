"""Watches, from within a kernel, what a notebook's cells really do: rows that a join or a dropna changes, what a test
is made of, which rows a model was fitted to and scored on, the axes of what is drawn.

This file runs inside the kernel that is watched and imports nothing of ours. It wraps nothing: `sys.monitoring` (PEP
669) calls back when one of a table of known functions returns, so results, errors, tracebacks and warnings stay as they
are. Before Python 3.12 nothing is watched. `start` begins, `told` gives what was seen as one bounded value for JSON.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import itertools
import re
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

_MOST_RECORDS = 300
_MOST_ROWS = 100_000
"""Rows beyond which values are not compared, only counted."""
_MOST_COLUMNS = 40

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
_MODELS = {
    "statsmodels.regression.linear_model": ("RegressionModel.fit",),
    "statsmodels.discrete.discrete_model": ("Logit.fit", "Probit.fit", "Poisson.fit", "MNLogit.fit"),
    "statsmodels.genmod.generalized_linear_model": ("GLM.fit",),
}
_CORRECTIONS = {
    "statsmodels.stats.multitest": ("multipletests", "fdrcorrection"),
    "statsmodels.stats.multicomp": ("pairwise_tukeyhsd",),
    "scipy.stats": ("false_discovery_control", "tukey_hsd"),
    "pingouin": ("multicomp",),
}


_LEARNERS = re.compile(
    "Scaler$|Imputer$|^(Incremental|Kernel|Sparse)?PCA$|^Select|^RFE|TargetEncoder|QuantileTransformer|"
    "PowerTransformer|KBinsDiscretizer|Vectorizer$|TruncatedSVD|^FastICA$|^NMF$|FactorAnalysis|PLSRegression|"
    "LinearDiscriminantAnalysis|SequentialFeatureSelector"
)
"""What learns from rows something that it then puts into every row."""
_CALLED_ID = re.compile(
    r"(^|_)(id|no|nr|num|number|code|key|subject|patient|person|participant|user|customer|client|member|student|pupil|"
    r"serial|unit|specimen|household|animal|site|batch|plot|cluster|machine|device|station|sensor|player|runner|home|well|tree)(_|$)|id$",
    re.I,
)


class _Watch:
    """What is being watched, and what was seen so far."""

    def __init__(self, shell: Any) -> None:
        self.shell, self.tool = shell, -1
        self.cells: list[str] = []
        self.records: list[dict[str, Any]] = []
        self.lost = 0
        self.on_return: dict[CodeType, list[Callable[[FrameType, Any], None]]] = {}
        self.on_start: dict[CodeType, list[Callable[[FrameType], None]]] = {}
        self.known: set[tuple[str, Callable[..., None]]] = set()
        self.busy = threading.local()
        self.drawn: dict[tuple[int, int], dict[str, Any]] = {}
        self.fits: dict[int, _Fit] = {}
        self.learnt: list[_Learnt] = []
        self.held: list[_Rows] = []
        self.several: dict[str, int] = {}
        self.samples: dict[int, list[Any]] = {}

    def add(self, kind: str, frame: FrameType | None, **facts: Any) -> None:
        """Keep one fact, with the cell and the user's line that it belongs to."""
        if len(self.records) >= _MOST_RECORDS:
            self.lost += 1
            return
        line = next((f.f_lineno for f in self.users(frame)), 0)
        self.records.append({"kind": kind, "cell": len(self.cells) - 1, "line": line, **facts})

    def users(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The frames of the notebook's own code above a frame, the nearest first."""
        while frame is not None:
            if frame.f_globals is self.shell.user_ns:
                yield frame
            frame = frame.f_back

    def nested(self, frame: FrameType, codes: set[CodeType]) -> bool:
        """Whether one of these functions called a frame, on the way from the notebook's own code."""
        above = frame.f_back
        while above is not None and above.f_globals is not self.shell.user_ns:
            if above.f_code in codes:
                return True
            above = above.f_back
        return above is None

    def frames(self, frame: FrameType) -> list[Any]:
        """The tables that the notebook's variables hold just now, those with few rows first."""
        table = sys.modules["pandas"].DataFrame
        found: dict[int, Any] = {}
        for user in self.users(frame):
            for value in [*user.f_locals.values()]:
                if isinstance(value, table) and 0 < len(value) <= _MOST_ROWS and value.columns.is_unique:
                    found[id(value)] = value
        for value in [*self.shell.user_ns.values()]:
            if isinstance(value, table) and 0 < len(value) <= _MOST_ROWS and value.columns.is_unique:
                found[id(value)] = value
        return sorted(found.values(), key=len)


_watch: _Watch | None = None


def start(shell: Any) -> bool:
    """Watch the cells that this IPython shell runs from now on; False where that cannot be done."""
    global _watch
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None or _watch is not None:
        return False
    free = [n for n in (4, 3) if monitoring.get_tool(n) is None]
    if not free:
        return False
    _watch = _Watch(shell)
    _watch.tool = free[0]
    monitoring.use_tool_id(free[0], "gristmill observer")
    monitoring.register_callback(free[0], monitoring.events.PY_START, _started)
    monitoring.register_callback(free[0], monitoring.events.PY_RETURN, _returned)
    shell.events.register("pre_run_cell", _before_cell)
    shell.events.register("post_run_cell", _after_cell)
    return True


def told(*, going_on: bool = False) -> dict[str, Any]:
    """The cells that ran (as digests of their code) and what was seen in each; watching ends, unless it goes on."""
    global _watch
    if _watch is None:
        return {"cells": [], "records": [], "lost": 0}
    seen = _watch
    if not going_on:
        _watch = None
        _end(seen)
    records = [*seen.records, *seen.drawn.values()]
    return {"cells": seen.cells, "records": records[: 2 * _MOST_RECORDS], "lost": seen.lost}


def _end(seen: _Watch) -> None:
    monitoring: Any = sys.monitoring
    seen.shell.events.unregister("pre_run_cell", _before_cell)
    seen.shell.events.unregister("post_run_cell", _after_cell)
    for code in {*seen.on_return, *seen.on_start}:
        monitoring.set_local_events(seen.tool, code, 0)
    monitoring.free_tool_id(seen.tool)


def digest(code: str) -> str:
    """The name of a cell in `told`: a digest of its code."""
    return hashlib.sha256(code.strip().encode()).hexdigest()[:16]


def _before_cell(info: Any) -> None:
    if _watch is not None:
        _watch.cells.append(digest(info.raw_cell))
        _guarded(_watch, _look_for, _watch, info.raw_cell)


def _after_cell(result: Any) -> None:
    if _watch is not None:
        _guarded(_watch, _look_for, _watch, "")
        _guarded(_watch, _open_figures, _watch)


def _guarded(watch: _Watch, what: Callable[..., None], *args: Any) -> None:
    """Look at something, without being called back by what the looking itself calls."""
    if getattr(watch.busy, "now", False):
        return
    watch.busy.now = True
    try:
        what(*args)
    except Exception:  # noqa: BLE001 (an exception here would be raised in the middle of the user's code)
        watch.lost += 1
    finally:
        watch.busy.now = False


def _started(code: CodeType, offset: int) -> None:
    if _watch is not None:
        for look in _watch.on_start.get(code, ()):
            _guarded(_watch, look, sys._getframe(1))


def _returned(code: CodeType, offset: int, value: object) -> None:
    if _watch is not None:
        for look in _watch.on_return.get(code, ()):
            _guarded(_watch, look, sys._getframe(1), value)


def _look_for(watch: _Watch, code: str) -> None:
    """Watch the functions of libraries that are loaded, or that this cell is about to import."""
    for name, words, watching in _FAMILIES:
        if (name, watching) in watch.known:
            continue
        if name not in sys.modules and not (words and all(re.search(rf"\b{w}\b", code) for w in words.split())):
            continue
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        watch.known.add((name, watching))
        watching(watch, module)


def _code(function: Any) -> CodeType | None:
    found = getattr(function, "__code__", None)
    return found if isinstance(found, CodeType) else None


def _at_return(watch: _Watch, function: Any, look: Callable[[FrameType, Any], None]) -> CodeType | None:
    code = _code(function)
    if code is not None:
        if look not in (known := watch.on_return.setdefault(code, [])):
            known.append(look)
        _set_events(watch, code)
    return code


def _at_start(watch: _Watch, function: Any, look: Callable[[FrameType], None]) -> None:
    code = _code(function)
    if code is not None:
        if look not in (known := watch.on_start.setdefault(code, [])):
            known.append(look)
        _set_events(watch, code)


def _set_events(watch: _Watch, code: CodeType) -> None:
    monitoring: Any = sys.monitoring
    events = monitoring.events.PY_RETURN if code in watch.on_return else 0
    events |= monitoring.events.PY_START if code in watch.on_start else 0
    monitoring.set_local_events(watch.tool, code, events)


# Tables: rows that come or go.


def _watch_pandas(watch: _Watch, pandas: Any) -> None:
    merge = importlib.import_module("pandas.core.reshape.merge")
    codes = {c for c in (_code(merge.merge), _code(pandas.DataFrame.dropna)) if c is not None}

    def joined(frame: FrameType, made: Any) -> None:
        if watch.nested(frame, codes):
            return
        here = frame.f_locals
        plan, left, right = here.get("op"), here["left"], here["right"]
        facts: dict[str, Any] = {"how": str(here["how"]), "validate": bool(here["validate"])}
        if plan is not None and max(len(left), len(right)) <= 10 * _MOST_ROWS:
            sides = ((left, plan.left_join_keys), (right, plan.right_join_keys))
            unique = [_unique(keys) if len(keys) else bool(table.index.is_unique) for table, keys in sides]
            facts |= {"left_unique": unique[0], "right_unique": unique[1]}
        sizes = {"left": len(left), "right": len(right), "rows": len(made)}
        shared = {*map(str, getattr(left, "columns", ()))} & {*map(str, getattr(right, "columns", ()))}
        columns = {
            side: [c for c in map(str, getattr(table, "columns", ())) if c not in shared][:_MOST_COLUMNS]
            for side, table in (("left_columns", left), ("right_columns", right))
        }
        for side in ("left", "right"):
            other = "right" if side == "left" else "left"
            if not facts.get(f"{other}_unique", True):
                watch.several |= dict.fromkeys(columns[f"{side}_columns"], sizes[side])
        watch.add("merge", frame, **facts, **sizes, **columns)

    def dropped(frame: FrameType, made: Any) -> None:
        if not watch.nested(frame, codes) and getattr(made, "ndim", 0) == 2 and made is not frame.f_locals["self"]:
            before = len(frame.f_locals["self"])
            if made.shape[1] == frame.f_locals["self"].shape[1]:
                at_edge = _at_edge(frame.f_locals["self"].index, made.index)
                watch.add("dropped", frame, by="dropna", before=before, after=len(made), at_edge=at_edge)

    def masked(frame: FrameType, made: Any) -> None:
        asker = frame.f_back.f_back if frame.f_back is not None else None
        if asker is not None and asker.f_globals is watch.shell.user_ns:
            lost(frame, frame.f_locals["self"], made)

    def lost(frame: FrameType, whole: Any, made: Any) -> None:
        if 0 < len(made) < len(whole) <= 10 * _MOST_ROWS:
            gone = whole[~whole.index.isin(made.index)] if whole.index.is_unique else whole.iloc[:0]
            for column in whole.columns[:_MOST_COLUMNS]:
                if len(gone) and gone[column].isna().all() and made[column].notna().all():
                    at_edge = _at_edge(whole.index, made.index)
                    watch.add("dropped", frame, by="mask", before=len(whole), after=len(made), at_edge=at_edge)
                    return

    def reduced(frame: FrameType, made: Any) -> None:
        asker = frame.f_back.f_back if frame.f_back is not None else None
        if not watch.several or asker is None or asker.f_globals is not watch.shell.user_ns:
            return
        series = frame.f_locals["self"]
        rows, name = len(series), str(series.name)
        if rows > watch.several.get(name, rows):
            watch.add("reduced", frame, column=name, rows=rows, by=str(frame.f_locals.get("name")))

    def grouped(frame: FrameType, made: Any) -> None:
        groups = frame.f_locals["self"]
        above = frame.f_back
        while above is not None and above.f_globals is not watch.shell.user_ns:
            if above.f_code in group_codes:
                return
            above = above.f_back
        if above is None or len(groups.obj) > 10 * _MOST_ROWS:
            return
        sizes = groups.size()
        if sizes.ndim != 1:
            return
        small = {str(k if not isinstance(k, tuple) else k[-1]): int(v) for k, v in sizes[sizes < 12].items() if v > 0}
        columns = [str(c) for c in getattr(made, "columns", [getattr(made, "name", "")])][:_MOST_COLUMNS]
        how = frame.f_code.co_name
        watch.add(
            "grouped", frame, by=str(groups.keys)[:80],
            how=how if how != "agg" else str(frame.f_locals.get("func"))[:80], columns=columns, rows=len(groups.obj),
            groups=len(sizes), median=float(sizes.median()) if len(sizes) else 0.0, small=dict([*small.items()][:30]),
        )  # fmt: skip

    _at_return(watch, merge.merge, joined)
    _at_return(watch, pandas.DataFrame.dropna, dropped)

    def located(frame: FrameType, made: Any) -> None:
        whole = frame.f_locals["self"].obj
        if getattr(whole, "ndim", 0) == 2 and getattr(made, "ndim", 0) == 2 and made.shape[1] == whole.shape[1]:
            lost(frame, whole, made)

    _at_return(watch, pandas.DataFrame._getitem_bool_array, masked)
    indexing = importlib.import_module("pandas.core.indexing")
    _at_return(watch, indexing._LocationIndexer._getbool_axis, located)
    _at_return(watch, pandas.Series._reduce, reduced)
    group = importlib.import_module("pandas.core.groupby")
    group_codes = {
        c
        for kind in (group.SeriesGroupBy, group.DataFrameGroupBy)
        for name in ("mean", "median", "sum", "agg", "aggregate")
        if (c := _at_return(watch, getattr(kind, name), grouped)) is not None
    }


def _at_edge(before: Any, after: Any) -> bool:
    """Whether only rows at the ends are gone, as those are that have no earlier or later row to look at."""
    if not len(after):
        return False
    first = before.get_loc(after[0]) if before.is_unique else None
    return isinstance(first, int) and bool(before[first : first + len(after)].equals(after))


def _unique(keys: Any) -> bool:
    pandas = sys.modules["pandas"]
    table = pandas.DataFrame({n: pandas.Series(k).reset_index(drop=True) for n, k in enumerate(keys)})
    return not bool(table.dropna(how="all").duplicated().any())


# Tests and models: how many rows, what p, and whether rows of one unit stand for several.


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


def _array(values: Any) -> Any:
    return sys.modules["numpy"].asarray(values)


def _known(values: Any) -> int:
    """How many values are there and not missing."""
    return int(sys.modules["pandas"].notna(_array(values)).sum()) if "pandas" in sys.modules else len(values)


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


def _repeating(table: Any, places: Any, factor: Any, outcome: Any) -> list[dict[str, Any]]:
    pandas = sys.modules["pandas"]
    rows = table.iloc[places].reset_index(drop=True)
    of, y = pandas.Series(factor), pandas.Series(outcome)
    found = []
    for unit in rows.columns[:_MOST_COLUMNS]:
        column = rows[unit]
        levels = column.nunique()
        if column.dtype.kind in "fMm" or not of.nunique() < levels <= len(rows) / 3:
            continue
        if of.groupby(column, observed=True).nunique().max() > 1 or _in_order(column, of):
            continue
        if column.groupby(of.to_numpy(), observed=True).nunique().min() < (2 if of.nunique() <= 8 else 1):
            continue
        if _alike(y, column, of):
            found.append({"column": str(unit), "levels": int(levels), "rows": len(rows)})
    return found[:5]


def _in_order(column: Any, of: Any) -> bool:
    """Whether a column of numbers only says more finely what the factor says: ages within bands of age."""
    if column.dtype.kind not in "iub":
        return False
    ends = column.groupby(of.to_numpy()).agg(["min", "max"]).sort_values("min")
    in_blocks = bool((ends["min"].to_numpy()[1:] > ends["max"].to_numpy()[:-1]).all())
    counts = column.value_counts()
    return in_blocks and not bool(counts.min() == counts.max())


def _alike(y: Any, unit: Any, factor: Any) -> bool:
    """Whether values differ more between the units of a level than within units: F with p < 0.001."""
    from scipy.special import fdtrc

    known = y.notna() & unit.notna() & factor.notna()
    y, unit, factor = y[known], unit[known], factor[known]
    means = y.groupby(unit, observed=True).transform("mean")
    between = float(((means - y.groupby(factor, observed=True).transform("mean")) ** 2).sum())
    inside = float(((y - means) ** 2).sum())
    degrees, left = unit.nunique() - factor.nunique(), len(y) - unit.nunique()
    if degrees <= 0 or left <= 0 or inside <= 0:
        return False
    return bool(fdtrc(degrees, left, between / degrees / (inside / left)) < 0.001)


def _watch_models(watch: _Watch, module: Any) -> None:
    codes: set[CodeType] = set()

    def fitted(frame: FrameType, result: Any) -> None:
        if watch.nested(frame, codes) or not hasattr(result, "model"):
            return
        model = result.model
        names = [str(n) for n in model.exog_names]
        p = _array(result.pvalues).ravel().tolist() if model.exog.shape[1] <= 60 else []
        watch.add(
            "model", frame, rows=int(result.nobs), cov=str(getattr(result, "cov_type", "")), terms=names[:60],
            p=[v if v == v else None for v in p], outcome=str(model.endog_names), given=_rows_given(model),
            units=_model_units(watch, frame, result),
        )  # fmt: skip

    for path in _MODELS[module.__name__]:
        owner, _, name = path.partition(".")
        if (code := _at_return(watch, getattr(getattr(module, owner), name), fitted)) is not None:
            codes.add(code)


def _rows_given(model: Any) -> int | None:
    """The rows that a model was given, of which those with missing values do not count any more."""
    if (missing := getattr(model.data, "missing_row_idx", None)) is not None:
        return len(missing) + len(model.endog)
    gone = getattr(model, "missing_idx", None)
    return len(model.endog) if gone is None else len(gone)


def _model_units(watch: _Watch, frame: FrameType, result: Any) -> list[dict[str, Any]]:
    if "pandas" not in sys.modules or str(getattr(result, "cov_type", "")) in ("cluster", "hac-panel", "hac-groupsum"):
        return []
    numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
    model, residuals = result.model, getattr(result, "resid", None)
    labels = getattr(model.data, "row_labels", None)
    if residuals is None or labels is None or len(labels) > _MOST_ROWS:
        return []
    for table in watch.frames(frame):
        if not table.index.is_unique or len(labels) > len(table):
            continue
        at = table.index.get_indexer(labels)
        outcome = model.endog_names
        if (at < 0).any() or (
            outcome in table.columns
            and not numpy.array_equal(table[outcome].to_numpy()[at].astype(float), _array(model.endog).astype(float))
        ):
            continue
        of = pandas.DataFrame(_array(model.exog))
        varying = [c for c in of.columns if of[c].nunique() > 1]
        rows, left = table.iloc[at].reset_index(drop=True), pandas.Series(_array(residuals).astype(float))
        found = []
        for unit in rows.columns[:_MOST_COLUMNS]:
            column = rows[unit]
            levels = column.nunique()
            if column.dtype.kind in "fMm" or not 5 < levels <= len(rows) / 3 or str(unit) in map(str, model.exog_names):
                continue
            most = levels if _CALLED_ID.search(str(unit)) else 8
            given = [c for c in varying if of[c].nunique() <= most and of[c].groupby(column).nunique().max() == 1]
            told = [str(model.exog_names[c]) for c in given if not _in_order(column, of[c])]
            if told and _alike(left, column, pandas.Series(numpy.zeros(len(left)))):
                found.append({"column": str(unit), "levels": int(levels), "rows": len(rows), "terms": told[:5]})
        return found[:5]
    return []


def _watch_corrections(watch: _Watch, module: Any) -> None:
    def corrected(frame: FrameType, made: Any) -> None:
        if next(watch.users(frame), None) is not None:
            watch.add("corrected", frame, by=frame.f_code.co_name)

    for name in _CORRECTIONS[module.__name__]:
        if (function := getattr(module, name, None)) is not None:
            _at_return(watch, inspect.unwrap(function), corrected)


# Learning: which rows something was fitted to, and on which it was then scored.


class _Rows:
    """Rows of features by what they hold: a digest of each row, and of columns that tell rows apart."""

    def __init__(self, rows: Any, columns: list[Any]) -> None:
        self.rows, self.columns = rows, columns

    def within(self, whole: _Rows) -> bool:
        """Whether all of these rows are among those, by their digests or by a column that both have."""
        isin = sys.modules["numpy"].isin
        if isin(self.rows, whole.rows).all():
            return True
        return any(isin(one, other).all() for one in self.columns for other in whole.columns)


class _Fit:
    """A model that was fitted, to what, and which learnt values its features hold."""

    def __init__(self, model: Any, cell: int, features: Any, outcome: Any, learnt: list[_Learnt]) -> None:
        self.model, self.cell, self.rows, self.learnt = weakref.ref(model), cell, _rows(features), learnt
        self.index = getattr(features, "index", None)
        self.columns = {str(c) for c in getattr(features, "columns", ())}
        self.outcome = outcome if getattr(outcome, "ndim", 0) == 1 else None


class _Learnt:
    """What a transformer put out for the very rows that it had learnt from."""

    def __init__(self, by: str, cell: int, rows: _Rows) -> None:
        self.by, self.cell, self.rows = by, cell, rows


def _rows(table: Any) -> _Rows | None:
    pandas, numpy = sys.modules.get("pandas"), sys.modules["numpy"]
    if pandas is None or table is None:
        return None
    if hasattr(table, "tocsr"):
        table = _array(table.sum(axis=1)).reshape(-1, 1)
    held = table if isinstance(table, pandas.DataFrame) else None
    if held is None:
        values = _array(table)
        if values.ndim not in (1, 2) or values.dtype.kind not in "iufbOSU":
            return None
        held = pandas.DataFrame(values)
    if not 8 <= len(held) <= _MOST_ROWS // 2 or not held.shape[1]:
        return None
    held = held.iloc[:, :_MOST_COLUMNS]
    columns: list[Any] = []
    for place in range(held.shape[1]):
        column = held.iloc[:, place]
        if len(columns) < 8 and column.dtype.kind == "f" and column.nunique() > 0.5 * len(column):
            columns.append(numpy.unique(column.dropna().to_numpy().astype(float)))
    numbers = all(k.kind in "iufb" for k in held.dtypes)
    digests = pandas.util.hash_pandas_object(held.astype(float) if numbers else held.astype(str), index=False)
    return _Rows(digests.to_numpy(), columns)


def _learner(model: Any) -> str | None:
    """The name of what learns in a transformer, within a pipeline of transformers too."""
    name = type(model).__name__
    if _LEARNERS.search(name):
        return name
    inner = [s[1] for s in getattr(model, "steps", ())] + [s[1] for s in getattr(model, "transformers_", ())]
    return next((found for i in inner if not isinstance(i, str) and (found := _learner(i))), None)


def _watch_learning(watch: _Watch, base: Any) -> None:
    fits: set[CodeType] = set()
    scores: set[CodeType] = set()
    whole: set[CodeType] = set()

    def features(frame: FrameType) -> tuple[Any, Any]:
        args, named = frame.f_locals["args"], frame.f_locals["kwargs"]
        return (args[0] if args else named.get("X")), (args[1] if len(args) > 1 else named.get("y"))

    def fitted(frame: FrameType, made: Any) -> None:
        if watch.nested(frame, fits | whole):
            return
        model, (x, y) = frame.f_locals["estimator"], features(frame)
        rows, cell = _rows(x), len(watch.cells) - 1
        if len(watch.fits) >= 60:
            watch.fits.pop(next(iter(watch.fits)))
        learnt = [] if rows is None else [k for k in watch.learnt if rows.within(k.rows)]
        watch.fits[id(model)] = _Fit(model, cell, x, y, learnt)
        watch.add("fit", frame, model=type(model).__name__, rows=len(x) if hasattr(x, "__len__") else None)
        if type(model).__name__.endswith("SearchCV") and rows is not None:
            leak(frame, rows, learnt)
        for name in ("predict", "predict_proba", "decision_function"):
            method = getattr(type(model), name, None)
            if method is not None and (code := _code(method)) is not None and code.co_name == name:
                scores.add(code)
                _at_start(watch, method, scored)
        transform = getattr(type(model), "transform", None)
        if transform is not None and _learner(model) is not None:
            _at_return(watch, transform, transformed)
            if made is not model and getattr(made, "shape", None):
                keep(model, made, rows)

    def keep(model: Any, made: Any, rows: _Rows | None) -> None:
        by, out = _learner(model), _rows(made)
        if by is not None and out is not None and rows is not None and len(watch.learnt) < 12:
            watch.learnt.append(_Learnt(by, len(watch.cells) - 1, out))

    def transformed(frame: FrameType, made: Any) -> None:
        here = frame.f_locals
        model, x = here.get("self"), here.get("X", (here.get("args") or (None,))[0])
        fit = watch.fits.get(id(model))
        if watch.nested(frame, fits | whole | scores) or fit is None or fit.model() is not model:
            return
        rows = _rows(x)
        same = sys.modules["numpy"].array_equal
        if rows is not None and fit.rows is not None and same(rows.rows, fit.rows.rows):
            keep(model, made, rows)

    def leak(frame: FrameType, rows: _Rows, learnt: list[_Learnt]) -> None:
        for known in learnt:
            if len(known.rows.rows) == len(rows.rows):
                watch.add("leak", frame, by=known.by, fitted_in=known.cell, rows=len(rows.rows))
                return

    def scored(frame: FrameType) -> None:
        if watch.nested(frame, fits | scores | whole):
            return
        model = frame.f_locals.get("self")
        fit = watch.fits.get(id(model))
        names = frame.f_code.co_varnames
        x = frame.f_locals.get(names[1]) if len(names) > 1 else None
        rows = _rows(x)
        if fit is None or fit.model() is not model or rows is None or fit.rows is None:
            return
        shared = int(sys.modules["numpy"].isin(rows.rows, fit.rows.rows).sum())
        held = any(rows.within(h) for h in watch.held)
        if shared < 0.5 * len(rows.rows):
            for known in fit.learnt:
                if rows.within(known.rows) and len(known.rows.rows) > len(fit.rows.rows):
                    watch.add("leak", frame, by=known.by, fitted_in=known.cell, rows=len(known.rows.rows))
                    break
        mixed = _mixed(watch, frame, fit, x) if shared < len(rows.rows) else []
        watch.add(
            "scored", frame, model=type(model).__name__, fit_rows=len(fit.rows.rows), rows=len(rows.rows),
            shared=shared, held=held, distinct=len({*fit.rows.rows.tolist()}) / len(fit.rows.rows),
            fitted_in=fit.cell, mixed=mixed,
        )  # fmt: skip

    def split(frame: FrameType, made: Any) -> None:
        for place, table in enumerate(frame.f_locals.get("arrays", ())):
            rows = _rows(table) if getattr(table, "ndim", 0) == 2 or hasattr(table, "tocsr") else None
            if rows is None:
                continue
            leak(frame, rows, [k for k in watch.learnt if rows.within(k.rows)])
            part = _rows(made[2 * place + 1])
            if part is not None and len(watch.held) < 12:
                watch.held.append(part)

    def crossed(frame: FrameType, made: Any) -> None:
        if watch.nested(frame, whole):
            return
        here = frame.f_locals
        x, y = here.get("X"), here.get("y")
        rows = _rows(x)
        if rows is not None:
            leak(frame, rows, [k for k in watch.learnt if rows.within(k.rows)])
        values = made.get("test_score") if isinstance(made, dict) else made
        classes = type(here.get("estimator")).__name__.startswith("Pipeline") or hasattr(here["estimator"], "classes_")
        classes = classes or getattr(here.get("estimator"), "_estimator_type", "") == "classifier"
        classes = classes or type(here.get("estimator")).__name__.endswith(("Classifier", "Regression", "NB", "SVC"))
        plain = here.get("scoring") in (None, "accuracy") and frame.f_code.co_name != "cross_val_predict"
        if plain and classes and (share := _commonest(y)) is not None and values is not None:
            watch.add("accuracy", frame, value=float(_array(values).mean()), commonest=share)

    def measured(frame: FrameType, made: Any) -> None:
        here = frame.f_locals
        if watch.nested(frame, whole) or not isinstance(made, float) or not here.get("normalize", True):
            return
        truth = here.get("y_true", here.get("y"))
        if (share := _commonest(truth)) is not None:
            watch.add("accuracy", frame, value=float(made), commonest=share)

    if (code := _at_return(watch, base.BaseEstimator.__dict__.get("fit"), fitted)) is not None:
        fits.add(code)
    wrapper = base._fit_context(prefer_skip_nested_validation=True)(lambda estimator: None)
    if (code := _at_return(watch, wrapper, fitted)) is not None:
        fits.add(code)
    selection = importlib.import_module("sklearn.model_selection")
    _at_return(watch, inspect.unwrap(selection.train_test_split), split)
    for name in ("cross_val_score", "cross_validate", "cross_val_predict"):
        if (code := _at_return(watch, inspect.unwrap(getattr(selection, name)), crossed)) is not None:
            whole.add(code)
    metrics = importlib.import_module("sklearn.metrics")
    _at_return(watch, inspect.unwrap(metrics.accuracy_score), measured)
    whole.update(c for c in (_code(base.ClassifierMixin.score),) if c is not None)
    _at_return(watch, base.ClassifierMixin.score, measured)


def _commonest(truth: Any) -> float | None:
    """The share of the commonest of at most ten classes."""
    if "pandas" not in sys.modules or truth is None or getattr(truth, "ndim", 1) != 1:
        return None
    counts = sys.modules["pandas"].Series(_array(truth)).value_counts()
    return float(counts.iloc[0] / counts.sum()) if 2 <= len(counts) <= 10 else None


def _mixed(watch: _Watch, frame: FrameType, fit: _Fit, x: Any) -> list[dict[str, Any]]:
    """The columns that name the units of which rows were learnt from and others scored, the outcome being alike."""
    pandas = sys.modules["pandas"]
    index = getattr(x, "index", None)
    if not isinstance(index, pandas.Index) or not isinstance(fit.index, pandas.Index) or fit.outcome is None:
        return []
    outcome = pandas.Series(_array(fit.outcome))
    if outcome.dtype.kind not in "iufb":
        return []
    for table in reversed(watch.frames(frame)):
        if not table.index.is_unique:
            continue
        learnt, judged = table.index.get_indexer(fit.index), table.index.get_indexer(index)
        if (learnt < 0).any() or (judged < 0).any() or len(learnt) + len(judged) > len(table) + 1:
            continue
        found = []
        for unit in table.columns[:_MOST_COLUMNS]:
            column = table[unit]
            levels = column.nunique()
            if column.dtype.kind in "fMm" or not 8 <= levels <= len(table) / 2 or str(unit) in fit.columns:
                continue
            if not _CALLED_ID.search(str(unit)) and not _has_own(table, unit, levels):
                continue
            before, after = column.iloc[learnt], column.iloc[judged]
            both = float(after.isin(before.unique()).mean())
            if both > 0.5 and _alike(outcome, before.reset_index(drop=True), outcome * 0):
                found.append({"column": str(unit), "levels": int(levels), "share": round(both, 3)})
        if found:  # a table of features may have the same rows, and not the units
            return found[:5]
    return []


def _has_own(table: Any, unit: Any, levels: int) -> bool:
    """Whether some measure is the same in all rows of a unit, as a person's height is."""
    groups = table.groupby(unit, observed=True)
    rich = (c for c in table.columns[:_MOST_COLUMNS] if c != unit and table[c].nunique() >= max(5, levels / 4))
    return any(groups[c].nunique().max() == 1 for c in rich)


# Charts: the axes of bars, as drawn.


def _watch_charts(watch: _Watch, module: Any) -> None:
    def drawn(frame: FrameType) -> None:
        _figure(watch, frame.f_locals["self"])

    _at_start(watch, inspect.unwrap(module.Figure.draw), drawn)


def _open_figures(watch: _Watch) -> None:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    for manager in [*helpers.Gcf.figs.values()] if helpers is not None else ():
        _figure(watch, manager.canvas.figure)


def _figure(watch: _Watch, figure: Any) -> None:
    cell = len(watch.cells) - 1
    for place, axes in enumerate(figure.axes[:20]):
        bars = [b for b in axes.containers if type(b).__name__ == "BarContainer" and len(b.patches)]
        for held in bars[:10]:
            upright = held.orientation != "horizontal"
            patches = held.patches[:200]
            starts = [float(p.get_y() if upright else p.get_x()) for p in patches]
            sides = [(p.get_x(), p.get_width()) if upright else (p.get_y(), p.get_height()) for p in patches]
            near = itertools.pairwise(sides)
            touching = len(sides) > 2 and all(abs(a + w - b) < 1e-6 * (abs(w) or 1) for (a, w), (b, _) in near)
            low, high = axes.get_ylim() if upright else axes.get_xlim()
            watch.drawn[(id(figure), place)] = {
                "kind": "bars", "cell": cell, "line": 0, "from_zero": all(abs(s) < 1e-12 for s in starts),
                "histogram": touching, "low": float(min(low, high)), "high": float(max(low, high)),
                "inverted": bool(low > high), "bars": len(patches),
                "scale": str(axes.get_yscale() if upright else axes.get_xscale()),
            }  # fmt: skip


_FAMILIES: tuple[tuple[str, str, Callable[[_Watch, Any], None]], ...] = (
    ("pandas", "pandas", _watch_pandas),
    ("scipy.stats", "scipy stats", _watch_tests),
    ("statsmodels.regression.linear_model", "statsmodels", _watch_models),
    ("statsmodels.discrete.discrete_model", "", _watch_models),
    ("statsmodels.genmod.generalized_linear_model", "", _watch_models),
    ("statsmodels.stats.multitest", "statsmodels multitest", _watch_corrections),
    ("statsmodels.stats.multicomp", "statsmodels multicomp", _watch_corrections),
    ("scipy.stats", "scipy stats", _watch_corrections),
    ("pingouin", "", _watch_corrections),
    ("sklearn.base", "sklearn", _watch_learning),
    ("matplotlib.figure", "matplotlib", _watch_charts),
)
