"""The course's papers and its site say what the lessons say."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "course"
sys.path.insert(0, str(COURSE))
import facts  # noqa: E402
import papers  # noqa: E402

from restorelab.lesson.checks import EXERCISES  # noqa: E402

CHAPTERS = facts.chapters()
by_slug = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.slug)


@by_slug
def test_every_headline_goal_and_point_has_its_chinese(chapter):
    words = facts.chinese(COURSE / chapter.slug)
    assert facts.out_of_step(chapter, words) == []
    said = [words["title"], words["about"], *words["goals"], *words["points"]]
    assert all(re.search(r"[\u4e00-\u9fff]", one) for one in said)


def test_out_of_step_sees_what_is_lacking_and_what_is_too_much():
    chapter = CHAPTERS[1]
    words = facts.chinese(COURSE / chapter.slug)
    assert len(facts.out_of_step(chapter, {**words, "goals": words["goals"][1:], "headlines": {**words["headlines"], "Gone": "没了"}})) == 2
    words["headlines"].pop(chapter.headlines[0])
    assert len(facts.out_of_step(chapter, words)) == 1


@by_slug
def test_headlines_of_exercises_say_what_their_checks_say(chapter):
    ids = {task.id for task in chapter.tasks}
    assert ids == {id for id in EXERCISES if id.partition(".")[0] == str(int(chapter.number))}
    for task in chapter.tasks:
        exercise = EXERCISES[task.id]
        assert (task.title, task.stars, task.minutes) == (exercise.title, exercise.stars, exercise.minutes)


@by_slug
def test_a_chapter_begins_with_five_questions_from_earlier_ones(chapter):
    asked = [int(question[1:3]) for question, _ in chapter.recap]
    assert len(asked) == (5 if chapter.number > "00" else 0) and ("Before you begin" in chapter.headlines) == bool(asked)
    assert asked == sorted(asked, reverse=True) and all(number < int(chapter.number) for number in asked)
    assert len(set(asked)) >= min(3, int(chapter.number)), "spaced over earlier chapters"


@by_slug
def test_a_chapter_has_notes_and_a_quiz_with_as_many_answers(chapter):
    notes, quiz, key = ((COURSE / chapter.slug / f"{name}.md").read_text(encoding="utf-8") for name in ("notes", "quiz", "quiz_key"))
    asked = re.findall(r"^(\d+)\. ", quiz, re.MULTILINE)
    assert asked == re.findall(r"^(\d+)\. ", key, re.MULTILINE) == [str(number) for number in range(1, len(asked) + 1)]
    assert len(asked) >= 5 and chapter.number in notes.splitlines()[0] and "## Time" in notes
    letters = re.findall(r"^\(([a-z])\) ", key, re.MULTILINE)
    assert letters == list("abcdefgh"[: len(chapter.quiz)]), "the key answers the questions at the end of the notebook"


def test_what_is_made_from_the_lessons_is_up_to_date():
    old = [path.name for path, text in papers.papers().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    assert not old, "run python course/papers.py"


@pytest.mark.parametrize("name", papers.WEEKS)
def test_a_timetable_teaches_every_chapter_once_with_its_minutes(name):
    weeks = papers.WEEKS[name]
    numbers = [number for week in weeks for number in week]
    assert numbers == sorted(chapter.number for chapter in CHAPTERS)
    last = papers.timetable(weeks, {chapter.number: chapter for chapter in CHAPTERS}).splitlines()[-1]
    in_lab, home, together = (int(cell) for cell in re.findall(r"\d+", last))
    assert in_lab + home == together == sum(chapter.minutes for chapter in CHAPTERS)


def test_the_day_has_no_gaps_and_names_sections_that_exist():
    known = {chapter.number: chapter for chapter in CHAPTERS}
    now = None
    for start, number, what, minutes in papers.DAY:
        hours, rest = map(int, start.split(":"))
        assert now is None or 60 * hours + rest == now
        now = 60 * hours + rest + minutes
        if not number:
            continue
        assert minutes <= known[number].minutes
        for section in re.findall(r"\*(.+?)\*", what):
            assert any(one.startswith(section) for one in known[number].headlines), section
        assert set(re.findall(r"\d\.\d+", what)) <= {task.id for task in known[number].tasks}


@by_slug
def test_a_lab_sheet_fills_its_minutes(chapter):
    plan = re.findall(r"^\| (\d+)–(\d+) \|", papers.lab_sheet(chapter), re.MULTILINE)
    edges = [int(edge) for pair in plan for edge in pair]
    assert edges[0] == 0 and edges[-1] == min(papers.LAB, chapter.minutes)
    assert edges[1:-1:2] == edges[2::2]


def test_fourteen_misconceptions_and_as_many_answers_kept_apart():
    asked = re.findall(r"^(\d+)\. ", (COURSE / "misconceptions.md").read_text(encoding="utf-8"), re.MULTILINE)
    key = (COURSE / "teacher" / "misconceptions_key.md").read_text(encoding="utf-8")
    answered = re.findall(r"^\| (\d+) \| (true|false|it depends) \|", key, re.MULTILINE)
    assert asked == [number for number, _ in answered] == [str(number) for number in range(1, 15)]


def test_the_glossary_is_sorted_and_says_each_word_in_chinese():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", (COURSE / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)[2:]
    words = [english.lower() for english, _ in rows]
    assert words == sorted(set(words)) and len(words) > 50
    assert all(re.search(r"[\u4e00-\u9fff]", chinese) for _, chinese in rows)


def test_every_paper_is_in_the_site_and_links_between_papers_lead_somewhere():
    index = (ROOT / "site" / "pages" / "index.md").read_text(encoding="utf-8")
    listed = {f"{name}.md" for name in re.findall(r"^course/(\w+)$", index, re.MULTILINE)}
    built = ast.literal_eval(re.search(r"^PAPERS = (\(.+?\))", (ROOT / "site" / "build.py").read_text(encoding="utf-8"), re.MULTILINE)[1])
    assert "chapters/*" in index and listed == set(built) == {path.name for path in COURSE.glob("*.md")}
    for path in COURSE.glob("**/*.md"):
        for target in re.findall(r"\]\((?!https?:|#|<)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_workflow_calls_make_test_on_two_systems_and_three_pythons():
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))["jobs"]["test"]
    assert job["strategy"]["matrix"] == {"os": ["ubuntu-latest", "macos-latest"], "python": ["3.11", "3.12", "3.13"]}
    assert any("make" in step.get("run", "") and "test" in step["run"] for step in job["steps"])


def test_the_lock_of_the_site_moves_no_version_and_names_no_address():
    lock = (ROOT / "requirements-site.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    kit, site = (_versions(text) for text in ((ROOT / "requirements.lock").read_text(encoding="utf-8"), lock))
    assert all(site[name] <= kit[name] for name in site.keys() & kit.keys())
    group = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["site"]
    assert {re.split(r"[><=]", requirement)[0] for requirement in group} <= site.keys()


def _versions(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", lock, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found
