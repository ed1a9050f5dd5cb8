"""Cells, contexts and what they put out, through the official SDK."""

import asyncio
import base64
import json

import httpx
import pytest
from e2b import NotFoundException, SandboxException, TimeoutException
from e2b_code_interpreter import AsyncSandbox

from kernel_gateway.inside.notebook import ASK, MIME


async def test_a_cell_streams_its_outputs_in_order(sandbox: AsyncSandbox) -> None:
    heard: list[tuple[str, str]] = []
    code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\ndisplay('shown')\n6 * 7"
    done = await sandbox.run_code(
        code,
        on_stdout=lambda m: heard.append(("out", m.line)),
        on_stderr=lambda m: heard.append(("err", m.line)),
        on_result=lambda r: heard.append(("result", r.text)),
    )
    streams, results = [one for one in heard if one[0] != "result"], [one for one in heard if one[0] == "result"]
    assert heard == streams + results
    said = {name: "".join(text for which, text in streams if which == name) for name in ("out", "err")}
    assert said == {"out": "out\n", "err": "err\n"}
    assert results == [("result", "shown"), ("result", "42")]
    assert done.text == "42"
    assert [r.is_main_result for r in done.results] == [False, True]
    assert "".join(done.logs.stdout) == "out\n"
    assert done.error is None


async def test_the_first_line_leaves_while_the_cell_runs(sandbox: AsyncSandbox) -> None:
    heard = asyncio.Event()
    code = "import os, time\nprint('now')\nwhile not os.path.exists('heard'): time.sleep(0.01)"
    cell = asyncio.create_task(sandbox.run_code(code, on_stdout=lambda m: heard.set()))
    await asyncio.wait_for(heard.wait(), 300)
    assert not cell.done()
    await sandbox.files.write("heard", "")
    assert "".join((await cell).logs.stdout) == "now\n"


async def test_variables_stay_and_executions_are_counted(sandbox: AsyncSandbox) -> None:
    first = await sandbox.run_code("kept = 41")
    second = await sandbox.run_code("kept + 1")
    assert second.text == "42"
    assert first.execution_count is not None
    assert second.execution_count == first.execution_count + 1


