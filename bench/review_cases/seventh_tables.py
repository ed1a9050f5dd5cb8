"""Made-up tables for the seventh set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(7101)
def departures(rng: np.random.Generator) -> pd.DataFrame:
    """Passengers are compensated, and a code is given, only after a long delay."""
    n = 1600
    carrier = rng.choice(["Aurel", "Bluewing", "Corvo", "Delta Sud"], n, p=[0.35, 0.3, 0.2, 0.15])
    wind, rain = rng.gamma(3, 4, n), rng.random(n) < 0.22
    delay = 6 + 0.7 * wind + 7 * rain + np.where(carrier == "Corvo", 6, 0) + rng.gamma(1.5, 7, n) - 8
    late = (delay > 30).astype(int)
    return pd.DataFrame(
        {
            "flight": np.arange(4001, 4001 + n),
            "carrier": carrier,
            "hour": rng.integers(5, 24, n),
            "wind_kt": wind.round(1),
            "rain": rain.astype(int),
            "seats": rng.choice([90, 150, 180, 220], n),
            "delay_min": delay.round(0).astype(int),
            "late": late,
            "compensation_eur": np.where(late == 1, rng.gamma(4, 60, n), 0).round(0),
        }
    )


@drawn(7102)
def carriers(_: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "carrier": ["Aurel", "Bluewing", "Corvo", "Delta Sud"],
            "alliance": ["North", "North", "none", "Sud"],
            "aircraft": [41, 38, 17, 22],
        }
    )


@drawn(7103)
def carrier_contacts(_: np.random.Generator) -> pd.DataFrame:
    """Some carriers have several contacts."""
    return pd.DataFrame(
        {
            "carrier": ["Aurel", "Aurel", "Bluewing", "Corvo", "Corvo", "Corvo", "Delta Sud"],
            "desk": ["ops", "press", "ops", "ops", "night", "press", "ops"],
        }
    )


@drawn(7104)
def dental(rng: np.random.Generator) -> pd.DataFrame:
    """One appointment each; some patients did not fill in the anxiety form."""
    n = 900
    age, anxiety = rng.integers(18, 82, n), rng.integers(0, 21, n).astype(float)
    reminder = rng.choice(["call", "text", "none"], n)
    missed = happens(rng, -2.2 + 0.09 * anxiety + np.where(reminder == "none", 0.5, 0))
    minutes = 24 + 0.6 * anxiety + 0.1 * age + rng.normal(0, 6, n)
    anxiety[rng.random(n) < 0.09] = np.nan
    return pd.DataFrame(
        {
            "patient": np.arange(1, n + 1),
            "practice": rng.choice(["Harbour", "Mill", "Station"], n),
            "age": age,
            "anxiety": anxiety,
            "reminder": reminder,
            "minutes": minutes.round(0),
            "missed": missed,
            "missed_fee": np.where(missed == 1, 45, 0),
        }
    )


@drawn(7105)
def chess(rng: np.random.Generator) -> pd.DataFrame:
    n = 1200
    white, black = rng.normal(1700, 180, n).round(0), rng.normal(1700, 180, n).round(0)
    win = happens(rng, 0.15 + (white - black) / 170)
    return pd.DataFrame(
        {
            "game": np.arange(1, n + 1),
            "player": rng.integers(1, 81, n),
            "white_elo": white.astype(int),
            "black_elo": black.astype(int),
            "opening": rng.choice(["Caro-Kann", "French", "Italian", "London", "Sicilian"], n),
            "moves": (18 + rng.gamma(4, 6, n)).round(0).astype(int),
            "white_won": win,
        }
    )


@drawn(7106)
def chess_club(rng: np.random.Generator) -> pd.DataFrame:
    """A player stands once for each season."""
    return pd.DataFrame(
        {
            "player": np.repeat(np.arange(1, 81), 2),
            "season": np.tile([2022, 2023], 80),
            "club": rng.choice(["Rook", "Knight", "Bishop"], 160),
            "fee_paid": rng.gamma(9, 6, 160).round(2),
        }
    )


@drawn(7107)
def colonies(rng: np.random.Generator) -> pd.DataFrame:
    """Eight hives inspected forty times; a hive has one treatment."""
    hive = np.repeat(np.arange(1, 9), 40)
    treat = np.where(np.arange(8) % 2 == 0, "thymol", "oxalic")[hive - 1]
    mites = 6 + rng.normal(0, 1.8, 8)[hive - 1] + rng.normal(0, 1.2, 320)
    day = np.tile(np.arange(40) * 4, 8)
    return pd.DataFrame(
        {
            "hive": hive,
            "treatment": treat,
            "date": (pd.Timestamp("2023-04-03") + pd.to_timedelta(day, "D")).strftime("%Y-%m-%d"),
            "mites_per_100": mites.clip(0).round(1),
            "frames": (9 + rng.normal(0, 1.2, 320)).round(1),
        }
    )


@drawn(7108)
def honey(rng: np.random.Generator) -> pd.DataFrame:
    """One row a hive, 140 hives."""
    n = 140
    place, frames = rng.choice(["heath", "orchard", "town"], n), rng.normal(9, 1.6, n)
    kg = 4 + 1.9 * frames + np.where(place == "orchard", 4, 0) + rng.normal(0, 4, n)
    return pd.DataFrame(
        {
            "hive": np.arange(1, n + 1),
            "place": place,
            "frames": frames.round(1),
            "queen_age": rng.integers(1, 4, n),
            "honey_kg": kg.clip(1).round(1),
        }
    )


@drawn(7109)
def recycling(rng: np.random.Generator) -> pd.DataFrame:
    """52 weeks of twelve districts."""
    d, w = np.repeat(np.arange(1, 13), 52), np.tile(np.arange(52), 12)
    homes = rng.integers(800, 3200, 12)[d - 1]
    kg = homes * (2.1 + 0.25 * np.cos(2 * np.pi * w / 52)) + rng.normal(0, 260, 624)
    dirt = 6 + rng.normal(0, 1.4, 12)[d - 1] + rng.gamma(2, 1, 624)
    dirt[rng.random(624) < 0.06] = np.nan
    return pd.DataFrame(
        {
            "district": d,
            "week": (pd.Timestamp("2023-01-02") + pd.to_timedelta(7 * w, "D")).strftime("%Y-%m-%d"),
            "homes": homes,
            "kg": kg.round(0),
            "contamination_pct": dirt.round(1),
        }
    )


@drawn(7110)
def districts(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"district": np.arange(1, 13), "housing": ["flats", "houses", "mixed"] * 4, "bins": rng.integers(20, 90, 12)}
    )


@drawn(7111)
def district_visits(rng: np.random.Generator) -> pd.DataFrame:
    """Advisers called on some districts several times."""
    n = 40
    return pd.DataFrame(
        {
            "district": rng.integers(1, 13, n),
            "adviser": rng.choice(["Kim", "Lou", "Max"], n),
            "doors": rng.integers(20, 140, n),
        }
    )


@drawn(7112)
def theatre(rng: np.random.Generator) -> pd.DataFrame:
    """600 nights of one house."""
    n = 600
    day, t = pd.date_range("2022-01-03", periods=n), np.arange(n)
    genre = rng.choice(["comedy", "drama", "musical"], n)
    sold = (
        250
        + 30 * np.sin(2 * np.pi * t / 365)
        + np.where(day.dayofweek >= 4, 70, 0)
        + np.where(genre == "musical", 45, 0)
    )
    sold = (sold + rng.normal(0, 32, n)).clip(40, 480).round(0)
    return pd.DataFrame(
        {
            "night": day.strftime("%Y-%m-%d"),
            "genre": genre,
            "price": rng.choice([18, 24, 32], n),
            "rain_mm": rng.gamma(0.6, 4, n).round(1),
            "sold": sold.astype(int),
            "bar_eur": (sold * 3.1 + rng.normal(0, 90, n)).clip(50).round(0),
        }
    )


@drawn(7113)
def bookings(rng: np.random.Generator) -> pd.DataFrame:
    n = 700
    seats = rng.integers(1, 7, n)
    return pd.DataFrame(
        {
            "booking": np.arange(1, n + 1),
            "channel": rng.choice(["desk", "phone", "web"], n, p=[0.2, 0.2, 0.6]),
            "seats": seats,
            "amount": (seats * rng.choice([18, 24, 32], n)).astype(float),
        }
    )


@drawn(7114)
def seat_scans(rng: np.random.Generator) -> pd.DataFrame:
    """A booking is scanned once for each of one to four doors passed."""
    b = np.repeat(np.arange(1, 701), rng.integers(1, 5, 700))
    return pd.DataFrame(
        {"booking": b, "door": rng.choice(["A", "B", "C"], len(b)), "wait_s": rng.gamma(3, 20, len(b)).round(0)}
    )


@drawn(7115)
def flats(rng: np.random.Generator) -> pd.DataFrame:
    """The agent's fee is a share of the price."""
    n = 1000
    borough = rng.choice(["Alder", "Birch", "Cedar", "Elm"], n)
    m2, built = rng.gamma(9, 8, n).clip(18), rng.integers(1900, 2021, n)
    price = 40 + 3.1 * m2 + 0.35 * (built - 1900) + np.where(borough == "Elm", 55, 0) + rng.normal(0, 34, n)
    kwh = rng.gamma(7, 22, n)
    kwh[rng.random(n) < 0.11] = np.nan
    return pd.DataFrame(
        {
            "flat": np.arange(1, n + 1),
            "borough": borough,
            "m2": m2.round(0),
            "built": built,
            "floor": rng.integers(0, 9, n),
            "energy_kwh": kwh.round(0),
            "price_k": price.clip(50).round(1),
            "agent_fee_k": (price.clip(50) * 0.031).round(2),
        }
    )


