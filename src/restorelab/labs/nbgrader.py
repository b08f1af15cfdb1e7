"""What the locked cells of an nbgrader course call. nbgrader runs them in the student's own kernel: see `course/teacher/README.md`."""

from typing import Any

from restorelab.labs.hidden import load_hidden, teacher_folder
from restorelab.labs.sheet import POINTS_PER_STAR
from restorelab.lesson.checks import EXERCISES
from restorelab.lesson.isolate import guarded, isolated
from restorelab.repository import chapters


def hidden_points(id: str, *answers: Any) -> float:
    """The points of an exercise's hidden tests: as many of its half as tests are passed. Shows nothing of them."""
    number = int(id.partition(".")[0])
    chapter = next(name for name in chapters() if name.startswith(f"{number:02d}_"))
    tests = load_hidden(teacher_folder(), chapter)[id]
    passed = sum(_passes(test, answers) for test in tests)
    return round(POINTS_PER_STAR * EXERCISES[id].stars / 2 * passed / len(tests), 2)


def _passes(test, answers) -> bool:
    try:
        with isolated():
            test(*map(guarded, answers))
    except KeyboardInterrupt:
        raise
    except BaseException:  # SystemExit as well: it is an answer's doing
        return False
    return True
