"""One model of an outcome on several columns at once: what may explain it, its design, effects and held-out fit."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import is_text, kind_of
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.logistic import curvature, likeliest, mcfadden_r2, no_effects, standardised
from notebooks.toolkit.phrases import several, unit_of
from notebooks.toolkit.wording import as_name, number, percent, say


def told_step(x: pd.Series) -> float:
    """The step in which a factor's effect is told: 1, as always of what is counted, or the 1, 2 or 5 times a power of
    ten next to half its spread."""
    spread = float(x.std())
    if 0.7 <= spread <= 30 or (spread < 0.7 and bool((x.dropna() % 1 == 0).all())):
        return 1.0
    exponent = np.floor(np.log10(spread / 2))
    return float(max((k * 10**exponent for k in (1, 2, 5) if k * 10**exponent <= spread / 2), default=10**exponent))


def step_of(name: str, x: pd.Series) -> tuple[float, str]:
    """The step in which the effect of a factor is told, and its words: each year of age, every 100 of calls."""
    by, unit = told_step(x), unit_of(name)
    if by == 1:
        return by, f"each {unit or 'unit'} of {say(name)}"
    return by, f"every {number(by)} {unit}".rstrip() + f" of {say(name)}"


def _in_doublings(x: pd.Series, y: pd.Series) -> bool:
    """Whether a factor spans two orders of magnitude and more, and the outcome follows its logarithm rather than it."""
    low, high = x.quantile([0.05, 0.95])
    if not (x.min() > 0 and high > 100 * low):
        return False
    return abs(float(np.log2(x).corr(y))) > abs(float(x.corr(y))) + 0.05


def _by_level(s: pd.Series, y: pd.Series) -> bool:
    """Whether whole numbers of few values are told level by level: by their name they only stand for kinds, or the
    outcome follows neither a line of them nor any rise or fall."""
    from scipy.optimize import isotonic_regression
    from scipy.stats import f

    both = pd.DataFrame({"x": s, "y": y}).dropna().astype(float)
    levels = both["x"].nunique()
    if not 3 <= levels <= 12 or (both["x"] % 1 != 0).any():
        return False
    if kind_of(s, levels) == "category":
        return True
    each = both.groupby("x")["y"].agg(["mean", "size"])
    if (each["size"] >= 10).sum() < 3:
        return False
    middle, n = float(both["y"].mean()), len(both)
    between = float((each["size"] * (each["mean"] - middle) ** 2).sum())
    within = float(((both["y"] - middle) ** 2).sum()) - between
    line = float(both["x"].corr(both["y"])) ** 2 * (between + within)
    beyond = (between - line) / (levels - 2) / max(within / (n - levels), 1e-12)
    ordered = max(
        float(
            (
                each["size"] * (isotonic_regression(each["mean"], weights=each["size"], increasing=up).x - middle) ** 2
            ).sum()
        )
        for up in (True, False)
    )
    return bool(f.sf(beyond, levels - 2, n - levels) < 0.001 and ordered < 0.8 * between)


def _bend(x: pd.Series, y: pd.Series) -> float | None:
    """The value of x at which a line of y turns round or levels off, where two lines tell clearly more than one."""
    from scipy.stats import f

    rows = pd.DataFrame({"x": x, "y": y}).dropna().astype(float)
    rows = rows.iloc[:: max(1, len(rows) // 20_000)]
    n = len(rows)
    if n < 100 or rows["x"].nunique() <= 12:
        return None
    at = np.unique(rows["x"].quantile(np.linspace(0.15, 0.85, 15)))
    variation = []
    for told in (rows["y"], rows["y"].rank()):  # the ranks, too, lest a few far values make the bend
        off = told - told.mean()
        whole, line = float((off**2).sum()), float(rows["x"].corr(told) ** 2)
        fits = []
        for knot in at:
            sides = np.column_stack([np.ones(n), rows["x"].clip(upper=knot), (rows["x"] - knot).clip(lower=0)])
            weights, *_ = np.linalg.lstsq(sides, off.to_numpy(), rcond=None)
            fits.append((1 - float(((off - sides @ weights) ** 2).sum()) / whole, knot, weights[1], weights[2]))
        fit, knot, low, high = max(fits)
        turns = low * high < 0 or min(abs(low), abs(high)) < 0.1 * max(abs(low), abs(high))
        sure = f.sf((fit - line) / ((1 - fit) / (n - 4)), 2, n - 4) < 1e-4
        variation.append((bool(turns and sure and fit - line > 0.015), float(knot)))
    return variation[0][1] if all(good for good, _ in variation) else None


def coded_factors(
    df: pd.DataFrame, factors: list[str], y: pd.Series, bent: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Columns of a design: numbers in steps or doublings, as the outcome `y` follows them, on both sides of where it
    turns (if `bent`), times in years, a column of 0 and 1 for each level but the commonest.

    The second table has for each of them `factor`, `step` in words and `span` (from its 10 % to its 90 % quantile, in
    steps). Levels of fewer than 10 rows, or 0.5 %, are one level, "other".
    """
    columns, about, notes = dict[str, Any](), list[dict[str, Any]](), list[str]()
    for name in factors:
        s: Any = df[name]
        if is_time(s):
            years = (s - s.min()).dt.total_seconds() / (365.25 * 86400)
            columns[name] = years
            about.append(
                {
                    "factor": name,
                    "step": f"each year of {say(name)}",
                    "span": float(years.quantile(0.9) - years.quantile(0.1)),
                }
            )
        elif is_text(s) or pd.api.types.is_bool_dtype(s) or s.nunique() == 2 or _by_level(s, y):
            text = s.astype("string").str.removesuffix(".0") if not is_text(s) else s.astype("string")
            counts = text.value_counts()
            rare = [str(v) for v in counts.index[counts < max(10, 0.005 * len(df))]]
            if len(rare) > 1 or (rare and counts[rare[0]] < 5):
                text = text.mask(text.isin(rare), "other")
                notes.append(f"{several(len(rare), 'rare level')} of {say(name)}: counted as “other”.")
            sizes = text.value_counts()
            levels = sorted(sizes.index, key=lambda v: (-sizes[v], v))
            base = min(levels) if len(levels) == 2 else levels[0]
            for level in [v for v in levels if v != base]:
                columns[f"{name}={level}"] = (text == level).astype(float).where(text.notna())
                about.append({"factor": name, "step": f"{say(name)} {level} instead of {base}", "span": 1.0})
        elif _in_doublings(s.astype(float), y):
            columns[name] = np.log2(s.astype(float))
            span = float(np.log2(s.quantile(0.9) / s.quantile(0.1)))
            about.append({"factor": name, "step": f"each doubling of {say(name)}", "span": span})
        elif bent and (knot := _bend(s, y)) is not None:
            by, step = step_of(name, s.astype(float))
            ends = s.quantile([0.1, 0.9])
            for side, part, span in (
                ("up to", s.clip(upper=knot), knot - ends[0.1]),
                ("beyond", (s - knot).clip(lower=0), ends[0.9] - knot),
            ):
                columns[f"{name} {side}"] = part.astype(float) / by
                about.append({"factor": name, "step": f"{step} {side} {number(knot)}", "span": float(span / by)})
        else:
            by, step = step_of(name, s.astype(float))
            columns[name] = s.astype(float) / by
            about.append({"factor": name, "step": step, "span": float((s.quantile(0.9) - s.quantile(0.1)) / by)})
    return pd.DataFrame(columns, index=df.index), pd.DataFrame(about, index=pd.Index(list(columns))), notes


