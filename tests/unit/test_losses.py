import pytest
import torch

from restorelab.errors import ParameterError
from restorelab.losses.edge import KINDS, edge, laplacian, pyramid_detail
from restorelab.losses.pixel import charbonnier, huber, mse, negative_psnr


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


def test_a_picture_nearly_right_counts_as_much_for_the_psnr_as_one_far_off():
    clean, errors = torch.full((2, 3, 4, 4), 0.5), torch.tensor([0.1, 0.001]).view(2, 1, 1, 1)
    restored = (clean + errors).requires_grad_()
    loss = negative_psnr(restored, clean)
    assert loss.item() == pytest.approx(-(20 + 60) / 2, abs=0.05)
    loss.backward()
    along = (restored.grad * errors).sum(dim=(1, 2, 3))  # what a step in proportion to the error brings: the same for both
    assert along[0].item() == pytest.approx(along[1].item(), rel=0.02)
    assert negative_psnr(clean, clean).item() == pytest.approx(-80)
    assert negative_psnr(clean.bfloat16(), clean).dtype == torch.float32


def test_the_largest_gradient_of_huber_is_delta():
    x = torch.tensor([-5.0, -0.005, 0.0, 0.005, 5.0], requires_grad=True)
    huber(x, torch.zeros(5), delta=0.01).backward()
    assert (5 * x.grad).tolist() == pytest.approx([-0.01, -0.005, 0, 0.005, 0.01])
    assert huber(x.half(), torch.zeros(5)).dtype == torch.float32


def impulse(row: int, column: int) -> torch.Tensor:
    x = torch.zeros(1, 1, 24, 24)
    x[..., row, column] = 1
    return x


def test_the_laplacian_answers_alike_everywhere_and_mprnets_filter_does_not():
    places = [(12, 12), (12, 13), (13, 13)]
    assert [laplacian(impulse(*place))[(0, 0, *place)].item() for place in places] == [-4, -4, -4]
    found = [pyramid_detail(impulse(*place))[(0, 0, *place)].item() for place in places]
    assert found == pytest.approx([0.891, 0.918, 0.938], abs=1e-3)


def test_a_constant_picture_has_edges_at_its_border_in_mprnets_filter_alone():
    flat = torch.ones(1, 3, 16, 20)
    assert laplacian(flat).abs().max() == 0
    found = pyramid_detail(flat)[0, 0]
    assert found[4:-4, 4:-4].abs().max() < 1e-6
    assert found[8, :2].tolist() == pytest.approx([-0.5, -0.1], abs=1e-6)
    assert found[8, -2:].tolist() == pytest.approx([0.1, 0.5], abs=1e-6)
    assert found[0, 0].item() == pytest.approx(-1.25, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_edge_of_the_difference_is_the_difference_of_the_edges(kind):
    torch.manual_seed(0)
    x, y = torch.rand(2, 5, 17, 23), torch.rand(2, 5, 17, 23)  # five channels, odd sides
    twice = charbonnier(KINDS[kind](x), KINDS[kind](y))
    torch.testing.assert_close(edge(x, y, kind), twice)


@pytest.mark.parametrize("kind", KINDS)
def test_edge_is_float32_also_under_autocast_and_takes_any_size(kind):
    torch.manual_seed(0)
    x, y = torch.rand(1, 3, 19, 22), torch.rand(1, 3, 19, 22)  # sizes that no test had before: what is kept is made under autocast
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        value = edge(x, y, kind)
    edge(x.requires_grad_(), y, kind).backward()  # and fits training afterwards
    assert torch.equal(value, edge(x, y, kind)) and value.dtype == torch.float32
    assert edge(x.bfloat16(), y.bfloat16(), kind).dtype == torch.float32
    assert edge(x[..., :1, :1], y[..., :1, :1], kind).isfinite()
    assert edge(x.to("meta"), y.to("meta"), kind).device.type == "meta"  # nothing stays behind on another device


def test_an_unknown_kind_of_edge_is_answered_with_a_sentence():
    with pytest.raises(ParameterError, match="Did you mean laplacian"):
        edge(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), kind="laplace")
