"""The demo against bad files, many callers and curious ones."""

import io
import json
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from restorelab import image
from restorelab.demo.jobs import Limits
from restorelab.demo.offers import offers
from restorelab.demo.serve import running
from restorelab.restore import restore

BAD = 200
CALLERS = 6
AT_ONCE = 64
MOST_GROWTH = 100 * 2**20  # bytes of memory
PATIENCE = {"timeout": 300}  # seconds, for a machine that does other things too
SETTINGS = ("dmphn_shake", 0, 0, 1.0, 0.0, "en")


@pytest.fixture(scope="module")
def served():
    with running(device="cpu", limits=Limits(input_pixels=250_000, file_bytes=2**20, folder_bytes=4 * 2**20, waiting=16)) as pair:
        yield pair


@pytest.fixture(scope="module")
def client(served):
    return Client(served[1], verbose=False, httpx_kwargs=PATIENCE)


def noise(side: int = 24, seed: int = 0, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), dtype=np.uint8)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few hundred kilobytes at most that says it holds side x side black pixels, and does."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes(1 + -(-side // 8))
    packer, pixels = zlib.compressobj(9), []
    for _ in range(side):
        pixels.append(packer.compress(row))
    pixels.append(packer.flush())
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"".join(pixels)) + chunk(b"IEND", b"")


