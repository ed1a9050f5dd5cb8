"""Forged hosts, foreign origins and missing tokens, against a real server, on every kind of route."""

from __future__ import annotations

import re

import pytest

from kernel_gateway.attempts import MOST, WHILE
from tests.gristmill.door import Server

ROUTES = ["/", "/artifacts", "/schedules", "/runs/run_x", "/static/js/bokeh.min.js", "/api/runs", "/api/health", "/x"]
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "bokeh, token",
}


def here(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


def cookie(server: Server) -> str:
    return f"gristmill-{server.port}={server.token}"


@pytest.mark.parametrize("path", ROUTES)
def test_no_route_answers_without_the_token(server: Server, path: str) -> None:
    status, headers, body = server.raw("GET", path, {"Host": here(server)})
    assert status == 401
    assert headers["www-authenticate"] == "Bearer"
    assert server.token.encode() not in body


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("wrong", ["", "x", "ü", "None"])
def test_a_wrong_token_is_refused_in_each_of_its_places(server: Server, path: str, wrong: str) -> None:
    bearer = {"Host": here(server), "Authorization": f"Bearer {wrong}"}
    baked = {"Host": here(server), "Cookie": f"gristmill-{server.port}={wrong}"}
    refused = (401, 429)
    assert server.raw("GET", path, {k: v.encode().decode("latin-1") for k, v in bearer.items()})[0] in refused
    assert server.raw("GET", path, {k: v.encode().decode("latin-1") for k, v in baked.items()})[0] in refused
    asked = f"{path}?token={'%C3%BC' if wrong == 'ü' else wrong}"
    assert server.raw("GET", asked, {"Host": here(server)})[0] in refused


@pytest.mark.parametrize("path", ["/", "/api/runs", "/static/js/bokeh.min.js"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost@evil.example", "evil", "", "a b"],
)
def test_a_forged_host_is_refused_even_with_the_token_and_a_matching_origin(
    server: Server, path: str, host: str
) -> None:
    host = host.format(port=server.port)
    headers = {"Host": host, "Origin": f"http://{host}", "Authorization": f"Bearer {server.token}"}
    assert server.raw("GET", path, headers)[0] in (400, 403)


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "localhost:9999", "127.0.0.1"]
)
def test_the_loopback_is_known_by_all_its_names_and_behind_a_forwarded_port(server: Server, host: str) -> None:
    headers = {"Host": host.format(port=server.port), "Authorization": f"Bearer {server.token}"}
    assert server.raw("GET", "/api/health", headers)[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}.x", "x"]
)
def test_a_foreign_page_cannot_act_with_the_cookie(server: Server, origin: str) -> None:
    headers = {"Host": here(server), "Origin": origin.format(port=server.port), "Cookie": cookie(server)}
    assert server.raw("POST", "/api/runs/last/cancel", headers)[0] == 403
    assert server.raw("GET", "/api/runs", headers)[0] == 403


def test_a_change_with_the_cookie_must_say_where_it_comes_from(server: Server) -> None:
    headers = {"Host": here(server), "Cookie": cookie(server)}
    assert server.raw("GET", "/api/runs", headers)[0] == 200
    assert server.raw("POST", "/api/runs/nosuch/cancel", headers)[0] == 403
    own = headers | {"Origin": f"http://{here(server)}"}
    assert server.raw("POST", "/api/runs/nosuch/cancel", own)[0] == 404, "our own page may"


@pytest.mark.parametrize("dest", ["image", "script", "iframe", "empty"])
def test_a_page_on_another_port_of_this_machine_cannot_load_ours(server: Server, dest: str) -> None:
    headers = {"Host": here(server), "Cookie": cookie(server), "Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": dest}
    mode = "navigate" if dest == "iframe" else "no-cors"
    assert server.raw("GET", "/api/runs", headers | {"Sec-Fetch-Mode": mode})[0] == 403


@pytest.mark.parametrize("path", ["/ws", "/runs/run_x/ws", "/artifacts/ws", "/api/ws"])
def test_a_websocket_asks_for_the_same_three(server: Server, path: str) -> None:
    good = UPGRADE | {"Host": here(server), "Origin": f"http://{here(server)}", "Cookie": cookie(server)}
    assert server.raw("GET", path, good | {"Host": "evil.example", "Origin": "http://evil.example"})[0] == 403
    assert server.raw("GET", path, good | {"Origin": "http://evil.example"})[0] == 403
    assert server.raw("GET", path, {k: v for k, v in good.items() if k != "Origin"})[0] == 403
    assert server.raw("GET", path, {k: v for k, v in good.items() if k != "Cookie"})[0] == 403