@drawn(7116)
def cores(rng: np.random.Generator) -> pd.DataFrame:
    n = 260
    field, clay, ph = rng.choice(["east", "north", "west"], n), rng.normal(24, 6, n), rng.normal(6.4, 0.5, n)
    carbon = 0.6 + 0.05 * clay + np.where(field == "north", 0.25, 0) + rng.normal(0, 0.35, n)
    return pd.DataFrame(
        {
            "core": np.arange(1, n + 1),
            "field": field,
            "depth_cm": rng.choice([10, 20, 30], n),
            "clay_pct": clay.round(1),
            "ph": ph.round(2),
            "carbon_pct": carbon.clip(0.2).round(2),
        }
    )


@drawn(7117)
def traffic(rng: np.random.Generator) -> pd.DataFrame:
    """One bridge on 730 days."""
    n = 730
    day = pd.date_range("2022-01-01", periods=n)
    temp = 10 - 9 * np.cos(2 * np.pi * np.arange(n) / 365) + rng.normal(0, 3, n)
    rain = rng.gamma(0.7, 4, n)
    bikes = 900 + 45 * temp - 18 * rain - np.where(day.dayofweek >= 5, 320, 0) + rng.normal(0, 120, n)
    cars = 8200 + np.where(day.dayofweek >= 5, -1500, 0) + rng.normal(0, 380, n)
    return pd.DataFrame(
        {
            "day": day.strftime("%Y-%m-%d"),
            "temp_c": temp.round(1),
            "rain_mm": rain.round(1),
            "bikes": bikes.clip(60).round(0).astype(int),
            "cars": cars.round(0).astype(int),
        }
    )


