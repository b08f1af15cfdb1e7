"""The one way from a degraded picture to a restored one, whatever its size and whatever the model asks for."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.image import check_image
from restorelab.ops.pad import pad_to_multiple


@dataclass(frozen=True)
class RestoredImage:
    """One restored picture, cut to size and clamped to [0, 1]."""

    image: Float[Tensor, "c h w"]
    stages: tuple[Tensor, ...]  # coarse to fine, like `image`
    maps: dict[str, tuple[Tensor, ...]]  # with explain=True: what the model showed, cut to size, not clamped


@torch.inference_mode()
def restore(model: nn.Module, degraded: Tensor, *, precision: str = "float32", explain: bool = False) -> RestoredImage:
    """Restore one picture `c h w` in [0, 1] with the weights as they are; the model is left as it was found.

    Any size: the picture is mirrored at the bottom and right up to the model's multiples, and cut back. `precision` is "float32"
    or "bfloat16" (less exact; meant for a GPU, or a CPU that has AMX). Raises ImageError for a bad picture.
    """
    check_image(degraded, "the picture to restore")
    device = next(model.parameters()).device
    padded = pad_to_multiple(degraded, model.size_multiple)[None].to(device)
    training = model.training
    model.eval()
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            restored = model(padded, explain=explain)
    finally:
        model.train(training)
    height, width = (side * model.scale for side in degraded.shape[-2:])

    def cut(image: Tensor) -> Tensor:
        return image[0, :, :height, :width].float().cpu()

    stages = tuple(cut(stage).clamp(0, 1) for stage in restored.stages)
    maps = {name: tuple(cut(one) for one in several) for name, several in restored.maps.items()}
    return RestoredImage(stages[-1], stages, maps)
