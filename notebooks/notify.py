"""Tells people what came of a schedule, by mail, webhook or chat, through Apprise.

Targets are named in a file of the operator's. A schedule holds names only, so that no address and no password is in the
record, and nobody who may add a schedule can have this machine send to an address of their choice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from artifacts.types import Fire, Schedule
from notebooks.cron import local_time
from notebooks.errors import NotifyError

_LONG = 300
"""Characters of the sentence that is quoted."""


def read_targets(path: Path) -> dict[str, str]:
    """The targets by their names; none where there is no file. Raises NotifyError for a file that cannot be used.

    No message holds anything of what the file says.
    """
    import yaml  # which takes a while to load, and few have targets

    try:
        if path.stat().st_mode & 0o077:
            raise NotifyError(f"{path} holds passwords and other people may read it; set it right with chmod 600.")
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise NotifyError(f"{path} cannot be read as YAML; it has a line `name: URL` for each target.") from None
    told = told or {}
    if not isinstance(told, dict) or not all(isinstance(x, str) for pair in told.items() for x in pair):
        raise NotifyError(f"{path} has something else than lines `name: URL`; mend that.")
    return dict(told)


def check_targets(path: Path, names: Iterable[str]) -> None:
    """Raises NotifyError, which says what to do, for a name that is no target, or without Apprise."""
    names = tuple(names)
    if not names:
        return
    known = read_targets(path)
    for name in names:
        if "://" in name:
            raise NotifyError(f"Name a target, not a URL, which may hold a password: put `name: URL` into {path}.")
        if name not in known:
            there = f"it has {', '.join(sorted(known))}" if known else "it has none yet"
            raise NotifyError(f"There is no target {name!r} in {path} ({there}); add a line `{name}: URL` there.")
        _server(name, known[name])


def message(schedule: Schedule, fire: Fire, answer: str, base_url: str) -> tuple[str, str]:
    """Title and text: which schedule, what came of it, the answer's first sentence or the error, where the run is."""
    outcome = fire.outcome or "ended"
    what = " ".join((schedule.goal or f"notebook {schedule.template}").split())
    due = local_time(fire.due, schedule.timezone)
    tries = f" after {len(fire.attempts)} attempts" if len(fire.attempts) > 1 else ""
    lines = [f"{what}", f"Due {due} ({schedule.timezone}): {outcome}{tries}."]
    said = first_sentence(answer) if outcome == "done" else fire.reason
    lines += [said] if said else []
    if fire.run_id:
        lines.append(f"{base_url}/runs/{fire.run_id} or `gristmill runs show {fire.run_id}`")
    else:
        lines.append(f"`gristmill schedule show {schedule.id}` tells more.")
    return f"Gristmill: {what[:80]}: {outcome}", "\n".join(lines)


def first_sentence(text: str) -> str:
    """The first sentence of a Markdown text, on one line and not over 300 characters."""
    line = next((line.strip(" #*->\t") for line in text.splitlines() if line.strip(" #*->\t")), "")
    plain = re.sub(r"\*\*|`", "", line)
    found = re.match(r".+?[.!?](?=\s+[^\sa-z]|$)", plain)
    sentence = found[0] if found else plain
    return sentence if len(sentence) <= _LONG else sentence[: _LONG - 1].rstrip() + "…"


def send(path: Path, name: str, title: str, text: str, *, failed: bool = False) -> None:
    """Tell one target of a success, or of what `failed`, which many show in another colour.

    Blocks, for seconds where nobody answers. Raises NotifyError, which quotes no address.
    """
    known = read_targets(path)
    if name not in known:
        raise NotifyError(f"There is no target {name!r} in {path} any more.")
    server = _server(name, known[name])
    with _overheard() as codes:
        try:
            sent = server.notify(
                body=text, title=title, body_format="text", notify_type="failure" if failed else "success"
            )  # escaped where HTML is sent
        except Exception as error:  # noqa: BLE001  # whatever a plug-in raises may quote its address
            raise NotifyError(
                f"The notice to {name!r} failed ({type(error).__name__}); look at its line in {path}."
            ) from None
    if not sent:
        why = f"was refused with status {codes[-1]}" if codes else "did not go through"
        raise NotifyError(f"The notice to {name!r} {why}; look at its line in {path}.")


def _server(name: str, url: str) -> Any:
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError:
        raise NotifyError("Notices need Apprise; install it with `pip install gristmill[notify]`.") from None
    # What is sent goes where the operator's line says, and not where an answer points.
    asset = AppriseAsset(app_id="Gristmill", app_desc="Gristmill", http_redirects=False, async_mode=False)
    server = Apprise(asset=asset)
    with _overheard():
        known = server.add(url)
    if not known:
        raise NotifyError(f"The URL of the target {name!r} is none that Apprise knows; mend its line.")
    return server


class _Codes(logging.Handler):
    """Keeps the HTTP statuses that this context's attempt was answered with; the lines themselves may hold secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        found = _answered.get()
        if found is not None:
            found += re.findall(r"error=(\d{3})\b", record.getMessage())


_answered: ContextVar[list[str] | None] = ContextVar("answered", default=None)
_codes = _Codes()


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Keep what Apprise logs, addresses among it, out of our own log; yields the statuses that it was answered with."""
    log, codes = logging.getLogger("apprise"), list[str]()
    log.propagate = False
    log.addHandler(_codes)  # a second time does nothing
    token = _answered.set(codes)
    try:
        yield codes
    finally:
        _answered.reset(token)
