"""Thirty tables more as strangers would send them, and what is true of each; long, as each is a table of its own.

Written from the lists of claims and warnings alone, before the analyst or the first stories had been read: each kind at
least twice, from clear to just detectable, with the noise and the untidiness of many trades.
"""

# ruff: noqa: E501  (a column a line reads worse than a table a glance)
# fmt: off
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench import measures
from bench.stories import PAIRED, Columns, Measure, Rng, Story

Frames = dict[str, pd.DataFrame]


def _pick(g: Rng, n: int, levels: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
    p = None if weights is None else np.asarray(weights, float) / sum(weights)
    return np.array(levels, dtype=object)[g.choice(len(levels), n, p=p)]


def _worth(labels: Any, values: dict[Any, float]) -> Any:
    return pd.Series(labels).map(values).to_numpy(float)


def _rows(rng: Rng, low: int, high: int) -> int:
    return int(np.exp(rng.uniform(np.log(low), np.log(high))))


def _faint(rng: Rng, n: int, low: float = 6.2, high: float = 16) -> float:
    """A correlation that stands out of n rows by so many standard errors, of either sign."""
    return float(rng.choice([-1, 1]) * min(0.75, rng.uniform(low, high) / np.sqrt(n)))


def _sign(r: float) -> str:
    return "+" if r > 0 else "-"


def _t(g: Rng, n: int, df: float = 4) -> Any:
    """Noise of unit variance with heavy tails."""
    return g.standard_t(df, n) * np.sqrt((df - 2) / df)


def _bound(g: Rng, z: Any, r: float, noise: Any) -> Any:
    """What correlates by r with z, of unit variance as the noise is."""
    return r * np.asarray(z) + np.sqrt(1 - r * r) * noise


def _turn(measure: Measure) -> Measure:
    return lambda x, y: measure(y, x)


def _drives(s: Story, factor: str, target: str, measure: Measure, **params: Any) -> None:
    """Note a driver; the target comes from its drivers, which have nothing to do with one another."""
    parents = {k: list(v) for k, v in s.parents.items()}
    s.effect("driver", f"{factor}|{target}", measure, **params)
    s.parents = parents
    s.parents.setdefault(factor, [])
    s.parents[target] = sorted({*s.parents.get(target, []), factor})


def _alone(s: Story, kind: str, columns: str, bites: Sequence[str], on: str, **params: Any) -> None:
    """Note a trap that bites claims on one column of it."""
    s.trap(kind, columns, **params)
    s.traps[-1]["bites"] = [{"kinds": list(bites), "columns": on.split("|")}]


def _holed(g: Rng, column: pd.Series, share: float, mark: Any = None) -> pd.Series:
    """A share of a column lost by chance, or written as a mark."""
    column = column.astype(object) if isinstance(mark, str) else column
    return column.mask(pd.Series(g.random(len(column)) < share, index=column.index), mark)


def _repeated(g: Rng, frame: pd.DataFrame, share: float) -> pd.DataFrame:
    """A share of the rows twice, anywhere."""
    again = frame.sample(max(8, int(share * len(frame))), random_state=int(g.integers(1 << 30)))
    return pd.concat([frame, again]).sample(frac=1, random_state=int(g.integers(1 << 30))).reset_index(drop=True)


def _miswritten(g: Rng, column: pd.Series, share: float, ways: Sequence[Callable[[str], str]]) -> pd.Series:
    at = g.random(len(column)) < share
    return pd.Series([ways[int(g.integers(len(ways)))](v) if hit else v for v, hit in zip(column, at, strict=True)])


def harvest(rng: Rng) -> Story:
    """Plots of a farm: yield by soil and by a best acidity, heavy tails, bushels beside tonnes, 9999 for no gauge."""
    n = _rows(rng, 600, 4000)
    soil = dict(zip(("clay", "loam", "sand", "peat"), rng.permutation([0.0, 0.1, 0.25, 0.6]), strict=True))
    r, bend = _faint(rng, n, 7, 14), rng.uniform(0.25, 0.5)

    def grow(g: Rng, n: int) -> Columns:
        rain, ph, ground = g.gamma(8, 55, n), g.normal(6.4, 0.6, n), _pick(g, n, list(soil), (3, 4, 2, 1))
        z = (rain - 440) / 155
        tall = _bound(g, z, r, _t(g, n, 3.5))
        crop = 6.1 - bend * (((ph - 6.4) / 0.6) ** 2 - 1) + _worth(ground, soil) + 0.9 * _t(g, n)
        return {
            "plot": np.arange(n) + 1, "soil": ground, "pH": ph.round(2), "rain_mm": rain.round(0), "stem_cm": (84 + 9 * tall).round(1),
            "yield_t_ha": crop.round(2), "slope_pct": g.exponential(4, n).round(1), "seed_lot": _pick(g, n, [f"L{i:02d}" for i in range(12)]),
        }  # fmt: skip

    s = Story("What stands out here?", n, grow, ids=["plot"])
    s.effect("correlation", "stem_cm|rain_mm", measures.numeric_pair, direction=_sign(r))
    s.effect("group_difference", "yield_t_ha|soil", measures.groups, top=max(soil, key=lambda k: soil[k]))
    s.effect("nonlinear_association", "yield_t_ha|pH", _turn(measures.curve), shape="U")
    s.trap("redundant_columns", "yield_t_ha|yield_bu_ac", PAIRED)
    s.trap("sentinel_values", "rain_mm", ["outliers", "distribution_shape"])
    s.parents["yield_bu_ac"] = ["yield_t_ha"]

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        bushels = (frame["yield_t_ha"] * 14.87).round(1)
        return {"plots.csv": frame.assign(rain_mm=_holed(g, frame["rain_mm"], 0.03, 9999), yield_bu_ac=bushels)}

    s.spoil = spoil
    return s


def ward(rng: Rng) -> Story:
    """Stays in hospital: skewed days by age, body mass missing of the old, pulse 0 where none was taken, record numbers."""
    n = _rows(rng, 500, 3500)
    r = abs(_faint(rng, n, 8, 16))
    care = dict(zip(("medical", "surgical", "short stay"), rng.permutation([0.0, 0.15, 0.45]), strict=True))

    def grow(g: Rng, n: int) -> Columns:
        age, kind = np.clip(g.normal(61, 16, n), 18, 99), _pick(g, n, list(care))
        days = np.exp(1.2 + 0.7 * _bound(g, (age - 61) / 16, r, g.standard_normal(n)))
        return {
            "MRN": [f"M{v:07d}" for v in 2_000_000 + g.permutation(n) * 3], "age": age.round(0).astype(int), "ward": kind,
            "days": days.round(1), "pulse": g.normal(78, 11, n).round(0).astype(int), "bmi": g.normal(27, 4.4, n).round(1),
            "sodium": (139 + 3 * _worth(kind, care) + 3.1 * g.standard_normal(n)).round(0), "weekday": _pick(g, n, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")),
        }  # fmt: skip

    s = Story("What should we know about these admissions?", n, grow, plain=["weekday"], ids=["MRN"])
    s.effect("correlation", "days|age", measures.numeric_pair, direction="+")
    s.effect("group_difference", "sodium|ward", measures.groups, top=max(care, key=lambda k: care[k]))
    s.effect("distribution_shape", "days", shape="skewed")
    s.effect("missing_pattern", "bmi|age", direction="+")
    s.trap("sentinel_values", "pulse", ["outliers", "distribution_shape"])

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        gone = pd.Series(g.random(len(frame)) < 1 / (1 + np.exp(2.4 - 0.075 * (frame["age"] - 61))))
        return {"stays.csv": frame.assign(pulse=_holed(g, frame["pulse"], 0.04, 0), bmi=frame["bmi"].mask(gone))}

    s.spoil = spoil
    return s


def gym(rng: Rng) -> Story:
    """Members of a gym: weights in kilograms and a few in pounds, heights of some in metres, a plan written in five ways."""
    n = _rows(rng, 700, 3000)
    r = _faint(rng, n, 7, 13)
    lift = dict(zip(("basic", "plus", "premium"), rng.permutation([0.0, 0.12, 0.4]), strict=True))

    def grow(g: Rng, n: int) -> Columns:
        z, plan = g.standard_normal(n), _pick(g, n, list(lift), (5, 3, 2))
        return {
            "height_cm": (172 + 8 * z).round(0), "weight_kg": (74 + 7 * g.standard_normal(n)).round(1), "plan": plan,
            "rest_pulse": (64 + 7 * _bound(g, g.standard_normal(n), 0, _t(g, n))).round(0), "minutes": (52 + 12 * (_worth(plan, lift) + _t(g, n, 5))).round(0),
            "reach_cm": (174 + 9 * _bound(g, z, r, g.standard_normal(n))).round(0), "club": _pick(g, n, ("Mitte", "Nord", "West"), (4, 3, 3)),
        }  # fmt: skip

    s = Story("Anything interesting in our member data?", n, grow, plain=["rest_pulse", "club"])
    s.effect("correlation", "reach_cm|height_cm", measures.numeric_pair, direction=_sign(r))
    s.effect("group_difference", "minutes|plan", measures.groups, top=max(lift, key=lambda k: lift[k]))
    s.trap("mixed_units", "weight_kg", ["outliers", "distribution_shape", "clusters"])
    s.trap("inconsistent_categories", "plan")
    s.trap("duplicate_rows")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        pounds = g.random(len(frame)) < 0.06
        weight = frame["weight_kg"].mask(pounds, (frame["weight_kg"] * 2.20462).round(1))
        plan = _miswritten(g, frame["plan"], 0.15, (str.upper, str.title, lambda v: f" {v}", lambda v: f"{v}."))
        return {"members.csv": _repeated(g, frame.assign(weight_kg=weight, plan=plan), 0.02)}

    s.spoil = spoil
    return s


def panel(rng: Rng) -> Story:
    """A survey of scales from 1 to 5: two go together, one by branch; one branch answered five times; age unknown as text."""
    n = _rows(rng, 400, 2500)
    r = abs(_faint(rng, n, 9, 18))
    mood = dict(zip(("office", "field", "remote"), rng.permutation([0.0, 0.2, 0.6]), strict=True))

    def scale(z: Any) -> Any:
        return np.clip(np.round(3.2 + 1.1 * z), 1, 5).astype(int)

    def grow(g: Rng, n: int) -> Columns:
        trust, place = g.standard_normal(n), _pick(g, n, list(mood))
        return {
            "q1_trust": scale(trust), "q2_stay": scale(_bound(g, trust, r, g.standard_normal(n))), "q3_tools": scale(_worth(place, mood) - 0.2 + g.standard_normal(n)),
            "q4_canteen": scale(g.standard_normal(n)), "q5_parking": scale(g.standard_normal(n)), "workplace": place, "age": g.integers(20, 66, n),
            "branch": _pick(g, n, ("Bern", "Basel", "Chur")),
        }  # fmt: skip

    s = Story("What did people tell us?", n, grow, plain=["q4_canteen", "q5_parking", "age"])
    s.effect("correlation", "q2_stay|q1_trust", measures.numeric_pair, direction="+")
    s.effect("group_difference", "q3_tools|workplace", measures.groups, top=max(mood, key=lambda k: mood[k]))
    _alone(s, "small_sample", "branch", ["group_difference", "driver"], "q4_canteen|branch", level="Davos")
    _alone(s, "constant_column", "wave", PAIRED, "wave")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame.loc[g.choice(len(frame), 5, replace=False), "branch"] = "Davos"
        return {"panel.csv": frame.assign(age=_holed(g, frame["age"], 0.03, "n/a"), wave="2023-2")}

    s.spoil, s.csv = spoil, {"sep": ";"}
    return s


def policies(rng: Rng) -> Story:
    """Car policies: counts of claims by bonus class, pay-outs that stop at the cover, regions and cars that go together."""
    n = _rows(rng, 1500, 8000)
    tilt, bonus = rng.uniform(0.5, 1.2), abs(_faint(rng, n, 8, 16))
    cars = ("small", "estate", "van", "sports")

    def grow(g: Rng, n: int) -> Columns:
        region = _pick(g, n, ("coast", "hills", "city", "plain"), (3, 2, 4, 3))
        wish = g.gumbel(size=(n, 4)) + tilt * np.stack([(region == "city"), (region == "hills"), (region == "plain"), (region == "coast")], 1)
        z = g.standard_normal(n)
        return {
            "policy_no": 700_000 + g.permutation(n * 2)[:n], "region": region, "car": np.array(cars, object)[wish.argmax(1)],
            "claims": g.poisson(np.exp(-0.4 + 0.9 * bonus * z - 0.4 * bonus**2)), "bonus_class": np.clip(np.round(8 + 3 * z), 1, 18).astype(int),
            "paid": np.exp(7.0 + 0.9 * g.standard_normal(n)).round(0), "holder_age": g.integers(18, 86, n),
            "premium": (412 + 60 * _t(g, n)).round(2),
        }  # fmt: skip

    s = Story("Was ist an diesen Policen auffällig?", n, grow, plain=["holder_age", "premium"], ids=["policy_no"])
    s.effect("association", "region|car", measures.labels)
    s.effect("correlation", "claims|bonus_class", measures.numeric_pair, direction="+")
    s.trap("identifier_column", "policy_no", PAIRED)
    _alone(s, "censored_values", "paid", ["distribution_shape"], "paid")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        return {"policies.csv": frame.assign(paid=frame["paid"].clip(upper=2500))}

    s.spoil = spoil
    return s


def credit(rng: Rng) -> Story:
    """Loans that fail in two of a hundred: what drives it, and a dunning fee that only comes after."""
    n = _rows(rng, 7000, 14_000)
    pull = {"income_k": -rng.uniform(0.5, 0.9), "utilisation": rng.uniform(0.5, 0.9)}

    def grow(g: Rng, n: int) -> Columns:
        a, b = g.standard_normal((2, n))
        odds = -4.2 + pull["income_k"] * a + pull["utilisation"] * b
        failed = (g.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
        return {
            "loan_id": [f"{v:06x}" for v in g.permutation(n) + 1_500_000], "income_k": np.exp(3.5 + 0.5 * a).round(1), "utilisation": (100 / (1 + np.exp(-b))).round(1),
            "months": g.choice([12, 24, 36, 48, 60], n), "housing": _pick(g, n, ("rent", "own", "family")), "dependants": g.poisson(1.1, n),
            "purpose": _pick(g, n, ("car", "home", "study", "other")), "defaulted": failed, "dunning_fee": np.where(failed == 1, g.uniform(20, 90, n), 0).round(2),
        }  # fmt: skip

    s = Story("What drives defaulted?", n, grow, "driver", {"target": "defaulted"}, plain=["months", "dependants"], ids=["loan_id"])
    for name, slope in pull.items():
        _drives(s, name, "defaulted", measures.binary_target, direction=_sign(slope))
    _alone(s, "target_leakage", "dunning_fee|defaulted", ["driver"], "dunning_fee")
    s.trap("class_imbalance", "defaulted")
    s.parents["dunning_fee"] = ["defaulted"]
    return s


def energy(rng: Rng) -> Story:
    """Buildings' energy: three drivers, one of them a class, one that stops at a cap; half of a split is in both halves."""
    n = _rows(rng, 900, 4000)
    r1, r2 = _faint(rng, n, 8, 16), _faint(rng, n, 7, 12)
    glass = dict(zip(("single", "double", "triple"), (0.55, 0.25, 0.0), strict=True))

    def grow(g: Rng, n: int) -> Columns:
        a, b, pane = g.standard_normal(n), g.standard_normal(n), _pick(g, n, list(glass), (2, 5, 3))
        use = r1 * a + r2 * b + _worth(pane, glass) + 0.9 * _t(g, n, 5)
        return {
            "floor_m2": (900 + 210 * a).round(0), "occupants": np.clip(np.round(60 + 20 * b), 1, None).astype(int), "glazing": pane, "lifts": g.poisson(1.4, n),
            "orientation": _pick(g, n, ("N", "E", "S", "W")), "sprinkler": _pick(g, n, ("Y", "N")), "roof_age": g.integers(0, 45, n), "kwh_m2": (140 + 22 * use).round(1),
        }  # fmt: skip

    s = Story("What drives kwh_m2?", n, grow, "driver", {"target": "kwh_m2"}, plain=["lifts", "roof_age", "sprinkler", "orientation"])
    _drives(s, "floor_m2", "kwh_m2", measures.numeric_pair, direction=_sign(r1))
    _drives(s, "occupants", "kwh_m2", measures.numeric_pair, direction=_sign(r2))
    _drives(s, "glazing", "kwh_m2", _turn(measures.groups), top="single")
    _alone(s, "split_contamination", "fold", (), "fold")
    s.trap("inconsistent_categories", "sprinkler")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame["fold"] = np.where(g.random(len(frame)) < 0.7, "train", "test")
        again = frame[frame["fold"] == "train"].sample(frac=0.06, random_state=int(g.integers(1 << 30))).assign(fold="test")
        mixed = pd.concat([frame, again]).sample(frac=1, random_state=int(g.integers(1 << 30))).reset_index(drop=True)
        return {"buildings.csv": mixed.assign(sprinkler=_miswritten(g, mixed["sprinkler"], 0.12, (str.lower, lambda v: f"{v} ", lambda v: {"Y": "Yes", "N": "No"}[v])))}

    s.spoil = spoil
    return s


def nightshift(rng: Rng) -> Story:
    """Coffee and sick days go together because both go with age; commuting truly adds; a code of -1, a sum of two columns."""
    n = _rows(rng, 1500, 5000)
    share, r = rng.uniform(0.5, 0.65), abs(_faint(rng, n, 8, 14))

    def grow(g: Rng, n: int) -> Columns:
        age, way = g.standard_normal(n), g.standard_normal(n)
        coffee = _bound(g, age, share, g.standard_normal(n))
        sick = 0.55 * age + r * way + np.sqrt(1 - 0.3 - r * r) * _t(g, n, 5)
        early, late = g.gamma(5, 3, n), g.gamma(4, 4, n)
        return {
            "age": (44 + 9 * age).round(0), "coffee_cups": (4 + 1.1 * coffee).round(1), "commute_min": (38 + 9 * way).round(0), "team": _pick(g, n, ("red", "blue", "green", "amber")),
            "early_h": early.round(1), "late_h": late.round(1), "sick_days": (9 + 2.6 * sick).round(1), "shoe_size": g.normal(41, 2.2, n).round(0),
        }  # fmt: skip

    s = Story("Which factors lead to more sick_days?", n, grow, "driver", {"target": "sick_days"}, plain=["shoe_size", "team"])
    _drives(s, "age", "sick_days", measures.numeric_pair, direction="+")
    _drives(s, "commute_min", "sick_days", measures.numeric_pair, direction="+")
    s.trap("confounding", "coffee_cups|sick_days|age", ["driver"])
    s.trap("redundant_columns", "total_h|early_h|late_h")
    s.traps[-1]["bites"] = [{"kinds": list(PAIRED), "columns": ["total_h"]}]
    s.trap("sentinel_values", "commute_min", ["outliers", "distribution_shape"])
    s.parents |= {"coffee_cups": ["age"], "total_h": ["early_h", "late_h"]}

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        total = (frame["early_h"] + frame["late_h"]).round(1)
        return {"staff.csv": frame.assign(commute_min=_holed(g, frame["commute_min"], 0.03, -1), total_h=total)}

    s.spoil = spoil
    return s


def advert(rng: Rng) -> Story:
    """An advert: exercise seems to lower what people spend, which is age alone; the target's own restatement is a column."""
    n = _rows(rng, 1200, 4000)
    r, share = _faint(rng, n, 9, 15), rng.uniform(0.5, 0.65)

    def grow(g: Rng, n: int) -> Columns:
        years, clicks = g.standard_normal(n), g.standard_normal(n)
        sport = _bound(g, years, -share, g.standard_normal(n))
        spend = 0.6 * years + r * clicks + np.sqrt(0.64 - r * r) * g.standard_normal(n)
        told = (120 + 31 * spend).round(2)
        return {
            "years": (39 + 10 * years).round(0), "sport_h": (5 + 1.5 * sport).round(1), "clicks": np.round(40 + 9 * clicks), "basket_eur": told, "browser": _pick(g, n, ("edge", "fox", "blink")),
            "loyalty_points": (told * 3 + g.normal(0, 2, n)).round(0), "city": _pick(g, n, ("Porto", "Braga", "Faro", "Évora")), "hour": g.integers(0, 24, n),
        }  # fmt: skip

    s = Story("What explains basket_eur?", n, grow, "driver", {"target": "basket_eur"}, plain=["hour", "browser", "city"])
    _drives(s, "years", "basket_eur", measures.numeric_pair, direction="+")
    _drives(s, "clicks", "basket_eur", measures.numeric_pair, direction=_sign(r))
    s.trap("confounding", "sport_h|basket_eur|years", ["driver"])
    _alone(s, "target_leakage", "loyalty_points|basket_eur", ["driver"], "loyalty_points")
    s.parents |= {"sport_h": ["years"], "loyalty_points": ["basket_eur"]}
    return s


def tutors(rng: Rng) -> Story:
    """Pupils tutored or not, many answers each: the rows are sure, the pupils are not (their column is declared)."""
    pupils, each = int(rng.integers(30, 70)), int(rng.integers(12, 30))
    while True:
        lasting, arm = rng.standard_normal(pupils), rng.permutation(np.arange(pupils) % 2 == 0)
        if 0.7 < abs(lasting[arm].mean() - lasting[~arm].mean()) * np.sqrt(pupils) / 2 < 1.4:
            break

    def grow(g: Rng, n: int) -> Columns:
        who = np.arange(n) % pupils
        return {
            "pupil": [f"P-{w:03d}" for w in who], "group": np.where(arm[who], "tutored", "usual"), "score": (61 + 8 * lasting[who] + 7 * g.standard_normal(n)).round(1),
            "minutes": g.gamma(6, 3, n).round(1), "room": _pick(g, n, ("A1", "A2", "B1")),
        }  # fmt: skip

    task = {"target": "score", "assignment": "group", "allocation": [0.5, 0.5], "unit": "pupil"}
    s = Story("Did tutoring change score?", pupils * each, grow, "ab", task)
    s.trap("pseudo_replication", "pupil|score")
    s.traps[-1]["bites"] = [{"kinds": ["ab_effect", "group_difference", "driver"], "columns": ["group", "score"]}]
    s.parents = {"pupil": [], "group": ["pupil"], "score": ["pupil"]}
    return s


def dosing(rng: Rng) -> Story:
    """Clinics given one of two doses, patients nested in them; who is the unit is not told, only asked about."""
    clinics, each = int(rng.integers(24, 50)), int(rng.integers(20, 40))
    while True:
        lasting, arm = rng.standard_normal(clinics), rng.permutation(np.arange(clinics) % 2 == 0)
        if 0.7 < abs(lasting[arm].mean() - lasting[~arm].mean()) * np.sqrt(clinics) / 2 < 1.4:
            break

    def grow(g: Rng, n: int) -> Columns:
        who = np.arange(n) % clinics
        return {
            "clinic_id": 300 + who, "arm": np.where(arm[who], "treatment", "control"), "pressure": (131 + 9 * lasting[who] + 10 * _t(g, n)).round(0),
            "age": g.normal(58, 12, n).round(0), "sex": _pick(g, n, ("f", "m")),
        }  # fmt: skip

    task = {"target": "pressure", "assignment": "arm", "allocation": [0.5, 0.5], "unit": "clinic_id"}
    s = Story("Did the treatment change pressure?", clinics * each, grow, "ab", task, ids=["clinic_id"])
    s.trap("pseudo_replication", "clinic_id|pressure")
    s.parents = {"clinic_id": [], "arm": ["clinic_id"], "pressure": ["clinic_id"]}
    s.traps[-1]["bites"] = [{"kinds": ["ab_effect", "group_difference", "driver"], "columns": ["arm", "pressure"]}]
    return s


def signup(rng: Rng) -> Story:
    """A split by a coin that worked: sign-ups lift by a quarter; what was visited before says more than the arm."""
    n = _rows(rng, 7000, 20_000)
    base, lift = rng.uniform(0.07, 0.16), rng.uniform(0.22, 0.34)

    def grow(g: Rng, n: int) -> Columns:
        arm, before = _pick(g, n, ("control", "treatment")), g.poisson(2.2, n)
        p = base * (1 + lift * (arm == "treatment")) * (0.7 + 0.3 * before / 2.2)
        return {"visitor": g.permutation(n) + 10_000, "variant": arm, "visits_before": before, "device": _pick(g, n, ("phone", "laptop", "tablet"), (6, 3, 1)), "signed_up": (g.random(n) < p).astype(int)}

    task = {"target": "signed_up", "assignment": "variant", "allocation": [0.5, 0.5]}
    s = Story("Did the treatment change signed_up?", n, grow, "ab", task, ids=["visitor"])
    s.effect("ab_effect", "variant|signed_up", _turn(measures.groups), top="treatment")
    s.parents["signed_up"] = ["variant", "visits_before"]
    s.parents["variant"] = []
    return s


def revenue(rng: Rng) -> Story:
    """An uneven split in three, heavy-tailed takings: the new page earns more, as its arm is planned at half the size."""
    n = _rows(rng, 3000, 9000)
    shift = rng.uniform(0.17, 0.3)

    def grow(g: Rng, n: int) -> Columns:
        arm, before = _pick(g, n, ("A", "B"), (2, 1)), np.exp(3 + 0.6 * g.standard_normal(n))
        takings = 60 + 14 * (_bound(g, (np.log(before) - 3) / 0.6, 0.5, _t(g, n, 4)) + shift * (arm == "B"))
        return {"page": arm, "takings_before": before.round(2), "country": _pick(g, n, ("PL", "CZ", "SK")), "takings": takings.round(2), "weekday": g.integers(1, 8, n)}

    task = {"target": "takings", "assignment": "page", "allocation": [2 / 3, 1 / 3]}
    s = Story("Is page B better than page A?", n, grow, "ab", task)
    s.effect("ab_effect", "page|takings", _turn(measures.groups), top="B")
    s.parents = {"takings": ["page", "takings_before"]}
    return s


def lopsided(rng: Rng) -> Story:
    """A test whose arms are not of the sizes planned, with a gain that cannot be trusted for it."""
    n = _rows(rng, 5000, 15_000)

    def grow(g: Rng, n: int) -> Columns:
        arm = _pick(g, n, ("old", "new"), (0.54, 0.46))
        return {"arm": arm, "minutes": g.gamma(3, 4, n).round(1), "renewed": (g.random(n) < 0.11 + 0.03 * (arm == "new")).astype(int), "plan": _pick(g, n, ("month", "year"))}

    task = {"target": "renewed", "assignment": "arm", "allocation": [0.5, 0.5]}
    s = Story("Did the new arm raise renewed?", n, grow, "ab", task)
    s.trap("sample_ratio_mismatch", "arm")
    s.traps[-1]["bites"] = [{"kinds": ["ab_effect", "group_difference", "driver", "association"], "columns": ["arm", "renewed"]}]
    return s


def lopsided_three(rng: Rng) -> Story:
    """A test in unequal parts of one to three: the smaller lost a sixth of its users on the way; nothing else differs."""
    n = _rows(rng, 6000, 15_000)

    def grow(g: Rng, n: int) -> Columns:
        arm = _pick(g, n, ("holdout", "exposed"), (0.21, 0.79))
        return {"user": g.permutation(n), "bucket": arm, "spend": np.exp(2 + 0.8 * g.standard_normal(n)).round(2), "os": _pick(g, n, ("ios", "android"))}

    task = {"target": "spend", "assignment": "bucket", "allocation": [0.75, 0.25]}  # in the order of the levels' names
    s = Story("Did exposure change spend?", n, grow, "ab", task, ids=["user"])
    s.trap("sample_ratio_mismatch", "bucket")
    s.parents = {"bucket": [], "spend": []}
    return s


def placebo(rng: Rng) -> Story:
    """A test without an effect: the honest answer is none."""
    n = _rows(rng, 2500, 8000)

    def grow(g: Rng, n: int) -> Columns:
        arm, before = _pick(g, n, ("placebo", "verum")), g.normal(0, 1, n)
        return {"arm": arm, "pain_before": (5 + before).round(1), "pain_after": (4.4 + 0.6 * before + 0.9 * _t(g, n)).round(1), "site": _pick(g, n, ("Lyon", "Gent", "Turin"))}

    task = {"target": "pain_after", "assignment": "arm", "allocation": [0.5, 0.5]}
    s = Story("Did verum change pain_after?", n, grow, "ab", task)
    s.effect("no_effect", "arm|pain_after", _turn(measures.groups))
    s.parents = {"arm": [], "pain_before": [], "pain_after": ["pain_before"]}
    return s


def _dates(rng: Rng, rows: int, freq: str, form: str) -> tuple[pd.DatetimeIndex, Any]:
    start = pd.Timestamp(2005, 1, 3) + pd.Timedelta(days=int(rng.integers(0, 3000)))
    when = pd.date_range(start, periods=rows, freq=freq)
    if form == "quarter":
        return when, [f"{d.year}-Q{d.quarter}" for d in when]
    return when, when.strftime(form)


def _ar(g: Rng, n: int, rho: float) -> Any:
    noise, out = g.standard_normal(n + 50), np.zeros(n + 50)
    for i in range(1, n + 50):
        out[i] = rho * out[i - 1] + np.sqrt(1 - rho * rho) * noise[i]
    return out[50:]


def _shift(s: Story, column: str, when: Any, at: int, size: float, tolerance: int) -> None:
    s.effect("change_point", column, known={"mean_shift": size}, at_date=str(when[at].date()), tolerance_days=tolerance)


def turbine(rng: Rng) -> Story:
    """Hours of a plant: a day's rhythm, a lasting shift at an odd hour, a pump that follows the valve, holes by chance."""
    n, lag = int(rng.integers(900, 1800)), int(rng.integers(2, 6))
    at = int(n * rng.uniform(0.3, 0.7))
    size, beat, tie = float(rng.choice([-1, 1]) * rng.uniform(4, 8)), rng.uniform(2, 4), rng.uniform(0.55, 0.75)
    when, told = _dates(rng, n, "h", "%d.%m.%Y %H:%M")

    def grow(g: Rng, n: int) -> Columns:
        valve = _ar(g, n + lag, 0.4)
        pump = _bound(g, valve[:n], tie, _ar(g, n, 0.3))
        hour = 2 * np.pi * when.hour.to_numpy() / 24
        return {
            "Zeit": told, "Temp": (61 + beat * np.sin(hour + 0.7) + 2.2 * _ar(g, n, 0.3)).round(2), "Druck": (210 + size * (np.arange(n) >= at) + 3.1 * _ar(g, n, 0.3)).round(1),
            "Ventil": (40 + 6 * valve[lag:]).round(2), "Pumpe": (900 + 45 * pump).round(0), "Feuchte": (44 + 3 * _ar(g, n, 0.5)).round(1),
        }  # fmt: skip

    s = Story("Was ist im Verlauf passiert?", n, grow, "ts", {"time": "Zeit"}, flat=["Feuchte"])
    s.effect("seasonality", "Temp", known={"period": 24})
    _shift(s, "Druck", when, at, size, 3)
    s.effect("lag_relation", "Pumpe|Ventil", known={"lag": lag})

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        return {"anlage.csv": frame.assign(Temp=_holed(g, frame["Temp"], 0.02), Pumpe=_holed(g, frame["Pumpe"], 0.01))}

    s.spoil, s.csv = spoil, {"sep": ";", "decimal": ","}
    return s


def exports(rng: Rng) -> Story:
    """Months of trade: a year's rhythm, a steady trend with memory, and a last month that is a third of one."""
    n = int(rng.integers(140, 260))
    slope, swing = float(rng.choice([-1, 1]) * rng.uniform(0.12, 0.3)), rng.uniform(5, 9)
    when, told = _dates(rng, n, "MS", "%b %Y")

    def grow(g: Rng, n: int) -> Columns:
        t = np.arange(n)
        return {
            "month": told, "steel": (320 + slope * (t - n / 2) + 5 * _ar(g, n, 0.3)).round(1), "toys": (140 + swing * np.cos(2 * np.pi * (when.month.to_numpy() - 12) / 12) + 5 * g.standard_normal(n)).round(1),
            "paper": (88 + 4 * _ar(g, n, 0.4)).round(1), "tonnage": (1500 + 60 * g.standard_normal(n)).round(0),
        }  # fmt: skip

    s = Story("How did exports develop?", n, grow, "ts", {"time": "month"}, flat=["paper"])
    s.effect("trend", "steel", known={"slope_per_step": slope}, direction=_sign(slope))
    s.effect("seasonality", "toys", known={"period": 12})
    _alone(s, "incomplete_period", "tonnage", ["trend", "change_point"], "tonnage")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame.loc[len(frame) - 1, "tonnage"] = np.round(frame["tonnage"].iloc[-1] * g.uniform(0.2, 0.45))
        return {"exports.csv": frame}

    s.spoil = spoil
    return s


def quarters(rng: Rng) -> Story:
    """Quarters of two towns' figures that both grew: levels agree, changes do not; one has a rhythm of four."""
    n = int(rng.integers(88, 132))
    up, down, slope = rng.uniform(0.35, 0.6), rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.5)
    _, told = _dates(rng, n, "QS", "quarter")

    def grow(g: Rng, n: int) -> Columns:
        t = np.arange(n)
        return {
            "quarter": told, "births": (200 + up * t + 3 * g.standard_normal(n)).round(1), "cinemas": (90 - down * t / 2 + 2 * g.standard_normal(n)).round(1),
            "visits": (70 + 5 * (t % 4 == 2) - 3 * (t % 4 == 0) + 2.4 * g.standard_normal(n)).round(1), "wage": (31 + slope * t + 4 * g.standard_normal(n)).round(1),
        }  # fmt: skip

    s = Story("What changed over the quarters?", n, grow, "ts", {"time": "quarter"})
    s.effect("trend", "wage", known={"slope_per_step": slope}, direction="+")
    s.effect("seasonality", "visits", known={"period": 4})
    s.trap("spurious_trend_correlation", "births|cinemas", PAIRED)
    return s


def kiosk(rng: Rng) -> Story:
    """Days of a kiosk without its holidays: a week's rhythm, a shift, a lag in stock, and a last day cut short."""
    n, lag = int(rng.integers(500, 900)), int(rng.integers(2, 7))
    at, size = int(n * rng.uniform(0.3, 0.7)), float(rng.choice([-1, 1]) * rng.uniform(7, 14))
    when, told = _dates(rng, n, "D", "%Y/%m/%d")

    def grow(g: Rng, n: int) -> Columns:
        ads = _ar(g, n + lag, 0.3)
        week = when.dayofweek.to_numpy()
        return {
            "day": told, "papers": (210 + 18 * (week == 5) - 14 * (week == 6) + 12 * _ar(g, n, 0.2)).round(0), "ice": (95 + size * (np.arange(n) >= at) + 6 * _ar(g, n, 0.25)).round(1),
            "posters": (30 + 4 * ads[lag:]).round(1), "coffee": (400 + 30 * _bound(g, ads[:n], 0.6, _ar(g, n, 0.2))).round(0), "takings": (2000 + 70 * g.standard_normal(n)).round(1), "tips": (21 + 3 * _ar(g, n, 0.3)).round(2),
        }  # fmt: skip

    s = Story("What happened at the kiosk?", n, grow, "ts", {"time": "day"}, flat=["tips"])
    s.effect("seasonality", "papers", known={"period": 7})
    _shift(s, "ice", when, at, size, 12)
    s.effect("lag_relation", "coffee|posters", known={"lag": lag})
    _alone(s, "incomplete_period", "takings", ["trend", "change_point"], "takings")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame.loc[len(frame) - 1, "takings"] = np.round(frame["takings"].iloc[-1] * g.uniform(0.15, 0.4), 1)
        return {"kiosk.csv": frame.drop(index=g.choice(np.arange(20, n - 20), 6, replace=False).tolist())}

    s.spoil = spoil
    return s


def reservoir(rng: Rng) -> Story:
    """Weeks of a reservoir: two columns that drift and so agree, a third with a steady fall, a fourth that only wanders about."""
    n = int(rng.integers(210, 420))
    slope = -rng.uniform(0.03, 0.06)
    _, told = _dates(rng, n, "W-SUN", "%m/%d/%y")

    def grow(g: Rng, n: int) -> Columns:
        t = np.arange(n)
        return {
            "week_end": told, "level_m": (48 + slope * t + 1.6 * _ar(g, n, 0.3)).round(2), "fish": (900 + 0.9 * t + 25 * g.standard_normal(n)).round(0),
            "boats": (60 + 0.11 * t + 3 * g.standard_normal(n)).round(0), "turbidity": np.exp(1 + 0.4 * _ar(g, n, 0.4)).round(2),
        }  # fmt: skip

    s = Story("How did the reservoir develop?", n, grow, "ts", {"time": "week_end"}, flat=["turbidity"])
    s.effect("trend", "level_m", known={"slope_per_step": slope}, direction="-")
    s.trap("spurious_trend_correlation", "fish|boats", PAIRED)
    return s


def receipts(rng: Rng) -> Story:
    """Receipts and shops: some shops are listed twice, so that a join counts their takings twice; a few are listed never."""
    n, shops = _rows(rng, 1500, 5000), int(rng.integers(60, 200))

    def grow(g: Rng, n: int) -> Columns:
        z = g.standard_normal(n)
        return {
            "receipt": [f"R{v}" for v in g.permutation(n) + 50_000], "shop_id": g.integers(1, shops + 1, n), "amount": np.exp(3 + 0.5 * z).round(2),
            "items": np.clip(np.round(6 + 2 * _bound(g, z, 0.3, g.standard_normal(n))), 1, None).astype(int), "paid_by": _pick(g, n, ("card", "cash", "app")), "minute": g.integers(0, 60, n),
        }  # fmt: skip

    s = Story("Total amount by district?", n, grow, "join", plain=["minute"], ids=["receipt", "shop_id"])
    s.effect("correlation", "items|amount", measures.numeric_pair, direction="+")
    s.trap("join_fanout", "shop_id")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        shop = pd.DataFrame({"shop_id": np.arange(1, shops - 1), "district": _pick(g, shops - 2, ("north", "south", "harbour"))})
        return {"receipts.csv": frame, "shops.csv": _repeated(g, shop, 0.05)}

    s.spoil = spoil
    return s


def library(rng: Rng) -> Story:
    """Loans, members and branches in three files: a member's list has moved people twice; keys are texts with zeros."""
    n, members = _rows(rng, 2500, 6000), int(rng.integers(300, 700))
    gain = dict(zip(("child", "adult", "senior"), rng.permutation([0.0, 0.1, 0.35]), strict=True))
    ages = _pick(rng, members, list(gain), (2, 5, 2))

    def grow(g: Rng, n: int) -> Columns:
        who = g.integers(0, members, n)
        return {
            "member": [f"{w:05d}" for w in who], "branch": _pick(g, n, ("B1", "B2", "B3", "B4")), "days_out": (19 + 6 * (_worth(ages[who], gain) + _t(g, n, 5))).round(0),
            "pages": np.exp(5.4 + 0.5 * g.standard_normal(n)).round(0), "fee": g.exponential(0.8, n).round(2),
        }  # fmt: skip

    s = Story("What is the total fee by age_group?", n, grow, "join", plain=["pages"], ids=["member"])
    s.trap("join_fanout", "member")
    s.parents["days_out"] = ["member", "age_group"]
    s.parents["member"] = ["age_group"]

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        people = pd.DataFrame({"member": [f"{w:05d}" for w in range(members)], "age_group": ages, "street": _pick(g, members, ("Elm", "Oak", "Ash", "Yew"))})
        moved = people.sample(frac=0.04, random_state=3).assign(street="Fir")
        places = pd.DataFrame({"branch": ["B1", "B2", "B3", "B4"], "town": ["Aix", "Arles", "Apt", "Alès"]})
        return {"loans.csv": frame, "members.csv": pd.concat([people, moved]), "branches.csv": places}

    s.spoil = spoil
    return s


def stars(rng: Rng) -> Story:
    """A catalogue of stars in three families over four measures, with a fifth that has two humps, and a few that are wrong."""
    n, k = _rows(rng, 800, 3000), int(rng.integers(3, 5))
    while True:
        middles = rng.normal(0, 1, (k, 4)) * 2.4
        gaps = [np.linalg.norm(a - b) for i, a in enumerate(middles) for b in middles[:i]]
        if min(gaps) > 4.5:
            break

    def grow(g: Rng, n: int) -> Columns:
        of = g.integers(0, k, n)
        x = middles[of] + 0.8 * g.standard_normal((n, 4))
        return {
            "colour": (0.7 + 0.2 * x[:, 0]).round(3), "parallax": (21 + 3 * x[:, 1]).round(2), "metal": (-0.2 + 0.1 * x[:, 2]).round(3), "spin": (90 + 12 * x[:, 3]).round(1),
            "flux": (300 + 45 * (g.choice([-1.6, 1.6], n) + 0.6 * g.standard_normal(n))).round(1), "seeing": (1.1 + 0.12 * g.standard_normal(n)).round(3), "plate": _pick(g, n, ("a", "b", "c", "d")),
        }  # fmt: skip

    s = Story("What is there to see in this catalogue?", n, grow, plain=["plate"])
    s.effect("clusters", "colour|parallax|metal|spin", known={"k": k})
    s.effect("distribution_shape", "flux", shape="bimodal")
    s.effect("outliers", "seeing", known={"count": 7})
    for name in ("colour", "parallax", "metal", "spin"):
        s.parents[name] = ["family"]

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        at = g.choice(len(frame), 7, replace=False)
        frame.loc[at, "seeing"] = (1.1 + g.choice([-1, 1], 7) * g.uniform(0.85, 1.3, 7)).round(3)
        return {"stars.csv": frame}

    s.spoil = spoil
    return s


def leaves(rng: Rng) -> Story:
    """Leaves of four kinds in three measures; a far point makes a line where there is none; three leaves are far off."""
    n, k = _rows(rng, 500, 2000), int(rng.integers(3, 5))
    while True:
        middles = rng.uniform(-5, 5, (k, 3))
        gaps = [np.linalg.norm(a - b) for i, a in enumerate(middles) for b in middles[:i]]
        if min(gaps) > 4.6:
            break

    def grow(g: Rng, n: int) -> Columns:
        x = middles[g.integers(0, k, n)] + 0.75 * g.standard_normal((n, 3))
        return {
            "length_mm": (62 + 5 * x[:, 0]).round(1), "width_mm": (31 + 2 * x[:, 1]).round(1), "stalk_mm": (18 + 1.5 * x[:, 2]).round(1), "lobes": g.poisson(4, n),
            "wax": (12 + 2 * g.standard_normal(n)).round(2), "iron": (55 + 6 * g.standard_normal(n)).round(1), "hairs": (200 + 20 * g.standard_normal(n)).round(0), "light": np.exp(6 + 0.9 * g.standard_normal(n)).round(0),
        }  # fmt: skip

    s = Story("What matters in this data?", n, grow, plain=["lobes"])
    s.effect("clusters", "length_mm|width_mm|stalk_mm", known={"k": k})
    s.effect("outliers", "hairs", known={"count": 5})
    s.effect("distribution_shape", "light", shape="skewed")
    s.trap("leverage_point", "wax|iron", PAIRED)
    for name in ("length_mm", "width_mm", "stalk_mm"):
        s.parents[name] = ["kind"]

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        far = g.choice(len(frame), 6, replace=False)
        frame.loc[far[0], ["wax", "iron"]] = [12 + 2 * 28.0, 55 + 6 * 30.0]
        frame.loc[far[1:], "hairs"] = np.round(200 + g.choice([-1, 1], 5) * g.uniform(140, 190, 5))
        return {"leaves.csv": frame}

    s.spoil = spoil
    return s


def paydays(rng: Rng) -> Story:
    """Wages: years of service seem to pay less, as old trades pay less; within each trade they pay more. Spreads differ by site."""
    n = _rows(rng, 900, 3500)
    trades = {"smith": -1.4, "clerk": -0.3, "nurse": 0.5, "coder": 1.5}
    spread = dict(zip(("plant", "depot", "lab"), rng.permutation([1.0, 1.0, rng.uniform(1.4, 1.9)]), strict=True))

    def grow(g: Rng, n: int) -> Columns:
        trade, site = _pick(g, n, list(trades)), _pick(g, n, list(spread))
        middle = _worth(trade, trades)
        years = -1.1 * middle + g.standard_normal(n)
        wage = 1.3 * middle + rng_slope * (years + 1.1 * middle) + 0.8 * g.standard_normal(n)
        return {
            "trade": trade, "years": (12 + 3 * years).round(1), "wage": (3100 + 320 * wage).round(-1), "site": site, "overtime": (14 + 4 * _worth(site, spread) * g.standard_normal(n)).round(1),
            "badge": _pick(g, n, ("green", "grey")), "km": g.gamma(2, 9, n).round(1),
        }  # fmt: skip

    rng_slope = rng.uniform(0.3, 0.5)
    s = Story("What matters for pay?", n, grow, plain=["badge", "km"])
    s.effect("variance_difference", "overtime|site", measures.spreads)
    s.trap("simpsons_paradox", "years|wage|trade", PAIRED, within_direction="+")
    s.trap("duplicate_rows")
    s.parents |= {"years": ["trade"], "wage": ["trade", "years"], "overtime": ["site"]}
    s.spoil = lambda g, frame: {"wages.csv": _repeated(g, frame, 0.03)}
    return s


def assays(rng: Rng) -> Story:
    """Lab runs: one kit responds to dose the other way, another is noisier, one point far away, one column all the same but one."""
    n = _rows(rng, 600, 2500)
    kits, odd = ("K1", "K2", "K3"), str(rng.choice(["K1", "K2", "K3"]))
    steep, loud = rng.uniform(0.5, 0.8), rng.uniform(1.5, 2.1)

    def grow(g: Rng, n: int) -> Columns:
        kit, lab, dose = _pick(g, n, kits), _pick(g, n, ("Oslo", "Turku")), g.standard_normal(n)
        return {
            "kit": kit, "lab": lab, "dose": (4 + 0.9 * dose).round(2), "signal": (50 + 8 * (np.where(kit == odd, steep, 0.0) * dose + g.standard_normal(n))).round(1),
            "blank": (3 + 0.5 * np.where(lab == "Oslo", loud, 1.0) * g.standard_normal(n)).round(3), "ph": (7.2 + 0.1 * g.standard_normal(n)).round(2), "temp": (21 + 0.7 * g.standard_normal(n)).round(1), "humidity": (44 + 4 * g.standard_normal(n)).round(0),
        }  # fmt: skip

    s = Story("What matters in these runs?", n, grow)
    s.effect("interaction", "signal|dose|kit", level=odd)
    s.effect("variance_difference", "blank|lab", measures.spreads)
    s.trap("leverage_point", "ph|humidity", PAIRED)
    _alone(s, "constant_column", "firmware", PAIRED, "firmware")
    s.parents["signal"] = ["dose", "kit"]

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame["firmware"] = "4.1"
        frame.loc[int(g.integers(len(frame))), "firmware"] = "4.2"
        frame.loc[int(g.integers(len(frame))), ["ph", "humidity"]] = [7.2 + 0.1 * 26, 44 - 4 * 24.0]
        return {"runs.csv": frame}

    s.spoil = spoil
    return s


def greenhouse(rng: Rng) -> Story:
    """Beds: feed helps in one house alone; Fahrenheit among Celsius; two houses' labels go with lamps; one house has four beds."""
    n = _rows(rng, 700, 3000)
    where, steep, tilt = str(rng.choice(["east", "west", "dome"])), rng.choice([-1, 1]) * rng.uniform(0.5, 0.8), rng.uniform(0.6, 1.0)

    def grow(g: Rng, n: int) -> Columns:
        house, feed, z = _pick(g, n, ("east", "west", "dome")), g.standard_normal(n), g.standard_normal(n)
        lamp = np.array(["led", "sodium"], object)[(g.random(n) < 1 / (1 + np.exp(-tilt * (2.0 * (house == "dome") - 1)))).astype(int)]
        return {
            "house": house, "lamp": lamp, "feed_g": (30 + 6 * feed).round(1), "fruit_kg": (4 + 0.9 * (np.where(house == where, steep, 0.0) * feed + g.standard_normal(n))).round(2), "air_c": (23 + 1.6 * z).round(1),
            "soil_moist": (0.4 + 0.05 * (0.22 * (z * z - 1) * 2 + g.standard_normal(n))).round(3), "row_no": g.integers(1, 41, n), "note_score": g.integers(1, 6, n),
        }  # fmt: skip

    s = Story("What do you see in these beds?", n, grow, plain=["row_no", "note_score"])
    s.effect("interaction", "fruit_kg|feed_g|house", level=where)
    s.effect("association", "lamp|house", measures.labels)
    s.effect("nonlinear_association", "soil_moist|air_c", _turn(measures.curve), shape="U")
    s.trap("mixed_units", "air_c", ["outliers", "distribution_shape", "clusters"])
    s.parents["fruit_kg"] = ["feed_g", "house"]

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        hot = g.random(len(frame)) < 0.05
        return {"beds.csv": frame.assign(air_c=frame["air_c"].mask(hot, (frame["air_c"] * 1.8 + 32).round(1)))}

    s.spoil = spoil
    return s


def ferries(rng: Rng) -> Story:
    """Crossings: a line with fewer cars looks late, as it sails in winter; a running number; one ship sailed six times."""
    n = _rows(rng, 1200, 4000)
    season = {"winter": 1.0, "summer": -1.0}

    def grow(g: Rng, n: int) -> Columns:
        time = _pick(g, n, list(season))
        line = np.where(g.random(n) < np.where(time == "winter", 0.78, 0.22), "outer", "inner")
        late = 1.3 * _worth(time, season) - 0.45 * (line == "outer") + g.standard_normal(n)
        return {
            "sailing": g.permutation(n) + 88_000, "time_of_year": time, "line": line, "delay_min": (14 + 5 * late).round(1), "ship": _pick(g, n, ("Freya", "Idun", "Saga")), "cars": g.poisson(40, n), "lorries": g.poisson(6, n),
        }  # fmt: skip

    s = Story("What matters for delays?", n, grow, plain=["cars", "lorries"], ids=["sailing"])
    s.trap("simpsons_paradox", "line|delay_min|time_of_year", PAIRED, within_direction="-")
    s.trap("identifier_column", "sailing", PAIRED)
    _alone(s, "small_sample", "ship", ["group_difference", "driver"], "cars|ship", level="Urd")
    s.parents |= {"line": ["time_of_year"], "delay_min": ["time_of_year", "line"]}

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame.loc[g.choice(len(frame), 4, replace=False), "ship"] = "Urd"
        return {"ferries.csv": frame}

    s.spoil = spoil
    return s


def relapse(rng: Rng) -> Story:
    """Two patients in a hundred relapse: drivers, a capped lab value, patients in both parts of the split but for their number."""
    n = _rows(rng, 7000, 12_000)
    a1, gap = rng.uniform(0.6, 0.9), rng.uniform(0.7, 1.1)

    def grow(g: Rng, n: int) -> Columns:
        z, care = g.standard_normal(n), _pick(g, n, ("home", "clinic"), (3, 2))
        back = (g.random(n) < 1 / (1 + np.exp(4.6 - a1 * z - gap * (care == "home")))).astype(int)
        return {
            "crp": np.exp(1.4 + 0.6 * z).round(2), "care": care, "age": g.normal(57, 13, n).round(0), "marker": (30 + 6 * g.standard_normal(n)).round(2), "smoker": g.integers(0, 2, n), "blood": _pick(g, n, ("0", "A", "B", "AB"), (4, 4, 1, 1)), "relapsed": back,
        }  # fmt: skip

    s = Story("What predicts relapsed?", n, grow, "driver", {"target": "relapsed"}, plain=["age", "smoker", "blood"])
    _drives(s, "crp", "relapsed", measures.binary_target, direction="+")
    _drives(s, "care", "relapsed", _turn(measures.groups), top="home")
    s.trap("class_imbalance", "relapsed")
    _alone(s, "censored_values", "marker", ["distribution_shape"], "marker")
    _alone(s, "split_contamination", "set", (), "set")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame["set"] = np.where(g.random(len(frame)) < 0.75, "train", "holdout")
        again = frame[frame["set"] == "train"].sample(frac=0.05, random_state=int(g.integers(1 << 30))).assign(set="holdout")
        mixed = pd.concat([frame, again]).sample(frac=1, random_state=int(g.integers(1 << 30))).reset_index(drop=True)
        return {"patients.csv": mixed.assign(marker=mixed["marker"].clip(upper=36))}

    s.spoil = spoil
    return s


def clicks_by_text(rng: Rng) -> Story:
    """Letters sent: opening times with a hidden missing code in dates, missing of income by education, one number of many shapes."""
    n = _rows(rng, 800, 4000)
    r = _faint(rng, n, 8, 15)

    def grow(g: Rng, n: int) -> Columns:
        words = g.standard_normal(n)
        return {
            "sent": pd.Series(pd.Timestamp("2021-03-01") + pd.to_timedelta(g.integers(0, 500, n), unit="D")).dt.strftime("%Y-%m-%d"), "words": np.round(240 + 50 * words), "seconds": (35 + 8 * _bound(g, words, r, _t(g, n))).round(1),
            "school_years": np.clip(np.round(g.normal(13, 2.4, n)), 6, 22), "income": np.exp(10 + 0.5 * g.standard_normal(n)).round(-2), "subject": _pick(g, n, ("offer", "news", "thanks")), "links": g.poisson(3, n), "cents": g.integers(1, 5000, n),
        }  # fmt: skip

    s = Story("What can be learned from our letters?", n, grow, plain=["subject", "links", "cents"])
    s.effect("correlation", "seconds|words", measures.numeric_pair, direction=_sign(r))
    s.effect("missing_pattern", "income|school_years", direction="-")
    s.trap("sentinel_values", "words", ["outliers", "distribution_shape"])

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        gone = g.random(len(frame)) < 1 / (1 + np.exp(1.8 + 0.45 * (frame["school_years"] - 13)))
        return {"letters.csv": frame.assign(words=_holed(g, frame["words"], 0.03, -99), income=frame["income"].mask(gone))}

    s.spoil = spoil
    return s


def nothing_wide(rng: Rng) -> Story:
    """A table of heavy tails, scales and labels in which nothing goes with anything; one row in thirty is there twice."""
    n = _rows(rng, 500, 4000)

    def grow(g: Rng, n: int) -> Columns:
        return {
            "a": (100 + 12 * _t(g, n, 3)).round(2), "b": np.exp(g.standard_normal(n)).round(3), "c": g.integers(1, 6, n), "d": g.poisson(0.7, n), "e": g.beta(2, 5, n).round(3), "f": _pick(g, n, ("x", "y", "z"), (6, 3, 1)),
            "g": _pick(g, n, [f"S{i}" for i in range(9)]), "h": g.integers(0, 2, n), "i": (5 + g.standard_normal(n)).round(1), "j": g.gamma(2, 30, n).round(0), "k": g.integers(1950, 2006, n), "l": (20 * g.standard_normal(n)).round(2),
        }  # fmt: skip

    s = Story("Is there anything here?", n, grow, "null", plain=["c", "d", "f", "g", "h", "i", "k", "l"])
    s.trap("duplicate_rows")
    s.spoil = lambda g, frame: {"data.csv": _repeated(g, frame, 0.03)}
    return s


def nothing_small(rng: Rng) -> Story:
    """Sixty rows of nothing."""
    n = int(rng.integers(45, 110))

    def grow(g: Rng, n: int) -> Columns:
        return {
            "team": _pick(g, n, ("Ajax", "Boca", "Celta")), "goals": g.poisson(1.4, n), "fans_k": np.exp(3 + 0.7 * g.standard_normal(n)).round(1), "rain": _pick(g, n, ("yes", "no")), "minutes": g.normal(94, 2, n).round(1), "cards": g.poisson(3, n), "temp": (14 + 6 * _t(g, n)).round(1),
        }  # fmt: skip

    return Story("What decides these matches?", n, grow, "null", plain=["goals", "rain", "minutes", "cards", "team"])


def nothing_in_time(rng: Rng) -> Story:
    """Weeks in which each column remembers itself and nothing else; none trends, none shifts, none follows another."""
    n = int(rng.integers(200, 500))
    _, told = _dates(rng, n, "W-MON", "%d %b %Y")

    def grow(g: Rng, n: int) -> Columns:
        return {"Woche": told} | {name: (m + sd * _ar(g, n, rho)).round(2) for name, m, sd, rho in (("Anrufe", 300, 22, 0.5), ("Mails", 80, 9, 0.3), ("Wartezeit", 6, 0.8, 0.6), ("Lob", 21, 4, 0.1))}

    return Story("What happened over time?", n, grow, "null", {"time": "Woche"}, flat=["Anrufe", "Mails", "Wartezeit", "Lob"], plain=["Anrufe", "Mails", "Wartezeit", "Lob"])


def nothing_drives(rng: Rng) -> Story:
    """A target that nothing drives, though sites have their own sizes and a number runs along."""
    n = _rows(rng, 800, 3000)

    def grow(g: Rng, n: int) -> Columns:
        return {
            "case_no": np.arange(n) + 1, "age": g.integers(18, 90, n), "site": _pick(g, n, ("north", "south", "east"), (5, 3, 1)), "bmi": (26 + 4 * _t(g, n)).round(1), "visits": g.poisson(4, n), "sex": _pick(g, n, ("F", "M")), "score": g.normal(50, 10, n).round(0), "insurer": _pick(g, n, ("AOK", "TK", "DAK", "KKH", "HEK")),
        }  # fmt: skip

    return Story("What drives score?", n, grow, "null", {"target": "score"}, plain=["age", "site", "bmi", "visits", "sex", "score", "insurer"], ids=["case_no"])


TALES: tuple[Callable[[Rng], Story], ...] = (
    harvest, ward, gym, panel, policies, credit, energy, nightshift, advert, tutors, dosing, signup, revenue, lopsided,
    lopsided_three, placebo, turbine, exports, quarters, kiosk, reservoir, receipts, library, stars, leaves, paydays,
    assays, greenhouse, ferries, relapse, clicks_by_text, nothing_wide, nothing_small, nothing_in_time, nothing_drives,
)  # fmt: skip
