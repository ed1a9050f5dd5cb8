"""One statement of SQL, carried out in a process of its own on copies of the tables: `artifacts.query` runs this file.

It holds nothing but what it was given: no other file, no network, no setting of its parent, memory up to a limit. So a
statement can read and cannot write, and the worst that it can do is to end this process.
"""

from __future__ import annotations

import csv
import json
import os
import re
import resource
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

READS = ("SELECT", "EXPLAIN")
PAGE = 2000


def main() -> None:
    """Read the request from standard input, write the answer to the file `answer` here, and tell of it as JSON."""
    asked = json.loads(sys.stdin.read())
    resource.setrlimit(resource.RLIMIT_DATA, (asked["memory"], asked["memory"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (asked["size"], asked["size"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)
    try:
        told = _answer(asked)
    except (MemoryError, duckdb.OutOfMemoryException):
        told = {"error": "memory"}
    except (duckdb.Error, pa.ArrowException, RuntimeError, ValueError) as error:
        told = {"error": _plainly(" ".join(str(error).split("\n\n")[0].split()))}
    except OSError:
        told = {"error": "size"}
    print(json.dumps(told))


def _plainly(error: str) -> str:
    """DuckDB's message; of a table that there is not, with those that there are in place of DuckDB's own guess."""
    missing = re.search(r"Table with name (.+?) does not exist", error)
    if missing is None:
        return error
    there = ", ".join(sorted(path.stem for path in Path().glob("*.arrow")))
    return f"There is no table “{missing[1]}”; the tables are {there}."


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    bounds: Any = {"threads": 2, "memory_limit": f"{asked['memory'] >> 21}MiB", "temp_directory": ""}
    with duckdb.connect(":memory:", config=bounds) as connection:
        kept = {}  # DuckDB holds what it reads from only by name
        for path in sorted(Path().glob("*.arrow")):
            kept[path.stem] = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            connection.register(path.stem, kept[path.stem])
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        statements = connection.extract_statements(asked["sql"])
        if len(statements) != 1:
            return {"error": f"Give one statement; these are {len(statements)}."}
        kind = statements[0].type.name
        if kind not in READS:
            what = "several in one; a PIVOT needs its IN (...)" if kind == "MULTI" else kind.replace("_", " ")
            return {"error": f"Only SELECT reads the record, and this is {what}."}
        found = connection.execute(statements[0])
        zoned = [name for name, type, *_ in found.description or () if "WITH TIME ZONE" in str(type)]
        if zoned and asked["format"] != "parquet":  # DuckDB reads these with a package that is not everywhere
            return {"error": f"{zoned[0]} is a time with a zone; all times here are UTC, so cast it to TIMESTAMP."}
        write = {"json": _json, "csv": _csv, "parquet": _parquet}[asked["format"]]
        rows, more = write(found, asked["rows"])
        return {"rows": rows, "more": more}


def _json(found: duckdb.DuckDBPyConnection, most: int) -> tuple[int, bool]:
    columns = [{"name": name, "type": str(kind)} for name, kind, *_ in found.description or ()]
    with open("answer", "w", encoding="utf-8") as out:
        out.write(f'{{"columns": {json.dumps(columns)}, "rows": [')
        count = more = 0
        while not more and (rows := found.fetchmany(PAGE)):
            more = count + len(rows) > most
            for row in rows[: most - count]:
                out.write(("" if count == 0 else ",") + json.dumps([_plain(v) for v in row], ensure_ascii=False))
                count += 1
        out.write(f'], "more": {json.dumps(bool(more))}}}')
    return count, bool(more)


def _csv(found: duckdb.DuckDBPyConnection, most: int) -> tuple[int, bool]:
    with open("answer", "w", encoding="utf-8", newline="") as out:
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow([name for name, *_ in found.description or ()])
        count = 0
        while rows := found.fetchmany(PAGE):
            for row in rows[: most - count]:
                lines.writerow([json.dumps(p) if isinstance(p := _plain(v), list | dict) else p for v in row])
            if count + len(rows) > most:
                return most, True
            count += len(rows)
    return count, False


def _parquet(found: duckdb.DuckDBPyConnection, most: int) -> tuple[int, bool]:
    import pyarrow.parquet as pq

    batches: Any = found.to_arrow_reader(PAGE)
    count = 0
    with pq.ParquetWriter("answer", batches.schema) as out:
        for batch in batches:
            out.write_batch(batch.slice(0, most - count))
            if count + batch.num_rows > most:
                return most, True
            count += batch.num_rows
    return count, False


def _plain(value: Any) -> Any:
    """A value as JSON has it: no NaN, times in ISO form, bytes in hex."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if value - value == 0 else None
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case list() | tuple():
            return [_plain(v) for v in value]
        case dict():
            return {str(k): _plain(v) for k, v in value.items()}
    return str(value)


if __name__ == "__main__":
    main()
