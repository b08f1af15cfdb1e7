import hashlib

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.utils.data import DataLoader, default_collate

from restorelab.data.augment import TURNS
from restorelab.data.crops import turned
from restorelab.data.online import (
    SRMD_X2,
    SRMD_X3,
    SRMD_X4,
    UDVD_X2,
    UDVD_X3,
    UDVD_X4,
    BlurDownNoise,
    OnlineCrops,
    blur_down_any,
    blur_down_separable,
    synthesise,
)
from restorelab.degrade.kernel_code import KernelCode
from restorelab.degrade.kernels import isotropic_kernels
from restorelab.degrade.srmd import IsotropicBlur, SRMDBlur
from restorelab.errors import DataError, ParameterError, RecipeError
from restorelab.image import from_uint8
from restorelab.ops.resize import resize_bicubic

LAWS = {"UDVD_X2": UDVD_X2, "UDVD_X3": UDVD_X3, "UDVD_X4": UDVD_X4, "SRMD_X2": SRMD_X2, "SRMD_X3": SRMD_X3, "SRMD_X4": SRMD_X4}


def pictures(count: int = 2, height: int = 96, width: int = 110) -> list[np.ndarray]:
    """Noise, smoothed a little: no two places alike, and edges enough."""
    noise = np.random.default_rng(5).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return [cv2.blur(picture, (2, 2)) for picture in noise]


def batch_of(crops: OnlineCrops, *numbers: int):
    return default_collate([crops[number] for number in numbers])


def degrade_whole(picture: np.ndarray, kernel: np.ndarray, scale: int) -> torch.Tensor:
    """The slow way, in float64: blur the whole picture (its edge repeated), shrink all of it (MATLAB's rule)."""
    height, width = (side - side % scale for side in picture.shape[:2])
    planes = picture[:height, :width].transpose(2, 0, 1).astype(np.float64)
    blurred = np.stack([ndimage.correlate(plane, kernel.astype(np.float64), mode="nearest") for plane in planes])
    return resize_bicubic(torch.from_numpy(blurred)[None], scale=1 / scale)[0] / 255


def find(patch: np.ndarray, picture: np.ndarray) -> tuple[int, int]:
    """Where in the picture the patch was cut out, both `h w c` bytes."""
    size = len(patch)
    candidates = np.argwhere((picture[: 1 - size, : 1 - size] == patch[0, 0]).all(axis=-1))
    return next((y, x) for y, x in candidates if np.array_equal(picture[y : y + size, x : x + size], patch))


def found(patch: np.ndarray, originals: list[np.ndarray]) -> tuple[np.ndarray, int, int]:
    """The turned picture that the patch lies in, and where."""
    for picture in originals:
        for turn in TURNS:
            try:
                return turned(picture, turn), *find(patch, turned(picture, turn))
            except StopIteration:
                continue
    raise AssertionError("the patch is in no picture")


