"""Checks of the code that a model wrote: chance without a seed, rows that come or go unseen, files from elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.syntax import (
    assigned,
    called,
    calls,
    constant,
    keywords,
    meanings,
    name_of,
    owner_of,
    statements,
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
    StratifiedShuffleSplit GroupShuffleSplit resample sample rvs
    """
)
_TAKES_RNG = words("bootstrap permutation_test monte_carlo_test")
_FOLDS = words("KFold StratifiedKFold StratifiedGroupKFold")
_GENERATORS = words("default_rng RandomState Random")
_READERS = words(
    """
    read_csv read_table read_excel read_parquet read_json read_feather read_pickle read_fwf read_sql read_html
    read_xml read_stata read_spss read_sas read_hdf read_orc loadtxt genfromtxt load open
    """
)
_PLACES = words("Path join glob iglob rglob listdir scandir walk urlopen urlretrieve get post download") | _READERS
_FETCHES = re.compile(r"^(load_dataset|fetch_\w+|get_rdataset|load_(iris|wine|diabetes|breast_cancer|digits))$")


@check("seeds")
def seeds(work: Work) -> Iterator[Found]:
    """Chance is seeded wherever it is used."""
    seeded = False
    known = meanings(work)
    for cell, tree in trees(work):
        for call in calls(tree):
            name = name_of(call)
            seeded = seeded or (name == "seed" and bool(call.args))
            if not seeded and _unseeded(call, known):
                yield Objection(
                    where=cell.cell,
                    problem=f"`{name}` draws by chance without a seed, so a second run gives other numbers.",
                    mend="Give it random_state=0, or draw from np.random.default_rng(0).",
                )
                break


def _unseeded(call: ast.Call, known: dict[str, ast.expr]) -> bool:
    name, owner, arguments = name_of(call), owner_of(call), set(keywords(call))
    given = arguments & {"random_state", "seed", "rng", None}
    if name in _GENERATORS:
        return not call.args and not given
    library = owner in ("np.random", "numpy.random", "random")
    if library:
        return name in _DRAWS
    if name in _FOLDS:
        shuffles = keywords(call).get("shuffle")
        return isinstance(shuffles, ast.Constant) and bool(shuffles.value) and not given
    if name in _TAKES_RNG:
        return "stats" in owner and not given
    if name not in _TAKES_RANDOM_STATE or given or _is_off(call):
        return False
    made_by = known.get(owner)  # rng.sample of a generator that was seeded where it was made
    return owner != "rng" and not (isinstance(made_by, ast.Call) and name_of(made_by) in _GENERATORS)


def _is_off(call: ast.Call) -> bool:
    return any(k.arg == "shuffle" and isinstance(k.value, ast.Constant) and not k.value.value for k in call.keywords)


@check("merges")
def merges(work: Work) -> Iterator[Found]:
    """Every join says what it expects of its keys."""
    for cell, tree in trees(work):
        for call in calls(tree):
            if _joins(call) and not set(keywords(call)) & {"validate", None}:
                yield Objection(
                    where=cell.cell,
                    problem=f"`{name_of(call)}` without `validate=`: a key that repeats would multiply rows unseen.",
                    mend='Say validate="many_to_one" (or what holds), and print the rows before and after.',
                )
                break


def _joins(call: ast.Call) -> bool:
    """`merge` of tables, or `join` where its arguments tell that it is a table's and not a text's or a path's."""
    return name_of(call) == "merge" or (
        name_of(call) == "join" and bool(set(keywords(call)) & {"on", "how", "rsuffix"})
    )


@check("fan_out")
def fan_out(work: Work) -> Iterator[Found]:
    """No join multiplies the rows that are then summed or counted."""
    for cell, tree in trees(work):
        for call in calls(tree):
            expects = keywords(call).get("validate")
            many = isinstance(expects, ast.Constant) and expects.value in ("many_to_many", "m:m")
            if _joins(call) and many and not called(tree) & {"drop_duplicates", "nunique"}:
                yield Objection(
                    where=cell.cell,
                    problem="the join is many to many, so rows repeat and every sum, mean and count over it is off.",
                    mend="Bring one side to one row a key first (aggregate it), and join with many_to_one.",
                )
                break


@check("dropped_rows")
def dropped_rows(work: Work) -> Iterator[Found]:
    """No rows were dropped without saying how many."""
    everything = ast.Module(body=[s for _, tree in trees(work) for s in tree.body], type_ignores=[])
    for cell, tree in trees(work):
        drops = [c for c in calls(tree) if name_of(c) == "dropna" and _whole_table(c)]
        if not drops or (_counts_rows(tree) and called(tree) & {"print", "display", "report"}):
            continue
        kept = {
            target.id
            for statement in statements(tree)
            if (pair := assigned(statement)) is not None and "dropna" in called(pair[1])
            for target in pair[0]
            if isinstance(target, ast.Name) and target.id != "df"
        }
        if not kept & _counted(everything):
            yield Objection(
                where=cell.cell,
                problem="`dropna` removes rows and the cell does not say how many.",
                mend="Print the number of rows before and after, and why those rows may go.",
            )


