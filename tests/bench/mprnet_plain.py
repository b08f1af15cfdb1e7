"""The same maths as `MPRNet(...)` with default stages, in the order in which the paper tells it: whole stages one after the other, every
name kept until the end, doublings before 1x1 convolutions. What the memory and the speed of our forward are compared with."""

import torch
from torch import Tensor
from torch.nn import functional as F

from restorelab.models.mprnet import MPRNet


def plain_forward(net: MPRNet, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """-> stages 1, 2, 3."""
    one, two, three = net.stages
    top, bottom = x.chunk(2, 2)
    quarters = [*top.chunk(2, 3), *bottom.chunk(2, 3)]

    shallow_1 = [shallow(net, one, patch) for patch in quarters]
    encoded_quarters = [encode(net, one, patch) for patch in shallow_1]
    encoded_1 = [side_by_side(encoded_quarters[:2], 3), side_by_side(encoded_quarters[2:], 3)]
    decoded_1 = [decode(net, one, half) for half in encoded_1]
    attended_1 = [attend(net, 0, half[0], part) for half, part in zip(decoded_1, (top, bottom), strict=True)]
    image_1 = torch.cat([image for _, image in attended_1], 2)

    shallow_2 = [shallow(net, two, half) for half in (top, bottom)]
    joined_2 = [two.merge(torch.cat([new, old], 1)) for new, (old, _) in zip(shallow_2, attended_1, strict=True)]
    encoded_halves = [encode(net, two, *half) for half in zip(joined_2, encoded_1, decoded_1, strict=True)]
    encoded_2 = side_by_side(encoded_halves, 2)
    decoded_2 = decode(net, two, encoded_2)
    attended_2, image_2 = attend(net, 1, decoded_2[0], x)

    shallow_3 = shallow(net, three, x)
    joined_3 = three.merge(torch.cat([shallow_3, attended_2], 1))
    restored = three.to_image(orsnet(net, joined_3, encoded_2, decoded_2))
    return image_1, image_2, restored + x


def side_by_side(parts: list[list[Tensor]], dim: int) -> list[Tensor]:
    return [torch.cat(maps, dim) for maps in zip(*parts, strict=True)]


def cab(net: MPRNet, block: torch.nn.Module, x: Tensor) -> Tensor:
    found = F.prelu(block.conv1(x), net.slope)
    found = block.conv2(found)
    return (found * block.attention(found)).add_(x)  # in place, as the authors do


def shallow(net: MPRNet, stage: torch.nn.Module, picture: Tensor) -> Tensor:
    return cab(net, stage.shallow_cab, stage.shallow(picture))


def encode(net: MPRNet, stage: torch.nn.Module, x: Tensor, encoded: list[Tensor] = (), decoded: list[Tensor] = ()) -> list[Tensor]:
    scales = []
    for scale, blocks in enumerate(stage.encoder):
        if scale:
            x = stage.downs[scale - 1](F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False))
        for block in blocks:
            x = cab(net, block, x)
        if encoded:
            x = x + stage.csff.encoded[scale](encoded[scale]) + stage.csff.decoded[scale](decoded[scale])
        scales.append(x)
    return scales


def decode(net: MPRNet, stage: torch.nn.Module, encoded: list[Tensor]) -> list[Tensor]:
    full, half, quarter = encoded
    for block in stage.decoder[2]:
        quarter = cab(net, block, quarter)
    half = double_first(stage.ups[1], quarter) + cab(net, stage.skips[1], half)
    for block in stage.decoder[1]:
        half = cab(net, block, half)
    full = double_first(stage.ups[0], half) + cab(net, stage.skips[0], full)
    for block in stage.decoder[0]:
        full = cab(net, block, full)
    return [full, half, quarter]


def double_first(conv: torch.nn.Module, x: Tensor) -> Tensor:
    return conv(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))


def attend(net: MPRNet, number: int, x: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
    sam = net.sams[number]
    stressed = sam.features(x)
    image = net.stages[number].to_image(x) + picture
    mask = torch.sigmoid(sam.gate(image))
    return stressed * mask + x, image


def orsnet(net: MPRNet, x: Tensor, encoded: list[Tensor], decoded: list[Tensor]) -> Tensor:
    stage = net.stages[2]
    for scale, orb in enumerate(stage.orbs):
        x = around(net, orb, x)
        x = x + up_path(stage.csff.encoded[scale], encoded[scale]) + up_path(stage.csff.decoded[scale], decoded[scale])
    return x


def around(net: MPRNet, orb: torch.nn.Module, before: Tensor) -> Tensor:
    x = before
    for block in orb.blocks:
        x = cab(net, block, x)
    return orb.gather(x) + before


def up_path(path: torch.nn.Sequential, x: Tensor) -> Tensor:
    *ups, last = path
    for up in ups:
        x = double_first(up, x)
    return last(x)
