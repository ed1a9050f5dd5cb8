"""A model that predicts: its error on rows it has not seen, beside the simplest guess, and a card that goes with it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import is_text, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.phrases import unit_of
from notebooks.toolkit.target_parts import parts_of_target, usable_factors
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import capital, label, number, percent, say, tick, with_unit


@dataclass(frozen=True)
class Predicted:
    """A fitted model and what it is worth. `error` and `baseline` are of held-out rows: the mean absolute error of a
    number, the share of wrong answers of levels; `interval` is the model's. `weights` are what the error gains when a
    column is shuffled."""

    target: str
    levels: tuple[str, ...]
    model: Any
    kind: str
    features: list[str]
    error: float
    interval: tuple[float, float]
    baseline: float
    auc: float | None
    weights: Any
    held_out: pd.DataFrame
    trained: int
    left_out: dict[str, str]
    notes: tuple[str, ...]


def as_features(df: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Features as a model takes them: numbers, texts, and times as days since 1970."""
    out = {}
    for name in features:
        s: Any = df[name]
        if is_time(s):
            out[name] = (s - pd.Timestamp("1970-01-01")).dt.total_seconds() / 86400
        elif is_text(s) or pd.api.types.is_bool_dtype(s):
            out[name] = s.astype("string").astype(object).where(s.notna(), None)
        else:
            out[name] = s.astype(float)
    return pd.DataFrame(out, index=df.index)


