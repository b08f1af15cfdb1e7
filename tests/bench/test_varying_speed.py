"""A picture whose blur changes from left to right, three ways, in one run: `make bench`.

The first way makes all kernels and hands them to the dynamic filter; the second never holds them; the third mixes a few blurs, its maps
given. Errors are against the first, in float64.
"""

import pytest
import torch
from bench.measure import PeakMemory, seconds, table

from restorelab.degrade.varying import gather, gather_basis, gather_gaussian, gaussian_kernels, scatter, scatter_gaussian

SIZE, RADIUS, BORDER = 256, 7, "replicate"  # the border that the dynamic filter has itself

pytestmark = pytest.mark.usefixtures("one_thread")


def mixture(std: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The eigen-kernels of the columns, and the maps."""
    kernels = gaussian_kernels(std[:1].double(), RADIUS)[:, :, 0].flatten(0, 1).T  # columns, taps
    basis = torch.linalg.svd(kernels, full_matrices=False).Vh[:count]
    maps = (basis @ kernels.T)[:, None].expand(count, SIZE, SIZE)
    return basis.unflatten(1, (2 * RADIUS + 1,) * 2).float(), maps.float().contiguous()


def megabytes(way) -> float:
    with PeakMemory() as memory:
        way()
    return memory.peak / 1e6


def test_without_holding_the_kernels():
    image = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    std = torch.linspace(0.2, 4.0, SIZE).expand(SIZE, SIZE).contiguous()
    exact = gather(image.double(), gaussian_kernels(std.double(), RADIUS), BORDER)
    ways = {
        "all kernels, dynamic filter": lambda: gather(image, gaussian_kernels(std, RADIUS), BORDER),
        "streaming": lambda: gather_gaussian(image, std, RADIUS, BORDER),
    }
    for count in (3, 5, 8, 15):
        basis, maps = mixture(std, count)
        ways[f"mixture of {count}"] = lambda basis=basis, maps=maps: gather_basis(image, basis, maps, BORDER)
    times = seconds(*ways.values())
    error = {name: 255 * float((way() - exact).abs().max()) for name, way in ways.items()}
    memory = {name: megabytes(way) for name, way in ways.items()}
    rows = [[name, 1e3 * t, times[0] / t, memory[name], error[name]] for (name, t) in zip(ways, times, strict=True)]
    table(f"gather, 3x{SIZE}x{SIZE}, 15x15 taps", ["", "ms", "ratio", "MB", "worst error (/255)"], rows)
    assert times[0] / times[1] > 2
    assert memory["all kernels, dynamic filter"] > 10 * memory["streaming"]
    assert error["streaming"] < 1e-6 * 255
    assert error["mixture of 8"] < 1 and error["mixture of 15"] < 0.05


def test_scattering_without_holding_the_kernels():
    image = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    std = torch.linspace(0.2, 4.0, SIZE).expand(SIZE, SIZE).contiguous()
    ways = {
        "all kernels": lambda: scatter(image, gaussian_kernels(std, RADIUS), BORDER),
        "streaming": lambda: scatter_gaussian(image, std, RADIUS, BORDER),
    }
    slow, fast = seconds(*ways.values())
    many, few = (megabytes(way) for way in ways.values())
    table("scatter", ["", "ms", "MB"], [["all kernels", 1e3 * slow, many], ["streaming", 1e3 * fast, few]])
    assert slow / fast > 1.5 and many > 10 * few
