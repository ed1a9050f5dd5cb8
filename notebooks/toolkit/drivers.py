"""What an outcome depends on: one joint model in the outcome's units, beside each factor's effect by itself."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.templates.toolkit import COLOURS, ID_NAME, answer, effect, figure, is_text, label, number, percent, report, say, show, tick, with_unit, yes_level
from notebooks.toolkit.attempts import CannotAnswer, has
from notebooks.toolkit.why_changed import is_time, unit_of


@dataclass(frozen=True)
class Drivers:
    """A joint model. `effects` has a row for each step of a factor: `factor`, `step` (in words), `joint`, `low`, `high`
    and `p` of the model with all factors, `alone` of the model with this one, all in the outcome's units (of a yes-no
    outcome: percentage points); `range` is the joint effect of going from the factor's tenth to its ninetieth
    percentile, or of the level. `weights` are what the explained share loses without each factor."""

    target: str
    yes: str
    effects: pd.DataFrame
    weights: pd.Series
    fit: float
    held_out: float
    n: int
    left_out: dict[str, str]
    notes: tuple[str, ...]

    @property
    def metric(self) -> str:
        return "AUC" if self.yes else "R²"


def usable_factors(df: pd.DataFrame, target: str, named: list[str]) -> tuple[list[str], dict[str, str]]:
    """The columns that may explain the target, and those that may not, with why."""
    kept, out = list[str](), dict[str, str]()
    for name in named or [str(c) for c in df.columns if c != target]:
        s, levels = df[name], df[name].nunique()
        if levels < 2:
            out[name] = "it is the same in all rows"
        elif s.notna().mean() < 0.6:
            out[name] = f"it is missing in {percent(float(s.isna().mean()))} of the rows"
        elif name not in named and ID_NAME.search(name) and levels > 20:
            out[name] = "it only names the rows"
        elif is_text(s) and levels > min(50, 0.2 * len(df)):
            out[name] = f"it has {levels:,} different texts"
        else:
            kept.append(name)
    return kept, out


def parts_of_target(df: pd.DataFrame, target: str, factors: list[str], yes: Any = None) -> dict[str, str]:
    """The factors that the target is made of, or that restate it: they say nothing of what it depends on.

    Numbers whose weighted sum, or whose product with another, is the target in all but rounding; columns that go with
    it almost perfectly; for a target of yes and no, levels or thresholds that tell it in more than 99.5 % of the rows.
    """
    y = (df[target] == yes).astype(float) if yes is not None else df[target].astype(float)
    numbers = [c for c in factors if not is_text(df[c]) and not is_time(df[c]) and df[c].nunique() > 2]
    found = dict[str, str]()
    for name in factors:
        both = pd.DataFrame({"x": df[name], "y": y}).dropna()
        if len(both) < 20 or both["y"].nunique() < 2:
            continue
        if name in numbers and yes is None and abs(both["x"].astype(float).corr(both["y"])) > 0.999:
            found[name] = f"it restates {target}"
        elif yes is not None and _tells(both) > 0.995:
            found[name] = f"it tells {target} in nearly every row"
    rest = [c for c in numbers if c not in found]
    rows = df[rest].assign(**{"\0y": y}).dropna().astype(float)
    if yes is None and len(rows) > 5 * len(rest) + 20 and rest:
        standard = (rows[rest] - rows[rest].mean()) / rows[rest].std().replace(0, 1)
        target_z = (rows["\0y"] - rows["\0y"].mean()) / (rows["\0y"].std() or 1)
        weights = np.linalg.lstsq(standard.to_numpy(), target_z.to_numpy(), rcond=None)[0]
        if float(((target_z - standard.to_numpy() @ weights) ** 2).mean()) < 1e-4:
            parts = [c for c, w in zip(rest, weights, strict=True) if abs(w) > 0.02]
            found |= {c: f"{target} is made up of {' and '.join(parts)}" for c in parts}
        for i, a in enumerate(rest):
            for b in rest[i + 1 :]:
                near = (rows[a] * rows[b] - rows["\0y"]).abs() <= 0.01 * rows["\0y"].abs() + 0.011
                if near.mean() > 0.98:
                    found |= {c: f"{target} is {a} times {b}" for c in (a, b)}
    return found


def _tells(both: pd.DataFrame) -> float:
    """How often the best level, or the best threshold, of x tells y of 0 and 1."""
    if is_text(both["x"]) or both["x"].nunique() <= 2:
        if both["x"].nunique() > 20:
            return 0.0
        return float(both.groupby("x")["y"].agg(lambda v: max(v.sum(), len(v) - v.sum())).sum() / len(both))
    ordered = both.sort_values("x")["y"].to_numpy()
    hits = np.cumsum(ordered)
    n, ones = len(ordered), int(ordered.sum())
    right = (np.arange(1, n + 1) - hits) + (ones - hits)
    return float(max(right.max(), (n - right).max()) / n)


def step_of(x: pd.Series) -> float:
    """The step in which a factor's effect is told: 1, or the 1, 2 or 5 times a power of ten next to half its spread."""
    spread = float(x.std())
    if 0.7 <= spread <= 30:
        return 1.0
    exponent = np.floor(np.log10(spread / 2))
    return float(max((k * 10**exponent for k in (1, 2, 5) if k * 10**exponent <= spread / 2), default=10**exponent))


