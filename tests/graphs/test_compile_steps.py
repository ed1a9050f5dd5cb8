"""Steps before a question, times, lists and joins: what compiled cells do, against pandas by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import scipy

from graphs.questions.expressions import NotComputable
from graphs.questions.sheets import elsewhere

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


DF = pd.read_csv(PENGUINS)
BASE = duckdb.connect()
BASE.register("t", DF)


Ask = Callable[..., Any]


def sql(text: str) -> Any:
    rows = BASE.sql(text).fetchall()
    return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows


def of(op: str, column: str | None = None, **more: Any) -> dict[str, Any]:
    return {"op": op, "of": column, **more}


def where(left: str, op: str = "=", right: Any = None) -> dict[str, Any]:
    return {"left": left, "op": op, "right": right}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders of a shop with times, blanks, codes and a repeated row."""
    path = tmp_path_factory.mktemp("shop") / "orders.csv"
    days = pd.date_range("2022-11-15", periods=60, freq="9D")
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "order": [f"O{i}" for i in range(60)],
            "placed": days,
            "sent": days + pd.to_timedelta(rng.integers(0, 12, 60), unit="D"),
            "amount": rng.gamma(2, 50, 60).round(2),
            "items": rng.integers(0, 5, 60),
            "region": rng.choice(["North", "South", "West"], 60),
            "size": rng.choice(["S", "M", "L", None], 60),
            "paid": rng.choice(["yes", "no"], 60),
            "code": [f"EU-{i % 7} x" for i in range(60)],
        }
    )
    table.loc[[3, 9, 20], "amount"] = None
    table.loc[5, "amount"] = 2500
    pd.concat([table, table.iloc[[7]]]).to_csv(path, index=False)
    return path


def frame(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, parse_dates=["placed", "sent"])


STEPS: list[tuple[list[dict[str, Any]], dict[str, Any], Callable[[pd.DataFrame], Any]]] = [
    ([{"do": "drop_duplicates"}], of("count"), lambda t: len(t.drop_duplicates())),
    (
        [{"do": "drop_duplicates", "columns": ["region"]}],
        of("sum", "items"),
        lambda t: t.drop_duplicates("region")["items"].sum(),
    ),
    ([{"do": "drop_missing"}], of("count"), lambda t: len(t.dropna())),
    ([{"do": "drop_missing", "columns": ["size"]}], of("count"), lambda t: t["size"].count()),
    (
        [{"do": "fill", "columns": ["amount"], "how": "median"}],
        of("mean", "amount"),
        lambda t: t["amount"].fillna(t["amount"].median()).mean(),
    ),
    (
        [{"do": "fill", "columns": ["size"], "how": "mode"}],
        of("count", where=[where("size", "=", "S")]),
        lambda t: (t["size"].fillna(t["size"].mode()[0]) == "S").sum(),
    ),
    ([{"do": "fill", "columns": ["size"], "how": "value", "value": "none"}], of("distinct", "size"), lambda t: 4),
    (
        [{"do": "derive", "name": "days to send", "expr": "days(placed, sent)"}],
        of("mean", "`days to send`"),
        lambda t: (t["sent"] - t["placed"]).dt.days.mean(),
    ),
    (
        [{"do": "derive", "name": "each", "expr": "amount / items"}],
        of("mean", "each"),
        lambda t: (t["amount"] / t["items"].where(t["items"] > 0)).mean(),
    ),
    (
        [{"do": "derive", "name": "number", "expr": "number(extract(code, '-([0-9]+)'))"}],
        of("sum", "number"),
        lambda t: t["code"].str[3].astype(int).sum(),
    ),
    (
        [
            {
                "do": "cut",
                "name": "band",
                "of": "amount",
                "edges": [None, 50, 100, None],
                "labels": ["low", "mid", "high"],
            }
        ],
        of("count", where=[where("band", "=", "mid")]),
        lambda t: ((t["amount"] >= 50) & (t["amount"] < 100)).sum(),
    ),
    (
        [{"do": "cut", "name": "band", "of": "items", "edges": [0, 2, 4], "labels": ["few", "many"], "right": True}],
        of("count", where=[where("band", "=", "few")]),
        lambda t: (t["items"] <= 2).sum(),
    ),
    (
        [{"do": "recode", "column": "paid", "values": [["yes", 1], ["no", 0]]}],
        of("mean", "paid"),
        lambda t: (t["paid"] == "yes").mean(),
    ),
    (
        [{"do": "recode", "column": "region", "values": [["North", "up"]], "other": "down", "name": "side"}],
        of("count", where=[where("side", "=", "down")]),
        lambda t: (t["region"] != "North").sum(),
    ),
    ([{"do": "remove_outliers", "columns": ["amount"]}], of("mean", "amount"), lambda t: iqr_kept(t["amount"]).mean()),
    (
        [{"do": "remove_outliers", "columns": ["amount"], "rule": {"rule": "z", "k": 2}}],
        of("count"),
        lambda t: len(t) - (np.abs(scipy.stats.zscore(t["amount"].dropna())) > 2).sum(),
    ),
    ([{"do": "scale", "columns": ["amount"], "how": "z"}], of("std", "amount", ddof=0), lambda t: 1),
    (
        [{"do": "scale", "columns": ["amount"], "how": "minmax"}],
        of("mean", "amount"),
        lambda t: ((t["amount"] - t["amount"].min()) / (t["amount"].max() - t["amount"].min())).mean(),
    ),
    ([{"do": "encode", "columns": ["region"]}], of("sum", "region_South"), lambda t: (t["region"] == "South").sum()),
    (
        [{"do": "encode", "columns": ["region"], "how": "label"}],
        of("mean", "region"),
        lambda t: t["region"].map({"North": 0, "South": 1, "West": 2}).mean(),
    ),
    ([{"do": "convert", "columns": ["items"], "to": "text"}], of("distinct", "items"), lambda t: 5),
]


