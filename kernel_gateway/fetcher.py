"""Reads the package index that this machine's pip is configured for: a process of its own, which runs nothing it gets.

Lines of JSON on standard input and output; see `wheels.py`, which asks. `{"id", "list": NAME}` is answered by
`{"id", "files"}`; `{"id", "fetch": URL, "file", "most", "sha256"}` by `{"id", "size"}` when it begins, `{"id", "have"}`
as it grows, and `{"id", "done"}`. Either may be answered by `{"id", "error"}`, a sentence.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import platform
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit

from pip._internal.commands import create_command
from pip._internal.exceptions import NetworkConnectionError
from pip._internal.index.collector import LinkCollector, _get_simple_response, _make_index_content, parse_links
from pip._internal.models.link import Link
from pip._vendor.packaging.utils import InvalidWheelFilename, parse_wheel_filename

_THREADS = 4
_BLOCK = 1 << 20
_STILL_THERE = 404, 410  # an index that answers so has not the package
_UNREACHABLE = (
    "The package index of the gateway's machine cannot be reached; `pip config list` there shows which one that is."
)

_own = threading.local()
_speaking = threading.Lock()


def main() -> None:
    """Answer until standard input ends."""
    logging.disable(logging.CRITICAL)  # pip's, about what an index lacks
    with ThreadPoolExecutor(_THREADS) as pool:
        for line in sys.stdin:
            pool.submit(_serve, json.loads(line))
    os._exit(0)  # nobody waits for a download any more


def _serve(asked: dict[str, Any]) -> None:
    try:
        if "list" in asked:
            _say(asked, files=_list(asked["list"]))
        else:
            _fetch(asked)
            _say(asked, done=True)
    except _Trouble as trouble:
        _say(asked, error=str(trouble))
    except Exception as error:  # noqa: BLE001 - whoever asked is waiting for an answer
        _say(asked, error=f"The package index could not be read ({type(error).__name__}).")


class _Trouble(Exception):
    """A sentence for who asked, which names no address: it may hold a password of the operator's."""


def _say(asked: dict[str, Any], **told: Any) -> None:
    with _speaking:
        sys.stdout.write(json.dumps({"id": asked["id"], **told}) + "\n")
        sys.stdout.flush()


def _collector() -> LinkCollector:
    """What this thread reads the index with, as `pip download` would be configured to."""
    if not hasattr(_own, "collector"):
        command = create_command("download")
        options, _ = command.parse_args(["--no-input", "--retries", "1", "--timeout", "20", "-"])
        with command.main_context():
            session = command._build_session(options, retries=options.retries, timeout=options.timeout)
        _own.collector = LinkCollector.create(session, options=options)
    return _own.collector


def _list(name: str) -> list[dict[str, Any]]:
    """Every wheel of a package that could fit this machine, whatever its Python; raises `_Trouble`."""
    collector, answered, silent = _collector(), 0, 0

    def read(link: Link) -> list[Link]:
        nonlocal answered, silent
        try:
            if link.is_file:
                page = collector.fetch_response(link)
            else:
                page = _make_index_content(_get_simple_response(link.url_without_fragment, collector.session))
        except NetworkConnectionError as refused:
            there = refused.response is not None and refused.response.status_code in _STILL_THERE
            answered, silent = answered + there, silent + (not there)
            return []
        except Exception:  # noqa: BLE001 - requests' and pip's own, by version
            silent += 1
            return []
        answered += 1
        return list(parse_links(page)) if page is not None else []

    sources = collector.collect_sources(project_name=name, candidates_from_page=read)
    found: dict[str, dict[str, Any]] = {}
    for source in itertools.chain(*sources):
        for link in () if source is None else (*source.page_candidates(), *source.file_links()):
            if _fits(link.filename, name):
                found.setdefault(link.filename, _facts(link))
    if silent and not answered and not found:
        raise _Trouble(_UNREACHABLE)
    return list(found.values())


def _fits(filename: str, name: str) -> bool:
    try:
        package, _, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, ValueError):
        return False
    machine = f"_{platform.machine()}"
    places = {tag.platform for tag in tags}
    return package == name and any(place == "any" or ("linux" in place and place.endswith(machine)) for place in places)


def _facts(link: Link) -> dict[str, Any]:
    """A file as in PEP 691, its `url` being the operator's, and a `mark` that changes when a local one does."""
    url, mark = link.url_without_fragment, ""
    if link.is_file:
        facts = os.stat(link.file_path)
        mark = f"{facts.st_mtime_ns} {facts.st_size}"
    sha256 = (link._hashes or {}).get("sha256")
    metadata = link.metadata_file_data
    return {
        "filename": link.filename,
        "url": url,
        "mark": mark,
        "hashes": {"sha256": sha256} if sha256 else {},
        "requires-python": link.requires_python,
        "yanked": False if link.yanked_reason is None else link.yanked_reason or True,
        "core-metadata": False if metadata is None else metadata.hashes or True,
    }


def _fetch(asked: dict[str, Any]) -> None:
    """Download to a file; raises `_Trouble`, also when that is not what the index says it is."""
    digest, have, most = hashlib.sha256(), 0, int(asked["most"])
    with open(asked["file"], "r+b", buffering=0) as out:
        for block in _blocks(asked):
            have += len(block)
            if have > most:
                raise _Trouble(f"The file is larger than a sandbox may have ({most >> 20} MiB).")
            out.write(block)
            digest.update(block)
            _say(asked, have=have)
    if asked["sha256"] not in (None, digest.hexdigest()):
        raise _Trouble("The package index sent a file that is not what it says it is; try again.")


def _blocks(asked: dict[str, Any]) -> Iterator[bytes]:
    url = asked["fetch"]
    if (parts := urlsplit(url)).scheme == "file":
        with open(unquote(parts.path), "rb", buffering=0) as local:
            _say(asked, size=os.fstat(local.fileno()).st_size)
            while block := local.read(_BLOCK):
                yield block
        return
    try:
        with _collector().session.get(url, headers={"Accept-Encoding": "identity"}, stream=True) as answer:
            if answer.status_code != 200:
                raise _Trouble(f"The package index refuses this file (status {answer.status_code}).")
            length = answer.headers.get("content-length", "")
            _say(asked, size=int(length) if length.isdecimal() else None)
            yield from answer.iter_content(_BLOCK)
    except OSError:  # among them requests' own
        raise _Trouble(_UNREACHABLE) from None


if __name__ == "__main__":
    main()
