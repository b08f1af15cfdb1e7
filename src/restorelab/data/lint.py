"""The classical disasters of data sets, looked for before a week of training finds them.

Every one has cost somebody a paper's worth of figures: the input is the target; pairs shifted by one stray file; red and blue
exchanged in half of them; test pictures among the training ones; Urban100 at half its size. One pair is in memory at a time.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from restorelab.data.folders import FilePair, Matching, some
from restorelab.data.layout_finders import HALF_URBAN
from restorelab.data.layouts import detect, find_pairs, role
from restorelab.data.pair_checks import Look, Picture, look_at
from restorelab.errors import ParameterError

CROP = 128  # a training crop of this side should fit
ALIKE = 24  # bits of 256 in which two outlines may differ; see pair_checks.outline

Source = str | Path | Sequence[FilePair] | Mapping[str, Sequence[FilePair]]


@dataclass(frozen=True)
class Finding:
    """Something wrong (an error) or doubtful (a warning) with a data set."""

    severity: str  # "error" or "warning"
    kind: str  # "identical", "unpaired", "size", "leak", ...
    files: tuple[Path, ...]
    sentence: str  # what it is, and what to do


@dataclass(frozen=True)
class Split:
    name: str
    pictures: int  # pairs, or clean pictures alone
    paired: bool
    scale: int | None  # clean pixels a side of a degraded one, in most pairs; None of clean pictures alone


@dataclass(frozen=True)
class Report:
    findings: tuple[Finding, ...]
    splits: tuple[Split, ...]

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)


# mark of a pair -> severity, and what it means. "inverted" is an error when most pairs of a split have it: a single frame may have
# come out sharper than its reference.
MARKS = {
    "identical": ("error", "the input is the target (or within 60 dB of it): a network learns to copy, and every score is too good."
                  " Look for a folder given twice, or make the degraded pictures again."),
    "size": ("error", "the sizes of input and target do not fit: neither equal nor a whole multiple. Look whether they are pairs at all;"
             " if the larger one is the input, exchange the folders."),
    "swapped": ("error", "exchanging red and blue makes the input fit its target far better: one of them was written as BGR."
                " Convert one side."),
    "misaligned": ("warning", "input and target are shifted by more than 2 pixels. Align them, or score with a protocol that aligns."),
    "inverted": ("warning", "the input is sharper than the target, in the places where both have detail. Exchange the two folders."),
}  # fmt: skip


def check_folder(source: Source, progress: Callable[[int, int], None] | None = None, *, set_name: str | None = None) -> list[Finding]:
    """What is wrong with a data set, worst first: `examine` without the rest. An empty list is a clean bill."""
    return list(examine(source, progress, set_name=set_name).findings)


def examine(source: Source, progress: Callable[[int, int], None] | None = None, *, set_name: str | None = None) -> Report:
    """Look at every pair of a folder (or of pairs given as a list, or as split -> list), and at the splits together.

    The layout of a folder is that of `set_name` (of `layouts.LAYOUTS`), or found by the names of its folders. `progress(done, all)` is
    called after each pair. Raises DataError for a folder that holds no data set, ParameterError for another set or an empty list.
    """
    splits = _splits(source, set_name)
    total, done = sum(len(matching.pairs) for matching in splits.values()), 0
    if not total and not any(matching.unpaired for matching in splits.values()):
        raise ParameterError("there is no pair to look at.")
    looks: dict[str, list[Look]] = {split: [] for split in splits}
    for split, matching in splits.items():
        for pair in matching.pairs:
            looks[split].append(look_at(pair))
            done += 1
            if progress:
                progress(done, total)
    findings = [finding for split, matching in splits.items() for finding in _unpaired(split, matching)]
    for split, seen in looks.items():
        findings += [
            *_unreadable(split, seen),
            *_marked(split, seen),
            *_other_scales(split, seen),
            *_grey(split, seen),
            *_small(split, seen),
        ]
    findings += [*_urban(looks), *_deep(looks), *_leaks(looks)]
    facts = tuple(Split(split, len(seen), any(look.pair.degraded and look.pair.clean for look in seen), _scale(seen))
                  for split, seen in looks.items())  # fmt: skip
    return Report(tuple(sorted(findings, key=lambda finding: finding.severity)), facts)


def _splits(source: Source, set_name: str | None) -> dict[str, Matching]:
    if isinstance(source, str | Path) and set_name is None:
        return detect(source)
    if isinstance(source, str | Path):
        source = find_pairs(set_name, source)
    if not isinstance(source, Mapping):
        source = {"": source}
    return {split: Matching("given", tuple(pairs), ()) for split, pairs in source.items()}


def _finding(severity: str, kind: str, split: str, files: Sequence[Path], sentence: str) -> Finding:
    where = f"{split}: " if split else ""
    return Finding(
        severity, kind, tuple(files), f"{where}{len(files)} {'file' if len(files) == 1 else 'files'} ({some(files, 3)}): {sentence}"
    )


def _unpaired(split: str, matching: Matching) -> list[Finding]:
    if not matching.unpaired:
        return []
    words = f"they have no partner of the same name (rule {matching.rule!r}). Rename or delete them: loaders that pair by position shift."
    return [_finding("error", "unpaired", split, matching.unpaired, words)]


def _unreadable(split: str, looks: list[Look]) -> list[Finding]:
    broken = [item for look in looks for item in look.unreadable]
    words = f"they cannot be read. {broken[0][1]}" if broken else ""
    return [_finding("error", "unreadable", split, [file for file, _ in broken], words)] if broken else []


def _marked(split: str, looks: list[Look]) -> list[Finding]:
    found = []
    for mark, (severity, words) in MARKS.items():
        files = [look.pair.degraded for look in looks if mark in look.marks]
        if mark == "inverted" and 2 * len(files) > len(looks):
            severity = "error"
        if files:
            found.append(_finding(severity, mark, split, files, words))
    return found


def _scale(looks: list[Look]) -> int | None:
    """The scale of most pairs."""
    scales = Counter(look.scale for look in looks if look.scale is not None)
    return scales.most_common(1)[0][0] if scales else None


def _other_scales(split: str, looks: list[Look]) -> list[Finding]:
    scale = _scale(looks)
    others = [look for look in looks if look.scale not in (None, scale)]
    words = f"their scale is {', '.join(sorted({f'x{look.scale}' for look in others}))}, that of the others x{scale}. Set them apart."
    return [_finding("error", "size", split, [look.pair.degraded for look in others], words)] if others else []


def _grey(split: str, looks: list[Look]) -> list[Finding]:
    pictures = [picture for look in looks for picture in look.pictures]
    grey = [picture.file for picture in pictures if picture.grey]
    if not 0 < 2 * len(grey) < len(pictures):
        return []
    return [
        _finding("warning", "grey", split, grey, "they are grey among coloured ones. Leave them out, unless the set is known to have them.")
    ]


def _small(split: str, looks: list[Look]) -> list[Finding]:
    sides = {look.pair.clean: min(look.pictures[-1].size) for look in looks if look.pair.clean and look.pictures and not look.unreadable}
    usual = median(sides.values()) if sides else 0
    small = [file for file, side in sides.items() if side < min(CROP, usual / 2)]
    words = f"they are smaller than a crop of {CROP} pixels and than half of the others. Leave them out, or see why."
    return [_finding("warning", "small", split, small, words)] if small else []


def _urban(looks: Mapping[str, list[Look]]) -> list[Finding]:
    files = [picture.file for picture in _pictures(looks)]
    halves = [file for file in files if re.fullmatch(r"img_\d+_SRF_2_HR", file.stem) and "urban" in file.as_posix().lower()]
    return [_finding("error", "urban100", "", halves, HALF_URBAN)] if halves else []


def _deep(looks: Mapping[str, list[Look]]) -> list[Finding]:
    by_bits: dict[int, list[Path]] = {}
    for picture in _pictures(looks):
        by_bits.setdefault(picture.bits, []).append(picture.file)
    if len(by_bits) < 2:
        return []
    bits, files = min(by_bits.items(), key=lambda item: len(item[1]))
    return [_finding("warning", "depth", "", files, f"they have {bits} bits among others of {max(by_bits, key=lambda b: len(by_bits[b]))}."
                     " Loaders that clip or shift deep files differ on them: convert all to one depth.")]  # fmt: skip


def _leaks(looks: Mapping[str, list[Look]]) -> list[Finding]:
    """Pictures that stand in two of training, validation and test: the same pixels, or nearly."""
    roles: dict[str, list[Picture]] = {}
    for split, seen in looks.items():
        if role(split):
            roles.setdefault(role(split), []).extend(picture for look in seen for picture in look.pictures)
    names, found = sorted(roles), []
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            same = _same(roles[one], roles[other])
            words = "the same pixels stand in both, clean or degraded. Take them out of training: every score on them is void."
            found += [_finding("error", "leak", f"{one} and {other}", same, words)] if same else []
            alike = _alike(roles[one], roles[other], set(same))
            words = "they look like pictures of the other split (by a coarse hash). Look at them: resized or compressed copies leak too."
            found += [_finding("warning", "near-duplicate", f"{one} and {other}", alike, words)] if alike else []
    return found


def _same(one: list[Picture], other: list[Picture]) -> list[Path]:
    shared = {picture.content for picture in one} & {picture.content for picture in other}
    return sorted({picture.file for picture in (*one, *other) if picture.content in shared})


def _alike(one: list[Picture], other: list[Picture], known: set[Path]) -> list[Path]:
    """Files of either list whose outline nearly equals one of the other list; `known` are told already."""
    one, other = ([picture for picture in pictures if picture.outline is not None] for pictures in (one, other))
    if not one or not other:
        return []
    outlines, found = np.stack([picture.outline for picture in one]).view(np.uint64), set()
    for picture in other:
        apart = np.bitwise_count(outlines ^ picture.outline.view(np.uint64)).sum(axis=1)
        for number in np.flatnonzero(apart <= ALIKE):
            found |= {picture.file, one[number].file}
    return sorted(found - known)


def _pictures(looks: Mapping[str, list[Look]]) -> list[Picture]:
    """Every file once, though several splits share it."""
    return list({picture.file: picture for seen in looks.values() for look in seen for picture in look.pictures}.values())
