"""Any endpoint that speaks OpenAI's chat completions, through the `openai` package: streamed text and tool calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from graphs.models import refusals, wire
from graphs.models.base import (
    USUAL,
    Asking,
    BadKey,
    ContextOverflow,
    Delta,
    Message,
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelReplyCut,
    ModelUnreachable,
    OutOfMoney,
    ToolCallDelta,
    ToolSpec,
    UnknownModel,
)

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import APIStatusError, AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

RETRIES = 3
"""How often an endpoint is asked again that is busy, fails or cannot be reached, before the first byte of a reply."""

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 300.0  # a local server may load its weights before it says the first word
_LETTERS_A_TOKEN = 3.0  # few, so that a prompt is rather thought shorter than it is


@cache
def _authorities() -> SSLContext:
    """The certificates that are believed, read once: each reply has a client of its own."""
    import httpx2

    return httpx2.create_ssl_context()


class OpenAIModel:
    """One model at one endpoint. `name` is what the record shows (`openai:gpt-5`); the key stays inside.

    `family` is the preset's name: Google and Ollama need things of their own. `images`: it reads pictures, as far as is
    known. Parameters that the model turns out not
    to take are left out from then on.
    """

    rule_based = False

    def __init__(
        self,
        name: str,
        *,
        model: str,
        title: str,
        base_url: str,
        key: str | None,
        key_name: str,
        family: str = "openai",
        images: bool = False,
    ) -> None:
        self.name = name
        self._model = model
        self._title = title
        self._base_url = base_url
        self._key = key
        self._key_name = key_name
        self._family = family
        self.images = images
        self._refused: set[str] = set()
        self._thinks = False  # the endpoint wants reasoning beside each call
        self._window: int | None = None  # tokens that Ollama reads; 0 where it does not say

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], asking: Asking = USUAL
    ) -> AsyncIterator[Delta]:
        """Stream one reply. Errors: see `Model.complete`."""
        import httpx2
        import openai

        begun = finished = False
        read: int | None = None
        async with openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self._base_url,
            max_retries=0,  # what is worth another try is decided here
            timeout=httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
            http_client=openai.DefaultAsyncHttpxClient(verify=_authorities()),
        ) as client:
            try:
                async with await self._open(client, messages, tools, asking) as stream:
                    async for delta in self._deltas(stream, len(messages), asking):
                        begun = True
                        finished = finished or delta.finish is not None
                        read = delta.tokens_in if delta.tokens_in is not None else read
                        yield delta
            except openai.APIStatusError as e:
                raise self._refusal(e.status_code, e.body, e.message) from None
            except openai.APIConnectionError as e:
                if begun:
                    raise self._cut() from None
                raise self._unreachable(isinstance(e, openai.APITimeoutError)) from None
            except openai.APIError as e:  # an error that the endpoint sent inside the stream
                raise self._error_in_stream(e.body, e.message) from None
            except (ValueError, AttributeError, TypeError):  # what came was not the JSON of this wire
                raise self._no_completion() from None
        if not finished:
            raise self._cut()
        await self._see_that_all_was_read(messages, read)

    def _body(self, messages: Sequence[Message], tools: Sequence[ToolSpec], asking: Asking) -> dict[str, Any]:
        google = self._family == "google"
        body: dict[str, Any] = {
            "model": self._model,
            "messages": wire.sent(self._seen(messages, asking), signed=google, think=self._thinks),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if asking.temperature is not None:
            body["temperature"] = asking.temperature
        if asking.seed is not None:
            body["seed"] = asking.seed
        if tools and asking.force == "json":
            body["messages"] = [*body["messages"], {"role": "user", "content": _as_json(tools)}]
            schema = {"name": "call", "schema": _CALL}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif tools:
            body["tools"] = wire.offered(tools, google=google)
            if asking.force == "call":
                body["tool_choice"] = "required"
        return {k: v for k, v in body.items() if k not in self._refused}

    def _seen(self, messages: Sequence[Message], asking: Asking) -> Sequence[Message]:
        """The messages, without pictures where the model is sent none."""
        wanted = self.images if asking.images is None else asking.images
        if wanted and "images" not in self._refused:
            return messages
        return [m.model_copy(update={"images": ()}) if m.images else m for m in messages]

    async def _open(
        self, client: AsyncOpenAI, messages: Sequence[Message], tools: Sequence[ToolSpec], asking: Asking
    ) -> AsyncStream[ChatCompletionChunk]:
        """The stream of a reply, asked for again where that can help; a parameter that is refused is left out."""
        import openai

        attempt = 0
        while True:
            try:
                stream: AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(
                    **self._body(messages, tools, asking)
                )
                return stream
            except openai.APIStatusError as e:
                if self._learns(e):
                    continue
                signs = refusals.signs(e.body, refusals.words(e.body, e.message))
                pause = refusals.wait(e.response.headers, attempt)
                if attempt >= RETRIES or pause is None or not refusals.worth_another_try(e.status_code, signs):
                    raise
            except openai.APIConnectionError:
                pause = refusals.wait({}, attempt)
                if attempt >= RETRIES or pause is None:
                    raise
            attempt += 1
            await asyncio.sleep(pause)

    def _learns(self, error: APIStatusError) -> bool:
        """Whether the endpoint named a parameter that it does not take, or wants, and that we did not know of."""
        signs = refusals.signs(error.body, error.message)
        name = refusals.refused_parameter(error.status_code, error.param, signs)
        if name is None:
            return False
        if name == "reasoning_content":
            known, self._thinks = self._thinks, True
            return not known
        if name in self._refused:
            return False
        self._refused.add(name)
        return True

    async def _deltas(
        self, stream: AsyncStream[ChatCompletionChunk], turn: int, asking: Asking
    ) -> AsyncIterator[Delta]:
        """What the endpoint sends, read: a stream of pieces, or, from one that does not stream, a reply at once."""
        pieces = wire.Stream(turn)
        kind = stream.response.headers.get("content-type", "")
        whole: list[str] = []
        if "application/json" in kind:
            deltas = pieces.whole(self._at_once(await stream.response.aread()))
            for delta in deltas:
                yield self._forced(delta, whole, asking)
            return
        async for chunk in stream:
            for delta in pieces.read(chunk):
                yield self._forced(delta, whole, asking)

    def _forced(self, delta: Delta, whole: list[str], asking: Asking) -> Delta:
        """The piece itself; where a call was to be written as JSON, the last piece brings it, and text is kept back."""
        if asking.force != "json":
            return delta
        whole.append(delta.text)
        if delta.finish is None:
            return delta.model_copy(update={"text": ""})
        return _call_of("".join(whole), delta)

    def _at_once(self, data: bytes) -> Any:
        from openai.types.chat import ChatCompletion

        told = json.loads(data)
        if isinstance(told, Mapping) and told.get("choices"):
            return ChatCompletion.model_construct(**ChatCompletion.model_validate(told).__dict__)
        if isinstance(told, Mapping) and told.get("error"):
            raise self._error_in_stream(told, "")
        raise self._no_completion()

    async def _see_that_all_was_read(self, messages: Sequence[Message], read: int | None) -> None:
        """Raise ContextOverflow where Ollama cut the conversation to its context, which it does without a word."""
        if self._family != "ollama" or self._window == 0:
            return
        sent = sum(len(m.content) + sum(len(c.arguments) for c in m.tool_calls) for m in messages)
        needed = int(sent / _LETTERS_A_TOKEN / 2)  # at the very least
        if self._window is None:
            self._window = await self._context_length()
        window = self._window
        if window and needed > window and (read is None or read <= window):
            raise ContextOverflow(
                f"{self.name} reads {window:,} tokens and the conversation is longer: Ollama left out its beginning. "
                "Start Ollama with OLLAMA_CONTEXT_LENGTH=32768 or more."
            )

    async def _context_length(self) -> int:
        """The context with which Ollama has loaded the model, in tokens; 0 where it does not say."""
        import httpx2

        url = self._base_url.rstrip("/").removesuffix("/v1") + "/api/ps"
        try:
            async with httpx2.AsyncClient(timeout=2.0, verify=_authorities()) as client:
                loaded = (await client.get(url)).json()["models"]
            return next((int(m["context_length"]) for m in loaded if _is_named(m, self._model)), 0)
        except (httpx2.HTTPError, ValueError, KeyError, TypeError):
            return 0

    def _cut(self) -> ModelReplyCut:
        return ModelReplyCut(f"The reply of {self.name} broke off in the middle.")

    def _no_completion(self) -> ModelReplyCut:
        return ModelReplyCut(
            f"{self._title} at {self._base_url} sent something that is not a chat completion. "
            "Check that the address is that of an OpenAI-compatible endpoint (it usually ends in /v1)."
        )

    def _unreachable(self, timed_out: bool) -> ModelUnreachable:
        what = f"did not answer within {_SILENCE_SECONDS:.0f} s" if timed_out else "cannot be reached"
        return ModelUnreachable(
            f"{self._title} {what} at {self._base_url}. Start the server or correct the address, "
            "then resume the run; or use --model playbook, which needs no server."
        )

    def _error_in_stream(self, body: object, message: str) -> ModelError:
        said = refusals.words(body, message)
        if refusals.is_overflow(0, refusals.signs(body, said)):
            return self._overflow()
        return ModelReplyCut(f"{self._title} broke off its reply: {self._clean(said)}")

    def _overflow(self) -> ContextOverflow:
        return ContextOverflow(f"The conversation is longer than {self.name} can read.")

    def _refusal(self, status: int, body: object, message: str) -> ModelError:
        words = refusals.words(body, message)
        signs, said = refusals.signs(body, words), self._clean(words)
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
        if refusals.is_overflow(status, signs):
            return self._overflow()
        if refusals.is_out_of_money(status, signs):
            return OutOfMoney(
                f"{self._title} refuses because the account has no credit left: {said} "
                "Add credit there, then resume the run; or use --model playbook, which costs nothing."
            )
        if refusals.is_limit(status, signs):
            return ModelBusy(
                f"{self._title} refuses because of its limits, after as many tries as make sense: {said} "
                "Wait or raise the limit there, then resume the run."
            )
        if status >= 500:
            return ModelBusy(f"{self._title} fails (HTTP {status}): {said} Resume the run when it is well.")
        return ModelRefused(f"{self._title} refuses the request (HTTP {status}): {said}")

    def _clean(self, text: str) -> str:
        """What the endpoint said, as one short sentence, without the key that some endpoints repeat."""
        if self._key:
            text = text.replace(self._key, "(the key)")
        text = " ".join(text.split())
        text = text if len(text) <= 300 else text[:300] + " …"
        return text if text.endswith((".", "!", "?", "…")) else text + "."


_CALL = {
    "type": "object",
    "properties": {"tool": {"type": "string"}, "arguments": {"type": "object"}},
    "required": ["tool", "arguments"],
}


def _as_json(tools: Sequence[ToolSpec]) -> str:
    told = "\n".join(f"- {t.name}: {t.description} Arguments: {json.dumps(t.parameters)}" for t in tools)
    return (
        'Answer with one JSON object and nothing else: {"tool": the name of a tool, "arguments": its arguments}. '
        f"The tools:\n{told}"
    )


def _call_of(text: str, last: Delta) -> Delta:
    """The last piece of a reply that was to be a call written as JSON; text that is none stays text."""
    try:
        told = json.loads(text[text.index("{") : text.rindex("}") + 1])
        name = str(told.get("tool") or told["name"])
        arguments = json.dumps(told["arguments"], ensure_ascii=False)
    except (ValueError, KeyError, TypeError, AttributeError):
        return last.model_copy(update={"text": text})
    call = ToolCallDelta(index=0, id="cjson0000", name=name, arguments=arguments)
    return last.model_copy(update={"text": "", "tool_calls": (call,)})


def _is_named(told: Mapping[str, Any], model: str) -> bool:
    """Whether a model that Ollama has loaded is this one; a name without a tag means `:latest`."""
    wanted = model if ":" in model else f"{model}:latest"
    return wanted in (told.get("model"), told.get("name"))
