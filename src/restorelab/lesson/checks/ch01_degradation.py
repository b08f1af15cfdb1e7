"""Exercises of chapter 1, Where bad images come from."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from restorelab.degrade import gaussian_kernel
from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close
from restorelab.ops.light import to_display, to_linear

SECRET = (3.0, 0.35, 60.0)  # std, ratio and angle of the blur of exercise 1.9
CLOSE_ENOUGH = 0.05  # distance of two kernels, relative, that 1.9 accepts: no eye tells the two pictures apart


def check_gaussian(gaussian) -> None:
    for size, std in ((9, 1.5), (15, 2.0), (8, 1.2)):
        got = gaussian(size, std)
        want = _gaussian(size, std, centre=(size - 1) / 2)
        expect_close(
            got,
            want,
            f"the {size}x{size} kernel of std {std}",
            mistakes=[
                (
                    "The kernel does not sum to 1, so it changes the brightness of the picture. Divide by the sum at the end.",
                    _gaussian(size, std, (size - 1) / 2, normalise=False),
                ),
                (
                    "The kernel is not centred: with an even size the middle lies *between* two pixels, at (size - 1) / 2. "
                    "A centre at size // 2 shifts the picture by half a pixel.",
                    _gaussian(size, std, size // 2),
                ),
                ("The exponent lacks its 1/2: exp(-r²/std²) is a Gaussian of std/√2.", _gaussian(size, std / math.sqrt(2), (size - 1) / 2)),
                (
                    "`std` is used as a variance: exp(-r²/(2 std)). Papers mix the two up as well; square it.",
                    _gaussian(size, math.sqrt(std), (size - 1) / 2),
                ),
                (
                    "Dividing by 2π std² makes the *integral* 1. Cut off and sampled, the sum is another number: divide by the sum.",
                    _gaussian(size, std, (size - 1) / 2, normalise=False) / (2 * math.pi * std**2),
                ),
            ],
        )


def _gaussian(size: int, std: float, centre: float, normalise: bool = True) -> Tensor:
    line = torch.exp(-0.5 * ((torch.arange(size, dtype=torch.float64) - centre) / std) ** 2)
    kernel = line[:, None] * line
    return kernel / kernel.sum() if normalise else kernel


def check_ellipse(ellipse) -> None:
    for size, long, short, angle in ((15, 3.0, 1.0, 30.0), (13, 2.5, 0.8, 100.0), (11, 1.5, 1.5, 0.0)):
        want = gaussian_kernel(long, short / long, angle, size).double()
        expect_close(
            ellipse(size, long, short, angle),
            want,
            f"the kernel with widths {long} and {short} at {angle:.0f} degrees",
            mistakes=[
                (
                    "The ellipse leans to the other side. Rows count *downwards*, angles turn upwards: up is minus the row offset.",
                    gaussian_kernel(long, short / long, -angle, size).double(),
                ),
                (
                    "The long and the short axis are exchanged.",
                    gaussian_kernel(long, short / long, angle + 90, size).double(),
                ),
                (
                    "The widths are used as variances. A width is a standard deviation: square it.",
                    gaussian_kernel(math.sqrt(long), math.sqrt(short / long), angle, size).double(),
                ),
                (
                    "`angle` is in degrees, and the cosine wants radians.",
                    gaussian_kernel(long, short / long, math.degrees(angle), size).double(),
                ),
            ],
            tolerance=1e-4,
        )


def check_convolve(convolve) -> None:
    generator = torch.Generator().manual_seed(3)
    image, kernel = torch.rand(9, 12, generator=generator), torch.rand(5, 5, generator=generator)
    delta = torch.zeros(5, 5)
    delta[1, 4] = 1.0  # light goes one row up and two columns to the right
    for what, k in (("a random kernel", kernel), ("a kernel that moves light up and right", delta)):
        expect_close(
            convolve(image, k),
            _filter(image, k.flip(0, 1)),
            f"the picture convolved with {what}",
            mistakes=[
                (
                    "That is correlation: the kernel was laid on as it is, and the light went to the opposite side. "
                    "`F.conv2d` never turns the kernel; turn it by 180 degrees first.",
                    _filter(image, k),
                ),
                ("The kernel is transposed, not turned: flip rows *and* columns.", _filter(image, k.T)),
                ("Only the rows are flipped. A turn by 180 degrees flips both.", _filter(image, k.flip(0))),
                ("Only the columns are flipped. A turn by 180 degrees flips both.", _filter(image, k.flip(1))),
                ("The picture has shrunk: pad by half the kernel's size.", F.conv2d(image[None, None], k.flip(0, 1)[None, None])[0, 0]),
            ],
        )


def _filter(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None], padding=kernel.shape[-1] // 2)[0, 0]


def check_adjoint(adjoint) -> None:
    generator = torch.Generator().manual_seed(4)
    kernel = torch.rand(3, 3, generator=generator, dtype=torch.float64)
    clean = torch.rand(8, 10, generator=generator, dtype=torch.float64)
    small = torch.rand(4, 5, generator=generator, dtype=torch.float64)
    zeros = torch.zeros_like(clean)
    zeros[::2, ::2] = small
    want = _filter(zeros, kernel.flip(0, 1))
    got = adjoint(small, kernel)
    expect_close(
        got,
        want,
        "the adjoint",
        mistakes=[
            (
                "The kernel should be turned: the adjoint of correlating with a kernel is correlating with it turned by 180 degrees.",
                _filter(zeros, kernel),
            ),
            (
                "Every small pixel is repeated four times. Taking every second pixel throws three away; its adjoint puts zeros there.",
                _filter(small.repeat_interleave(2, 0).repeat_interleave(2, 1), kernel.flip(0, 1)),
            ),
            (
                "The zeros are in place and the blur is missing: A is blur, then every second pixel; undo the order, adjoint by adjoint.",
                zeros,
            ),
            (
                "The result is still small: put the pixels back on the large grid first, zeros between them.",
                _filter(small, kernel.flip(0, 1)),
            ),
        ],
    )
    left = float((_filter(clean, kernel)[::2, ::2] * small).sum())
    expect(abs(left - float((clean * got).sum())) < 1e-8, "<Ax, z> and <x, A'z> differ.")  # holds by the above


def check_average(average) -> None:
    generator = torch.Generator().manual_seed(5)
    frames = torch.rand(6, 3, 4, 5, generator=generator)
    frames[0, :, 0, 0] = 1.0
    frames[1:, :, 0, 0] = 0.0  # a lamp that was there for a sixth of the exposure
    want = to_display(to_linear(frames).mean(0))
    expect_close(
        average(frames, to_linear, to_display),
        want,
        "the average",
        mistakes=[
            (
                "That is the average of display values. The lamp is far too dark: it sent a sixth of the light, which displays as "
                f"{float(want[0, 0, 0]):.2f}, not as {1 / 6:.2f}.",
                frames.mean(0),
            ),
            ("That is light, not a picture: bring it back to display values.", to_linear(frames).mean(0)),
            ("The two directions are exchanged: display values become light, are averaged, and become display values.",
             to_linear(to_display(frames).mean(0))),
            ("Frames are the first axis: average over dim 0 alone.", to_display(to_linear(frames).mean(1))),
        ],
    )  # fmt: skip


def check_basis(basis) -> None:
    kernels = torch.stack([gaussian_kernel(std, ratio, angle, 9) for std, ratio, angle in _spread()]).double()
    flat = kernels.reshape(len(kernels), -1)
    _, _, right = torch.linalg.svd(flat, full_matrices=False)
    _, _, centred = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    for dims in (4, 8):
        got = basis(kernels, dims)
        expect(isinstance(got, Tensor), f"Return a tensor; yours is of type {type(got).__name__}.")
        wide = tuple(got.shape) == (81, dims)
        expect(
            tuple(got.shape) == (dims, 81),
            "The basis vectors are the columns; return them as rows, one per kernel-like picture."
            if wide
            else f"Return {dims} rows of 81 numbers, one basis kernel each; yours has shape {tuple(got.shape)}.",
        )
        # Signs, and turns within equal singular values, are free: compare what the rows span.
        expect_close(
            got.T.double() @ got.double(),
            right[:dims].T @ right[:dims],
            f"what {dims} rows span (as the projection BᵀB)",
            mistakes=[
                (
                    "The mean kernel was taken away first. SRMD does not do it, and its codes would not fit yours. (It reconstructs a "
                    "little better: a choice to be written down, not a mistake in itself.)",
                    centred[:dims].T @ centred[:dims],
                ),
                ("Those are the directions of the *least* energy. Eigenvalues come in ascending order; take the last ones.",
                 right[-dims:].T @ right[-dims:]),
            ],
            tolerance=1e-4,
        )  # fmt: skip


def _spread() -> list[tuple[float, float, float]]:
    return [(std, ratio, angle) for std in (0.6, 1.0, 1.6, 2.3) for ratio in (0.3, 0.6, 1.0) for angle in range(0, 180, 15)]


def check_order(spoil) -> None:
    called: list[str] = []
    picture = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(6))

    def step(name: str):
        return lambda image: (called.append(name), image)[1]

    spoil(picture, *(step(name) for name in ("blur", "shrink", "add_noise", "to_8_bits")))
    expect(sorted(called) == ["add_noise", "blur", "shrink", "to_8_bits"], f"Every step once, please; yours called: {', '.join(called)}.")
    place = {name: called.index(name) for name in called}
    if place["add_noise"] < place["shrink"]:
        raise Wrong(
            "The noise comes before the pixels are made fewer, and shrinking averages it away: the result is less noisy than labelled."
        )
    if place["blur"] > place["shrink"]:
        raise Wrong(
            "The blur comes after shrinking: the same kernel is then `scale` times wider on the scene. The lens is before the sensor."
        )
    if place["to_8_bits"] != 3:
        raise Wrong("Rounding to 8 bits is the last thing a camera does: what comes after it would leave values that no file can hold.")
    traced = spoil(torch.zeros(1), *(lambda x, n=n: 2 * x + n for n in (1, 2, 3, 4)))
    expect_close(traced, torch.tensor([26.0]), "what the last step returned")


def check_rain(rain) -> None:
    generator = torch.Generator().manual_seed(7)
    light, alpha = torch.rand(3, 6, 7, generator=generator), torch.rand(1, 6, 7, generator=generator)
    expect_close(
        rain(light, alpha, 0.8),
        (1 - alpha) * light + alpha * 0.8,
        "the rainy picture",
        mistakes=[
            ("Rain is only added, and nothing is hidden: a drop also covers what is behind it, so the scene keeps only 1 - alpha.",
             light + alpha * 0.8),
            ("Alpha is the share of the *drop*; you gave it to the scene.", alpha * light + (1 - alpha) * 0.8),
            ("The scene is dimmed, and the light of the drop is missing.", (1 - alpha) * light),
            ("The drop's own brightness is missing: that is rain of brightness 1.", (1 - alpha) * light + alpha),
        ],
    )  # fmt: skip


def check_match(my_blur) -> None:
    answer = my_blur()
    expect(answer is not None and answer is not ..., "Return three numbers: std, ratio, angle.")
    expect(
        isinstance(answer, (tuple, list)) and len(answer) == 3 and all(isinstance(x, (int, float)) for x in answer),
        "Return three numbers: std in pixels, ratio in (0, 1], angle in degrees.",
    )
    std, ratio, angle = map(float, answer)
    expect(0.05 <= std <= 8 and 0.02 <= ratio <= 1, f"std={std} and ratio={ratio} are no blur that the playground makes.")
    if kernel_distance((std, ratio, angle)) <= CLOSE_ENOUGH:
        return
    if kernel_distance((std, ratio, -angle)) <= CLOSE_ENOUGH:
        raise Wrong("Width and shape are right, and it leans to the other side.")
    if kernel_distance((std, ratio, angle + 90)) <= CLOSE_ENOUGH:
        raise Wrong("Width and shape are right, and it lies across: the streaks run along the *long* axis.")
    if kernel_distance((std / ratio if ratio else std, ratio, angle)) <= CLOSE_ENOUGH:
        raise Wrong("`std` is that of the long axis; you gave the short one's.")
    raise Wrong(
        f"The kernels differ by {kernel_distance((std, ratio, angle)):.0%}; {CLOSE_ENOUGH:.0%} will do. Compare the smallest lights."
    )


def kernel_distance(blur: tuple[float, float, float]) -> float:
    """How far (std, ratio, angle) is from the blur of exercise 1.9: |difference| / |kernel|."""
    want, got = (gaussian_kernel(*values, size=31) for values in (SECRET, blur))
    return float((got - want).norm() / want.norm())


EXERCISES = (
    Exercise(
        id="1.1",
        title="A Gaussian kernel",
        stars=1,
        minutes=6,
        check=check_gaussian,
        hints=(
            "Measure every pixel's offset from the middle, which is at (size - 1) / 2 for odd and even sizes alike.",
            "One line is exp(-offset² / (2 std²)); the kernel is line[:, None] * line, divided by its sum.",
        ),
    ),
    Exercise(
        id="1.2",
        title="Turn it into an ellipse",
        stars=2,
        minutes=10,
        check=check_ellipse,
        hints=(
            "For every pixel: how far is it *along* the long axis, and how far *across*? Both are dot products with a direction.",
            "along = right·cos + up·sin, across = up·cos - right·sin, with up = -(row offset).",
            "The weight is exp(-(along²/long² + across²/short²)/2), divided by the sum.",
        ),
    ),
    Exercise(
        id="1.3",
        title="Convolution is not correlation",
        stars=2,
        minutes=6,
        check=check_convolve,
        hints=(
            "Which way does `F.conv2d` move a picture when the kernel's only 1 is to the right of its middle?",
            "`kernel.flip(0, 1)` turns it by 180 degrees; `padding=kernel.shape[-1] // 2` keeps the size.",
        ),
    ),
    Exercise(
        id="1.4",
        title="The adjoint",
        stars=3,
        minutes=12,
        check=check_adjoint,
        hints=(
            "A = S·B, blur and then every second pixel. Its adjoint is Bᵀ·Sᵀ: the other order, each transposed.",
            "Sᵀ puts the small pixels on every second place of a grid of zeros; Bᵀ filters with the kernel turned by 180 degrees.",
        ),
    ),
    Exercise(
        id="1.5",
        title="Average light, not numbers",
        stars=1,
        minutes=5,
        check=check_average,
        hints=(
            "A sensor adds up light. What is stored in a file is not light.",
            "to_linear every frame, take the mean over the frames, to_display the result.",
        ),
    ),
    Exercise(
        id="1.6",
        title="A basis for kernels",
        stars=3,
        minutes=12,
        check=check_basis,
        hints=(
            "Flatten the kernels to a matrix, one per row. Which directions hold most of its energy?",
            "`torch.linalg.svd(flat, full_matrices=False)` returns them as the rows of its third result, strongest first.",
        ),
    ),
    Exercise(
        id="1.7",
        title="Bug hunt: the order of things",
        stars=2,
        minutes=8,
        check=check_order,
        hints=(
            "Follow the light: lens, sensor, electronics, file.",
            "blur (the lens), shrink (the pixels), add_noise (the sensor), to_8_bits (the file).",
        ),
    ),
    Exercise(
        id="1.8",
        title="A streak of rain",
        stars=1,
        minutes=5,
        check=check_rain,
        hints=(
            "At a place where alpha is 1 you see the drop alone, where it is 0 the scene alone.",
            "(1 - alpha) * light + alpha * brightness",
        ),
    ),
    Exercise(
        id="1.9",
        title="Which blur was it?",
        stars=3,
        minutes=12,
        check=check_match,
        hints=(
            "The smallest bright spots of the picture show the kernel: how long is such a spot, how wide, which way does it point?",
            "Guess in the playground, and look at the difference to the mystery. Start with the angle: about 60 degrees.",
            "The long axis has a standard deviation of about 3 pixels, the short one a third of it.",
        ),
    ),
)
