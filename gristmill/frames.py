"""Whatever a caller has as a table, as files that a run can be given."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gristmill.errors import Misuse

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def files(data: Any) -> Iterator[list[Path]]:
    """The files to ask about; tables are written to a temporary folder that lives as long as the run."""
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        several = list(data) if isinstance(data, Sequence) and not isinstance(data, str | bytes) else [data]
        if not several:
            raise Misuse("There is no data: give a DataFrame, a path, or a list of these.")
        found = []
        for n, item in enumerate(several, 1):
            if isinstance(item, str | Path):
                found.append(Path(item).expanduser())
            else:
                found.append(_written(item, Path(folder), "data" if len(several) == 1 else f"data_{n}"))
        yield found


def _written(table: Any, folder: Path, name: str) -> Path:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(table, pd.Series):
        table = table.to_frame()
    if isinstance(table, pd.DataFrame):
        return _written_pandas(table, folder, name)
    if hasattr(table, "collect") and not hasattr(table, "__arrow_c_stream__"):
        table = table.collect()  # a lazy frame
    try:
        arrow = pa.table(table)
    except (TypeError, ValueError, pa.ArrowInvalid) as error:
        raise Misuse(
            f"A value of type {type(table).__name__} is not a table that can be read; "
            "give a DataFrame, a path, or a list of these."
        ) from error
    pq.write_table(arrow, folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


def _written_pandas(frame: pd.DataFrame, folder: Path, name: str) -> Path:
    import pandas as pd
    import pyarrow as pa

    if not isinstance(frame.index, pd.RangeIndex):
        clash = set(map(str, frame.index.names)) & set(map(str, frame.columns))
        frame = frame.reset_index(drop=bool(clash) or (frame.index.nlevels == 1 and frame.index.name is None))
    frame = frame.set_axis([_flat(c) for c in frame.columns], axis=1)
    try:
        if frame.columns.is_unique:
            frame.to_parquet(folder / f"{name}.parquet", index=False)
            return folder / f"{name}.parquet"
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        pass  # a column of mixed types has no Parquet type, but every table has a CSV
    frame.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


def _flat(column: object) -> str:
    parts = [str(c) for c in column if str(c)] if isinstance(column, tuple) else [str(column)]
    return re.sub(r"[\r\n]+", " ", "_".join(parts))
