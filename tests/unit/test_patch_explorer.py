"""The patch explorer: what it shows is the model's own, a silenced level finds nothing, and the seam ratio sees a seam."""

import math

import pytest
import torch

from restorelab.errors import ImageError, ParameterError
from restorelab.metrics import psnr
from restorelab.models.dmphn import DMPHN, OFFSET, DMPHNConfig, join_patches, split_patches
from restorelab.restore import restore
from restorelab.widgets import PatchExplorer
from restorelab.widgets.patch_study import cuts, seam_ratio, silenced

ALL = (1, 2, 3)
VIEW = "application/vnd.jupyter.widget-view+json"


def network(**settings) -> DMPHN:
    torch.manual_seed(0)
    return DMPHN(DMPHNConfig(**{"width": 4, "global_skip": True} | settings)).eval()


def loud(net: DMPHN) -> DMPHN:
    """Its last answer is made small when it is born; here it must be seen."""
    with torch.no_grad():
        net.stacks[0].levels[0].decoder[-1].weight.mul_(50)
    return net


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    clean = torch.nn.functional.interpolate(torch.rand(1, 3, 6, 8, generator=rng), size=(48, 64), mode="bicubic")[0].clamp(0, 1)
    return torch.nn.functional.avg_pool2d(clean[None], 5, 1, 2)[0], clean


def explorer() -> PatchExplorer:
    return PatchExplorer(loud(network()), *pictures(), weights="random weights")


@pytest.fixture(scope="module")
def shown() -> PatchExplorer:
    return explorer()


def lesson_toy(net: DMPHN, blurred: torch.Tensor, muted: tuple[int, ...]) -> torch.Tensor:
    """Chapter 05 writes the forward pass, with levels that find nothing, by hand."""
    image, residual, features = blurred - OFFSET, 0, 0
    for number in range(len(net.cfg.patches), 0, -1):
        level = net.stacks[0].levels[number - 1]
        features = features + join_patches(level.encoder(split_patches(image + residual, level.grid)), level.grid)
        residual = join_patches(level.decoder(split_patches(features, level.grid_after)), level.grid_after) * (number not in muted)
    return image * net.cfg.global_skip + residual + OFFSET


def test_with_all_on_it_is_the_models_own_answer_bit_for_bit(shown):
    plain, found = restore(loud(network()), shown.study.degraded, explain=True), shown.study
    assert torch.equal(found.results[ALL].image, plain.image) and found.scores[ALL] == psnr(plain.image, pictures()[1])
    for level, residual in enumerate(plain.maps["residual"], start=1):
        assert torch.equal(found.found[level, ALL[level:]], residual)
    assert torch.equal(found.handed(3), found.degraded) and torch.equal(found.handed(2), found.degraded + plain.maps["residual"][2])


@torch.inference_mode()
def test_silenced_means_what_it_means_in_the_lesson():
    net, (degraded, _) = loud(network()), pictures()
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    for muted in ((), (3,), (2,), (1, 3)):
        made = silenced(net, degraded, muted)
        torch.testing.assert_close(made.image, lesson_toy(net, degraded[None], muted)[0].clamp(0, 1), atol=1e-6, rtol=0)
        assert [number for number in ALL if not made.maps["residual"][number - 1].any()] == sorted(muted)
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())
    with pytest.raises(ParameterError, match="there is no level 4"):
        silenced(net, degraded, (4,))


def test_every_way_is_there_and_what_it_says_of_it_is_so(shown):
    found = shown.study
    assert len(found.results) == len(shown._outcomes) == 8 and len(shown._residuals) == len(found.found) == 7
    for on in ((), (1, 3)):
        image = silenced(loud(network()), found.degraded, set(ALL) - set(on)).image
        assert torch.equal(found.results[on].image, image)
        assert shown._outcomes[",".join(map(str, on))]["psnr"] == psnr(image, pictures()[1])
    assert found.change((1, 3)) == found.scores[1, 3] - found.scores[ALL] and found.moved(ALL, ALL) == 0 < found.moved((1, 3), ALL)
    assert "without level 3 " in repr(shown) and "random weights" in repr(shown) and "COURSE_RGB" in repr(shown)
    assert VIEW in shown._repr_mimebundle_()[0]
    silent = PatchExplorer(network(), pictures()[0], weights="random weights")
    assert (
        not silent.study.scores
        and silent._outcomes["1,3"]["psnr"] is None
        and silent._outcomes["1,3"]["moves"]["2"] == silent._outcomes["1,3"]["moved"] > 0
        and "dB" not in repr(silent)
    )


def test_the_seam_ratio_sees_a_seam_and_nothing_else():
    rows, columns = torch.meshgrid(torch.linspace(0, 9, 32), torch.linspace(0, 7, 48), indexing="ij")
    smooth = torch.stack([(rows + columns).sin(), (rows - columns).cos(), (2 * rows + columns).sin()])
    assert cuts((32, 48), (2, 2)) == ([16], [24]) and seam_ratio(smooth, (2, 2)) == pytest.approx(1, abs=0.2)
    steps = smooth.clone()
    steps[:, 16:] += 2
    assert seam_ratio(steps, (2, 1)) > 5 and seam_ratio(steps, (2, 2)) > 3
    assert seam_ratio(steps.mT, (1, 2)) > 5 and seam_ratio(steps, (4, 1)) < seam_ratio(steps, (2, 1))
    assert math.isnan(seam_ratio(smooth, (1, 1))) and math.isnan(seam_ratio(torch.zeros(3, 8, 8), (2, 2)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": torch.nn.Conv2d(3, 3, 1)}, ParameterError, "a Conv2d has none"),
        ({"model": network(stacks=2)}, ParameterError, "stacks 2: give one with stacks=1"),
        ({"model": network(channels=1)}, ParameterError, "three channels"),
        ({"degraded": torch.rand(3, 52, 66)}, ParameterError, "crop it to 48x64"),
        ({"degraded": torch.rand(3, 48, 200)}, ParameterError, "more than 192"),
        ({"degraded": 255 * torch.rand(3, 48, 64)}, ImageError, "the degraded picture"),
        ({"clean": torch.rand(3, 48, 48)}, ParameterError, "different sizes"),
    ],
)
def test_what_it_cannot_show_is_refused(change, error, words):
    with pytest.raises(error, match=words):
        PatchExplorer(**{"model": network(), "degraded": pictures()[0], "weights": ""} | change)


def test_what_is_chosen_stays_inside(shown):
    shown.level, shown.lens, shown.levels = 9, [-3, 400], [3, 1]
    assert (shown.level, shown.lens, shown.levels) == (3, [0, 63], [1, 3])
    with pytest.raises(ParameterError, match="there is no level 4"):
        shown.levels = [1, 4]
