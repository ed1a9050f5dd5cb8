"""How large pictures are, so that a page keeps their places before they have loaded."""

from __future__ import annotations

import re

from markupsafe import Markup

from artifacts.events import RunView
from artifacts.store import Store, StoreError
from artifacts.types import Artifact

LARGEST = 30_000_000
"""Bytes of a picture that is measured; a page cannot wait for the digest of a larger one."""

_SVG = re.compile(rb"<svg\b[^>]*\bviewBox\s*=\s*[\"'][-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)", re.DOTALL)


class Pixels:
    """Measures the pictures of one run, each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Markup] = {}
        self._seen: tuple[Artifact, ...] = ()
        self._artifacts: dict[str, Artifact] = {}

    def __call__(self, artifact_id: str) -> Markup:
        """The attributes `width` and `height` of an artifact's picture; nothing where they cannot be told."""
        if artifact_id not in self._known and artifact_id in self._artifacts:
            size = self._measured(self._artifacts[artifact_id])
            self._known[artifact_id] = Markup(' width="{}" height="{}"').format(*size) if size else Markup("")
        return self._known.get(artifact_id, Markup(""))

    def of(self, view: RunView) -> Pixels:
        """The same, which knows the pictures of this view as well."""
        if view.artifacts is not self._seen:
            self._seen, self._artifacts = view.artifacts, {a.id: a for a in view.artifacts}
        return self

    def _measured(self, artifact: Artifact) -> tuple[int, int] | None:
        if not artifact.media_type.startswith("image/") or artifact.size > LARGEST:
            return None
        try:
            path = self._store.path(artifact)
            if artifact.media_type == "image/svg+xml":
                found = _SVG.search(path.read_bytes()[:65_536])
                return (round(float(found[1])), round(float(found[2]))) if found else None
            from PIL import Image  # a twentieth of a second, which a page without pictures need not pay

            with Image.open(path) as picture:
                return picture.size
        except (StoreError, OSError, ValueError):
            return None
