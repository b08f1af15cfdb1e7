"""A web server on this machine that answers as badly as the tests ask it to."""

import http.server
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>sorry</body></html>"


@dataclass
class Answer:
    """What is served under one path."""

    data: bytes = b""
    etag: str | None = '"one"'
    ranges: bool = True  # whether parts can be asked for
    first: list[int] = field(default_factory=list)  # status codes of the first answers
    cuts: list[int] = field(default_factory=list)  # bytes after which each of the first answers breaks off
    stall: float = 0.0  # seconds without a byte, in the middle
    drip: tuple[int, float] | None = None  # bytes at a time, and seconds in between
    redirect: str | None = None
    length: bool = True  # whether the length is said beforehand
    shift: int = 0  # by how much a part begins elsewhere than asked
    kind: str = "application/zip"


class Server:
    def __init__(self, port: int):
        self.address = f"http://127.0.0.1:{port}"
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str | None]] = []  # path and Range of every request

    def put(self, path: str, data: bytes = b"", **how) -> str:
        self.answers[f"/{path}"] = Answer(data, **how)
        return f"{self.address}/{path}"


@contextmanager
def serving() -> Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has had enough
                _answer(self, server)

        def log_message(self, *_) -> None:
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.daemon_threads, served.block_on_close = True, False
    server = Server(served.server_address[1])
    threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        served.shutdown()
        served.server_close()


def _answer(request: http.server.BaseHTTPRequestHandler, server: Server) -> None:
    asked = request.headers.get("Range")
    server.asked.append((request.path, asked))
    answer = server.answers.get(request.path)
    if answer is None:
        request.send_error(404)
    elif answer.first and (code := answer.first.pop(0)) != 200:
        request.send_error(code)
    elif answer.redirect:
        request.send_response(302)
        request.send_header("Location", answer.redirect)
        request.end_headers()
    else:
        _send(request, answer, asked)


def _send(request: http.server.BaseHTTPRequestHandler, answer: Answer, asked: str | None) -> None:
    start, everything = 0, len(answer.data)
    wanted = re.fullmatch(r"bytes=(\d+)-", asked or "")
    if wanted and answer.ranges and request.headers.get("If-Range") in (None, answer.etag):
        start = int(wanted[1]) + answer.shift
        if start >= everything:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{everything}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
    body = answer.data[start:]
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{everything - 1}/{everything}")
    if answer.etag:
        request.send_header("ETag", answer.etag)
    if answer.length:
        request.send_header("Content-Length", str(len(body)))
    request.send_header("Content-Type", answer.kind)
    request.end_headers()
    if answer.cuts:
        body = body[: answer.cuts.pop(0)]
    if answer.stall:
        request.wfile.write(body[: len(body) // 2])
        time.sleep(answer.stall)
    elif answer.drip:
        size, pause = answer.drip
        for begin in range(0, len(body), size):
            request.wfile.write(body[begin : begin + size])
            request.wfile.flush()
            time.sleep(pause)
    else:
        request.wfile.write(body)
    request.close_connection = True
