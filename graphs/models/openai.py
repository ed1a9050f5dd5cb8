"""Any endpoint that speaks OpenAI's chat completions, through the `openai` package: streamed text and tool calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from graphs.models.base import (
    BadKey,
    ContextOverflow,
    Delta,
    Message,
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelReplyCut,
    ModelUnreachable,
    ToolCallDelta,
    ToolSpec,
    UnknownModel,
)

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import APIStatusError

RETRIES = 3
"""How often the `openai` package tries again by itself (429, 5xx, no connection), before the first byte of a reply."""

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 300.0  # a local server may load its weights before it says the first word
_OVERFLOW = ("context_length", "context length", "context window", "maximum context", "too many tokens", "too long")


@cache
def _authorities() -> SSLContext:
    """The certificates that are believed, read once: each reply has a client of its own."""
    import httpx2

    return httpx2.create_ssl_context()


class OpenAIModel:
    """One model at one endpoint. `name` is what the record shows (`openai:gpt-5`); the key stays inside."""

    rule_based = False

    def __init__(self, name: str, *, model: str, title: str, base_url: str, key: str | None, key_name: str) -> None:
        self.name = name
        self._model = model
        self._title = title
        self._base_url = base_url
        self._key = key
        self._key_name = key_name

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncIterator[Delta]:
        """Stream one reply. Errors: see `Model.complete`."""
        import httpx2
        import openai

        timeout = httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [_wire_message(m) for m in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools:
            body["tools"] = [{"type": "function", "function": t.model_dump()} for t in tools]
        begun = finished = False
        async with openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self._base_url,
            max_retries=RETRIES,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(verify=_authorities()),
        ) as client:
            try:
                async with await client.chat.completions.create(**body) as stream:
                    async for chunk in stream:
                        begun = True
                        for delta in _read_chunk(chunk):
                            finished = finished or delta.finish is not None
                            yield delta
            except openai.APIStatusError as e:
                raise self._refusal(e) from None
            except openai.APIConnectionError as e:
                if begun:
                    raise self._cut() from None
                raise self._unreachable(isinstance(e, openai.APITimeoutError)) from None
            except openai.APIError as e:  # an error that the endpoint sent inside the stream
                raise self._error_in_stream(e.message) from None
            except (ValueError, AttributeError, TypeError):  # what came was not the JSON of this wire
                raise ModelReplyCut(
                    f"{self._title} at {self._base_url} sent something that is not a chat completion. "
                    "Check that the address is that of an OpenAI-compatible endpoint (it usually ends in /v1)."
                ) from None
        if not finished:
            raise self._cut()

    def _cut(self) -> ModelReplyCut:
        return ModelReplyCut(f"The reply of {self.name} broke off in the middle.")

    def _unreachable(self, timed_out: bool) -> ModelUnreachable:
        what = f"did not answer within {_SILENCE_SECONDS:.0f} s" if timed_out else "cannot be reached"
        return ModelUnreachable(
            f"{self._title} {what} at {self._base_url}. Start the server or correct the address, "
            "then resume the run; or use --model playbook, which needs no server."
        )

    def _error_in_stream(self, message: str) -> ModelError:
        if _says_overflow(message):
            return ContextOverflow(f"The conversation is longer than {self.name} can read.")
        return ModelReplyCut(f"{self._title} broke off its reply: {self._clean(message)}")

    def _refusal(self, error: APIStatusError) -> ModelError:
        status, said = error.status_code, self._clean(error.message)
        if status in (401, 403):
            return BadKey(
                f"{self._title} does not accept the key in {self._key_name} (HTTP {status}). "
                f"Set {self._key_name} to a valid key, or use --model playbook, which needs none."
            )
        if status == 404:
            return UnknownModel(
                f"{self._title} at {self._base_url} has no model named {self._model!r} (HTTP 404). "
                "Check the name in --model, and that the address is right."
            )
        if status == 413 or (error.code or "") == "context_length_exceeded" or (status == 400 and _says_overflow(said)):
            return ContextOverflow(f"The conversation is longer than {self.name} can read.")
        if status == 429:
            return ModelBusy(
                f"{self._title} still refuses after {RETRIES + 1} tries because of its limits: {said} "
                "Wait or raise the limit there, then resume the run."
            )
        if status >= 500:
            return ModelBusy(
                f"{self._title} failed {RETRIES + 1} times (HTTP {status}): {said} Resume the run when it is well."
            )
        return ModelRefused(f"{self._title} refuses the request (HTTP {status}): {said}")

    def _clean(self, text: str) -> str:
        """What the endpoint said, as one short sentence, without the key that some endpoints repeat."""
        if self._key:
            text = text.replace(self._key, "(the key)")
        text = " ".join(text.split())
        text = text if len(text) <= 300 else text[:300] + " …"
        return text if text.endswith((".", "!", "?", "…")) else text + "."


def _says_overflow(text: str) -> bool:
    return any(sign in text.lower() for sign in _OVERFLOW)


def _wire_message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["content"] = message.content or None
        wire["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments or "{}"}}
            for c in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _read_chunk(chunk: Any) -> Iterable[Delta]:
    """The pieces of one chunk. Compatible endpoints leave out what they please: nothing here is taken for granted."""
    for choice in chunk.choices or ():
        calls = tuple(
            ToolCallDelta(
                index=call.index if call.index is not None else position,
                id=call.id or None,
                name=(call.function.name or None) if call.function else None,
                arguments=(call.function.arguments or "") if call.function else "",
            )
            for position, call in enumerate((choice.delta.tool_calls if choice.delta else None) or ())
        )
        text = (choice.delta.content if choice.delta else None) or ""
        if text or calls or choice.finish_reason:
            yield Delta(text=text, tool_calls=calls, finish=choice.finish_reason)
    if chunk.usage is not None:
        yield Delta(tokens_in=chunk.usage.prompt_tokens, tokens_out=chunk.usage.completion_tokens)