async def test_an_exception_is_data_without_colour(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("def f():\n    raise KeyError('no such thing')\nf()")
    assert done.error is not None
    assert (done.error.name, done.error.value) == ("KeyError", "'no such thing'")
    assert "raise KeyError" in done.error.traceback
    assert "\x1b" not in done.error.traceback


async def test_a_figure_arrives_as_png(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()")
    assert [base64.b64decode(r.png)[:8] for r in done.results if r.png] == [b"\x89PNG\r\n\x1a\n"]
    assert done.logs.stderr == []


async def test_a_figure_that_is_not_shown_arrives_all_the_same(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("import matplotlib.pyplot as plt\n_ = plt.hist([1, 1, 2])")
    assert [bool(r.png) for r in done.results] == [True]


FIGURES = {
    "line": "plt.plot([1, 2], [3, np.nan], label='a'); plt.title('T'); plt.xlabel('x (s)')",
    "scatter": "plt.scatter([1, 2], [3, 4])",
    "bar": "plt.bar(['a', 'b'], [1, 2])",
    "pie": "plt.pie([1, 3], labels=['a', 'b'])",
    "box_and_whisker": "plt.boxplot([[85, 90, 78, 92, 88], [95, 89, 76, 91, 84]], patch_artist=True)",
    "superchart": "_, both = plt.subplots(2); both[0].plot([1, 2]); both[1].bar(['a'], [3])",
    "unknown": "plt.imshow([[1, 2], [3, 4]])",
    "none, of too many points": "plt.plot(range(100_000))",
    "none, of a figure that cannot be read": "plt.plot([1]); plt.gca().get_xticks = None",
}


async def test_figures_bring_their_data(sandbox: AsyncSandbox) -> None:
    code = "import numpy as np, matplotlib.pyplot as plt\n" + "\n".join(f"{c}; plt.show()" for c in FIGURES.values())
    done = await sandbox.run_code(code)
    assert [bool(result.png) for result in done.results] == [True] * len(FIGURES)
    kinds = [result.chart.type.value if result.chart else None for result in done.results]
    assert kinds == [None if name.startswith("none") else name for name in FIGURES]
    line = done.results[0].chart
    assert (line.title, line.x_unit, line.elements[0].label) == ("T", "s", "a")
    assert [list(point) for point in line.elements[0].points] == [[1, 3], [2, None]]
    assert [element.angle for element in done.results[3].chart.elements] == [90, 270]
    assert [element.median for element in done.results[4].chart.elements] == [88, 89]
    assert done.error is None
    assert done.logs.stderr == []


async def test_an_image_that_is_shown_or_saved_appears(sandbox: AsyncSandbox) -> None:
    code = "from PIL import Image\nimage = Image.new('RGB', (2, 2))\nimage.show()\nimage.save('a.png')\nimage"
    done = await sandbox.run_code(code + "\n" + "import matplotlib.pyplot as plt\nplt.savefig('b.png'); plt.close()")
    assert [bool(result.png) for result in done.results] == [True, True]
    assert [r.png for r in (await sandbox.run_code("image.show(); image")).results] == [done.results[0].png] * 2


async def test_a_table_is_html_text_and_data(sandbox: AsyncSandbox) -> None:
    code = (
        "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', None], 'd': pd.to_datetime(['2026-01-02', None])})"
    )
    result = (await sandbox.run_code(code)).results[0]
    assert "<table" in result.html
    assert result.text.split()[:3] == ["a", "b", "d"]
    assert result.data == {"a": [1, 2], "b": ["x", None], "d": ["2026-01-02T00:00:00", None]}


async def test_rich_results_keep_their_kind(sandbox: AsyncSandbox) -> None:
    finding = {"kind": "claim", "text": "a\u2028b\x85c"}
    code = f"""
from IPython.display import SVG, HTML, Markdown, Latex
display(SVG('<svg xmlns="http://www.w3.org/2000/svg"/>'), HTML('<b>x</b>'), Markdown('*x*'), Latex('$x$'))
display({{'application/vnd.test+json': {finding!r}, 'text/plain': 'said'}}, raw=True)
display({{'application/vnd.plotly.v1+json': {{'data': [], 'layout': {{}}}}}}, raw=True)
import numpy as np
{{'a': [1, np.float64(2.5), float('nan')], 3: np.arange(2)}}"""
    results = (await sandbox.run_code(code)).results
    assert "<svg" in results[0].svg
    assert results[1].html == "<b>x</b>"
    assert results[2].markdown == "*x*"
    assert results[3].latex == "$x$"
    assert results[4].extra == {"application/vnd.test+json": finding}
    assert results[4].text == "said"
    assert results[5].extra["application/vnd.plotly.v1+json"] == {"data": [], "layout": {}}
    assert results[6].json == {"a": [1, 2.5, None], "3": [0, 1]}


async def test_line_separators_of_unicode_break_no_line(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("import sys; _ = sys.stdout.write('a\\u2028b\\x85c\\u2029d\\x0ce\\n')")
    assert done.logs.stdout == ["a\u2028b\x85c\u2029d\x0ce\n"]


@pytest.mark.parametrize("unit", ["x", "\\", '"\n', "plain text and more of it\n", "\x1b[1m\t", "ä\u2028\U0001f600"])
async def test_ten_megabytes_arrive_complete(sandbox: AsyncSandbox, unit: str) -> None:
    times = 10_000_000 // len(unit)
    done = await sandbox.run_code(f"import sys; _ = sys.stdout.write({unit!r} * {times})")
    assert "".join(done.logs.stdout) == unit * times
    assert len(done.logs.stdout) < 50
    done = await sandbox.run_code(f"_ = sys.stderr.write({unit!r} * 100_000)")
    assert ("".join(done.logs.stderr), done.logs.stdout) == (unit * 100_000, [])


async def test_thousands_of_displays_arrive_complete(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("for i in range(2_000): display(i)")
    assert [int(r.text) for r in done.results] == list(range(2_000))


async def test_input_fails_instead_of_waiting(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("input('?')")
    assert done.error is not None
    assert done.error.name == "StdinNotImplementedError"


async def test_environment_of_one_call_is_undone(sandbox: AsyncSandbox) -> None:
    read = "import os; os.environ.get('ONCE')"
    assert (await sandbox.run_code(read, envs={"ONCE": "yes"})).text == "yes"
    assert (await sandbox.run_code(read)).text is None


async def test_environment_of_the_sandbox_reaches_cells_and_commands(gateway) -> None:
    made = await AsyncSandbox.create(envs={"MINE": "kept"}, **gateway.connection)
    try:
        assert (await made.run_code("import os; os.environ['MINE']")).text == "kept"
        context = await made.create_code_context()
        assert (await made.run_code("import os; os.environ['MINE']", context=context)).text == "kept"
        assert (await made.commands.run("echo $MINE")).stdout == "kept\n"
    finally:
        await made.kill()


async def test_contexts_are_apart_and_can_be_restarted(sandbox: AsyncSandbox) -> None:
    await sandbox.files.make_dir("/home/user/elsewhere")
    await sandbox.run_code("where = 'default'")
    context = await sandbox.create_code_context(cwd="/home/user/elsewhere")
    assert (context.language, context.cwd) == ("python", "/home/user/elsewhere")
    assert (await sandbox.run_code("import os; where = os.getcwd(); where", context=context)).text == context.cwd
    assert (await sandbox.run_code("where")).text == "default"
    listed = await sandbox.list_code_contexts()
    assert (listed[0].cwd, listed[-1].id, listed[-1].cwd) == ("/home/user", context.id, context.cwd)
    await sandbox.restart_code_context(context)
    gone = await sandbox.run_code("where", context=context)
    assert gone.error is not None
    assert gone.error.name == "NameError"
    await sandbox.remove_code_context(context)
    assert context.id not in [one.id for one in await sandbox.list_code_contexts()]
    with pytest.raises(NotFoundException, match="not found"):
        await sandbox.run_code("1", context=context)


@pytest.mark.parametrize("language", ["python", "bash"])
async def test_a_context_has_its_directory_made_or_says_that_it_has_none(sandbox: AsyncSandbox, language: str) -> None:
    code = {"python": "import os; print(os.getcwd())", "bash": "pwd"}[language]
    for cwd, works_in in (("/home/user/new/deep", "/home/user/new/deep"), ("/proc/no/such", "/home/user")):
        context = await sandbox.create_code_context(cwd=cwd, language=language)
        assert context.cwd == cwd
        done = await sandbox.run_code(code, context=context)
        assert "".join(done.logs.stdout) == works_in + "\n"
        told = [] if works_in == cwd else [f"{cwd} cannot be made, so this context works in /home/user.\n"]
        assert done.logs.stderr == told
        assert (await sandbox.run_code(code, context=context)).logs.stderr == []
        await sandbox.files.remove("new")
        await sandbox.restart_code_context(context)
        assert "".join((await sandbox.run_code(code, context=context)).logs.stdout) == works_in + "\n"
        await sandbox.remove_code_context(context)


async def test_a_cell_names_its_context_or_its_language(gateway, shared_id: str, sandbox: AsyncSandbox) -> None:
    context = (await sandbox.list_code_contexts())[0]
    body = {"code": "1", "context_id": context.id, "language": "python"}
    headers = {"E2b-Sandbox-Id": shared_id, "E2b-Sandbox-Port": "49999", "X-Access-Token": sandbox._envd_access_token}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{gateway.url}/execute", json=body, headers=headers)
    assert (answer.status_code, answer.text) == (400, "Only one of context_id or language can be provided.")


async def test_a_language_without_a_kernel_is_refused(sandbox: AsyncSandbox) -> None:
    with pytest.raises(SandboxException, match="no kernel for the language 'nonesuch'"):
        await sandbox.run_code("1", language="nonesuch")
    assert (await sandbox.run_code("1", language="python")).text == "1"


@pytest.mark.parametrize("interrupt", ["signal", "message"])
async def test_a_language_of_an_installed_kernel_has_contexts_like_any_other(
    sandbox: AsyncSandbox, interrupt: str
) -> None:
    language = f"tongue{interrupt}"
    argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "x", "language": language, "interrupt_mode": interrupt, "env": {"OWN": "own"}}
    await sandbox.files.write(f".local/share/jupyter/kernels/{language}/kernel.json", json.dumps(spec))
    done = await sandbox.run_code("import os; kept = 1; os.environ['OWN']", language=language, envs={"ONCE": "1"})
    assert (done.text, done.execution_count) == ("own", 1)
    assert ["ONCE: not set" in line for line in done.logs.stderr] == [True]
    context = next(one for one in await sandbox.list_code_contexts() if one.language == language)
    with pytest.raises(TimeoutException):
        await sandbox.run_code("import time; time.sleep(60)", language=language, timeout=1)
    assert (await sandbox.run_code("kept", language=language.upper())).text == "1"
    died = await sandbox.run_code("os._exit(3)", context=context)
    assert died.error is not None
    assert "status 3" in died.error.value
    assert (await sandbox.run_code("'kept' in globals()", context=context)).text == "False"
    await sandbox.remove_code_context(context)
    assert language not in [one.language for one in await sandbox.list_code_contexts()]


ODD = """
import signal
import sys
import time
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Odd(Kernel):
    implementation, implementation_version, banner = "odd", "1", "odd"
    language_info = {"name": "odd", "mimetype": "text/x-odd", "file_extension": ".odd"}
    behind = 0  # cells that are passed over after an error, as if they had been queued behind it

    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False):
        if self.behind:
            self.behind -= 1
            return {"status": "aborted"}
        if code == "fail":
            self.send_response(self.iopub_socket, "stream", {"name": "stderr", "text": "why"})
            self.behind = 2
            return {"status": "error", "execution_count": self.execution_count}
        if code == "deaf":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
            time.sleep(600)
        if code == "ask":
            self._allow_stdin = True  # whatever it was told
            code = repr(self.raw_input("? "))
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        return {"status": "ok", "execution_count": self.execution_count}

if sys.argv[1] == "broken":
    sys.exit("nothing to run it with")
IPKernelApp.launch_instance(kernel_class=Odd, connection_file=sys.argv[1])
"""


async def write_odd(sandbox: AsyncSandbox, language: str, argument: str) -> None:
    folder = f"/home/user/.local/share/jupyter/kernels/{language}"
    spec = {"argv": ["python", f"{folder}/odd.py", argument], "display_name": "x", "language": language}
    await sandbox.files.write(f"{folder}/kernel.json", json.dumps(spec))
    await sandbox.files.write(f"{folder}/odd.py", ODD)


async def test_a_kernel_that_tells_errors_in_its_replies_alone_is_understood(fresh: AsyncSandbox) -> None:
    await write_odd(fresh, "odd", "{connection_file}")
    await write_odd(fresh, "broken", "broken")
    failed = await fresh.run_code("fail", language="odd")
    assert failed.error is not None
    assert (failed.error.name, "stderr" in failed.error.value, failed.logs.stderr) == ("Error", True, ["why"])
    assert (await fresh.run_code("after", language="odd")).logs.stdout == ["after"]
    asked = await fresh.run_code("ask", language="odd")
    assert (asked.logs.stdout, "nobody to type" in asked.logs.stderr[0]) == (["''"], True)
    with pytest.raises(SandboxException, match=r"status 1 as it started\. It said:\nnothing to run it with"):
        await fresh.create_code_context(language="broken")


@pytest.mark.slow
async def test_a_kernel_that_heeds_no_interruption_is_replaced(fresh: AsyncSandbox) -> None:
    await write_odd(fresh, "odd", "{connection_file}")
    assert (await fresh.run_code("before", language="odd")).logs.stdout == ["before"]
    deaf = asyncio.Event()
    cell = asyncio.create_task(fresh.run_code("deaf", language="odd", on_stdout=lambda message: deaf.set()))
    await deaf.wait()
    cell.cancel()
    done = await fresh.run_code("after", language="odd", timeout=300)
    assert done.logs.stdout == ["after"]
    assert "did not survive" in done.logs.stderr[0]


async def test_a_client_that_leaves_interrupts_the_cell_and_the_state_survives(sandbox: AsyncSandbox) -> None:
    ticking = asyncio.Event()
    code = "import time\nticks = 0\nwhile True:\n    ticks += 1\n    if ticks == 5: print('on')\n    time.sleep(0.01)"
    cell = asyncio.create_task(sandbox.run_code(code, on_stdout=lambda m: ticking.set()))
    await asyncio.wait_for(ticking.wait(), 300)
    cell.cancel()
    first = (await asyncio.wait_for(sandbox.run_code("ticks"), 300)).text
    assert int(first) >= 5
    assert (await sandbox.run_code("ticks")).text == first


async def test_cells_of_one_context_wait_for_each_other(sandbox: AsyncSandbox) -> None:
    begun = asyncio.Event()
    code = "print('on')\nimport time; time.sleep(0.3); order = ['slow']"
    slow = asyncio.create_task(sandbox.run_code(code, on_stdout=lambda m: begun.set()))
    await asyncio.wait_for(begun.wait(), 300)
    await sandbox.run_code("order.append('quick')")
    await slow
    assert (await sandbox.run_code("order")).results[0].json == ["slow", "quick"]


@pytest.mark.parametrize(
    ("code", "said"), [("import os; os._exit(7)", "status 7"), ("import os; os.kill(os.getpid(), 9)", "SIGKILL")]
)
async def test_a_kernel_that_dies_is_told_and_replaced(fresh: AsyncSandbox, code: str, said: str) -> None:
    await fresh.run_code("kept = 1")
    done = await asyncio.wait_for(fresh.run_code(f"print('last words', flush=True)\n{code}"), 300)
    assert done.error is not None
    assert done.error.name == "KernelDied"
    assert said in done.error.value
    again = await fresh.run_code("'kept' in globals()")
    assert again.text == "False"


async def test_hash_and_figures_are_the_same_in_every_sandbox(sandbox: AsyncSandbox, fresh: AsyncSandbox) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nhash('gristmill')"
    one, two = await sandbox.run_code(code), await fresh.run_code(code)
    assert one.text == two.text
    assert one.results[0].png == two.results[0].png


async def test_forged_kernel_messages_do_not_end_the_service(sandbox: AsyncSandbox) -> None:
    code = """
from ipykernel.kernelapp import IPKernelApp
iopub = IPKernelApp.instance().iopub_socket
iopub.send_multipart([b'junk'])
iopub.send_multipart([b'<IDS|MSG>', b'', b'{', b'[]', b'', b''])
iopub.send_multipart([b'<IDS|MSG>', b'', b'[' * 100_000, b'{}', b'{}', b'{}'])
'still here'"""
    assert (await sandbox.run_code(code)).text == "still here"
    assert (await sandbox.run_code("1 + 1")).text == "2"


async def test_deeply_nested_results_are_text_only(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("deep = []\nfor _ in range(100_000): deep = [deep]\nlen(deep)")
    assert done.text == "1"
    assert json.dumps(done.results[0].json) == "null"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("raise ExceptionGroup('two', [ValueError(1)])", "ExceptionGroup"),
        ("%undefined_magic", "UsageError"),
        ("%%undefined_magic\n1", "UsageError"),
    ],
)
async def test_an_error_that_the_kernel_tells_on_stderr_alone_fails_the_cell(
    sandbox: AsyncSandbox, code: str, name: str
) -> None:
    done = await sandbox.run_code(code)
    assert done.error is not None
    assert done.error.name == name
    assert done.logs.stderr
    assert done.results == []


async def told(sandbox: AsyncSandbox, code: str) -> tuple[list[tuple[str | None, dict]], str | None]:
    """What a client that asks is told of a cell: the text of each result and what is beside it, and the error; without
    what the last one tells of the sandbox's files, which the next test holds."""
    done = await sandbox.run_code(code, envs={ASK: "1"})
    results = [(r.text, (r.extra or {}).get(MIME, {})) for r in done.results]
    return [one for one in results if "files" not in one[1]], done.error.name if done.error else None


async def test_a_client_that_asks_is_told_of_files_and_language_at_the_end_of_a_cell(sandbox: AsyncSandbox) -> None:
    async def files(code: str) -> str:
        last = (await sandbox.run_code(code, envs={ASK: "1"})).results[-1].extra[MIME]
        assert last["language"]["name"] == "python"
        return str(last["files"])

    before = await files("1")
    assert await files("2") == before
    assert await files("open('told.txt', 'w').close()") != before
    assert await files("import os; os.remove('told.txt')") == before


async def test_a_client_that_asks_gets_what_a_notebook_keeps(sandbox: AsyncSandbox) -> None:
    assert await told(sandbox, "'ok'") == ([("'ok'", {})], None)
    shown = "from IPython.display import *\nh = display(1, display_id='one', metadata={'a': 2})\nh.update(3)"
    assert (await told(sandbox, shown))[0] == [
        ("1", {"metadata": {"a": 2}, "display_id": "one"}),
        ("3", {"update": "one"}),
    ]
    assert (await told(sandbox, "clear_output(); clear_output(wait=True)"))[0] == [
        (None, {"clear": False}),
        (None, {"clear": True}),
    ]
    results, name = await told(sandbox, "1 / 0")
    assert name == "ZeroDivisionError"
    assert "\x1b" in "".join(results[0][1]["traceback"])
    assert await told(sandbox, "%undefined_magic") == ([(None, {"status": "error", "shown": False})], "UsageError")
    results, name = await told(sandbox, "get_ipython().run_cell('1 / 0');")
    assert (results[-1][1], name) == ({"status": "ok", "shown": True}, "ZeroDivisionError")
    plain = await sandbox.run_code(f"import os\n{ASK!r} in os.environ", envs={ASK: "1"})
    assert plain.text == "False"


async def test_a_client_that_does_not_ask_gets_the_stream_of_e2b(sandbox: AsyncSandbox) -> None:
    asked = await sandbox.run_code("{'a': 1}", envs={ASK: "1"})
    assert (asked.text, asked.results[0].json) == ("{'a': 1}", None)
    code = (
        "from IPython.display import *\nh = display('x', display_id='one', metadata={'a': 2})\nh.update('y')\n{'a': 1}"
    )
    done = await sandbox.run_code(code)
    assert [(r.text, r.json, r.extra) for r in done.results] == [("x", None, None), ("{'a': 1}", {"a": 1}, None)]


async def test_a_kernel_that_ends_between_cells_is_told_to_a_client_that_asks(fresh: AsyncSandbox) -> None:
    pid = (await fresh.run_code("import os\nos.getpid()")).text
    await fresh.commands.run(f"kill -9 {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.05; done")
    assert await told(fresh, "x") == ([(None, {"died": True})], "KernelDied")
    assert await told(fresh, "1") == ([("1", {})], None)


LATE = """\
import os, sys, time
write = sys.stdout.write
def slowly(text):
    time.sleep(0.3)
    return write(text)
sys.stdout.write = slowly
os.system('echo from a process')
"""


async def test_what_a_process_writes_comes_with_its_cell_however_late_it_is_read(fresh: AsyncSandbox) -> None:
    assert "".join((await fresh.run_code(LATE)).logs.stdout) == "from a process\n"


async def test_letters_of_several_bytes_come_whole_through_a_pipe(fresh: AsyncSandbox) -> None:
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"print('x' + 'é' * 30_000)\"]); "
    assert "".join((await fresh.run_code(code)).logs.stdout) == "x" + "é" * 30_000 + "\n"


async def test_a_fork_of_the_kernel_may_flush_its_streams(fresh: AsyncSandbox) -> None:
    forked = "import os, sys\nif (pid := os.fork()) == 0:\n    sys.stdout.flush()\n    os._exit(7)\n"
    code = forked + "os.waitpid(pid, 0)[1] >> 8"
    assert (await fresh.run_code(code)).text == "7"
