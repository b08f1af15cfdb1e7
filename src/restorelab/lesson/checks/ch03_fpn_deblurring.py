"""Exercises of chapter 3, A feature pyramid against blur."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorelab.lesson.checks.ch03_read import BUGS, KINDS, PYRAMID, SEEN_THERE
from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close


def _random(*shape: int, seed: int = 3) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def check_top_down(top_down) -> None:
    tap, weight, coarser = _random(2, 5, 6, 8), _random(4, 5, seed=4) - 0.5, _random(2, 4, 3, 4, seed=5)
    seen = torch.einsum("oc,bchw->bohw", weight, tap)
    doubled = F.interpolate(coarser, scale_factor=2, mode="nearest")
    smooth = F.interpolate(coarser, scale_factor=2, mode="bilinear")
    expect_close(
        top_down(tap, weight, coarser),
        seen + doubled,
        "the finer map",
        mistakes=[
            ("The coarser map was enlarged with interpolation between pixels. The authors repeat every pixel; the convolution that "
             "follows does the smoothing, and learns how.", seen + smooth),
            ("The coarser map alone came out: the lateral is missing, and with it everything the finer tap saw.", doubled),
            ("The lateral alone came out: nothing comes down from the coarser map.", seen),
            ("The two were multiplied. In a pyramid they are added: each level corrects what the one below it said.", seen * doubled),
            ("The two were put side by side. Joining comes later; on the way down, maps of equal width are added.",
             torch.cat([seen, doubled], dim=1)),
        ],
    )  # fmt: skip


def check_order(order) -> None:
    answer = order()
    expect(isinstance(answer, (str, list, tuple)), 'Return the letters in order, such as "BAD".')
    letters = [str(letter).strip().upper() for letter in answer]
    stray = [letter for letter in letters if letter not in PYRAMID]
    expect(not stray, f"There is no line {''.join(stray[:1])}. The lines go from A to {max(PYRAMID)}.")
    expect(len(set(letters)) == len(letters), "A line stands there twice; each is needed once at most.")
    made = {"picture", "tap0", "tap1", "tap2", "tap3", "tap4"}
    for letter in letters:
        line = PYRAMID[letter]
        if line.fault:
            raise Wrong(f"Line {letter} is a trap: {line.fault}")
        lacking = next((name for name in line.needs if name not in made), "")
        expect(not lacking, f"Line {letter} uses `{lacking}`, which no line above it has made.")
        made.add(line.makes)
    if "restored" not in made:
        raise Wrong(f"All {len(letters)} lines run, and none of them makes `restored`. What is still missing between them and it?")


def check_macs(macs) -> None:
    for case in ((736, 1280, 128, 64, 3, 4), (256, 256, 3, 32, 3, 2), (64, 96, 24, 128, 1, 4)):
        height, width, channels_in, channels_out, kernel, stride = case
        pixels = height // stride * (width // stride)
        want = float(pixels * channels_in * channels_out * kernel**2)
        expect_close(
            macs(*case),
            want,
            f"the multiplications of a {kernel}x{kernel} convolution at 1/{stride} of {height}x{width}",
            mistakes=[
                ("That is at full size: at 1/4 of the size there are 16 times fewer pixels.", want * stride**2),
                ("At 1/4 of the size both sides are a quarter: divide the pixels by stride², not by stride.", want * stride),
                ("A 3x3 convolution looks at 9 pixels, not at 3.", want / kernel),
                ("Those are FLOPs, a multiplication and an addition each. Multiply-accumulates are half of that.", 2 * want),
                ("That is for one output channel; every one of them does the same again.", want / channels_out),
                ("Those are the parameters. Every one of them is used at every pixel.", float(channels_in * channels_out * kernel**2)),
            ],
            tolerance=1e-9,
        )  # fmt: skip


def decoder_parameters(channels, width: int) -> int:
    """Of DeblurGAN-v2 without its backbone: laterals, three smoothings on the way down, four heads, two smoothings, the output."""
    half, quarter = width // 2, width // 4
    laterals = channels[0] * half + sum(channels[1:]) * width
    down = 3 * (9 * width * width + width)
    heads = 4 * (9 * width * half + 9 * half * half)
    return laterals + down + heads + (9 * 4 * half * half + half) + (9 * half * quarter + quarter) + (9 * quarter * 3 + 3)


def check_count(count) -> None:
    for channels, width in (((16, 24, 32, 64, 160), 128), ((32, 64, 192, 1088, 2080), 256), ((16, 24, 32, 64, 160), 32)):
        want = float(decoder_parameters(channels, width))
        half, quarter = width // 2, width // 4
        biases = 3 * width + half + quarter + 3
        expect_close(
            count(channels, width),
            want,
            f"the decoder of width {width}",
            mistakes=[
                ("The biases are missing: the 3x3 convolutions outside the heads have one per output channel.", want - biases),
                ("The heads have no biases (and the laterals have none either).", want + 4 * width),
                ("The laterals have no biases (and the heads have none either).", want + half + 4 * width),
                ("Neither laterals nor heads have biases.", want + half + 4 * width + 4 * width),
                ("The first lateral goes to width/2, because it is added after the joining, where maps are that wide.",
                 want + channels[0] * half),
                ("An instance norm has no weights here (affine=False).", want + 2 * (3 * width + half + quarter)),
                ("There are three smoothings on the way down, not four: the coarsest map is its lateral, and nothing else.",
                 want + 9 * width * width + width),
                ("A head has two convolutions: width -> width/2 -> width/2.", want - 4 * 9 * half * half),
            ],
            tolerance=1e-9,
        )  # fmt: skip


def check_relativistic(loss) -> None:
    real, fake = 2 * _random(3, 1, 4, 5) - 0.4, 1.5 * _random(3, 1, 4, 5, seed=6) - 1.1
    real[0] += 0.7  # maps differ between the pictures
    for margin in (1.0, -1.0):
        mr, mf = real.mean(), fake.mean()
        each_real, each_fake = (x.mean((1, 2, 3), keepdim=True) for x in (real, fake))

        def half(a: Tensor, b: Tensor) -> Tensor:
            return (a.square().mean() + b.square().mean()) / 2

        want = half(real - mf - margin, fake - mr + margin)
        expect_close(
            loss(real, fake, margin),
            want,
            f"the loss with margin {margin:+.0f}",
            mistakes=[
                ("The half in front is missing.", 2 * want),
                ("That is least squares without the relativism: real towards the margin, fake towards minus it. "
                 "Each must be measured from the other kind's mean.", half(real - margin, fake + margin)),
                ("Each was measured from the mean of its own kind. Real pictures are compared with the mean *fake*.",
                 half(real - mr - margin, fake - mf + margin)),
                ("Both terms have the same sign of the margin: real should lie above by it, fake below.",
                 half(real - mf - margin, fake - mr - margin)),
                ("The signs of the margin are the wrong way round: that is the loss of the other player.",
                 half(real - mf + margin, fake - mr - margin)),
                ("The means were taken picture by picture. They run over the whole batch, or it is not an average real picture.",
                 half(real - each_fake - margin, fake - each_real + margin)),
                ("The error was not squared.", (real - mf - margin).mean() / 2 + (fake - mr + margin).mean() / 2),
                ("That is with absolute values, as the authors' class called LSGAN has it. Least squares squares.",
                 ((real - mf - margin).abs().mean() + (fake - mr + margin).abs().mean()) / 2),
            ],
        )  # fmt: skip


def check_field(field) -> None:
    local, whole = [(4, 2)] * 3 + [(4, 1)] * 2, [(4, 2)] * 5 + [(4, 1)] * 2
    for layers in (local, whole, [(7, 2), (3, 2), (3, 1)], [(3, 1)]):
        want, forwards, plain, stretched = 1, 1, 1, 1
        for kernel, stride in reversed(layers):
            want = want * stride + kernel - stride
        for kernel, stride in layers:
            forwards = forwards * stride + kernel - stride
            plain += kernel - 1
            stretched *= stride
        product = 1
        for kernel, stride in reversed(layers):
            product = product * stride + kernel
        expect_close(
            field(layers),
            float(want),
            f"the receptive field of {len(layers)} layers",
            mistakes=[
                ("The layers were taken from the first to the last. Walk back from one output: the last layer comes first.",
                 float(forwards)),
                ("That ignores the strides: one step of a later layer is several pixels of the picture.", float(plain)),
                ("That is the stride of the whole, the distance between two neighbours of the map, and not what one of them has seen.",
                 float(stretched)),
                ("Windows that lie next to each other overlap: n of them see (n - 1) * stride + kernel pixels, not n * stride + kernel.",
                 float(product)),
                ("That is the area. Give the side.", float(want**2)),
            ],
            tolerance=1e-9,
        )  # fmt: skip


class _TwoParts(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = nn.Linear(3, 3), nn.Linear(3, 2)
        self.backbone.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


def check_thaw(thaw) -> None:
    net = _TwoParts()
    optimizer = torch.optim.Adam(net.head.parameters(), lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
    before = optimizer.state[net.head.weight]["exp_avg"].clone()
    answer = thaw(net, optimizer)
    expect(isinstance(answer, torch.optim.Optimizer), "Return the optimizer.")
    cold = [name for name, parameter in net.named_parameters() if not parameter.requires_grad]
    expect(not cold, f"The backbone is still frozen: `{''.join(cold[:1])}` does not ask for a gradient.")
    held = [id(parameter) for group in answer.param_groups for parameter in group["params"]]
    if any(id(parameter) not in held for parameter in net.backbone.parameters()):
        raise Wrong(
            "The backbone asks for gradients, and the optimizer does not know it: it will compute them and move nothing. "
            "An optimizer trains what it was given."
        )
    kept = answer.state.get(net.head.weight, {}).get("exp_avg")
    if kept is None or not torch.equal(kept, before):
        raise Wrong(
            "A new optimizer has forgotten what the old one had measured of the decoder's gradients (Adam's two averages). It is "
            "what the authors' code does. Keep the old one, and add to it."
        )
    rates = {group["lr"] for group in answer.param_groups}
    expect(rates == {1e-3}, f"The learning rates of the groups differ: {sorted(rates)}. Leave them as they were.")


def check_norm(normalise) -> None:
    x = _random(2, 3, 4, 5) * torch.tensor([1.0, 5.0, 0.2], dtype=torch.float64).view(1, 3, 1, 1)
    x[1] = 2 * x[1] + 1  # the second picture is another one
    x[0, 2] = 0.4  # a channel that has nothing to say
    mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)

    def by(mean: Tensor, var: Tensor) -> Tensor:
        return (x - mean) / (var + 1e-5).sqrt()

    expect_close(
        normalise(x),
        by(mean, var),
        "the normalised map",
        mistakes=[
            ("That is batch norm: mean and variance were taken over both pictures, so each depends on the other.",
             by(x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0))),
            ("Mean and variance were taken over the channels as well. Every channel is normalised by itself.",
             by(x.mean((1, 2, 3), keepdim=True), x.var((1, 2, 3), keepdim=True, correction=0))),
            ("The variance was divided by n - 1 (`correction=1`, torch's default). Norms divide by n.",
             by(mean, x.var((2, 3), keepdim=True))),
            ("The 1e-5 belongs under the root, to the variance, and not to the deviation.", (x - mean) / (var.sqrt() + 1e-5)),
            ("The mean is gone, and the deviation is still what it was: divide by it.", x - mean),
            ("That divides by the variance. Its root, the standard deviation, has the unit of x.", (x - mean) / (var + 1e-5)),
        ],
    )  # fmt: skip


def check_bugs(faults) -> None:
    answer = faults()
    whole = isinstance(answer, dict) and all(isinstance(number, int) for number in answer)
    expect(whole, 'Return a dictionary, line number -> kind of fault, such as {5: "misspelt"}.')
    kinds = [kind for kind in answer.values() if kind not in KINDS]
    expect(not kinds, f"There is no kind “{''.join(map(str, kinds[:1]))}”; choose among {', '.join(KINDS)}.")
    named = {SEEN_THERE.get(number, number): kind for number, kind in answer.items()}
    sound = sorted(set(named) - set(BUGS))
    if sound:
        raise Wrong(f"Line {sound[0]} is not one of them. {_why_sound(sound[0])}")
    other = sorted(number for number, kind in named.items() if BUGS[number].kind != kind)
    if other:
        raise Wrong(f"Line {other[0]} is faulty, and not for being “{named[other[0]]}”. What does it do when it runs?")
    missing = _counted(bug.kind for number, bug in BUGS.items() if number not in named)
    if missing:
        raise Wrong(f"{len(named)} of {len(BUGS)} found, all of them right. Still missing: {missing}.")


def _why_sound(number: int) -> str:
    return {
        14: "It leaves the last block of its kind out, which looks like a slip. The authors do the same, and their weights need it.",
        31: "Two maps of one width; the coarser is doubled first. A convolution behind the sum is missing, but nothing fails.",
    }.get(number, "It does what it should.")


def _counted(kinds) -> str:
    kinds = list(kinds)
    return ", ".join(f"{kinds.count(kind)} “{kind}”" for kind in KINDS if kind in kinds)


EXERCISES = (
    Exercise(
        id="3.1",
        title="One step down the pyramid",
        stars=2,
        minutes=8,
        check=check_top_down,
        hints=(
            "Two things are added: the tap with its channels mixed (a 1x1 convolution), and the coarser map at twice its size.",
            '`torch.einsum("oc,bchw->bohw", weight, tap)`, and twice `repeat_interleave(2, dim=...)`, for the rows and for the columns.',
        ),
    ),
    Exercise(
        id="3.2",
        title="The pyramid, line by line",
        stars=3,
        minutes=12,
        check=check_order,
        hints=(
            "Write the shape of every name beside the lines. Four lines are traps: they add or join maps of different sizes or widths.",
            "From the end: `restored` needs `features`, which need `joined`, which needs `map1` to `map4`. `map4` needs its tap alone.",
        ),
    ),
    Exercise(
        id="3.3",
        title="What a convolution costs",
        stars=1,
        minutes=5,
        check=check_macs,
        hints=(
            "How many output pixels are there at 1/stride of the size? How many multiplications does each of their channels need?",
            "(height / stride) (width / stride) · channels_in · channels_out · kernel²",
        ),
    ),
    Exercise(
        id="3.4",
        title="Count the decoder",
        stars=3,
        minutes=12,
        check=check_count,
        hints=(
            "A convolution k x k from a to b channels has k²ab weights, and b more if it has a bias. Go through the table row by row.",
            "Laterals: c0 F/2 + (c1+c2+c3+c4) F. Way down: 3 (9 F² + F). Heads: 4 (9 F F/2 + 9 F/2 F/2). What is left: three convolutions.",
        ),
    ),
    Exercise(
        id="3.5",
        title="The relativistic loss",
        stars=2,
        minutes=10,
        check=check_relativistic,
        hints=(
            "Two means over everything: of the real logits, of the fake ones. Real logits are measured from the fake mean, and vice versa.",
            "Half of mean((real - mean fake - margin)²) + mean((fake - mean real + margin)²).",
        ),
    ),
    Exercise(
        id="3.6",
        title="How far a judge sees",
        stars=2,
        minutes=8,
        check=check_field,
        hints=(
            "Begin with one output value and walk back. n neighbours in a row before a layer's output: how many before its input?",
            "n outputs see (n - 1) · stride + kernel inputs. Start with n = 1 at the last layer.",
        ),
    ),
    Exercise(
        id="3.7",
        title="Thaw the backbone",
        stars=3,
        minutes=10,
        check=check_thaw,
        hints=(
            "Two things know what is trained: every parameter's `requires_grad`, and the optimizer's list.",
            '`optimizer.add_param_group({"params": list(net.backbone.parameters())})` keeps what Adam remembers of the others.',
        ),
    ),
    Exercise(
        id="3.8",
        title="Normalise by itself",
        stars=2,
        minutes=8,
        check=check_norm,
        hints=(
            "Mean and variance of every channel of every picture, over its pixels: axes 2 and 3 of `b c h w`, kept as axes of length 1.",
            "`(x - mean) / (var + 1e-5).sqrt()` with `x.var((2, 3), keepdim=True, correction=0)`.",
        ),
    ),
    Exercise(
        id="3.9",
        title="Bug hunt: read before you run",
        stars=3,
        minutes=15,
        check=check_bugs,
        hints=(
            "Play interpreter. Which names exist, line by line? Which layer was built, and what does it receive?",
            "Write the channels behind every line of `forward`. A sum needs equal ones; so do a convolution and the norm after it.",
        ),
    ),
)
