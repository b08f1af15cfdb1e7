"""What DND's server judges in place of public clean pictures: one MATLAB file per picture, with its boxes restored.

The format is that of the benchmark's kit (its `bundle_submissions_srgb`): `Idenoised`, a cell array of the boxes as single `h w 3` in
[0, 1]; `israw`, false; `eval_version`, "1.0". Where it is sent: noise.visinf.tu-darmstadt.de.
"""

import io
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import scipy.io
from jaxtyping import Float32
from torch import Tensor

from restorelab.data.folders import FilePair, load_picture
from restorelab.data.layouts import find_pairs
from restorelab.errors import DataError
from restorelab.files import write_atomically

VERSION = "1.0"  # of the evaluation, in the files


def write_dnd(folder: str | Path, restorer: Callable[[Tensor], Tensor], out: str | Path, progress: Callable | None = None) -> list[Path]:
    """Restore every box of DND in `folder` and write 0001.mat, ... into `out`, which are to be zipped and sent in. Returns them.

    restorer: a noisy picture `3 h w` in [0, 1] -> the restored one, of the same size; it is clamped. One box is in memory at a time, and
    the restored ones of one picture. `progress(done, all)` is called after each box. Raises DataError.
    """
    out, written, done = Path(out), [], 0
    boxes = find_pairs("dnd", folder)["test"]
    out.mkdir(parents=True, exist_ok=True)
    for name, of_picture in groupby(boxes, key=lambda pair: pair.name.rpartition("_")[0]):
        restored = []
        for pair in of_picture:
            restored.append(_restored(pair, restorer))
            done += 1
            if progress:
                progress(done, len(boxes))
        written.append(out / f"{name}.mat")
        write_atomically(written[-1], _file_of(restored))
    return written


def _restored(pair: FilePair, restorer: Callable[[Tensor], Tensor]) -> Float32[np.ndarray, "h w 3"]:
    noisy = load_picture(pair.degraded)
    restored = restorer(noisy).detach().cpu()
    if restored.shape != noisy.shape or not restored.isfinite().all():
        raise DataError(f"{pair.name}: what came back has shape {tuple(restored.shape)}, not {tuple(noisy.shape)}, or is not finite.")
    return restored.clamp(0, 1).permute(1, 2, 0).float().numpy()


def _file_of(restored: list[Float32[np.ndarray, "_ _ 3"]]) -> bytes:
    cells = np.empty(len(restored), object)
    for number, box in enumerate(restored):  # of arrays of one size, numpy would make one array
        cells[number] = box
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"Idenoised": cells, "israw": False, "eval_version": VERSION}, oned_as="row")
    return buffer.getvalue()
