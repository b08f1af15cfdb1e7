"""Peak signal-to-noise ratio: the mean squared error, on a logarithmic scale."""

import math
from collections.abc import Sequence
from statistics import fmean

from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.metrics.protocol import COURSE_RGB, Protocol

PEAK = 255.0


def psnr(restored: Tensor, clean: Tensor, protocol: Protocol = COURSE_RGB) -> float:
    """PSNR in dB: 10 log10(255^2 / MSE), the mean taken over all pixels and channels together; inf for equal pictures.

    `restored`, `clean`: `c h w`, floating point, RGB in [0, 1]; `restored` is clamped. One picture at a time: the PSNR of
    a data set is the mean of its pictures' PSNRs, and pooling the errors first gives decibels less. The peak is 255 under
    every protocol, also where studio-swing Y never reaches it, as all published tables have it.

    Raises `ParameterError` if the two cannot be compared (sizes, a batch, NaN, values that are not in [0, 1]).
    """
    return _psnr_of(_mean_squared_error(restored, clean, protocol))


def rmse(restored: Tensor, clean: Tensor, protocol: Protocol = COURSE_RGB) -> float:
    """Root of the mean squared error, in units of 0..255. Arguments and errors as for `psnr`."""
    return math.sqrt(_mean_squared_error(restored, clean, protocol))


def rmse_of_psnr(decibels: float) -> float:
    """The same, from a PSNR in dB."""
    return PEAK * 10 ** (-decibels / 20)


def gap(value: float, other: float) -> float:
    """`value` minus `other`: 0 where both are equal, also when that is infinite, as the PSNR of equal pictures is."""
    return 0.0 if value == other else value - other


def dataset_psnr(psnrs: Sequence[float], protocol: Protocol = COURSE_RGB) -> float:
    """One PSNR of a data set from those of its pictures, in dB, as the protocol pools.

    "mean of pictures", as nearly all tables do, or "pooled error": of the mean of the squared errors (pictures of one size), as
    torchmetrics and kornia do over a batch. The latter is never higher; the worst picture decides it. Raises ParameterError for none.
    """
    if not psnrs:
        raise ParameterError("there is no PSNR to average: score at least one picture.")
    if protocol.pooling == "mean of pictures":
        return fmean(psnrs)
    return _psnr_of(fmean(rmse_of_psnr(decibels) ** 2 for decibels in psnrs))


def _mean_squared_error(restored: Tensor, clean: Tensor, protocol: Protocol) -> float:
    a, b, mask = protocol.compare(restored, clean)
    difference = (a - b).ravel(order="K")
    count = difference.size if mask is None else mask.sum() * a.shape[2]
    return float(difference @ difference / count)


def _psnr_of(squared_error: float) -> float:
    # No epsilon under the logarithm: it would cap good pictures (1e-8 says 80 dB for identical ones).
    return math.inf if squared_error == 0 else 10 * math.log10(PEAK**2 / squared_error)
