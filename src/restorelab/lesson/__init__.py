"""What a chapter needs around its content: check an answer, ask for a hint, look at the real code, predict first, see how far you are."""

from restorelab.lesson.checking import check
from restorelab.lesson.hints import hint, solution
from restorelab.lesson.predictions import predict, reveal
from restorelab.lesson.report import show_progress
from restorelab.lesson.source import show_source

__all__ = ["check", "hint", "predict", "reveal", "show_progress", "show_source", "solution"]
