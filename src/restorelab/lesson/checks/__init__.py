"""The one table of exercises: what `check`, `hint` and `solution` know, and what the notebooks may contain."""

from collections.abc import Iterable

from restorelab.lesson.checks import (
    ch00_welcome,
    ch01_degradation,
    ch02_metrics,
    ch03_fpn_deblurring,
    ch04_dynamic_filter_sr,
    ch05_multi_patch_dmphn,
    ch06_multi_stage_mprnet,
    ch07_perceptual_x16,
    ch08_ablation_studio,
    ch09_demo,
)
from restorelab.lesson.exercise import Exercise


def table(*chapters: Iterable[Exercise]) -> dict[str, Exercise]:
    """id -> exercise, in the order of the chapters; an id that two exercises claim is refused."""
    exercises: dict[str, Exercise] = {}
    for exercise in (exercise for chapter in chapters for exercise in chapter):
        if exercise.id in exercises:
            raise ValueError(f"two exercises are called {exercise.id}: {exercises[exercise.id].title}, {exercise.title}")
        exercises[exercise.id] = exercise
    return exercises


EXERCISES = table(
    ch00_welcome.EXERCISES,
    ch01_degradation.EXERCISES,
    ch02_metrics.EXERCISES,
    ch03_fpn_deblurring.EXERCISES,
    ch04_dynamic_filter_sr.EXERCISES,
    ch05_multi_patch_dmphn.EXERCISES,
    ch06_multi_stage_mprnet.EXERCISES,
    ch07_perceptual_x16.EXERCISES,
    ch08_ablation_studio.EXERCISES,
    ch09_demo.EXERCISES,
)
