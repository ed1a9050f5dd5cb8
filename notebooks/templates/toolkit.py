"""Gristmill's toolkit: read a table, clean it, count every test, report findings, draw. It needs no Gristmill.

It is one long cell on purpose: a notebook that carries it stands alone, wherever pandas, scipy and matplotlib are.
"""

import base64
import csv
import gzip
import io
import json
import re
import textwrap
import unicodedata
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import display

FINDING_MIME = "application/vnd.gristmill.finding+json"
ANSWER_MIME = "application/vnd.gristmill.answer+json"
PROGRESS_MIME = "application/vnd.gristmill.progress+json"
LARGE = 256 << 20  # bytes of a file of which DuckDB reads a sample, without loading all of it
SAMPLE = 200_000  # rows of that sample
MISSING = ("", "?", "-", "--", ".", "n/a", "N/A", "NA", "na", "NULL", "null", "None", "NaN", "nan", "#N/A")
COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?")  # 1.234,5
POINT_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")  # 1,234.5
TOTAL = re.compile(r"((grand |sub)?totals?|sums?|summe|gesamt|insgesamt|total général)\s*:?", re.I)
MONEY = re.compile(r"^[\s$€£¥]+|[\s$€£¥%]+$")
ID_NAME = re.compile(
    r"(^|[_\s.])(id|uuid|guid|key|index|row|rownames?|record|serial)$|(?-i:[a-z]I[dD]$)|"
    r"^(user|customer|cust|client|order|product|item|patient|person|member|account|session|case|record|sample|subject|"
    r"employee|student|store|shop|device|invoice|transaction|visitor|passenger|player|team)id$",  # not paid, or grid
    re.I,
)
ROW_NAME = re.compile(rf"{ID_NAME.pattern}|^(obs|no|nr|num|number|case|line|entry|item|column_1|unnamed: 0)$", re.I)
TIME_NAME = re.compile(r"(^|[_\s])(year|date|time|timestamp|month|quarter|week|day|hour|period|step|t)$", re.I)
COUNT_NAME = re.compile(
    r"(^|[_\s.])(n|freq|frequency|frequencies|counts?|cnt|tally|cases|people|persons|observations)$", re.I
)
WHOLE_NAME = re.compile(
    r"(^|[_\s.]|n)(n|total|all|trials|size|sum|number|attempts|patients|applicants|tested|at_?risk)$", re.I
)
YES_NO = (
    (r"yes|true|success\w*|succeeded", r"no|false|fail\w*"),
    (r"admit\w*|accept\w*", r"reject\w*|refus\w*|den\w*"),
    (r"n?surviv\w*|alive|lived?", r"n?died|dead|deaths?|perished"),
    (r"n?cases?", r"n?controls?"),
    (r"positives?|pos", r"negatives?|neg"),
    (r"cured|recovered|improved|responded|responders?", r"not_?\w+|uncured|unchanged|non_?responders?"),
    (r"passed|wins?|won", r"failed|loss(es)?|lost"),
)
YEAR_NAME = re.compile(r"(^|[_\s.])(years?|yr|jahr|anno|time)$", re.I)
DATE_FORMS = (
    (r"\d{4}-\d\d-\d\d([T ].*)?", "ISO8601"),
    (r"\d{4}-\d\d", "%Y-%m"),
    (r"\d{4}/\d\d?/\d\d?", "%Y/%m/%d"),
    (r"(19|20)\d\d\.\d\d?\.\d\d?", "%Y.%m.%d"),
    (r"(19|20)\d\dM\d\d", "%YM%m"),
    (r"\d\d?/(19|20)\d\d", "%m/%Y"),
    (r"\d\d?\.\d\d?\.\d{4}", "%d.%m.%Y"),
    (r"\d\d?/\d\d?/\d{4}", "%d/%m/%Y"),
    (r"\d\d?/\d\d?/\d{4}", "%m/%d/%Y"),
    (r"\d\d?-\d\d?-\d{4}", "%d-%m-%Y"),
    (r"\d\d?-\d\d?-\d{4}", "%m-%d-%Y"),
    (r"\d\d?\.\d\d?\.\d\d", "%d.%m.%y"),
    (r"\d\d?/\d\d?/\d\d", "%d/%m/%y"),
    (r"\d\d?/\d\d?/\d\d", "%m/%d/%y"),
    (r"\d\d?[ -][A-Za-z]{3}[ -]\d{4}", "%d %b %Y"),
    (r"\d\d?[ -][A-Za-z]{3,}[ -]\d{4}", "%d %B %Y"),
    (r"\d\d?[ -][A-Za-z]{3}[ -]\d\d", "%d %b %y"),
    (r"[A-Za-z]{3} \d\d?,? \d{4}", "%b %d %Y"),
    (r"[A-Za-z]{3,} \d\d?,? \d{4}", "%B %d %Y"),
    (r"[A-Za-z]{3}[ -]\d{4}", "%b %Y"),
    (r"[A-Za-z]{3,}[ -]\d{4}", "%B %Y"),
    (r"[A-Za-z]{3}[ -]\d\d", "%b %y"),
    (r"\d{4}-?W\d\d", "week"),
    (r"\d{4}[ -]?Q[1-4]|Q[1-4][ -]\d{4}", "quarter"),
)
CLOCK_FORMS = (("", ""), (r" \d\d?:\d\d", " %H:%M"), (r" \d\d?:\d\d:\d\d", " %H:%M:%S"))
UNIT_FACTORS = (10, 100, 1000, 1e6, 2.54, 25.4, 2.2046, 1.6093, 3.2808, 12, 60, 3600, 24, 7, 28.35, 4.184, 3.785, 3.6)
METRICS = {
    "pearson_r": "r",
    "spearman_r": "Spearman's ρ",
    "r2": "R²",
    "cohens_d": "Cohen's d",
    "eta2": "η²",
    "cramers_v": "Cramér's V",
}
SPLIT_LEVELS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev", "holdout", "eval"}
UNITS = re.compile(
    r"mm|[ck]?m[23²³]?|ha|m?g|kg|lb|m?s|min|hr?|k?(usd|eur|gbp|chf)|pct|percent|[cfk]|ppm|db|k?wh?|kmh|mph|hpa|m?l",
    re.I,
)
WRITTEN = {"pct": "%", "percent": "%", "c": "°C", "f": "°F", "db": "dB", "kwh": "kWh", "kmh": "km/h", "hpa": "hPa"}
WRITTEN |= {f"{size}m{power}": f"{size}m{'²³'[power - 2]}" for size in ("", "c", "k") for power in (2, 3)}
WRITTEN |= {f"{k}{money}": f"{k}{money.upper()}" for money in ("usd", "eur", "gbp", "chf") for k in ("", "k")}


def read_table(path: str | Path) -> pd.DataFrame:
    """The table in a file: CSV and its kin, JSON (lines, array, object), Parquet, or the first sheet of an Excel book.

    Of a file that is too large to load it is a random sample; `attrs["rows"]` are the rows of the whole file, and
    `attrs["counted"]` is what was counted in all of them (`told` of `Whole`). Encoding,
    separator, decimal mark, thousands separators, dates and missing values are found out, headers are made unique, and
    whatever was not plain is printed as a note. Raises ValueError, in one plain sentence, where there is no table or it
    has no rows.
    """
    path, notes = Path(path), list[str]()
    name = path.name
    if (large := _read_sample(path, notes)) is not None:
        return large
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    if raw[:4] == b"PK\x03\x04":
        raw, name = _unpacked(path.name, raw, notes)
    if not raw.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise ValueError(f"{path.name} is empty: there is nothing to analyse.")
    if raw[:4] == b"PAR1":
        try:
            df = pd.read_parquet(io.BytesIO(raw))
        except (ValueError, OSError):
            text = f"{path.name} is a Parquet file that is damaged or cut short: write or copy it again."
            raise ValueError(text) from None
        df = df if isinstance(df.index, pd.RangeIndex) else df.reset_index()
    elif raw[:4] == b"PK\x03\x04" or raw[:4] == b"\xd0\xcf\x11\xe0":
        df = _read_excel(name, raw, notes)
    else:
        text = _decode(name, raw, notes)
        records = _read_json(Path(name), text)
        df = _read_text(name, text, notes) if records is None else records
    df.columns = _unique_names([str(c) for c in df.columns], notes)
    blank = int(df.isna().all(axis=1).sum()) if df.shape[1] > 1 else 0
    if blank:
        df = df.dropna(how="all").reset_index(drop=True)
        notes.append(f"left out {blank} blank {'row' if blank == 1 else 'rows'}")
    if _ends_in_total(df):
        df = df.iloc[:-1]
        notes.append("left out the last row, which holds totals")
    if df.empty:
        raise ValueError(f"{path.name} has a header but no rows: there is nothing to analyse.")
    return _parsed(path.name, df, notes, len(df))


def _ends_in_total(df: pd.DataFrame) -> bool:
    """Whether the last row sums up those above it: it says so, and no other row does."""
    if len(df) < 4 or df.shape[1] < 2:
        return False
    said = [c for c in df.columns if isinstance(df[c].iloc[-1], str)][:1]
    return any(TOTAL.fullmatch(df[c].iloc[-1].strip()) and (df[c] == df[c].iloc[-1]).sum() == 1 for c in said)


def _parsed(name: str, df: pd.DataFrame, notes: list[str], rows: int) -> pd.DataFrame:
    """The table with its columns as what they hold, having said what was found; `attrs["rows"]` are the file's."""
    read = {c: _values(df[c], notes) for c in df.columns}
    df = pd.DataFrame(read)
    df.attrs["rows"] = rows
    df.attrs["date_forms"] = {c: s.attrs["date_forms"] for c, s in read.items() if "date_forms" in s.attrs}
    print(f"{name}: {rows:,} rows × {df.shape[1]} columns" + "".join(f"\n- {note}" for note in notes))
    return df


@dataclass(frozen=True)
class Whole:
    """All rows of a file that is too large to load: where DuckDB finds them, and what it counted in them.

    `read_as` is SQL for each column's values, which gave the sample's own values when it was tried on the sample; a
    column without it can be told of in the sample only. `told` has, for the others, `missing`, `n_unique` (`about`: as
    estimated), `min`, `max`, `mean` and, where they are few, how often each of the `levels` stands there.
    """

    source: str
    rows: int
    read_as: dict[str, str]
    told: dict[str, dict[str, Any]]


_WHOLE: dict[str, Whole] = {}


