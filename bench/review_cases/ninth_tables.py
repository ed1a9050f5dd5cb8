"""Made-up tables for the ninth set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(9101)
def firings(rng: np.random.Generator) -> pd.DataFrame:
    """Firings of a pottery; a remake is paid only for a load that cracked."""
    n = 1400
    moisture, rate = rng.normal(6, 1.6, n).clip(1), rng.normal(150, 28, n)
    cracked = happens(rng, -7.6 + 0.5 * moisture + 0.022 * rate)
    humidity = rng.normal(55, 12, n)
    humidity[rng.random(n) < 0.08] = np.nan
    return pd.DataFrame(
        {
            "firing_id": np.arange(1, n + 1),
            "kiln": rng.choice([f"K{i}" for i in range(1, 9)], n),
            "glaze": rng.choice(["ash", "celadon", "tenmoku"], n),
            "moisture_pct": moisture.round(2),
            "ramp_c_per_h": rate.round(0),
            "humidity_pct": humidity.round(1),
            "pieces": rng.integers(20, 140, n),
            "gas_m3": (30 + 0.12 * rate + rng.normal(0, 5, n)).round(1),
            "cracked": cracked,
            "remake_eur": np.where(cracked == 1, rng.gamma(3, 90, n), 0).round(2),
        }
    )


@drawn(9102)
def kilns(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kiln": [f"K{i}" for i in range(1, 9)],
            "fuel": ["gas", "gas", "electric", "gas", "electric", "gas", "wood", "gas"],
            "volume_l": rng.integers(200, 1400, 8),
        }
    )


@drawn(9103)
def kiln_services(rng: np.random.Generator) -> pd.DataFrame:
    """Two to four services of each kiln: its key repeats."""
    which = np.repeat([f"K{i}" for i in range(1, 9)], [2, 3, 4, 2, 3, 2, 4, 3])
    return pd.DataFrame(
        {
            "kiln": which,
            "engineer": rng.choice(["Aga", "Ben", "Cyd"], len(which)),
            "cost_eur": rng.integers(90, 700, len(which)),
        }
    )


@drawn(9104)
def brews(rng: np.random.Generator) -> pd.DataFrame:
    n = 620
    style = rng.choice(["lager", "porter", "saison", "stout"], n)
    gravity = rng.normal(1052, 7, n)
    days = rng.integers(8, 31, n)
    bitterness = rng.normal(34, 9, n).clip(8)
    score = 62 + 0.35 * days + 0.12 * (gravity - 1052) + 3 * (style == "stout") + rng.normal(0, 5, n)
    bitterness[rng.random(n) < 0.12] = np.nan
    return pd.DataFrame(
        {
            "batch": np.arange(2001, 2001 + n),
            "brewer": rng.choice(["Ilse", "Jan", "Kofi", "Lene"], n),
            "style": style,
            "gravity": gravity.round(1),
            "ferment_days": days,
            "bitterness": bitterness.round(1),
            "score": score.round(1),
        }
    )


@drawn(9105)
def lambs(rng: np.random.Generator) -> pd.DataFrame:
    """Within each breed the heavier lamb at birth grows faster, over all of them slower."""
    n = 540
    breed = rng.choice(["Cheviot", "Suffolk", "Texel"], n)
    base = pd.Series(breed).map({"Cheviot": 3.6, "Suffolk": 4.8, "Texel": 6.0}).to_numpy()
    level = pd.Series(breed).map({"Cheviot": 330, "Suffolk": 285, "Texel": 240}).to_numpy()
    birth = base + rng.normal(0, 0.4, n)
    return pd.DataFrame(
        {
            "tag": np.arange(1, n + 1),
            "breed": breed,
            "sex": rng.choice(["ewe", "ram"], n),
            "birth_kg": birth.round(2),
            "gain_g_day": (level + 30 * (birth - base) + rng.normal(0, 14, n)).round(0),
        }
    )


@drawn(9106)
def pool_days(rng: np.random.Generator) -> pd.DataFrame:
    n = 730
    day, t = pd.date_range("2023-01-01", periods=n), np.arange(n)
    warm = 11 - 9 * np.cos(2 * np.pi * t / 365.25) + rng.normal(0, 3, n)
    swimmers = 260 + 14 * warm + 110 * (day.dayofweek >= 5) + rng.normal(0, 45, n)
    return pd.DataFrame(
        {
            "day": day.strftime("%Y-%m-%d"),
            "air_c": warm.round(1),
            "rain_mm": rng.gamma(0.5, 4, n).round(1),
            "swimmers_in": swimmers.clip(20).round(0).astype(int),
        }
    )


@drawn(9107)
def customs(rng: np.random.Generator) -> pd.DataFrame:
    """Containers of which about one in a hundred holds what was not declared."""
    n = 3000
    stops, age = rng.poisson(2, n), rng.integers(0, 25, n)
    return pd.DataFrame(
        {
            "container": np.arange(1, n + 1),
            "route": rng.choice(["east", "north", "south"], n),
            "stops": stops,
            "firm_age": age,
            "declared_keur": rng.lognormal(3, 0.8, n).round(1),
            "weight_t": rng.normal(14, 4, n).clip(2).round(1),
            "contraband": happens(rng, -5.2 + 0.45 * stops - 0.03 * age),
        }
    )


@drawn(9108)
def knees(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty-four patients of two physiotherapists, eight sessions each."""
    who = np.repeat(np.arange(1, 25), 8)
    own = rng.normal(0, 9, 24)
    therapist = np.where(np.arange(24) % 2 == 0, "Mara", "Nils")[who - 1]
    session = np.tile(np.arange(1, 9), 24)
    bend = 82 + own[who - 1] + 3.1 * session + 5 * (therapist == "Mara") + rng.normal(0, 3, 192)
    return pd.DataFrame(
        {
            "patient": who,
            "therapist": therapist,
            "session": session,
            "age": rng.integers(30, 75, 24)[who - 1],
            "bend_deg": bend.round(1),
        }
    )


