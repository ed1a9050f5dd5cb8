"""The conversation of a run over REST: what is said to it, and answers to what its agents ask."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form

from artifacts.threads import in_own_thread
from artifacts.types import Decision, Run, Turn
from graphs.budget import read_budget
from graphs.errors import InputError
from gristmill.local import Local
from gristmill.plain import plain, turn_json
from gristmill.web import schemas
from gristmill.web.forms import FormRoute

_Text = Annotated[str, Form(description="What is said.", examples=["and by island?"])]
_Queue = Annotated[bool, Form(description="Let it wait for the end of the turn under way.")]
_Budget = Annotated[str, Form(description="What the run may use from this turn on: `tokens=40000,tokens=5000/turn`.")]


def talk(local: Local) -> APIRouter:
    """The routes, on an open backend; they stand below /api/runs."""
    router = APIRouter(route_class=FormRoute)

    @router.post("/{ref}/ask", **schemas.answer(schemas.TurnTold, schemas.TURN))
    async def ask_run(
        ref: str,
        text: _Text = "",
        queue: _Queue = False,
        budget: _Budget = "",
    ) -> dict[str, Any]:
        """Ask a run a further question, which may change its last one; answers when the turn that took it up has ended.

        While a turn is under way its agents hear it before their next step; what they have not heard by the turn's end
        becomes the next turn. Meanwhile the run's events tell how far it is.
        """
        run = await local.run(ref)
        turn = await local.ask_run(run.id, text, queue=queue, budget=read_budget(budget) if budget else None)
        view = await in_own_thread(local.store.view, run.id)
        return turn_json(view, turn)

    @router.post("/{ref}/say", **schemas.answer(schemas.SaidTold, schemas.SAID, status=202, description="It is kept."))
    async def say(
        ref: str,
        text: _Text = "",
        queue: _Queue = False,
        budget: _Budget = "",
    ) -> dict[str, Any]:
        """Say something to a run as with `ask`, and go on at once: its events tell what comes of it."""
        said = await local.say(ref, text, queue=queue, budget=read_budget(budget) if budget else None)
        begun = isinstance(said, Turn)
        return {"turn": plain(said) if begun else None, "message": None if begun else plain(said)}

    stopped = schemas.RUN.model_copy(update={"status": "cancelled", "ended_at": schemas.BEGUN})

    @router.post("/{ref}/stop", **schemas.answer(Run, stopped))
    async def stop(ref: str) -> Run:
        """End the turn that is under way; the run stays open for the next one."""
        return await local.stop(ref)

    @router.post("/{ref}/answer", **schemas.answer(Run, schemas.RUN))
    async def answer(
        ref: str,
        text: Annotated[str, Form(description="The answer.", examples=["2025"])] = "",
        question_id: Annotated[str, Form(description="Which question; default: the oldest that is open.")] = "",
    ) -> Run:
        """Answer what an agent asked; the run goes on. Only the first answer counts."""
        return await local.answer(ref, text, question_id=question_id or None)

    @router.post("/{ref}/decide", **schemas.answer(Run, schemas.RUN))
    async def decide(
        ref: str,
        decision: Annotated[Decision | None, Form(description="What becomes of the step that waits.")] = None,
        approval_id: Annotated[str, Form(description="Which step; default: the oldest that waits.")] = "",
        edited: Annotated[str, Form(description="With `edited`: other arguments for it, a JSON object.")] = "",
        reason: Annotated[str, Form(description="What the agent is told.")] = "",
    ) -> Run:
        """Decide on a step that waits for approval; the run goes on. Only the first decision counts."""
        if decision is None:
            raise InputError(f"Say what becomes of the step that waits in {(await local.run(ref)).id}: decision.")
        return await local.decide(ref, decision, approval_id=approval_id or None, edited=edited or None, reason=reason)

    return router
