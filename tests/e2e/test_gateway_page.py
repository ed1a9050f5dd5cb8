"""The gateway's page is executed as it stands, but for the port, and for where Jupyter's kernels are installed."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.e2e.product import BLOCK, REPOSITORY, Block, Product, environment, followed
from tests.free_port import free_port
from tests.kernel_gateway.wheels import make_wheel


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jupyterlab") is None, reason="the extra `lab` is not installed")
def test_every_block_of_the_gateway_page_does_what_it_says(product: Product, tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "cowsay", "1.0", "")
    text = (REPOSITORY / "docs" / "gateway.md").read_text().replace("3000", str(free_port()))
    text = text.replace("gristmill kernel install", f"gristmill kernel install --prefix {tmp_path / 'prefix'}")
    blocks = BLOCK.findall(text)
    names = environment(product.home) | {
        "PATH": f"{Path(sys.executable).parent}:{environment(product.home)['PATH']}",
        "JUPYTER_PATH": str(tmp_path / "prefix/share/jupyter"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
    }
    start, exports, *rest = blocks
    names |= dict(line.removeprefix("export ").split("=") for line in exports[1].splitlines())
    gateway = subprocess.Popen(
        start[1].split(), env=names, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert gateway.stdout is not None
        printed = [gateway.stdout.readline() for _ in exports[1].splitlines()]
        assert sorted(printed) == sorted(exports[1].splitlines(keepends=True))
        shown = ""
        for kind, block in rest:
            if kind == "text":
                for line in block.splitlines():
                    assert line in shown, f"the page promises {line!r}, but was shown:\n{shown}"
                continue
            shown = followed(Block(kind, block), tmp_path, names)
        assert len(rest) > 10, "the page's blocks were not found"
    finally:
        gateway.send_signal(signal.SIGINT)
        assert gateway.wait(300) == 0
        assert gateway.stdout is not None
        gateway.stdout.close()
