"""UDVD's training samples (HR 96x96, x4, 19 channels in), made online, against the two ways people make them. Ratios within one run."""

import cv2
import lmdb
import numpy as np
import pytest
import torch
from bench.measure import seconds, table
from scipy import ndimage
from torch.utils.data import default_collate

from restorelab.data import photos
from restorelab.data.online import SRMD_X2, SRMD_X4, UDVD_X2, UDVD_X4, BlurDownNoise, OnlineBatch, OnlineCrops, blur_down_any, synthesise
from restorelab.degrade.kernel_code import KernelCode
from restorelab.degrade.kernels import covariance_kernels, isotropic_kernels
from restorelab.degrade.srmd import SRMDBlur, draw_srmd_parameters
from restorelab.image import to_uint8
from restorelab.ops.resize import resize_bicubic

BATCH, CROP = 32, 96
PAIRS = 512  # in the LMDB

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Photographs of 2040x1356, the size of DIV2K's, put together from the bundled ones."""
    small = [to_uint8(photos.load(name)) for name in photos.names("train")]
    return [np.ascontiguousarray(np.tile(one, (5, 7, 1))[:1356, :2040]) for one in small]


@pytest.fixture(scope="module")
def code() -> KernelCode:
    return KernelCode.fit_srmd()


def stacked(lr: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
    """What the network reads: the picture, and beside it what it is told, stretched."""
    return torch.cat([lr, condition[..., None, None].expand(-1, -1, *lr.shape[-2:])], dim=1)


def online(crops: OnlineCrops, numbers: range, code: KernelCode) -> tuple[torch.Tensor, OnlineBatch]:
    samples = default_collate([crops[number] for number in numbers])
    batch = synthesise(samples, crops.degradation, code)
    return stacked(batch.lr, batch.condition), batch


def whole_picture_first(picture: np.ndarray, law: BlurDownNoise, code: KernelCode, rng: np.random.Generator) -> tuple:
    """One sample as KAIR's loader makes it, but with our resizing, which is faster: degrade everything, keep a patch."""
    kernel = isotropic_kernels(rng.uniform(0.2, 4.0, 1), 15)
    image = picture.astype(np.float32) / 255
    blurred = ndimage.convolve(image, kernel[0].numpy()[:, :, None], mode="wrap")
    low = resize_bicubic(torch.from_numpy(blurred).permute(2, 0, 1)[None], scale=1 / law.scale)
    side = CROP // law.scale
    top, left = (int(rng.integers(size - side)) for size in low.shape[-2:])
    lr, sigma = low[..., top : top + side, left : left + side], rng.uniform(0, 75 / 255)
    lr = lr + sigma * torch.from_numpy(rng.standard_normal(lr.shape, dtype=np.float32))
    start = law.scale * top, law.scale * left
    hr = torch.from_numpy(image[start[0] : start[0] + CROP, start[1] : start[1] + CROP]).permute(2, 0, 1).contiguous()
    return stacked(lr, torch.cat([code.encode(kernel), torch.full((1, 1), sigma)], dim=1)), hr


def write_pairs(path, crops: OnlineCrops, code: KernelCode) -> None:
    with lmdb.open(str(path), map_size=2**28) as store, store.begin(write=True) as transaction:
        for first in range(0, PAIRS, BATCH):
            _, batch = online(crops, range(first, first + BATCH), code)
            for i in range(BATCH):
                for name, image in (("lr", batch.lr[i]), ("hr", batch.hr[i])):
                    png = cv2.imencode(".png", to_uint8(image)[:, :, ::-1])[1]
                    transaction.put(f"{first + i} {name}".encode(), png.tobytes())
                transaction.put(f"{first + i} condition".encode(), batch.condition[i].numpy().tobytes())


def read_pairs(store: lmdb.Environment, numbers: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of ready-made pairs."""
    pictures, conditions = {"lr": [], "hr": []}, []
    with store.begin(buffers=True) as transaction:
        for number in numbers:
            for name, several in pictures.items():
                png = np.frombuffer(transaction.get(f"{number} {name}".encode()), np.uint8)
                several.append(cv2.cvtColor(cv2.imdecode(png, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))
            conditions.append(np.frombuffer(transaction.get(f"{number} condition".encode()), np.float32))
    lr, hr = (torch.from_numpy(np.stack(several)).permute(0, 3, 1, 2).contiguous().float().div_(255) for several in pictures.values())
    return stacked(lr, torch.from_numpy(np.stack(conditions))), hr


def test_online_against_whole_pictures_and_against_reading_ready_made_pairs(pictures, code, tmp_path):
    crops = OnlineCrops(pictures, UDVD_X4, CROP, seed=0)
    write_pairs(tmp_path / "pairs", crops, code)
    rng, count = np.random.default_rng(0), iter(range(0, 10**9, BATCH))

    def make():
        first = next(count)
        return online(crops, range(first, first + BATCH), code)

    with lmdb.open(str(tmp_path / "pairs"), readonly=True, lock=False) as store:

        def read():
            return read_pairs(store, rng.integers(0, PAIRS, BATCH))

        assert make()[0].shape == read()[0].shape == (BATCH, 19, 24, 24)
        made, readied = (time / BATCH for time in seconds(make, read, rounds=40))
    slow, quick = seconds(lambda: whole_picture_first(pictures[0], UDVD_X4, code, rng), lambda: [make() for _ in range(8)], rounds=2)
    quick /= 8 * BATCH
    rows = [
        ["whole picture first", 1 / slow, 1.0],
        ["PNG pairs from LMDB", 1 / readied, slow / readied],
        ["online", 1 / made, slow / quick],
    ]
    table("UDVD samples, HR 96, x4, one thread", ["way", "samples/s", "times"], rows)
    table("online against PNG pairs from LMDB", ["online / LMDB"], [[readied / made]])
    assert slow / quick >= 200
    assert readied / made >= 0.5


def test_where_the_time_goes(pictures, code):
    rows = []
    for name, law in (("UDVD_X4", UDVD_X4), ("UDVD_X2", UDVD_X2), ("SRMD_X4", SRMD_X4), ("SRMD_X2", SRMD_X2)):
        crops = OnlineCrops(pictures, law, CROP, seed=0)
        samples = default_collate([crops[number] for number in range(BATCH)])
        functions = (
            lambda crops=crops: [crops[number] for number in range(BATCH)],
            lambda law=law, samples=samples: synthesise(samples, law, code),
            lambda crops=crops: online(crops, range(BATCH), code),
        )
        rows.append([name, *(BATCH / time for time in seconds(*functions, rounds=20))])
    table("samples/s, HR 96", ["law", "worker's part", "step's part", "both"], rows)
    for count in (BATCH, 4096):
        drawn = draw_srmd_parameters(count, np.random.default_rng(0))
        kernels = covariance_kernels(*drawn, 15)
        making, encoding = seconds(
            lambda drawn=drawn: covariance_kernels(*drawn, 15), lambda kernels=kernels: code.encode(kernels), rounds=20
        )
        table(f"15x15 kernels in batches of {count}", ["made/s", "encoded/s"], [[count / making, count / encoding]])


def test_narrow_kernels_cost_what_wide_ones_do():
    """Their far taps are denormal numbers, over which a processor stumbles unless they are swept out."""
    law = BlurDownNoise(4, SRMDBlur())
    pixels = torch.rand(BATCH, 3, CROP + 2 * law.margin, CROP + 2 * law.margin)
    narrow, wide = (isotropic_kernels(np.full(BATCH, std), 15) for std in (0.55, 4.0))
    assert ((narrow > 0) & (narrow < torch.finfo(torch.float32).tiny)).any()
    times = seconds(lambda: blur_down_any(pixels, narrow, 4), lambda: blur_down_any(pixels, wide, 4), rounds=30)
    table("blur and shrinking in one convolution, x4", ["narrow (ms)", "wide (ms)"], [[1e3 * time for time in times]])
    assert times[0] < 2 * times[1]  # 5 times with them
