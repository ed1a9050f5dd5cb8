"""Made-up tables for the notebooks in other hands' styles, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import table


def _chance(logit: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logit)))


@table
def wages(rng: np.random.Generator) -> pd.DataFrame:
    n = 900
    sector = rng.choice(["care", "industry", "retail", "software"], n)
    schooling, experience = rng.integers(9, 21, n), rng.gamma(2.2, 6, n)
    union = (rng.random(n) < 0.3).astype(int)
    wage = 4 + 0.9 * schooling + 0.18 * experience + np.where(sector == "software", 5, 0) + rng.normal(0, 3.4, n)
    experience[rng.random(n) < 0.06] = np.nan
    return pd.DataFrame(
        {"worker_id": np.arange(1, n + 1), "sector": sector, "schooling": schooling, "experience": experience.round(1),
         "union": union, "hourly_wage": (wage + 1.1 * union).clip(6).round(2)}
    )  # fmt: skip


@table
def loans(rng: np.random.Generator) -> pd.DataFrame:
    """Recoveries and collection calls come only after a default."""
    n = 2500
    income, ratio = rng.lognormal(10.6, 0.45, n), rng.normal(18, 7, n).clip(1)
    bad = (rng.random(n) < _chance(-2.6 + 0.07 * ratio - 0.000008 * income)).astype(int)
    ratio[rng.random(n) < 0.05] = np.nan
    return pd.DataFrame(
        {"loan_id": np.arange(50001, 50001 + n), "grade": rng.choice(list("ABCDE"), n), "income": income.round(0),
         "debt_ratio": ratio.round(1), "amount": rng.gamma(3, 4200, n).round(0),
         "purpose": rng.choice(["car", "house", "wedding", "medical", "other"], n),
         "recovered_amount": np.where(bad == 1, rng.gamma(2, 600, n), 0).round(2),
         "collection_calls": np.where(bad == 1, rng.poisson(4, n) + 1, 0), "defaulted": bad}
    )  # fmt: skip


@table
def energy(rng: np.random.Generator) -> pd.DataFrame:
    n = 730
    day, t = pd.date_range("2022-01-01", periods=n), np.arange(n)
    celsius = 10 - 9 * np.cos(2 * np.pi * t / 365.25) + rng.normal(0, 2.6, n)
    kwh = 320 - 6.5 * celsius + 0.03 * t + np.where(day.dayofweek < 5, 22, 0) + rng.normal(0, 14, n)
    return pd.DataFrame({"day": day.strftime("%Y-%m-%d"), "celsius": celsius.round(1), "kwh": kwh.round(1)})


@table
def pupils(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty schools of forty pupils; a school either has the tutoring programme or has not."""
    school = np.repeat(np.arange(1, 21), 40)
    own, tutored = rng.normal(0, 6, 20), np.arange(20) % 2
    before = 50 + own[school - 1] + rng.normal(0, 9, 800)
    after = before + 4 + 1.5 * tutored[school - 1] + rng.normal(0, 6, 800)
    return pd.DataFrame(
        {"pupil": np.arange(1, 801), "school": school, "tutored": tutored[school - 1], "score_before": before.round(1),
         "score_after": after.round(1)}
    )  # fmt: skip


@table
def harvest(rng: np.random.Generator) -> pd.DataFrame:
    """Eight fields with thirty sample squares each; a field is fertilised as a whole."""
    field = np.repeat(np.arange(1, 9), 30)
    fertiliser = np.where(np.arange(8) % 2 == 0, "compost", "mineral")[field - 1]
    weight = 42 + rng.normal(0, 5, 8)[field - 1] + rng.normal(0, 4, 240)
    return pd.DataFrame({"field": field, "fertiliser": fertiliser, "square": np.tile(np.arange(30), 8), "kg": weight})


@table
def screening(rng: np.random.Generator) -> pd.DataFrame:
    """Three in a hundred are ill."""
    n = 4000
    age, marker = rng.normal(55, 11, n), rng.gamma(2, 1.4, n)
    ill = rng.random(n) < _chance(-6.6 + 0.03 * age + 0.38 * marker)
    return pd.DataFrame(
        {"age": age.round(0), "marker_a": marker.round(2), "marker_b": rng.normal(0, 1, n).round(3),
         "bmi": rng.normal(26, 4, n).round(1), "disease": ill.astype(int)}
    )  # fmt: skip


@table
def genes(rng: np.random.Generator) -> pd.DataFrame:
    frame = pd.DataFrame({f"gene_{i:02d}": rng.normal(5, 1, 96).round(3) for i in range(1, 41)})
    frame["tissue"] = np.where(np.arange(96) % 2 == 0, "tumour", "healthy")
    frame.loc[frame["tissue"] == "tumour", "gene_11"] += 0.9
    return frame


