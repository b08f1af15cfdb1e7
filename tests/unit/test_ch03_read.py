"""What chapter 03 gives to read: the right lines run, every trap stops, the listing has the faults it is said to have, and no other."""

import warnings
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from restorelab.lesson.checks.ch03_fpn_deblurring import decoder_parameters
from restorelab.lesson.checks.ch03_read import BUGS, KINDS, LISTING, PYRAMID, SEEN_THERE, jigsaw, listing
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config

LESSON = Path(__file__).parents[2] / "course" / "03_fpn_deblurring" / "lesson.py"
ORDER = "EJAHIFC"
MENDED = {
    3: "        super().__init__()",
    12: "        features = mobilenet_v2(weights=None).features",
    19: "        self.fuse2 = nn.Conv2d(width // 2, width // 2, 3, padding=1)",
    20: "        self.norm2 = nn.BatchNorm2d(width // 2)",
    24: "        enc0 = self.enc0(x)",
    28: "        map0 = self.lateral0(enc0)",
    35: "        maps = [F.interpolate(one, scale_factor=2**i) for i, one in enumerate(maps)]",
    18: "        self.fuse = nn.Conv2d(4 * width, width // 2, 3, padding=1)",
    39: "        output = torch.tanh(self.output(fused))",
}


def scope() -> dict:
    """Maps of a 64x96 picture, 8 channels wide, and layers of the right widths."""
    torch.manual_seed(0)
    names = {f"tap{i}": torch.rand(1, 3, 32 // 2**i, 48 // 2**i) for i in range(5)}
    names |= {f"lateral{i}": nn.Conv2d(3, 4 if i == 0 else 8, 1) for i in range(5)}
    names |= {"smooth": nn.Conv2d(8, 8, 3, padding=1), "head": nn.Conv2d(8, 4, 3, padding=1), "fuse": nn.Conv2d(16, 4, 3, padding=1)}
    names |= {"smooth2": nn.Conv2d(4, 2, 3, padding=1), "final": nn.Conv2d(2, 3, 3, padding=1), "picture": torch.rand(1, 3, 64, 96)}
    return names | {"torch": torch, "tanh": torch.tanh, "enlarge": lambda x, times: F.interpolate(x, scale_factor=times)}


def after(letters: str) -> dict:
    names = scope()
    for letter in letters:
        exec(PYRAMID[letter].code, names)
    return names


def test_the_right_order_makes_the_picture():
    assert after(ORDER)["restored"].shape == (1, 3, 64, 96)
    assert set(ORDER) == {letter for letter, line in PYRAMID.items() if not line.fault}


@pytest.mark.parametrize("letter", [letter for letter, line in PYRAMID.items() if line.fault])
def test_a_trap_cannot_run(letter):
    names = after(ORDER)
    with pytest.raises(RuntimeError, match="[Ss]ize"):
        exec(PYRAMID[letter].code, names)


@pytest.mark.parametrize("letter", PYRAMID)
def test_a_line_makes_and_needs_what_is_said(letter):
    line = PYRAMID[letter]
    made, _, used = line.code.partition(" = ")
    assert made == line.makes
    names = {f"tap{i}" for i in range(5)} | {f"map{i}" for i in range(1, 5)} | {"joined", "features", "picture"}
    words = set(used.replace("(", " ").replace(")", " ").replace(",", " ").replace("[", " ").replace("]", " ").split())
    assert names & words == set(line.needs)


def run(changed: dict[int, str]):
    """Build and run the listing with some lines replaced; everything that it warns of is an error."""
    code = "\n".join(changed.get(number, line) for number, (line, _) in enumerate(LISTING, 1))
    names = {"nn": nn, "F": F, "torch": torch, "mobilenet_v2": torchvision.models.mobilenet_v2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(code, names)
        torch.manual_seed(0)
        return names["PyramidNet"]().eval()(torch.rand(1, 3, 64, 96))


def test_the_mended_listing_runs_without_a_warning():
    assert run(MENDED).shape == (1, 3, 64, 96)


@pytest.mark.parametrize("number", MENDED)
def test_each_fault_alone_is_one(number):
    with pytest.raises((AttributeError, NameError, RuntimeError, UserWarning, DeprecationWarning)):
        run({line: code for line, code in MENDED.items() if line != number})


def test_the_faults_are_those_that_were_mended():
    assert {SEEN_THERE.get(number, number) for number in MENDED} == set(BUGS)
    assert {bug.kind for bug in BUGS.values()} == set(KINDS)
    assert all(LISTING[number - 1][1].kind == "channels" for number in SEEN_THERE.values())


def test_the_lesson_shows_both():
    text = LESSON.read_text(encoding="utf-8")
    for shown in (jigsaw(), listing()):
        assert "\n".join(f"# {line}".rstrip() for line in shown.splitlines()) in text


@pytest.mark.parametrize("width", [16, 128])
def test_the_parameters_of_the_decoder_are_counted_as_the_package_has_them(width):
    net = DeblurGANv2(DeblurGANv2Config(width=width))
    counted = sum(p.numel() for name, p in net.named_parameters() if not name.startswith("backbone"))
    assert decoder_parameters(net.backbone.channels, width) == counted
