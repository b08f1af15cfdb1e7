"""The process that judges: it holds the checks and the hidden tests, and sends nothing but questions to where a learner's code runs."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from restorelab.errors import DataError, RestorelabError
from restorelab.labs import sandbox
from restorelab.labs.hidden import Hidden, load_hidden, what_it_tests
from restorelab.labs.jail import Isolation
from restorelab.labs.sheet import Lab, Task, read_lab, text_of
from restorelab.labs.submission import choose, lab_of, read_cells, worked_on
from restorelab.labs.wire import CannotCross, OtherSideGone, OutOfTime, Peer, Raised
from restorelab.lesson.checks import EXERCISES
from restorelab.lesson.exercise import NotAttempted, Wrong
from restorelab.lesson.isolate import guarded, isolated

NURSERY = ("-m", "restorelab.labs.nursery")  # what Python is started with; the number of a socket follows
PATIENCE = 4  # times the limit on processor time that an exercise may take by the clock


@dataclass(frozen=True)
class Limits:
    """Of one exercise of one submission."""

    seconds: int = 10  # of processor time, for the visible check and the hidden tests together
    memory: int = 1 << 30  # bytes beside what importing torch takes


@dataclass(frozen=True)
class Graded:
    """What became of one exercise."""

    id: str
    kind: str  # passed, wrong, not attempted, error, stopped, missing
    points: float
    of: int
    message: str = ""
    printed: str = ""
    note: str = ""
    hidden: int = 0  # tests passed
    hidden_of: int = 0
    failed: tuple[str, ...] = ()  # what the failed ones test


class Nursery:
    """The other process of `nursery.py`, as a judge sees it."""

    def __init__(self, limits: Limits):
        self.limits = limits
        ours, theirs = socket.socketpair()
        self._folder = tempfile.TemporaryDirectory(prefix="restorelab-nursery-")
        quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        elsewhere = {"HOME": self._folder.name, "MPLCONFIGDIR": self._folder.name}
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG", "PYTHONPATH") if name in os.environ}
        command = [sys.executable, *NURSERY, str(theirs.fileno())]
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=kept | quiet | elsewhere, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        theirs.close()
        self._control = ours
        self._control.send(json.dumps({"seconds": limits.seconds, "memory": limits.memory}).encode())
        said = self._control.recv(1 << 16)
        answer = json.loads(said) if said else {"failed": "it ended while it was importing"}
        if "failed" in answer:
            raise DataError(f"no sandbox can be made: {answer['failed']}.")
        self.isolation = Isolation(answer["namespaces"], answer["reason"])

    @contextlib.contextmanager
    def sandbox(self) -> Iterator[tuple[Peer, Callable[[], int]]]:
        """A fresh sandbox to talk to, and a function that ends it and returns its exit status."""
        ours, theirs = socket.socketpair()
        socket.send_fds(self._control, [b"f"], [theirs.fileno()])
        theirs.close()
        statuses: list[int] = []

        def end() -> int:
            if not statuses:
                self._control.send(b"e")
                statuses.append(int(self._control.recv(16)))
            return statuses[0]

        peer = Peer(ours)
        peer.deadline = time.monotonic() + PATIENCE * self.limits.seconds
        try:
            yield peer, end
        finally:
            end()
            ours.close()

    def close(self) -> None:
        self._control.close()
        self._process.wait()
        self._folder.cleanup()


def grade_task(task: Task, cells: Sequence[dict], prelude: str, tests: Sequence[Callable], nursery: Nursery) -> Graded:
    """One exercise of a notebook whose code cells are given; `prelude` is run where they lack an import."""
    limits = nursery.limits
    chosen = choose(cells, task)
    result = {"id": task.id, "of": task.points, "hidden_of": len(tests), "note": chosen.note}
    if chosen.index is None:
        return Graded(kind="missing", points=0, **result)
    if not worked_on(cells[chosen.index], task):
        return Graded(kind="not attempted", points=0, message="Nothing to grade: the stub still stands.", **result)
    with nursery.sandbox() as (peer, end):
        printed, passed, failed = "", 0, []
        try:
            answers = peer.stand_in(sandbox.LEARN)([prelude, *map(text_of, cells)], chosen.index + 1, task.answers)
            kind, message = _visible(task, answers, peer)
            if kind != "not attempted":
                printed = peer.stand_in(sandbox.PRINTED)()  # before the hidden tests: what they ask is not to be told
                failed = [what_it_tests(test) for test in tests if not _passes(test, answers)]
                passed = len(tests) - len(failed)
        except BaseException as error:
            kind, message = _diagnosis(error, end, limits)
    points = task.visible_points(bool(tests)) * (kind == "passed") + (task.points / 2 * passed / len(tests) if tests else 0)
    return Graded(kind=kind, points=round(points, 2), message=message, printed=str(printed), hidden=passed, failed=tuple(failed), **result)


def _visible(task: Task, answers: Sequence, peer: Peer) -> tuple[str, str]:
    """The chapter's own check, with the answers at the end of a wire."""
    try:
        with isolated():
            EXERCISES[task.id].check(*map(guarded, answers))
    except CannotCross:
        kind, message = peer.stand_in(sandbox.CHECK_INSIDE)(task.id)
        return str(kind) if kind in ("wrong", "not attempted") else "passed", str(message)
    except Wrong as error:
        return "wrong", str(error)
    except NotAttempted as error:
        return "not attempted", f"Nothing to grade: {error}"
    except Raised as error:
        if error.kind == "NotImplementedError":
            return "not attempted", "Nothing to grade: the stub still stands."
        return "error", _sentence(error)
    except (OutOfTime, OtherSideGone):
        raise
    except Exception as error:
        return "error", f"The answer is not the kind of thing that was asked for ({type(error).__name__}: {str(error)[:300]})."
    return "passed", ""


