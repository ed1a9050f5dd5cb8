"""Read a file as a table."""

import gzip
import io
import re
from pathlib import Path
from typing import Any

import pandas as pd

from notebooks.toolkit.formats import _decode, _read_excel, _read_json, _read_text, _unpacked
from notebooks.toolkit.sampling import _WHOLE, _read_sample
from notebooks.toolkit.telling import progress
from notebooks.toolkit.values import _parsed, _unique_names
from notebooks.toolkit.wording import say

TOTAL = re.compile(r"((grand |sub)?totals?|sums?|summe|gesamt|insgesamt|total général)\s*:?", re.I)


def read_table(path: str | Path) -> pd.DataFrame:
    """The table in a file: CSV and its kin, JSON (lines, array, object), Parquet, or the first sheet of an Excel book.

    Of a file that is too large to load it is a random sample; `attrs["rows"]` are the rows of the whole file, and
    `attrs["counted"]` is what was counted in all of them (`told` of `Whole`). `attrs["sheets"]` are the columns of each
    sheet of a book that is not read, `attrs["renamed"]` the headers of columns that have a name of their own. Encoding,
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
    if not raw.lstrip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
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
        if df.shape[1] == 1 and Path(name).suffix.lower().startswith(
            ".xls"
        ):  # which of several is a table all the same
            raise ValueError(
                f"{path.name} is no Excel workbook, in spite of its name: it holds a text that is no table."
            )
    heads = [" ".join(str(c).split()) for c in df.columns]
    df.columns = _unique_names(heads, notes)
    renamed = {new: head for head, new in zip(heads, df.columns, strict=True) if head and head != new}
    df.attrs |= {"renamed": renamed} if renamed else {}
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


def read_once(data: str | Path) -> pd.DataFrame:
    """A file's table as it is written; the same file is read once in a session, and each caller has a copy."""
    file = as_it_stands(data)
    if file not in _READ:
        _READ[file] = read_table(data)
    return _READ[file].copy()


def as_it_stands(data: str | Path) -> tuple[str, int, int]:
    """A file that is another once somebody has written it: its path, the time of its last change and its size."""
    told = Path(data).stat()
    return str(data), told.st_mtime_ns, told.st_size


_READ: dict[tuple[str, int, int], pd.DataFrame] = {}
