"""ImageNet weights for a backbone, fetched only when asked for: the authors of DeblurGAN-v2 never train one from nothing."""

from pathlib import Path

import timm
from torch import nn
from torchvision.models import MobileNet_V2_Weights

from restorelab.checkpoint import fill
from restorelab.errors import CheckpointError
from restorelab.models.fpn_backbones import TimmTaps
from restorelab.official.files import State, read_state

MOBILENET = MobileNet_V2_Weights.IMAGENET1K_V1


def start_from_imagenet(model: nn.Module, file: str | Path | None = None) -> None:
    """Give the backbone of a DeblurGAN-v2 the weights of a classifier; the rest stays as it is.

    `file` is the published classifier (torchvision's for MobileNetV2, timm's for any other backbone); without it torchvision or timm
    downloads it, or finds it where it did so before. Raises CheckpointError when there is no internet or the file does not fit, and
    leaves the model as it was.
    """
    name = model.cfg.backbone_name
    whole = _mobilenet(file) if name == "mobilenet_v2" else _timm(name, file)
    if isinstance(model.backbone, TimmTaps):  # timm renames what it cuts, so it cuts the weights too
        whole = {f"net.{key}": value for key, value in _cut(name, whole).items()}
    wanted = model.backbone.state_dict()
    fill(model.backbone, {key: value for key, value in whole.items() if key in wanted}, file or f"the ImageNet weights of {name}")


def _mobilenet(file: str | Path | None) -> State:
    if file is not None:
        return read_state(file)
    try:
        return MOBILENET.get_state_dict(progress=False, check_hash=True)
    except Exception as error:  # a network fails in a dozen ways
        raise _unreachable("mobilenet_v2", MOBILENET.url, error) from error


def _timm(name: str, file: str | Path | None) -> State:
    """The whole classifier: only so does timm insist that every tensor of a file fits."""
    if file is not None:
        state = read_state(file)
        try:
            return timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"state_dict": state}).state_dict()
        except RuntimeError as error:
            raise CheckpointError(f"{file} is not the whole classifier {name} of timm: {error}") from error
    timm.models.set_pretrained_check_hash(True)
    try:
        return timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:
        raise _unreachable(name, _address(name), error) from error


def _cut(name: str, whole: State) -> State:
    return timm.create_model(name, features_only=True, pretrained=True, pretrained_cfg_overlay={"state_dict": whole}).state_dict()


def _address(name: str) -> str:
    published = timm.get_pretrained_cfg(name)
    if published is None:
        return "a file of your own (nobody published one)"
    return f"the weights at https://huggingface.co/{published.hf_hub_id}" if published.hf_hub_id else published.url


def _unreachable(name: str, address: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"the ImageNet weights of {name} could not be downloaded ({type(error).__name__}: {error}). Where there is internet, "
        f"fetch {address}, bring it here, and give it as start_from_imagenet(model, file=...)."
    )
