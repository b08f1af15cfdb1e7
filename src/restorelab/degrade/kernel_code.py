"""A blur kernel in a few numbers: its code on the eigen-kernels of a law of kernels (PCA), which SRMD, UDVD and IKC feed to a network.

    code = <eigen-kernels, kernel - mean>          kernel ~ mean + sum over t of code[t] * eigen-kernel[t]

The mean is that of the kernels fitted, or nothing. *Without* is SRMD's way, and UDVD's that follows it, and here the default: a
mixture of eigen-kernels and nothing else is also a blur by eigen-kernels and a weighted sum (`gather_basis`). *With* the mean is
the better approximation with as many numbers, and its kernels sum to 1 exactly, whatever the code. SRMD's law in 15 numbers: 10,000 new
kernels are off by 4.6 % without the mean and 4.2 % with it (root mean square, of the kernels' own), and sum to 0.92 to 1.08 without.

Elsewhere a code is a matrix, and so two mistakes are easily made that no shape gives away. Kernels flattened column by column
(MATLAB) meet a matrix for row by row (numpy): the codes are off by a third and more, though they decode. Or the mean is taken off in one
place and not in the other. So here the eigen-kernels are pictures, indexed (row, column); kernels go in and come out as pictures; the
mean goes with them; and where a matrix is needed, for files of others, its order must be named.

The rows of SRMD's file stand in rising order of energy, ours in falling: the first number says most.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float64
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from torch import Tensor

from restorelab.degrade.srmd import SIZE, VARIANCE, draw_srmd_kernels
from restorelab.errors import CheckpointError, ParameterError
from restorelab.files import sha256_of, sum_file, sum_fits
from restorelab.tensor_file import KEY, write

FORMAT = "restorelab-kernel-code-1"
HASH_STEPS = 2**20  # a kernel's values are hashed in these steps, far above the last bits in which two machines differ
ORDERS = ("C", "F")


@dataclass(frozen=True)
class Provenance:
    """Where a code comes from."""

    law: str  # how its kernels were drawn, in words
    count: int | None  # of kernels
    seed: int | None = None
    sha256: str = ""  # of the kernels, to 2^-20; of the matrix, for one from elsewhere


@dataclass(frozen=True, eq=False)
class KernelCode:
    """Made by `KernelCode.fit_srmd()`, `.fit(kernels, dims)`, `.from_matrix(...)` or `.load(path)`. Tensors are float64."""

    basis: Float64[Tensor, "d k k"]  # eigen-kernels, of length 1 and at right angles
    mean: Float64[Tensor, "k k"] | None  # what is taken off a kernel first; None: nothing
    provenance: Provenance
    energy: Float64[Tensor, " d"] | None = None  # share of the fitted kernels' energy in the first 1, 2, ... numbers, if known

    def __post_init__(self):
        _check(self.basis, self.mean, self.energy)

    @property
    def dims(self) -> int:
        return self.basis.shape[0]

    @property
    def size(self) -> int:
        """The side of the kernels."""
        return self.basis.shape[1]

    @property
    def fingerprint(self) -> str:
        """Sixteen letters for a network's manifest, to tell later whether a code is the one it learnt with.

        From the kernels fitted and the choices made, not from the eigen-kernels, whose last bits depend on the algebra library: the
        same fit on another machine has the same fingerprint.
        """
        facts = {"size": self.size, "dims": self.dims, "mean": self.mean is not None, **asdict(self.provenance)}
        return sha256_of(json.dumps(facts, sort_keys=True).encode())[:16]

    def encode(self, kernels: Float[Tensor, "*n row column"]) -> Float[Tensor, "*n d"]:
        """Kernels as pictures -> codes, in the kernels' type. Raises ParameterError for kernels of another size."""
        self._check_size(kernels)
        centred = kernels.double() if self.mean is None else kernels.double() - self.mean
        return torch.einsum("...ij,dij->...d", centred, self.basis).to(kernels.dtype)

    def decode(self, codes: Float[Tensor, "*n d"]) -> Float[Tensor, "*n k k"]:
        """Codes -> kernels, in the codes' type: close to those encoded, a little negative in places, and not quite of sum 1.

        Raises ParameterError for codes of another length.
        """
        if codes.shape[-1] != self.dims:
            raise ParameterError(f"this code has {self.dims} numbers for a kernel, not {codes.shape[-1]}.")
        kernels = torch.einsum("...d,dij->...ij", codes.double(), self.basis)
        return (kernels if self.mean is None else kernels + self.mean).to(codes.dtype)

    def reconstruction_error(self, kernels: Float[Tensor, "*n row column"]) -> Float64[Tensor, "*n"]:
        """What is lost by encoding and decoding, as a share: |kernel - decoded| / |kernel|, root of the sum of squares."""
        kernels = kernels.double()
        lost = kernels - self.decode(self.encode(kernels))
        return torch.linalg.matrix_norm(lost) / torch.linalg.matrix_norm(kernels)

    def matrix(self, order: str) -> Float64[Tensor, "d t"]:
        """The eigen-kernels flattened, for other people's code: "F" column by column (MATLAB, SRMD), "C" row by row (numpy, torch)."""
        return _in_order(self.basis, order).flatten(1)

    @staticmethod
    def fit(kernels: Float[Tensor, "n k k"], dims: int, subtract_mean: bool, law: str = "given", seed: int | None = None) -> "KernelCode":
        """The best code of `dims` numbers for these kernels: their eigen-kernels of most energy, strongest first.

        subtract_mean: see the top of this file. law, seed: how the kernels were drawn, for the record.

        The sign of an eigen-kernel is arbitrary; here its first tap (row by row) of at least half its strongest is positive. So two
        machines make the same code, unless the kernels leave two directions alike. Raises ParameterError when there are fewer kernels
        or taps than dims.
        """
        count, taps = len(kernels), kernels[0].numel() if len(kernels) else 0
        if not 1 <= dims <= min(count, taps):
            raise ParameterError(
                f"a code of {dims} numbers cannot be fitted to {count} kernels of {taps} taps: choose 1 to {min(count, taps)}."
            )
        flat = kernels.double().flatten(1)
        mean = flat.mean(0) if subtract_mean else None
        centred = flat if mean is None else flat - mean
        energies, vectors = torch.linalg.eigh(centred.T @ centred)  # in rising order
        basis = _signed(vectors.T.flip(0)[:dims]).unflatten(1, kernels.shape[1:])
        energy = energies.flip(0).cumsum(0)[:dims] / energies.sum()
        provenance = Provenance(law, count, seed, _hash(kernels))
        return KernelCode(basis, None if mean is None else mean.unflatten(0, kernels.shape[1:]), provenance, energy)

    @staticmethod
    def fit_srmd(
        dims: int = 15,
        subtract_mean: bool = False,
        size: int = SIZE,
        variance: tuple[float, float] = VARIANCE,
        count: int = 10_000,
        seed: int = 0,
    ) -> "KernelCode":
        """The code for SRMD's law as SRMD makes it: 15 numbers, 10,000 kernels, no mean (see the top of this file)."""
        kernels = draw_srmd_kernels(count, np.random.default_rng(seed), variance, size, torch.float64)
        return KernelCode.fit(kernels, dims, subtract_mean, f"SRMD, variance {variance[0]:g} to {variance[1]:g}", seed)

    @staticmethod
    def from_matrix(matrix: Float[Tensor, "d t"], order: str, law: str, mean: Float[Tensor, " t"] | None = None) -> "KernelCode":
        """A code from elsewhere, one flattened eigen-kernel per row, rows kept in their order (SRMD's is rising).

        order: how its kernels were flattened, "F" (MATLAB, SRMD) or "C" (numpy, torch). Nothing in the numbers tells: ask its source.
        Raises ParameterError for another order, or rows that are not the eigen-kernels of an odd square size.
        """
        side = round(matrix.shape[1] ** 0.5)
        if side**2 != matrix.shape[1]:
            raise ParameterError(f"rows of {matrix.shape[1]} numbers are no square kernels; give one flattened kernel per row.")
        pictures = _in_order(matrix.double().unflatten(1, (side, side)), order)
        middle = None if mean is None else _in_order(mean.double().unflatten(0, (side, side)), order)
        return KernelCode(pictures.contiguous(), middle, Provenance(law, None, None, _hash(pictures)))

    def save(self, path: str | Path) -> str:
        """Write the code to `path`, a .safetensors file, and its sha256 beside it; returns that. Raises CheckpointError."""
        tensors = {"basis": self.basis, "mean": self.mean, "energy": self.energy}
        there = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        return write(path, there, {"format": FORMAT, "provenance": asdict(self.provenance)}, "kernel code", half=False)

    @staticmethod
    def load(path: str | Path) -> "KernelCode":
        """Read what `save` wrote. Raises CheckpointError for a file that is missing, damaged, or something else."""
        data = _read(Path(path))
        header = _header(data, path)
        try:
            tensors = read_tensors(data)
            provenance = Provenance(**header["provenance"])
            return KernelCode(tensors["basis"], tensors.get("mean"), provenance, tensors.get("energy"))
        except (SafetensorError, ParameterError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} says that it is a kernel code but cannot be read as one: {error}.") from error

    def _check_size(self, kernels: Tensor) -> None:
        if kernels.shape[-2:] != (self.size, self.size):
            shape = "x".join(map(str, kernels.shape[-2:]))
            raise ParameterError(
                f"this code is for kernels of {self.size}x{self.size}, rows by columns, not {shape}: bring them to that size with "
                f"pad_or_crop(kernels, {self.size}), or fit a code of their own size."
            )