def iqr_kept(s: pd.Series) -> pd.Series:
    q1, q3 = s.quantile([0.25, 0.75])
    return s[(s >= q1 - 1.5 * (q3 - q1)) & (s <= q3 + 1.5 * (q3 - q1))]


@pytest.mark.parametrize(("steps", "measure", "want"), STEPS, ids=[str(s[0]) for s, _, _ in STEPS])
def test_each_step_does_what_pandas_does_by_hand(
    ask: Ask, shop: Path, steps: list[dict[str, Any]], measure: dict[str, Any], want: Callable[[pd.DataFrame], Any]
) -> None:
    (value,) = ask({"prepare": steps, "measures": [measure]}, shop).values.values()
    assert value == pytest.approx(want(frame(shop)))


def test_steps_are_done_in_their_order(ask: Ask, shop: Path) -> None:
    fill = {"do": "fill", "columns": ["amount"], "how": "mean"}
    drop = {"do": "drop_missing", "columns": ["amount"]}
    count = [of("count")]
    assert list(ask({"prepare": [fill, drop], "measures": count}, shop).values.values()) == [61]
    assert list(ask({"prepare": [drop, fill], "measures": count}, shop).values.values()) == [58]


@pytest.mark.parametrize(
    ("grain", "first"),
    [
        ("year", {"2022": 6}), ("quarter", {"2022Q4": 6}), ("month", {"2022-11": 2}), ("day", {"2022-11-15": 1}),
        ("month_of_year", {"January": 8}), ("quarter_of_year", {"Q1": 21}), ("weekday", {"Monday": 9}),
    ],
)  # fmt: skip
def test_times_are_cut_into_groups(ask: Ask, shop: Path, grain: str, first: dict[str, int]) -> None:
    values = ask({"measures": [of("count")], "group_by": [{"of": "placed", "grain": grain}]}, shop).values
    assert dict(list(values.items())[:1]) == first
    assert sum(n for name, n in values.items() if not name.startswith(("trend", "change"))) == 61


