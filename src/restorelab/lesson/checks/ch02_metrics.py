"""Exercises of chapter 2, Measuring restoration."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from restorelab.degrade import gaussian_kernel
from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close

STUDIO = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64)

# The evaluation script of exercise 2.8: its lines, and for the bad ones what is wrong with them.
SCRIPT = (
    ("model = load('epoch_%d.pth' % best_epoch(on=test_pairs))", "chosen on the test pictures: the network has seen them, through you"),
    ("model.eval()", ""),
    ("for blurred, clean in test_pairs:", ""),
    ("    restored = model(blurred[None])[0].clamp(0, 1)", ""),
    ("    clean = resize(clean, restored.shape)", "the ground truth is resized to fit the output, which hides that they do not match"),
    ("    restored8 = (restored * 255).astype(uint8)", "astype truncates instead of rounding: up to 2.9 dB"),
    ("    clean8 = round(clean * 255).astype(uint8)", ""),
    ("    psnrs.append(psnr(restored8[8:-8, 8:-8], clean8[8:-8, 8:-8]))", "8 pixels a side are left out, and nobody is told"),
    ("    ssims.append(ssim(restored8, clean8, win='gaussian', sigma=1.5))", ""),
    ("    distances.append(lpips_of_minus_one_to_one(restored, clean))", "fed pictures in [0, 1]; it expects [-1, 1]"),
    ("print('PSNR', mean(psnrs), 'SSIM', mean(ssims), 'LPIPS', mean(distances))", ""),
)  # fmt: skip
BAD_LINES = {number for number, (_, fault) in enumerate(SCRIPT, 1) if fault}


def script() -> str:
    """The script with its line numbers."""
    return "\n".join(f"{number:2}  {line}" for number, (line, _) in enumerate(SCRIPT, 1))


def _pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    clean = torch.rand(3, 20, 24, generator=generator, dtype=torch.float64)
    noise = torch.randn(3, 20, 24, generator=generator, dtype=torch.float64) * torch.tensor([0.02, 0.05, 0.11]).view(3, 1, 1)
    return (clean + noise).clamp(0, 1), clean


def check_psnr(psnr) -> None:
    restored, clean = _pair()
    mse = (restored - clean).square().mean()
    by_channel = -10 * (restored - clean).square().mean((1, 2)).log10()
    expect_close(
        psnr(restored, clean),
        -10 * mse.log10(),
        "the PSNR in dB",
        mistakes=[
            ("Values are in [0, 1], so the peak is 1, not 255.", 20 * math.log10(255) - 10 * mse.log10()),
            ("That is the natural logarithm: a decibel is 10 log10 of a ratio of powers.", -10 * mse.log()),
            ("10 log10 belongs to powers (MSE), 20 log10 to amplitudes (RMSE); you took 20 with the MSE.", -20 * mse.log10()),
            ("The sign is the wrong way round: a better picture has a *higher* PSNR.", 10 * mse.log10()),
            ("That is the mean of the channels' PSNRs. Average the squared errors first, then take one logarithm.", by_channel.mean()),
            ("One number is wanted for all channels together, and these are three.", by_channel),
            ("That is the MSE; its logarithm is missing.", mse),
        ],
    )  # fmt: skip


def check_luma(luma) -> None:
    image = _pair()[1]
    want = torch.einsum("c,chw->hw", STUDIO, image) + 16
    expect_close(
        luma(image),
        want,
        "the studio-range luma",
        mistakes=[
            ("The offset of 16 is missing: studio black is Y = 16.", want - 16),
            ("The weights met the channels in the order blue, green, red. OpenCV reads BGR; our pictures are RGB.",
             torch.einsum("c,chw->hw", STUDIO.flip(0), image) + 16),
            ("That is full-range luma, 0..255. Studio range squeezes it into 16..235, and the PSNR falls by exactly 1.32 dB without it.",
             torch.einsum("c,chw->hw", torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64), image) * 255),
            ("The picture was multiplied by 255 first. These weights are for values in [0, 1].",
             torch.einsum("c,chw->hw", STUDIO, image * 255) + 16),
            ("That is the plain mean of the channels.", image.mean(0)),
            ("Right, but with an axis to spare: return h w.", want[None]),
        ],
    )  # fmt: skip


def check_ssim(ssim) -> None:
    restored, clean = (255 * image[2] for image in _pair())
    window = gaussian_kernel(1.5, size=11).double()
    padded = _ssim(restored, clean, window, padding=5)
    expect_close(
        ssim(restored, clean, window),
        _ssim(restored, clean, window),
        "the mean SSIM",
        mistakes=[
            ("Zeros were padded around. SSIM counts only windows that lie inside the picture: `padding=0`.", padded),
            ("The constants are those of values in [0, 1]; these pictures are in 0..255, so C1 = (0.01·255)² and C2 = (0.03·255)².",
             _ssim(restored, clean, window, peak=1.0)),
            ("The window is a plain mean, and the Gaussian one that you were given is not used.",
             _ssim(restored, clean, torch.full((11, 11), 1 / 121, dtype=torch.float64))),
            ("The first factor is missing: brightness counts as well as structure.", _ssim(restored, clean, window, luminance=False)),
            ("The variances lack the - μ²: E[x²] alone is not a variance.", _ssim(restored, clean, window, centred=False)),
        ],
        tolerance=1e-4,
    )  # fmt: skip


def _ssim(
    x: Tensor, y: Tensor, window: Tensor, padding: int = 0, peak: float = 255.0, luminance: bool = True, centred: bool = True
) -> Tensor:
    def mean(image: Tensor) -> Tensor:
        return F.conv2d(image[None, None], window[None, None], padding=padding)[0, 0]

    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x), mean(y * y), mean(x * y)
    if centred:
        vx, vy, cov = vx - mx**2, vy - my**2, cov - mx * my
    structure = (2 * cov + c2) / (vx + vy + c2)
    return ((2 * mx * my + c1) / (mx**2 + my**2 + c1) * structure if luminance else structure).mean()


def check_shift(shift) -> None:
    for decibels in (20.0, 25.0, 40.0):
        want = 10 ** (-decibels / 20)
        expect_close(
            shift(decibels),
            want,
            f"the brightness that costs {decibels:.0f} dB",
            mistakes=[
                ("That is the mean squared error. The shift is its square root.", want**2),
                ("That is the shift in 8-bit levels; in [0, 1] it is 255 times less.", want * 255),
                ("The sign of the exponent: fewer decibels, larger shift.", 10 ** (decibels / 20)),
            ],
        )


def check_reduction(reduction) -> None:
    for old, new in ((31.85, 32.66), (29.55, 32.66), (30.0, 30.0)):
        want = 1 - 10 ** (-(new - old) / 20)
        expect_close(
            reduction(old, new),
            want,
            f"the share of the RMSE that {old} -> {new} dB takes away",
            mistakes=[
                ("That is the reduction of the *squared* error: the RMSE goes with 10^(-PSNR/20), the MSE with 10^(-PSNR/10).",
                 1 - 10 ** (-(new - old) / 10)),
                ("That is what is left; the reduction is 1 minus it.", 10 ** (-(new - old) / 20)),
                ("That compares the decibels themselves. They are logarithms: go back to errors first.", (new - old) / new),
                ("That compares the decibels themselves. They are logarithms: go back to errors first!", (new - old) / old),
            ],
        )  # fmt: skip


def check_pooling(mean_psnr) -> None:
    mses = torch.tensor([1e-4, 4e-3, 2.5e-2], dtype=torch.float64)
    expect_close(
        mean_psnr(mses),
        (-10 * mses.log10()).mean(),
        "the mean PSNR of the set",
        mistakes=[
            ("That is the PSNR of the mean error: one bad picture decides it. Papers average the pictures' decibels.",
             -10 * mses.mean().log10()),
            ("These are the PSNRs of the three pictures; the mean is missing.", -10 * mses.log10()),
            ("The median is a fine thing to report, and it is not what papers print.", (-10 * mses.log10()).median()),
        ],
    )  # fmt: skip


def check_agreement(agreement) -> None:
    first = torch.tensor([3.0, 1.0, 4.0, 1.5, 9.0, 2.6])
    for second in (torch.tensor([1.0, 2.0, 6.0, 3.0, 5.0, 4.0]), first, -first):
        signs = _pairs(first) * _pairs(second)
        pairs = len(first) * (len(first) - 1) // 2
        want = float(signs.sum()) / 2 / pairs
        expect_close(
            agreement(first, second),
            want,
            "Kendall's τ",
            mistakes=[
                ("That is the share of pairs on which they agree. τ is agreeing minus disagreeing, so that chance gives 0.",
                 float((signs > 0).sum()) / 2 / pairs),
                ("Divide by the number of *pairs*, n(n-1)/2; you divided by n².", float(signs.sum()) / 2 / len(first) ** 2),
                ("Every pair is counted twice: (a, b) and (b, a) are one.", float(signs.sum()) / pairs),
                ("That is the correlation of the values. τ asks only for the order.",
                 float(torch.corrcoef(torch.stack([first, second]))[0, 1])),
            ],
        )  # fmt: skip


def _pairs(values: Tensor) -> Tensor:
    return torch.sign(values[:, None] - values[None, :])


def check_linter(bad_lines) -> None:
    answer = bad_lines()
    expect(answer is not None and answer is not ..., "Return a set of line numbers, such as {3, 7}.")
    expect(
        isinstance(answer, (set, frozenset, list, tuple)) and all(isinstance(n, int) for n in answer),
        "Return a set of line numbers, such as {3, 7}.",
    )
    wrong, missing = sorted(set(answer) - BAD_LINES), sorted(BAD_LINES - set(answer))
    if wrong:
        raise Wrong(f"Line {wrong[0]} is all right. ({len(set(answer) & BAD_LINES)} of the {len(BAD_LINES)} are in your set.)")
    if missing:
        raise Wrong(
            f"{len(missing)} of {len(BAD_LINES)} are still missing. Ask of every line: would the authors of a rival method accept it?"
        )


EXERCISES = (
    Exercise(
        id="2.1",
        title="PSNR from scratch",
        stars=1,
        minutes=5,
        check=check_psnr,
        hints=(
            "Mean of the squared differences over everything, then decibels: 10 log10(peak² / MSE). The peak of [0, 1] is 1.",
            "`-10 * torch.log10((restored - clean).square().mean())`",
        ),
    ),
    Exercise(
        id="2.2",
        title="Luma, as MATLAB means it",
        stars=1,
        minutes=5,
        check=check_luma,
        hints=(
            "A weighted sum over the channels, plus 16. White must come out at 235.",
            "65.481 R + 128.553 G + 24.966 B + 16, with R, G, B = image[0], image[1], image[2].",
        ),
    ),
    Exercise(
        id="2.3",
        title="SSIM from scratch",
        stars=3,
        minutes=15,
        check=check_ssim,
        hints=(
            "You need five local means: of x, y, x², y² and xy. Each is one `conv2d` with the window, without padding.",
            "Variances are E[x²] - μₓ², the covariance is E[xy] - μₓμᵧ; C1 = (0.01·255)², C2 = (0.03·255)².",
            "((2μₓμᵧ + C1)(2cov + C2)) / ((μₓ² + μᵧ² + C1)(varₓ + varᵧ + C2)), averaged over the places.",
        ),
    ),
    Exercise(
        id="2.4",
        title="A brightness of 25 dB",
        stars=2,
        minutes=5,
        check=check_shift,
        hints=(
            "If every pixel is off by d, what is the mean squared error?",
            "PSNR = -10 log10(d²) = -20 log10(d). Solve for d.",
        ),
    ),
    Exercise(
        id="2.5",
        title="“9 % less error”",
        stars=2,
        minutes=6,
        check=check_reduction,
        hints=(
            "Which RMSE belongs to a PSNR? Go back from decibels to errors, then compare the errors.",
            "RMSE = 10^(-PSNR/20); the reduction is 1 - RMSE(new)/RMSE(old).",
        ),
    ),
    Exercise(
        id="2.6",
        title="The mean over a set",
        stars=1,
        minutes=4,
        check=check_pooling,
        hints=(
            "A logarithm of a mean is not the mean of logarithms. Which of the two do papers print?",
            "PSNR of every picture first, then their mean.",
        ),
    ),
    Exercise(
        id="2.7",
        title="Do two judges agree?",
        stars=2,
        minutes=10,
        check=check_agreement,
        hints=(
            "Take every pair of pictures: do both judges put them in the same order (+1) or not (-1)?",
            "`torch.sign(a[:, None] - a[None, :])` holds all comparisons of one judge; each pair is in it twice.",
        ),
    ),
    Exercise(
        id="2.8",
        title="Bug hunt: the metric linter",
        stars=3,
        minutes=12,
        check=check_linter,
        hints=(
            "Five lines are wrong. One of them runs before the loop begins.",
            "What chose the weights? What happens to the clean picture? How are bytes made, what is left out, which range is expected?",
        ),
    ),
)
