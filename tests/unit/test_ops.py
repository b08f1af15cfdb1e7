import numpy as np
import pytest
import torch

from restorelab.ops.light import to_display, to_linear
from restorelab.ops.pad import pad_mirror, pad_to_multiple
from restorelab.ops.resize import downsample_bicubic


@pytest.mark.parametrize("mode, repeat_edge", [("reflect", False), ("symmetric", True)])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 7)])
def test_mirror_padding_equals_numpy_far_beyond_the_picture(mode, repeat_edge, size):
    image = torch.rand(2, *size)
    want = np.pad(image.numpy(), ((0, 0), (4, 9), (11, 3)), mode=mode)
    np.testing.assert_array_equal(pad_mirror(image, 4, 9, 11, 3, repeat_edge), want)


def test_pad_to_multiple_grows_bottom_and_right_only():
    image = torch.rand(1, 3, 7, 5)
    padded = pad_to_multiple(image, (8, 4))
    assert padded.shape == (1, 3, 8, 8)
    assert torch.equal(padded[..., :7, :5], image)
    assert pad_to_multiple(padded, (8, 4)) is padded


def test_light_and_display_are_inverse_and_anchored():
    ramp = torch.linspace(0, 1, 1001).reshape(1, 1, -1)
    torch.testing.assert_close(to_display(to_linear(ramp)), ramp, atol=1e-6, rtol=0)
    torch.testing.assert_close(to_linear(torch.full((1, 1, 1), 0.5)), torch.full((1, 1, 1), 0.21404114), atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_equals_a_direct_antialiased_cubic_with_symmetric_border(scale):
    line = torch.rand(1, 1, 1, 12 * scale, dtype=torch.float64)
    got = downsample_bicubic(line.expand(-1, -1, scale, -1).float(), scale)[0, 0, 0]
    n = line.shape[-1]
    mirrored = np.pad(line[0, 0, 0].numpy(), 4 * scale, mode="symmetric")
    positions = np.arange(len(mirrored)) - 4 * scale
    for i in range(n // scale):
        distance = np.abs((positions - ((i + 0.5) * scale - 0.5)) / scale)
        weight = np.where(
            distance <= 1, 1.5 * distance**3 - 2.5 * distance**2 + 1, -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
        )
        weight[distance >= 2] = 0
        assert got[i].item() == pytest.approx((weight * mirrored).sum() / weight.sum(), abs=2e-6)


def test_bicubic_refuses_a_size_that_does_not_divide():
    with pytest.raises(ValueError, match="crop it"):
        downsample_bicubic(torch.rand(1, 3, 9, 8), 2)
