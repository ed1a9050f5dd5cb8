"""Makes a tiny wheel, so that environments can be built without a network."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path


def make_wheel(
    folder: Path, name: str, version: str, code: str, requires: tuple[str, ...] = (), more: dict[str, str] | None = None
) -> Path:
    """A wheel of one module `name`, a command of the same name that calls its `main`, and `more` files by their paths.

    What is in `data` and `scripts` is installed beside the packages, as of every wheel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    needs += "".join(f"Provides-Extra: {extra}\n" for extra in re.findall(r"extra == '(\w+)'", needs))
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    for place, text in (more or {}).items():
        kind = place.partition("/")[0]
        files[f"{name}-{version}.data/{place}" if kind in ("data", "scripts") else place] = text
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for place, text in {**files, f"{info}/RECORD": record}.items():
            facts = zipfile.ZipInfo(place)
            facts.external_attr = (0o100755 if ".data/scripts/" in place else 0o100644) << 16
            wheel.writestr(facts, text)
    return path