def stretch(codes: Float[Tensor, "b d"], sigma: float | Float[Tensor, " b"], height: int, width: int) -> Float[Tensor, "b d+1 h w"]:
    """What SRMD and UDVD are told, as maps of the picture's size, the same everywhere: the code, then the noise ("stretching").

    sigma: of the noise, in units of the [0, 1] range. Raises ParameterError for one outside it: 25 must be given as 25/255.

    The maps are one number each, seen `height * width` times: they take no memory, and are not to be written into.
    """
    sigmas = torch.as_tensor(sigma, dtype=codes.dtype, device=codes.device).expand(len(codes))
    if not ((sigmas >= 0) & (sigmas <= 1)).all():
        raise ParameterError(f"sigma is in units of the [0, 1] range (25/255 is what papers write as 25), not {sigma}.")
    return torch.cat([codes, sigmas[:, None]], dim=1)[:, :, None, None].expand(-1, -1, height, width)


def _check(basis: Tensor, mean: Tensor | None, energy: Tensor | None) -> None:
    """Raise ParameterError for anything that is not a code."""
    if basis.ndim != 3 or basis.shape[1] != basis.shape[2] or basis.shape[1] % 2 == 0 or not basis.numel():
        raise ParameterError(f"the eigen-kernels of a code are pictures of one odd side, d k k, not {tuple(basis.shape)}.")
    fits = (mean is None or mean.shape == basis.shape[1:]) and (energy is None or energy.shape == basis.shape[:1])
    if not fits or any(part.dtype != torch.float64 for part in (basis, mean, energy) if part is not None):
        raise ParameterError("the mean of a code is one kernel, its energy one number for each eigen-kernel, and all of them float64.")
    flat = basis.flatten(1)
    off = (flat @ flat.T - torch.eye(len(flat), dtype=torch.float64)).abs().max()
    if not off < 1e-4 or (mean is not None and not mean.isfinite().all()):  # float32 files are off by 1e-7; not a number is off too
        raise ParameterError(
            f"eigen-kernels have length 1 and stand at right angles; these are off by {off:.2g}, or the mean is no number."
        )


