"""Made-up tables for the fourteenth set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(14001)
def ski_hires(rng: np.random.Generator) -> pd.DataFrame:
    """Ski hires; a repair is charged only for skis that came back damaged."""
    n = 1300
    level = rng.choice(["beginner", "regular", "expert"], n, p=[0.4, 0.4, 0.2])
    days, snow = rng.integers(1, 9, n), rng.gamma(4, 18, n)
    damaged = happens(rng, -1.7 + 0.32 * days - 0.02 * snow + np.where(level == "beginner", 0.7, 0))
    boots = rng.normal(41, 2.6, n).round(0)
    boots[rng.random(n) < 0.06] = np.nan
    return pd.DataFrame(
        {
            "hire_no": np.arange(50001, 50001 + n),
            "resort": rng.choice(["Arosa", "Bivio", "Celerina", "Davos"], n),
            "level": level,
            "days": days,
            "snow_cm": snow.round(0),
            "boots_eu": boots,
            "hire_chf": (days * 31 + np.where(level == "expert", 24, 0) + rng.normal(0, 9, n)).clip(20).round(2),
            "damaged": damaged,
            "repair_chf": np.where(damaged == 1, rng.gamma(4, 17, n), 0).round(2),
        }
    )


@drawn(14002)
def travel_claims(rng: np.random.Generator) -> pd.DataFrame:
    """Travel-insurance claims; an appeal follows the decision, and is rare where the claim was accepted."""
    n = 1500
    amount, late = rng.lognormal(6, 0.7, n), rng.poisson(9, n)
    prior = rng.poisson(0.8, n)
    rejected = happens(rng, -2.4 + 0.07 * late + 0.45 * prior + 0.0004 * amount)
    appeal = (rng.random(n) < np.where(rejected == 1, 0.62, 0.03)).astype(int)
    return pd.DataFrame(
        {
            "claim_ref": [f"TC{i}" for i in range(1, n + 1)],
            "destination": rng.choice(["ES", "GR", "IT", "TR", "US", "TH", "PT", "HR", "EG", "MA"], n),
            "trip_days": rng.integers(2, 29, n),
            "claimed_gbp": amount.round(2),
            "days_to_report": late,
            "prior_claims": prior,
            "rejected": rejected,
            "appeal_filed": appeal,
        }
    )


MINERALS = [
    "ca",
    "mg",
    "na",
    "k",
    "fe",
    "mn",
    "zn",
    "cu",
    "cl",
    "f",
    "br",
    "so4",
    "no3",
    "sio2",
    "sr",
    "ba",
    "li",
    "b",
    "al",
    "ni",
    "hco3",
    "po4",
]


@drawn(14003)
def tap_water(rng: np.random.Generator) -> pd.DataFrame:
    """Supply zones: none of the twenty-two minerals has to do with the complaints."""
    n = 300
    zones = [f"Z{i:03d}" for i in range(1, n + 1)]
    table = pd.DataFrame({"zone": zones, "supplier": rng.choice(["North", "Lake", "Hill"], n)})
    for mineral in MINERALS:
        table[mineral + "_mg_l"] = rng.lognormal(1, 0.5, n).round(3)
    table["complaints_per_1000"] = rng.gamma(6, 0.7, n).round(2)
    return table


@drawn(14004)
def mushroom_beds(rng: np.random.Generator) -> pd.DataFrame:
    """Eleven beds."""
    substrate = np.array(["straw", "sawdust"] * 6)[:11]
    return pd.DataFrame(
        {
            "bed": np.arange(1, 12),
            "substrate": substrate,
            "yield_kg": (21 + np.where(substrate == "sawdust", 4.3, 0) + rng.normal(0, 2.2, 11)).round(1),
        }
    )


@drawn(14005)
def bike_workshop(rng: np.random.Generator) -> pd.DataFrame:
    """Ilse does the difficult jobs: more of hers come back, though fewer of either kind."""
    n = 2400
    mechanic = rng.choice(["Ilse", "Jon"], n)
    hard = rng.random(n) < np.where(mechanic == "Ilse", 0.85, 0.15)
    back = rng.random(n) < np.where(hard, 0.3, 0.08) + np.where(mechanic == "Jon", 0.07, 0)
    return pd.DataFrame(
        {
            "job_no": np.arange(1, n + 1),
            "mechanic": mechanic,
            "job_kind": np.where(hard, "drivetrain", "flat tyre"),
            "minutes": (np.where(hard, 70, 22) + rng.normal(0, 7, n)).round(0),
            "came_back": back.astype(int),
        }
    )


@drawn(14006)
def espresso_shots(rng: np.random.Generator) -> pd.DataFrame:
    """Shots of three roasts: coarser grinds extract less with each, more over all of them."""
    roast = np.repeat(["light", "medium", "dark"], 130)
    level = np.repeat([0.0, 1.0, 2.0], 130)
    grind = 240 + 60 * level + rng.normal(0, 17, 390)
    extraction = 16.5 + 2.4 * level - 0.03 * (grind - 240 - 60 * level) + rng.normal(0, 0.6, 390)
    return pd.DataFrame(
        {"shot": np.arange(1, 391), "roast": roast, "grind_um": grind.round(0), "extraction_pct": extraction.round(2)}
    )


@drawn(14007)
def saliva_cortisol(rng: np.random.Generator) -> pd.DataFrame:
    """Forty persons, twelve mornings of each; the chronotype belongs to the person."""
    person = np.repeat(np.arange(1, 41), 12)
    owl = np.arange(1, 41) % 2 == 0
    own = rng.normal(0, 3.4, 40) + np.where(owl, -1.0, 0)
    return pd.DataFrame(
        {
            "person": [f"P{p:02d}" for p in person],
            "chronotype": np.where(owl, "owl", "lark")[person - 1],
            "morning": np.tile(np.arange(1, 13), 40),
            "cortisol_nmol_l": (14 + own[person - 1] + rng.normal(0, 2.1, 480)).round(2),
        }
    )


@drawn(14008)
def gloss_panels(rng: np.random.Generator) -> pd.DataFrame:
    """Thirty-two test panels with fifteen gloss readings of each; a panel has one lacquer."""
    panel = np.repeat(np.arange(1, 33), 15)
    matt = np.arange(1, 33) % 2 == 1
    own = rng.normal(0, 4.5, 32) + np.where(matt, -1.5, 0)
    return pd.DataFrame(
        {
            "panel": [f"L{p}" for p in panel],
            "lacquer": np.where(matt, "waterborne", "solvent")[panel - 1],
            "spot": np.tile(np.arange(1, 16), 32),
            "gloss_gu": (71 + own[panel - 1] + rng.normal(0, 1.8, 480)).round(1),
        }
    )


@drawn(14009)
def tool_loans(rng: np.random.Generator) -> pd.DataFrame:
    n = 1100
    days = rng.geometric(0.16, n)
    return pd.DataFrame(
        {
            "loan_no": np.arange(9001, 9001 + n),
            "tool_code": [f"T{i:02d}" for i in rng.integers(1, 61, n)],
            "member_no": rng.integers(100, 400, n),
            "days_out": days,
            "fee_eur": (2 + 0.7 * days + rng.gamma(2, 1.2, n)).round(2),
        }
    )


@drawn(14010)
def tool_catalogue(rng: np.random.Generator) -> pd.DataFrame:
    """One row for a tool."""
    return pd.DataFrame(
        {
            "tool_code": [f"T{i:02d}" for i in range(1, 61)],
            "category": rng.choice(["garden", "wood", "masonry", "electric"], 60),
            "bought_eur": rng.gamma(4, 32, 60).round(0),
        }
    )


@drawn(14011)
def tool_repairs(rng: np.random.Generator) -> pd.DataFrame:
    """One to five repairs of a tool: its key repeats."""
    codes = np.repeat([f"T{i:02d}" for i in range(1, 61)], rng.integers(1, 6, 60))
    return pd.DataFrame(
        {
            "repair_id": np.arange(1, len(codes) + 1),
            "tool_code": codes,
            "repairer": rng.choice(["Hofer", "Lutz"], len(codes)),
            "cost_eur": rng.gamma(3, 11, len(codes)).round(2),
        }
    )


@drawn(14012)
def bearing_checks(rng: np.random.Generator) -> pd.DataFrame:
    """Checks of bearings, one of each; about one in forty fails within the month."""
    n = 5000
    vibration, temperature, rpm = rng.gamma(4, 0.6, n), rng.normal(61, 8, n), rng.normal(1480, 60, n)
    fails = happens(rng, -10.4 + 0.85 * vibration + 0.065 * temperature)
    return pd.DataFrame(
        {
            "bearing": [f"B{i:05d}" for i in range(1, n + 1)],
            "vibration_mm_s": vibration.round(2),
            "temp_c": temperature.round(1),
            "rpm": rpm.round(0),
            "fails": fails,
        }
    )


@drawn(14013)
def vaccine_lots(rng: np.random.Generator) -> pd.DataFrame:
    """Lots of a vaccine; one in fifty is recalled."""
    n = 3600
    transit, excursion, fill = rng.gamma(5, 7, n), rng.gamma(1.5, 8, n), rng.normal(0.51, 0.012, n)
    return pd.DataFrame(
        {
            "lot": [f"V{i}" for i in range(10001, 10001 + n)],
            "site": rng.choice(["Gent", "Lyon", "Turku"], n),
            "transit_h": transit.round(1),
            "warm_minutes": excursion.round(1),
            "fill_ml": fill.round(4),
            "recalled": happens(rng, -5.6 + 0.02 * transit + 0.055 * excursion),
        }
    )


@drawn(14014)
def reading_app(rng: np.random.Generator) -> pd.DataFrame:
    """Readers who turned reminders on, or did not, as they liked."""
    n = 1250
    age, months = rng.integers(16, 75, n), rng.gamma(2, 7, n)
    keen = rng.normal(0, 1, n)
    on = rng.random(n) < 1 / (1 + np.exp(-0.9 * keen))
    return pd.DataFrame(
        {
            "reader": np.arange(1, n + 1),
            "age": age,
            "months_member": months.round(1),
            "reminders": np.where(on, "on", "off"),
            "pages_week": (88 + 21 * keen + 0.3 * age + np.where(on, 5, 0) + rng.normal(0, 22, n)).clip(0).round(0),
        }
    )


@drawn(14015)
def home_heating(rng: np.random.Generator) -> pd.DataFrame:
    """Homes whose owners chose their heating; heat pumps stand in newer, better insulated houses."""
    n = 860
    built = rng.integers(1950, 2021, n)
    pump = rng.random(n) < 1 / (1 + np.exp(-(built - 1990) / 12))
    area = rng.normal(128, 30, n).clip(45)
    bill = 520 + 9.5 * area - 7.5 * (built - 1985) - np.where(pump, 140, 0) + rng.normal(0, 190, n)
    return pd.DataFrame(
        {
            "home": np.arange(1, n + 1),
            "heating": np.where(pump, "heat pump", "gas boiler"),
            "built": built,
            "area_m2": area.round(0),
            "bill_eur": bill.clip(150).round(0),
        }
    )


@drawn(14016)
def desk_trial(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised trial: employees drew a standing desk or kept theirs, in fourteen departments."""
    n = 1120
    arm = rng.permutation(np.repeat(["standing", "usual"], n // 2))
    base = rng.normal(4.8, 1.6, n)
    return pd.DataFrame(
        {
            "employee": np.arange(1, n + 1),
            "department": np.repeat([f"D{i:02d}" for i in range(1, 15)], 80),
            "arm": arm,
            "pain_before": base.clip(0, 10).round(1),
            "pain_after": (base - np.where(arm == "standing", 0.45, 0) + rng.normal(0, 1.2, n)).clip(0, 10).round(1),
            "sick_days": np.random.default_rng(7).poisson(3.1, n),
        }
    )


@drawn(14017)
def coworking_sites(rng: np.random.Generator) -> pd.DataFrame:
    """Members of six sites and whether they would recommend theirs."""
    n = 2700
    site = rng.choice(["Docks", "Mill", "Old Post", "Park", "Quay", "Station"], n)
    p = pd.Series(site).map({"Docks": 0.83, "Mill": 0.85, "Old Post": 0.87, "Park": 0.84, "Quay": 0.9, "Station": 0.86})
    return pd.DataFrame(
        {
            "member": np.arange(1, n + 1),
            "site": site,
            "desk_hours": rng.gamma(5, 5, n).round(1),
            "would_recommend": (rng.random(n) < p.to_numpy()).astype(int),
        }
    )


@drawn(14018)
def cinema_days(rng: np.random.Generator) -> pd.DataFrame:
    """Two years of a cinema's days."""
    day = pd.date_range("2022-01-01", "2023-12-31", freq="D")
    k = np.arange(len(day))
    tickets = (
        410 + 60 * np.cos(2 * np.pi * k / 365.25) + np.where(day.dayofweek >= 5, 130, 0) + rng.normal(0, 40, len(day))
    )
    return pd.DataFrame(
        {
            "day": day.strftime("%Y-%m-%d"),
            "rain_mm": (rng.gamma(0.5, 5, len(day))).round(1),
            "tickets": tickets.round(0).astype(int),
            "snacks_eur": (tickets * 2.6 + rng.normal(0, 90, len(day))).round(2),
        }
    )


@drawn(14019)
def bread_batches(rng: np.random.Generator) -> pd.DataFrame:
    """Batches of bread, with a few readings missing."""
    n = 900
    hydration, proof, oven = rng.normal(68, 4, n), rng.normal(95, 20, n), rng.normal(232, 7, n)
    protein = rng.normal(12.2, 0.8, n)
    volume = 900 + 22 * hydration + 2.1 * proof + 55 * protein - 1.4 * oven + rng.normal(0, 85, n)
    protein[rng.random(n) < 0.11] = np.nan
    proof[rng.random(n) < 0.05] = np.nan
    return pd.DataFrame(
        {
            "batch": np.arange(1, n + 1),
            "oven_deck": rng.choice(["upper", "middle", "lower"], n),
            "hydration_pct": hydration.round(1),
            "proof_min": proof.round(0),
            "protein_pct": protein.round(2),
            "oven_c": oven.round(0),
            "volume_ml": volume.round(0),
        }
    )


@drawn(14020)
def hostel_stays(rng: np.random.Generator) -> pd.DataFrame:
    """Stays in a hostel; a fifth of the guests left no rating, and some countries have but three guests."""
    n = 980
    country = rng.choice(["DE", "FR", "NL", "ES", "PL", "IT"], n, p=[0.3, 0.2, 0.16, 0.14, 0.11, 0.09])
    rating = rng.normal(7.7, 1.1, n)
    country[::245] = "EE"
    rating[::245] = [9.4, 9.6, 9.1, 9.5]
    country[100::300] = "LU"
    rating = rating.clip(1, 10).round(1)
    missing = rng.random(n) < 0.2
    missing[::245] = False
    rating[missing] = np.nan
    nights = rng.integers(1, 8, n)
    return pd.DataFrame(
        {
            "stay": np.arange(1, n + 1),
            "country": country,
            "room": rng.integers(101, 141, n),
            "nights": nights,
            "paid_eur": (nights * rng.normal(34, 5, n)).clip(15).round(2),
            "rating": rating,
        }
    )


@drawn(14021)
def hostel_rooms(rng: np.random.Generator) -> pd.DataFrame:
    """One row for a room."""
    return pd.DataFrame(
        {
            "room_no": np.arange(101, 141),
            "beds": rng.choice([4, 6, 8, 10], 40),
            "floor": np.repeat([1, 2], 20),
            "ensuite": rng.choice(["yes", "no"], 40),
        }
    )


@drawn(14022)
def hostel_cleanings(rng: np.random.Generator) -> pd.DataFrame:
    """Deep cleanings: two to six of each room."""
    room = np.repeat(np.arange(101, 141), rng.integers(2, 7, 40))
    return pd.DataFrame(
        {"room": room, "team": rng.choice(["red", "blue"], len(room)), "minutes": rng.integers(35, 120, len(room))}
    )


@drawn(14023)
def audiograms(rng: np.random.Generator) -> pd.DataFrame:
    """Patients of a hearing clinic, half of whom take a hearing aid."""
    n = 950
    age, noise = rng.normal(61, 13, n), rng.gamma(2, 6, n)
    low = 8 + 0.28 * age + 0.25 * noise + rng.normal(0, 7, n)
    high = -10 + 0.8 * age + 0.6 * noise + rng.normal(0, 10, n)
    return pd.DataFrame(
        {
            "patient": np.arange(1, n + 1),
            "age": age.round(0),
            "noise_years": noise.round(1),
            "pta_low_db": low.round(1),
            "pta_high_db": high.round(1),
            "tinnitus": rng.choice(["yes", "no"], n, p=[0.3, 0.7]),
            "takes_aid": happens(rng, -7.9 + 0.11 * high + 0.12 * low),
        }
    )


@drawn(14024)
def drone_flights(rng: np.random.Generator) -> pd.DataFrame:
    """Survey flights of drones; the wind is missing for a tenth, mostly those by night."""
    n = 1050
    wind, payload, battery = rng.gamma(4, 1.5, n), rng.integers(200, 1500, n), rng.integers(60, 101, n)
    minutes = 34 - 0.9 * wind - 0.006 * payload + 0.1 * (battery - 80) + rng.normal(0, 2.4, n)
    light = rng.choice(["day", "night"], n, p=[0.7, 0.3])
    aborted = happens(rng, -3.4 + 0.27 * wind + 0.0006 * payload)
    wind[rng.random(n) < np.where(light == "night", 0.28, 0.04)] = np.nan
    return pd.DataFrame(
        {
            "flight": np.arange(1, n + 1),
            "light": light,
            "payload_g": payload,
            "battery_pct": battery,
            "wind_ms": wind.round(1),
            "minutes": minutes.clip(4).round(1),
            "aborted": aborted,
        }
    )
