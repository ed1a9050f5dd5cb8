"""The guard at the gate: Host, Origin and token on every HTTP and WebSocket route, and the security headers.

Panel's own allow-list compares Origin with Host, so a page that forges both (DNS rebinding) passes it. This looks at
the Host by name first, then holds the Origin against the Host, then asks for the token.
Wrong tokens are slowed down and then refused, by the address that they come from.
"""

from __future__ import annotations

import hmac
import html
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from kernel_gateway.attempts import Attempts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# The pages' own policy, a nonce for each script, is stricter still; nothing may come from, or go to, elsewhere.
PAGE_CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {sockets}; worker-src 'self' blob:; "
    "frame-src 'self' blob: data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # else the token in the first URL would travel to every link's target
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
)


@dataclass(frozen=True)
class Refusal:
    """Why a request does not get in: an HTTP status and a sentence; for 429 the seconds after which to come again."""

    status: int
    text: str
    retry_after: int = 0


class Guard:
    """ASGI middleware. `names` are host names, beside the loopback's, that a browser may use for this server.

    The token comes as `Authorization: Bearer`, as the cookie that a first visit with `?token=` sets, or, for the
    interface under /api/ and for WebSockets, as `?token=` itself.
    """

    def __init__(self, app: App, *, token: str, port: int, names: tuple[str, ...] = ()) -> None:
        self.app, self.token, self.names = app, token, frozenset(n.lower() for n in names)
        self.cookie = cookie_name(port)
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, exchange its token for a cookie, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = _headers(scope)
        refusal = self._host(headers) or self._origin(scope, headers)
        if refusal is None:
            by_link = scope["type"] == "http" and not _is_api(scope) and scope["method"] == "GET"
            given = _query_token(scope)
            refusal = await self._token(scope, headers, given, by_link)
            if refusal is None and by_link and given is not None:
                await self._exchange(scope, headers, send)
                return
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
            return
        await self.app(_without_token(scope), receive, self._dressed(send, scope, headers["host"]))

    def _host(self, headers: dict[str, str]) -> Refusal | None:
        host = headers.get("host", "")
        name = _name(host)
        if name is not None and (name == "localhost" or name in self.names or _is_loopback(name)):
            return None
        return Refusal(
            403, f"This server does not answer to the host name {host!r}. Add it to GRISTMILL_ALLOWED_HOSTS if it is."
        )

    def _origin(self, scope: Scope, headers: dict[str, str]) -> Refusal | None:
        foreign = Refusal(403, "This request comes from another site's page.")
        if "origin" in headers:
            return None if _same_origin(headers["origin"], headers["host"]) else foreign
        by_cookie = "authorization" not in headers and "cookie" in headers
        if by_cookie and (scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS):
            return foreign  # a browser always says where these come from
        fetched = headers.get("sec-fetch-site", "none")
        if fetched not in ("none", "same-origin") and headers.get("sec-fetch-mode") != "navigate":
            return foreign
        if fetched not in ("none", "same-origin") and headers.get("sec-fetch-dest", "document") != "document":
            return foreign  # framed by another site
        return None

    async def _token(
        self, scope: Scope, headers: dict[str, str], in_query: str | None, by_link: bool
    ) -> Refusal | None:
        """Ask for the token. A link's wins, else the header's, the query's and the cookie's, in this order."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if by_link and in_query is not None:
            given: str | None = in_query
        elif scheme.lower() == "bearer":
            given = bearer.strip()
        elif in_query is not None:
            given = in_query
        else:
            given = _cookie(headers.get("cookie", ""), self.cookie)
        address = (scope.get("client") or ("",))[0]
        right = given is not None and hmac.compare_digest(given.encode(), self.token.encode())
        if right and self._attempts.right(address):
            return None
        if given is None:
            return Refusal(401, "This server asks for its token.")
        if seconds := await self._attempts.hold(address):
            return Refusal(429, f"Too many wrong tokens came from this address; wait {seconds} s.", seconds)
        return Refusal(401, "That token is not this server's.")

    async def _exchange(self, scope: Scope, headers: dict[str, str], send: Send) -> None:
        query = [(k, v) for k, v in parse_qsl(scope["query_string"].decode("latin-1")) if k != "token"]
        # A path that begins with two slashes would name another host.
        clean = "/" + quote(scope["path"].lstrip("/\\")) + (f"?{urlencode(query)}" if query else "")
        secure = "; Secure" if headers.get("x-forwarded-proto", scope.get("scheme")) == "https" else ""
        cookie = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict{secure}"
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            await _respond(send, 303, b"", [(b"location", clean.encode()), (b"set-cookie", cookie.encode())])
        else:  # from the file of `gristmill open`: the cookie is not sent on a redirect that began at another site
            await _respond(send, 200, b"", [(b"refresh", f"0; url={clean}".encode()), (b"set-cookie", cookie.encode())])

    def _dressed(self, send: Send, scope: Scope, host: str) -> Send:
        own = [*HEADERS, (b"content-security-policy", PAGE_CSP.format(sockets=f"ws://{host} wss://{host}").encode())]

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                have = {name.lower() for name, _ in given}
                message = {**message, "headers": given + [(n, v) for n, v in own if n not in have]}
            await send(message)

        return dressed


def cookie_name(port: int) -> str:
    """The cookie of the server on this port. Cookies ignore ports: two servers on one machine must not share one."""
    return f"gristmill-{port}"


def _headers(scope: Scope) -> dict[str, str]:
    """The request's headers. A repeated Host or Origin is joined with a comma, and so is never right."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joint = "; " if name == "cookie" else ","
        found[name] = f"{found[name]}{joint}{value}" if name in found else value
    return found


