"""From an entry of the catalog to a folder that training can read: download, unpack, check, and the manifest last.

A process may be killed at any moment. Downloads go on where they were; an archive is unpacked into a temporary folder that gets its
name in one step; a set without a manifest is not a set yet, and the next run finishes it.
"""

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

import restorelab
from restorelab.data import fetch, unpack
from restorelab.data.catalog import DataSet, RemoteFile
from restorelab.data.prepared import FORMAT, MANIFEST, PreparedSet, Progress, data_root, find_splits, open_prepared
from restorelab.data.sums import md5_of_folder, sum_of
from restorelab.errors import DataError
from restorelab.files import write_atomically

DOWNLOADS = "downloads"  # below the root: one folder per set, which may be deleted when the set is prepared
LOCK_WAIT = 5  # seconds

Finish = Callable[[Path, Progress], None]  # a last step of a set's own; killed, it is called again and goes on


@dataclass(frozen=True)
class Plan:
    """What preparing a set would take."""

    folder: Path  # where the set will be
    downloads: Path  # where its archives go, or may be put by hand
    ready: bool  # it is prepared
    to_fetch: tuple[RemoteFile, ...]
    by_hand: tuple[RemoteFile, ...]  # of those, the ones that no script can fetch
    size: int  # bytes to download, as far as known
    exact: bool  # whether all sizes are known
    free: int  # bytes on that disk


def plan(dataset: DataSet, root: str | Path | None = None, source: str | Path | None = None) -> Plan:
    """What `prepare` would do with the same arguments; nothing is written and nothing is asked from the network."""
    root = Path(root or data_root())
    folder, downloads = root / dataset.name, root / DOWNLOADS / dataset.name
    brought = _brought(dataset, source)
    missing = tuple(file for file in dataset.files if file.name not in brought and not (downloads / file.name).is_file())
    there = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
    return Plan(
        folder=folder,
        downloads=downloads,
        ready=(folder / MANIFEST).is_file(),
        to_fetch=missing,
        by_hand=tuple(file for file in missing if not file.urls),
        size=sum(file.size or file.about or 0 for file in missing),
        exact=all(file.size is not None for file in missing),
        free=shutil.disk_usage(there).free,
    )


def prepare(
    dataset: DataSet,
    root: str | Path | None = None,
    source: str | Path | None = None,
    progress: Progress | None = None,
    finish: Finish | None = None,
    **how,
) -> PreparedSet:
    """The set in `root`/`dataset.name`, made unless it is there. Killed at any moment, the next call finishes it.

    root: `data_root()` when None. source: what was downloaded by hand, a file of the set or a folder with several. finish: called with
    the folder after unpacking. how: for `fetch.fetch`. Raises DataError (also as DownloadError, ArchiveError) saying what to do.
    """
    root, progress = Path(root or data_root()), progress or _silent
    folder = root / dataset.name
    with _one_writer(root, dataset.name):
        if (folder / MANIFEST).is_file():
            return open_prepared(folder)
        archives = _gather(dataset, root / DOWNLOADS / dataset.name, _brought(dataset, source), progress, how)
        if not folder.exists():
            _unpack(dataset, archives, folder, progress, check=finish is None)
        if finish:
            finish(folder, progress)
        _write_manifest(dataset, archives, folder, progress)
    return open_prepared(folder)


def by_hand_steps(dataset: DataSet, plan: Plan) -> str:
    """What a person has to do before the script can go on: lines of text, "" when there is nothing."""
    if not plan.by_hand:
        return ""
    steps = [f"{dataset.title} cannot be downloaded by a script. {dataset.by_hand} Its page: {dataset.page}"]
    steps += [f"  {file.by_hand(plan.downloads)}" for file in plan.by_hand]
    return "\n".join([*steps, "Then run this again."])


def _silent(what: str, done: int, everything: int | None) -> None:
    pass


@contextmanager
def _one_writer(root: Path, name: str) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(root / f".{name}.lock")
        lock.acquire(timeout=LOCK_WAIT)
    except filelock.Timeout as error:
        raise DataError(f"another process is preparing {name} in {root}: wait for it.") from error
    except OSError as error:
        raise DataError(f"{root} cannot be written to: {error.strerror}. Give another folder with --root.") from error
    try:
        yield
    finally:
        lock.release()


