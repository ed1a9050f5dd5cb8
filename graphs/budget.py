"""What a run, each of its turns and an agent may use up: tokens, money, minutes, cells. A person may grant more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from artifacts.events import RunView
from artifacts.types import Spent, Value
from graphs.errors import GraphError, InputError


class BudgetSpent(GraphError):
    """A run has used up what it may; the sentence says what, and how to go on."""


class TurnSpent(BudgetSpent):
    """A turn, or an agent in it, has used up what it may. The turn ends; the run stays open for the next one."""


class ShareSpent(GraphError):
    """A task has used up its share of the run's budget."""


class Budget(Value):
    """What may be used: tokens in and out, US dollars, minutes of work, cells. None: as much as it takes.

    A run's has `turn`, where each of its turns is bounded, too.
    """

    tokens: int | None = Field(None, ge=1)
    usd: float | None = Field(None, gt=0)
    minutes: float | None = Field(None, gt=0)
    cells: int | None = Field(None, ge=1)
    turn: Budget | None = None

    @property
    def limits(self) -> dict[str, float]:
        """What is bounded, less what each turn may use."""
        return self.model_dump(exclude_none=True, exclude={"turn"})


KINDS = ("tokens", "usd", "minutes", "cells")
_WRITTEN = re.compile(r"(?P<name>\w+)\s*=\s*(?P<amount>\d+(\.\d+)?)(?P<turn>\s*/\s*turn)?")
_LIKE = "Say it like tokens=20000,usd=0.5,minutes=10,cells=30, or tokens=5000/turn for each turn."


def read_budget(text: str) -> Budget:
    """The budget in `tokens=20000,usd=0.5,minutes=10/turn,cells=30`, any of them, `/turn` for each turn.

    Raises InputError.
    """
    told: dict[bool, dict[str, float]] = {False: {}, True: {}}
    for part in filter(None, (p.strip() for p in text.split(","))):
        found = _WRITTEN.fullmatch(part)
        limits = told[bool(found and found["turn"])]
        if found is None or found["name"] not in KINDS or found["name"] in limits:
            raise InputError(f"{part!r} is no budget. {_LIKE}")
        limits[found["name"]] = float(found["amount"])
    run, turn = ({n: int(a) if n in ("tokens", "cells") else a for n, a in told[of].items()} for of in (False, True))
    if not (run or turn) or any(a <= 0 for a in (*run.values(), *turn.values())):
        raise InputError(f"{text!r} is no budget. {_LIKE}")
    return Budget.model_validate(run | ({"turn": turn} if turn else {}))


def budget_text(budget: Budget) -> str:
    """The same as `read_budget` reads it."""
    told = [f"{name}={amount:.12g}" for name, amount in budget.limits.items()]
    each = [f"{one}/turn" for one in budget_text(budget.turn).split(",")] if budget.turn is not None else []
    return ",".join((*told, *each))


def grown(budget: Budget, times: int) -> Budget:
    """So many times the budget, less what each turn may use."""
    return Budget.model_validate({name: amount * times for name, amount in budget.limits.items()})


def budget_of(params: dict[str, Any]) -> Budget:
    """The budget that a run was given; one without limits where it was given none."""
    return Budget.model_validate(params.get("budget") or {})


def changed(budget: Budget, by: Budget) -> Budget:
    """The budget with these limits in place of its own of the same kind; the others hold as they did."""
    turn = (budget.turn or Budget()).limits | (by.turn or Budget()).limits
    return Budget.model_validate(budget.limits | by.limits | ({"turn": turn} if turn else {}))


def larger(budget: Budget, view: RunView, at: datetime) -> Budget | None:
    """A budget with which a run goes on that has used up what it may: each limit that is spent is doubled until it is
    none any more. None where nothing is spent."""
    more = budget
    for bound in bounds(view, budget, at):
        limits = dict(bound.budget.limits)
        while (name := Bound(bound.of, Budget.model_validate(limits), bound.used, "").spent) is not None:
            limits[name] *= 2
        more = changed(more, Budget.model_validate(limits if bound.of == "run" else {"turn": limits}))
    return more if more != budget else None


def standing(view: RunView, at: datetime) -> list[str]:
    """How much of each budget is used: `34 of 51 tokens`, `this turn 1 of 5 cells`; nothing where there is none."""
    return [
        f"{'this turn ' if bound.of == 'turn' else ''}{_amount(name, getattr(bound.used, name), limit)}"
        for bound in bounds(view, budget_of(view.run.params), at)
        for name, limit in bound.budget.limits.items()
    ]