def candidate_models(x: pd.DataFrame, classes: bool) -> dict[str, Any]:
    """The models that are tried: a linear one and boosted trees, each with what it needs done to the columns."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    texts = [c for c in x if x[c].dtype == object]
    numbers = [c for c in x if c not in texts]
    linear = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("texts", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False), texts),
        ]
    )
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    trees = ColumnTransformer([("texts", codes, texts)], remainder="passthrough")
    if classes:
        return {
            "logistic regression": make_pipeline(linear, LogisticRegression(max_iter=2000)),
            "boosted trees": make_pipeline(trees, HistGradientBoostingClassifier(random_state=0)),
        }
    return {
        "ridge regression": make_pipeline(linear, RidgeCV(np.logspace(-2, 3, 12))),
        "boosted trees": make_pipeline(trees, HistGradientBoostingRegressor(random_state=0)),
    }


def fit_predictor(
    df: pd.DataFrame, target: str, features: list[str] | None = None, test_size: float = 0.25, time: str = ""
) -> Predicted:
    """The model with the least error in five folds of the training rows, and its error on the rest, held out.

    Held-out rows are drawn with seed 0 (of levels: each alike); with `time` they are the last ones. Raises CannotAnswer
    where there are too few rows or nothing to predict from.
    """
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_score, train_test_split

    check_columns(df, target=target, features=features or [], time=time)
    rows = df.dropna(subset=[target])
    count = rows[target].nunique()
    classes = is_text(rows[target]) or pd.api.types.is_bool_dtype(rows[target]) or count == 2
    if count < 2 or is_time(rows[target]) or (classes and count > 20):
        raise CannotAnswer(
            f"{say(target)} has {count:,} {'levels' if classes else 'values'}; "
            f"a number or 2 to 20 levels can be predicted."
        )
    if len(rows) < 60:
        raise CannotAnswer(f"{len(rows)} rows are too few to hold some out; a model needs at least 60.")
    kept, out = usable_factors(rows, target, features or [])
    if not classes or count == 2:
        parts = parts_of_target(rows, target, kept, yes_level(rows[target].unique()) if classes else None)
        out |= parts
        kept = [c for c in kept if c not in parts]
    if not kept:
        raise CannotAnswer(f"No column is left from which {say(target)} could be predicted.")
    x = as_features(rows, kept)
    y: Any = rows[target].astype("string").astype(str).str.removesuffix(".0") if classes else rows[target].astype(float)
    notes = list[str]()
    if time:
        order = rows[time].sort_values(kind="stable").index
        cut = round(len(order) * (1 - test_size))
        train, test = order[:cut], order[cut:]
        notes.append(f"The last {percent(test_size)} of the rows by {say(time)} were held out.")
    else:
        few = classes and y.value_counts().min() >= 2
        train, test = train_test_split(rows.index, test_size=test_size, random_state=0, stratify=y if few else None)
        notes.append(f"{len(test):,} rows ({percent(test_size)}), drawn at random, were held out.")
    scoring = "accuracy" if classes else "neg_mean_absolute_error"
    tried = candidate_models(x.loc[train], classes)
    scores = {
        name: float(cross_val_score(m, x.loc[train], y[train], scoring=scoring, cv=5).mean())
        for name, m in tried.items()
    }
    kind = max(scores, key=lambda name: (scores[name], name))
    model = tried[kind].fit(x.loc[train], y[train])
    guess = (DummyClassifier(strategy="most_frequent") if classes else DummyRegressor(strategy="median")).fit(
        x.loc[train], y[train]
    )
    said = pd.Series(model.predict(x.loc[test]), index=test)
    wrong = (said != y[test]).astype(float) if classes else (said - y[test]).abs()
    simple = (
        (guess.predict(x.loc[test]) != y[test]).astype(float)
        if classes
        else (guess.predict(x.loc[test]) - y[test]).abs()
    )
    half = 1.96 * float(wrong.std()) / len(wrong) ** 0.5
    auc = None
    if classes and count == 2 and y[test].nunique() == 2:
        yes = str(yes_level(rows[target].unique())).removesuffix(".0")
        chances = model.predict_proba(x.loc[test])[:, list(model.classes_).index(yes)]
        auc = float(roc_auc_score(y[test] == yes, chances))
    drop = permutation_importance(model, x.loc[test], y[test], scoring=scoring, n_repeats=5, random_state=0)
    weights = pd.Series(drop.importances_mean, index=kept).sort_values(ascending=False, kind="stable")
    levels = tuple(map(str, model.classes_)) if classes else ()
    held = pd.DataFrame({"actual": y[test], "predicted": said}).sort_index()
    return Predicted(
        target,
        levels,
        model,
        kind,
        kept,
        float(wrong.mean()),
        (max(0.0, float(wrong.mean()) - half), float(wrong.mean()) + half),
        float(simple.mean()),
        auc,
        weights,
        held,
        len(train),
        out,
        tuple(notes),
    )


def model_limits(found: Predicted, df: pd.DataFrame) -> list[str]:
    """What the model must not be used for, from what it was fitted to."""
    said = [
        f"It says what {say(found.target)} is likely to be, not what would "
        f"change it: do not read its weights as causes.",
        "Do not use it for rows of another kind or time than these without measuring its error there first.",
    ]
    numbers = [
        c for c in found.features if not is_text(df[c]) and not is_time(df[c]) and not pd.api.types.is_bool_dtype(df[c])
    ]
    ends = [f"{c} {number(float(df[c].min()))} to {number(float(df[c].max()))}" for c in numbers[:6]]
    said += [f"It knows these ranges only: {', '.join(ends)}."] if ends else []
    people = [
        c
        for c in found.features
        if any(w in c.lower() for w in ("sex", "gender", "race", "ethnic", "religion", "age", "nationality", "disab"))
    ]
    if people:
        said.append(
            f"It uses {', '.join(people)}: decisions about people must not rest "
            f"on it without a check for unequal treatment."
        )
    if found.error >= 0.95 * found.baseline:
        said.insert(0, "It is hardly better than the simplest guess: do not use it to decide anything.")
    return said


def tell_prediction(found: Predicted, df: pd.DataFrame) -> dict[str, Any]:
    """Save the model and its card; answer with its held-out error beside the simplest guess."""
    from pathlib import Path

    import joblib  # type: ignore[import-untyped]

    joblib.dump({"model": found.model, "features": found.features, "target": found.target}, "model.joblib")
    classes = bool(found.levels)

    def write(x: float) -> str:
        return percent(x, 1) if classes else with_unit(x, found.target)

    simple = "always the commonest level" if classes else "always the median"
    err = "is wrong for" if classes else "is off by"
    end = " of held-out rows" if classes else " on average in held-out rows"
    text = (
        f"{found.kind} on {len(found.features)} columns {err} {write(found.error)}{end} (95 % CI "
        f"{write(found.interval[0])} to {write(found.interval[1])}); {simple}, it would be {write(found.baseline)}"
    )
    gain = 1 - found.error / found.baseline if found.baseline else 0.0
    text += (
        f", so the model saves {percent(gain)} of the error."
        if gain > 0.05
        else ", so the model is hardly worth having."
    )
    if gain > 0.05:
        top = [say(str(c)) for c, w in found.weights.items() if w > 0][:3]
        text += f" It leans most on {', '.join(top)}." if top else ""
    limits = model_limits(found, df)
    scale, unit = (100, "%") if classes else (1, unit_of(found.target))
    values: dict[str, Any] = {
        "held-out error": (found.error * scale, unit, tuple(x * scale for x in found.interval)),
        "error of the simplest guess": (found.baseline * scale, unit),
    }
    if found.auc is not None:
        values["AUC"] = found.auc
    card = [
        f"# Model of {found.target}",
        "",
        capital(text),
        "",
        f"Fitted to {found.trained:,} rows; {len(found.held_out):,} were held out.",
        "",
        "Features: " + ", ".join(found.features) + ".",
        "",
        "## What it must not be used for",
        "",
        *[f"- {line}" for line in limits],
        "",
        "## How to use it",
        "",
        "```python",
        "import joblib",
        'saved = joblib.load("model.joblib")  # load only files that you trust',
        'saved["model"].predict(table[saved["features"]])  # times as days since 1970',
        "```",
        "",
    ]
    Path("model_card.md").write_text("\n".join(card), encoding="utf-8")
    notes = [*found.notes, *(f"{capital(say(c))} was left out: {why}." for c, why in found.left_out.items()), *limits]
    answer(text, values, notes=notes, files=["model.joblib", "model_card.md"])
    return dict(
        type="descriptive",
        kind="prediction",
        text=text,
        columns=[found.target],
        roles={"outcome": found.target},
        effect=effect("auc", found.auc) if found.auc is not None else None,
        n=len(found.held_out),
        params={"error": found.error, "baseline": found.baseline, "model": found.kind},
        caveats=limits,
        confidence="medium",
    )


def draw_prediction(found: Predicted) -> None:
    """Held-out rows: predicted against actual (or how often each level is met), and what the model leans on."""
    if found.levels:
        counts = pd.crosstab(found.held_out["actual"], found.held_out["predicted"]).reindex(
            index=found.levels, columns=found.levels, fill_value=0
        )
        shares = counts.div(counts.sum(axis=1).replace(0, 1), axis=0) * 100
        fig, ax = figure(f"{say(found.target)}, held-out rows: actual and predicted", height=2.4 + 0.45 * len(shares))
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        cells = shares.to_numpy(float)
        for i, j in np.ndindex(cells.shape):
            ax.text(
                j,
                i,
                f"{cells[i, j]:.0f} %",
                ha="center",
                va="center",
                color="white" if cells[i, j] > 60 else "black",
            )
        ax.set_yticks(
            range(len(shares)),
            [f"{tick(v)} ({int(k):,})" for v, k in zip(shares.index, counts.sum(axis=1), strict=True)],
        )
        ax.set_xticks(range(len(shares)), [tick(v) for v in shares.columns])
        ax.set(xlabel="predicted (% of each row)", ylabel="actual (rows)")
        ax.grid(False)
    else:
        fig, ax = figure(f"{say(found.target)}, held-out rows: predicted and actual", height=4.8)
        some = found.held_out.iloc[:: max(1, len(found.held_out) // 2000)]
        ax.scatter(some["predicted"], some["actual"], s=22, alpha=0.5, color=COLOURS[0], lw=0)
        ends = [float(some.min().min()), float(some.max().max())]
        ax.plot(ends, ends, color=COLOURS[1], lw=2)
        ax.set(xlabel=f"Predicted {label(found.target)}; line: no error", ylabel=f"Actual {label(found.target)}")
    show(fig, f"Held-out rows: actual and predicted {say(found.target)}")
    top = found.weights.head(10)[::-1]
    fig, ax = figure("What the model leans on", height=1.6 + 0.42 * len(top))
    scale = 100 if found.levels else 1
    ax.barh(range(len(top)), top * scale, color=COLOURS[0])
    ax.set_yticks(range(len(top)), [tick(say(str(c))) for c in top.index])
    ax.set_xlabel(
        "Error gained when the column is shuffled"
        + (" (percentage points)" if found.levels else f" ({unit_of(found.target) or label(found.target)})")
    )
    ax.grid(axis="y", visible=False)
    show(fig, "Bars: how much the held-out error grows when a column is shuffled")
