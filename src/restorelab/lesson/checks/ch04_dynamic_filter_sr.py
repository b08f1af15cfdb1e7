"""Exercises of chapter 4, Dynamic filters."""

import torch
from torch import Tensor

from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close
from restorelab.ops.bicubic_kernels import bicubic_kernels, keys_cubic
from restorelab.ops.dynamic_filter import dynamic_filter


def random(*shape: int, seed: int = 4) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def check_code(code_of) -> None:
    kernel, pictures = random(5, 5), random(3, 5, 5, seed=5)  # neither is symmetric, so that a transposed one shows
    matrix = pictures.mT.flatten(1)  # MATLAB flattens column by column
    expect_close(
        code_of(kernel, matrix),
        matrix @ kernel.T.flatten(),
        "the code",
        mistakes=[
            (
                "The kernel was flattened row by row, and the matrix expects its columns one after the other: the network would be told "
                "the transposed kernel. Every shape is right, and no Gaussian that is round would ever show it.",
                matrix @ kernel.flatten(),
            ),
            ("The kernel is turned by 180 degrees. MATLAB's order is columns first, not backwards.", matrix @ kernel.flip(0, 1).flatten()),
            (
                "The kernel's mean was taken off first. SRMD's code has no mean: a code is the plain products with the rows.",
                matrix @ (kernel - kernel.mean()).T.flatten(),
            ),
            ("That is one number per tap: sum the products of each row.", (matrix * kernel.T.flatten()).sum(0)),
        ],
    )


def check_told(told) -> None:
    image, code, sigma = random(2, 3, 4, 6), random(2, 5, seed=6), torch.tensor([25.0, 10.0], dtype=torch.float64)
    maps = code[:, :, None, None].expand(-1, -1, 4, 6)
    noise = (sigma / 255)[:, None, None, None].expand(-1, 1, 4, 6)
    expect_close(
        told(image, code, sigma),
        torch.cat([image, maps, noise], dim=1),
        "what the network is given",
        mistakes=[
            (
                "σ was left in units of 1/255. The picture lives in [0, 1], so σ = 25 is 25/255 here. (A published test script forgets "
                "exactly this, and its network is told of noise 255 times too strong.)",
                torch.cat([image, maps, noise * 255], dim=1),
            ),
            ("The noise comes last: colours, code, σ.", torch.cat([image, noise, maps], dim=1)),
            ("The colours come first: colours, code, σ.", torch.cat([maps, noise, image], dim=1)),
            (
                "The first picture's code and σ stand in both maps: every picture of the batch has its own.",
                torch.cat([image, maps[:1].expand(2, -1, -1, -1), noise[:1].expand(2, -1, -1, -1)], dim=1),
            ),
            ("The noise level is missing: it is the last channel.", torch.cat([image, maps], dim=1)),
        ],
    )


def check_filter(filter_with) -> None:
    for k in (3, 5):
        image, kernels = random(2, 3, 6, 9), random(2, k, k, 6, 9, seed=7)
        want = _filtered(image, kernels)
        expect_close(
            filter_with(image, kernels),
            want,
            f"the picture, filtered by {k}x{k} kernels,",
            mistakes=[
                (
                    "The taps are transposed: tap (row i, column j) met the neighbour in row j, column i. `unfold` counts the taps along "
                    "the rows, so they are `k k` as rows and columns, in this order.",
                    _filtered(image, kernels.transpose(1, 2)),
                ),
                (
                    "That is a convolution: each kernel was turned by 180 degrees. Tap (0, 0) weighs the neighbour above and to the left.",
                    _filtered(image, kernels.flip(1, 2)),
                ),
                (
                    "The border is zero, so the picture gets dark there. Repeat the edge pixel: `F.pad(..., mode='replicate')`.",
                    dynamic_filter(image, kernels[:, None, None], "zeros"),
                ),
                ("The colours were added up. All three share a kernel, and stay apart.", want.sum(1)),
                ("That is the mean over the taps; a filter is their sum.", want / k**2),
            ],
        )


def _filtered(image: Tensor, kernels: Tensor) -> Tensor:
    return dynamic_filter(image, kernels[:, None, None].contiguous())


def check_memory(copied) -> None:
    for b, c, h, w, k in ((1, 3, 720, 1280, 5), (4, 3, 64, 48, 7), (2, 1, 10, 30, 3)):
        want = float(4 * b * c * k * k * h * w)
        expect_close(
            copied(b, c, h, w, k),
            want,
            f"bytes of the windows of a {b}x{c}x{h}x{w} picture with {k}x{k} taps",
            mistakes=[
                ("Those are numbers, and not bytes: a float32 has four.", want / 4),
                ("That is a whole line of taps short: a window has k x k pixels, not k.", want / k),
                ("The colours are missing: unfold copies every channel.", want / c),
                ("The batch is missing: unfold copies every picture.", want / b),
                ("That is the picture alone. Every one of its pixels stands in k x k windows.", want / k**2),
            ],
        )


