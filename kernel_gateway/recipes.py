"""What an environment can be made of by one word: a name of ours for a list of packages, or a language to run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel_gateway.errors import GatewayError

# Environments that need no requirements file: what E2B's base has and ours, for its size, has not.
PACKAGES: dict[str, tuple[str, ...]] = {
    "data-science-full": ("nltk", "numba", "opencv-python-headless", "scikit-image", "spacy"),
}
LANGUAGES = ("javascript", "r", "typescript")

_SYSTEM_KERNELS = (Path("/usr/share/jupyter/kernels"), Path("/usr/local/share/jupyter/kernels"))
_R = (  # whose installer of kernelspecs calls Jupyter's command
    "R is installed on the gateway's machine, and every sandbox has it then, in each environment: "
    "`sudo apt-get install r-cran-irkernel`, then "
    f"`sudo env PATH={Path(sys.executable).parent}:$PATH Rscript -e 'IRkernel::installspec(user = FALSE)'`."
)


@dataclass(frozen=True)
class Language:
    """What an environment needs for cells of a language: `packages`, and Jupyter's kernelspecs by their names."""

    packages: tuple[str, ...]
    kernels: dict[str, dict[str, Any]]

    def write(self, stage: Path) -> None:
        """Put its kernelspecs where Jupyter looks in the environment at `stage`."""
        for name, spec in self.kernels.items():
            folder = stage / "share" / "jupyter" / "kernels" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "kernel.json").write_text(json.dumps(spec, indent=1))


_DENO = Language(
    ("deno>=2",),
    {
        "deno": {
            "argv": ["{prefix}/bin/deno", "jupyter", "--kernel", "--conn", "{connection_file}"],
            "display_name": "JavaScript and TypeScript (Deno)",
            "language": "typescript",
        }
    },
)


def language(name: str, system: tuple[Path, ...] = _SYSTEM_KERNELS) -> Language:
    """What cells of a language need, which is one of `LANGUAGES`.

    Raises `GatewayError` with the commands that install it where that is not for an environment to do.
    """
    if name in ("javascript", "typescript"):
        return _DENO
    if name not in _languages_of(system):
        raise GatewayError(_R)
    return Language((), {})


def _languages_of(folders: tuple[Path, ...]) -> Iterator[str]:
    for file in (file for folder in folders for file in folder.glob("*/kernel.json")):
        yield str(json.loads(file.read_text()).get("language", "")).lower()
