"""`restorelab demo`: serve the web demo."""

import os
import signal
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape


def serve(own: list[str], host: str, port: int, device: str, browser: bool, folder: Path | None, console: Console) -> None:
    """Serve until interrupted. Raises ParameterError for a host that others can reach without a password, or weights that do not fit."""
    from restorelab.demo.serve import PASSWORD, read_password, running

    signal.signal(signal.SIGTERM, _end)  # so that the temporary folder is emptied
    password = read_password(os.environ.get(PASSWORD))
    with running(own, host, port, device, folder=folder, password=password) as (demo, address):
        names = ", ".join(demo.workshop.offers)
        console.print(f"The demo is at [bold]{escape(address)}[/] on {escape(demo.workshop.device)}, with {escape(names)}. Ctrl-C ends it.")
        if browser:
            import webbrowser

            webbrowser.open(address)
        while True:
            time.sleep(3600)


def _end(*_: object) -> None:
    raise KeyboardInterrupt