def test_a_change_over_time_says_whether_it_is_a_trend(ask: Ask, shop: Path) -> None:
    derive = {"do": "derive", "name": "day", "expr": "days(min_day, placed)"}
    first = {"do": "convert", "columns": ["min_day"], "to": "time"}
    recode = {
        "do": "recode",
        "column": "paid",
        "values": [["yes", "2022-01-01"], ["no", "2022-01-01"]],
        "name": "min_day",
    }
    query = {"intent": "change", "prepare": [recode, first, derive], "group_by": [{"of": "placed", "grain": "month"}]}
    asked = ask({**query, "measures": [of("mean", "day")]}, shop)
    assert asked.values["trend"] == "increasing"
    assert "increasing by 30 days a month (95 % interval 30 to 31, p < 0.001), from 322.5 in 2022-11" in asked.text
    falling = [derive | {"expr": "-days(min_day, placed)"}]
    assert (
        ask({**query, "prepare": [recode, first, *falling], "measures": [of("mean", "day")]}, shop).values["trend"]
        == "decreasing"
    )
    assert ask({**query, "measures": [of("mean", "items")]}, shop).values["trend"] == "no clear trend"


def test_lengths_of_time_that_end_before_they_begin_are_counted(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("opened,closed,team\n2023-01-03,2023-01-05,a\n2023-02-03,2023-02-01,a\n2023-03-01,2023-03-02,b\n")
    measure = of("mean", "days(opened, closed)")
    assert "1 length of time is below zero, as the end comes first" in ask({"measures": [measure]}, path).text
    assert (
        "1 length of time is below zero, as the end comes first"
        in ask({"measures": [measure], "group_by": [{"of": "team"}]}, path).text
    )
    assert "below zero" not in ask({"measures": [of("mean", "days(opened, opened)")]}, path).text


def test_a_time_goes_into_a_correlation_by_its_days(ask: Ask, shop: Path) -> None:
    measure = of("correlation", "amount", other="placed", with_p=True)
    t = frame(shop).dropna(subset=["amount"])
    want = scipy.stats.pearsonr(t["amount"], t["placed"].astype("int64"))
    assert list(ask({"measures": [measure]}, shop).values.values()) == pytest.approx(list(want))
    regions = ask({"measures": [{**measure, "with_p": False}], "group_by": [{"of": "region"}]}, shop).values
    north = t[t["region"] == "North"]
    assert regions["North"] == pytest.approx(np.corrcoef(north["amount"], north["placed"].astype("int64"))[0, 1])


def test_a_time_before_1678_is_counted_in_days_too(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "births.csv"
    path.write_text("born,boys\n" + "".join(f"{year}-03-01,{year - 1600}\n" for year in range(1629, 1669)))
    (told,) = ask({"measures": [of("correlation", "boys", other="born")]}, path).values.values()
    assert told == pytest.approx(1, abs=1e-6)


def test_periods_are_compared_in_units_and_per_cent(ask: Ask, shop: Path) -> None:
    compare = {"of": "placed", "first": "2023-Q2", "second": "2023-Q1"}
    values = list(
        ask({"intent": "compare", "measures": [of("sum", "amount")], "compare": compare}, shop).values.values()
    )
    t = frame(shop)
    sums = t.groupby(t["placed"].dt.to_period("Q"))["amount"].sum()
    a, b = sums["2023Q2"], sums["2023Q1"]
    assert values == pytest.approx([a, b, a - b, 100 * (a - b) / b])
    groups = {"of": "region", "first": "North", "second": "West"}
    by = t.groupby("region")["amount"].mean()
    asked = ask({"measures": [of("mean", "amount")], "compare": groups}, shop)
    assert list(asked.values.values())[:3] == pytest.approx([by["North"], by["West"], by["North"] - by["West"]])


def test_a_comparison_counts_the_rows_of_its_two_sides(ask: Ask, shop: Path) -> None:
    t = frame(shop)
    quarters = t["placed"].dt.to_period("Q").astype("str").isin(["2023Q1", "2023Q2"])
    periods = {"of": "placed", "first": "2023-Q2", "second": "2023-Q1"}
    groups = {"of": "region", "first": "North", "second": "West"}
    for compare, rows in ((periods, quarters), (groups, t["region"].isin(["North", "West"]))):
        assert 0 < rows.sum() < len(t)
        told = ask({"measures": [of("median", "amount")], "compare": compare}, shop)
        assert told.text.endswith(f"({rows.sum():,} rows).")


def test_of_two_columns_with_one_header_it_is_said_which_was_taken(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "hens.csv"
    path.write_text("hen,eggs,eggs\n1,3,4\n2,5,8\n")
    told = ask({"measures": [of("mean", "eggs")]}, path)
    assert list(told.values.values()) == [4]
    assert [note for note in told.notes if "eggs_2" in note]
    assert not ask({"measures": [of("max", "hen")]}, path).notes


def test_a_column_of_a_further_sheet_is_named_where_no_table_has_it() -> None:
    tables = [
        {
            "name": "farm.xlsx",
            "columns": [{"name": "Hen"}, {"name": "Eggs"}],
            "sheets": {"Costs": ["Eggs", "Feed price"]},
        }
    ]
    told = elsewhere("What is the price of an egg?", tables)
    assert "“Feed price” is a column of the sheet “Costs” of farm.xlsx" in told
    assert not elsewhere("How many eggs are there?", tables)
    assert not elsewhere("What is the price of an egg?", [{**tables[0], "sheets": {}}])


def test_rows_are_listed_counted_and_cut(ask: Ask, shop: Path) -> None:
    t = frame(shop)
    top = t.sort_values("amount", ascending=False)
    query = {"intent": "list", "show": ["order"], "order": [{"by": "amount"}], "limit": 3}
    assert ask({**query, "tell": "names"}, shop).values == {"order": ", ".join(top["order"][:3])}
    assert list(ask(query, shop).values) == ["order", "amount"]
    late = {"intent": "list", "where": [where("days(placed, sent)", ">", 10)], "tell": "number"}
    assert ask(late, shop).values == {"number of rows": int(((t["sent"] - t["placed"]).dt.days > 10).sum())}
    assert ask({"intent": "list", "show": ["region"]}, shop).values["region"].count(",") == 2


def test_a_join_looks_rows_up_and_never_counts_them_twice(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("shop,amount\nA,10\nA,20\nB,30\nC,40\n")
    (tmp_path / "shops.csv").write_text("shop,city\nA,Rome\nB,Oslo\n")
    (tmp_path / "staff.csv").write_text("name,shop\nAnn,A\nBob,A\nCid,B\nDan,B\n")
    sales, shops, staff = (tmp_path / f"{n}.csv" for n in ("sales", "shops", "staff"))
    join = {"file": "shops.csv", "own": ["shop"], "theirs": ["shop"]}
    query = {"table": "sales.csv", "joins": [join], "measures": [of("sum", "amount")], "group_by": [{"of": "city"}]}
    told = ask(query, sales, shops)
    assert told.values == {"Oslo": 30, "Rome": 30}
    alone = "1 of 4 rows of sales.csv has no partner in shops.csv (shop: C): it is without its columns"
    assert told.answers[0]["notes"] == [f"{alone}, and in no group by these."]
    inner = ask({**query, "joins": [{**join, "how": "inner"}]}, sales, shops)
    assert inner.answers[0]["notes"][0].endswith("it is left out.")
    repeats = {**query, "joins": [{**join, "file": "staff.csv"}], "group_by": [{"of": "name"}]}
    with pytest.raises(NotComputable, match=r"repeats rows of sales\.csv"):
        ask(repeats, sales, staff)
    counted = ask({**repeats, "measures": [of("count")]}, sales, staff)
    assert any("repeated" in note for note in counted.notes)


def test_outliers_are_counted_named_and_described(ask: Ask, shop: Path) -> None:
    t = frame(shop)
    kept = iqr_kept(t["amount"].dropna())
    out = t[t["amount"].notna() & ~t.index.isin(kept.index)]
    query = {
        "intent": "outliers",
        "outliers": {},
        "measures": [of("count", "amount"), of("mean", "amount")],
        "show": ["order"],
    }
    values = list(ask(query, shop).values.values())
    assert values == [len(out), pytest.approx(out["amount"].mean()), ", ".join(out["order"])]
    assert ask({**query, "tell": "names"}, shop).values == {"order": ", ".join(out["order"])}
    assert ask({**query, "tell": "number"}, shop).values == {"number of outliers": len(out)}
    z = {"outliers": {"rule": "z", "k": 2}, "measures": [of("count", "amount")], "group_by": [{"of": "region"}]}
    want = {k: int((np.abs(scipy.stats.zscore(g.dropna())) > 2).sum()) for k, g in t.groupby("region")["amount"]}
    assert ask(z, shop).values == want
    both = {"outliers": {}, "measures": [of("count", "amount"), of("count", "items")], "tell": "number"}
    assert ask(both, shop).values == {"amount": len(out), "items": 0}
