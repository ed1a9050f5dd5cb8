"""`gristmill review`: a notebook of one's own, its objections by cell, its outputs beside those of a fresh run."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from gristmill.cli import main
from notebooks.nb import nbformat
from tests.gristmill.door import Server

MEAN = 'import pandas as pd\nd = pd.read_csv("flowers.csv")\nprint("mean length", round(d.length.mean(), 3))\n'
LEAK = (
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.preprocessing import StandardScaler\nfrom sklearn.model_selection import train_test_split\n"
    'X = StandardScaler().fit_transform(d[["length", "weight"]])\n'
    'a, b, ya, yb = train_test_split(X, d["group"], random_state=0)\n'
    "print(round(LogisticRegression().fit(a, ya).score(b, yb), 3))\n"
)


@pytest.fixture
def written(tmp_path: Path, flowers: Path):
    """Writes a notebook beside its table: each cell is prose, or code with what it printed (None: it has not run)."""
    (tmp_path / "flowers.csv").write_bytes(flowers.read_bytes())

    def write(*cells: str | tuple[str, str | None]) -> Path:
        made = []
        for count, cell in enumerate(cells, 1):
            if isinstance(cell, str):
                made.append(nbformat.v4.new_markdown_cell(cell))
                continue
            code, printed = cell
            outputs = [] if printed is None else [nbformat.v4.new_output("stream", text=printed)]
            ran = None if printed is None else count
            made.append(nbformat.v4.new_code_cell(code, outputs=outputs, execution_count=ran))
        path = tmp_path / "mine.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=made), path)
        return path

    return write


def review(*arguments: str | Path) -> Result:
    """The command in this process; whatever it was asked, a traceback is no answer."""
    done = CliRunner().invoke(main, ["review", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_each_objection_names_its_cell_and_the_mend(server: Server, written, monkeypatch):
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    path = written("# Flowers", (MEAN, "mean length 7.005\n"), (LEAK, "1.0\n"), "The mean length is 9.87.")
    done = review(path, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["verdict"]) == (1, "fail")
    assert [(o["cell"], o["execution_count"]) for o in told["objections"]] == [(3, 3), (4, None)]
    assert "StandardScaler" in told["objections"][0]["problem"]
    assert "9.87" in told["objections"][1]["problem"]
    assert all(o["mend"] for o in told["objections"])
    assert [Path(f).name for f in told["files"]] == ["flowers.csv"], "found beside the notebook"
    page = review(path).stdout
    assert "Objected to: mine.ipynb" in page
    assert "cell 3 (In [3]): from sklearn" in page
    assert "Mend: Split first" in page


def test_good_work_passes_and_what_cannot_be_reviewed_is_said(written, tmp_path):
    path = written((MEAN, "mean length 6.998\n"), "The mean length is 7.0.")
    done = review(path, tmp_path / "flowers.csv", "--role", "target=length", "--no-rerun")
    assert (done.exit_code, done.stdout.split(":")[0]) == (0, "Passed")
    for arguments, said in {
        (path, tmp_path / "none.csv"): "There is no file",
        (tmp_path / "none.ipynb",): "There is no notebook",
        (path, "--role", "colour=length"): "There is no role 'colour'",
        (written((MEAN, None)), "--no-rerun"): "have it run with --rerun",
    }.items():
        done = review(*arguments)
        assert done.exit_code == 2, done.output
        assert said in done.output


def test_the_setting_says_whether_it_is_run_again_where_the_command_does_not(written, monkeypatch):
    monkeypatch.setenv("GRISTMILL_RERUN", "0")
    done = review(written((MEAN, None)))
    assert (done.exit_code, "holds no outputs to review" in done.output) == (2, True)
    monkeypatch.setenv("GRISTMILL_RERUN", "maybe")
    done = review(written((MEAN, "mean length 6.998\n")))
    assert (done.exit_code, "GRISTMILL_RERUN is 'maybe'" in done.output) == (2, True)


def test_run_again_it_must_put_out_the_same(server: Server, written, monkeypatch):
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    done = review(written((MEAN, None), "The mean length is 9.87."), "--json")
    told = json.loads(done.stdout)
    assert [o["cell"] for o in told["objections"]] == [2], "the fresh outputs are those that the prose is held against"

    done = review(written((MEAN, "mean length 6.123\n"), "The mean length is 6.123."), "--json")
    told = json.loads(done.stdout)
    assert [o["cell"] for o in told["objections"]] == [1]
    assert "6.123 became" in told["objections"][0]["problem"]
    assert server.json("runs", "list", "--find", "mine") == [], "a review leaves no run behind"


TWICE = (
    'import pandas as pd\nd = pd.read_csv("flowers.csv", index_col="group")\n'
    'both = d[["length"]].join(d[["weight"]])\nprint(round(both["length"].sum(), 3))\n'
)


def test_what_the_cells_did_is_seen_in_the_fresh_sandbox(server: Server, written, monkeypatch):
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    path = written((TWICE, None), ("import no_such_package_here\n", "\n"), "Both were laid side by side.")
    read_only = json.loads(review(path, "--no-rerun", "--json").stdout)
    seen = json.loads(review(path, "--json").stdout)
    assert not [o for o in read_only["objections"] if "several times" in o["problem"]]
    assert [o["cell"] for o in seen["objections"] if "several times" in o["problem"]] == [1]
    assert any("has not the packages" in remark for remark in seen["remarks"]), "no fault of the notebook's"
    assert not [o for o in seen["objections"] if o["cell"] == 2]


PLOTS = (
    'import pandas as pd\nimport matplotlib.pyplot as plt\nd = pd.read_csv("flowers.csv")\n'
    'means = d.groupby("group").length.mean()\nprint(means)\n'
    "means.plot.bar()\nplt.title(TITLE)\nplt.show()\n"
)


def test_prose_is_held_against_the_input_files(server: Server, written, tmp_path, monkeypatch):
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    table = pd.read_csv(tmp_path / "flowers.csv")
    table["group"] = table["group"].map({"a": "Gentian", "b": "Primrose"})
    table.to_csv(tmp_path / "flowers.csv", index=False)
    means = table.groupby("group")["length"].mean().sort_values()
    least, most = means.index[0], means.index[-1]

    def objected(prose: str) -> list[tuple[int, str]]:
        told = json.loads(review(written((PLOTS.replace("TITLE", repr("Mean length")), None), prose), "--json").stdout)
        return [(o["cell"], o["problem"]) for o in told["objections"]]

    assert objected(f"The mean length of {most} is {means[most]:.3f}.") == []
    wrong = objected(f"The mean length of {most} is {means[least]:.3f}.")
    assert [cell for cell, _ in wrong] == [2]
    assert f"the value of {least}, not of {most}" in wrong[0][1]
