"""Small files as MATLAB writes them, for the tests: version 7.3 (HDF5) by h5py, version 5 by scipy."""

from pathlib import Path

import h5py
import numpy as np
import scipy.io


def write_v73(path: Path, **variables: np.ndarray) -> Path:
    """Arrays as MATLAB's `save -v7.3`: 512 bytes of header before the HDF5, axes in the opposite order, compressed in pieces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in variables.items():
            file.create_dataset(name, data=np.asarray(array).T, compression="gzip", chunks=True)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return path


def write_info(path: Path, boxes: list[np.ndarray]) -> Path:
    """DND's info.mat: a struct array, of which every field is a list of references to arrays. `boxes`: `n 4` for each picture."""
    with h5py.File(path, "w", userblock_size=512) as file:
        references = np.empty((1, len(boxes)), h5py.ref_dtype)
        for number, array in enumerate(boxes):
            stored = file.create_dataset(f"#refs#/{number}", data=np.asarray(array, float).T)
            references[0, number] = stored.ref
        file.create_dataset("info/boundingboxes", data=references, dtype=h5py.ref_dtype)
    return path


def write_dnd_set(folder: Path, pictures: list[np.ndarray], boxes: list[np.ndarray]) -> Path:
    for number, picture in enumerate(pictures, start=1):
        write_v73(folder / "images_srgb" / f"{number:04d}.mat", InoisySRGB=picture)
    write_info(folder / "info.mat", boxes)
    return folder


def write_blocks(folder: Path, name: str, array: np.ndarray, compressed: bool = True) -> Path:
    """SIDD's blocks, `rows columns h w 3` bytes, under the name of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / f"{name}.mat", {name: array}, do_compression=compressed)
    return folder / f"{name}.mat"
