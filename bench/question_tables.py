"""The made-up tables of the closed questions, drawn from one seed, so that the truths of the questions stay true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

SEED = 4711
FIRST = "Anna Boris Clara David Elif Farid Greta Hugo Ines Jonas Kira Liam Mona Nils Olga Pavel Rosa Sven Tara Uwe"
LAST = "Becker Costa Dunn Eriksen Fischer Garcia Hansen Ivanov Jansen Keller Lopez Moreau Novak Olsen"
PRODUCTS = {
    "Desk Lamp": ("Lighting", 39.9),
    "Floor Lamp": ("Lighting", 89.0),
    "Office Chair": ("Furniture", 189.0),
    "Standing Desk": ("Furniture", 429.0),
    "Bookshelf": ("Furniture", 119.0),
    "Notebook A5": ("Stationery", 4.5),
    "Fountain Pen": ("Stationery", 28.0),
    "Stapler": ("Stationery", 11.9),
    "Monitor Arm": ("Accessories", 74.0),
    "Cable Box": ("Accessories", 16.5),
}
PAY = {"Vertrieb": 46, "Einkauf": 43, "IT": 58, "Personal": 42, "Produktion": 36.5, "Buchhaltung": 45}
"""Of each department, its usual salary in thousands of euros."""
ADJECTIVES = "Silent Golden Last Broken Hidden Crimson Winter Paper Electric Distant Hollow Restless"
NOUNS = (
    "River Empire Letters Garden Horizon Station Mirror Orchard Signal Harbour Winter_Song Tigers Machine Parade Atlas "
    "Lanterns Kings Weather Bridges Voyage Echo Children Crown Shore Tower Thief Road Moon Bakery Dance Widow Archive "
    "Storm Island Castle Bells"
)

CLASSES = ("7a", "7b", "8a", "8b", "9a")
BOOK_ADJECTIVES = "Blue Lost Quiet Seventh Iron Amber Second"
BOOK_NOUNS = (
    "Road House Ship Letter Forest Clock Summer Bridge Door Sea Key Map Star Fox Hill Bell Rose Child Ring Song"
)
AUTHORS = (
    "M. Aldous,P. Brandt,C. Duarte,E. Fontaine,K. Holm,S. Ibsen,T. Kovacs,L. Marsh,R. Osei,Y. Tanaka,V. Weiss,H. Young"
)


def holes(r: Generator, values: Any, share: float) -> pd.Series:
    """The values, a share of them missing."""
    s = pd.Series(values).astype(object)
    s[r.random(len(s)) < share] = np.nan
    return s


def days(r: Generator, start: str, within: int, n: int, *, in_order: bool = False) -> pd.DatetimeIndex:
    """Dates within so many days of a start."""
    drawn = r.integers(0, within, n)
    return pd.to_datetime(start) + pd.to_timedelta(np.sort(drawn) if in_order else drawn, "D")


def shop(r: Generator, names: list[str]) -> dict[str, pd.DataFrame]:
    """Customers, and their orders with a discount that is sometimes missing."""
    n = 180
    countries = ["Germany", "France", "Italy", "Spain", "United Kingdom"]
    customers = pd.DataFrame(
        {
            "customer_id": np.arange(501, 501 + n),
            "customer_name": names[:n],
            "country": r.choice(countries, n, p=[0.34, 0.24, 0.17, 0.14, 0.11]),
            "segment": r.choice(["Consumer", "Small Business", "Corporate"], n, p=[0.55, 0.28, 0.17]),
            "signup_date": days(r, "2019-01-01", 1400, n),
            "newsletter": holes(r, r.choice(["yes", "no"], n, p=[0.6, 0.4]), 0.05),
        }
    )
    n = 1400
    product = r.choice(list(PRODUCTS), n, p=[0.12, 0.08, 0.09, 0.05, 0.08, 0.19, 0.1, 0.11, 0.08, 0.1])
    date = days(r, "2021-01-01", 1095, n, in_order=True)
    price = np.array([PRODUCTS[p][1] for p in product]) * (1 + 0.03 * (date.year - 2021))
    payment = ["Credit Card", "Invoice", "PayPal", "Bank Transfer"]
    orders = pd.DataFrame(
        {
            "order_id": np.arange(1001, 1001 + n),
            "customer_id": r.choice(customers.customer_id[:172], n),
            "order_date": date,
            "product": product,
            "category": [PRODUCTS[p][0] for p in product],
            "quantity": r.integers(1, 9, n),
            "unit_price": np.round(price, 2),
            "discount_pct": holes(r, r.choice([0, 5, 10, 15, 20], n, p=[0.55, 0.15, 0.15, 0.1, 0.05]), 0.04),
            "payment_method": r.choice(payment, n, p=[0.42, 0.25, 0.22, 0.11]),
            "channel": r.choice(["Web Shop", "Phone", "Store"], n, p=[0.6, 0.13, 0.27]),
            "status": r.choice(["delivered", "returned", "cancelled"], n, p=[0.84, 0.1, 0.06]),
        }
    )
    off = 1 - orders.discount_pct.fillna(0).astype(float) / 100
    orders["order_total"] = np.round(orders.quantity * orders.unit_price * off, 2)
    return {"customers": customers, "orders": orders}


def clinic(r: Generator) -> dict[str, pd.DataFrame]:
    """Visits of patients who come several times; the head of one column holds a unit in brackets."""
    n = 900
    age = np.clip(r.normal(52, 17, n), 18, 94).round().astype(int)
    smoker = r.choice(["Yes", "No"], n, p=[0.28, 0.72])
    departments = ["Cardiology", "Orthopaedics", "Dermatology", "General Medicine", "Eye Clinic"]
    visits = pd.DataFrame(
        {
            "VisitID": [f"V{i:05d}" for i in range(1, n + 1)],
            "PatientID": r.integers(2000, 2420, n),
            "VisitDate": days(r, "2022-01-03", 720, n),
            "Department": r.choice(departments, n, p=[0.2, 0.22, 0.16, 0.3, 0.12]),
            "AgeYears": age,
            "Sex": r.choice(["F", "M"], n, p=[0.54, 0.46]),
            "Smoker": smoker,
            "SystolicBP [mmHg]": holes(
                r, np.round(100 + 0.45 * age + 6 * (smoker == "Yes") + r.normal(0, 11, n)).astype(int), 0.07
            ),
            "WeightKg": holes(r, np.round(r.normal(76, 14, n), 1), 0.05),
            "WaitMinutes": np.round(r.gamma(2.2, 13, n)).astype(int),
            "Insurance": r.choice(["Public", "Private", "Self-Pay"], n, p=[0.7, 0.22, 0.08]),
            "FollowUp": holes(r, r.choice(["Yes", "No"], n, p=[0.37, 0.63]), 0.06),
            "BillAmount": np.round(r.gamma(3, 60, n), 2),
        }
    )
    return {"clinic_visits": visits}


def staff(r: Generator) -> dict[str, pd.DataFrame]:
    """Employees, in German."""
    n = 320
    department = r.choice(list(PAY), n, p=[0.22, 0.1, 0.14, 0.08, 0.36, 0.1])
    employees = pd.DataFrame(
        {
            "Personalnummer": np.arange(30001, 30001 + n),
            "Abteilung": department,
            "Geschlecht": r.choice(["weiblich", "männlich"], n, p=[0.44, 0.56]),
            "Standort": r.choice(["Köln", "München", "Leipzig", "Bad Homburg"], n, p=[0.4, 0.25, 0.2, 0.15]),
            "Eintrittsdatum": days(r, "2001-02-01", 8200, n),
            "Alter": r.integers(20, 65, n),
            "Teilzeit": r.choice(["ja", "nein"], n, p=[0.27, 0.73]),
            "Gehalt (EUR)": [int(round(1000 * PAY[d] * r.lognormal(0, 0.17), -1)) for d in department],
            "Krankheitstage": holes(r, r.poisson(8, n), 0.04),
            "Überstunden": np.round(r.gamma(2, 9, n), 1),
        }
    )
    return {"mitarbeiter": employees}


def flights(r: Generator) -> dict[str, pd.DataFrame]:
    """Flights whose towns stand in two columns; one that was cancelled has no delay."""
    n, towns = 2200, ["Oslo", "Bergen", "Trondheim", "Stavanger", "Tromso", "Bodo"]
    origin = r.choice(towns, n, p=[0.38, 0.2, 0.14, 0.12, 0.1, 0.06])
    destination = [r.choice([t for t in towns if t != o], 1)[0] for o in origin]
    date = days(r, "2023-01-01", 365, n, in_order=True)
    cancelled = r.choice(["Y", "N"], n, p=[0.035, 0.965])
    carrier = r.choice(["Nordvind", "Fjord Air", "Polar Express", "SkyHopper"], n, p=[0.4, 0.3, 0.18, 0.12])
    delay = r.normal(7, 18, n) + 6 * (carrier == "SkyHopper") + 5 * np.isin(date.month, [1, 2, 12])
    table = pd.DataFrame(
        {
            "flight_no": [f"{c[:2].upper()}{k}" for c, k in zip(carrier, r.integers(100, 180, n), strict=True)],
            "flight_date": date,
            "carrier": carrier,
            "origin": origin,
            "destination": destination,
            "dep_delay_min": np.round(delay).astype(int),
            "air_time_min": r.integers(35, 150, n),
            "passengers": r.integers(18, 186, n),
            "cancelled": cancelled,
            "aircraft_type": r.choice(["A320", "B737", "Dash 8", "E190"], n, p=[0.3, 0.35, 0.22, 0.13]),
        }
    )
    table["dep_delay_min"] = table.dep_delay_min.astype(object)
    table.loc[table.cancelled == "Y", ["dep_delay_min", "air_time_min"]] = np.nan
    return {"flights": table}


def movies(r: Generator) -> dict[str, pd.DataFrame]:
    """Films, with money in millions."""
    n, titles = 420, [f"{a} {b.replace('_', ' ')}" for a in ADJECTIVES.split() for b in NOUNS.split()]
    r.shuffle(titles)
    budget = np.round(r.lognormal(2.9, 0.9, n), 1)
    directors = [
        "Ada Quint",
        "Marek Dvorak",
        "Joon Park",
        "Lucia Ferri",
        "Tom Abel",
        "Nia Okafor",
        "Sofie Lund",
        "Ravi Menon",
    ]
    genres = ["Drama", "Comedy", "Thriller", "Science Fiction", "Documentary"]
    table = pd.DataFrame(
        {
            "Title": titles[:n],
            "Director": r.choice(directors, n),
            "Release Year": r.integers(1985, 2024, n),
            "Genre": r.choice(genres, n, p=[0.33, 0.25, 0.2, 0.14, 0.08]),
            "Runtime (min)": np.round(r.normal(108, 17, n)).astype(int),
            "Budget ($M)": holes(r, budget, 0.08),
            "Gross ($M)": np.round(budget * r.lognormal(0.5, 0.8, n), 1),
            "IMDb Score": np.round(np.clip(r.normal(6.6, 0.9, n), 2.5, 9.3), 1),
            "Language": r.choice(["English", "Korean", "French", "Hindi", "Danish"], n, p=[0.6, 0.12, 0.12, 0.1, 0.06]),
            "Oscar Winner": r.choice([True, False], n, p=[0.06, 0.94]),
        }
    )
    return {"movies": table}


def trips(r: Generator) -> dict[str, pd.DataFrame]:
    """Rides on hired bikes, half of them rated."""
    n = 1800
    stations = ["Central Station", "Old Harbour", "University", "City Hall", "West Park", "Museum Quarter"]
    started = pd.to_datetime("2023-03-01") + pd.to_timedelta(np.sort(r.integers(0, 245 * 24 * 60, n)), "min")
    user = r.choice(["Subscriber", "Casual"], n, p=[0.68, 0.32])
    table = pd.DataFrame(
        {
            "trip_id": np.arange(1, n + 1),
            "start_time": started,
            "start_station": r.choice(stations, n, p=[0.3, 0.2, 0.17, 0.14, 0.11, 0.08]),
            "end_station": r.choice(stations, n, p=[0.24, 0.22, 0.16, 0.15, 0.12, 0.11]),
            "duration_min": np.round(r.gamma(3, 5, n) + 8 * (user == "Casual"), 1),
            "distance_km": np.round(r.gamma(3, 1.1, n), 2),
            "user_type": user,
            "bike_type": r.choice(["classic", "electric", "cargo"], n, p=[0.58, 0.35, 0.07]),
            "rider_age": holes(r, r.integers(16, 76, n), 0.11),
            "rating": holes(r, r.integers(1, 6, n), 0.45),
        }
    )
    return {"bike_trips": table}


def library(r: Generator) -> dict[str, pd.DataFrame]:
    """Books and their loans, of which some never came back."""
    n = 140
    titles = [f"{a} {b}" for a in BOOK_ADJECTIVES.split() for b in BOOK_NOUNS.split()]
    books = pd.DataFrame(
        {
            "BookNo": [f"B{i:04d}" for i in range(1, n + 1)],
            "Title": [f"The {x}" for x in r.permutation(titles)],
            "Author": r.choice(AUTHORS.split(","), n),
            "Shelf": r.choice(["Fiction", "Crime", "History", "Children", "Travel"], n, p=[0.35, 0.2, 0.17, 0.18, 0.1]),
            "Pages": r.integers(96, 720, n),
            "PublishedYear": r.integers(1951, 2022, n),
        }
    )
    n = 1600
    lent, kept = days(r, "2022-01-02", 725, n, in_order=True), r.integers(1, 45, n)
    loans = pd.DataFrame(
        {
            "LoanID": np.arange(70001, 70001 + n),
            "BookNo": r.choice(books.BookNo[:133], n),
            "MemberNo": r.integers(300, 520, n),
            "LoanDate": lent,
            "ReturnDate": [
                None if x < 0.04 else (day + pd.Timedelta(int(k), "D")).date()
                for x, day, k in zip(r.random(n), lent, kept, strict=True)
            ],
            "DaysKept": kept,
            "MemberType": r.choice(["Adult", "Child", "Senior", "Student"], n, p=[0.46, 0.22, 0.17, 0.15]),
            "Branch": r.choice(["Main Street", "Riverside", "Northgate"], n, p=[0.5, 0.3, 0.2]),
            "Fine": np.where(kept > 28, np.round((kept - 28) * 0.25, 2), 0.0),
            "Renewed": r.choice(["yes", "no"], n, p=[0.24, 0.76]),
        }
    )
    loans.loc[loans.ReturnDate.isna(), ["DaysKept"]] = np.nan
    return {"books": books, "loans": loans}


def tickets(r: Generator) -> dict[str, pd.DataFrame]:
    """Tickets of a help desk, of whose teams some are also where a ticket is escalated to."""
    n = 1100
    opened = pd.to_datetime("2022-06-01 07:00") + pd.to_timedelta(np.sort(r.integers(0, 580 * 24 * 60, n)), "min")
    priority = r.choice(["Low", "Medium", "High", "Urgent"], n, p=[0.35, 0.38, 0.2, 0.07])
    usual = pd.Series(priority).map({"Low": 20, "Medium": 13, "High": 7, "Urgent": 3}).to_numpy()
    hours = np.round(r.gamma(2, usual), 1)
    agents = ["Amira", "Ben", "Chloe", "Dmitri", "Ewa", "Femi"]
    table = pd.DataFrame(
        {
            "ticket": [f"TK-{i}" for i in range(2001, 2001 + n)],
            "opened_at": opened,
            "priority": priority,
            "team": r.choice(["Billing", "Network", "Hardware", "Accounts"], n, p=[0.25, 0.31, 0.24, 0.2]),
            "agent": r.choice(agents, n, p=[0.22, 0.2, 0.18, 0.16, 0.14, 0.1]),
            "hours_to_close": hours,
            "reopened": r.choice(["Yes", "No"], n, p=[0.13, 0.87]),
            "satisfaction (1-5)": holes(r, np.clip(np.round(r.normal(3.8, 1, n)), 1, 5).astype(int), 0.31),
            "customer_tier": r.choice(["Gold", "Silver", "Bronze"], n, p=[0.16, 0.34, 0.5]),
            "contact_via": r.choice(["email", "phone", "chat"], n, p=[0.5, 0.3, 0.2]),
            "escalated_to": holes(r, r.choice(["Network", "Hardware", "Management"], n, p=[0.4, 0.35, 0.25]), 0.8),
        }
    )
    return {"support_tickets": table}


def school(r: Generator, names: list[str]) -> dict[str, pd.DataFrame]:
    """Exam results: a row for each pupil and subject."""
    rows = list[tuple[Any, ...]]()
    for k in range(110):
        gender = "girl" if r.random() < 0.5 else "boy"
        able = r.normal(0, 8)
        for subject in ("Maths", "English", "Biology", "Art"):
            if r.random() < 0.06:
                continue
            easy = {"Art": 4, "Maths": -3}.get(subject, 0)
            score = int(np.clip(round(64 + able + r.normal(0, 11) + easy), 5, 100))
            pupil = (f"S{k + 1:03d}", names[(k * 2) % 280], CLASSES[k % 5], gender, subject)
            known = score if r.random() > 0.03 else np.nan
            did = (round(float(r.gamma(2, 1.6)), 1), int(r.poisson(2.2)), "yes" if (k * 7) % 10 < 3 else "no")
            rows.append((*pupil, known, "pass" if score >= 50 else "fail", *did))
    heads = "StudentID,Student Name,Class,Gender,Subject,Score,Result,Study Hours per Week,Days Absent,Free Lunch"
    table = pd.DataFrame(rows, columns=heads.split(","))
    table.loc[table.Score.isna(), "Result"] = np.nan
    return {"exam_results": table}


def houses(r: Generator) -> dict[str, pd.DataFrame]:
    """Sales of houses, with units in the heads of columns."""
    n = 640
    area = np.round(r.normal(1850, 520, n).clip(620)).astype(int)
    places = ["Maple Hill", "Riverbend", "Old Town", "Lakeview", "Northfield"]
    place = r.choice(places, n, p=[0.28, 0.24, 0.2, 0.12, 0.16])
    built, dear = r.integers(1908, 2022, n), {"Lakeview": 1.35, "Old Town": 1.1}
    table = pd.DataFrame(
        {
            "Listing Id": np.arange(88001, 88001 + n),
            "Neighbourhood": place,
            "Sale Price ($)": [
                int(round(60000 + 145 * a * dear.get(p, 1) * r.lognormal(0, 0.14), -2))
                for a, p in zip(area, place, strict=True)
            ],
            "Living Area (sq ft)": area,
            "Bedrooms": r.integers(1, 6, n),
            "Bathrooms": r.choice([1, 1.5, 2, 2.5, 3], n),
            "Year Built": built,
            "Garage": r.choice(["No Garage", "Attached", "Detached"], n, p=[0.24, 0.5, 0.26]),
            "Has Pool": r.choice(["Y", "N"], n, p=[0.13, 0.87]),
            "Heating": r.choice(["Gas", "Heat Pump", "Oil", "Electric"], n, p=[0.5, 0.22, 0.16, 0.12]),
            "Sold On": days(r, "2021-01-04", 1090, n),
            "Days on Market": r.geometric(0.03, n),
            "Agent": r.choice(["J. Birch", "K. Stone", "L. Fields", "M. Waters"], n, p=[0.4, 0.28, 0.2, 0.12]),
        }
    )
    return {"house_sales": table}


def rentals(r: Generator) -> dict[str, pd.DataFrame]:
    """Flats to let, in French."""
    n = 260
    area = r.integers(14, 120, n)
    town = r.choice(["Lyon", "Nantes", "Lille", "Saint-Étienne"], n, p=[0.36, 0.27, 0.25, 0.12])
    dear = {"Lyon": 1.3, "Saint-Étienne": 0.75}
    table = pd.DataFrame(
        {
            "annonce": np.arange(1, n + 1),
            "ville": town,
            "type_de_bien": r.choice(["Appartement", "Maison", "Studio"], n, p=[0.6, 0.18, 0.22]),
            "surface_m2": area,
            "nb_pièces": np.clip(area // 22 + 1, 1, 6),
            "loyer_mensuel": [
                round(210 + 10.5 * a * dear.get(t, 1) * r.lognormal(0, 0.12)) for a, t in zip(area, town, strict=True)
            ],
            "charges": holes(r, r.integers(15, 160, n), 0.09),
            "meublé": r.choice(["oui", "non"], n, p=[0.38, 0.62]),
            "étage": r.integers(0, 9, n),
            "classe_énergie": r.choice(list("ABCDEFG"), n, p=[0.04, 0.1, 0.22, 0.3, 0.2, 0.1, 0.04]),
            "date_de_publication": days(r, "2023-09-01", 240, n),
        }
    )
    return {"annonces_location": table}


def energy(r: Generator) -> dict[str, pd.DataFrame]:
    """What three buildings use each day, a tenth of the days missing."""
    rows = list[tuple[Any, ...]]()
    holidays = {(1, 1), (5, 1), (12, 25), (12, 26), (10, 3)}
    for building, size in (("Bakery", 1.6), ("Town Library", 0.8), ("Swimming Pool", 3.1)):
        for day in pd.date_range("2021-01-01", "2023-12-31"):
            warm = 10 - 9 * np.cos((day.dayofyear - 20) / 365 * 2 * np.pi) + r.normal(0, 2.5)
            used = size * (60 - 1.3 * warm + (12 if day.dayofweek < 5 else 0) + r.normal(0, 5))
            kind = "weekend" if day.dayofweek > 4 else "workday"
            kind = "holiday" if (day.month, day.day) in holidays else kind
            rows.append((day.date(), building, round(float(used), 1), round(warm, 1), kind))
    heads = ["Date", "Building", "Consumption (kWh)", "OutdoorTemp_C", "DayType"]
    table = pd.DataFrame(rows, columns=heads).sample(3000, random_state=3).sort_values(["Date", "Building"])
    table["OutdoorTemp_C"] = holes(r, table["OutdoorTemp_C"].reset_index(drop=True), 0.03).to_numpy()
    return {"energy_daily": table}


def write(folder: Path) -> None:
    """Write all tables into a folder as CSV, the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    r = np.random.default_rng(SEED)
    names = [f"{a} {b}" for a in FIRST.split() for b in LAST.split()]
    r.shuffle(names)
    made = shop(r, names)
    for make in (clinic, staff, flights, movies, trips, library, tickets):
        made |= make(r)
    made |= school(r, names) | houses(r) | rentals(r) | energy(r)
    for name, table in made.items():
        table.to_csv(folder / f"{name}.csv", index=False)
