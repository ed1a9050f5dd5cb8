"""The description of the REST interface is true: what routes really answer fits it, and a person can read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import Browser

from kernel_gateway.attempts import MOST
from tests.gristmill.door import QUESTION, Server


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    with server.client() as client:
        found: dict[str, Any] = client.get("/api/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Hold a value to a schema of the document."""
    Draft202012Validator(schema | {"components": document["components"]}).validate(value)


def fits(document: dict[str, Any], method: str, path: str, reply: httpx.Response) -> Any:
    """Hold a real answer to what the document says of its route, and return it."""
    said = document["paths"][path][method]["responses"]
    assert str(reply.status_code) in said, f"{method} {path} answered {reply.status_code}: {reply.text[:300]}"
    content = said[str(reply.status_code)].get("content", {})
    media = reply.headers.get("content-type", "").partition(";")[0]
    if not content:
        assert reply.content == b""
        return None
    assert media in content or "*/*" in content, f"{method} {path} answered with {media}"
    if media != "application/json" or media not in content:
        return None
    check(document, content[media]["schema"], reply.json())
    return reply.json()


def test_it_is_valid_and_says_how_the_token_is_taken(server: Server, document: dict[str, Any]) -> None:
    from openapi_spec_validator import validate

    validate(document)
    schemes = document["components"]["securitySchemes"]
    assert [*schemes] == [name for way in document["security"] for name in way]
    health = f"{server.url}/api/health"
    with httpx.Client(trust_env=False) as client:
        assert schemes["bearer"]["scheme"] == "bearer"
        assert client.get(health, headers={"Authorization": f"Bearer {server.token}"}).status_code == 200
        assert client.get(health, params={schemes["query"]["name"]: server.token}).status_code == 200
        cookie = f"{schemes['cookie']['name']}={server.token}"
        assert client.get(health, headers={"Cookie": cookie}).status_code == 200


def test_every_route_says_what_it_takes_answers_and_refuses(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        responses = operation["responses"]
        assert [s for s in responses if s < "300"], where
        assert {"401", "403", "429"} <= set(responses), where
        assert "404" in responses or "{ref}" not in path, where
        for status, response in responses.items():
            if status >= "400":
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, f"{where} {status}"
            for media, content in response.get("content", {}).items():
                assert content["schema"], f"{where} {status} {media}"
                if media == "application/json":
                    check(document, content["schema"], content["example"])


def test_what_can_be_got_is_as_it_says(server: Server, finished: str, document: dict[str, Any]) -> None:
    with server.client(headers={"Accept": "application/json"}) as client:
        asked = {"cron": "0 7 * * *", "timezone": "UTC", "kind": "notebook", "template": "profile"}
        schedule = fits(document, "post", "/api/schedules", client.post("/api/schedules", json=asked))["schedule"]
        artifact = client.get(f"/api/artifacts?run={finished}&role=plot").json()["artifacts"][0]
        ids = {"runs": finished, "artifacts": artifact["id"], "schedules": schedule["id"]}
        for method, path, _ in operations(document):
            if method == "get":
                ref = ids.get(path.split("/")[2], "")
                fits(document, method, path, client.get(path.replace("{ref}", ref)))
        ended = client.get(f"/api/runs/{finished}/events?after=100000", headers={"Accept": "text/event-stream"})
        fits(document, "get", "/api/runs/{ref}/events", ended)
        assert ended.status_code == 204
        gone = client.delete(f"/api/schedules/{schedule['id']}")
        assert fits(document, "delete", "/api/schedules/{ref}", gone)["id"] == schedule["id"]


def test_what_is_begun_is_as_it_says(guarded: Server, flowers: Path, document: dict[str, Any]) -> None:
    with guarded.client() as client:
        form = {"question": QUESTION}
        begun = client.post("/api/runs", data=form, files={"files": ("flowers.csv", flowers.read_bytes())})
        files = {"param:data": ("flowers.csv", flowers.read_bytes())}
        ran = client.post("/api/notebooks/run", data={"name": "profile", "params": "{}"}, files=files)
        for path, reply in (("/api/runs", begun), ("/api/notebooks/run", ran)):
            assert reply.status_code == 201
            run = fits(document, "post", path, reply)["id"]
            for then in ("cancel", "resume", "cancel", "reproduce"):
                done = client.post(f"/api/runs/{run}/{then}")
                told = fits(document, "post", f"/api/runs/{{ref}}/{then}", done)
            if done.status_code == 201:
                client.post(f"/api/runs/{told['id']}/cancel")
    body = document["paths"]["/api/notebooks/run"]["post"]["requestBody"]["content"]["multipart/form-data"]
    check(document, body["schema"], {"name": "profile", "params": "{}", "param:data": "a,b"})


def test_what_is_refused_is_a_problem(guarded: Server, document: dict[str, Any]) -> None:
    with guarded.client() as client:
        for method, path, operation in operations(document):
            if "{ref}" in path:
                body = {"paused": True} if method == "patch" else {"what": "run"} if path.endswith("/edits") else None
                refused = client.request(method, path.replace("{ref}", "nosuch"), json=body)
                assert refused.status_code == 404, f"{method} {path}"
                fits(document, method, path, refused)
            if method == "post" and operation.get("requestBody", {}).get("required"):
                refused = client.request(method, path)
                assert refused.status_code == 422, f"{method} {path}"
                fits(document, method, path, refused)
    with httpx.Client(base_url=guarded.url, trust_env=False) as client:
        for headers in ({}, {"Origin": "http://evil.example"}, *[{"Authorization": "Bearer wrong"}] * (MOST + 1)):
            fits(document, "get", "/api/runs", client.get("/api/runs", headers=headers))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)])
def test_a_person_can_read_it_in_a_browser_that_runs_and_asks_for_nothing_else(
    browser: Browser, server: Server, document: dict[str, Any], scheme: Any, width: int
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    context.add_cookies([{"name": f"gristmill-{server.port}", "value": server.token, "url": server.url}])
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    reply = page.goto(f"{server.url}/api/docs")
    assert reply is not None
    assert reply.status == 200
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy
    assert asked == [f"{server.url}/api/docs"]
    assert said == [], "the policy lets the style sheet in"
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is wider than the screen"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) > 380) == (scheme == "light")
    shown = page.eval_on_selector_all("[id]", "all => Object.fromEntries(all.map(e => [e.id, e.innerText]))")
    for _, path, operation in operations(document):
        assert path in shown[operation["operationId"]]
    links = page.eval_on_selector_all('a[href^="#"]', "all => all.map(a => a.getAttribute('href'))")
    missing = [link for link in links if link[1:] not in shown]
    assert missing == [], "each link within the page leads somewhere"
    context.close()


def test_no_secret_stands_in_the_description(server: Server, document: dict[str, Any]) -> None:
    with server.client() as client:
        assert server.token not in json.dumps(document) + client.get("/api/docs").text
