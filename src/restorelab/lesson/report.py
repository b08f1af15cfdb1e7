"""The map of the course with what is done of it, and how predictions came out: as HTML in a notebook, as lines in a terminal."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from restorelab.lesson.calibration import Calibration, calibrate
from restorelab.lesson.cards import Card, show
from restorelab.lesson.outline import Chapter, outline
from restorelab.lesson.predictions import number_in_words
from restorelab.lesson.progress import SWITCH, Progress, ProgressError, progress_file, read, somebody_is_here

_CHIP = "display: inline-block; margin: 1px 2px; padding: 0 0.35em; border-radius: 3px; white-space: nowrap; border: 1px solid "
_PASSED = _CHIP + "var(--jp-success-color1, #2e8b45); background: rgba(46, 139, 69, 0.22)"
_OPEN = _CHIP + "rgba(128, 128, 128, 0.5)"
_EMPTY = "Nothing yet. It fills up as exercises pass and predictions are made."
_KEPT = "Kept in `{}`, on this machine alone; `restorelab progress --forget` deletes it."
_OFF = f"Nothing is noted, as {SWITCH} is set to nothing."


@dataclass(frozen=True)
class Report:
    """What `show_progress()` shows."""

    chapters: Sequence[Chapter]
    progress: Progress
    notes: Sequence[str] = ()  # sentences to end with

    @property
    def calibration(self) -> Calibration:
        return calibrate(self.progress.guesses)

    @property
    def text(self) -> str:
        return "\n".join([*self.lines(lambda _: True), *filter(None, [str(self.calibration)]), *self.plain_notes])

    @property
    def plain_notes(self) -> list[str]:
        return [note.replace("`", "") for note in self.notes]

    def lines(self, wanted: Callable[[Chapter], bool]) -> list[str]:
        """A line for every chapter wanted, and one for the whole course."""
        widest = max((len(chapter.exercises) for chapter in self.chapters), default=0)
        rows = [
            f"{chapter.number} {self._bar(chapter).ljust(widest)} {self._counts([chapter])}  {chapter.title}"
            for chapter in self.chapters
            if wanted(chapter)
        ]
        return [*rows, f"{'all'.ljust(widest + 3)} {self._counts(self.chapters)}"]

    def _bar(self, chapter: Chapter) -> str:
        return "".join("#" if passed else "." for passed in chapter.passed(self.progress))

    def _counts(self, chapters: Sequence[Chapter]) -> str:
        passed, exercises, predicted, questions, minutes = self._sums(chapters)
        return f"{passed:3} of {exercises:2} exercises {predicted:3} of {questions:2} predictions {minutes:4} minutes left"

    def _sums(self, chapters: Sequence[Chapter]) -> tuple[int, int, int, int, int]:
        """Exercises passed, exercises, predictions made, predictions, minutes left."""
        counts = [
            (
                sum(chapter.passed(self.progress)),
                len(chapter.exercises),
                chapter.predicted(self.progress),
                len(chapter.questions),
                chapter.minutes_left(self.progress),
            )
            for chapter in chapters
        ]
        return tuple(map(sum, zip(*counts, strict=True))) if counts else (0,) * 5

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        card = Card("calm", "◇ Your progress", "", tuple(self.notes))
        return f"<div>{self._map()}{self._predictions()}{card._repr_html_()}</div>"

    def _map(self) -> str:
        rows = [
            (f"<b>{chapter.number}</b> {html.escape(chapter.title)}<br>{self._chips(chapter)}", *self._cells([chapter]))
            for chapter in self.chapters
        ]
        return _table(("chapter", "passed", "predictions", "minutes left"), [*rows, ("all of it", *self._cells(self.chapters))])

    def _chips(self, chapter: Chapter) -> str:
        chips = []
        for exercise, passed in zip(chapter.exercises, chapter.passed(self.progress), strict=True):
            words = f"{exercise.title} {'★' * exercise.stars} {exercise.minutes} min"
            mark = f"✓ {exercise.id}" if passed else exercise.id
            chips.append(f'<span style="{_PASSED if passed else _OPEN}" title="{html.escape(words)}">{mark}</span>')
        return " ".join(chips)

    def _cells(self, chapters: Sequence[Chapter]) -> tuple[str, str, str]:
        passed, exercises, predicted, questions, minutes = self._sums(chapters)
        return f"{passed}&nbsp;of&nbsp;{exercises}", f"{predicted}&nbsp;of&nbsp;{questions}", str(minutes)

    def _predictions(self) -> str:
        calibration = self.calibration
        if not calibration.guesses:
            return ""
        number_of = {question: chapter.number for chapter in self.chapters for question in chapter.questions}
        rows = []
        for place, (question, guess) in enumerate(zip(calibration.questions, calibration.guesses, strict=True), 1):
            said, truth = number_in_words(guess.guess, guess.unit), number_in_words(guess.truth, guess.unit)
            how = guess.verdict.partition(". ")[0].rstrip(".")  # the advice after it was for the moment
            rows.append(
                [html.escape(str(cell)) for cell in (place, number_of.get(question, ""), question.replace("`", ""), said, truth, how)]
            )
        table = _table(("", "chapter", "prediction", "you said", "measured", "verdict"), rows)
        return f"<p><b>Predictions.</b> {calibration}</p>{calibration.svg()}{table}"


def show_progress() -> None:
    """How far you are: exercises passed, predictions made, minutes left. Empty where a program runs the notebook."""
    show(report() if somebody_is_here() else Report(outline(), Progress(), (_EMPTY, _KEPT.format("runs/progress.json"))))


def report() -> Report:
    """Of what is noted on this machine; a file that cannot be read is named, and counts as none. Raises ParameterError without chapters."""
    file = progress_file()
    try:
        progress = read()
    except ProgressError as error:
        return Report(outline(), Progress(), (str(error),))
    if file is None:
        return Report(outline(), progress, (_OFF,))
    return Report(outline(), progress, (_KEPT.format(file),) if file.exists() else (_EMPTY, _KEPT.format(file)))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML."""
    left = "style='text-align: left'"
    head = "".join(f"<th style='text-align: left; white-space: nowrap'>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td {left}>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
