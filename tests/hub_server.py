"""A Hugging Face Hub on this machine, for tests: one data set, served as the Hub serves it."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "who/bench"


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class FakeHub:
    """Serves files; faults can be put in the way of any request."""

    files: dict[str, bytes]
    repository: str = REPOSITORY
    revisions: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    asked: list[Asked] = field(default_factory=list)
    status: int | None = None
    """Answer everything with this status."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent along with that status."""
    body: bytes | None = None
    """Answer every question of the API with this."""
    cut: Callable[[Asked], int | None] = lambda _: None
    """After how many bytes of a file the connection is broken off; None: not at all."""
    hold: threading.Event | None = None
    """Where the connection would be broken off, wait for this first."""
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when a file has been served up to where it is cut."""
    trickle: float | None = None
    """Serve files in pieces of 50 bytes, this many seconds apart."""
    stored_at: str | None = None
    """Another address that files are fetched from, as with large files on the Hub."""
    damage: bool = False
    """Serve other bytes than are listed."""
    ignores_ranges: bool = False

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            served = hub

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that go away in the middle are part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def downloads(self) -> list[Asked]:
        """The requests for files, apart from those for lists."""
        return [one for one in self.asked if "/resolve/" in one.path]


class _Handler(BaseHTTPRequestHandler):
    served: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: Any) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.served, unquote(urlsplit(self.path).path)
        about, files = f"/api/datasets/{hub.repository}", f"/datasets/{hub.repository}/resolve/"
        asked = Asked(
            self.command, path, self.headers.get("Range"), self.headers.get("Authorization")
        )
        hub.asked.append(asked)
        if hub.status is not None:
            self._send(hub.status, b"{}", hub.headers)
        elif path.startswith(about):
            self._api(path.removeprefix(about).strip("/"))
        elif path.startswith(files):
            revision, _, name = path.removeprefix(files).partition("/")
            self._file(asked, hub.revisions.get(revision, revision), name)
        elif not path.startswith("/api/datasets/"):
            self._send(404, b"not found", {})
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _api(self, what: str) -> None:
        hub = self.served
        if hub.body is not None:
            self._send(200, hub.body, {"Content-Type": "text/html"})
            return
        kind, _, revision = what.partition("/") if what else ("revision", "", "main")
        commit = hub.revisions.get(revision, revision if revision in hub.revisions.values() else "")
        if not commit:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        files = [
            {"rfilename": name, "size": len(data), "blobId": git_hash(data)}
            for name, data in hub.files.items()
        ]
        document: object = {
            "id": hub.repository,
            "sha": commit,
            "private": False,
            "siblings": files,
        }
        if kind == "tree":
            document = [
                {
                    "type": "file",
                    "path": one["rfilename"],
                    "size": one["size"],
                    "oid": one["blobId"],
                }
                for one in files
            ]
        self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _file(self, asked: Asked, commit: str, name: str) -> None:
        hub, data = self.served, self.served.files.get(name)
        if data is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        if hub.stored_at is not None:
            self._send(302, b"", {"Location": hub.stored_at + self.path})
            return
        headers = {
            "ETag": f'"{git_hash(data)}"',
            "X-Repo-Commit": commit,
            "Accept-Ranges": "bytes",
        }
        if hub.damage:
            data = data[:-1] + bytes([data[-1] ^ 1])
        status, whole = 200, len(data)
        if asked.range is not None and not hub.ignores_ranges:
            start = int(asked.range.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
            status, data = 206, data[start:]
        self._send(status, data, headers, hub.cut(asked))

    def _send(
        self, status: int, data: bytes, headers: dict[str, str], cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if "ETag" in headers and self.served.trickle is not None:
            for start in range(0, len(data), 50):
                self.wfile.write(data[start : start + 50])
                self.wfile.flush()
                time.sleep(self.served.trickle)
            return
        self.wfile.write(data[:cut])
        if cut is not None:
            self.wfile.flush()
            self.served.reached.set()
            if self.served.hold is not None:
                self.served.hold.wait(30)
            self.close_connection = True


def git_hash(data: bytes) -> str:
    """Return git's name for some content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