def _in_order(pictures: Tensor, order: str) -> Tensor:
    """Flattening row by row what this returns is flattening in `order`; and it undoes itself."""
    if order not in ORDERS:
        raise ParameterError(f'order is "F" (column by column: MATLAB, SRMD) or "C" (row by row: numpy, torch), not {order!r}.')
    return pictures.mT if order == "F" else pictures


def _signed(vectors: Float64[Tensor, "d t"]) -> Float64[Tensor, "d t"]:
    """The sign of the strongest tap would not do: a kernel's symmetry makes several of them equally strong, with either sign."""
    strong = vectors.abs() >= vectors.abs().amax(1, keepdim=True) / 2
    first = strong.int().argmax(1, keepdim=True)
    return vectors * vectors.gather(1, first).sign()


def _hash(kernels: Tensor) -> str:
    steps = (kernels.double() * HASH_STEPS).round().to(torch.int32).contiguous().numpy().astype("<i4")
    return hashlib.sha256(str(tuple(kernels.shape)).encode() + steps.tobytes()).hexdigest()


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise CheckpointError(f"there is no kernel code {path}.")
    data = path.read_bytes()
    if not sum_fits(path, data):
        raise CheckpointError(
            f"{path} does not have the sha256 written in {sum_file(path).name} beside it, or that file is missing: fetch both files again."
        )
    return data


def _header(data: bytes, path: str | Path) -> dict:
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][KEY])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not a kernel code written by restorelab.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"{path} was written by restorelab, but is not a kernel code ({FORMAT}).")
    return header
