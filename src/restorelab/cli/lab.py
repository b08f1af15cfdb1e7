"""Opening JupyterLab where a newcomer should begin."""

import os
import sys
from pathlib import Path

from restorelab.repository import chapter_path, root

SETTINGS = Path(__file__).parent / "jupyter"  # defaults for JupyterLab: nothing here asks whether it may call home, or does


def open_lab(browser: bool, port: int) -> None:
    """Become JupyterLab, showing the welcome chapter. Does not return."""
    start = chapter_path("00").relative_to(root()).as_posix()
    words = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={root()}",
        f"--LabApp.default_url=/lab/tree/{start}",
        f"--port={port}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]
    words += [] if browser else ["--no-browser"]
    words += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # containers; listens on this machine only
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]))
    os.execv(sys.executable, words)
