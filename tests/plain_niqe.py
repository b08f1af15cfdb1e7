"""NIQE's definition written out block by block: what ours is compared with, and timed against."""

import numpy as np
import torch
from scipy.ndimage import convolve
from scipy.special import gamma

from restorelab.metrics.niqe import MODEL
from restorelab.ops.resize import resize_bicubic


def shape_of(block: np.ndarray) -> tuple[float, float, float]:
    """Shape and the two scales of an asymmetric generalised Gaussian, by looking at every one of the 9801 shapes."""
    shapes = np.arange(0.2, 10.001, 0.001)
    ratios = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
    left, right = np.sqrt(np.mean(block[block < 0] ** 2)), np.sqrt(np.mean(block[block > 0] ** 2))
    lean = left / right
    ratio = np.mean(np.abs(block)) ** 2 / np.mean(block**2) * (lean**3 + 1) * (lean + 1) / (lean**2 + 1) ** 2
    shape = shapes[np.argmin((ratios - ratio) ** 2)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def features_of(block: np.ndarray) -> list[float]:
    shape, left, right = shape_of(block)
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = shape_of(block * np.roll(block, shift, axis=(0, 1)))
        found += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return found


def niqe_block_by_block(y: np.ndarray, flat: float = 1e-9) -> float:
    """The definition. A pixel within `flat` of its local mean is taken to equal it, as in exact arithmetic; with 0, rounding decides."""
    model = np.load(MODEL)
    rows, columns = y.shape[0] // 96, y.shape[1] // 96
    y, scales = y[: rows * 96, : columns * 96], []
    for side in (96, 48):
        mean = convolve(y, model["gaussian_window"], mode="nearest")
        deviation = np.sqrt(np.abs(convolve(y**2, model["gaussian_window"], mode="nearest") - mean**2))
        normalised = np.where(np.abs(y - mean) < flat, 0, y - mean) / (deviation + 1)
        corners = [(i * side, j * side) for i in range(rows) for j in range(columns)]
        scales.append([features_of(normalised[i : i + side, j : j + side]) for i, j in corners])
        y = resize_bicubic(torch.from_numpy(y.copy())[None, None], scale=0.5)[0, 0].numpy()
    features = np.concatenate(scales, axis=1)
    gap = model["mu_pris_param"][0] - np.nanmean(features, axis=0)
    covariance = np.cov(features[~np.isnan(features).any(axis=1)], rowvar=False)
    return float(np.sqrt(gap @ np.linalg.pinv((model["cov_pris_param"] + covariance) / 2) @ gap))