def _whole_table(call: ast.Call) -> bool:
    """`df.dropna(...)`, not `df["x"].dropna()`: values of one column that are missing are left out by every test."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    one_column = isinstance(on, ast.Subscript) and isinstance(on.slice, ast.Constant)
    return not one_column and not isinstance(on, ast.Attribute)


def _counts_rows(tree: ast.AST) -> bool:
    return any(
        (isinstance(n, ast.Call) and name_of(n) in ("len", "count", "nobs", "isna", "notna", "isnull", "notnull"))
        or (isinstance(n, ast.Attribute) and n.attr in ("shape", "size", "nobs"))
        for n in ast.walk(tree)
    )


def _counted(tree: ast.AST) -> set[str]:
    """Names whose rows are counted by `len(x)` or `x.shape`."""
    lengths = {a.id for c in calls(tree) if name_of(c) == "len" for a in c.args if isinstance(a, ast.Name)}
    return lengths | {
        n.value.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and n.attr == "shape" and isinstance(n.value, ast.Name)
    }


@check("chained_assignment")
def chained_assignment(work: Work) -> Iterator[Found]:
    """Values are assigned to the table itself and not to a copy."""
    known = meanings(work)
    for cell, tree in trees(work):
        targets = [t for s in statements(tree) if (pair := assigned(s)) is not None for t in pair[0]]
        in_place = [
            c.func.value
            for c in calls(tree)
            if isinstance(c.func, ast.Attribute) and _true(keywords(c).get("inplace")) and name_of(c) != "reset_index"
        ]
        if any(_chained(t, known) for t in targets) or any(
            isinstance(t, ast.Subscript) and (_column(t) or _mask(t.slice, known) or _located(t)) for t in in_place
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
    if isinstance(inner, ast.Attribute) and inner.attr in ("loc", "iloc", "at", "iat"):
        inner = inner.value
        return isinstance(inner, ast.Subscript) and isinstance(target, ast.Subscript)
    if not isinstance(inner, ast.Subscript):
        return False
    if _mask(inner.slice, known) or (isinstance(target, ast.Subscript) and _mask(target.slice, known)):
        return True
    return isinstance(target, ast.Subscript) and (_located(inner) or (_column(inner) and _is_table(inner.value, known)))


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
    table = isinstance(made, ast.Call) and (
        name_of(made) in ("copy", "DataFrame", "merge") or name_of(made) in _READERS
    )
    return table or (isinstance(node, ast.Name) and node.id == "df")


@check("files")
def files(work: Work) -> Iterator[Found]:
    """Nothing but the given files is read."""
    known = meanings(work)
    given = {a.name for a in work.view.artifacts} | set(work.view.run.params.get("files", ()))
    for cell, tree in trees(work):
        given |= _written(tree, known)
        for call in calls(tree):
            path = _path(call, known)
            if path is None and not _FETCHES.match(name_of(call)):
                continue
            foreign = path is not None and name_of(call) in _READERS and bool(given) and path not in given
            if path is not None and not _outside(path) and not foreign:
                continue
            what = repr(path) if path is not None else f"`{name_of(call)}`"
            yield Objection(
                where=cell.cell,
                problem=f"it reads {what}, which is none of the given files.",
                mend="Read the given files by their names, in the current folder.",
            )
            break


def _path(call: ast.Call, known: dict[str, ast.expr]) -> str | None:
    """The path or address that a call opens, as far as it is written out; None where it opens none or writes it."""
    if name_of(call) not in _PLACES or not call.args or _writes(call):
        return None
    first = call.args[0]
    if isinstance(first, ast.Call) and name_of(first) == "Path" and first.args:
        first = first.args[0]
    if isinstance(first, ast.JoinedStr) and first.values:
        start = first.values[0]
        return str(start.value) if isinstance(start, ast.Constant) and _outside(str(start.value)) else None
    found = constant(first, known)
    return found.value if found is not None and isinstance(found.value, str) else None


def _writes(call: ast.Call) -> bool:
    mode = call.args[1] if len(call.args) > 1 else keywords(call).get("mode")
    return name_of(call) == "open" and isinstance(mode, ast.Constant) and any(c in str(mode.value) for c in "wax")


def _written(tree: ast.AST, known: dict[str, ast.expr]) -> set[str]:
    """The names of files that a cell writes itself."""
    made = set()
    for call in calls(tree):
        if (
            name_of(call).startswith("to_") or name_of(call) in ("savefig", "save", "savetxt", "dump") or _writes(call)
        ) and (call.args and (found := constant(call.args[0], known)) is not None):
            made.add(str(found.value))
    return made


def _outside(path: str) -> bool:
    up = path.startswith(("/", "~", "\\")) or path[1:3] in (":\\", ":/") or ".." in path.split("/")
    return up or "://" in path
