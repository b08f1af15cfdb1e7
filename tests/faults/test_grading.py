"""A class hands in: right, wrong, empty, endless, greedy, broken and hostile work, graded in one run, and after being killed."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from processes import running

from restorelab.errors import ParameterError
from restorelab.labs import judge, results
from restorelab.labs.grade import JOURNAL, Grading, Order, grade
from restorelab.labs.hidden import hidden_file, load_hidden, teacher_folder
from restorelab.labs.release import release
from restorelab.labs.sheet import exercise_of, read_lab

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sandboxes need Linux or macOS")
LAB = "05_multi_patch_dmphn"
RIGHT = {task.id: task.solution for task in read_lab("05").tasks}
FULL = {task.id: task.points for task in read_lab("05").tasks}
SOME = ("5.2", "5.6")  # solved by everybody whose 5.1 misbehaves
SCRAMBLED = "def split(x, rows, columns):\n    return x.reshape(-1, x.shape[1], x.shape[2] // rows, x.shape[3] // columns)"
LOOK_EVERYWHERE = """found = []
    for look in (os.listdir, open):
        try: found.append(look({path!r} if look is open else os.path.dirname({path!r})))
        except OSError as error: found.append(type(error).__name__)
    found += [name for name in sys.modules if 'hidden' in name or 'judge' in name]
    found += [o for o in gc.get_objects() if type(o).__name__ == 'function' and o.__name__ == 'split_of_three_rows']
    raise ValueError(repr(found))"""


@dataclass(frozen=True)
class Handed:
    """A submission, and what each exercise must be given."""

    data: bytes
    points: dict[str, float]
    kind: str = ""  # of 5.1
    note: str = ""


def notebook(released: dict, answers: dict[str, str], change: Callable[[list], list] = lambda cells: cells) -> bytes:
    cells = json.loads(json.dumps(released["cells"]))
    for cell in cells:
        if exercise_of(cell) in answers:
            cell["source"] = answers[exercise_of(cell)]
    return json.dumps(released | {"cells": change(cells)}).encode()


def in_5_1(released: dict, source: str, kind: str, points: float = 0, change: Callable[[list], list] = lambda cells: cells, note: str = ""):
    expected = {id: FULL[id] if id in SOME else 0 for id in FULL} | {"5.1": points}
    return Handed(notebook(released, {id: RIGHT[id] for id in SOME} | {"5.1": source}, change), expected, kind, note)


def function(body: str, imports: str = "import os, sys, socket, time, gc") -> str:
    return f"{imports}\ndef split(x, rows, columns):\n    {body}"


def twice(cells: list) -> list:
    """The exercise again at the end, right this time, as those do who begin anew further down."""
    (own,) = [cell for cell in cells if exercise_of(cell) == "5.1"]
    return [*cells, own | {"source": RIGHT["5.1"]}]


def without_5_1(cells: list) -> list:
    return [cell for cell in cells if exercise_of(cell) != "5.1"]


def without_marks(cells: list) -> list:
    return [cell | {"metadata": {}} for cell in cells]


def with_training(cells: list) -> list:
    """A training that never ends and a widget, before everything."""
    return [cells[0] | {"cell_type": "code", "source": "while True:\n    pass\nPlayground()", "metadata": {}, "outputs": []}, *cells]


def with_helper(cells: list) -> list:
    helper = cells[0] | {"cell_type": "code", "metadata": {}, "outputs": []}
    source = RIGHT["5.1"].replace("def split", "import math\ndef mine")
    return [*cells, helper | {"source": source}, helper | {"source": "def mine(:"}]


def kinds(released: dict, port: int) -> dict[str, Handed]:
    """Name -> submission. `port` is one of this machine's that listens."""
    secret = str(hidden_file(teacher_folder(), LAB))
    right, nothing = RIGHT["5.1"], dict.fromkeys(FULL, 0)
    reach = f"socket.create_connection(('127.0.0.1', {port}), timeout=5).send(b'x'); return x"
    forge = "import restorelab.lesson.exercise as e\nimport restorelab.lesson.checks as c\ne.expect_close = lambda *a, **k: None\n"
    forge += "for one in c.EXERCISES.values(): object.__setattr__(one, 'check', lambda *a: None)\n"
    noisy = right.replace("\n", "\n    print('x' * 1_000_000)\n", 1)
    made = {
        "right": Handed(notebook(released, RIGHT), FULL, "passed"),
        "wrong": in_5_1(released, SCRAMBLED, "wrong", 1.33),
        "empty": Handed(notebook(released, {}), nothing, "not attempted"),
        "loop": in_5_1(released, function("while True: pass"), "stopped"),
        "bomb": in_5_1(released, function("hoard = []\n    while True: hoard.append(bytearray(50_000_000))"), "error"),
        "deleted": in_5_1(released, "", "missing", 0, without_5_1, "not in the notebook"),
        "syntax": in_5_1(released, "def split(x, rows, columns:\n    return x", "error"),
        "prints": in_5_1(released, noisy, "passed", 4),
        "spy": in_5_1(released, function(LOOK_EVERYWHERE.format(path=secret)), "error"),
        "network": in_5_1(released, function(reach), "error"),
        "exit": in_5_1(released, function("os._exit(0)"), "stopped"),
        "forks": in_5_1(released, function("while True:\n        try: os.fork()\n        except OSError: time.sleep(1)"), "stopped"),
        "imports": in_5_1(released, "import not_installed_here\n" + right, "error"),
        "forger": in_5_1(released, forge + SCRAMBLED, "wrong", 1.33),
        "twice": in_5_1(released, SCRAMBLED, "passed", 4, twice, "2 cells"),
        "reordered": Handed(notebook(released, RIGHT, lambda cells: cells[::-1]), FULL, "passed"),
        "unmarked": Handed(notebook(released, RIGHT, without_marks), FULL, "passed", "another one"),
        "training": Handed(notebook(released, RIGHT, with_training), FULL, "passed"),
        "helper": in_5_1(released, "def split(*args):\n    return mine(*args)", "passed", 4, with_helper),
        "damaged": Handed(notebook(released, RIGHT)[:-50], nothing, "missing"),
    }
    return made | {
        "sleeps": in_5_1(released, function("time.sleep(10_000)"), "stopped"),
        "quits": in_5_1(released, "import sys\nsys.exit('at import')", "error"),
        "deep": in_5_1(released, function("return split(x, rows, columns)"), "error"),
        "kills": in_5_1(released, function("os.kill(-1, 9); os.kill(os.getppid(), 9)"), ""),
        "huge": in_5_1(released, function("return torch.zeros(1).expand(10**6, 10**6)", "import torch"), ""),
        "object": in_5_1(released, function("return object()"), "error"),
        "fills": in_5_1(released, function("open('full', 'wb').write(bytes(200_000_000))"), ""),
    }


