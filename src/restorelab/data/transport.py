"""One request, answered honestly: where it may lead, how long it may take, and whether what comes is a file at all."""

import http.client
import ipaddress
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from restorelab.errors import DownloadError

TIMEOUT = (15.0, 60.0)  # seconds: to connect, and between two pieces
REDIRECTS = 10
PIECE = 1 << 20  # bytes at most at a time
HEAD = 512  # bytes looked at to tell what kind of file it is
SLOWEST = 100  # bytes per second, over the time to wait for one piece; a server slower than that has given up
PASSING = (408, 425, 429, 500, 502, 503, 504)  # status codes that may be other in a moment
BEGINNINGS = {
    ".zip": (b"PK\x03\x04", b"PK\x05\x06"),
    ".gz": (b"\x1f\x8b",),
    ".tgz": (b"\x1f\x8b",),
    ".xz": (b"\xfd7zXZ\x00",),
    ".bz2": (b"BZh",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
}


@contextmanager
def answer(url: str, headers: dict[str, str] | None = None, timeout=TIMEOUT, plain_http: bool = False) -> Iterator[requests.Response]:
    """GET `url`; a body not read yet. Follows redirects that keep the protection; `plain_http` allows http, for files with a checksum.

    Raises DownloadError for an answer that will not get better (404, a redirect to where we do not go) and requests' errors for one
    that may: those are worth another try.
    """
    with requests.Session() as session:
        for _ in range(REDIRECTS + 1):
            check_address(url, plain_http)
            asked = {"Accept-Encoding": "identity", "User-Agent": "restorelab"} | (headers or {})  # the bytes as they lie on the server
            try:
                response = session.get(url, headers=asked, stream=True, timeout=timeout, allow_redirects=False)
            except ValueError as error:  # requests looks at where a redirect leads, even when it does not follow
                if isinstance(error, requests.RequestException):
                    raise
                raise DownloadError(f"{url} leads to what is no address ({error}).") from error
            with response:
                if response.is_redirect:
                    url = redirected(url, response.headers["Location"], plain_http)
                    continue
                _check_status(response)
                yield response
                return
        raise DownloadError(f"{url} leads from one address to the next without end.")


def check_address(url: str, plain_http: bool = False) -> None:
    """https; http only on this machine, or where a checksum protects the file. Raises DownloadError."""
    parts = _split(url)
    if parts.scheme == "https" or (parts.scheme == "http" and (plain_http or _is_loopback(parts.hostname))):
        return
    raise DownloadError(f"{url} is not fetched: without https nor a published checksum anybody on the way could change the file.")


def redirected(url: str, location: str, plain_http: bool = False) -> str:
    """Where a redirect leads. Raises DownloadError when it gives up the encryption that the first address had."""
    _split(location)
    target = urljoin(url, location)
    if _split(url).scheme == "https" and _split(target).scheme != "https":
        raise DownloadError(f"{url} redirects to {target}, which is not encrypted: not followed.")
    check_address(target, plain_http)
    return target


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise DownloadError(f"{url!r} is no address ({error}).") from error


def pieces(response: requests.Response, patience: float = TIMEOUT[1]) -> Iterator[bytes]:
    """The body as it comes. Raises requests.ConnectionError when it ends early, stalls, or crawls for `patience` seconds."""
    expected, got = length_of(response), 0
    since, before = time.monotonic(), 0
    try:
        while piece := response.raw.read1(PIECE):
            got += len(piece)
            yield piece
            if time.monotonic() - since > patience:
                if got - before < SLOWEST * patience:
                    raise requests.ConnectionError(f"only {got - before} bytes came in {patience:.0f} seconds")
                since, before = time.monotonic(), got
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        if isinstance(error, requests.RequestException):  # an OSError too
            raise
        raise requests.ConnectionError(f"the connection broke after {got} bytes ({type(error).__name__})") from error
    if expected is not None and got != expected:
        raise requests.ConnectionError(f"the connection ended after {got} of {expected} bytes")


def length_of(response: requests.Response) -> int | None:
    """How many bytes the server says it sends."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def check_beginning(name: str, head: bytes) -> None:
    """Whether a file that begins with `head` can be what `name` says. Raises DownloadError with the reason when it cannot."""
    if _is_page(head):
        title = re.search(rb"<title[^>]*>([^<]{1,100})", head, re.IGNORECASE)
        says = f" titled {title[1].decode('utf-8', 'replace').strip()!r}" if title else ""
        raise DownloadError(
            f"instead of {name} came a web page{says}. Servers send one when a file has moved, when one must log in first, and when "
            "a download quota (Google Drive's, say) is used up."
        )
    beginnings = next((known for suffix, known in BEGINNINGS.items() if name.lower().endswith(suffix)), ())
    if beginnings and not head.startswith(beginnings):
        raise DownloadError(f"what came as {name} does not begin like one (its first bytes are {head[:8].hex(' ') or 'missing'}).")


def _is_page(head: bytes) -> bool:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<script"))


def _check_status(response: requests.Response) -> None:
    code = response.status_code
    if code in (200, 206, 416):
        return
    if code in PASSING:
        raise requests.HTTPError(f"the server answered {code} {response.reason}", response=response)
    raise DownloadError(f"the server answered {code} {response.reason} for {response.url}.")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
