"""The named protocols: that each does what the evaluation it is named after does, and that none passes for another."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
import torch

from restorelab.data import photos
from restorelab.degrade import convolve, gaussian_kernel, path_kernel
from restorelab.errors import ParameterError
from restorelab.metrics import COURSE_RGB, MATLAB_Y, PROTOCOLS, Protocol, find_protocol, psnr, same_protocol, ssim
from restorelab.metrics.align import align_homography

REALBLUR = PROTOCOLS["RealBlur"]


def test_the_table_is_complete_and_cannot_be_changed():
    expected = {"COURSE_RGB", "MATLAB_Y", "GoPro/HIDE", "RealBlur", "SIDD/DND", "deraining", "SR x4", "NTIRE x16", "DeblurGAN-v2", "PIRM"}
    assert expected <= PROTOCOLS.keys()
    assert all(protocol.name == name for name, protocol in PROTOCOLS.items())
    with pytest.raises(TypeError):
        PROTOCOLS["mine"] = COURSE_RGB


def test_what_the_names_stand_for():
    assert PROTOCOLS["deraining"] == MATLAB_Y
    assert PROTOCOLS["SR x3"] == Protocol("", colour="y_studio", border=3)
    assert PROTOCOLS["GoPro/HIDE"] == Protocol("", ssim="MATLAB 3-D")
    assert PROTOCOLS["SIDD/DND"] == Protocol("", rounding="none", ssim="MATLAB 3-D")
    assert PROTOCOLS["DeblurGAN-v2"] == Protocol("", rounding="truncated", ssim="CW-SSIM")
    assert PROTOCOLS["PIRM"] == Protocol("", colour="y_studio", round_y=True, border=4, pooling="pooled error")


def test_each_says_all_that_sets_it_apart():
    texts = {}
    for protocol in PROTOCOLS.values():
        said = str(protocol).split(": ", 1)[1]
        assert texts.setdefault(said, protocol) == protocol  # one text, one protocol
    assert str(REALBLUR) == "RealBlur: RGB, 8-bit, brightness and homography aligned, border 0, SSIM 2-D valid"
    assert str(PROTOCOLS["NTIRE x16"]) == "NTIRE x16: RGB, 8-bit, centre 1000x1000, border 0, SSIM 2-D valid"
    assert str(PROTOCOLS["DeblurGAN-v2"]) == "DeblurGAN-v2: RGB, truncated to 8-bit, border 0, SSIM CW-SSIM"
    assert str(PROTOCOLS["PIRM"]).endswith("border 4, SSIM 2-D valid, pooled error")


def test_two_different_ones_are_refused_and_two_names_of_one_are_not():
    for a in PROTOCOLS.values():
        for b in PROTOCOLS.values():
            if a == b:
                same_protocol(a, b)
            else:
                with pytest.raises(ParameterError, match="cannot be compared"):
                    same_protocol(a, b)


def test_survives_json():
    for protocol in PROTOCOLS.values():
        assert Protocol(**json.loads(json.dumps(dataclasses.asdict(protocol)))) == protocol


def test_an_unknown_name_is_answered_with_the_known_ones():
    assert find_protocol("RealBlur") is REALBLUR
    with pytest.raises(ParameterError, match="Did you mean RealBlur"):
        find_protocol("RealBlurr")


def noisy(clean: torch.Tensor, sigma: float = 0.02) -> torch.Tensor:
    return (clean + sigma * torch.from_numpy(np.random.default_rng(0).standard_normal(tuple(clean.shape), dtype=np.float32))).clamp(0, 1)


def test_the_centre_is_cut_out_and_then_the_border():
    clean = photos.load("chelsea")
    restored = noisy(clean)
    cropped = dataclasses.replace(COURSE_RGB, crop=101, border=3)
    top, left = (300 - 101) // 2 + 3, (451 - 101) // 2 + 3
    inside = [picture[:, top : top + 95, left : left + 95] for picture in (restored, clean)]
    assert psnr(restored, clean, cropped) == psnr(*inside) and ssim(restored, clean, cropped) == ssim(*inside)
    with pytest.raises(ParameterError, match="central 1000x1000 pixels; the picture is 300x451"):
        psnr(restored, clean, PROTOCOLS["NTIRE x16"])


def test_only_the_restored_picture_is_truncated():
    truncated = PROTOCOLS["DeblurGAN-v2"]
    a, b = truncated.prepare_pair(torch.full((3, 12, 12), 100.9 / 255), torch.full((3, 12, 12), 100.9 / 255))
    assert np.all(a == 100) and np.all(b == 101)


@pytest.fixture(scope="module")
def realblur_pair() -> tuple[torch.Tensor, torch.Tensor]:
    """A blurred photograph with noise, and the sharp one."""
    sharp = photos.load("chelsea")[:, 40:180, 100:280]
    return noisy(convolve(sharp, gaussian_kernel(1.2)), 0.01), sharp


def moved(image: torch.Tensor, down: float, right: float) -> torch.Tensor:
    return convolve(image, path_kernel(torch.tensor([[down, right]])))


@pytest.mark.parametrize(
    ("spoil", "unaligned"),
    # what is done to the restored picture, and how many dB it costs at least where nothing is aligned
    [
        (lambda x: x * 0.9, 3.0),
        (lambda x: moved(x, 2.0, -3.0), 4.0),
        (lambda x: 0.85 * moved(x, -2.0, 1.0), 6.0),
    ],
    ids=["darker", "moved", "both"],
)
def test_a_moved_and_darker_copy_scores_as_it_did_before(realblur_pair, spoil, unaligned):
    restored, sharp = realblur_pair
    as_before = psnr(restored, sharp, REALBLUR)
    assert psnr(spoil(restored), sharp, REALBLUR) == pytest.approx(as_before, abs=0.3)  # what left the picture is gone
    assert ssim(spoil(restored), sharp, REALBLUR) == pytest.approx(ssim(restored, sharp, REALBLUR), abs=0.005)
    assert psnr(spoil(restored), sharp) < psnr(restored, sharp) - unaligned


def test_the_homography_finds_a_tilted_camera(realblur_pair):
    restored, sharp = realblur_pair
    tilt = np.array([[1.01, 0.005, -2.0], [-0.004, 0.99, 1.5], [1e-5, -1e-5, 1]])
    tilted = cv2.warpPerspective(restored.permute(1, 2, 0).numpy(), tilt, (180, 140), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    tilted = torch.from_numpy(tilted).permute(2, 0, 1).clamp(0, 1)
    assert psnr(tilted, sharp, REALBLUR) > psnr(tilted, sharp) + 2
    assert psnr(tilted, sharp, REALBLUR) == pytest.approx(psnr(restored, sharp, REALBLUR), abs=0.5)


def test_only_what_both_show_is_scored(realblur_pair):
    restored, sharp = realblur_pair
    a, b = (picture.permute(1, 2, 0).double().numpy() * 255 for picture in (moved(restored, 0.0, 12.0), sharp))
    found_a, found_b, mask = align_homography(a, b)
    assert mask[:, :160].all() and not mask[:, 171:].any()
    assert not (found_a * (1 - mask)).any() and np.array_equal(found_b, b * mask)
    # The PSNR is over the mask's pixels, by hand:
    eight_bit = COURSE_RGB.prepare_pair(moved(restored, 0.0, 12.0), sharp)
    found_a, found_b, mask = align_homography(*eight_bit)
    error = ((found_a - found_b) ** 2)[mask[:, :, 0] == 1].mean()
    assert psnr(moved(restored, 0.0, 12.0), sharp, REALBLUR) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)


def test_masked_ssim_is_scikit_images_map_over_the_mask(realblur_pair):
    from skimage.metrics import structural_similarity

    restored, sharp = realblur_pair
    a, b, mask = REALBLUR.compare(moved(restored, 3.0, 5.0), sharp)
    options = {"data_range": 255, "gaussian_weights": True, "use_sample_covariance": False, "channel_axis": 2, "full": True}
    _, similarity = structural_similarity(a, b, **options)
    inside = slice(5, -5)
    expected = (similarity * mask)[inside, inside].sum((0, 1)) / mask[inside, inside].sum((0, 1))
    assert ssim(moved(restored, 3.0, 5.0), sharp, REALBLUR) == pytest.approx(expected.mean(), abs=1e-7)


@pytest.mark.parametrize(
    ("restored", "clean", "says"),
    [
        (torch.zeros(3, 40, 40), torch.rand(3, 40, 40), "black"),
        (torch.full((3, 40, 40), 0.5), torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0)), "cannot be aligned"),
        (torch.rand(1, 40, 40), torch.rand(1, 40, 40), "3 channels"),
    ],
)
def test_what_cannot_be_aligned_is_refused(restored, clean, says):
    for metric in (psnr, ssim):
        with pytest.raises(ParameterError, match=says):
            metric(restored, clean, REALBLUR)
