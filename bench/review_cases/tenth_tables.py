"""Made-up tables for the tenth set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(10101)
def surgeries(rng: np.random.Generator) -> pd.DataFrame:
    """Operations; antibiotics after it are given for an infection and for nothing else."""
    n = 1600
    age, minutes = rng.normal(61, 14, n).clip(18, 95), rng.gamma(6, 18, n) + 20
    asa = rng.choice([1, 2, 3, 4], n, p=[0.2, 0.45, 0.28, 0.07])
    infected = happens(rng, -7.4 + 0.032 * age + 0.012 * minutes + 0.7 * asa)
    albumin = rng.normal(39, 4.5, n)
    albumin[rng.random(n) < 0.09] = np.nan
    return pd.DataFrame(
        {
            "operation": np.arange(50001, 50001 + n),
            "ward": rng.choice(["East", "Garden", "Tower"], n),
            "age": age.round(0),
            "asa": asa,
            "minutes": minutes.round(0),
            "emergency": (rng.random(n) < 0.22).astype(int),
            "albumin_g_l": albumin.round(1),
            "infected": infected,
            "antibiotic_days": np.where(infected == 1, rng.integers(3, 15, n), 0),
        }
    )


@drawn(10102)
def substation(rng: np.random.Generator) -> pd.DataFrame:
    """Daily load of a substation over three years."""
    n = 1095
    day, t = pd.date_range("2021-01-01", periods=n), np.arange(n)
    temp = 10 - 9 * np.cos(2 * np.pi * (t - 15) / 365.25) + rng.normal(0, 3, n)
    noise = np.zeros(n)
    for i in range(1, n):
        noise[i] = 0.7 * noise[i - 1] + rng.normal(0, 9)
    load = 420 - 5.5 * temp - 38 * (day.dayofweek >= 5) + noise
    return pd.DataFrame(
        {
            "day": day.strftime("%Y-%m-%d"),
            "temp_c": temp.round(1),
            "load_mwh": load.round(1),
            "outage_min": rng.gamma(0.6, 6, n).round(0),
        }
    )


@drawn(10103)
def shipments(rng: np.random.Generator) -> pd.DataFrame:
    n = 1300
    haulier = rng.choice(["Arrow", "Birch", "Comet", "Delta", "Ember"], n)
    km, kg = rng.gamma(3, 140, n) + 15, rng.lognormal(5.2, 0.7, n)
    promised = np.ceil(km / 260).astype(int) + 1
    frost = (rng.random(n) < 0.2).astype(int)
    late = happens(rng, -2.9 + 0.0022 * km + 0.9 * frost + 0.7 * (haulier == "Comet"))
    actual = np.where(late == 1, promised + rng.integers(1, 4, n), promised - rng.integers(0, 2, n))
    return pd.DataFrame(
        {
            "shipment": np.arange(1, n + 1),
            "haulier": haulier,
            "depot": rng.choice(["Gent", "Lille", "Metz"], n),
            "km": km.round(0),
            "kg": kg.round(0),
            "frost": frost,
            "promised_days": promised,
            "actual_days": actual,
            "late": late,
            "freight_eur": (40 + 0.55 * km + 0.09 * kg + rng.normal(0, 25, n)).clip(30).round(2),
        }
    )


@drawn(10104)
def hauliers(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "haulier": ["Arrow", "Birch", "Comet", "Delta", "Ember"],
            "fleet": ["own", "leased", "leased", "own", "own"],
            "trucks": rng.integers(30, 220, 5),
        }
    )


@drawn(10105)
def haulier_audits(rng: np.random.Generator) -> pd.DataFrame:
    """Two to five audits of each haulier: its key repeats."""
    who = np.repeat(["Arrow", "Birch", "Comet", "Delta", "Ember"], [3, 2, 5, 4, 2])
    return pd.DataFrame(
        {
            "haulier": who,
            "year": 2018 + pd.Series(who).groupby(who).cumcount() + 1,
            "score": rng.integers(55, 99, len(who)),
        }
    )


@drawn(10106)
def milk_yields(rng: np.random.Generator) -> pd.DataFrame:
    """Sixteen cows on forty days each; a cow keeps her ration."""
    cow = np.repeat(np.arange(1, 17), 40)
    own = rng.normal(0, 3.2, 16)
    ration = np.where(np.arange(16) % 2 == 0, "maize", "grass")[cow - 1]
    litres = 27 + own[cow - 1] + 0.8 * (ration == "maize") + rng.normal(0, 1.6, 640)
    return pd.DataFrame(
        {
            "cow": cow,
            "ration": ration,
            "day": np.tile(np.arange(1, 41), 16),
            "litres": litres.round(1),
            "fat_pct": rng.normal(4.1, 0.25, 640).round(2),
        }
    )


@drawn(10107)
def nitrogen_fields(rng: np.random.Generator) -> pd.DataFrame:
    """On each soil more nitrogen goes with more yield; poor soils get more of it, so that pooled it is the reverse."""
    n = 480
    soil = rng.choice(["clay", "loam", "sand"], n)
    usual = pd.Series(soil).map({"loam": 90.0, "clay": 130.0, "sand": 170.0}).to_numpy()
    level = pd.Series(soil).map({"loam": 8.6, "clay": 6.9, "sand": 5.1}).to_numpy()
    nitrogen = usual + rng.normal(0, 14, n)
    return pd.DataFrame(
        {
            "field": np.arange(1, n + 1),
            "soil": soil,
            "nitrogen_kg_ha": nitrogen.round(0),
            "rain_mm": rng.normal(610, 60, n).round(0),
            "yield_t_ha": (level + 0.016 * (nitrogen - usual) + rng.normal(0, 0.35, n)).round(2),
        }
    )


@drawn(10108)
def potato_plots(rng: np.random.Generator) -> pd.DataFrame:
    """Ten blocks of sixteen plots; in each block half of the plots, drawn by lot, are sprayed."""
    block = np.repeat(np.arange(1, 11), 16)
    spray = np.concatenate([rng.permutation(np.repeat([0, 1], 8)) for _ in range(10)])
    own = rng.normal(0, 3, 10)[block - 1]
    return pd.DataFrame(
        {
            "plot": np.arange(1, 161),
            "block": block,
            "spray": spray,
            "tubers_t_ha": (38 + own + 2.4 * spray + rng.normal(0, 2.6, 160)).round(2),
            "blight_pct": (22 - 6 * spray + rng.normal(0, 5, 160)).clip(0).round(1),
        }
    )


@drawn(10109)
def sprints(rng: np.random.Generator) -> pd.DataFrame:
    """Forty athletes before and after a camp; only four of them hurdle."""
    n = 40
    event = np.array(["sprint"] * 22 + ["jump"] * 14 + ["hurdles"] * 4)
    before = rng.normal(4.30, 0.13, n)
    change = rng.normal(-0.05, 0.05, n) - 0.06 * (event == "hurdles")
    return pd.DataFrame(
        {
            "athlete": np.arange(1, n + 1),
            "event": event,
            "before_s": before.round(3),
            "after_s": (before + change).round(3),
            "squat_kg": rng.normal(128, 17, n).round(0),
        }
    )


@drawn(10110)
def exhibitions(rng: np.random.Generator) -> pd.DataFrame:
    """Exhibitions of a museum, five of them of photographs."""
    kind = np.array(["painting"] * 26 + ["archaeology"] * 19 + ["design"] * 17 + ["photography"] * 5)
    n = len(kind)
    weeks = rng.integers(8, 22, n)
    people = 1900 * weeks + 6000 * (kind == "photography") + rng.normal(0, 5200, n)
    return pd.DataFrame(
        {
            "exhibition": np.arange(1, n + 1),
            "kind": kind,
            "weeks": weeks,
            "ticket_eur": rng.choice([9, 12, 14, 16], n),
            "visitors": people.clip(4000).round(0).astype(int),
            "cost_keur": (60 + 7 * weeks + rng.normal(0, 22, n)).round(1),
        }
    )


@drawn(10111)
def gallery_scores(rng: np.random.Generator) -> pd.DataFrame:
    n = 720
    wing = rng.choice(["Antiquities", "Modern", "Prints", "Textiles"], n)
    lift = pd.Series(wing).map({"Antiquities": 0.0, "Modern": 0.25, "Prints": 0.1, "Textiles": 0.35}).to_numpy()
    return pd.DataFrame(
        {
            "card": np.arange(1, n + 1),
            "wing": wing,
            "visitor": rng.choice(["local", "tourist"], n),
            "minutes": rng.gamma(5, 9, n).round(0),
            "rating": (7.8 + lift + rng.normal(0, 0.7, n)).clip(1, 10).round(1),
        }
    )


@drawn(10112)
def cell_sites(rng: np.random.Generator) -> pd.DataFrame:
    """Radio sites of which about two in a hundred fail within a month."""
    n = 5000
    age, heat = rng.uniform(0, 18, n), rng.normal(31, 6, n)
    return pd.DataFrame(
        {
            "site": np.arange(1, n + 1),
            "vendor": rng.choice(["N", "S", "Z"], n),
            "age_years": age.round(1),
            "cabinet_c": heat.round(1),
            "traffic_tb": rng.gamma(4, 2.1, n).round(2),
            "rural": (rng.random(n) < 0.4).astype(int),
            "failed": happens(rng, -9.0 + 0.13 * age + 0.11 * heat),
        }
    )


@drawn(10113)
def spelling(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty classes of twenty-two pupils; the whole class uses the app or does not, and classes differ much."""
    room = np.repeat(np.arange(1, 21), 22)
    own = rng.normal(0, 5, 20)[room - 1]
    app = (np.arange(20) % 2)[room - 1]
    before = 50 + own + rng.normal(0, 8, 440)
    return pd.DataFrame(
        {
            "pupil": np.arange(1, 441),
            "classroom": room,
            "app": app,
            "before": before.round(0),
            "after": (before + 4 + rng.normal(0, 3.5, 20)[room - 1] + 2.6 * app + rng.normal(0, 5, 440)).round(0),
        }
    )


