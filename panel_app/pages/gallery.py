"""All artifacts as a gallery: pictures as themselves, everything else as what it is called, filtered as one types."""

from __future__ import annotations

import asyncio
from typing import get_args

from markupsafe import Markup

from artifacts.store import Store
from artifacts.types import Artifact, ArtifactRole
from panel_app.components.render import part, render
from panel_app.pages.base import Page
from panel_app.wire import Message, Patch, Wire

EVERY = 2.0
"""Seconds between two looks for new artifacts."""

SHOWN = 60
TILES = "components/artifacts.html"


class GalleryPage(Page):
    """Newest first, in pages of sixty. What a filter says stays with this browser tab, not with the record."""

    name = "gallery"
    nav = "/artifacts"
    title = "Artifacts"

    def __init__(self, store: Store) -> None:
        self.store = store
        self.text = ""
        self.role: ArtifactRole | None = None
        self.limit = SHOWN
        self._shown: list[Artifact] = []

    def html(self) -> Markup:
        self._shown = self._artifacts()
        found, more = self._shown[: self.limit], len(self._shown) > self.limit
        return render("pages/gallery.html", found=found, more=more, goals=self._goals(found))

    def _artifacts(self) -> list[Artifact]:
        return self.store.artifacts(role=self.role, text=self.text or None, limit=self.limit + 1)

    def _goals(self, found: list[Artifact]) -> dict[str, str]:
        """What was asked in each of the runs that made these, as files of many runs bear the same names."""
        return {run_id: self.store.run(run_id).goal for run_id in {a.run_id for a in found}}

    async def live(self, wire: Wire) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._refresh(wire)

    async def _refresh(self, wire: Wire) -> None:
        before, self._shown = self._shown, await asyncio.to_thread(self._artifacts)
        if [a.id for a in before] != [a.id for a in self._shown]:
            filtered = bool(self.text or self.role)
            more = len(self._shown) > self.limit
            found = self._shown[: self.limit]
            html = part(TILES, "tiles", found, more, filtered, await asyncio.to_thread(self._goals, found))
            wire.send([Patch(do="set", id="tiles", html=html)])

    async def act(self, wire: Wire, message: Message) -> None:
        match message:
            case {"do": "filter", "by": "text", "value": str(value)}:
                self.text, self.limit = value.strip(), SHOWN
            case {"do": "filter", "by": "role", "value": str(value)}:
                self.role, self.limit = next((r for r in get_args(ArtifactRole) if r == value), None), SHOWN
            case {"do": "more"}:
                self.limit += SHOWN
        await self._refresh(wire)
        wire.send([Patch(do="idle")])