@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server


@pytest.fixture(scope="module")
def handed(tmp_path_factory, listener) -> dict[str, Handed]:
    folder = release("05", tmp_path_factory.mktemp("labs"), teacher_folder())
    return kinds(json.loads((folder / f"{LAB}.ipynb").read_text()), listener.getsockname()[1])


def hand_in(folder: Path, handed: dict[str, Handed]) -> Path:
    for number, (name, one) in enumerate(handed.items()):
        path = folder / f"{name}.ipynb" if number % 2 else folder / name / LAB / f"{LAB}.ipynb"  # both layouts
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
    return folder


def order(folder: Path, out: Path, **given) -> Order:
    return Order(folder, out, teacher_folder(), (LAB,), **({"seconds": 3, "memory": 400 << 20} | given))


def points(grading: Grading) -> dict[str, dict[str, float]]:
    return {result["student"]: {one["id"]: one["points"] for one in result["exercises"]} for result in grading.results}


QUICK = (
    "right",
    "wrong",
    "empty",
    "deleted",
    "syntax",
    "prints",
    "spy",
    "network",
    "exit",
    "forger",
    "twice",
    "unmarked",
    "helper",
    "damaged",
)
SLOW = ("loop", "bomb", "forks")


@pytest.fixture(scope="module")
def graded(tmp_path_factory, handed) -> tuple[Grading, Path, dict[str, Handed]]:
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("graded")
    small = {name: handed[name] for name in (*QUICK, *SLOW)}
    return grade(order(hand_in(folder, small), out, jobs=2, seconds=2)), out, small