def _brought(dataset: DataSet, source: str | Path | None) -> dict[str, Path]:
    """The files of the set that were downloaded by hand, by their names in the catalog. Raises DataError when there is none."""
    if source is None:
        return {}
    source = Path(source).expanduser()
    if source.is_file() and len(dataset.files) == 1:
        return {dataset.files[0].name: source}
    around, names = (source, None) if source.is_dir() else (source.parent, {source.name})
    found = {}
    for file in dataset.files:
        for candidate in (around / file.name, around / Path(file.name).name):
            if candidate.is_file() and (names is None or candidate.name in names):
                found[file.name] = candidate
    if not found:
        wanted = ", ".join(file.name for file in dataset.files[:5])
        raise DataError(f"{source} is not, and does not hold, a file of {dataset.name}: they are called {wanted}.")
    return found


def _gather(dataset: DataSet, downloads: Path, brought: dict[str, Path], progress: Progress, how: dict) -> list[tuple[RemoteFile, Path]]:
    """Every file of the set, as the catalog describes it, and where it lies; downloaded where it lies nowhere."""
    everything = sum(file.size or 0 for file in dataset.files) if all(file.size for file in dataset.files) else None
    before, found = 0, []
    for file in dataset.files:
        path = brought.get(file.name)
        if path:
            fetch.check(dataclasses.replace(file, name=path.name), path)
        else:
            path = fetch.fetch(file, downloads, _of_all(progress, file, before, everything), **how)
        found.append((file, path))
        before += path.stat().st_size
    return found


def _of_all(progress: Progress, file: RemoteFile, before: int, everything: int | None) -> Callable[[int, int | None], None]:
    if everything is not None:
        return lambda done, _: progress("downloading", before + done, everything)
    return lambda done, this: progress(f"downloading {file.name}", done, this)


def _unpack(dataset: DataSet, archives: list[tuple[RemoteFile, Path]], folder: Path, progress: Progress, check: bool) -> None:
    with unpack.building(folder) as temporary:
        for file, path in archives:
            if unpack.is_archive(path.name):
                unpack.extract(path, temporary, lambda done, everything, name=path.name: progress(f"unpacking {name}", done, everything))
            else:
                target = temporary / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        _check_folders(dataset, temporary)
        if check:
            _check_layout(dataset, temporary)


def _check_folders(dataset: DataSet, folder: Path) -> None:
    for name, expected in dataset.folder_md5.items():
        if not (folder / name).is_dir():
            raise DataError(f"what was downloaded for {dataset.name} holds no folder {name}: it is not the set that the catalog knows.")
        if md5_of_folder(folder / name) != expected:
            raise DataError(f"the files in {name} of {dataset.name} are not those that the catalog knows. Look at {dataset.page}.")


def _check_layout(dataset: DataSet, folder: Path) -> tuple[str, dict[str, int]]:
    """-> (the folder inside in which the layout begins, the number of pairs of every split). Raises DataError for another set."""
    start, splits = _find_layout(dataset.layout or dataset.name, folder / dataset.inside)
    for split, expected in dataset.pairs.items():
        if splits.get(split) != expected:
            raise DataError(
                f"{dataset.name} should have {expected} pairs in its split {split!r}, but {splits.get(split, 0)} were found: the archive "
                f"is incomplete or another one. Delete the download, and look at {dataset.page}."
            )
    return start.relative_to(folder).as_posix(), splits


def _find_layout(layout: str, folder: Path) -> tuple[Path, dict[str, int]]:
    """Archives come with and without folders around: where the layout is not found, it may begin in the only folder inside."""
    place = folder
    while True:
        try:
            return place, {split: len(pairs) for split, pairs in find_splits(layout, place).items()}
        except DataError as error:
            inside = [path for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
            if len(inside) != 1:
                raise DataError(f"what was unpacked for {layout} does not lie as it should. {error}") from error
            place = inside[0]


def _write_manifest(dataset: DataSet, archives: list[tuple[RemoteFile, Path]], folder: Path, progress: Progress) -> None:
    inside, splits = _check_layout(dataset, folder)
    for stray in folder.glob(".*.tmp"):  # of a run that was killed while it wrote the manifest
        stray.unlink()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {}
    for number, path in enumerate(paths, start=1):
        files[path.relative_to(folder).as_posix()] = [path.stat().st_size, sum_of(path)]
        progress("writing the manifest", number, len(paths))
    manifest = {
        "format": FORMAT,
        "set": dataset.name,
        "title": dataset.title,
        "licence": dataset.licence,
        "citation": dataset.citation,
        "page": dataset.page,
        "layout": dataset.layout or dataset.name,
        "inside": inside,
        "splits": splits,
        "made_with": f"restorelab {restorelab.__version__}",
        "made_on": time.strftime("%Y-%m-%d"),
        "sources": [
            {"name": file.name, "addresses": list(file.urls), "bytes": path.stat().st_size, "sha256": file.sha256 or sum_of(path)}
            for file, path in archives
        ],
        "files": files,
    }
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
