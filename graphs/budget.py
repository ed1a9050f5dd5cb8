"""What a run may use up: tokens, money, minutes, cells. When one is spent the run stops, and can be gone on with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import Field

from artifacts.types import Spent, Value
from graphs.errors import GraphError, InputError


class BudgetSpent(GraphError):
    """A run has used up what it may; the sentence says what, and how to go on."""


class Budget(Value):
    """What a run may use: tokens in and out, US dollars, minutes of one sitting, cells. None: as much as it takes."""

    tokens: int | None = Field(None, ge=1)
    usd: float | None = Field(None, gt=0)
    minutes: float | None = Field(None, gt=0)
    cells: int | None = Field(None, ge=1)


class ShareSpent(GraphError):
    """A task has used up its share of the run's budget."""


def read_budget(text: str) -> Budget:
    """The budget in `tokens=20000,usd=0.5,minutes=10,cells=30`, any of them. Raises InputError."""
    told: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, amount = (p.strip() for p in part.partition("="))
        if name not in Budget.model_fields or name in told or not re.fullmatch(r"\d+(\.\d+)?", amount):
            raise InputError(f"{part!r} is no budget. Say it like tokens=20000,usd=0.5,minutes=10,cells=30.")
        told[name] = float(amount)
    whole = {n: int(a) if n in ("tokens", "cells") else a for n, a in told.items()}
    if not whole or any(a <= 0 for a in whole.values()):
        raise InputError(f"{text!r} is no budget. Say it like tokens=20000,usd=0.5,minutes=10,cells=30.")
    return Budget.model_validate(whole)


def budget_text(budget: Budget) -> str:
    """The same as `read_budget` reads it."""
    return ",".join(f"{name}={amount:.12g}" for name, amount in budget.model_dump(exclude_none=True).items())


def grown(budget: Budget, times: int) -> Budget:
    """So many times the budget."""
    told = budget.model_dump(exclude_none=True)
    return Budget.model_validate({name: amount * times for name, amount in told.items()})


def budget_of(params: dict[str, Any]) -> Budget:
    """The budget that a run was given; one without limits where it was given none."""
    return Budget.model_validate(params.get("budget") or {})


def share(budget: Budget, used: Spent, minutes: float, among: int) -> Budget:
    """What each of so many tasks may use of what is left of a budget; as much is left to who gives them."""
    left = {"tokens": used.tokens, "usd": used.usd, "minutes": minutes, "cells": used.cells}
    told: dict[str, Any] = {}
    for name, limit in budget.model_dump(exclude_none=True).items():
        part = max(0.0, limit - left[name]) / (among + 1)
        told[name] = max(1, int(part)) if name in ("tokens", "cells") else max(part, 1e-6)
    return Budget.model_validate(told)


def check_share(budget: Budget, used: Spent) -> None:
    """Raise ShareSpent where a task has used up its share."""
    for name, amount in (("tokens", used.tokens), ("usd", used.usd), ("cells", used.cells)):
        limit = getattr(budget, name)
        if limit is not None and amount >= limit:
            raise ShareSpent(f"Its share of the budget is spent: {name}={limit:.6g}.")


def check(run_id: str, budget: Budget, used: Spent, minutes: float) -> None:
    """Raise BudgetSpent where something is used up; `minutes` are those of this sitting."""
    limits: tuple[tuple[str, float | None, float, Callable[[float], str]], ...] = (
        ("tokens", budget.tokens, used.tokens, lambda n: f"{n:,.0f} tokens"),
        ("usd", budget.usd, used.usd, lambda n: f"${n:,.2f}"),
        ("minutes", budget.minutes, minutes, lambda n: f"{n:,.1f} minutes"),
        ("cells", budget.cells, used.cells, lambda n: f"{n:,.0f} cells"),
    )
    for name, limit, amount, said in limits:
        if limit is not None and amount >= limit:
            more = f"{name}={int(limit * 2) if limit >= 1 else limit * 2}"
            raise BudgetSpent(
                f"The budget of {said(limit)} is spent ({said(amount)} used). What was made is kept; "
                f"`gristmill runs resume {run_id} --budget {more}` goes on."
            )
