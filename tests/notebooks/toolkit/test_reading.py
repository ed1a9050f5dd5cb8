"""The toolkit reads what people have, or says in one sentence that it is no table."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from notebooks.toolkit import reading, sampling, telling
from notebooks.toolkit.cleaning import clean
from notebooks.toolkit.columns import is_text, kind_of
from notebooks.toolkit.reading import read_columns, read_once, read_table
from notebooks.toolkit.telling import report


@pytest.fixture(autouse=True)
def nothing_read() -> Iterator[None]:
    """What the toolkit remembers of files is forgotten after each test."""
    yield
    for kept in (telling._SAMPLED, sampling._WHOLE, reading._READ):
        kept.clear()


PLAIN = "name,size,when\nÅsa,1.5,2024-01-31\nBo,2.5,2024-02-29\n"


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings_give_the_same_table(tmp_path: Path, encoding: str) -> None:
    df = read_table(write(tmp_path / "t.csv", PLAIN * 1, encoding))
    assert list(df.columns) == ["name", "size", "when"]
    assert df["name"].tolist() == ["Åsa", "Bo"]
    assert df["size"].tolist() == [1.5, 2.5]
    assert df["when"].tolist() == [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-29")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(tmp_path: Path, separator: str) -> None:
    df = read_table(write(tmp_path / "t.txt", PLAIN.replace(",", separator)))
    assert df.shape == (2, 3)
    assert df["size"].sum() == 4


def test_a_comma_inside_quotes_separates_nothing(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", 'who,what\n"Doe, Jane","a;b;c"\n"Roe, ""R""","line\nbreak"\n'))
    assert df["who"].tolist() == ["Doe, Jane", 'Roe, "R"']
    assert df["what"].tolist() == ["a;b;c", "line\nbreak"]


def test_decimal_commas_and_thousands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    df = read_table(write(tmp_path / "t.csv", "Ort;Preis;Menge\nA;1.234,50;1.000\nB;0,5;20\nC;7;3.000.000\n"))
    assert df["Preis"].tolist() == [1234.5, 0.5, 7]
    assert df["Menge"].tolist() == [1000, 20, 3_000_000]
    assert "decimal comma" in capsys.readouterr().out


def test_thousands_money_and_percent_in_a_point_file(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", 'a,b,c\n"1,234","$1,000.50",12 %\n"12,345",$7,8%\n'))
    assert df["a"].tolist() == [1234, 12345]
    assert df["b"].tolist() == [1000.5, 7]
    assert df["c"].tolist() == [12, 8]
    assert df.attrs["currency"]["b"] == "$"


def test_amounts_with_a_decimal_comma_and_their_currency_behind_it_are_numbers(tmp_path: Path) -> None:
    """Whether the comma parts all columns or, beside numbers with points, only this one."""
    df = read_table(write(tmp_path / "t.csv", "a;rent\nx;1.449,64 €\ny;99,00 €\n"))
    assert list(df["rent"]) == [1449.64, 99.0]
    assert df.attrs["currency"] == {"rent": "€"}
    lines = "".join(f'{n}.25,{n}.75,"1.{n}00,50 €"\n' for n in range(1, 9))
    df = read_table(write(tmp_path / "u.csv", f"x,y,rent\n{lines}"))
    assert list(df["rent"][:2]) == [1100.5, 1200.5]
    assert df["x"][0] == 1.25


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["€1.234", "€99", "€5.000", "€1.200"], 1234),
        (["12.500 €", "150.000 €"], 12500),
        (["1.200", "99", "5.000"], 1200),
        (["$1.234.567", "$2.345"], 1234567),
        (["$3.459", "$4.019"], 3.459),  # of a gallon
        (["1.234", "2.345", "5"], 1.234),
        (["0.234", "99", "5.000"], 0.234),
        (["1.200", "1500", "5.000"], 1.2),
    ],
)
def test_points_with_three_digits_behind_each_part_thousands_where_the_column_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cells: list[str], first: float
) -> None:
    df = read_table(write(tmp_path / "t.csv", "a;n\n" + "".join(f"x{i};{c}\n" for i, c in enumerate(cells))))
    assert df["n"][0] == first
    assert ("have a point between thousands" in capsys.readouterr().out) == (first >= 1000)


