"""What an edit makes stale, and what runs again: by cases, and by random programs in a model of a kernel."""

from __future__ import annotations

import builtins
import random
from dataclasses import replace

import pytest

from notebooks.live.dependencies import clean, plan, stale_after
from notebooks.live.reading import Function, Names, read
from notebooks.live.state import Item
from tests.notebooks.live.programs import Notebook, edit, from_the_top, program

READS = {
    "a + 1": {"a"},
    "a = 1\na + 1": set(),
    "a += 1": {"a"},
    "[x for x in xs if x > y]": {"xs", "y"},
    "def f(x, k=d):\n    return x + outer": {"d"},  # the body counts where f is used
    "def f(): return outer\nf()": {"outer"},
    "if c:\n    z = 1\nprint(z)": {"c", "z"},
    "if c:\n    z = 1\nelse:\n    z = 2\nprint(z)": {"c"},
    "try:\n    import a as np\nexcept ImportError:\n    np = None\nnp": set(),
    "for x in xs:\n    y = x": {"xs"},
    "with open('x') as f:\n    t = f.read()\nt": set(),
    "class C:\n    k = base\n    def m(self): return other": {"base", "other"},
    "df.query('bill > @limit')": {"df", "bill", "limit"},
    "f'{a:{width}}'": {"a", "width"},
    "lambda q: q + w": {"w"},
    "%time a + 1": {"a"},
}
MUTATES = {
    "xs.append(1)": {"xs"},
    "df['x'] = 1": {"df"},
    "df.loc[0, 'x'] = 1": {"df"},
    "obj.a.b = 1": {"obj"},
    "del d['k']": {"d"},
    "df.drop(columns='x', inplace=True)": {"df"},
    "xs += [1]": {"xs"},
    "np.add(a, 1, out=b)": {"b"},
    "something(a)": {"a", "something"},
    "for row in rows:\n    row.append(1)": {"rows"},
    "[row.pop() for row in rows]": {"rows"},
    "b = a\nb.append(1)": {"a"},
    "b = a[0]\nb.append(1)": {"a"},
    "next(it)": {"it"},
}
CHANGES_NOTHING = (
    "len(xs)",
    "df.groupby('x').mean()",
    "df.drop(columns='x')",
    "print(df.head())",
    "sorted(xs)",
    "text.split(',')",
    "means = df.mean()\nmeans.round(2)",
)


def meant() -> Names:
    names = Names()
    names.origins |= {"np": "numpy", "pd": "pandas"}
    names.kinds["df"] = "frame"
    return names


@pytest.mark.parametrize("source", READS)
def test_a_cell_reads_what_it_does_not_bind_before(source: str):
    assert {n for n in read(source, meant()).reads if n[0] != "~" and not hasattr(builtins, n)} == READS[source]


@pytest.mark.parametrize("source", MUTATES)
def test_a_change_reaches_all_that_shares_what_is_changed(source: str):
    reading = read(source, meant())
    reached = set(reading.mutates)
    for _ in reading.aliases:
        reached |= {n for name, shares in reading.aliases for n in (name, *shares) if {name, *shares} & reached}
    assert MUTATES[source] <= reached


@pytest.mark.parametrize("source", CHANGES_NOTHING)
def test_what_is_known_to_change_nothing_changes_nothing(source: str):
    assert read(source, meant()).mutates == set()


@pytest.mark.parametrize(
    "source", ["exec('x = 1')", "from m import *", "globals()['x'] = 1", "!ls", "get_ipython()", "this is no Python"]
)
def test_what_cannot_be_known_is_known_to_be_so(source: str):
    assert read(source, Names()).opaque


def notebook(**cells: str) -> list[Item]:
    """Cells that ran; a cell whose name begins with `out` wrote the file `out.csv`."""
    return [
        Item(id, source, wrote=frozenset({"out.csv"} if id.startswith("out") else ())) for id, source in cells.items()
    ]


def edited(cells: list[Item], id: str, source: str) -> list[Item]:
    return [replace(c, source=source) if c.id == id else c for c in cells]


