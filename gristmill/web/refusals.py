"""Errors as REST tells them: a status, a kind and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from artifacts.store import ArtifactDamaged, NotFound, StoreError
from gristmill.errors import sentences, status_of
from gristmill.plain import plain
from kernel_gateway.client import GatewayError
from notebooks.errors import Outdated
from notebooks.projects import NoProject


def tell_errors(api: FastAPI) -> None:
    """Have every error that a person can mend answered with a sentence."""
    for family in sentences():
        api.add_exception_handler(family, _sentence)
    api.add_exception_handler(ArtifactDamaged, _damaged)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _refused)


_REMEDIES = {
    "reproduce": "POST /api/runs/{run}/reproduce makes them again.",
    "export": "GET /api/runs/{run}/export.zip has this file, written anew from the record.",
    "give": "They came with {run}: POST a question of the same file again, and its bytes are stored anew.",
}


async def _damaged(_: Request, error: Exception) -> Response:
    assert isinstance(error, ArtifactDamaged), "registered for this family alone"
    artifact = error.artifact
    message = f"{error.fault} {_REMEDIES[error.remedy].format(run=artifact.run_id)}"
    return _error(500, "ArtifactDamaged", message, artifact=plain(artifact), why=error.why)


async def _sentence(_: Request, error: Exception) -> Response:
    if isinstance(error, (NotFound, NoProject)):
        status = 404
    elif status_of(error) == 2:
        status = 422
    elif isinstance(error, StoreError | GatewayError):
        status = 503
    else:
        status = 409
    stands = {"version": error.version, "source": error.source} if isinstance(error, Outdated) else {}
    return _error(status, type(error).__name__, str(error), **stands)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for this family alone"
    problems: Sequence[Any] = error.errors()
    told = "; ".join(f"{'.'.join(str(p) for p in e['loc'][1:]) or e['loc'][0]}: {e['msg']}" for e in problems[:5])
    return _error(422, "Invalid", f"The request is not as it should be: {told}.")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for this family alone"
    return _error(
        error.status_code,
        "Refused",
        f"{str(error.detail).rstrip('.')}. /api/docs describes the interface.",
    )


def _error(status: int, kind: str, message: str, **more: Any) -> Response:
    return JSONResponse({"error": {"kind": kind, "message": message, **more}}, status)
