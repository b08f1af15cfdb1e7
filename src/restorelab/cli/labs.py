"""`restorelab lab-release` and `restorelab grade`, in words."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from restorelab.cli.bars import progress_bar
from restorelab.errors import ParameterError
from restorelab.labs.grade import Grading, Order, grade
from restorelab.labs.hidden import hidden_file, teacher_folder
from restorelab.labs.results import EXERCISES_FILE, TOTALS_FILE, total
from restorelab.repository import chapter_path, chapters


def release_lab(name: str, out: Path, teacher: Path | None, for_nbgrader: bool, console: Console) -> None:
    """Write the lab and say where it is. Raises ParameterError."""
    from restorelab.labs.release import nbgrader_source, release

    lab, folder = chapter_path(name).stem, teacher_folder(teacher)
    if for_nbgrader:
        course = nbgrader_source(lab, out, folder)
        console.print(f"nbgrader course: {escape(str(course))}\nNext, in that folder: nbgrader generate_assignment {lab}")
    else:
        console.print(f"lab: {escape(str(release(lab, out, folder)))}")
    tests = hidden_file(folder, lab)
    told = f"Hidden tests: {tests}, which stays with you." if tests.is_file() else f"There are no hidden tests: {tests} would hold them."
    console.print(escape(told))


def grade_folder(
    submissions: Path, out: Path | None, lab: str | None, teacher: Path | None, jobs: int, limits: tuple[int, float], console: Console
) -> None:
    """Grade a folder of submissions, with a bar; `limits` are seconds and gigabytes for one exercise."""
    labs = (chapter_path(lab).stem,) if lab else _labs()
    seconds, gigabytes = limits
    where = out or submissions.with_name(submissions.resolve().name + "_graded")
    order = Order(submissions, where, teacher_folder(teacher), labs, jobs, seconds, int(gigabytes * (1 << 30)))
    with progress_bar(console) as bar:
        task = bar.add_task("getting ready", total=None)

        def step(done: int, of: int, student: str) -> None:
            bar.update(task, completed=done, total=of, description=escape(f"graded {student}") if student else "grading")

        grading = grade(order, step)
    _report(grading, where, console)


def _labs() -> tuple[str, ...]:
    """The chapters that have exercises."""
    from restorelab.labs.sheet import read_lab

    found = []
    for name in chapters():
        try:
            found.append(read_lab(name).name)
        except ParameterError:
            continue
    return tuple(found)


def _report(grading: Grading, out: Path, console: Console) -> None:
    if grading.again:
        console.print(f"{grading.again} graded before, and taken over")
    shares = [got / of for got, of in map(total, grading.results) if of]
    mean = f", {100 * sum(shares) / len(shares):.0f} % of the points on average" if shares else ""
    console.print(f"{grading.students} student{'s' * (grading.students != 1)}{mean}")
    problems = [f"{result['student']}: {result['problem']}" for result in grading.results if result["problem"]]
    for problem in problems:
        console.print(f"[yellow]look:[/] {escape(problem)}")
    console.print(f"tables: {escape(str(out / EXERCISES_FILE))}, {TOTALS_FILE}\npages for students: {escape(str(out / 'feedback'))}")
    console.print(f"Submissions ran with {escape(grading.isolation)}")
