"""Hidden tests of chapter 5. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import torch

from restorelab.lesson.exercise import expect, expect_close
from restorelab.models.dmphn import grid_of, join_patches, split_patches


def _index_image(*size: int) -> torch.Tensor:
    return torch.arange(torch.Size(size).numel(), dtype=torch.float32).reshape(size)


def split_of_three_rows(split) -> None:
    """Grids that are no power of two, and higher than wide."""
    x = _index_image(2, 3, 9, 8)
    expect_close(split(x, 3, 2), split_patches(x, (3, 2)), "the patches")


def split_of_one(split) -> None:
    """A grid of one patch is the picture itself."""
    x = _index_image(3, 2, 4, 5)
    expect_close(split(x, 1, 1), x, "the patches")


def split_keeps_pictures_together(split) -> None:
    """The patches of one picture stay together, in a batch of three."""
    x = torch.tensor([1.0, 2.0, 3.0])[:, None, None, None].expand(3, 1, 4, 4).contiguous()
    expect_close(split(x, 2, 2)[:, 0, 0, 0], torch.tensor([1.0] * 4 + [2.0] * 4 + [3.0] * 4), "the first pixels")


def join_of_a_row(join) -> None:
    """Patches that lie side by side, in a grid of one row."""
    x = _index_image(2, 1, 3, 12)
    expect_close(join(split_patches(x, (1, 4)), 1, 4), x, "the picture")


def join_of_another_grid(join) -> None:
    """Three rows of two, in a batch of two."""
    patches = _index_image(12, 2, 2, 3)
    expect_close(join(patches, 3, 2), join_patches(patches, (3, 2)), "the picture")


def levels_called_once(pass_up) -> None:
    """Four levels, each called once, from the finest to the whole."""
    called: list[int] = []
    image = torch.full((1, 1, 2, 2), 0.5)
    levels = [lambda x, n=n: (called.append(n), x * (n + 1))[1] for n in range(4)]
    expect_close(pass_up(image, levels), torch.full((1, 1, 2, 2), 32.0), "the output")
    expect(called == [0, 1, 2, 3], "the calls")


def one_level(pass_up) -> None:
    """A network of one level, which sees the picture as it is."""
    expect_close(pass_up(torch.full((1, 1, 2, 2), 0.25), [lambda x: 3 * x]), torch.full((1, 1, 2, 2), 0.75), "the output")


def halves_of_a_batch(two_halves) -> None:
    """A batch of two pictures with three channels."""
    x = _index_image(2, 3, 6, 10)
    quarters = (x[..., top : top + 3, left : left + 5] for top in (0, 3) for left in (0, 5))
    top, bottom = two_halves(*quarters)
    expect_close(top, x[..., :3, :], "the top half")
    expect_close(bottom, x[..., 3:, :], "the bottom half")


def multiples_of_many_patches(multiples) -> None:
    """Levels of up to 32 and 64 patches."""
    for finest in (32, 64):
        rows, columns = grid_of(finest)
        expect_close(torch.tensor(multiples((1, 2, finest))), torch.tensor([4 * rows, 4 * columns]), "the multiples")


def cost_doubles_with_the_height(cost) -> None:
    """Twice the height costs twice as much, and so does twice the width."""
    once = cost(32, 48, (1, 2, 4), 10)
    expect_close(float(cost(64, 48, (1, 2, 4), 10)), 2.0 * once, "the cost")
    expect_close(float(cost(32, 96, (1, 2, 4), 10)), 2.0 * once, "the cost")


def cost_of_five_levels(cost) -> None:
    """Five levels of one patch each."""
    expect_close(float(cost(10, 20, (1, 1, 1, 1, 1), 3)), 3000.0, "the cost")


HIDDEN = {
    "5.1": (split_of_three_rows, split_of_one, split_keeps_pictures_together),
    "5.2": (join_of_a_row, join_of_another_grid),
    "5.3": (levels_called_once, one_level),
    "5.4": (halves_of_a_batch,),
    "5.5": (multiples_of_many_patches,),
    "5.6": (cost_doubles_with_the_height, cost_of_five_levels),
}
