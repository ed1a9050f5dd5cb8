"""Made-up tables for the sixth set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(601)
def subscribers(rng: np.random.Generator) -> pd.DataFrame:
    """The last bill and the number's release come only with a cancellation."""
    n = 1800
    tenure, calls = rng.gamma(2, 14, n).round(0) + 1, rng.poisson(1.3, n)
    contract = rng.choice(["monthly", "yearly"], n, p=[0.55, 0.45])
    gone = happens(rng, -1.6 + 0.5 * calls - 0.025 * tenure + 0.9 * (contract == "monthly"))
    data = rng.gamma(2.4, 4, n).round(1)
    data[rng.random(n) < 0.07] = np.nan
    return pd.DataFrame(
        {"subscriber_id": np.arange(300001, 300001 + n), "plan": rng.choice(["basic", "plus", "pro"], n),
         "contract": contract, "tenure_months": tenure.astype(int), "monthly_fee": rng.choice([9.9, 14.9, 24.9], n),
         "data_gb": data, "support_calls": calls,
         "final_bill_eur": np.where(gone == 1, rng.gamma(3, 16, n), 0).round(2), "cancelled": gone}
    )  # fmt: skip


@drawn(602)
def masts(rng: np.random.Generator) -> pd.DataFrame:
    n = 120
    return pd.DataFrame(
        {"mast_id": [f"M{i:03d}" for i in range(n)], "region": rng.choice(["north", "east", "south"], n),
         "technology": rng.choice(["4G", "5G"], n), "height_m": rng.integers(18, 60, n)}
    )  # fmt: skip


@drawn(603)
def mast_faults(rng: np.random.Generator) -> pd.DataFrame:
    n = 640
    return pd.DataFrame(
        {"fault_id": np.arange(n) + 1, "mast_id": [f"M{i:03d}" for i in rng.integers(0, 120, n)],
         "cause": rng.choice(["power", "storm", "fibre cut", "software"], n),
         "minutes_down": rng.gamma(1.6, 55, n).round(0).astype(int) + 1}
    )  # fmt: skip


@drawn(604)
def mast_tenants(rng: np.random.Generator) -> pd.DataFrame:
    """One row for each operator on a mast: one to three."""
    rows = [
        (f"M{i:03d}", o)
        for i in range(120)
        for o in rng.choice(["Alba", "Cordo", "Novatel"], rng.integers(1, 4), False)
    ]
    return pd.DataFrame(rows, columns=["mast_id", "operator"])


@drawn(605)
def museum_days(rng: np.random.Generator) -> pd.DataFrame:
    days = pd.date_range("2022-01-01", periods=730)
    rain = np.where(rng.random(730) < 0.4, rng.gamma(1.3, 4, 730), 0).round(1)
    temp = 11 - 9 * np.cos(2 * np.pi * (days.dayofyear - 15) / 365) + rng.normal(0, 3, 730)
    mean = 420 + 260 * (days.dayofweek >= 5) + 9 * rain
    return pd.DataFrame(
        {"date": days.strftime("%Y-%m-%d"), "visitors": (mean + rng.normal(0, 85, 730)).round(0).astype(int),
         "rain_mm": rain, "temp_c": temp.round(1)}
    )  # fmt: skip


@drawn(606)
def museums(rng: np.random.Generator) -> pd.DataFrame:
    """Three of the sixty-three are maritime."""
    kind = np.array(["art"] * 24 + ["history"] * 21 + ["science"] * 15 + ["maritime"] * 3)
    rng.shuffle(kind)
    floor = rng.gamma(5, 620, 63).round(0)
    free = rng.choice(["yes", "no"], 63, p=[0.4, 0.6])
    visitors = 30 + 0.022 * floor + 28 * (free == "yes") + 45 * (kind == "maritime") + rng.normal(0, 16, 63)
    return pd.DataFrame(
        {"museum_id": np.arange(63) + 1, "kind": kind, "floor_m2": floor.astype(int), "free_entry": free,
         "staff": (floor / 90 + rng.normal(0, 6, 63)).clip(3).round(0).astype(int), "visitors_k": visitors.round(1)}
    )  # fmt: skip