def test_a_websocket_with_all_three_reaches_the_page_behind(server: Server) -> None:
    good = UPGRADE | {"Host": here(server), "Origin": f"http://{here(server)}", "Cookie": cookie(server)}
    with server.client() as client:
        page = client.get("/", headers={"Accept": "text/html"}).text
        session = re.search(r'"token":\s*"([^"]+)"', page)
    assert session is not None
    protocol = {"Sec-WebSocket-Protocol": f"bokeh, {session[1]}"}
    assert server.raw("GET", "/ws", good | protocol)[0] == 101
    assert server.raw("GET", "/ws", good | protocol | {"Origin": "http://evil.example"})[0] == 403


def test_the_token_in_the_address_becomes_a_cookie_and_goes_from_the_address(server: Server) -> None:
    status, headers, _ = server.raw("GET", f"/runs/run_x?a=1&token={server.token}&b=2", {"Host": here(server)})
    assert status == 303
    assert headers["location"] == "/runs/run_x?a=1&b=2"
    baked = headers["set-cookie"]
    assert baked.startswith(f"gristmill-{server.port}={server.token};")
    assert "HttpOnly" in baked
    assert "SameSite=Strict" in baked
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    status, _, _ = server.raw("GET", "/", {"Host": here(server), "Cookie": baked.partition(";")[0]})
    assert status == 200


def test_the_redirect_never_leaves_this_server(server: Server) -> None:
    for path in ("//evil.example/x", "/\\evil.example", "/%0d%0aSet-Cookie:x=1"):
        status, headers, _ = server.raw("GET", f"{path}?token={server.token}", {"Host": here(server)})
        assert status == 303
        assert headers["location"].startswith("/")
        assert not headers["location"].startswith(("//", "/\\"))
        assert headers["set-cookie"].startswith("gristmill-")


def test_every_answer_carries_the_headers_that_keep_a_browser_careful(server: Server) -> None:
    with server.client() as client:
        for path in ("/", "/api/runs", "/api/nosuch", "/static/js/bokeh.min.js"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'self'" in headers["content-security-policy"]
            assert "object-src 'none'" in headers["content-security-policy"]
            assert "access-control-allow-origin" not in headers


def test_a_person_without_the_token_is_told_what_to_do(server: Server) -> None:
    status, headers, body = server.raw("GET", "/", {"Host": here(server), "Accept": "text/html"})
    assert status == 401
    assert headers["content-type"].startswith("text/html")
    assert b"gristmill serve" in body
    assert b"<script" not in body


def test_scripts_may_be_kept_by_the_browser_and_pages_may_not(server: Server) -> None:
    with server.client() as client:
        script = client.get("/static/js/bokeh.min.js").headers
        assert (script["content-encoding"], script["cache-control"]) == ("gzip", "private, no-cache")
        assert "immutable" in client.get("/static/extensions/panel/panel.min.js?v=1").headers["cache-control"]
        assert client.get("/").headers["cache-control"] == "no-store"


def test_wrong_tokens_are_refused_for_a_while_and_the_right_one_still_gets_in(guarded: Server) -> None:
    name = f"gristmill-{guarded.port}"
    upgrade = UPGRADE | {"Host": here(guarded), "Origin": f"http://{here(guarded)}"}
    ways = [
        lambda wrong: ("/api/runs", {"Host": here(guarded), "Authorization": f"Bearer {wrong}"}),
        lambda wrong: (f"/?token={wrong}", {"Host": here(guarded), "Accept": "text/html"}),
        lambda wrong: (f"/api/runs?token={wrong}", {"Host": here(guarded)}),
        lambda wrong: ("/", {"Host": here(guarded), "Cookie": f"{name}={wrong}"}),
        lambda wrong: ("/ws", upgrade | {"Cookie": f"{name}={wrong}"}),
    ]
    for n in range(MOST):
        path, headers = ways[n % len(ways)](f"guess{n}")
        assert guarded.raw("GET", path, headers)[0] in (401, 403), "however it comes, it is counted"
    for way in ways:
        path, headers = way("one-more")
        status, told, body = guarded.raw("GET", path, headers)
        assert status == 429
        assert 0 < int(told["retry-after"]) <= WHILE
        assert b"wait" in body
    assert b"<form" in guarded.raw("GET", *ways[1]("x"))[2], "a person who has the token may still enter it"
    assert guarded.raw("GET", "/api/runs", {"Host": here(guarded)})[0] == 401, "who sends none makes no guess"
    assert (
        guarded.raw("GET", "/api/runs", {"Host": here(guarded), "Authorization": f"Bearer {guarded.token}"})[0] == 200
    )
    assert guarded.raw("GET", "/", {"Host": here(guarded), "Cookie": cookie(guarded)})[0] == 200
    assert guarded.raw("GET", f"/?token={guarded.token}", {"Host": here(guarded)})[0] == 303
    log = guarded.log.read_text()
    assert "127.0.0.1" in log
    assert "guess" not in log
