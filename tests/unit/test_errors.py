import pytest

from restorelab.errors import did_you_mean


@pytest.mark.parametrize("kind", [list, dict.fromkeys, iter])
def test_the_closest_word_is_named(kind):
    assert did_you_mean("tulps", kind(["tulips", "coffee"])) == " Did you mean tulips?"


def test_one_word_alone_is_named_of_several_close_ones():
    assert did_you_mean("sigm", ["sigma_min", "sigma", "sigmas"]) == " Did you mean sigma?"


@pytest.mark.parametrize("word, words", [("xyz", ["tulips", "coffee"]), ("", ["tulips"]), ("tulips", [])])
def test_nothing_is_said_when_nothing_is_close(word, words):
    assert did_you_mean(word, words) == ""
