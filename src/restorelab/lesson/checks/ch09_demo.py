"""Exercises of chapter 9, From a function to a demo: files in, files out, and the card beside the model."""

import re

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorelab.lesson.checks import ch09_pieces
from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close

MOST_IN, MOST_OUT, LEAST_SIDE = 4_000_000, 16_000_000, 16
FIELDS = ("data", "terms", "degradation", "limits", "licence")


def check_refusal(refusal) -> None:
    for width, height, scale in _SIZES:
        said = refusal(width, height, scale)
        expect(isinstance(said, str), 'Return a text: the sentence that the visitor reads, or "" when the picture may come in.')
        wrong = bool(said.strip()) != _refused(width, height, scale)
        if wrong:
            raise Wrong(_why(width, height, scale))
        expect(not said or _names(said, width) and _names(said, height), _TELL_SIZE)
        expect(not said or len(said.split()) >= 5, f"{said!r} is a code for programmers. Say in a sentence what is wrong and what to do.")


_SIZES = (
    (1280, 720, 1), (16, 16, 1), (4000, 1000, 1), (2001, 2000, 1), (20_000, 10, 1), (10, 20_000, 1),
    (2000, 2000, 2), (1000, 1000, 4), (2000, 2000, 4), (257, 250, 16),
)  # fmt: skip
_TELL_SIZE = "Say the size that came, both numbers: a visitor who reads “too large” does not know what you measured."


def _refused(width: int, height: int, scale: int) -> bool:
    return width * height > MOST_IN or width * height * scale**2 > MOST_OUT or min(width, height) < LEAST_SIDE


def _why(width: int, height: int, scale: int) -> str:
    size = f"{width} x {height}, enlarged {scale} times" if scale > 1 else f"{width} x {height}"
    if not _refused(width, height, scale):
        return f"{size} is refused, and keeps every limit: what reaches a limit exactly is still allowed."
    if width * height > MOST_IN:
        return f"{size} is let in: multiply the sides, it is more than {MOST_IN:,} pixels."
    if min(width, height) < LEAST_SIDE:
        return f"{size} is let in, and its shorter side has {min(width, height)} pixels. Either side may be the short one."
    return f"{size} is let in. The result is that many times wider *and* higher: {width * height * scale**2:,} pixels."


def _names(sentence: str, number: int) -> bool:
    return str(number) in re.sub(r"(?<=\d)[,._' ](?=\d{3})", "", sentence)


def check_to_picture(to_picture) -> None:
    rng = np.random.default_rng(9)
    for channels, kind in ((3, np.uint8), (4, np.uint8), (3, np.uint16), (1, np.uint8), (2, np.uint16)):
        samples = rng.integers(0, np.iinfo(kind).max, (4, 5, channels), dtype=kind)
        picture = to_picture(samples, 0.75)
        what = f"the picture of {channels} channel{'s' * (channels > 1)} and {8 * samples.itemsize} bits"
        scaled = _first(samples, np.iinfo(kind).max)
        expect_close(picture, _laid(scaled, 0.75).expand(3, -1, -1), what, _picture_mistakes(samples, scaled))
        expect(isinstance(picture, Tensor) and picture.dtype == torch.float32, "The contract is a torch tensor of float32.")


def _first(samples: NDArray, white: int) -> Tensor:
    return torch.from_numpy(samples.astype(np.float64) / white).permute(2, 0, 1)


def _laid(x: Tensor, background: float) -> Tensor:
    return x if len(x) in (1, 3) else x[:-1] * x[-1:] + background * (1 - x[-1:])


def _picture_mistakes(samples: NDArray, scaled: Tensor) -> list[tuple[str, Tensor]]:
    right = _laid(scaled, 0.75)
    return [
        (
            "White is 65535 in a file of 16 bits: `256 ** samples.dtype.itemsize - 1` is right for both.",
            _laid(_first(samples, 255), 0.75).expand(3, -1, -1),
        ),
        (
            "Divide by the largest number that can stand there (255), so that white is exactly 1.",
            _laid(_first(samples, 256), 0.75).expand(3, -1, -1),
        ),
        ("The channels are last. The contract has them first: `c h w`.", right.expand(3, -1, -1).permute(1, 2, 0)),
        (
            "The transparency was thrown away, so what nobody was meant to see is seen. Lay the colours over the background.",
            (scaled[:-1] if len(scaled) in (2, 4) else scaled).expand(3, -1, -1),
        ),
        ("The background is missing: what is transparent became black.", _laid(scaled, 0.0).expand(3, -1, -1)),
        ("Alpha is how opaque a pixel is, not how transparent: 1 shows the colours.", _turned(scaled).expand(3, -1, -1)),
        ("A grey picture has one channel left, and the contract wants three: repeat it.", right),
    ]


