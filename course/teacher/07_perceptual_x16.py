"""Hidden tests of chapter 7. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import torch
from torch.nn import functional as F

from restorelab.lesson.exercise import expect_close
from restorelab.ops.resize import downsample_bicubic


def _normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def free_of_a_real_picture(free) -> None:
    """What a picture and its small version really hold, at scale 3, and at scale 1."""
    for height, width, scale in ((12, 21, 3), (7, 5, 1)):
        image = torch.zeros(1, 3, height, width)
        small = downsample_bicubic(image, scale) if scale > 1 else image
        expect_close(float(free(height, width, scale)), float(image.numel() - small.numel()), "the numbers")


def held_by_another_pair(hold) -> None:
    """Shrink and enlarge are those that are handed over: with means of 2 x 2, one correction is enough."""
    image, small = _normal(3, 6, 10, seed=1), _normal(3, 3, 5, seed=2)
    expect_close(_means(hold(image, small, _means, _doubled)), small, "what the picture shrinks to")


def held_already(hold) -> None:
    """A picture that agrees with the small one is left alone."""
    image = _normal(1, 8, 4, seed=3)
    expect_close(hold(image, _means(image), _means, _doubled), image, "the picture")


def _means(image: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(image, 2)


def _doubled(image: torch.Tensor) -> torch.Tensor:
    return image.repeat_interleave(2, -1).repeat_interleave(2, -2)


def distance_where_nothing_is_seen(distance) -> None:
    """Features that are all zero at some places, as after a ReLU."""
    a, b = [torch.zeros(3, 2, 2)], [torch.zeros(3, 2, 2)]
    a[0][0, 0], b[0][1, 0] = 5.0, 0.2  # the lower row stays dark in both
    expect_close(distance(a, b, [torch.tensor([0.5, 2.0, 7.0])]), 1.25, "the distance")


def distance_by_angle(distance) -> None:
    """Brighter features of the same direction are no further off."""
    a = [_normal(4, 5, 3, seed=4), _normal(6, 2, 7, seed=5), _normal(2, 1, 1, seed=6)]
    b = [_normal(*one.shape, seed=7) for one in a]
    heads = [_normal(len(one), seed=8).abs() for one in a]
    expect_close(distance([9 * one for one in a], b, heads), float(distance(a, b, heads)), "the distance", tolerance=1e-4)


def distance_by_cosine(distance) -> None:
    """With all weights 1 it is a matter of the angles alone."""
    a, b = [_normal(5, 3, 8, seed=9)], [_normal(5, 3, 8, seed=10)]
    want = (2 - 2 * F.cosine_similarity(a[0], b[0], dim=0)).mean()
    expect_close(distance(a, b, [torch.ones(5)]), want, "the distance", tolerance=1e-4)


def hinge_of_unequal_batches(loss) -> None:
    """More real pictures than fake ones, in maps of other sizes."""
    real, fake = (_normal(5, 1, 1, 1, seed=11), _normal(5, 1, 4, 3, seed=12)), (_normal(2, 1, 1, 1, seed=13), _normal(2, 1, 4, 3, seed=14))
    paid = [F.relu(1 - one).mean() for one in real] + [F.relu(1 + one).mean() for one in fake]
    expect_close(loss(real, fake), torch.stack(paid).sum(), "the loss")


def hinge_of_the_sure(loss) -> None:
    """A judge that is right and sure everywhere pays nothing, and one that says 0 pays the same everywhere."""
    sure, zero = (torch.full((2, 1, 1, 1), 3.0), torch.full((2, 1, 4, 4), 1.5)), (torch.zeros(2, 1, 1, 1), torch.zeros(2, 1, 4, 4))
    expect_close(loss(sure, tuple(-one for one in sure)), 0.0, "the loss")
    expect_close(loss(zero, zero), 4.0, "the loss")


def paste_in_the_corners(paste) -> None:
    """Rectangles that reach the edges, in pictures of another size."""
    real, fake = torch.ones(3, 1, 5, 9), torch.zeros(3, 1, 5, 9)
    for top, left, rows, columns in ((0, 0, 2, 3), (3, 6, 2, 3), (0, 4, 5, 1), (0, 0, 5, 9)):
        mixed = paste(real, fake, top, left, rows, columns)
        expect_close(mixed.sum((1, 2, 3)), torch.full((3,), float(rows * columns)), "the pixels that were pasted")
        expect_close(mixed[:, :, top : top + rows, left : left + columns].mean(), 1.0, "the rectangle")


def paste_nothing(paste) -> None:
    """A rectangle without any pixel."""
    real, fake = _normal(1, 3, 4, 4, seed=15), _normal(1, 3, 4, 4, seed=16)
    expect_close(paste(real, fake, top=1, left=1, rows=0, columns=2), fake, "the mix")


def a_mask_for_each(distance) -> None:
    """Every picture of the batch with a rectangle of its own."""
    real, fake, mixed = (_normal(3, 1, 5, 7, seed=seed) for seed in (17, 18, 19))
    mask = _masks()
    expect_close(distance(real, fake, mixed, mask), (mixed - torch.where(mask > 0, real, fake)).square().mean(), "the distance")


def no_distance(distance) -> None:
    """An answer to the mix that is the mix of the answers, and the two ends: nothing pasted, everything."""
    real, fake, mask = _normal(3, 1, 5, 7, seed=20), _normal(3, 1, 5, 7, seed=21), _masks()
    for one in (mask, torch.zeros_like(mask), torch.ones_like(mask)):
        expect_close(distance(real, fake, torch.where(one > 0, real, fake), one), 0.0, "the distance")


def _masks() -> torch.Tensor:
    mask = torch.zeros(3, 1, 5, 7)
    mask[0, :, :2, :3] = mask[1, :, 4, 5:] = 1  # and nothing in the third
    return mask


def labels_for_each(decoder_loss) -> None:
    """Every picture of the batch with a rectangle of its own."""
    logits, mask = _normal(3, 1, 5, 7, seed=22), _masks()
    want = torch.where(mask > 0, F.relu(1 - logits), F.relu(1 + logits)).mean()
    expect_close(decoder_loss(logits, mask), want, "the loss")


def labels_of_the_sure(decoder_loss) -> None:
    """A decoder that is right and sure at every pixel, and one that is wrong at every pixel."""
    mask = _masks()
    logits = torch.where(mask > 0, 2.0, -2.0)
    expect_close(decoder_loss(logits, mask), 0.0, "the loss")
    expect_close(decoder_loss(-logits, mask), 3.0, "the loss")


def match_of_other_lists(match) -> None:
    """The number alone, for one map and for five."""
    for count in (1, 5):
        fake, real = ([_normal(1, 2, 3 + n, 4, seed=30 + n + shift) for n in range(count)] for shift in (0, 10))
        gaps = [(one - other).abs() for one, other in zip(fake, real, strict=True)]
        want = sum(torch.where(gap <= 0.5, gap**2 / 2, 0.5 * (gap - 0.25)).mean() for gap in gaps) / count
        expect_close(match(fake, real, 0.5), want, "the distance")


def warm_up_from_elsewhere(probability) -> None:
    """Phases that begin at other steps, at the very first for one."""
    for begun in (0, 1000, 400_000):
        for step, want in ((begun, 0.0), (begun + 25_000, 0.25), (begun + 50_000, 0.5), (begun + 10**6, 0.5)):
            expect_close(probability(step, begun), want, "the probability")


def quarrel_of_many(quarrel) -> None:
    """Other numbers of pictures: eight, and one."""
    psnr_a, psnr_b, distance_a, distance_b = (_normal(8, seed=seed) for seed in (40, 41, 42, 43))
    want = ((psnr_a - psnr_b) * (distance_a - distance_b) > 0).float()
    expect_close(quarrel(psnr_a, psnr_b, distance_a, distance_b), want.mean(), "the share")
    expect_close(quarrel(psnr_a[:1], psnr_b[:1], distance_a[:1], distance_b[:1]), want[0], "the share")


def quarrel_exchanged(quarrel) -> None:
    """With the two networks exchanged the judges disagree as often, and no network quarrels where it is better in both."""
    numbers = [_normal(7, seed=seed) for seed in (44, 45, 46, 47)]
    expect_close(quarrel(numbers[1], numbers[0], numbers[3], numbers[2]), float(quarrel(*numbers)), "the share")
    expect_close(quarrel(numbers[0], numbers[0] - 1, numbers[2], numbers[2] + 1), 0.0, "the share")


HIDDEN = {
    "7.1": (free_of_a_real_picture,),
    "7.2": (held_by_another_pair, held_already),
    "7.3": (distance_where_nothing_is_seen, distance_by_angle, distance_by_cosine),
    "7.4": (hinge_of_unequal_batches, hinge_of_the_sure),
    "7.5": (paste_in_the_corners, paste_nothing),
    "7.6": (a_mask_for_each, no_distance),
    "7.7": (labels_for_each, labels_of_the_sure),
    "7.8": (match_of_other_lists,),
    "7.9": (warm_up_from_elsewhere,),
    "7.10": (quarrel_of_many, quarrel_exchanged),
}
