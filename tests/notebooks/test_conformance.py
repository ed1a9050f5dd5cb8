"""The engine makes of a notebook what stock papermill makes of it: each of these runs under both, and is compared."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kernel_gateway.client import Host, open_sandbox
from notebooks.nb import nbformat

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("both_engines.py")
ENGINES = ("nbclient", "gristmill")
VIOLENT = ("DeadKernelError", "CellTimeoutError")
"""Errors of the engines themselves; a notebook that ends by one has no end of its own."""


@dataclass
class Case:
    """A notebook: sources of code cells, or (source, tags), or Markdown that begins with `#md`; and files beside it."""

    cells: list[Any]
    options: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    stops: str | None = None  # the name of what is raised


VALUES = [
    "'ok'",
    '"it\'s"',
    "'a\\nb'",
    "''",
    "print('')",
    "{'a': [1, None], 'b': {'c': 1.5}}",
    "[1, 2, 3]",
    "list(range(100))",
    "None",
    "1;",
    "'€ ü 日本 \\u2028 \\x85 🐧'",
    "print('€ 日本 🐧')",
    "class Thing:\n    def __repr__(self): return '<thing>'\n    def _repr_html_(self): return '<b>thing</b>'\nThing()",
    "class Wide:\n    def _repr_mimebundle_(self, **_):\n"
    "        return {'text/plain': 'wide', 'application/x.own+json': {'a': 1}}, {'application/x.own+json': {'b': 2}}\n"
    "Wide()",
    "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "pd.Series([1.5, 2.5], name='s')",
    "import numpy as np\nnp.arange(6).reshape(2, 3)",
    "x = 3\nx",
    "_ + 1",
    "_15",
    "   ",
    "",
    "# only a comment",
    "In[1], Out[1]",
    "get_ipython().history_manager.hist_file",
    "'x' * 300_000",
    "print('x' * 100_000)",
    "x = 5; x",
    "import warnings\nwarnings.warn('careful')",
    "def f(n):\n    '''Doc.'''\n    return n\nf?",
    "%who_ls",
    "%timeit -n1 -r1 -q pass",
    "!echo shell",
    "out = !echo captured\nout",
    "import os\nos.environ.get('GRISTMILL_NOTEBOOK_OUTPUT')",
    "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "import os; os.path.basename(os.environ.get('MPLBACKEND', ''))",
    "pd.DataFrame({'a': range(100)})",
    "float('nan'), 1e-300, 10**30, {1, 2}, b'bytes', (1,)",
    "sorted(name for name in globals() if name.startswith('_') and name.count('_') < 3)",
    "import plotly.graph_objects as go\nbool(go.Figure(go.Scatter(y=[1, 2])).to_dict())",
    "%load_ext autoreload\n%precision 3\n1.23456",
    "%reset -f",
    "print('after all')",
]

DISPLAYS = [
    "from IPython.display import *\ndisplay('plain', 1, {'a': 1})",
    "display(HTML('<p>hi</p>')); display(Markdown('*hi*')); display(Latex('$x$')); display(JSON({'a': [1]}))",
    "Javascript('1')",
    'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\'))',
    "PNG = ('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')\n"
    "import base64\nImage(base64.b64decode(PNG), width=70, height=50)",
    "display({'image/png': PNG, 'text/plain': 'a pixel'}, raw=True, metadata={'image/png': {'width': 3}})",
    "GIF = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'\nImage(base64.b64decode(GIF), format='gif')",
    "display({'text/plain': 'told'}, raw=True, metadata={'key': 'value'})",
    "display({}, raw=True)",
    "display({'text/plain': ''}, raw=True)",
    "handle = display('first', display_id='one')",
    "handle.update('second')\nprint('between')",
    "update_display(HTML('<i>third</i>'), display_id='one', metadata={'of': 'three'})",
    "display('fourth', display_id='one')\ndisplay('fifth', display_id='one')",
    "update_display('nobody', display_id='none')",
    "bar = display(0, display_id=True)\nfor i in range(300):\n    bar.update(i)",
    "print('gone')\nclear_output()\nprint('stays')",
    "print('goes later')\nclear_output(wait=True)\nprint('comes')",
    "print('stays after all')\nclear_output(wait=True)",
    "for i in range(100):\n    clear_output(wait=True)\n    display(i)\n    print(i)",
    "display('cleared', display_id='two')\nclear_output()\nupdate_display('late', display_id='two')\nprint('on')",
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('a figure')",
    "fig, ax = plt.subplots()\nax.bar(['a'], [1]);",
    "for ends in [0, 1], [1, 0]:\n    plt.figure(figsize=(1, 1)); plt.plot(ends); plt.show()",
    "plt.scatter([1, 2, 3], [1, float('nan'), 3]); plt.show()",
    "import pandas as pd\npd.DataFrame({'a': [1, 4], 'b': pd.date_range('2026', periods=2)}).plot(x='b'); plt.show()",
    "%config InlineBackend.figure_formats = ['svg']\nNone",
    "fig = plt.figure(figsize=(2, 2))\nfig",
    "from PIL import Image as Pixels\nPixels.new('RGB', (2, 2)).save('made.png')",
    "Pixels.new('RGB', (2, 2))",
    "import plotly.graph_objects as go",
    "display(Code('x = 1', language='python'))",
    "display(display('nested'))",
    "ProgressBar(3)",
    "%%html\n<h1>cell</h1>",
    "%%latex\n$y$",
    "from comm import create_comm\ncreate_comm(target_name='nobody', data={'id': 'here'});",
    "create_comm(target_name='jupyter.widget', comm_id='abc', "
    "data={'state': {'_model_name': 'IntSlider', '_model_module': 'm', '_model_module_version': '1', 'value': 7}});",
]

STREAMS = [
    "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')",
    "import sys, time\nfor i in range(3):\n    print(i, end='\\r', flush=True)",
    "print('before')\n'value'",
    "print('one', end='')\nprint('two', end='')",
    "from tqdm import tqdm\nfor _ in tqdm(range(3), ncols=40, bar_format='{l_bar}{n_fmt}'):\n    pass",
    "%%capture got\nprint('kept back')\nprint('too', file=sys.stderr)",
    "got.stdout, got.stderr",
    "got()",
    "%%bash\necho out\necho err >&2",
    "%%bash --out said\necho quiet",
    "said",
    "%%script false --no-raise-error\nnothing",
    "%%writefile made.txt\nwritten",
    "open('made.txt').read()",
    "import logging\nlogging.warning('logged')",
    "sys.stdout.write('no newline')",
    "import subprocess\nsubprocess.run(['echo', 'child'], capture_output=True, text=True).stdout",
    "sys.stderr.write('\\x1b[31mred\\x1b[0m\\n');",
    "print('\\x00 \\x07 \\x08 bell')",
    "from contextlib import redirect_stdout\nimport io\nheard = io.StringIO()\n"
    "with redirect_stdout(heard):\n    print('into text')\nheard.getvalue()",
    "#md # Title",
    "#raw not code",
    "1",
    "#md papermill_description=x",
    "2",
    "#md Some *text*",
]

ERRORS = [
    "%undefined_magic",
    "1 +",
    "print('a'); undefined",
    "%%bash\necho out\nexit 3",
    "input('name? ')",
    "assert 1 == 2, 'no €'",
    "class Own(Exception):\n    def _render_traceback_(self): return ['mine']\nraise Own('x')",
    "import helper",
    "helper.fail()",
    "import json\njson.loads('{')",
    "try:\n    1 / 0\nexcept Exception as e:\n    e.add_note('noted')\n    raise KeyError('k') from e",
    "raise KeyboardInterrupt",
    "raise ExceptionGroup('two', [ValueError(1), KeyError('k')])",
    "raise SystemExit('a reason')",
    "print('still')",
]
"""Each in a cell that is expected to raise, so that one notebook has them all."""

QUITS = """
def take_time(kernel):
    later = kernel.io_loop.call_later
    kernel.io_loop.call_later = lambda seconds, *call: later(seconds + 300, *call)
