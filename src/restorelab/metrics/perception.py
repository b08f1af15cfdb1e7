"""The Perceptual Index of PIRM 2018 and NTIRE 2020, PI = ((10 - Ma) + NIQE) / 2: lower is better, no clean picture needed.

NIQE is here. Ma (Ma, Yang, Yang and Yang 2017, Computer Vision and Image Understanding 158: "Learning a no-reference quality metric for
single-image super-resolution") is a forest of regression trees whose weights nobody may or does ship; the package pyiqa, under a
non-commercial licence, fetches them. So it stays optional.
"""

from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.metrics.niqe import niqe
from restorelab.metrics.pixels import check_image
from restorelab.metrics.protocol import PROTOCOLS, Protocol


def perceptual_index(ma: float, niqe: float) -> float:
    """PI of a picture from its two scores."""
    return ((10 - ma) + niqe) / 2


def ma_score(image: Tensor) -> float:
    """Ma of one picture `3 h w` in [0, 1]: 0 to 10, higher is better.

    Raises ParameterError without pyiqa, which is not installed with the kit, or if it cannot fetch its weights.
    """
    check_image(image, "the image")
    try:
        import pyiqa
    except ImportError as error:
        raise ParameterError(
            "Ma needs the package pyiqa, which is not installed: pip install pyiqa (licence: non-commercial use only). On first use it "
            "downloads the regression model NRQM_model.mat from the Hugging Face hub. NIQE and LPIPS need neither."
        ) from error
    try:
        metric = pyiqa.create_metric("nrqm", device="cpu")
    except (OSError, ValueError, RuntimeError) as error:  # what its downloader raises
        raise ParameterError(f"pyiqa could not load the weights of Ma (NRQM_model.mat, from the Hugging Face hub): {error}") from error
    return float(metric(image.detach().to("cpu").float().clamp(0, 1)[None]))


def pi_score(image: Tensor, protocol: Protocol = PROTOCOLS["PIRM"]) -> float:
    """PI of one picture `3 h w` in [0, 1]: our NIQE under `protocol`, and pyiqa's Ma with the same border. Errors as for both."""
    border = protocol.border
    inside = image[:, border : image.shape[1] - border, border : image.shape[2] - border]
    return perceptual_index(ma_score(inside), niqe(image, protocol))