def _turned(x: Tensor) -> Tensor:
    return x if len(x) in (1, 3) else x[:-1] * (1 - x[-1:]) + 0.75 * x[-1:]


def check_to_steps(to_steps) -> None:
    image = torch.tensor([-0.02, 0.0, 0.2, 0.4987, 0.9999, 1.0, 1.03])
    for white in (255, 65535):
        exact = image.double() * white
        expect_close(
            to_steps(image, white),
            exact.clamp(0, white).round(),
            f"the numbers for a white of {white}",
            mistakes=[
                ("It is cut off instead of rounded: the picture gets darker by half a step on average.", exact.clamp(0, white).floor()),
                (
                    "A network overshoots. Without clamping, 1.03 becomes a number that a file cannot hold (in a byte, 263 is 7: black).",
                    exact.round(),
                ),
                ("263 has become 7: the byte ran over. Clamp before you make bytes.", exact.round() % (white + 1)),
                (
                    f"White is {white}, and there are {white + 1} steps: multiply by {white}.",
                    (image.double().clamp(0, 1) * (white + 1)).round(),
                ),
                ("Those are no whole numbers yet: round.", exact.clamp(0, white)),
            ],
            tolerance=1e-6,
        )


def check_lacking(lacking) -> None:
    whole = {name: f"some {name}" for name in FIELDS} | {"figures": [{"psnr": 31.2, "protocol": "RGB, 8-bit", "on": "12 pictures"}]}
    no_terms = {name: value for name, value in whole.items() if name != "terms"}
    half = [*whole["figures"], {"psnr": 33.9, "on": "12 pictures"}]
    cases = (
        (whole, set(), "Nothing is lacking in a card that says everything."),
        (no_terms, {"terms"}, "A field that is not there is lacking: the terms, here."),
        (whole | {"limits": "  "}, {"limits"}, "An empty field says nothing, and so do spaces: what it cannot do is lacking."),
        (whole | {"figures": half}, {"figures"}, "One figure has its protocol and another has not: that one cannot be read."),
        (whole | {"figures": [{"psnr": 33.9, "protocol": "Y"}]}, {"figures"}, "A figure without what it was measured *on* is no figure."),
        (whole | {"figures": []}, {"figures"}, "No figure at all is lacking, too: nobody knows what it reaches."),
        ({"data": "119 photographs"}, {*FIELDS, "figures"} - {"data"}, "A card that says one thing lacks all others, figures too."),
    )
    for card, want, sentence in cases:
        said = lacking(card)
        expect(isinstance(said, (set, frozenset)), "Return a set of names, such as {'terms', 'figures'}; set() when nothing is lacking.")
        expect(said <= {*FIELDS, "figures"}, f"The names are {', '.join(FIELDS)} and figures; you return {sorted(map(str, said))}.")
        expect(said == want, f"{sentence} You return {sorted(said) or 'nothing'}.")


EXERCISES = (
    Exercise(
        id="9.1",
        title="To the contract",
        stars=2,
        minutes=8,
        check=check_to_picture,
        hints=(
            "In this order: to [0, 1] by the white of this depth, channels first, transparency over the background, grey three times.",
            "`x[:-1] * x[-1:] + background * (1 - x[-1:])` when there are 2 or 4 channels; `x.expand(3, -1, -1)` repeats a grey one.",
        ),
    ),
    Exercise(
        id="9.2",
        title="Refuse in a sentence",
        stars=2,
        minutes=6,
        check=check_refusal,
        hints=(
            "Three questions: too many pixels coming in? Too many going out? A side too short?",
            '`width * height > 4_000_000`, the same times `scale**2` against 16_000_000, `min(width, height) < 16`; else return `""`.',
        ),
    ),
    *ch09_pieces.EXERCISES,
    Exercise(
        id="9.9",
        title="Round once, at the end",
        stars=1,
        minutes=4,
        check=check_to_steps,
        hints=(
            "First bring everything into [0, 1], then to 0 … white, then to the nearest whole number.",
            "`(image.clamp(0, 1) * white).round()`",
        ),
    ),
    Exercise(
        id="9.10",
        title="A card linter",
        stars=2,
        minutes=8,
        check=check_lacking,
        hints=(
            '`card.get(name, "").strip()` is empty when a field is not there, and when it says nothing.',
            'Figures are lacking when the list is empty or `all(one.get("protocol") and one.get("on") for one in figures)` is not true.',
        ),
    ),
)