@drawn(10114)
def hail_claims(rng: np.random.Generator) -> pd.DataFrame:
    """Claims under policies that claim several times; each policy has a level of its own."""
    n = 1500
    policy = rng.integers(1, 301, n)
    own = rng.normal(0, 420, 301)[policy]
    hail, roof = rng.gamma(4, 0.7, n), rng.integers(0, 46, 301)[policy]
    return pd.DataFrame(
        {
            "claim": np.arange(900001, 900001 + n),
            "policy": policy,
            "hail_cm": hail.round(1),
            "roof_years": roof,
            "year": rng.integers(2016, 2024, n),
            "paid_eur": (900 + 310 * hail + 14 * roof + own + rng.normal(0, 260, n)).clip(50).round(0),
        }
    )


@drawn(10115)
def policyholders(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "policy": np.arange(1, 301),
            "house": rng.choice(["terraced", "detached", "flat"], 300),
            "premium_eur": rng.normal(340, 60, 300).round(0),
        }
    )


@drawn(10116)
def policy_notes(rng: np.random.Generator) -> pd.DataFrame:
    """One to four notes on each policy: its key repeats."""
    which = np.repeat(np.arange(1, 301), rng.integers(1, 5, 300))
    return pd.DataFrame({"policy": which, "topic": rng.choice(["roof", "address", "bank"], len(which))})


