"""Made-up tables for the eighth set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(8101)
def screenings(rng: np.random.Generator) -> pd.DataFrame:
    """Screenings of six cinemas in 2024; the bar's takings were not always written down."""
    n = 900
    cinema = rng.choice(["Astra", "Capitol", "Gloria", "Lux", "Odeon", "Rex"], n)
    date = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 366, n)), unit="D")
    genre = rng.choice(["drama", "comedy", "action", "family"], n, p=[0.3, 0.3, 0.25, 0.15])
    seats = pd.Series(cinema).map({"Astra": 120, "Capitol": 310, "Gloria": 180, "Lux": 90, "Odeon": 240, "Rex": 150})
    weekend = date.dayofweek >= 5
    share = np.clip(0.32 + 0.17 * weekend + 0.06 * (genre == "action") + rng.normal(0, 0.12, n), 0.02, 1)
    tickets = (seats.to_numpy() * share).astype(int)
    price = rng.choice([8.5, 9.5, 11.0, 12.5], n)
    bar = tickets * rng.normal(2.9, 0.5, n).clip(0.5)
    bar[rng.random(n) < 0.09] = np.nan
    return pd.DataFrame(
        {"screening_id": np.arange(30001, 30001 + n), "date": date.strftime("%Y-%m-%d"), "cinema": cinema,
         "genre": genre, "seats": seats, "tickets": tickets, "price_eur": price, "bar_eur": bar.round(2)}
    )  # fmt: skip


@drawn(8102)
def vineyard(rng: np.random.Generator) -> pd.DataFrame:
    """Plots of one estate; within each variety the higher plots bear more, over all of them less."""
    n = 360
    variety = rng.choice(["Pinot", "Riesling", "Silvaner"], n)
    base = pd.Series(variety).map({"Pinot": 330, "Riesling": 250, "Silvaner": 170}).to_numpy()
    level = pd.Series(variety).map({"Pinot": 5.2, "Riesling": 7.6, "Silvaner": 10.2}).to_numpy()
    altitude = base + rng.normal(0, 24, n)
    harvest = level + 0.018 * (altitude - base) + rng.normal(0, 0.7, n)
    brix = 17 + 0.012 * altitude + rng.normal(0, 1.1, n)
    return pd.DataFrame(
        {"plot_id": np.arange(1, n + 1), "variety": variety, "altitude_m": altitude.round(0),
         "slope_pct": rng.gamma(3, 5, n).round(1), "vine_age": rng.integers(4, 48, n), "brix": brix.round(1),
         "yield_t_ha": harvest.round(2)}
    )  # fmt: skip