@drawn(7118)
def lifts(rng: np.random.Generator) -> pd.DataFrame:
    """Two in a hundred break down; only those are repaired."""
    n = 3000
    age, trips = rng.uniform(1, 40, n), rng.gamma(5, 60, n)
    broke = happens(rng, -6.2 + 0.05 * age + 0.003 * trips)
    return pd.DataFrame(
        {
            "lift": np.arange(1, n + 1),
            "age_y": age.round(1),
            "trips_day": trips.round(0),
            "maker": rng.choice(list("KOSX"), n),
            "broke_down": broke,
            "repair_hours": np.where(broke == 1, rng.gamma(3, 4, n), 0).round(1),
        }
    )


@drawn(7119)
def naps(rng: np.random.Generator) -> pd.DataFrame:
    """A trial: arms drawn by lot, one row a person."""
    n = 240
    arm = np.where(rng.permutation(n) < n // 2, "nap", "usual")
    before = rng.normal(52, 8, n)
    after = before + np.where(arm == "nap", 3.6, 0) + rng.normal(0, 6, n)
    return pd.DataFrame(
        {
            "person": np.arange(1, n + 1),
            "arm": arm,
            "age": rng.integers(20, 66, n),
            "before": before.round(1),
            "after": after.round(1),
        }
    )


@drawn(7120)
def panel(rng: np.random.Generator) -> pd.DataFrame:
    """Thirty minerals that have nothing to do with cramp."""
    frame = pd.DataFrame({f"m{i:02d}": rng.normal(50, 9, 180).round(1) for i in range(1, 31)})
    frame.insert(0, "cramp", rng.integers(0, 2, 180))
    return frame


@drawn(7121)
def cups(rng: np.random.Generator) -> pd.DataFrame:
    """Six tasters with fifty cups; a taster always had one roast."""
    taster = np.repeat(np.arange(1, 7), 50)
    score = 78 + rng.normal(0, 3, 6)[taster - 1] + rng.normal(0, 2.5, 300)
    return pd.DataFrame(
        {
            "taster": taster,
            "roast": np.where(taster % 2 == 0, "dark", "light"),
            "temp_c": rng.normal(64, 3, 300).round(1),
            "score": score.round(1),
        }
    )


@drawn(7122)
def trams(rng: np.random.Generator) -> pd.DataFrame:
    """City Lines is more punctual in the centre and outside, less over all: it runs mostly in the centre."""
    n = 2000
    centre = rng.random(n) < 0.5
    city = rng.random(n) < np.where(centre, 0.82, 0.18)
    on_time = (rng.random(n) < np.where(centre, 0.52, 0.86) + 0.10 * city).astype(int)
    return pd.DataFrame(
        {
            "run": np.arange(1, n + 1),
            "operator": np.where(city, "City Lines", "Metro Rail"),
            "area": np.where(centre, "centre", "outside"),
            "on_time": on_time,
        }
    )


@drawn(7123)
def swimmers(rng: np.random.Generator) -> pd.DataFrame:
    """Within each squad more training goes with shorter times; the squads turn this about."""
    squad = np.repeat(["junior", "senior", "masters"], 120)
    level = np.select([squad == "junior", squad == "senior"], [0.0, 1.0], 2.0)
    hours = 4 + 3 * level + rng.normal(0, 1, 360)
    time = 66 + 7 * level - 1.3 * (hours - 4 - 3 * level) + rng.normal(0, 2, 360)
    return pd.DataFrame(
        {"swimmer": np.arange(1, 361), "squad": squad, "hours_week": hours.clip(0.5).round(1), "time_s": time.round(1)}
    )


@drawn(7124)
def wells(rng: np.random.Generator) -> pd.DataFrame:
    """Eleven wells."""
    depth = rng.uniform(8, 60, 11)
    return pd.DataFrame(
        {
            "well": [f"W{i}" for i in range(1, 12)],
            "depth_m": depth.round(0),
            "rock": list("ggggglllllg"),
            "nitrate": (42 - 0.35 * depth + rng.normal(0, 7, 11)).round(1),
        }
    )


@drawn(7125)
def escape(rng: np.random.Generator) -> pd.DataFrame:
    n = 640
    size, room = rng.integers(2, 7, n), rng.choice(["Crypt", "Lab", "Vault"], n)
    out = happens(rng, -0.9 + 0.28 * size + np.where(room == "Vault", -0.6, 0))
    minutes = np.where(out == 1, 60 - rng.gamma(3, 3, n), 60).clip(20).round(1)
    return pd.DataFrame(
        {
            "team": np.arange(1, n + 1),
            "room": room,
            "size": size,
            "hints": rng.poisson(2.2, n),
            "escaped": out,
            "minutes": minutes,
        }
    )


@drawn(7126)
def ridership(rng: np.random.Generator) -> pd.DataFrame:
    """96 months of a night bus."""
    t = np.arange(96)
    riders = 21000 + 85 * t + 2600 * np.sin(2 * np.pi * (t - 2) / 12) + rng.normal(0, 700, 96)
    return pd.DataFrame(
        {
            "month": pd.date_range("2016-01-01", periods=96, freq="MS").strftime("%Y-%m-%d"),
            "riders": riders.round(0),
            "buses": (14 + t // 24 + rng.integers(0, 2, 96)),
        }
    )


@drawn(7127)
def seedlings(rng: np.random.Generator) -> pd.DataFrame:
    """Sixteen trays of thirty seedlings; a tray stands under one lamp."""
    tray = np.repeat(np.arange(1, 17), 30)
    height = 12 + np.where(tray % 2 == 0, 1.4, 0) + rng.normal(0, 0.8, 16)[tray - 1] + rng.normal(0, 1.5, 480)
    return pd.DataFrame(
        {
            "tray": tray,
            "lamp": np.where(tray % 2 == 0, "led", "sodium"),
            "height_cm": height.round(1),
            "leaves": rng.poisson(6, 480),
        }
    )


@drawn(7128)
def machines(rng: np.random.Generator) -> pd.DataFrame:
    """Forty presses measured thirty times each."""
    press = np.repeat(np.arange(1, 41), 30)
    own = rng.normal(0, 1, 40)[press - 1]
    heat, hum = 60 + 6 * own + rng.normal(0, 4, 1200), rng.normal(45, 8, 1200)
    scrap = happens(rng, -1.2 + 0.9 * own + 0.05 * (heat - 60))
    return pd.DataFrame(
        {
            "press": press,
            "shift": np.tile(np.arange(1, 31), 40),
            "heat_c": heat.round(1),
            "humidity": hum.round(1),
            "speed": rng.normal(120, 10, 1200).round(0),
            "scrap": scrap,
        }
    )


@drawn(7129)
def grants(rng: np.random.Generator) -> pd.DataFrame:
    """A grant's size is written down for those that were granted."""
    n = 820
    score, pages = rng.normal(62, 11, n).clip(10, 99), rng.integers(6, 31, n)
    won = happens(rng, -9.4 + 0.14 * score)
    return pd.DataFrame(
        {
            "bid": np.arange(1, n + 1),
            "faculty": rng.choice(["arts", "law", "medicine", "science"], n),
            "panel_score": score.round(1),
            "pages": pages,
            "earlier_bids": rng.poisson(1.6, n),
            "asked_k": rng.gamma(4, 30, n).round(1),
            "granted": won,
            "award_letter_k": np.where(won == 1, rng.gamma(4, 25, n), 0).round(1),
        }
    )
