"""One artifact: what it looks like, where it comes from, what became of it, and the bytes themselves."""

from __future__ import annotations

import asyncio

from markupsafe import Markup

from artifacts.errors import NotFound
from artifacts.lineage import ancestors, descendants
from artifacts.store import Store
from artifacts.types import Artifact
from panel_app.components.preview import WHOLE, preview
from panel_app.components.render import render
from panel_app.pages.base import Page, Sorry
from panel_app.wire import Patch, Wire

_COMING = Markup('<p class="empty" role="status">Its bytes are being checked.</p>')


class ArtifactPage(Page):
    """An artifact never changes, so its page is drawn once; the preview of a large file follows when it is checked."""

    name = "artifact"
    nav = "/artifacts"

    def __init__(self, store: Store, artifact: Artifact) -> None:
        self.store = store
        self.artifact = artifact
        self.title = artifact.name
        self._large = artifact.size > WHOLE

    def html(self) -> Markup:
        view = self.store.view(self.artifact.run_id)
        cell = next((x for x in view.executions if x.id == self.artifact.execution_id), None)
        origins = ancestors(self.store, self.artifact.id)
        if not origins and cell is not None:
            # A cell works on what the run was asked of, unless the record knows more exactly.
            origins = [a for a in view.artifacts if a.role == "input"]
        return render(
            "pages/artifact.html",
            artifact=self.artifact,
            run=view.run,
            cell=cell,
            origins=origins,
            uses=descendants(self.store, self.artifact.id),
            preview=_COMING if self._large else preview(self.store, self.artifact),
        )

    async def live(self, wire: Wire) -> None:
        if self._large:
            html = await asyncio.to_thread(preview, self.store, self.artifact)
            wire.send([Patch(do="set", id="preview", html=html)])


def artifact_page(store: Store, artifact_id: str) -> Page:
    """The page of this artifact, or one that says which are near."""
    try:
        return ArtifactPage(store, store.artifact(artifact_id))
    except NotFound as error:
        return Sorry("This artifact is not here", str(error), "/artifacts")
