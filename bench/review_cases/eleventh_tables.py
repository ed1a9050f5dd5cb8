"""Made-up tables for the eleventh set of notebooks, each from a seed of its own, the same on every call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.review_cases.tables import drawn, happens


@drawn(11101)
def saas_accounts(rng: np.random.Generator) -> pd.DataFrame:
    """Accounts of a software firm; a win-back credit is granted only to one that has given notice."""
    n = 1500
    segment = rng.choice(["Enterprise", "Mid-market", "SMB"], n, p=[0.15, 0.3, 0.55])
    level = pd.Series(segment).map({"Enterprise": 4.6, "Mid-market": 3.4, "SMB": 2.2}).to_numpy()
    seats = np.exp(level + rng.normal(0, 0.35, n)).round(0).clip(2)
    tickets, tenure = rng.poisson(2.2, n), rng.gamma(2.4, 11, n)
    churned = happens(rng, -1.3 + 0.38 * tickets - 0.045 * tenure)
    nps = rng.integers(0, 11, n).astype(float)
    nps[rng.random(n) < 0.16] = np.nan
    return pd.DataFrame(
        {
            "account_id": np.arange(30001, 30001 + n),
            "segment": segment,
            "region": rng.choice(["AMER", "APAC", "EMEA"], n),
            "seats": seats.astype(int),
            "tenure_months": tenure.round(1),
            "tickets_90d": tickets,
            "nps": nps,
            "mrr_usd": (seats * rng.normal(24, 3, n)).round(2),
            "churned": churned,
            "winback_credit_usd": np.where(churned == 1, rng.gamma(3, 70, n), 0).round(2),
        }
    )


@drawn(11102)
def saas_invoices(rng: np.random.Generator) -> pd.DataFrame:
    """Two to five invoices of each account."""
    account = np.repeat(np.arange(30001, 31501), rng.integers(2, 6, 1500))
    n = len(account)
    return pd.DataFrame(
        {
            "invoice_no": np.arange(1, n + 1),
            "account_id": account,
            "issued": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 360, n), unit="D"),
            "amount_usd": rng.lognormal(6.2, 0.6, n).round(2),
            "days_to_pay": rng.poisson(24, n),
        }
    )


@drawn(11103)
def saas_contacts(rng: np.random.Generator) -> pd.DataFrame:
    """One to three people to call at each account: its key repeats."""
    account = np.repeat(np.arange(30001, 31501), rng.integers(1, 4, 1500))
    return pd.DataFrame(
        {"account_id": account, "function": rng.choice(["admin", "buyer", "sponsor"], len(account), p=[0.5, 0.3, 0.2])}
    )


@drawn(111058)
def price_page_test(rng: np.random.Generator) -> pd.DataFrame:
    """Visitors drawn by lot to see one of two pricing pages."""
    n = 8000
    variant = rng.permutation(np.repeat(["current", "short"], n // 2))
    prior = rng.poisson(1.3, n)
    bought = happens(rng, -2.75 + 0.36 * (variant == "short") + 0.12 * prior)
    return pd.DataFrame(
        {
            "visitor": np.arange(1, n + 1),
            "variant": variant,
            "device": rng.choice(["desktop", "mobile"], n, p=[0.45, 0.55]),
            "prior_visits": prior,
            "converted": bought,
            "revenue_usd": np.where(bought == 1, rng.gamma(5, 11, n), 0).round(2),
        }
    )


@drawn(11105)
def orders_daily(rng: np.random.Generator) -> pd.DataFrame:
    n = 900
    day, t = pd.date_range("2022-03-01", periods=n), np.arange(n)
    promo = (rng.random(n) < 0.2).astype(int)
    noise = np.zeros(n)
    for i in range(1, n):
        noise[i] = 0.6 * noise[i - 1] + rng.normal(0, 28)
    base = 480 + 0.22 * t + 60 * np.sin(2 * np.pi * t / 365.25) + 70 * (day.dayofweek >= 5)
    orders = base + 85 * promo + noise
    return pd.DataFrame(
        {
            "day": day.strftime("%Y-%m-%d"),
            "promo": promo,
            "temp_c": (11 - 8 * np.cos(2 * np.pi * t / 365.25) + rng.normal(0, 3, n)).round(1),
            "visits": (orders * 21 + rng.normal(0, 900, n)).round(0).astype(int),
            "orders": orders.round(0).astype(int),
        }
    )


@drawn(11106)
def picker_shifts(rng: np.random.Generator) -> pd.DataFrame:
    """Eighteen pickers, thirty shifts of each; the headset belongs to the picker."""
    who = np.repeat(np.arange(1, 19), 30)
    own = rng.normal(0, 13, 18)
    own[1::2] -= own[1::2].mean() - 5.0
    own[0::2] -= own[0::2].mean()
    headset = np.where(np.arange(18) % 2 == 1, "voice", "paper")[who - 1]
    return pd.DataFrame(
        {
            "picker": [f"P{i:02d}" for i in who],
            "headset": headset,
            "shift_no": np.tile(np.arange(1, 31), 18),
            "lines_per_h": (118 + own[who - 1] + rng.normal(0, 8, 540)).round(1),
            "errors": rng.poisson(2.4, 540),
        }
    )


@drawn(11107)
def fleet_claims(rng: np.random.Generator) -> pd.DataFrame:
    """Claims of which about two in a hundred prove to be fraud."""
    n = 4200
    delay, prior = rng.gamma(1.4, 6, n), rng.poisson(0.7, n)
    amount = rng.lognormal(7.6, 0.7, n)
    return pd.DataFrame(
        {
            "claim_id": np.arange(900001, 900001 + n),
            "amount_eur": amount.round(2),
            "days_to_report": delay.round(0),
            "prior_claims": prior,
            "policy_years": rng.integers(0, 20, n),
            "region": rng.choice(["coast", "inland", "north"], n),
            "fraud": happens(rng, -6.0 + 0.09 * delay + 0.75 * prior),
        }
    )


@drawn(111112)
def discount_baskets(rng: np.random.Generator) -> pd.DataFrame:
    """Over all channels a larger discount goes with a larger basket, within each with a smaller one."""
    n = 1350
    channel = rng.choice(["app", "store", "wholesale"], n)
    discount = pd.Series(channel).map({"app": 5.0, "store": 10.0, "wholesale": 16.0}).to_numpy()
    basket = pd.Series(channel).map({"app": 48.0, "store": 74.0, "wholesale": 112.0}).to_numpy()
    off = rng.normal(0, 1.8, n)
    return pd.DataFrame(
        {
            "receipt": np.arange(1, n + 1),
            "channel": channel,
            "weekday": rng.choice(["Fri", "Mon", "Thu", "Tue", "Wed"], n),
            "discount_pct": (discount + off).clip(0).round(2),
            "basket_eur": (basket - 2.6 * off + rng.normal(0, 8, n)).round(2),
        }
    )


@drawn(111112)
def pulse_survey(rng: np.random.Generator) -> pd.DataFrame:
    """Eighteen answers of 250 employees, and an intent to stay that has nothing to do with them."""
    n = 250
    answers = {f"q{i:02d}": rng.integers(1, 8, n) for i in range(1, 19)}
    return pd.DataFrame(
        {
            "respondent": np.arange(1, n + 1),
            "function": rng.choice(["operations", "sales"], n),
            **answers,
            "intent_to_stay": rng.normal(64, 14, n).clip(0, 100).round(0),
        }
    )


@drawn(11110)
def pump_readings(rng: np.random.Generator) -> pd.DataFrame:
    """Forty-eight pumps, 25 readings of each; each pump has a level of wear and settings of its own."""
    which = np.repeat(np.arange(1, 49), 25)
    speed, wear = rng.normal(1450, 60, 48), rng.normal(0, 6, 48)
    temp = rng.normal(61, 5, 48)
    vibration = 3.2 + 0.004 * (speed[which - 1] - 1450) + rng.normal(0, 0.5, 1200)
    return pd.DataFrame(
        {
            "pump": [f"PU{i:02d}" for i in which],
            "reading": np.tile(np.arange(1, 26), 48),
            "speed_rpm": (speed[which - 1] + rng.normal(0, 4, 1200)).round(1),
            "bearing_c": (temp[which - 1] + rng.normal(0, 0.8, 1200)).round(2),
            "vibration_mm_s": vibration.round(2),
            "efficiency_pct": (74 - 1.4 * (vibration - 3.2) + wear[which - 1] + rng.normal(0, 1, 1200)).round(2),
        }
    )


@drawn(11111)
def packing_course(rng: np.random.Generator) -> pd.DataFrame:
    """Packing times before and after a course; one depot sent four people."""
    depot = np.repeat(["Aarhus", "Malmo", "Oslo"], [38, 34, 4])
    n = len(depot)
    before = rng.normal(96, 12, n)
    gain = np.where(depot == "Oslo", 13.0, 6.0)
    return pd.DataFrame(
        {
            "employee": np.arange(501, 501 + n),
            "depot": depot,
            "before_s": before.round(1),
            "after_s": (before - gain + rng.normal(0, 7, n)).round(1),
            "years": rng.integers(0, 15, n),
        }
    )


@drawn(11112)
def used_vans(rng: np.random.Generator) -> pd.DataFrame:
    n = 1100
    model = rng.integers(1, 25, n)
    premium = rng.normal(0, 2200, 25)
    age, kw = rng.gamma(3, 2, n).clip(0.5, 16), rng.normal(96, 17, n)
    km = 14000 * age + rng.normal(0, 16000, n)
    service = rng.normal(7, 1.5, n).clip(1, 10)
    price = 26500 + premium[model] - 1150 * age - 0.045 * km + 75 * (kw - 96) + 420 * (service - 7)
    service[rng.random(n) < 0.15] = np.nan
    return pd.DataFrame(
        {
            "advert": np.arange(1, n + 1),
            "model": [f"M{i:02d}" for i in model],
            "seller": rng.choice(["dealer", "private"], n),
            "age_years": age.round(1),
            "km": km.clip(500).round(-2),
            "engine_kw": kw.round(0),
            "service_score": service.round(1),
            "price_eur": (price + rng.normal(0, 1500, n)).clip(1500).round(-1),
        }
    )


@drawn(11113)
def hub_shipments(rng: np.random.Generator) -> pd.DataFrame:
    """Parcels; compensation is paid only for one that came late."""
    n = 2600
    distance, weight = rng.gamma(2.2, 70, n), rng.gamma(2, 3, n)
    rain = rng.gamma(0.8, 4, n)
    late = happens(rng, -3.1 + 0.0075 * distance + 0.06 * rain)
    rain[rng.random(n) < 0.11] = np.nan
    return pd.DataFrame(
        {
            "parcel_id": np.arange(1, n + 1),
            "hub": [f"D{i:02d}" for i in rng.integers(1, 13, n)],
            "carrier": rng.choice(["Falk", "Lynx", "Nord"], n),
            "distance_km": distance.round(1),
            "weight_kg": weight.round(2),
            "rain_mm": rain.round(1),
            "transit_h": (9 + 0.07 * distance + rng.gamma(2, 3, n)).round(1),
            "shipping_eur": (4.2 + 0.02 * distance + 0.5 * weight + rng.normal(0, 0.6, n)).round(2),
            "late": late,
            "compensation_eur": np.where(late == 1, rng.gamma(3, 5, n), 0).round(2),
        }
    )


@drawn(11114)
def parcel_hubs(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "hub": [f"D{i:02d}" for i in range(1, 13)],
            "country": ["DK", "SE", "NO"] * 4,
            "staff": rng.integers(30, 190, 12),
            "rent_keur": rng.normal(410, 60, 12).round(0),
        }
    )


@drawn(11115)
def hub_tariffs(rng: np.random.Generator) -> pd.DataFrame:
    """A tariff of each hub for each service: its key repeats."""
    return pd.DataFrame(
        {
            "hub": np.repeat([f"D{i:02d}" for i in range(1, 13)], 3),
            "service": np.tile(["express", "freight", "standard"], 12),
            "handling_eur": rng.normal(2.6, 0.5, 36).round(2),
        }
    )


@drawn(11116)
def clinic_reminders(rng: np.random.Generator) -> pd.DataFrame:
    """Forty clinics drawn by lot to send a reminder or none, with twenty-five patients of each."""
    clinic = np.repeat(np.arange(1, 41), 25)
    arm = rng.permutation(np.repeat([0, 1], 20))
    own = rng.normal(0, 5, 40)
    age = rng.normal(52, 14, 1000)
    score = 60 + own[clinic - 1] + 7 * arm[clinic - 1] + rng.normal(0, 11, 1000)
    return pd.DataFrame(
        {
            "clinic": clinic,
            "reminder": arm[clinic - 1],
            "age": age.round(0),
            "adherence": score.round(1),
        }
    )


@drawn(11117)
def payroll_staff(rng: np.random.Generator) -> pd.DataFrame:
    n = 840
    dept = rng.choice(["finance", "logistics", "product", "support"], n)
    tenure = rng.gamma(2, 2.6, n)
    training = (6 + 1.1 * tenure + rng.gamma(2, 5, n)).round(0)
    remote = rng.integers(0, 5, n)
    rating = 55 + 0.6 * training + 0.5 * tenure + rng.normal(0, 8, n)
    salary = 44 + 1.6 * tenure + 5 * (dept == "product") + rng.normal(0, 6, n)
    return pd.DataFrame(
        {
            "employee_no": np.arange(1, n + 1),
            "dept": dept,
            "tenure_years": tenure.round(1),
            "training_h": training,
            "remote_days": remote,
            "salary_keur": salary.round(1),
            "rating": rating.round(1),
        }
    )


@drawn(11118)
def grid_load(rng: np.random.Generator) -> pd.DataFrame:
    n = 24 * 120
    hour = pd.date_range("2024-01-01", periods=n, freq="h")
    t = np.arange(n)
    temp = 4 + 5 * t / n - 3 * np.cos(2 * np.pi * t / 24) + rng.normal(0, 1.4, n)
    drift = np.zeros(n)
    for i in range(1, n):
        drift[i] = 0.9 * drift[i - 1] + rng.normal(0, 9)
    load = 910 + 120 * np.sin(2 * np.pi * (t - 8) / 24) - 9 * temp + drift
    return pd.DataFrame(
        {
            "hour": hour.strftime("%Y-%m-%d %H:%M"),
            "temp_c": temp.round(2),
            "wind_ms": rng.gamma(3, 2, n).round(1),
            "load_mw": load.round(1),
        }
    )


@drawn(11119)
def support_desk_log(rng: np.random.Generator) -> pd.DataFrame:
    n = 1900
    priority = rng.choice(["high", "low", "normal"], n, p=[0.2, 0.3, 0.5])
    reply = rng.lognormal(3.4, 0.9, n) * pd.Series(priority).map({"high": 0.5, "low": 1.6, "normal": 1.0}).to_numpy()
    solve = rng.lognormal(2.1, 0.8, n)
    csat = (4.7 - 0.35 * np.log(reply) - 0.02 * solve + rng.normal(0, 0.7, n)).clip(1, 5)
    csat[rng.random(n) < 0.22] = np.nan
    return pd.DataFrame(
        {
            "ticket": np.arange(1, n + 1),
            "agent": [f"A{i:02d}" for i in rng.integers(1, 41, n)],
            "channel": rng.choice(["chat", "mail", "phone"], n),
            "priority": priority,
            "first_reply_min": reply.round(1),
            "solve_h": solve.round(1),
            "csat": csat.round(1),
            "reopened": happens(rng, -2.2 + 0.05 * solve),
        }
    )


@drawn(11120)
def region_revenue(rng: np.random.Generator) -> pd.DataFrame:
    """Monthly revenue of six regions over three years, all near one another."""
    month = np.tile(pd.date_range("2022-01-01", periods=36, freq="MS").strftime("%Y-%m-%d"), 6)
    region = np.repeat(["Central", "East", "Isles", "North", "South", "West"], 36)
    level = pd.Series(region).map(
        {"Central": 1.02e6, "East": 0.985e6, "Isles": 0.962e6, "North": 0.995e6, "South": 1.01e6, "West": 0.975e6}
    )
    t = np.tile(np.arange(36), 6)
    return pd.DataFrame(
        {
            "month": month,
            "region": region,
            "revenue_usd": (level.to_numpy() * (1 + 0.004 * t) + rng.normal(0, 22000, 216)).round(0),
            "orders": rng.poisson(8200, 216),
        }
    )
