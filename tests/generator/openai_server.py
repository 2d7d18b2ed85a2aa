"""A small OpenAI-compatible server that behaves as told: the real one's manners, and every bad one."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Reply(Exception):
    """Raised by a script to answer with another status, other headers, or a raw body."""

    def __init__(
        self, status: int, body: str = '{"error": {"message": "scripted"}}', headers: dict[str, str] | None = None
    ):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


class Hang(Exception):
    """Raised by a script to never answer (until the server closes)."""


class Reset(Exception):
    """Raised by a script to close the connection without a word."""


class OpenAIServer:
    """`script(body, attempt)` returns the completion's text; `attempt` counts requests with the same body from 0."""

    def __init__(self, script: Callable[[dict[str, Any], int], str], model: str = "nano", delay_s: float = 0.0):
        self.script, self.model, self.delay_s = script, model, delay_s
        self.requests: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.healthy, self.refuses_keys = True, False
        self.in_flight = self.most_in_flight = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None: ...

            def handle_one_request(self) -> None:
                super().handle_one_request()
                if server.closing.is_set():  # a dead server's open connections die with it
                    self.close_connection = True

            def do_GET(self) -> None:
                if server.closing.is_set():
                    return self.connection.close()
                if not server.healthy:
                    return self.send(503, "{}", {})
                if server.refuses_keys:
                    return self.send(401, '{"error": {"message": "invalid key"}}', {})
                return self.send(
                    200, json.dumps({"object": "list", "data": [{"id": server.model, "owned_by": "vllm"}]}), {}
                )

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if server.closing.is_set():
                    return self.connection.close()
                try:
                    with server.counted(body, self.headers.get("Authorization", "")) as attempt:
                        text = server.script(body, attempt)
                except Reply as reply:
                    return self.send(reply.status, reply.body, reply.headers)
                except Hang:
                    server.closing.wait(60)
                    self.close_connection = True
                    return None
                except Reset:
                    self.close_connection = True
                    return self.connection.close()
                return self.send(200, json.dumps(completion(self.path, text, body["max_tokens"])), {})

            def send(self, status: int, body: str, headers: dict[str, str]) -> None:
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in {"Content-Type": "application/json", **headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body.encode())))
                    self.end_headers()
                    self.wfile.write(body.encode())

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @contextlib.contextmanager
    def counted(self, body: dict[str, Any], key: str) -> Iterator[int]:
        with self._lock:
            attempt = self.requests.count(body)
            self.requests.append(body)
            self.keys.add(key)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            time.sleep(self.delay_s)
            yield attempt
        finally:
            with self._lock:
                self.in_flight -= 1

    def close(self) -> None:
        if not self.closing.is_set():
            self.closing.set()
            self._http.shutdown()
            self._http.server_close()

    def __enter__(self) -> OpenAIServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def completion(path: str, text: str, max_tokens: int) -> dict[str, Any]:
    """A reply in the form the path asks for; one token per character, cut at max_tokens."""
    said, reason = text[:max_tokens], "length" if len(text) > max_tokens else "stop"
    choice: dict[str, Any] = {"index": 0, "finish_reason": reason}
    choice |= {"message": {"role": "assistant", "content": said}} if "chat" in path else {"text": said}
    usage = {"prompt_tokens": 1, "completion_tokens": len(said), "total_tokens": 1 + len(said)}
    return {"id": "x", "object": "x", "created": 0, "model": "nano", "choices": [choice], "usage": usage}