def _passes(test: Callable, answers: Sequence) -> bool:
    try:
        with isolated():
            test(*map(guarded, answers))
    except (OutOfTime, OtherSideGone):
        return False
    except Exception:
        return False
    return True


def _diagnosis(error: BaseException, end: Callable[[], int], limits: Limits) -> tuple[str, str]:
    match error:
        case Raised(kind="NotImplementedError"):
            return "not attempted", "Nothing to grade: the stub still stands."
        case Raised():
            return "error", _sentence(error)
        case OutOfTime():
            return "stopped", f"It took longer than {PATIENCE * limits.seconds} seconds. Is there a loop that never ends, or a wait?"
        case OtherSideGone():
            return "stopped", _ending(end(), limits)
        case KeyboardInterrupt() | SystemExit():
            raise error
    return "error", f"The answer is not the kind of thing that was asked for ({type(error).__name__})."


def _ending(status: int, limits: Limits) -> str:
    if status in (128 + signal.SIGXCPU, 128 + signal.SIGKILL):
        return f"It took more than {limits.seconds} seconds of processor time. Is there a loop that never ends?"
    if status > 128:
        return f"The process was ended by {signal.Signals(status - 128).name}."
    return f"The code ended the process (exit status {status}): take `exit` and the like out."


def _sentence(error: Raised) -> str:
    if error.kind == CannotCross.__name__:
        return f"Your function returned {error.message}, and was asked for something else."
    where = f" In {error.line}" if error.line else ""
    return f"{error.kind}: {error.message}".rstrip(": ")[:600] + (f"\n{where.strip()}" if where else "")


def grade_notebook(path: Path, labs: Sequence[Lab], hidden: dict[str, Hidden], nursery: Nursery) -> dict:
    """A whole submission, as what the journal keeps of it."""
    try:
        cells = read_cells(path)
    except DataError as error:
        return {"lab": "", "problem": str(error), "exercises": []}
    lab = lab_of(cells, path, labs)
    if lab is None:
        return {"lab": "", "problem": "No exercise of a lab is in this notebook.", "exercises": []}
    prelude, tests = lab.prelude, hidden[lab.name]
    graded = [grade_task(task, cells, prelude, tests.get(task.id, ()), nursery) for task in lab.tasks]
    return {"lab": lab.name, "problem": "", "exercises": [asdict(one) for one in graded]}


def main() -> None:
    """Read the order, then one path a line; write a result a line. Ends with its standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends this
    answers, sys.stdout = sys.stdout, io.StringIO()
    order = json.loads(sys.stdin.readline())

    def say(facts: dict) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

    with contextlib.ExitStack() as leaving, contextlib.suppress(BrokenPipeError):  # the command may be gone
        try:
            labs = [read_lab(name) for name in order["labs"]]
            hidden = {lab.name: load_hidden(Path(order["teacher"]), lab.name) for lab in labs}
            nursery = Nursery(Limits(order["seconds"], order["memory"]))
            leaving.callback(nursery.close)
            tasks = {lab.name: [{"id": task.id, "title": task.title, "of": task.points} for task in lab.tasks] for lab in labs}
            say({"isolation": str(nursery.isolation), "labs": tasks})
            for line in sys.stdin:
                say(grade_notebook(Path(json.loads(line)), labs, hidden, nursery))
        except RestorelabError as error:
            say({"failed": str(error)})


if __name__ == "__main__":
    main()
