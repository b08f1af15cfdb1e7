"""The command line: `restorelab --help`."""

from restorelab.cli.app import main

__all__ = ["main"]