@drawn(708)
def tours(rng: np.random.Generator) -> pd.DataFrame:
    """Eight guides, each with one style, rated by forty-five visitors each."""
    guide = np.repeat(["Ada", "Ben", "Cleo", "Dov", "Eli", "Fay", "Gus", "Hal"], 45)
    level = np.repeat(rng.normal(0, 0.6, 8), 45)
    style = np.where(np.isin(guide, ["Ada", "Cleo", "Dov", "Hal"]), "stories", "facts")
    rating = (6.8 + 0.3 * (style == "stories") + level + rng.normal(0, 1.1, 360)).clip(1, 10).round(1)
    return pd.DataFrame({"guide": guide, "style": style, "group_size": rng.integers(4, 26, 360), "rating": rating})


@drawn(700)
def assays(rng: np.random.Generator) -> pd.DataFrame:
    """Fourteen donors, sixteen wells each; the medium was given by donor."""
    donor = np.repeat([f"D{i:02d}" for i in range(14)], 16)
    medium = np.where(np.repeat(np.arange(14), 16) % 2 == 0, "serum", "serum-free")
    level = np.repeat(rng.normal(0, 9, 14), 16)
    signal = 62 + 5 * (medium == "serum") + level + rng.normal(0, 4, 224)
    return pd.DataFrame(
        {"donor": donor, "well": np.tile(np.arange(1, 17), 14), "medium": medium, "signal_au": signal.round(2)}
    )


MARKERS = [
    "sodium", "potassium", "calcium", "magnesium", "zinc", "albumin", "bilirubin", "alt", "ast", "creatinine", "urea",
    "urate", "crp", "ferritin", "glucose", "tsh", "b12", "folate",
]  # fmt: skip


@drawn(722)
def bloods(rng: np.random.Generator) -> pd.DataFrame:
    """Eighteen markers, of which urea alone has something to do with readmission, and none with the stay."""
    n = 520
    frame = pd.DataFrame({m: rng.normal(50, 9, n).round(1) for m in MARKERS})
    age = rng.integers(30, 91, n)
    again = happens(rng, -0.7 + 0.03 * (age - 60) + 0.055 * (frame["urea"].to_numpy() - 50))
    frame.insert(0, "patient", np.arange(n) + 1)
    return frame.assign(age=age, stay_days=rng.gamma(3, 2, n).round(1), readmitted=again)


@drawn(610)
def hauls(rng: np.random.Generator) -> pd.DataFrame:
    """Ten vessels with forty hauls each; the gear belongs to the vessel."""
    vessel = np.repeat([f"V{i:02d}" for i in range(10)], 40)
    gear = np.where(np.repeat(np.arange(10), 40) < 5, "beam", "otter")
    hours = rng.uniform(1, 5, 400)
    catch = 90 + 38 * hours + np.repeat(rng.normal(0, 34, 10), 40) + 20 * (gear == "otter") + rng.normal(0, 30, 400)
    return pd.DataFrame(
        {"vessel": vessel, "gear": gear, "depth_m": rng.integers(20, 140, 400), "hours": hours.round(2),
         "catch_kg": catch.clip(5).round(1)}
    )  # fmt: skip


@drawn(611)
def landings(rng: np.random.Generator) -> pd.DataFrame:
    n = 780
    species = rng.choice(["cod", "plaice", "herring", "sole"], n, p=[0.3, 0.3, 0.3, 0.1])
    price = pd.Series(species).map({"cod": 4.1, "plaice": 2.9, "herring": 1.1, "sole": 13.0}).to_numpy()
    return pd.DataFrame(
        {"landing_id": np.arange(n) + 1, "vessel_id": rng.integers(1, 51, n),
         "port": rng.choice(["Urk", "Ijmuiden"], n),
         "species": species, "kg": rng.gamma(2.2, 130, n).round(0).astype(int),
         "eur_per_kg": (price * rng.uniform(0.85, 1.15, n)).round(2)}
    )  # fmt: skip