def test_every_score_is_as_intended(graded):
    grading, _, small = graded
    assert points(grading) == {name: one.points for name, one in small.items()}


def test_the_kinds_and_notes_are_as_intended(graded):
    grading, _, small = graded
    for result in grading.results:
        first, expected = result["exercises"][0], small[result["student"]]
        assert (first["id"], first["kind"]) == ("5.1", expected.kind), result["student"]
        assert expected.note in first["note"]


def test_hidden_tests_and_network_stay_out_of_reach(graded, listener):
    grading, out, _ = graded
    if "namespaces" not in grading.isolation:
        pytest.skip("this machine permits no namespaces")
    (spy,) = [result for result in grading.results if result["student"] == "spy"]
    assert "['FileNotFoundError', 'FileNotFoundError']" in spy["exercises"][0]["message"]
    with pytest.raises(TimeoutError):
        listener.accept()
    told = "".join(path.read_text() for path in out.rglob("*.html"))
    assert "split_of_three_rows" not in told


def test_pages_and_tables_are_written_for_all(graded):
    grading, out, small = graded
    assert {path.stem for path in (out / "feedback").iterdir()} == set(small)
    assert (out / results.EXERCISES_FILE).read_text().count("\n") == 1 + 6 * len(small)
    damaged = (out / "feedback" / "damaged.html").read_text()
    assert "damaged one" in damaged and "0 of 24 points" in damaged
    assert "What those that failed look at" in (out / "feedback" / "wrong.html").read_text()


def test_other_hidden_tests_are_another_grading(graded, tmp_path):
    _, out, _ = graded
    hand_in(tmp_path, {})
    (tmp_path / "a.ipynb").write_text("{}")
    with pytest.raises(ParameterError, match="another --out"):
        grade(order(tmp_path, out, seconds=7))


def grade_in_a_session(folder: Path, out: Path) -> None:
    os.setsid()  # so that what is left over of it can be found
    grade(order(folder, out, seconds=2))


