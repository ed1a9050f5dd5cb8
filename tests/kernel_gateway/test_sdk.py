"""The SDK in parts: less is imported, and whoever asks for more gets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SPARED = ("e2b.template.main", "e2b.sandbox_sync.main", "e2b.api.client.models.template_build", "rich", "pygments")


def said(code: str, *, strip: bool = True) -> str:
    """What a fresh process prints."""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return told.strip() if strip else told


def test_what_runs_code_comes_without_what_makes_templates_and_without_the_other_half() -> None:
    told = said(f"import sys; from kernel_gateway import sdk; sdk.load(); print(*set({SPARED}) & set(sys.modules))")
    assert told == ""
    whole = said(f"import sys, e2b_code_interpreter; print(*sorted(set({SPARED}) & set(sys.modules)))")
    assert whole == " ".join(sorted(SPARED)), "each of these is there to be spared"


def test_langgraph_comes_without_the_clients_of_services_that_it_does_not_use() -> None:
    clients = {"langgraph_sdk.client", "langsmith.types.agent"}
    told = f"import langgraph.graph, sys; print(*sorted({clients} & set(sys.modules)))"
    assert said(f"from kernel_gateway import sdk; sdk.load(); {told}") == ""
    assert said(told) == " ".join(sorted(clients)), "each of these is there to be spared"


@pytest.mark.parametrize(
    ("package", "some"),
    [
        ("e2b", ["Sandbox", "AsyncSandbox", "SandboxException"]),
        ("e2b_code_interpreter", ["Sandbox", "AsyncSandbox", "SandboxException"]),
        ("langgraph_sdk", ["get_client", "Auth"]),
        ("langsmith.types", ["TracerSession"]),
    ],
)
def test_every_name_of_a_package_is_had_as_without_it(package: str, some: list[str]) -> None:
    names = said(f"import {package} as p; print(*sorted(n for n in vars(p) if n[0] != '_' and n != 'annotations'))")
    assert {*some} <= {*names.split()}
    lines = [
        f"from kernel_gateway import sdk; sdk.load(); import {package} as p",
        "try: p.nothing\nexcept AttributeError as e: print(e)",
        f"from {package} import *; print(*(one.__name__ for one in ({', '.join(some)},)))",
        f"print(*(n for n in {names.split()} if not hasattr(p, n)))",
    ]
    other, star, lacking = said("\n".join(lines), strip=False).splitlines()
    assert (star, lacking) == (" ".join(some), "")
    assert other == f"module '{package}' has no attribute 'nothing'"


def test_a_package_that_was_imported_before_is_left_as_it_is() -> None:
    assert said("import e2b; from kernel_gateway import sdk; sdk.load(); print('Sandbox' in vars(e2b))") == "True"


def test_httpx_is_whole_but_for_its_command_line() -> None:
    told = said("from kernel_gateway import sdk; sdk.load(); import httpx, httpx._main; print(httpx._main.main.name)")
    assert told == "main"
