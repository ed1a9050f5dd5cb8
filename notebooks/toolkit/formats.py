"""The kinds of file that hold a table: delimited text, JSON, workbooks and archives."""

import csv
import io
import json
import re
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from notebooks.toolkit.columns import is_text
from notebooks.toolkit.limits import MISSING
from notebooks.toolkit.values import COMMA_NUMBER, MONEY, POINT_NUMBER, _numbers, _point_parts_thousands


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
    """The first sheet of a workbook; `attrs["sheets"]` are the columns of each of the others."""
    try:
        book = pd.ExcelFile(io.BytesIO(raw))
    except (ValueError, KeyError, ImportError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{name} is not a table that can be read: it is no Excel workbook ({error}).") from None
    first, *others = map(str, book.sheet_names)
    df = _read_sheet(book, first, notes)
    if df is None:
        raise ValueError(f"{name} is empty: its first sheet holds nothing.")
    if others:
        notes.append(f"read the first of {len(others) + 1} sheets, {first!r}")
        heads = ((sheet, _read_sheet(book, sheet, [], 30)) for sheet in others)
        df.attrs["sheets"] = {sheet: [str(c) for c in head] for sheet, head in heads if head is not None}
    return df


def _read_sheet(book: pd.ExcelFile, name: str, notes: list[str], most: int | None = None) -> pd.DataFrame | None:
    """A sheet of a workbook, or its first rows; None where it holds nothing. The first row that is not blank is the
    header, after titles of one cell."""
    sheet = pd.read_excel(book, sheet_name=name, header=None, nrows=most, na_values=list(MISSING))
    sheet = sheet.dropna(how="all").dropna(how="all", axis=1)
    if sheet.empty:
        return None
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
    prose = sum(len(line.split()) for line in lines) / len(lines) > 5 or (even == 0 and len(lines[0].split()) > 5)
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
        raise ValueError(f"{name} is not a table: it is a few lines of prose.")
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
    cells = [MONEY.sub("", c) for row in body for c in row]
    comma = sum(bool(re.search(r",\d{1,2}$|,\d{4,}$", c) and COMMA_NUMBER.fullmatch(c)) for c in cells)
    point = sum(bool(re.search(r"\.\d{1,2}$|\.\d{4,}$", c) and POINT_NUMBER.fullmatch(c)) for c in cells)
    commas = comma > point
    columns = ([row[i].strip() for row in body if len(row) > i] for i in range(len(header)))
    parted = [i for i, some in enumerate(columns) if _point_parts_thousands(c for c in some if c not in MISSING)]
    kept: Any = str if commas else dict.fromkeys(parted, str)  # text whose marks are read below
    given: dict[str, Any] = {
        "sep": sep, "header": None if headless else 0, "names": list(range(len(header))), "index_col": False,
        "skipinitialspace": True, "on_bad_lines": "warn", "low_memory": False,
    }  # fmt: skip
    raw = text.encode()  # which pandas reads in half the time that it takes for text
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        df: pd.DataFrame = pd.read_csv(io.BytesIO(raw), dtype=kept, na_values=list(MISSING), **given)
    df = _none_as_level(df, raw, given) if b"None" in raw else df
    skipped = sum(str(w.message).count("Skipping line") for w in caught)
    if skipped:
        notes.append(f"skipped {skipped} {'line' if skipped == 1 else 'lines'} with too many fields")
    if sep != ",":
        notes.append(f"columns are separated by {'a tab' if sep == chr(9) else repr(sep)}")
    if commas:
        notes.append("numbers have a decimal comma")
        read = {c: _numbers(df[c], COMMA_NUMBER, ".", ",") for c in df.columns}
        df = pd.DataFrame(read)
        df.attrs["signs"] = [s.attrs.get("currency", "") for s in read.values()]
    if len(header) > 1 and all(re.fullmatch(r"'.+'", c.strip()) for c in header):
        header = [c.strip()[1:-1] for c in header]
        df = df.apply(lambda s: s.str.replace(r"^'(.*)'$", r"\1", regex=True) if is_text(s) else s)
    if not headless:  # blanks as pandas names them, for whoever knows the table from there
        header = [name if name.strip() else f"Unnamed: {i}" for i, name in enumerate(header)]
    df.columns = pd.Index(header)
    return df


def _none_as_level(df: pd.DataFrame, raw: bytes, given: dict[str, Any]) -> pd.DataFrame:
    """The table with "None" as it is written in columns of few words in which nothing else is missing: none, some,
    marked. In a column of many words, such as brands, it says that there is none.
    """
    few = [c for c in df if is_text(df[c]) and df[c].isna().sum() >= 3 and df[c].nunique() <= 10]
    if not few:
        return df
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        written = pd.read_csv(io.BytesIO(raw), usecols=few, dtype=str, na_filter=False, **given)
    for name in few:
        if (written.loc[df[name].isna(), name].str.strip() == "None").all():
            df[name] = df[name].fillna("None")
    return df