KEEPING = (
    ("def keep(a, b): a.append(b)", "keep(xs, ys)"),
    ("def keep(a, b): a[0] = b", "keep(b=ys, a=xs)"),
    ("def keep(*a): a[0].append(a[1])", "keep(xs, ys)"),
    ("def keep(a): a[0].append(a[1])", "keep([xs, ys])"),
    ("def keep(b): xs.append(b)", "keep(ys)"),
    ("def keep(b):\n    global xs\n    xs = b", "keep(ys)"),
    ("def inner(b): xs.append(b)\ndef keep(b): inner(b)", "keep(ys)"),
    ("def inner(b): pass\ndef keep(b): inner(b)", "def inner(b): xs.append(b)\nkeep(ys)"),
    ("def inner(b): pass\ndef keep(b): inner(b)", "def inner(b): xs.append(b)\ndef outer(b): keep(b)\nouter(ys)"),
    ("def keep(b, n=2):\n    if n: keep(b, n - 1)\n    else: xs.append(b)", "keep(ys)"),
    ("def keep(b): return other(b)\ndef other(b): xs.append(b)", "keep(ys)"),
    ("keep = lambda b: xs.append(b)", "keep(ys)"),
    ("def keep(b): xs.append(b)", "list(map(keep, [ys]))"),
    ("def keep(b): xs.append(b)", "sorted([ys, ys], key=keep)"),
    ("class Keeper:\n    def keep(self, b): xs.append(b)\nkeeper = Keeper()", "keeper.keep(ys)"),
    ("def keep(b, kept=[]):\n    kept.append(b)\n    return kept", "xs = keep(ys)"),
)


@pytest.mark.parametrize(("defines", "calls"), KEEPING)
def test_what_a_function_keeps_is_shared_with_where_it_keeps_it(defines: str, calls: str):
    cells = notebook(
        lists="xs = [0]\nys = [[1]]", function=defines, call=calls, change="ys.append(2)", show="print(xs)"
    )
    assert stale_after(cells, edited(cells, "change", "ys.append(3)")) == ("change", "show")


def test_a_function_changes_those_arguments_alone_that_it_is_known_to_change():
    defines = "def note(book, text, of=None):\n    book.append(len(text))\n    return len(of)"
    known = notebook(lists="book, text, of = [], [1], [2]", function=defines)
    assert clean(known).needs(Item("call", "note(book, text, of=of)")).changed == {"book"}


def test_a_function_that_calls_itself_changes_only_what_it_changes_itself():
    defines = "def plain(value):\n    return [plain(v) for v in value] if isinstance(value, list) else str(value)"
    assert clean(notebook(function=defines)).needs(Item("call", "plain(xs)")).changed == set()


ANALYSIS = notebook(
    load="import pandas as pd\nimport matplotlib.pyplot as plt\ntable = pd.read_csv('penguins.csv')",
    clean="table = table.dropna()\ntable['ratio'] = table['bill'] / table['depth']",
    means="means = table.groupby('species')['ratio'].mean()\nmeans",
    plot="fig, ax = plt.subplots()\nfor name, part in table.groupby('species'):\n    ax.scatter(part['a'], part['b'])",
    out="means.to_csv('out.csv')",
    back="print(pd.read_csv('out.csv'))",
    count="n = 0\nfor s in table['species']:\n    n += 1\nprint(n)",
)


@pytest.mark.parametrize(
    ("cell", "runs"),
    [
        ("plot", ("plot",)),
        ("count", ("count",)),
        ("means", ("means", "out", "back")),
        ("out", ("out", "back")),
        ("clean", ("load", "clean", "means", "plot", "out", "back", "count")),  # clean changes the table that load made
    ],
)
def test_an_edit_runs_what_depends_on_it_and_what_must_be_made_again_before(cell: str, runs: tuple[str, ...]):
    after = edited(ANALYSIS, cell, next(c.source for c in ANALYSIS if c.id == cell) + "\n0")
    found = plan(after, stale_after(ANALYSIS, after), clean(ANALYSIS))
    assert found.cells == runs
    assert not found.fresh


