"""Peak signal-to-noise ratio: the mean squared error, on a logarithmic scale."""

import math

import numpy as np
from torch import Tensor

from restorelab.metrics.protocol import COURSE_RGB, Protocol


def psnr(restored: Tensor, clean: Tensor, protocol: Protocol = COURSE_RGB) -> float:
    """PSNR in dB: 10 log10(255^2 / MSE), the mean taken over all pixels and channels together; inf for equal pictures.

    `restored`, `clean`: `c h w`, floating point, RGB in [0, 1]; `restored` is clamped. One picture at a time: the PSNR of
    a data set is the mean of its pictures' PSNRs, and pooling the errors first gives decibels less. The peak is 255 under
    every protocol, also where studio-swing Y never reaches it, as all published tables have it.

    Raises `ParameterError` if the two cannot be compared (sizes, a batch, NaN, `clean` outside [0, 1]).
    """
    a, b = protocol.prepare_pair(restored, clean)
    error = np.mean((a - b) ** 2)
    # No epsilon under the logarithm: it would cap good pictures (1e-8 says 80 dB for identical ones).
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
