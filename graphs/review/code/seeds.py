"""The check of chance: it is seeded wherever it is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check
from graphs.review.code.syntax import calls, imported, keywords, meanings, name_of, owner_of, strings, trees, words

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
