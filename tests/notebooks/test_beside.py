"""Which files come along with a notebook: what its code names, wherever it says so, and no more than is sensible."""

from __future__ import annotations

from pathlib import Path

import pytest

from notebooks import beside as room
from notebooks.beside import beside
from notebooks.nb import nbformat

FILES = (
    "helper.py",
    "deep.py",
    "package/__init__.py",
    "package/part.py",
    "package/table.json",
    "package/__pycache__/part.pyc",
    "one.csv",
    "two.csv",
    "notes.txt",
    "data/a.txt",
    "data/below/b.txt",
    "data/.hidden",
    ".env",
    "unnamed.bin",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "helper.py").write_text("import deep\n")
    (folder / "deep.py").write_text("open('notes.txt')\n")
    return folder


def taken(folder: Path, *cells: str) -> set[str]:
    v4 = nbformat.v4
    return set(beside(v4.new_notebook(cells=[v4.new_code_cell(c) for c in cells]), [folder]).files)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("open('one.csv')", {"one.csv"}),
        ('pd.read_csv("./one.csv")', {"one.csv"}),
        ("import numpy, helper", {"helper.py", "deep.py", "notes.txt"}),
        ("from package.part import x", {"package/__init__.py", "package/part.py", "package/table.json"}),
        ("glob('*.csv')", {"one.csv", "two.csv"}),
        ("name = 'one'\nopen(f'{name}.csv')", {"one.csv", "two.csv"}),
        ("Path('data') / 'a.txt'", {"data/a.txt", "data/below/b.txt"}),
        ("glob('data/**/*.txt', recursive=True)", {"data/a.txt", "data/below/b.txt"}),
        ("os.listdir()", {n for n in FILES if "/" not in n and not n.startswith(".")}),
        ("sorted(glob('*'))", {n for n in FILES if "/" not in n and not n.startswith(".")}),
        ("!cat notes.txt | wc -l", {"notes.txt"}),
        ("lines = !cat notes.txt", {"notes.txt"}),
        ("%run helper.py", {"helper.py", "deep.py", "notes.txt"}),
        ("%%bash\nwc -l < notes.txt", {"notes.txt"}),
        ("dotenv('.env')", {".env"}),
        ("open('../outside.txt'); open('/etc/hostname'); ', '.join('*'); ''; '\\0'; 'x' * 3", set[str]()),
        ("# one\nprint('nothing of this')", set[str]()),
    ],
)
def test_what_the_code_names_comes_along(folder: Path, code: str, names: set[str]) -> None:
    (folder.parent / "outside.txt").write_text("")
    assert taken(folder, code) == names


def test_text_that_is_not_code_takes_nothing_along(folder: Path) -> None:
    v4 = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("`'one.csv'`"), v4.new_raw_cell("'two.csv'")])
    assert beside(notebook, [folder]).files == {}


def test_of_a_name_in_two_folders_the_first_ones_is_taken(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("one.csv", "only.csv"):
        (other / name).write_text("")
    v4 = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell("'one.csv', 'only.csv'")])
    assert beside(notebook, [folder, other]).files == {"one.csv": folder / "one.csv", "only.csv": other / "only.csv"}


def test_what_is_too_much_stays_and_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_FILES", 1)
    monkeypatch.setattr(room, "MAX_FILE", 2 * 2**20)
    with (folder / "unnamed.bin").open("wb") as file:
        file.truncate(3 * 2**20)
    v4 = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell("'one.csv', 'unnamed.bin', 'two.csv'")])
    found = beside(notebook, [folder])
    assert list(found.files) == ["one.csv"]
    assert found.left_out == ["unnamed.bin is larger than 2 MB.", "two.csv would be more than 1 files or 200 MB."]


def test_a_folder_that_is_only_written_into_is_told_as_well(folder: Path) -> None:
    (folder / "out" / "deep").mkdir(parents=True)
    v4 = nbformat.v4
    for code in ("open('out/deep/r.csv', 'w')", "df.to_csv(f'./out/deep/{name}.csv')", "!cp a.csv out/deep/"):
        found = beside(v4.new_notebook(cells=[v4.new_code_cell(code)]), [folder])
        assert "out/deep" in found.folders, code
        assert not any(name.startswith("out") for name in found.files)
    elsewhere = v4.new_code_cell("open('nosuch/r.csv'), open('../out/r.csv'), open('plain.csv')")
    assert beside(v4.new_notebook(cells=[elsewhere]), [folder]).folders == []
