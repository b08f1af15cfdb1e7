"""Exercises of chapter 0, Welcome."""

import numpy as np
import torch

from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close


def check_mean_colour(mean_colour) -> None:
    # Two sizes, neither square, so that a swapped axis or a fixed size cannot pass.
    for size in ((4, 5), (6, 3)):
        image = torch.rand(3, *size, generator=torch.Generator().manual_seed(7))
        image *= torch.tensor([0.9, 0.5, 0.2]).view(3, 1, 1)
        want = image.mean(dim=(1, 2))
        expect_close(
            mean_colour(image),
            want,
            "the mean colour",
            mistakes=[
                (
                    "That is the mean over everything, one number, so red, green and blue are mixed. "
                    "Average over height and width only, and keep the channels.",
                    image.mean(),
                ),
                (
                    "That is the mean over the channels: a grey picture of h by w. "
                    "The image is `c h w`, so height and width are dims 1 and 2.",
                    image.mean(dim=0),
                ),
                ("Only the height is averaged, and the width is left. Give both dims at once.", image.mean(dim=1)),
                ("Only the width is averaged, and the height is left. Give both dims at once.", image.mean(dim=2)),
                ("The values are 255 times too large. Images here live in [0, 1], and so do their means.", want * 255),
                ("That is the sum over the pixels, not yet divided by how many there are.", image.sum(dim=(1, 2))),
                ("The numbers are right, but their shape is (3, 1, 1). Leave out `keepdim`.", want.view(3, 1, 1)),
            ],
        )


def check_noise(noise) -> None:
    shape = (3, 8, 9)
    before = _global_state()
    first, other, again = noise(shape, 1), noise(shape, 2), noise(shape, 1)
    after = _global_state()
    for tensor in (first, other, again):
        expect(isinstance(tensor, torch.Tensor), f"Return a torch tensor; yours is of type {type(tensor).__name__}.")
        expect(tensor.shape == shape, f"For shape {shape} the noise should have that shape; yours has {tuple(tensor.shape)}.")
    expect(first.unique().numel() > 1, "Every pixel got the same value. Noise needs a new draw for each one.")
    if not torch.equal(first, again):
        raise Wrong("The same seed gave two different results. Does every call start its generator again, from `seed`?")
    if torch.equal(first, other):
        raise Wrong("Seeds 1 and 2 gave the same noise, so `seed` is not used. Is a fixed number in its place?")
    if before != after:
        raise Wrong(
            "The noise is right, but each call also changes the global random numbers of everybody else, "
            "such as the weights of the next network. Draw from a generator of your own: `torch.Generator().manual_seed(seed)`."
        )


def _global_state() -> tuple[bytes, bytes]:
    return torch.get_rng_state().numpy().tobytes(), repr(np.random.get_state(legacy=False)).encode()


EXERCISES = (
    Exercise(
        id="0.1",
        title="The mean colour of an image",
        stars=1,
        minutes=3,
        check=check_mean_colour,
        hints=(
            "An image is `c h w`: three channels, each with a height and a width. Which of the three should be left at the end?",
            "`image.mean(dim=...)` takes one dim or several: `dim=(a, b)` averages over both at once.",
        ),
    ),
    Exercise(
        id="0.2",
        title="Same seed, same noise",
        stars=2,
        minutes=5,
        check=check_noise,
        hints=(
            "`torch.randn` can draw from a generator that belongs to you: look at its `generator` argument.",
            "Make the generator inside the function, so that every call starts again: `torch.Generator().manual_seed(seed)`.",
        ),
    ),
)
