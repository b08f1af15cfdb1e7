"""The names of the public write-up's UDVD (the authors of the paper released nothing).

Its taps lie column first, and a tap's s x s output pixels last: channel (column*k + row)*s*s + dy*s + dx. Loaded as they are, the
filters would be drawn transposed.
"""

import math

from torch import Tensor

from restorelab.checkpoint import fill
from restorelab.errors import CheckpointError
from restorelab.models.udvd import UDVD, UDVDConfig
from restorelab.official.files import State

MARK = "UpDyConv.feat_kernel.weight"
BLOCKS = {"UpDyConv": "blocks.0"} | {f"ComDyConv{i}": f"blocks.{i}" for i in range(1, 10)}
PARTS = {f"image_conv.{i}": f"image_features.{i}" for i in (0, 2, 4)}
PARTS |= {"feat_conv.1": "project", "feat_kernel": "to_kernels"}
PARTS |= {"feat_residual.0": "to_residual.0", "feat_residual.2": "to_residual.3", "feat_residual.3": "to_residual.3"}
CONVOLUTIONS = {"0": "conv1", "2": "conv2"}  # inside a residual block; 1 is the ReLU


def udvd_key(official: str) -> str:
    """`body.3.conv.2.weight` or `ComDyConv1.feat_residual.0.bias` -> our name for the same tensor."""
    place, kind = official.rsplit(".", 1)
    if place == "head":
        return official
    first, rest = place.split(".", 1)
    if first == "body":
        number, _, position = rest.split(".")
        return f"body.{number}.{CONVOLUTIONS[position]}.{kind}"
    return f"{BLOCKS[first]}.{PARTS[rest]}.{kind}"


def taps_in_rows(tensor: Tensor, scale: int, size: int) -> Tensor:
    """Weight or bias that makes kernels, from the write-up's order of channels to ours: dy, dx, tap row, tap column."""
    return tensor.unflatten(0, (size, size, scale, scale)).permute(2, 3, 1, 0, *range(4, tensor.ndim + 3)).flatten(0, 3)


def recognise(state: State) -> bool:
    """Are these the names of the write-up's network?"""
    return MARK in state


def build(state: State) -> UDVD:
    """Our model with the write-up's weights; the configuration is read off names and shapes. Raises CheckpointError."""
    try:
        ours = {udvd_key(key): value for key, value in state.items()}
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"this is not the write-up's UDVD: it has a tensor that UDVD lacks ({error}).") from error
    if not {"head.weight", "blocks.0.to_kernels.weight", "blocks.1.to_kernels.weight", "blocks.0.to_residual.3.weight"} <= ours.keys():
        raise CheckpointError("the write-up's UDVD is not whole (its head, or a block's filters, are missing): save or download it again.")
    cfg = _config(ours)
    for key in ours:
        if ".to_kernels." in key:
            scale = cfg.scale if key.startswith("blocks.0.") else 1
            if len(ours[key]) != (scale * cfg.kernel_size) ** 2:
                raise CheckpointError(f"the write-up's UDVD is damaged: {key} has {len(ours[key])} channels.")
            ours[key] = taps_in_rows(ours[key], scale, cfg.kernel_size)
    model = UDVD(cfg)
    fill(model, ours, "the write-up's UDVD")
    return model.eval()


def _config(ours: State) -> UDVDConfig:
    """A D block has k*k filter channels, the U block s*s times as many. The last input channel is the noise level."""
    try:
        width, told = ours["head.weight"].shape[:2]
        taps, channels = len(ours["blocks.1.to_kernels.weight"]), len(ours["blocks.0.to_residual.3.weight"])
        refining = {key.split(".")[1] for key in ours if key.startswith("blocks.")} - {"0"}
        return UDVDConfig(
            scale=math.isqrt(len(ours["blocks.0.to_kernels.weight"]) // taps),
            width=width,
            depth=len({key.split(".")[1] for key in ours if key.startswith("body.")}),
            kernel_size=math.isqrt(taps),
            pca=told - channels - 1,
            blocks="U" + "D" * len(refining),
            channels=channels,
            residual_scale=0.1,
            border="zeros",
            bicubic_start=False,
            alignment="shuffle",
        )
    except ValueError as error:
        raise CheckpointError(f"the write-up's UDVD is damaged: {error}.") from error
