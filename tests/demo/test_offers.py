"""What is offered is what is there; nothing else can be asked for."""

import pytest

from restorelab import checkpoint
from restorelab.demo.jobs import Refused
from restorelab.demo.offers import SHORT, TASKS, offers, planned
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
    assert {offer.task for offer in planned()} <= set(TASKS)
    assert {offer.system for offer in planned()} == SHORT.keys() == SYSTEMS.keys()
    assert all(one.task in entry.tasks for entry in SYSTEMS.values() for one in entry.weights)


def test_every_course_checkpoint_of_the_kit_is_offered_for_its_task():
    found = offers()
    assert {path for entry in SYSTEMS.values() for path in entry.course_checkpoints.values()} <= {offer.path for offer in found.values()}
    for offer in found.values():
        there = checkpoint.load(offer.path)
        assert (there.system, there.model.scale) == (offer.system, offer.scale)


def test_those_in_training_stand_in_the_order_of_the_page(tmp_path):
    for offer in planned():
        (tmp_path / offer.path.name).touch()
    names = list(offers(folder=tmp_path))
    assert names[:3] == ["dmphn_shake", "mprnet_deblur", "deblurgan_v2_shake"]
    assert names[-2:] == ["x16_perceptual", "x16_pixel"], "the first choice comes first"


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
def test_a_visitor_names_no_path(name):
    with pytest.raises(Refused, match="There is no network"):
        Workshop(offers()).offer(name)
