"""statsmodels in a kernel: without polars as long as nobody uses that, and with it from then on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAITS = "from kernel_gateway.inside.late import let_polars_wait; let_polars_wait(); let_polars_wait(); import sys; "
KNOWS = "import statsmodels.tools.data as d; "
TELL = "print('polars' in sys.modules, [one.__module__.partition('.')[0] for one in d._POLARS_TYPES])"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (KNOWS, "False []"),
        (KNOWS + "import polars; ", "True ['polars', 'polars']"),
        ("import polars; " + KNOWS, "True ['polars', 'polars']"),
        ("import importlib.util as u; u.find_spec('polars'); " + KNOWS, "False []"),
        (KNOWS + "import importlib.util as u; u.find_spec('polars'); import polars; ", "True ['polars', 'polars']"),
    ],
)
def test_polars_comes_when_it_is_asked_for_and_statsmodels_knows_it_then(code: str, told: str) -> None:
    assert python(WAITS + code + TELL) == told


def test_a_table_of_polars_is_one_for_statsmodels_whichever_came_first() -> None:
    use = KNOWS + "import polars as pl; print(type(d._to_pandas(pl.DataFrame({'a': [1]}))).__module__)"
    assert python(use) == python(WAITS + use) == "pandas"


def test_a_statsmodels_that_does_it_in_another_way_is_imported_as_it_is(tmp_path: Path) -> None:
    for name, text in {
        "statsmodels/__init__.py": "",
        "statsmodels/tools/__init__.py": "",
        "statsmodels/tools/data.py": "import polars\nmine = polars.Series\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert python(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); " + WAITS + KNOWS + "print(d.mine)").startswith(
        "<class 'polars."
    )


def test_without_polars_there_is_none() -> None:
    missing = "import sys; sys.modules['polars'] = None; "
    assert python(missing + WAITS + KNOWS + "print(d._POLARS_TYPES)") == "()"


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
