"""Made-up tables for the thirteenth set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(13101)
def seedling_trays(rng: np.random.Generator) -> pd.DataFrame:
    """Trays of a nursery; a reseeding is charged only to a tray that failed."""
    n = 1500
    temp, water = rng.normal(21, 2.4, n), rng.normal(4.2, 0.9, n).clip(1)
    failed = happens(rng, -1.4 + 0.28 * (temp - 21) - 0.75 * (water - 4.2))
    ph = rng.normal(6.1, 0.35, n)
    ph[rng.random(n) < 0.09] = np.nan
    return pd.DataFrame(
        {
            "tray": np.arange(50001, 50001 + n),
            "cultivar": rng.choice(["Marmande", "Roma", "Tigerella"], n),
            "substrate": rng.choice(["peat", "coir", "bark"], n),
            "temp_c": temp.round(1),
            "water_l": water.round(2),
            "substrate_ph": ph.round(2),
            "failed": failed,
            "reseeding_cost": np.where(failed == 1, rng.gamma(4, 3.5, n), 0).round(2),
        }
    )


@drawn(13102)
def ambulance_runs(rng: np.random.Generator) -> pd.DataFrame:
    """Calls of five stations; the fifth has answered three."""
    station = np.repeat(["Aldgrove", "Birch Lane", "Cawdor", "Dunmere", "Eelpool"], [420, 390, 310, 277, 3])
    n = len(station)
    km = rng.gamma(3, 2.3, n)
    night = happens(rng, np.full(n, -0.9))
    level = {"Aldgrove": 5.2, "Birch Lane": 5.0, "Cawdor": 5.6, "Dunmere": 5.3, "Eelpool": 9.4}
    minutes = np.array([level[s] for s in station]) + 1.05 * km + 0.9 * night + rng.normal(0, 1.8, n)
    age = rng.normal(59, 18, n).clip(1, 99)
    age[rng.random(n) < 0.12] = np.nan
    return pd.DataFrame(
        {
            "run": np.arange(1, n + 1),
            "station": station,
            "night": night,
            "distance_km": km.round(2),
            "patient_age": age.round(0),
            "response_min": minutes.clip(1.5).round(1),
        }
    )


@drawn(13103)
def tinnitus_trial(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised trial: one row is one patient."""
    n = 360
    arm = rng.permutation(np.repeat(["sound therapy", "usual care"], n // 2))
    base = rng.normal(54, 9, n)
    week12 = 12 + 0.7 * base - np.where(arm == "sound therapy", 4.5, 0) + rng.normal(0, 8, n)
    lost = rng.random(n) < 0.07
    return pd.DataFrame(
        {
            "patient": np.arange(1, n + 1),
            "arm": arm,
            "age": rng.integers(24, 82, n),
            "score_week0": base.round(0),
            "score_week12": np.where(lost, np.nan, week12.round(0)),
        }
    )


@drawn(13104)
def library_loans(rng: np.random.Generator) -> pd.DataFrame:
    """One loan of each of 1,300 card holders; the late fee is charged once a book is overdue."""
    n = 1300
    pages, renewals, age = rng.gamma(5, 70, n), rng.poisson(0.8, n), rng.integers(12, 86, n)
    overdue = happens(rng, -1.3 + 0.0016 * pages + 0.35 * renewals - 0.012 * (age - 45))
    return pd.DataFrame(
        {
            "card": np.arange(20001, 20001 + n),
            "branch": rng.choice(["Central", "Quayside", "Hillfoot"], n),
            "reader_age": age,
            "pages": pages.round(0),
            "renewals": renewals,
            "shelf": rng.choice(["fiction", "science", "crafts", "travel"], n),
            "overdue": overdue,
            "late_fee": np.where(overdue == 1, rng.gamma(2, 0.9, n) + 0.2, 0).round(2),
        }
    )


@drawn(13105)
def card_holders(rng: np.random.Generator) -> pd.DataFrame:
    """The register of cards: each once."""
    card = rng.permutation(np.arange(20001, 21301))
    return pd.DataFrame(
        {
            "card": card,
            "joined": rng.integers(1998, 2024, len(card)),
            "membership": rng.choice(["junior", "adult", "senior", "household"], len(card)),
        }
    )


@drawn(13106)
def reminder_letters(rng: np.random.Generator) -> pd.DataFrame:
    """Letters that were sent: none to three for a card, so the key repeats."""
    card = np.repeat(np.arange(20001, 21301), rng.integers(0, 4, 1300))
    return pd.DataFrame({"card": card, "medium": rng.choice(["post", "e-mail", "text"], len(card))})


@drawn(13107)
def turbine_days(rng: np.random.Generator) -> pd.DataFrame:
    """Ten turbines, sixty days of each; the coating belongs to the turbine."""
    unit = np.repeat(np.arange(1, 11), 60)
    own = rng.normal(0, 2.2, 10)
    coating = np.where(np.arange(1, 11) % 2 == 0, "epoxy", "bare")[unit - 1]
    wind = rng.gamma(8, 1.0, 600)
    return pd.DataFrame(
        {
            "turbine": [f"T{u:02d}" for u in unit],
            "coating": coating,
            "day": np.tile(np.arange(1, 61), 10),
            "wind_ms": wind.round(1),
            "output_mwh": (6 + 2.4 * wind + own[unit - 1] + 1.9 * (coating == "epoxy") + rng.normal(0, 2, 600)).round(
                1
            ),
        }
    )


@drawn(13108)
def lift_alarms(rng: np.random.Generator) -> pd.DataFrame:
    """Weekly checks of lifts, one of each lift; one in forty broke down the week after."""
    n = 3600
    vib, trips, age = rng.gamma(4, 0.5, n), rng.normal(900, 210, n), rng.integers(1, 38, n)
    broke = happens(rng, -6.3 + 0.75 * vib + 0.0008 * trips + 0.012 * age)
    return pd.DataFrame(
        {
            "lift": np.arange(1, n + 1),
            "vibration_mm_s": vib.round(2),
            "trips_per_day": trips.round(0),
            "age_years": age,
            "door_errors": rng.poisson(1.1, n),
            "breakdown": broke,
        }
    )


@drawn(13109)
def cheese_panel(rng: np.random.Generator) -> pd.DataFrame:
    """Thirty sensory scores of cheeses and how much they are liked; two of them matter a little."""
    n = 180
    words = ["nutty", "sour", "salty", "bitter", "creamy", "crumbly", "grassy", "smoky", "sweet", "earthy",
             "fruity", "yeasty", "rubbery", "waxy", "sharp", "musty", "floral", "buttery", "metallic", "peppery",
             "oily", "chalky", "tangy", "caramel", "hay", "barnyard", "onion", "citrus", "woody", "malty"]  # fmt: skip
    frame = pd.DataFrame({word: rng.normal(5, 1.6, n).clip(0, 10).round(1) for word in words})
    frame["liking"] = (41 + 1.6 * frame["creamy"] - 0.9 * frame["bitter"] + rng.normal(0, 8, n)).round(1)
    frame.insert(0, "cheese", [f"C{i:03d}" for i in range(1, n + 1)])
    frame["milk"] = rng.choice(["cow", "goat"], n)
    return frame


@drawn(13110)
def grant_bids(rng: np.random.Generator) -> pd.DataFrame:
    """First-time applicants win less often overall and more often within each programme."""
    n = 2400
    programme = rng.choice(["travel", "equipment", "fellowship"], n, p=[0.35, 0.3, 0.35])
    first_share = {"travel": 0.15, "equipment": 0.5, "fellowship": 0.85}
    base = {"travel": 0.72, "equipment": 0.42, "fellowship": 0.14}
    first = rng.random(n) < np.array([first_share[p] for p in programme])
    won = (rng.random(n) < np.array([base[p] for p in programme]) + 0.12 * first).astype(int)
    return pd.DataFrame(
        {
            "bid": np.arange(1, n + 1),
            "programme": programme,
            "applicant": np.where(first, "first-time", "returning"),
            "pages": rng.integers(4, 22, n),
            "won": won,
        }
    )


@drawn(13111)
def physio_clinics(rng: np.random.Generator) -> pd.DataFrame:
    """Pooled, more exercise goes with more pain; within each clinic with less."""
    n = 900
    clinic = rng.choice(["day clinic", "ward", "intensive rehab"], n)
    shift = {"day clinic": 0.0, "ward": 25.0, "intensive rehab": 50.0}
    own = np.array([shift[c] for c in clinic])
    minutes = 30 + own + rng.normal(0, 8, n)
    pain = 30 + 0.9 * own - 0.35 * (minutes - 30 - own) + rng.normal(0, 6, n)
    return pd.DataFrame(
        {
            "case": np.arange(1, n + 1),
            "clinic": clinic,
            "exercise_min": minutes.clip(2).round(0),
            "pain": pain.clip(0, 100).round(1),
        }
    )


@drawn(13112)
def port_months(rng: np.random.Generator) -> pd.DataFrame:
    """Ten years of a port: containers by month."""
    month = pd.date_range("2014-01-01", periods=120, freq="MS")
    t = np.arange(120)
    boxes = 41000 + 95 * t + 3200 * np.sin(2 * np.pi * (t - 3) / 12) + rng.normal(0, 900, 120)
    return pd.DataFrame(
        {
            "month": month.strftime("%Y-%m-%d"),
            "containers": boxes.round(0).astype(int),
            "ships": (boxes / 310 + rng.normal(0, 6, 120)).round(0).astype(int),
        }
    )


@drawn(13113)
def checkout_test(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised test of two pages, one row a visitor."""
    n = 6000
    page = rng.choice(["one-step", "three-step"], n)
    return pd.DataFrame(
        {
            "visitor": np.arange(1, n + 1),
            "page": page,
            "device": rng.choice(["phone", "tablet", "laptop", "desktop"], n, p=[0.5, 0.1, 0.25, 0.15]),
            "country": rng.choice(["AT", "BE", "CZ", "DK", "EE", "FI"], n),
            "age_band": rng.choice(["18-29", "30-44", "45-59", "60+"], n),
            "seconds": rng.gamma(3, 28, n).round(1),
            "paid": happens(rng, np.where(page == "one-step", -1.85, -2.1)),
        }
    )


@drawn(13114)
def flats_to_let(rng: np.random.Generator) -> pd.DataFrame:
    n = 820
    area, floor, km = rng.normal(68, 19, n).clip(20), rng.integers(0, 9, n), rng.gamma(2.5, 1.6, n)
    rent = 240 + 9.6 * area + 6 * floor - 31 * km + rng.normal(0, 85, n)
    energy = 180 - 0.25 * area + rng.normal(0, 35, n)
    energy[rng.random(n) < 0.17] = np.nan
    return pd.DataFrame(
        {
            "flat": np.arange(1, n + 1),
            "quarter": rng.choice(["Old Town", "Mill Side", "Heath"], n),
            "area_m2": area.round(1),
            "floor": floor,
            "centre_km": km.round(2),
            "energy_kwh": energy.round(0),
            "balcony": rng.choice(["yes", "no"], n),
            "rent_eur": rent.clip(180).round(0),
        }
    )


@drawn(13115)
def reef_plots(rng: np.random.Generator) -> pd.DataFrame:
    """Nine plots of a reef."""
    return pd.DataFrame(
        {
            "plot": list("ABCDEFGHI"),
            "state": ["restored"] * 4 + ["untouched"] * 5,
            "depth_m": [6.1, 7.4, 5.8, 8.0, 6.6, 7.1, 5.5, 8.3, 6.9],
            "species": [31, 36, 28, 34, 24, 27, 22, 29, 20],
        }
    )


@drawn(13116)
def parcels_out(rng: np.random.Generator) -> pd.DataFrame:
    n = 1100
    kg = rng.gamma(2, 3.2, n)
    return pd.DataFrame(
        {
            "parcel": np.arange(800001, 800001 + n),
            "depot": rng.choice([f"DP{i:02d}" for i in range(1, 13)], n),
            "weight_kg": kg.round(2),
            "freight_eur": (3.9 + 0.85 * kg + rng.normal(0, 0.9, n)).clip(1).round(2),
            "days": rng.poisson(2.2, n) + 1,
        }
    )


@drawn(13117)
def depot_list(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "depot": [f"DP{i:02d}" for i in range(1, 13)],
            "county": ["Norden", "Norden", "Leer", "Leer", "Leer", "Emden", "Emden", "Norden", "Leer", "Emden",
                       "Norden", "Leer"],
            "docks": rng.integers(2, 15, 12),
        }
    )  # fmt: skip


@drawn(13118)
def depot_checks(rng: np.random.Generator) -> pd.DataFrame:
    """One to four safety checks of each depot: its key repeats."""
    depot = np.repeat([f"DP{i:02d}" for i in range(1, 13)], [2, 1, 3, 4, 2, 2, 3, 1, 4, 2, 3, 2])
    return pd.DataFrame(
        {
            "depot": depot,
            "checked_by": rng.choice(["Ola", "Per", "Quy"], len(depot)),
            "defects": rng.poisson(2, len(depot)),
        }
    )


@drawn(13119)
def blood_donors(rng: np.random.Generator) -> pd.DataFrame:
    """Donors; the days to the next donation are known only of those who came again."""
    n = 1700
    age, before, haemo = rng.integers(18, 68, n), rng.poisson(3, n), rng.normal(14.1, 1.2, n)
    wait = rng.gamma(3, 9, n)
    again = happens(rng, -1.1 + 0.32 * before + 0.012 * (age - 40) - 0.02 * (wait - 27))
    haemo[rng.random(n) < 0.1] = np.nan
    wait[rng.random(n) < 0.06] = np.nan
    return pd.DataFrame(
        {
            "donor": np.arange(1, n + 1),
            "age": age,
            "donations_before": before,
            "haemoglobin": haemo.round(1),
            "wait_min": wait.round(0),
            "weight_kg": rng.normal(76, 12, n).round(1),
            "came_again": again,
            "days_to_next": np.where(again == 1, rng.integers(60, 365, n), 999),
        }
    )


@drawn(13120)
def sleep_nights(rng: np.random.Generator) -> pd.DataFrame:
    """Sixteen sleepers, twenty nights of each; the mask is the sleeper's own."""
    who = np.repeat(np.arange(1, 17), 20)
    own = rng.normal(0, 24, 16)
    mask = np.where(np.arange(1, 17) <= 8, "nasal", "full-face")[who - 1]
    return pd.DataFrame(
        {
            "sleeper": who,
            "mask": mask,
            "night": np.tile(np.arange(1, 21), 16),
            "minutes_asleep": (402 + own[who - 1] + 6 * (mask == "nasal") + rng.normal(0, 31, 320)).round(0),
        }
    )


@drawn(13121)
def pool_members(rng: np.random.Generator) -> pd.DataFrame:
    """Members of a swimming bath, of three habits."""
    habit = rng.choice(3, 600, p=[0.4, 0.35, 0.25])
    visits = np.array([3.0, 11.0, 5.0])[habit] + rng.normal(0, 1.2, 600)
    minutes = np.array([40.0, 55.0, 110.0])[habit] + rng.normal(0, 9, 600)
    return pd.DataFrame(
        {
            "member": np.arange(1, 601),
            "visits_month": visits.clip(0.2).round(1),
            "minutes_visit": minutes.round(0),
            "cafe_eur_month": (np.array([4.0, 6.0, 19.0])[habit] + rng.normal(0, 2.5, 600)).clip(0).round(2),
        }
    )


@drawn(13122)
def well_water(rng: np.random.Generator) -> pd.DataFrame:
    """Samples of wells, one of each; a negative nitrate is a failed reading."""
    n = 640
    depth = rng.gamma(4, 11, n)
    use = rng.choice(["pasture", "arable", "forest"], n)
    nitrate = np.array([{"pasture": 24.0, "arable": 33.0, "forest": 9.0}[u] for u in use]) - 0.12 * depth
    nitrate = (nitrate + rng.normal(0, 5, n)).clip(0.3)
    nitrate[rng.random(n) < 0.05] = -9
    iron = rng.gamma(2, 0.15, n)
    iron[rng.random(n) < 0.14] = np.nan
    return pd.DataFrame(
        {"well": np.arange(1, n + 1), "land_use": use, "depth_m": depth.round(1), "nitrate_mg_l": nitrate.round(1),
         "iron_mg_l": iron.round(3)}
    )  # fmt: skip


@drawn(13123)
def night_school(rng: np.random.Generator) -> pd.DataFrame:
    """Learners who chose for themselves whether to come to tutorials."""
    n = 760
    hours = rng.gamma(4, 2.2, n)
    tutorials = happens(rng, -0.8 + 0.09 * hours)
    return pd.DataFrame(
        {
            "learner": np.arange(1, n + 1),
            "course": rng.choice(["welding", "Spanish", "bookkeeping", "sewing"], n),
            "study_hours": hours.round(1),
            "tutorials": np.where(tutorials == 1, "attended", "stayed away"),
            "exam": (48 + 1.3 * hours + 4.5 * tutorials + rng.normal(0, 9, n)).clip(0, 100).round(0),
        }
    )