def coded_factors(df: pd.DataFrame, factors: list[str]) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Columns of a design: numbers in steps, times in years, a column of 0 and 1 for each level but the commonest.

    The second table has for each of them `factor`, `step` in words and `span` (from its 10 % to its 90 % quantile, in
    steps). Levels of fewer than 10 rows, or 0.5 %, are one level, "other".
    """
    columns, about, notes = dict[str, Any](), list[dict[str, Any]](), list[str]()
    for name in factors:
        s: Any = df[name]
        if is_time(s):
            years = (s - s.min()).dt.total_seconds() / (365.25 * 86400)
            columns[name] = years
            about.append({"factor": name, "step": f"a year of {say(name)}", "span": float(years.quantile(0.9) - years.quantile(0.1))})
        elif is_text(s) or pd.api.types.is_bool_dtype(s) or s.nunique() == 2:
            text = s.astype("string").str.removesuffix(".0") if not is_text(s) else s.astype("string")
            counts = text.value_counts()
            rare = [str(v) for v in counts.index[counts < max(10, 0.005 * len(df))]]
            if len(rare) > 1 or (rare and counts[rare[0]] < 5):
                text = text.mask(text.isin(rare), "other")
                notes.append(f"{len(rare)} rare {'level' if len(rare) == 1 else 'levels'} of {say(name)} {'counts' if len(rare) == 1 else 'count'} as “other”.")
            sizes = text.value_counts()
            levels = sorted(sizes.index, key=lambda v: (-sizes[v], v))
            base = min(levels) if len(levels) == 2 else levels[0]
            for level in [v for v in levels if v != base]:
                columns[f"{name}={level}"] = (text == level).astype(float).where(text.notna())
                about.append({"factor": name, "step": f"{say(name)} {level} instead of {base}", "span": 1.0})
        else:
            by = step_of(s.astype(float))
            columns[name] = s.astype(float) / by
            words = say(name) if by == 1 else f"{with_unit(by, name)} of {say(name)}"
            about.append({"factor": name, "step": f"1 {unit_of(name)} of {say(name)}".replace("  ", " ") if by == 1 else words, "span": float((s.quantile(0.9) - s.quantile(0.1)) / by)})
    return pd.DataFrame(columns, index=df.index), pd.DataFrame(about, index=pd.Index(list(columns))), notes


def independent_columns(design: pd.DataFrame) -> list[str]:
    """The columns that those before them do not make up."""
    kept, basis = list[str](), np.ones((len(design), 1)) / len(design) ** 0.5
    for name in design:
        x = design[name].to_numpy(float)
        rest = x - basis @ (basis.T @ x)
        rest -= basis @ (basis.T @ rest)
        size, whole = float(np.linalg.norm(rest)), float(np.linalg.norm(x - x.mean()))
        if whole > 0 and size > 1e-4 * whole:
            kept.append(str(name))
            basis = np.column_stack([basis, rest / size])
    return kept


def find_drivers(df: pd.DataFrame, target: str, factors: list[str] | None = None, unit: str = "") -> Drivers:
    """Least squares, or a logistic model told in average marginal effects, of a target on all factors at once.

    Standard errors are robust (HC3; by `unit` where rows repeat one). The held-out figure is from five folds. Raises
    CannotAnswer where there is nothing to explain or too few rows.
    """
    has(df, target=target, factors=factors or [], unit=unit)
    rows, notes = df.dropna(subset=[target]), list[str]()
    levels = rows[target].nunique()
    if levels < 2:
        raise CannotAnswer(f"{say(target)} is the same in all rows, so nothing can explain it.")
    yes: Any = None
    if levels == 2:
        yes = yes_level(rows[target].unique())
    elif is_text(rows[target]) or is_time(rows[target]):
        raise CannotAnswer(f"{say(target)} has {levels} levels; a joint model needs a number or two levels.")
    kept, out = usable_factors(rows, target, factors or [])
    kept = [c for c in kept if c != unit]
    parts = parts_of_target(rows, target, kept, yes)
    out |= parts
    kept = [c for c in kept if c not in parts]
    if not kept:
        raise CannotAnswer(f"No column is left that could explain {say(target)}: " + "; ".join(f"{c}: {w}" for c, w in out.items()) + ".")
    design, about, more = coded_factors(rows, kept)
    y = (rows[target] == yes).astype(float) if yes is not None else rows[target].astype(float)
    whole = design.notna().all(axis=1)
    if whole.sum() < 0.7 * len(rows):
        worst = [c for c in kept if rows[c].isna().mean() > 0.1]
        out |= {c: f"it is missing in {percent(float(rows[c].isna().mean()))} of the rows" for c in worst}
        kept = [c for c in kept if c not in worst]
        design, about, more = coded_factors(rows, kept)
        whole = design.notna().all(axis=1)
    design, y = design[whole], y[whole]
    if whole.sum() < len(rows):
        notes.append(f"{len(rows) - int(whole.sum()):,} of {len(rows):,} rows miss a factor and are not in the model.")
    notes += more
    columns = independent_columns(design)
    for name in kept:
        mine = about.index[about["factor"] == name]
        if not set(mine) & set(columns):
            out[name] = "the other factors make it up"
    design, about = design[columns], about.loc[columns]
    if len(design) < 10 * (len(columns) + 1) or y.nunique() < 2:
        raise CannotAnswer(f"{len(design):,} rows are too few for {len(columns)} effects; name fewer factors.")
    groups = rows.loc[design.index, unit] if unit else None
    joint, fit = model_effects(y, design, yes is not None, groups)
    names = list(dict.fromkeys(about["factor"]))
    alone = pd.concat([model_effects(y, design[about.index[about["factor"] == name]], yes is not None, groups)[0]["effect"] for name in names])
    effects = about.assign(joint=joint["effect"], low=joint["low"], high=joint["high"], p=joint["p"], alone=alone.reindex(about.index))
    effects["range"] = effects["joint"] * effects["span"]
    weights = {}
    for name in names:
        rest = [c for c in columns if about.loc[c, "factor"] != name]
        weights[name] = fit - (model_effects(y, design[rest], yes is not None, None)[1] if rest else 0.0)
    ordered = pd.Series(weights).sort_values(ascending=False, kind="stable")
    shown = str(yes).removesuffix(".0") if yes is not None else ""
    return Drivers(target, shown, effects, ordered, fit, held_out_fit(y, design, yes is not None, groups), len(design), out, tuple(notes))


def model_effects(y: pd.Series, design: pd.DataFrame, logistic: bool, groups: Any = None) -> tuple[pd.DataFrame, float]:
    """Each column's effect with its 95 % interval and p, and R² (logistic: McFadden's). Logistic effects are average
    marginal effects in percentage points; where the model does not converge, those of a linear probability model."""
    import statsmodels.api as sm

    x = sm.add_constant(design.astype(float), has_constant="add")
    robust: dict[str, Any] = {"cov_type": "HC3"}
    if groups is not None:
        robust = {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(groups)[0]}}
    if logistic and len(design.columns):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = sm.Logit(y, x).fit(disp=0, maxiter=200, **({} if groups is None else robust))
                margins = found.get_margeff(dummy=False).summary_frame()
            table = pd.DataFrame({"effect": margins.iloc[:, 0], "low": margins.iloc[:, 4], "high": margins.iloc[:, 5], "p": margins.iloc[:, 3]})
            table[["effect", "low", "high"]] *= 100
            return table, float(found.prsquared)
        except Exception:  # noqa: BLE001  # a level that tells the outcome alone: separation, in any of several errors
            pass
    found = sm.OLS(y, x).fit(**robust)
    ends = found.conf_int()
    scale = 100 if logistic else 1
    table = pd.DataFrame({"effect": found.params * scale, "low": ends[0] * scale, "high": ends[1] * scale, "p": found.pvalues})
    return table.drop(index="const"), float(found.rsquared)


def held_out_fit(y: pd.Series, design: pd.DataFrame, logistic: bool, groups: Any = None) -> float:
    """R², or the AUC, of predictions for rows that the model has not seen, in five folds (by group where given)."""
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds: Any = StratifiedKFold(5, shuffle=True, random_state=0) if logistic else KFold(5, shuffle=True, random_state=0)
    folds = folds if groups is None else GroupKFold(5)
    if logistic:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1e4, max_iter=2000))
        said = cross_val_predict(model, design, y, cv=folds, groups=groups, method="predict_proba")[:, 1]
        return float(roc_auc_score(y, said))
    said = cross_val_predict(LinearRegression(), design, y, cv=folds, groups=groups)
    return float(r2_score(y, said))


def tell_drivers(found: Drivers) -> None:
    """Answer with the factors that weigh most, each in the outcome's units, and how much all explain of unseen rows."""
    unit = "pp" if found.yes else unit_of(found.target)
    word = "percentage points" if found.yes else unit
    what = f"the chance that {say(found.target)} is {found.yes}" if found.yes and found.yes not in ("1", "True") else f"the chance of {say(found.target)}" if found.yes else say(found.target)

    def told(row: Any) -> str:
        verb = "adds" if row["joint"] > 0 else "takes off"
        ends = sorted((abs(row["low"]), abs(row["high"]))) if row["low"] * row["high"] > 0 else (row["low"], row["high"])
        return f"{row['step']} {verb} {number(abs(row['joint']))} {word}".rstrip() + f" (95 % CI {number(ends[0])} to {number(ends[1])})"

    from scipy.stats import false_discovery_control

    q = pd.Series(false_discovery_control(found.effects["p"].fillna(1.0)), index=found.effects.index)
    clear = [c for c in found.effects.index if q[c] < 0.05]
    factors = [f for f in found.weights.index if any(found.effects.loc[c, "factor"] == f for c in clear)]
    values: dict[str, Any] = {}
    leading = []
    for factor in factors:
        mine = found.effects[(found.effects["factor"] == factor) & found.effects.index.isin(clear)]
        row = mine.loc[mine["range"].abs().idxmax()]
        leading.append(row)
        values[str(row["step"])] = (row["joint"], unit, (row["low"], row["high"]))
    fits = f"held-out {found.metric} {found.held_out:.2f}"
    if leading:
        text = f"{what} depends most on {say(str(leading[0]['factor']))}: other things equal, {told(leading[0])}"
        text += "".join(f"; {told(row)}" for row in leading[1:3]) + "."
        text += f" Together {len(found.weights)} factors explain {percent(max(found.held_out, 0))} of its variation in rows that the model has not seen ({fits})." if not found.yes else f" Together {len(found.weights)} factors tell yes from no with {fits} (0.5 is guessing)."
    else:
        text = f"None of {len(found.weights)} factors goes with {what} beyond chance, the others held equal ({fits})."
    weak = [f for f in found.weights.index if f not in factors]
    notes = [f"Joint model of {found.n:,} rows; each effect is with all other factors held equal."]
    notes += [f"No clear effect: {', '.join(say(f) for f in weak[:8])}{' and others' if len(weak) > 8 else ''}."] if weak else []
    notes += [f"{say(c)} was left out: {why}." for c, why in found.left_out.items()]
    notes += [*found.notes, "Nobody assigned these factors, so the effects are associations: a column that is not in the table may stand behind them."]
    values[f"held-out {found.metric}"] = found.held_out
    answer(text, values, notes=notes)
    for row in leading[:1]:
        report("descriptive", "driver", text, [str(row["factor"]), found.target], roles={"outcome": found.target, "factor": str(row["factor"])}, direction="+" if row["joint"] > 0 else "-", effect=effect("slope_per_step", row["joint"], (row["low"], row["high"])), n=found.n, params={"held_out": found.held_out, "weights": found.weights.to_dict()}, caveats=notes, confidence="medium")