def test_a_list_that_a_cell_appends_to_is_made_again_first():
    before = notebook(a="xs = [1]", b="xs.append(2)", c="list(xs)")
    after = edited(before, "b", "xs.append(3)")
    assert stale_after(before, after) == ("b", "c")
    assert plan(after, ("b", "c"), clean(before)).cells == ("a", "b", "c")


def test_an_earlier_value_is_made_again_for_a_reader_in_between_and_the_later_one_after_it():
    before = notebook(a="x = 1", b="print(x)", c="x = 2", d="print(x)")
    after = edited(before, "b", "print(x + 1)")
    assert stale_after(before, after) == ("b",)
    assert plan(after, ("b",), clean(before)).cells == ("a", "b", "c")


def test_a_name_that_no_cell_makes_any_more_is_deleted():
    before = notebook(a="x = 1", b="y = 2")
    found = plan(before[1:], stale_after(before, before[1:]), clean(before))
    assert (found.cells, found.after) == ((), ("x",))


def test_a_file_that_no_cell_writes_any_more_is_removed_before_it_is_looked_for():
    before = notebook(out="open('out.csv', 'w').write('1')", read="open('out.csv').read()")
    found = plan(before[1:], stale_after(before, before[1:]), clean(before))
    assert found.cells == ("read",)
    assert found.drops == {"read": ("file:out.csv",)}


def test_moving_a_cell_counts_though_no_source_changes():
    before = notebook(a="x = 1", b="x = 2", c="print(x)")
    assert stale_after(before, [before[1], before[0], before[2]]) == ("c",)


def test_what_changes_a_setting_makes_everything_after_it_stale_and_needs_a_fresh_kernel():
    before = notebook(a="import pandas as pd\npd.set_option('display.precision', 2)", b="1", c="2")
    after = edited(before, "a", "import pandas as pd\npd.set_option('display.precision', 3)")
    assert stale_after(before, after) == ("a", "b", "c")
    assert plan(after, ("a", "b", "c"), clean(before)).fresh


def test_behind_a_cell_of_unknown_effect_everything_is_stale():
    before = notebook(a="exec('y = 1')", b="print(y)", c="z = 3")
    after = edited(before, "a", "exec('y = 2')")
    assert stale_after(before, after) == ("a", "b", "c")


def test_a_cell_that_failed_may_have_bound_or_not():
    ok = notebook(a="x = 1", b="x = 2", c="print(x)")
    failed = [ok[0], replace(ok[1], failed=True), ok[2]]
    after = edited(failed, "a", "x = 7")
    assert stale_after(ok, edited(ok, "a", "x = 7")) == ("a",)
    assert stale_after(failed, after) == ("a", "c")


