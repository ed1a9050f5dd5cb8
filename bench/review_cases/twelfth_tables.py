"""Made-up tables for the twelfth set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(12101)
def castings(rng: np.random.Generator) -> pd.DataFrame:
    """Castings of one foundry, made on nine presses; only a casting that leaked is reworked."""
    n = 1500
    melt, pressure = rng.normal(690, 12, n), rng.normal(84, 7, n)
    leaky = happens(rng, -1.5 + 0.05 * (melt - 690) - 0.08 * (pressure - 84))
    return pd.DataFrame(
        {
            "casting": np.arange(500001, 500001 + n),
            "press": rng.choice([f"P{i}" for i in range(1, 10)], n),
            "shift": rng.choice(["early", "late", "night"], n, p=[0.4, 0.35, 0.25]),
            "melt_c": melt.round(1),
            "pressure_mpa": pressure.round(1),
            "cycle_s": rng.normal(61, 5, n).round(1),
            "mass_g": (1840 + 1.5 * (pressure - 84) + rng.normal(0, 14, n)).round(0),
            "leaky": leaky,
            "rework_min": np.where(leaky == 1, rng.gamma(4, 6, n) + 3, 0).round(1),
        }
    )


@drawn(12102)
def presses(rng: np.random.Generator) -> pd.DataFrame:
    """One row for each press."""
    return pd.DataFrame(
        {
            "press": [f"P{i}" for i in range(1, 10)],
            "maker": ["Alba", "Alba", "Borg", "Alba", "Borg", "Borg", "Alba", "Borg", "Alba"],
            "installed": rng.integers(1998, 2021, 9),
        }
    )


@drawn(12103)
def press_checks(rng: np.random.Generator) -> pd.DataFrame:
    """Two to five inspections of each press: the key repeats."""
    which = np.repeat([f"P{i}" for i in range(1, 10)], [2, 4, 3, 5, 2, 3, 4, 2, 3])
    return pd.DataFrame(
        {
            "press": which,
            "inspector": rng.choice(["Dahl", "Ek", "Falk"], len(which)),
            "wear_um": rng.gamma(5, 8, len(which)).round(0),
        }
    )


@drawn(12104)
def gearboxes(rng: np.random.Generator) -> pd.DataFrame:
    """Eighteen gearboxes of two suppliers, thirty readings of each; each gearbox has a torque of its own."""
    serial = np.repeat(np.arange(1, 19), 30)
    own = rng.normal(0, 6, 18)
    supplier = np.where(np.arange(18) % 2 == 0, "Kranz", "Loher")
    load = rng.normal(50, 9, 540)
    torque = 210 + own[serial - 1] + 4 * (supplier == "Kranz")[serial - 1] + 0.4 * load + rng.normal(0, 3, 540)
    noise = 61 + 0.5 * own[serial - 1] + 0.08 * load + rng.normal(0, 1.5, 540)
    return pd.DataFrame(
        {
            "serial": [f"GX-{i:03d}" for i in serial],
            "supplier": supplier[serial - 1],
            "run": np.tile(np.arange(1, 31), 18),
            "load_pct": load.round(1),
            "torque_nm": torque.round(1),
            "noise_db": noise.round(1),
        }
    )


@drawn(12105)
def communes(rng: np.random.Generator) -> pd.DataFrame:
    """Within each region richer communes vote more, over all of them less."""
    n = 330
    region = rng.choice(["coast", "hills", "plain"], n)
    base = pd.Series(region).map({"coast": 21.0, "hills": 27.0, "plain": 33.0}).to_numpy()
    level = pd.Series(region).map({"coast": 74.0, "hills": 66.0, "plain": 58.0}).to_numpy()
    income = base + rng.normal(0, 1.6, n)
    people = rng.lognormal(8.6, 0.9, n).round(0).astype(int)
    return pd.DataFrame(
        {
            "commune": [f"C{i:03d}" for i in range(1, n + 1)],
            "region": region,
            "inhabitants": people,
            "income_keur": income.round(2),
            "turnout_pct": (level + 1.3 * (income - base) + rng.normal(0, 2.2, n)).round(1),
            "shops": rng.poisson(people / 310),
            "library_loans": (people * rng.normal(4.1, 0.7, n).clip(1)).round(0).astype(int),
        }
    )


@drawn(12106)
def coursework(rng: np.random.Generator) -> pd.DataFrame:
    """Students of one course; the resit is booked after a failed examination, and not everybody filled in the diary."""
    n = 640
    hours = rng.gamma(6, 1.4, n)
    quiz = np.clip(48 + 2.1 * hours + rng.normal(0, 9, n), 0, 100)
    labs = rng.integers(4, 13, n)
    points = np.clip(8 + 0.55 * quiz + 1.3 * labs + rng.normal(0, 7, n), 0, 100)
    failed = (points < 50).astype(int)
    diary = hours.copy()
    diary[rng.random(n) < 0.17] = np.nan
    return pd.DataFrame(
        {
            "student": np.arange(20240001, 20240001 + n),
            "programme": rng.choice(["chemistry", "geology", "physics"], n, p=[0.45, 0.2, 0.35]),
            "diary_hours": diary.round(1),
            "quiz_pct": quiz.round(1),
            "labs_done": labs,
            "exam_points": points.round(0),
            "failed": failed,
            "resit_slot": np.where(failed == 1, rng.choice(["Aug", "Sep"], n), "none"),
        }
    )


@drawn(12107)
def demand_days(rng: np.random.Generator) -> pd.DataFrame:
    """Three years of a town's electricity, a row a day."""
    n = 1096
    date, t = pd.date_range("2021-01-01", periods=n), np.arange(n)
    celsius = 10.5 - 9.5 * np.cos(2 * np.pi * (t - 20) / 365.25) + rng.normal(0, 2.6, n)
    cold = np.clip(16 - celsius, 0, None)
    load = 1850 + 33 * cold - 210 * (date.dayofweek >= 5) + 0.12 * t + rng.normal(0, 40, n)
    return pd.DataFrame(
        {
            "date": date.strftime("%Y-%m-%d"),
            "celsius": celsius.round(1),
            "wind_ms": rng.gamma(3, 1.5, n).round(1),
            "load_mwh": load.round(0),
        }
    )


