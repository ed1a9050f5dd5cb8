"""Checks of the code that a model wrote: chance without a seed, rows that go unseen, values set on a copy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.joins import counted_rows
from graphs.checks.syntax import (
    READERS,
    assigned,
    called,
    calls,
    imported,
    is_series,
    keywords,
    meanings,
    name_of,
    owner_of,
    statements,
    strings,
    trees,
    words,
)

_DRAWS = words(
    """
    rand randn randint random choice choices shuffle permutation normal uniform binomial poisson exponential sample
    random_sample standard_normal multivariate_normal gauss
    """
)
_TAKES_RANDOM_STATE = words(
    """
    train_test_split RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor
    GradientBoostingClassifier GradientBoostingRegressor HistGradientBoostingClassifier
    HistGradientBoostingRegressor KMeans MiniBatchKMeans GaussianMixture TSNE UMAP IsolationForest MLPClassifier
    MLPRegressor BaggingClassifier BaggingRegressor AdaBoostClassifier AdaBoostRegressor SGDClassifier SGDRegressor
    RandomizedSearchCV permutation_importance mutual_info_classif mutual_info_regression ShuffleSplit
    StratifiedShuffleSplit GroupShuffleSplit resample sample rvs RepeatedKFold RepeatedStratifiedKFold SMOTE ADASYN
    RandomOverSampler RandomUnderSampler SMOTENC BorderlineSMOTE SpectralClustering
    BayesianGaussianMixture RandomTreesEmbedding FastICA MiniBatchNMF
    """
)
_TAKES_RNG = words("bootstrap permutation_test monte_carlo_test")
_FOLDS = words("KFold StratifiedKFold StratifiedGroupKFold")
_GENERATORS = words("default_rng RandomState Random PCG64 PCG64DXSM MT19937 Philox SFC64 SeedSequence")
_DROPS = words("dropna drop_nulls drop_nans")
_COPIES = words("query head tail sample nlargest nsmallest dropna drop_duplicates sort_values copy where filter")
"""What gives a table of its own, to which nothing assigned is ever seen again."""
_MISSING = words("isna isnull notna notnull isnan is_null is_not_null null_count")
_SQL_COUNT = re.compile(r"\bcount\s*\(", re.I)


@check("seeds")
def seeds(work: Work) -> Iterator[Found]:
    """Chance is seeded wherever it is used."""
    seeded = False
    known, full = meanings(work), imported(work)
    for cell, tree in trees(work):
        for call in calls(tree):
            name = name_of(call)
            seeded = seeded or (
                name in ("seed", "manual_seed", "set_random_seed", "seed_everything") and bool(call.args)
            )
            if not seeded and _unseeded(call, known, full):
                yield Objection(
                    where=cell.cell,
                    problem=f"`{name}` draws by chance without a seed, so a second run gives other numbers.",
                    mend="Give it random_state=0, or draw from np.random.default_rng(0).",
                )
                break


def _unseeded(call: ast.Call, known: dict[str, ast.expr], full: dict[str, str]) -> bool:
    name, owner = name_of(call), owner_of(call)
    if not owner and name in full:  # from sklearn.ensemble import ExtraTreesRegressor as ETR
        owner, _, name = full[name].rpartition(".")
    head, _, rest = owner.partition(".")
    owner = full.get(head, {"np": "numpy"}.get(head, head)) + (f".{rest}" if rest else "")
    given = {k for k, v in keywords(call).items() if not (isinstance(v, ast.Constant) and v.value is None)}
    if None in given and (brought := _brought(keywords(call)[None], known)) is not None:
        given = (given - {None}) | brought
    given &= {"random_state", "seed", "rng", "random_seed", "generator", None}
    if name in _GENERATORS:
        chosen = [a for a in call.args if not (isinstance(a, ast.Constant) and a.value is None)]
        return not chosen and not given
    if owner in ("numpy.random", "random", "torch") and call.func is not None:
        return name in _DRAWS
    if name in _FOLDS:
        shuffles = keywords(call).get("shuffle")
        return isinstance(shuffles, ast.Constant) and bool(shuffles.value) and not given
    if name in _TAKES_RNG:
        resamples = keywords(call).get("n_resamples")
        exact = resamples is not None and "inf" in ast.unparse(resamples)  # all that there are, and none by chance
        return "stats" in owner and not given and not exact
    if name not in _TAKES_RANDOM_STATE or given or _is_off(call):
        return False
    if name == "resample" and isinstance(call.func, ast.Attribute) and not owner.startswith("sklearn"):
        return False  # a time series brought to months
    # a generator is judged where it is made, in the call itself or before
    makers = (known.get(owner), getattr(call.func, "value", None))
    return owner != "rng" and not any(isinstance(m, ast.Call) and name_of(m) in _GENERATORS for m in makers)


def _brought(unpacked: ast.expr, known: dict[str, ast.expr]) -> set[str] | None:
    """The keywords that `**settings` brings, where they are written out."""
    made = known.get(unpacked.id) if isinstance(unpacked, ast.Name) else unpacked
    if isinstance(made, ast.Dict) and all(k is not None for k in made.keys):
        return strings(ast.Tuple(elts=[k for k in made.keys if k is not None], ctx=ast.Load()))
    if isinstance(made, ast.Call) and name_of(made) == "dict" and not made.args:
        return {k.arg for k in made.keywords if k.arg is not None} if None not in keywords(made) else None
    return None


def _is_off(call: ast.Call) -> bool:
    return any(k.arg == "shuffle" and isinstance(k.value, ast.Constant) and not k.value.value for k in call.keywords)


@check("dropped_rows")
def dropped_rows(work: Work) -> Iterator[Found]:
    """No rows were dropped without saying how many."""
    known = meanings(work)
    everything = ast.Module(body=[s for _, tree in trees(work) for s in tree.body], type_ignores=[])
    for cell, tree in trees(work):
        drops = [c for c in calls(tree) if name_of(c) in _DROPS and _whole_table(c, known)]
        masked = _masked(tree, known) or _filtered(tree)
        if not (drops or masked) or (_counts_rows(tree, known) and called(tree) & {"print", "display", "report"}):
            continue
        kept = {
            target.id
            for statement in statements(tree)
            if (pair := assigned(statement)) is not None
            and called(pair[1]) & {*_DROPS, "notna", "notnull", "isna", "isnull", "isnan", "is_not_null"}
            for target in pair[0]
            if isinstance(target, ast.Name) and target.id != "df"
        }
        if not kept & counted_rows(everything):
            yield Objection(
                where=cell.cell,
                problem=f"`{name_of(drops[0]) if drops else masked}` removes rows and the cell does not say how many.",
                mend="Print the number of rows before and after, and why those rows may go.",
            )


def _whole_table(call: ast.Call, known: dict[str, ast.expr]) -> bool:
    """`df.dropna(...)`, not `df["x"].dropna()`: values of one column that are missing are left out by every test."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    axis = keywords(call).get("axis") or (call.args[0] if call.args else None)
    columns = isinstance(axis, ast.Constant) and axis.value in (1, "columns")
    return not columns and not is_series(on, known)


