"""Made-up tables of other trades for the fifth set of notebooks, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases import abroad_tables, foreign_tables  # noqa: F401  (theirs are seeded by their place: first)
from bench.review_cases.tables import drawn, happens


@drawn(5101)
def parcels(rng: np.random.Generator) -> pd.DataFrame:
    """A refund is paid only for a parcel that came late."""
    n = 1800
    km, weight = rng.gamma(2.4, 110, n), rng.gamma(1.8, 2.4, n)
    peak = (rng.random(n) < 0.25).astype(int)
    late = happens(rng, -2.3 + 0.0042 * km + 0.9 * peak + 0.05 * weight)
    return pd.DataFrame(
        {"parcel_id": np.arange(90001, 90001 + n), "depot": rng.choice([f"D{i:02d}" for i in range(1, 13)], n),
         "service": rng.choice(["economy", "express", "standard"], n), "km": km.round(1), "weight_kg": weight.round(2),
         "peak_week": peak, "postage": (3 + 0.004 * km + 0.8 * weight + rng.normal(0, 0.6, n)).round(2),
         "late": late, "refund": np.where(late == 1, rng.gamma(3, 2.1, n), 0).round(2)}
    )  # fmt: skip


@drawn(5102)
def depots(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"depot": [f"D{i:02d}" for i in range(1, 13)], "region": rng.choice(["coast", "inland"], 12),
         "docks": rng.integers(4, 30, 12), "opened": rng.integers(1988, 2020, 12)}
    )  # fmt: skip


@drawn(5103)
def depot_shifts(rng: np.random.Generator) -> pd.DataFrame:
    """Three shifts a depot: its key repeats."""
    return pd.DataFrame(
        {"depot": np.repeat([f"D{i:02d}" for i in range(1, 13)], 3), "shift": ["early", "late", "night"] * 12,
         "crew": rng.integers(5, 40, 36)}
    )  # fmt: skip


@drawn(5104)
def vet_visits(rng: np.random.Generator) -> pd.DataFrame:
    """Fifty-four dogs, nine visits each; a dog is fed one diet throughout."""
    dog = np.repeat(np.arange(1, 55), 9)
    diet = np.where(np.arange(54) % 2 == 0, "renal", "standard")[dog - 1]
    creatinine = 128 + rng.normal(0, 16, 54)[dog - 1] - 5 * (diet == "renal") + rng.normal(0, 7, len(dog))
    return pd.DataFrame(
        {"dog_id": dog, "visit": np.tile(np.arange(1, 10), 54), "diet": diet,
         "age": rng.integers(3, 15, 54)[dog - 1], "weight_kg": rng.gamma(9, 2.4, 54)[dog - 1].round(1),
         "creatinine": creatinine.round(1)}
    )  # fmt: skip


@drawn(5105)
def shelter(rng: np.random.Generator) -> pd.DataFrame:
    """The adoption fee is paid by those who adopt."""
    n = 1300
    species, age = rng.choice(["cat", "dog", "rabbit"], n, p=[0.5, 0.4, 0.1]), rng.gamma(1.6, 2.6, n)
    weight = np.where(species == "dog", rng.gamma(6, 3.3, n), rng.gamma(8, 0.5, n))
    adopted = happens(rng, 1.1 - 0.22 * age + 0.5 * (species == "dog"))
    weight[rng.random(n) < 0.07] = np.nan
    return pd.DataFrame(
        {"animal": [f"A{i:05d}" for i in range(1, n + 1)], "species": species, "age_years": age.round(1),
         "weight_kg": weight.round(1), "stray": rng.integers(0, 2, n), "intake_month": rng.integers(1, 13, n),
         "fee_paid": np.where(adopted == 1, rng.integers(4, 20, n) * 10, 0), "adopted": adopted}
    )  # fmt: skip


@drawn(5106)
def archive_items(rng: np.random.Generator) -> pd.DataFrame:
    """Acidity has been measured for two thirds of the items."""
    n = 960
    century = rng.choice([17, 18, 19, 20], n, p=[0.1, 0.2, 0.4, 0.3])
    ph = 6.9 - 0.5 * (century == 19) - 0.25 * (century == 20) + rng.normal(0, 0.35, n)
    brittle = 3.2 - 0.9 * (ph - 6.5) + rng.normal(0, 0.7, n)
    ph[rng.random(n) < 0.34] = np.nan
    return pd.DataFrame(
        {"item": np.arange(1, n + 1), "fonds": rng.choice(["AB", "CH", "GE", "LU", "VD"], n), "century": century,
         "pages": rng.gamma(2, 60, n).round(0) + 1, "ph": ph.round(2), "brittleness": brittle.round(2),
         "digitised": rng.integers(0, 2, n)}
    )  # fmt: skip


@drawn(5107)
def fonds(_: np.random.Generator) -> pd.DataFrame:
    """Two of the five have two keepers: a key that repeats."""
    return pd.DataFrame(
        {"fonds": ["AB", "CH", "CH", "GE", "LU", "VD", "VD"],
         "keeper": ["Amsler", "Brun", "Cottier", "Duc", "Egli", "Favre", "Gros"],
         "shelf_m": [120, 88, 41, 203, 77, 56, 64]}
    )  # fmt: skip


@drawn(5108)
def windfarm(rng: np.random.Generator) -> pd.DataFrame:
    n = 800
    t = np.arange(n)
    gust = rng.normal(0, 1.5, n)
    for i in range(1, n):
        gust[i] += 0.78 * gust[i - 1]
    wind = np.abs(7.5 + 1.8 * np.cos(2 * np.pi * t / 365.25) + gust)
    mwh = (2.1 * wind**1.6 - 0.004 * t + rng.normal(0, 5, n)).clip(0)
    return pd.DataFrame(
        {"day": pd.date_range("2021-03-01", periods=n).strftime("%Y-%m-%d"), "wind_ms": wind.round(2),
         "celsius": (9 - 8 * np.cos(2 * np.pi * t / 365.25) + rng.normal(0, 3, n)).round(1), "mwh": mwh.round(2)}
    )  # fmt: skip


@drawn(5109)
def meters(rng: np.random.Generator) -> pd.DataFrame:
    """Forty-four homes, thirty days each; a home has one tariff."""
    home = np.repeat(np.arange(1, 45), 30)
    tariff = np.where(np.arange(44) % 2 == 0, "flat", "night")[home - 1]
    kwh = 9.5 + rng.normal(0, 2.2, 44)[home - 1] - 0.9 * (tariff == "night") + rng.normal(0, 1.3, len(home))
    return pd.DataFrame(
        {"home": home, "day": np.tile(np.arange(1, 31), 44), "tariff": tariff,
         "people": rng.integers(1, 6, 44)[home - 1], "kwh": kwh.clip(0.3).round(2)}
    )  # fmt: skip


@drawn(5110)
def football(rng: np.random.Generator) -> pd.DataFrame:
    """Goals and points are known only after the whistle."""
    n = 1140
    shots, possession = rng.poisson(12, n), rng.normal(50, 9, n)
    home = rng.integers(0, 2, n)
    goals = rng.poisson(np.exp(-0.6 + 0.055 * shots + 0.2 * home))
    against = rng.poisson(1.25, n)
    points = np.where(goals > against, 3, np.where(goals == against, 1, 0))
    return pd.DataFrame(
        {"match": np.arange(1, n + 1), "club": rng.choice(["Brest", "Lens", "Lille", "Metz", "Nantes"], n),
         "home": home, "shots": shots, "possession": possession.round(1), "fouls": rng.poisson(13, n),
         "goals_for": goals, "goals_against": against, "points": points, "won": (points == 3).astype(int)}
    )  # fmt: skip


@drawn(5111)
def runners(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty-four measures of a season's training and whether an injury came; two of them matter."""
    n = 210
    frame = pd.DataFrame({f"m{i:02d}": rng.normal(0, 1, n).round(3) for i in range(1, 25)})
    frame.insert(0, "runner", np.arange(1, n + 1))
    frame["injured"] = happens(rng, -0.9 + 0.75 * frame["m07"].to_numpy() + 0.3 * frame["m15"].to_numpy())
    return frame