def bad_files() -> list[tuple[str, bytes, bool]]:
    """(name, content, whether a picture comes back) of 200 uploads; the odd but good ones are among them."""
    png, jpeg = (encoded(Image.fromarray(noise()), kind) for kind in ("PNG", "JPEG"))
    fixed = [
        ("page.png", b"<html><script>alert(1)</script></html>", False), ("nothing.png", b"", False), ("one.png", b"\x89", False),
        ("dot.png", encoded(Image.new("RGB", (1, 1)), "PNG"), False), ("long.png", encoded(Image.new("L", (20_000, 10)), "PNG"), False),
        ("bomb.png", bomb(12_000), False), ("larger bomb.png", bomb(30_000), False),
        ("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1/"/></svg>', False),
        ("words.txt", b"words", False), ("photo.psd", b"8BPS" + bytes(100), False), ("film.gif", b"GIF89a" + bytes(5), False),
        ("signed.tif", encoded(Image.fromarray(np.arange(576, dtype=np.int32).reshape(24, 24)), "TIFF"), False),
        ("deep.png", encoded(Image.fromarray(noise().astype(np.uint16)[..., 0] * 257), "PNG"), True),
        ("print.jpg", encoded(Image.fromarray(noise(channels=4), "CMYK"), "JPEG"), True),
        ("film.webp", encoded(Image.new("RGB", (24, 24)), "WEBP", save_all=True, append_images=[Image.new("RGB", (24, 24), "red")]), True),
        ("..%2f..%2fetc%2fpasswd.png", png, True), ("<img src=x onerror=alert(1)>.png", png[:60], False), ("照片.jpg", jpeg, True),
        ("no ending", png, True), ("wrong.jpg", png, True), ("turned.jpg", encoded(Image.fromarray(noise(32)[:20]), "JPEG"), True),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    cut = [(f"cut{n}.{end}", whole[: int(rng.integers(12, len(whole) - 20))], False)
           for n in range(50) for end, whole in (("png", png), ("jpg", jpeg))]  # fmt: skip
    junk = [(f"junk{n}.png", rng.bytes(int(rng.integers(1, 4000))), False) for n in range(40)]
    flipped = [(f"flip{n}.png", _flipped(png, int(rng.integers(30, len(png) - 20))), False) for n in range(BAD)]
    return (fixed + cut + junk + flipped)[:BAD]


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


@pytest.fixture(scope="module")
def clients(served):
    """One for each of several callers: a gradio_client that two threads call at once can lose an answer."""
    return [Client(served[1], verbose=False, httpx_kwargs=PATIENCE) for _ in range(CALLERS)]


def outcomes(clients: list[Client], files: list[Path]) -> list[tuple[str, str]]:
    """What `outcome` says of every file; all clients call at the same time, each one file after the other."""
    with ThreadPoolExecutor(len(clients)) as callers:
        shares = callers.map(lambda n: [outcome(clients[n], file) for file in files[n :: len(clients)]], range(len(clients)))
        answers = {file: answer for n, share in enumerate(shares) for file, answer in zip(files[n :: len(clients)], share, strict=True)}
    return [answers[file] for file in files]


def outcome(client: Client, file: Path) -> tuple[str, str]:
    """("picture", its path) or ("sentence", the message)."""
    try:
        return "picture", client.predict(handle_file(str(file)), *SETTINGS, api_name="/restore")[1]
    except AppError as error:
        return "sentence", str(error.message if hasattr(error, "message") else error)


def test_200_bad_uploads_are_200_answers(served, client, clients, tmp_path):
    files = []
    for number, (name, content, good) in enumerate(bad_files()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(content)
        files.append((folder / name, good))
    assert len(files) == BAD
    process = psutil.Process()
    outcome(client, files[12][0])  # the network is loaded and measured
    before = process.memory_info().rss
    answers = outcomes(clients, [file for file, _ in files])
    for (file, good), (kind, text) in zip(files, answers, strict=True):
        assert kind == ("picture" if good else "sentence"), (file.name, kind, text)
        assert kind == "picture" or (len(text) > 20 and text.rstrip().endswith((".", "?")) and "Traceback" not in text), (file.name, text)
        assert kind == "picture" or not any(word in text for word in ("upstream Gradio", "null", str(tmp_path), "inside the demo", "<img"))
    assert outcome(client, files[12][0])[0] == "picture", "the next good request is served"
    assert process.memory_info().rss - before < MOST_GROWTH
    kept = sum(file.stat().st_size for file in Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*") if file.is_file())
    assert kept < 2 * served[0].workshop.limits.folder_bytes


def test_64_at_once_are_served_one_by_one_or_refused_and_never_mixed_up(served):
    demo, address = served
    workshop = demo.workshop
    model = workshop.checkpoint(workshop.offer("dmphn_shake")).model
    pictures = [image.from_uint8(noise(24, number)) for number in range(AT_ONCE)]
    places = [uploaded(address, encoded(Image.fromarray(noise(24, number)), "PNG")) for number in range(AT_ONCE)]
    workshop.desk.most_at_work = 0
    with ThreadPoolExecutor(AT_ONCE) as callers:
        answers = list(callers.map(lambda place: ask(address, payload(place)), places))
    done = [number for number, answer in enumerate(answers) if "event: complete" in answer]
    assert workshop.desk.most_at_work == 1 and len(done) >= 16
    for number in done:
        gap = (answered(address, answers[number]) - restore(model, pictures[number]).image).abs().max()
        assert gap <= 0.51 / 65535, f"{number} got another one's picture"
    refused = [answer for answer in answers if "event: complete" not in answer]
    assert all(answer == "refused 503" or "full" in answer or "again" in answer for answer in refused), set(refused)


def uploaded(address: str, content: bytes) -> str:
    """The name by which the server knows a file that was sent to it."""
    return httpx.post(f"{address}gradio_api/upload", files={"files": ("picture.png", content)}, **PATIENCE).json()[0]


def answered(address: str, said: str) -> torch.Tensor:
    """The picture in a server's answer."""
    line = next(line for line in said.splitlines()[::-1] if line.startswith("data: "))
    place = json.loads(line.removeprefix("data: "))[1]["path"]
    return image.load(io.BytesIO(httpx.get(f"{address}gradio_api/file={place}", **PATIENCE).content))


def payload(place: str) -> dict:
    return {"data": [{"path": place, "meta": {"_type": "gradio.FileData"}}, *SETTINGS]}


def ask(address: str, body: dict) -> str:
    """What the server says to a call made by hand."""
    started = httpx.post(f"{address}gradio_api/call/restore", json=body, **PATIENCE)
    if started.status_code != 200:
        return f"refused {started.status_code}"
    return httpx.get(f"{address}gradio_api/call/restore/{started.json()['event_id']}", **PATIENCE).text


@pytest.mark.parametrize("place", ["/etc/passwd", "../../../etc/passwd", "pyproject.toml", "/proc/self/environ"])
def test_no_file_of_this_machine_is_read(served, place):
    said = ask(served[1], payload(place))
    assert "event: complete" not in said and "root:" not in said
    assert httpx.get(f"{served[1]}gradio_api/file={place}", **PATIENCE).status_code in (403, 404)


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/a.png", "https://example.org/a.png", "http://169.254.169.254/latest/meta-data"])
def test_no_address_is_fetched(served, place, monkeypatch):
    import socket

    asked = []
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: asked.append(host) or resolve(host, *rest, **more))
    said = ask(served[1], payload(place))
    assert "event: complete" not in said
    assert {str(host) for host in asked} <= {"127.0.0.1", "localhost", "None"}, "not even its name is looked up"


def test_too_large_an_upload_is_refused_at_the_door(served):
    files = {"files": ("large.png", bytes(2**20 + 1000))}
    assert httpx.post(f"{served[1]}gradio_api/upload", files=files, **PATIENCE).status_code == 413


def test_other_ways_in_are_closed(served):
    assert httpx.get(f"{served[1]}gradio_api/proxy=http://127.0.0.1:1/", **PATIENCE).status_code in (400, 403, 404)
    assert httpx.get(f"{served[1]}docs", **PATIENCE).status_code == 404
    assert (
        "Access-Control-Allow-Origin" not in httpx.get(f"{served[1]}config", headers={"Origin": "https://example.org"}, **PATIENCE).headers
    )


def test_without_the_password_nothing_is_answered(monkeypatch):
    one = {"dmphn_shake": offers()["dmphn_shake"]}  # a second server, and quickly made
    monkeypatch.setattr("restorelab.demo.serve.offers", lambda own: one)
    with running(device="cpu", password=("ann", "secret")) as (_, address):
        for place in ("config", "gradio_api/info"):
            assert httpx.get(f"{address}{place}", **PATIENCE).status_code == 401
        assert httpx.post(f"{address}gradio_api/upload", files={"files": ("a.png", b"1")}, **PATIENCE).status_code == 401
        join = payload("a.png") | {"fn_index": 0, "session_hash": "a"}
        assert httpx.post(f"{address}gradio_api/queue/join", json=join, **PATIENCE).status_code == 401
        assert httpx.get(f"{address}health", **PATIENCE).status_code == 200
        assert Client(address, auth=("ann", "secret"), verbose=False, httpx_kwargs=PATIENCE) is not None
