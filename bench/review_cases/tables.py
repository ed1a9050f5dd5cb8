"""Small made-up tables for the reviewer's notebooks, the same on every call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

Make = Callable[[np.random.Generator], pd.DataFrame]

TABLES: dict[str, Callable[[], pd.DataFrame]] = {}
"""What makes each table, by its file's name."""


def drawn(seed: int) -> Callable[[Make], Make]:
    """Enter a table under its function's name, drawn from this seed alone; ValueError: the name is taken."""

    def enter(make: Make) -> Make:
        name = make.__name__ + ".csv"
        if name in TABLES:
            raise ValueError(f"There are two tables named {name}: give one of them another name.")
        TABLES[name] = lambda: make(np.random.default_rng(seed))
        return make

    return enter


def table(make: Make) -> Make:
    """Enter a table under its function's name, drawn from a generator seeded by its place."""
    return drawn(len(TABLES) + 1)(make)


def happens(rng: np.random.Generator, logit: np.ndarray) -> np.ndarray:
    """0 or 1 for each row, 1 as often as its log-odds say."""
    return np.asarray((rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(int))


@table
def orders(rng: np.random.Generator) -> pd.DataFrame:
    n = 1200
    shop = rng.choice(["Leeds", "York", "Hull"], n)
    amount = rng.gamma(3, 14, n) + np.where(shop == "York", 9, 0)
    coupon = rng.choice(["yes", "no"], n, p=[0.3, 0.7])
    days = rng.poisson(3, n) + 1
    weight = amount / 20 + rng.normal(0, 0.6, n)
    return pd.DataFrame(
        {"order_id": np.arange(7001, 7001 + n), "customer": rng.integers(1, 320, n), "shop": shop, "coupon": coupon,
         "amount_eur": amount.round(2), "weight_kg": weight.round(2), "delivery_days": days}
    )  # fmt: skip


@table
def customers(rng: np.random.Generator) -> pd.DataFrame:
    n = 320
    return pd.DataFrame(
        {
            "customer": np.arange(1, n + 1),
            "tier": rng.choice(["basic", "plus", "gold"], n),
            "age": rng.integers(18, 80, n),
        }
    )


@table
def contacts(rng: np.random.Generator) -> pd.DataFrame:
    """Several contacts for a customer: a key that repeats."""
    who = np.repeat(np.arange(1, 321), rng.integers(1, 4, 320))
    return pd.DataFrame({"customer": who, "channel": rng.choice(["mail", "phone", "chat"], len(who))})


@table
def patients(rng: np.random.Generator) -> pd.DataFrame:
    n = 640
    age = rng.normal(58, 13, n)
    smoker = rng.choice(["yes", "no"], n, p=[0.35, 0.65])
    pressure = 96 + 0.55 * age + np.where(smoker == "yes", 6, 0) + rng.normal(0, 11, n)
    stay = np.clip(1.5 + 0.05 * age + rng.normal(0, 1.6, n), 0.5, None)
    risk = 1 / (1 + np.exp(-(-6.2 + 0.055 * age + 0.014 * pressure)))
    readmitted = (rng.random(n) < risk).astype(int)
    lactate = np.where(rng.random(n) < 0.08, np.nan, rng.gamma(5, 0.35, n))
    return pd.DataFrame(
        {"age": age.round(0), "smoker": smoker, "systolic": pressure.round(1), "stay_days": stay.round(1),
         "lactate": lactate.round(2), "readmitted": readmitted,
         "readmission_ward": np.where(readmitted == 1, rng.choice(["A", "B"], n), "none"),
         "days_to_return": np.where(readmitted == 1, rng.integers(1, 30, n), 0)}
    )  # fmt: skip


@table
def mailing(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised experiment with two arms."""
    n = 4200
    arm = rng.choice(["control", "treatment"], n)
    bought = (rng.random(n) < np.where(arm == "treatment", 0.145, 0.11)).astype(int)
    return pd.DataFrame(
        {
            "arm": arm,
            "bought": bought,
            "spend": np.where(bought == 1, rng.gamma(4, 11, n), 0).round(2),
            "opens": rng.poisson(1.4, n),
        }
    )


@table
def rats(rng: np.random.Generator) -> pd.DataFrame:
    """Twelve animals, forty measurements of each; the diet belongs to the animal."""
    animal = np.repeat(np.arange(1, 13), 40)
    own = rng.normal(0, 9, 12)
    diet = np.where(np.arange(1, 13) % 2 == 0, "oat", "rye")[animal - 1]
    return pd.DataFrame(
        {
            "animal": animal,
            "diet": diet,
            "day": np.tile(np.arange(40), 12),
            "weight_g": (312 + own[animal - 1] + np.where(diet == "oat", 4, 0) + rng.normal(0, 5, 480)).round(1),
        }
    )


@table
def visits(rng: np.random.Generator) -> pd.DataFrame:
    """Page visits of users: few users, many rows each."""
    user = rng.integers(1, 61, 2400)
    own = rng.normal(0, 25, 61)
    layout = np.where(np.arange(61) % 2 == 0, "new", "old")[user]
    return pd.DataFrame(
        {"user": user, "layout": layout, "seconds": (130 + own[user] + rng.normal(0, 22, 2400)).round(1)}
    )


@table
def admissions(rng: np.random.Generator) -> pd.DataFrame:
    """Pooled, evening students score higher; within each course they score lower."""
    n = 1500
    course = rng.choice(["law", "biology", "design"], n)
    level = {"law": 52.0, "biology": 63.0, "design": 75.0}
    chance = {"law": 0.15, "biology": 0.5, "design": 0.85}
    evening = rng.random(n) < np.array([chance[c] for c in course])
    score = np.array([level[c] for c in course]) - 4 * evening + rng.normal(0, 6, n)
    hours = 14 - np.array([level[c] for c in course]) / 8 + rng.normal(0, 1.1, n)
    return pd.DataFrame(
        {
            "course": course,
            "session": np.where(evening, "evening", "day"),
            "score": score.round(1),
            "study_hours": (hours + 0.08 * score).round(2),
        }
    )


@table
def fraud(rng: np.random.Generator) -> pd.DataFrame:
    """Two rows in a hundred are fraud."""
    n = 5000
    amount, night = rng.gamma(2, 60, n), rng.random(n) < 0.2
    chance = 1 / (1 + np.exp(-(-5.4 + 0.006 * amount + 1.1 * night)))
    return pd.DataFrame(
        {
            "amount": amount.round(2),
            "night": night.astype(int),
            "age_of_card": rng.integers(1, 120, n),
            "merchant_risk": rng.normal(0, 1, n).round(3),
            "fraud": (rng.random(n) < chance).astype(int),
        }
    )


@table
def houses(rng: np.random.Generator) -> pd.DataFrame:
    n = 700
    area, rooms = rng.normal(104, 28, n), rng.integers(2, 7, n)
    price = 900 * area + 11000 * rooms + rng.normal(0, 26000, n) + 60000
    built = rng.integers(1900, 2021, n).astype(float)
    built[rng.random(n) < 0.11] = np.nan
    return pd.DataFrame(
        {
            "area_m2": area.round(1),
            "rooms": rooms,
            "built": built,
            "garden": rng.choice(["yes", "no"], n),
            "district": rng.choice(["north", "south", "harbour"], n),
            "price_eur": price.round(0),
        }
    )


@table
def sensors(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty-four signals and a yield; two signals matter a little."""
    n = 300
    frame = pd.DataFrame({f"s{i:02d}": rng.normal(0, 1, n).round(4) for i in range(1, 25)})
    frame["yield_pct"] = (88 + 0.5 * frame["s07"] + rng.normal(0, 1.5, n)).round(2)
    frame["line"] = rng.choice(["L1", "L2"], n)
    return frame


@table
def sales_by_month(rng: np.random.Generator) -> pd.DataFrame:
    month = pd.date_range("2017-01-01", periods=72, freq="MS")
    t = np.arange(72)
    return pd.DataFrame(
        {
            "month": month.strftime("%Y-%m-%d"),
            "units": (820 + 3.1 * t + 90 * np.sin(2 * np.pi * t / 12) + rng.normal(0, 24, 72)).round(0),
            "returns": (41 + rng.normal(0, 5, 72)).round(0),
        }
    )


@table
def regions(rng: np.random.Generator) -> pd.DataFrame:
    """Satisfaction by region, between 86 and 91: little between them, and one region with five answers."""
    where = np.repeat(["north", "south", "west", "islands"], [220, 180, 160, 5])
    level = {"north": 88.0, "south": 89.5, "west": 87.0, "islands": 91.5}
    return pd.DataFrame(
        {
            "region": where,
            "satisfaction": (np.array([level[w] for w in where]) + rng.normal(0, 4, len(where))).round(1),
            "age": rng.integers(20, 75, len(where)),
        }
    )


@table
def churn(rng: np.random.Generator) -> pd.DataFrame:
    n = 1600
    months, calls, bill = rng.gamma(2.5, 9, n), rng.poisson(1.6, n), rng.normal(41, 9, n)
    left = (rng.random(n) < 1 / (1 + np.exp(-(-0.6 - 0.05 * months + 0.35 * calls)))).astype(int)
    fee = np.where(left == 1, rng.normal(25, 2, n), 0).clip(0)
    return pd.DataFrame(
        {
            "months": months.round(1),
            "support_calls": calls,
            "bill_eur": bill.round(2),
            "plan": rng.choice(["S", "M", "L"], n),
            "closing_fee": fee.round(2),
            "left": left,
        }
    )


@table
def bridges(rng: np.random.Generator) -> pd.DataFrame:
    n = 420
    load, corrosion = rng.normal(38, 9, n), rng.gamma(2, 0.6, n)
    corrosion[rng.random(n) < 0.07] = np.nan
    return pd.DataFrame(
        {
            "bridge": np.arange(1, n + 1),
            "material": rng.choice(["steel", "timber", "concrete"], n),
            "load_t": load.round(1),
            "corrosion_mm": corrosion.round(2),
            "span_m": (20 + load * 0.8 + rng.normal(0, 6, n)).round(1),
        }
    )