@pytest.mark.parametrize("form", ["04/{:02d}/2025 03:00 PM", "04/{:02d}/2025 3:00pm", "2025-04-{:02d} 03:00:00 PM"])
def test_times_of_a_clock_of_twelve_hours_are_times(tmp_path: Path, form: str) -> None:
    df = read_table(write(tmp_path / "t.csv", "t,n\n" + "".join(f"{form.format(d)},1\n" for d in (2, 25))))
    assert list(df["t"]) == [pd.Timestamp(2025, 4, d, 15) for d in (2, 25)]


def test_a_currency_written_as_a_word_is_kept_and_words_alone_are_no_numbers(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", 'fee,paid in\nCHF 95.50,CHF\n"CHF 1,200",EUR\n'))
    assert df["fee"].tolist() == [95.5, 1200]
    assert df.attrs["currency"] == {"fee": "CHF"}
    assert is_text(df["paid in"])


def test_headers_are_made_unique_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    df = read_table(write(tmp_path / "t.csv", "a,a,,b ,\n1,2,3,4,5\n6,7,8,9,10\n"))
    assert list(df.columns) == ["a", "a_2", "Unnamed: 2", "b", "Unnamed: 4"]
    said = capsys.readouterr().out
    assert "'a' → 'a_2'" in said
    assert "2 blank headers" in said


def test_a_repeated_header_never_takes_a_name_that_is_there(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", "a,a_2,a\n1,2,3\n4,5,6\n"))
    assert df.columns.is_unique
    assert df.iloc[0].tolist() == [1, 2, 3]


def test_numbers_without_a_header_become_numbered_columns(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", "1.5,2\n3.5,4\n5.5,6\n"))
    assert list(df.columns) == ["column_1", "column_2"]
    assert len(df) == 3


def test_row_names_without_a_header(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", "mpg,cyl\nMazda,21,6\nDatsun,22.8,4\n"))
    assert df["mpg"].tolist() == [21, 22.8]
    assert df["Unnamed: 0"].tolist() == ["Mazda", "Datsun"]


def test_one_row_and_five_hundred_columns(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(500)]
    df = read_table(write(tmp_path / "t.csv", ",".join(names) + "\n" + ",".join(str(i) for i in range(500)) + "\n"))
    assert df.shape == (1, 500)
    assert list(df.columns) == names


def test_missing_marks_and_blank_rows(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", "a,b\n1,x\nNA,?\n-,y\n,\n3,null\n"))
    assert df["a"].dropna().tolist() == [1, 3]
    assert df["b"].dropna().tolist() == ["x", "y"]
    assert len(df) == 3


def test_a_few_words_in_a_column_of_numbers_become_missing_and_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    df = read_table(
        write(tmp_path / "t.csv", "a,b\n" + "".join(f"{i},1\n" for i in range(98)) + "unknown,1\nbroken,1\n")
    )
    assert not is_text(df["a"])
    assert df["a"].isna().sum() == 2
    assert "2 other values became missing" in capsys.readouterr().out


def test_a_date_that_may_be_read_two_ways_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    df = read_table(write(tmp_path / "t.csv", "d,e\n01/02/2024,13/02/2024\n03/04/2024,01/12/2024\n"))
    assert is_text(df["d"])
    assert df["e"].tolist() == [pd.Timestamp("2024-02-13"), pd.Timestamp("2024-12-01")]
    assert "day/month or month/day" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("written", "first"),
    [
        (["05 Jan 2009", "28 Feb 2009"], "2009-01-05"),
        (["5 May 2009 07:30", "6 June 2009 08:00"], "2009-05-05T07:30"),
        (["May 2009", "Jun 2009"], "2009-05-01"),
        (["2009-Q3", "2009-Q4"], "2009-07-01"),
        (["2009-W05", "2009-W06"], "2009-01-26"),
        (["25.01.2009 13:05", "26.01.2009 13:05"], "2009-01-25T13:05"),
        (["25-Jan-09", "26-Jan-09"], "2009-01-25"),
        (["2009.01.25", "2009.02.01"], "2009-01-25"),
        (["2009M03", "2009M04"], "2009-03-01"),
        (["03/2009", "12/2009"], "2009-03-01"),
    ],
)
def test_dates_in_words_quarters_and_weeks_are_dates(tmp_path: Path, written: list[str], first: str) -> None:
    df = read_table(write(tmp_path / "t.csv", "when,b\n" + "".join(f"{v},1\n" for v in written)))
    assert df["when"][0] == pd.Timestamp(first)


@pytest.mark.parametrize("form", ["%Y%m%d", "%s"])
def test_dates_written_as_numbers_are_dates_and_amounts_are_not(tmp_path: Path, form: str) -> None:
    days = pd.date_range("2009-01-25", periods=40)
    told = days.strftime(form) if form == "%Y%m%d" else (days - pd.Timestamp(0)) // pd.Timedelta(seconds=1)
    amounts = [19_000_101 + 7 * i for i in range(40)], [1_500_000_000 + 7 * i for i in range(40)]
    pd.DataFrame({"d": told, "a": amounts[0], "b": amounts[1]}).to_csv(tmp_path / "t.csv", index=False)
    df = read_table(tmp_path / "t.csv")
    assert df["d"].tolist() == days.tolist()
    assert df["a"].tolist() == amounts[0]
    assert df["b"].tolist() == amounts[1]


def test_none_is_a_level_among_words_and_missing_among_numbers(tmp_path: Path) -> None:
    rows = "".join(
        f"{('silver', 'none', 'gold')[i % 3]},{(12, 27, 'none')[i % 3]},{i if i else 'none'}\n" for i in range(60)
    )
    df = read_table(write(tmp_path / "t.csv", "loyalty,line,paid\n" + rows))
    assert set(df["loyalty"]) == {"silver", "none", "gold"}
    assert set(df["line"]) == {"12", "27", "none"}
    assert df["paid"].isna().sum() == 1
    assert not is_text(df["paid"])
    rows = "".join(f"{('Some', 'None', 'Marked')[i % 3]},{('a', 'None', '')[i % 3]},{i or 'None'}\n" for i in range(60))
    df = read_table(write(tmp_path / "u.csv", "improved,mixed,paid\n" + rows))
    assert set(df["improved"]) == {"Some", "None", "Marked"}
    assert df["mixed"].isna().sum() == 40, "where other cells are empty, None is one of them"
    assert not is_text(df["paid"])


@pytest.mark.parametrize("form", ["lines", "array", "wrapped", "columns"])
def test_json(tmp_path: Path, form: str) -> None:
    rows = [{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "y"}}]
    flat = {"a": [1, 2], "b.c": ["x", "y"]}
    text = {
        "lines": "\n".join(json.dumps(r) for r in rows),
        "array": json.dumps(rows),
        "wrapped": json.dumps({"data": rows, "page": 1}),
        "columns": json.dumps(flat),
    }[form]
    df = read_table(write(tmp_path / "t.json", text))
    assert df.to_dict("list") == flat


def test_parquet_excel_and_gzip(tmp_path: Path) -> None:
    source = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "t": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    source.to_parquet(tmp_path / "t.parquet")
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        source.to_excel(book, sheet_name="first", index=False, startrow=2)
        source.head(1).to_excel(book, sheet_name="second", index=False)
    write(tmp_path / "t.csv.gz", gzip.compress(source.to_csv(index=False).encode()))
    for name in ("t.parquet", "t.xlsx", "t.csv.gz"):
        df = read_table(tmp_path / name)
        assert df["a"].tolist() == [1, 2], name
        assert df["b"].tolist() == ["x", "y"], name
        assert kind_of(df["t"]) == "time", name


def test_what_is_not_read_of_a_file_is_told_beside_its_table(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "farm.xlsx") as book:
        pd.DataFrame({"hen": [1, 2], "eggs": [3, 5]}).to_excel(book, sheet_name="hens", index=False)
        pd.DataFrame({"feed": ["oats"], "price": [2]}).to_excel(book, sheet_name="costs", index=False, startrow=1)
        pd.DataFrame().to_excel(book, sheet_name="blank")
    assert read_table(tmp_path / "farm.xlsx").attrs["sheets"] == {"costs": ["feed", "price"]}
    twice = read_table(write(tmp_path / "hens.csv", "hen,eggs,eggs\n1,3,4\n2,5,6\n"))
    assert twice.attrs["renamed"] == {"eggs_2": "eggs"}
    assert "renamed" not in read_table(write(tmp_path / "one.csv", "hen,eggs\n1,3\n")).attrs
    table = read_table(write(tmp_path / "till.xls", "hen\teggs\n1\t3\n"))  # text that is a table under such a name
    assert list(table) == ["hen", "eggs"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b" \r\n\n", "is empty"),
        ("t.csv", b"a,b,c\n", "no rows"),
        ("t.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "binary"),
        ("t.csv", b"<!DOCTYPE html><html><body>hello</body></html>", "web page"),
        ("t.json", b'{"a": 1,', "not valid JSON"),
        ("t.json", b"[1, 2, 3]", "not a list of records"),
        ("t.xlsx", b"PK\x03\x04 but no workbook", "no Excel workbook"),
        (
            "letter.txt",
            b"Dear all,\n\nthis is a letter, not a table, and it goes on for a while.\nYours,\nBo\n",
            "not a table",
        ),
        ("memo.txt", b"The new ovens come on Monday, all four\nSigned: Ada\n", "not a table"),
        ("memo.txt", b"The new ovens come on Monday\nSigned: Ada\n", "not a table"),
        ("till.xlsx", b"nothing but a line\n", "no Excel workbook"),
        ("till.xls", b"a word\nanother\n", "no Excel workbook"),
        ("notes.txt", b"It was a dark and stormy night\nand nobody had thought of columns\n", "not a table"),
    ],
)
def test_what_is_no_table_gets_one_sentence(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read_table(write(tmp_path / name, content))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_of_a_large_file_a_sample_is_read_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    whole = pd.DataFrame({"day": pd.date_range("2001-01-01", periods=9_000), "price": range(9_000), "shop": "N/A"})
    whole.loc[::2, "shop"] = "north"
    path = tmp_path / f"sales{suffix}"
    whole.to_csv(path, index=False) if suffix == ".csv" else whole.to_parquet(path)
    monkeypatch.setattr(sampling, "LARGE", 4_000)
    monkeypatch.setattr(sampling, "SAMPLE_ROWS", 1_000)
    df = read_table(path)
    assert 800 < len(df) < 1_200
    assert df.attrs["rows"] == 9_000
    assert df["day"].dtype.kind == "M"
    assert df["price"].is_monotonic_increasing
    assert df["price"].mean() == pytest.approx(4_500, rel=0.1), "no part of the file is left out"
    assert df.equals(read_table(path)), "the same sample each time"
    said = f"a random sample of {len(df):,} of the 9,000 rows of sales{suffix}"
    assert said in capsys.readouterr().out
    report("claim", "trend", "Prices rise.")
    assert f"Caveat: Found in {said}." in capsys.readouterr().out


def test_what_parquet_and_pandas_call_types_is_read_as_what_it_is(tmp_path: Path) -> None:
    few = pd.array([1, None, 3] * 20, dtype="Int64")
    table = {"when": pd.date_range("2001-01-01", periods=60), "few": few, "all": few.fillna(2)}
    table |= {"yes": pd.array([True, False, True] * 20, dtype="boolean"), "kind": pd.Categorical(["a", "b", None] * 20)}
    pd.DataFrame(table).to_parquet(tmp_path / "t.parquet")
    df = read_table(tmp_path / "t.parquet")
    assert [df[c].dtype.kind for c in ("when", "few", "all", "yes")] == ["M", "f", "i", "b"]
    assert is_text(df["kind"])
    assert len(clean(df).df) == 60


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_all_rows_of_a_large_file_are_counted_and_its_columns_can_be_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    n = 9_000
    written = pd.DataFrame(
        {
            "day": pd.date_range("2001-01-01", periods=n).strftime("%d.%m.%Y"),
            "price": [f"${i % 700:,}.50" for i in range(n)],
            "shop": ["north", "N/A", "south"] * 3_000,
            "share": [i * 1e-7 if i % 10 else None for i in range(n)],
        }
    )
    path = tmp_path / f"sales{suffix}"
    written.to_csv(path, index=False) if suffix == ".csv" else written.to_parquet(path)
    plain = read_table(path)
    monkeypatch.setattr(sampling, "LARGE", 4_000)
    monkeypatch.setattr(sampling, "SAMPLE_ROWS", 1_000)
    sample = read_once(path)
    assert len(sample) < 2_000
    read = read_columns(path, ["shop", "price", "day", "share"])
    for name in read.columns:
        assert read[name].astype(plain[name].dtype).equals(plain[name]), f"{name} as if all had been loaded"
    told = sample.attrs["counted"]
    assert told["shop"] == {"about": False, "missing": 3_000, "n_unique": 2, "levels": {"north": 3_000, "south": 3_000}}
    assert (told["price"]["min"], told["price"]["max"], told["price"]["n_unique"]) == (0.5, 699.5, 700)
    assert told["price"]["mean"] == pytest.approx(plain["price"].mean())
    assert told["share"]["missing"] == 900
    assert told["day"]["max"] == plain["day"].max()


ROWS = "a,b,c\n" + "".join(f"{i},{i * 2},x{i % 3}\n" for i in range(30))


@pytest.mark.parametrize(
    ("above", "left"),
    [
        ("# made 2024-01-01\n# by a machine\n\n", 2),
        ("Sales of 2023\n\n", 1),
        ("Sales of 2023,,\nprovisional,,\n", 2),
        ("# made 2024\n#", 1),
        ("Series: x1\n\nAge:   16 years\n", 2),
        ("", 0),
    ],
)
def test_comments_and_titles_above_the_header_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], above: str, left: int
) -> None:
    df = read_table(write(tmp_path / "t.csv", above + ROWS))
    assert list(df.columns) == ["a", "b", "c"]
    assert df["b"].sum() == 870
    assert (f"left out {left} line" in capsys.readouterr().out) == bool(left)


def test_a_separator_at_the_end_of_the_header_alone_names_no_column(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", ROWS.replace("c\n", "c,\n", 1)))
    assert list(df.columns) == ["a", "b", "c"]
    assert df["b"].sum() == 870


def test_a_row_of_totals_is_left_out_and_a_level_of_that_name_is_not(tmp_path: Path) -> None:
    df = read_table(write(tmp_path / "t.csv", ROWS + "Total,870,\n"))
    assert df.shape == (30, 3)
    assert df["a"].sum() == 435
    level = "kind,n\n" + "".join(f"{k},{i}\n" for i in range(5) for k in ("part", "total"))
    assert len(read_table(write(tmp_path / "l.csv", level))) == 10


def test_titles_and_merged_headers_of_a_workbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["Sales report", None, None, None], [None] * 4, ["Region", "Q1", None, "Q2"]]
    rows += [[None, "units", "price", "units"], *([f"R{i}", i, i * 1.5, i + 7] for i in range(12))]
    pd.DataFrame(rows).to_excel(tmp_path / "t.xlsx", index=False, header=False)
    df = read_table(tmp_path / "t.xlsx")
    assert list(df.columns) == ["Region", "Q1 units", "Q1 price", "Q2 units"]
    assert df["Q1 price"].sum() == 99
    said = capsys.readouterr()
    assert "left out 1 line above" in said.out
    assert "two rows" in said.out
    assert "Warning" not in said.err


def test_an_archive_of_one_file_is_read_and_another_is_told(tmp_path: Path) -> None:
    for name, members in (("one", {"in/t.csv": PLAIN}), ("two", {"a.csv": PLAIN, "b.csv": PLAIN})):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
    assert read_table(tmp_path / "one.zip").shape == (2, 3)
    with pytest.raises(ValueError, match="archive of 2 files"):
        read_table(tmp_path / "two.zip")
    with pytest.raises(ValueError, match="cannot be unpacked"):
        read_table(write(tmp_path / "cut.zip", (tmp_path / "one.zip").read_bytes()[:60]))


def test_decimal_commas_do_not_make_a_title_of_the_header(tmp_path: Path) -> None:
    rows = "".join(f"{k},5;{k},25;{2 * k},0;x\n" for k in range(1, 40))
    df = read_table(write(tmp_path / "t.csv", "length;width;price;grade\n" + rows))
    assert list(df.columns) == ["length", "width", "price", "grade"]
    assert len(df) == 39


@pytest.mark.parametrize(
    ("early", "late", "told"),
    [
        ("%d.%m.%Y", "%Y-%m-%d", "100 like 01.01.2024"),
        ("%d/%m/%Y", "%d %b %Y", "100 like 01/01/2024"),
        ("%d/%m/%Y", "%m/%d/%Y", "may be day/month or month/day"),
        ("%Y-%m-%d", "no day", ""),
    ],
)
def test_days_in_several_forms_are_read_where_each_can_be_read_in_one_way(
    tmp_path: Path, early: str, late: str, told: str
) -> None:
    days = pd.date_range("2024-01-01", periods=140)
    written = [*days[:100].strftime(early), *days[100:].strftime(late)]
    pd.DataFrame({"seen_on": written, "size": range(140)}).to_csv(tmp_path / "t.csv", index=False)
    df = read_table(tmp_path / "t.csv")
    said = [t["text"] for t in clean(df).traps if t["kind"] == "inconsistent_categories"]
    assert (df["seen_on"].tolist() == days.tolist()) is told.endswith("2024")
    assert [told in text for text in said] == [True] * bool(told)
