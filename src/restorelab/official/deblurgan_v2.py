"""The DeblurGAN-v2 authors' names: `fpn_mobilenet.h5` and `fpn_inception.h5`, which are files of torch.

Their networks know the backbone twice, as `fpn.features` or `fpn.inception` and cut into `fpn.enc0` to `fpn.enc4`, so every tensor of
it stands in the file under two names. Blocks behind the last cut are saved too, though nothing ever ran them.
"""

import torch

from restorelab.checkpoint import fill
from restorelab.errors import CheckpointError
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config
from restorelab.models.fpn_backbones import InceptionResNetV2Taps, MobileNetV2Taps
from restorelab.official.files import State

BACKBONES = {"fpn.features.": "mobilenet_v2", "fpn.inception.": "inception_resnet_v2"}
ALIAS = "fpn.enc"
# td1 makes the map at 1/16, td3 the one at 1/4: the order in which our top_down runs.
DECODER = {"fpn.td1": "top_down.0", "fpn.td2": "top_down.1", "fpn.td3": "top_down.2"}
DECODER |= {f"fpn.lateral{i}": f"laterals.{i}" for i in range(5)}
DECODER |= {f"head{i + 1}.block{j}": f"heads.{i}.{2 * j}" for i in range(4) for j in range(2)}  # a ReLU between the two
DECODER |= {"smooth": "smooth", "smooth2": "smooth2", "final": "final"}
# Inside an inverted residual block: theirs is one flat sequence, torchvision's groups a convolution with its norm and ReLU.
FIRST_BLOCK = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}  # does not widen first
OTHER_BLOCKS = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}
NEVER_RUN = {
    "mobilenet_v2": ("fpn.features.16.", "fpn.features.17.", "fpn.features.18."),
    "inception_resnet_v2": tuple(f"fpn.inception.{name}." for name in ("repeat_2", "block8", "conv2d_7b", "last_linear")),
}


def mobilenet_key(tonylins: str) -> str:
    """`2.conv.3.weight` in the authors' MobileNetV2 -> `2.conv.1.0.weight` in torchvision's."""
    block, *rest = tonylins.split(".")
    if rest[0] != "conv":
        return tonylins
    position = (FIRST_BLOCK if block == "1" else OTHER_BLOCKS)[rest[1]]
    return ".".join([block, "conv", position, *rest[2:]])


def deblurgan_key(official: str) -> str:
    """The authors' name of a tensor that we have -> ours. Raises KeyError for another name."""
    for prefix in BACKBONES:
        if official.startswith(prefix):
            rest = official.removeprefix(prefix)
            return f"backbone.features.{mobilenet_key(rest)}" if prefix == "fpn.features." else f"backbone.{rest}"
    for theirs, ours in DECODER.items():
        if official.startswith(f"{theirs}."):
            return ours + official.removeprefix(theirs)
    raise KeyError(official)


def first_name(alias: str, backbone: str) -> str:
    """`fpn.enc1.0.conv.0.weight`, the second name of a tensor -> its first, `fpn.features.2.conv.0.weight`."""
    part, *rest = alias.removeprefix(ALIAS).split(".")
    if backbone == "mobilenet_v2":
        return ".".join(["fpn.features", str(MobileNetV2Taps.CUTS[int(part)] + int(rest[0])), *rest[1:]])
    modules = InceptionResNetV2Taps.CUTS[int(part)]
    if len(modules) > 1:  # a lone module is not numbered
        modules = modules[int(rest[0]) :]
        rest = rest[1:]
    return ".".join(["fpn.inception", modules[0], *rest])


def recognise(state: State) -> bool:
    """Are these the names of a released FPN-MobileNet or FPN-Inception? (`fpn_inception_simple`, without `td`, is another network.)"""
    return _backbone(state) is not None and {"fpn.td1.0.weight", "fpn.lateral0.weight", "final.weight"} <= state.keys()


def build(state: State) -> DeblurGANv2:
    """Our model with the authors' weights; backbone, width and norm are read off the names and shapes. Raises CheckpointError.

    Its `norm_mode` is "instance": the authors' own inference measures, and their published numbers were reached so.
    """
    if not recognise(state):
        raise CheckpointError("this is not a released FPN-MobileNet or FPN-Inception of DeblurGAN-v2.")
    backbone = _backbone(state)
    try:
        _check_second_names(state, backbone)
        kept = {key: value for key, value in state.items() if not key.startswith((ALIAS, *NEVER_RUN[backbone]))}
        ours = {deblurgan_key(key): value for key, value in kept.items()}
        cfg = DeblurGANv2Config(backbone=backbone, width=state["fpn.td1.0.weight"].shape[0], norm=_norm(state), norm_mode="instance")
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(f"this is not a released generator of DeblurGAN-v2: it has a tensor that ours lacks ({error}).") from error
    model = DeblurGANv2(cfg)
    fill(model, ours, "the released DeblurGAN-v2")
    return model.eval()


def _backbone(state: State) -> str | None:
    return next((name for prefix, name in BACKBONES.items() if any(key.startswith(prefix) for key in state)), None)


def _norm(state: State) -> str:
    if "fpn.td1.1.weight" in state:
        return "batch"
    return "instance" if "fpn.td1.1.running_mean" in state else "none"


def _check_second_names(state: State, backbone: str) -> None:
    """Both names of a tensor must hold the same, or else nobody could say which backbone was trained."""
    for key, value in state.items():
        if key.startswith(ALIAS) and not torch.equal(value, state[first_name(key, backbone)]):
            raise CheckpointError(f"{key} and {first_name(key, backbone)} should be one tensor, and differ: the file is not as released.")