@drawn(12108)
def tax_returns(rng: np.random.Generator) -> pd.DataFrame:
    """Returns of which about two in a hundred are wrong on purpose."""
    n = 4000
    cash, years = rng.beta(2, 5, n), rng.integers(1, 30, n)
    return pd.DataFrame(
        {
            "return_no": np.arange(1, n + 1),
            "trade": rng.choice(["building", "catering", "retail"], n),
            "cash_share": cash.round(3),
            "firm_years": years,
            "turnover_eur": rng.lognormal(12.2, 0.8, n).round(0),
            "late_days": rng.poisson(4, n),
            "evasion": happens(rng, -5.1 + 4.5 * cash - 0.03 * years),
        }
    )


@drawn(12109)
def radon_homes(rng: np.random.Generator) -> pd.DataFrame:
    """Homes with a radon reading; the year of building is missing for about one in seven."""
    n = 860
    rock = rng.choice(["clay", "granite", "lime"], n, p=[0.4, 0.25, 0.35])
    cellar = rng.choice(["no", "yes"], n, p=[0.45, 0.55])
    built = rng.integers(1910, 2022, n).astype(float)
    log = 4.1 + 0.7 * (rock == "granite") + 0.45 * (cellar == "yes") - 0.004 * (built - 1960) + rng.normal(0, 0.5, n)
    built[rng.random(n) < 0.14] = np.nan
    return pd.DataFrame(
        {
            "home": np.arange(1, n + 1),
            "rock": rock,
            "cellar": cellar,
            "built": built,
            "rooms_heated": rng.integers(2, 9, n),
            "radon_bq": np.exp(log).round(0),
        }
    )