def check_layout(lay_out) -> None:
    for s in (2, 3):
        values = random(2, 3, s, s, 4, 5)
        b, c, _, _, h, w = values.shape
        by_s = values.permute(0, 1, 4, 2, 5, 3).reshape(b, c, h * s, w * s)
        expect_close(
            lay_out(values),
            by_s,
            f"the picture, {s} times as large,",
            mistakes=[
                (
                    "Right shape, scrambled contents: `reshape` alone lays the small pictures one after the other. `permute` first.",
                    values.reshape(b, c, h * s, w * s),
                ),
                (
                    "dy and dx are exchanged: within every input pixel the output pixels are transposed. Edges get a fringe of teeth.",
                    values.permute(0, 1, 4, 3, 5, 2).reshape(b, c, h * s, w * s),
                ),
                (
                    "The small pictures stand side by side, as tiles. Output pixel (dy, dx) belongs *into* its input pixel: "
                    "row y * s + dy, so `dy` directly after `h`.",
                    values.permute(0, 1, 2, 4, 3, 5).reshape(b, c, h * s, w * s),
                ),
            ],
        )


def check_bicubic(bicubic_line) -> None:
    for s in (2, 3, 4):
        tap = torch.arange(5, dtype=torch.float64) - 2
        place = (torch.arange(s, dtype=torch.float64) + 0.5) / s - 0.5
        want = bicubic_kernels(s).sum(dim=(1, 3)) / s
        expect_close(
            bicubic_line(s, keys_cubic),
            want,
            f"the {s} lines of weights for scale {s}",
            mistakes=[
                (
                    "Half a pixel off: that puts output pixel 0 exactly onto input pixel 0. Pixels are areas: the middle of output pixel d "
                    "lies at (d + 1/2)/s - 1/2.",
                    keys_cubic(tap - (torch.arange(s, dtype=torch.float64) / s)[:, None]),
                ),
                ("Mirrored: the distance of tap t from the output pixel is t - place, not their sum.", keys_cubic(tap + place[:, None])),
                ("Taps and output pixels are exchanged: one line of 5 weights for each output pixel.", want.T),
                ("The taps are counted from 0. The middle one lies on the input pixel: they go from -2 to 2.",
                 keys_cubic(tap + 2 - place[:, None])),
            ],
        )  # fmt: skip


def check_picture(picture_of) -> None:
    for k in (3, 5):
        kernel = random(k, k, seed=8)
        expect_close(
            picture_of(kernel.T.flatten()),
            kernel,
            "the kernel as a picture",
            mistakes=[
                (
                    "That shows the kernel transposed: blur that runs down would seem to run to the right. "
                    "Channel 1 of this operation reads the neighbour *below* the first, not the one beside it.",
                    kernel.T,
                ),
                ("Transposed, and turned by 180 degrees as well: that was one change too many.", kernel.flip(0, 1)),
                ("That mirrors the picture from left to right; rows and columns are still exchanged.", kernel.T.flip(1)),
            ],
        )


def check_frame(frame) -> None:
    for scale, radius, refinements in ((2, 2, 2), (4, 2, 2), (3, 1, 0), (2, 3, 1)):
        want = float(scale * radius + refinements * radius)
        expect_close(
            frame(scale, radius, refinements),
            want,
            f"the frame at scale {scale}, radius {radius}, {refinements} refinements",
            mistakes=[
                ("The first filter works on the *small* picture: each of its pixels is `scale` pixels of the output.",
                 float(radius * (1 + refinements))),
                ("Only the first filter works on the small picture; the refinements already count in output pixels.",
                 float(scale * radius * (1 + refinements))),
                ("That is the first filter alone. Each refinement reaches further in, from what is dark already.", float(scale * radius)),
                ("A filter of radius r reaches r pixels far to one side, not its whole side of 2r + 1.",
                 float((2 * radius + 1) * (scale + refinements))),
            ],
        )  # fmt: skip


