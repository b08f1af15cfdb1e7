"""Exercises of chapter 5, Patches instead of scales."""

import torch
from torch import Tensor

from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close
from restorelab.models.dmphn import grid_of, split_patches

# Not square, and more rows than columns once: a swapped axis changes the result.
CASES = (((2, 3, 8, 12), (2, 2)), ((1, 2, 8, 4), (4, 2)), ((2, 1, 6, 4), (2, 1)))


def index_image(b: int, c: int, h: int, w: int) -> Tensor:
    """Every value is different, so that a pixel in the wrong place shows."""
    return torch.arange(b * c * h * w, dtype=torch.float32).reshape(b, c, h, w)


def check_split(split) -> None:
    for size, (rows, columns) in CASES:
        x = index_image(*size)
        b, c, h, w = size
        patches = x.reshape(b, c, rows, h // rows, columns, w // columns)
        by_column = patches.permute(0, 4, 2, 1, 3, 5).reshape(-1, c, h // rows, w // columns)
        patch_first = patches.permute(2, 4, 0, 1, 3, 5).reshape(-1, c, h // rows, w // columns)
        expect_close(
            split(x, rows, columns),
            split_patches(x, (rows, columns)),
            f"the patches of a {rows}x{columns} grid",
            mistakes=[
                (
                    "Right shape, scrambled contents: `reshape` alone cuts the row of numbers in memory, not the picture. "
                    "Give rows and columns axes of their own first, then `permute` them to the front.",
                    x.reshape(-1, c, h // rows, w // columns),
                ),
                ("The patches come down the columns. Reading order goes along the rows: top left, top right, bottom left, ...", by_column),
                (
                    "All pictures' first patches come first, then all second ones. The patches of one picture must stay together: "
                    "batch first, then row, then column.",
                    patch_first,
                ),
            ],
        )


def check_join(join) -> None:
    for size, (rows, columns) in CASES:
        x = index_image(*size)
        b, c, h, w = size
        patches = split_patches(x, (rows, columns))
        grid = patches.reshape(b, rows, columns, c, h // rows, w // columns)
        swapped = patches.reshape(b, columns, rows, c, h // rows, w // columns).permute(0, 3, 2, 4, 1, 5).reshape(size)
        expect_close(
            join(patches, rows, columns),
            x,
            f"the picture joined from a {rows}x{columns} grid",
            mistakes=[
                (
                    "Right shape, scrambled contents: `reshape` alone lays the patches one after the other. `permute` in between.",
                    patches.reshape(size),
                ),
                (
                    "Rows and columns of the grid are exchanged: the patches arrive along the rows, so the first axis to unfold is rows.",
                    swapped,
                ),
                (
                    "The axes are permuted, and then the patch axes and pixel axes do not stand side by side: "
                    "`rows` must be directly before the patch height, `columns` directly before the patch width.",
                    grid.permute(0, 3, 1, 2, 4, 5).reshape(size),
                ),
            ],
        )


def check_halves(two_halves) -> None:
    whole = index_image(1, 1, 4, 6)
    tl, tr, bl, br = (whole[..., top : top + 2, left : left + 3] for top in (0, 2) for left in (0, 3))
    answer = two_halves(tl, tr, bl, br)
    expect(isinstance(answer, (tuple, list)) and len(answer) == 2, "Return two halves: (top, bottom).")
    glued = torch.cat([tl, tr], dim=2), torch.cat([bl, br], dim=2)
    sides = torch.cat([tl, bl], dim=2), torch.cat([tr, br], dim=2)
    if all(_equal(a, b) for a, b in zip(answer, glued, strict=True)):
        raise Wrong(
            "That is the bug itself: top left is glued on top of top right. The pieces have a plausible shape and the pixels "
            "of two quadrants are in the wrong place."
        )
    if all(_equal(a, b) for a, b in zip(answer, sides, strict=True)):
        raise Wrong(
            "Every pixel is beside its true neighbour, and these are the left and right halves. Level 2 cuts the picture "
            "into a top and a bottom half, so it would look at the wrong places."
        )
    expect_close(answer[0], whole[..., :2, :], "the top half")
    expect_close(answer[1], whole[..., 2:, :], "the bottom half")


def _equal(a, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and bool(torch.equal(a, b))


def check_pass_up(pass_up) -> None:
    image = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    levels = [lambda x: 0.5 * x + 0.1, lambda x: x * x, lambda x: 0.3 - x]
    finest, middle = levels[0](image), levels[1](image + levels[0](image))
    want = levels[2](image + middle)
    expect_close(
        pass_up(image, levels),
        want,
        "the output of the last level",
        mistakes=[
            (
                "The residuals pile up: the last level received image + both residuals. Each level receives the *image* plus the residual "
                "of the level just before it. (An in-place `image += residual` does this, and spoils the caller's batch as well.)",
                levels[2](image + finest + middle),
            ),
            (
                "The image is missing from the sums: each level must see the image plus what the level before it found.",
                levels[2](levels[1](finest)),
            ),
            ("The residuals are not handed on: every level saw the bare image.", levels[2](image)),
            ("The sum of all residuals is not the output: the output is what the last level returns.", finest + middle + want),
        ],
    )


def check_multiples(multiples) -> None:
    for patches in ((1, 2, 4), (1, 2, 4, 8), (1,), (1, 2, 4, 8, 16), (1, 2)):
        rows, columns = grid_of(patches[-1])
        grid = torch.tensor([float(rows), float(columns)])
        exchanged = 4 * grid.flip(0)
        per_patch = torch.full((2,), 4.0 * patches[-1])
        expect_close(
            _as_numbers(multiples(patches)),
            4 * grid,
            f"(height multiple, width multiple) for {patches}",
            mistakes=[
                ("Those are the patches alone. Inside every patch the encoder halves the size twice more.", grid),
                ("Height and width are exchanged: two patches are a top and a bottom half, so the rows double first.", exchanged),
                (
                    "Four times the number of patches is more than needed: 4 patches are 2 rows of 2, so each side is only cut in two.",
                    per_patch,
                ),
                ("The encoder halves twice, so each patch side must be a multiple of 4, not of 2.", 2 * grid),
            ],
        )


def _as_numbers(answer) -> object:
    expect(isinstance(answer, (tuple, list)) and len(answer) == 2, "Return two whole numbers: (height multiple, width multiple).")
    expect(all(isinstance(number, int) for number in answer), "Both should be whole numbers (int).")
    return torch.tensor([float(number) for number in answer])


def check_cost(cost) -> None:
    per_pixel = 248_576
    for height, width, patches in ((256, 256, (1, 2, 4)), (720, 1280, (1, 2, 4, 8)), (64, 96, (1,))):
        want = float(height * width * per_pixel * len(patches))
        expect_close(
            cost(height, width, patches, per_pixel),
            want,
            f"the cost of {patches} at {height}x{width}",
            mistakes=[
                (
                    "That multiplies by the number of patches. Cutting costs nothing: four quarters have as many pixels as the whole.",
                    float(height * width * per_pixel * sum(patches)),
                ),
                ("That is the cost of one level only; every level sees every pixel once.", want / len(patches)),
                (
                    "That divides by the number of patches. Each patch is smaller, and there are as many more of them.",
                    sum(height * width * per_pixel / n for n in patches),
                ),
            ],
        )


EXERCISES = (
    Exercise(
        id="5.1",
        title="Cut a batch into patches",
        stars=2,
        minutes=8,
        check=check_split,
        hints=(
            "Split the height into (rows, patch height) and the width into (columns, patch width) with one `reshape`: six axes.",
            (
                "`x.reshape(b, c, rows, h // rows, columns, w // columns)`, "
                "then `permute` to (b, rows, columns, c, patch height, patch width)."
            ),
        ),
    ),
    Exercise(
        id="5.2",
        title="Put the patches back",
        stars=2,
        minutes=8,
        check=check_join,
        hints=(
            "Undo 5.1 backwards: first give batch, rows and columns axes of their own again.",
            "After `patches.reshape(-1, rows, columns, c, ph, pw)` the order you need is (b, c, rows, ph, columns, pw).",
        ),
    ),
    Exercise(
        id="5.3",
        title="Hand the residual on",
        stars=2,
        minutes=6,
        check=check_pass_up,
        hints=(
            "Keep one variable `residual`. What does the finest level, which comes first, receive?",
            "Start with `residual = 0`, then for every level: `residual = level(image + residual)`. Mind not to change `image`.",
        ),
    ),
    Exercise(
        id="5.4",
        title="Bug hunt: the scrambled quadrants",
        stars=3,
        minutes=12,
        check=check_halves,
        hints=(
            "Draw the four quadrants on paper and follow `torch.cat(..., dim=2)`: which axis of `b c h w` is 2?",
            "A top half is top left *beside* top right. Beside means along the width.",
        ),
    ),
    Exercise(
        id="5.5",
        title="Which sizes fit",
        stars=2,
        minutes=6,
        check=check_multiples,
        hints=(
            "Only the finest level matters: how many rows and columns does it cut? 2 is 2x1, 4 is 2x2, 8 is 4x2, 16 is 4x4.",
            "Count halvings: `n.bit_length() - 1`. The rows take the first, third, ... of them, the columns the others.",
            "Each patch is halved twice by the encoder, so its sides must be multiples of 4.",
        ),
    ),
    Exercise(
        id="5.6",
        title="What a level costs",
        stars=1,
        minutes=5,
        check=check_cost,
        hints=(
            "How many pixels do the patches of one level have together?",
            "pixels x cost per pixel x number of levels: the number of patches does not appear.",
        ),
    ),
)
