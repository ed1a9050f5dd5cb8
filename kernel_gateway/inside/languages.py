"""Finds the kernel of a language other than Python: Jupyter's kernelspecs, of the sandbox's environment or the system.

Looked for where Jupyter looks (`jupyter --paths`): what the machine has installed for everyone is seen inside.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel_gateway.inside.http import Refused

_ALIASES = {"js": "javascript", "node": "javascript", "nodejs": "javascript", "ts": "typescript", "ir": "r"}
_BUILD = (
    "have an environment with one made, as with `gristmill template build js --language {}`, and name it as template"
)
_INSTALL = {
    "javascript": _BUILD.format("javascript"),
    "typescript": _BUILD.format("typescript"),
    "r": "install one on the machine, as with `apt-get install r-cran-irkernel` and "
    "`Rscript -e 'IRkernel::installspec(user = FALSE)'`",
}
_INSTALL_ANY = "install a Jupyter kernel for it on the machine, with its kernelspec in /usr/local/share/jupyter/kernels"


@dataclass(frozen=True)
class KernelCommand:
    """A kernel that can be started: `argv` is its kernelspec's, with `{connection_file}` where its path belongs.

    `interrupt` is "signal", or "message" for a kernel that wants to be asked over its control channel.
    """

    name: str
    language: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    interrupt: str
    folder: str

    def command(self, connection_file: Path) -> list[str]:
        """The command line that starts the kernel with this connection file."""
        values = {"connection_file": str(connection_file), "resource_dir": self.folder, "prefix": sys.prefix}
        filled = [re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), word) for word in self.argv]
        if re.fullmatch(r"python[\d.]*", filled[0]):
            filled[0] = sys.executable  # Jupyter, too, takes a bare `python` for the one that it runs in
        return filled


def canonical(language: str) -> str:
    """The one name of a language: lower case, "javascript" for "js" and its like."""
    name = language.strip().lower()
    return _ALIASES.get(name, name)


def find_kernel(language: str) -> KernelCommand:
    """The kernel for `language`, which names a kernelspec or a language; the first by name where there are several.

    Raises `Refused(400)`, saying how to get one, where there is none. Reads files and imports Jupyter's client, 0.15 s
    the first time: call it off the event loop.
    """
    known = installed()
    wanted = [canonical(language)] + ["typescript"] * (canonical(language) == "javascript")  # whose kernels run both
    found = [one for one in known if one.name == language.strip().lower()]
    found += [one for name in wanted for one in known if one.language == name]
    if found:
        return found[0]
    there = sorted({"python", "bash", *(one.language for one in known)})
    raise Refused(
        400,
        f"This sandbox has no kernel for the language {language!r}; it has {', '.join(there)}. "
        f"To have it, {_INSTALL.get(canonical(language), _INSTALL_ANY)}.",
    )


def installed() -> list[KernelCommand]:
    """Every kernel that can be started here, by name. One that needs a provisioner is none: it runs elsewhere."""
    from jupyter_client.kernelspec import KernelSpecManager

    found = []
    for name, about in sorted(KernelSpecManager().get_all_specs().items()):
        spec = about["spec"]
        if spec["argv"] and "kernel_provisioner" not in spec["metadata"]:
            one = KernelCommand(
                name,
                canonical(spec["language"]),
                tuple(spec["argv"]),
                dict(spec["env"]),
                spec["interrupt_mode"],
                about["resource_dir"],
            )
            found.append(one)
    return found
