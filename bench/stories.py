"""Twenty stories of tables as strangers would send them, and what is true of each; long, as each is a table of its own.

Other trades and languages, heavy tails, coded categories, nested units, zero-inflated counts and dates in many forms.
Nothing here knows how the analyst works.
"""

# ruff: noqa: E501  (a column a line reads worse than a table a glance)
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bench import measures

Rng = np.random.Generator
Columns = dict[str, Any]
Measure = Callable[..., measures.Figures]
PAIRED = [
    "correlation", "group_difference", "driver", "nonlinear_association", "association", "lag_relation", "ab_effect",
]  # fmt: skip


@dataclass
class Story:
    """One table in the making: its question, how its columns grow, what is true of it, and what is done to it after.

    `grow(rng, n)` gives n clean rows. `spoil(rng, frame)` gives the files as they are sent.
    """

    question: str
    rows: int
    grow: Callable[[Rng, int], Columns]
    kind: str = "cross"
    task: dict[str, Any] = field(default_factory=dict)
    effects: list[dict[str, Any]] = field(default_factory=list)
    traps: list[dict[str, Any]] = field(default_factory=list)
    parents: dict[str, list[str]] = field(default_factory=dict)
    plain: list[str] = field(default_factory=list)
    flat: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    spoil: Callable[[Rng, pd.DataFrame], dict[str, pd.DataFrame]] | None = None
    csv: dict[str, Any] = field(default_factory=dict)

    def effect(self, kind: str, columns: str, measure: Measure | None = None, **params: Any) -> None:
        """Note an effect on columns (parted by bars); `known` are figures that hold by construction."""
        known = params.pop("known", {})
        names = columns.split("|")
        self.effects.append({"kind": kind, "columns": names, "params": params, "measure": measure, "known": known})
        if len(names) > 1:
            self.parents.setdefault(names[-1], [])
            self.parents[names[0]] = sorted({*self.parents.get(names[0], []), *names[1:]})

    def trap(self, kind: str, columns: str = "", bites: Sequence[str] = (), **params: Any) -> None:
        """Note a trap on columns (parted by bars); `bites` are the claims on its first two that fall into it."""
        names = columns.split("|") if columns else []
        bitten = [{"kinds": list(bites), "columns": names[:2]}] if bites else []
        self.traps.append({"kind": kind, "columns": names, "params": params, "bites": bitten})


