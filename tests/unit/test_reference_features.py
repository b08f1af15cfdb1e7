"""Kept LPIPS features: the same numbers, one pass of the trunk per clean picture, and a memory that ends."""

import pytest
import torch

from restorelab.errors import ParameterError
from restorelab.metrics.lpips import LPIPS
from restorelab.metrics.reference_features import ReferenceFeatures


@pytest.fixture(scope="module")
def lpips() -> LPIPS:
    return LPIPS("squeeze", stand_in=True)


def pictures(count: int, seed: int = 0) -> list[torch.Tensor]:
    return list(torch.rand(count, 3, 40, 40, generator=torch.Generator().manual_seed(seed)))


def test_gives_lpips_number_and_passes_each_clean_picture_once(lpips):
    metric, clean, seen = ReferenceFeatures(lpips), pictures(3), []
    hook = lpips.trunk.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    for seed in (1, 2):
        for a, b in zip(pictures(3, seed), clean, strict=True):
            found = metric(a, b)
            hook.remove()
            assert found == lpips(a[None], b[None]).item()
            hook = lpips.trunk.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    hook.remove()
    assert len(seen) == 3 + 2 * 3


def test_a_changed_picture_is_another_one(lpips):
    metric, (clean, restored) = ReferenceFeatures(lpips), pictures(2)
    before = metric(restored, clean)
    clean[0, 20, 20] = 1 - clean[0, 20, 20]
    assert metric(restored, clean) == lpips(restored[None], clean[None]).item() != before


def test_what_was_not_asked_for_longest_is_let_go(lpips):
    (one,) = pictures(1)
    size = sum(layer.nbytes for layer in lpips.features(one[None])) / 1e6
    metric, (a, b, c) = ReferenceFeatures(lpips, megabytes=2.5 * size), pictures(3)
    kept_a, kept_b = metric.of(a), metric.of(b)
    assert metric.of(a) is kept_a
    metric.of(c)  # b goes
    assert metric.of(a) is kept_a and metric.held <= 2.5e6 * size
    assert metric.of(b) is not kept_b


def test_mistakes_are_refused(lpips):
    metric, (a, b) = ReferenceFeatures(lpips), pictures(2)
    for wrong in (a[:, 1:], a[:1], a[None]):
        with pytest.raises(ParameterError, match="one shape"):
            metric(wrong, b)
    for pair in ((a * 255, b), (a, b * 255), (a * torch.nan, b)):
        with pytest.raises(ParameterError, match=r"\[0, 1\]"):
            metric(*pair)
    with pytest.raises(ParameterError, match="keeps nothing"):
        ReferenceFeatures(lpips, megabytes=0)