def share(budget: Budget, used: Spent, among: int, own: Budget | None) -> Budget:
    """What each of so many tasks may use of what is left of a budget; as much is left to who gives them.

    `own` is what the task's agent may use at most.
    """
    told: dict[str, Any] = dict(own.limits) if own is not None else {}
    for name, limit in budget.limits.items():
        part = max(0.0, limit - getattr(used, name)) / (among + 1)
        part = min(part, told.get(name, part))
        told[name] = max(1, int(part)) if name in ("tokens", "cells") else max(part, 1e-6)
    return Budget.model_validate(told)


def check_share(budget: Budget, used: Spent) -> None:
    """Raise ShareSpent where a task has used up its share."""
    for name, amount in (("tokens", used.tokens), ("usd", used.usd), ("cells", used.cells)):
        limit = getattr(budget, name)
        if limit is not None and amount >= limit:
            raise ShareSpent(f"Its share of the budget is spent: {name}={limit:.6g}.")


@dataclass(frozen=True)
class Bound:
    """A budget that holds, and what has been used of it. `key` names it in the run, `agent` whose it is, if one's."""

    of: Literal["run", "turn", "agent"]
    budget: Budget
    used: Spent
    key: str
    agent: str = ""

    def grown(self, times: int) -> Bound:
        """The same with so many times the budget."""
        return Bound(self.of, grown(self.budget, times), self.used, self.key, self.agent)

    @property
    def spent(self) -> str | None:
        """The name of what is used up, if something is."""
        over = (name for name, limit in self.budget.limits.items() if getattr(self.used, name) >= limit)
        return next(over, None)

    @property
    def sentence(self) -> str:
        """What is used up."""
        name = self.spent or KINDS[0]
        limit, amount = (_amount(name, getattr(one, name)) for one in (self.budget, self.used))
        of = {"run": "The budget", "turn": "The turn's budget", "agent": f"{self.agent.capitalize()}'s budget"}
        return f"{of[self.of]} of {limit} is spent ({amount} used)."

    def error(self, run_id: str) -> BudgetSpent:
        """The end of a run, or of a turn, of which nobody has said that it may use more."""
        name = self.spent or KINDS[0]
        limit = getattr(self.budget, name)
        more = f"{name}={int(limit * 2) if limit >= 1 else limit * 2}"
        kept = f"{self.sentence} What was made is kept; "
        if self.of == "agent":
            return TurnSpent(f"{kept}the key `budget` in the agent's file says what it may use.")
        resume = f"`gristmill runs resume {run_id} --budget {more}"
        return (
            BudgetSpent(f"{kept}{resume}` goes on.")
            if self.of == "run"
            else TurnSpent(f"{kept}{resume}/turn` goes on.")
        )


def bounds(view: RunView, budget: Budget, at: datetime, agent: str = "", own: Budget | None = None) -> Iterator[Bound]:
    """The budgets that hold at a time: the run's, its turn's, and that of an agent at work in it."""
    turn = view.turns[-1].id
    now = (at - view.working).total_seconds() / 60 if view.working is not None else 0.0

    def with_now(used: Spent) -> Spent:
        return used.model_copy(update={"minutes": used.minutes + now})

    if budget.limits:
        yield Bound("run", budget, with_now(view.spent), "budget-")
    if budget.turn is not None:
        yield Bound("turn", budget.turn, with_now(view.spent_in(turn)), f"budget_{turn}-")
    if own is not None:
        yield Bound("agent", own, view.spent_by(agent, turn), f"budget_{turn}_{agent}-", agent)


def _amount(name: str, amount: float, of: float | None = None) -> str:
    """An amount with its unit, and of how much it is: `34 of 51 tokens`."""

    def number(x: float) -> str:
        return f"${x:,.2f}" if name == "usd" else f"{x:,.1f}" if name == "minutes" else f"{x:,.0f}"

    whole = amount if of is None else of
    unit = "" if name == "usd" else f" {name.removesuffix('s') if whole == 1 else name}"
    return (number(amount) if of is None else f"{number(amount)} of {number(of)}") + unit


def spent(used: Spent) -> str:
    """The tokens and the money that models cost; "" where none was asked."""
    if not used.tokens:
        return ""
    unknown = f"; the price of {used.unpriced:,} replies is not known" if used.unpriced else ""
    return f"{used.tokens:,} tokens, ${used.usd:,.4f}{unknown}"