@drawn(5112)
def barley(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised trial: in each of twelve blocks the four treatments were drawn by lot."""
    block = np.repeat(np.arange(1, 13), 4)
    nitrogen = np.concatenate([rng.permutation([0, 40, 80, 120]) for _ in range(12)])
    grain = 3.6 + 0.011 * nitrogen + rng.normal(0, 0.5, 12)[block - 1] + rng.normal(0, 0.35, len(block))
    return pd.DataFrame({"block": block, "nitrogen": nitrogen, "t_per_ha": grain.round(2)})


@drawn(5113)
def orchard(rng: np.random.Generator) -> pd.DataFrame:
    """Over all trees the irrigated are less sweet; within each variety they are sweeter."""
    n = 900
    variety = rng.choice(["Boskoop", "Gala", "Topaz"], n)
    level = pd.Series({"Boskoop": 10.4, "Gala": 14.9, "Topaz": 12.6})[variety].to_numpy()
    wet = rng.random(n) < pd.Series({"Boskoop": 0.85, "Gala": 0.15, "Topaz": 0.5})[variety].to_numpy()
    return pd.DataFrame(
        {"tree": np.arange(1, n + 1), "variety": variety, "irrigated": wet.astype(int),
         "age": rng.integers(4, 25, n), "brix": (level + 0.9 * wet + rng.normal(0, 0.9, n)).round(2)}
    )  # fmt: skip


@drawn(5114)
def staff(rng: np.random.Generator) -> pd.DataFrame:
    """One in twenty leaves; the leaving talk is held with those only."""
    n = 2200
    tenure, hours = rng.gamma(1.9, 3.4, n), rng.normal(41, 4, n)
    pay = 2900 + 95 * tenure + rng.normal(0, 420, n)
    left = happens(rng, -3.5 + 0.1 * (hours - 41) - 0.09 * (tenure - 6))
    engaged = (3.6 - 0.5 * left + rng.normal(0, 0.7, n)).clip(1, 5)
    engaged[rng.random(n) < 0.22] = np.nan
    return pd.DataFrame(
        {"employee": np.arange(1001, 1001 + n), "dept": rng.choice(["finance", "plant", "sales", "support"], n),
         "female": rng.integers(0, 2, n), "tenure": tenure.round(1), "hours": hours.round(1), "pay": pay.round(0),
         "engagement": engaged.round(2), "leaving_talk": left * rng.integers(1, 4, n), "left_company": left}
    )  # fmt: skip


@drawn(5115)
def book_loans(rng: np.random.Generator) -> pd.DataFrame:
    n = 2400
    genre = rng.choice(["comic", "crime", "history", "novel", "travel"], n)
    days = rng.gamma(3.2, 6, n) + np.where(genre == "history", 5, 0)
    return pd.DataFrame(
        {"loan": np.arange(1, n + 1), "patron": rng.integers(1, 401, n),
         "branch": rng.choice(["East", "Mill", "Old Town"], n), "genre": genre,
         "month": rng.integers(1, 13, n), "renewals": rng.poisson(0.6, n), "days_kept": days.round(0),
         "fine": np.where(days > 28, (days - 28) * 0.2, 0).round(2)}
    )  # fmt: skip


@drawn(5116)
def patrons(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"patron": np.arange(1, 401), "age_band": rng.choice(["adult", "child", "senior"], 400),
         "joined": rng.integers(2005, 2024, 400)}
    )  # fmt: skip


@drawn(5117)
def patron_cards(rng: np.random.Generator) -> pd.DataFrame:
    """A patron who lost the card has been given another: the key repeats."""
    patron = np.repeat(np.arange(1, 401), rng.choice([1, 2, 3], 400, p=[0.6, 0.3, 0.1]))
    return pd.DataFrame(
        {"patron": patron, "card": np.arange(1, len(patron) + 1), "deposit": rng.choice([5, 10], len(patron))}
    )


@drawn(5118)
def paywall(rng: np.random.Generator) -> pd.DataFrame:
    """An experiment: each reader was put in one of two variants by lot."""
    n = 5200
    variant = rng.choice(["control", "soft"], n)
    subscribed = happens(rng, -2.5 + 0.32 * (variant == "soft"))
    return pd.DataFrame(
        {"reader": np.arange(1, n + 1), "variant": variant, "device": rng.choice(["desktop", "phone", "tablet"], n),
         "articles": rng.poisson(4, n) + 1, "subscribed": subscribed,
         "revenue": np.where(subscribed == 1, rng.gamma(6, 2, n), 0).round(2)}
    )  # fmt: skip


@drawn(5119)
def soil(rng: np.random.Generator) -> pd.DataFrame:
    """Sixteen elements in samples of two valleys; one of them differs."""
    names = ["Al", "Ba", "Ca", "Cd", "Co", "Cr", "Cu", "Fe", "K", "Mg", "Mn", "Na", "Ni", "Pb", "Sr", "Zn"]
    frame = pd.DataFrame({e: rng.lognormal(2, 0.4, 120).round(3) for e in names})
    frame["valley"] = np.where(np.arange(120) % 2 == 0, "north", "south")
    frame.loc[frame["valley"] == "north", "Cd"] *= 1.6
    return frame


@drawn(5120)
def pendulum(rng: np.random.Generator) -> pd.DataFrame:
    length = np.linspace(0.2, 1.6, 57)
    return pd.DataFrame(
        {
            "length_m": length.round(4),
            "period_s": (2 * np.pi * np.sqrt(length / 9.81) + rng.normal(0, 0.008, 57)).round(4),
        }
    )


@drawn(5121)
def decay(rng: np.random.Generator) -> pd.DataFrame:
    seconds = np.arange(0, 600, 10)
    return pd.DataFrame({"seconds": seconds, "counts": rng.poisson(820 * np.exp(-seconds / 221) + 12)})


@drawn(5122)
def ferries(rng: np.random.Generator) -> pd.DataFrame:
    t = np.arange(96)
    people = 41000 + 130 * t + 9000 * np.sin(2 * np.pi * (t - 3) / 12) + rng.normal(0, 1900, 96)
    return pd.DataFrame(
        {"month": pd.date_range("2016-01-01", periods=96, freq="MS").strftime("%Y-%m"), "passengers": people.round(0),
         "cars": (people * 0.21 + rng.normal(0, 500, 96)).round(0),
         "fuel_price": (1.2 + 0.004 * t + rng.normal(0, 0.05, 96)).round(3)}
    )  # fmt: skip


@drawn(5123)
def hives(rng: np.random.Generator) -> pd.DataFrame:
    """Eight hives weighed on twenty-five days; four of them are fed syrup."""
    hive = np.repeat(list("ABCDEFGH"), 25)
    code = np.repeat(np.arange(8), 25)
    kg = 31 + rng.normal(0, 3, 8)[code] + 1.1 * (code % 2) + 0.06 * np.tile(np.arange(25), 8) + rng.normal(0, 0.6, 200)
    return pd.DataFrame(
        {
            "hive": hive,
            "day": np.tile(np.arange(25), 8),
            "fed": np.where(code % 2 == 1, "syrup", "none"),
            "kg": kg.round(2),
        }
    )


@drawn(5124)
def rinks(rng: np.random.Generator) -> pd.DataFrame:
    """Ice rinks' complaints; one maker has been bought by five rinks only."""
    maker = np.repeat(["Artico", "Boreal", "Cirro"], [64, 58, 5])
    level = {"Artico": 23.0, "Boreal": 21.0, "Cirro": 12.0}
    hours = np.array([level[m] for m in maker]) + rng.normal(0, 6, len(maker))
    return pd.DataFrame(
        {"maker": maker, "downtime_h": hours.clip(1).round(1), "built": rng.integers(1975, 2022, len(maker))}
    )


@drawn(5125)
def pipes(rng: np.random.Generator) -> pd.DataFrame:
    """Three in a hundred water pipes burst in the year."""
    n = 3600
    age, bar = rng.gamma(4, 9, n), rng.normal(5.2, 0.8, n)
    burst = happens(rng, -6.1 + 0.034 * age + 0.22 * bar)
    depth = rng.normal(1.4, 0.25, n)
    depth[rng.random(n) < 0.08] = np.nan
    return pd.DataFrame(
        {"pipe": np.arange(1, n + 1), "material": rng.choice(["cast iron", "pe", "steel"], n), "age": age.round(0),
         "bar": bar.round(2), "depth_m": depth.round(2),
         "diameter_mm": rng.choice([80, 100, 150, 200], n), "burst": burst}
    )  # fmt: skip


@drawn(5126)
def cows(rng: np.random.Generator) -> pd.DataFrame:
    """Milk of a thousand cows, one row each; fibre was chosen by the farmer."""
    n = 1000
    fibre, age, parity = rng.normal(33, 4, n), rng.integers(2, 11, n), rng.integers(1, 6, n)
    milk = 24 + 0.22 * (fibre - 33) + 0.8 * parity - 0.3 * age + rng.normal(0, 3, n)
    return pd.DataFrame(
        {"cow": np.arange(1, n + 1), "breed": rng.choice(["Brown Swiss", "Holstein", "Jersey"], n), "age": age,
         "parity": parity, "fibre_pct": fibre.round(1), "robot": rng.integers(0, 2, n), "milk_kg": milk.round(1)}
    )  # fmt: skip


@drawn(5127)
def crew(rng: np.random.Generator) -> pd.DataFrame:
    """Sixty rowers, ten ergometer pieces each."""
    rower, piece = np.repeat(np.arange(1, 61), 10), np.tile(np.arange(1, 11), 60)
    own = rng.normal(0, 14, 60)
    watts = 285 + own[rower - 1] - 2.2 * piece + rng.normal(0, 8, 600)
    pulse = 168 - 0.08 * (watts - 285) + rng.normal(0, 5, 60)[rower - 1] + rng.normal(0, 3, 600)
    return pd.DataFrame(
        {"rower": rower, "piece": piece, "height_cm": rng.normal(186, 7, 60)[rower - 1].round(0),
         "pulse": pulse.round(0), "watts": watts.round(1)}
    )  # fmt: skip


@drawn(5128)
def charter(rng: np.random.Generator) -> pd.DataFrame:
    """Over all bookings dearer boats are hired longer; within each class of boat they are hired shorter."""
    n = 780
    kind = rng.choice(["cruiser", "dinghy", "yacht"], n)
    base = pd.Series({"cruiser": 210.0, "dinghy": 70.0, "yacht": 390.0})[kind].to_numpy()
    stay = pd.Series({"cruiser": 7.0, "dinghy": 3.0, "yacht": 11.0})[kind].to_numpy()
    off = rng.normal(0, 22, n)
    return pd.DataFrame(
        {"booking": np.arange(1, n + 1), "boat": kind, "price": (base + off).round(0),
         "days": (stay - 0.035 * off + rng.normal(0, 0.8, n)).clip(1).round(1)}
    )  # fmt: skip
