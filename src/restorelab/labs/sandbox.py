"""The process in which a learner's code runs: it learns one exercise, and answers the calls of the judge until it is ended."""

import ast
import io
import linecache
import os
import socket
import sys
import traceback
from collections.abc import Sequence

from restorelab.labs.needed import Piece, pieces
from restorelab.labs.wire import OtherSideGone, Peer
from restorelab.lesson.checks import EXERCISES
from restorelab.lesson.exercise import NotAttempted, Wrong
from restorelab.lesson.isolate import guarded

MOST_PRINTED = 2000  # characters that are kept; the rest is dropped
LEARN, PRINTED, CHECK_INSIDE = range(3)  # the functions a judge calls
_CELL = "<cell {}>"


class Clipped(io.StringIO):
    """Takes whatever is printed, megabytes too, and keeps the beginning."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_PRINTED - self.tell())])
        return len(text)

    def close(self) -> None:
        """Stays open, even for one who closes sys.stdout."""


class Sandbox:
    def __init__(self, link: socket.socket):
        self._names: dict = {"__name__": "__main__"}
        self._answers: list = []
        self._printed = Clipped()
        self._peer = Peer(link, learners_line)
        for function in (self.learn, self._printed.getvalue, self.check_inside):  # in the order of LEARN, PRINTED, CHECK_INSIDE
            self._peer.keep(function)

    def run(self) -> None:
        """Serve until the judge has no more questions."""
        sys.stdout = sys.stderr = self._printed
        try:
            while True:
                self._peer.serve()
        except OtherSideGone:
            return

    def learn(self, sources: Sequence[str], at: int, answers: Sequence[str]) -> tuple:
        """Run the exercise in cell `at` with what it needs, and hand out the objects called `answers`."""
        for piece in pieces(sources, at):
            self._run(piece, sources[piece.cell], must=piece.cell == at)
        self._answers = [self._names.get(name) for name in answers]
        return tuple(self._answers)

    def _run(self, piece: Piece, source: str, must: bool) -> None:
        name = _CELL.format(piece.cell + 1)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            exec(compile(ast.Module([piece.statement], []), name, "exec"), self._names)  # what a sandbox is for
        except Exception:
            if must:
                raise  # of a definition elsewhere, the name will be missed where it is used

    def check_inside(self, id: str) -> tuple[str, str]:
        """The visible check, for exercises whose questions cannot cross: a network, say, which a judge cannot hand over."""
        try:
            EXERCISES[id].check(*map(guarded, self._answers))
        except Wrong as error:
            return "wrong", str(error)
        except NotAttempted as error:
            return "not attempted", str(error)
        return "passed", ""


def learners_line(error: BaseException) -> str:
    """Where in the learner's cells an error comes from: "line 3: return x.sum()"; "" when it is not from there."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {(error.text or '').strip()}"[:200]
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = frame.f_code.co_filename
        if name.startswith("<cell "):
            return f"line {number}: {linecache.getline(name, number).strip()}"[:200]
    return ""


def quiet_files(link: socket.socket) -> None:
    """Keep the one socket; standard input, output and error become nothing."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.closerange(3, link.fileno())
    os.closerange(link.fileno() + 1, 4096)
