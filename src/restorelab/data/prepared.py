"""Data sets that lie ready on this machine: each in a folder of its own, with a manifest that was written last."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from restorelab import repository
from restorelab.data.sums import sum_of
from restorelab.errors import DataError, ParameterError

MANIFEST = "manifest.json"
FORMAT = 1

Progress = Callable[[str, int, int | None], None]  # called with what is being done, how much of it is, and all (None: unknown)


def data_root() -> Path:
    """Where prepared sets are: $RESTORELAB_DATA_SETS, else `data_sets` in the repository (or here, outside of one)."""
    if os.environ.get("RESTORELAB_DATA_SETS"):
        return Path(os.environ["RESTORELAB_DATA_SETS"])
    try:
        return repository.root() / "data_sets"
    except ParameterError:
        return Path.cwd() / "data_sets"


@dataclass(frozen=True)
class PreparedSet:
    """A folder and its manifest: set, licence, citation, sources, splits, and every file with its bytes and sha256."""

    folder: Path
    manifest: dict

    @property
    def name(self) -> str:
        return self.manifest["set"]

    @property
    def splits(self) -> dict[str, int]:
        """Name of each split -> its number of pairs."""
        return self.manifest["splits"]

    def pairs(self, split: str) -> list:
        """The `FilePair`s (restorelab.data.folders) of one split. Raises ParameterError for a split that the set does not have."""
        if split not in self.splits:
            raise ParameterError(f"{self.name} has no split {split!r}; it has {', '.join(self.splits)}.")
        return find_splits(self.manifest["layout"], self.folder / self.manifest["inside"])[split]

    def verify(self, progress: Progress | None = None) -> None:
        """Read every file and compare its sha256. Raises DataError naming the first that is not what it was."""
        self.check_sizes()
        files = self.manifest["files"]
        for number, (name, (_, expected)) in enumerate(files.items(), start=1):
            if sum_of(self.folder / name) != expected:
                raise DataError(f"{self.folder / name} is not the file it was. {again(self.name, self.folder)}")
            if progress:
                progress("comparing checksums", number, len(files))

    def check_sizes(self) -> None:
        """Whether every file is there and as long as it was: a look at the folder, not into the files. Raises DataError."""
        for name, (size, _) in self.manifest["files"].items():
            try:
                found = (self.folder / name).stat().st_size
            except OSError as error:
                raise DataError(f"{self.folder / name} is missing. {again(self.name, self.folder)}") from error
            if found != size:
                raise DataError(f"{self.folder / name} has {found} bytes, not {size}. {again(self.name, self.folder)}")


def open_prepared(folder: str | Path) -> PreparedSet:
    """The set in `folder`, every file of which is there with its size. Raises DataError saying what is missing and what to run."""
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{folder} holds no prepared data set. Run python data_scripts/{folder.name}.py first.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"the manifest of {folder} cannot be read ({error}). {again(folder.name, folder)}") from error
    if not _is_manifest(manifest):
        raise DataError(f"the manifest of {folder} is not one that this version of restorelab writes. {again(folder.name, folder)}")
    found = PreparedSet(folder, manifest)
    found.check_sizes()
    return found


def find_prepared(name: str, root: str | Path | None = None) -> PreparedSet | None:
    """The set `name` below `root` (`data_root()`), or None where nobody prepared it. Raises DataError for one that is damaged."""
    folder = Path(root or data_root()) / name
    return open_prepared(folder) if (folder / MANIFEST).is_file() else None


def find_splits(layout: str, folder: Path) -> dict[str, list]:
    """Name of each split -> its `FilePair`s, in a folder that lies as `layout` says. Raises DataError."""
    from restorelab.data.layouts import find_pairs  # reads pictures, and so imports torch: seconds that a download need not wait

    return find_pairs(layout, folder)


def again(name: str, folder: Path) -> str:
    return f"Delete {folder}, and run python data_scripts/{name}.py again."


def _is_manifest(manifest: object) -> bool:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        return False
    kinds = {"set": str, "layout": str, "inside": str, "splits": dict, "files": dict}
    return (
        all(isinstance(manifest.get(key), kind) for key, kind in kinds.items())
        and _is_inside(manifest["inside"])
        and all(
            _is_inside(name) and isinstance(facts, list) and [type(fact) for fact in facts] == [int, str]
            for name, facts in manifest["files"].items()
        )
    )


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