@drawn(612)
def vessels(rng: np.random.Generator) -> pd.DataFrame:
    length = rng.uniform(9, 38, 50).round(1)
    return pd.DataFrame(
        {"vessel_id": np.arange(1, 51), "length_m": length, "crew": (length / 5).round(0).astype(int) + 1,
         "flag": rng.choice(["NL", "BE", "DK"], 50)}
    )  # fmt: skip


@drawn(613)
def licences(rng: np.random.Generator) -> pd.DataFrame:
    """One row a licence, one to three to a vessel."""
    rows = [
        (v, area, int(rng.integers(5, 60)) * 1000)
        for v in range(1, 51)
        for area in rng.choice(["North Sea", "Channel", "Irish Sea"], rng.integers(1, 4), False)
    ]
    return pd.DataFrame(rows, columns=["vessel_id", "area", "quota_kg"])


@drawn(614)
def policies(rng: np.random.Generator) -> pd.DataFrame:
    """What was paid out is known only once a claim has been made."""
    n = 2000
    age, km = rng.integers(18, 85, n), rng.gamma(4, 3200, n).round(-2)
    free = np.minimum(rng.poisson(6, n), age - 18)
    claimed = happens(rng, -1.0 + 0.00005 * km - 0.11 * free - 0.008 * (age - 45))
    value = rng.lognormal(9.6, 0.5, n).round(-2)
    premium = 180 + 0.011 * value + 0.004 * km - 9 * free + rng.normal(0, 35, n)
    value[rng.random(n) < 0.06] = np.nan
    return pd.DataFrame(
        {"policy_id": np.arange(n) + 50001, "age": age, "region": rng.choice(["coast", "city", "hills", "plain"], n),
         "km_year": km, "car_value": value, "years_claim_free": free, "premium": premium.clip(90).round(2),
         "paid_out_eur": np.where(claimed == 1, rng.gamma(2, 900, n), 0).round(2), "claimed": claimed}
    )  # fmt: skip


@drawn(615)
def motor_claims(rng: np.random.Generator) -> pd.DataFrame:
    """About one claim in fifty was found to be fraud."""
    n = 2600
    late, prior = rng.gamma(1.4, 5, n).round(0), rng.poisson(0.7, n)
    fraud = happens(rng, -5.6 + 0.11 * late + 0.5 * prior)
    return pd.DataFrame(
        {"claim_id": np.arange(n) + 1, "claim_eur": rng.gamma(2, 1300, n).round(0), "days_to_report": late.astype(int),
         "prior_claims": prior, "witnesses": rng.integers(0, 4, n), "fraud": fraud}
    )  # fmt: skip


@drawn(616)
def exams(rng: np.random.Generator) -> pd.DataFrame:
    """Within each track more homework goes with better scores; between tracks it is the other way round."""
    n = 960
    track = rng.choice(["academic", "general", "vocational"], n)
    base = pd.Series(track).map({"academic": 0, "general": 1, "vocational": 2}).to_numpy()
    homework = (3 + 3.2 * base + rng.normal(0, 1.2, n)).clip(0)
    tutoring = happens(rng, -0.6 - 0.3 * base)
    score = 74 - 13 * base + 2.4 * (homework - 3 - 3.2 * base) + 3.5 * tutoring + rng.normal(0, 7, n)
    score = score.clip(0, 100).round(0)
    grade = pd.cut(score, [-1, 39, 49, 64, 79, 100], labels=list("EDCBA")).astype(str)
    return pd.DataFrame(
        {"pupil": np.arange(n) + 1, "track": track, "homework_h": homework.round(1),
         "tutoring": np.where(tutoring == 1, "yes", "no"), "absences": rng.poisson(4, n), "score": score.astype(int),
         "grade": grade}
    )  # fmt: skip


