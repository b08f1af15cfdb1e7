"""A model, pairs and a protocol in; one row of figures per picture out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from torch import nn

from restorelab.data.pairs import Pair
from restorelab.metrics import COURSE_RGB, Protocol, psnr, ssim
from restorelab.restore import restore


@dataclass(frozen=True)
class Row:
    """One picture: PSNR in dB and SSIM, of the degraded picture and of the restored one."""

    name: str
    degraded_psnr: float
    restored_psnr: float
    degraded_ssim: float
    restored_ssim: float

    @property
    def gain(self) -> float:
        """dB."""
        return self.restored_psnr - self.degraded_psnr


@dataclass(frozen=True)
class Evaluation:
    rows: tuple[Row, ...]
    protocol: Protocol

    def mean(self, figure: str) -> float:
        """Mean over the pictures of one field of `Row`, or of `gain`."""
        return fmean(getattr(row, figure) for row in self.rows)

    @property
    def worst(self) -> Row:
        """The picture that gained least."""
        return min(self.rows, key=lambda row: row.gain)


def evaluate(model: nn.Module, pairs: Sequence[Pair], protocol: Protocol = COURSE_RGB,
             progress: Callable[[int, int], None] | None = None) -> Evaluation:  # fmt: skip
    """Restore every degraded picture and score it; `progress(done, all)` is called after each."""
    rows = []
    for pair in pairs:
        restored = restore(model, pair.degraded).image
        scores = (metric(image, pair.clean, protocol) for metric in (psnr, ssim) for image in (pair.degraded, restored))
        rows.append(Row(pair.name, *scores))
        if progress:
            progress(len(rows), len(pairs))
    return Evaluation(tuple(rows), protocol)
