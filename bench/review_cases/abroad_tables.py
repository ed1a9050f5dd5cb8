"""Made-up tables for the third set of notebooks, the same on every call; some speak other languages than English."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases import foreign_tables  # noqa: F401  (a table's seed is its place in the registry)
from bench.review_cases.tables import table


def _chance(logit: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logit)))


@table
def taxi(rng: np.random.Generator) -> pd.DataFrame:
    """The total is the fare and the tip."""
    n = 1500
    km = rng.gamma(2, 2.6, n)
    fare, tip = 3.2 + 2.1 * km + rng.normal(0, 1.4, n), rng.gamma(1.4, 1.5, n)
    return pd.DataFrame(
        {"pickup": (pd.Timestamp("2023-03-01") + pd.to_timedelta(np.sort(rng.integers(0, 90 * 1440, n)), "min")),
         "zone": rng.choice(["airport", "centre", "north", "south"], n), "distance_km": km.round(2),
         "passengers": rng.integers(1, 6, n), "tip": tip.round(2), "fare": fare.clip(3).round(2),
         "total": (fare.clip(3) + tip).round(2)}
    )  # fmt: skip


@table
def kunden(rng: np.random.Generator) -> pd.DataFrame:
    """Customers of a telephone company; the fee is charged to those who have left."""
    n = 1800
    vertrag, alter = rng.choice(["Monat", "Jahr"], n), rng.integers(18, 85, n)
    umsatz = rng.gamma(4, 11, n)
    weg = (rng.random(n) < _chance(-1.6 + 1.1 * (vertrag == "Monat") - 0.01 * (alter - 45))).astype(int)
    umsatz[rng.random(n) < 0.05] = np.nan
    return pd.DataFrame(
        {"kundennr": np.arange(900, 900 + n), "alter": alter, "vertrag": vertrag, "umsatz": umsatz.round(2),
         "region": rng.choice(["Nord", "Ost", "Süd", "West"], n),
         "kuendigungsgebuehr": np.where(weg == 1, rng.gamma(3, 8, n), 0).round(2), "gekuendigt": weg}
    )  # fmt: skip


@table
def pacientes(rng: np.random.Generator) -> pd.DataFrame:
    """120 patients with eight visits each; a patient has one treatment."""
    who = np.repeat(np.arange(1, 121), 8)
    own = rng.normal(0, 14, 120)
    tratamiento = np.where(np.arange(120) % 3 == 0, "nuevo", "habitual")[who - 1]
    glucosa = 130 + own[who - 1] + rng.normal(0, 8, 960)
    edad = rng.integers(30, 80, 120)[who - 1]
    ingreso = (rng.random(960) < _chance(-6 + 0.04 * glucosa)).astype(int)
    return pd.DataFrame(
        {"id_paciente": who, "visita": np.tile(np.arange(1, 9), 120), "tratamiento": tratamiento, "edad": edad,
         "glucosa": glucosa.round(1), "reingreso": ingreso}
    )  # fmt: skip


@table
def stroke(rng: np.random.Generator) -> pd.DataFrame:
    """Four in a hundred had one."""
    n = 5000
    age, glucose = rng.uniform(20, 85, n), rng.gamma(9, 12, n)
    had = (rng.random(n) < _chance(-7.2 + 0.055 * age + 0.006 * glucose)).astype(int)
    glucose[rng.random(n) < 0.04] = np.nan
    return pd.DataFrame(
        {"age": age.round(0), "hypertension": (rng.random(n) < 0.1 + age / 400).astype(int),
         "glucose": glucose.round(1), "bmi": rng.normal(27, 5, n).round(1),
         "smoking": rng.choice(["never", "former", "current"], n), "stroke": had}
    )  # fmt: skip


@table
def ventes(rng: np.random.Generator) -> pd.DataFrame:
    """A shop's sales on each of 800 days."""
    n = 800
    jour, t = pd.date_range("2021-01-01", periods=n), np.arange(n)
    temperature = 12 - 8 * np.cos(2 * np.pi * t / 365.25) + rng.normal(0, 3, n)
    vendu = 900 + 11 * temperature + 0.2 * t + np.where(jour.dayofweek == 5, 240, 0) + rng.normal(0, 60, n)
    return pd.DataFrame({"jour": jour.strftime("%Y-%m-%d"), "temperature": temperature.round(1),
                         "promo": rng.integers(0, 2, n), "ventes": vendu.round(0)})  # fmt: skip


@table
def air(rng: np.random.Generator) -> pd.DataFrame:
    n = 900
    wind = rng.gamma(3, 1.3, n)
    pm = 26 - 2.2 * wind + rng.gamma(2, 4, n)
    pm[rng.random(n) < 0.08] = np.nan
    return pd.DataFrame(
        {"date": pd.date_range("2020-06-01", periods=n).strftime("%d/%m/%Y"), "station": rng.choice(["N", "S"], n),
         "wind": wind.round(1), "temp": rng.normal(14, 7, n).round(1), "pm25": pm.round(1)}
    )  # fmt: skip


