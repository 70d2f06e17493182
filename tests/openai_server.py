"""An OpenAI-compatible endpoint on this machine, for tests: it answers as its script says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """One answer of the endpoint, good or bad."""

    text: str | None = ""
    """What the model says; None is sent as null."""
    finish: str = "stop"
    refusal: str | None = None
    tokens: tuple[int, int] | None = (100, 50)
    """What the answer says that it cost; None: nothing."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=lambda: {"message": "no"})
    body: bytes | None = None
    """Sent instead of a completion."""
    choices: bool = True
    slow: float = 0.0
    """Seconds before anything is sent."""
    cut: bool = False
    """Announce more bytes than are sent, then close."""
    dies: bool = False
    """Close without a word."""


def region(form: str, constants: str, extra: str = "") -> str:
    """Return a region that fits ``form``, linear in its constants, to log-features."""
    return f'''{extra}
def columns(data_points):
    x = np.log(np.maximum(data_points, 1e-12))
    return np.column_stack([{form}])


def fit_scaling_law(data_points, loss_values):
    """{constants}"""
    return np.linalg.lstsq(columns(data_points), np.log(loss_values), rcond=None)[0]


def scaling_law_func(data_points, params):
    return np.exp(columns(data_points) @ params)
'''


def fenced(code: str, idea: str = "a better form") -> str:
    """Return an answer that holds a program."""
    return f"IDEA: {idea}\n```python\n{code.rstrip()}\n```\n"


@dataclass
class FakeEndpoint:
    """Answers questions in the script's order, then with ``default``."""

    script: Iterable[Reply | Callable[[dict[str, Any]], Reply]] = ()
    default: Reply | Callable[[dict[str, Any]], Reply] = field(default_factory=Reply)
    keep_alive: bool = False
    """Whether connections stay open after an answer."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """The Authorization headers that came."""
    tokens_in: int = 0
    tokens_out: int = 0

    def __enter__(self) -> Self:
        endpoint = self
        self._left = iter(self.script)
        self._lock = threading.Lock()
        self.ending = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                question = json.loads(self.rfile.read(size))
                endpoint._answer(self, question)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """The client may leave before it is answered."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def prompts(self) -> list[str]:
        """All that was sent, message by message."""
        return [one["content"] for question in self.asked for one in question["messages"]]

    def _answer(self, handler: BaseHTTPRequestHandler, question: dict[str, Any]) -> None:
        with self._lock:
            self.asked.append(question)
            self.keys.append(handler.headers.get("Authorization", ""))
            step = next(self._left, self.default)
            reply = step(question) if callable(step) else step
            counted = reply.status == 200 and not (reply.cut or reply.dies or reply.body)
            if counted and reply.tokens is not None:
                self.tokens_in += reply.tokens[0]
                self.tokens_out += reply.tokens[1]
        if reply.slow and self.ending.wait(reply.slow):
            return
        handler.close_connection = True
        if reply.dies:
            return
        stream = bool(question.get("stream")) and reply.status == 200
        body = self._streamed(reply) if stream else self._body(reply, question["model"])
        handler.send_response(reply.status)
        handler.send_header("Content-Type", "text/event-stream" if stream else "application/json")
        handler.send_header("Content-Length", str(len(body) + (1000 if reply.cut else 0)))
        handler.send_header("Connection", "keep-alive" if self.keep_alive else "close")
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = not self.keep_alive

    def _body(self, reply: Reply, model: str) -> bytes:
        if reply.body is not None:
            return reply.body
        if reply.status != 200:
            return json.dumps({"error": reply.error}).encode()
        message = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish}
        document: dict[str, Any] = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [choice] if reply.choices else [],
        }
        if reply.tokens is not None:
            document["usage"] = _usage(reply.tokens)
        return json.dumps(document).encode()

    def _streamed(self, reply: Reply) -> bytes:
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]}
            for part in (reply.text or "").splitlines(keepends=True)
        ]
        if not reply.cut:
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish}]})
            if reply.tokens is not None:
                chunks.append({"choices": [], "usage": _usage(reply.tokens)})
        common = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
        lines = [f"data: {json.dumps({**common, **chunk})}\n\n" for chunk in chunks]
        return "".join([*lines, "" if reply.cut else "data: [DONE]\n\n"]).encode()


def _usage(tokens: tuple[int, int]) -> dict[str, int]:
    return {
        "prompt_tokens": tokens[0],
        "completion_tokens": tokens[1],
        "total_tokens": sum(tokens),
    }
