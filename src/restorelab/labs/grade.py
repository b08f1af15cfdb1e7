"""`restorelab grade`: judges at work on a folder of submissions, a journal that survives being killed, tables and pages at the end."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from restorelab.errors import DataError, ParameterError
from restorelab.files import sha256_of, write_atomically
from restorelab.labs import feedback, results
from restorelab.labs.folder import Submission, find_submissions
from restorelab.labs.hidden import fingerprint

JOURNAL = "journal.jsonl"
LEAVE = 5.0  # seconds that a judge has to end when there is nothing left to do
_GIVEN_UP = "It could not be graded: the judging process ended twice over it. Look at this notebook yourself."


@dataclass(frozen=True)
class Order:
    """What is graded, and how."""

    folder: Path
    out: Path
    teacher: Path  # the folder of hidden tests
    labs: tuple[str, ...]  # names of the chapters whose exercises count
    jobs: int = 1
    seconds: int = 10  # of processor time for one exercise
    memory: int = 1 << 30  # bytes that one may take

    @property
    def settings(self) -> dict:
        """What must be the same when a grading is gone on with."""
        hidden = {lab: fingerprint(self.teacher, lab) for lab in self.labs}
        return {"labs": list(self.labs), "hidden": hidden, "seconds": self.seconds, "memory": self.memory}


@dataclass
class Grading:
    """How a grading ended."""

    isolation: str = ""
    results: list[dict] = field(default_factory=list)  # one per student and lab
    again: int = 0  # submissions that an earlier, interrupted grading had done
    students: int = 0


def grade(order: Order, step: Callable[[int, int, str], None] = lambda done, of, student: None) -> Grading:
    """Grade every submission, or what an earlier call with this `out` left; `step` is told how far it is.

    Writes `grades.csv`, `totals.csv`, `feedback/NAME.html` and the journal. Raises DataError, ParameterError.
    """
    if sys.platform == "win32":
        raise ParameterError("grading needs Linux or macOS: on Windows, use WSL.")
    submissions = find_submissions(order.folder)
    order.out.mkdir(parents=True, exist_ok=True)
    with _alone(order.out), _Journal(order.out / JOURNAL, order.settings) as journal:
        files = {_key(submission, order.folder): submission for submission in submissions}
        sums = {key: sha256_of(submission.path.read_bytes()) for key, submission in files.items()}
        left = [key for key in files if journal.sums.get(key) != sums[key]]
        grading = Grading(again=len(files) - len(left), students=len({submission.student for submission in submissions}))
        step(grading.again, len(files), "")
        with _judges(order, max(1, min(order.jobs, len(left)))) as judges:
            grading.isolation, tasks = judges[0].isolation, judges[0].tasks
            for number, (key, result) in enumerate(_graded(judges, {key: files[key] for key in left}), grading.again + 1):
                journal.add(key, sums[key], files[key].student, result)
                step(number, len(files), files[key].student)
        grading.results = _by_lab([journal.results[key] for key in files], tasks)
        _write(order.out, grading.results, tasks)
    return grading


def _key(submission: Submission, folder: Path) -> str:
    return submission.path.relative_to(folder).as_posix()


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ParameterError(f"another grading is at work in {out}: wait for it, or give another --out.") from error
    try:
        yield
    finally:
        lock.release()


class _Journal:
    """A line per graded submission, on the disk before the next one begins."""

    def __init__(self, path: Path, settings: Mapping):
        self.results: dict[str, dict] = {}
        self.sums: dict[str, str] = {}
        lines = [json.dumps({"settings": settings})]
        old = _whole_lines(path)
        if old and old[0] != {"settings": settings}:
            raise ParameterError(f"{path.parent} was graded with other hidden tests, labs or limits: give another --out.")
        for entry in old[1:]:
            self._take(entry)
            lines.append(json.dumps(entry))
        write_atomically(path, ("\n".join(lines) + "\n").encode())  # without a line that a crash cut off
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (closed by __exit__)

    def _take(self, entry: dict) -> None:
        self.sums[entry["file"]] = entry["sha256"]
        self.results[entry["file"]] = {"student": entry["student"], **entry["result"]}

    def add(self, key: str, sha256: str, student: str, result: dict) -> None:
        entry = {"file": key, "sha256": sha256, "student": student, "result": result}
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(entry)

    def __enter__(self) -> "_Journal":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def _whole_lines(path: Path) -> list[dict]:
    found = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


class _Judge:
    """One judging process, started again once if it ends over a submission."""

    def __init__(self, order: Order):
        self._order = order
        self._start()

    def _start(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "restorelab.labs.judge"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", env=environment)
        asked = {
            "labs": self._order.labs,
            "teacher": str(self._order.teacher),
            "seconds": self._order.seconds,
            "memory": self._order.memory,
        }
        self._say(asked)

    def greet(self) -> None:
        """Wait until it is ready. Raises DataError."""
        said = self._hear() or {"failed": "the judging process ended when it was started."}
        if "failed" in said:
            raise DataError(said["failed"])
        self.isolation, self.tasks = said["isolation"], said["labs"]

    def grade(self, path: Path) -> dict:
        for _ in range(2):
            self._say(str(path))
            result = self._hear()
            if result is not None and "failed" not in result:
                return result
            self.end()
            self._start()
            self.greet()
        return {"lab": "", "problem": _GIVEN_UP, "exercises": []}

    def end(self) -> None:
        """Let it leave in order, which it does when nothing more is asked; it may be in the middle of a submission, though."""
        self._process.stdin.close()
        try:
            self._process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _say(self, facts: object) -> None:
        try:
            self._process.stdin.write(json.dumps(facts) + "\n")
            self._process.stdin.flush()
        except OSError:
            return  # it has ended, as hearing nothing will show

    def _hear(self) -> dict | None:
        line = self._process.stdout.readline()
        return json.loads(line) if line.endswith("\n") else None


@contextmanager
def _judges(order: Order, count: int) -> Iterator[list[_Judge]]:
    judges = [_Judge(order) for _ in range(count)]  # all begin to import before one is waited for
    try:
        for judge in judges:
            judge.greet()
        yield judges
    finally:
        for judge in judges:
            judge.end()


def _graded(judges: Sequence[_Judge], files: Mapping[str, Submission]) -> Iterator[tuple[str, dict]]:
    """(key, result), as the judges come to them."""
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    done: queue.SimpleQueue = queue.SimpleQueue()
    for key in files:
        waiting.put(key)

    def work(judge: _Judge) -> None:
        try:
            while True:
                key = waiting.get_nowait()
                done.put((key, judge.grade(files[key].path.resolve())))
        except queue.Empty:
            return
        except BaseException as error:
            done.put((None, error))

    for judge in judges:
        threading.Thread(target=work, args=[judge], daemon=True).start()
    for _ in files:
        key, result = done.get()
        if key is None:
            raise result
        yield key, result


def _by_lab(found: Sequence[dict], tasks: Mapping[str, list[dict]]) -> list[dict]:
    """One result per student and lab: of several notebooks the best, and none for a lab that cannot be read beside one that can."""
    labs = Counter(result["lab"] for result in found if result["lab"])
    usual = labs.most_common(1)[0][0] if labs else (next(iter(tasks)) if len(tasks) == 1 else "")
    best: dict[tuple[str, str], dict] = {}
    for result in found:
        if not result["lab"] and usual:
            result = result | {"lab": usual, "exercises": [_nothing(task) for task in tasks[usual]]}
        key = (result["student"], result["lab"])
        if key not in best or results.total(result) > results.total(best[key]) or (best[key]["problem"] and not result["problem"]):
            best[key] = result
    return [best[key] for key in sorted(best)]


def _nothing(task: Mapping) -> dict:
    empty = {"message": "", "printed": "", "note": "", "hidden": 0, "hidden_of": 0, "failed": []}
    return {"id": task["id"], "kind": "missing", "points": 0, "of": task["of"]} | empty


def _write(out: Path, found: Sequence[dict], tasks: Mapping[str, list[dict]]) -> None:
    titles = {task["id"]: task["title"] for of in tasks.values() for task in of}
    pages = out / "feedback"
    pages.mkdir(exist_ok=True)
    for student in sorted({result["student"] for result in found}):
        own = [result for result in found if result["student"] == student]
        write_atomically(pages / f"{student}.html", feedback.page(student, own, titles))
    write_atomically(out / results.TOTALS_FILE, results.totals_table(found))
    write_atomically(out / results.EXERCISES_FILE, results.exercise_table(found, titles))
