import json

import numpy as np
import pytest
import torch
from scipy import ndimage

from restorelab.degrade import GaussianBlur
from restorelab.degrade.kernels import effective_std, gaussian_kernel
from restorelab.degrade.srmd import IsotropicBlur, SRMDBlur, draw_srmd_kernels, draw_srmd_parameters
from restorelab.errors import RecipeError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(height: int = 30, width: int = 37) -> torch.Tensor:
    return torch.from_numpy(rng(9).random((3, height, width), dtype=np.float32))


def test_the_law_has_its_bounds_and_its_widths():
    long, short, angle = draw_srmd_parameters(100_000, rng(5))
    assert short.min() >= 0.1 and (short <= long).all() and long.max() <= 10
    assert angle.min() >= -180 and angle.max() <= 0
    assert np.median(np.sqrt(long)) == pytest.approx(2.26, abs=0.02)
    assert np.median(np.sqrt(short)) == pytest.approx(1.40, abs=0.02)
    assert (long < 0.25).mean() == pytest.approx(0.015, abs=0.002)  # both widths below half a pixel
    for sector in range(4):
        assert ((angle // 45) == -1 - sector).mean() == pytest.approx(0.25, abs=0.01)


def test_a_single_variance_makes_round_kernels():
    kernels = draw_srmd_kernels(5, rng(), 4.0, 31)
    torch.testing.assert_close(kernels, gaussian_kernel(2.0, size=31).expand(5, -1, -1))


def test_a_step_draws_what_the_law_draws():
    _, truth = SRMDBlur().apply(picture(), rng(3))
    assert torch.equal(truth["kernel"], draw_srmd_kernels(1, rng(3))[0])


@pytest.mark.parametrize("step", [SRMDBlur(), SRMDBlur((4.0, 10.0), 21), IsotropicBlur(), IsotropicBlur(3.0, 5)])
def test_correlation_with_the_edge_repeated(step):
    """MATLAB's imfilter(image, kernel, 'replicate'), by scipy; the 21x21 window reaches beyond a 9 pixel high picture."""
    for image in (picture(), picture(9, 12)):
        blurred, truth = step.apply(image, rng(1))
        kernel = truth["kernel"].double().numpy()
        want = np.stack([ndimage.correlate(plane, kernel, mode="nearest") for plane in image.double().numpy()])
        np.testing.assert_allclose(blurred, want, atol=2e-6, rtol=0)
        assert blurred.is_contiguous()


def test_isotropic_blur_is_a_gaussian_blur_away_from_the_border():
    ours, truth = IsotropicBlur(std=1.5).apply(picture(), rng())
    theirs, _ = GaussianBlur(std=1.5).apply(picture(), rng())
    torch.testing.assert_close(ours[:, 7:-7, 7:-7], theirs[:, 7:-7, 7:-7], atol=3e-3, rtol=0)  # its window is 11x11
    assert effective_std(truth["kernel"])[0] == pytest.approx(1.5, abs=0.01)
    drawn = [float(effective_std(IsotropicBlur(std=(1.0, 2.0)).apply(picture(), rng(seed))[1]["kernel"])[0]) for seed in range(20)]
    assert 1 < min(drawn) < 1.3 and 1.7 < max(drawn) < 2


@pytest.mark.parametrize("step", [SRMDBlur(size=9), IsotropicBlur(size=9)])
def test_margin_is_what_a_step_looks_at(step):
    image, margin = picture(40, 40), step.margin
    assert margin == 4
    whole, crop = step.apply(image, rng(2))[0], step.apply(image[:, 10:30, 10:30], rng(2))[0]
    inner = crop[:, margin:-margin, margin:-margin]
    torch.testing.assert_close(inner, whole[:, 10 + margin : 30 - margin, 10 + margin : 30 - margin], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: SRMDBlur(variance=(0.0, 10.0)), "between 0.01 and 2500"),
        (lambda: SRMDBlur(variance=(10.0, 0.1)), "swap them"),
        (lambda: SRMDBlur(size=14), "odd whole number"),
        (lambda: SRMDBlur(size=15.0), "odd whole number"),
        (lambda: IsotropicBlur(std="wide"), "must be a number"),
        (lambda: IsotropicBlur(size=1), "from 3 to 101"),
    ],
)
def test_bad_values_are_refused(make, words):
    with pytest.raises(RecipeError, match=words):
        make()


def test_fields_are_plain_json():
    assert json.dumps(vars(SRMDBlur())) == '{"variance": [0.1, 10.0], "size": 15}'