FACTS = {
    "a change before its reader": (("xs = [1]", "xs.append(2)", "print(list(xs))"), 1, "xs.append(3)"),
    "an alias": (("a = [1]", "b = a", "b.append(2)", "print(a)"), 2, "b.append(3)"),
    "an alias of a part": (("a = {'k': [1]}", "b = a['k']", "b.append(2)", "print(a)"), 2, "b.append(3)"),
    "a value held by another": (("a = [1]\nxs = []", "xs.append(a)", "a.append(2)", "print(xs)"), 2, "a.append(3)"),
    "an alias of an object's": (
        ("class B:\n    def __init__(self, a): self.a = a", "a = [1]\nb = B(a)", "a.append(2)", "print(b.a)"),
        2,
        "a.append(3)",
    ),
    "a name that falls away": (("x = 1", "x = 2", "print(x)"), 1, "y = 2"),
    "a name that is deleted": (("x = 1", "pass", "print(x)"), 1, "del x"),
    "a walrus out of a comprehension": (("y = 0", "zs = [y := v for v in (1, 2)]", "print(y)"), 1, "zs = [1, 2]"),
    "a variable of a comprehension": (("x = 1", "[x for x in (5, 6)]", "print(x)"), 0, "x = 2"),
    "a branch that may not bind": (("z = 1\nc = 0", "if c:\n    z = 2", "print(z)"), 0, "z = 3\nc = 0"),
    "an exception's name": (("e = 1", "try:\n    1 / 0\nexcept ValueError as e:\n    pass", "print(e)"), 0, "e = 2"),
    "a body that reads late": (("def f():\n    return k", "k = 1", "print(f())"), 1, "k = 2"),
    "a default that reads early": (("k = 1", "def f(v=k):\n    return v", "k = 2", "print(f())"), 0, "k = 5"),
    "a global that is written": (("n = 0", "def f():\n    global n\n    n += 1", "f()", "print(n)"), 2, "f()\nf()"),
    "a counter of a class": (("class C:\n    n = 0", "C.n += 1", "print(C.n)"), 1, "C.n += 2"),
    "functions in a table": (
        ("k = 1\ndef f():\n    return k", "t = {'f': f}", "print(t['f']())"),
        0,
        "k = 2\ndef f():\n    return k",
    ),
    "a global of a function in a table": (
        ("k = 1", "def f():\n    return k", "t = {'f': f}", "print(t['f']())"),
        0,
        "k = 2",
    ),
    "a function that a function gives": (
        ("k = 1", "def make():\n    def inner():\n        return k\n    return inner", "g = make()", "print(g())"),
        0,
        "k = 2",
    ),
    "a function within a function": (
        ("k = 1", "def f():\n    def inner():\n        return k\n    return inner()", "print(f())"),
        0,
        "k = 2",
    ),
    "functions that a decorator keeps": (
        (
            "ALL = []\ndef keep(f):\n    ALL.append(f)\n    return f",
            "k = 1",
            "@keep\ndef f():\n    return k",
            "print([one() for one in ALL])",
        ),
        1,
        "k = 2",
    ),
    "functions that a function keeps": (
        ("ALL = []\ndef keep(f):\n    ALL.append(f)", "k = 1", "def f():\n    return k", "keep(f)", "print(ALL[0]())"),
        1,
        "k = 2",
    ),
    "a method's global": (
        ("k = 1", "class C:\n    def m(self):\n        return k", "c = C()", "print(c.m())"),
        0,
        "k = 2",
    ),
    "a half-used generator": (
        ("g = (v for v in range(9))", "print(next(g))", "print(next(g))"),
        1,
        "print(next(g), next(g))",
    ),
    "an attribute by a variable's name": (
        ("class C:\n    pass\nc = C()", "n = 'a'\nsetattr(c, n, 1)", "print(c.a)"),
        1,
        "n = 'a'\nsetattr(c, n, 2)",
    ),
    "a global that a function gives to another, which was replaced": (
        (
            "a = [1]\ndef f(p): return [p]\ndef g(): return f(a)",
            "def f(p):\n    p.append(6)\n    return p",
            "pass",
            "print(a)\nprint(g())",
        ),
        2,
        "def f(p): return 3",
    ),
    "a class that a function uses in place of a function": (
        (
            "def f(p): return [p]\ndef g(): return f(0)",
            "class f:\n    k = [6]\n    def __init__(self, p): self.k.append(1)\n    __repr__ = lambda s: str(s.k)",
            "print(g())",
        ),
        2,
        "print(g(), 1)",
    ),
    "a list that a replaced function gives away": (
        ("a = [1]\ndef f(p): return len(p)\ndef g(): return f(a)", "def f(p): return p", "x = g()", "x.append(1)", "a"),
        3,
        "x.append(2)\nprint(a)",
    ),
    "a list with the name of a builtin": (
        ("id = [1]", "def f(): return id", "x = f()", "print(id)"),
        2,
        "f().append(1)",
    ),
    "an iterator that was perhaps replaced": (
        ("a = [1, 2]\nx = iter(a)", "if not a: x = 1", "print(list(x))", "print(list(x))"),
        2,
        "print(next(x))",
    ),
    "a function in a list that was perhaps replaced": (
        ("k = 1\ndef f(): return k\nx = [f]", "if not k: x = 1", "k = 2", "print(x[0]())"),
        2,
        "k = 3",
    ),
    "a module that was perhaps replaced": (
        ("a = [1]\nimport json", "if a: json = a", "json.append(2)", "print(a)"),
        2,
        "json.append(3)",
    ),
    "a function that was perhaps replaced by a list": (
        ("def f(): pass", "if f: f = [1]", "x = f", "x.append(2)", "print(f)"),
        3,
        "x.append(3)",
    ),
    "one of two functions": (
        ("a, b = [1], [2]\nif a:\n    def f(): a.append(3)\nelse:\n    def f(): b.append(3)", "f()", "print(a)"),
        1,
        "f()\nf()",
    ),
    "an iterator that a function gives": (
        ("a = [1, 2]", "def f(p): return iter(p)", "x = f(a)", "print(list(x))", "print(list(x))"),
        3,
        "print(next(x))",
    ),
    "an iterator out of a list": (
        ("a = [1, 2]", "x = [iter(a)]", "y = x[0]", "print(list(y))", "print(list(y))"),
        3,
        "print(next(y))",
    ),
    "an iterator that a function keeps": (
        ("a = [1, 2]\nd = {}", "def f(): d['k'] = iter(a)\nf()", "print(list(d['k']))", "print(list(d['k']))"),
        2,
        "pass",
    ),
    "an iterator that is appended": (
        ("def f(x, y): x.append(y)", "a = []\nf(a, iter([1, 2]))", "y = a[0]", "print(list(y))", "print(list(y))"),
        3,
        "print(next(y))",
    ),
    "an iterator in a loop": (
        ("a = [iter([1, 2])]", "for y in a: pass", "print(list(y))", "print(list(y))"),
        2,
        "print(next(y))",
    ),
    "a seed": (("import random\nrandom.seed(1)", "print(random.random())", "print(random.random())"), 1, "pass"),
    "code in a text": (("x = 1", "exec('x = 2')", "print(x)"), 1, "exec('x = 3')"),
    "a package's part": (("import os", "import os.path", "print(os.path.join('a', 'b'))"), 0, "os = None"),
    "an error on the way": (("x = 1", "x = 2\n1 / 0", "print(x)"), 1, "1 / 0\nx = 2"),
}