def independent_columns(design: pd.DataFrame) -> list[str]:
    """The columns that those before them do not make up."""
    triangle = _triangle(design)  # whose columns lie to each other as those of all rows do
    kept, basis = list[str](), np.eye(len(triangle), 1)
    for name, x in zip(design, triangle.T[1:], strict=True):
        rest = x - basis @ (basis.T @ x)
        rest -= basis @ (basis.T @ rest)
        size, whole = float(np.linalg.norm(rest)), float(np.linalg.norm(x[1:]))
        if whole > 1e-9 * np.linalg.norm(x) and size > 1e-4 * whole:
            kept.append(str(name))
            basis = np.column_stack([basis, rest / size])
    return kept


def _triangle(design: pd.DataFrame, *further: pd.Series) -> Any:
    """The triangle of a QR decomposition of a column of ones, the design and further columns."""
    columns = [np.ones(len(design)), design.to_numpy(float), *(one.to_numpy(float) for one in further)]
    return _triangle_of(np.column_stack(columns))


def _triangle_of(rows: Any) -> Any:
    """The triangle of a QR decomposition: that of the triangles of blocks of rows, each small enough to stay near."""
    if len(rows) > 8000:
        rows = np.vstack([np.linalg.qr(rows[at : at + 2000], mode="r") for at in range(0, len(rows), 2000)])
    return np.linalg.qr(rows, mode="r")


