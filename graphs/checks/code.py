"""Checks of the code that a model wrote: chance without a seed, rows that come or go unseen, files from elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from artifacts.types import Execution, Objection
from graphs.checks.base import Found, Work, check


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DRAWS = _words(
    """
    rand randn randint random choice shuffle permutation normal uniform binomial poisson exponential sample
    random_sample standard_normal multivariate_normal
    """
)
_TAKES_RANDOM_STATE = _words(
    """
    train_test_split RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor
    GradientBoostingClassifier GradientBoostingRegressor HistGradientBoostingClassifier
    HistGradientBoostingRegressor KMeans MiniBatchKMeans GaussianMixture TSNE IsolationForest MLPClassifier
    MLPRegressor permutation_importance ShuffleSplit StratifiedShuffleSplit resample sample
    """
)
_LEARNERS = _words(
    """
    StandardScaler MinMaxScaler RobustScaler SimpleImputer KNNImputer PCA TargetEncoder OneHotEncoder OrdinalEncoder
    QuantileTransformer PowerTransformer SelectKBest
    """
)
_READERS = _words(
    """
    open read_csv read_table read_excel read_parquet read_json read_feather read_pickle loadtxt genfromtxt load Path
    read_sql read_html read_xml urlopen get urlretrieve
    """
)


@check("seeds")
def seeds(work: Work) -> Iterator[Found]:
    """Chance is seeded wherever it is used."""
    seeded = False
    for cell, tree in _trees(work):
        for call in _calls(tree):
            name, owner = _name(call), _owner(call)
            arguments = {k.arg for k in call.keywords}
            if name == "seed" and call.args:
                seeded = True
            loose = (
                (name == "default_rng" and not call.args and "seed" not in arguments)
                or (owner in ("np.random", "numpy.random", "random") and name in _DRAWS and not seeded)
                or (
                    name in _TAKES_RANDOM_STATE
                    and owner not in ("np.random", "numpy.random", "random", "rng")
                    and not arguments & {"random_state", None}
                    and not _is_off(call)
                )
            )
            if loose:
                yield Objection(
                    where=cell.cell,
                    problem=f"`{name}` draws by chance without a seed, so a second run gives other numbers.",
                    mend="Give it random_state=0, or draw from np.random.default_rng(0).",
                )
                break


@check("merges")
def merges(work: Work) -> Iterator[Found]:
    """Every join says what it expects of its keys."""
    for cell, tree in _trees(work):
        for call in _calls(tree):
            if _name(call) == "merge" and not {k.arg for k in call.keywords} & {"validate", None}:
                yield Objection(
                    where=cell.cell,
                    problem="`merge` without `validate=`: a key that repeats would multiply rows unseen.",
                    mend='Say validate="many_to_one" (or what holds), and print the rows before and after.',
                )
                break


@check("dropped_rows")
def dropped_rows(work: Work) -> Iterator[Found]:
    """No rows were dropped without saying how many."""
    for cell, tree in _trees(work):
        calls = list(_calls(tree))
        drops = any(_name(c) == "dropna" and _whole_table(c) for c in calls)
        if drops and not (_counts_rows(tree) and any(_name(c) in ("print", "display", "report") for c in calls)):
            yield Objection(
                where=cell.cell,
                problem="`dropna` removes rows and the cell does not say how many.",
                mend="Print the number of rows before and after, and why those rows may go.",
            )


@check("files")
def files(work: Work) -> Iterator[Found]:
    """Nothing but the given files is read."""
    for cell, tree in _trees(work):
        for call in _calls(tree):
            first = call.args[0] if call.args else None
            if _name(call) not in _READERS or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            path = first.value
            outside = path.startswith(("/", "~", "\\")) or path[1:3] in (":\\", ":/") or ".." in path.split("/")
            if outside or "://" in path:
                yield Objection(
                    where=cell.cell,
                    problem=f"it reads {path!r}, which is none of the given files.",
                    mend="Read the given files by their names, in the current folder.",
                )
                break


@check("fit_before_split")
def fit_before_split(work: Work) -> Iterator[Found]:
    """Nothing learns from the test part."""
    fitted: Execution | None = None
    for cell, tree in _trees(work):
        learners = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _name(node.value) in _LEARNERS
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in _calls(tree):
            if _name(call) in ("fit", "fit_transform") and isinstance(call.func, ast.Attribute):
                on = call.func.value
                direct = isinstance(on, ast.Call) and _name(on) in _LEARNERS
                if direct or (isinstance(on, ast.Name) and on.id in learners):
                    fitted = fitted or cell
            elif _name(call) == "train_test_split" and fitted is not None:
                yield Objection(
                    where=fitted.cell,
                    problem="a scaler, imputer or encoder is fitted to all rows before they are split.",
                    mend="Split first and fit on the training part only, best inside a Pipeline.",
                )
                return


def _trees(work: Work) -> Iterator[tuple[Execution, ast.Module]]:
    """The cells that a model wrote and that parse; one with IPython magics is left to the reviewer's eye."""
    for cell in work.written:
        if cell.status == "ok":
            try:
                yield cell, ast.parse(cell.code)
            except SyntaxError:
                continue


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls, in the order in which they are written."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    yield from sorted(calls, key=lambda c: (c.end_lineno or 0, c.end_col_offset or 0))


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _owner(call: ast.Call) -> str:
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _is_off(call: ast.Call) -> bool:
    return any(k.arg == "shuffle" and isinstance(k.value, ast.Constant) and not k.value.value for k in call.keywords)


def _whole_table(call: ast.Call) -> bool:
    """`df.dropna(...)`, not `df["x"].dropna()`: values of one column that are missing are left out by every test."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    one_column = isinstance(on, ast.Subscript) and isinstance(on.slice, ast.Constant)
    return not one_column and not isinstance(on, ast.Attribute)


def _counts_rows(tree: ast.AST) -> bool:
    return any(
        (isinstance(n, ast.Call) and _name(n) in ("len", "count", "sum", "nobs"))
        or (isinstance(n, ast.Attribute) and n.attr in ("shape", "size"))
        for n in ast.walk(tree)
    )