def left_over(session: int) -> list[int]:
    """Processes of that session that are alive."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,sess=,stat="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return [int(pid) for pid, of, stat in rows if int(of) == session and not stat.startswith("Z")]


def test_killed_in_the_middle_it_goes_on_to_the_same_table(graded, tmp_path):
    _, out, small = graded
    names = ("right", "wrong", "twice", "exit", "empty")
    folder, again = hand_in(tmp_path / "class", {name: small[name] for name in names}), tmp_path / "again"
    journal, deadline = again / JOURNAL, time.monotonic() + 600
    with running((grade_in_a_session, folder, again)) as (process,):
        while not journal.is_file() or journal.read_bytes().count(b"\n") < 3:
            assert process.is_alive() and time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
        process.join()
    done = journal.read_bytes().count(b"\n") - 1
    assert done < len(names) and not (again / results.EXERCISES_FILE).exists()
    with open(journal, "ab") as file:
        file.write(b'{"file": "torn')  # as a crash leaves it
    while left_over(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.2)

    grading = grade(order(folder, again, seconds=2))
    assert grading.again == done
    rows = [
        row for row in (out / results.EXERCISES_FILE).read_text().splitlines() if re.match(rf"\ufeff?(student|{'|'.join(names)}),", row)
    ]
    assert (again / results.EXERCISES_FILE).read_text().splitlines() == rows


@pytest.mark.slow
def test_a_class_of_sixty(handed, tmp_path, listener, capsys):
    whole = {f"{name}-{n}": handed[name] for n in range(3) for name in handed}
    whole = dict(list(whole.items())[:60])
    begun = time.perf_counter()
    grading = grade(order(hand_in(tmp_path / "class", whole), tmp_path / "graded", jobs=2))
    seconds = time.perf_counter() - begun
    with capsys.disabled():
        sys.stderr.write(f"\n60 submissions in {seconds:.0f} s: {60 * 60 / seconds:.0f} a minute\n")
    assert points(grading) == {name: one.points for name, one in whole.items()}
    with pytest.raises(TimeoutError):
        listener.accept()


def test_other_labs_are_judged_across_the_wire_and_inside():
    """16-bit arrays and callables that cross, and a check with an optimizer, for which torch wants a folder to write in."""
    nursery = judge.Nursery(judge.Limits())
    try:
        for name, ids in (("03", {"3.7", "3.8"}), ("07", {"7.2", "7.8"}), ("09", {"9.1", "9.10"})):
            lab = read_lab(name)
            tests = load_hidden(teacher_folder(), lab.name)
            for task in (task for task in lab.tasks if task.id in ids):
                cell = {"cell_type": "code", "metadata": {"tags": [f"exercise-{task.id}"]}, "source": task.solution}
                graded = judge.grade_task(task, [cell], lab.prelude, tests.get(task.id, ()), nursery)
                assert (graded.kind, graded.points, graded.failed) == ("passed", task.points, ()), graded
    finally:
        nursery.close()


AS_A_USER = """
import ctypes, sys
from pathlib import Path
ctypes.CDLL(None).unshare(0x10000000)  # a namespace of users, in which this one is number 1000 of group 1000 and no root
Path("/proc/self/uid_map").write_text("1000 0 1")
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/gid_map").write_text("1000 0 1")
from restorelab.labs import nursery
nursery.main(int(sys.argv[1]))
"""
WITHOUT_NAMESPACES = """
import sys
from restorelab.labs import jail, nursery
jail.close_off = lambda: jail.Isolation(False, "a test")
nursery.main(int(sys.argv[1]))
"""


def tried(command: str, monkeypatch, sources: dict[str, str]) -> tuple[str, dict[str, tuple[str, str]]]:
    """The isolation in words, and (kind, message) of each answer to 5.1, by a nursery that is started with this program."""
    monkeypatch.setattr(judge, "NURSERY", ("-c", command))
    lab = read_lab("05")
    nursery = judge.Nursery(judge.Limits(seconds=2, memory=300 << 20))
    try:
        found = {}
        for name, source in sources.items():
            cell = {"cell_type": "code", "metadata": {"tags": ["exercise-5.1"]}, "source": source}
            graded = judge.grade_task(lab.tasks[0], [cell], lab.prelude, (), nursery)
            found[name] = (graded.kind, graded.message)
        return str(nursery.isolation), found
    finally:
        nursery.close()


@pytest.mark.parametrize("command", [AS_A_USER, WITHOUT_NAMESPACES], ids=["no root", "no namespaces"])
@pytest.mark.slow
def test_limits_and_network_hold_without_root_and_without_namespaces(command, monkeypatch, listener):
    if command is AS_A_USER and (sys.platform != "linux" or os.geteuid() != 0):
        pytest.skip("the other tests ran without root already")
    port = listener.getsockname()[1]
    sources = {
        "right": RIGHT["5.1"],
        "network": function(f"socket.create_connection(('127.0.0.1', {port}), timeout=5).send(b'x'); return x"),
        "loop": function("while True: pass"),
        "bomb": function("hoard = []\n    while True: hoard.append(bytearray(50_000_000))"),
        "write": function(f"open({str(Path(__file__))!r}, 'a').write('x'); return x"),
    }  # and no forks: outside of its namespace that user is root, whose processes the kernel does not count
    if command is WITHOUT_NAMESPACES:
        del sources["write"]  # nothing holds it there, as the teacher's README says
    said, found = tried(command, monkeypatch, sources)
    kinds = {name: kind for name, (kind, _) in found.items()}
    assert kinds.pop("right") == "passed" and kinds.pop("loop") == "stopped"
    if sys.platform == "linux":
        assert kinds.pop("bomb") == "error"
    assert kinds.pop("network") == "error"
    assert set(kinds.values()) <= {"error", "not attempted"}
    assert said.startswith("Linux namespaces") if command is AS_A_USER else "means harm" in re.sub(r"\s+", " ", said)
    with pytest.raises(TimeoutError):
        listener.accept()
