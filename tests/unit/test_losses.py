import pytest
import torch

from restorelab.losses.pixel import charbonnier, mse


def test_values_by_hand():
    a, b = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 5.0]])
    assert float(mse(a, b)) == 4.5
    assert float(charbonnier(a, b)) == pytest.approx((1e-3 + (9 + 1e-6) ** 0.5) / 2)


def test_charbonnier_runs_from_squared_to_absolute():
    d = torch.linspace(-1, 1, 11)
    zero = torch.zeros(11)
    assert float(charbonnier(d, zero, epsilon=1e-6)) == pytest.approx(float(d.abs().mean()), abs=1e-5)
    large = 100.0
    assert (float(charbonnier(d, zero, epsilon=large)) - large) * 2 * large == pytest.approx(float(mse(d, zero)), rel=0.05)


def test_both_compute_in_float32():
    """Near convergence a bfloat16 square root of d^2 + 1e-6 has lost the difference; the loss must not."""
    torch.manual_seed(0)
    d = torch.randn(10_000) * 1e-3
    exact = float(charbonnier(d, torch.zeros_like(d)))
    assert float(charbonnier(d.bfloat16(), torch.zeros_like(d).bfloat16())) == pytest.approx(exact, rel=0.01)
    assert charbonnier(d.bfloat16(), d.bfloat16()).dtype == mse(d.half(), d.half()).dtype == torch.float32


def test_gradient_is_finite_where_the_pictures_agree():
    x = torch.zeros(3, requires_grad=True)
    charbonnier(x, torch.zeros(3)).backward()
    assert torch.all(x.grad == 0)