def _levels(rng: Rng, n: int, levels: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
    p = None if weights is None else np.asarray(weights) / sum(weights)
    return np.array(levels, dtype=object)[rng.choice(len(levels), n, p=p)]


def _by(labels: Any, values: dict[Any, float]) -> Any:
    return pd.Series(labels).map(values).to_numpy(float)


def _size(rng: Rng, low: int, high: int) -> int:
    """A number of rows, even on the log scale."""
    return int(np.exp(rng.uniform(np.log(low), np.log(high))))


def _some(rng: Rng, n: int, share: float) -> Any:
    return rng.random(n) < share


def households(rng: Rng) -> Story:
    """German meters: skewed use by floor area and heating, postcodes as numbers, income missing by floor area."""
    lift = {"Gas": 0.0, "Fernwärme": -0.25, "Wärmepumpe": 0.3, "Öl": 0.05}
    slope = rng.uniform(0.25, 0.45)

    def grow(g: Rng, n: int) -> Columns:
        area, heating = g.gamma(9, 11, n), _levels(g, n, list(lift), (5, 2, 2, 1))
        use = np.exp(7.6 + slope * (area - 99) / 33 + _by(heating, lift) + 0.6 * g.standard_normal(n))
        return {
            "Wohnfläche_m2": area.round(1), "Heizung": heating, "Verbrauch kWh": use.round(0),
            "Einkommen": np.exp(10.3 + 0.45 * g.standard_normal(n)).round(-1), "PLZ": _levels(g, n, range(10115, 10141)),
            "Personen": 1 + g.poisson(1.3, n), "Baujahr": g.integers(1890, 2021, n),
        }  # fmt: skip

    s = Story("Was fällt in diesen Daten auf?", _size(rng, 700, 6000), grow, plain=["Baujahr"])
    s.effect("correlation", "Verbrauch kWh|Wohnfläche_m2", measures.numeric_pair, direction="+")
    s.effect("group_difference", "Verbrauch kWh|Heizung", measures.groups, top="Wärmepumpe")
    s.effect("missing_pattern", "Einkommen|Wohnfläche_m2", direction="-")

    def spoil(g: Rng, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        area = frame["Wohnfläche_m2"]
        gone = _some(g, len(frame), 1.0) & (g.random(len(frame)) < 1 / (1 + np.exp(1.8 + 1.3 * (area - 99) / 33)))
        return {"haushalte.csv": frame.assign(**{"Einkommen": frame["Einkommen"].mask(gone)})}

    s.spoil, s.csv = spoil, {"sep": ";", "decimal": ",", "encoding": "cp1252"}
    return s


def survey(rng: Rng) -> Story:
    """A small Spanish survey: one strong relation between a scale of 1 to 10 and minutes waited, and nothing else."""
    r = rng.choice([-1, 1]) * rng.uniform(0.8, 0.88)

    def grow(g: Rng, n: int) -> Columns:
        told = g.standard_normal(n)
        waited = r * told + np.sqrt(1 - r * r) * g.standard_normal(n)
        return {
            "satisfacción": np.clip(np.round(5.5 + 2 * told), 1, 10).astype(int), "espera_min": (42 + 11 * waited).round(1),
            "edad": g.integers(19, 78, n), "sexo": _levels(g, n, ("mujer", "hombre")),
            "distancia_km": g.gamma(3, 2.2, n).round(1), "visitas": g.poisson(2.2, n),
        }  # fmt: skip

    s = Story(
        "¿Qué importa aquí? What matters here?", int(rng.integers(40, 75)), grow, plain=["edad", "sexo", "visitas"]
    )
    s.effect("correlation", "satisfacción|espera_min", measures.numeric_pair, direction="+" if r > 0 else "-")
    return s


def line_test(rng: Rng) -> Story:
    """Presses measured often, assigned to a new oil: rows look sure, machines do not (the unit is declared)."""
    presses, each = int(rng.integers(24, 60)), int(rng.integers(15, 40))
    while True:
        lasting = rng.standard_normal(presses)
        arm = rng.permutation(np.arange(presses) % 2 == 0)
        if 0.6 < abs(lasting[arm].mean() - lasting[~arm].mean()) * np.sqrt(presses) / 2 < 1.5:
            break

    def grow(g: Rng, n: int) -> Columns:
        who = np.arange(n) % presses
        scrap = 4.1 + 0.9 * (0.75 * lasting[who] + 0.66 * g.standard_normal(n))
        oil = np.where(arm[who], "neu", "alt").astype(object)
        return {
            "presse": 300 + 7 * who,
            "öl": oil,
            "ausschuss_prozent": scrap.round(3),
            "temp": g.normal(61, 4, n).round(1),
        }

    s = Story("Does öl change ausschuss_prozent?", presses * each, grow, "ab", plain=["temp"], ids=["presse"])
    s.task = {"target": "ausschuss_prozent", "assignment": "öl", "unit": "presse", "allocation": [0.5, 0.5]}
    s.trap("pseudo_replication", "presse|ausschuss_prozent")
    s.traps[-1]["bites"] = [{"kinds": ["ab_effect", "group_difference"], "columns": ["öl", "ausschuss_prozent"]}]
    s.parents |= {"ausschuss_prozent": ["presse"]}
    return s


def checkout(rng: Rng) -> Story:
    """A large experiment on a checkout: a small true lift in buying, or a lost share of one arm, or neither."""
    form, n = str(rng.choice(["lift", "srm", "both"])), _size(rng, 20_000, 50_000)
    lift, base = (rng.uniform(0.016, 0.024) if form != "srm" else 0.0), rng.uniform(0.05, 0.09)
    lost = 0.035 if form != "lift" else 0.0

    def grow(g: Rng, n: int) -> Columns:
        new = g.random(n) < 0.5 - lost
        bought = g.random(n) < base + lift * new
        return {
            "sessionId": g.permutation(n) + 88_000_000, "experience": np.where(new, "treatment", "control").astype(object),
            "bought": bought.astype(int), "device": _levels(g, n, ("ios", "android", "desktop"), (3, 4, 2)),
            "pageLoadMs": g.gamma(4, 210, n).round(0),
        }  # fmt: skip

    s = Story("Did the new experience change bought?", n, grow, "ab", plain=["device"], ids=["sessionId"])
    s.task = {"target": "bought", "assignment": "experience", "allocation": [0.5, 0.5]}
    if lift:
        s.effect("ab_effect", "bought|experience", measures.groups, top="treatment")
    else:
        s.effect("no_effect", "bought|experience", measures.groups)
        s.parents["bought"] = []
    if lost:
        s.trap("sample_ratio_mismatch", "experience")
    return s


def donations(rng: Rng) -> Story:
    """Letters to donors: gifts are mostly nought, else lognormal; one wording brings more."""
    lift = rng.uniform(0.25, 0.4)

    def grow(g: Rng, n: int) -> Columns:
        arm = g.random(n) < 1 / 3
        given = (g.random(n) < 0.3 + 0.12 * arm) * np.exp(3 + lift * arm + 0.7 * g.standard_normal(n))
        return {
            "letter": np.where(arm, "story", "plain").astype(object), "gift_eur": given.round(2),
            "years_known": g.integers(1, 25, n), "county": _levels(g, n, ("Cork", "Mayo", "Kerry", "Clare", "Galway")),
        }  # fmt: skip

    s = Story(
        "Is gift_eur higher with the story letter?", _size(rng, 4000, 9000), grow, "ab", plain=["years_known", "county"]
    )
    s.task = {"target": "gift_eur", "assignment": "letter", "allocation": [0.6667, 0.3333]}
    s.effect("ab_effect", "gift_eur|letter", measures.groups, top="story")
    return s


def admissions(rng: Rng) -> Story:
    """Two clinics: one is better in each severity and worse over all."""

    def grow(g: Rng, n: int) -> Columns:
        severe = g.random(n) < 0.5
        east = g.random(n) < np.where(severe, 0.8, 0.2)
        fine = g.random(n) < 0.88 - 0.5 * severe + 0.12 * east
        return {
            "klinik": np.where(east, "Ost", "West").astype(object), "geheilt": np.where(fine, "ja", "nein").astype(object),
            "schweregrad": np.where(severe, "schwer", "leicht").astype(object), "alter": g.integers(20, 90, n),
            "kosten": g.lognormal(7, 0.8, n).round(2),
        }  # fmt: skip

    s = Story("Which klinik does better?", _size(rng, 1500, 5000), grow, plain=["alter"])
    s.parents = {"klinik": ["schweregrad"], "geheilt": ["klinik", "schweregrad"]}
    s.trap("simpsons_paradox", "klinik|geheilt|schweregrad", within_direction="+")
    s.effect("association", "geheilt|schweregrad", measures.labels)
    s.parents["geheilt"] = ["klinik", "schweregrad"]
    return s


def _when(rng: Rng, rows: int, freq: str, form: str | None = None) -> tuple[Any, Any]:
    """The dates of a table, and how they are written."""
    dates = pd.date_range(f"{rng.integers(2009, 2017)}-01-05", periods=rows, freq=freq)
    if freq == "MS":
        form = form or str(rng.choice(["%Y-%m", "%m/%Y", "%YM%m", "%b-%y", "%Y-%m-%d"]))
    form = form or str(rng.choice(["%d-%b-%y", "%Y.%m.%d", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%dT00:00:00Z", "%Y%m%d"]))
    return dates, np.asarray(dates.strftime(form), dtype=object)


def _remembering(g: Rng, n: int, rho: float) -> Any:
    steps = g.standard_normal(n + 60) * np.sqrt(1 - rho * rho)
    for i in range(1, n + 60):
        steps[i] += rho * steps[i - 1]
    return steps[60:]


def bakery(rng: Rng) -> Story:
    """Two years and more of days: a week in the sales, a lasting fall in costs, a last day that is half over."""
    n = int(rng.integers(500, 1100))
    dates, written = _when(rng, n, "D")
    where, drop = int(n * rng.uniform(0.3, 0.7)), rng.uniform(1.6, 2.4)
    week = np.array([0.0, -0.4, -0.3, 0.0, 0.4, 1.1, -0.8])

    def grow(g: Rng, rows: int) -> Columns:
        return {
            "Day": written, "loaves": (510 + 34 * week[dates.day_of_week] + 26 * _remembering(g, n, 0.3)).round(0),
            "flour cost": (212 - 9 * drop * (np.arange(n) >= where) + 9 * _remembering(g, n, 0.2)).round(2),
            "rain_mm": g.gamma(0.6, 5, n).round(1), "staff": 5 + g.poisson(2, n),
            "till_total": (1800 + 60 * _remembering(g, n, 0.2)).round(2),
        }  # fmt: skip

    s = Story(
        "What changed over time?", n, grow, "ts", {"time": "Day"}, flat=["loaves", "flour cost", "rain_mm", "staff"]
    )
    s.effect("seasonality", "loaves", known={"period": 7})
    slack = max(3, int(0.02 * n))
    s.effect(
        "change_point", "flour cost",
        lambda y: {"mean_shift": float(np.mean(y[where:]) - np.mean(y[:where]))},
        at_date=str(dates[where].date()), tolerance_days=slack, known={"mean_shift": -9 * drop},
    )  # fmt: skip
    s.trap("incomplete_period", "till_total", ["change_point", "trend"])
    s.parents |= {c: ["Day"] for c in ("loaves", "flour cost")}

    def spoil(g: Rng, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        part = np.where(np.arange(n) == n - 1, g.uniform(0.2, 0.45), 1.0)
        return {"bakery.csv": frame.assign(till_total=(frame["till_total"] * part).round(2))}

    s.spoil = spoil
    return s


def visitors(rng: Rng) -> Story:
    """Months of a town: guests grow and swing through the year; arrears follow orders after some months."""
    n, lag = int(rng.integers(110, 260)), int(rng.integers(1, 6))
    dates, written = _when(rng, n, "MS")
    rise, r = rng.uniform(9, 14) * np.sqrt(12 / n), rng.uniform(0.6, 0.8)

    def grow(g: Rng, rows: int) -> Columns:
        month, told = dates.month.to_numpy(), g.standard_normal(n + lag)
        guests = 60 + 9 * (
            rise * (np.arange(n) / n - 0.5) + 1.6 * np.sin(2 * np.pi * month / 12) + _remembering(g, n, 0.2)
        )
        return {
            "periodo": written, "presenze": guests.round(2), "ordini": (220 + 18 * told[lag:]).round(1),
            "solleciti": (40 + 6 * (r * told[:n] + np.sqrt(1 - r * r) * g.standard_normal(n))).round(2),
            "reclami": g.poisson(9, n),
        }  # fmt: skip

    s = Story("What happened over time?", n, grow, "ts", {"time": "periodo"}, flat=["ordini", "solleciti", "reclami"])
    s.effect("trend", "presenze", lambda y: {"slope_per_step": float(np.polyfit(np.arange(n), y, 1)[0])},
             direction="+", known={"slope_per_step": 9 * rise / n})  # fmt: skip
    s.effect("seasonality", "presenze", known={"period": 12})
    s.effect("lag_relation", "ordini|solleciti", known={"lag": lag})
    s.parents |= {"presenze": ["periodo"], "solleciti": ["ordini"], "ordini": []}
    return s


def markets(rng: Rng) -> Story:
    """Two prices that wander, and correlate by that alone."""
    n = int(rng.integers(200, 700))
    _, written = _when(rng, n, "W-FRI")

    def grow(g: Rng, rows: int) -> Columns:
        while True:
            a, b = (np.cumsum(g.standard_t(5, n) * 0.5 + d) for d in g.choice([-1, 1], 2) * g.uniform(0.08, 0.16))
            changes = abs(np.corrcoef(np.diff(a), np.diff(b))[0, 1]) * np.sqrt(n)
            if abs(np.corrcoef(a, b)[0, 1]) > 0.75 and changes < 1.5:
                break
        calm = _remembering(g, n, 0.3)
        return {
            "date": written,
            "tin_usd": (210 + a).round(2),
            "barley": (95 + b).round(2),
            "spread_bp": (40 + 5 * calm).round(1),
        }

    s = Story("What happened over time?", n, grow, "ts", {"time": "date"}, flat=["spread_bp"])
    s.trap("spurious_trend_correlation", "tin_usd|barley", PAIRED)
    s.parents = {"tin_usd": ["_a"], "barley": ["_b"]}
    return s


def churn(rng: Rng) -> Story:
    """Phone customers: who leaves, with coded plans, a rare outcome, and a fee that only leavers are charged."""
    risk = {1: 0.0, 2: 0.2, 3: 1.3, 4: -0.2}

    def grow(g: Rng, n: int) -> Columns:
        months, calls, plan = (
            g.gamma(2.5, 11, n),
            g.poisson(1.4, n),
            _levels(g, n, list(risk), (4, 3, 2, 1)).astype(int),
        )
        told = -3.5 - 0.75 * (months - 27.5) / 17.4 + 0.5 * (calls - 1.4) / 1.18 + _by(plan, risk)
        left = g.random(n) < 1 / (1 + np.exp(-told))
        fee = np.where(left, g.gamma(20, 2, n), 0) + (g.random(n) < 0.004) * 40
        return {
            "CustomerID": g.permutation(n) + 1, "tenure_months": months.round(0), "support_calls": calls, "plan_code": plan,
            "churned": left.astype(int), "final_fee": fee.round(2), "bill": g.gamma(9, 5, n).round(2),
            "state": _levels(g, n, ("OH", "TX", "NY", "WA", "FL", "MN")),
        }  # fmt: skip

    s = Story(
        "What drives churned?", _size(rng, 5000, 20_000), grow, "driver", {"target": "churned"}, ids=["CustomerID"]
    )
    s.effect("driver", "churned|tenure_months", _turned(measures.binary_target), direction="-")
    s.effect("driver", "churned|support_calls", _turned(measures.binary_target), direction="+")
    s.effect("driver", "churned|plan_code", lambda y, x: {"eta2": measures.groups(y, x)["eta2"]})
    s.trap("target_leakage", "final_fee|churned", PAIRED)
    s.trap("class_imbalance", "churned")
    s.parents["final_fee"], s.plain = ["churned"], ["state"]
    return s


def _turned(measure: Measure) -> Measure:
    return lambda y, x: measure(x, y)


def sensors(rng: Rng) -> Story:
    """A plant's log: a code for failure, lengths in two units, a limit of detection, a constant, a few stray values."""
    sign = rng.choice([-1, 1])

    def grow(g: Rng, n: int) -> Columns:
        load = g.standard_normal(n)
        return {
            "記録番号": np.arange(n) * 3 + 5001, "давление": (6.2 + 0.8 * load).round(3),
            "вибрация": (31 + 4 * (0.45 * sign * load + 0.9 * g.standard_normal(n))).round(2),
            "rod_length": (48 + 5 * g.standard_normal(n)).round(2), "nox_ppb": g.gamma(5, 4, n).round(1),
            "линия": _levels(g, n, ("А", "Б", "В")), "firmware": np.full(n, "v2.1", dtype=object),
            "torque": (140 + 12 * g.standard_normal(n)).round(1),
        }  # fmt: skip

    s = Story("What stands out here?", _size(rng, 900, 8000), grow, ids=["記録番号"], plain=["линия"])
    s.effect("correlation", "вибрация|давление", measures.numeric_pair, direction="+" if sign > 0 else "-")
    s.effect("outliers", "torque", known={"count": 9})
    s.trap("sentinel_values", "давление", ["outliers"])
    s.trap("mixed_units", "rod_length", ["outliers", "clusters", "distribution_shape"])
    s.trap("censored_values", "nox_ppb")
    s.trap("constant_column", "firmware")

    def spoil(g: Rng, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        n, inch = len(frame), _some(g, len(frame), 0.12)
        frame["rod_length"] = frame["rod_length"].mask(inch, (frame["rod_length"] / 2.54).round(2))
        frame["nox_ppb"] = frame["nox_ppb"].clip(lower=float(frame["nox_ppb"].quantile(0.1)))
        frame.loc[_some(g, n, 0.02), "давление"] = -99.0
        far = g.choice(n, 9, replace=False)
        frame.loc[far, "torque"] = np.round(140 + 12 * g.choice([-1, 1], 9) * g.uniform(11, 15, 9), 1)
        return {"log.tsv": frame}

    s.spoil, s.csv = spoil, {"sep": "\t"}
    return s


def orders(rng: Rng) -> Story:
    """Orders and their buyers, under differently named keys; some buyers stand twice."""
    buyers = int(rng.integers(250, 700))

    def grow(g: Rng, n: int) -> Columns:
        hours = g.gamma(4, 6, n)
        return {
            "order_ref": [f"SO-{v}" for v in g.permutation(n) + 70_000], "buyer": 1200 + g.integers(0, buyers, n),
            "amount": g.lognormal(4, 0.7, n).round(2), "pick_hours": hours.round(1),
            "errors": g.poisson(np.exp(-1 + 0.035 * hours)),
        }  # fmt: skip

    s = Story("What is the total amount by segment?", _size(rng, 1500, 5000), grow, "join", ids=["order_ref", "buyer"])
    s.effect("correlation", "errors|pick_hours", measures.numeric_pair, direction="+")
    s.trap("join_fanout", "buyer")
    s.parents |= {"segment": []}

    def spoil(g: Rng, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        who = pd.DataFrame(
            {"buyer_number": 1200 + np.arange(buyers), "segment": _levels(g, buyers, ("retail", "trade", "public"))}
        )
        again = who.sample(frac=0.05, random_state=int(g.integers(2**31)))
        again = again.assign(segment=_levels(g, len(again), ("retail", "trade", "public")))
        return {
            "orders.csv": frame,
            "buyers.csv": pd.concat([who, again]).sample(frac=1, random_state=1).reset_index(drop=True),
        }

    s.spoil = spoil
    return s


def pupils(rng: Rng) -> Story:
    """A French school study: too little and too much stress both harm, practice helps one method only, marks spread."""
    helped = str(rng.choice(["projet", "classique", "mixte"]))
    wide = str(rng.choice(["Lyon", "Brest"]))

    def grow(g: Rng, n: int) -> Columns:
        stress, hours, site = g.standard_normal(n), g.standard_normal(n), _levels(g, n, ("Lyon", "Brest"))
        method = _levels(g, n, ("projet", "classique", "mixte"))
        r = np.where(method == helped, 0.75, 0.0)
        gain = r * hours + np.sqrt(1 - r * r) * g.standard_normal(n)
        return {
            "stress": (50 + 9 * stress).round(1), "note_finale": (12 - 1.1 * stress**2 + 2.4 * g.standard_normal(n)).round(2),
            "heures": (14 + 4 * hours).round(1), "progrès": (3 + 1.1 * gain).round(3), "méthode": method, "site": site,
            "absences": (9 + np.where(site == wide, 3.1, 1.9) * g.standard_normal(n)).round(2),
            "âge": g.integers(14, 19, n), "fratrie": g.poisson(1.6, n),
        }  # fmt: skip

    s = Story("Que faut-il retenir? What matters here?", _size(rng, 450, 3000), grow, plain=["âge", "fratrie"])
    s.effect("nonlinear_association", "note_finale|stress", _turned(measures.curve), shape="U")
    s.effect("interaction", "progrès|heures|méthode", level=helped)
    s.effect("variance_difference", "absences|site", measures.spreads, top=wide)
    return s


def assay(rng: Rng) -> Story:
    """A wide null table: few samples, many markers with heavy tails, two groups, no signal at all."""
    wide = int(rng.integers(25, 55))

    def grow(g: Rng, n: int) -> Columns:
        made = {f"mk_{i:03d}": (g.standard_t(6, n) * 1.3 + 8).round(3) for i in range(wide)}
        return made | {"gruppe": _levels(g, n, ("fall", "kontrolle")), "charge": _levels(g, n, (1, 2, 3)).astype(int)}

    s = Story("What stands out here?", int(rng.integers(60, 160)), grow, "null")
    s.plain = ["gruppe", "charge"]
    return s


def clicks(rng: Rng) -> Story:
    """A long null table: skewed, zero-inflated and coded columns that have nothing to do with one another."""

    def grow(g: Rng, n: int) -> Columns:
        return {
            "dwell_s": g.lognormal(3, 1.1, n).round(1), "scrolls": (g.random(n) < 0.4) * g.poisson(6, n),
            "hour": g.integers(0, 24, n), "browser_code": _levels(g, n, (1, 2, 3, 7, 9), (9, 5, 3, 1, 1)).astype(int),
            "is_member": g.integers(0, 2, n), "country": _levels(g, n, ("DE", "FR", "IT", "PL", "ES", "NL"), (9, 7, 5, 3, 2, 1)),
            "scroll_px": g.pareto(2.6, n).round(3), "score": g.beta(2, 5, n).round(4),
        }  # fmt: skip

    return Story(
        "What should I know about this table?",
        _size(rng, 8000, 50_000),
        grow,
        "null",
        plain=["hour", "is_member", "country"],
    )


def heart(rng: Rng) -> Story:
    """Blood pressure: age drives it, and pills go with age only; a clinic's code and salt matter."""
    salt, age_share = rng.uniform(0.3, 0.42), rng.uniform(0.5, 0.62)

    def grow(g: Rng, n: int) -> Columns:
        age, eaten = g.standard_normal(n), g.standard_normal(n)
        pills = 0.8 * age + 0.6 * g.standard_normal(n)
        pressure = age_share * age + salt * eaten + 0.7 * g.standard_t(8, n)
        return {
            "age": (57 + 11 * age).round(0), "pills_per_day": (6 + 2 * pills).round(2), "salt_g": (8.4 + 2.1 * eaten).round(2),
            "systolic": (131 + 14 * pressure).round(0), "ward_no": g.integers(1, 7, n), "er_visits": (g.random(n) < 0.2) * g.poisson(2, n),
            "urine_ph": (6.1 + 0.4 * g.standard_normal(n)).round(2),
        }  # fmt: skip

    s = Story(
        "What drives systolic?",
        _size(rng, 600, 4000),
        grow,
        "driver",
        {"target": "systolic"},
        plain=["er_visits", "urine_ph"],
    )
    s.effect("driver", "systolic|age", measures.numeric_pair, direction="+")
    s.effect("driver", "systolic|salt_g", measures.numeric_pair, direction="+")
    s.trap("confounding", "pills_per_day|systolic|age")
    s.parents["pills_per_day"] = ["age"]
    return s


def flats(rng: Rng) -> Story:
    """Flats for sale: skewed prices, the same price in another currency, sums of areas, repeated and untidy rows."""
    b = rng.uniform(0.35, 0.6)

    def grow(g: Rng, n: int) -> Columns:
        living, garden = g.gamma(14, 5.5, n).round(1), g.gamma(2, 40, n).round(1)
        price = np.exp(12.2 + b * (living - 77) / 20.6 + 0.55 * g.standard_normal(n)).round(-2)
        return {
            "price_eur": price, "price_usd": (price * 1.0837).round(0), "living_m2": living, "garden_m2": garden,
            "plot_m2": (living + garden).round(1), "city": _levels(g, n, ("Graz", "Linz", "Wels", "Steyr")),
            "floor": g.integers(0, 9, n), "broker": _levels(g, n, ("Huber", "Moser", "Gruber", "Wolf", "Eder")),
        }  # fmt: skip

    s = Story("What matters in this data?", _size(rng, 500, 5000), grow, plain=["floor", "broker"])
    s.effect("correlation", "price_eur|living_m2", measures.numeric_pair, direction="+")
    s.parents |= {"price_usd": ["price_eur"], "plot_m2": ["living_m2", "garden_m2"]}
    s.trap("redundant_columns", "price_usd|price_eur", PAIRED)
    s.trap("duplicate_rows")
    s.trap("inconsistent_categories", "city")

    def spoil(g: Rng, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        untidy = _some(g, len(frame), 0.15)
        ways: list[Callable[[str], str]] = [
            lambda v: v.upper(),
            lambda v: f" {v}",
            lambda v: v.lower(),
            lambda v: f"{v}.",
        ]
        frame["city"] = [ways[int(g.integers(4))](v) if u else v for v, u in zip(frame["city"], untidy, strict=True)]
        again = frame.sample(frac=g.uniform(0.03, 0.08), random_state=int(g.integers(2**31)))
        return {"flats.csv": pd.concat([frame, again]).sample(frac=1, random_state=2).reset_index(drop=True)}

    s.spoil = spoil
    return s


def shoppers(rng: Rng) -> Story:
    """Groups of buyers of unequal size in three of eight columns, beside a column with two humps and skewed ones."""
    k = int(rng.integers(2, 5))
    sizes = rng.dirichlet(np.full(k, 6.0))
    while sizes.min() < 0.1:
        sizes = rng.dirichlet(np.full(k, 6.0))
    while True:
        centres = rng.uniform(-6, 6, (k, 3))
        far = np.linalg.norm(centres[:, None] - centres[None], axis=2)[np.triu_indices(k, 1)]
        if far.min() > 5.5 and np.ptp(centres, axis=0).min() > 3:
            break

    def grow(g: Rng, n: int) -> Columns:
        who = g.choice(k, n, p=sizes)
        z = centres[who] + g.standard_normal((n, 3)) * g.uniform(0.8, 1.2, 3)
        old = g.random(n) < 0.45
        return {
            "kv_basket": (60 + 7 * z[:, 0]).round(2), "kv_visits": (22 + 2 * z[:, 1]).round(2), "kv_return": (9 + 1.1 * z[:, 2]).round(3),
            "minutes_in_store": np.where(old, 31 + 3 * g.standard_normal(n), 47 + 3 * g.standard_normal(n)).round(1),
            "age": g.normal(44, 9, n).round(0), "noise_db": g.normal(51, 4, n).round(1), "queue": g.poisson(3, n),
            "till": _levels(g, n, ("T1", "T2", "T3")),
        }  # fmt: skip

    s = Story("What stands out here?", _size(rng, 400, 6000), grow, plain=["age", "noise_db", "queue", "till"])
    s.effect("clusters", "kv_basket|kv_visits|kv_return", known={"k": k})
    s.effect("distribution_shape", "minutes_in_store", shape="bimodal")
    s.parents = {c: ["_group"] for c in ("kv_basket", "kv_visits", "kv_return")}
    return s


def loans(rng: Rng) -> Story:
    """A table split for learning, in which some rows stand on both sides; income and region drive the rate."""
    lift = {"Nord": 0.0, "Süd": 0.1, "Ost": 0.75, "West": -0.1}
    b = rng.uniform(0.3, 0.45)

    def grow(g: Rng, n: int) -> Columns:
        income, region = g.standard_normal(n), _levels(g, n, list(lift))
        return {
            "income_k": (48 + 13 * income).round(2), "region": region, "rate": (5.5 + 0.8 * (-b * income + _by(region, lift) + g.laplace(0, 0.7, n))).round(3),
            "age_y": g.normal(45, 11, n).round(1), "set": _levels(g, n, ("train", "test"), (4, 1)), "cards": g.poisson(2, n),
        }  # fmt: skip

    s = Story(
        "Which columns explain rate?",
        _size(rng, 900, 5000),
        grow,
        "driver",
        {"target": "rate"},
        plain=["age_y", "cards"],
    )
    s.effect("driver", "rate|income_k", measures.numeric_pair, direction="-")
    s.effect("driver", "rate|region", lambda y, x: {"eta2": measures.groups(y, x)["eta2"]}, top="Ost")
    s.trap("split_contamination", "set")

    def spoil(g: Rng, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        some = frame[frame["set"] == "train"].sample(frac=0.06, random_state=int(g.integers(2**31))).assign(set="test")
        return {"loans.csv": pd.concat([frame, some]).sample(frac=1, random_state=3).reset_index(drop=True)}

    s.spoil = spoil
    return s


def fish(rng: Rng) -> Story:
    """Catches: two marks that go together, one fish that makes a line, a ground with four rows."""

    def grow(g: Rng, n: int) -> Columns:
        ground = _levels(g, n, ("inshore", "bank", "shelf"), (3, 2, 2))
        odds = _by(ground, {"inshore": 0.25, "bank": 0.5, "shelf": 0.6})
        return {
            "ground": ground, "parasite": np.where(g.random(n) < odds, "present", "absent").astype(object),
            "length_mm": (311 + 34 * g.standard_normal(n)).round(0), "fat_pct": (6.1 + 1.1 * g.standard_normal(n)).round(2),
            "mercury": (0.31 + 0.05 * g.standard_normal(n)).round(3), "hook": _levels(g, n, ("J", "circle"), (2, 1)),
        }  # fmt: skip

    s = Story("What matters in this data?", _size(rng, 500, 2500), grow, plain=["length_mm", "hook"])
    s.effect("association", "parasite|ground", measures.labels)
    s.trap("leverage_point", "fat_pct|mercury", PAIRED)
    s.trap("small_sample", "ground", level="estuary")

    def spoil(g: Rng, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        n = len(frame)
        odd = g.choice(n, 5, replace=False)
        frame.loc[odd[0], ["fat_pct", "mercury"]] = [
            round(6.1 + 1.1 * 0.65 * n**0.5, 2),
            round(0.31 + 0.05 * 0.65 * n**0.5, 3),
        ]
        frame.loc[odd[1:], "ground"] = "estuary"
        return {"fish.csv": frame}

    s.spoil = spoil
    return s


STORIES: tuple[Callable[[Rng], Story], ...] = (
    households, survey, line_test, checkout, donations, admissions, bakery, visitors, markets, churn, sensors, orders,
    pupils, assay, clicks, heart, flats, shoppers, loans, fish,
)  # fmt: skip
