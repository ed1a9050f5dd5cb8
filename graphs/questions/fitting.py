"""Stub."""

from __future__ import annotations

from graphs.questions.expressions import NotComputable
from graphs.questions.query import Query
from graphs.questions.scope import Scope


def fit(query: Query, scope: Scope) -> None:
    """Stub."""
    raise NotComputable("Not yet.")