@drawn(9109)
def letter_trial(rng: np.random.Generator) -> pd.DataFrame:
    """Households drawn by lot to get a letter about their heating, or none."""
    n = 900
    before = rng.normal(1180, 210, n)
    letter = rng.permutation(np.repeat([0, 1], n // 2))
    return pd.DataFrame(
        {
            "household": np.arange(1, n + 1),
            "letter": letter,
            "people": rng.integers(1, 6, n),
            "before_kwh": before.round(0),
            "after_kwh": (before * 0.97 - 42 * letter + rng.normal(0, 95, n)).round(0),
        }
    )


@drawn(9110)
def wellbeing(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty answers of 260 workers, and days of absence that have nothing to do with them."""
    n = 260
    answers = {f"item_{i:02d}": rng.integers(1, 6, n) for i in range(1, 21)}
    return pd.DataFrame(
        {
            "worker": np.arange(1, n + 1),
            "site": rng.choice(["plant", "office"], n),
            **answers,
            "absent_days": rng.poisson(6, n),
        }
    )


@drawn(9111)
def ergometer(rng: np.random.Generator) -> pd.DataFrame:
    n = 44
    before = rng.normal(412, 14, n)
    squad = np.array(["senior"] * 39 + ["junior"] * 5)
    return pd.DataFrame(
        {
            "rower": np.arange(1, n + 1),
            "squad": squad,
            "before_s": before.round(1),
            "after_s": (before - 5 + rng.normal(0, 6, n)).round(1),
            "hours_trained": rng.normal(60, 14, n).round(0),
        }
    )


@drawn(9112)
def rooms(rng: np.random.Generator) -> pd.DataFrame:
    """Hotel reservations; a guest may come often, and a refund is made only after a cancellation."""
    n = 1500
    lead, nights = rng.gamma(1.6, 26, n).round(0), rng.integers(1, 9, n)
    channel = rng.choice(["agency", "direct", "portal"], n, p=[0.2, 0.35, 0.45])
    off = happens(rng, -1.7 + 0.016 * lead + 0.6 * (channel == "portal"))
    rate = 78 + 14 * (channel == "direct") + rng.normal(0, 16, n)
    return pd.DataFrame(
        {
            "reservation": np.arange(60001, 60001 + n),
            "guest": rng.integers(1, 420, n),
            "channel": channel,
            "lead_days": lead.astype(int),
            "nights": nights,
            "rate_eur": rate.clip(35).round(2),
            "cancelled_stay": off,
            "refund_eur": np.where(off == 1, rate * nights * 0.8, 0).clip(0).round(2),
        }
    )


@drawn(9113)
def guests(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "guest": np.arange(1, 420),
            "country": rng.choice(["AT", "CH", "DE", "IT"], 419),
            "member": rng.integers(0, 2, 419),
        }
    )


@drawn(9114)
def deploys(rng: np.random.Generator) -> pd.DataFrame:
    n = 1100
    lines, reviewers = rng.lognormal(4.6, 1, n).round(0), rng.integers(1, 5, n)
    failed = happens(rng, -2.6 + 0.35 * np.log(lines) - 0.25 * reviewers)
    return pd.DataFrame(
        {
            "deploy": np.arange(1, n + 1),
            "team": rng.choice(["billing", "search", "web"], n),
            "lines": lines.astype(int),
            "reviewers": reviewers,
            "friday": (rng.random(n) < 0.18).astype(int),
            "build_min": rng.gamma(4, 3, n).round(1),
            "failed": failed,
        }
    )
