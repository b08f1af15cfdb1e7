"""The weights under which the parity fixtures were made: a formula fills them in, keyed by the authors' tensor names."""

import zlib

import numpy as np
import torch


def formula(key: str, shape: tuple[int, ...], gain: float) -> torch.Tensor:
    """Buffers as a fresh norm has them; scales near 1, biases near 0, convolutions of a given gain."""
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if key.endswith(("running_mean", "running_var")):
        return torch.full(shape, float(key.endswith("var")))
    normal = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
        return torch.from_numpy(normal * np.float32(gain / np.sqrt(np.prod(shape[1:]))))
    return torch.from_numpy(np.float32(key.endswith("weight")) + np.float32(0.01) * normal)
