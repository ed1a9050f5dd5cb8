"""What providers do to OpenAI's wire, each replayed by a real server: odd streams, fields they want back, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from artifacts.types import ToolCall
from graphs.models import Reply, gather, resolve
from graphs.models.base import (
    Asking,
    ContextOverflow,
    Message,
    ModelBusy,
    ModelRefused,
    ModelReplyCut,
    OutOfMoney,
    ToolSpec,
)
from graphs.models.prices import price

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASK = [Message(role="system", content="Be brief."), Message(role="user", content="Hello")]
TOOL = ToolSpec(
    name="run_code",
    description="Run.",
    parameters={"type": "object", "properties": {"const": {"type": "string"}}, "additionalProperties": False},
)


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def call(name: str | None, arguments: Any, *, id: str | None = None, index: int | None = None, **more: Any) -> dict:
    told: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}, **more}
    return told | ({"id": id} if id else {}) | ({"index": index} if index is not None else {})


async def reply(wire: Any, answer: Any, *chunks: dict[str, Any], name: str = "openai:test") -> Reply:
    wire.script(answer(chunks=list(chunks)))
    return await gather(
        resolve(name, wire.env | {"GOOGLE_BASE_URL": wire.url, "OLLAMA_BASE_URL": wire.url}).complete(ASK, [TOOL])
    )


def said(given: Reply) -> list[tuple[str, str]]:
    return [(c.name, c.arguments) for c in given.tool_calls]


async def test_parallel_calls_that_come_whole_and_without_index_are_two(wire, answer):
    given = await reply(
        wire,
        answer,
        chunk(tool_calls=[call("a", '{"x":1}', id="one")]),
        chunk(tool_calls=[call("b", '{"y":2}', id="two")]),
        chunk("stop"),
    )
    assert said(given) == [("a", '{"x":1}'), ("b", '{"y":2}')]
    assert [c.id for c in given.tool_calls] == ["one", "two"]


@pytest.mark.parametrize("second", [{"id": "two"}, {"id": "one"}, {}])
async def test_parallel_calls_that_all_say_index_0_are_two(wire, answer, second):
    given = await reply(
        wire,
        answer,
        chunk(tool_calls=[call("a", '{"x":', id="one", index=0)]),
        chunk(tool_calls=[call(None, "1}", index=0)]),
        chunk(tool_calls=[call("b", '{"y":2}', index=0, **second)]),
        chunk("tool_calls"),
    )
    assert said(given) == [("a", '{"x":1}'), ("b", '{"y":2}')]
    assert len({c.id for c in given.tool_calls}) == 2


async def test_an_id_and_an_empty_name_in_every_piece_are_one_call(wire, answer):
    given = await reply(
        wire,
        answer,
        chunk(tool_calls=[call("a", "", id="one", index=0)]),
        chunk(tool_calls=[call("", '{"x"', id="one", index=0)]),
        chunk(tool_calls=[call("", ":1}", id="one", index=0)]),
        chunk("tool_calls"),
    )
    assert said(given) == [("a", '{"x":1}')]


async def test_arguments_may_come_as_an_object_and_an_id_is_made_where_none_comes(wire, answer):
    given = await reply(wire, answer, chunk(tool_calls=[call("a", {"x": 1})]), chunk("stop"))
    assert said(given) == [("a", '{"x": 1}')]
    assert len(given.tool_calls[0].id) == 9
    assert given.tool_calls[0].id.isalnum()


async def test_parts_of_a_content_are_joined_without_the_thinking(wire, answer):
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Yes"}]
    given = await reply(wire, answer, chunk(content=parts), chunk(content="."), chunk("stop"))
    assert given.content == "Yes."


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([{"reasoning_content": "a "}, {"reasoning_content": "b"}], {"reasoning_content": "a b"}),
        ([{"reasoning": "a"}], {"reasoning": "a"}),
        (
            [
                {"reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]},
                {"reasoning_details": [{"type": "reasoning.text", "text": "b", "index": 0, "signature": "s"}]},
                {"reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "index": 1}]},
            ],
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "ab", "index": 0, "signature": "s"},
                    {"type": "reasoning.encrypted", "data": "d", "index": 1},
                ]
            },
        ),
    ],
)
async def test_reasoning_goes_back_under_the_name_that_came(wire, answer, pieces, whole):
    given = await reply(
        wire,
        answer,
        *(chunk(**p) for p in pieces),
        chunk(tool_calls=[call("a", "{}", id="one", index=0)]),
        chunk("stop"),
    )
    wire.script(answer())
    kept = Message.model_validate(given.message.model_dump())  # as the graph's state keeps it
    await gather(resolve("openai:test", wire.env).complete([*ASK, kept], [TOOL]))
    sent = wire.requests[-1]["messages"][-1]
    assert {k: sent[k] for k in whole} == whole


async def test_a_signature_beside_a_call_goes_back_as_it_came(wire, answer):
    signature = {"google": {"thought_signature": "c2ln"}}
    given = await reply(
        wire,
        answer,
        chunk(tool_calls=[call("a", "{}", id="one", extra_content=signature)]),
        chunk(tool_calls=[call("b", "{}", id="two")]),
        chunk("stop"),
        name="google:gemini",
    )
    env = wire.env | {"GOOGLE_BASE_URL": wire.url}
    wire.script(answer(), answer())
    await gather(resolve("google:gemini", env).complete([*ASK, given.message], [TOOL]))
    calls = wire.requests[-1]["messages"][-1]["tool_calls"]
    assert [c.get("extra_content") for c in calls] == [signature, None]
    foreign = Message(role="assistant", tool_calls=(ToolCall(id="x", name="a", arguments="{}"),))
    await gather(resolve("google:gemini", env).complete([*ASK, foreign], [TOOL]))
    kept = wire.requests[-1]["messages"][-1]["tool_calls"][0]["extra_content"]
    assert kept == {"google": {"thought_signature": "skip_thought_signature_validator"}}


async def test_google_gets_schemas_without_the_words_that_it_refuses(wire, answer):
    await reply(wire, answer, chunk("stop"), name="google:gemini")
    parameters = wire.requests[-1]["tools"][0]["function"]["parameters"]
    assert "additionalProperties" not in parameters
    assert parameters["properties"] == {"const": {"type": "string"}}, "a property of that name stays"


@pytest.mark.parametrize("arguments", ['{"code": "x', "null", "[]", "42", ""])
async def test_arguments_that_are_no_object_do_not_go_back(wire, answer, arguments):
    wire.script(answer())
    bad = Message(role="assistant", tool_calls=(ToolCall(id="one", name="run_code", arguments=arguments),))
    result = Message(role="tool", content="no", tool_call_id="one")
    await gather(resolve("openai:test", wire.env).complete([*ASK, bad, result], [TOOL]))
    assert wire.requests[-1]["messages"][2]["tool_calls"][0]["function"]["arguments"] == "{}"


OVERFLOWS = [
    (
        400,
        {"error": {"message": "This model's maximum context length is 8192 tokens", "code": "context_length_exceeded"}},
    ),
    (
        400,
        {"error": {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}},
    ),
    (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However"}),
    (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (99) exceeds the maximum number of tokens allowed",
                }
            }
        ],
    ),
    (
        400,
        {"error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}},
    ),
    (400, {"error": "The number of tokens to keep from the initial prompt is greater than the context length"}),
    (400, {"detail": "input is longer than the model's context length"}),
    (500, {"error": {"message": "context shift is disabled"}}),
    (413, {"error": {"message": "Please reduce the length of the messages"}}),
    (413, ""),
]


@pytest.mark.parametrize(("status", "body"), OVERFLOWS)
async def test_an_overflow_is_known_by_each_provider_s_words(wire, answer, status, body):
    wire.script(answer(status=status, body=json.dumps(body) if body else ""))
    with pytest.raises(ContextOverflow):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))
    assert len(wire.requests) == 1


async def test_a_limit_of_tokens_per_minute_is_no_overflow(wire, answer):
    body = {"error": {"message": "Request too large for model, tokens per minute (TPM)", "code": "rate_limit_exceeded"}}
    wire.answer = lambda request: answer(status=413, headers={"retry-after": "0.01"}, body=json.dumps(body))
    with pytest.raises(ModelBusy, match="per minute"):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))


async def test_an_account_without_credit_is_not_asked_again(wire, answer):
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    wire.answer = lambda request: answer(status=429, body=json.dumps(body))
    with pytest.raises(OutOfMoney, match="no credit"):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))
    assert len(wire.requests) == 1


async def test_a_wait_of_more_than_two_minutes_is_not_waited(wire, answer):
    body = '{"error":{"message":"slow down"}}'
    wire.answer = lambda request: answer(status=429, headers={"retry-after": "600"}, body=body)
    with pytest.raises(ModelBusy):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))
    assert len(wire.requests) == 1


async def test_a_call_that_the_endpoint_refused_to_pass_on_is_asked_for_again(wire, answer):
    body = {"error": {"message": "Failed to call a function", "code": "tool_use_failed", "failed_generation": "<x>"}}
    wire.script(answer(status=400, headers={"retry-after-ms": "1"}, body=json.dumps(body)), answer(text="Yes."))
    assert (await gather(resolve("openai:test", wire.env).complete(ASK, [TOOL]))).content == "Yes."


async def test_a_parameter_that_a_model_refuses_is_left_out_from_then_on(wire, answer):
    def strict(request: dict[str, Any]) -> Any:
        for name in ("temperature", "stream_options"):
            if name in request:
                body = {"error": {"message": f"Unsupported parameter: {name}", "param": name}}
                return answer(status=400, body=json.dumps(body))
        return answer(text="Yes.")

    wire.answer = strict
    model = resolve("openai:test", wire.env)
    for _ in range(2):
        given = await gather(model.complete(ASK, [TOOL], Asking(temperature=0.2, seed=7)))
        assert given.content == "Yes."
    assert len(wire.requests) == 4
    assert wire.requests[-1]["seed"] == 7


async def test_a_model_is_made_to_call_and_at_last_to_write_the_call_as_json(wire, answer):
    wire.script(answer(calls=[("run_code", "{}")]), answer(text='Sure: {"tool": "run_code", "arguments": {"x": 1}}'))
    model = resolve("openai:test", wire.env)
    await gather(model.complete(ASK, [TOOL], Asking(force="call")))
    assert wire.requests[0]["tool_choice"] == "required"
    given = await gather(model.complete(ASK, [TOOL], Asking(force="json")))
    assert said(given) == [("run_code", '{"x": 1}')]
    assert given.content == ""
    assert "tools" not in wire.requests[1]
    assert wire.requests[1]["response_format"]["type"] == "json_schema"


async def test_a_reply_that_comes_at_once_is_read(wire, answer):
    message = {"role": "assistant", "content": "Yes.", "tool_calls": [call("a", "{}", id="one")]}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": usage}
    wire.script(answer(whole=whole | {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}))
    given = await gather(resolve("openai:test", wire.env).complete(ASK, [TOOL]))
    assert (given.content, said(given), given.tokens_in) == ("Yes.", [("a", "{}")], 9)


async def test_an_error_with_status_200_is_a_sentence(wire, answer):
    wire.script(answer(whole={"error": {"message": "the model is on fire"}}))
    with pytest.raises(ModelReplyCut, match="on fire"):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))


async def test_cached_tokens_and_costs_are_told(wire, answer):
    usage = {"prompt_tokens": 90, "completion_tokens": 2, "total_tokens": 92, "cost": 0.004}
    usage["prompt_tokens_details"] = {"cached_tokens": 64}
    last = chunk() | {"choices": [], "usage": usage}
    given = await reply(wire, answer, chunk(content="Yes."), chunk("stop"), last)
    assert (given.tokens_in, given.tokens_cached, given.cost) == (90, 64, 0.004)


async def test_a_prompt_that_ollama_cuts_without_a_word_is_an_overflow(wire, answer):
    wire.loaded = [{"model": "qwen3:latest", "context_length": 4096}]
    env = wire.env | {"OLLAMA_BASE_URL": wire.url}
    wire.script(answer(text="Yes."), answer(text="Yes."))
    model = resolve("ollama:qwen3", env)
    await gather(model.complete(ASK, []))
    with pytest.raises(ContextOverflow, match="OLLAMA_CONTEXT_LENGTH"):
        await gather(model.complete([*ASK, Message(role="user", content="word " * 20_000)], []))


async def test_the_next_model_of_a_chain_answers_where_one_is_down(wire, answer):
    wire.script(answer(text="Yes."))
    env = wire.env | {"VLLM_BASE_URL": "http://127.0.0.1:9/v1"}
    model = resolve("vllm:none, openai:test", env)
    given = await gather(model.complete(ASK, []))
    assert (given.content, given.model) == ("Yes.", "openai:test")
    assert resolve(model.name, env).name == model.name


async def test_a_chain_does_not_begin_a_reply_again_elsewhere(wire, answer):
    wire.script(answer(text="One two three four", cut=True))
    with pytest.raises(ModelReplyCut):
        await gather(resolve("openai:a,openai:b", wire.env).complete(ASK, []))
    assert len(wire.requests) == 1


async def test_a_refusal_is_not_passed_to_the_next_of_a_chain(wire, answer):
    wire.script(answer(status=400, body='{"error":{"message":"no such thing"}}'))
    with pytest.raises(ModelRefused):
        await gather(resolve("openai:a,openai:b", wire.env).complete(ASK, []))


async def test_prices_are_known_free_or_unknown():
    given = Reply("", (), "stop", tokens_in=1000, tokens_out=100, tokens_cached=200)
    assert price("openai:gpt-5", given) == pytest.approx(0.8e-3 * 1.25 + 0.2e-3 * 0.125 + 1e-3)
    assert price("ollama:qwen3", given) == 0
    assert price("openai:nobody-knows-this", given) is None