@drawn(8103)
def parking(rng: np.random.Generator) -> pd.DataFrame:
    day = pd.date_range("2024-01-08", periods=240)
    garages = {"Nord": 300, "Sued": 210, "Markt": 420, "Bahnhof": 520, "Oper": 260}
    rain = np.where(rng.random(240) < 0.35, rng.gamma(1.2, 5, 240), 0)
    parts = []
    for name, size in garages.items():
        entries = size * (1.5 + 0.35 * (day.dayofweek == 5) - 0.7 * (day.dayofweek == 6)) + 1.6 * rain
        entries = (entries + rng.normal(0, size * 0.11, 240)).clip(20).astype(int)
        stay = rng.normal(118 if name in ("Oper", "Bahnhof") else 84, 11, 240)
        parts.append(
            pd.DataFrame(
                {
                    "day": day.strftime("%Y-%m-%d"),
                    "garage": name,
                    "entries": entries,
                    "mean_stay_min": stay.round(0),
                    "revenue_eur": (entries * stay / 60 * 1.9).round(2),
                    "rain_mm": rain.round(1),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@drawn(8104)
def garages(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"garage": ["Nord", "Sued", "Markt", "Bahnhof", "Oper"], "capacity": [300, 210, 420, 520, 260],
         "operator": ["city", "city", "Parkhof", "Parkhof", "city"], "opened": [1988, 1994, 2003, 2011, 1979]}
    )  # fmt: skip


@drawn(8105)
def sessions(rng: np.random.Generator) -> pd.DataFrame:
    """Forty-four patients of a physiotherapy practice, eight sessions each; a patient has one of two programmes."""
    who = np.repeat(np.arange(1, 45), 8)
    number = np.tile(np.arange(1, 9), 44)
    own = rng.normal(0, 1.3, 44)
    programme = np.where(np.arange(44) % 2, "pool", "gym")
    pain = 6.1 - 0.28 * number + own[who - 1] - 0.5 * (programme[who - 1] == "pool") + rng.normal(0, 0.6, len(who))
    return pd.DataFrame(
        {"patient_id": who, "session": number, "programme": programme[who - 1],
         "age": rng.integers(24, 79, 44)[who - 1], "pain": pain.clip(0, 10).round(1)}
    )  # fmt: skip


@drawn(8106)
def exercise_trial(rng: np.random.Generator) -> pd.DataFrame:
    """A randomised trial of a home exercise plan: one row a patient."""
    n = 168
    arm = rng.permutation(np.repeat(["plan", "usual"], n // 2))
    before = rng.normal(6.2, 1.1, n)
    after = 0.6 * before + 1.7 - 0.8 * (arm == "plan") + rng.normal(0, 1.0, n)
    return pd.DataFrame(
        {"patient_id": np.arange(401, 401 + n), "arm": arm, "age": rng.integers(22, 80, n),
         "sex": rng.choice(["f", "m"], n), "pain_before": before.round(1), "pain_after": after.clip(0).round(1)}
    )  # fmt: skip


@drawn(8107)
def jobs(rng: np.random.Generator) -> pd.DataFrame:
    """Jobs of a translation bureau; the penalty is only set once a job was late."""
    n = 1100
    pair = rng.choice(["de-en", "fr-en", "en-pl", "en-ja"], n, p=[0.4, 0.3, 0.2, 0.1])
    words, due = rng.gamma(2.2, 900, n).round(0) + 120, rng.integers(1, 15, n)
    late = happens(rng, -1.5 + 0.00055 * words - 0.16 * due + 0.8 * (pair == "en-ja"))
    rate = pd.Series(pair).map({"de-en": 0.11, "fr-en": 0.1, "en-pl": 0.09, "en-ja": 0.17}).to_numpy()
    score = rng.normal(7.9, 1.0, n) - 0.7 * late
    score[rng.random(n) < 0.22] = np.nan
    return pd.DataFrame(
        {"job_id": np.arange(9001, 9001 + n), "translator_id": rng.integers(1, 61, n), "pair": pair, "words": words,
         "due_days": due, "hours": (words / 310 + rng.gamma(2, 0.5, n)).round(1),
         "fee_eur": (words * rate * rng.normal(1, 0.06, n)).round(2), "review_score": score.clip(1, 10).round(1),
         "penalty_eur": np.where(late == 1, rng.gamma(3, 18, n), 0).round(2), "late": late}
    )  # fmt: skip


@drawn(8108)
def translators(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"translator_id": np.arange(1, 61), "certified": rng.choice(["yes", "no"], 60, p=[0.6, 0.4]),
         "years": rng.integers(1, 31, 60), "town": rng.choice(["Graz", "Linz", "Wien"], 60)}
    )  # fmt: skip


@drawn(8109)
def rates(rng: np.random.Generator) -> pd.DataFrame:
    """The agreed rates of each translator: one row for each time that they were agreed anew."""
    who = np.repeat(np.arange(1, 61), rng.integers(1, 4, 60))
    return pd.DataFrame(
        {"translator_id": who, "valid_from": rng.choice(["2021-01-01", "2022-07-01", "2023-01-01"], len(who)),
         "cent_per_word": rng.normal(7.2, 0.9, len(who)).round(1)}
    )  # fmt: skip


@drawn(8110)
def reservoir(rng: np.random.Generator) -> pd.DataFrame:
    n = 1096
    day, t = pd.date_range("2021-01-01", periods=n), np.arange(n)
    rain = np.where(rng.random(n) < 0.4, rng.gamma(1.1, 6, n), 0)
    season = 3.2 * np.cos(2 * np.pi * (t - 60) / 365.25)
    inflow = 12 + season + np.convolve(rain, [0.2, 0.35, 0.2, 0.1], "full")[:n] + rng.normal(0, 0.8, n)
    outflow = 14 + 1.2 * season + rng.normal(0, 0.9, n)
    level = 84 + 0.9 * season + np.convolve(rng.normal(0, 0.25, n), np.ones(30) / 5, "full")[:n]
    return pd.DataFrame(
        {"day": day.strftime("%Y-%m-%d"), "rain_mm": rain.round(1), "inflow_m3s": inflow.round(2),
         "outflow_m3s": outflow.round(2), "level_m": level.round(2)}
    )  # fmt: skip


@drawn(8111)
def calls(rng: np.random.Generator) -> pd.DataFrame:
    n = 1500
    queue = rng.choice(["billing", "technical", "moving"], n, p=[0.45, 0.4, 0.15])
    hour, month = rng.integers(8, 20, n), rng.integers(1, 13, n)
    wait = rng.gamma(1.6, 70, n) + np.where((hour >= 11) & (hour <= 13), 60, 0)
    talk = rng.gamma(3, 95, n) + np.where(queue == "technical", 140, 0)
    solved = happens(rng, 1.5 - 0.004 * wait - 0.7 * (queue == "technical"))
    happy = (3.1 + 1.1 * solved - 0.003 * wait + rng.normal(0, 0.7, n)).clip(1, 5).round(0)
    happy[rng.random(n) < 0.35] = np.nan
    return pd.DataFrame(
        {"call_id": np.arange(70001, 70001 + n), "agent": [f"A{k:02d}" for k in rng.integers(1, 25, n)],
         "queue": queue, "month": month, "hour": hour, "wait_s": wait.round(0), "talk_s": talk.round(0),
         "resolved": solved, "satisfaction": happy}
    )  # fmt: skip


@drawn(8112)
def trees(rng: np.random.Generator) -> pd.DataFrame:
    """Apple trees; within a rootstock more nitrogen goes with more fruit, over all of them with less."""
    n = 420
    stock = rng.choice(["M9", "M26", "MM111"], n)
    dose = pd.Series(stock).map({"M9": 30, "M26": 52, "MM111": 75}).to_numpy() + rng.normal(0, 7, n)
    level = pd.Series(stock).map({"M9": 41, "M26": 29, "MM111": 17}).to_numpy()
    centre = pd.Series(stock).map({"M9": 30, "M26": 52, "MM111": 75}).to_numpy()
    fruit = level + 0.26 * (dose - centre) + rng.normal(0, 2.4, n)
    return pd.DataFrame(
        {"tree_id": np.arange(1, n + 1), "rootstock": stock, "nitrogen_g": dose.round(1),
         "trunk_cm": rng.normal(24, 4, n).round(1), "fruit_kg": fruit.clip(1).round(1),
         "scab": happens(rng, -1.6 + 0 * dose)}
    )  # fmt: skip


@drawn(8113)
def trips(rng: np.random.Generator) -> pd.DataFrame:
    n = 1400
    route = rng.choice([3, 7, 11, 14, 22, 31], n)
    hour = rng.integers(5, 23, n)
    peak = np.isin(hour, [7, 8, 16, 17])
    aboard = rng.poisson(22 + 16 * peak, n)
    delay = -0.4 + 1.9 * peak + 0.07 * aboard + 0.6 * (route == 14) + rng.gamma(1.5, 1.1, n)
    date = pd.Timestamp("2025-03-03") + pd.to_timedelta(rng.integers(0, 84, n), unit="D")
    return pd.DataFrame(
        {"trip_id": np.arange(1, n + 1), "date": date.strftime("%Y-%m-%d"), "route": route, "hour": hour,
         "bus_age": rng.integers(0, 15, n), "passengers": aboard, "delay_min": delay.round(1)}
    )  # fmt: skip


@drawn(8114)
def donors(rng: np.random.Generator) -> pd.DataFrame:
    """First-time blood donors; the loyalty card is handed out at the second visit."""
    n = 1300
    age, wait = rng.integers(18, 68, n), rng.gamma(2.5, 14, n)
    hb = rng.normal(14.1, 1.2, n)
    back = happens(rng, -0.5 + 0.03 * (age - 40) - 0.022 * (wait - 35) + 0.2 * (hb - 14))
    hb[rng.random(n) < 0.07] = np.nan
    card = np.where(back == 1, rng.random(n) < 0.93, rng.random(n) < 0.01).astype(int)
    return pd.DataFrame(
        {"donor_id": np.arange(1, n + 1), "age": age, "sex": rng.choice(["f", "m"], n),
         "site": rng.choice(["bus", "clinic", "town hall"], n), "wait_min": wait.round(0), "hb_g_dl": hb.round(1),
         "loyalty_card": card, "returned": back}
    )  # fmt: skip


@drawn(8115)
def units(rng: np.random.Generator) -> pd.DataFrame:
    """Stored blood units, of which hardly any spoil."""
    n = 2400
    hours, warm = rng.gamma(2, 1.6, n), rng.normal(4.1, 0.7, n)
    return pd.DataFrame(
        {"unit_id": np.arange(1, n + 1), "site": rng.choice(["A", "B", "C"], n), "hours_to_fridge": hours.round(1),
         "storage_c": warm.round(2), "volume_ml": rng.normal(478, 14, n).round(0),
         "spoiled": happens(rng, -6.2 + 0.35 * hours + 0.5 * (warm - 4))}
    )  # fmt: skip


@drawn(8116)
def visitors(rng: np.random.Generator) -> pd.DataFrame:
    """A survey of cinema visitors: eight questions from 1 to 5, one of which members answer otherwise."""
    n = 640
    member = rng.choice(["yes", "no"], n, p=[0.35, 0.65])
    frame = pd.DataFrame(
        {"respondent": np.arange(1, n + 1), "age_group": rng.choice(["16-29", "30-49", "50+"], n, p=[0.3, 0.4, 0.3]),
         "member": member, "visits": rng.poisson(4 + 5 * (member == "yes"))}
    )  # fmt: skip
    for k, name in enumerate(["sound", "picture", "seats", "snacks", "staff", "price", "toilets", "programme"]):
        lift = 0.7 * (member == "yes") if name == "programme" else 0.0
        frame[name] = (3.2 + 0.08 * k + lift + rng.normal(0, 1.0, n)).clip(1, 5).round(0).astype(int)
    return frame


@drawn(8117)
def newsletter(rng: np.random.Generator) -> pd.DataFrame:
    """A newsletter's two subject lines, dealt out at random."""
    n = 3000
    line = rng.choice(["plain", "name"], n)
    opened = happens(rng, -1.1 + 0.33 * (line == "name"))
    spend = np.where(opened & (rng.random(n) < 0.3), rng.gamma(2, 16, n), 0)
    return pd.DataFrame(
        {"reader_id": np.arange(1, n + 1), "subject_line": line, "segment": rng.choice(["new", "regular", "lapsed"], n),
         "opened": opened, "spend_eur": spend.round(2)}
    )  # fmt: skip


@drawn(8118)
def pilot(rng: np.random.Generator) -> pd.DataFrame:
    """Nine branches in a pilot of evening hours, four of which stayed open."""
    late = np.array(["yes"] * 4 + ["no"] * 5)
    return pd.DataFrame(
        {
            "branch": list("ABCDEFGHI"),
            "open_late": late,
            "sales_k": (52 + 9 * (late == "yes") + rng.normal(0, 4, 9)).round(1),
        }
    )


@drawn(8119)
def months(rng: np.random.Generator) -> pd.DataFrame:
    t = np.arange(36)
    sold = 9200 + 70 * t + 1500 * np.cos(2 * np.pi * (t - 11) / 12) + rng.normal(0, 260, 36)
    return pd.DataFrame(
        {"month": pd.date_range("2022-01-01", periods=36, freq="MS").strftime("%Y-%m"), "tickets": sold.round(0),
         "revenue_eur": (sold * (9.4 + 0.03 * t)).round(0), "screens": np.where(t < 20, 31, 34)}
    )  # fmt: skip


@drawn(8120)
def wards(rng: np.random.Generator) -> pd.DataFrame:
    """Eleven collection sites, a few with hardly any donors."""
    given = np.array([212, 188, 240, 3, 176, 205, 4, 199, 221, 3, 194])
    late = np.array([17, 15, 22, 2, 14, 17, 0, 15, 18, 0, 16])
    return pd.DataFrame({"site": [f"S{k:02d}" for k in range(1, 12)], "donations": given, "reactions": late})
