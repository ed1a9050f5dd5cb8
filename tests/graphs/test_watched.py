"""What the observer sees of real cells in a real shell, and what the reviewer makes of it."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from graphs.review import notebook
from graphs.review.checks import run_checks
from graphs.review.watch.observed import observed
from notebooks import observer
from notebooks.nb import nbformat


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Forty rows of each of eight guides, whose tours differ by guide; some ages are missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    rng = np.random.default_rng(0)
    guide = np.repeat(list("ABCDEFGH"), 40)
    rating = rng.normal(0, 2, 8).repeat(40) + rng.normal(0, 0.5, 320)
    frame = pd.DataFrame({"guide": guide, "style": np.where(np.isin(guide, list("ACEG")), "x", "y"), "rating": rating})
    frame["size"], frame["age"] = rng.normal(10, 2, 320), rng.normal(40, 9, 320)
    frame.loc[::9, "age"] = np.nan
    frame["rare"] = (np.arange(320) % 40 == 0).astype(int)
    frame.to_csv("tours.csv", index=False)
    return {"tours.csv": tmp_path / "tours.csv"}


@contextlib.contextmanager
def shell_of_its_own():
    """A shell that keeps no history."""
    quiet = Config()
    quiet.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=quiet)
    try:
        yield shell
    finally:
        observer.told()
        InteractiveShell.clear_instance()
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")


def reviewed(files, cells, answer):
    """Run the cells in a shell that is watched: what was seen, the objections by check, and what was put out."""
    made = []
    with shell_of_its_own() as shell:
        shell.run_cell("import pandas as pd\nd = pd.read_csv('tours.csv')", store_history=False)
        assert observer.start(shell)
        for code in cells:
            with capture_output() as captured:
                assert shell.run_cell(code, store_history=False).success, code
            outputs = [nbformat.v4.new_output("stream", text=captured.stdout)] if captured.stdout else []
            made.append(nbformat.v4.new_code_cell(code, outputs=outputs))
        told = observer.told()
    work = notebook.work_of(nbformat.v4.new_notebook(cells=made), files, answer=answer)
    work = replace(work, observed=observed(json.loads(json.dumps(told)), work.view.executions))
    objections = {r.name: [o.where for o in r.objections] for r in run_checks(work) if r.objections}
    return work.observed, objections, made


CASES = {
    "a join by an index that repeats": (
        ["both = d[['guide', 'size']].set_index('guide').join(d.set_index('guide')[['rating']])\nprint(both.shape)"],
        "The table is long.",
        "fan_out",
    ),
    "a sum of what a join repeats that was declared": (
        [
            "two = d.groupby('guide', as_index=False)['size'].sum()",
            "def wide(a, b):\n    return a.merge(b, on='guide', how='left', validate='one_to_many')\n"
            "v = wide(two, d[['guide', 'style']])\nprint(v.groupby('style')['size'].sum())",
        ],
        "There is much of it.",
        "fan_out",
    ),
    "samples of rounded values that a function of the notebook's compares": (
        [
            "from scipy import stats\nd['rating'] = d['rating'].round(1)",
            "def tell(a, b):\n    return stats.ttest_ind(a, b, equal_var=False).pvalue",
            "parts = {n: g['rating'] for n, g in d.groupby('style')}\np = tell(parts['x'], parts['y'])",
        ],
        "The styles differ significantly.",
        "repeated_units",
    ),
    "a model of dummies whose units are in another table": (
        [
            "from sklearn.model_selection import train_test_split as cut\nfrom sklearn.linear_model import Ridge",
            "d['guide_id'] = d['guide']\nx = pd.get_dummies(d[['size', 'style']]).assign(z=d['size'] ** 2)\n"
            "a, b, y, t = cut(x, d['rating'], random_state=0)\nguess = Ridge().fit(a, y).predict(b)",
        ],
        "It predicts.",
        "mixed_units",
    ),
    "rows located by what is known": (["d2 = d.loc[d['age'].notna()]"], "There is little to see.", "dropped_rows"),
    "rows that a model leaves out": (
        ["import statsmodels.api as sm\nf = sm.OLS(d['size'], sm.add_constant(d[['age']]), missing='drop').fit()"],
        "There is little to see.",
        "dropped_rows",
    ),
    "a mask under another name": (["ok = d['age'].notna()\nd2 = d[ok]"], "There is little to see.", "dropped_rows"),
    "a test that a function of the notebook's makes": (
        [
            "from scipy import stats as st\ndef tell(parts):\n    return st.mannwhitneyu(*parts).pvalue",
            "p = tell([g['rating'].to_numpy() for _, g in d.groupby('style')])\nprint(f'{p:.1e}')",
        ],
        "The styles differ significantly.",
        "repeated_units",
    ),
    "a scaler that saw the rows held back": (
        [
            "from sklearn import preprocessing as pp, linear_model as lm\nz = pp.StandardScaler()\n"
            "run = z.fit_transform\nX = run(d[['size', 'rating']].to_numpy())",
            "m = lm.Ridge().fit(X[:200], d['size'][:200])\nguess = m.predict(X[200:])",
        ],
        "It predicts.",
        "fit_before_split",
    ),
    "many tests in a function of the notebook's": (
        [
            "from scipy import stats as st\nx, y = (g for _, g in d.groupby('style'))",
            "def tell(c, k):\n    return st.mannwhitneyu(x[c] % k, y[c] % k).pvalue\n"
            "found = {(c, k): tell(c, k) for c in ('size', 'rating', 'rare') for k in (3, 5)}",
        ],
        "One of them differs significantly.",
        "multiple_testing",
    ),
    "accuracy of a rare class": (
        [
            "from sklearn.dummy import DummyClassifier as C\nm = C().fit(d[['size']], d['rare'])",
            "print(m.score(d[['size']], d['rare']))",
        ],
        "It is right in 97.5 % of cases.",
        "rare_class",
    ),
    "bars cut by a helper": (
        [
            "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.bar(['a', 'b'], [10, 11])",
            "def frame_it(where, **how):\n    where.update(how)\nframe_it(ax, ylim=(9, 12))\nfig.canvas.draw()",
        ],
        "The two differ.",
        "charts",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_no_reading_of_the_code_tells_is_seen(table, case):
    cells, answer, check = CASES[case]
    seen, objections, _ = reviewed(table, cells, answer)
    assert check in objections, seen


JOIN = "both = {left}.merge({right}, on='order'{how})\n"


@pytest.mark.parametrize(
    ("code", "ok"),
    [
        (JOIN.format(left="tables['orders.csv']", right="tables['parts.csv']", how=", validate='1:m'")
         + "print(both.groupby('town')['price'].sum())", False),
        (JOIN.format(left="d", right="pd.read_csv('parts.csv')", how=", how='inner', validate='one_to_many'")
         + "print(both['price'].sum())", False),
        (JOIN.format(left="tables['orders.csv']", right="tables['parts.csv']", how=", how='right'")
         + "print(both.agg({'price': 'sum'}))", False),
        (JOIN.format(left="d", right="tables['parts.csv']", how="") + "both['euros'] = both['price'] / 100\n"
         "print(both.groupby('town').agg(total=('euros', 'sum')))", False),
        (JOIN.format(left="tables['parts.csv']", right="d", how=", validate='m:1'")
         + "print(both.groupby('town')['part'].count())", True),
        (JOIN.format(left="d", right="tables['parts.csv'].groupby('order', as_index=False)['part'].count()", how="")
         + "print(both['price'].sum())", True),
        (JOIN.format(left="tables['parts.csv']", right="d", how=", how='left', validate='m:1'")
         + "print(both['town'].isna().sum(), both['part'].sum())", True),
        ("wide = d.assign(w=d['words'].str.split('|')).explode('w')\nprint(wide['price'].sum())", False),
        ("wide = d.assign(w=d['words'].str.split('|')).explode('w')\nprint(wide['w'].value_counts())", True),
    ],
)  # fmt: skip
def test_nothing_is_added_up_of_rows_that_a_join_or_an_explosion_repeats(table, code, ok):
    tables = {
        "orders.csv": [
            "order,price,town,words",
            *(f"{i},{i * 7 % 90},{'Ulm' if i % 3 else 'Kiel'},a|b" for i in range(60)),
        ],
        "parts.csv": ["order,part", *(f"{i % 60},{i}" for i in range(150))],
    }
    for name, rows in tables.items():
        (table["tours.csv"].parent / name).write_text("\n".join(rows))
    opening = "tables = {n: pd.read_csv(n) for n in ('orders.csv', 'parts.csv')}\nd = tables['orders.csv']"
    _, objections, _ = reviewed(table, [opening, code], "Done.")
    assert ("fan_out" not in objections) is ok


def test_rows_that_the_report_says_are_left_out_are_not_dropped_in_silence(table):
    cells = ["print(d.dropna()['rating'].mean())"]
    for answer, objects in (("They are liked.", True), ("They are liked; those of unknown age are left out.", False)):
        assert ("dropped_rows" in reviewed(table, cells, answer)[1]) is objects


def test_what_only_looks_like_a_fault_is_none(table):
    cells = [
        "whole = d.dropna(subset=['size'])",
        "import matplotlib.pyplot as plt\nlow = d['size'].min() * 0\nplt.bar(['a', 'b'], [10, 11])\nplt.ylim(low, 12)",
    ]
    seen, objections, _ = reviewed(table, cells, "Nothing differs.")
    assert not {"dropped_rows", "charts"} & set(objections)
    assert {s.kind for s in seen} >= {"dropped", "bars"}


def test_draws_of_one_measure_are_no_family_of_tests(table):
    code = "idx = np.random.default_rng(0).integers(0, 40, size=(150, 40))\nfrom scipy.stats import spearmanr\n"
    code += "boot = sorted(spearmanr(d['size'][i], d['rating'][i])[0] for i in idx)"
    _, objections, _ = reviewed(table, ["import numpy as np", code], "They go together (p = 0.02).")
    assert "multiple_testing" not in objections


def test_watching_changes_nothing_and_leaves_nothing_behind(table):
    code = "def f():\n    return pd.merge(d, d, on='no such column')\nf()"
    said = []
    for watched in (False, True):
        with shell_of_its_own() as shell, capture_output() as captured:
            assert not watched or observer.start(shell)
            shell.run_cell("import pandas as pd\nd = pd.read_csv('tours.csv')\nd.dropna().shape", store_history=False)
            names = {n for n in shell.user_ns if not n.startswith("_")}
            shell.run_cell(code, store_history=False)
        said.append((captured.stdout, captured.stderr, names))
    assert said[0] == said[1]
    assert "MergeError" in said[0][0] or "KeyError" in said[0][0]
    assert observer.told()["records"] == []


@pytest.mark.parametrize("told", [None, [], {"cells": [3]}, {"cells": ["x"], "records": [3, {"kind": "merge"}]}])
def test_what_is_told_may_be_any_json(told):
    assert observed(told, []) == ()