@drawn(10117)
def variable_stars(rng: np.random.Generator) -> pd.DataFrame:
    n = 430
    log_p = rng.normal(0.85, 0.28, n)
    kind = rng.choice(["fundamental", "overtone"], n, p=[0.75, 0.25])
    magnitude = -4.05 - 2.43 * (log_p - 1) - 0.35 * (kind == "overtone") + rng.normal(0, 0.16, n)
    return pd.DataFrame(
        {
            "star": np.arange(1, n + 1),
            "mode": kind,
            "period_d": (10**log_p).round(3),
            "abs_mag": magnitude.round(3),
            "distance_kpc": rng.lognormal(0.9, 0.5, n).round(2),
        }
    )


@drawn(10118)
def biomarkers(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty-four markers in blood that have nothing to do with the fatigue."""
    n = 240
    return pd.DataFrame(
        {
            "person": np.arange(1, n + 1),
            "sex": rng.choice(["f", "m"], n),
            **{f"marker_{i:02d}": rng.lognormal(1, 0.4, n).round(3) for i in range(1, 25)},
            "fatigue": rng.normal(42, 9, n).round(0),
        }
    )


@drawn(10119)
def gut_taxa(rng: np.random.Generator) -> pd.DataFrame:
    """Eighteen genera in the gut of ill and well people; two of them differ."""
    n = 180
    ill = rng.permutation(np.repeat([0, 1], n // 2))
    genera = {f"g{i:02d}": rng.gamma(2.5, 1.2, n) + (0.9 * ill if i in (4, 11) else 0) for i in range(1, 19)}
    return pd.DataFrame(
        {"donor": np.arange(1, n + 1), "ill": ill, **{name: value.round(3) for name, value in genera.items()}}
    )


@drawn(10120)
def sms_trial(rng: np.random.Generator) -> pd.DataFrame:
    """Appointments of as many patients, half of whom, by lot, get a text message the day before."""
    n = 2600
    sms = rng.permutation(np.repeat([0, 1], n // 2))
    age = rng.integers(18, 86, n)
    return pd.DataFrame(
        {
            "patient": np.arange(1, n + 1),
            "sms": sms,
            "age": age,
            "clinic": rng.choice(["eyes", "heart", "skin"], n),
            "attended": happens(rng, 0.75 + 0.4 * sms + 0.008 * (age - 50)),
        }
    )


@drawn(10121)
def almazara(rng: np.random.Generator) -> pd.DataFrame:
    """Lots of olives at a mill; a warmer paste goes with a higher acidity."""
    n = 420
    temperature = rng.normal(27, 2.5, n)
    return pd.DataFrame(
        {
            "lote": np.arange(1, n + 1),
            "variedad": rng.choice(["arbequina", "hojiblanca", "picual"], n),
            "temperatura_c": temperature.round(1),
            "aceituna_kg": rng.gamma(5, 420, n).round(0),
            "rendimiento_pct": rng.normal(20.5, 1.8, n).round(1),
            "acidez_pct": (0.34 + 0.03 * (temperature - 27) + rng.normal(0, 0.07, n)).clip(0.05).round(2),
        }
    )


@drawn(10122)
def ruchers(rng: np.random.Generator) -> pd.DataFrame:
    """Colonies of bees; the keepers fed those that they chose."""
    n = 360
    altitude = rng.normal(640, 190, n).clip(80)
    fed = happens(rng, (altitude - 640) / 150)
    honey = 17 + 4.5 * fed + 0.002 * (640 - altitude) + rng.normal(0, 4, n)
    return pd.DataFrame(
        {
            "colonie": np.arange(1, n + 1),
            "nourrie": np.where(fed == 1, "oui", "non"),
            "altitude_m": altitude.round(0),
            "varroas": rng.poisson(6, n),
            "miel_kg": honey.clip(0).round(1),
        }
    )


@drawn(10123)
def aufzuege(rng: np.random.Generator) -> pd.DataFrame:
    n = 680
    age, rides = rng.uniform(1, 40, n), rng.gamma(4, 55, n)
    weight = rng.normal(610, 90, n)
    weight[rng.random(n) < 0.1] = np.nan
    faults = rng.poisson(np.exp(0.1 + 0.03 * age + 0.002 * rides))
    return pd.DataFrame(
        {
            "aufzug": np.arange(1, n + 1),
            "hersteller": rng.choice(["Alba", "Brenn", "Cord"], n),
            "alter_jahre": age.round(1),
            "fahrten_tag": rides.round(0),
            "kabine_kg": weight.round(0),
            "stoerungen": faults,
            "reparatur_eur": (faults * 210 + rng.gamma(2, 60, n)).round(0),
        }
    )


@drawn(10124)
def tutoring(rng: np.random.Generator) -> pd.DataFrame:
    """Pupils who chose whether to be tutored; the keen ones chose it."""
    n = 640
    keen = rng.normal(0, 1, n)
    tutored = happens(rng, 0.9 * keen)
    return pd.DataFrame(
        {
            "pupil": np.arange(1, n + 1),
            "school": rng.choice(["Elm", "Oak", "Yew"], n),
            "tutored": tutored,
            "homework_h": (5 + 1.2 * keen + rng.normal(0, 1, n)).clip(0).round(1),
            "mark": (61 + 5 * keen + 1.5 * tutored + rng.normal(0, 6, n)).clip(0, 100).round(0),
        }
    )


@drawn(10125)
def helpdesk(rng: np.random.Generator) -> pd.DataFrame:
    """Among easy and among hard tickets the phone solves more; it gets the hard ones, and so solves fewer of all."""
    n = 2400
    hard = (rng.random(n) < 0.5).astype(int)
    phone = rng.random(n) < np.where(hard == 1, 0.82, 0.2)
    return pd.DataFrame(
        {
            "ticket": np.arange(1, n + 1),
            "channel": np.where(phone, "phone", "chat"),
            "level": np.where(hard == 1, "hard", "easy"),
            "wait_min": rng.gamma(2, 4, n).round(1),
            "solved": happens(rng, 1.7 - 2.3 * hard + 0.55 * phone),
        }
    )
