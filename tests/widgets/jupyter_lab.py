"""A real JupyterLab with one notebook open in a browser, and how a reader's hand moves in it. For test_in_jupyterlab.py.

Everything waits for a condition, never for a time. What Lab stores of its own (settings, signatures of trusted notebooks, workspaces)
goes into the test's folder and not into the home of whoever runs the tests.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route

from restorelab.cli.lab import SETTINGS

PATIENCE = 600  # seconds until what should come counts as missing: only a hang waits so long, or a machine with far more to do
READY = """(name) => {
  const panel = [...(window.jupyterapp?.shell?.widgets("main") ?? [])].find((one) => one.context?.path === name);
  if (!panel?.context.isReady || panel.sessionContext.session?.kernel?.status !== "idle") return false;
  window.notebook = panel;
  return true;
}"""
LOOK = 100  # milliseconds between two looks at a condition, which may read every canvas
NOISE = ("favicon",)  # console errors that are not about us

# What a reader sees of a node: its text, its marks, the pixels of its canvases. Not what is spoken, which comes a moment later.
DRAWN = """(node) => {
  const copy = node.cloneNode(true);
  copy.querySelectorAll(".spoken").forEach((one) => one.remove());
  return copy.outerHTML + [...node.querySelectorAll("canvas")].map((one) => one.toDataURL()).join();
}"""
CELL = "window.notebook.content.widgets[cell]"
FAILED = """(() => {
  const raised = ({ outputs }) => Array.from({ length: outputs.length }, (_, i) => outputs.get(i)).some(({ type }) => type === "error");
  return window.notebook.content.widgets.some(({ model }) => raised(model));
})()"""
IDLE = "model.executionCount && model.executionState !== 'running'"


@contextmanager
def running_lab(folder: Path) -> Iterator[str]:
    """JupyterLab as `restorelab lab` starts it, serving `folder` -> the address of a notebook, {} being its name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home, token = folder / ".jupyter", secrets.token_hex()
    words = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1", f"--port={port}"]
    words += ["--ServerApp.port_retries=0", "--no-browser", "--allow-root", f"--IdentityProvider.token={token}"]
    words += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
    words += ["--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate"]
    own = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {f"JUPYTERLAB_{kind}_DIR": str(home / kind.lower()) for kind in ("SETTINGS", "WORKSPACES")}
    own |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_CONFIG_PATH": str(SETTINGS)}
    home.mkdir()
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(words, env=os.environ | own, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_for_answer(f"http://127.0.0.1:{port}/api/status?token={token}", server, home / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}"
    finally:
        server.terminate()  # its kernels go with it
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for_answer(address: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text(errors='replace')[-3000:]}")


def write_notebook(file: Path, cells: Sequence[str]) -> None:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, file)


def copy_untrusted(file: Path, copy: Path) -> None:
    """The notebook as another one, with its outputs: Lab has signed the first one's content, and not this."""
    notebook = nbformat.read(file, 4)
    notebook.cells.insert(0, new_code_cell("# a clone, or a download"))
    nbformat.write(notebook, copy)


class OpenNotebook:
    """One notebook in one tab. Cells are counted from 0."""

    def __init__(self, browser: Browser, address: str, name: str):
        self.errors: list[str] = []
        self.strangers: list[str] = []  # addresses asked for that are not this machine's
        self.page: Page = browser.new_page(viewport={"width": 1400, "height": 1000})
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.add_init_script("window.notebook = null")
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("console", self._heard)
        self.page.route(lambda url: not url.startswith(("http://127.0.0.1", "data:", "blob:")), self._refused)
        self.page.goto(address.format(name))
        self._wait(READY, name)

    def _heard(self, message: ConsoleMessage) -> None:
        said = f"{message.text} ({message.location.get('url', '')})"
        if message.type == "error" and not any(word in said for word in NOISE):
            self.errors.append(said)

    def _refused(self, route: Route) -> None:
        self.strangers.append(route.request.url)
        route.abort()

    def _wait(self, condition: str, argument: object = None) -> None:
        self.page.wait_for_function(condition, arg=argument, polling=LOOK)

    def command(self, name: str) -> None:
        """What a menu or a key would do, begun and not waited for."""
        self.page.evaluate("(name) => void window.jupyterapp.commands.execute(name)", name)

    def run_all(self) -> None:
        """Every cell, until the last one is done. Raises `AssertionError` with what a cell raised."""
        self.command("notebook:run-all-cells")
        self._wait(f"() => window.notebook.content.widgets.every(({{ model }}) => {IDLE}) || {FAILED}")
        if self.page.evaluate(FAILED):
            raise AssertionError("\n".join(self.printed(cell) for cell in range(self.page.evaluate("notebook.content.widgets.length"))))

    def run(self, cell: int) -> str:
        """One cell again -> what it printed."""
        before = self.page.evaluate(f"(cell) => {CELL}.model.executionCount", cell)
        self.page.evaluate("(cell) => { notebook.content.deselectAll(); notebook.content.activeCellIndex = cell; }", cell)
        self.command("notebook:run-cell")
        self._wait(f"([cell, before]) => {{ const {{ model }} = {CELL}; return {IDLE} && model.executionCount > before; }}", [cell, before])
        return self.printed(cell)

    def printed(self, cell: int) -> str:
        """All text of the cell's outputs, an error's with its traceback."""
        outputs = self.page.evaluate(f"(cell) => {CELL}.model.outputs.toJSON()", cell)
        texts = ["".join(output.get("text", "")) or "\n".join(output.get("traceback", ())) for output in outputs]
        return "".join(texts).strip()

    def trusted(self, cell: int) -> bool:
        return self.page.evaluate(f"(cell) => {CELL}.model.trusted", cell)

    def output(self, cell: int) -> Locator:
        """The cell's outputs, brought into the window."""
        self.page.evaluate("async (cell) => await notebook.content.scrollToItem(cell, 'start')", cell)
        self.page.evaluate(f"(cell) => {{ {CELL}.node.dataset.number = cell; }}", cell)
        return self.page.locator(f'[data-number="{cell}"] .jp-Cell-outputArea')

    def save(self) -> None:
        self.command("docmanager:save")
        self._wait("() => !window.notebook.context.model.dirty")

    def close(self) -> None:
        """Without the question whether to leave."""
        self.page.close(run_before_unload=False)


def wait_until_drawn_anew(widget: Locator, before: str) -> None:
    widget.page.wait_for_function(f"([node, before]) => ({DRAWN})(node) !== before", arg=[widget.element_handle(), before], polling=LOOK)