@drawn(617)
def scada(rng: np.random.Generator) -> pd.DataFrame:
    n = 1500
    wind = np.empty(n)
    wind[0] = 8
    for i in range(1, n):
        wind[i] = max(0.2, 8 + 0.93 * (wind[i - 1] - 8) + rng.normal(0, 1.1))
    power = 2000 / (1 + np.exp(-(wind - 9) / 1.3)) + rng.normal(0, 60, n)
    return pd.DataFrame(
        {"time": pd.date_range("2024-02-01", periods=n, freq="h").strftime("%Y-%m-%d %H:%M"), "wind_ms": wind.round(2),
         "gearbox_c": (45 + power.clip(0) / 120 + rng.normal(0, 2, n)).round(1), "power_kw": power.clip(0).round(1)}
    )  # fmt: skip


@drawn(618)
def windpark(rng: np.random.Generator) -> pd.DataFrame:
    """Eight turbines, a hundred days each."""
    anlage = np.repeat([f"WEA{i}" for i in range(1, 9)], 100)
    wind = np.tile(rng.weibull(2.2, 100) * 8, 8) + rng.normal(0, 0.4, 800)
    ertrag = 2.8 * wind.clip(0) ** 1.4 + np.repeat(rng.normal(0, 4, 8), 100) + rng.normal(0, 4, 800)
    tag = np.tile(pd.date_range("2024-05-01", periods=100).strftime("%Y-%m-%d"), 8)
    hersteller = np.where(np.isin(anlage, ["WEA1", "WEA3", "WEA4", "WEA8"]), "Nordex", "Vestas")
    return pd.DataFrame(
        {"tag": tag, "anlage": anlage, "hersteller": hersteller, "wind_ms": wind.clip(0).round(2),
         "ertrag_mwh": ertrag.clip(0).round(2)}
    )  # fmt: skip


@drawn(619)
def bakery(rng: np.random.Generator) -> pd.DataFrame:
    """Five branches, one row each on a hundred and twenty days."""
    level = {"Dock": 212, "Mill": 204, "Park": 219, "Station": 226, "Tower": 209}
    days = pd.date_range("2024-03-01", periods=120)
    rows = [(d.strftime("%Y-%m-%d"), b, m + 34 * (d.dayofweek == 5)) for d in days for b, m in level.items()]
    frame = pd.DataFrame(rows, columns=["date", "branch", "mean"])
    frame["loaves"] = (frame.pop("mean") + rng.normal(0, 16, len(frame))).round(0).astype(int)
    frame["unsold"] = rng.poisson(11, len(frame)).astype(float)
    frame.loc[rng.random(len(frame)) < 0.05, "unsold"] = np.nan
    return frame


@drawn(620)
def branches(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"branch": ["Dock", "Mill", "Park", "Station", "Tower"],
         "city": ["Ghent", "Ghent", "Bruges", "Bruges", "Ghent"],
         "seats": rng.integers(0, 30, 5), "rent_eur": rng.integers(14, 40, 5) * 100}
    )  # fmt: skip


@drawn(621)
def shifts(rng: np.random.Generator) -> pd.DataFrame:
    """Three to five bakers to a branch."""
    rows = [
        (b, f"baker {i}", int(rng.integers(16, 40)))
        for b in ["Dock", "Mill", "Park", "Station", "Tower"]
        for i in range(1, int(rng.integers(4, 7)))
    ]
    return pd.DataFrame(rows, columns=["branch", "baker", "hours_week"])


