"""Values as plain JSON objects: the same shapes from `--json` and from the REST interface."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from artifacts.events import RunView


def plain(value: Any) -> Any:
    """A value as what JSON has: pydantic values and dataclasses become objects, paths and the like their text."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def view_json(view: RunView) -> dict[str, Any]:
    """A run as its events tell it; the findings in the report's order, their ranks set."""
    told: dict[str, Any] = plain(replace(view, previous=None))
    del told["previous"]
    return told | {"findings": plain(view.ranked)}