"""
"""A kernel that quits stops a tenth of a second later: on a busy machine before anybody has heard of the cell's end."""

CASES = {
    "values": Case(VALUES),
    "displays": Case(DISPLAYS),
    "streams": Case(STREAMS),
    "logged": Case(
        # written at once each: a text and its end are two writes, and may be logged as one line or as two
        [r"print('a\n', end='')", "import sys\nprint('b\\n', end='', file=sys.stderr)", "1", "x = 2", "#md b"],
        {"log_output": True},
    ),
    "raises": Case(["print('a')", "def f():\n    return 1 / 0\n\nprint('so far')\nf()", "'never'"], stops="Zero"),
    "group": Case(["raise ExceptionGroup('two', [ValueError(1), KeyError('k')])", "print('never')"], stops="Papermill"),
    "cell_magic": Case(["print(1)", "%%undefined\nx", "print('never')"], stops="Papermill"),
    "errors": Case(
        [(source, ["raises-exception"]) for source in ERRORS],
        files={"helper.py": "def fail():\n    raise ValueError('here')\n"},
        stops="SystemExit",  # in papermill's end, not in nbclient's: the cells after it run
    ),
    "exit_0": Case(["import sys; print(1); sys.exit(0)", "print('never')"]),
    "exit_1": Case(["import sys; sys.exit(1)", "print('never')"], stops="SystemExit"),
    "dies": Case(["1 + 1", "import os\nos._exit(3)", "print('never')"], stops="DeadKernelError"),
    "killed": Case(["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "1"], stops="DeadKernelError"),
    "quits": Case(
        ["import helper; helper.take_time(get_ipython().kernel)", "x = 1\nquit()"], files={"helper.py": QUITS}
    ),
    "slow": Case(["1", "import time\ntime.sleep(60)", "2"], {"execution_timeout": 5}, stops="CellTimeoutError"),
    "shown_error": Case(
        ["try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()\nprint('went on')", "2"],
        stops="ZeroDivisionError",
    ),
    "tags": Case(
        [
            ("print('skipped')", ["skip-execution"]),
            "1",
            ("print('so'); raise ValueError('expected')", ["raises-exception"]),
            ("%nosuch", ["raises-exception"]),
            "2",
            ("raise ValueError('again')", ["raises-exception"]),
            ("3", ["hide-input", "own"]),
        ],
        stops="ValueError",
    ),
    "parameters": Case(
        [("n: int = 1  # how many\nwho = 'nobody'", ["parameters"]), "n, who, deep"],
        {"parameters": {"n": 3, "who": 'O\'Brien "€"', "deep": {"a": [1, None, True, 2.5]}}, "report_mode": True},
    ),
    "injected_before": Case(
        [("a = 2", ["injected-parameters"]), ("a = 1", ["parameters"]), "a"], {"parameters": {"a": 7}}
    ),
    "nowhere_to_put": Case(["#md # Title", "a, b"], {"parameters": {"a": [True, None, {"é": 1.5}], "b": 'é"\n\\'}}),
    "prepared": Case([("n = 1", ["parameters"]), "n"], {"parameters": {"n": 2}, "prepare_only": True}),
    "beside": Case(
        [
            "import helper\nhelper.rows()",
            "from tools.more import double\ndouble(4)",
            "open('data/deep/notes.txt').read()",
            "import glob\nsorted(glob.glob('*.csv'))",
            "!cat 'read me.txt'",
            "%run script.py",
            "from IPython.display import Image\nfrom pathlib import Path\n(Path('data') / 'deep').is_dir()",
            "name = 'one'\nopen(f'{name}.csv').read()",
        ],
        files={
            "helper.py": "def rows():\n    return open('one.csv').read().split()\n",
            "tools/__init__.py": "",
            "tools/more.py": "from tools.base import two\ndef double(n): return two * n\n",
            "tools/base.py": "two = 2\n",
            "data/deep/notes.txt": "notes",
            "one.csv": "a\n1\n",
            "two.csv": "a\n2\n",
            "read me.txt": "words\n",
            "script.py": "print('the script')\n",
        },
    ),
    "given": Case(
        [("%matplotlib inline\ndata = 'none'\npath = 1", ["parameters"]), "open(data).read(), path"],
        {"parameters": {"data": "far/given.csv", "path": "s3://nowhere"}},
        files={"far/given.csv": "a\n"},
    ),
    "elsewhere": Case(["open('near.txt').read()"], {"cwd": "below"}, files={"below/near.txt": "near"}),
}


@pytest.fixture(scope="module")
def folder(gateway: tuple[Host, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case, run under both engines."""
    folder = tmp_path_factory.mktemp("cases")
    for name, case in CASES.items():
        write(folder / name, case)
    assert asyncio.run(run_all(*gateway, folder)) == [0, 0]
    return folder


async def run_all(host: Host, home: Path, folder: Path) -> list[int]:
    """Run both engines at once. A sandbox is held meanwhile: a gateway that has none for a minute goes."""
    environment = {**os.environ, "GRISTMILL_HOME": str(home), "GRISTMILL_SANDBOX": "local"}
    environment.pop("MPLBACKEND", None)  # which a stock kernel takes over from whoever starts it
    sandbox = await open_sandbox(host, timeout=900)
    try:
        running = [
            await asyncio.create_subprocess_exec(sys.executable, str(DRIVER), engine, str(folder), env=environment)
            for engine in ENGINES
        ]
        return [await asyncio.wait_for(process.wait(), 540) for process in running]
    finally:
        await sandbox.kill()


def write(folder: Path, case: Case) -> None:
    v4 = nbformat.v4
    cells = []
    for place, cell in enumerate(case.cells):
        source, tags = cell if isinstance(cell, tuple) else (cell, [])
        metadata = {"tags": tags} if tags else {}
        if source.startswith("#md "):
            cells.append(v4.new_markdown_cell(source[4:], id=f"c{place}"))
        elif source.startswith("#raw "):
            cells.append(v4.new_raw_cell(source[5:], id=f"c{place}"))
        else:
            cells.append(v4.new_code_cell(source, id=f"c{place}", metadata=metadata))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    folder.mkdir()
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "in.ipynb")
    (folder / "options.json").write_text(json.dumps(case.options))
    for name, text in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("name", CASES)
def test_a_notebook_ends_under_both_engines_with_the_same_cells_and_outputs(folder: Path, name: str) -> None:
    stock, ours = (shown(folder / name / f"{engine}.ipynb") for engine in ENGINES)
    assert len(ours) == len(stock)
    for theirs, mine in zip(stock, ours, strict=True):
        if CASES[name].stops in VIOLENT:  # what such a cell has put out by then is a matter of luck
            for cell in filter(lambda one: isinstance(one, list), (theirs, mine)):
                cell[2:] = [cell[3]["papermill"]]
        assert mine == theirs


@pytest.mark.parametrize("name", CASES)
def test_a_notebook_raises_and_tells_the_same_under_both_engines(folder: Path, name: str) -> None:
    stock, ours = (json.loads((folder / name / f"{engine}.json").read_text()) for engine in ENGINES)
    stops = CASES[name].stops
    assert (stock["raised"] is None) == (stops is None)
    assert stops is None or stops in str(stock["raised"])
    if stops == "DeadKernelError":
        assert ours["raised"][0] == stops
        return
    assert plain(ours["raised"]) == plain(stock["raised"])
    for what in ("stdout", "stderr"):
        assert plain(ours[what]) == plain(stock[what])


@pytest.mark.parametrize(
    "name", [name for name in CASES if name != "displays"]
)  # nbclient warns of a comm that nobody there handles
def test_what_happens_is_logged_as_by_papermill(folder: Path, name: str) -> None:
    stock, ours = (logged(folder / name / f"{engine}.json") for engine in ENGINES)
    assert ours == stock


def shown(path: Path) -> list[Any]:
    """All that a notebook holds and that two runs have in common: first what it says of itself, then its cells."""
    notebook = nbformat.read(path, as_version=4)
    about = {**notebook.metadata, "papermill": still(notebook.metadata.papermill)}
    about["papermill"].pop("output_path")
    found: list[Any] = [about]
    for cell in notebook.cells:
        metadata = {**cell.metadata, "papermill": still(cell.metadata.get("papermill", {}))}
        if "execution" in metadata:
            metadata["execution"] = sorted(metadata["execution"])
        outputs = list[Any]()
        for output in map(dict, cell.get("outputs", [])):
            if outputs and output["output_type"] == "stream" and output["name"] == outputs[-1].get("name"):
                outputs[-1]["text"] += output["text"]  # where a stream is cut is a matter of time
            else:
                outputs.append(output)
        found.append([cell.cell_type, cell.source, cell.get("execution_count"), metadata, outputs])
    return list(json.loads(plain(found)))


def still(metadata: dict[str, Any]) -> dict[str, Any]:
    """papermill's metadata without the times."""
    return {key: value for key, value in metadata.items() if key not in ("start_time", "end_time", "duration")}


def plain(value: Any) -> str:
    """As JSON, without what no two runs have in common: addresses, processes, and where a cell's code lies."""
    text = json.dumps(value, sort_keys=True)
    text = re.sub(r"/[^\s\"'\\]*/ipykernel_\d+/\d+\.py", "<cell>", text)
    return re.sub(r"0x[0-9a-f]{6,}", "<address>", text)


def logged(path: Path) -> str:
    log = json.loads(path.read_text())["log"]
    lines = plain(re.sub(r"INFO [^\n]* \(\d+ s so far\)\n", "", log))  # said where a start takes long
    return re.sub(r"(?:nbclient|gristmill)\.ipynb", "<out>", lines)
