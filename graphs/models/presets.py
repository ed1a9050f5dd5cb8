"""The endpoints that are known by name: data only. Anything that speaks OpenAI's chat completions can be reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """`NAME:model` reaches `base_url` with the key in the first of `key_names` that is set.

    `needs_key` is false of servers that people run themselves. The address is changed by `<NAME>_BASE_URL`, and an
    address of one's own needs no key either. `images`: its models read pictures.
    """

    name: str
    title: str
    base_url: str
    key_names: tuple[str, ...] = ()
    needs_key: bool = True
    example: str = "MODEL"
    images: bool = False

    @property
    def url_name(self) -> str:
        return f"{self.name.upper()}_BASE_URL"


# Source of each address: its maker's own page on OpenAI compatibility.
PRESETS: dict[str, Preset] = {
    p.name: p
    for p in (
        Preset("openai", "OpenAI", "https://api.openai.com/v1", ("OPENAI_API_KEY",), example="gpt-5", images=True),
        Preset("ollama", "Ollama", "http://localhost:11434/v1", ("OLLAMA_API_KEY",), False, "qwen3"),
        Preset("vllm", "vLLM", "http://localhost:8000/v1", ("VLLM_API_KEY",), False, "Qwen/Qwen3-32B"),
        Preset("lmstudio", "LM Studio", "http://localhost:1234/v1", ("LMSTUDIO_API_KEY",), False, "qwen3-14b"),
        Preset("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)),
        Preset("anthropic", "Anthropic", "https://api.anthropic.com/v1/", ("ANTHROPIC_API_KEY",), images=True),
        Preset(
            "google",
            "Google",
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            images=True,
        ),
        Preset("groq", "Groq", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
    )
}