def model_effects(y: pd.Series, design: pd.DataFrame, logistic: bool, groups: Any = None) -> tuple[pd.DataFrame, float]:
    """Each column's effect with its 95 % interval and p, and R² (logistic: McFadden's). Logistic effects are average
    marginal effects in percentage points; where the model does not converge, those of a linear probability model."""
    if groups is None and not logistic:
        return _least_squares(y, design)
    if groups is None and (fitted := _logistic(y, design)) is not None:
        return fitted
    import statsmodels.api as sm

    x = sm.add_constant(design.astype(float), has_constant="add")
    robust: dict[str, Any] = {}
    if groups is not None:
        robust = {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(groups)[0]}}
    if logistic and len(design.columns):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = sm.Logit(y, x).fit(disp=0, maxiter=200, **robust)
                margins = found.get_margeff(dummy=False).summary_frame()
            table = pd.DataFrame(
                {
                    "effect": margins.iloc[:, 0],
                    "low": margins.iloc[:, 4],
                    "high": margins.iloc[:, 5],
                    "p": margins.iloc[:, 3],
                }
            )
            table[["effect", "low", "high"]] *= 100
            return table, float(found.prsquared)
        except Exception:  # noqa: BLE001  # a level that tells the outcome alone: separation, in any of several errors
            pass
    if groups is None:
        table, fit = _least_squares(y, design)
    else:
        found = sm.OLS(y, x).fit(**robust)
        ends, fit = found.conf_int(), float(found.rsquared)
        table = pd.DataFrame({"effect": found.params, "low": ends[0], "high": ends[1], "p": found.pvalues})
        table = table.drop(index="const")
    table[["effect", "low", "high"]] *= 100 if logistic else 1
    return table, fit


def _least_squares(y: pd.Series, design: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """What statsmodels' OLS says with HC3 errors; of 300,000 rows and 25 columns that takes it some seconds."""
    from scipy.linalg import solve_triangular
    from scipy.stats import norm

    rows, values = np.column_stack([np.ones(len(y)), design.to_numpy(float)]), y.to_numpy(float)
    r = _triangle_of(rows)
    inverse = solve_triangular(r, np.eye(len(r)))
    q = rows @ inverse
    effects = inverse @ (q.T @ values)
    rest = values - rows @ effects
    widened = rest / (1 - np.einsum("ij,ij->i", q, q))
    q *= widened[:, None]
    errors = np.sqrt(np.einsum("ij,jk,ik->i", inverse, q.T @ q, inverse))
    away, p = norm.ppf(0.975) * errors, 2 * norm.sf(np.abs(effects / errors))
    table = pd.DataFrame({"effect": effects, "low": effects - away, "high": effects + away, "p": p})[1:]
    return table.set_axis(design.columns), 1 - float(rest @ rest) / float(((values - values.mean()) ** 2).sum())


def _logistic(y: pd.Series, design: pd.DataFrame) -> tuple[pd.DataFrame, float] | None:
    """What statsmodels' Logit and its average marginal effects say; of 300,000 rows and 25 columns that takes it most
    of a minute. None where Newton's method does not converge."""
    from scipy.stats import norm

    yes, (rows, scale) = y.to_numpy(float), standardised(design)
    found = likeliest(rows, yes, no_effects(rows, yes), list(range(rows.shape[1])))
    if found is None:
        return None
    effects, chance = found
    weights = chance * (1 - chance)
    mean = weights.mean()
    by_step = effects * mean
    # How the average marginal effects turn with the coefficients: the delta method
    turns = mean * np.eye(len(effects)) + np.outer(effects, (weights * (1 - 2 * chance)) @ rows / len(yes))
    errors = np.sqrt(np.einsum("ij,jk,ik->i", turns, np.linalg.inv(curvature(rows, chance)), turns))
    away = norm.ppf(0.975) * errors
    ends = {"effect": by_step, "low": by_step - away, "high": by_step + away}
    table = pd.DataFrame({name: 100 * values[1:] / scale for name, values in ends.items()}, index=design.columns)
    return table.assign(p=2 * norm.sf(np.abs(by_step / errors))[1:]), mcfadden_r2(rows @ effects, yes)


def smaller_models(y: pd.Series, design: pd.DataFrame) -> Callable[[list[str]], tuple[pd.Series, float]]:
    """A function that gives the least squares effects of some of the columns by themselves, and their R².

    The rows are gone through once: the triangle that they leave has the same sums of squares as all of them.
    """
    triangle = _triangle(design, y)
    places = {name: at for at, name in enumerate(design, 1)}
    variation = float((triangle[1:, -1] ** 2).sum())

    def model(names: list[str]) -> tuple[pd.Series, float]:
        x = triangle[:, [0, *(places[name] for name in names)]]
        effects = np.linalg.lstsq(x, triangle[:, -1], rcond=None)[0]
        rest = triangle[:, -1] - x @ effects
        return pd.Series(effects[1:], index=names), 1 - float(rest @ rest) / variation

    return model


def smaller_logistic_models(y: pd.Series, design: pd.DataFrame) -> Callable[[list[str]], tuple[pd.Series, float]]:
    """A function that gives the average marginal effects of some of the columns by themselves, in percentage points,
    and McFadden's R², as `model_effects` does.

    Newton's method begins where the model of all columns would be without the others, and keeps the curvature that it
    has there as long as each step brings it ten times nearer. Where that does not converge, statsmodels is asked.
    """
    yes, (rows, scale) = y.to_numpy(float), standardised(design)
    places = {name: at for at, name in enumerate(design, 1)}
    every = list(range(rows.shape[1]))
    whole = likeliest(rows, yes, no_effects(rows, yes), every)
    curved = curvature(rows, whole[1]) if whole else None

    def model(names: list[str]) -> tuple[pd.Series, float]:
        at = [0, *(places[name] for name in names)]
        others = [i for i in every if i not in at]
        found = None
        if whole is not None and curved is not None:
            start, own = np.zeros(len(every)), curved[np.ix_(at, at)]
            start[at] = whole[0][at] + np.linalg.solve(own, curved[np.ix_(at, others)] @ whole[0][others])
            found = likeliest(rows, yes, start, at, own)
        if found is None:
            table, fit = model_effects(y, design[names], True)
            return table["effect"], fit
        effects, chance = found
        by_step = 100 * (effects[1:] / scale)[[i - 1 for i in at[1:]]] * (chance * (1 - chance)).mean()
        return pd.Series(by_step, index=names), mcfadden_r2(rows @ effects, yes)

    return model


def held_out_fit(y: pd.Series, design: pd.DataFrame, logistic: bool, groups: Any = None) -> float:
    """R², or the AUC, of predictions for rows that the model has not seen, in five folds (by group where given)."""
    if not logistic and groups is None:
        return _held_out_r2(y.to_numpy(float), design.to_numpy(float))
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds: Any = StratifiedKFold(5, shuffle=True, random_state=0) if groups is None else GroupKFold(5)
    if logistic:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1e4, max_iter=2000))
        said = cross_val_predict(model, design, y, cv=folds, groups=groups, method="predict_proba")[:, 1]
        return float(roc_auc_score(y, said))
    said = cross_val_predict(LinearRegression(), design, y, cv=folds, groups=groups)
    return float(r2_score(y, said))