@pytest.mark.parametrize("name", FACTS)
def test_what_is_easily_missed_is_seen(name: str):
    sources, place, edited_to = FACTS[name]
    cells = [(f"c{i}", source) for i, source in enumerate(sources)]
    kept = Notebook(cells)
    before = dict(kept.shown)
    cells[place] = (f"c{place}", edited_to)
    kept.become(cells)
    assert kept.shown == from_the_top(cells)
    kept.become([(f"c{i}", source) for i, source in enumerate(sources)])
    assert kept.shown == before


def test_the_same_function_in_another_cell_means_what_its_names_mean_there():
    function = "def f():\n    return load('x.csv')\nf()"
    names = meant()
    names.origins["load"] = "pandas.read_csv"
    assert read(function, names).files == {"x.csv"}
    names.origins["load"] = "math.sin"
    assert read(function, names).files == set()


def test_what_is_sorted_holds_what_is_in_it_and_not_the_function_that_orders_it():
    reading = read("found = sorted([f, g], key=lambda x: x + limit)", names := meant())
    assert "limit" in reading.reads
    names.functions |= {"f": Function(), "g": Function()} | reading.names.functions
    carried = read("found = sorted([f, g], key=lambda x: x + limit)", names).names.carried
    assert carried["found"] == {"f", "g"}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_shown_after_random_edits_is_what_a_run_from_the_top_shows(seed: int):
    r = random.Random(seed)
    cells = program(r)
    kept = Notebook(cells)
    for number in range(4):
        cells = edit(r, cells, 50 + number)
        kept.become(cells)
        assert {id: kept.shown[id] for id, _ in cells} == from_the_top(cells), cells
