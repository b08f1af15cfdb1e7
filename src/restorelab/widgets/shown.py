"""What the viewers of restored pictures share: one size, files for the browser, error maps, decibels in words."""

import math
from collections.abc import Iterable

import matplotlib
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.image import check_image
from restorelab.ops.resize import resize_bicubic
from restorelab.widgets.static import jpeg, png

SIGNED, ABSOLUTE = "PuOr_r", "inferno"  # colours of the maps: the first is white at zero; both are told apart by the colour-blind
LARGE_SHARE = 0.995  # of the pixels are within the scale of the maps; the few beyond it are as strong as its end


def at_size(image: Tensor, like: Tensor, what: str) -> Float[Tensor, "c h w"]:
    """`image` itself if it is as large as `like`; enlarged bicubically if that is a whole number of times larger, as in super-resolution.

    Raises `ImageError` for what is not a picture, `ParameterError` for any other size.
    """
    check_image(image, what)
    (height, width), (rows, columns) = like.shape[-2:], image.shape[-2:]
    if image.shape == like.shape:
        return image
    if image.shape[0] != like.shape[0] or height % rows or width % columns or height // rows != width // columns:
        sizes = " and ".join("x".join(map(str, one.shape)) for one in (image, like))
        raise ParameterError(
            f"{what} and the restored picture are {sizes}: they must be of one size, or one a whole number of times the other."
        )
    return resize_bicubic(image[None], size=(height, width))[0].float().clamp(0, 1)


def picture_file(image: Float[Tensor, "c h w"], most: int) -> bytes:
    """PNG if it is at most so many bytes, for pixels to be judged; JPEG if not."""
    exact = png(image)
    return exact if len(exact) <= most else jpeg(image, most)


def exact(files: Iterable[bytes]) -> bool:
    """Are all of these files without loss?"""
    return all(file.startswith(b"\x89PNG") for file in files)


def check_weight(files: Iterable[bytes], most: int) -> None:
    """Raises `ParameterError` if the files are too much for a notebook that should be sent."""
    if (weight := sum(map(len, files))) > most:
        raise ParameterError(f"these pictures are {weight / 1000:.0f} kB, more than {most / 1000:.0f} kB: crop them, or give fewer.")


def check_pair(degraded: Tensor, clean: Tensor | None, largest: int) -> None:
    """Raises `ImageError` for what is not a picture; `ParameterError` for sides beyond `largest` pixels, and for two sizes."""
    check_image(degraded, "the degraded picture")
    if max(degraded.shape[-2:]) > largest:
        size = "x".join(map(str, degraded.shape[-2:]))
        raise ParameterError(f"the degraded picture is {size}; results of more than {largest} pixels a side are too many: crop it.")
    if clean is not None:
        check_image(clean, "the clean picture")
        if clean.shape != degraded.shape:
            raise ParameterError("the clean picture and the degraded one are of different sizes; they must show the same place.")


def decibels(value: float) -> str:
    return f"{value:.2f} dB" if math.isfinite(value) else "no error"


def error_maps(restored: Float[Tensor, "c h w"], clean: Float[Tensor, "c h w"]) -> tuple[Float[Tensor, "1 h w"], Float[Tensor, "1 h w"]]:
    """Restored minus clean, and its absolute value, each the mean over the channels. Too bright is positive."""
    error = restored.clamp(0, 1) - clean
    return error.mean(0, keepdim=True), error.abs().mean(0, keepdim=True)


def scale_of(errors: Iterable[Tensor]) -> float:
    """One end for the colour scales of all of these maps, so that they can be compared: hardly a pixel lies beyond it. In 1/255, whole."""
    values = torch.cat([error.abs().flatten() for error in errors])
    return max(1, math.ceil(255 * float(np.quantile(values.numpy(), LARGE_SHARE)))) / 255


def signed_grey(error: Float[Tensor, "c h w"], end: float) -> Float[Tensor, "c h w"]:
    """-end to end -> 0 to 1, zero in the middle."""
    return (0.5 + error / (2 * end)).clamp(0, 1)


def ramp(name: str) -> bytes:
    """The colours of 256 greys, as red, green, blue."""
    return (255 * matplotlib.colormaps[name](np.arange(256))[:, :3]).round().astype(np.uint8).tobytes()