def check_channels(channels) -> None:
    for scale, kernel_size, width in ((2, 5, 128), (3, 5, 128), (4, 7, 32)):
        answer = channels(scale, kernel_size, width)
        expect(isinstance(answer, (tuple, list)) and len(answer) == 2, "Return two whole numbers: (for kernels, for the shuffle).")
        expect(all(isinstance(number, int) for number in answer), "Both should be whole numbers (int): a layer cannot have 14.2 channels.")
        kernels, shuffle = answer
        if scale != 2 and (kernels == 4 * kernel_size**2 or shuffle == 4 * width):
            raise Wrong(f"The 4 of scale 2 is still in it: at scale {scale} every input pixel holds {scale**2} output pixels.")
        expect_close(
            float(kernels),
            float(scale**2 * kernel_size**2),
            f"the channels for the kernels at scale {scale}, {kernel_size}x{kernel_size}",
            mistakes=[
                ("One kernel per input pixel is too few: each of its scale x scale output pixels has its own.", float(kernel_size**2)),
                ("An input pixel holds scale x scale output pixels, not `scale`.", float(scale * kernel_size**2)),
                ("All three colours share a kernel: no factor of 3.", float(3 * scale**2 * kernel_size**2)),
            ],
        )
        expect_close(
            float(shuffle),
            float(scale**2 * width),
            f"the channels before the shuffle at scale {scale}",
            mistakes=[
                (
                    f"The shuffle takes scale x scale channels for one: of {width // scale**2} times that many, {width} are not left. "
                    "(Dividing is what made the write-up work at scales 2 and 4 alone.)",
                    float(width // scale**2),
                ),
                ("Without more channels before the shuffle, fewer than `width` are left after it.", float(width)),
            ],
        )


EXERCISES = (
    Exercise(
        id="4.1",
        title="A matrix from MATLAB",
        stars=2,
        minutes=8,
        check=check_code,
        hints=(
            "A code is one product per row of the matrix. In which order do the 225 numbers of a row stand?",
            "Column by column: the transposed kernel, flattened row by row. `matrix @ kernel.T.flatten()`",
        ),
    ),
    Exercise(
        id="4.2",
        title="Stretch it",
        stars=1,
        minutes=6,
        check=check_told,
        hints=(
            "Every number becomes a map of the picture's size, the same everywhere; the maps are further channels.",
            "`code[:, :, None, None].expand(-1, -1, h, w)`, the same for `sigma / 255` with one channel, and `torch.cat(..., dim=1)`.",
        ),
    ),
    Exercise(
        id="4.3",
        title="A filter for every pixel",
        stars=3,
        minutes=12,
        check=check_filter,
        hints=(
            "Pad by k // 2 with the edge pixel, then `F.unfold(padded, k)`: `b c*k*k h*w`. Which axes are hidden in c*k*k?",
            "Unflatten it to `b c k k h w` and multiply with the kernels: `torch.einsum('bcijyx,bijyx->bcyx', windows, kernels)`.",
        ),
    ),
    Exercise(
        id="4.4",
        title="What unfold holds",
        stars=1,
        minutes=4,
        check=check_memory,
        hints=(
            "In how many windows does one pixel stand?",
            "Every channel of every picture k x k times, in numbers of four bytes.",
        ),
    ),
    Exercise(
        id="4.5",
        title="Where the four pixels go",
        stars=2,
        minutes=8,
        check=check_layout,
        hints=(
            "Output row y * s + dy: the axis `dy` must stand directly after `h`, as the faster one, and `dx` directly after `w`.",
            "From (b, c, dy, dx, h, w) to (b, c, h, dy, w, dx) with `permute`, then one `reshape`.",
        ),
    ),
    Exercise(
        id="4.6",
        title="Bicubic is a dynamic filter",
        stars=2,
        minutes=10,
        check=check_bicubic,
        hints=(
            "Pixels are areas. The middle of output pixel d, on the input's grid, lies (d + 1/2)/s - 1/2 from the input pixel's middle.",
            "`cubic(tap[None, :] - place[:, None])` with taps -2 to 2.",
        ),
    ),
    Exercise(
        id="4.7",
        title="Bug hunt: the transposed taps",
        stars=3,
        minutes=12,
        check=check_picture,
        hints=(
            "Send a picture with a single bright pixel through the operation, with a kernel that has a single 1. Which way does it move?",
            "Channel col * k + row. So a `reshape(k, k)` has the columns down: transpose it.",
        ),
    ),
    Exercise(
        id="4.8",
        title="Bug hunt: the dark frame",
        stars=2,
        minutes=8,
        check=check_frame,
        hints=(
            "How many pixels of the *small* picture does the first filter darken, and how many output pixels are they?",
            "scale * radius for the upsampling filter, and one radius more for every refinement.",
        ),
    ),
    Exercise(
        id="4.9",
        title="Bug hunt: at scale 2 only",
        stars=2,
        minutes=6,
        check=check_channels,
        hints=(
            "Where does the 4 in `25 * 4` come from? And which number does `PixelShuffle(2)` divide the channels by?",
            "scale² kernels of kernel_size² taps; and scale² * width channels, so that `width` are left.",
        ),
    ),
)
