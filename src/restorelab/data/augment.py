"""Flips and quarter turns that take the degradation along.

A square can be turned and flipped into itself in eight ways, and training pictures may be shown in all of them. When the picture was
degraded *first*, what is known of the degradation must be turned with it: the kernel, the path of the camera, a map of the noise.
For each of the eight turns

    degrade(turn.image(clean), turn.kernel(kernel)) = turn.image(degrade(clean, kernel)).

KAIR's SRMD loader (github.com/cszn/KAIR, data/dataset_srmd.py) turns the two pictures and keeps the kernel's code. A Gaussian survives
half a turn, so in six cases of eight the network is told another blur than it sees.

Maps turn twice: the places move, and what stands in each place turns as well.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from torch import Tensor

from restorelab.degrade.kernel_code import KernelCode
from restorelab.errors import ParameterError


@dataclass(frozen=True)
class Turn:
    """Quarter turns counter-clockwise, then, if `flip`, left and right exchanged."""

    quarters: int = 0  # 0, 1, 2 or 3
    flip: bool = False

    def __post_init__(self):
        if self.quarters not in range(4):
            raise ParameterError(f"a turn has 0, 1, 2 or 3 quarters, not {self.quarters!r}.")

    @property
    def inverse(self) -> "Turn":
        """The turn that undoes this one. Flipped ones undo themselves."""
        return self if self.flip else Turn(-self.quarters % 4)

    def image(self, image: Float[Tensor, "*b h w"]) -> Float[Tensor, "*b h2 w2"]:
        """Pictures and maps of numbers (noise, depth, a mask), with any axes in front."""
        return self._places(image, -2)

    def kernel(self, kernel: Float[Tensor, "*b k k"]) -> Float[Tensor, "*b k k"]:
        """Kernels for the whole picture. A kernel is a picture, and turns as one, whether it is convolved or correlated with."""
        return self._places(kernel, -2)

    def kernel_map(self, kernels: Float[Tensor, "*b k k h w"]) -> Float[Tensor, "*b k k h2 w2"]:
        """A kernel for every pixel: each turns, and moves to where its pixel goes."""
        return self._places(self._places(kernels, -4), -2)

    def filters(self, kernels: Float[Tensor, "b s s k k h w"]) -> Float[Tensor, "b s s k k h2 w2"]:
        """What `dynamic_filter` takes: as `kernel_map`, and the s x s output pixels within one input pixel change places too."""
        return self._places(self.kernel_map(kernels), -6)

    def path(self, path: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
        """Offsets (row, column) of a moving camera."""
        return self._vectors(path, -1)

    def flow(self, flow: Float[Tensor, "*b 2 h w"]) -> Float[Tensor, "*b 2 h2 w2"]:
        """A displacement (row, column) at every pixel."""
        return self._places(self._vectors(flow, -3), -2)

    def code(self, codes: Float[Tensor, "*n d"], code: KernelCode) -> Float[Tensor, "*n d"]:
        """The codes of the turned kernels, from codes alone: decode, turn, encode, in one step.

        What decoding cannot bring back, turning cannot either: of SRMD's law the codes that `KernelCode.fit_srmd()` makes come out
        within 0.3 % of those of the turned kernels (with the mean 1.8 %: its 15th and 16th eigen-kernels are a pair, parted by the
        cut). Codes that are kept are 32 to 47 % off. Where the kernel itself is at hand, turn that and encode it.
        """
        matrix, offset = self.code_matrix(code)
        return (codes.double() @ matrix.T + offset).to(codes.dtype)

    def code_map(self, codes: Float[Tensor, "*b d h w"], code: KernelCode) -> Float[Tensor, "*b d h2 w2"]:
        """A map of codes: each turns, as in `code`, and moves to where its pixel goes."""
        return self._places(self.code(codes.movedim(-3, -1), code).movedim(-1, -3), -2)

    def code_matrix(self, code: KernelCode) -> tuple[Float64[Tensor, "d d"], Float64[Tensor, " d"]]:
        """What decode, turn, encode does to a code: code -> matrix @ code + offset. The offset is 0 for a code without mean."""
        matrix = code.basis.flatten(1) @ self.kernel(code.basis).flatten(1).T
        offset = code.encode(self.kernel(code.mean)) if code.mean is not None else matrix.new_zeros(code.dims)
        return matrix, offset

    def _places(self, field: Tensor, row: int) -> Tensor:
        """Move what stands in the plane of the axes `row` and `row` + 1: one exchange of the two at most, one copy at most."""
        across, down, sideways = self._steps
        if across:
            field = field.transpose(row, row + 1)
        flipped = [axis for axis, yes in ((row, down), (row + 1, sideways)) if yes]
        return field.flip(flipped) if flipped else field

    def _vectors(self, vectors: Tensor, axis: int) -> Tensor:
        """Turn the vectors (row, column) that lie along `axis`."""
        across, down, sideways = self._steps
        if across:
            vectors = vectors.flip(axis)
        shape = [2] + [1] * (-1 - axis)
        return vectors * vectors.new_tensor([-1.0 if down else 1.0, -1.0 if sideways else 1.0]).view(shape)

    @property
    def _steps(self) -> tuple[bool, bool, bool]:
        """The same turn as: exchange rows and columns, then upside down, then left to right."""
        return self.quarters % 2 == 1, self.quarters in (1, 2), (self.quarters in (2, 3)) != self.flip


TURNS = tuple(Turn(quarters, flip) for flip in (False, True) for quarters in range(4))


def draw_turn(rng: np.random.Generator) -> Turn:
    """One of the eight, all alike likely. Takes two numbers from `rng`."""
    return Turn(int(rng.integers(4)), bool(rng.integers(2)))
