"""The record as Parquet files, one for each table, with a page that says what their columns mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from artifacts.database import Database
from artifacts.tables import TABLES

_BATCH = 50_000


def write(database: Database, folder: Path) -> list[Path]:
    """Write all tables as they are at this moment, and README.md; returns the paths.

    The folder is made if need be, and files of these names in it are replaced. The same record gives the same bytes.
    Raises OSError.
    """
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with database.snapshot() as read:
        for table in TABLES:
            batches: Any = read.sql(table.ordered).to_arrow_reader(_BATCH)
            part = folder / f"{table.name}.parquet.part"
            counts[table.name] = 0
            with pq.ParquetWriter(part, batches.schema, compression="zstd") as out:
                for batch in batches:
                    out.write_batch(batch)
                    counts[table.name] += batch.num_rows
            part.replace(folder / f"{table.name}.parquet")
    (folder / "README.md").write_text(_readme(counts), encoding="utf-8")
    return [*(folder / f"{table.name}.parquet" for table in TABLES), folder / "README.md"]


def _readme(counts: dict[str, int]) -> str:
    lines = ["# The record of a Gristmill", "", "One Parquet file for each table. All times are UTC.", ""]
    for table in TABLES:
        lines += [f"## {table.name}.parquet", "", f"{table.about} {counts[table.name]:,} rows.", ""]
        lines += ["| column | what it is |", "|---|---|"]
        lines += [f"| `{name}` | {what} |" for name, what in table.columns.items()] + [""]
    return "\n".join(lines)
