"""Files too large to load: a random sample of the rows, and what DuckDB counts in all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import is_text, names
from notebooks.toolkit.dates import CLOCK_FORMS, DATE_FORMS
from notebooks.toolkit.limits import LARGE, MISSING, SAMPLE_ROWS
from notebooks.toolkit.telling import _SAMPLED, progress
from notebooks.toolkit.values import MONEY, _parsed, _plain_numbers, _unique_names


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
            chosen = f"hash(row_of_the_file) % {max(rows, 1)} < {SAMPLE_ROWS}"
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