@drawn(622)
def panaderia(rng: np.random.Generator) -> pd.DataFrame:
    """The dearer the neighbourhood the more it buys; within each, a higher price sells less."""
    n = 600
    barrio = rng.choice(["Centro", "Ensanche", "Puerto", "Vega"], n)
    nivel = pd.Series(barrio).map({"Vega": 0, "Puerto": 1, "Ensanche": 2, "Centro": 3}).to_numpy()
    precio = 0.9 + 0.3 * nivel + rng.normal(0, 0.07, n)
    barras = 120 + 60 * nivel - 140 * (precio - 0.9 - 0.3 * nivel) + rng.normal(0, 12, n)
    return pd.DataFrame({"barrio": barrio, "precio_eur": precio.round(2), "barras": barras.round(0).astype(int)})


@drawn(623)
def renewals(rng: np.random.Generator) -> pd.DataFrame:
    """The letter was drawn by lot and does something for nobody in particular."""
    n = 2400
    letter = rng.permutation(np.repeat(["plain", "personal"], n // 2))
    return pd.DataFrame(
        {"holder": np.arange(n) + 1, "letter": letter, "region": rng.choice(["coast", "city", "hills", "plain"], n),
         "age_band": rng.choice(["18-29", "30-39", "40-49", "50-64", "65+"], n),
         "product": rng.choice(["car", "home", "travel", "pet"], n),
         "renewed": (rng.random(n) < 0.58 + 0.07 * (letter == "personal")).astype(int)}
    )  # fmt: skip


@drawn(624)
def barley_trial(rng: np.random.Generator) -> pd.DataFrame:
    """A field trial: within each of thirty blocks two plots, the fertiliser drawn by lot."""
    block = np.repeat(np.arange(1, 31), 2)
    treatment = np.concatenate([rng.permutation(["none", "nitrogen"]) for _ in range(30)])
    gain = 5.2 + np.repeat(rng.normal(0, 0.5, 30), 2) + 0.6 * (treatment == "nitrogen") + rng.normal(0, 0.35, 60)
    return pd.DataFrame({"block": block, "treatment": treatment, "yield_t_ha": gain.round(2)})


@drawn(625)
def apiary(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"hive": np.arange(1, 10), "built_of": ["wood"] * 5 + ["straw"] * 4,
         "honey_kg": np.concatenate([rng.normal(21, 2, 5), rng.normal(27, 2, 4)]).round(1)}
    )  # fmt: skip


@drawn(626)
def couriers(rng: np.random.Generator) -> pd.DataFrame:
    """Swift is the better courier on short and on long routes, and has most of the long ones."""
    rows = []
    for courier, route, n, rate in [
        ("Swift", "short", 90, 0.96), ("Swift", "long", 460, 0.76),
        ("Relay", "short", 450, 0.90), ("Relay", "long", 100, 0.64),
    ]:  # fmt: skip
        good = rng.permutation(np.arange(n) < round(rate * n)).astype(int)
        rows += [(courier, route, int(g)) for g in good]
    frame = pd.DataFrame(rows, columns=["courier", "route", "on_time"]).sample(frac=1, random_state=5)
    frame.insert(0, "sample_id", np.arange(len(frame)) + 1)
    return frame.reset_index(drop=True)


@drawn(627)
def clinic_visits(rng: np.random.Generator) -> pd.DataFrame:
    """Weights of the heavy animals and fees of the long visits are the ones that are missing more often."""
    n = 640
    animal = rng.choice(["cat", "dog", "rabbit"], n, p=[0.4, 0.45, 0.15])
    weight = np.where(animal == "dog", rng.gamma(6, 3.5, n), np.where(animal == "cat", rng.normal(4.5, 0.9, n), 2.1))
    minutes = rng.gamma(4, 6, n).round(0) + 5
    fee = 18 + 1.6 * minutes + 0.4 * weight + rng.normal(0, 6, n)
    weight[rng.random(n) < np.where(weight > 20, 0.35, 0.06)] = np.nan
    fee[rng.random(n) < 0.08] = np.nan
    return pd.DataFrame(
        {"visit": np.arange(n) + 1, "animal": animal, "weight_kg": weight.round(1), "minutes": minutes.astype(int),
         "fee_eur": fee.round(2)}
    )  # fmt: skip