def _masked(tree: ast.Module, known: dict[str, ast.expr]) -> str | None:
    """The test for missing values by which a table that is kept under a name loses rows, if it does."""
    for statement in statements(tree):
        pair = assigned(statement)
        value = pair[1] if pair is not None else None
        while isinstance(value, ast.Call) and name_of(value) in ("copy", "reset_index"):
            value = value.func.value if isinstance(value.func, ast.Attribute) else None
        if not isinstance(value, ast.Subscript):
            continue
        located = isinstance(value.value, ast.Attribute) and value.value.attr == "loc"
        table = value.value.value if isinstance(value.value, ast.Attribute) and located else value.value
        picks = value.slice.elts if located and isinstance(value.slice, ast.Tuple) else [value.slice]
        if is_series(table, {}) or (len(picks) > 1 and isinstance(picks[1], ast.Constant)):
            continue
        asks = known.get(picks[0].id) if isinstance(picks[0], ast.Name) else picks[0]
        whole = isinstance(table, ast.Name)
        if whole and asks is not None and (name := _keeps_known(asks)) is not None:
            return name
    return None


def _keeps_known(asked: ast.expr) -> str | None:
    """The test by which a mask keeps rows without missing values: `x.notna()`, `~x.isna().any(axis=1)`."""
    if isinstance(asked, ast.BinOp) and isinstance(asked.op, ast.BitAnd):
        return _keeps_known(asked.left) or _keeps_known(asked.right)
    inverted = isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Invert)
    inner = asked.operand if isinstance(asked, ast.UnaryOp) and inverted else asked
    while isinstance(inner, ast.Call) and name_of(inner) in ("any", "all") and isinstance(inner.func, ast.Attribute):
        inner = inner.func.value
    tests = ("isna", "isnull", "isnan") if inverted else ("notna", "notnull", "isfinite")
    return name_of(inner) if isinstance(inner, ast.Call) and name_of(inner) in tests else None