@table
def tanks(rng: np.random.Generator) -> pd.DataFrame:
    """Six tanks of forty fish; a tank is fed as a whole."""
    tank = np.repeat(np.arange(1, 7), 40)
    feed = np.where(np.arange(6) % 2 == 0, "insect", "soy")[tank - 1]
    grams = 310 + rng.normal(0, 22, 6)[tank - 1] + rng.normal(0, 25, 240)
    return pd.DataFrame({"tank": tank, "feed": feed, "grams": grams.round(1)})


@table
def classes(rng: np.random.Generator) -> pd.DataFrame:
    """Sixteen classes of 25; the method is the class's."""
    c = np.repeat(np.arange(1, 17), 25)
    grade = 68 + rng.normal(0, 5, 16)[c - 1] + rng.normal(0, 9, 400)
    hours = rng.gamma(4, 1.5, 400)
    return pd.DataFrame({"class_id": c, "method": np.where(c % 2 == 0, "flipped", "lecture"),
                         "hours": hours.round(1), "grade": (grade + hours).round(1)})  # fmt: skip


@table
def survey(rng: np.random.Generator) -> pd.DataFrame:
    """Thirty questions that have nothing to do with working remotely."""
    frame = pd.DataFrame({f"q{i:02d}": rng.integers(1, 8, 240) for i in range(1, 31)})
    frame.insert(0, "remote", rng.choice(["yes", "no"], 240))
    return frame


@table
def invoices(rng: np.random.Generator) -> pd.DataFrame:
    n = 800
    return pd.DataFrame({"invoice": np.arange(1, n + 1), "client": rng.integers(1, 121, n),
                         "amount": rng.gamma(2.5, 180, n).round(2)})  # fmt: skip


@table
def payments(rng: np.random.Generator) -> pd.DataFrame:
    """An invoice is paid in one to four parts."""
    invoice = np.repeat(np.arange(1, 801), rng.integers(1, 5, 800))
    return pd.DataFrame({"invoice": invoice, "paid": rng.gamma(2, 60, len(invoice)).round(2),
                         "method": rng.choice(["card", "wire"], len(invoice))})  # fmt: skip


@table
def clients(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"client": np.arange(1, 121), "segment": rng.choice(["private", "public", "ngo"], 120)})


@table
def therapy(rng: np.random.Generator) -> pd.DataFrame:
    """Keyhole surgery does better for mild and for severe cases, worse over all."""
    n = 1600
    severe = rng.random(n) < 0.5
    keyhole = rng.random(n) < np.where(severe, 0.85, 0.15)
    well = rng.random(n) < np.where(severe, 0.45, 0.85) + 0.07 * keyhole
    return pd.DataFrame({"surgery": np.where(keyhole, "keyhole", "open"),
                         "severity": np.where(severe, "severe", "mild"), "recovered": well.astype(int)})  # fmt: skip


@table
def gym(rng: np.random.Generator) -> pd.DataFrame:
    """Who trains more has more cholesterol over all, since the old train more; within an age it is less."""
    n = 1000
    band = rng.integers(0, 4, n)
    hours = 1.5 + 1.8 * band + rng.normal(0, 0.9, n)
    chol = 150 + 32 * band - 7 * (hours - 1.5 - 1.8 * band) + rng.normal(0, 7, n)
    return pd.DataFrame({"age_band": np.array(["20s", "30s", "40s", "50s"])[band], "hours": hours.round(1),
                         "cholesterol": chol.round(0)})  # fmt: skip


@table
def rents(rng: np.random.Generator) -> pd.DataFrame:
    """Four cities; Nome has four flats."""
    city = np.repeat(["Bath", "Derby", "Luton", "Nome"], [160, 140, 120, 4])
    level = {"Bath": 1350.0, "Derby": 900.0, "Luton": 1010.0, "Nome": 2100.0}
    rent = np.array([level[c] for c in city]) + rng.normal(0, 130, len(city))
    return pd.DataFrame({"city": city, "sqm": rng.integers(25, 120, len(city)), "rent": rent.round(0)})


@table
def adtest(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised experiment."""
    n = 5000
    variant = rng.choice(["blue", "green"], n)
    conv = rng.random(n) < np.where(variant == "green", 0.115, 0.085)
    return pd.DataFrame({"uid": np.arange(n), "variant": variant, "converted": conv.astype(int),
                         "minutes": rng.gamma(2, 3, n).round(2)})  # fmt: skip


@table
def employees(rng: np.random.Generator) -> pd.DataFrame:
    n = 700
    years, rating = rng.gamma(2, 4, n), rng.normal(3.3, 0.7, n).clip(1, 5)
    dept = rng.choice(["finance", "it", "legal", "ops"], n)
    salary = 41000 + 1500 * years + 2600 * rating + np.where(dept == "it", 7000, 0) + rng.normal(0, 5200, n)
    rating[rng.random(n) < 0.11] = np.nan
    return pd.DataFrame({"emp": np.arange(1, n + 1), "dept": dept, "years": years.round(1),
                         "rating": rating.round(2), "salary": salary.round(0)})  # fmt: skip