def _read_sample(path: Path, notes: list[str]) -> pd.DataFrame | None:
    """A random sample of a CSV or Parquet file that is too large to be loaded, the same each time; else None.

    Every row is counted, and stands the same chance. None also where DuckDB is not there or cannot read the file.
    """
    suffix = path.suffix.lower()
    if path.stat().st_size <= (LARGE // 4 if suffix == ".parquet" else LARGE):  # a Parquet file is packed
        return None
    try:
        import duckdb
    except ImportError:
        return None
    place = str(path).replace("'", "''")
    source = (
        f"read_parquet('{place}')" if suffix == ".parquet" else f"read_csv('{place}', header=true, all_varchar=true)"
    )
    try:
        with duckdb.connect() as base:
            progress(f"counting the rows of {path.name}", 0, 3, "passes")
            (rows,) = base.execute(f"SELECT count(*) FROM {source}").fetchall()[0]
            progress(f"drawing a sample of {rows:,} rows", 1, 3, "passes")
            numbered = f"SELECT *, row_number() OVER () AS row_of_the_file FROM {source}"
            chosen = f"hash(row_of_the_file) % {max(rows, 1)} < {SAMPLE}"
            df = base.execute(f"SELECT * FROM ({numbered}) WHERE {chosen} ORDER BY row_of_the_file").df()
            if df.empty:
                return None
            written = df.drop(columns="row_of_the_file")
            df = pd.DataFrame({c: _plain_numbers(written[c]) for c in written.columns})
            df.columns = _unique_names([str(c) for c in df.columns], notes)
            if len(df) < rows:
                said = f"a random sample of {len(df):,} of the {rows:,} rows of {path.name}"
                notes.append(f"the file is large, so what follows is of {said}")
                _SAMPLED[path.name] = said
            df = _parsed(path.name, df, notes, rows)
            if len(df) < rows:
                progress(f"adding up all {rows:,} rows", 2, 3, "passes")
                read_as = _read_alike(written, df)
                told = _told_of_all(base, source, rows, read_as, df)
                _WHOLE[str(path)] = Whole(source, rows, read_as, told)
                df.attrs["counted"] = told
    except duckdb.Error:
        return None
    return df


def _plain_numbers(s: pd.Series) -> pd.Series:
    """A column of text that holds plain numbers only, as numbers; any other unchanged."""
    if not is_text(s):
        return s
    given = s.mask(s.isin(MISSING))
    found = pd.to_numeric(given, errors="coerce")
    return found if found.notna().any() and found.notna().equals(given.notna()) else s


def _ways(name: str, written: pd.Series, typed: pd.Series) -> list[str]:
    """SQL that may read a column as it was read from the sample, the plainest first."""
    raw = '"' + name.replace('"', '""') + '"'
    kinds = pd.api.types
    if kinds.is_numeric_dtype(typed) and not kinds.is_bool_dtype(typed):
        bare = f"replace(regexp_replace({raw}, '{MONEY.pattern}', '', 'g'), ',', '')"
        return [f"nullif(TRY_CAST({t} AS DOUBLE), 'NaN'::DOUBLE)" for t in [raw] + [bare] * is_text(written)]
    if kinds.is_datetime64_any_dtype(typed):
        forms = [f"{form}{tail}" for _, form in DATE_FORMS if "%" in form for _, tail in CLOCK_FORMS]
        parsed = [f"try_strptime(CAST({raw} AS VARCHAR), '{form}')" for form in [*forms, "%Y%m%d"]]
        seconds = [f"make_timestamp(TRY_CAST({raw} AS BIGINT) * {size})" for size in (1_000_000, 1_000)]
        return [f"TRY_CAST({raw} AS TIMESTAMP)", *parsed, *seconds]
    none = ", ".join(f"'{m}'" for m in MISSING)
    return [f"CASE WHEN length({raw}) > 4 OR {raw} NOT IN ({none}) THEN {raw} END" if is_text(written) else raw]


def _read_alike(written: pd.DataFrame, typed: pd.DataFrame) -> dict[str, str]:
    """For each column the SQL that reads the sample exactly as pandas did; columns without such a way are left out."""
    import duckdb

    found, base = dict[str, str](), duckdb.connect(config={"threads": 1})  # several threads may change the rows' order
    for name, column in zip(written.columns, names(typed), strict=True):
        for way in _ways(str(name), written[name], typed[column]):
            try:
                same = True
                for some in (written.iloc[:500], written):
                    read = base.from_df(some).project(f"{way} AS v").df()["v"]
                    same = same and _agree(read, typed[column].iloc[: len(some)])
            except duckdb.Error:
                same = False
            if same:
                found[column] = way
                break
    base.close()
    return found


def _agree(read: pd.Series, typed: pd.Series) -> bool:
    """Whether two readings of a column are the same, value for value."""
    if pd.api.types.is_numeric_dtype(typed):
        if not pd.api.types.is_numeric_dtype(read):
            return False
        return np.array_equal(read.to_numpy(float, na_value=np.nan), typed.to_numpy(float, na_value=np.nan), True)
    if not read.notna().equals(typed.notna()):
        return False
    a, b = read.dropna(), typed.dropna()
    if pd.api.types.is_datetime64_any_dtype(b):
        return pd.api.types.is_datetime64_any_dtype(a) and bool((a.to_numpy() == b.to_numpy()).all())
    return bool((a.astype(str).to_numpy() == b.astype(str).to_numpy()).all())


def _told_of_all(
    base: Any, source: str, rows: int, read_as: dict[str, str], sample: pd.DataFrame
) -> dict[str, dict[str, Any]]:
    """What is counted in one pass over all rows of a large file: see `Whole`."""
    asked, told = list[tuple[str, str, str]](), dict[str, dict[str, Any]]()
    columns = {name: f"c{i}" for i, name in enumerate(read_as)}
    for name, c in columns.items():
        levels = sample[name].nunique()
        kinds = pd.api.types
        asked.append((name, "present", f"count({c})"))
        if not is_text(sample[name]) and not kinds.is_bool_dtype(sample[name]):
            asked += [(name, "min", f"min({c})"), (name, "max", f"max({c})")]
            if kinds.is_numeric_dtype(sample[name]):
                asked.append((name, "mean", f"favg({c})"))
        few = levels <= 5_000
        asked.append((name, "n_unique", f"count(DISTINCT {c})" if few else f"approx_count_distinct({c})"))
        if levels <= 200:
            asked.append((name, "levels", f"histogram({c})"))
        told[name] = {"about": not few}
    if not asked:
        return told
    inner = ", ".join(f"{read_as[name]} AS {c}" for name, c in columns.items())
    values = base.execute(
        f"SELECT {', '.join(sql for *_, sql in asked)} FROM (SELECT {inner} FROM {source})"
    ).fetchone()
    for (name, what, _), value in zip(asked, values, strict=True):
        if what == "present":
            told[name]["missing"] = rows - int(value)
        elif what == "levels":
            keys = pd.Series(list(value or {}), dtype=object).astype(sample[name].dropna().dtype)
            told[name][what] = dict(sorted(zip(keys, (value or {}).values(), strict=True), key=lambda kv: str(kv[0])))
        else:
            told[name][what] = value
    return told


def read_columns(data: str | Path, columns: list[str]) -> pd.DataFrame:
    """All rows of some columns of a file: of one that is too large to load, DuckDB reads these columns and no others.

    Text comes as categories, each level held once. Raises ValueError for a column of such a file that is not read alike
    in all rows.
    """
    table = read_once(data)
    whole = _WHOLE.get(str(Path(data)))
    if whole is None:
        return table[columns].copy()
    if lost := [c for c in columns if c not in whole.read_as]:
        raise ValueError(f"{lost[0]} cannot be read alike in all rows of {data}, only in the sample.")
    import duckdb
    import pyarrow as pa

    if not columns:
        return pd.DataFrame(index=pd.RangeIndex(whole.rows))
    chosen = ", ".join(f"{whole.read_as[c]} AS c{i}" for i, c in enumerate(columns))
    parts, done = list[Any](), 0
    with duckdb.connect() as base:
        for batch in base.sql(f"SELECT {chosen} FROM {whole.source}").to_arrow_reader(250_000):
            done += batch.num_rows
            packed = [c.dictionary_encode() if pa.types.is_string(c.type) else c for c in batch.columns]
            parts.append(pa.record_batch(packed, names=batch.schema.names))
            progress(f"reading {' and '.join(say(c) for c in columns[:3])}", done, whole.rows)
    df: pd.DataFrame = pa.Table.from_batches(parts).unify_dictionaries().to_pandas()
    df.columns = pd.Index(columns)
    for name in columns:
        if isinstance(df[name].dtype, pd.CategoricalDtype):
            df[name] = df[name].cat.reorder_categories(sorted(df[name].cat.categories))
        elif df[name].notna().all() and not pd.api.types.is_datetime64_any_dtype(df[name]):
            df[name] = df[name].astype(table[name].dtype)
    return df


def _decode(name: str, raw: bytes, notes: list[str]) -> str:
    """Text of a file in UTF-8, UTF-16 (with or without a mark) or Windows/Latin-1; ValueError for a binary file."""
    encoding = "utf-8-sig"
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif raw[1:4096:2].count(0) > len(raw[:4096]) / 4:
        encoding = "utf-16-le"
    elif raw[0:4096:2].count(0) > len(raw[:4096]) / 4:
        encoding = "utf-16-be"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = raw.decode(encoding, errors="replace") if b"\x00" not in raw else "\x00"
    if sum(ord(c) < 32 and c not in "\t\r\n\x0c" for c in text[:4096]) > len(text[:4096]) / 50:
        raise ValueError(f"{name} is not a table that can be read: it holds binary data, not text.")
    if encoding != "utf-8-sig":
        notes.append(f"read as {'Latin-1 (Windows-1252)' if encoding == 'cp1252' else encoding.upper()}")
    start = text[:200].lstrip().lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "%pdf", "{\\rtf")):
        raise ValueError(f"{name} is not a table: it is a document or web page. Export its table as CSV first.")
    return text


def _read_json(path: Path, text: str) -> pd.DataFrame | None:
    """Records of a JSON text, or None where the text is not JSON."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        try:
            value = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
                raise ValueError(f"{path.name} is not valid JSON: {error}.") from None
            return None
    if isinstance(value, dict):
        tables = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        if len(tables) == 1:
            value = tables[0]
        elif value and all(isinstance(v, list) for v in value.values()) and len({len(v) for v in value.values()}) == 1:
            return pd.DataFrame(value)
        else:
            value = [value]
    if not value or not all(isinstance(record, dict) for record in value):
        raise ValueError(f"{path.name} is not a table: its JSON is not a list of records.")
    return pd.json_normalize(value, max_level=1)


def _unpacked(name: str, raw: bytes, notes: list[str]) -> tuple[bytes, str]:
    """The one file of a ZIP archive and its name; a workbook, which is such an archive, as it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            inside = archive.namelist()
            if "[Content_Types].xml" in inside:
                return raw, name
            if "mimetype" in inside:
                raise ValueError(f"{name} is an OpenDocument file. Save its table as Excel or CSV.")
            files = [n for n in inside if not n.endswith("/") and not n.startswith(("__MACOSX", "."))]
            if len(files) != 1:
                raise ValueError(f"{name} is an archive of {len(files)} files. Unpack it, and name those to look at.")
            with archive.open(files[0]) as member:
                content = member.read((1 << 30) + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError):
        if not name.lower().endswith(".zip"):
            return raw, name  # whoever reads workbooks says what is wrong with this one
        raise ValueError(f"{name} cannot be unpacked: it is damaged, cut short or has a password.") from None
    if len(content) > 1 << 30:
        raise ValueError(f"{name} holds more than 1 GB. Unpack it, and name the file inside.")
    inner = Path(files[0]).name
    notes.append(f"read {inner}, the only file in it")
    return content, inner


