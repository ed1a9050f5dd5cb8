"""A model that is a server on the loopback: what it says follows from what it is sent, and from nothing else."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

type Said = str | tuple[str, dict[str, Any]]
"""Words, or a call: the tool's name and its arguments."""


@contextlib.contextmanager
def serving(answer: Callable[[dict[str, Any]], Said]) -> Iterator[dict[str, str]]:
    """Serve what `answer` makes of each request; gives the environment in which the model is found."""

    class Model(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps(_completion(answer(request), len(request["messages"]))).encode()
            with contextlib.suppress(ConnectionError):  # who asked may have been killed
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {"OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1", "OPENAI_API_KEY": "sk-none"}
    finally:
        server.shutdown()
        server.server_close()


def plain(request: dict[str, Any]) -> Said:
    """The plainest thing that each job of a team can say."""
    offered = {tool["function"]["name"] for tool in request.get("tools", ())}
    if "make_plan" in offered:
        return "make_plan", {"steps": [{"title": "Compute it"}]}
    if "write_report" in offered:
        return "write_report", {"answer": "It is done.", "findings": []}
    return ("give_review", {"verdict": "pass"}) if "give_review" in offered else "It is done."


def results(request: dict[str, Any]) -> int:
    """How many calls of this conversation have their result."""
    return sum(message["role"] == "tool" for message in request["messages"])


def _completion(said: Said, place: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said if isinstance(said, str) else ""}
    if not isinstance(said, str):
        function = {"name": said[0], "arguments": json.dumps(said[1])}
        message["tool_calls"] = [{"id": f"call_{place}", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "stop" if isinstance(said, str) else "tool_calls"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
