"""The client of a kernel: it hears one that does not greet it, and gives up one that says nothing."""

import asyncio
import sys
from pathlib import Path

import pytest
import zmq
from ipykernel.displayhook import ZMQShellDisplayHook
from IPython.core.inputtransformer2 import HelpEnd, TransformerManager

from kernel_gateway.inside import kernels
from kernel_gateway.inside.jupyter import Incoming, Malformed
from kernel_gateway.inside.kernel import DisplayHook, Transformers
from kernel_gateway.inside.kernels import Kernel, KernelSilent
from kernel_gateway.inside.launch import Connection, Launched, launch_command

ROOT = Path(kernels.__file__).resolve().parents[2]


async def test_a_kernel_that_misses_its_subscriber_is_heard_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "_ASK_AGAIN_SECONDS", 0.2)
    context = zmq.Context()
    kernel = Kernel(unforked(tmp_path), context)
    unpack = kernel._wire.unpack

    def without_greeting(frames: list[bytes]) -> Incoming:
        message = unpack(frames)
        if message.kind == "iopub_welcome" or not message.parent:
            raise Malformed("lost on the way")
        return message

    monkeypatch.setattr(kernel._wire, "unpack", without_greeting)
    try:
        await kernel.ready()
        cell = await kernel.start_cell("print(6 * 7)", {})
        heard = ""
        while "42\n" not in heard:
            heard += "".join([message.content.get("text", "") for message in await asyncio.wait_for(cell.next(), 300)])
    finally:
        await kernel.close()
        context.term()


async def test_a_kernel_that_says_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_START_SECONDS", 0.3)
    context = zmq.Context()
    kernel = Kernel(mute(tmp_path), context)
    try:
        with pytest.raises(KernelSilent, match="did not start"):
            await kernel.ready()
        assert not kernel.alive
    finally:
        await kernel.close()
        context.term()


SPECIAL = (
    *(
        "%time x",
        "  %time x",
        "a = %magic b",
        "a = \\\n%magic b",
        "a =!ls",
        "!ls",
        "!!ls",
        "x?",
        "x??",
        "?x",
        "x.y?  \n",
    ),
    *(
        "/f a",
        ",f a b",
        ";f a b",
        "%%bash\nls?\n",
        "if a:\n    %cd /\n    b = !ls\nc?",
        ">>> 1\n>>> %who",
        "In [1]: !ls",
    ),
    *(
        "print('a?')",
        '"""\n%text\n"""',
        "a = '%d' % 1",
        "a %= 2",
        "f(\n%a\n)",
        "a != b",
        "  1\n  2",
        "?",
        "a = ?",
        "(x?",
    ),
)


@pytest.mark.parametrize("cell", SPECIAL)
def test_a_cell_is_read_as_ipython_reads_it(cell: str) -> None:
    assert Transformers().transform_cell(cell) == TransformerManager().transform_cell(cell)


@pytest.mark.parametrize(
    "cell", ["1;", "1 ; # why", "1;\n\n # a\n", "1\n# a;", "';'", "1 # ;", '"""\n;\n# """', "1;\n2", "# ;", ""]
)
def test_a_semicolon_silences_a_cell_as_in_ipython(cell: str) -> None:
    stock = ZMQShellDisplayHook.semicolon_at_end_of_expression
    assert bool(DisplayHook.semicolon_at_end_of_expression(cell)) == bool(stock(cell))


def test_what_is_plain_python_is_not_read_word_by_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def tokens(lines: list[str]) -> None:
        raise AssertionError(lines)

    monkeypatch.setattr("IPython.core.inputtransformer2.make_tokens_by_line", tokens)
    plain = "def f(a):\n    return a % 2 == 0 if a else '50 %?'\n"
    reader = Transformers()
    assert reader.transform_cell(plain) == plain
    reader.token_transformers.append(HelpEnd)  # a user's own may look for anything
    with pytest.raises(AssertionError):
        reader.transform_cell(plain)


def unforked(directory: Path) -> Launched:
    connection = Connection.make(directory)
    run = f"from kernel_gateway.inside.kernel import main; main({str(connection.file)!r})"
    return launch_command(connection, [sys.executable, "-c", run], str(ROOT), {})


def mute(directory: Path) -> Launched:
    """A process in a kernel's place that never opens a socket."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    return launch_command(Connection.make(directory), command, str(directory), {})