def _held_out_r2(y: Any, x: Any) -> float:
    """The R² of `cross_val_predict(LinearRegression(), x, y, cv=KFold(5, shuffle=True, random_state=0))`.

    A fold's rows are taken out of the sums of squares of all rows, so that each row is added up once.
    """
    order = np.arange(len(y))
    np.random.RandomState(0).shuffle(order)
    whole = np.column_stack([np.ones(len(y)), (x - x.mean(axis=0)) / x.std(axis=0), y - y.mean()])
    parts = [whole[np.sort(fold)] for fold in np.array_split(order, 5)]
    squares = [part.T @ part for part in parts]
    missed = 0.0
    for part, own in zip(parts, squares, strict=True):
        rest = sum(squares) - own
        weights = np.linalg.lstsq(rest[:-1, :-1], rest[:-1, -1], rcond=None)[0]
        missed += float(((part[:, -1] - part[:, :-1] @ weights) ** 2).sum())
    return 1 - missed / float(sum(squares)[-1, -1])


def sides_apart(df: pd.DataFrame, factor: str, others: list[str], most: int = 3) -> str:
    """In what the two sides of a factor differ most, in words; empty where they hardly do (0.25 deviations)."""
    sides, first = sorted(df[factor].dropna().unique(), key=str), dict[str, tuple[float, str]]()
    for name in others if len(sides) == 2 else ():
        s: Any = df[name]
        parts = (
            {"": s.astype(float)}
            if pd.api.types.is_numeric_dtype(s) and s.nunique() > 2
            else {level: (s == level).astype(float).where(s.notna()) for level in s.value_counts().index[:8]}
        )
        for level, values in parts.items():
            a, b = (values[df[factor] == side].dropna() for side in sides[::-1])
            spread = ((a.var() + b.var()) / 2) ** 0.5
            if spread > 0 and (gap := abs(a.mean() - b.mean()) / spread) > max(0.25, first.get(name, (0.25, ""))[0]):
                told = (
                    f"{say(name)} {as_name(level)} ({percent(a.mean())} against {percent(b.mean())})"
                    if len(parts) > 1
                    else f"{say(name)} (mean {number(a.mean())} against {number(b.mean())})"
                )
                first[name] = (float(gap), told)
    listed = [told for _, told in sorted(first.values(), reverse=True)[:most]]
    if not listed:
        return ""
    return f"{say(factor)} {as_name(sides[1])} and {as_name(sides[0])} differ most in {'; '.join(listed)}."