@drawn(12162)
def yarn_lots(rng: np.random.Generator) -> pd.DataFrame:
    """Eighteen settings of a spinning mill, none of which has to do with the strength of the yarn."""
    n = 240
    settings = {f"set_{i:02d}": rng.normal(0, 1, n).round(3) for i in range(1, 19)}
    return pd.DataFrame(
        {
            "lot": np.arange(1, n + 1),
            "hall": rng.choice(["east", "west"], n),
            **settings,
            "strength_cn": rng.normal(312, 17, n).round(1),
        }
    )


@drawn(12111)
def reminder_trial(rng: np.random.Generator) -> pd.DataFrame:
    """People with an appointment, drawn by lot to get a text message the day before, or none."""
    n = 2600
    text = rng.permutation(np.repeat(["none", "text"], n // 2))
    wait = rng.gamma(3, 9, n)
    missed = happens(rng, -1.55 - 0.55 * (text == "text") + 0.012 * (wait - 27))
    return pd.DataFrame(
        {
            "appointment": np.arange(1, n + 1),
            "drawn_arm": text,
            "wait_days": wait.round(0).astype(int),
            "age": rng.integers(18, 88, n),
            "missed": missed,
        }
    )


@drawn(12112)
def office_survey(rng: np.random.Generator) -> pd.DataFrame:
    """Minutes that visitors of a town's offices waited, and their marks; one office has six answers."""
    office = np.repeat(["harbour", "market", "north", "station"], [6, 230, 190, 210])
    level = pd.Series(office).map({"harbour": 9.0, "market": 21.0, "north": 17.0, "station": 24.0}).to_numpy()
    n = len(office)
    minutes = (level + rng.normal(0, 7, n)).clip(1)
    return pd.DataFrame(
        {
            "answer_id": np.arange(1, n + 1),
            "office": office,
            "channel": rng.choice(["counter", "kiosk"], n, p=[0.7, 0.3]),
            "minutes": minutes.round(0),
            "mark": np.clip(9.3 - 0.09 * minutes + rng.normal(0, 0.9, n), 1, 10).round(1),
            "age": rng.integers(18, 85, n),
        }
    )


@drawn(12113)
def budget_lines(rng: np.random.Generator) -> pd.DataFrame:
    """Lines of a region's budget over five years, in euros."""
    departments = {"health": 17.1, "roads": 16.4, "schools": 16.8, "sports": 14.6}
    parts = []
    for year in range(2019, 2024):
        for name, size in departments.items():
            planned = rng.lognormal(size + 0.04 * (year - 2019), 0.35, 25)
            parts.append(
                pd.DataFrame(
                    {
                        "year": year,
                        "department": name,
                        "planned_eur": planned,
                        "spent_eur": planned * rng.normal(0.96, 0.07, 25),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True).round(0)


@drawn(12114)
def collisions(rng: np.random.Generator) -> pd.DataFrame:
    """Road collisions that the police wrote down, as a newsroom gets them."""
    n = 1250
    limit = rng.choice([30, 50, 70, 100], n, p=[0.25, 0.4, 0.2, 0.15])
    dark = (rng.random(n) < 0.3).astype(int)
    district = rng.choice(["Aldermoor", "Birkdale", "Cray", "Dunmore"], n, p=[0.4, 0.25, 0.2, 0.15])
    severe = happens(rng, -3.0 + 0.022 * limit + 0.55 * dark)
    return pd.DataFrame(
        {
            "collision": np.arange(1, n + 1),
            "date": (pd.Timestamp("2023-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 365, n)), unit="D")).strftime(
                "%Y-%m-%d"
            ),
            "district": district,
            "speed_limit": limit,
            "dark": dark,
            "vehicles": rng.choice([1, 2, 3, 4], n, p=[0.3, 0.5, 0.15, 0.05]),
            "severe": severe,
            "damage_eur": (rng.lognormal(7.6, 0.7, n) * (1 + 0.9 * severe)).round(0),
        }
    )