def driver_table(found: Drivers) -> pd.DataFrame:
    """All effects, the heaviest factor first, with what the model explains less without each."""
    order = {f: i for i, f in enumerate(found.weights.index)}
    table = found.effects.assign(place=found.effects["factor"].map(order)).sort_values(["place"], kind="stable")
    return table.assign(**{"lost without it": table["factor"].map(found.weights)}).drop(columns=["place", "span"]).set_index("step")


def draw_drivers(found: Drivers) -> None:
    """Each factor's effect over its usual range, jointly with its interval and by itself."""
    order = list(found.weights.index)
    shown = pd.concat([found.effects[found.effects["factor"] == f].pipe(lambda e: e.loc[e["range"].abs().sort_values(ascending=False).index[:3]]) for f in order]).iloc[:12][::-1]
    fig, ax = figure(f"{say(found.target)}: effect of each factor, others held equal", width=8.2, height=1.9 + 0.5 * len(shown))
    for i, row in enumerate(shown.itertuples()):
        ax.plot([row.low * row.span, row.high * row.span], [i, i], color=COLOURS[0], lw=3)
        ax.plot(row.joint * row.span, i, "o", color=COLOURS[0], ms=9)
        ax.plot(row.alone * row.span, i, "D", color=COLOURS[6], ms=7, mfc="white", mew=1.8)
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks(range(len(shown)), [tick(re.sub(r"^.* of ", "", str(s)) if f in str(n) and "=" not in str(n) else str(s)) for n, s, f in zip(shown.index, shown["step"], shown["factor"], strict=True)])
    unit = "percentage points" if found.yes else label(found.target)
    ax.set_xlabel(f"{unit}; of a number: from its 10 % to its 90 % quantile. Dot: joint, 95 % CI; diamond: by itself")
    ax.set_ylim(-0.6, len(shown) - 0.4)
    show(fig, f"Dots: the joint effect of each factor on {say(found.target)}, and diamonds: its effect by itself")
