"""Reports that scripted agents give: the cells that they run, what they then say, and whether it is true.

A text in braces is worked out from the true tables, so that each number is one that an agent would have: `{a:.1f}`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Query = dict[str, Any]
TAGS = ["gift", "sale", "new", "club"]


def orders() -> pd.DataFrame:
    """900 orders of three years: amounts in cents, two channels, four cities, some sent back."""
    rng = np.random.default_rng(11)
    n = 900
    city = rng.choice(["Kiel", "Ulm", "Bonn", "Jena"], n, p=[0.4, 0.3, 0.2, 0.1])
    channel = rng.choice(["web", "shop"], n, p=[0.65, 0.35])
    year = rng.choice([2022, 2023, 2024], n)
    amount = rng.gamma(2.0, 2100, n) * (1 + 0.35 * (city == "Ulm")) * (1 + 0.5 * (channel == "shop"))
    amount *= 1 + 0.2 * (year - 2022)
    day = pd.to_datetime([f"{y}-01-01" for y in year]) + pd.to_timedelta(rng.integers(0, 364, n), unit="D")
    returned = np.where(rng.random(n) < np.where(channel == "web", 0.31, 0.12), "yes", "no")
    return pd.DataFrame(
        {
            "order_id": np.arange(1, n + 1),
            "order_date": day.strftime("%Y-%m-%d"),
            "city": city,
            "channel": channel,
            "amount_cents": amount.round().astype(int),
            "items": rng.integers(1, 9, n),
            "returned": returned,
            "tags": ["|".join(rng.choice(TAGS, k, replace=False)) for k in 1 + rng.integers(0, 3, n)],
        }
    )  # fmt: skip


def payments() -> pd.DataFrame:
    """One to four instalments for each order, more of them in Bonn."""
    rng = np.random.default_rng(5)
    table = orders()
    many = np.where(table["city"] == "Bonn", 4, rng.integers(1, 3, len(table)))
    ids = np.repeat(table["order_id"].to_numpy(), many)
    return pd.DataFrame({"payment_id": np.arange(len(ids)), "order_id": ids, "fee": rng.integers(10, 60, len(ids))})


def patients() -> pd.DataFrame:
    """240 patients of three wards: age, days in hospital (longer for the old), outcome; 14 rows are there twice."""
    rng = np.random.default_rng(3)
    n = 240
    age = rng.normal(58, 14, n).clip(19, 93).round()
    ward = rng.choice(["Aster", "Birch", "Cedar"], n, p=[0.5, 0.3, 0.2])
    days = (rng.gamma(2.2, 2.1, n) + 0.06 * (age - 40) + 1.8 * (ward == "Cedar")).clip(1).round(1)
    exercise = (60 - 0.5 * age + rng.normal(0, 8, n)).clip(0).round(1)
    outcome = np.where(rng.random(n) < 0.72, "well", "poor")
    made = pd.DataFrame(
        {"patient": np.arange(n), "ward": ward, "age": age, "days": days, "exercise": exercise, "outcome": outcome}
    )
    return pd.concat([made, made.iloc[20:34].assign(days=made["days"].iloc[20:34])], ignore_index=True)


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "orders.csv": orders,
    "payments.csv": payments,
    "patients.csv": patients,
}


@dataclass(frozen=True)
class Case:
    """What is asked, what the coder runs, and what the analyst reports of it. `values` are (name, value, unit, query);
    an expression in a text or as a value sees the true tables by their names, without `.csv`."""

    name: str
    question: str
    cells: tuple[str, ...]
    answer: str
    values: tuple[tuple[str, str, str, Query | None], ...] = ()
    files: tuple[str, ...] = ("orders.csv",)
    true: bool = False

    @property
    def scope(self) -> dict[str, Any]:
        return {name.removesuffix(".csv"): make() for name, make in TABLES.items()} | {"pd": pd, "np": np}

    @property
    def told(self) -> str:
        return str(eval(f'f"""{self.answer} """', self.scope)).strip()

    @property
    def report(self) -> dict[str, Any]:
        """The arguments of `write_report`."""
        known = self.scope
        values = [
            {"name": n, "value": eval(v, known), "unit": u} | ({"query": q} if q is not None else {})
            for n, v, u, q in self.values
        ]
        values = [{**v, "value": v["value"].item() if hasattr(v["value"], "item") else v["value"]} for v in values]
        return {"answer": self.told} | ({"answers": [{"text": self.told, "values": values}]} if values else {})


def mean(of: str, **where: str) -> Query:
    return statistic("mean", of, **where)


def statistic(op: str, of: str | None = None, **where: str) -> Query:
    made = [{"left": k, "op": "during" if "date" in k else "=", "right": v} for k, v in where.items()]
    return {"measures": [{"op": op, **({"of": of} if of else {})}], "where": made}


def share(column: str, value: str, **where: str) -> Query:
    asked = statistic("share", **where)
    asked["measures"][0]["where"] = [{"left": column, "op": "=", "right": value}]
    return asked


BY_CITY = "df['euros'] = df['amount_cents'] / 100\nprint(df.groupby('city')['items'].mean().round(2))"
ITEMS = "orders[orders.city == '{}']['items'].mean()"
WARD = "patients[patients.ward == '{}']['days'].mean()"
BY_WARD = "print(df.groupby('ward')['days'].agg(['mean', 'median', 'count']).round(2))"
PATIENTS = ("patients.csv",)

FALSE = (
    Case(
        "groups swapped, with the queries of the groups that are named",
        "What is the mean number of items per order in Kiel and in Ulm?",
        (BY_CITY,),
        "An order from Kiel holds {orders[orders.city == 'Ulm']['items'].mean():.2f} items on average, one from Ulm "
        "{orders[orders.city == 'Kiel']['items'].mean():.2f}.",
        (
            ("mean items in Kiel", ITEMS.format("Ulm"), "", mean("items", city="Kiel")),
            ("mean items in Ulm", ITEMS.format("Kiel"), "", mean("items", city="Ulm")),
        ),
    ),
    Case(
        "groups swapped in the sentence, while values and queries fit each other",
        "How long do patients stay on each ward?",
        (BY_WARD,),
        "Patients stay longest on Aster, {patients[patients.ward == 'Cedar']['days'].mean():.1f} days on average; on "
        "Cedar they stay {patients[patients.ward == 'Aster']['days'].mean():.1f} days.",
        (
            ("mean days, Aster", WARD.format("Aster"), "days", mean("days", ward="Aster")),
            ("mean days, Cedar", WARD.format("Cedar"), "days", mean("days", ward="Cedar")),
        ),
        PATIENTS,
    ),
    Case(
        "groups swapped, and no queries",
        "How long do patients stay on each ward?",
        (BY_WARD,),
        "The mean stay is {patients[patients.ward == 'Cedar']['days'].mean():.2f} days on Aster and "
        "{patients[patients.ward == 'Aster']['days'].mean():.2f} days on Cedar.",
        files=PATIENTS,
    ),
    Case(
        "a year of the question that no query filters by",
        "What was the average order amount in 2023?",
        ("print((df['amount_cents'] / 100).mean().round(2))",),
        "In 2023 an order came to {orders.amount_cents.mean() / 100:.2f} euros on average.",
        (
            (
                "mean amount",
                "orders.amount_cents.mean() / 100",
                "EUR",
                {"measures": [{"op": "mean", "of": "amount_cents / 100"}]},
            ),
        ),
    ),
    Case(
        "a year of the question that no cell filters by, and no queries",
        "How many items did the average order of 2022 hold?",
        ("print(df['items'].mean().round(2))",),
        "The average order of 2022 held {orders['items'].mean():.2f} items.",
    ),
    Case(
        "a subset told as all",
        "What is the mean order amount in cents?",
        ("web = df[df['channel'] == 'web']\nprint(len(web), web['amount_cents'].mean().round(1))",),
        "The mean order amount is {orders[orders.channel == 'web'].amount_cents.mean():.1f} cents.",
        (
            (
                "mean order amount",
                "orders[orders.channel == 'web'].amount_cents.mean()",
                "cents",
                mean("amount_cents", channel="web"),
            ),
        ),
    ),
    Case(
        "a subset told as all, and no queries",
        "What is the average age of the patients?",
        ("part = df[df['ward'] == 'Cedar']\nprint(part['age'].mean().round(2))",),
        "The patients are {patients[patients.ward == 'Cedar'].age.mean():.2f} years old on average.",
        files=PATIENTS,
    ),
    Case(
        "cents told as euros",
        "How much is an order in Ulm worth on average?",
        ("print(df.groupby('city')['amount_cents'].mean().round(0))",),
        "An order from Ulm is worth {orders[orders.city == 'Ulm'].amount_cents.mean():.0f} euros on average.",
        (
            (
                "mean order value in Ulm",
                "orders[orders.city == 'Ulm'].amount_cents.mean()",
                "EUR",
                mean("amount_cents", city="Ulm"),
            ),
        ),
    ),
    Case(
        "an invented share",
        "How often are web orders sent back?",
        ("print(df.groupby('channel')['order_id'].count())",),
        "About 44 % of the web orders are sent back, against 19 % of those in the shop.",
    ),
    Case(
        "an invented share with a query that does not give it",
        "How often are web orders sent back?",
        ("print(pd.crosstab(df['channel'], df['returned']))",),
        "Of the web orders 44 % are sent back.",
        (("share of web orders returned", "44", "%", share("returned", "yes", channel="web")),),
    ),
    Case(
        "about so many in so many",
        "What part of the patients is well at the end?",
        ("print(df['outcome'].value_counts())",),
        "About 9 in 10 patients are well at the end.",
        (("share of patients who are well", "0.9", "", share("outcome", "well")),),
        PATIENTS,
    ),
    Case(
        "a join by the idiom of the prompt that repeats the rows that are summed",
        "Which city brings in most money?",
        (
            "both = tables['orders.csv'].merge(tables['payments.csv'], on='order_id', validate='one_to_many')\n"
            "print(len(tables['orders.csv']), len(both))\n"
            "print(both.groupby('city')['amount_cents'].sum() / 100)",
        ),
        "Bonn brings in most: {orders.merge(payments)[lambda t: t.city == 'Bonn'].amount_cents.sum() / 100:,.2f} euros"
        ", against {orders.merge(payments)[lambda t: t.city == 'Ulm'].amount_cents.sum() / 100:,.2f} from Ulm.",
        files=("orders.csv", "payments.csv"),
    ),
    Case(
        "exploded rows summed",
        "How much was ordered in Kiel altogether?",
        (
            "wide = df.assign(tag=df['tags'].str.split('|')).explode('tag')\n"
            "print(wide.groupby('city')['amount_cents'].sum() / 100)",
        ),
        "Orders from Kiel came to {orders.assign(tag=orders.tags.str.split('|')).explode('tag')"
        "[lambda t: t.city == 'Kiel'].amount_cents.sum() / 100:,.2f} euros altogether.",
    ),
    Case(
        "a table laid under itself and counted",
        "How many orders were there in Jena?",
        ("every = pd.concat([df[df['channel'] == 'web'], df])\nprint(every.groupby('city')['order_id'].count())",),
        "There were {len(orders[orders.city == 'Jena']) + len(orders[(orders.city == 'Jena') & (orders.channel == "
        "'web')])} orders in Jena.",
    ),
    Case(
        "a chart whose title says what it does not show",
        "Which ward keeps its patients longest?",
        (
            "import matplotlib.pyplot as plt\n"
            "stay = df.groupby('ward')['days'].mean()\nprint(stay.round(2))\n"
            "fig, ax = plt.subplots()\nax.bar(stay.index, stay.values)\n"
            "ax.set(xlabel='ward', ylabel='mean stay (days)', title='Birch keeps its patients longest')\nplt.show()",
        ),
        "Patients stay longest on Cedar, {patients[patients.ward == 'Cedar'].days.mean():.2f} days on average.",
        files=PATIENTS,
    ),
    Case(
        "a mean told as a median",
        "What is the median stay in days?",
        (BY_WARD + "\nprint(df['days'].mean().round(2))",),
        "Half of the patients stay {patients.days.mean():.2f} days or less.",
        (("median stay", "patients.days.mean()", "days", statistic("median", "days")),),
        PATIENTS,
    ),
    Case(
        "a mean told as a median, and no queries",
        "What is the median stay in days?",
        ("print(df['days'].mean().round(2))",),
        "The median stay is {patients.days.mean():.2f} days.",
        files=PATIENTS,
    ),
    Case(
        "a number from before the duplicates went",
        "How long do patients stay on average once duplicate rows are removed?",
        (
            "print(len(df), df['days'].mean().round(3))",
            "once = df.drop_duplicates()\nprint(len(df), len(once))",
        ),
        "Once the duplicate rows are removed, patients stay {patients.days.mean():.3f} days on average.",
        (
            (
                "mean days",
                "patients.days.mean()",
                "days",
                {"prepare": [{"do": "drop_duplicates"}], "measures": [{"op": "mean", "of": "days"}]},
            ),
        ),
        PATIENTS,
    ),
    Case(
        "points told as per cent",
        "How did the share of returned orders change from 2022 to 2023?",
        (
            "year = pd.to_datetime(df['order_date']).dt.year\n"
            "part = (df['returned'] == 'yes').groupby(year).mean() * 100\nprint(part.round(1))\n"
            "print(round(part[2023] - part[2022], 1))",
        ),
        "The share of returned orders went from "
        "{(orders[orders.order_date.str[:4] == '2022'].returned == 'yes').mean():.1%} in 2022 to "
        "{(orders[orders.order_date.str[:4] == '2023'].returned == 'yes').mean():.1%} in 2023, a change of "
        "{abs((orders[orders.order_date.str[:4] == '2023'].returned == 'yes').mean() - "
        "(orders[orders.order_date.str[:4] == '2022'].returned == 'yes').mean()):.1%}.",
        (
            (
                "change",
                "abs((orders[orders.order_date.str[:4] == '2023'].returned == 'yes').mean() - "
                "(orders[orders.order_date.str[:4] == '2022'].returned == 'yes').mean()) * 100",
                "%",
                {
                    "measures": [
                        {"op": "share", "name": "before", "where": [{"left": "returned", "op": "=", "right": "yes"}]},
                    ],
                    "where": [{"left": "order_date", "op": "during", "right": "2022"}],
                },
            ),
        ),
    ),
    Case(
        "a wrong number of rows",
        "How many patients are on ward Birch?",
        ("print(df['ward'].value_counts())",),
        "Ward Birch has {len(patients[patients.ward == 'Aster'])} patients.",
        (("patients on Birch", "len(patients[patients.ward == 'Aster'])", "", statistic("count", ward="Birch")),),
        PATIENTS,
    ),
    Case(
        "an invented p value",
        "Do web and shop orders differ in the number of items?",
        ("print(df.groupby('channel')['items'].mean().round(2))",),
        "Web orders hold {orders[orders.channel == 'web']['items'].mean():.2f} items and shop orders "
        "{orders[orders.channel == 'shop']['items'].mean():.2f}; the difference is significant (p = 0.003).",
    ),
    Case(
        "the wrong sign",
        "How do age and exercise go together?",
        ("print(df['age'].corr(df['exercise']).round(3))",),
        "Exercise rises with age: the correlation is {abs(patients.age.corr(patients.exercise)):.3f}.",
        (
            (
                "correlation of age and exercise",
                "abs(patients.age.corr(patients.exercise))",
                "",
                {"measures": [{"op": "correlation", "of": "age", "other": "exercise"}]},
            ),
        ),
        PATIENTS,
    ),
    Case(
        "the wrong name on top",
        "Which city has the highest mean order amount?",
        ("print((df.groupby('city')['amount_cents'].mean() / 100).round(2))",),
        "Jena has the highest mean order amount.",
        (
            (
                "city with the highest mean amount",
                "'Jena'",
                "",
                {
                    "measures": [{"op": "mean", "of": "amount_cents"}],
                    "group_by": [{"of": "city"}],
                    "order": [{"by": "mean_amount_cents"}],
                    "limit": 1,
                    "tell": "names",
                },
            ),
        ),
    ),
    Case(
        "a ratio the wrong way round",
        "How many times as many orders come from the web as from the shop?",
        ("print(df['channel'].value_counts())",),
        "The shop has {(orders.channel == 'web').sum() / (orders.channel == 'shop').sum():.2f} times as many orders as "
        "the web.",
        (
            (
                "ratio of shop to web orders",
                "(orders.channel == 'web').sum() / (orders.channel == 'shop').sum()",
                "",
                {
                    "measures": [
                        {"op": "count", "name": "shop", "where": [{"left": "channel", "op": "=", "right": "shop"}]},
                        {"op": "count", "name": "web", "where": [{"left": "channel", "op": "=", "right": "web"}]},
                    ],
                    "formulas": [{"name": "ratio", "expr": "shop / web"}],
                },
            ),
        ),
    ),
)

HONEST = (
    Case(
        "two means with their queries",
        "What is the mean number of items per order in Kiel and in Ulm?",
        (BY_CITY,),
        "An order from Kiel holds {orders[orders.city == 'Kiel']['items'].mean():.2f} items on average, one from Ulm "
        "{orders[orders.city == 'Ulm']['items'].mean():.2f}.",
        (
            ("mean items in Kiel", ITEMS.format("Kiel"), "", mean("items", city="Kiel")),
            ("mean items in Ulm", ITEMS.format("Ulm"), "", mean("items", city="Ulm")),
        ),
        true=True,
    ),
    Case(
        "means without queries",
        "How long do patients stay on each ward?",
        (BY_WARD,),
        "The mean stay is {patients[patients.ward == 'Aster']['days'].mean():.2f} days on Aster, "
        "{patients[patients.ward == 'Birch']['days'].mean():.2f} days on Birch and "
        "{patients[patients.ward == 'Cedar']['days'].mean():.2f} days on Cedar.",
        files=PATIENTS,
        true=True,
    ),
    Case(
        "a year that the query filters by, in euros from cents",
        "What was the average order amount in 2023?",
        (
            "of = df[pd.to_datetime(df['order_date']).dt.year == 2023]\n"
            "print(len(df), len(of), (of['amount_cents'] / 100).mean().round(2))",
        ),
        "In 2023 an order came to {orders[orders.order_date.str[:4] == '2023'].amount_cents.mean() / 100:.2f} euros on "
        "average.",
        (
            (
                "mean amount in 2023",
                "orders[orders.order_date.str[:4] == '2023'].amount_cents.mean() / 100",
                "EUR",
                {
                    "measures": [{"op": "mean", "of": "amount_cents / 100"}],
                    "where": [{"left": "order_date", "op": "during", "right": "2023"}],
                },
            ),
        ),
        true=True,
    ),
    Case(
        "about three in four",
        "What part of the patients is well at the end?",
        ("print(df['outcome'].value_counts(), (df['outcome'] == 'well').mean().round(3))",),
        "About 3 in 4 patients are well at the end, {(patients.outcome == 'well').sum()} of {len(patients)}.",
        (("share of patients who are well", "(patients.outcome == 'well').mean()", "", share("outcome", "well")),),
        PATIENTS,
        true=True,
    ),
    Case(
        "a derived ratio",
        "How many times as many orders come from the web as from the shop?",
        ("print(df['channel'].value_counts())",),
        "The web has {(orders.channel == 'web').sum() / (orders.channel == 'shop').sum():.1f} times as many orders as "
        "the shop ({(orders.channel == 'web').sum()} against {(orders.channel == 'shop').sum()}).",
        (
            (
                "ratio of web to shop orders",
                "(orders.channel == 'web').sum() / (orders.channel == 'shop').sum()",
                "",
                {
                    "measures": [
                        {"op": "count", "name": "shop", "where": [{"left": "channel", "op": "=", "right": "shop"}]},
                        {"op": "count", "name": "web", "where": [{"left": "channel", "op": "=", "right": "web"}]},
                    ],
                    "formulas": [{"name": "ratio", "expr": "web / shop"}],
                },
            ),
        ),
        true=True,
    ),
    Case(
        "a table in the text",
        "What does each city order?",
        ("print(df.groupby('city').agg(orders=('order_id', 'count'), items=('items', 'mean')).round(2))",),
        "Kiel orders most often, Bonn and Jena seldom.\n\n| city | orders | mean items |\n|---|---|---|\n"
        "| Bonn | {(orders.city == 'Bonn').sum()} | {orders[orders.city == 'Bonn']['items'].mean():.2f} |\n"
        "| Jena | {(orders.city == 'Jena').sum()} | {orders[orders.city == 'Jena']['items'].mean():.2f} |\n"
        "| Kiel | {(orders.city == 'Kiel').sum()} | {orders[orders.city == 'Kiel']['items'].mean():.2f} |\n"
        "| Ulm | {(orders.city == 'Ulm').sum()} | {orders[orders.city == 'Ulm']['items'].mean():.2f} |\n",
        true=True,
    ),
    Case(
        "a join whose many side is summed first",
        "What do payments cost per order in fees?",
        (
            "fees = tables['payments.csv'].groupby('order_id', as_index=False)['fee'].sum()\n"
            "both = tables['orders.csv'].merge(fees, on='order_id', validate='one_to_one')\n"
            "print(len(tables['orders.csv']), len(both), both['fee'].mean().round(2))",
        ),
        "An order costs {payments.groupby('order_id').fee.sum().mean():.2f} in fees on average.",
        files=("orders.csv", "payments.csv"),
        true=True,
    ),
    Case(
        "tags counted after they were laid out in rows",
        "Which tag is commonest?",
        ("wide = df.assign(tag=df['tags'].str.split('|')).explode('tag')\nprint(wide['tag'].value_counts())",),
        "The commonest tag is {orders.tags.str.split('|').explode().value_counts().index[0]}, on "
        "{orders.tags.str.split('|').explode().value_counts().iloc[0]} orders.",
        true=True,
    ),
    Case(
        "points told as points",
        "How did the share of returned orders change from 2022 to 2023?",
        (
            "year = pd.to_datetime(df['order_date']).dt.year\n"
            "part = (df['returned'] == 'yes').groupby(year).mean() * 100\nprint(part.round(1))\n"
            "print(round(part[2023] - part[2022], 1))",
        ),
        "The share of returned orders went from "
        "{(orders[orders.order_date.str[:4] == '2022'].returned == 'yes').mean():.1%} in 2022 to "
        "{(orders[orders.order_date.str[:4] == '2023'].returned == 'yes').mean():.1%} in 2023, a change of "
        "{100 * ((orders[orders.order_date.str[:4] == '2023'].returned == 'yes').mean() - "
        "(orders[orders.order_date.str[:4] == '2022'].returned == 'yes').mean()):.1f} percentage points.",
        true=True,
    ),
    Case(
        "a test whose p value a cell printed",
        "Do patients of Aster and Cedar differ in their stay?",
        (
            "from scipy import stats\nonce = df.drop_duplicates()\nprint(len(df), len(once))\n"
            "a, c = (once.loc[once['ward'] == w, 'days'] for w in ('Aster', 'Cedar'))\n"
            "t = stats.ttest_ind(c, a, equal_var=False)\nlow, high = t.confidence_interval()\n"
            "print(f'{c.mean() - a.mean():.2f} days [{low:.2f}, {high:.2f}], p = {t.pvalue:.2g}')",
        ),
        "Without the duplicate rows, patients of Cedar stay {patients.drop_duplicates()[lambda t: t.ward == 'Cedar']."
        "days.mean() - patients.drop_duplicates()[lambda t: t.ward == 'Aster'].days.mean():.1f} days longer than those "
        "of Aster.",
        files=PATIENTS,
        true=True,
    ),
    Case(
        "the name on top, with the query that gives it",
        "Which city has the highest mean order amount?",
        ("print((df.groupby('city')['amount_cents'].mean() / 100).round(2))",),
        "{orders.groupby('city').amount_cents.mean().idxmax()} has the highest mean order amount: "
        "{orders.groupby('city').amount_cents.mean().max() / 100:.0f} euros.",
        (
            (
                "city with the highest mean amount",
                "orders.groupby('city').amount_cents.mean().idxmax()",
                "",
                {
                    "measures": [{"op": "mean", "of": "amount_cents"}],
                    "group_by": [{"of": "city"}],
                    "order": [{"by": "mean_amount_cents"}],
                    "limit": 1,
                    "tell": "names",
                },
            ),
        ),
        true=True,
    ),
)
