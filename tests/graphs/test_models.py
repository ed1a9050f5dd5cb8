"""The model seam against a real server: streamed tool calls, refusals, cuts, and keys that stay where they belong."""

from __future__ import annotations

import json
import socket

import pytest

from graphs.models import gather, resolve
from graphs.models.base import (
    BadKey,
    ContextOverflow,
    Message,
    ModelBusy,
    ModelReplyCut,
    ModelUnreachable,
    ToolSpec,
    UnknownModel,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASK = [Message(role="system", content="Be brief."), Message(role="user", content="Hello")]
TOOL = ToolSpec(name="run_code", description="Run.", parameters={"type": "object", "properties": {}})


async def test_a_reply_is_streamed_and_tool_calls_split_over_chunks_are_joined(wire, answer):
    arguments = json.dumps({"code": "print('grüße')", "title": "Greet"})
    wire.script(answer(text="I greet now.", calls=[("run_code", arguments), ("run_code", "{}")]))
    heard: list[str] = []
    reply = await gather(resolve("openai:test", wire.env).complete(ASK, [TOOL]), heard.append)
    assert reply.content == "".join(heard) == "Igreetnow."
    assert len(heard) == 3
    assert [(c.name, c.arguments) for c in reply.tool_calls] == [("run_code", arguments), ("run_code", "{}")]
    assert reply.finish == "tool_calls"
    assert (reply.tokens_in, reply.tokens_out) == (12, 5)


async def test_the_wire_carries_tools_calls_and_results_in_openai_s_shape(wire, answer):
    wire.script(answer(calls=[("run_code", "{}")]), answer(text="Done."))
    model = resolve("openai:test", wire.env)
    first = await gather(model.complete(ASK, [TOOL]))
    result = Message(role="tool", content='{"ok": true}', tool_call_id=first.tool_calls[0].id)
    await gather(model.complete([*ASK, first.message, result], [TOOL]))
    sent = wire.requests[1]
    assert sent["model"] == "test"
    assert sent["tools"][0] == {"type": "function", "function": TOOL.model_dump()}
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "run_code", "arguments": "{}"}
    assert sent["messages"][3] == {"role": "tool", "content": '{"ok": true}', "tool_call_id": "call_run_code_0"}
    assert wire.keys == ["Bearer sk-secret-of-the-test"] * 2


async def test_a_busy_endpoint_is_asked_again_after_the_time_it_names(wire, answer):
    wire.script(
        answer(status=429, headers={"retry-after-ms": "20"}, body='{"error":{"message":"slow down"}}'), answer()
    )
    reply = await gather(resolve("openai:test", wire.env).complete(ASK, []))
    assert reply.finish == "stop"
    assert len(wire.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_an_endpoint_that_stays_busy_is_one_sentence(wire, answer, status):
    body = '{"error":{"message":"You are over your quota"}}'
    wire.answer = lambda request: answer(status=status, headers={"retry-after-ms": "1"}, body=body)
    with pytest.raises(ModelBusy, match=r"over your quota.*[Rr]esume the run"):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))
    assert len(wire.requests) == 4


async def test_a_bad_key_is_one_sentence_that_names_the_variable_and_not_the_key(wire, answer):
    body = '{"error":{"message":"Incorrect API key provided: sk-secret-of-the-test"}}'
    wire.script(answer(status=401, body=body))
    with pytest.raises(BadKey, match="OPENAI_API_KEY") as caught:
        await gather(resolve("openai:test", wire.env).complete(ASK, []))
    assert "sk-secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(wire.requests) == 1


async def test_a_refusal_that_repeats_the_key_does_not_pass_it_on(wire, answer):
    wire.answer = lambda request: answer(
        status=500, headers={"retry-after-ms": "1"}, body='{"error":{"message":"sk-secret-of-the-test broke"}}'
    )
    with pytest.raises(ModelBusy) as caught:
        await gather(resolve("openai:test", wire.env).complete(ASK, []))
    assert "sk-secret" not in str(caught.value)


async def test_a_model_that_the_endpoint_does_not_know_is_named(wire, answer):
    wire.script(answer(status=404, body='{"error":{"message":"no such model"}}'))
    with pytest.raises(UnknownModel, match="'nosuch'"):
        await gather(resolve("openai:nosuch", wire.env).complete(ASK, []))


async def test_a_server_that_is_down_is_named_with_its_address():
    with socket.socket() as taken:  # bound and not listening: nobody else can answer here meanwhile
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(ModelUnreachable, match=url):
            await gather(resolve("vllm:some", {"VLLM_BASE_URL": url}).complete(ASK, []))


@pytest.mark.parametrize("calls", [[], [("run_code", json.dumps({"code": "x" * 200}))]])
async def test_a_reply_cut_in_the_middle_is_never_taken_for_a_whole_one(wire, answer, calls):
    wire.script(answer(text="One two three four five", calls=calls, cut=True))
    with pytest.raises(ModelReplyCut):
        await gather(resolve("openai:test", wire.env).complete(ASK, [TOOL]))


async def test_a_conversation_that_is_too_long_is_told_apart_from_other_refusals(wire, answer):
    body = (
        '{"error":{"message":"This model\'s maximum context length is 8192 tokens","code":"context_length_exceeded"}}'
    )
    wire.script(answer(status=400, body=body))
    with pytest.raises(ContextOverflow):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))


async def test_an_endpoint_that_is_no_chat_endpoint_is_a_sentence(wire, answer):
    wire.answer = lambda request: answer(status=405, body="<html>no</html>")
    with pytest.raises(Exception, match="refuses the request"):
        await gather(resolve("openai:test", wire.env).complete(ASK, []))