def _filtered(tree: ast.Module) -> str | None:
    """The test for missing values by which a query, in SQL or as a polars filter, loses rows that it does not count."""
    for call in calls(tree):
        if name_of(call) in ("filter", "query") and called(call) & {"is_not_null", "is_not_nan"}:
            return "is_not_null"
        for text in {s for a in call.args for s in strings(a)}:
            where = re.search(r"\bwhere\b(?P<rest>.*)", text, re.I | re.S)
            if where and re.search(r"\bis\s+not\s+null\b", where["rest"], re.I) and not _SQL_COUNT.search(text):
                return "IS NOT NULL"
            if name_of(call) == "query" and re.search(r"\.(notna|notnull)\(\)|\b(\w+)\s*==\s*\2\b", text):
                return "query"
    return None


def _counts_rows(tree: ast.AST, known: dict[str, ast.expr]) -> bool:
    """Whether rows, or values that are missing, are counted somewhere in a cell."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in ("len", "count", "nobs", "info"):
            return True
        missing = isinstance(node, ast.Call) and name_of(node) in ("sum", "mean", "value_counts")
        on = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        on = on.operand if isinstance(on, ast.UnaryOp) else on
        mask = known.get(on.id) if isinstance(on, ast.Name) else None
        if missing and (called(node) & _MISSING or (mask is not None and _keeps_known(mask) is not None)):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "nobs", "height"):
            return True
    return False


_WARNED = re.compile(r"ChainedAssignmentError|SettingWithCopyWarning")


@check("chained_assignment")
def chained_assignment(work: Work) -> Iterator[Found]:
    """Values are assigned to the table itself and not to a copy."""
    known = meanings(work)
    every = [n for _, tree in trees(work) for n in ast.walk(tree)]
    filled = [n.value for n in every if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    read = {n.id for n in every if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n not in filled}
    for cell, tree in trees(work):
        targets = [t for s in statements(tree) if (pair := assigned(s)) is not None for t in pair[0]]
        in_place = [
            c.func.value
            for c in calls(tree)
            if isinstance(c.func, ast.Attribute) and _true(keywords(c).get("inplace")) and name_of(c) != "reset_index"
        ]
        selected = [t for t in in_place if isinstance(t, ast.Subscript)]
        if (
            any(_chained(t, known) or _never_read(t, known, read) for t in targets)
            or any(_column(t) or _mask(t.slice, known) or _located(t) or _is_table(t.value, known) for t in selected)
            or any(_WARNED.search(o.text) for o in cell.outputs if o.kind == "stderr")
        ):
            yield Objection(
                where=cell.cell,
                problem="it assigns to the result of a selection, a copy, so the table stays as it was.",
                mend="Assign in one step: `df.loc[rows, column] = value`, or `df[column] = df[column].where(...)`.",
            )


def _true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _chained(target: ast.expr, known: dict[str, ast.expr]) -> bool:
    """A selection of a selection: rows of a column, a column of rows. Keys within keys are no table's."""
    inner = target.value if isinstance(target, (ast.Subscript, ast.Attribute)) else None
    if isinstance(inner, ast.Call):
        return name_of(inner) in _COPIES and isinstance(inner.func, ast.Attribute)
    if isinstance(inner, ast.Attribute) and inner.attr in ("loc", "iloc", "at", "iat"):
        inner = inner.value
        return isinstance(inner, ast.Subscript) and isinstance(target, ast.Subscript)
    if not isinstance(inner, ast.Subscript):
        return False
    if _mask(inner.slice, known) or (isinstance(target, ast.Subscript) and _mask(target.slice, known)):
        return True
    return isinstance(target, ast.Subscript) and (_located(inner) or (_column(inner) and _is_table(inner.value, known)))


def _never_read(target: ast.expr, known: dict[str, ast.expr], read: set[str]) -> bool:
    """A column of some rows that were taken out of a table and that nothing looks at again."""
    name = target.value.id if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) else ""
    rows = known.get(name)
    return name not in read and isinstance(rows, ast.Subscript) and _mask(rows.slice, known)


def _located(node: ast.Subscript) -> bool:
    return isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "iloc")


def _column(node: ast.Subscript) -> bool:
    return isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)


def _mask(node: ast.expr, known: dict[str, ast.expr]) -> bool:
    """A condition on rows, or a name that holds one."""
    if isinstance(node, ast.Name) and node.id in known:
        node = known[node.id]
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Invert)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, (ast.BitAnd, ast.BitOr))
    asks = ("isna", "isnull", "notna", "notnull", "isin", "between", "eq", "gt", "lt", "ge", "le", "duplicated")
    return isinstance(node, ast.Compare) or (isinstance(node, ast.Call) and name_of(node) in asks)


def _is_table(node: ast.expr, known: dict[str, ast.expr]) -> bool:
    made = known.get(node.id) if isinstance(node, ast.Name) else None
    table = isinstance(made, ast.Call) and (name_of(made) in ("copy", "DataFrame", "merge") or name_of(made) in READERS)
    return table or (isinstance(node, ast.Name) and node.id == "df")
