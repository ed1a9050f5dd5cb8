"""A look at every file of the record: are its bytes still those that were stored?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from artifacts.errors import ArtifactDamaged
from artifacts.store import Store
from artifacts.types import Artifact


@dataclass(frozen=True)
class Checked:
    """How far a check has come, in files, and what is wrong with the artifacts that the last file belongs to."""

    done: int
    of: int
    damaged: tuple[ArtifactDamaged, ...] = ()


def check(store: Store) -> Iterator[Checked]:
    """Read every file through, whatever is remembered of it; one `Checked` before the first and one after each."""
    by_digest: dict[str, list[Artifact]] = {}
    for artifact in reversed(store.artifacts(limit=None)):
        by_digest.setdefault(artifact.sha256, []).append(artifact)
    yield Checked(0, len(by_digest))
    for done, uses in enumerate(by_digest.values(), 1):
        yield Checked(done, len(by_digest), tuple(_damaged(store, uses)))


def _damaged(store: Store, uses: list[Artifact]) -> Iterator[ArtifactDamaged]:
    try:
        for _ in store.pieces(uses[0]):
            pass
    except ArtifactDamaged as error:
        # One that was pruned meanwhile is no damage.
        for artifact in reversed(store.artifacts(ids=[a.id for a in uses], limit=None)):
            yield ArtifactDamaged(artifact, error.why)
