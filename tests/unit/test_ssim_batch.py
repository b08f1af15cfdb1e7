"""SSIM with a gradient: that it is the metric's number, in any precision it is handed, and a usable loss."""

import pytest
import torch

from restorelab.data import photos
from restorelab.errors import ParameterError
from restorelab.losses.ssim import ssim_loss
from restorelab.metrics import Protocol, ssim
from restorelab.metrics.ssim_batch import ssim_batch

UNROUNDED = Protocol("unrounded", rounding="none")


def pair(sigma: float = 0.05, size: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    clean = torch.stack([photos.load(name)[:, :size, :size] for name in ("chelsea", "coffee")])
    return (clean + sigma * torch.randn(clean.shape, generator=generator)).clamp(0, 1), clean


def smooth() -> torch.Tensor:
    """A bright slope, where variances are small differences of large numbers."""
    line = torch.linspace(0.7, 0.9, 64)
    return (0.5 * line[:, None] + 0.5 * line).expand(1, 3, 64, 64)


@pytest.mark.parametrize("sigma", [0.002, 0.05, 0.3])
def test_equals_the_metric_picture_by_picture(sigma):
    restored, clean = pair(sigma)
    expected = [ssim(a, b, UNROUNDED) for a, b in zip(restored, clean, strict=True)]
    assert ssim_batch(restored, clean).tolist() == pytest.approx(expected, abs=2e-6)
    assert float(ssim_loss(restored, clean)) == pytest.approx(1 - sum(expected) / 2, abs=2e-6)
    assert torch.equal(ssim_batch(clean, clean), torch.ones(2))


def test_half_precision_does_not_reach_it():
    """Computed in bfloat16, SSIM of smooth pictures leaves [-1, 1]; here only the pictures' own rounding shows."""
    clean = smooth()
    restored = clean + 0.004 * torch.sin(torch.arange(64.0))
    exact = ssim_batch(restored, clean)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = ssim_batch(restored, clean)
    assert found.dtype == torch.float32 and torch.equal(found, exact)
    for dtype in (torch.bfloat16, torch.float16):
        low = restored.to(dtype), clean.to(dtype)
        found = ssim_batch(*low)
        assert found.dtype == torch.float32 and torch.equal(found, ssim_batch(*(picture.float() for picture in low)))
        expected = [ssim(a, b, UNROUNDED) for a, b in zip(*low, strict=True)]
        assert found.tolist() == pytest.approx(expected, abs=1e-4)


def test_the_trap_is_real():
    """The textbook's formula in bfloat16 on the same pictures: what this file exists against."""
    x = smooth().bfloat16()
    weights = torch.full((3, 1, 11, 11), 1 / 121, dtype=torch.bfloat16)
    variance = torch.nn.functional.conv2d(x * x, weights, groups=3) - torch.nn.functional.conv2d(x, weights, groups=3) ** 2
    assert variance.float().abs().max() > 1e-3 > 10 * smooth()[..., :11, :11].var()


def test_gradient_agrees_with_differences():
    restored, clean = pair(size=16)
    restored = restored.clone().requires_grad_()
    ssim_batch(restored, clean).sum().backward()
    direction = torch.randn(restored.shape, generator=torch.Generator().manual_seed(1))
    step = 1e-3

    def at(t: float) -> float:
        return float(ssim_batch(restored.detach() + t * direction, clean).double().sum())

    assert float((restored.grad * direction).sum()) == pytest.approx((at(step) - at(-step)) / (2 * step), rel=1e-2)


def test_gradient_is_finite_for_equal_and_flat_pictures_and_pulls_back_what_overshoots():
    flat = torch.full((1, 3, 16, 16), 0.5)
    for restored in (flat.clone(), flat * 0, flat + 0.8):
        restored.requires_grad_()
        ssim_loss(restored, flat).backward()
        assert restored.grad.isfinite().all()
    assert (restored.grad > 0).float().mean() > 0.9  # too bright: darker is better


def test_training_on_it_restores():
    restored, clean = pair(0.1)
    restored = restored.clone().requires_grad_()
    optimizer = torch.optim.Adam([restored], 0.01)
    before = ssim_loss(restored, clean).item()
    for _ in range(30):
        optimizer.zero_grad()
        ssim_loss(restored, clean).backward()
        optimizer.step()
    assert ssim_loss(restored, clean).item() < 0.3 * before


def test_mistakes_are_refused():
    restored, clean = pair()
    with pytest.raises(ParameterError, match="one shape"):
        ssim_batch(restored[:, :, 1:], clean)
    with pytest.raises(ParameterError, match="one shape"):
        ssim_batch(restored[0], clean[0])
    with pytest.raises(ParameterError, match="10x48"):
        ssim_batch(restored[:, :, :10], clean[:, :, :10])
    for wrong in (clean * 255, clean * 2 - 1, clean * torch.nan):
        with pytest.raises(ParameterError, match="clean has"):
            ssim_loss(restored, wrong)