def _read_excel(name: str, raw: bytes, notes: list[str]) -> pd.DataFrame:
    """The first sheet of a workbook; the first row that is not blank is the header, after titles of one cell."""
    try:
        book = pd.ExcelFile(io.BytesIO(raw))
    except (ValueError, KeyError, ImportError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{name} is not a table that can be read: it is no Excel workbook ({error}).") from None
    sheet = pd.read_excel(book, header=None, na_values=list(MISSING)).dropna(how="all").dropna(how="all", axis=1)
    if len(book.sheet_names) > 1:
        notes.append(f"read the first of {len(book.sheet_names)} sheets, {book.sheet_names[0]!r}")
    if sheet.empty:
        raise ValueError(f"{name} is empty: its first sheet holds nothing.")
    if titles := _lead([int(n) for n in sheet.notna().sum(axis=1)]):
        sheet = sheet.iloc[titles:].dropna(how="all", axis=1)
        notes.append(f"left out {titles} {'line' if titles == 1 else 'lines'} above the header")
    headers = [sheet.iloc[0]]
    body = sheet.iloc[1:]
    if len(body) > 2 and headers[0].isna().any() and all(pd.isna(v) or isinstance(v, str) for v in body.iloc[0]):
        rest = body.iloc[1:].infer_objects()
        below = [c for c in sheet.columns if pd.notna(body.iloc[0][c]) and pd.api.types.is_numeric_dtype(rest[c])]
        if below:  # cells merged over several columns, whose own names stand in the second row
            headers, body = [headers[0].ffill(), body.iloc[0]], rest
            notes.append("the header has two rows, which were joined")
    df = body.reset_index(drop=True).infer_objects()
    df.columns = [" ".join(str(h[c]) for h in headers if pd.notna(h[c])) for c in sheet.columns]
    return df


def _lead(widths: list[int]) -> int:
    """How many of the first rows are a title or a note: at most one cell, above a table of three columns or more."""
    usual = Counter(w for w in widths if w > 1).most_common(1)
    if not usual or usual[0][0] < 3 or usual[0][1] < 0.6 * sum(w > 0 for w in widths[:100]):
        return 0
    first = next(i for i, w in enumerate(widths) if w > 1)
    return first if first <= 10 else 0


def _below_notes(text: str, notes: list[str]) -> str:
    """A delimited text from its header on, without comments (#), titles and notes above it."""
    lines = text[:100_000].splitlines(keepends=True)[:200]
    lead = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    lead = lead if any(line.startswith("#") for line in lines[:lead]) else 0
    if lead and any(0 < lines[lead - 1].count(sep) == lines[lead].count(sep) for sep in "\t;|,"):
        lead -= 1  # the last of the comments is the header: #chrom,start,end
    else:
        split = {
            sep: [next(csv.reader([line], delimiter=sep, skipinitialspace=True), []) for line in lines[lead:]]
            for sep in "\t;|,"
        }
        # Where some separator parts the first line as it parts most others, that is the header: decimal commas part
        # the numbers of a table with semicolons as well, but not its header
        usual = {sep: Counter(len(r) for r in rows if r).most_common(1)[0][0] for sep, rows in split.items()}
        headed = any(
            len(rows[0]) in (usual[sep], usual[sep] - 1) and sum(bool(c.strip()) for c in rows[0]) > 1
            for sep, rows in split.items()
        )
        for rows in () if headed else split.values():
            if above := _lead([sum(bool(c.strip()) for c in row) for row in rows]):
                lead += above
                break
    left = sum(bool(line.strip()) for line in lines[:lead])
    if not left:
        return text
    notes.append(f"left out {left} {'line' if left == 1 else 'lines'} above the header")
    return re.sub(r"^#(?=\w)", "", text[len("".join(lines[:lead])) :])


def _read_text(name: str, text: str, notes: list[str]) -> pd.DataFrame:
    """A delimited text. The separator is the one that splits the lines most evenly."""
    if hint := re.match(r"sep=(.)\r?\n", text):
        text = text[hint.end() :]
    text = _below_notes(text, notes)
    lines = text[:400_000].splitlines(keepends=True)
    lines = lines[: max(1, min(len(lines) - (len(text) > 400_000), 300))]
    best: tuple[float, str, list[list[str]]] = (-1.0, ",", [])
    for sep in "\t;|,":
        rows = [row for row in csv.reader(lines, delimiter=sep, skipinitialspace=True) if any(c.strip() for c in row)]
        widths = Counter(map(len, rows))
        if rows and rows[0][-1] == "" and widths[len(rows[0]) - 1] == len(rows) - 1 > 0:
            rows[0].pop()  # a separator at the end of the header alone
            widths = Counter(map(len, rows))
        width = len(rows[0]) if rows else 0
        named = widths[width + 1] + 1 if widths[width + 1] >= len(rows) - 1 else 0  # every row has a name of its own
        even = max(widths[width], named) / len(rows) if width > 1 else 0.0
        if even > best[0]:
            best = (even, sep, rows)
    even, sep, rows = best
    prose = sum(len(line.split()) for line in lines) / len(lines) > 5
    if 0 < even < 0.6 or (even == 0 and (prose or any(len(row) > 2 for row in rows))):
        raise ValueError(f"{name} is not a table: its lines do not divide into the same columns.")
    header, body = rows[0], rows[1:]
    wordy = sum(len(c.split()) for c in header) > 2 * len(header)
    if (
        prose
        and wordy
        and len(rows) <= 5
        and not any(re.fullmatch(r"[\d.,%]+", c.strip()) for row in rows for c in row)
    ):
        raise ValueError(f"{name} is not a table: it is a few lines of prose with commas.")
    numeric = [bool(POINT_NUMBER.fullmatch(c) or COMMA_NUMBER.fullmatch(c)) for c in header]
    years = all(re.fullmatch(r"(19|20)\d\d", c) for c in header) and len(set(header)) == len(header)
    headless = all(numeric) and len(body) > 0 and not years
    if headless:
        notes.append("no header: the first line holds numbers, so columns are numbered")
        header = [""] * len(header)
    elif (
        body
        and Counter(map(len, body)).most_common(1)[0][0] == len(header) + 1
        and any(row[-1:] != [""] for row in body)
    ):
        header = ["", *header]  # row names without a header, as R writes them
    cells = [c.strip() for row in body for c in row]
    comma = sum(bool(re.search(r",\d{1,2}$|,\d{4,}$", c) and COMMA_NUMBER.fullmatch(c)) for c in cells)
    point = sum(bool(re.search(r"\.\d{1,2}$|\.\d{4,}$", c) and POINT_NUMBER.fullmatch(c)) for c in cells)
    commas = comma > point
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        df = pd.read_csv(
            io.StringIO(text),
            sep=sep,
            header=None if headless else 0,
            names=list(range(len(header))),
            index_col=False,
            dtype=str if commas else None,
            na_values=list(MISSING),
            skipinitialspace=True,
            on_bad_lines="warn",
            low_memory=False,
        )
    skipped = sum(str(w.message).count("Skipping line") for w in caught)
    if skipped:
        notes.append(f"skipped {skipped} {'line' if skipped == 1 else 'lines'} with too many fields")
    if sep != ",":
        notes.append(f"columns are separated by {'a tab' if sep == chr(9) else repr(sep)}")
    if commas:
        notes.append("numbers have a decimal comma")
        df = df.apply(lambda s: _numbers(s, COMMA_NUMBER, ".", ","))
    if len(header) > 1 and all(re.fullmatch(r"'.+'", c.strip()) for c in header):
        header = [c.strip()[1:-1] for c in header]
        df = df.apply(lambda s: s.str.replace(r"^'(.*)'$", r"\1", regex=True) if is_text(s) else s)
    if not headless:  # blanks as pandas names them, for whoever knows the table from there
        header = [name if name.strip() else f"Unnamed: {i}" for i, name in enumerate(header)]
    df.columns = pd.Index(header)
    return df


def _unique_names(names: list[str], notes: list[str]) -> list[str]:
    """Names with spaces trimmed, blanks named by position and repeats numbered; what pandas named stays as it is."""
    out, blank, repeated = list[str](), 0, list[str]()
    for i, name in enumerate((" ".join(n.split()) for n in names), 1):
        blank += not name or name.startswith("Unnamed:")
        unique = base = name or f"column_{i}"
        for k in range(2, len(names) + 2):
            if unique not in out:
                break
            unique = f"{base}_{k}"
        if unique != base:
            repeated.append(f"{base!r} → {unique!r}")
        out.append(unique)
    if blank:
        notes.append(f"{blank} blank {'header was' if blank == 1 else 'headers were'} named by position")
    if repeated:
        notes.append("repeated headers were renamed: " + ", ".join(repeated[:5]) + (" …" if len(repeated) > 5 else ""))
    return out


def names(df: pd.DataFrame) -> list[str]:
    """The names of a table's columns, in order."""
    return [str(c) for c in df.columns]


def is_text(s: pd.Series) -> bool:
    """True of a column that is neither number, nor truth value, nor time."""
    types = pd.api.types
    return not (types.is_numeric_dtype(s) or types.is_bool_dtype(s) or types.is_datetime64_any_dtype(s))


def _numbers(s: pd.Series, pattern: re.Pattern[str], thousands: str, decimal: str) -> pd.Series:
    """A text column as numbers, where every value (or 95 % of many) is one; otherwise unchanged."""

    def enough(fits: pd.Series) -> bool:
        return bool(len(fits) and (fits.all() or (len(fits) >= 40 and fits.mean() >= 0.95)))

    given = s.dropna().astype(str)
    can_be = ~given.str.contains(r"[A-Za-z:/_]|\d-")
    if not enough(can_be):  # the rest is slow
        return s
    levels = given[can_be].drop_duplicates()
    fits = given.isin(levels[levels.str.replace(MONEY, "", regex=True).str.fullmatch(pattern.pattern)])
    if not enough(fits):
        return s
    plain = (
        given[fits]
        .str.replace(MONEY, "", regex=True)
        .str.replace(thousands, "", regex=False)
        .str.replace(decimal, ".", regex=False)
    )
    return pd.to_numeric(plain).reindex(s.index)


def _values(s: Any, notes: list[str]) -> Any:
    """One column with numbers, dates and nested values in the types that analysis needs."""
    if isinstance(s.dtype, pd.DatetimeTZDtype):
        return s.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_timedelta64_dtype(s):
        return s.dt.total_seconds()
    if isinstance(s.dtype, pd.CategoricalDtype):
        s = s.astype(s.cat.categories.dtype)
    if not is_text(s):
        if not pd.api.types.is_numeric_dtype(s):
            return s
        if pd.api.types.is_extension_array_dtype(s.dtype):  # pandas' nullable types, which much cannot count with
            s = s.astype("float64" if s.hasnans or "loat" in str(s.dtype) else s.dtype.numpy_dtype)
        years = _years(s)
        if years is not None:
            notes.append(f"{s.name} was read as {'years' if (s.dropna() % 1 == 0).all() else 'dates'}")
            return years
        days = _dates_in_numbers(s)
        if days is not None:
            notes.append(f"{s.name} holds dates written as numbers")
        return s if days is None else days
    text = s
    if s.dtype == object:
        text = s.map(lambda v: json.dumps(v, sort_keys=True) if isinstance(v, (dict, list)) else v, na_action="ignore")
        text = text.map(lambda v: v if isinstance(v, str) else str(v), na_action="ignore")
    text = text.mask(text.isin(MISSING))
    none = text == "none"  # a level, unless it stands among many numbers
    few = none.mean() < 0.05 or text.nunique() > 20
    numbers = _numbers(text.mask(none) if few else text, POINT_NUMBER, ",", ".")
    if not is_text(numbers):
        lost = int(text.notna().sum() - numbers.notna().sum())
        notes.append(f"{s.name} was read as numbers" + (f"; {lost} other values became missing" if lost else ""))
        return numbers
    given = text.dropna().astype(str)
    dates = [d for d in _dates(given) if d.notna().all()] if len(given) else []
    dates = _evenest(dates) if len(dates) > 1 else dates
    if len(dates) > 1:
        notes.append(f"{s.name} may be day/month or month/day: it was left as text")
    if not dates and len(given) and (mixed := _mixed_dates(given)):
        dates, forms = mixed
        text.attrs["date_forms"] = forms
        if not dates:
            notes.append(f"{s.name} holds dates in several forms that cannot be told apart: it was left as text")
    if len(dates) != 1:
        return text
    when = dates[0].dt.tz_localize(None).reindex(s.index)
    when.attrs = dict(text.attrs)
    return when


def _years(s: pd.Series) -> Any:
    """A column of years, one a row, as dates: 1871 or, by months or quarters, 1959.083; None for anything else."""
    values = s.dropna()
    if len(values) < 8 or not YEAR_NAME.search(str(s.name)) or not values.is_unique or pd.api.types.is_bool_dtype(s):
        return None
    if not values.between(1500, 2200).all():
        return None
    step = float(values.sort_values().diff().median())
    steps = next((k for k in (1, 4, 12) if abs(step * k - 1) < 0.05), 0)
    if not steps or (values * steps - (values * steps).round()).abs().max() > 0.1:
        return None
    places = (s * steps).round()
    year, part = places // steps, places % steps * (12 // steps) + 1
    parts = pd.DataFrame({"year": year, "month": part, "day": part * 0 + 1})
    return pd.to_datetime(parts.dropna().astype(int)).reindex(s.index)


def _dates(given: pd.Series) -> list[Any]:
    """A column of text read as dates, in each of the common forms that all its values have (times in UTC)."""
    parsed = list[Any]()
    for pattern, form in DATE_FORMS:
        for clock, tail in CLOCK_FORMS if form not in ("ISO8601", "week", "quarter") else CLOCK_FORMS[:1]:
            if (
                not re.fullmatch(pattern + clock, given.iloc[0])
                or not given.str.fullmatch(f"(?:{pattern}){clock}").all()
            ):
                continue
            if form == "quarter":
                year, part = given.str.extract(r"(\d{4})")[0], given.str.extract(r"Q(\d)")[0].astype(int)
                plain, how = year + "-" + (3 * part - 2).astype(str), "%Y-%m"
            elif form == "week":
                plain, how = given.str.replace("-", "") + "1", "%GW%V%u"
            else:
                plain, how = given, form + tail
                if re.search("%[bB]", form):
                    plain = given.str.replace(r"(?<=\w)[-,]+ ?(?=\w)", " ", regex=True)
            dates = pd.to_datetime(plain, format=how, errors="coerce", utc=True)
            if not any(dates.equals(others) for others in parsed):  # May is May, in short and in full
                parsed.append(dates)
    return parsed


def _mixed_dates(given: pd.Series) -> tuple[list[Any], dict[str, Any]] | None:
    """A column of text whose days are written in several forms: its one reading, and how many values have which form.

    There is no reading, and `unsure` names what is open, where the values of one form can be read in two ways or, each
    by itself, in different ones. None where a value has no form of a day at all.
    """
    days = dict.fromkeys(pattern for pattern, form in DATE_FORMS if form == "ISO8601" or re.search("%d", form))
    forms = [f"(?:{pattern}){clock}" for pattern in days for clock, _ in CLOCK_FORMS]
    if not any(re.fullmatch(form, given.iloc[0]) for form in forms):
        return None
    left, read, told, unsure = given, list[Any](), dict[str, int](), ""
    for form in forms:
        fits = left.str.fullmatch(form)
        if not fits.any():
            continue
        some, left = left[fits], left[~fits]
        told[some.iloc[0]] = len(some)
        readings = _dates(some)
        whole = [dates for dates in readings if dates.notna().all()]
        if not whole and pd.concat(readings, axis=1).isna().all(axis=1).any():  # 2024-13-45 is no day
            return None
        unsure = unsure or ("" if len(whole) == 1 else str(some.iloc[0]))
        read += whole[:1]
        if left.empty:
            break
    if len(left) or (len(told) < 2 and not unsure):
        return None
    return ([] if unsure else [pd.concat(read).reindex(given.index)]), {"told": told, "unsure": unsure}


def _evenest(readings: list[Any]) -> list[Any]:
    """Of several readings of dates the one by which the rows follow one another in even steps, if only one does."""
    even = []
    for dates in readings:
        steps = dates.diff().iloc[1:].dt.total_seconds()
        if len(steps) >= 8 and ((steps > 0).all() or (steps < 0).all()):
            even += [dates] * bool((steps / steps.median()).between(0.5, 2).mean() > 0.9)
    return even if len(even) == 1 else readings


def _dates_in_numbers(s: pd.Series) -> pd.Series | None:
    """Dates written as whole numbers: 20090131, or seconds or milliseconds since 1970 that fall on whole minutes."""
    whole = s.dropna()
    if len(whole) < 10 or whole.min() < 19_000_101 or pd.api.types.is_bool_dtype(s) or not (whole % 1 == 0).all():
        return None
    if whole.nunique() < 10:
        return None
    dates = None
    if whole.between(19_000_101, 21_001_231).all():
        dates = pd.to_datetime(whole.astype("int64").astype(str), format="%Y%m%d", errors="coerce")
    for size in (1, 1000):
        if whole.between(3e8 * size, 4.1e9 * size).all() and (whole % (60 * size) == 0).all():
            dates = pd.to_datetime(whole.astype("int64") // size, unit="s")
    return dates.reindex(s.index) if dates is not None and dates.notna().all() else None


@dataclass
class Table:
    """A table made ready for tests: what was changed in `log`, what was found in `traps` (arguments of `report`)."""

    file: str
    df: pd.DataFrame
    raw_rows: int
    log: list[str] = field(default_factory=list)
    traps: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # column -> why no test uses it
    weight: str = ""  # the column that says how many cases a row stood for, where rows were repeated so often
    kinds: dict[str, str] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def kind(self, name: str) -> str:
        """What a column is (see `kind_of`); found out once."""
        if name not in self.kinds:
            self.kinds[name] = kind_of(self.df[name], self.levels(name))
        return self.kinds[name]

    def levels(self, name: str) -> int:
        """How many different values a column has; counted once."""
        if name not in self.counted:
            self.counted[name] = int(self.df[name].nunique())
        return self.counted[name]

    def put(self, name: str, values: Any) -> None:
        """Give a column other values."""
        self.df[name] = values
        self.kinds.pop(name, None)
        self.counted.pop(name, None)

    def take(self, rows: pd.DataFrame) -> None:
        """Go on with other rows."""
        self.df = rows.reset_index(drop=True)
        self.kinds.clear()
        self.counted.clear()

    def of(self, *kinds: str) -> list[str]:
        """The columns of these kinds that tests may use, in the table's order."""
        return [c for c in names(self.df) if c not in self.left_out and self.kind(c) in kinds]

    def strata(self, most: int = 8, least: int = 10) -> list[str]:
        """Columns that divide the rows into 2 to `most` groups with at least `least` rows in two of them."""
        counts = {c: self.df[c].value_counts() for c in self.of("category", "number") if self.levels(c) <= most}
        return [c for c, sizes in counts.items() if (sizes >= least).sum() >= 2]


def kind_of(s: Any, levels: int | None = None) -> str:
    """What a column of so many different values is: constant, time, category, identifier, number or (free) text."""
    values, levels = s.dropna(), s.nunique() if levels is None else levels
    odd = max(3, len(values) // 1000)  # in a constant column of many rows so many may be others, each of its own
    if levels <= 1 or (len(values) >= 500 and levels <= odd + 1 and (values != values.mode().iloc[0]).sum() <= odd):
        return "constant"
    if pd.api.types.is_datetime64_any_dtype(s):
        return "time"
    if levels == 2 or pd.api.types.is_bool_dtype(s):
        return "category"
    whole = is_text(s) or bool((values == np.floor(values)).all())
    unique, name = levels == len(values), str(s.name)
    counted = unique and len(values) >= 4 and not is_text(s) and bool(ROW_NAME.search(name))
    if counted and values.iloc[0] in (0, 1) and bool((values.diff().iloc[1:] == 1).all()):  # the rows' own numbers
        return "identifier"
    if whole and levels >= 5 and ID_NAME.search(name) and not unique and values.value_counts().nunique() == 1:
        return "identifier"  # whoever was measured, each equally often
    if whole and levels > 20 and ID_NAME.search(name):
        return "identifier"
    if is_text(s):
        texts = values.astype(str).str
        if unique and len(values) >= 20 and texts.count(" ").mean() < 2 and texts.len().max() <= 40:
            return "identifier"
        return "category" if levels <= max(20, min(50, len(values) / 5)) else "text"
    span = values.max() - values.min()
    if whole and unique and len(values) >= 20 and span < 3 * len(values) and not TIME_NAME.search(name):
        return "identifier"
    counted = levels >= max(50, 0.8 * len(values)) and levels > 0.9 * span  # hardly a number of a stretch is left out
    if whole and counted and not TIME_NAME.search(name):
        return "identifier"
    return "number"


def yes_level(levels: Any) -> Any:
    """Of two levels the one that says yes (admitted, not rejected); the second in order where neither does."""
    first, second = sorted(levels, key=str)
    said = str(first).strip(), str(second).strip()
    turned = any(re.fullmatch(yes, said[0], re.I) and re.fullmatch(no, said[1], re.I) for yes, no in YES_NO)
    return first if turned else second


def speaks_of_yes(levels: Any) -> bool:
    """Whether two levels are those of an outcome, such as admitted and rejected, or 1 and 0."""
    said = sorted(str(v).strip().lower() for v in levels)
    pairs = [(x, y) for x, y in (said, said[::-1])] if len(said) == 2 else []
    return said in (["0", "1"], ["0.0", "1.0"]) or any(
        re.fullmatch(yes, x, re.I) and re.fullmatch(no, y, re.I) for x, y in pairs for yes, no in YES_NO
    )


def load(data: str | Path) -> Table:
    """Read and clean a file; the same file is read once in a session, and its `df` is shared by all templates."""
    if str(data) not in _TABLES:
        _TABLES[str(data)] = clean(read_once(data), Path(data).name)
    return _TABLES[str(data)]


def read_once(data: str | Path) -> pd.DataFrame:
    """A file's table as it is written; the same file is read once in a session, and each caller has a copy."""
    if str(data) not in _READ:
        _READ[str(data)] = read_table(data)
    return _READ[str(data)].copy()


_READ: dict[str, pd.DataFrame] = {}
_SAMPLED: dict[str, str] = {}  # file -> of which of its rows all findings are
_TABLES: dict[str, Table] = {}


def clean(raw: pd.DataFrame, file: str = "table") -> Table:
    """Look for the traps that would bite every later test, and undo those that can be undone.

    Sentinel codes become missing, values in another unit are converted, spellings of one level are merged, repeated
    rows are counted once; constant columns, identifiers, marks of a split and columns that others make up stay in the
    table but are left out of tests.
    """
    table = Table(file, raw.copy(), len(raw))
    if len(raw) < 2:
        return table
    _tell_date_forms(table, raw.attrs.get("date_forms", {}))
    steps = (
        _merge_spellings,
        _blank_sentinels,
        _one_unit,
        _drop_repeats,
        _weigh,
        _see_caps,
        _leave_out,
        _leave_sums_out,
    )
    for step in steps:
        step(table)
    return table


def _tell_date_forms(table: Table, forms: dict[str, dict[str, Any]]) -> None:
    """Say of which columns the days are written in several forms, and whether they could be read all the same."""
    for name, found in forms.items():
        listed = ", ".join(f"{count:,} like {example}" for example, count in found["told"].items())
        end = (
            f"{found['unsure']} may be day/month or month/day, so it was left as text: write all of them as 2024-01-31."
            if found["unsure"]
            else "each form can be read in one way only, so all are dates."
        )
        text = f"{say(name)} writes its days in more than one way ({listed}); {end}"
        table.log.append(text)
        rows = sum(found["told"].values())
        table.traps.append(trap("inconsistent_categories", text, [name], rows, high=True))


def _spelling(level: str) -> str:
    """A level without what people write in many ways: case, outer spaces, a last full stop, signs beside a letter.

    A sign that ends a level or stands before it means something (A+ and A-, C and C#, >5), and so does one between two
    digits (1-5 is not 15).
    """
    plain = " ".join(unicodedata.normalize("NFKC", level).casefold().split()).rstrip(".,;:!").strip()
    return re.sub(r"(?<=[^\W\d_])[\s_.'’-]+(?=\w)|(?<=\w)[\s_.'’-]+(?=[^\W\d_])", "", plain) or level


def keyed(values: pd.Series) -> pd.Series:
    """A key as plain text: without case, signs, leading noughts and a beginning that all values share (C-0012 = 12)."""
    whole = pd.api.types.is_float_dtype(values) and bool((values.dropna() % 1 == 0).all())
    given = (values.astype("Int64") if whole else values).astype("string").str.casefold()
    text = given.str.replace(r"[\W_]+", "", regex=True)
    parts = text.str.extract(r"^([a-z]*)0*(\d+)$")
    shared = parts[1].notna().sum() == text.notna().sum() and parts[0].nunique() == 1
    return parts[1] if shared else text


def key_that_fits(left: pd.DataFrame, right: pd.DataFrame) -> tuple[str, str] | None:
    """The column of each of two tables on which the second can be looked up for rows of the first; None without one.

    It is found by its values, at least 40 % of the first's being among the second's, most of which stand there once.
    Names count where values alone could agree by chance: columns without a name in common need 90 %, and whole numbers
    also that half of the second's are used.
    """

    def can_be(s: pd.Series) -> bool:
        kinds = pd.api.types
        plain = not (kinds.is_bool_dtype(s) or kinds.is_datetime64_any_dtype(s))
        return plain and s.nunique() >= 3 and (is_text(s) or bool((s.dropna() % 1 == 0).all()))

    def words(name: str) -> set[str]:
        parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
        return set(re.findall(r"[^\W\d_]{2,}", parted)) - {"id", "key"}

    mine = {c: keyed(left[c]).dropna() for c in names(left) if can_be(left[c])}
    theirs = {c: keyed(right[c]).dropna() for c in names(right) if can_be(right[c])}
    fits = []
    for b, keys in theirs.items():
        if len(keys) == 0 or keys.nunique() < 0.5 * len(keys):
            continue
        for a, values in mine.items():
            share = float(values.isin(keys.unique()).mean()) if len(values) else 0.0
            alike = 1.0 if a == b else 0.9 if words(a) & words(b) else 0.7
            alike = max(alike, 0.8 * bool(ID_NAME.search(a) or ID_NAME.search(b)))
            used = float(keys.drop_duplicates().isin(values.unique()).mean())
            counted = not is_text(left[a]) and not is_text(right[b])
            if alike < 0.9 and (share < 0.9 or (counted and (used < 0.5 or keys.nunique() < 20))):
                continue
            if share >= 0.4:
                fits.append((share * alike, a == b, a, b))
    return max(fits)[2:] if fits else None


def _merge_spellings(table: Table) -> None:
    """Merge levels that are the same but for the way they are written, under their commonest tidy spelling."""
    for name in [c for c in names(table.df) if is_text(table.df[c]) and table.levels(c) <= 200]:
        counts = table.df[name].value_counts().sort_index()
        spellings: dict[str, list[str]] = {}
        for level in counts.index:
            spellings.setdefault(_spelling(str(level)), []).append(level)
        best = {key: max(group, key=lambda v: (v == v.strip(), counts[v], v)) for key, group in spellings.items()}
        merged = {level: best[key] for key, group in spellings.items() for level in group}
        changed = int(sum(counts[a] for a, b in merged.items() if a != b))
        if changed:
            table.put(name, table.df[name].map(merged, na_action="ignore"))
            shown = "; ".join(" = ".join(repr(v) for v in g) for g in spellings.values() if len(g) > 1)
            text = f"{say(name)} spells the same level in several ways ({shown}): {changed:,} values were merged."
            table.log.append(text)
            table.traps.append(trap("inconsistent_categories", text, [name], changed, high=True))


def _is_code(code: float, counts: pd.Series) -> bool:
    """Whether a column's smallest or largest value is a code for "not known": repeated, and with nothing near it.

    Nines, and −1 to −9 where nothing else is negative, need less of a gap than any other number; a 9 counts where a
    scale of few whole numbers ends well below it. `counts` are those of all values.
    """
    others = counts.drop(code).sort_index()
    rest = others.index.to_numpy(dtype=float)
    share = counts[code] / counts.sum()
    if counts[code] < 3 or share < 0.002 or len(rest) < 5:
        return False
    gap, spread = float(np.abs(rest - code).min()), float(np.quantile(rest, 0.95) - np.quantile(rest, 0.05))
    if re.fullmatch(r"-?(9{2,}|8{3,})(\.0*)?", f"{code:.12g}") and (gap > spread or code < 0 <= rest.min()):
        return True
    if code in range(-9, 0) and rest.min() >= 0:
        # The last value of a tail would be rarer than those beside it
        beside = others.iloc[: max(3, len(others) // 10)].max()
        alone = counts[code] > 3 * beside or counts[code] > 3 * others.max()
        return bool(alone or (code == -1 and rest[0] == 0 and np.all(rest % 1 == 0) and counts[code] > others.iloc[0]))
    scale = np.array_equal(rest, np.arange(rest[0], rest[0] + len(rest))) and rest[0] in (0, 1) and rest[-1] <= 7
    if code == 9 and scale:
        return bool(others.iloc[-1] >= 0.03 * others.sum())
    if code == 0 and rest.min() > 0:  # often the count of nothing
        low, high = np.quantile(np.repeat(rest, others.to_numpy()), [0.05, 0.95])
        return bool(gap > high - low and gap > 2 * float(np.diff(rest).max()) and share <= 0.2)
    return bool(gap > 2 * spread and counts[code] >= max(5, 0.005 * counts.sum()) and share <= 0.3)


def _blank_sentinels(table: Table) -> None:
    """Make codes for "not known" missing: a number or a day that is repeated far from all else in the column."""
    for name in [c for c in names(table.df) if table.kind(c) == "time"]:
        since = (table.df[name] - pd.Timestamp(0)).dt.total_seconds()
        for code in sorted({since.min(), since.max()}):
            often = int((since == code).sum())
            if often >= 3 and table.levels(name) > 5 and _is_code(code, since.value_counts()):
                text = (
                    f"{say(name)} holds {pd.Timestamp(code, unit='s'):%Y-%m-%d} in {often:,} rows "
                    f"({percent(often / since.count(), 1)}), far from all its other days: a code for missing, "
                    "and treated so."
                )
                table.put(name, table.df[name].mask(since == code))
                table.log.append(text)
                table.traps.append(trap("sentinel_values", text, [name], often, high=True))
    for name in [c for c in names(table.df) if table.kind(c) == "number"]:
        values, levels = table.df[name].dropna(), table.levels(name)
        for code in sorted({values.min(), values.max()}):
            often = int((values == code).sum())
            share = often / len(values)
            if often >= 3 and share >= 0.002 and levels > 5 and _is_code(code, values.value_counts()):
                table.put(name, table.df[name].mask(table.df[name] == code))
                text = (
                    f"{say(name)} holds {number(code)} in {often:,} rows ({percent(share, 1)}), far from "
                    "all its other values: a code for missing, and treated so."
                )
                table.log.append(text)
                table.traps.append(trap("sentinel_values", text, [name], often, high=True))


DEGREES = ((1.8, 32.0, "degrees Fahrenheit among degrees Celsius"), (1.0, 273.15, "kelvins among degrees Celsius"))


def _one_degree(table: Table, name: str) -> bool:
    """Convert Fahrenheit or kelvins among degrees Celsius (or the other way round), where nothing lies between them."""
    values = table.df[name].dropna().astype(float)
    if len(values) < 100 or table.levels(name) < 20:
        return False
    place = (values - values.min()) / (values.max() - values.min())
    parts = np.bincount((place * 30).astype(int))
    seen = np.cumsum(parts) / len(values)
    if parts[(seen >= 0.01) & (seen <= 0.99)].all():
        return False  # a gap as wide as is asked for below would leave a thirtieth empty, away from the tails
    values = values.sort_values()
    gaps = np.diff(values)
    cut = int(gaps.argmax()) + 1
    low, high = values.iloc[:cut], values.iloc[cut:]
    rare = min((low, high), key=len)
    if not max(8, 0.01 * len(values)) <= len(rare) <= 0.45 * len(values):
        return False
    spreads = [float(part.quantile(0.95) - part.quantile(0.05)) for part in (low, high)]
    for times, more, what in DEGREES:
        off = abs(float(high.median()) - (float(low.median()) * times + more))
        fits = off < 1 + 2 * times * spreads[0] / len(rare) ** 0.5 and off < 0.25 * float(high.median() - low.median())
        alike = 0.5 < spreads[1] / max(times * spreads[0], 1e-9) < 2
        if not (fits and alike and gaps.max() > max(0.5 * max(spreads), 0.2 * float(high.median() - low.median()))):
            continue
        other = table.df[name].index.isin(rare.index)
        if _told_by_others(table, name, other):
            return False
        turned = (table.df[name] - more) / times if rare is high else table.df[name] * times + more
        table.put(name, table.df[name].astype(float).mask(other, turned))
        what = what if rare is high else " among ".join(reversed(what.split(" among ")))
        text = (
            f"{say(name)} mixes two units: {len(rare):,} values ({percent(len(rare) / len(values), 1)}) look like "
            f"{what}, with nothing between, and fit them once converted, as they were for all tests."
        )
        table.log.append(text)
        table.traps.append(trap("mixed_units", text, [name], len(rare), high=True))
        return True
    return False


def _one_unit(table: Table) -> None:
    """Convert values that stand apart by a known factor, or as two scales of temperature do."""
    for name in [c for c in names(table.df) if table.kind(c) == "number"]:
        if _one_degree(table, name):
            continue
        values = table.df[name].dropna().astype(float)
        if len(values) < 100 or table.levels(name) < 30 or (values.min() <= 0 <= values.max()):
            continue
        logs = pd.Series(np.log(values.abs().to_numpy()), index=values.index)
        tenths = np.bincount(np.minimum((logs - logs.min()) / 0.1, 10_000).astype(int))
        seen = np.cumsum(tenths) / len(logs)
        if (tenths[(seen > 0.01) & (seen < 0.99)] > 0.003 * len(logs)).all():
            continue  # no tenth between the tails is empty, or nearly so
        logs = logs.sort_values()
        found = _parted_by_a_factor(logs, int(np.diff(logs).argmax()) + 1, touching=False)
        found = found or _parted_by_a_factor(logs, _best_cut(logs.to_numpy()), touching=True)
        if found is None:
            continue
        rare, factor = found
        other = table.df[name].index.isin(rare.index)
        if _told_by_others(table, name, other):
            continue
        table.put(name, table.df[name].astype(float).mask(other, table.df[name] / factor))
        times = f"{number(factor)} times" if factor > 1 else f"1/{number(1 / factor)} of"
        text = (
            f"{say(name)} mixes two units: {len(rare):,} values ({percent(len(rare) / len(values), 1)}) are about "
            f"{times} the others, with nothing between, and fit them once converted, as they were for all tests."
        )
        table.log.append(text)
        table.traps.append(trap("mixed_units", text, [name], len(rare), high=True))


def _best_cut(ordered: Any) -> int:
    """Where ordered values part into two lots that vary least (Otsu's threshold): the place of the first upper one."""
    count = np.arange(1, len(ordered))
    below, whole = np.cumsum(ordered)[:-1], ordered.sum()
    between = (below / count - (whole - below) / (len(ordered) - count)) ** 2 * count * (len(ordered) - count)
    return int(between.argmax()) + 1


def _parted_by_a_factor(logs: pd.Series, cut: int, *, touching: bool) -> tuple[pd.Series, float] | None:
    """The rarer of two lots of ordered logarithms, and by which unit's factor it differs from the other; or None.

    Nothing lies between them; or, where their tails are `touching`, hardly anything, and they spread alike on this
    scale, as two kinds of thing would not.
    """
    low, high = logs.iloc[:cut], logs.iloc[cut:]
    rare, main = sorted((low, high), key=len)
    if not max(8, 0.01 * len(logs)) <= len(rare) <= (0.3 if touching else 0.45) * len(logs):
        return None
    shift = float(rare.median() - main.median())
    factor = min((f for u in UNIT_FACTORS for f in (u, 1 / u)), key=lambda f: abs(np.log(f) - shift))
    spread = float(main.quantile(0.95) - main.quantile(0.05))
    ratio = float(rare.quantile(0.95) - rare.quantile(0.05)) / max(spread, 1e-9)
    # Factors of ten and more are far from one another, so few values may lie farther off
    most = 0.2 if abs(shift) > np.log(50) else 0.05
    if abs(np.log(factor) - shift) >= max(0.01, min(most, 1.5 * spread / len(rare) ** 0.5)):
        return None
    if touching:
        middle = (low.iloc[-1] + high.iloc[0]) / 2
        between = int((abs(logs - middle) < 0.12 * abs(shift)).sum())
        apart = len(rare) >= 30 and 0.7 < ratio < 1.4 and between <= 0.01 * len(logs) and between <= 0.1 * len(rare)
    else:
        alike = 1.7 if len(rare) >= 30 else 2.5
        apart = 1 / alike < ratio < alike and float(high.iloc[0] - low.iloc[-1]) > max(0.5 * spread, 0.2)
    return (rare, factor) if apart else None


def _told_by_others(table: Table, name: str, apart: Any, kinds: Any = ("category", "number")) -> bool:
    """Whether a column of these kinds tells which values stand apart, as where they are another kind of thing."""
    for other in [c for c in names(table.df) if c != name]:
        values = table.df[other]
        if table.kind(other) not in kinds:
            continue
        if table.kind(other) == "category":
            levels = {str(v).lower() for v in values.dropna().unique()}
            shares = pd.Series(apart, index=values.index).groupby(values.to_numpy()).mean()
            if not all(UNITS.fullmatch(v) for v in levels) and shares.max() > 0.9 and shares.min() < 0.1:
                return True
        elif table.kind(other) == "number" and min(values[apart].count(), values[~apart].count()) >= 8:
            here, there = values[apart].count(), values[~apart].count()
            area = float(values.rank()[apart].mean() - (here + 1) / 2) / there  # how often it is the larger of the two
            if max(area, 1 - area) > 0.9:
                return True
    return False


def _grouping(table: Table, name: str) -> bool:
    """Whether a column only divides: a category, or a number of few levels such as a dose or an age group."""
    kind, levels = table.kind(name), table.levels(name)
    return (kind == "category" and levels <= 50) or (kind == "number" and levels <= 8)


def _is_share(df: pd.DataFrame, name: str, a: str, b: str) -> bool:
    """Whether a column is the quotient of two others, as a share or in percent, but for rounding."""
    for rows in (df.iloc[:100], df) if a != b else ():  # what the first rows do not bear out need not be looked at
        share = rows[a] / rows[b]
        near = ((rows[name] - share).abs() < 0.006).all() or ((rows[name] - 100 * share).abs() < 0.6).all()
        if not near or not (rows[b] > 0).all():
            return False
    return a != b


def _weigh(table: Table) -> None:
    """Repeat each row as often as its count says, where a table holds counts: one row for each combination of groups.

    Counts are one column (the number of cases), or two: those with an outcome, beside those without it or all.
    """
    df = table.df
    numeric = [c for c in names(df) if table.kind(c) in ("number", "identifier") and not is_text(df[c])]
    whole = [c for c in numeric if df[c].notna().all() and (df[c] % 1 == 0).all() and df[c].min() >= 0]
    rows = [c for c in names(df) if table.kind(c) == "identifier" and c not in whole]
    rows += [c for c in whole if table.kind(c) == "identifier" and (df[c].diff().iloc[1:] == 1).all()]

    def is_share(name: str) -> bool:
        return name in numeric and name not in whole and any(_is_share(df, name, a, b) for a in whole for b in whole)

    if not all(c in [*rows, *whole] or _grouping(table, c) or is_share(c) for c in names(df)):
        return
    shares = [c for c in names(df) if is_share(c)]
    rest = [c for c in names(df) if c not in rows and c not in shares]

    def cells(counts: list[str]) -> bool:
        groups = [c for c in rest if c not in counts]
        if not groups or not all(_grouping(table, c) for c in groups) or df.duplicated(subset=groups).any():
            return False
        return len(df) >= 0.5 * float(np.prod([table.levels(c) for c in groups])) and len(df) >= 4

    def outcome(a: str, b: str) -> bool:
        """Whether a counts those of b, or of a and b together, who had it."""
        part = bool((df[a] <= df[b]).all() and (df[a] < df[b]).any()) and bool(WHOLE_NAME.search(b))
        return part or any(re.fullmatch(yes, a, re.I) and re.fullmatch(no, b, re.I) for yes, no in YES_NO)

    found: tuple[str, ...] = ()
    for name in whole:
        groups = [c for c in rest if c != name]
        levels = [{str(v).lower() for v in df[c].dropna().unique()} for c in groups if table.levels(c) == 2]
        says_yes = any(
            all(any(re.fullmatch(f"{y}|{n}", v) for v in pair) for pair in levels) for y, n in YES_NO if levels
        )
        if cells([name]) and df[name].sum() > 2 * len(df) and (COUNT_NAME.search(name) or says_yes):
            found = (name,)
    pairs = [(a, b) for a in whole for b in whole if a != b and outcome(a, b) and cells([a, b])]
    if not found and len(pairs) == 1:
        found = pairs[0]
    total = int(df[list(found[-1:])].sum().iloc[0]) if found else 0
    if not found or total > 5_000_000:
        return
    before = len(df)
    if len(found) == 1:
        times, name = df[found[0]], found[0]
        text = f"{name} is a weight: it counts how many cases a row stands for"
    else:
        name, other = found
        without = (
            df[other] - df[name] if bool((df[name] <= df[other]).all() and WHOLE_NAME.search(other)) else df[other]
        )
        times = pd.concat([df[name], without], ignore_index=True)
        df = pd.concat([df.assign(**{name: 1}), df.assign(**{name: 0})], ignore_index=True)
        table.left_out[other] = "a weight"
        text = f"{name} and {other} are weights: they count the cases with {name} and without"
    table.take(df.loc[df.index.repeat(times.astype(int))])
    table.weight = name if len(found) == 1 else other
    table.left_out |= {table.weight: "a weight"} | dict.fromkeys(rows, "identifier") | dict.fromkeys(shares, "a share")
    total = len(table.df)
    text += f", so the {before:,} rows are {total:,} cases, and every test counts cases."
    table.log.append(text)
    told = trap("weights", text, [*found], total, high=True)
    table.traps.append(told | {"type": "descriptive"})


def _see_caps(table: Table) -> None:
    """Note columns whose smallest or largest value is a limit at which many values were cut off."""
    for name in [c for c in names(table.df) if table.kind(c) == "number"]:
        values = table.df[name].dropna()
        if len(values) < 100 or table.levels(name) < 50:
            continue
        for end, limit in (("largest", values.max()), ("smallest", values.min())):
            at = int((values == limit).sum())
            # A nought at the end is a count of nothing, not a limit
            often = limit != 0 and at >= max(10, 0.02 * len(values))
            if often and at > 8 * values.value_counts().drop(limit).max():
                text = (
                    f"{say(name)} is cut off at {number(limit)}: {at:,} rows ({percent(at / len(values), 1)}) share "
                    f"this {end} value, so whatever lay beyond is not known, and its mean and spread are understated."
                )
                table.log.append(text)
                table.traps.append(trap("censored_values", text, [name], at, high=True))


def _by_chance(table: Table, columns: list[str]) -> float:
    """How many rows would repeat another by chance, if the finest column told nothing of the others: it is shuffled."""
    finest = max(columns, key=table.levels)
    if table.levels(finest) == len(table.df):
        return 0.0
    fine, rest = table.df[finest], table.df[columns]
    shuffled = (rest.assign(**{finest: fine.sample(frac=1, random_state=seed).array}) for seed in range(4))
    return float(np.mean([_repeats(table, columns, df).sum() for df in shuffled]))


def _drop_repeats(table: Table) -> None:
    """Count rows once that repeat another in everything but an identifier, where chance cannot explain them.

    Rows that stand on both sides of a split for training and testing are counted once as well.
    """
    for name in [c for c in names(table.df) if table.kind(c) == "category" and is_text(table.df[c])]:
        rest = [c for c in names(table.df) if c != name]
        levels = {str(v).lower() for v in table.df[name].dropna().unique()}
        if not levels <= SPLIT_LEVELS or len(levels) < 2 or not rest:
            continue
        table.left_out[name] = "a mark of how rows were split"
        again = table.df.duplicated(subset=rest) & ~table.df.duplicated()
        if again.any() and again.sum() > 10 * _by_chance(table, rest) + 2:
            before = len(table.df)
            table.take(table.df[~again])
            text = (
                f"{int(again.sum()):,} rows stand on more than one side of {say(name)} ({', '.join(sorted(levels))}) "
                "with the same values: a model would be tested on rows it has learned; they are counted once "
                f"(n {before:,} → {len(table.df):,})."
            )
            table.log.append(text)
            table.traps.append(trap("split_contamination", text, [name], int(again.sum()), high=True))
    keys = [c for c in names(table.df) if table.kind(c) == "identifier" and table.df[c].is_unique]
    rest = [c for c in names(table.df) if c not in keys]
    for columns in [names(table.df)] + ([rest] if keys and rest else []):
        repeats = _repeats(table, columns, table.df)
        if not repeats.any():
            continue
        chance = _by_chance(table, columns)
        before, fine = len(table.df), max(table.levels(c) for c in columns) > len(table.df) / 4
        beyond = max((2 if fine else 10) * chance, len(repeats) / 100)
        if fine:  # a copy carries some value that only its like carry
            alone = table.df[~repeats]
            copies = table.df[repeats]
            rare = pd.DataFrame({c: copies[c].map(alone[c].value_counts()) == 1 for c in columns})
            fine = bool(rare.any(axis=1).mean() >= 0.5)
        if repeats.sum() <= (1.5 * chance if fine else beyond) + 6 * chance**0.5:
            continue
        text = f"{int(repeats.sum()):,} rows ({percent(repeats.mean(), 1)}) repeat another row"
        text += " in everything but the identifier" if columns is rest else ""
        if fine:
            table.take(table.df[~repeats])
            text += f": they are counted once (n {before:,} → {len(table.df):,})."
        else:
            text += "; the columns are too coarse to tell copies from rows that happen to agree, so all are kept."
        table.log.append(text)
        table.traps.append(trap("duplicate_rows", text, [], int(repeats.sum()), high=fine))
        return


def _repeats(table: Table, columns: list[str], df: pd.DataFrame) -> Any:
    """Which rows of `df` repeat an earlier one in these columns; those alone are compared that agree in the finest."""
    finest = sorted(columns, key=table.levels, reverse=True)[:3]
    if table.levels(finest[0]) == len(df):
        return pd.Series(False, index=df.index)
    alike = df.duplicated(subset=finest, keep=False)
    return alike & df.loc[alike, columns].duplicated().reindex(df.index, fill_value=False)


def _nearly_one(df: pd.DataFrame, numbers: list[str]) -> list[str]:
    """Columns that go with another almost perfectly, each pair in the rows that have both, with a margin of safety."""
    values = df[numbers].to_numpy(dtype=float)
    finite = np.isfinite(values)
    there = finite.astype(float)
    with np.errstate(all="ignore"):
        middles, spreads = np.mean(values, axis=0, where=finite), np.std(values, axis=0, where=finite)
        scaled = np.where(finite, (values - middles) / spreads, 0.0)
        count = there.T @ there
        sums, squares = scaled.T @ there, (scaled**2).T @ there
        spread = squares - sums**2 / count
        spread[spread < 1e-6 * squares] = np.nan  # too little is left to count with
        r = np.abs(scaled.T @ scaled - sums * sums.T / count) / np.sqrt(spread * spread.T)
    np.fill_diagonal(r, 0)
    return [name for name, column in zip(numbers, r, strict=True) if not (column <= 0.999).all()]


def _leave_out(table: Table) -> None:
    """Mark constants, identifiers and copies of an earlier column."""
    df, n = table.df, len(table.df)
    r: Any
    for name in names(df):
        kind = table.kind(name)
        if kind == "constant":
            often = df[name].mode()
            text = f"{say(name)} is empty" if often.empty else f"{say(name)} is {often.iloc[0]} in "
            others = 0 if often.empty else int((df[name] != often.iloc[0]).sum())
            text += "" if often.empty else f"all but {others:,} of {n:,} rows" if others else f"all {n:,} rows"
            table.traps.append(trap("constant_column", f"{text}: it can explain nothing.", [name], n, high=True))
        elif kind == "identifier" and not is_text(df[name]) and list(df[name]) in ([*range(n)], [*range(1, n + 1)]):
            table.left_out[name] = "the rows' own numbers"
        elif kind == "identifier" and df[name].dropna().is_unique:
            text = f"{say(name)} differs in every row, as an identifier does: it is left out of all tests."
            table.traps.append(trap("identifier_column", text, [name], n))
        if kind in ("constant", "identifier", "text"):
            table.left_out.setdefault(name, kind)
    numbers = table.of("number")
    r = df[_nearly_one(df, numbers)].corr(min_periods=20).abs() if n >= 20 and len(numbers) > 1 else pd.DataFrame()
    for i, b in enumerate(numbers):
        near = [a for a in numbers[:i] if a not in table.left_out]
        twin = next((a for a in near if a in r and b in r and r.loc[a, b] > 0.9995), None)
        near = [a for a in near if n >= 5 and df[a].iloc[:50].equals(df[b].iloc[:50])]
        same = next((a for a in near if df[a].equals(df[b])), None)
        if same is not None:
            text = f"{say(b)} is the same as {say(same)} in every row: only {say(same)} is tested."
            table.traps.append(trap("redundant_columns", text, [same, b], n, effect("pearson_r", 1.0), high=True))
            table.left_out[b] = f"copy of {same}"
        elif twin is not None:
            one, other = (say(c) if say(b) != say(twin) else c for c in (b, twin))
            text = f"{one} carries the same information as {other} (r = {r.loc[twin, b]:.4f}): "
            table.traps.append(
                trap(
                    "redundant_columns",
                    text + "only the first is tested.",
                    [twin, b],
                    n,
                    effect("pearson_r", r.loc[twin, b]),
                )
            )
            table.left_out[b] = f"copy of {twin}"
    texts = [c for c in names(df) if is_text(df[c]) and 10 <= table.levels(c) <= n / 2]
    for b in table.of("number"):
        alike = [a for a in texts if table.levels(a) == table.levels(b)]
        twin = next((a for a in alike if len(df[[a, b]].dropna().drop_duplicates()) == table.levels(b)), None)
        if twin is not None:
            table.left_out[b] = f"code of {twin}"
    categories = [c for c in table.of("category") if 2 <= table.levels(c) <= 200]
    for i, b in enumerate(categories):
        for a in (c for c in categories[:i] if c not in table.left_out and table.levels(c) == table.levels(b)):
            if n >= 20 and len(df[[a, b]].dropna().drop_duplicates()) == table.levels(a):
                text = f"{say(b)} says the same as {say(a)} in other words: only {say(a)} is tested."
                table.traps.append(trap("redundant_columns", text, [a, b], n))
                table.left_out[b] = f"copy of {a}"
                break


def _leave_sums_out(table: Table) -> None:
    """Mark a column that other columns make up exactly, as a total is made up of its parts."""
    numbers = table.of("number")
    rows = table.df[[c for c in numbers if table.df[c].notna().mean() > 0.8]].dropna().astype(float)
    rows = rows.iloc[:: max(1, len(rows) // 4000)]
    if len(rows) >= 50 and len(rows) > 5 * rows.shape[1]:
        standard = ((rows - rows.mean()) / rows.std()).to_numpy()
        turned = dict(zip(names(rows), np.linalg.qr(standard, mode="r").T, strict=True))  # as good, and far fewer rows
        kept = list[str]()
        for name in names(rows):
            if kept:
                base = np.column_stack([turned[c] for c in kept])
                found = np.linalg.lstsq(base, turned[name], rcond=None)[0]
                rest = float(np.sum((turned[name] - base @ found) ** 2)) / (len(rows) - 1)  # variance, of 1
                parts = [c for c, weight in zip(kept, found, strict=True) if abs(weight) > 0.02]
                if rest < 1e-4 and 2 <= len(parts) <= 6:
                    # The total varies most, as its parts vary on their own
                    whole = max([name, *parts], key=lambda c: (rows[c].std(), c))
                    others = [c for c in [name, *parts] if c != whole]
                    text = (
                        f"{say(whole)} is made up of {', '.join(say(c) for c in others[:-1])} and {say(others[-1])}: "
                        "they tell it exactly, so it is left out of all tests: a relation with its parts is no news."
                    )
                    share = effect("r2", 1 - rest)
                    table.traps.append(
                        trap("redundant_columns", text, [whole, *others], len(table.df), share, high=True)
                    )
                    table.left_out[whole] = f"made up of {', '.join(others)}"
                    kept = [c for c in [*kept, name] if c != whole]
                    continue
            kept.append(name)
    table.log += [f"{c}: left out of tests ({why})" for c, why in table.left_out.items()]


def trap(
    kind: str, text: str, columns: list[str], n: int, effect: dict[str, Any] | None = None, high: bool = False
) -> dict[str, Any]:
    """A hygiene warning, as arguments for `report`."""
    effect = effect or {"metric": "count", "value": n}
    confidence = "high" if high else "medium"
    return dict(type="warning", kind=kind, text=text, columns=columns, n=n, effect=effect, confidence=confidence)


def one_group(rows: pd.DataFrame, a: str, b: str) -> dict[str, Any]:
    """How two columns of numbers go together in one small group: its line, and what makes the line misleading.

    `r` is Pearson's correlation. `point` is there where one point alone makes or moves the line: its place, and `rest`,
    the correlation without it (None where the other points do not vary at all). `curve` is there where a parabola fits
    far better: its share of b's variation, and `p` of its bend. Empty for fewer than 8 rows or for a constant.
    """
    from scipy.stats import pearsonr
    from statsmodels.regression.linear_model import OLS

    both = rows[[a, b]].dropna().astype(float)
    x, y = both[a].to_numpy(), both[b].to_numpy()
    if len(x) < 8 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {}
    found: dict[str, Any] = {
        "r": float(pearsonr(x, y).statistic),
        "ci": pearsonr(x, y).confidence_interval(),
        "n": len(x),
    }
    bend = np.column_stack([np.ones(len(x)), (x - x.mean()) / x.std(), ((x - x.mean()) / x.std()) ** 2])
    fit = OLS(y, bend).fit()
    if len(np.unique(x)) >= 4 and fit.pvalues[2] < 1e-3 and fit.rsquared >= max(0.5, found["r"] ** 2 + 0.15):
        found |= {"curve": float(fit.rsquared), "p": float(fit.pvalues[2])}
    elif len(x) <= 300:
        farthest = np.argsort(-np.maximum(np.abs(x - np.median(x)) / x.std(), np.abs(y - np.median(y)) / y.std()))[:3]
        for i in (int(k) for k in farthest):
            u, v = np.delete(x, i), np.delete(y, i)
            if np.ptp(u) == 0 or np.ptp(v) == 0:
                return found | {"point": i, "rest": None}
            line = np.polynomial.Polynomial.fit(u, v, 1)
            spread = float(np.std(v - line(u))) or 1e-12
            rest = float(pearsonr(u, v).statistic)
            if abs(rest - found["r"]) >= 0.1 and abs(y[i] - line(x[i])) > 6 * spread:
                return found | {"point": i, "rest": rest}
    return found


class Ledger:
    """Every test that is run is written down here, and its p corrected within its family (Benjamini-Hochberg)."""

    def __init__(self) -> None:
        self.families: dict[str, dict[str, float]] = {}

    def add(self, family: str, key: str, p: float) -> None:
        """Write down one test; the same key again replaces it, so that a cell run twice is counted once."""
        self.families.setdefault(family, {})[key] = float(p) if np.isfinite(p) else 1.0

    def q(self, family: str) -> dict[str, float]:
        """The corrected p of each test of a family."""
        from scipy.stats import false_discovery_control

        tests = self.families.get(family, {})
        return dict(zip(tests, false_discovery_control(list(tests.values())), strict=True)) if tests else {}

    def test(self, name: str, family: str, key: str) -> dict[str, Any]:
        """The `test` field of a finding."""
        tests = self.families[family]
        return {"name": name, "p": tests[key], "q": self.q(family)[key], "family": family, "m": len(tests)}


ledger = Ledger()


def effect(metric: str, value: float, ci: Any = None) -> dict[str, Any]:
    """The `effect` field of a finding, with a 95 % interval."""
    return {"metric": metric, "value": value, "ci": None if ci is None else [ci[0], ci[1]], "ci_level": 0.95}


def eta2_interval(f: float, degrees: tuple[float, float], groups: Any = None) -> tuple[float, float]:
    """The 95 % interval of η² from an F statistic and its degrees of freedom; `groups` are its samples.

    By the noncentral F distribution, as statsmodels has it. That looks no farther than a noncentrality of 10,000; close
    to it and beyond, the noncentrality is taken for lognormal, its relative variance being 4/λ + 2/df (delta method).
    Both suppose normal groups of one spread and sizes that were chosen. With `groups` the interval is as wide as
    resampling the rows finds it: see `stretched`.
    """
    from statsmodels.stats.oneway import confint_effectsize_oneway

    beyond = degrees[0] * (f - 1)
    if beyond < 8_000:
        with np.errstate(divide="ignore"):  # a lower end of zero
            low, high = np.nan_to_num(confint_effectsize_oneway(f, degrees).eta2)
    else:
        ends = beyond * np.exp(np.array([-1.96, 1.96]) * (4 / beyond + 2 / degrees[1]) ** 0.5)
        low, high = ends / (ends + sum(degrees) + 1)
    if groups is None or not np.isfinite(f):
        return float(low), float(high)
    values = np.concatenate([np.asarray(part, float) for part in groups])
    values, codes = values - values.mean(), np.repeat(np.arange(len(groups)), [len(part) for part in groups])

    def eta(y: Any, level: Any, axis: int) -> Any:
        whole, between = (y**2).sum(axis), -(y.sum(axis) ** 2) / y.shape[axis]
        spread = whole + between
        for k in range(len(groups)):
            inside = level == k
            between = between + (y * inside).sum(axis) ** 2 / np.maximum(inside.sum(axis), 1)
        return np.arctanh(np.sqrt(np.clip(between / spread, 0, 0.9999)))

    made = degrees[0] * (f + 1)  # what resampled rows show: what these do, and as much noise once more
    by_theory = (2 * degrees[0] * (1 + 2 * f) + 2 * made**2 / degrees[1]) ** 0.5
    by_theory /= 2 * (made * (degrees[1] + made)) ** 0.5
    fair = degrees[0] * (f - 1) / (degrees[0] * f + degrees[1])  # without the share that noise takes
    middle, *ends = np.arctanh(np.sqrt(np.clip([fair, low, high], 0, 0.9999)))
    times = resampled_error(eta, values, codes, paired=True) / by_theory
    ends = stretched(np.tanh(middle), middle - ends[0], ends[1] - middle, times)
    return (ends[0] ** 2 if low > 0 else 0.0), ends[1] ** 2


def stretched(root: float, down: float, up: float, times: float) -> tuple[float, float]:
    """An interval around a correlation-like root, its ends so many times as far away, told on Fisher's scale (z).

    A noncentral distribution knows where noise alone would put a small share of variation, but has its spread from a
    theory that holds for normal samples or weak relations; resampling knows the spread, but not the place. `times` is
    the spread that resampling finds over the theory's, as Satorra and Bentler (1994) scale a chi-square.
    """
    middle = float(np.arctanh(min(root, 0.9999)))
    return max(0.0, float(np.tanh(middle - times * down))), float(np.tanh(middle + times * up))


def resampled_error(statistic: Any, *samples: Any, paired: bool = False) -> float:
    """The standard error of a statistic of one or more samples, by 200 bootstrap resamples with a fixed seed.

    It asks nothing of the samples' shape. Of long samples a part is resampled, of each the same share, and the error is
    scaled. `statistic(*samples, axis)` works along an axis; the values of paired samples stay together.
    """
    from scipy.stats import bootstrap

    random, sizes = np.random.default_rng(0), [len(v) for v in samples]
    share = max(1, min(max(sizes) // 4_000, min(sizes) // 300))
    order = [random.permutation(n)[: n // share] for n in (sizes[:1] if paired else sizes)]
    some = [np.asarray(v)[order[0 if paired else i]] for i, v in enumerate(samples)]
    found = bootstrap(
        some, statistic, paired=paired, n_resamples=200, batch=25, method="percentile", rng=np.random.default_rng(0)
    )
    return float(found.standard_error / share**0.5)


def r_interval(x: Any, y: Any) -> tuple[float, float]:
    """The 95 % interval of a correlation: Fisher's z, with its standard error from resampling.

    Fisher's own error holds for normal columns only; counts, skewed columns and spreads that grow make it too small.
    For under 30 rows, or points on a line, it is taken all the same.
    """
    from scipy.stats import pearsonr, t

    plain = pearsonr(x, y)
    if len(x) < 30 or abs(plain.statistic) > 0.9999:
        low, high = plain.confidence_interval()
        return float(low), float(high)
    error = resampled_error(lambda a, b, axis: np.arctanh(pearsonr(a, b, axis=axis).statistic), x, y, paired=True)
    middle, half = np.arctanh(plain.statistic), t.ppf(0.975, len(x) - 2) * error
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def parabola_interval(x: Any, y: Any) -> tuple[float, float]:
    """The 95 % interval of the share of y's variation that a parabola in x explains: of its root, as `r_interval`."""
    from scipy.stats import t

    x = (x - x.mean()) / x.std()

    def root(x: Any, y: Any, axis: int) -> Any:
        def moment(a: Any, b: Any) -> Any:
            return ((a - a.mean(axis, keepdims=True)) * (b - b.mean(axis, keepdims=True))).sum(axis)

        square = x * x
        xx, ss, xs, xy, sy = moment(x, x), moment(square, square), moment(x, square), moment(x, y), moment(square, y)
        told = (xy**2 * ss - 2 * xy * sy * xs + sy**2 * xx) / ((xx * ss - xs**2) * moment(y, y))
        return np.arctanh(np.sqrt(np.clip(told, 0, 0.9999)))

    half = t.ppf(0.975, len(x) - 3) * resampled_error(root, x, y, paired=True)
    middle = float(root(x, y, 0))
    return float(np.tanh(max(0.0, middle - half)) ** 2), float(np.tanh(middle + half) ** 2)


def d_interval(d: float, high: Any, low: Any) -> tuple[float, float]:
    """The 95 % interval of Cohen's d of two samples, with its standard error from resampling.

    Resampled, a sample of n has (n − 1)/n of its variance, so the error is widened by that, each sample's part of it
    as large as its part of the difference's variance; and its quantile is Student's t of Welch's degrees of freedom.
    """
    from scipy.stats import t

    def cohens_d(a: Any, b: Any, axis: int) -> Any:
        n, m = a.shape[axis], b.shape[axis]
        pooled = ((n - 1) * np.var(a, axis=axis, ddof=1) + (m - 1) * np.var(b, axis=axis, ddof=1)) / (n + m - 2)
        return (np.mean(a, axis=axis) - np.mean(b, axis=axis)) / np.sqrt(pooled)

    sizes = np.array([len(high), len(low)])
    parts = np.array([np.var(high, ddof=1), np.var(low, ddof=1)]) / sizes
    parts = parts / parts.sum() if parts.sum() > 0 else np.array([0.5, 0.5])
    wider = float((parts * sizes / (sizes - 1)).sum()) ** 0.5
    half = float(t.ppf(0.975, 1 / (parts**2 / (sizes - 1)).sum())) * wider * resampled_error(cohens_d, high, low)
    return d - half, d + half


def spread_interval(parts: list[Any]) -> tuple[float, float]:
    """The 95 % interval of the largest standard deviation of several samples over the smallest, chosen for that.

    Each logarithm of a standard deviation has its error from resampling. The largest and the smallest of several that
    are alike lie farther apart than any two of them do, so the lower end allows for the choice: levels that lie within
    1.5 errors of an end are taken for tied with it (as Andrews and Soares, 2010, select moments), and how far such ties
    drift apart is drawn.
    """
    logs = np.array([np.log(np.std(part, ddof=1)) for part in parts])
    errors = np.array([resampled_error(lambda v, axis: np.log(np.std(v, axis=axis, ddof=1)), v) for v in parts])
    top, low = int(logs.argmax()), int(logs.argmin())
    gap = float(logs[top] - logs[low])
    upper = (logs[top] - logs <= 1.5 * np.hypot(errors, errors[top])) & (logs - logs[low] > gap / 2)
    lower = (logs - logs[low] <= 1.5 * np.hypot(errors, errors[low])) & (logs - logs[low] <= gap / 2)
    tied = logs.copy()
    for near in (upper, lower):
        tied[near] = np.average(logs[near], weights=1 / errors[near] ** 2)
    drawn = tied + errors * np.random.default_rng(0).standard_normal((2_000, len(logs)))
    drift = float(np.quantile(np.ptp(drawn, axis=1) - np.ptp(tied), 0.975))
    half = 1.96 * float(np.hypot(errors[top], errors[low]))
    return float(np.exp(gap - max(drift, half))), float(np.exp(gap + half))


def v_interval(counts: Any) -> tuple[float, float]:
    """The 95 % interval of Cramér's V of a table of counts, by the noncentral chi-square distribution.

    See Smithson (2003), Confidence Intervals. That distribution holds for weak relations; in strong ones and where a
    level is rare V spreads otherwise, so the interval is as wide as resampling the rows finds it: see `stretched`.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2_contingency, ncx2

    counts = np.asarray(counts)
    found = chi2_contingency(counts, correction=False)
    rows, freedom = int(counts.sum()), int(found.dof)
    chi2, scale = float(found.statistic), rows * (min(counts.shape) - 1)
    ends = []
    for level in (0.975, 0.025):

        def off(noncentrality: float, level: float = level) -> float:
            return float(ncx2.cdf(chi2, freedom, noncentrality)) - level

        ends.append(brentq(off, 1e-9, 2 * chi2 + 100) if off(1e-9) > 0 else 0.0)
    drawn = np.random.default_rng(0).multinomial(rows, counts.ravel() / rows, 400).reshape(-1, *counts.shape)
    expected = drawn.sum(2, keepdims=True) * drawn.sum(1, keepdims=True) / rows
    again = ((drawn - expected) ** 2 / np.maximum(expected, 1e-9)).sum((1, 2)) / scale
    by_theory = ((2 * freedom + 4 * chi2) / (4 * (chi2 + freedom)) / scale) ** 0.5
    times = float(np.std(np.sqrt(again), ddof=1)) / by_theory
    root, low, high = np.sqrt(np.array([max(0.0, chi2 - freedom), *ends]) / scale)
    slope = 1 / max(1 - root**2, 1e-3)
    moved = stretched(root, (root - low) * slope, (high - root) * slope, times)
    return (moved[0] if low > 0 else 0.0), moved[1]


def report(
    type: str,
    kind: str,
    text: str,
    columns: Any = (),
    *,
    roles: dict[str, str] | None = None,
    direction: str | None = None,
    segment: str | None = None,
    effect: dict[str, Any] | None = None,
    test: dict[str, Any] | None = None,
    n: int | None = None,
    params: dict[str, Any] | None = None,
    caveats: Any = (),
    confidence: str = "medium",
    of_all_rows: bool = False,
) -> None:
    """Say one thing: a claim, a warning, a null (tested and absent) or a descriptive finding, in one sentence.

    It is shown as text in any notebook, and read by Gristmill from its own MIME type. Numbers are kept to six
    significant digits, so that another processor's last bits do not change the record. What was found in the sample of
    a large file says so, unless it is `of_all_rows`.
    """
    text = capital(text)
    caveats = [*caveats, *(f"Found in {said}." for said in _SAMPLED.values() if not of_all_rows)]
    finding = {
        "type": type,
        "kind": kind,
        "columns": [str(c) for c in columns],
        "roles": roles or {},
        "direction": direction,
        "segment": segment,
        "effect": effect,
        "test": test,
        "n": n,
        "params": params or {},
        "text": text,
        "caveats": caveats,
        "confidence": confidence,
    }
    note = f"{type.upper()} {text}" + "".join(f"\n  Caveat: {c}" for c in caveats)
    markdown = f"**{type.capitalize()}.** {text}" + "".join(f"  \n*Caveat: {c}*" for c in caveats)
    _display({FINDING_MIME: _plain(finding), "text/plain": note, "text/markdown": markdown})


def answer(
    text: str,
    values: dict[str, Any] | None = None,
    *,
    status: str = "answered",
    why: str = "",
    notes: Any = (),
    files: Any = (),
) -> None:
    """Answer a part of the question in a sentence or two, with its values by name, each in full.

    A value is a number, a word, a truth value or a time; or a tuple of it with its unit, and with the two ends of its
    interval: `{"mean fare": 32.2, "share": (61.3, "%"), "difference": (4.1, "pp", (1.2, 7.0))}`. `status` is answered,
    partly or not_answered, and `why` says what is lacking. Where no value could be computed it is not answered.
    """
    told: list[dict[str, Any]] = []
    for name, given in (values or {}).items():
        value, unit, ends = (*given, *("", None)[len(given) - 1 :]) if isinstance(given, tuple) else (given, "", None)
        told.append({"name": name, "value": _full(value), "unit": unit, "interval": ends and [_full(e) for e in ends]})
    if told and all(v["value"] is None for v in told) and status == "answered":
        status, why, text = "not_answered", why or "No row that is meant has the values that this is computed from.", ""
    said = {
        "status": status,
        "text": capital(text),
        "values": told,
        "why": why,
        "notes": list(notes),
        "files": list(files),
    }
    note = text or f"Not answered: {why}"
    _display({ANSWER_MIME: said, "text/plain": note, "text/markdown": f"**Answer.** {note}"})


def _full(value: Any) -> Any:
    """One value of an answer as JSON knows it, to twelve significant digits; NaN and what is missing are null."""
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.12g}") if np.isfinite(value) else None
    if isinstance(value, pd.Timestamp):
        return str(value.date() if value == value.normalize() else value)
    return None if value is None or value is pd.NA or value is pd.NaT else _plain(value)


def progress(what: str, done: int, of: int, unit: str = "rows") -> None:
    """Tell whoever watches how far a long step has come: at most every half second, and fifty times in all.

    It is no part of the notebook, and a reader of the notebook does not see it.
    """
    now, (then, before) = monotonic(), _TOLD_AT.get(what, (0.0, -of))
    if done == of or (now - then >= 0.5 and done - before >= of / 50):
        _TOLD_AT[what] = now, done
        _display({PROGRESS_MIME: {"what": what, "done": int(done), "of": int(of), "unit": unit}})


_TOLD_AT: dict[str, tuple[float, int]] = {}


def _display(bundle: dict[str, Any]) -> None:
    display(bundle, raw=True)  # type: ignore[no-untyped-call]


def _plain(value: Any) -> Any:
    """A value as JSON knows it: no NaN, no numpy, six significant digits."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value if value is None else str(value)


def say(column: str) -> str:
    """A column's name as a reader says it: `bill_length_mm` → bill length; a question or a sentence comes in quotes."""
    words = _words(column)[0]
    return f"“{words}”" if " " in str(column).strip() and ("?" in words or len(words.split()) > 3) else words


def label(column: str) -> str:
    """A column's name for an axis, with its unit: `bill_length_mm` → Bill length (mm)."""
    words, unit = _words(column)
    return capital(words) + (f" ({unit})" if unit else "")


def capital(text: str) -> str:
    """A text that begins with a capital; but pH stays pH, and a file keeps its name."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return text[:1].upper() + text[1:] if first.islower() and "." not in first[:-1] else text


def with_unit(x: float, column: str) -> str:
    """A value of a column for a sentence, with the unit that its name gives: 217 mm."""
    unit = _words(column)[1]
    return f"{number(x)} {unit}" if unit else number(x)


def _words(column: str) -> tuple[str, str]:
    parts = [p for p in str(column).split("_") if p]
    unit = parts[-1] if len(parts) > 1 and UNITS.fullmatch(parts[-1]) else ""
    if unit.lower() in ("c", "f") and not re.search("temp|air|sea|dew|heat", str(column), re.I):  # vitamin_c is none
        unit = ""
    return " ".join(parts[:-1] if unit else parts) or str(column), WRITTEN.get(unit.lower(), unit)


def short(level: Any, most: int = 24) -> str:
    """A level for a chart, where a long one would leave the chart no room."""
    text = str(level)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def tick(level: Any) -> str:
    """A level's name beside an axis: a long one on two lines."""
    return textwrap.fill(str(level), 24, max_lines=2, placeholder=" …")


def number(x: float) -> str:
    """A number for a sentence: three significant digits, thousands separated, a true minus sign."""
    whole = abs(x) >= 100 or x == int(x)
    digits = 0 if whole else max(0, 2 - int(np.floor(np.log10(abs(x)))))
    return f"{x:,.{digits}f}".replace("-", "−")


def as_text(x: Any, decimals: int | None = None) -> str:
    """A value of an answer: a whole number as such, another to these decimals, or to five significant digits."""
    if isinstance(x, pd.Timestamp):
        return f"{x:%Y-%m-%d}" if x == x.normalize() else f"{x:%Y-%m-%d %H:%M}"
    if isinstance(x, (str, bool, np.bool_)) or pd.isna(x):
        return str(x) if isinstance(x, str) else "missing" if pd.isna(x) else "yes" if x else "no"
    if abs(x) < 1e15 and x == int(x) and (decimals is None or isinstance(x, (int, np.integer))):
        return f"{int(x):,}".replace("-", "−")
    if decimals is None and x and not 1e-4 <= abs(x) < 1e15:
        return f"{x:.4g}".replace("-", "−")
    least = max(2, 4 - int(np.floor(np.log10(abs(x))))) if x else 0
    return f"{x:,.{least if decimals is None else decimals}f}".replace("-", "−")


def percent(x: float, digits: int = 0) -> str:
    """A share for a sentence: 0.052 → 5 %."""
    return f"{100 * x:.{digits}f} %".replace("-", "−")


def signed(x: float, digits: int = 2) -> str:
    """A correlation or difference with its sign: +0.39, −0.235."""
    return f"{x:+.{digits}f}".replace("-", "−")


def decimals(ends: Any, digits: int = 2) -> int:
    """How many decimals tell the ends of a correlation's interval apart, at most four."""
    return next((k for k in range(digits, 4) if signed(ends[0], k) != signed(ends[1], k)), 4)


def from_to(ends: Any, digits: int = 2) -> str:
    """The ends of a correlation's interval, with as many decimals as tell them apart: −0.943 to −0.938."""
    return " to ".join(signed(end, decimals(ends, digits)) for end in ends)


def chance(p: float) -> str:
    """A p-value for a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def name_columns(ax: Any, levels: Any) -> None:
    """Write levels below the columns of a chart with named rows: on several lines, or aslant if a word is too wide."""
    beside = max(len(line) for t in ax.get_yticklabels() for line in t.get_text().split("\n"))
    letters = int((ax.figure.get_figwidth() - 0.9 - 0.105 * beside) / len(levels) / 0.11)  # inches that a letter takes
    told = [textwrap.fill(str(level), max(8, letters), max_lines=3, placeholder="…") for level in levels]
    if max(len(line) for name in told for line in name.split("\n")) > letters:
        ax.set_xticks(range(len(levels)), [short(level, 16) for level in levels], rotation=35, ha="right")
    else:
        ax.set_xticks(range(len(levels)), told)


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6E6E6E", "#000000")  # Okabe & Ito 2008


def figure(title: str, width: float = 7.2, height: float = 4.5, columns: int = 1, rows: int = 1) -> Any:
    """A figure in the house's style and its axes (an array of them where there are several)."""
    import matplotlib
    from matplotlib.figure import Figure

    style = {"font.size": 15, "axes.titlesize": 15, "axes.spines.top": False, "axes.spines.right": False}
    matplotlib.rcParams.update(style | {"axes.grid": True, "grid.color": "#e6e6e6", "axes.axisbelow": True})
    fig = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    fig.suptitle(capital(title), x=0.01, ha="left", fontsize=17, fontweight="bold", wrap=True)
    return fig, fig.subplots(rows, columns)


def share_dots(title: str, yes: pd.Series, every: pd.Series, xlabel: str, ylabel: str) -> Any:
    """A figure of how often each level (the index, the first on top) says yes: `yes` of `every` rows, in percent.

    Each dot has its number beside it and the 95 % interval by Wilson.
    """
    from statsmodels.stats.proportion import proportion_confint

    fig, ax = figure(title, height=1.7 + 0.5 * len(yes))
    ends = [0.0]
    for i, level in enumerate(yes.index[::-1]):
        some, of = int(yes[level]), int(every[level])
        low, high = (100 * end for end in proportion_confint(some, of, method="wilson"))
        ax.plot([low, high], [i, i], color=COLOURS[0], lw=3)
        ax.plot(100 * some / of, i, "o", color=COLOURS[0], ms=9)
        ax.text(high, i, f"  {percent(some / of, 1)}", va="center")
        ends.append(high)
    ax.set_yticks(range(len(yes)), [tick(level) for level in yes.index[::-1]])
    ax.set_xlim(0, 1.22 * max(ends))
    ax.set_xticks([mark for mark in ax.get_xticks() if mark <= min(100, 1.22 * max(ends))])
    ax.set(xlabel=f"{capital(xlabel)} (% of rows, 95 % interval)", ylabel=ylabel, ylim=(-0.6, len(yes) - 0.4))
    return fig


def direct_labels(ax: Any, items: list[tuple[float, str, str]], gap: float = 0.085) -> None:
    """Name lines at the right edge of a chart: (height in data units, text, colour), pushed apart where they meet."""
    low, high = ax.get_ylim()
    place = -1.0
    for y, text, colour in sorted(items):
        place = max((y - low) / (high - low), place + gap)
        ax.text(1.02, place, text, color=colour, transform=ax.transAxes, va="center", fontweight="bold")


def show(fig: Any, alt: str) -> None:
    """Display a figure as PNG, the same bytes for the same figure, with words for who cannot see it."""
    _make_fit(fig)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    _display({"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": f"[{alt}]"})


def _make_fit(fig: Any) -> None:
    """Break lines where the name of an axis or of a small chart is longer than its place, and thin out dates."""
    from matplotlib.dates import AutoDateFormatter, AutoDateLocator

    for ax in fig.axes:
        if isinstance(ax.xaxis.get_major_locator(), AutoDateLocator):
            dates = AutoDateLocator(maxticks=7)
            ax.xaxis.set(major_locator=dates, major_formatter=AutoDateFormatter(dates))
    named = [(ax, text, text.get_text()) for ax in fig.axes for text in (ax.xaxis.label, ax.yaxis.label, ax.title)]
    width, height = fig.get_size_inches()

    def may_be_long(ax: Any, text: Any, whole: str) -> bool:
        beside = max((len(line) for t in ax.get_yticklabels() for line in t.get_text().split("\n")), default=0)
        wide = width / ax.get_subplotspec().get_gridspec().ncols - max(2, 0.6 + 0.12 * beside)
        room = height - 1.2 if text is ax.yaxis.label else wide
        return bool(len(whole) * 0.12 > room)  # inches that a letter takes; to draw a chart only to look takes long

    if not any(may_be_long(*each) for each in named):
        return
    for ease in (1.0, 0.9, 0.8, 0.7):  # what is broken moves the chart, so look again
        fig.draw_without_rendering()
        fits = True
        for ax, text, whole in named:
            place, column = ax.get_window_extent(), fig.bbox.width / ax.get_subplotspec().get_gridspec().ncols
            middle = (place.x0 + place.x1) / 2
            beside = 2 * min(middle, fig.bbox.width - middle) if len(fig.axes) == 1 else 0.94 * column
            room = place.height if text is ax.yaxis.label else beside
            size = text.get_window_extent()
            long = size.height if text is ax.yaxis.label else size.width
            if whole and ax.get_visible() and long > room * 0.99:
                line = max(map(len, text.get_text().split("\n")))
                fits = False
                text.set_text(
                    textwrap.fill(whole, max(8, int(line * ease * room / long)), max_lines=4, placeholder=" …")
                )
        if fits:
            return


def tell_shapes(table: Table, by: str, shaped: list[str]) -> bool:
    """Report groups whose one or two numbers agree in mean and spread and yet have other shapes; True if they do.

    Each column's distribution is compared, the distance from the middle and that to the next point, by the test of
    Anderson and Darling for several samples.
    """
    from scipy.stats import anderson_ksamp, f_oneway, ks_2samp
    from sklearn.neighbors import NearestNeighbors

    rows = table.df[[by, *shaped]].dropna()
    clouds = {str(level): part[shaped].astype(float) for level, part in rows.groupby(by, sort=True) if len(part) >= 20}
    clouds = {level: part for level, part in clouds.items() if (part.nunique() > 2).all()}
    if len(clouds) < 2 or any(f_oneway(*(part[c] for part in clouds.values())).pvalue < 0.05 for c in shaped):
        return False
    most = min(map(len, clouds.values()))
    some = {level: part.sample(most, random_state=0) for level, part in clouds.items()}
    scaled = {level: ((part - part.mean()) / part.std()).to_numpy() for level, part in some.items()}
    marks = {say(c): {level: part[c].to_numpy() for level, part in some.items()} for c in shaped}
    marks["the distance from the middle"] = {k: np.hypot.reduce(z, axis=1) for k, z in scaled.items()}
    marks["the distance to the next point"] = {
        k: NearestNeighbors(n_neighbors=2).fit(z).kneighbors()[0][:, 0] for k, z in scaled.items()
    }
    found = []
    for name, parts in marks.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # p lies beyond its table
            test = anderson_ksamp(list(parts.values()), variant="midrank")
        ledger.add("shapes", f"{name} by {by}", test.pvalue)
        found.append((float(test.statistic), name))
    a2, name = max(found)
    pairs = [(x, y) for i, x in enumerate(marks[name].values()) for y in list(marks[name].values())[:i]]
    gap = max(ks_2samp(x, y).statistic for x, y in pairs)  # of many rows, small differences are certain, too
    if a2 <= 10 or gap < 0.3 or ledger.q("shapes")[f"{name} by {by}"] >= 0.01:
        return False
    middles = pd.Series({level: float(np.median(part)) for level, part in marks[name].items()}).sort_values()
    sds = pd.DataFrame({level: part.std() for level, part in clouds.items()})
    ratio = float((sds.max(axis=1) / sds.min(axis=1)).max())
    listed = " and ".join(say(c) for c in shaped)
    report(
        "claim",
        "distribution_shape",
        f"{listed} {'have' if len(shaped) > 1 else 'has'} the same mean for every {say(by)}, and spreads at most "
        f"{ratio:.2f} times as large, but not the same shape: {name} differs most (Anderson-Darling statistic "
        f"{a2:.0f}, n = {len(rows):,}), its median from {number(middles.iloc[0])} for {middles.index[0]} to "
        f"{number(middles.iloc[-1])} for {middles.index[-1]}, so look at each {say(by)} by itself.",
        [*shaped, by],
        roles={"outcome": shaped[-1], "factor": by},
        effect=effect("anderson_darling", a2),
        test=ledger.test("anderson_ksamp", "shapes", f"{name} by {by}"),
        n=len(rows),
        params={"top": middles.index[-1], "shape": "differs"},
        caveats=["Means, spreads and correlations do not show what differs here; a picture of each group does."],
        confidence="high",
    )
    wide = min(5, len(clouds))
    tall = -(-len(clouds) // wide)
    fig, axes = figure(
        f"{listed}, each {say(by)} by itself", 2.3 * wide + 0.6, 2.3 * tall + 0.7, columns=wide, rows=tall
    )
    axes = np.atleast_1d(axes).ravel()
    for ax, (level, part) in zip(axes, clouds.items(), strict=False):
        if len(shaped) > 1:
            ax.scatter(part[shaped[0]], part[shaped[1]], s=5, color=COLOURS[0], linewidths=0)
        else:
            ax.hist(part[shaped[0]], bins=25, color=COLOURS[0])
        ax.set_title(level, fontsize=11)
        ax.tick_params(labelsize=8)
    for ax in axes[len(clouds) :]:
        ax.set_visible(False)
    show(fig, f"Small charts: {listed} for each {say(by)}")
    return True
