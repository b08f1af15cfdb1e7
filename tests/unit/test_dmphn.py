"""Where the patches lie. The oracle tests show that the numbers are the authors'; these show why."""

import pytest
import torch

from restorelab.models.dmphn import DMPHN, DMPHNConfig, grid_of, join_patches, split_patches


def index_image(height: int, width: int) -> torch.Tensor:
    return torch.arange(2 * 3 * height * width, dtype=torch.float32).reshape(2, 3, height, width)


def test_grids_are_the_papers():
    assert [grid_of(n) for n in (1, 2, 4, 8, 16)] == [(1, 1), (2, 1), (2, 2), (4, 2), (4, 4)]


@pytest.mark.parametrize("patches", [1, 2, 4, 8, 16])
def test_every_pixel_comes_back_to_its_place(patches):
    x = index_image(16, 24)
    assert torch.equal(join_patches(split_patches(x, grid_of(patches)), grid_of(patches)), x)


def test_patches_come_in_reading_order():
    x = index_image(8, 12)
    tl, tr, bl, br = split_patches(x, (2, 2))[:4]
    assert torch.equal(torch.cat([torch.cat([tl, tr], -1), torch.cat([bl, br], -1)], -2), x[0])


def test_a_finer_level_hands_every_pixel_to_its_own_place_in_the_coarser_one():
    """The order bug of the public write-up: quadrants glued into halves that the next level does not cut. With an encoder and a
    decoder that change nothing, what the whole hierarchy adds up must be the picture, pixel by pixel."""
    net = DMPHN(DMPHNConfig(patches=(1, 2, 4, 8), width=3))
    for level in net.stacks[0].levels:
        level.encoder = level.decoder = torch.nn.Identity()
    x = index_image(16, 16)
    residuals, features = net.stacks[0](x, None, None)
    finest = x  # level 4 answers with its features, which are the picture
    assert torch.equal(residuals[3], finest)
    assert torch.equal(residuals[2], 3 * x)  # (x + residual 4) + features 4
    assert torch.equal(residuals[1], 7 * x)
    assert torch.equal(features[0], 15 * x)


def test_the_write_ups_order_would_be_caught():
    x = index_image(16, 16)
    tl, tr, bl, br = (q.unsqueeze(0) for q in split_patches(x[:1], (2, 2)))
    wrong = torch.cat([torch.cat([tl, tr], dim=2), torch.cat([bl, br], dim=2)], dim=3)
    assert wrong.shape == x[:1].shape
    assert float((wrong == x[:1]).float().mean()) == 0.5


def test_global_skip_adds_the_degraded_picture():
    torch.manual_seed(0)
    plain = DMPHN(DMPHNConfig(width=4))
    skipping = DMPHN(DMPHNConfig(width=4, global_skip=True))
    skipping.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(skipping(x).image, plain(x).image + x - 0.5)


def test_a_stack_reports_every_hierarchy_as_a_stage():
    restored = DMPHN(DMPHNConfig(width=4, stacks=3))(torch.rand(1, 3, 8, 8), explain=True)
    assert len(restored.stages) == 3 and len(restored.maps["residual"]) == 3


def test_in_a_stack_the_first_output_goes_into_level_two_of_all_later_ones():
    """Kept from the authors' code. With networks that answer 0, stack 2's level-2 residual is stack 1's output."""
    net = DMPHN(DMPHNConfig(width=4, stacks=2))
    for parameter in net.parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.constant_(net.stacks[0].levels[0].decoder[-1].bias, 0.25)
    residual = net(torch.rand(1, 3, 8, 8), explain=True).maps["residual"]
    assert torch.all(residual[1] == 0.25) and torch.all(residual[2] == 0) and torch.all(residual[0] == 0)


def test_the_second_arm_of_a_v_runs_from_the_whole_picture_to_the_patches():
    """With an encoder and a decoder that change nothing, arm one answers 7 x (above) and arm two starts there: its levels see the
    arm's image and what the level before them answered, and add their own features of the first arm."""
    net = DMPHN(DMPHNConfig(stacks=2, vee=True, width=3))
    for hierarchy in net.stacks:
        for level in hierarchy.levels:
            level.encoder = level.decoder = torch.nn.Identity()
    x = index_image(8, 8)
    residuals, features = net.stacks[0](x, None, None)
    assert torch.equal(residuals[0], 7 * x) and torch.equal(features[2], x)
    residuals, _ = net.stacks[1](residuals[0], features, residuals[0])
    assert torch.equal(residuals[0], (7 + 7) * x)  # level 1: the image and arm one's features there
    assert torch.equal(residuals[1], (7 + 14 + 14 + 3) * x)  # level 2: image + answer above, + features above, + arm one's
    assert torch.equal(residuals[2], (7 + 38 + 38 + 1) * x)
    assert [(level.grid, level.grid_after) for level in net.stacks[1].levels] == [((1, 1), (2, 1)), ((2, 1), (2, 2)), ((2, 2), (2, 2))]


def test_stopping_at_a_stage_gives_that_stage():
    net = DMPHN(DMPHNConfig(width=4, stacks=3)).eval()
    x = torch.rand(1, 3, 8, 8)
    whole, early = net(x), net(x, stage=2)
    assert torch.equal(early.image, whole.stages[1]) and len(early.stages) == 2


def test_a_size_that_does_not_fit_names_one_that_does():
    with pytest.raises(ValueError, match="crop to 16x8"):
        DMPHN(DMPHNConfig(width=4))(torch.rand(1, 3, 20, 13))