@pytest.mark.parametrize("name", LAWS)
def test_a_pair_is_what_degrading_the_whole_photograph_and_cutting_gives(name):
    law = BlurDownNoise(LAWS[name].scale, LAWS[name].blur, sigma=0.0)
    photographs, scale = pictures(), law.scale
    batch = synthesise(batch_of(OnlineCrops(photographs, law, 12 * 2, seed=3), *range(6)), law)
    for lr, hr, kernel in zip(batch.lr, batch.hr, batch.kernels, strict=True):
        picture, top, left = found((hr * 255).round().byte().permute(1, 2, 0).numpy(), photographs)
        rows, columns = (start // scale for start in (top, left))
        whole = degrade_whole(picture[top % scale :, left % scale :], kernel.numpy(), scale)  # on the grid of the crop
        want = whole[:, rows : rows + lr.shape[1], columns : columns + lr.shape[2]]
        assert float((lr - want).abs().max()) < 1e-6


@pytest.mark.parametrize("blur_down", [blur_down_separable, blur_down_any])
@pytest.mark.parametrize("scale, size", [(1, 15), (2, 15), (3, 15), (4, 21), (8, 5)])
def test_the_margin_is_exact(blur_down, scale, size):
    """The outermost pixels matter, to the corner, and n * scale + 2 * margin of them make n x n pixels: not one to spare."""
    margin = BlurDownNoise(scale, IsotropicBlur(2.0, size)).margin
    pixels = torch.rand(1, 1, 2 * scale + 2 * margin, 2 * scale + 2 * margin, dtype=torch.float64, requires_grad=True)
    small = blur_down(pixels, isotropic_kernels(np.array([9.0]), size).double(), scale)
    assert small.shape == (1, 1, 2, 2)
    (seen,) = torch.autograd.grad(small.sum(), pixels)
    outer = 1 if scale == 1 else 0  # at scale 1 bicubic is nothing, and its reach of one pixel is of weight 0
    assert (seen[..., outer, outer:-1].abs() > 1e-9).any() and (seen[..., outer:-1, -1 - outer].abs() > 1e-9).any()
    assert seen[0, 0, outer, outer] != 0
    assert seen.sum().item() == pytest.approx(4, rel=1e-6)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_both_ways_of_blurring_and_shrinking_agree_and_are_exact_to_a_millionth(scale):
    kernels = isotropic_kernels(np.array([0.2, 1.3, 4.0]), 15)
    side = 8 * scale + 2 * (3 * scale // 2 + 7)
    for pixels in (torch.rand(3, 3, side, side), torch.ones(3, 3, side, side)):
        exact = blur_down_any(pixels.double(), kernels.double(), scale)
        torch.testing.assert_close(blur_down_separable(pixels.double(), kernels.double(), scale), exact, atol=1e-7, rtol=0)
        for blur_down in (blur_down_separable, blur_down_any):
            assert float((blur_down(pixels, kernels, scale) - exact).abs().max()) < 1e-6


def digest(batches) -> str:
    total = hashlib.sha256()
    for samples in batches:
        batch = synthesise(samples, UDVD_X4, None)
        for tensor in (*samples, batch.lr, batch.condition, batch.hr):
            total.update(tensor.contiguous().numpy().tobytes())
    return total.hexdigest()


def loader(first: int, end: int, workers: int, seed: int = 8) -> DataLoader:
    return DataLoader(OnlineCrops(pictures(), UDVD_X4, 24, seed), batch_size=4, sampler=range(first, end), num_workers=workers)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than cores, on purpose
def test_workers_and_restarts_change_nothing():
    alone = digest(loader(0, 24, workers=0))
    assert digest(loader(0, 24, workers=3)) == alone
    assert digest([*loader(0, 8, workers=0), *loader(8, 24, workers=2)]) == alone  # stopped after two batches, and taken up again
    assert digest(loader(0, 24, workers=0, seed=9)) != alone
    assert digest(loader(1, 25, workers=0)) != alone


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_bytes_turn_as_pictures_do(turn, channels):
    crop = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    got = turned(crop[:, 1:], turn)
    want = turn.image(torch.from_numpy(crop[:, 1:]).permute(2, 0, 1).float()).permute(1, 2, 0)
    np.testing.assert_array_equal(got, want)
    assert got.flags.c_contiguous


def test_crops_come_from_everywhere_that_has_a_margin_turned_and_flipped():
    law = BlurDownNoise(2, IsotropicBlur((0.2, 2.0)))
    ramp = np.stack(np.broadcast_arrays(np.arange(44)[:, None], np.arange(50)[None, :], 0), axis=2).astype(np.uint8)
    crops = OnlineCrops([ramp], law, 16, seed=0)
    inside = np.stack([crops[n].pixels[:, law.margin : -law.margin, law.margin : -law.margin] for n in range(600)]).astype(int)
    assert (inside[:, 0].min(), inside[:, 0].max()) == (law.margin, 43 - law.margin)
    assert (inside[:, 1].min(), inside[:, 1].max()) == (law.margin, 49 - law.margin)
    right, down = inside[:, :2, 0, 1] - inside[:, :2, 0, 0], inside[:, :2, 1, 0] - inside[:, :2, 0, 0]
    assert len(np.unique(np.concatenate([right, down], axis=1), axis=0)) == 8


def test_the_clean_patch_is_the_photograph_to_the_last_bit():
    samples = batch_of(OnlineCrops(pictures(), UDVD_X3, 24, seed=0), 0, 1)
    margin = UDVD_X3.margin
    for pixels, hr in zip(samples.pixels.numpy(), synthesise(samples, UDVD_X3).hr, strict=True):
        assert torch.equal(hr, from_uint8(pixels.transpose(1, 2, 0))[:, margin:-margin, margin:-margin])


def test_the_network_is_told_the_code_and_sigma():
    code = KernelCode.fit_srmd(dims=6, count=300)
    batch = synthesise(batch_of(OnlineCrops(pictures(), SRMD_X2, 24, seed=0), 0, 1, 2), SRMD_X2, code)
    assert batch.condition.shape == (3, 7) and batch.condition.dtype == torch.float32
    assert torch.equal(batch.condition[:, :6], code.encode(batch.kernels)) and torch.equal(batch.condition[:, 6], batch.sigma)
    assert torch.equal(synthesise(batch_of(OnlineCrops(pictures(), SRMD_X2, 24, seed=0), 1), SRMD_X2).condition[:, 0], batch.sigma[1:2])
    with pytest.raises(ParameterError):
        synthesise(batch_of(OnlineCrops(pictures(), UDVD_X2, 24, seed=0), 0), BlurDownNoise(2, IsotropicBlur((0.2, 2.0), 13)), code)


@pytest.mark.parametrize("name", LAWS)
def test_noise_is_added_last_and_not_clipped(name):
    law = LAWS[name]
    samples = batch_of(OnlineCrops(pictures(), law, 24, seed=1), *range(8))
    noisy = synthesise(samples, law).lr
    clean = synthesise(samples._replace(sigma=torch.zeros(8, dtype=torch.float64)), law).lr
    added = (noisy - clean) / samples.sigma.float()[:, None, None, None]
    torch.testing.assert_close(added, samples.noise, atol=2e-4, rtol=1e-3)
    levels = clean * 255
    assert law.round_before_noise == bool((levels - levels.round()).abs().max() < 1e-4)
    if not law.round_before_noise:
        quick = synthesise(
            samples._replace(sigma=torch.zeros(8, dtype=torch.float64)), BlurDownNoise(law.scale, law.blur, round_before_noise=True)
        )
        assert 0 < (quick.lr - clean).abs().max() <= 0.5 / 255 + 1e-6


def test_parameters_follow_the_law():
    many = [OnlineCrops(pictures(), law, 12, seed=2) for law in (UDVD_X4, SRMD_X4)]
    round_ones, long_ones = (batch_of(crops, *range(400)) for crops in many)
    std = round_ones.gaussian[:, 0].sqrt()
    assert torch.equal(round_ones.gaussian[:, 0], round_ones.gaussian[:, 1])
    assert 0.2 <= std.min() < 0.3 and 3.9 < std.max() <= 4.0 and std.mean() == pytest.approx(2.1, abs=0.2)
    assert 0 <= round_ones.sigma.min() < 0.01 and 0.28 < round_ones.sigma.max() <= 75 / 255
    assert (long_ones.gaussian[:, 0] >= long_ones.gaussian[:, 1]).all() and long_ones.gaussian[:, 1].min() >= 0.1
    assert long_ones.noise.std() == pytest.approx(1, abs=0.02) and abs(long_ones.noise.mean()) < 0.02
    assert long_ones.noise.flatten(1).unique(dim=0).shape[0] == 400


def test_maps_of_files_serve_as_pictures(tmp_path):
    (picture,) = pictures(1)
    np.save(tmp_path / "picture.npy", picture)
    mapped = np.load(tmp_path / "picture.npy", mmap_mode="r")
    got, want = (OnlineCrops([one], UDVD_X2, 24, seed=0)[5] for one in (mapped, picture))
    assert isinstance(mapped, np.memmap) and all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))


