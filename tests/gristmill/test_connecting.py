"""A command that begins while another process holds the data folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from artifacts.store import Store, StoreLocked
from gristmill import backend
from gristmill.local import Local
from gristmill.settings import load


async def test_a_folder_that_is_let_go_soon_is_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, tries = Store.open(home), []
    whole = Local.open

    def opened(*args: object, **kwargs: object) -> Local:
        tries.append(1)
        if len(tries) == 2:
            holder.close()
        return whole(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Local, "open", opened)
    found = await backend.connect(load({"GRISTMILL_HOME": str(home)}))
    await found.close()
    assert len(tries) == 2


async def test_a_folder_that_is_held_on_to_is_not_waited_for_in_vain(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "LOOK_AGAIN", 0.0)
    with Store.open(home), pytest.raises(StoreLocked):
        await asyncio.wait_for(backend.connect(load({"GRISTMILL_HOME": str(home)})), 300)
