"""Models by name: what is meant, what is missing, and what there is."""

from __future__ import annotations

import pytest

from graphs.models import resolve
from graphs.models.base import BadKey, UnknownModel


@pytest.mark.parametrize("name", ["gpt-5", "nobody:gpt-5", "openai:", "openai"])
def test_a_name_of_no_known_form_lists_those_that_are(name):
    with pytest.raises(UnknownModel, match=r"playbook.*ollama:NAME"):
        resolve(name, {"OPENAI_API_KEY": "k"})


@pytest.mark.parametrize(
    ("name", "variable"), [("openai:x", "OPENAI_API_KEY"), ("anthropic:x", "ANTHROPIC_API_KEY"), ("google:x", "GEMINI")]
)
def test_an_endpoint_that_needs_a_key_says_which(name, variable):
    with pytest.raises(BadKey, match=variable):
        resolve(name, {})


def test_servers_of_one_s_own_need_no_key():
    assert resolve("ollama:qwen3", {}).name == "ollama:qwen3"
    assert resolve("openai:local", {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}).name == "openai:local"


def test_without_a_name_the_setting_decides():
    assert resolve(None, {"GRISTMILL_MODEL": "ollama:qwen3"}).name == "ollama:qwen3"