def test_grey_pictures_work_too():
    batch = synthesise(batch_of(OnlineCrops([pictures(1)[0][:, :, :1]], SRMD_X2, 24, seed=0), 0, 1), SRMD_X2)
    assert batch.lr.shape == (2, 1, 12, 12) and batch.hr.shape == (2, 1, 24, 24)


@pytest.mark.parametrize("law", [UDVD_X2, SRMD_X2])
def test_autocast_and_inference_mode_change_nothing(law):
    samples = batch_of(OnlineCrops(pictures(), law, 24, seed=0), 0, 1)
    want = synthesise(samples, law).lr
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        assert torch.equal(synthesise(samples, law).lr, want)


def test_what_cannot_be_used_says_so():
    with pytest.raises(ParameterError, match="multiple"):
        OnlineCrops(pictures(), UDVD_X4, 30, seed=0)
    with pytest.raises(ParameterError, match="no pictures"):
        OnlineCrops([], UDVD_X4, 32, seed=0)
    with pytest.raises(DataError, match="picture 0 is 110x96, but a crop of 96 needs 122"):
        OnlineCrops(pictures(1), UDVD_X4, 96, seed=0)[0]
    with pytest.raises(RecipeError, match="whole number"):
        BlurDownNoise(scale=0)
    with pytest.raises(RecipeError, match="range"):
        BlurDownNoise(sigma=25)
    with pytest.raises(RecipeError, match="odd"):
        BlurDownNoise(blur=SRMDBlur(size=14))


def test_a_share_of_the_samples_is_without_noise():
    pictures = [np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)]
    law = BlurDownNoise(2, sigma=(0.01, 0.1), noiseless=0.25)
    crops = OnlineCrops(pictures, law, crop=16, seed=0)
    sigmas = np.array([crops[number].sigma for number in range(400)])
    assert abs((sigmas == 0).mean() - 0.25) < 0.07 and sigmas[sigmas > 0].min() >= 0.01
    with pytest.raises(RecipeError, match="noiseless is a share"):
        BlurDownNoise(2, noiseless=1.5)
