"""A perceptual distance of many models on one set: what the trunk saw in a clean picture is kept, and not computed again."""

from collections import OrderedDict
from hashlib import blake2b

import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.metrics.feature_distance import FeatureDistance, Features


class ReferenceFeatures:
    """score(restored, clean) -> distance, keeping the features of the clean pictures.

    metric = ReferenceFeatures(perceptual_distance())
    for model in models:
        distances = [metric(restore(model, pair.degraded).image, pair.clean) for pair in pairs]

    Pictures are known by their pixels, not by a name, so that a changed one is never mistaken for the old one. At most `megabytes` are
    kept: what was not asked for longest is let go, and is computed anew when it is. (A 1280x720 picture takes 38 MB with "alex", 450
    with "vgg".)
    """

    def __init__(self, metric: FeatureDistance, megabytes: float = 2000):
        if not megabytes > 0:
            raise ParameterError(f"megabytes={megabytes} keeps nothing; give the memory that features may take.")
        self.metric, self.limit = metric, megabytes * 1e6
        self.held = 0  # bytes
        self._kept: OrderedDict[tuple, Features] = OrderedDict()

    @torch.no_grad()
    def __call__(self, restored: Tensor, clean: Tensor) -> float:
        """Of one picture `3 h w` in [0, 1]. Raises ParameterError as `LPIPS` does."""
        if restored.shape != clean.shape or restored.ndim != 3 or restored.shape[0] != 3:
            shapes = f"restored is {tuple(restored.shape)} and clean is {tuple(clean.shape)}"
            raise ParameterError(f"{shapes}; {self.metric.label} compares two pictures of one shape (3, h, w), with colours.")
        return self.metric.distance(self.metric.features(restored[None]), self.of(clean)).item()

    def of(self, clean: Float[Tensor, "3 h w"]) -> Features:
        """The features of a clean picture, kept or computed."""
        key = _identity(clean)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        features = self.metric.features(clean[None])
        self._kept[key] = features
        self.held += _bytes(features)
        while self.held > self.limit and len(self._kept) > 1:
            self.held -= _bytes(self._kept.popitem(last=False)[1])
        return features


def _identity(image: Tensor) -> tuple:
    pixels = image.detach().to("cpu", torch.float32).contiguous().numpy()
    return blake2b(pixels.data, digest_size=16).digest(), tuple(image.shape), str(image.device)


def _bytes(features: Features) -> int:
    return sum(layer.nbytes for layer in features)
