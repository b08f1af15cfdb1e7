"""Serving the page: to this machine alone unless there is a password, with a folder of its own, and nothing asked of the web."""

import ipaddress
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# gradio reads these when it is imported, and again later.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from restorelab.demo.app import build_demo
from restorelab.demo.jobs import Limits
from restorelab.demo.offers import offers
from restorelab.demo.page import CSS, SLIDER_KEYS, theme
from restorelab.demo.uploads import empty
from restorelab.errors import ParameterError

PASSWORD = "RESTORELAB_DEMO_AUTH"  # of the environment: the command line of a process is everybody's to read
HOME = "127.0.0.1"
PREFIX = "restorelab-demo-"  # of temporary folders; the number of the process follows


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_password(text: str | None) -> tuple[str, str] | None:
    """ "user:password". Raises ParameterError for a text without both."""
    if not text:
        return None
    user, _, password = text.partition(":")
    if not user or not password:
        raise ParameterError(f"{PASSWORD} is user:password, with both.")
    return user, password


def launch_options(demo: gr.Blocks, host: str = HOME, port: int | None = None, password: tuple[str, str] | None = None) -> dict:
    """What `demo.launch` is given. Raises ParameterError for a host that others can reach, without a password."""
    if not is_loopback(host) and password is None:
        raise ParameterError(f"others can reach {host}: set {PASSWORD} to user:password first, or stay on {HOME}.")
    return {
        "server_name": host, "server_port": port, "auth": password, "max_file_size": demo.workshop.limits.file_bytes,
        "share": False, "show_error": False, "allowed_paths": [], "ssr_mode": False, "mcp_server": False, "enable_monitoring": False,
        "pwa": False, "run_history": False, "quiet": True, "footer_links": [], "theme": theme(), "css": CSS, "head": SLIDER_KEYS,
        "_frontend": False,  # else gradio asks its own page for an answer within 3 seconds, which a busy machine does not give
        "app_kwargs": {"routes": [APIRoute("/health", health(demo))], "docs_url": None, "redoc_url": None},
    }  # fmt: skip


def health(demo: gr.Blocks) -> Callable:
    """For whoever watches the server: 200 with what is offered and how many jobs are at work. It needs no password and tells no secret."""

    async def answer() -> JSONResponse:
        desk = demo.workshop.desk
        return JSONResponse({"status": "ok", "systems": list(demo.workshop.offers), "at_work": desk.at_work, "done": desk.done})

    return answer


def clear_dead() -> None:
    """Delete the folders of this user's servers that were killed before they could do it themselves."""
    if not hasattr(os, "getuid"):
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        number = folder.name.removeprefix(PREFIX).split("-")[0]
        with suppress(OSError):
            if number.isdigit() and folder.lstat().st_uid == os.getuid() and not _alive(int(number)):
                shutil.rmtree(folder)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def temporary_folder(folder: Path | None = None) -> Iterator[Path]:
    """A folder for uploads and results that only this user can read, empty at the beginning and at the end; gradio is told of it.

    Raises ParameterError for a folder that is not ours alone.
    """
    made = folder is None
    if made:
        clear_dead()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")) if made else folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
        raise ParameterError(f"{folder} is not a folder of yours alone: give another one.")
    folder.chmod(0o700)
    empty(folder)
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop("GRADIO_TEMP_DIR")
        if before is not None:
            os.environ["GRADIO_TEMP_DIR"] = before
        empty(folder)
        if made:
            folder.rmdir()


@contextmanager
def running(own: Sequence[str] = (), host: str = HOME, port: int | None = None, device: str = "auto", limits: Limits = Limits(),
            folder: Path | None = None, password: tuple[str, str] | None = None) -> Iterator[tuple[gr.Blocks, str]]:  # fmt: skip
    """-> (the demo, its address) while it is served. Raises ParameterError, before anything is opened."""
    found = offers(own)
    with temporary_folder(folder):
        demo = build_demo(found, device, limits)
        options = launch_options(demo, host, port, password)
        try:
            _, address, _ = demo.launch(prevent_thread_lock=True, inbrowser=False, inline=False, **options)
            yield demo, address
        finally:
            demo.close(verbose=False)
