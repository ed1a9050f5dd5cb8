"""What a cell tells whoever reads it: findings, answers, and how far a long step has come."""

from time import monotonic
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import display

from notebooks.toolkit.wording import capital

FINDING_MIME = "application/vnd.gristmill.finding+json"
ANSWER_MIME = "application/vnd.gristmill.answer+json"
PROGRESS_MIME = "application/vnd.gristmill.progress+json"
_SAMPLED: dict[str, str] = {}  # file -> of which of its rows all findings are


def report(
    type: str,
    kind: str,
    text: str,
    columns: Any = (),
    *,
    roles: dict[str, str] | None = None,
    direction: str | None = None,
    segment: str | None = None,
    effect: dict[str, Any] | None = None,
    test: dict[str, Any] | None = None,
    n: int | None = None,
    params: dict[str, Any] | None = None,
    caveats: Any = (),
    confidence: str = "medium",
    of_all_rows: bool = False,
    unit: str = "",
) -> None:
    """Say one thing: a claim, a warning, a null (tested and absent) or a descriptive finding, in one sentence.

    It is shown as text in any notebook, and read by Gristmill from its own MIME type. Numbers are kept to six
    significant digits, so that another processor's last bits do not change the record. What was found in the sample of
    a large file says so, unless it is `of_all_rows`. `unit` is that in which a person reads the effect: "pp" of a
    difference of shares, which is told in percentage points, "mm", "EUR", "days".
    """
    text = capital(text)
    caveats = [*caveats, *(f"Found in {said}." for said in _SAMPLED.values() if not of_all_rows)]
    finding = {
        "type": type,
        "kind": kind,
        "columns": [str(c) for c in columns],
        "roles": roles or {},
        "direction": direction,
        "segment": segment,
        "effect": effect,
        "test": test,
        "n": n,
        "params": params or {},
        "text": text,
        "caveats": caveats,
        "confidence": confidence,
    } | ({"unit": unit} if unit else {})
    note = f"{type.upper()} {text}" + "".join(f"\n  Caveat: {c}" for c in caveats)
    markdown = f"**{type.capitalize()}.** {text}" + "".join(f"  \n*Caveat: {c}*" for c in caveats)
    _display({FINDING_MIME: _plain(finding), "text/plain": note, "text/markdown": markdown})


def answer(
    text: str,
    values: dict[str, Any] | None = None,
    *,
    status: str = "answered",
    why: str = "",
    notes: Any = (),
    files: Any = (),
    fitted: Any = (),
    queries: Any = None,
) -> None:
    """Answer a part of the question in a sentence or two, with its values by name, each in full.

    A value is a number, a word, a truth value or a time; or a tuple of it with its unit, and with the two ends of its
    interval: `{"mean fare": 32.2, "share": (61.3, "%"), "difference": (4.1, "pp", (1.2, 7.0))}`. `status` is answered,
    partly or not_answered, and `why` says what is lacking. Where no value could be computed it is not answered.

    `fitted` are the names of values that come of a test or a fit. `queries` has, for a value that the question's own
    query does not give, the measures, groups and further conditions of one that does.
    """
    told: list[dict[str, Any]] = []
    for name, given in (values or {}).items():
        value, unit, ends = (*given, *("", None)[len(given) - 1 :]) if isinstance(given, tuple) else (given, "", None)
        more = ({"fitted": True} if name in fitted else {}) | (
            {"query": queries[name]} if name in (queries or {}) else {}
        )
        interval = ends and [_full(e) for e in ends]
        told.append({"name": name, "value": _full(value), "unit": unit, "interval": interval, **more})
    if told and all(v["value"] is None for v in told) and status == "answered":
        status, why, text = "not_answered", why or "No row that is meant has the values that this is computed from.", ""
    said = {
        "status": status,
        "text": capital(text),
        "values": told,
        "why": why,
        "notes": [note for note in notes if note],
        "files": list(files),
    }
    note = text or f"Not answered: {why}"
    _display({ANSWER_MIME: said, "text/plain": note, "text/markdown": f"**Answer.** {note}"})


def _full(value: Any) -> Any:
    """One value of an answer as JSON knows it, to twelve significant digits; NaN and what is missing are null."""
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.12g}") if np.isfinite(value) else None
    if isinstance(value, pd.Timestamp):
        return str(value.date() if value == value.normalize() else value)
    return None if value is None or value is pd.NA or value is pd.NaT else _plain(value)


def progress(what: str, done: int, of: int, unit: str = "rows") -> None:
    """Tell whoever watches how far a long step has come: at most every half second, and fifty times in all.

    It is no part of the notebook, and a reader of the notebook does not see it.
    """
    now, (then, before) = monotonic(), _TOLD_AT.get(what, (0.0, -of))
    if done == of or (now - then >= 0.5 and done - before >= of / 50):
        _TOLD_AT[what] = now, done
        _display({PROGRESS_MIME: {"what": what, "done": int(done), "of": int(of), "unit": unit}})


_TOLD_AT: dict[str, tuple[float, int]] = {}


def _display(bundle: dict[str, Any]) -> None:
    display(bundle, raw=True)  # type: ignore[no-untyped-call]


def _plain(value: Any) -> Any:
    """A value as JSON knows it: no NaN, no numpy, six significant digits."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value if value is None else str(value)
