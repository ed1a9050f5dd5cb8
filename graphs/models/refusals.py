"""What endpoints say when they refuse: which of our errors it is, and whether asking again can help."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST_SECONDS = 120.0
"""An endpoint that wants us to wait longer than this is not asked again."""

# The words of OpenAI, vLLM, OpenRouter, Anthropic, Google, llama.cpp, LM Studio, SGLang, Groq, xAI, Mistral, Kimi,
# MiniMax and Ollama, in lower case.
_OVERFLOW = re.compile(
    r"context_length_exceeded|exceeds the context window|context window exceeds|maximum context length|"
    r"prompt is too long|exceed context limit|input token count.*exceeds the maximum|"
    r"exceeds the available context size|exceed_context_size|context shift is disabled|greater than the context length|"
    r"longer than the model's context|"
    r"reduce the length of|maximum prompt length|too large for model with|exceeded model token limit|"
    r"context length exceeded|exceeds.{0,30}context (length|size|window)|too many tokens",
    re.S,
)
_LIMITED = re.compile(r"rate_limit|tokens per (minute|day)|requests per (minute|day)|\btpm\b|\brpm\b")
_NO_MONEY = re.compile(
    r"insufficient_quota|insufficient balance|billing_hard_limit|payment required|exceeded your current quota"
)
_BAD_HISTORY = re.compile(r"failed to parse tool call arguments|invalid tool call arguments")
_NAMES_PARAMETER = re.compile(
    r"\b(temperature|seed|tool_choice|stream_options|parallel_tool_calls|response_format|reasoning_content|top_p)\b"
)
_NO_IMAGES = re.compile(
    r"image_url|image input|images? (is|are) not supported|not support (image|vision|multimodal)|not a multimodal"
)
_TRIED_AGAIN = (408, 409, 425, 429)


def words(body: Any, fallback: str = "") -> str:
    """What an error's body says, whatever its shape: an object, a list of them, a text."""
    return " ".join(dict.fromkeys(filter(None, (w.strip() for w in _words(body))))) or fallback


def _words(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        if body.lstrip().startswith(("{", "[")):
            try:
                yield from _words(json.loads(body))
                return
            except ValueError:
                pass
        yield body
    elif isinstance(body, Mapping):
        for name in ("message", "error", "detail", "error_message", "failed_generation", "msg"):
            yield from _words(body.get(name))
    elif isinstance(body, (list, tuple)):
        for part in body:
            yield from _words(part)


def signs(body: Any, said: str) -> str:
    """All by which an error is told, in lower case: its words, and the codes beside them."""
    return f"{said} {json.dumps(body, default=str, ensure_ascii=False)}".lower()


def is_overflow(status: int, signs: str) -> bool:
    """Whether a conversation was too long. A limit on tokens per minute is none, though it comes as 413, too."""
    if _LIMITED.search(signs):
        return False
    if "max_tokens" in signs and re.search(r"\d+ > \d+ - \d+", signs):
        return False  # vLLM: the reply that we asked for was too long, not the conversation
    return status == 413 or bool(_OVERFLOW.search(signs))


def is_limit(status: int, signs: str) -> bool:
    """Whether the endpoint has had too much for now; what has run out of money will not be better in a minute."""
    return status == 429 or (status == 413 and bool(_LIMITED.search(signs)))


def is_out_of_money(status: int, signs: str) -> bool:
    """Whether the account has no credit left."""
    return status == 402 or bool(_NO_MONEY.search(signs))


def refused_parameter(status: int, param: str | None, signs: str) -> str | None:
    """The parameter that a model does not take, where it says so."""
    if _NO_IMAGES.search(signs):
        return "images"
    if status not in (400, 422):
        return None
    found = _NAMES_PARAMETER.search(param or "") or _NAMES_PARAMETER.search(signs)
    return found[1] if found else None


def worth_another_try(status: int, signs: str) -> bool:
    """Whether the same request may be answered in a while."""
    if is_out_of_money(status, signs) or _BAD_HISTORY.search(signs) or is_overflow(status, signs):
        return False
    return status in _TRIED_AGAIN or status >= 500 or "tool_use_failed" in signs or is_limit(status, signs)


def wait(headers: Mapping[str, str], attempt: int) -> float | None:
    """Seconds to wait before the next try, as the endpoint's headers say, else doubling; None: too long to wait."""
    if headers.get("x-should-retry") == "false":
        return None
    asked = _seconds(headers.get("retry-after-ms"), 0.001)
    asked = asked if asked is not None else _seconds(headers.get("retry-after"))
    if asked is None and headers.get("x-ratelimit-remaining-tokens") == "0":
        asked = _seconds(headers.get("x-ratelimit-reset-tokens"))
    if asked is None and headers.get("x-ratelimit-remaining-requests") == "0":
        asked = _seconds(headers.get("x-ratelimit-reset-requests"))
    if asked is None:
        return min(0.5 * 2.0**attempt, 8.0)
    return asked if asked <= MOST_SECONDS else None


def _seconds(text: str | None, unit: float = 1.0) -> float | None:
    """`"20"`, `"1.57s"`, `"6m0s"` or `"120ms"` in seconds."""
    if not text:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text) * unit
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    scale = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(n) * scale[u] for n, u in parts) if parts else None
