"""The committed notebooks are what the lessons say, executed in order, without errors, and small."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_notebooks_are_what_the_lessons_make():
    sys.path.insert(0, str(ROOT / "course"))
    import build

    course = build.this_course()
    folders = sorted(folder for folder in course.lessons.glob("[0-9][0-9]_*") if folder.is_dir())
    assert course.chapters() == folders, "a chapter's folder has no lesson.py"
    assert build.compare(course) == [], "run python course/build.py"
