"""The files that a call reads and writes, as far as its source names them."""

from __future__ import annotations

import ast

from notebooks.live import effects as known
from notebooks.live.reading.names import FILES, Value
from notebooks.live.reading.parsing import WORD, base_name, text_of
from notebooks.live.reading.scope import Scope


class Files(Scope):
    """Reads of a call which files it is about, and which names a query in a text."""

    def _names_in_texts(self, node: ast.Call) -> None:
        """A query in a text reads the names that it speaks of; of a text that is put together, nobody knows."""
        parts = [a for a in (*node.args, *(k.value for k in node.keywords))]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                words = set(WORD.findall(part.value))
                self.out.reads |= {w for w in words if w not in self.bound and not w[0].isdigit()}
            elif isinstance(part, ast.JoinedStr | ast.Name | ast.BinOp | ast.Call):
                self.out.reads.add("*")

    def _opened(self, node: ast.Call, given: Value) -> Value:
        mode = next((a for a in node.args[1:2]), next((k.value for k in node.keywords if k.arg == "mode"), None))
        text = (
            mode.value
            if isinstance(mode, ast.Constant) and isinstance(mode.value, str)
            else "r"
            if mode is None
            else "a"
        )
        path = text_of(node.args[0]) if node.args else None
        if path is None:
            self._touch(FILES)
            return Value(frozenset({FILES}), used_up=True)
        resource = f"file:{base_name(path)}"
        if any(c in text for c in "wax+"):
            self.out.writes.add(base_name(path))
            if any(c in text for c in "a+"):
                self._touch(resource)
        if "w" not in text or "+" in text:
            self.out.files.add(base_name(path))
        self.out.reads.add(FILES)
        return Value(frozenset({resource}), used_up=True)

    def _files_of(self, name: str, node: ast.Call, *, reads_any: bool = True) -> None:
        """The files that a call reads or writes, by the texts that it is given."""
        texts = [t for a in (*node.args, *(k.value for k in node.keywords)) if (t := text_of(a)) is not None]
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            texts += [t for a in node.func.value.args if (t := text_of(a)) is not None]  # Path("x.csv").read_text()
        paths = {base_name(t) for t in texts if t}
        if name in known.WRITERS or name in known.FILE_CHANGES:
            if paths:
                self.out.writes |= paths
                if name in known.FILE_CHANGES:
                    for path in paths:
                        self._touch(f"file:{path}")
            else:
                self.out.writes.add("*")
        if name in known.READERS or name in known.FILE_CHANGES:
            self.out.files |= paths
            if not paths and reads_any:
                self.out.files.add("*")
        if name in known.FOLDERS:
            self.out.files.add("*")