def _name(host: str) -> str | None:
    """The name in a Host header, without its port; None when it is no host at all."""
    if any(c in host for c in "/@\\?#, \t"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _same_origin(origin: str, host: str) -> bool:
    try:
        there = urlsplit(origin)
        default = {"http": 80, "https": 443}[there.scheme]
        here = urlsplit(f"//{host}")
        return (there.hostname, there.port or default) == (here.hostname, here.port or default)
    except (ValueError, KeyError):
        return False


def _query_token(scope: Scope) -> str | None:
    return next((v for k, v in parse_qsl(scope["query_string"].decode("latin-1")) if k == "token"), None)


def _is_api(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/api/")


def _cookie(header: str, name: str) -> str | None:
    try:
        jar: SimpleCookie = SimpleCookie(header)
    except CookieError:
        return None
    return jar[name].value if name in jar else None


def _without_token(scope: Scope) -> Scope:
    """The same request, its token taken off: what comes after the gate has no use for it, and may log it."""
    if b"token=" not in scope["query_string"]:
        return scope
    query = [(k, v) for k, v in parse_qsl(scope["query_string"].decode("latin-1"), True) if k != "token"]
    return {**scope, "query_string": urlencode(query).encode()}


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    extra = [(b"www-authenticate", b"Bearer")] if refusal.status == 401 else []
    if refusal.retry_after:
        extra.append((b"retry-after", str(refusal.retry_after).encode()))
    if scope["type"] == "websocket":
        await receive()
        if refusal.retry_after and "websocket.http.response" in scope.get("extensions", {}):
            start = {"type": "websocket.http.response.start", "status": refusal.status, "headers": extra}
            await send(start)
            await send({"type": "websocket.http.response.body", "body": refusal.text.encode()})
        else:
            await send({"type": "websocket.close", "code": 4403, "reason": refusal.text[:120]})
        return
    accepts = _headers(scope).get("accept", "")
    if "text/html" in accepts and not _is_api(scope):
        body = _page(refusal).encode()
        extra.append((b"content-type", b"text/html; charset=utf-8"))
    else:
        import json

        kind = {401: "unauthorized", 429: "too many attempts"}.get(refusal.status, "forbidden")
        body = json.dumps({"error": {"kind": kind, "message": refusal.text}}).encode()
        extra.append((b"content-type", b"application/json"))
    policy = b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    await _respond(send, refusal.status, body, [*extra, (b"content-security-policy", policy)])


def _page(refusal: Refusal) -> str:
    form = ""
    if refusal.status in (401, 429):
        form = (
            "<p>Type <code>gristmill open</code> in a terminal, open the address that <code>gristmill serve</code> "
            "printed, or paste its token here.</p>"
            '<form method="get"><input name="token" type="password" aria-label="Token" autofocus> '
            "<button>Open</button></form>"
        )
    return (
        '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Gristmill</title>'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:16vh auto;padding:0 1rem}"
        "input,button{font:inherit;padding:.3rem .6rem}</style>"
        f"<h1>Gristmill</h1><p>{html.escape(refusal.text)}</p>{form}"
    )


async def _respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    no_store = (b"cache-control", b"no-store")
    await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, *headers, no_store, length]})
    await send({"type": "http.response.body", "body": body})
