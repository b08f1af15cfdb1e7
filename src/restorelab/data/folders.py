"""A folder of the reader's own photographs."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from restorelab import image
from restorelab.errors import ParameterError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


def list_folder(folder: str | Path) -> list[Path]:
    """The pictures below `folder`, by name. Raises ParameterError when there is no such folder or nothing in it."""
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ParameterError(f"there is no folder {folder}: give one that holds photographs.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ParameterError(f"{folder} holds no photograph ({', '.join(sorted(SUFFIXES))}).")
    return files


def load_folder(folder: str | Path, progress: Callable[[int, int], None] | None = None) -> list[np.ndarray]:
    """Every picture as `h w c` bytes: a quarter of the memory of floats, and training crops decode nothing.

    `progress(done, all)` is called after each. Raises ImageError for a picture that cannot be read.
    """
    files = list_folder(folder)
    pictures = []
    for file in files:
        pictures.append(image.to_uint8(image.load(file)))
        if progress:
            progress(len(pictures), len(files))
    return pictures


def fingerprint(pictures: list[np.ndarray]) -> str:
    """sha256 over the pixels of all pictures, in order: says whether two runs saw the same photographs."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(str(picture.shape).encode())
        digest.update(picture.tobytes())
    return digest.hexdigest()