@table
def stores(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "store_id": np.arange(1, 41),
            "city": rng.choice(["Bern", "Basel", "Zug"], 40),
            "floor_m2": rng.integers(120, 900, 40),
        }
    )


@table
def store_sales(rng: np.random.Generator) -> pd.DataFrame:
    store, week = np.repeat(np.arange(1, 41), 52), np.tile(np.arange(1, 53), 40)
    revenue = 9000 + 60 * week + rng.normal(0, 2200, 40)[store - 1] + rng.normal(0, 700, len(store))
    return pd.DataFrame({"store_id": store, "week": week, "revenue": revenue.round(2)})


@table
def promos(rng: np.random.Generator) -> pd.DataFrame:
    """A store has up to three campaigns: a key that repeats."""
    store = np.repeat(np.arange(1, 41), rng.integers(1, 4, 40))
    return pd.DataFrame(
        {
            "store_id": store,
            "campaign": rng.choice(["radio", "flyer", "online"], len(store)),
            "budget": rng.integers(2, 40, len(store)) * 100,
        }
    )


@table
def flights(rng: np.random.Generator) -> pd.DataFrame:
    """Over all flights Blue is later; at each airport it is earlier."""
    n = 2400
    airport = rng.choice(["Oslo", "Porto", "Turin"], n)
    late = pd.Series({"Oslo": 31.0, "Porto": 18.0, "Turin": 7.0})[airport].to_numpy()
    blue = rng.random(n) < pd.Series({"Oslo": 0.85, "Porto": 0.5, "Turin": 0.15})[airport].to_numpy()
    delay = late - 4.5 * blue + rng.normal(0, 7, n)
    return pd.DataFrame(
        {"carrier": np.where(blue, "Blue", "Red"), "airport": airport, "distance_km": rng.integers(300, 2900, n),
         "month": rng.integers(1, 13, n), "delay_min": delay.round(1)}
    )  # fmt: skip


@table
def tickets(rng: np.random.Generator) -> pd.DataFrame:
    n = 520
    priority = rng.choice(["high", "low", "normal"], n)
    minutes = rng.gamma(2.5, 28, n) * np.where(priority == "high", 0.6, 1)
    happy = (4.3 - 0.006 * minutes + rng.normal(0, 0.5, n)).clip(1, 5)
    happy[rng.random(n) < 0.14] = np.nan
    return pd.DataFrame(
        {"ticket": np.arange(1, n + 1), "team": rng.choice(["east", "west", "night"], n), "priority": priority,
         "minutes": minutes.round(1), "satisfaction": happy.round(2)}
    )  # fmt: skip


@table
def trial(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised experiment with two arms."""
    n = 3600
    group = rng.choice(["A", "B"], n)
    signed = (rng.random(n) < np.where(group == "B", 0.16, 0.12)).astype(int)
    return pd.DataFrame(
        {"visitor": np.arange(1, n + 1), "group": group, "signed_up": signed, "pages": rng.poisson(3, n) + 1}
    )


@table
def wine(rng: np.random.Generator) -> pd.DataFrame:
    n = 1000
    alcohol, acidity = rng.normal(10.5, 1.1, n), rng.gamma(9, 0.06, n)
    quality = 2.2 + 0.4 * alcohol - 1.6 * acidity + rng.normal(0, 0.8, n)
    return pd.DataFrame(
        {"kind": rng.choice(["red", "white"], n), "alcohol": alcohol.round(2), "acidity": acidity.round(3),
         "sugar": rng.gamma(1.6, 3, n).round(1), "sulphates": rng.normal(0.6, 0.12, n).round(3),
         "quality": quality.round(1)}
    )  # fmt: skip


@table
def clinics(rng: np.random.Generator) -> pd.DataFrame:
    """Waiting times; one site has told of six patients only."""
    site = np.repeat(["Arbon", "Chur", "Sion", "Visp"], [140, 120, 90, 6])
    level = {"Arbon": 21.0, "Chur": 26.0, "Sion": 24.0, "Visp": 13.0}
    wait = np.array([level[s] for s in site]) + rng.gamma(4, 2, len(site)) - 8
    return pd.DataFrame({"site": site, "wait_days": wait.round(0), "age": rng.integers(18, 90, len(site))})


@table
def readings(rng: np.random.Generator) -> pd.DataFrame:
    """Fifty patients, twenty visits each; a patient takes one drug throughout."""
    patient, visit = np.repeat(np.arange(1, 51), 20), np.tile(np.arange(1, 21), 50)
    drug = np.where(np.arange(50) % 2 == 0, "old", "new")[patient - 1]
    pressure = 138 + rng.normal(0, 10, 50)[patient - 1] - 2 * (drug == "new") + rng.normal(0, 6, 1000)
    return pd.DataFrame({"patient": patient, "visit": visit, "drug": drug, "pressure": pressure.round(1)})
