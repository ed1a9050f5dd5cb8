"""Where an artifact comes from and what was made of it, by the parents that each artifact names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from artifacts.store import Store
from artifacts.types import Artifact


def ancestors(store: Store, artifact_id: str) -> list[Artifact]:
    """All that this artifact was made from, directly or not: nearest first. Raises NotFound."""
    return _walk(store.artifact(artifact_id), lambda level: store.artifacts(ids=_parents(level), limit=None))


def descendants(store: Store, artifact_id: str) -> list[Artifact]:
    """All that was made from this artifact, directly or not: nearest first. Raises NotFound."""
    return _walk(
        store.artifact(artifact_id), lambda level: store.artifacts(made_from=[a.id for a in level], limit=None)
    )


def _walk(origin: Artifact, step: Callable[[Sequence[Artifact]], Sequence[Artifact]]) -> list[Artifact]:
    seen, found, level = {origin.id}, list[Artifact](), [origin]
    while level:
        level = [a for a in step(level) if a.id not in seen]
        seen |= {a.id for a in level}
        found += level
    return found


def _parents(artifacts: Sequence[Artifact]) -> list[str]:
    return [parent for artifact in artifacts for parent in artifact.parents]
